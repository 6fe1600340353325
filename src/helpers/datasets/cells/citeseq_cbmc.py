"""Cord-blood CITE-seq: RNA and 13 surface proteins of the same cells."""

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "citeseq_cbmc"


def citeseq_cbmc(signal: str = "protein", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """8,617 cord-blood cells with 13 surface proteins, 2,000 genes; half of the cells have under 161 UMIs there.

    Parameters
    ----------
    signal : {"protein", "cluster"}
        ``protein``: log(1 + count) of the panel. ``cluster``: 15 groups computed from the same RNA.
    """
    choose(signal, ["protein", "cluster"], f"signal of {NAME}")
    stored = read.hdf5(fetch(NAME, "CITE_CBMC_counts_top2000.h5", folder), "X", "Y", "ADT_X")
    protein = read.table(fetch(NAME, "GSE100866_CBMC_8K_13AB_10X-ADT_umi.csv.gz", folder)).to_numpy(float).T
    if len(protein) != len(stored["X"]):
        raise ValueError(f"{NAME}: {len(stored['X'])} cells of RNA and {len(protein)} of proteins: not one sample.")
    agreement = _agreement(stored["ADT_X"], protein)
    if signal == "protein":
        values, check = np.log1p(protein), f"cells in one order: stored and raw proteins correlate by {agreement:.2f}"
    else:
        values, check = stored["Y"].astype(int), "one cluster a cell, computed from the same RNA"
    folds = splits.deal(values, n_folds, split_seed)
    checked = ("whole counts", check)
    return registered(NAME, signal, stored["X"], values, folds, independent_signal=signal == "protein", checked=checked)


def _agreement(normalised: np.ndarray, raw: np.ndarray) -> float:
    """Return how well normalised proteins follow raw ones, cell by cell; raise if they do not.

    The two files share no cell names, only the order; 10 of the 13 proteins are in both.
    """
    ranks = np.log1p(raw) - np.log1p(raw).mean(axis=1, keepdims=True)
    between = np.corrcoef(normalised.T, ranks.T)[: normalised.shape[1], normalised.shape[1] :]
    agreement = float(np.median(np.abs(between).max(axis=1)))
    if agreement < 0.5:
        raise ValueError(
            f"{NAME}: stored and raw proteins correlate by {agreement:.2f} only (0.5 is needed): "
            "their cells are not in the same order."
        )
    return agreement
