"""Which kind of file cells are in, by what is in it, and readers of the kinds that become AnnData in memory."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.datasets import h5ad, read

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZARR = (".zgroup", "zarr.json", ".zattrs")
# What the attributes of a loom file call the names of genes and of cells, most common first.
_LOOM_GENES = ("Gene", "gene", "gene_name", "GeneName", "var_names", "gene_names", "Accession", "index")
_LOOM_CELLS = ("CellID", "cell_id", "obs_names", "cell_names", "barcode", "barcodes", "Cell", "index")
# How addresses begin as paths, which have one slash.
_ADDRESSES = ("http:/", "https:/", "ftp:/", "s3:/", "gs:/")
# Files of R, which are refused with the way out.
_FROM_R = (".rds", ".rda", ".rdata", ".h5seurat")
KINDS = "AnnData (.h5ad, .zarr), MuData (.h5mu), 10x (.h5, a folder with matrix.mtx), loom, or a table (.csv, .tsv)"


def kind_of(path: Path) -> str:
    """Return "hdf5", "zarr", "mtx" or "table" by what is in a file or folder, whatever its name.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is a folder or a file of R that cannot be read.
    """
    if str(path).startswith(_ADDRESSES):
        raise ValueError(
            f"{str(path).replace(':/', '://', 1)} is an address: download the file first, and give its path."
        )
    if path.is_dir():
        if any((path / name).exists() for name in _ZARR):
            return "zarr"
        if _mtx_of(path):
            return "mtx"
        some = ", ".join(sorted(file.name for file in path.iterdir())[:5]) or "nothing"
        raise ValueError(f"{path} is a folder that holds {some}: give a file, or a folder of one of {KINDS}.")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: give the path of a file.")
    if path.suffix.lower() in _FROM_R:
        raise ValueError(
            f"{path} is a file of R: write it as .h5ad there (SeuratDisk: SaveH5Seurat, then Convert(dest = 'h5ad'); "
            "or zellkonverter: writeH5AD), with raw counts."
        )
    with open(path, "rb") as handle:
        start = handle.read(4096)
    if read.is_gzipped(path):
        start = _unpacked_start(path)
    if start.startswith(_HDF5):
        return "hdf5"
    if _is_mtx(path, start):
        return "mtx"
    return "table" if _is_text(start) else "hdf5"  # whose reader says that it is damaged


def _unpacked_start(path: Path) -> bytes:
    try:
        with gzip.open(path) as handle:
            return handle.read(4096)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}): download or save it again.") from error


def _is_mtx(path: Path, start: bytes) -> bool:
    return start.startswith(b"%%MatrixMarket") or path.name.endswith((".mtx", ".mtx.gz"))


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf8", "strict" if len(start) < 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and sum(c.isprintable() or c in "\r\n\t\ufeff" for c in text) >= 0.98 * len(text)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give a file whose content is HDF5, unpacked to a temporary one if it is gzipped."""
    if not read.is_gzipped(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name.removesuffix(".gz")
        with read.readable(path, "gzipped file"), gzip.open(path) as source, open(whole, "wb") as target:
            shutil.copyfileobj(source, target)
        yield whole


def from_zarr(path: Path) -> Any:
    """Return the cells of an AnnData or MuData store of zarr."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{path} is a zarr store: pip install zarr to read it.") from error
    from anndata.io import read_zarr

    if (path / "mod").is_dir():
        import mudata

        return mudata.read_zarr(path)
    return read_zarr(path)


def _mtx_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name.endswith(("matrix.mtx", "matrix.mtx.gz")))


def from_mtx(path: Path) -> Any:
    """Return the cells of a 10x folder: matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), gzipped or not.

    The three files may share a prefix, as those of GEO do; features of other kinds than genes are left to ``mod:``.
    """
    import anndata
    from scipy.io import mmread

    matrices = _mtx_of(path) if path.is_dir() else [path]
    if len(matrices) > 1:
        raise ValueError(f"{path} holds {len(matrices)} matrices, such as {matrices[0].name}: give one of the files.")
    (file,) = matrices
    folder, prefix = file.parent, file.name.partition("matrix.mtx")[0]
    features = _beside(folder, prefix, ("features.tsv", "genes.tsv"), file)
    barcodes = _beside(folder, prefix, ("barcodes.tsv",), file)
    with read.readable(file, "MatrixMarket file"):
        matrix = mmread(file).T.tocsr()
    genes, cells = (_lines_of(name) for name in (features, barcodes))
    if matrix.shape != (len(cells), len(genes)):
        raise ValueError(
            f"{file} is {matrix.shape[1]} × {matrix.shape[0]}, and there are {len(genes)} features and {len(cells)} "
            f"barcodes beside it: the three files are not of one sample."
        )
    about = {"gene_ids": genes[0].to_numpy(str)}
    if genes.shape[1] > 2:
        about["feature_types"] = genes[2].to_numpy(str)
    names = genes[1] if genes.shape[1] > 1 else genes[0]
    return anndata.AnnData(
        matrix, pd.DataFrame(index=cells[0].to_numpy(str)), pd.DataFrame(about, index=names.to_numpy(str))
    )


def _beside(folder: Path, prefix: str, names: tuple[str, ...], matrix: Path) -> Path:
    candidates = [folder / f"{prefix}{name}{end}" for name in names for end in ("", ".gz")]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ValueError(
        f"{matrix} has no {prefix}{names[0]} beside it: a 10x folder has the matrix, barcodes and features."
    )


def _lines_of(path: Path) -> pd.DataFrame:
    with read.readable(path, "tab-separated list"):
        return pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False)


def from_loom(path: Path) -> Any:
    """Return the cells of a loom file; X and Y, or x and y, of cells become ``obsm["spatial"]``."""
    import anndata

    with h5ad.opened(path) as handle:
        matrix = handle["matrix"][:].T
        rows, columns = ({k: _attribute(v) for k, v in handle[g].items() if hasattr(v, "shape")} for g in _SIDES)
    if not rows or not columns:
        raise ValueError(f"{path} is a loom file without names of its genes or cells: write it with both.")
    genes = _named(rows, _LOOM_GENES, matrix.shape[1])
    cells = _named(columns, _LOOM_CELLS, matrix.shape[0])
    obs = pd.DataFrame({k: v for k, v in columns.items() if v.ndim == 1}, index=cells)
    obsm = {k: v for k, v in columns.items() if v.ndim == 2}
    for x, y in (("X", "Y"), ("x", "y")):
        if x in obs and y in obs and obs[x].dtype.kind in "iuf":
            obsm["spatial"] = obs[[x, y]].to_numpy(float)
    return anndata.AnnData(matrix, obs, pd.DataFrame(index=genes), obsm=obsm)


_SIDES = ("row_attrs", "col_attrs")


def _attribute(stored: Any) -> np.ndarray:
    values = stored[:]
    return read.text(values) if values.dtype.kind in "OS" and values.ndim == 1 else values


def _named(attributes: dict[str, np.ndarray], names: tuple[str, ...], n: int) -> np.ndarray:
    for name in names:
        if name in attributes and attributes[name].shape == (n,):
            return attributes[name].astype(str)
    return np.array([f"{i}" for i in range(n)])
