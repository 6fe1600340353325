"""Answers of sessions 1 and 2 of the course: from the law, closed forms and counting, computed when asked for."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.book.course.answer import Answer
from helpers.information.discrete import entropy, plug_in

_LN2 = np.log(2)
_NATS = "that looks like nats: log2 gives bits, the natural logarithm nats"


def _binary(p: float) -> float:
    """Entropy in bits of a coin that shows heads with probability p."""
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


# Session 1: noise and information.

_DEPTHS, _MEAN = (8000.0, 500.0), 12.0  # UMIs of the cell before and after thinning; mean count of the gene before
_KEPT = _DEPTHS[1] / _DEPTHS[0]
_JOINT = np.array([[0.4, 0.1], [0.1, 0.4]])  # cell type by marker
_GENE, _OVERDISPERSION, _TENTH = 30.0, 0.5, 0.1  # mean of the simulated gene, and what is kept of it
_I_MAX, _U_BAR, _DEPTH = 2.0, 1000.0, 1000.0


def _table_bits() -> float:
    apart = np.outer(_JOINT.sum(axis=1), _JOINT.sum(axis=0))
    return float((_JOINT * np.log2(_JOINT / apart)).sum())


def _law(i_max: float, depth: float) -> float:
    from helpers.laws import NoiseLaw

    return float(NoiseLaw(i_max, _U_BAR)(depth))


def _wrong_labels(share: float = 0.1, types: int = 8) -> float:
    """Bits between a type and its label, wrong with a probability and then any of the others."""
    return float(np.log2(types) - _binary(share) - share * np.log2(types - 1))


_SESSION_1 = {
    "1.1": Answer(
        lambda: _MEAN * _KEPT,
        0.01,
        "",
        {
            "that is the ratio before thinning": lambda right: _MEAN,
            "that is mean over standard deviation; this book squares the mean and divides by the variance": np.sqrt,
            "it is thinned twice: the variance falls with the mean, so their ratio loses one factor": (
                lambda right: right * _KEPT
            ),
        },
    ),
    "1.2": Answer(
        lambda: (1 - _KEPT) ** _MEAN,
        0.005,
        "",
        {
            "that holds for a Poisson number of molecules; here there are exactly 12": lambda right: np.exp(
                -_MEAN * _KEPT
            ),
            "that is the probability that the gene is seen": lambda right: 1 - right,
            "that is the probability that every molecule is kept": lambda right: _KEPT**_MEAN,
        },
    ),
    "1.3": Answer(
        lambda: 1 + _OVERDISPERSION * _GENE * _TENTH,
        0.05,
        "",
        {
            "that is the ratio of the counts before thinning": lambda right: 1 + _OVERDISPERSION * _GENE,
            "that is the ratio of a Poisson gene: thinning does not make this one Poisson": lambda right: 1.0,
            "that is the variance itself: divide it by the mean": lambda right: _GENE * _TENTH * right,
            "that is the standard deviation over the mean": lambda right: np.sqrt(right / (_GENE * _TENTH)),
            "that is the standard deviation": lambda right: np.sqrt(right * _GENE * _TENTH),
        },
    ),
    "1.4": Answer(
        _table_bits,
        0.01,
        "bits",
        {
            "that is what is still unknown of the type once the marker is known: take it from the entropy": (
                lambda right: 1 - right
            ),
            "that is the entropy of the pair, not what the two share": lambda right: 2 - right,
            _NATS: lambda right: right * _LN2,
        },
    ),
    "1.5": Answer(
        lambda: -0.5 * np.log2(1 - 0.9**2),
        0.01,
        "bits",
        {
            "the ½ before the logarithm is missing": lambda right: 2 * right,
            "the correlation enters squared: 1 − ρ², not 1 − ρ": lambda right: -0.5 * np.log2(1 - 0.9),
            _NATS: lambda right: right * _LN2,
        },
    ),
    "1.6": Answer(
        lambda: (1e4, 0.0),
        0.01,
        "",
        {
            "a squared error is in squared units, so its factor is squared as well": lambda right: (1e2, 0.0),
            "that is how much the entropy of the signal grows; information is a difference of two entropies": (
                lambda right: (1e4, np.log2(100))
            ),
            "the first is to say how many times larger the loss is in centimetres than in metres": (
                lambda right: (1e-4, 0.0)
            ),
        },
    ),
    "1.7": Answer(
        lambda: _law(_I_MAX, _DEPTH),
        0.01,
        "bits",
        {
            "that is the ceiling without measurement noise: the counts stand between": lambda right: _I_MAX,
            "half a bit below I_max at u = ū holds only where I_max is large": lambda right: _I_MAX - 0.5,
            "no computation on the counts can add to what they hold": lambda right: 2.3,
            _NATS: lambda right: right * _LN2,
        },
    ),
    "1.8": Answer(
        _wrong_labels,
        0.01,
        "bits",
        {
            "that is the entropy of the labels: it does not yet count that some of them are wrong": lambda right: 3.0,
            "knowing that a label is wrong does not say which of the other seven it should be": (
                lambda right: right + 0.1 * np.log2(7)
            ),
            "a tenth of wrong labels costs more than a tenth of the bits": lambda right: 0.9 * 3.0,
            _NATS: lambda right: right * _LN2,
        },
    ),
}


# Session 2: measuring it.

_SHARES = np.array([0.5, 0.25, 0.125, 0.125])
_TYPES, _CLUSTERS, _CELLS = 10, 10, 500
_AIM = 0.01  # bits of bias that may remain
_PERMUTATIONS, _AS_HIGH = 199, 3
PAIRS = {"task": "gaussian", "bits": 2.0, "n": 1000, "dim": 8, "seed": 0}  # what is estimated in 2.5 and 2.6


def reported() -> pd.DataFrame:
    """Return five made-up estimates as a paper might report them, to be judged in exercise 2.8.

    >>> list(reported().columns)
    ['bits', 'standard error', 'permuted null', 'entropy of the labels', 'cells']
    """
    rows = {
        "A": (1.20, 0.05, 0.01, 2.0, 2000),
        "B": (2.31, 0.04, 0.02, 1.9, 2000),
        "C": (0.33, 0.05, 0.31, 2.4, 150),
        "D": (-0.02, 0.03, -0.01, 2.0, 1500),
        "E": (1.71, 0.06, 0.02, 2.3, 1200),
    }
    names = ["bits", "standard error", "permuted null", "entropy of the labels", "cells"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _doubtful() -> str:
    """Letters of the rows above their ceiling, and of those with bits that their permuted null has as well."""
    rows = reported()
    margin = 2 * rows["standard error"]
    above = rows["bits"] - margin > rows["entropy of the labels"]
    empty = (rows["bits"] > margin) & (rows["bits"] - rows["permuted null"] < margin)
    return "".join(rows.index[above | empty])


def labels(n: int = _CELLS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a type and a cluster for each of n cells, ten of either, independent of each other.

    >>> x, y = labels(50)
    >>> x.shape, int(y.max()) < 10
    ((50,), True)
    """
    rng = np.random.default_rng(seed)
    return rng.integers(0, _TYPES, n), rng.integers(0, _CLUSTERS, n)


def mean_plug_in(n: int, repeats: int = 20) -> float:
    """Return the mean plug-in estimate, in bits, of independent labels of n cells: its bias, since the truth is 0.

    >>> 0 < mean_plug_in(1000) < mean_plug_in(100)
    True
    """
    return float(np.mean([plug_in(*labels(n, seed)).bits for seed in range(repeats)]))


def _excess(n: float) -> float:
    """First-order bias of the plug-in estimate, in bits."""
    return (_TYPES - 1) * (_CLUSTERS - 1) / (2 * n * _LN2)


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, each (1000, 8), that share exactly 2 bits.

    >>> pair()[0].shape
    (1000, 8)
    """
    from helpers.information.known_pairs import known_pair

    return known_pair(**PAIRS)  # type: ignore[arg-type]


def independent() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, each (500, 1), that share nothing.

    >>> independent()[1].shape
    (500, 1)
    """
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 1)), rng.normal(size=(500, 1))


def _neighbours(x: Any, y: Any) -> float:
    from helpers.information import ksg

    return ksg(x, y).bits


def _bootstrapped() -> float:
    x, y = independent()
    drawn = np.random.default_rng(1).integers(0, len(x), len(x))
    return _neighbours(x[drawn], y[drawn])


_SESSION_2 = {
    "2.1": Answer(
        lambda: entropy(np.repeat(np.arange(4), (8 * _SHARES).astype(int))),
        0.01,
        "bits",
        {
            "that would be four equally frequent types: these are not": lambda right: 2.0,
            "the minus sign before the sum is missing": lambda right: -right,
            _NATS: lambda right: right * _LN2,
        },
    ),
    "2.2": Answer(
        lambda: _excess(_CELLS),
        0.02,
        "bits",
        {
            _NATS: lambda right: right * _LN2,
            "count the free entries of the table, (K_x − 1)(K_y − 1), not all of them": (
                lambda right: right * _TYPES * _CLUSTERS / ((_TYPES - 1) * (_CLUSTERS - 1))
            ),
            "the 2 below the fraction is missing": lambda right: 2 * right,
            "the bias is upwards: chance looks like information": lambda right: -right,
        },
    ),
    "2.3": Answer(
        lambda: _CELLS * _excess(_CELLS) / _AIM,
        0.01,
        "cells",
        {
            "the bias falls as 1/n, not as 1/√n": lambda right: right**2 / _CELLS,
            "the bias in nats was set equal to an aim in bits": lambda right: right * _LN2,
            "that is how many times as many cells: give the cells": lambda right: right / _CELLS,
        },
    ),
    "2.4": Answer(
        lambda: (1 + _AS_HIGH) / (1 + _PERMUTATIONS),
        0.002,
        "",
        {
            "count the estimate itself among the permutations, above and below: else p could be 0": (
                lambda right: _AS_HIGH / _PERMUTATIONS
            ),
            "count the estimate itself below the fraction as well": lambda right: (1 + _AS_HIGH) / _PERMUTATIONS,
            "that is the share of permutations that stay below; p counts those as high": lambda right: 1 - right,
        },
    ),
    "2.5": Answer(
        lambda: _neighbours(*pair()) - float(PAIRS["bits"]),  # type: ignore[arg-type]
        0.02,
        "bits",
        {
            "the bias is the estimate minus the truth": lambda right: -right,
            "that is the estimate itself: take the truth from it": lambda right: right + PAIRS["bits"],
            "that is the bias as a share of the truth: give it in bits": lambda right: right / PAIRS["bits"],
        },
    ),
    "2.6": Answer(
        # The exact answer, and not what the nets give on one machine.
        lambda: PAIRS["bits"],
        0.12,
        "bits",
        {
            "that is what neighbours give in all 8 dimensions: learn codes first, with lmi": (
                lambda right: _neighbours(*pair())
            ),
            "that is the permuted null, which should be near 0": lambda right: 0.0,
        },
    ),
    "2.7": Answer(
        _bootstrapped,
        0.05,
        "bits",
        {
            "that is the estimate before cells were drawn again": lambda right: _neighbours(*independent()),
            "x and y have to be drawn with the same indices, so that a pair stays together": (
                lambda right: _neighbours(
                    independent()[0][np.random.default_rng(1).integers(0, 500, 500)], independent()[1]
                )
            ),
        },
    ),
    "2.8": Answer(
        _doubtful,
        0.0,
        "",
        {
            "a small negative estimate is what zero looks like where nothing is clipped": lambda right: "BCD",
            "one of them has no more bits than its own permuted null": lambda right: "B",
            "one of them has more bits than its labels": lambda right: "C",
            "one of them is far above its null and below its ceiling": lambda right: "BCE",
        },
    ),
}

ANSWERS: dict[str, Answer] = _SESSION_1 | _SESSION_2
