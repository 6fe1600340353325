"""Measure one point of a sweep: thin, prepare, represent, estimate information."""

import inspect
import json
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from helpers import checks, information, noise, preprocess
from helpers.datasets import LOADERS, Dataset, load
from helpers.datasets import base as dataset_base
from helpers.information import discrete, estimate, gaussian, ksg, lmi, nets
from helpers.representations import REPRESENTATIONS, build
from helpers.representations import base as representation_base
from helpers.store import code_hash

Point = dict[str, Any]


def together(point: Point) -> tuple[Any, ...]:
    """Points with the same value share probe cells and signal: their information is estimated in one call."""
    shared = ("dataset", "options", "fold", "seed", "lmi")
    return tuple(json.dumps(point[name], sort_keys=True) for name in shared)


def measure(points: list[Point]) -> list[dict[str, Any]]:
    """Return the measured columns of points of a ``Grid`` that ``together`` calls equal.

    Steps that points share are kept in memory.
    """
    first = points[0]
    cells = dataset_of(first).with_fold(first["fold"])
    signal = cells.signal[cells.probe]
    embeddings, rows = [], []
    for point in points:
        ready, umis = _prepared(
            point["dataset"], frozen(point["options"]), point["fold"], point["seed"], point["depth"],
            point["probe_depth"], point["n_top"],
        )  # fmt: skip
        chosen = preprocess.nested_subset(len(cells.train), point["n_train"], point["seed"])
        model = build(point["representation"], point["dim"], point["seed"]).fit(ready.train[chosen])
        embeddings.append(model.transform(ready.probe))
        rows.append({"umis_per_cell": umis, "snr": umis, "genes_by": ready.hvg_method})
    found = information.lmi_many([(x, signal) for x in embeddings], first["seed"], **first["lmi"])
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


def describe(point: Point) -> dict[str, Any]:
    """Return the columns that a point's settings decide, measured or not."""
    return {
        "dataset": point["dataset"],
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
            {**{k: v for k, v in point["options"].items() if k != "signal"}, "n_top": point["n_top"], **point["lmi"]},
            sort_keys=True,
        ),
    }


def frozen(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return options as a hashable key."""
    return tuple(sorted(options.items()))


@lru_cache(maxsize=4)
def _dataset(name: str, options: tuple[tuple[str, Any], ...]) -> Dataset:
    return load(name, **dict(options))


@lru_cache(maxsize=64)
def _dataset_hash(name: str, options: tuple[tuple[str, Any], ...]) -> str:
    return _dataset(name, options).data_hash


def dataset_of(point: dict[str, Any]) -> Dataset:
    """Return the dataset a point is measured on."""
    return _dataset(point["dataset"], frozen(point["options"]))


def data_hash(point: dict[str, Any]) -> str:
    """Return the content hash of the data a point is measured on."""
    return _dataset_hash(point["dataset"], frozen(point["options"]))


@lru_cache(maxsize=2)
def _prepared(
    name: str, options: tuple, fold: int, seed: int, depth: float, probe_depth: float, n_top: int
) -> tuple[preprocess.Prepared, float]:
    cells = _dataset(name, options).with_fold(fold)
    counts = {d: _thinned(name, options, seed, d) for d in {depth, probe_depth}}
    (train, train_other), (probe, probe_other) = counts[depth], counts[probe_depth]
    train, train_other = train[cells.train], train_other[cells.train]
    probe, probe_other = probe[cells.probe], probe_other[cells.probe]
    umis = float((probe.sum(axis=1).A1 + probe_other).mean())
    return preprocess.prepare(train, probe, train_other, probe_other, n_top), umis


@lru_cache(maxsize=16)
def _thinned(name: str, options: tuple, seed: int, depth: float) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Thinned counts, and the thinned UMIs of genes outside the matrix."""
    cells = _dataset(name, options)
    others = noise.thin_nested(cells.other_umis[:, None], [depth], seed + 2**31)[depth]
    return noise.thin_nested(cells.counts, [depth], seed)[depth], others.toarray().ravel()


@lru_cache(maxsize=64)
def _code_for(dataset: str, representation: str) -> str:
    measuring: list[Any] = [
        checks, noise, preprocess, dataset_base, representation_base, information, discrete, estimate, gaussian,
        ksg, lmi, nets, LOADERS[dataset], REPRESENTATIONS[representation],
    ]  # fmt: skip
    return code_hash({inspect.getsourcefile(m) or "" for m in measuring} | {__file__})


def code_of(point: dict[str, Any]) -> str:
    """Return the hash of all code that decides a point's numbers."""
    return _code_for(point["dataset"], point["representation"])
