"""MERFISH of a whole mouse brain section: the signal is a neighbouring cell."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_counts, as_matrix, choose
from helpers.datasets.base import Dataset
from helpers.datasets.files import fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "merfish"
_AT_ONCE = 10_000
_PLACE = ["center_x", "center_y"]


def merfish(
    signal: str = "neighbour", n_folds: int = 2, k: int = 5, pair_seed: int = 0, folder: str | Path | None = None
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
    k, pair_seed : int
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["neighbour"], f"signal of {NAME}")
    of_counts, of_cells = (fetch(NAME, f"{part}_S1R1.csv", folder) for part in ("cell_by_gene", "cell_metadata"))
    counts, ids, genes = _counts(of_counts)
    about = _table(of_cells)
    missing = [c for c in _PLACE if c not in about]
    if missing:
        raise ValueError(f"{NAME}: {of_cells} has no column {missing[0]!r}, only {', '.join(map(str, about))}.")
    if about.index.has_duplicates or len(set(ids) - set(about.index)):
        lost = sorted(set(ids) - set(about.index))
        told = f"cell {lost[0]!r} is not in it" if lost else "it names a cell twice"
        raise ValueError(f"{NAME}: {of_cells} is not about the cells of {of_counts.name}: {told}.")
    positions = as_matrix(about.loc[ids, _PLACE].to_numpy(), f"positions of {NAME}")
    blank = np.array([g.lower().startswith("blank") for g in genes])
    counts = as_counts(counts[:, ~blank], f"counts of {NAME}")
    some = counts.getnnz(axis=1) > 0
    return with_neighbours(
        NAME, counts[some], positions[some], n_folds, k, pair_seed, genes=genes[~blank],
        checked=(
            "whole counts", "cells named alike in both files", f"{blank.sum()} blank barcodes left out",
            f"{(~some).sum()} cells without a count left out",
        ),
    )  # fmt: skip


def _table(path: Path) -> pd.DataFrame:
    """Read a table of cells; its first column names them with up to 39 digits, so it is text."""
    try:
        table = pd.read_csv(path, index_col=0, dtype={0: str})
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is not a readable table: {error}. Download it again.") from error
    return table.set_axis(table.index.astype(str))


def _counts(path: Path) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Return counts, cell names and column names of a table of cells × genes."""
    blocks, names = [], []
    columns: pd.Index = pd.Index([])
    try:
        with pd.read_csv(path, index_col=0, dtype={0: str}, chunksize=_AT_ONCE) as parts:
            for part in parts:
                columns = part.columns
                blocks.append(sparse.csr_matrix(part.to_numpy(np.float32)))
                names.append(part.index.to_numpy(str))
    except (ValueError, OSError, EOFError, TypeError) as error:
        raise ValueError(f"{path} is not a readable table of counts: {error}. Download it again.") from error
    if not blocks:
        raise ValueError(f"{path} has no cells: download it again.")
    return sparse.vstack(blocks, format="csr"), np.concatenate(names), columns.to_numpy(str)
