"""From raw counts to model input, learning only from the training cells."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import LARGEST_STREAM, as_counts, as_seed, in_range, same_length

VERSION = 1  # 2026-11-28 numbered

# Counts below this are tallied in a dense table, rarer larger ones in a list.
_SMALL = 64


@dataclass(frozen=True)
class Prepared:
    """Model input: log-normalised values and the raw counts of the same chosen genes.

    Attributes
    ----------
    train, probe : ndarray of float32, shapes (train cells, genes) and (probe cells, genes)
    train_counts, probe_counts : csr_matrix of int, the same cells and genes
    genes : ndarray of int
        Column numbers of the chosen genes.
    hvg_method : str
        How they were chosen, including any fallback.
    """

    train: np.ndarray
    probe: np.ndarray
    train_counts: sparse.csr_matrix
    probe_counts: sparse.csr_matrix
    genes: np.ndarray
    hvg_method: str


def log_cp10k(counts: Any, totals: np.ndarray | None = None) -> sparse.csr_matrix:
    """Return log(1 + counts per 10,000), cell by cell; a cell without counts stays zero.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers
    totals : (cells,) array, optional
        UMIs per cell over all genes, where the matrix holds only some of them.

    Examples
    --------
    >>> log_cp10k([[1, 9999], [0, 0]]).toarray().round(3).tolist()
    [[0.693, 9.21], [0.0, 0.0]]
    """
    counts = as_counts(counts)
    sums = counts.sum(axis=1).A1 if totals is None else np.asarray(totals)
    same_length(counts=counts, totals=sums)
    if not (sums >= counts.sum(axis=1).A1).all():
        raise ValueError("totals are below the sum of the given genes for some cells: they count all genes.")
    scale = np.divide(1e4, sums, out=np.zeros(len(sums)), where=sums > 0)
    scaled = sparse.csr_matrix(counts, dtype=np.float64)
    scaled.data *= np.repeat(scale, np.diff(scaled.indptr))
    scaled.data = np.log1p(scaled.data)
    return scaled


class CountTally:
    """How many cells have which count of which gene: all that the choice of genes needs to know of any number of cells.

    Examples
    --------
    >>> tally = CountTally(2)
    >>> tally.add(sparse.csr_matrix([[1, 0], [3, 200], [1, 0]]))
    >>> [column.tolist() for column in tally.entries()]
    [[0, 0, 1], [1, 3, 200], [2, 1, 1]]
    """

    def __init__(self, n_genes: int) -> None:
        self.n_genes, self.n_cells = n_genes, 0
        self._small = np.zeros(n_genes * _SMALL, np.int64)
        self._large = np.zeros((2, 0), np.int64)  # gene and count as one key; cells

    def add(self, counts: sparse.csr_matrix) -> None:
        """Count further cells."""
        self.n_cells += counts.shape[0]
        small = counts.data < _SMALL
        keys = counts.indices[small].astype(np.int64) * _SMALL + counts.data[small]
        self._small += np.bincount(keys, minlength=len(self._small))
        keys = (counts.indices[~small].astype(np.int64) << 32) + counts.data[~small]
        keys, cells = np.unique(keys, return_counts=True)
        keys, which = np.unique(np.concatenate([self._large[0], keys]), return_inverse=True)
        cells = np.bincount(which, np.concatenate([self._large[1], cells]), len(keys)).astype(np.int64)
        self._large = np.stack([keys, cells])

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return genes, counts above zero, and how many cells have that count of that gene."""
        small = np.flatnonzero(self._small)
        keys, cells = self._large
        return (
            np.concatenate([small // _SMALL, keys >> 32]),
            np.concatenate([small % _SMALL, keys & (2**32 - 1)]),
            np.concatenate([self._small[small], cells]),
        )

    def standardised_variance(self) -> np.ndarray:
        """Return the variance of each gene that has a count by ``seurat_v3``: clipped, relative to the loess fit.

        Raises
        ------
        ValueError
            If the fit fails, as it does on very thin counts, with the reason.
        """
        from skmisc.loess import loess

        gene, count, cells = self.entries()
        seen, n = np.unique(gene), self.n_cells

        def total(weights: np.ndarray) -> np.ndarray:
            return np.bincount(gene, weights * cells, self.n_genes)[seen]

        mean = total(count) / n
        variance = (total(count.astype(float) ** 2) / n - mean**2) * n / max(n - 1, 1)
        varies = variance > 0
        if varies.sum() < 10:  # the loess library ends the process on so few
            raise ValueError(f"only {varies.sum()} genes vary")
        # Span and degree as in Seurat and scanpy.
        model = loess(np.log10(mean[varies]), np.log10(variance[varies]), span=0.3, degree=2)
        model.fit()
        fitted = np.zeros(len(seen))
        fitted[varies] = model.outputs.fitted_values
        expected = np.sqrt(10**fitted)
        most = np.zeros(self.n_genes)
        most[seen] = expected * np.sqrt(n) + mean
        clipped = np.minimum(count, most[gene])
        return (n * mean**2 + total(clipped**2) - 2 * mean * total(clipped)) / ((n - 1) * expected**2)


def choose_genes(train_counts: Any, n_top: int = 750) -> tuple[np.ndarray, str]:
    """Choose up to ``n_top`` highly variable genes from training counts by ``seurat_v3``, as scanpy does.

    On very thin counts the loess fit of ``seurat_v3`` fails; genes are then ranked by the variance of
    log(1 + counts per 10,000), and the returned method says so.

    Returns
    -------
    (columns, method)
        Sorted column numbers and how they were chosen.
    """
    train_counts = as_counts(train_counts, "training counts")
    return genes_of_blocks(lambda: [train_counts], train_counts.shape[1], n_top)


def genes_of_blocks(
    blocks: Callable[[], Iterable[sparse.csr_matrix]], n_genes: int, n_top: int
) -> tuple[np.ndarray, str]:
    """Choose genes from training cells that come in blocks, as ``choose_genes`` does from all of them."""
    in_range(n_top, 1, 1e6, "n_top", whole=True)
    tally = CountTally(n_genes)
    for block in blocks():
        tally.add(block)
    seen = np.unique(tally.entries()[0])
    if not len(seen):
        raise ValueError("no training cell has a count left: raise the depth fraction or use more cells.")
    if len(seen) <= n_top:
        return seen, f"all {len(seen)} genes with a training count"
    try:
        return most_variable(seen, tally.standardised_variance(), n_top), "seurat_v3"
    except ValueError as error:  # the loess library's error for near-singular fits
        method = f"variance of log CP10k, since seurat_v3 failed: {_reason(error)}"
        return most_variable(seen, _log_variance(blocks(), seen), n_top), method


def _log_variance(blocks: Iterable[sparse.csr_matrix], seen: np.ndarray) -> np.ndarray:
    """Return the variance of log(1 + counts per 10,000) of genes over the cells of all blocks."""
    sums, n = np.zeros((2, len(seen))), 0
    for block in blocks:
        values = log_cp10k(block[:, seen])
        sums += values.sum(axis=0).A1, values.multiply(values).sum(axis=0).A1
        n += block.shape[0]
    mean, square = sums / n
    return square - mean**2


def most_variable(columns: np.ndarray, variance: np.ndarray, n_top: int) -> np.ndarray:
    """Return, sorted, the ``n_top`` columns of largest variance; of equal ones the first.

    Variances that agree in nine digits are equal: their last digits depend on the processor, which chooses no genes.
    """
    rounded = [float(f"{value:.9g}") for value in np.nan_to_num(variance)]
    return np.sort(columns[np.argsort(np.negative(rounded), kind="stable")[:n_top]])


def _reason(error: Exception) -> str:
    """First line of an error; the loess library gives bytes."""
    reason = error.args[0] if error.args else type(error).__name__
    return (reason.decode() if isinstance(reason, bytes) else str(reason)).strip().split("\n")[0][:60]


def prepare(
    train_counts: Any,
    probe_counts: Any,
    train_other: np.ndarray | None = None,
    probe_other: np.ndarray | None = None,
    n_top: int = 750,
    chosen: tuple[np.ndarray, str] | None = None,
) -> Prepared:
    """Log-normalise both sides on the genes that vary most among the training cells.

    Parameters
    ----------
    train_counts, probe_counts : (cells, genes) matrices of whole numbers
    train_other, probe_other : (cells,) arrays, optional
        UMIs per cell in genes outside the matrix; they count towards the library size.
    n_top : int
        Genes to keep.
    chosen : from ``choose_genes``, optional
        Genes chosen elsewhere, such as from deeper counts of the training cells.

    Raises
    ------
    ValueError
        If the sides have different genes, or no training cell has any count.
    """
    train_counts, probe_counts = as_counts(train_counts), as_counts(probe_counts)
    if train_counts.shape[1] != probe_counts.shape[1]:
        raise ValueError(f"train has {train_counts.shape[1]} genes and probe {probe_counts.shape[1]}: give the same.")
    genes, method = chosen or choose_genes(train_counts, n_top)
    sides = []
    for side, counts, other in (("train", train_counts, train_other), ("probe", probe_counts, probe_other)):
        totals = counts.sum(axis=1).A1
        if other is not None:
            if np.shape(other) != totals.shape:
                raise ValueError(f"{side}_other has shape {np.shape(other)}: give one total for {len(totals)} cells.")
            totals = totals + np.asarray(other)
        kept = counts[:, genes]
        sides += [log_cp10k(kept, totals).toarray().astype(np.float32), kept]
    return Prepared(sides[0], sides[2], sides[1], sides[3], genes, method)


def nested_subset(n_cells: int, n_keep: int, seed: int) -> np.ndarray:
    """Return ``n_keep`` of ``n_cells`` row numbers; smaller subsets of one seed lie within larger ones.

    Raises
    ------
    ValueError
        For fewer than two, more than there are, or a seed that is not a whole number of 0 or more.

    Examples
    --------
    >>> set(nested_subset(100, 10, seed=3)) <= set(nested_subset(100, 20, seed=3))
    True
    """
    in_range(n_keep, 2, n_cells, "n_train", f"There are {n_cells} training cells.", whole=True)
    rng = np.random.default_rng(as_seed(seed, largest=LARGEST_STREAM))
    return rng.permutation(n_cells)[:n_keep]
