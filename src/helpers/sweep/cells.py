"""Measure one point of a sweep: thin, prepare, represent, estimate information."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from helpers import information
from helpers._utils import validation as checks
from helpers._utils.validation import is_labels
from helpers.datasets import LOADERS, Dataset, load
from helpers.datasets.backed import BackedCounts
from helpers.datasets.files import hash_once, registry
from helpers.information import latentmi as package
from helpers.information.lmi import FEWEST
from helpers.noise import counts as thinning
from helpers.preprocess import blocks as preprocess_blocks
from helpers.preprocess import genes as preprocess
from helpers.representations import Representation, build
from helpers.store import reference, versions
from helpers.store.rows import short_hash
from helpers.store.stamp import note_versions

VERSION = 1  # 2026-11-28 numbered

Point = dict[str, Any]


def together(point: Point) -> tuple[Any, ...]:
    """Points with the same value share probe cells and signal: their information is estimated in one call."""
    shared = ("dataset", "options", "fold", "seed", "lmi", "n_probe")
    return tuple(json.dumps(point.get(name), sort_keys=True) for name in shared)


def measure(points: list[Point]) -> list[dict[str, Any]]:
    """Return the measured columns of points of a ``Grid`` that ``together`` calls equal.

    Steps that points share are kept in memory.
    """
    first = points[0]
    cells = dataset_of(first).with_fold(first["fold"])
    signal = cells.signal[_probe(cells, first)]
    embeddings, rows = [], []
    for point in points:
        made = _embedding(json.dumps(point, sort_keys=True))
        embeddings.append(made.values)
        rows.append({"umis_per_cell": made.umis, "snr": made.umis, "genes_by": made.genes_by})
    found = _estimates([(x, signal) for x in embeddings], first["seed"], **first["lmi"])
    return [
        {
            **describe(point),
            **row,
            "modality": cells.modality,
            "signal": cells.signal_name,
            "mi_bits": bits.bits,
            "mi_stderr_bits": bits.stderr,
            "mi_null_bits": bits.null_bits,
            "mi_ceiling_bits": cells.ceiling_bits,
            "n_probe": bits.n,
        }
        for point, row, bits in zip(points, rows, found, strict=True)
    ]


def _probe(cells: Dataset, point: Point) -> np.ndarray:
    """Return the row numbers of the probe cells of a point, ascending: a random ``n_probe`` of them, or all."""
    n = point.get("n_probe")
    if n is None:
        return cells.probe
    checks.in_range(n, FEWEST, len(cells.probe), f"n_probe of {cells.name}", whole=True)
    return np.sort(cells.probe[preprocess.nested_subset(len(cells.probe), n, point["seed"] + 2**32)])


def _estimates(pairs: list[tuple[np.ndarray, np.ndarray]], seed: int, estimator: str = "lmi", **options: Any) -> list:
    if checks.choose(estimator, ["lmi", "latentmi"], "estimator") == "lmi":
        return information.lmi_many(pairs, seed, **options)
    for name in options:
        raise ValueError(f"the estimator latentmi takes no option {name!r}: it runs with its own defaults.")
    return [package.latentmi_package(x, y, seed) for x, y in pairs]


def describe(point: Point) -> dict[str, Any]:
    """Return the columns that a point's settings decide, measured or not."""
    return {
        # Never to be taken for the real cells.
        "dataset": point["dataset"] + " (miniature)" * bool(point["options"].get("miniature")),
        "signal": point["options"].get("signal", ""),
        "representation": point["representation"],
        "n_train": point["n_train"],
        "noise_kind": "thinning",
        "noise_level": point["depth"],
        "probe_noise_level": point["probe_depth"],
        "seed": point["seed"],
        "fold": point["fold"],
        "dim": point["dim"],
        "settings": json.dumps(
            {
                **{k: v for k, v in point["options"].items() if k != "signal"},
                "n_top": point["n_top"],
                **({"n_probe": point["n_probe"]} if "n_probe" in point else {}),
                **point["lmi"],
                **point["model"],
            },
            sort_keys=True,
        ),
    }


def frozen(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return options as a hashable key."""
    return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sorted(options.items()))


@lru_cache(maxsize=4)
def _dataset(name: str, options: tuple[tuple[str, Any], ...]) -> Any:
    return load(name, **dict(options))


def dataset_of(point: dict[str, Any]) -> Any:
    """Return the dataset a point is measured on: cells, images or sequences."""
    return _dataset(point["dataset"], frozen(point["options"]))


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
    if recorded and recorded["loader"] == loader:
        return recorded
    try:
        cells = _dataset(name, options)
    except FileNotFoundError:
        if recorded:
            return recorded
        raise
    sizes = [len(cells.with_fold(fold).train) for fold in range(cells.n_folds)]
    labels = sorted(set(cells.signal.tolist())) if is_labels(cells.signal) else None
    about = cells.describe()
    size = getattr(cells, "size", None)  # of images, in pixels
    return {
        "data_hash": cells.data_hash, "train_cells": sizes, "loader": loader, "about": about, "labels": labels,
        "size": size,
    }  # fmt: skip


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


class _Made(NamedTuple):
    values: np.ndarray
    umis: float
    genes_by: str


@lru_cache(maxsize=1)
def _embedding(key: str) -> _Made:
    """Fit and transform; the model is kept, so that the next probe depth does not fit it again."""
    point = json.loads(key)
    cells = dataset_of(point).with_fold(point["fold"])
    ready, umis = _ready(point, point["probe_depth"])
    unused = ("probe_depth", "lmi")
    model = _fitted(json.dumps({k: v for k, v in point.items() if k not in unused}, sort_keys=True))
    if model.takes == "embeddings":
        probe = _given(cells, model, point["probe_depth"])[_probe(cells, point)]
    else:
        probe = ready.probe if model.takes == "values" else ready.probe_counts
    return _Made(model.transform(probe), umis, ready.hvg_method)


def _given(cells: Dataset, model: Any, depth: float) -> np.ndarray:
    """Return the embeddings of a depth: ``{depth}`` in the model's key stands for it."""
    key = model.key.replace("{depth}", f"{depth:g}")
    if depth != 1 and key == model.key:
        raise ValueError(
            f"embedding {model.key!r} is of the counts as they are, not of {depth:g} of them: use depths=[1.0], or a "
            "key such as 'X_emb_{depth}' with an embedding for each depth."
        )
    return cells.embeddings[checks.choose(key, cells.embeddings, f"embedding of {cells.name}")]


@lru_cache(maxsize=1)
def _fitted(key: str) -> Representation:
    point = json.loads(key)
    cells = dataset_of(point).with_fold(point["fold"])
    # The training side is the same whatever the depth of the probe.
    ready, _ = _ready(point, point["depth"])
    chosen = preprocess.nested_subset(len(cells.train), point["n_train"], point["seed"])
    model = build(point["representation"], point["dim"], point["seed"], **point["model"])
    if model.takes == "embeddings":
        return model.fit(_given(cells, model, point["depth"])[cells.train][chosen])
    train = ready.train if model.takes == "values" else ready.train_counts
    names = None if cells.genes is None or not model.needs_genes else cells.genes[ready.genes]
    return model.fit(train[chosen], genes=names)


def _ready(point: Point, probe_depth: float) -> tuple[preprocess.Prepared, float]:
    """Return both sides of a point ready for a model, and the mean UMIs of a probe cell."""
    counts = dataset_of(point).counts
    prepared = _prepared_from_disk if isinstance(counts, BackedCounts) else _prepared
    return prepared(
        point["dataset"], frozen(point["options"]), point["fold"], point["seed"], point["depth"], probe_depth,
        point["n_top"], point.get("n_probe"),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _prepared(
    name: str, options: tuple, fold: int, seed: int, depth: float, probe_depth: float, n_top: int, n_probe: int | None
) -> tuple[preprocess.Prepared, float]:
    cells = _dataset(name, options).with_fold(fold)
    counts = {d: _thinned(name, options, seed, d) for d in {depth, probe_depth}}
    (train, train_other), (probe, probe_other) = counts[depth], counts[probe_depth]
    train, train_other = train[cells.train], train_other[cells.train]
    rows = _probe(cells, {"n_probe": n_probe, "seed": seed})
    probe, probe_other = probe[rows], probe_other[rows]
    umis = float((probe.sum(axis=1).A1 + probe_other).mean())
    return preprocess.prepare(train, probe, train_other, probe_other, n_top), umis


@lru_cache(maxsize=1)  # of very many cells: gigabytes
def _prepared_from_disk(
    name: str, options: tuple, fold: int, seed: int, depth: float, probe_depth: float, n_top: int, n_probe: int | None
) -> tuple[preprocess.Prepared, float]:
    cells = _dataset(name, options).with_fold(fold)
    rows = _probe(cells, {"n_probe": n_probe, "seed": seed})
    other, probe_other = (_thinned_others(name, options, seed, d) for d in (depth, probe_depth))
    return preprocess_blocks.prepare_blocks(
        cells.counts, cells.train, rows, depth, probe_depth, seed, n_top, other, probe_other
    )


@lru_cache(maxsize=16)
def _thinned(name: str, options: tuple, seed: int, depth: float) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Thinned counts, and the thinned UMIs of genes outside the matrix."""
    counts = _dataset(name, options).counts
    return thinning.thin_nested(counts, [depth], seed)[depth], _thinned_others(name, options, seed, depth)


def _thinned_others(name: str, options: tuple, seed: int, depth: float) -> np.ndarray:
    others = _dataset(name, options).other_umis[:, None]
    return thinning.thin_nested(others, [depth], seed + 2**31)[depth].toarray().ravel()
