"""Parts of an ``.h5ad`` file: some rows, one column, never all of a file larger than memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_seed, check_sparse, choose, in_range
from helpers.datasets import read

# Rows read at once: about 100 MB where a cell has 1,000 genes.
CHUNK = 8192


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; a ``ValueError`` names one that is not HDF5 or turns out to be damaged."""
    import h5py

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist: give the path of a file.")
    try:
        with h5py.File(path, "r") as handle:
            yield handle
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is not a whole HDF5 file ({error}): download or save it again.") from error


def column(handle: Any, name: str) -> np.ndarray:
    """Return a column such as ``"obs/day"`` alone, categories as text ("nan": none).

    ``"var"`` and ``"raw/var"`` give the names of the genes. If there is no such column, the error names the nearest.
    """
    table, _, key = (name, "", "") if name in ("var", "raw/var") else name.partition("/")
    if table not in handle:
        raise ValueError(f"{handle.filename} has no {table!r}, only {', '.join(handle)}: it is not an AnnData file.")
    stored = handle[table]
    key = key or stored.attrs.get("_index", "_index")
    choose(key, [k for k in stored if k != "__categories"], f"column of {table} in {handle.filename}")
    stored = stored[key]
    if "categories" in stored.attrs:  # as AnnData before 0.8 wrote categories
        names = read.text(handle[stored.attrs["categories"]][:])
        return np.append(names, "nan")[stored[:]]  # -1, no value, takes the last
    if not hasattr(stored, "shape"):  # a group: categories, or values with a mask
        from anndata.io import read_elem

        return pd.Series(read_elem(stored)).astype(str).to_numpy(str)
    values = stored[:]
    return read.text(values) if values.dtype.kind in "OS" else values


class StoredMatrix:
    """A matrix in an open file whose rows are read some at a time: CSR as AnnData stores it, or a dense array.

    One that is absent, stored by column, or damaged raises ``ValueError``.
    """

    def __init__(self, handle: Any, name: str = "X") -> None:
        self.what = f"{name} of {handle.filename}"
        if name not in handle:
            raise ValueError(f"{handle.filename} has no {name!r}, only {', '.join(handle)}.")
        self._stored = handle[name]
        self._is_dense = hasattr(self._stored, "shape")
        attributes = self._stored.attrs
        form = "dense" if self._is_dense else attributes.get("encoding-type", attributes.get("h5sparse_format", "?"))
        form = form.decode() if isinstance(form, bytes) else str(form)
        if form not in ("dense", "csr_matrix", "csr"):
            raise ValueError(
                f"{self.what} is stored as {form!r}, which cannot be read row by row: write it again with a csr_matrix."
            )
        shape = self._stored.shape if self._is_dense else attributes.get("shape", attributes.get("h5sparse_shape"))
        self.shape = tuple(int(n) for n in shape)
        if not self._is_dense and (fault := fault_of_pointers(self._stored, self.shape[0])):
            raise ValueError(f"{self.what} is damaged ({fault}): save or download it again.")

    def rows(self, chosen: np.ndarray, chunk: int | None = None) -> sparse.csr_matrix:
        """Return the chosen rows, given in ascending order; memory is bounded by them and ``chunk`` of the others."""
        blocks, chunk = [], chunk or CHUNK
        for begin in range(0, self.shape[0], chunk):
            wanted = chosen[np.searchsorted(chosen, begin) : np.searchsorted(chosen, begin + chunk)]
            if len(wanted):
                block = self._between(int(wanted[0]), int(wanted[-1]) + 1)
                blocks.append(block if len(wanted) == block.shape[0] else block[wanted - wanted[0]])
        return (
            sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix((0, self.shape[1]), dtype=np.float32)
        )

    def _between(self, low: int, high: int) -> sparse.csr_matrix:
        if self._is_dense:
            block = self._stored[low:high]
            return sparse.csr_matrix(block.astype(np.float32) if block.dtype == np.float16 else block)
        starts = self._stored["indptr"][low : high + 1]
        values = slice(int(starts[0]), int(starts[-1]))
        parts = (self._stored["data"][values], self._stored["indices"][values], starts - starts[0])
        block = sparse.csr_matrix(parts, shape=(high - low, self.shape[1]))
        check_sparse(block, self.what)
        return block


def fault_of_pointers(stored: Any, n: int) -> str:
    """Return why a stored sparse matrix does not deal out its values to ``n`` rows (or columns); nothing if it does."""
    missing = [part for part in ("data", "indices", "indptr") if part not in stored]
    if missing:
        return f"there is no {missing[0]}"
    starts, values, indices = stored["indptr"][:].astype(np.int64), len(stored["data"]), len(stored["indices"])
    if len(starts) != n + 1 or starts[0] != 0 or starts[-1] != values or (np.diff(starts) < 0).any():
        return f"indptr does not deal out {values} values to {n} cells"
    return "" if indices == values else f"{indices} indices for {values} values"


def sample(n_rows: int, n_cells: int | None, seed: int) -> np.ndarray:
    """Return ``n_cells`` random rows in ascending order, or all if None.

    >>> sample(4, None, 0).tolist(), len(sample(100, 10, 0))
    ([0, 1, 2, 3], 10)
    """
    if n_cells is not None:
        in_range(n_cells, 4, 1e9, "n_cells", "None takes all.", whole=True)
    if n_cells is None or n_cells >= n_rows:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(as_seed(seed)).choice(n_rows, n_cells, replace=False))
