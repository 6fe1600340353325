"""Xenium human breast cancer: one contiguous block of tissue."""

from pathlib import Path

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "xenium_breast"
_NOT_GENES = ["cell_id", "cell_area", "nucleus_area", "aligned_x", "aligned_y"]


def xenium_breast(
    signal: str = "neighbour", n_folds: int = 2, k: int = 5, pair_seed: int = 0, folder: str | Path | None = None
) -> Dataset:
    """17,136 cells of a human breast tumour in place, 313 genes; the signal is a neighbouring cell.

    Parameters
    ----------
    signal : {"neighbour"}
        State of one random of the ``k`` nearest cells: components of its own counts, at full depth.
    n_folds : int
        Strips of tissue with equally many cells.
    k, pair_seed : int
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["neighbour"], f"signal of {NAME}")
    table = read.table(fetch(NAME, "pikachu.csv.gz", folder))
    missing = [c for c in _NOT_GENES if c not in table]
    if missing:
        raise ValueError(f"{NAME}: the table has no column {missing[0]!r}: it needs {', '.join(_NOT_GENES)}.")
    genes = table.drop(columns=_NOT_GENES)
    return with_neighbours(
        NAME, read.as_sparse(genes, NAME), table[["aligned_x", "aligned_y"]].to_numpy(float), n_folds, k, pair_seed,
        genes=genes.columns.to_numpy(),
        checked=("whole counts", "one contiguous block, positions in units of the aligned image"),
    )  # fmt: skip
