"""MERFISH of the mouse hypothalamus: two sections, one trains and the other probes."""

import re

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose
from helpers.datasets import read
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_neighbours

VERSION = 1  # 2026-11-28 numbered

NAME = "merfish_hypothalamus"
# Read out one after the other instead of by the barcode: no counts of molecules, so left out (Moffitt 2018).
SEQUENTIAL = re.findall(
    r"\w+", "Adcyap1 Cartpt Cck Crh Fos Gal Gnrh1 Mbp Nnat Nts Oxt Penk Scg2 Sln Sst Tac1 Tac2 Th Trh Ucn3 Vgf"
)


def merfish_hypothalamus(signal: str = "neighbour", k: int = 5, pair_seed: int = 0, folder: Folder = None) -> Dataset:
    """11,160 cells of two sections of mouse hypothalamus in place, 135 genes by MERFISH; neighbour or class.

    Values are stored as counts per volume; dividing a cell by its smallest value gives whole numbers
    back, which is checked. One section trains and the other probes, then they swap.

    Parameters
    ----------
    signal : {"neighbour", "cell_class"}
        ``neighbour``: state of one random of the ``k`` nearest cells of the same section. ``cell_class``: 15
        classes found in the same counts; cells called ambiguous have none and only train.
    """
    choose(signal, ["neighbour", "cell_class"], f"signal of {NAME}")
    file = fetch(NAME, "hypothalamus.rda", folder)
    try:
        stored = read.r_object(file)["hypothalamus"]
        expression, places, about_cells = (stored[part] for part in ("expression", "locations", "metadata"))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} has no hypothalamus$expression, $locations and $metadata: {error}") from error
    names = np.asarray(expression["dim_0"]).astype(str)
    chosen = np.array([g not in SEQUENTIAL and not g.startswith("Blank") for g in names])
    values = sparse.csr_matrix(np.asarray(expression)[chosen].T)
    some = values.getnnz(axis=1) > 0
    counts = read.from_scaled(values[some], NAME, allowed=1e-3)
    folds = np.unique(places["sdimz"].to_numpy(float)[some], return_inverse=True)[1]
    checked = (
        "whole counts recovered for 99.9 % of entries or more",
        f"{len(SEQUENTIAL)} sequential genes and the blanks left out",
        f"{(~some).sum()} cells without a count left out",
        "sections are the folds",
    )
    about = {"genes": names[chosen], "checked": checked}
    if signal == "neighbour":
        positions = places[["sdimx", "sdimy"]].to_numpy(float)[some]
        return with_neighbours(NAME, counts, positions, folds, k, pair_seed, **about)
    labels = about_cells["Cell_class"].astype(str).to_numpy()[some]
    known = labels != "Ambiguous"
    return registered(NAME, signal, counts, labels, folds, paired=known, independent_signal=False, **about)
