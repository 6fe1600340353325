"""LARRY, a small subset: relatives that share a barcode, days apart."""

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_relatives

VERSION = 1  # 2026-11-28 numbered

NAME = "larry_subset"
_PARTS = ("data", "indices", "indptr")


def larry_subset(signal: str = "clone", pair_seed: int = 0, folder: Folder = None) -> Dataset:
    """781 blood progenitors with clonal barcodes, 2,481 genes; the signal is a relative days later.

    One random cell of day 2 or 4 of each clone probes, with the state of one random relative of day 6 as its
    signal. Cells of clones without such a pair always train. The set is small: the interval of every estimate is wide.

    Parameters
    ----------
    signal : {"clone"}
    pair_seed : int
        Which cell and which relative of each clone.
    """
    choose(signal, ["clone"], f"signal of {NAME}")
    file = fetch(NAME, "test_adata_preprocessed.h5ad", folder)
    matrices = [f"{matrix}/{part}" for matrix in ("X", "obsm/X_clone") for part in _PARTS]
    time, names, genes = "obs/time_info", "obs/__categories/time_info", "var/_index"
    stored = read.hdf5(file, *matrices, time, names, genes)
    shape = (len(stored[time]), len(stored[genes]))
    values = sparse.csr_matrix(tuple(stored[f"X/{part}"] for part in _PARTS), shape)
    clones = sparse.csr_matrix(tuple(stored[f"obsm/X_clone/{part}"] for part in _PARTS))
    days = read.text(stored[names]).astype(int)[stored[time]]
    checked = ("whole counts recovered from scaled values", f"days {', '.join(map(str, np.unique(days)))}")
    about = {"genes": read.text(stored[genes]), "checked": checked}
    return with_relatives(NAME, read.from_scaled(values, NAME), clones, days, 1, pair_seed, **about)
