"""Real peripheral blood cells that come inside scanpy: 700 cells, 765 genes, 10 labels."""

import warnings

import numpy as np
from scipy import sparse
from sklearn.model_selection import StratifiedKFold

from helpers._utils.validation import as_seed, choose, in_range
from helpers.datasets.base import Dataset
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered

# Counts are recovered from values rounded to 3 decimals; the largest error is known to be 0.12.
_LARGEST_ROUNDING = 0.2


def pbmc68k(signal: str = "cell_type", n_folds: int = 2, split_seed: int = 0) -> Dataset:
    """700 real 10x blood cells with 10 cell-type labels; embedded in scanpy, nothing to download.

    The matrix inside scanpy is log1p of counts per 10,000. Whole counts come back as
    ``round(expm1(x) * n_counts / 10_000)``, which is checked here.

    The labels were made by correlating each cell's expression with purified populations (Zheng 2017),
    so they are *not* independent of the counts: read curves as recovery of a label that full-depth
    expression had defined.

    Parameters
    ----------
    signal : {"cell_type"}
    n_folds : int
        The set is small: each cell is a probe cell in exactly one fold.
    split_seed : int
        Seed of the folds, which are stratified by label and made before anything else.
    """
    choose(signal, ["cell_type"], "signal of pbmc68k")
    in_range(n_folds, 2, 8, "n_folds", "8 cells carry the rarest label.", whole=True)
    counts, labels, totals, genes = _recovered_counts()
    folds = np.zeros(len(labels), int)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=as_seed(split_seed, "split_seed"))
    for fold, (_, probe) in enumerate(splitter.split(folds, labels)):
        folds[probe] = fold
    return Dataset(
        name="pbmc68k",
        signal_name=signal,
        counts=counts,
        signal=labels,
        folds=folds,
        other_umis=totals - counts.sum(axis=1).A1,
        genes=genes,
        ceiling_bits=entropy(labels),
        independent_signal=False,
        about="Peripheral blood mononuclear cells, 10x Chromium.",
        source="Zheng et al. 2017, doi:10.1038/ncomms14049, as scanpy.datasets.pbmc68k_reduced",
        checked=(
            f"whole counts, rounding error below {_LARGEST_ROUNDING}",
            "no cell has more UMIs in these genes than in all",
            "one label a cell, folds stratified by label",
        ),
    )


def _recovered_counts() -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, np.ndarray]:
    import scanpy as sc

    with warnings.catch_warnings(action="ignore"):  # the stored file is in an old AnnData format
        cells = sc.datasets.pbmc68k_reduced()
    totals = cells.obs["n_counts"].to_numpy(float)
    values = sparse.csr_matrix(cells.raw.X, dtype=float)
    exact = np.expm1(values.data) * np.repeat(totals, np.diff(values.indptr)) / 1e4
    whole = np.round(exact)
    error = np.abs(exact - whole).max()
    if error > _LARGEST_ROUNDING or (totals != np.round(totals)).any():
        raise ValueError(
            f"pbmc68k: recovered counts are off whole numbers by {error:.2f} (allowed: {_LARGEST_ROUNDING}). "
            "The file in this version of scanpy is not the one expected: install scanpy==1.11.5."
        )
    counts = sparse.csr_matrix((whole.astype(np.int32), values.indices, values.indptr), values.shape)
    counts.eliminate_zeros()
    if (totals < counts.sum(axis=1).A1).any():
        raise ValueError("pbmc68k: some cells have more UMIs in the stored genes than in all genes.")
    labels = cells.obs["bulk_labels"].astype(str).to_numpy()
    return counts, labels, totals.astype(int), cells.raw.var_names.to_numpy()
