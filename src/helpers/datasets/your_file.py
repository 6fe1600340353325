"""Reading any file of cells, or cells in memory; and finding the raw counts in it."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_counts, check_sparse, choose
from helpers.datasets import count_table, formats, h5ad, in_memory, read
from helpers.datasets.backed import BackedCounts
from helpers.datasets.doubts import doubts_of

# Values of a 10x file that are checked at once, up to 128 MB.
CHUNK = 2**24
RNA = "Gene Expression"


@dataclass
class Stored:
    """What a file holds: raw counts (cells × genes), columns about cells, matrices beside them.

    ``modalities`` are matrices of other molecules, one row a cell of ``counts``; ``has`` says which cells have one.
    ``doubts`` are sentences on what looks wrong and was read nevertheless.
    """

    path: Path
    counts: sparse.csr_matrix  # or BackedCounts
    genes: np.ndarray
    obs: pd.DataFrame
    obsm: dict[str, Any]
    checked: tuple[str, ...]
    modalities: dict[str, Any] = field(default_factory=dict)
    has: dict[str, np.ndarray] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


Reader = Callable[[Path, str | None, str], Stored]


def read_file(
    path: Path,
    layer: str | None = None,
    modality: str = "rna",
    metadata: str | None = None,
    backed: bool = False,
    genes_in: str | None = None,
) -> Stored:
    """Read a file of cells, whatever its name, or cells in memory by their path; ``backed`` leaves the counts on disk.

    Names of genes or cells that occur twice are made unique; ``doubts`` says so. Raises ``FileNotFoundError``, or
    ``ValueError`` if it is none of ``formats.KINDS``, damaged, or without whole counts.
    """
    reader = _reader_of(path, backed, genes_in)
    try:
        with warnings.catch_warnings(action="ignore"):  # about names and old formats: checked below
            stored = reader(path, layer, modality)
    except Exception as error:
        if isinstance(error, ValueError) and str(path) in str(error):  # one of these functions' own
            raise
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}: {error}): save or download it again."
        ) from error
    if stored.counts.shape != (len(stored.obs), len(stored.genes)):
        raise ValueError(
            f"{path} is damaged: its counts are {stored.counts.shape[0]} cells × {stored.counts.shape[1]} genes, and "
            f"it names {len(stored.obs)} cells and {len(stored.genes)} genes. Save or download it again."
        )
    _make_unique(stored)
    if not isinstance(stored.counts, BackedCounts):
        stored.doubts += tuple(doubts_of(stored.counts, stored.obs.index, stored.genes))
    if metadata is not None:
        stored.obs = _with_columns_of(Path(metadata), stored)
    return stored


def _make_unique(stored: Stored) -> None:
    """Rename what occurs twice among the names of genes and of cells, and note that."""
    from anndata.utils import make_index_unique

    for what, names in (("gene", pd.Index(stored.genes)), ("cell", stored.obs.index)):
        if names.has_duplicates:
            twice = names[names.duplicated()]
            with warnings.catch_warnings(action="ignore"):  # of names that are renamed to one that is there
                unique = make_index_unique(names.astype(str))
            if what == "gene":
                stored.genes = unique.to_numpy(str)
            else:
                stored.obs = stored.obs.set_axis(unique)
            stored.doubts += (
                f"{len(twice)} {what} names occur twice, such as {twice[0]!r}: each is taken as a {what} of its own.",
            )


def _reader_of(path: Path, backed: bool, genes_in: str | None) -> Reader:
    """Return what reads a file, by what is in it."""
    kind = "object" if in_memory.is_held(path) else formats.kind_of(path)
    if genes_in is not None:
        choose(genes_in, ("rows", "columns"), "place of the genes (genes_in)")
    if genes_in is not None and kind != "table":
        raise ValueError(f"genes_in is {genes_in!r}: {path} is not a table of text, and says itself; leave it out.")
    if kind == "object":
        return _of_object
    if kind != "hdf5":
        if backed:
            raise ValueError(f"backed is True: only AnnData files can be read in parts; write {path} as one (.h5ad).")
        readers = {"zarr": formats.from_zarr, "mtx": formats.from_mtx}
        return partial(_converted, readers.get(kind) or partial(count_table.read, genes_in=genes_in))
    if path.suffix == ".gz":
        if backed:
            raise ValueError(f"backed is True: {path} is gzipped; unpack it first (gunzip).")
        return _unpacked
    return _of_hdf5(path, backed)


def _unpacked(path: Path, layer: str | None, modality: str) -> Stored:
    with formats.unpacked(path) as file:
        stored = _of_hdf5(file, False)(file, layer, modality)
    stored.path = path
    return stored


def _of_hdf5(path: Path, backed: bool) -> Reader:
    """Return what reads an HDF5 file, by what is in it."""
    with h5ad.opened(path) as handle:
        parts = list(handle)
        groups = [group for group in handle.values() if hasattr(group, "keys")]
        # 10x names this group "matrix", or by its genome in files before 2018.
        is_10x = any("barcodes" in group and "indptr" in group for group in groups)
    is_anndata = "obs" in parts and bool({"X", "layers", "raw"} & set(parts))
    is_loom = {"matrix", "row_attrs", "col_attrs"} <= set(parts)
    if not (is_anndata or is_10x or is_loom or "mod" in parts):
        raise ValueError(
            f"{path} holds {', '.join(parts) or 'nothing'}: it is none of {formats.KINDS}. In Python, "
            "anndata.AnnData(counts, obs, var).write_h5ad('cells.h5ad') makes one of a matrix of cells × genes."
        )
    if "mod" in parts or is_10x or is_loom:
        if backed:
            raise ValueError(f"backed is True: only AnnData files can be read in parts; write {path} as one (.h5ad).")
        if is_loom:
            return partial(_converted, formats.from_loom)
        return _mudata if "mod" in parts else _tenx
    if "var" not in parts:
        raise ValueError(f"{path} has no 'var', the names of its genes, only {', '.join(parts)}: save it again.")
    return _on_disk if backed else _anndata


def _anndata(path: Path, layer: str | None, _modality: str) -> Stored:
    import anndata

    return _of_anndata(anndata.read_h5ad(path), path, layer)


def _of_object(path: Path, layer: str | None, modality: str) -> Stored:
    cells = in_memory.held(path)
    return _of_mudata(cells, path, layer, modality) if hasattr(cells, "mod") else _of_anndata(cells, path, layer)


def _converted(convert: Callable[[Path], Any], path: Path, layer: str | None, modality: str) -> Stored:
    cells = convert(path)
    if hasattr(cells, "mod"):
        return _of_mudata(cells, path, layer, modality)
    if "feature_types" in cells.var and (cells.var["feature_types"] == RNA).any():
        return _of_features(cells, path)
    stored = _of_anndata(cells, path, layer)
    if "read_as" in cells.uns:
        stored.checked = (cells.uns["read_as"], *stored.checked)
    return stored


def _of_anndata(cells: Any, path: Path, layer: str | None) -> Stored:
    _check(cells, path)
    counts, genes, where = _raw_counts(cells, layer, path)
    return Stored(path, counts, genes, cells.obs, dict(cells.obsm), (f"whole counts in {where}",))


def _on_disk(path: Path, layer: str | None, _modality: str) -> Stored:
    """Read everything but the counts into memory."""
    from anndata.io import read_elem

    with h5ad.opened(path) as handle:
        obs = read_elem(handle["obs"])
        obsm = read_elem(handle["obsm"]) if "obsm" in handle else {}
        places = {w: place for w, place in _places(layer, handle.get("layers", {}), path).items() if place in handle}
        genes = {where: h5ad.column(handle, "raw/var" if where == "raw" else "var") for where in places}
    faults = []
    for where, place in places.items():
        try:
            counts = BackedCounts(path, place)
            next(counts.blocks())
        except ValueError as error:
            faults.append(str(error))
        else:
            return Stored(path, counts, genes[where], obs, dict(obsm), (f"whole counts in {where}, left on disk",))
    raise ValueError(f"{path} has no raw counts that can be read in parts: {' '.join(faults) or 'it has no matrix.'}")


def _tenx(path: Path, layer: str | None, _modality: str) -> Stored:
    import scanpy as sc

    if layer is not None:
        raise ValueError(f"layer is {layer!r}: {path} is a 10x file, which has no layers; leave it out.")
    with h5ad.opened(path) as handle:
        for group in handle.values():
            if hasattr(group, "keys") and "indptr" in group:
                _check_tenx(group, path)
    return _of_features(sc.read_10x_h5(path, gex_only=False), path)


def _of_features(cells: Any, path: Path) -> Stored:
    """Return what a 10x matrix holds: the genes are the counts, and features of other kinds stand beside them."""
    kind_of = cells.var.get("feature_types", pd.Series(RNA, cells.var_names)).to_numpy(str)
    rna = cells[:, kind_of == RNA]
    if not rna.n_vars:
        raise ValueError(f"{path} has no {RNA!r}, only {', '.join(sorted(set(kind_of)))}.")
    # Several genes may share a symbol; their ids are their own.
    genes = (rna.var_names if rna.var_names.is_unique else rna.var["gene_ids"]).to_numpy(str)
    if fault := _fault_of_counts(rna.X):
        raise ValueError(f"the matrix of {path} {fault}: give raw counts.")
    counts = as_counts(rna.X, f"the matrix of {path}")
    others = {str(kind): cells[:, kind_of == kind].X for kind in set(kind_of) - {RNA}}
    has = {kind: np.ones(cells.n_obs, bool) for kind in others}
    return Stored(path, counts, genes, cells.obs, {}, ("whole counts of a 10x file",), others, has)


def _mudata(path: Path, layer: str | None, modality: str) -> Stored:
    try:
        import mudata
    except ImportError as error:
        raise ValueError(f"{path} is a MuData file: pip install mudata to read it.") from error

    with mudata.set_options(pull_on_update=False):
        return _of_mudata(mudata.read_h5mu(path), path, layer, modality)


def _of_mudata(cells: Any, path: Path, layer: str | None, modality: str) -> Stored:
    for part in (*cells.mod.values(), cells):
        _check(part, path)
    choose(modality, list(cells.mod), f"modality of {path} (modality=)")
    rna = cells.mod[modality]
    counts, genes, where = _raw_counts(rna, layer, path)
    obs = rna.obs.join(cells.obs.loc[rna.obs_names, [c for c in cells.obs if c not in rna.obs]])
    modalities, has = {}, {}
    for name, other in cells.mod.items():
        if name != modality:
            values = other.layers.get("counts", other.X)
            values = values.toarray() if sparse.issparse(values) else np.asarray(values)
            row = other.obs_names.get_indexer(rna.obs_names)
            has[name] = row >= 0
            modalities[name] = np.where(has[name][:, None], values[row], 0)
    obsm = dict(rna.obsm) | {k: v for k, v in cells.obsm.items() if k not in cells.mod and k not in rna.obsm}
    obsm = {k: v if len(v) == rna.n_obs else v[cells.obs_names.get_indexer(rna.obs_names)] for k, v in obsm.items()}
    return Stored(path, counts, genes, obs, obsm, (f"whole counts in {where} of {modality}",), modalities, has)


def _check(cells: Any, path: Path) -> None:
    """Check every sparse matrix that may be read from AnnData or MuData."""
    stored = {f"obsm[{k!r}]": values for k, values in cells.obsm.items()}
    if getattr(cells, "layers", None) is not None:  # MuData has none
        stored |= {f"layers[{k!r}]": values for k, values in cells.layers.items()} | {"X": cells.X}
    if getattr(cells, "raw", None) is not None:
        stored["raw"] = cells.raw.X
    for where, values in stored.items():
        if sparse.issparse(values):
            check_sparse(values, f"{where} of {path}")


def _check_tenx(group: Any, path: Path) -> None:
    """Check the matrix of a 10x file, a column a cell, as it is stored: reading a damaged one takes all memory."""
    n_genes, n_cells = (int(n) for n in group["shape"][:])
    fault = h5ad.fault_of_pointers(group, n_cells)
    for start in range(0, 0 if fault else len(group["data"]), CHUNK):
        some = group["indices"][start : start + CHUNK]
        if some.dtype.kind not in "iu" or some.min() < 0 or some.max() >= n_genes:
            fault = f"indices from {some.min()} to {some.max()} for {n_genes} genes"
            break
    if fault:
        raise ValueError(f"{path} is damaged ({fault}): save or download it again.")


def _places(layer: str | None, layers: Iterable[str], path: Path) -> dict[str, str]:
    """Return where raw counts may be: what a message calls each place → its path in the file."""
    if layer is None:
        return {"layers['counts']": "layers/counts", "raw": "raw/X", "X": "X"}
    choose(layer, [*layers, "X", "raw"], f"layer of {path}")
    whole_places = {"X": "X", "raw": "raw/X"}
    return {layer: whole_places[layer]} if layer in whole_places else {f"layers[{layer!r}]": f"layers/{layer}"}


def _raw_counts(cells: Any, layer: str | None, path: Path) -> tuple[sparse.csr_matrix, np.ndarray, str]:
    """Return whole counts, their gene names and where they were found."""
    matrices = {f"layers/{name}": values for name, values in cells.layers.items()} | {"X": cells.X}
    if cells.raw is not None:
        matrices["raw/X"] = cells.raw.X
    for what, n in zip(("cells", "genes"), cells.shape, strict=True):
        if not n:
            raise ValueError(
                f"{path} has no {what} ({cells.n_obs} cells × {cells.n_vars} genes): was all filtered out?"
            )
    faults = []
    for where, place in _places(layer, cells.layers, path).items():
        values = matrices.get(place)
        fault = "is absent" if values is None else _fault_of_counts(values)
        if not fault:
            genes = cells.raw.var_names if where == "raw" else cells.var_names
            return as_counts(values, f"the matrix of {path}"), genes.to_numpy(str), where
        faults.append(f"{where} {fault}")
    raise ValueError(
        f"{path} has no raw counts: {', '.join(faults)}. Put the counts before normalisation into layers['counts'] and "
        "save it again, or name another layer with layer=."
    )


def _fault_of_counts(values: Any) -> str:
    """Return what keeps a matrix from being raw counts; an empty string if it is one."""
    data = np.asarray(values.data if sparse.issparse(values) else values)
    if data.dtype.kind not in "iufb":
        return f"is of type {data.dtype}"
    if data.dtype.kind == "f" and not np.isfinite(data).all():
        return "holds NaN or infinite values"
    if data.size and data.min() < 0:
        return f"holds {data.min():g}"
    off = data != np.round(data) if data.dtype.kind == "f" else np.zeros(0, bool)
    if off.any():
        return f"holds {data[off][0]:g}"
    return "" if data.any() else "holds only zeros"


def _with_columns_of(path: Path, stored: Stored) -> pd.DataFrame:
    """Return obs with the columns of a table added, cell by cell."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: metadata is a CSV file whose first column names the cells.")
    table = read.table(path, sep="\t" if path.suffix in (".tsv", ".txt") else ",")
    table.index = table.index.astype(str)
    if table.index.has_duplicates:
        raise ValueError(f"{path} has cell {table.index[table.index.duplicated()][0]!r} twice: keep one row a cell.")
    if not stored.obs.index.isin(table.index).any():
        raise ValueError(
            f"{path} names none of the cells of {stored.path}: it has {table.index[0]!r}, the cells are called "
            f"{stored.obs.index[0]!r}. Make its first column the barcodes."
        )
    return stored.obs.drop(columns=[c for c in stored.obs if c in table]).join(table)
