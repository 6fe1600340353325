"""Reading any file of cells: AnnData, MuData or 10x; and finding the raw counts in it."""

import warnings
from collections.abc import Callable
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


@dataclass
class Stored:
    """What a file holds: raw counts (cells × genes), columns about cells, matrices beside them.

    ``modalities`` are matrices of other molecules, one row a cell of ``counts``; ``has`` says which cells
    have one.
    """

    path: Path
    counts: sparse.csr_matrix  # or BackedCounts
    genes: np.ndarray
    obs: pd.DataFrame
    obsm: dict[str, Any]
    modalities: dict[str, Any] = field(default_factory=dict)
    has: dict[str, np.ndarray] = field(default_factory=dict)
    checked: tuple[str, ...] = ()


def read_file(
    path: Path, layer: str | None = None, modality: str = "rna", metadata: str | None = None, backed: bool = False
) -> Stored:
    """Read a file of cells, whatever its name: AnnData, MuData or 10x HDF5; ``backed`` leaves the counts on disk.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is none of these, damaged, without whole counts, or has a gene or a cell twice.
    """
    with h5ad.opened(path) as handle:
        found = list(handle)
        # 10x names this group "matrix", or by its genome in files before 2018.
        is_10x = any("barcodes" in handle[k] and "indptr" in handle[k] for k in found if hasattr(handle[k], "keys"))
    reader: Callable[[Path, str | None, str], Stored]
    if "mod" in found:
        reader = _mudata
    elif is_10x:
        reader = _tenx
    elif "obs" in found and ("X" in found or "layers" in found or "raw" in found):
        reader = _anndata
    else:
        raise ValueError(
            f"{path} holds {', '.join(found) or 'nothing'}: it is neither AnnData (.h5ad) nor MuData (.h5mu) nor a 10x "
            "matrix (.h5). Write one of these."
        )
    if reader is _anndata and "var" not in found:
        raise ValueError(f"{path} has no 'var', the names of its genes, only {', '.join(found)}: save it again.")
    if backed:
        if reader is not _anndata:
            raise ValueError(f"backed is True: only AnnData files can be read in parts; write {path} as one (.h5ad).")
        reader = _on_disk
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about names and old formats: checked below
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
    for what, names in (("gene", stored.genes), ("cell", stored.obs.index)):
        twice = pd.Index(names)[pd.Index(names).duplicated()]
        if len(twice):
            axis = "var" if what == "gene" else "obs"
            raise ValueError(
                f"{path} has {len(twice)} {what} names twice, such as {twice[0]!r}: add up or rename them "
                f"(adata.{axis}_names_make_unique()) and save it again."
            )
    if metadata is not None:
        stored.obs = _joined(stored, Path(metadata))
    return stored


def _anndata(path: Path, layer: str | None, _modality: str) -> Stored:
    import anndata

    cells = anndata.read_h5ad(path)
    _check(cells, path)
    counts, genes, where = _raw_counts(cells, layer, path)
    return Stored(path, counts, genes, cells.obs, dict(cells.obsm), checked=(f"whole counts in {where}",))


def _on_disk(path: Path, layer: str | None, _modality: str) -> Stored:
    """Everything but the counts in memory."""
    from anndata.io import read_elem

    with h5ad.opened(path) as handle:
        obs = read_elem(handle["obs"])
        obsm = read_elem(handle["obsm"]) if "obsm" in handle else {}
        places = {"layers['counts']": "layers/counts", "raw": "raw/X", "X": "X"}
        if layer is not None:
            choose(layer, [*handle.get("layers", {}), "X", "raw"], f"layer of {path}")
            where = layer if layer in ("X", "raw") else f"layers[{layer!r}]"
            places = {where: places.get(layer, f"layers/{layer}")}
        genes = {
            where: h5ad.column(handle, "raw/var" if where == "raw" else "var")
            for where in places
            if where != "raw" or "raw" in handle
        }
        places = {where: place for where, place in places.items() if place in handle}
    told = []
    for where, place in places.items():
        counts = BackedCounts(path, place)
        try:
            next(counts.blocks())
        except ValueError as error:
            told.append(str(error))
            continue
        return Stored(path, counts, genes[where], obs, dict(obsm), checked=(f"whole counts in {where}, left on disk",))
    raise ValueError(f"{path} has no raw counts that can be read in parts: {' '.join(told) or 'it has no matrix.'}")


def _tenx(path: Path, layer: str | None, _modality: str) -> Stored:
    import scanpy as sc

    if layer is not None:
        raise ValueError(f"layer is {layer!r}: {path} is a 10x file, which has no layers; leave it out.")
    with h5ad.opened(path) as handle:
        for group in handle.values():
            if hasattr(group, "keys") and "indptr" in group:
                _check_tenx(group, path)
    cells = sc.read_10x_h5(path, gex_only=False)
    of = cells.var.get("feature_types", pd.Series("Gene Expression", cells.var_names)).to_numpy(str)
    rna = cells[:, of == "Gene Expression"]
    if not rna.n_vars:
        raise ValueError(f"{path} has no 'Gene Expression', only {', '.join(sorted(set(of)))}.")
    # Several genes may share a symbol; their ids are their own.
    genes = (rna.var_names if rna.var_names.is_unique else rna.var["gene_ids"]).to_numpy(str)
    others = {str(kind): cells[:, of == kind].X for kind in set(of) - {"Gene Expression"}}
    has = {kind: np.ones(cells.n_obs, bool) for kind in others}
    return Stored(path, _whole(rna.X, path), genes, cells.obs, {}, others, has, ("whole counts of a 10x file",))


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
        if name == modality:
            continue
        values = other.layers.get("counts", other.X)
        row = other.obs_names.get_indexer(rna.obs_names)
        has[name] = row >= 0
        values = values.toarray() if sparse.issparse(values) else np.asarray(values)
        modalities[name] = np.where(has[name][:, None], values[row], 0)
    obsm = dict(rna.obsm) | {k: v for k, v in cells.obsm.items() if k not in cells.mod and k not in rna.obsm}
    obsm = {k: v if len(v) == rna.n_obs else v[cells.obs_names.get_indexer(rna.obs_names)] for k, v in obsm.items()}
    return Stored(path, counts, genes, obs, obsm, modalities, has, (f"whole counts in {where} of {modality}",))


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
    indices, n = group["indices"], len(group["data"])
    odd = h5ad.odd_pointers(group, n_cells)
    for start in range(0, 0 if odd else n, CHUNK):
        some = indices[start : start + CHUNK]
        if some.dtype.kind not in "iu" or some.min() < 0 or some.max() >= n_genes:
            odd = f"indices from {some.min()} to {some.max()} for {n_genes} genes"
            break
    if odd:
        raise ValueError(f"{path} is damaged ({odd}): save or download it again.")


def _raw_counts(cells: Any, layer: str | None, path: Path) -> tuple[sparse.csr_matrix, np.ndarray, str]:
    """Return whole counts, their gene names and where they were found."""
    genes = cells.var_names.to_numpy(str)
    if layer is not None:
        choose(layer, [*cells.layers, "X", "raw"], f"layer of {path}")
    places: dict[str, Any] = {"layers['counts']": cells.layers.get("counts")}
    places["raw"] = None if cells.raw is None else cells.raw.X
    places["X"] = cells.X
    if layer is not None:
        where = layer if layer in ("X", "raw") else f"layers[{layer!r}]"
        places = {where: places[where] if layer in ("X", "raw") else cells.layers[layer]}
    told = []
    for where, values in places.items():
        odd = "is absent" if values is None else _odd(values)
        if not odd:
            return _whole(values, path), cells.raw.var_names.to_numpy(str) if where == "raw" else genes, where
        told.append(f"{where} {odd}")
    raise ValueError(
        f"{path} has no raw counts: {', '.join(told)}. Put the counts before normalisation into layers['counts'] and "
        "save it again, or name another layer with layer=."
    )


def _odd(values: Any) -> str:
    """Return what keeps a matrix from being raw counts; nothing if it is one."""
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


def _whole(values: Any, path: Path) -> sparse.csr_matrix:
    odd = _odd(values)
    if odd:
        raise ValueError(f"the matrix of {path} {odd}: give raw counts.")
    return as_counts(values, f"the matrix of {path}")


def _joined(stored: Stored, path: Path) -> pd.DataFrame:
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
