"""What miniature files are made of: simulated cells, names, places, and writers of HDF5."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.datasets.simulated import _draw_blocks, _state_and_signal

GENES = 200


class Cells(NamedTuple):
    """Simulated cells: counts as a dense array of cells × genes, and the signal."""

    counts: np.ndarray
    signal: np.ndarray


def draw_counts(state: np.ndarray, genes: int, depth: float, rng: np.random.Generator) -> np.ndarray:
    """Return the Poisson counts that the simulator draws of states, cells × genes."""
    return np.vstack([block.toarray() for block in _draw_blocks(state, genes, depth, 0.0, rng)])


def simulated_cells(
    kind: str, n: int, seed: int, genes: int = GENES, depth: float = 1500.0, bits: float = 3.0, latent: int = 4
) -> Cells:
    """Return cells of the simulator; for ``clone`` early ones and then their relatives."""
    of_state, of_signal, of_counts = np.random.default_rng(seed).spawn(3)
    state, signal = _state_and_signal(kind, n, latent, bits, of_state, of_signal)
    if kind == "clone":  # both relatives are cells
        state = np.vstack([state, signal])
    return Cells(draw_counts(state, genes, depth, of_counts), signal)


def make_barcodes(n: int, seed: int, end: str = "") -> np.ndarray:
    """Return cell names of 16 letters and an ending, no two the same."""
    letters = np.random.default_rng(seed).choice(list("ACGT"), (n, 16))
    # The number in base 4 comes first, so that no two are the same.
    for place in range(8):
        letters[:, place] = np.array(list("ACGT"))[(np.arange(n) // 4**place) % 4]
    return np.array(["".join(row) + end for row in letters])


def gene_names(n: int) -> np.ndarray:
    """Return Gene1, Gene2, …"""
    return np.array([f"Gene{i + 1}" for i in range(n)])


def bins(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Return which of ``n_bins`` equally filled bins each value is in, from 0."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return rank * n_bins // len(values)


def proteins(signal: np.ndarray) -> np.ndarray:
    """Return whole counts of proteins, log-linear in the signal."""
    return np.round(np.exp(4 + signal))


def along_a_line(n: int, seed: int, step: float = 12.0) -> np.ndarray:
    """Positions in µm along a thin stripe of tissue: cells next to each other are those of the simulated ring."""
    rng = np.random.default_rng(seed)
    return np.column_stack([100 + step * np.arange(n) + rng.uniform(-1, 1, n), 50 + rng.uniform(-2, 2, n)])


def multiplied(counts: np.ndarray, seed: int) -> np.ndarray:
    """Return counts times one factor a cell, every cell with a gene of one molecule."""
    counts = counts.copy()
    lowest = np.where(counts > 0, counts, np.iinfo(counts.dtype).max).argmin(axis=1)
    some = counts.any(axis=1)
    counts[some, lowest[some]] = 1
    return counts * np.random.default_rng(seed).uniform(0.5, 4.0, (len(counts), 1))


def write_hdf5(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays to an HDF5 file; ``group__name`` puts one into a group."""
    import h5py

    with h5py.File(path, "w") as handle:
        for name, values in arrays.items():
            handle.create_dataset(name.replace("__", "/", 1), data=values)


def write_h5ad(path: Path, counts: np.ndarray, obs: pd.DataFrame, **more: Any) -> None:
    """Write an AnnData file of float counts, as most are."""
    import anndata

    values = sparse.csr_matrix(counts.astype(np.float32))
    anndata.AnnData(values, obs, pd.DataFrame(index=gene_names(counts.shape[1])), **more).write_h5ad(path)


class Relatives(NamedTuple):
    """Cells of clones: counts, the clone of each cell (-1: none), the day it was taken."""

    counts: np.ndarray
    clone: np.ndarray
    day: np.ndarray


def simulated_relatives(n: int, seed: int) -> Relatives:
    """Return pairs of relatives, early and late, in random order; a tenth of the cells has lost its barcode."""
    n_clones = n // 2
    cells = simulated_cells("clone", n_clones, seed, bits=6.0)
    clone = np.tile(np.arange(n_clones), 2)
    rng = np.random.default_rng(seed)
    day = np.repeat([2, 6], n_clones)
    day[rng.permutation(n_clones)[: n_clones // 2]] = 4
    clone[rng.permutation(len(clone))[: len(clone) // 10]] = -1
    order = rng.permutation(len(clone))
    return Relatives(cells.counts[order], clone[order], day[order])


def clone_matrix(clone: np.ndarray) -> sparse.csr_matrix:
    """Return a cells × clones matrix of truth values."""
    inside = np.flatnonzero(clone >= 0)
    shape = (len(clone), int(clone.max()) + 1)
    return sparse.csr_matrix((np.ones(len(inside), bool), (inside, clone[inside])), shape)
