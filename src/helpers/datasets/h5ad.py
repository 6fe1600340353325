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
    """Open an HDF5 file for reading.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming the file, if it is not HDF5, is cut off, or turns out to be damaged while it is read.
    """
    import h5py

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist: give the path of a file.")
    try:
        with h5py.File(path, "r") as handle:
            yield handle
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is not a whole HDF5 file ({error}): download or save it again.") from error


def column(handle: Any, name: str) -> np.ndarray:
    """Return a column such as ``"obs/day"`` alone, categories as text ("nan": none); ``"var"`` gives its index.

    Raises
    ------
    ValueError
        Naming the nearest column, if it has none of this name.
    """
    table, _, key = name.partition("/")
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


def rows(handle: Any, chosen: np.ndarray, name: str = "X", chunk: int | None = None) -> sparse.csr_matrix:
    """Return the chosen rows of a matrix, reading ``chunk`` rows at a time (``CHUNK`` if not given).

    Parameters
    ----------
    handle : open h5py file
    chosen : array of int, ascending
    name : str
        A CSR matrix as AnnData stores it, or a dense array.
    chunk : int, optional
        Memory is bounded by the rows asked for and by this many of the others.

    Raises
    ------
    ValueError
        If there is no such matrix, it is stored by column, or damaged.
    """
    chunk = chunk or CHUNK
    if name not in handle:
        raise ValueError(f"{handle.filename} has no {name!r}, only {', '.join(handle)}.")
    stored, what = handle[name], f"{name} of {handle.filename}"
    dense = hasattr(stored, "shape")
    kind = "dense" if dense else _text(stored.attrs.get("encoding-type", stored.attrs.get("h5sparse_format", "?")))
    if kind not in ("dense", "csr_matrix", "csr"):
        raise ValueError(
            f"{what} is stored as {kind!r}, which cannot be read row by row: write it again with a csr_matrix."
        )
    shape = stored.shape if dense else stored.attrs.get("shape", stored.attrs.get("h5sparse_shape"))
    n_rows, n_columns = (int(n) for n in shape)
    if not dense and (odd := odd_pointers(stored, n_rows)):
        raise ValueError(f"{what} is damaged ({odd}): save or download it again.")
    starts = None if dense else stored["indptr"][:]
    blocks = [sparse.csr_matrix((0, n_columns), dtype=np.float32)]
    for begin in range(0, n_rows, chunk):
        mine = chosen[np.searchsorted(chosen, begin) : np.searchsorted(chosen, begin + chunk)]
        if not len(mine):
            continue
        low, high = int(mine[0]), int(mine[-1]) + 1
        if starts is None:
            block = sparse.csr_matrix(stored[low:high])
        else:
            first, last = int(starts[low]), int(starts[high])
            parts = (stored["data"][first:last], stored["indices"][first:last], starts[low : high + 1] - first)
            block = sparse.csr_matrix(parts, shape=(high - low, n_columns))
            check_sparse(block, what)
        blocks.append(block[mine - low])
    return sparse.vstack(blocks, format="csr")


def odd_pointers(stored: Any, n: int) -> str:
    """Return why the pointers of a stored sparse matrix do not deal out its values to ``n`` rows (or columns).

    An empty string if they do.
    """
    starts, values, indices = stored["indptr"][:].astype(np.int64), len(stored["data"]), len(stored["indices"])
    if len(starts) != n + 1 or starts[0] != 0 or starts[-1] != values or (np.diff(starts) < 0).any():
        return f"indptr does not deal out {values} values to {n} cells"
    return "" if indices == values else f"{indices} indices for {values} values"


def sample(n_rows: int, n_cells: int | None, seed: int) -> np.ndarray:
    """Return ``n_cells`` random rows in ascending order, or all if None.

    >>> sample(4, None, 0).tolist(), len(sample(100, 10, 0))
    ([0, 1, 2, 3], 10)
    """
    if n_cells is None:
        return np.arange(n_rows)
    in_range(n_cells, 4, 1e9, "n_cells", "None takes all.", whole=True)
    if n_cells >= n_rows:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(as_seed(seed)).choice(n_rows, n_cells, replace=False))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
