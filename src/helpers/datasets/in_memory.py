"""Cells that are in memory already, under a path by which they are read like a file."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

_WORD = "in memory"
_HELD: dict[str, Any] = {}


def hold(cells: Any) -> str:
    """Keep an AnnData or MuData object at hand and return the path by which ``your_data`` reads it.

    The path names the content, so that the same cells have the same path in every session. ``release`` lets go of them.

    Examples
    --------
    >>> import anndata
    >>> path = hold(anndata.AnnData(np.eye(3)))
    >>> path == hold(anndata.AnnData(np.eye(3))), is_held(path)
    (True, True)
    >>> release(path)
    >>> is_held(path)
    False
    """
    kind = type(cells).__name__
    if not hasattr(cells, "obs") or not (hasattr(cells, "var_names") or hasattr(cells, "mod")):
        raise ValueError(f"cells are a {kind}: give an AnnData or MuData object, or the path of a file.")
    digest = hashlib.blake2b(digest_size=6)
    for part in _content(cells):
        digest.update(part)
    path = f"{_WORD} {kind} {digest.hexdigest()}"
    _HELD[path] = cells
    return path


def is_held(path: Any) -> bool:
    """Return whether a path is that of cells in memory."""
    return str(path) in _HELD


def held(path: Any) -> Any:
    """Return the cells of a path."""
    return _HELD[str(path)]


def shown_name(path: Any) -> str:
    """Return what a reader calls cells: the name of their file, or what they are in memory.

    >>> shown_name("/data/cells.h5ad"), shown_name("in memory AnnData 1f3a2b3c4d5e")
    ('cells.h5ad', 'AnnData in memory')
    """
    name = Path(path).name
    return f"{name.split()[2]} {_WORD}" if name.startswith(f"{_WORD} ") else name


def release(path: str) -> None:
    """Let go of the cells of a path."""
    _HELD.pop(path, None)


def _content(cells: Any) -> Iterator[bytes]:
    """Yield the bytes of everything that a signal or the counts may be read from."""
    import pandas as pd

    for name in sorted(getattr(cells, "mod", {})):
        yield name.encode()
        yield from _content(cells.mod[name])
    yield repr((cells.shape, list(cells.obs.columns))).encode()
    yield pd.util.hash_pandas_object(cells.obs.astype(str)).to_numpy().tobytes()
    yield "\n".join(map(str, getattr(cells, "var_names", ()))).encode()
    matrices = {"X": getattr(cells, "X", None), **dict(getattr(cells, "layers", None) or {}), **dict(cells.obsm)}
    if getattr(cells, "raw", None) is not None:
        matrices["raw"] = cells.raw.X
    for name in sorted(matrices):
        yield name.encode()
        yield from _bytes_of(matrices[name])


def _bytes_of(values: Any) -> Iterator[bytes]:
    if values is None:
        return
    if sparse.issparse(values):
        compressed = values if hasattr(values, "indptr") else values.tocsr()
        parts: tuple[Any, ...] = (compressed.data, compressed.indices, compressed.indptr)
    else:
        parts = (values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values),)
    for part in parts:
        yield str(part.tolist()).encode() if part.dtype == object else np.ascontiguousarray(part).tobytes()


def as_path(cells: Any) -> Path:
    """Return the path of cells: that of a file as it is, or that by which an object in memory is read."""
    if isinstance(cells, (str, Path)):
        return Path(cells).expanduser()
    return Path(hold(cells))
