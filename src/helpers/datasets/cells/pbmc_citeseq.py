"""PBMC CITE-seq of Hao 2021: 161,764 blood cells with 228 surface proteins and 57 cell types."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import as_counts, choose
from helpers.datasets import h5ad, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "pbmc_citeseq"
_PANEL = "obsm/protein_counts"
_TYPES = "obs/celltype.l3"


def pbmc_citeseq(
    signal: str = "protein",
    n_cells: int | None = None,
    n_folds: int = 2,
    split_seed: int = 0,
    folder: Folder = None,
) -> Dataset:
    """161,764 blood cells with a panel of 228 surface proteins (CITE-seq) and 57 cell types.

    The file is that of ``scvi.data.pbmc_seurat_v4_cite_seq``, taken as it is: none of that function's
    filters is applied, and antibodies against one protein are not added up. Only the cells asked for are
    read; all of them need roughly 10 GB of memory (estimated, not measured).

    Parameters
    ----------
    signal : {"protein", "cell_type"}
        ``protein``: log(1 + count) of the panel, other molecules than the RNA. ``cell_type``:
        ``celltype.l3``, found in RNA and proteins together, so not independent of the counts.
    n_cells : int, optional
        A random subset; all cells if not given.
    n_folds, split_seed : int
        Folds stratified by cell type; the seed also draws the subset.
    """
    choose(signal, ["protein", "cell_type"], f"signal of {NAME}")
    with h5ad.opened(fetch(NAME, "pbmc_seurat_v4.h5ad", folder)) as handle:
        types = h5ad.column(handle, _TYPES)
        chosen = h5ad.sample(len(types), n_cells, split_seed)
        counts = h5ad.StoredMatrix(handle).rows(chosen)
        genes = h5ad.column(handle, "var")
        panel = _panel(handle)[chosen] if signal == "protein" else np.zeros((0, 0))
    labels = types[chosen]
    checked = ["whole counts", f"{len(chosen)} of {len(types)} cells", "folds stratified by celltype.l3"]
    if signal == "protein":
        checked.append(f"{panel.shape[1]} proteins, whole counts")
    values, folds = np.log1p(panel) if signal == "protein" else labels, splits.stratified(labels, n_folds, split_seed)
    about = {"genes": genes, "checked": tuple(checked), "independent_signal": signal == "protein"}
    return registered(NAME, signal, counts, values, folds, **about)


def _panel(handle: Any) -> np.ndarray:
    """Return the counts of proteins, whether stored as a table or as a matrix."""
    from anndata.io import read_elem

    if _PANEL not in handle:
        raise ValueError(f"{NAME}: {handle.filename} has no {_PANEL}: it is not the file expected.")
    values = read_elem(handle[_PANEL])
    values = pd.DataFrame(values).to_numpy() if not hasattr(values, "toarray") else values
    return as_counts(values, f"{NAME}: {_PANEL}").toarray().astype(float)
