"""Binomial thinning of some rows of a matrix that is too large to thin at once."""

from typing import Any

import numpy as np
from scipy import sparse

from helpers.checks import as_counts, in_range
from helpers.noise.counts import _ROWS


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

    Examples
    --------
    >>> from helpers.noise import thin_nested
    >>> whole = np.random.default_rng(0).poisson(3.0, (1500, 4))
    >>> part = thin_rows(whole[1024:], 0.5, seed=7, first_row=1024)
    >>> (part != thin_nested(whole, [0.5], seed=7)[0.5][1024:]).nnz
    0
    """
    counts = as_counts(counts)
    in_range(fraction, 0, 1, "depth fraction", "It is relative to the data's own depth: 0.1 keeps 10 %.", open_low=True)
    in_range(first_row, 0, np.inf, "first_row", whole=True)
    if first_row % _ROWS:
        raise ValueError(f"first_row is {first_row}: it must be a multiple of {_ROWS}, the rows thinned at once.")
    if fraction == 1:
        return counts
    kept = np.empty_like(counts.data)
    for start in range(0, counts.shape[0], _ROWS):
        ends = counts.indptr[start : start + _ROWS + 1]
        values = counts.data[ends[0] : ends[-1]]
        last = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        fate = np.random.default_rng([seed, (first_row + start) // _ROWS]).random(last[-1])
        survivors = np.concatenate([[0], np.cumsum(fate < fraction)])
        kept[ends[0] : ends[-1]] = np.diff(survivors[last])
    thinned = sparse.csr_matrix((kept, counts.indices.copy(), counts.indptr.copy()), counts.shape)
    thinned.eliminate_zeros()
    return thinned
