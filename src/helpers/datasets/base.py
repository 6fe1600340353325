"""What every dataset of cells is: raw counts, a signal from outside the counts, and a split made first."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, as_labels, as_matrix, is_labels, same_length
from helpers.datasets.backed import BackedCounts
from helpers.datasets.samples import SplitData
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered

# How a table says whether a signal is independent of the counts.
_ORIGIN = {True: "yes", False: "NO", None: "not known (independent=True or False says it)"}


@dataclass(frozen=True, eq=False)
class Dataset(SplitData):
    """Raw counts of cells, an auxiliary signal, and which cells train and which probe.

    Attributes
    ----------
    name, signal_name : str
    counts : csr_matrix of int, shape (cells, genes), or BackedCounts
        Raw UMI counts, in memory or on disk.
    signal : ndarray, shape (cells,) of labels or (cells, d) of floats
        What the representation never sees.
    folds : ndarray of int, shape (cells,)
        The probe fold of each cell: representations are fitted on the cells outside it and measured on the cells
        within. Cells of fold -1 always train.
    fold : int
        The fold that is the probe now.
    paired : ndarray of bool, shape (cells,)
        Cells that have a signal; empty: all. The others never probe; in the fold that probes they do not train
        either, because they may be relatives of the cells that do.
    partners : ndarray of int, shape (cells,)
        Where the signal is the state of another cell: the row of that cell, -1 for none. Empty: it is not.
    embeddings : dict of name → (cells, d) array
        Embeddings made elsewhere, for the representation ``precomputed``.
    other_umis : ndarray of int, shape (cells,)
        UMIs per cell in genes that the matrix leaves out; they count towards the depth. Empty: none.
    ceiling_bits : float or None
        The most information any representation of these cells can have about the signal.
    independent_signal : bool or None
        False where the signal was computed from the same counts; None where that is not known.
    doubts : tuple of str
        Sentences on what looks wrong about the data.

    Raises
    ------
    ValueError
        For counts that are not raw counts, fewer than two cells a side, mismatched lengths, or a signal that is
        constant, NaN or missing.
    """

    name: str
    signal_name: str
    counts: sparse.csr_matrix  # or BackedCounts
    signal: np.ndarray
    folds: np.ndarray
    fold: int = 0
    paired: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    partners: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    other_umis: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    genes: np.ndarray | None = None
    ceiling_bits: float | None = None
    modality: str = "single-cell"
    independent_signal: bool | None = True
    about: str = ""
    source: str = ""
    checked: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what was given; see ``Raises``."""
        name = self.name
        if not isinstance(self.counts, BackedCounts):  # those are checked as they are read
            object.__setattr__(self, "counts", as_counts(self.counts, f"counts of {name}"))
        n = self.n_cells
        paired = np.asarray(self.paired) if len(self.paired) else np.ones(n, bool)
        other_umis = self.other_umis if len(self.other_umis) else np.zeros(n, int)
        arrays = {
            "signal": np.asarray(self.signal),
            "folds": _integers(self.folds, -1, f"folds of {name} must be one whole number a cell, -1 (always trains)"),
            "other_umis": _integers(other_umis, 0, f"other_umis of {name} must be whole numbers, 0"),
            "paired": paired,
        }
        partners = _integers(self.partners, -1, f"partners of {name} must be row numbers of cells, -1 (none)")
        for attribute, values in {**arrays, "partners": partners}.items():
            object.__setattr__(self, attribute, values)
        if paired.dtype != bool:
            raise ValueError(f"paired of {name} has dtype {paired.dtype}: give one True or False a cell.")
        if self.genes is not None and len(self.genes) != self.counts.shape[1]:
            raise ValueError(f"{name} has {len(self.genes)} gene names for {self.counts.shape[1]} columns.")
        same_length(counts=self.counts, **arrays)
        if len(partners):
            same_length(counts=self.counts, partners=partners)
            if partners.max() >= n:
                raise ValueError(f"partners of {name} hold {partners.max()}: there are {n} cells, from row 0.")
        for key, embedding in self.embeddings.items():
            same_length(counts=self.counts, **{key: as_matrix(embedding, f"embedding {key!r} of {name}")})
        self._check_signal(self.signal[paired], "cell")
        self._check_sides("cell")

    @property
    def n_cells(self) -> int:
        """Number of cells, both sides."""
        return self.counts.shape[0]

    @property
    def probe(self) -> np.ndarray:
        """Row numbers of the cells that information is measured on."""
        return np.flatnonzero((self.folds == self.fold) & self.paired)

    @property
    def umis_per_cell(self) -> float:
        """Mean UMIs per probe cell, all genes, as measured (no thinning)."""
        on_disk = isinstance(self.counts, BackedCounts)
        totals = self.counts.totals[self.probe] if on_disk else self.counts[self.probe].sum(axis=1).A1
        return float((totals + self.other_umis[self.probe]).mean())

    @property
    def data_hash(self) -> str:
        """Short content hash of everything a measurement depends on."""
        shapes = (self.counts.shape, np.shape(self.signal), self.ceiling_bits, sorted(self.embeddings))
        digest = hashlib.sha256(repr(shapes).encode())
        signal = as_labels(self.signal, "signal") if is_labels(self.signal) else self.signal
        if len(self.partners):  # the last digits of a cell's state differ between processors
            signal = self.partners
        arrays = [signal, self.folds, self.other_umis, self.paired]
        if isinstance(self.counts, BackedCounts):
            digest.update(self.counts.data_hash.encode())
        else:
            parts = (self.counts.data, self.counts.indices, self.counts.indptr)
            arrays = [*(part.astype(np.int64) for part in parts), *arrays]
        for array in (*arrays, *(np.asarray(self.embeddings[name]) for name in sorted(self.embeddings))):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def describe(self) -> dict[str, object]:
        """Return what a reader should know, in the order a table shows it."""
        return {
            "dataset": self.name,
            "cells": self.n_cells,
            "genes": self.counts.shape[1],
            "train / probe cells": self._sides(),
            "mean UMIs per cell, all genes": round(self.umis_per_cell, 1),
            "signal": self._kind_of(self.signal[self.paired]),
            "signal independent of the counts": _ORIGIN[self.independent_signal],
            **self._provenance(),
            **({"doubts": " ".join(self.doubts)} if self.doubts else {}),
        }


def _integers(values: Any, least: int, rule: str) -> np.ndarray:
    """Return a vector of whole numbers as int64, or raise with the rule that it breaks."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim != 1 or (len(array) and array.min() < least):
        raise ValueError(f"{rule} or more.")
    return array.astype(np.int64)


def registered(
    name: str, signal_name: str, counts: sparse.csr_matrix, signal: np.ndarray, folds: np.ndarray, **more: Any
) -> Dataset:
    """Return a dataset of the registry: its source from there, and H(Y) as the ceiling of labels."""
    from helpers.datasets.files import registry

    signal = np.asarray(signal)
    paired = np.asarray(more.get("paired", np.ones(len(signal), bool)))
    # Of the cells that probe: those that always train may hold the labels in other shares.
    ceiling = entropy(signal[paired & (np.asarray(folds) >= 0)]) if is_labels(signal) else None
    return Dataset(
        name, signal_name, counts, signal, folds, ceiling_bits=ceiling, source=registry()[name].described(), **more
    )
