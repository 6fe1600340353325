"""Xenium human breast cancer: cells sampled from the four corners of one section."""

import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-30 first

NAME = "xenium_sampled"
FILES = ("pikachu", "charmander", "squirtle", "bulbasaur")
_POSITION = ["x_centroid", "y_centroid"]
_NOT_GENES = [*_POSITION, "area"]


def xenium_sampled(
    signal: str = "neighbour",
    n_folds: int = 2,
    k: int = 5,
    distance: float = 0.0,
    pair_seed: int = 0,
    folder: Folder = None,
) -> Dataset:
    """34,082 cells sampled from four corners of a human breast tumour, 313 genes; the signal is a neighbouring cell.

    The section is that of ``xenium_breast``, whose block was counted within other outlines: some cells are in both.

    Parameters
    ----------
    signal : {"neighbour"}
        State of one random of the ``k`` nearest sampled cells: components of its own counts, at full depth.
    n_folds : int
        Strips of tissue with equally many cells.
    distance : float
        In µm: the partner is one of the ``k`` nearest of the cells that are farther away than this.
    """
    choose(signal, ["neighbour"], f"signal of {NAME}")
    tables = [read.table(fetch(NAME, f"{file}.csv.gz", folder)) for file in FILES]
    for file, part in zip(FILES, tables, strict=True):
        read.need_columns(part, _NOT_GENES, f"{NAME}: {file}")
        read.need_same(part, tables[0], f"{NAME}: the columns of {file} and {FILES[0]}")
    table = pd.concat(tables)
    if len(twice := table.index[table.index.duplicated()]):
        raise ValueError(f"{NAME}: cell {twice[0]} is in two files or twice in one: download them again.")
    rna = table.drop(columns=_NOT_GENES)
    counts = read.as_sparse(rna, NAME)
    some = counts.getnnz(axis=1) > 0  # counts fade out towards one edge, where a cell without any has such neighbours
    positions = table.loc[some, _POSITION].to_numpy(float)
    checked = (
        "whole counts",
        "four files without a cell in common, one corner of the section each",
        f"{(~some).sum()} cells without a count left out",
        f"positions in µm: the nearest sampled cell is {_nearest(positions):.1f} µm away (median)",
    )
    about = {"genes": rna.columns.to_numpy(), "checked": checked, "distance": distance}
    return with_neighbours(NAME, counts[some], positions, n_folds, k, pair_seed, **about)


def _nearest(positions: np.ndarray) -> float:
    from scipy.spatial import KDTree

    return float(np.median(KDTree(positions).query(positions, 2)[0][:, 1]))
