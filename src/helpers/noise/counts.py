"""Binomial thinning of molecular counts: to a depth, nested over depths, in blocks of rows, twice without overlap."""

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from scipy import sparse

from helpers._utils.validation import LARGEST_STREAM, as_counts, as_rng, as_seed, brief, in_range
from helpers.noise.base import CountNoise

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
    return _with_values(counts, rng.binomial(counts.data, fraction))


def thinned_view(counts: Any, fewest: float = 10.0, rng: Generator | int | None = None) -> sparse.csr_matrix:
    """Thin each cell to a depth of its own, drawn at random: what a model is shown that is to withstand noise.

    The molecules that a cell is to keep in the mean are log-uniform between ``fewest`` and what it has; a cell that
    has no more stays whole.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers, sparse or dense
    fewest : float
        Molecules.
    rng : numpy Generator or seed

    Returns
    -------
    csr_matrix, same shape and dtype, every entry at most the given one.

    Examples
    --------
    >>> thinned_view([[1000, 1000], [3, 4]], rng=0).toarray().tolist()
    [[35, 25], [3, 4]]
    """
    counts = as_counts(counts)
    in_range(fewest, 1, np.inf, "fewest")
    rng = as_rng(rng)
    kept = np.minimum(fewest / np.maximum(counts.sum(axis=1).A1, 1), 1.0) ** rng.random(counts.shape[0])
    return _with_values(counts, rng.binomial(counts.data, np.repeat(kept, np.diff(counts.indptr))))


def thin_nested(
    counts: Any, fractions: list[float], seed: int = 0, first_row: int = 0
) -> dict[float, sparse.csr_matrix]:
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
    first_row : int
        If the cells are consecutive rows of a larger matrix, the number of the first of them there, a multiple of
        1024: the same molecules are kept as within the whole.

    Returns
    -------
    dict of fraction → csr_matrix; entrywise non-decreasing in the fraction.

    Raises
    ------
    ValueError
        For counts that are not raw counts, a number in place of the list, a fraction outside (0, 1], a ``first_row``
        at which no block begins, or a seed that is not a whole number of 0 or more.

    Examples
    --------
    >>> depths = thin_nested([[1000, 10]], [0.01, 0.1, 1.0], seed=1)
    >>> [int(depths[f].sum()) for f in (1.0, 0.1, 0.01)]
    [1010, 92, 9]
    """
    counts = as_counts(counts)
    if isinstance(fractions, str) or not np.iterable(fractions):
        raise ValueError(f"depth fractions are {brief(fractions)}: give a list, such as [1.0, 0.1].")
    fractions = [check_fraction(fraction) for fraction in fractions]
    in_range(first_row, 0, np.inf, "first_row", whole=True)
    if first_row % ROWS:
        raise ValueError(f"first_row is {first_row}: it must be a multiple of {ROWS}, the rows thinned at once.")
    seed = as_seed(seed, largest=LARGEST_STREAM)
    kept: dict[float, list[np.ndarray]] = {fraction: [] for fraction in fractions if fraction != 1}
    for start in range(0, counts.shape[0] if kept else 0, ROWS):
        ends = counts.indptr[start : start + ROWS + 1]
        # Of each entry, the end of its molecules.
        last = np.concatenate([[0], np.cumsum(counts.data[ends[0] : ends[-1]], dtype=np.int64)])
        fate = np.random.default_rng([seed, (int(first_row) + start) // ROWS]).random(last[-1])
        for fraction, parts in kept.items():
            parts.append(_survivors(fate < fraction, last, fraction))
    values = {fraction: np.concatenate(parts or [np.zeros(0)]) for fraction, parts in kept.items()}
    return {f: counts.copy() if f == 1 else _with_values(counts, values[f]) for f in fractions}


def thin_rows(counts: Any, fraction: float, seed: int = 0, first_row: int = 0) -> sparse.csr_matrix:
    """Thin consecutive rows of a larger matrix as ``thin_nested`` thins them within it: the same molecules are kept.

    Examples
    --------
    >>> whole = np.random.default_rng(0).poisson(3.0, (1500, 4))
    >>> part = thin_rows(whole[1024:], 0.5, seed=7, first_row=1024)
    >>> (part != thin_nested(whole, [0.5], seed=7)[0.5][1024:]).nnz
    0
    """
    return thin_nested(counts, [fraction], seed, first_row)[fraction]


def _survivors(survives: np.ndarray, last: np.ndarray, fraction: float) -> np.ndarray:
    """Return how many molecules of each entry survive; those of entry i stand from ``last[i]`` to ``last[i + 1]``."""
    if fraction <= _RARE:
        return np.bincount(np.searchsorted(last[1:], np.flatnonzero(survives), "right"), minlength=len(last) - 1)
    seen = np.zeros(len(survives) + 1, np.int32 if len(survives) < 2**31 else np.int64)
    np.cumsum(survives, out=seen[1:], dtype=seen.dtype)
    return np.diff(seen[last])


def thin_twice(
    counts: Any, fraction: float, rng: Generator | int | None = None
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Thin counts to the same fraction twice, no molecule being kept in both.

    If the counts are Poisson with some mean, the two thinnings are *independent* Poisson counts with that mean times
    ``fraction``: two measurements of one cell that differ in nothing but which molecules were caught. Half their mean
    squared difference, of whatever is computed from a gene's count, is the part of its variance that is counting
    noise, without knowing the mean.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers
    fraction : float in (0, ½]
    rng : numpy Generator or seed

    Returns
    -------
    (first, second)
        csr_matrix each, of the shape and dtype of ``counts``, whose sum is nowhere above it.

    Raises
    ------
    ValueError
        For counts that are not raw counts, a fraction outside (0, ½], or an rng that is neither.

    Examples
    --------
    >>> first, second = thin_twice([[100, 0, 7]], 0.5, rng=0)
    >>> first.toarray().tolist(), (first + second).toarray().tolist()
    ([[51, 0, 5]], [[100, 0, 7]])
    """
    counts = as_counts(counts)
    in_range(fraction, 0, 0.5, "fraction", "Two thinnings share no molecule, so each has at most half.", open_low=True)
    rng = as_rng(rng)
    first = rng.binomial(counts.data, fraction)
    second = rng.binomial(counts.data - first, fraction / (1 - fraction))
    return _with_values(counts, first), _with_values(counts, second)


def check_fraction(fraction: float, what: str = "depth fraction") -> float:
    """Return a depth in (0, 1]; raise ``ValueError`` for anything else."""
    return in_range(fraction, 0, 1, what, "It is relative to the data's own depth: 0.1 keeps 10 %.", open_low=True)


def _with_values(counts: sparse.csr_matrix, values: np.ndarray) -> sparse.csr_matrix:
    """Return a matrix with other values in the places of those of ``counts``; zeros are not stored."""
    matrix = sparse.csr_matrix((values.astype(counts.dtype), counts.indices.copy(), counts.indptr.copy()), counts.shape)
    matrix.eliminate_zeros()
    return matrix


class Thinning(CountNoise):
    """Fewer molecules of the same cells; the level is the depth, relative to the data's own."""

    clean: ClassVar[float] = 1.0
    most: ClassVar[float] = 1.0
    symbol: ClassVar[str] = "depth"
    axis: ClassVar[str] = "depth relative to the data's own"
    done: ClassVar[str] = "thinned"
    measured_axis: ClassVar[str] = "depth u (mean UMIs per probe cell)"

    def apply(self, samples: Any, level: float, rng: Any = 0, first_row: int = 0) -> sparse.csr_matrix:
        """Return thinned counts, nested over depths."""
        return thin_rows(samples, level, rng, first_row)

    def check(self, level: float, what: str = "depth") -> float:
        """Return a depth in (0, 1]."""
        return check_fraction(level, what)

    def snr(self, level: Any, power: float = 2) -> np.ndarray:
        """Return the depth: for Poisson counts the ratio is their mean, and the power has no part in it."""
        return np.asarray(level, float)

    def level(self, snr: Any, power: float = 2) -> np.ndarray:
        """Return the depth."""
        return np.asarray(snr, float)

    def relation(self, power: float = 2) -> str:
        """Return how the ratio follows from the depth."""
        return "SNR ∝ depth"

    def named(self, level: float) -> str:
        """Return a depth as a legend names it."""
        return f"depth × {level:g}"

    def measured_snr(self, level: float, umis: float) -> float:
        """Return the mean UMIs of a cell, which data sets of different depths share as an axis."""
        return umis

    def kept(self, level: Any) -> Any:
        """Return the depth."""
        return level
