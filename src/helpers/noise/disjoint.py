"""Two measurements of the same cell from one: molecules dealt out to one or the other, never to both."""

from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, as_rng, in_range


def thin_twice(
    counts: Any, fraction: float, rng: np.random.Generator | int | None = None
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
    kept = []
    for data in (first, second):
        thinned = sparse.csr_matrix(
            (data.astype(counts.dtype), counts.indices.copy(), counts.indptr.copy()), counts.shape
        )
        thinned.eliminate_zeros()
        kept.append(thinned)
    return kept[0], kept[1]
