"""Readers of the formats that several datasets share: wide CSV tables, R objects, coded HDF5 strings."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_counts


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one error that names it; ``what`` is what the file should be.

    >>> with readable(Path("x.csv"), "table"):
    ...     int("A")
    Traceback (most recent call last):
    ...
    ValueError: x.csv is not a readable table (invalid literal for int() with base 10: 'A'): download or save it again.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist: give the path of a {what}.") from error
    except Exception as error:
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} is not a readable {what} ({first_line}): download or save it again.") from error


def is_gzipped(path: Path) -> bool:
    """Return whether a file is gzipped, whatever its name."""
    with open(path, "rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def table(path: Path, sep: str = ",", member: str | None = None, **options: Any) -> pd.DataFrame:
    """Return a CSV or TSV table whose first column names its rows; ``member`` names the file in a zip."""
    import zipfile

    with readable(path, f"{sep!r}-separated table"):
        if member is None:
            return pd.read_csv(path, sep=sep, index_col=0, low_memory=False, **options)
        with zipfile.ZipFile(path) as archive, archive.open(member) as handle:
            return pd.read_csv(handle, sep=sep, index_col=0, low_memory=False, **options)


def need_columns(frame: pd.DataFrame, names: list[str], what: str) -> None:
    """Raise if a table lacks a column."""
    if missing := [name for name in names if name not in frame]:
        raise ValueError(f"{what} has no column {missing[0]!r}, only {', '.join(map(str, frame))}.")


def need_same(one: Any, other: Any, what: str) -> None:
    """Raise if two files do not name the same cells in the same order."""
    if list(one) != list(other):
        raise ValueError(f"{what} differ: the files must be of one sample.")


def as_sparse(frame: pd.DataFrame, name: str, cells_in_columns: bool = False) -> sparse.csr_matrix:
    """Return a table of numbers as a CSR matrix of cells × genes."""
    values = frame.to_numpy()
    if not len(frame):
        raise ValueError(f"{name}: the table of counts has no rows: download it again.")
    if values.dtype.kind not in "iuf":
        column = next(c for c in frame.columns if frame[c].dtype.kind not in "iuf")
        text = frame[column].iloc[0]
        raise ValueError(f"{name}: column {column!r} holds text such as {text!r}: numbers are expected.")
    return as_counts(values.T if cells_in_columns else values, f"counts of {name}")


def r_object(path: Path) -> Any:
    """Return the object in an ``.rds`` or ``.rda`` file, S4 classes as plain namespaces."""
    import rdata

    with readable(path, "R file"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Missing constructor")  # the slots are what we want
        return rdata.conversion.convert(rdata.parser.parse_file(path))


def r_sparse(matrix: Any) -> tuple[sparse.csr_matrix, list[str], list[str]]:
    """Return an R ``dgCMatrix`` or ``dgTMatrix`` of genes × cells as CSR of cells × genes, with gene and cell names.

    An axis without names has an empty list.
    """
    shape = tuple(map(int, matrix.Dim))
    of_triplets = hasattr(matrix, "j")
    stored = (matrix.x, (matrix.i, matrix.j)) if of_triplets else (matrix.x, matrix.i, matrix.p)
    by_gene = (sparse.coo_matrix if of_triplets else sparse.csc_matrix)(stored, shape)
    genes, cells = ([] if names is None else np.asarray(names).astype(str).tolist() for names in matrix.Dimnames)
    return by_gene.T.tocsr(), genes, cells


def text(values: Any) -> np.ndarray:
    """Return HDF5 strings (bytes) or R strings as an array of str."""
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in np.asarray(values)])


def from_scaled(
    values: sparse.csr_matrix, name: str, tolerance: float = 1e-3, allowed: float = 0.0
) -> sparse.csr_matrix:
    """Return whole counts of cells whose counts were multiplied by one factor a cell.

    The smallest nonzero value of a cell is taken to be one molecule. Raises ``ValueError`` if more than the share
    ``allowed`` of the entries is off a whole number by more than ``tolerance``, relative to the number.
    """
    values = sparse.csr_matrix(values, dtype=np.float64, copy=True)
    values.eliminate_zeros()
    sizes = np.diff(values.indptr)
    starts = values.indptr[:-1][sizes > 0]
    one = np.minimum.reduceat(values.data, starts) if len(starts) else np.zeros(0)
    exact = values.data / np.repeat(one, sizes[sizes > 0])
    whole = np.round(exact)
    off = float((np.abs(exact - whole) > tolerance * np.maximum(whole, 1)).mean()) if len(exact) else 0.0
    if off > allowed:
        raise ValueError(
            f"{name}: {off:.2%} of the entries are not whole multiples of their cell's smallest value "
            f"(allowed: {allowed:.2%}), so counts cannot be recovered: give raw counts."
        )
    return sparse.csr_matrix((whole.astype(np.int32), values.indices, values.indptr), values.shape)


def hdf5(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Return arrays of an HDF5 file (h5, h5ad or loom) by their names in it."""
    import h5py

    with readable(path, "HDF5 file of this dataset"), h5py.File(path) as handle:
        missing = [name for name in names if name not in handle]
        if missing:
            raise ValueError(f"there is no {missing[0]!r}, only {', '.join(handle)}")
        return {name: handle[name][:] for name in names}
