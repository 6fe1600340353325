"""LARRY, a small subset: relatives that share a barcode, days apart."""

from pathlib import Path

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import fetch
from helpers.datasets.pairing import with_relatives

VERSION = 1  # 2026-11-28 numbered

NAME = "larry_subset"


def larry_subset(signal: str = "clone", pair_seed: int = 0, folder: str | Path | None = None) -> Dataset:
    """781 blood progenitors with clonal barcodes, 2,481 genes; the signal is a relative days later.

    One random cell of day 2 or 4 of each clone probes, with the state of one random relative of day 6 as its
    signal. Cells of clones without such a pair always train. The set is small: the interval of every estimate is wide.

    Parameters
    ----------
    signal : {"clone"}
    pair_seed : int
        Which cell and which relative of each clone.
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["clone"], f"signal of {NAME}")
    file = fetch(NAME, "test_adata_preprocessed.h5ad", folder)
    parts = ("data", "indices", "indptr")
    stored = read.hdf5(
        file, *(f"{m}/{p}" for m in ("X", "obsm/X_clone") for p in parts),
        "obs/time_info", "obs/__categories/time_info", "var/_index",
    )  # fmt: skip
    shape = (len(stored["obs/time_info"]), len(stored["var/_index"]))
    values = sparse.csr_matrix(tuple(stored[f"X/{p}"] for p in parts), shape)
    clones = sparse.csr_matrix(tuple(stored[f"obsm/X_clone/{p}"] for p in parts))
    days = read.text(stored["obs/__categories/time_info"]).astype(int)[stored["obs/time_info"]]
    return with_relatives(
        NAME, read.from_scaled(values, NAME), clones, days, 1, pair_seed,
        genes=read.text(stored["var/_index"]),
        checked=("whole counts recovered from scaled values", f"days {', '.join(map(str, np.unique(days)))}"),
    )  # fmt: skip
