"""From raw counts to model input, learning only from the training cells."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import LARGEST_STREAM, as_counts, as_seed, in_range, same_length

VERSION = 1  # 2026-11-28 numbered


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


def choose_genes(train_counts: Any, n_top: int = 750) -> tuple[np.ndarray, str]:
    """Choose up to ``n_top`` highly variable genes from training counts by ``seurat_v3``.

    On very thin counts the loess fit of ``seurat_v3`` fails; genes are then ranked by the variance of
    log(1 + counts per 10,000), and the returned method says so.

    Returns
    -------
    (columns, method)
        Sorted column numbers and how they were chosen.
    """
    import anndata
    import scanpy as sc
    from threadpoolctl import threadpool_limits

    train_counts = as_counts(train_counts, "training counts")
    in_range(n_top, 1, 1e6, "n_top", whole=True)
    seen = np.flatnonzero(train_counts.getnnz(axis=0))
    if len(seen) <= n_top:
        return seen, f"all {len(seen)} genes with a training count"
    varies = _variance(train_counts[:, seen]) > 0
    # Compiled code that scanpy calls sets the number of OpenMP threads for the whole process, torch included,
    # which slows others tenfold where cores are shared: put it back.
    with warnings.catch_warnings(), threadpool_limits(1, "openmp"):
        warnings.simplefilter("ignore")
        try:
            if varies.sum() < 10:  # the loess library ends the process on so few
                raise ValueError(f"only {varies.sum()} genes vary")
            table = sc.pp.highly_variable_genes(
                anndata.AnnData(train_counts[:, seen].astype(np.float64)),
                flavor="seurat_v3",
                n_top_genes=n_top,
                inplace=False,
            )
            rank, method = table["variances_norm"].to_numpy(), "seurat_v3"
        except ValueError as error:  # the loess library's error for near-singular fits
            values = log_cp10k(train_counts[:, seen])
            mean = values.mean(axis=0).A1
            rank = values.multiply(values).mean(axis=0).A1 - mean**2
            method = f"variance of log CP10k, since seurat_v3 failed: {_reason(error)}"
    return most_variable(seen, rank, n_top), method


def most_variable(columns: np.ndarray, variance: np.ndarray, n_top: int) -> np.ndarray:
    """Return, sorted, the ``n_top`` columns of largest variance; of equal ones the first.

    Variances that agree in nine digits are equal: their last digits depend on the processor, which chooses no genes.
    """
    rounded = [float(f"{value:.9g}") for value in np.nan_to_num(variance)]
    return np.sort(columns[np.argsort(np.negative(rounded), kind="stable")[:n_top]])


def _variance(counts: sparse.csr_matrix) -> np.ndarray:
    values = counts.astype(np.float64)
    return values.multiply(values).mean(axis=0).A1 - values.mean(axis=0).A1 ** 2


def _reason(error: Exception) -> str:
    """First line of an error; the loess library gives bytes."""
    told = error.args[0] if error.args else type(error).__name__
    return (told.decode() if isinstance(told, bytes) else str(told)).strip().split("\n")[0][:60]


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
    if train_counts.nnz == 0:
        raise ValueError("no training cell has a count left: raise the depth fraction or use more cells.")
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
        For fewer than two, more than there are, or a seed that is no whole number of 0 or more.

    Examples
    --------
    >>> set(nested_subset(100, 10, seed=3)) <= set(nested_subset(100, 20, seed=3))
    True
    """
    in_range(n_keep, 2, n_cells, "n_train", f"There are {n_cells} training cells.", whole=True)
    rng = np.random.default_rng(as_seed(seed, largest=LARGEST_STREAM))
    return rng.permutation(n_cells)[:n_keep]
