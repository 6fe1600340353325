"""The data that points are measured on: loaded once, and what is known of them without loading."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers._utils.content import short_hash
from helpers._utils.validation import is_labels
from helpers.datasets import LOADERS, load
from helpers.datasets.files import hash_once, registry
from helpers.store import reference, versions
from helpers.store.stamp import note_versions

Point = dict[str, Any]


def dataset_of(point: dict[str, Any]) -> Any:
    """Return the dataset a point is measured on: cells, images or sequences."""
    return _dataset(point["dataset"], frozen(point["options"]))


@lru_cache(maxsize=4)
def _dataset(name: str, options: tuple[tuple[str, Any], ...]) -> Any:
    return load(name, **dict(options))


def frozen(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return options as a hashable key."""
    return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sorted(options.items()))


def facts(point: Point) -> dict[str, Any]:
    """Return what is known of a point's data: content hash, training cells of each fold, table of facts.

    They were recorded with the reference results; data whose files are registered by hash and whose
    loader has the same version still need not be read again. Without the data, the record is all there is.
    """
    return _facts(point["dataset"], frozen(point["options"]))


@lru_cache(maxsize=64)
def _facts(name: str, options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    recorded = reference.recorded_facts(name, dict(options))
    loader = _loader_state(name)
    # Files in a folder of the user's own may change, and no registered hash would tell.
    if recorded and recorded["loader"] == loader and not dict(options).get("folder"):
        return recorded
    try:
        cells = _dataset(name, options)
    except FileNotFoundError:
        if recorded:
            return recorded
        raise
    sizes = [len(cells.with_fold(fold).train) for fold in range(cells.n_folds)]
    labels = sorted(set(cells.signal.tolist())) if is_labels(cells.signal) else None
    return {
        "data_hash": cells.data_hash,
        "train_cells": sizes,
        "loader": loader,
        "about": cells.describe(),
        "labels": labels,
        "size": getattr(cells, "size", None),  # of images, in pixels
    }


def _loader_state(name: str) -> str:
    """Return what decides a dataset: the versions of its loader and of what loaders share, and its files' hashes."""
    loader = f"load_{LOADERS.modules[name].rpartition('.')[2]}"
    note_versions({part: versions.version(part) for part in ("data", loader)})
    entry = registry().get(name)
    files = [(f.path, f.sha256) for f in entry.files] if entry else []
    return f"{versions.method('data', loader)}-{short_hash(files)}"


def data_hash(point: dict[str, Any]) -> str:
    """Return the content hash of the data a point is measured on, a checkpoint's files included."""
    model = point.get("model", {})
    folders = [Path(model[name]) for name in ("from_checkpoint", "vocabulary", "weights") if model.get(name)]
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.iterdir() if file.is_file())
    if not files:
        return facts(point)["data_hash"]
    return short_hash([facts(point)["data_hash"], *(hash_once(f) for f in files)])
