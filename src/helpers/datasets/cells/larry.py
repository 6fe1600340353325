"""LARRY in vitro: blood progenitors whose barcodes tell who is related, days apart."""

import gzip

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, choose, in_range
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import Folder, fetch
from helpers.datasets.pairing import with_relatives

VERSION = 1  # 2026-11-28 numbered

NAME = "larry"
# Values are printed with few digits, and a cell without any single molecule cannot be recovered.
_ALLOWED = 1e-3


def larry(signal: str = "clone", n_folds: int = 2, pair_seed: int = 0, folder: Folder = None) -> Dataset:
    """130,887 blood progenitors with clonal barcodes, 25,289 genes; the signal is a relative days later.

    One random early cell (day 2 or 4) of each clone probes, and its signal is the state of one random
    late cell (day 6) of the same clone. A clone never straddles: all its cells are in one fold. Cells of no
    clone always train. Reading takes minutes and roughly 10 GB of memory (estimated, not measured).

    Parameters
    ----------
    signal : {"clone"}
    n_folds : int
        Clones are dealt out to folds. 1: clones with a pair probe, all others train.
    pair_seed : int
        Which clones are in which fold, and which two cells of each clone are the pair.
    """
    from scipy.io import mmread

    choose(signal, ["clone"], f"signal of {NAME}")
    in_range(n_folds, 1, 100, f"n_folds of {NAME}", whole=True)
    parts = ("normed_counts.mtx.gz", "clone_matrix.mtx.gz", "metadata.txt.gz", "gene_names.txt.gz")
    *matrices, of_cells, of_genes = (fetch(NAME, f"stateFate_inVitro_{part}", folder) for part in parts)
    cells = read.table(of_cells, sep="\t").reset_index()
    read.need_columns(cells, ["Time point"], f"{NAME}: {of_cells.name}")
    with read.readable(of_genes, "list of names"):
        genes = np.array(gzip.decompress(of_genes.read_bytes()).decode().split())
    stored = []
    for path in matrices:
        with read.readable(path, "Matrix Market file"):
            stored.append(sparse.csr_matrix(mmread(path, spmatrix=True)))
    values, clones = stored
    if values.shape != (len(cells), len(genes)) or clones.shape[0] != len(cells):
        raise ValueError(
            f"{NAME}: counts are {values.shape[0]} × {values.shape[1]} and clones have {clones.shape[0]} rows, but "
            f"{len(cells)} cells and {len(genes)} genes are named: the files are not of one experiment."
        )
    counts, origin = _whole(values)
    # A cell with two barcodes is a relative of two clones and would tie them across the split.
    single = clones.getnnz(axis=1) < 2
    counts, clones, days = counts[single], clones[single], cells["Time point"].to_numpy(float).astype(int)[single]
    several = f"{(~single).sum()} cells of several clones left out"
    none = f"{(clones.getnnz(axis=1) == 0).sum()} cells of no clone always train"
    checked = (origin, several, none, "no clone straddles")
    return with_relatives(NAME, counts, clones, days, n_folds, pair_seed, genes=genes, checked=checked)


def _whole(values: sparse.csr_matrix) -> tuple[sparse.csr_matrix, str]:
    """Return whole counts and how they were come by: as stored, or recovered from normalised ones."""
    if (values.data == np.round(values.data)).all():
        return as_counts(values, f"counts of {NAME}"), "whole counts as stored"
    return read.from_scaled(values, NAME, allowed=_ALLOWED), "whole counts recovered for 99.9 % of entries or more"
