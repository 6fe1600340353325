"""Embeddings of thinned cells in files, one a depth, made by any model in any language."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.datasets import read

# Names such as scVI_0.5.npy: the model, and the share of the molecules that it saw.
_NAME = re.compile(r"(?P<model>.+)_(?P<depth>\d+(\.\d+)?(e-?\d+)?)\.(?P<kind>npy|csv|tsv|h5ad)$")
_HINT = (
    "Name each file MODEL_DEPTH.npy (rows in the order of the cells), MODEL_DEPTH.csv (first column: names of cells), "
    "or put the embedding into obsm of the .h5ad files that `noise-scaling thin` wrote."
)


def files_of(folder: Path) -> dict[str, dict[float, Path]]:
    """Return the files of embeddings in a folder by key, such as ``X_scVI``, and depth."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give that of the embeddings, or a list of keys of obsm.")
    found: dict[str, dict[float, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.match(path.name)
        if not match:
            continue
        keys = _keys_of(path) if match["kind"] == "h5ad" else [f"X_{match['model'].removeprefix('X_')}"]
        for key in keys:
            found.setdefault(key, {})[float(match["depth"])] = path
    if not found:
        raise ValueError(f"{folder} holds no embeddings. {_HINT}")
    return found


def _keys_of(path: Path) -> list[str]:
    from helpers.datasets.h5ad import opened

    with opened(path) as handle:
        return list(handle.get("obsm", {}))


def depths_of(folder: Path, depths: Sequence[float]) -> dict[str, dict[float, str]]:
    """Return the keys of a folder's embeddings, with ``{depth}`` in them, and what each is called at each depth."""
    patterns = {}
    for key, of_depth in files_of(folder).items():
        found = {depth: f"{key}_{depth:g}" for depth in depths if depth in of_depth}
        if 1.0 not in found:
            raise ValueError(f"{folder} has no embedding {key} of depth 1, that of the cells as they are. {_HINT}")
        patterns[key + "_{depth}"] = found
    return patterns


def read_folder(folder: Path, names: pd.Index) -> dict[str, np.ndarray]:
    """Return all embeddings of a folder, shape (cells, d), by keys such as ``X_scVI_0.5``."""
    return {
        f"{key}_{depth:g}": _matrix(path, key, names)
        for key, of_depth in files_of(folder).items()
        for depth, path in of_depth.items()
    }


def _matrix(path: Path, key: str, names: pd.Index) -> np.ndarray:
    if path.suffix == ".npy":
        with read.readable(path, "NumPy array"), path.open("rb") as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
        if values.ndim != 2 or len(values) != len(names):
            raise ValueError(
                f"{path} has shape {values.shape}: one row for each of the {len(names)} cells is expected."
            )
        return values
    table = _table(path, key)
    missing = ~names.isin(table.index)
    if missing.any():
        raise ValueError(
            f"{path} has no row for {missing.sum()} of {len(names)} cells, such as {names[missing][0]!r}: embed every "
            "cell, and name the rows as the cells."
        )
    return table.loc[names].to_numpy()


def _table(path: Path, key: str) -> pd.DataFrame:
    if path.suffix == ".h5ad":
        import anndata

        cells: Any = anndata.read_h5ad(path, backed="r")
        try:
            return pd.DataFrame(np.asarray(cells.obsm[key]), index=cells.obs_names.astype(str))
        finally:
            cells.file.close()
    table = read.table(path, sep="\t" if path.suffix == ".tsv" else ",")
    table.index = table.index.astype(str)
    return table
