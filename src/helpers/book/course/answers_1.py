"""Answers of sessions 1 and 2 of the course, and the mistakes to expect: from the law, closed forms and counting."""

import numpy as np

from helpers.book.course import cases as case
from helpers.book.course import own_curve
from helpers.book.course.answer import Known, exercise
from helpers.book.course.own import each, together
from helpers.information.discrete import entropy
from helpers.information.ksg import ksg
from helpers.laws import NoiseLaw

_LN2 = float(np.log(2))
_NATS = "that looks like nats: log2 gives bits, the natural logarithm nats"


# Session 1: noise and information.

# UMIs of the cell before and after thinning; molecules of the gene before.
_THINNED = each(deep=(8000, 10000, 5000), shallow=(500, 400, 600), molecules=(12, 15, 18))


@exercise("1.1", 0.01, variants=_THINNED)
def _signal_to_noise_after_thinning(deep: float, shallow: float, molecules: float) -> Known:
    kept = shallow / deep
    right = molecules * kept
    return right, {
        "that is the ratio before thinning": molecules,
        "that is mean over standard deviation; this book squares the mean and divides by the variance": right**0.5,
        "it is thinned twice: the variance falls with the mean, so their ratio loses one factor": right * kept,
        "that is the share of molecules that is kept: multiply the mean by it": kept,
    }


@exercise("1.2", 0.005, variants=_THINNED)
def _no_molecule_is_kept(deep: float, shallow: float, molecules: float) -> Known:
    kept = shallow / deep
    right = (1 - kept) ** molecules
    return right, {
        "that holds for a Poisson number of molecules; here their number is known": np.exp(-molecules * kept),
        "that is the probability that the gene is seen": 1 - right,
        "that is the probability that every molecule is kept": kept**molecules,
        "that is the probability that one molecule is lost: all of them must be": 1 - kept,
        "probabilities of independent losses are multiplied, not added": molecules * (1 - kept),
    }


@exercise("1.3", 0.05, variants=each(share=(0.1, 0.2, 0.3)))
def _variance_over_mean_after_thinning(share: float) -> Known:
    overdispersion, mean = 0.5, 30.0
    kept_mean = mean * share
    right = 1 + overdispersion * kept_mean
    return right, {
        "that is the ratio of the counts before thinning": 1 + overdispersion * mean,
        "that is the ratio of a Poisson gene: thinning does not make this one Poisson": 1.0,
        "that is the variance itself: divide it by the mean": kept_mean * right,
        "that is the standard deviation over the mean": np.sqrt(right / kept_mean),
        "that is the standard deviation": np.sqrt(right * kept_mean),
    }


# Per cent of the cells of either type that show the marker, and the joint probabilities.
_MARKERS = together(first=(80, 90, 70), second=(20, 10, 30), high=(0.4, 0.45, 0.35), low=(0.1, 0.05, 0.15))


@exercise("1.4", 0.01, "bits", _MARKERS)
def _bits_of_a_table(first: float, second: float, high: float, low: float) -> Known:
    joint = np.array([[high, low], [low, high]])  # cell type by marker
    right = _information(joint)
    return right, {
        "that is what is still unknown of the type once the marker is known: take it from the entropy": 1 - right,
        "that is the entropy of the pair, not what the two share": 2 - right,
        "that is the share of cells in which the marker is right, not information": 2 * high,
        "divide p by ¼, the product of two probabilities of ½, before the logarithm": (
            float((joint * np.log2(joint / 0.5)).sum())
        ),
        _NATS: right * _LN2,
    }


@exercise("1.5", 0.01, "bits", each(rho=(0.9, 0.8, 0.6, 0.95)))
def _bits_of_a_correlation(rho: float) -> Known:
    right = float(-0.5 * np.log2(1 - rho**2))
    return right, {
        "the ½ before the logarithm is missing": 2 * right,
        "the correlation enters squared: 1 − ρ², not 1 − ρ": float(-0.5 * np.log2(1 - rho)),
        "that is ρ², the share of the variance: it is not in bits": rho**2,
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


_CEILINGS = together(i_max=(2.0, 1.5, 1.8, 2.2), reported=(2.3, 1.9, 2.1, 2.6))


@exercise("1.7", 0.01, "bits", tuple({**c, **u} for u in each(u_bar=(1000, 800, 1200)) for c in _CEILINGS))
def _noise_law_at_u_bar(i_max: float, reported: float, u_bar: float) -> Known:
    right = float(NoiseLaw(i_max, u_bar)(u_bar))
    return right, {
        "that is the ceiling without measurement noise: the counts stand between": i_max,
        "half a bit below I_max at u = ū holds only where I_max is large": i_max - 0.5,
        "no computation on the counts can add to what they hold": reported,
        _NATS: right * _LN2,
    }


@exercise("1.8", 0.01, "bits", each(wrong=(0.1, 0.2, 0.15, 0.05)))
def _wrong_labels(wrong: float) -> Known:
    types = 8  # a wrong label is any of the other seven
    binary = -(wrong * np.log2(wrong) + (1 - wrong) * np.log2(1 - wrong))
    right = float(np.log2(types) - binary - wrong * np.log2(types - 1))
    return right, {
        "that is the entropy of the labels: it does not yet count that some of them are wrong": 3.0,
        "knowing that a label is wrong does not say which of the other seven it should be": (
            float(right + wrong * np.log2(types - 1))
        ),
        "wrong labels cost more than their share of the bits": (1 - wrong) * 3.0,
        "that is what is lost: take it from the entropy of the labels": 3.0 - right,
        _NATS: right * _LN2,
    }


@exercise("1.9", 0.01, "bits")
def _bits_between_two_halves(mean: float = 4.0) -> Known:
    seen = 1 - np.exp(-mean / 2)
    right = _halves(seen)
    expressed = np.array([[0.5, 0.0], [0.5 * (1 - seen), 0.5 * seen]])
    return right, {
        "each half has half of the molecules, so half of the mean": _halves(1 - np.exp(-mean)),
        "that is what one half tells about whether the cell expresses the gene; the other half knows that no better": (
            _information(expressed)
        ),
        "the coins are independent within a cell, but the halves share whether the cell expresses the gene": 0.0,
        "that would be known without chance: an expressing cell may show nothing": 1.0,
        _NATS: right * _LN2,
    }


def _halves(seen: float) -> float:
    """Return the bits between two halves, each of which sees the gene with this probability in half of the cells."""
    halves = np.outer([1 - seen, seen], [1 - seen, seen]) / 2
    halves[0, 0] += 0.5
    return _information(halves)


def _information(joint: np.ndarray) -> float:
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    seen = joint > 0
    return float((joint[seen] * np.log2(joint[seen] / independent[seen])).sum())


# Session 2: measuring it.


@exercise("2.1", 0.01, "bits")
def _entropy_of_shares() -> Known:
    eighths = [4, 2, 1, 1]
    right = entropy(np.repeat(np.arange(4), eighths))
    return right, {
        "that would be four equally frequent types: these are not": 2.0,
        "the minus sign before the sum is missing": -right,
        "entropy takes labels, one a cell: given shares, it counts how often each share occurs": 1.5,
        _NATS: right * _LN2,
    }


def _plug_in_bias(cells: float) -> float:
    """Return the first-order bias of the plug-in estimate, in bits."""
    return (case.TYPES - 1) * (case.CLUSTERS - 1) / (2 * cells * _LN2)


@exercise("2.2", 0.02, "bits", each(cells=(500, 400, 800, 250)))
def _bias_of_the_plug_in_estimate(cells: float) -> Known:
    right = _plug_in_bias(cells)
    all_entries = case.TYPES * case.CLUSTERS / ((case.TYPES - 1) * (case.CLUSTERS - 1))
    return right, {
        _NATS: right * _LN2,
        "count the free entries of the table, (K_x − 1)(K_y − 1), not all of them": right * all_entries,
        "the 2 below the fraction is missing": 2 * right,
        "the bias is upwards: chance looks like information": -right,
    }


@exercise("2.3", 0.01, "cells", each(aim=(0.01, 0.02, 0.005)))  # bits of bias that may remain
def _cells_for_a_small_bias(aim: float) -> Known:
    right = case.CELLS * _plug_in_bias(case.CELLS) / aim
    return right, {
        "the bias falls as 1/n, not as 1/√n": right**2 / case.CELLS,
        "the bias in nats was set equal to an aim in bits": right * _LN2,
        "count the free entries of the table, (K_x − 1)(K_y − 1), not all of them": right * 100 / 81,
        "the 2 below the fraction is missing": 2 * right,
        "that is how many times as many cells: give the cells": right / case.CELLS,
    }


@exercise("2.4", 0.002, variants=each(permutations=(199, 99, 149), as_high=(3, 4, 6)))
def _p_value_of_permutations(permutations: int, as_high: int) -> Known:
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


@exercise("2.6", 0.03)
def _standard_errors_from_the_truth() -> Known:
    found, by_neighbours = case.learned(), ksg(*case.pair())
    right = (found.bits - case.PAIR_BITS) / found.stderr
    return right, {
        "that is the estimate itself: give its distance from the truth, in standard errors": found.bits,
        "that is the difference in bits: divide it by the standard error": found.bits - case.PAIR_BITS,
        "the estimate minus the truth, in this order": -right,
        "that is the distance from 0 bits, not from the truth": found.bits / found.stderr,
        "that is of neighbours in all 8 dimensions: learn codes first, with lmi": (
            (by_neighbours.bits - case.PAIR_BITS) / by_neighbours.stderr
        ),
    }


@exercise("2.7", 0.05, "bits")
def _bits_of_cells_drawn_again() -> Known:
    x, y = case.independent()
    drawn = np.random.default_rng(1).integers(0, len(x), len(x))
    return ksg(x[drawn], y[drawn]).bits, {
        "that is the estimate before cells were drawn again": ksg(x, y).bits,
        "x and y have to be drawn with the same indices, so that a pair stays together": ksg(x[drawn], y).bits,
        "x and y are still the pairs of exercise 2.5: run the cell with independent() again": (
            ksg(*(side[drawn] for side in case.pair())).bits
        ),
    }


@exercise("2.8", 0.0, variants=each(order=case.ORDERS), group="reported", drawn=True, any_order=True)
def _doubtful_estimates(order: str) -> Known:
    rows = case.reported(order)
    margin = 2 * rows["standard error"]
    above_ceiling = rows["bits"] - margin > rows["entropy of the labels"]
    not_above_null = (rows["bits"] > margin) & (rows["bits"] - rows["permuted null"] < margin)
    ceiling, null = (set(rows.index[doubtful]) for doubtful in (above_ceiling, not_above_null))
    negative, sound = set(rows.index[rows["bits"] < 0]), set(rows.index[rows["cells"] == 1200])
    text = {
        "a small negative estimate is what zero looks like where nothing is clipped": ceiling | null | negative,
        "one of them has no more bits than its own permuted null": ceiling,
        "one of them has more bits than its labels": null,
        "one of them is far above its null and below its ceiling": ceiling | null | sound,
        "a negative estimate is no error, and one of them has no more bits than its null": ceiling | negative,
    }
    return "".join(sorted(ceiling | null)), {why: "".join(sorted(letters)) for why, letters in text.items()}


@exercise("2.9", 0.03, "bits", each(seed=own_curve.SEEDS), group="thinning", drawn=True)
def _curve_of_cells(seed: int) -> Known:
    right = own_curve.measured_curve(None, seed)["bits"].to_numpy()
    return right, {
        "the deepest first": right[::-1],
        "all five are of the same share: thin inside the loop": np.full(5, right[2]),
    }
