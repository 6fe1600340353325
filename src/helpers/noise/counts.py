"""Binomial thinning of molecular counts."""

from typing import Any

import numpy as np
from numpy.random import Generator
from scipy import sparse

from helpers._utils.validation import LARGEST_STREAM, as_counts, as_rng, as_seed, brief, in_range

VERSION = 1  # 2026-11-28 numbered

ROWS = 1024  # rows thinned at once: bounds the memory, and fixes which random numbers a cell gets
_RARE = 0.05  # share of molecules kept up to which it is faster to look up the survivors than to count along all


def thin(counts: Any, fraction: float, rng: Generator | int | None = None) -> sparse.csr_matrix:
    """Keep each counted molecule with probability ``fraction``, independently.

    This is what a shallower experiment would have counted: if X is Poisson with mean m, the thinned
    count is Poisson with mean m·fraction. Published code drew without replacement a rounded-down
    number of molecules per gene instead, which loses counts (8.9 % at fraction 0.004).

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers, sparse or dense
    fraction : float in (0, 1]
        Depth relative to ``counts``.
    rng : numpy Generator or seed

    Returns
    -------
    csr_matrix, same shape and dtype, every entry at most the given one.

    Raises
    ------
    ValueError
        For counts that are not raw counts, a fraction outside (0, 1], or an rng that is neither.

    Examples
    --------
    >>> thin([[8, 0, 100]], 0.5, rng=0).toarray().tolist()
    [[5, 0, 55]]
    """
    counts = as_counts(counts)
    check_fraction(fraction)
    rng = as_rng(rng)
    if fraction == 1:
        return counts.copy()
    kept = rng.binomial(counts.data, fraction).astype(counts.dtype)
    thinned = sparse.csr_matrix((kept, counts.indices.copy(), counts.indptr.copy()), counts.shape)
    thinned.eliminate_zeros()
    return thinned


def thin_nested(counts: Any, fractions: list[float], seed: int = 0) -> dict[float, sparse.csr_matrix]:
    """Thin to several depths, nested: a molecule lost at some depth is lost at every shallower one.

    Every molecule gets one uniform number and is kept at each fraction above it. Curves along depth
    thus compare the same cells with ever fewer of the same molecules, and a depth's counts do not
    depend on which other depths are asked for.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers
    fractions : list of floats in (0, 1]
    seed : int
        Same seed, same molecules kept.

    Returns
    -------
    dict of fraction → csr_matrix; entrywise non-decreasing in the fraction.

    Raises
    ------
    ValueError
        For counts that are not raw counts, a number in place of the list, a fraction outside (0, 1], or a seed that is
        no whole number of 0 or more.

    Examples
    --------
    >>> depths = thin_nested([[1000, 10]], [0.01, 0.1, 1.0], seed=1)
    >>> [int(depths[f].sum()) for f in (1.0, 0.1, 0.01)]
    [1010, 92, 9]
    """
    counts = as_counts(counts)
    if isinstance(fractions, str) or not np.iterable(fractions):
        raise ValueError(f"depth fractions are {brief(fractions)}: give a list, such as [1.0, 0.1].")
    fractions = list(fractions)
    for fraction in fractions:
        check_fraction(fraction)
    return thinned(counts, fractions, as_seed(seed, largest=LARGEST_STREAM))


def thinned(
    counts: sparse.csr_matrix, fractions: list[float], seed: int, first_row: int = 0
) -> dict[float, sparse.csr_matrix]:
    """Thin checked counts as ``thin_nested`` does; they may be rows of a larger matrix, from ``first_row`` on."""
    kept: dict[float, list[np.ndarray]] = {fraction: [] for fraction in fractions if fraction != 1}
    for start in range(0, counts.shape[0] if kept else 0, ROWS):
        ends = counts.indptr[start : start + ROWS + 1]
        values = counts.data[ends[0] : ends[-1]]
        last = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])  # of each entry, the end of its molecules
        fate = np.random.default_rng([seed, (first_row + start) // ROWS]).random(last[-1])
        for fraction, parts in kept.items():
            parts.append(_survivors(fate < fraction, last, fraction))
    out = {}
    for fraction in fractions:
        if fraction == 1:
            out[fraction] = counts.copy()
            continue
        data = np.concatenate(kept[fraction] or [np.zeros(0)]).astype(counts.dtype)
        out[fraction] = sparse.csr_matrix((data, counts.indices.copy(), counts.indptr.copy()), counts.shape)
        out[fraction].eliminate_zeros()
    return out


def _survivors(survives: np.ndarray, last: np.ndarray, fraction: float) -> np.ndarray:
    """Return how many molecules of each entry survive; those of entry i stand from ``last[i]`` to ``last[i + 1]``."""
    if fraction <= _RARE:
        return np.bincount(np.searchsorted(last[1:], np.flatnonzero(survives), "right"), minlength=len(last) - 1)
    seen = np.zeros(len(survives) + 1, np.int32 if len(survives) < 2**31 else np.int64)
    np.cumsum(survives, out=seen[1:], dtype=seen.dtype)
    return np.diff(seen[last])


def check_fraction(fraction: float) -> None:
    """Refuse a depth that is no number in (0, 1]."""
    in_range(fraction, 0, 1, "depth fraction", "It is relative to the data's own depth: 0.1 keeps 10 %.", open_low=True)
