"""Xenium human breast cancer: one contiguous block of tissue."""

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "xenium_breast"
_POSITION = ["aligned_x", "aligned_y"]
_NOT_GENES = ["cell_id", "cell_area", "nucleus_area", *_POSITION]


def xenium_breast(
    signal: str = "neighbour", n_folds: int = 2, k: int = 5, pair_seed: int = 0, folder: Folder = None
) -> Dataset:
    """17,136 cells of a human breast tumour in place, 313 genes; the signal is a neighbouring cell.

    Parameters
    ----------
    signal : {"neighbour"}
        State of one random of the ``k`` nearest cells: components of its own counts, at full depth.
    n_folds : int
        Strips of tissue with equally many cells.
    """
    choose(signal, ["neighbour"], f"signal of {NAME}")
    table = read.table(fetch(NAME, "pikachu.csv.gz", folder))
    read.need_columns(table, _NOT_GENES, f"{NAME}: the table of cells")
    rna, positions = table.drop(columns=_NOT_GENES), table[_POSITION].to_numpy(float)
    checked = ("whole counts", "one contiguous block, positions in units of the aligned image")
    about = {"genes": rna.columns.to_numpy(), "checked": checked}
    return with_neighbours(NAME, read.as_sparse(rna, NAME), positions, n_folds, k, pair_seed, **about)
