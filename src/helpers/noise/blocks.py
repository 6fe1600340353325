"""Binomial thinning of some rows of a matrix that is too large to thin at once."""

from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import LARGEST_STREAM, as_counts, as_seed, in_range
from helpers.noise.counts import ROWS, check_fraction, thinned


def thin_rows(counts: Any, fraction: float, seed: int = 0, first_row: int = 0) -> sparse.csr_matrix:
    """Thin consecutive rows of a larger matrix as ``thin_nested`` thins them within it: the same molecules are kept.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers
    fraction : float in (0, 1]
        Depth relative to ``counts``.
    seed : int
    first_row : int
        Number of the first of these rows in the larger matrix, a multiple of 1024.

    Returns
    -------
    csr_matrix, same shape and dtype.

    Raises
    ------
    ValueError
        For counts that are not raw counts, a fraction outside (0, 1], a ``first_row`` at which no block begins, or a
        seed that is no whole number of 0 or more.

    Examples
    --------
    >>> from helpers.noise import thin_nested
    >>> whole = np.random.default_rng(0).poisson(3.0, (1500, 4))
    >>> part = thin_rows(whole[1024:], 0.5, seed=7, first_row=1024)
    >>> (part != thin_nested(whole, [0.5], seed=7)[0.5][1024:]).nnz
    0
    """
    counts = as_counts(counts)
    check_fraction(fraction)
    in_range(first_row, 0, np.inf, "first_row", whole=True)
    if first_row % ROWS:
        raise ValueError(f"first_row is {first_row}: it must be a multiple of {ROWS}, the rows thinned at once.")
    return thinned(counts, [fraction], as_seed(seed, largest=LARGEST_STREAM), int(first_row))[fraction]
