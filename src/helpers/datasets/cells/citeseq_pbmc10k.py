"""PBMC 10k CITE-seq: RNA and 14 surface proteins of the same blood cells."""

from pathlib import Path

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "citeseq_pbmc10k"


def citeseq_pbmc10k(signal: str = "protein", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """6,855 blood cells with 14 surface proteins counted by antibodies (CITE-seq), 4,000 genes.

    Parameters
    ----------
    signal : {"protein", "cell_type"}
        ``protein``: log(1 + count) of the panel, other molecules than the RNA. ``cell_type``: 7 labels that
        another release of the sample carries, given to the cells whose 14 protein counts are the same
        there; the others have none and only train. They were made from the same cells.
    """
    choose(signal, ["protein", "cell_type"], f"signal of {NAME}")
    rna = read.table(fetch(NAME, "pbmc10k_harmo_rna.csv.gz", folder))
    protein = read.table(fetch(NAME, "pbmc10k_harmo_pro.csv.gz", folder))
    read.need_same(rna.columns, protein.columns, f"{NAME}: the cells of the RNA and of the protein table")
    panel = protein.to_numpy(float).T
    if signal == "protein":
        values, paired = np.log1p(panel), np.ones(len(panel), bool)
        check = f"{panel.shape[1]} proteins, barcodes equal to those of the RNA"
    else:
        values = _transferred(panel, fetch(NAME, "10XPBMC_filtered_1000G.H5", folder))
        paired = values >= 0
        check = f"labels of {paired.sum()} cells by equal protein counts; the others only train"
    counts, folds = read.as_sparse(rna, NAME, cells_in_columns=True), splits.deal(values, n_folds, split_seed)
    about = {"genes": rna.index.to_numpy(), "independent_signal": signal == "protein"}
    return registered(NAME, signal, counts, values, folds, paired=paired, checked=("whole counts", check), **about)


def _transferred(panel: np.ndarray, other: Path) -> np.ndarray:
    """Return the label of the cell with the same proteins in another copy of the sample, -1 for none.

    The copy has its proteins in another order, which the cells with equal sorted counts reveal.
    """
    copy = read.hdf5(other, "X2", "Y")
    theirs, labels = copy["X2"], copy["Y"].astype(int)
    key = {tuple(row): i for i, row in enumerate(np.sort(theirs, axis=1))}
    same = [(i, key[row]) for i, row in enumerate(map(tuple, np.sort(panel, axis=1))) if row in key]
    if len(same) < 50:
        raise ValueError(f"{NAME}: only {len(same)} cells have equal protein counts in {other.name}: no labels.")
    mine, its = np.array(same).T
    agree = (panel[mine][:, :, None] == theirs[its][:, None, :]).mean(axis=0)
    order = agree.argmax(axis=1)
    if len(set(order)) < panel.shape[1] or agree.max(axis=1).min() < 0.9:
        raise ValueError(f"{NAME}: the proteins of {other.name} could not be matched to those of the panel.")
    exact = {tuple(row): label for row, label in zip(theirs[:, order], labels, strict=True)}
    return np.array([exact.get(tuple(row), -1) for row in panel])
