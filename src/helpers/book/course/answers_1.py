"""Answers of sessions 1 and 2 of the course, and the mistakes to expect: from the law, closed forms and counting."""

import numpy as np

from helpers.book.course import cases as case
from helpers.book.course.answer import Known, exercise
from helpers.information.discrete import entropy
from helpers.information.ksg import ksg
from helpers.laws import NoiseLaw

_LN2 = float(np.log(2))
_NATS = "that looks like nats: log2 gives bits, the natural logarithm nats"


# Session 1: noise and information.

_DEPTHS, _MEAN = (8000.0, 500.0), 12.0  # UMIs of the cell before and after thinning; mean count of the gene before
_KEPT = _DEPTHS[1] / _DEPTHS[0]


@exercise("1.1", 0.01)
def _signal_to_noise_after_thinning() -> Known:
    right = _MEAN * _KEPT
    return right, {
        "that is the ratio before thinning": _MEAN,
        "that is mean over standard deviation; this book squares the mean and divides by the variance": right**0.5,
        "it is thinned twice: the variance falls with the mean, so their ratio loses one factor": right * _KEPT,
    }


@exercise("1.2", 0.005)
def _no_molecule_is_kept() -> Known:
    right = (1 - _KEPT) ** _MEAN
    return right, {
        "that holds for a Poisson number of molecules; here there are exactly 12": np.exp(-_MEAN * _KEPT),
        "that is the probability that the gene is seen": 1 - right,
        "that is the probability that every molecule is kept": _KEPT**_MEAN,
    }


@exercise("1.3", 0.05)
def _variance_over_mean_after_thinning() -> Known:
    overdispersion, mean, kept_mean = 0.5, 30.0, 3.0
    right = 1 + overdispersion * kept_mean
    return right, {
        "that is the ratio of the counts before thinning": 1 + overdispersion * mean,
        "that is the ratio of a Poisson gene: thinning does not make this one Poisson": 1.0,
        "that is the variance itself: divide it by the mean": kept_mean * right,
        "that is the standard deviation over the mean": np.sqrt(right / kept_mean),
        "that is the standard deviation": np.sqrt(right * kept_mean),
    }


@exercise("1.4", 0.01, "bits")
def _bits_of_a_table() -> Known:
    joint = np.array([[0.4, 0.1], [0.1, 0.4]])  # cell type by marker
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    right = float((joint * np.log2(joint / independent)).sum())
    return right, {
        "that is what is still unknown of the type once the marker is known: take it from the entropy": 1 - right,
        "that is the entropy of the pair, not what the two share": 2 - right,
        _NATS: right * _LN2,
    }


@exercise("1.5", 0.01, "bits")
def _bits_of_a_correlation() -> Known:
    right = -0.5 * np.log2(1 - 0.9**2)
    return right, {
        "the ½ before the logarithm is missing": 2 * right,
        "the correlation enters squared: 1 − ρ², not 1 − ρ": -0.5 * np.log2(1 - 0.9),
        _NATS: right * _LN2,
    }


@exercise("1.6", 0.01)
def _change_of_unit() -> Known:
    return (1e4, 0.0), {
        "a squared error is in squared units, so its factor is squared as well": (1e2, 0.0),
        "that is how much the entropy of the signal grows; information is a difference of two entropies": (
            (1e4, np.log2(100))
        ),
        "the first is to say how many times larger the loss is in centimetres than in metres": (1e-4, 0.0),
    }


@exercise("1.7", 0.01, "bits")
def _noise_law_at_u_bar() -> Known:
    i_max, u_bar = 2.0, 1000.0
    right = float(NoiseLaw(i_max, u_bar)(u_bar))
    return right, {
        "that is the ceiling without measurement noise: the counts stand between": i_max,
        "half a bit below I_max at u = ū holds only where I_max is large": i_max - 0.5,
        "no computation on the counts can add to what they hold": 2.3,
        _NATS: right * _LN2,
    }


@exercise("1.8", 0.01, "bits")
def _wrong_labels() -> Known:
    wrong, types = 0.1, 8  # a wrong label is any of the other seven
    binary = -(wrong * np.log2(wrong) + (1 - wrong) * np.log2(1 - wrong))
    right = float(np.log2(types) - binary - wrong * np.log2(types - 1))
    return right, {
        "that is the entropy of the labels: it does not yet count that some of them are wrong": 3.0,
        "knowing that a label is wrong does not say which of the other seven it should be": right + 0.1 * np.log2(7),
        "a tenth of wrong labels costs more than a tenth of the bits": 0.9 * 3.0,
        _NATS: right * _LN2,
    }


# Session 2: measuring it.


@exercise("2.1", 0.01, "bits")
def _entropy_of_shares() -> Known:
    eighths = [4, 2, 1, 1]
    right = entropy(np.repeat(np.arange(4), eighths))
    return right, {
        "that would be four equally frequent types: these are not": 2.0,
        "the minus sign before the sum is missing": -right,
        _NATS: right * _LN2,
    }


def _plug_in_bias(cells: float) -> float:
    """Return the first-order bias of the plug-in estimate, in bits."""
    return (case.TYPES - 1) * (case.CLUSTERS - 1) / (2 * cells * _LN2)


@exercise("2.2", 0.02, "bits")
def _bias_of_the_plug_in_estimate() -> Known:
    right = _plug_in_bias(case.CELLS)
    all_entries = case.TYPES * case.CLUSTERS / ((case.TYPES - 1) * (case.CLUSTERS - 1))
    return right, {
        _NATS: right * _LN2,
        "count the free entries of the table, (K_x − 1)(K_y − 1), not all of them": right * all_entries,
        "the 2 below the fraction is missing": 2 * right,
        "the bias is upwards: chance looks like information": -right,
    }


@exercise("2.3", 0.01, "cells")
def _cells_for_a_small_bias() -> Known:
    right = case.CELLS * _plug_in_bias(case.CELLS) / 0.01  # bits of bias that may remain
    return right, {
        "the bias falls as 1/n, not as 1/√n": right**2 / case.CELLS,
        "the bias in nats was set equal to an aim in bits": right * _LN2,
        "that is how many times as many cells: give the cells": right / case.CELLS,
    }


@exercise("2.4", 0.002)
def _p_value_of_permutations() -> Known:
    permutations, as_high = 199, 3
    right = (1 + as_high) / (1 + permutations)
    return right, {
        "count the estimate itself among the permutations, above and below: else p could be 0": as_high / permutations,
        "count the estimate itself below the fraction as well": (1 + as_high) / permutations,
        "that is the share of permutations that stay below; p counts those as high": 1 - right,
    }


@exercise("2.5", 0.02, "bits")
def _bias_of_neighbours() -> Known:
    truth = case.PAIR_BITS
    right = ksg(*case.pair()).bits - truth
    return right, {
        "the bias is the estimate minus the truth": -right,
        "that is the estimate itself: take the truth from it": right + truth,
        "that is the bias as a share of the truth: give it in bits": right / truth,
    }


@exercise("2.6", 0.12, "bits")
def _bits_of_learned_codes() -> Known:
    # Right is the exact answer, and not what the networks give on one machine.
    return case.PAIR_BITS, {
        "that is what neighbours give in all 8 dimensions: learn codes first, with lmi": ksg(*case.pair()).bits,
        "that is the permuted null, which should be near 0": 0.0,
    }


@exercise("2.7", 0.05, "bits")
def _bits_of_cells_drawn_again() -> Known:
    x, y = case.independent()
    drawn = np.random.default_rng(1).integers(0, len(x), len(x))
    return ksg(x[drawn], y[drawn]).bits, {
        "that is the estimate before cells were drawn again": ksg(x, y).bits,
        "x and y have to be drawn with the same indices, so that a pair stays together": ksg(x[drawn], y).bits,
    }


@exercise("2.8", 0.0)
def _doubtful_estimates() -> Known:
    rows = case.reported()
    margin = 2 * rows["standard error"]
    above_ceiling = rows["bits"] - margin > rows["entropy of the labels"]
    not_above_null = (rows["bits"] > margin) & (rows["bits"] - rows["permuted null"] < margin)
    return "".join(rows.index[above_ceiling | not_above_null]), {
        "a small negative estimate is what zero looks like where nothing is clipped": "BCD",
        "one of them has no more bits than its own permuted null": "B",
        "one of them has more bits than its labels": "C",
        "one of them is far above its null and below its ceiling": "BCE",
    }
