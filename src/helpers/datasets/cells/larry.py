"""LARRY in vitro: blood progenitors whose barcodes tell who is related, days apart."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, choose, in_range
from helpers.datasets import read
from helpers.datasets.base import Dataset
from helpers.datasets.files import fetch
from helpers.datasets.pairing import with_relatives

VERSION = 1  # 2026-11-28 numbered

NAME = "larry"
# Values are printed with few digits, and a cell without any single molecule cannot be recovered.
_ALLOWED = 1e-3


def larry(signal: str = "clone", n_folds: int = 2, pair_seed: int = 0, folder: str | Path | None = None) -> Dataset:
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
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["clone"], f"signal of {NAME}")
    in_range(n_folds, 1, 100, f"n_folds of {NAME}", whole=True)
    parts = ("normed_counts.mtx.gz", "clone_matrix.mtx.gz", "metadata.txt.gz", "gene_names.txt.gz")
    of_counts, of_clones, of_cells, of_genes = (fetch(NAME, f"stateFate_inVitro_{part}", folder) for part in parts)
    cells = read.table(of_cells, sep="\t").reset_index()
    if "Time point" not in cells:
        raise ValueError(f"{NAME}: {of_cells.name} has no column 'Time point', only {', '.join(map(str, cells))}.")
    genes = _lines(of_genes)
    clones, values = _matrix(of_clones), _matrix(of_counts)
    if values.shape != (len(cells), len(genes)) or clones.shape[0] != len(cells):
        raise ValueError(
            f"{NAME}: counts are {values.shape[0]} × {values.shape[1]} and clones have {clones.shape[0]} rows, but "
            f"{len(cells)} cells and {len(genes)} genes are named: the files are not of one experiment."
        )
    counts, how = _whole(values)
    # A cell with two barcodes is a relative of two clones and would tie them across the split.
    single = clones.getnnz(axis=1) < 2
    days = cells["Time point"].to_numpy(float).astype(int)[single]
    return with_relatives(
        NAME, counts[single], clones[single], days, n_folds, pair_seed, genes=genes,
        checked=(
            how, f"{(~single).sum()} cells of several clones left out",
            f"{(clones[single].getnnz(axis=1) == 0).sum()} cells of no clone always train", "no clone straddles",
        ),
    )  # fmt: skip


def _whole(values: sparse.csr_matrix) -> tuple[sparse.csr_matrix, str]:
    """Return whole counts and how they were come by: as stored, or recovered from normalised ones."""
    if (values.data == np.round(values.data)).all():
        return as_counts(values, f"counts of {NAME}"), "whole counts as stored"
    return read.from_scaled(values, NAME, allowed=_ALLOWED), "whole counts recovered for 99.9 % of entries or more"


def _lines(path: Path) -> np.ndarray:
    try:
        return np.array(gzip.decompress(path.read_bytes()).decode().split())
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is not a readable list of names: {error}. Download it again.") from error


def _matrix(path: Path) -> sparse.csr_matrix:
    from scipy.io import mmread

    try:
        return sparse.csr_matrix(mmread(path, spmatrix=True))
    except (ValueError, OSError, EOFError, OverflowError, TypeError, zlib.error) as error:
        raise ValueError(f"{path} is not a readable Matrix Market file: {error}. Download it again.") from error
