"""osmFISH of the mouse somatosensory cortex: 33 genes in place."""

from typing import Any

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "osmfish"


def osmfish(
    signal: str = "neighbour",
    n_folds: int = 2,
    k: int = 5,
    pair_seed: int = 0,
    split_seed: int = 0,
    folder: Folder = None,
) -> Dataset:
    """Cells of the mouse somatosensory cortex in place, 33 genes by osmFISH; neighbour or cell type.

    Cells that the authors marked as not valid (1,632 of 6,471) are left out.

    Parameters
    ----------
    signal : {"neighbour", "cell_type"}
        ``neighbour``: state of one random of the ``k`` nearest cells. ``cell_type``: 31 clusters found in
        the same counts.
    n_folds : int
        Strips of tissue, or folds stratified by type.
    """
    choose(signal, ["neighbour", "cell_type"], f"signal of {NAME}")
    columns = [f"col_attrs/{name}" for name in ("X", "Y", "ClusterName", "Valid")]
    file = fetch(NAME, "osmFISH_SScortex_mouse_all_cells.loom", folder)
    counts, genes, x, y, types, marked = read.hdf5(file, "matrix", "row_attrs/Gene", *columns).values()
    valid = (marked == 1) & (counts.sum(axis=0) > 0)
    checked = ("whole counts", f"{(~valid).sum()} cells left out: marked as not valid, or without a count")
    about: dict[str, Any] = {"genes": read.text(genes), "checked": checked}
    if signal == "neighbour":
        positions = np.column_stack([x, y]).astype(float)[valid]
        return with_neighbours(NAME, counts.T[valid], positions, n_folds, k, pair_seed, **about)
    labels = read.text(types)[valid]
    folds = splits.stratified(labels, n_folds, split_seed)
    return registered(NAME, signal, counts.T[valid], labels, folds, independent_signal=False, **about)
