"""What every dataset is: raw counts, a signal from outside the counts, and a split made first."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, as_labels, as_matrix, in_range, is_labels, same_length
from helpers.datasets.backed import BackedCounts
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw counts of cells, an auxiliary signal, and which cells train and which probe.

    Attributes
    ----------
    name, signal_name : str
    counts : csr_matrix of int, shape (cells, genes), or BackedCounts
        Raw UMI counts, in memory or on disk.
    signal : ndarray, shape (cells,) of labels or (cells, d) of floats
        What the representation never sees.
    folds : ndarray of int, shape (cells,)
        The probe fold of each cell. Everything is fitted on the cells outside the fold and
        measured on the cells within it. Cells of fold -1 always train.
    fold : int
        The fold that is the probe now.
    paired : ndarray of bool, shape (cells,)
        Cells that have a signal. The others never probe; in the fold that probes they do not train
        either, because they may be relatives of the cells that do. Empty: all have one.
    partners : ndarray of int, shape (cells,)
        Where the signal is the state of another cell: the row of that cell, -1 for none. Empty: it is not.
    embeddings : dict of name → (cells, d) array
        Embeddings made elsewhere, for the representation ``precomputed``.
    other_umis : ndarray of int, shape (cells,)
        UMIs per cell in genes that the matrix leaves out; they count towards the depth. Empty: none.
    ceiling_bits : float or None
        The most information any representation of these cells can have about the signal.
    independent_signal : bool
        False where the signal was computed from the same counts.

    Raises
    ------
    ValueError
        For counts that are not raw counts, fewer than two cells a side, mismatched lengths, or a
        signal that is constant, NaN or missing.
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
    independent_signal: bool = True
    about: str = ""
    source: str = ""
    checked: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check what was given; see ``Raises``."""
        put = object.__setattr__
        if not isinstance(self.counts, BackedCounts):  # those are checked as they are read
            put(self, "counts", as_counts(self.counts, f"counts of {self.name}"))
        put(self, "signal", np.asarray(self.signal))
        folds = np.asarray(self.folds)
        if folds.dtype.kind not in "iu" or folds.ndim != 1 or (len(folds) and folds.min() < -1):
            raise ValueError(f"folds of {self.name} must be one whole number a cell, -1 (always trains) or more.")
        put(self, "folds", folds.astype(np.int64))
        paired = np.asarray(self.paired) if len(self.paired) else np.ones(self.n_cells, bool)
        if paired.dtype != bool:
            raise ValueError(f"paired of {self.name} has dtype {paired.dtype}: give one True or False a cell.")
        put(self, "paired", paired)
        others = np.asarray(self.other_umis) if len(self.other_umis) else np.zeros(self.n_cells, int)
        if others.dtype.kind not in "iu" or (len(others) and others.min() < 0):
            raise ValueError(f"other_umis of {self.name} must be whole numbers, 0 or more.")
        put(self, "other_umis", others.astype(np.int64))
        if self.genes is not None and len(self.genes) != self.counts.shape[1]:
            raise ValueError(f"{self.name} has {len(self.genes)} gene names for {self.counts.shape[1]} columns.")
        what = f"signal {self.signal_name!r} of {self.name}"
        same_length(counts=self.counts, signal=self.signal, folds=self.folds, other_umis=others, paired=paired)
        partners = np.asarray(self.partners)
        if len(partners):
            same_length(counts=self.counts, partners=partners)
            if partners.dtype.kind not in "iu" or partners.min() < -1 or partners.max() >= self.n_cells:
                raise ValueError(f"partners of {self.name} must be row numbers of cells, or -1 for none.")
        put(self, "partners", partners.astype(np.int64))
        for key, embedding in self.embeddings.items():
            same_length(counts=self.counts, **{key: as_matrix(embedding, f"embedding {key!r} of {self.name}")})
        signal = self.signal[paired]
        values = as_labels(signal, what) if is_labels(signal) else as_matrix(signal, what)
        if len(values) and (values == values[0]).all():
            raise ValueError(f"{what} is constant over {len(values)} cells: it has no information to find.")
        in_range(self.fold, 0, self.n_folds - 1, f"fold of {self.name}", whole=True)
        for side, cells in (("train", self.train), ("probe", self.probe)):
            if len(cells) < 2:
                raise ValueError(f"{self.name} has {len(cells)} {side} cell(s): at least 2 are needed.")

    @property
    def n_cells(self) -> int:
        """Number of cells, both sides."""
        return self.counts.shape[0]

    @property
    def n_folds(self) -> int:
        """Number of probe folds."""
        return int(self.folds.max()) + 1 if len(self.folds) else 0

    @property
    def train(self) -> np.ndarray:
        """Row numbers of the cells that representations are fitted on."""
        return np.flatnonzero(self.folds != self.fold)

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
        on_disk = isinstance(self.counts, BackedCounts)
        parts = () if on_disk else (self.counts.data, self.counts.indices, self.counts.indptr)
        digest.update(self.counts.data_hash.encode() if on_disk else b"")
        for array in (
            *(np.asarray(part, np.int64) for part in parts),
            signal,
            self.folds,
            self.other_umis,
            self.paired,
            *(np.asarray(self.embeddings[name]) for name in sorted(self.embeddings)),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def with_fold(self, fold: int) -> "Dataset":
        """Return the same cells with another fold as the probe."""
        return replace(self, fold=fold)

    def describe(self) -> dict[str, object]:
        """Return what a reader should know, in the order a table shows it."""
        if is_labels(self.signal):
            kind = f"{len(set(self.signal[self.paired].tolist()))} labels"
        else:
            kind = f"{as_matrix(self.signal[self.paired], 'signal').shape[1]} continuous dimension(s)"
        ceiling = "unknown" if self.ceiling_bits is None else f"{self.ceiling_bits:.2f} bits"
        return {
            "dataset": self.name,
            "cells": self.n_cells,
            "genes": self.counts.shape[1],
            "train / probe cells": f"{len(self.train)} / {len(self.probe)} ({self.n_folds} folds)",
            "mean UMIs per cell, all genes": round(self.umis_per_cell, 1),
            "signal": f"{self.signal_name}: {kind}",
            "signal independent of the counts": "yes" if self.independent_signal else "NO",
            "ceiling": ceiling,
            "checked": "; ".join(self.checked) or "nothing beyond the general checks",
            "source": self.source,
        }


def registered(
    name: str, signal_name: str, counts: sparse.csr_matrix, signal: np.ndarray, folds: np.ndarray, **more: Any
) -> Dataset:
    """Return a dataset of the registry: its source from there, and H(Y) as the ceiling of labels."""
    from helpers.datasets.files import registry

    signal = np.asarray(signal)
    paired = np.asarray(more.get("paired", np.ones(len(signal), bool)))
    # Of the cells that probe: those that always train may hold the labels in other shares.
    ceiling = entropy(signal[paired & (np.asarray(folds) >= 0)]) if is_labels(signal) else None
    entry = registry()[name]
    source = f"{entry.source}; licence: {entry.licence}"
    return Dataset(name, signal_name, counts, signal, folds, ceiling_bits=ceiling, source=source, **more)
