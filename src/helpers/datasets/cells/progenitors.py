"""Mouse haematopoietic progenitors, the whole transcriptome: cells without a signal of their own."""

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose, in_range
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "progenitors"
_LIBRARIES = ("P9A", "P11A", "P11B", "P12A")


def progenitors(signal: str = "library", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """6,933 mouse Kit+ bone-marrow progenitors, 28,205 genes, from four libraries; for learning without a signal.

    Parameters
    ----------
    signal : {"library"}
        Which of the four libraries a cell was sequenced in: an effect of the batch, not biology. It is what folds are
        stratified by.
    """
    choose(signal, ["library"], f"signal of {NAME}")
    in_range(n_folds, 2, 100, "n_folds", whole=True)
    parts: list[sparse.csr_matrix] = []
    sizes, genes = [], [""]
    for library in _LIBRARIES:
        path = fetch(NAME, f"{library}.counts.tsv.gz", folder)
        table = read.table(path, sep="\t")
        if parts and genes != list(table.columns):
            raise ValueError(f"{path} has other genes than the file of library {_LIBRARIES[0]}: the same are expected.")
        genes = list(table.columns)
        parts.append(read.as_sparse(table, NAME))
        sizes.append(len(table))
    labels, counts = np.repeat(_LIBRARIES, sizes), sparse.vstack(parts, format="csr")
    folds = splits.stratified(labels, n_folds, split_seed)
    checked = ("whole counts", "the same genes in all four libraries")
    return registered(NAME, signal, counts, labels, folds, genes=np.array(genes), checked=checked)
