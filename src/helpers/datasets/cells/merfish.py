"""MERFISH of a whole mouse brain section: the signal is a neighbouring cell."""

import numpy as np

from helpers._utils.validation import as_matrix, choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "merfish"
_PLACE = ["center_x", "center_y"]
# Cells are named with up to 39 digits, which no number holds.
_NAMES_AS_TEXT = {0: str}


def merfish(
    signal: str = "neighbour", n_folds: int = 2, k: int = 5, pair_seed: int = 0, folder: Folder = None
) -> Dataset:
    """About 78,000 cells of a mouse brain section in place, 649 genes by MERFISH; the signal is a neighbouring cell.

    The Vizgen brain receptor map, slice 1, replicate 1. Blank barcodes (not genes) and cells without a count
    are left out.

    Parameters
    ----------
    signal : {"neighbour"}
        State of one random of the ``k`` nearest cells: components of its own counts, at full depth.
    n_folds : int
        Strips of tissue with equally many cells; a pair is always of one strip.
    """
    choose(signal, ["neighbour"], f"signal of {NAME}")
    of_counts, of_cells = (fetch(NAME, f"{part}_S1R1.csv", folder) for part in ("cell_by_gene", "cell_metadata"))
    rna, about = (read.table(path, dtype=_NAMES_AS_TEXT) for path in (of_counts, of_cells))
    read.need_columns(about, _PLACE, f"{NAME}: {of_cells}")
    lost = sorted(set(rna.index) - set(about.index))
    if about.index.has_duplicates or lost:
        fault = f"cell {lost[0]!r} is not in it" if lost else "it names a cell twice"
        raise ValueError(f"{NAME}: {of_cells} is not about the cells of {of_counts.name}: {fault}.")
    positions = as_matrix(about.loc[rna.index, _PLACE].to_numpy(), f"positions of {NAME}")
    blank = np.array([gene.lower().startswith("blank") for gene in rna.columns])
    counts = read.as_sparse(rna.loc[:, ~blank], NAME).astype(np.int32)
    some = counts.getnnz(axis=1) > 0
    blanks, empty = f"{blank.sum()} blank barcodes left out", f"{(~some).sum()} cells without a count left out"
    checked = ("whole counts", "cells named alike in both files", blanks, empty)
    about_genes = {"genes": rna.columns[~blank].to_numpy(str), "checked": checked}
    return with_neighbours(NAME, counts[some], positions[some], n_folds, k, pair_seed, **about_genes)
