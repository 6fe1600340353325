"""Counts that stay on disk and are read some rows at a time, so that there may be more of them than memory holds."""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts
from helpers.datasets.files import hash_once
from helpers.datasets.h5ad import StoredMatrix, opened

# Rows in a block: a multiple of the rows that thinning takes at once, about 70 MB where a cell has 1,000 genes.
BLOCK = 8192


class BackedCounts:
    """Raw counts in an ``.h5ad`` file, cells × genes, of which a block of rows at a time is in memory.

    Rows must be in the file one after another: a CSR matrix or a dense array. Every block is checked as it is read.
    ``place`` is where in the file they are, such as ``"layers/counts"``, and ``rows``, ascending, which of them count.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.datasets.simulated import simulate_to
    >>> counts = BackedCounts(simulate_to(f"{tempfile.mkdtemp()}/cells.h5ad", n_cells=100, n_genes=20))
    >>> counts.shape, [(start, block.shape) for start, block in counts[10:].blocks()]
    ((100, 20), [(0, (90, 20))])
    """

    def __init__(self, path: str | Path, place: str = "X", rows: np.ndarray | None = None) -> None:
        self.path, self.place = Path(path), place
        with opened(self.path) as handle:
            n_rows, n_columns = StoredMatrix(handle, place).shape
        self.rows = np.arange(n_rows) if rows is None else np.asarray(rows)
        self.shape = (len(self.rows), n_columns)

    def __repr__(self) -> str:
        """Say how many cells and genes, and where."""
        return f"BackedCounts of {self.shape[0]:,} cells and {self.shape[1]:,} genes: {self.place} of {self.path}"

    def __getitem__(self, rows: Any) -> "BackedCounts":
        """Return some of the cells (a slice, a mask or ascending numbers), also on disk."""
        chosen = self.rows[rows]
        if (np.diff(chosen) <= 0).any():
            raise ValueError("rows of counts on disk are read in their order: give ascending row numbers.")
        return BackedCounts(self.path, self.place, chosen)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        """Refuse: whatever wants all counts as an array needs them in memory."""
        raise ValueError(f"{self!r} are on disk, and this needs them in memory: load them with backed=False.")

    def blocks(self) -> Iterator[tuple[int, sparse.csr_matrix]]:
        """Yield blocks of ``BLOCK`` cells, each with the number of its first cell."""
        with opened(self.path) as handle:
            matrix = StoredMatrix(handle, self.place)
            for start in range(0, len(self.rows), BLOCK):
                yield start, as_counts(matrix.rows(self.rows[start : start + BLOCK]), matrix.what)

    @cached_property
    def totals(self) -> np.ndarray:
        """Counts of each cell, shape (cells,): one pass over the file."""
        return np.concatenate([block.sum(axis=1).A1 for _, block in self.blocks()])

    @property
    def data_hash(self) -> str:
        """Hash of the file, of where the counts are in it and of which rows count."""
        digest = hashlib.sha256(f"{hash_once(self.path)} {self.place} {self.shape}".encode())
        digest.update(self.rows.astype(np.int64).tobytes())
        return digest.hexdigest()
