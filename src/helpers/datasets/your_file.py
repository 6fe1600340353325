"""Reading any file of cells: AnnData, MuData or 10x; and finding the raw counts in it."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_counts, check_sparse, choose
from helpers.datasets import h5ad, read
from helpers.datasets.backed import BackedCounts

# Values of a 10x file that are checked at once, up to 128 MB.
CHUNK = 2**24
RNA = "Gene Expression"


@dataclass
class Stored:
    """What a file holds: raw counts (cells × genes), columns about cells, matrices beside them.

    ``modalities`` are matrices of other molecules, one row a cell of ``counts``; ``has`` says which cells have one.
    """

    path: Path
    counts: sparse.csr_matrix  # or BackedCounts
    genes: np.ndarray
    obs: pd.DataFrame
    obsm: dict[str, Any]
    checked: tuple[str, ...]
    modalities: dict[str, Any] = field(default_factory=dict)
    has: dict[str, np.ndarray] = field(default_factory=dict)


Reader = Callable[[Path, str | None, str], Stored]


def read_file(
    path: Path, layer: str | None = None, modality: str = "rna", metadata: str | None = None, backed: bool = False
) -> Stored:
    """Read a file of cells, whatever its name: AnnData, MuData or 10x HDF5; ``backed`` leaves the counts on disk.

    Raises ``FileNotFoundError``, or ``ValueError`` if it is none of these, damaged, without whole counts, or has a gene
    or a cell twice.
    """
    reader = _reader_of(path, backed)
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
    for what, axis, names in (("gene", "var", pd.Index(stored.genes)), ("cell", "obs", stored.obs.index)):
        if names.has_duplicates:
            twice = names[names.duplicated()]
            raise ValueError(
                f"{path} has {len(twice)} {what} names twice, such as {twice[0]!r}: add up or rename them "
                f"(adata.{axis}_names_make_unique()) and save it again."
            )
    if metadata is not None:
        stored.obs = _with_columns_of(Path(metadata), stored)
    return stored


def _reader_of(path: Path, backed: bool) -> Reader:
    """Return what reads a file, by what is in it."""
    with h5ad.opened(path) as handle:
        parts = list(handle)
        groups = [group for group in handle.values() if hasattr(group, "keys")]
        # 10x names this group "matrix", or by its genome in files before 2018.
        is_10x = any("barcodes" in group and "indptr" in group for group in groups)
    is_anndata = "obs" in parts and bool({"X", "layers", "raw"} & set(parts))
    if not (is_anndata or is_10x or "mod" in parts):
        raise ValueError(
            f"{path} holds {', '.join(parts) or 'nothing'}: it is neither AnnData (.h5ad) nor MuData (.h5mu) nor a 10x "
            "matrix (.h5). Write one of these."
        )
    if "mod" in parts or is_10x:
        if backed:
            raise ValueError(f"backed is True: only AnnData files can be read in parts; write {path} as one (.h5ad).")
        return _mudata if "mod" in parts else _tenx
    if "var" not in parts:
        raise ValueError(f"{path} has no 'var', the names of its genes, only {', '.join(parts)}: save it again.")
    return _on_disk if backed else _anndata


def _anndata(path: Path, layer: str | None, _modality: str) -> Stored:
    import anndata

    cells = anndata.read_h5ad(path)
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
    cells = sc.read_10x_h5(path, gex_only=False)
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
        cells = mudata.read_h5mu(path)
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
