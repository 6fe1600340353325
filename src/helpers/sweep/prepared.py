"""Both sides of a point of a sweep, ready for a model: thinned, on genes chosen from the training cells, normalised."""

import json
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.content import frozen_json
from helpers._utils.validation import in_range
from helpers.datasets import Dataset
from helpers.datasets.backed import BackedCounts
from helpers.information.lmi import FEWEST
from helpers.noise import OF_CELLS
from helpers.noise.counts import thinned_view
from helpers.preprocess import blocks as preprocess_blocks
from helpers.preprocess import genes as preprocess
from helpers.sweep.data import Point, dataset_of

# What decides both sides of a point, besides the depth of the probe.
_PREPARED_BY = ("dataset", "options", "fold", "seed", "depth", "n_top", "n_probe", "noise", "gene_depth", "views")


def noise_of(point: Point) -> str:
    """Return the kind of noise of a point; that of most, thinning, is no part of its settings, nor of its key."""
    return point.get("noise", "thinning")


def probe_rows(cells: Dataset, point: Point) -> np.ndarray:
    """Return the row numbers of the probe cells of a point, ascending: a random ``n_probe`` of them, or all."""
    n = point.get("n_probe")
    if n is None:
        return cells.probe
    in_range(n, FEWEST, len(cells.probe), f"n_probe of {cells.name}", whole=True)
    return np.sort(cells.probe[preprocess.nested_subset(len(cells.probe), n, point["seed"] + 2**32)])


def both_sides(point: Point, probe_depth: float) -> tuple[preprocess.Prepared, float]:
    """Return both sides of a point ready for a model, and the mean UMIs of a probe cell."""
    settings = {name: point[name] for name in _PREPARED_BY if name in point} | {"probe_depth": probe_depth}
    on_disk = isinstance(dataset_of(point).counts, BackedCounts)
    if on_disk and "views" in point:
        raise ValueError(f"views is {point['views']}: cells that are read from disk in blocks have none; leave it out.")
    return (_prepared_from_disk if on_disk else _prepared)(frozen_json(settings))


@lru_cache(maxsize=4)
def _prepared(settings: str) -> tuple[preprocess.Prepared, float]:
    point = json.loads(settings)
    cells = dataset_of(point).with_fold(point["fold"])
    train, train_other = (values[cells.train] for values in _noisy_at(point, point["depth"]))
    rows = probe_rows(cells, point)
    probe, probe_other = (values[rows] for values in _noisy_at(point, point["probe_depth"]))
    umis = float((probe.sum(axis=1).A1 + probe_other).mean())
    chosen = None
    if "gene_depth" in point:
        counts, _ = _noisy_at(point, point["gene_depth"])
        chosen = preprocess.choose_genes(counts[cells.train], point["n_top"])
    if "views" in point:
        chosen = chosen or preprocess.choose_genes(train, point["n_top"])
        train, train_other = _with_views(train, train_other, point["views"], point["seed"])
    return preprocess.prepare(train, probe, train_other, probe_other, point["n_top"], chosen), umis


def _with_views(counts: sparse.csr_matrix, others: np.ndarray, views: int, seed: int) -> tuple[Any, np.ndarray]:
    """Return cells with thinned views of each below them, and their UMIs of genes outside the matrix."""
    rng = np.random.default_rng([seed, 2**33])
    whole = sparse.hstack([counts, others[:, None]], "csr", counts.dtype)
    stacked = sparse.vstack([whole, *(thinned_view(whole, rng=rng) for _ in range(views))], "csr")
    return stacked[:, :-1], stacked[:, -1].toarray().ravel()


@lru_cache(maxsize=1)  # of very many cells: gigabytes
def _prepared_from_disk(settings: str) -> tuple[preprocess.Prepared, float]:
    point = json.loads(settings)
    cells = dataset_of(point).with_fold(point["fold"])
    noise, seed, depths = noise_of(point), point["seed"], (point["depth"], point["probe_depth"])
    other, probe_other = (_noisy_others(cells, noise, depth, seed) for depth in depths)
    return preprocess_blocks.prepare_blocks(
        cells.counts,
        cells.train,
        probe_rows(cells, point),
        *depths,
        seed,
        point["n_top"],
        other,
        probe_other,
        OF_CELLS[noise],
        point.get("gene_depth"),
    )


def _noisy_at(point: Point, level: float) -> tuple[sparse.csr_matrix, np.ndarray]:
    return _noisy(frozen_json(point["options"]), point["dataset"], noise_of(point), level, point["seed"])


@lru_cache(maxsize=16)
def _noisy(options: str, dataset: str, noise: str, level: float, seed: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return noisy counts, and the noisy UMIs of genes outside the matrix."""
    cells = dataset_of({"dataset": dataset, "options": json.loads(options)})
    return OF_CELLS[noise].apply(cells.counts, level, seed), _noisy_others(cells, noise, level, seed)


def _noisy_others(cells: Dataset, noise: str, level: float, seed: int) -> np.ndarray:
    return OF_CELLS[noise].apply(cells.other_umis[:, None], level, seed + 2**31).toarray().ravel()
