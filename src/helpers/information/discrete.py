"""Information between two label vectors, counted directly."""

import time
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_array, as_labels, as_seed, brief, in_range, same_length
from helpers.information.estimate import Estimate

VERSION = 1  # 2026-11-28 numbered


def entropy(labels: Any) -> float:
    """Return the plug-in entropy of a label vector in bits: the ceiling of any information about it.

    Raises
    ------
    ValueError
        For no label at all, a missing one, or more than one axis.

    Examples
    --------
    >>> entropy(["a", "b", "a", "b"])
    1.0
    """
    codes = as_labels(labels, "labels")
    in_range(len(codes), 1, np.inf, "number of labels", "At least one label is required.")
    share = np.bincount(codes) / len(codes)
    return float((share[share > 0] * np.log2(1 / share[share > 0])).sum())


def plug_in(x: Any, y: Any, seed: int = 0, correct: bool = False) -> Estimate:
    """Estimate I(x; y) between two label vectors from their joint frequencies.

    Parameters
    ----------
    x, y : label vectors of equal length
        Floats only if they are whole numbers: others are measurements, of which hardly two are alike.
    seed : int
        Seed of the permutation that gives ``null_bits``.
    correct : bool
        Subtract the first-order bias (Kx − 1)(Ky − 1) / (2 n ln 2) of Miller and Madow, with K the
        numbers of labels seen. Without it (as published) the estimate is biased upwards.

    Raises
    ------
    ValueError
        For floats that are not whole numbers, missing labels, mismatched lengths, fewer than two samples, a bad seed.

    Examples
    --------
    >>> plug_in([0, 1] * 50, ["a", "b"] * 50).bits
    1.0
    """
    start = time.perf_counter()
    seed = as_seed(seed)
    x, y = _counted(x, "x"), _counted(y, "y")
    n = same_length(x=x, y=y)
    in_range(n, 2, np.inf, "number of samples")
    shift = _excess(x, y) if correct else 0.0
    pointwise = _pointwise(x, y) - shift
    mixed = np.random.default_rng(seed).permutation(y)
    null = _pointwise(x, mixed).mean() - (_excess(x, mixed) if correct else 0.0)
    settings = {"estimator": "plug_in", "correct": correct, "seed": seed}
    return Estimate(float(pointwise.mean()), pointwise, float(null), n, time.perf_counter() - start, settings)


def _counted(values: Any, what: str) -> np.ndarray:
    """Return the codes of labels that can be counted."""
    codes, array = as_labels(values, what), as_array(values, what)
    if array.dtype.kind in "fcO":
        measured = [v for v in array if isinstance(v, (float, complex, np.inexact)) and not _is_whole(v)]
        if measured:
            raise ValueError(
                f"{what} holds {brief(measured[0])}, a measurement and no label: use lmi or ksg, or bin it first."
            )
    return codes


def _is_whole(value: Any) -> bool:
    return not isinstance(value, (complex, np.complexfloating)) and float(value).is_integer()


def _excess(x: np.ndarray, y: np.ndarray) -> float:
    """First-order bias in bits: half a nat over n for each pair of labels seen, less those of x and of y, plus one."""
    pairs = len(set(zip(x.tolist(), y.tolist(), strict=True)))
    return (pairs - len(set(x)) - len(set(y)) + 1) / (2 * len(x) * np.log(2))


def _pointwise(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log2 p(x, y) / p(x) p(y) of each cell, from frequencies."""
    joint = sparse.coo_matrix((np.ones(len(x)), (x, y))).tocsr()
    p_x, p_y = np.bincount(x) / len(x), np.bincount(y) / len(y)
    return np.log2(np.asarray(joint[x, y]).ravel() / len(x) / (p_x[x] * p_y[y]))


def flip_probability(bits: float, n_labels: int) -> float:
    """Return the probability of replacing a label by another at which the two share ``bits``.

    The labels are equally likely, and so are the others that may replace one.

    Raises
    ------
    ValueError
        For fewer than two labels, or bits below 0 or above the log2 of their number.

    Examples
    --------
    >>> flip_probability(2.0, 4), round(flip_probability(1.0, 2), 3), round(flip_probability(0.0, 4), 3)
    (0.0, 0.0, 0.75)
    """
    from scipy.optimize import brentq

    in_range(n_labels, 2, 1e6, "number of labels", whole=True)
    in_range(bits, 0, float(np.log2(n_labels)), f"bits of {n_labels} labels")

    def left(flip: float) -> float:
        terms = [(1 - flip, 1 - flip), (flip, flip / (n_labels - 1))]
        return float(np.log2(n_labels) + sum(p * np.log2(q) for p, q in terms if p > 0) - bits)

    if left(0.0) <= 0:
        return 0.0
    highest = 1 - 1 / n_labels
    return highest if bits == 0 else float(brentq(left, 0.0, highest, xtol=1e-14))
