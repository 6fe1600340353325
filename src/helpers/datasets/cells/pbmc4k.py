"""PBMC 4k: blood cells with 8 clusters."""

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "pbmc4k"


def pbmc4k(signal: str = "cell_type", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """4,271 10x blood cells with 8 cell types, 2,000 genes; the types were found in the same RNA."""
    choose(signal, ["cell_type"], f"signal of {NAME}")
    stored = read.hdf5(fetch(NAME, "10X_PBMC_top2000.h5", folder), "X", "Y")
    labels = stored["Y"].astype(int)
    folds, checked = splits.stratified(labels, n_folds, split_seed), ("whole counts", "one label a cell")
    return registered(NAME, signal, stored["X"], labels, folds, independent_signal=False, checked=checked)
