"""What every dataset is: raw counts, a signal from outside the counts, and a split made first."""

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from helpers.checks import as_counts, as_labels, as_matrix, in_range, is_labels, same_length


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw counts of cells, an auxiliary signal, and which cells train and which probe.

    Attributes
    ----------
    name, signal_name : str
    counts : csr_matrix of int, shape (cells, genes)
        Raw UMI counts.
    signal : ndarray, shape (cells,) of labels or (cells, d) of floats
        What the representation never sees.
    folds : ndarray of int, shape (cells,)
        The probe fold of each cell. Everything is fitted on the cells outside the fold and
        measured on the cells within it.
    fold : int
        The fold that is the probe now.
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
    counts: sparse.csr_matrix
    signal: np.ndarray
    folds: np.ndarray
    fold: int = 0
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
        put(self, "counts", as_counts(self.counts, f"counts of {self.name}"))
        put(self, "signal", np.asarray(self.signal))
        folds = np.asarray(self.folds)
        if folds.dtype.kind not in "iu" or folds.ndim != 1 or (len(folds) and folds.min() < 0):
            raise ValueError(f"folds of {self.name} must be one whole number a cell, 0 or more.")
        put(self, "folds", folds.astype(np.int64))
        others = np.asarray(self.other_umis) if len(self.other_umis) else np.zeros(self.n_cells, int)
        if others.dtype.kind not in "iu" or (len(others) and others.min() < 0):
            raise ValueError(f"other_umis of {self.name} must be whole numbers, 0 or more.")
        put(self, "other_umis", others.astype(np.int64))
        if self.genes is not None and len(self.genes) != self.counts.shape[1]:
            raise ValueError(f"{self.name} has {len(self.genes)} gene names for {self.counts.shape[1]} columns.")
        what = f"signal {self.signal_name!r} of {self.name}"
        same_length(counts=self.counts, signal=self.signal, folds=self.folds, other_umis=others)
        values = as_labels(self.signal, what) if is_labels(self.signal) else as_matrix(self.signal, what)
        if self.n_cells and (values == values[0]).all():
            raise ValueError(f"{what} is constant over {self.n_cells} cells: it has no information to find.")
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
        return np.flatnonzero(self.folds == self.fold)

    @property
    def umis_per_cell(self) -> float:
        """Mean UMIs per probe cell, all genes, as measured (no thinning)."""
        return float((self.counts[self.probe].sum(axis=1).A1 + self.other_umis[self.probe]).mean())

    @property
    def data_hash(self) -> str:
        """Short content hash of everything a measurement depends on."""
        digest = hashlib.sha256(repr((self.counts.shape, np.shape(self.signal), self.ceiling_bits)).encode())
        signal = as_labels(self.signal, "signal") if is_labels(self.signal) else self.signal
        for array in (
            self.counts.data.astype(np.int64),
            self.counts.indices.astype(np.int64),
            self.counts.indptr.astype(np.int64),
            signal,
            self.folds,
            self.other_umis,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def with_fold(self, fold: int) -> "Dataset":
        """Return the same cells with another fold as the probe."""
        return replace(self, fold=fold)

    def describe(self) -> dict[str, object]:
        """Return what a reader should know, in the order a table shows it."""
        if is_labels(self.signal):
            kind = f"{len(set(np.asarray(self.signal).tolist()))} labels"
        else:
            kind = f"{as_matrix(self.signal, 'signal').shape[1]} continuous dimension(s)"
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
