"""Measure one point of a sweep: thin, prepare, represent, estimate information."""

import inspect
import itertools
import json
import time
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from scipy import sparse

from helpers import information
from helpers._utils import validation as checks
from helpers._utils.validation import choose, in_range
from helpers.datasets import CELLS as CELL_DATASETS
from helpers.datasets import Dataset
from helpers.datasets.backed import BackedCounts
from helpers.information import latentmi as package
from helpers.information import lmi
from helpers.information.lmi import FEWEST
from helpers.information.nets import Training
from helpers.noise import OF_CELLS
from helpers.preprocess import blocks as preprocess_blocks
from helpers.preprocess import genes as preprocess
from helpers.representations import FIXED, REPRESENTATIONS, Representation, build
from helpers.sweep.data import Point, _dataset, dataset_of, facts, frozen
from helpers.sweep.fields import Options
from helpers.sweep.measurement import Measurement, name_of

VERSION = 1  # 2026-11-28 numbered


class CellMeasurement(Measurement):
    """Cells: thin, prepare, represent, estimate information. Steps that points share are kept in memory."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points of a ``Grid`` of one ``batch_key``."""
        first = points[0]
        cells = dataset_of(first).with_fold(first["fold"])
        signal = cells.signal[_probe(cells, first)]
        embeddings: list[np.ndarray] = []
        rows: list[dict[str, Any]] = []
        for point in points:
            start = time.process_time()
            made = _embedding(json.dumps(point, sort_keys=True))
            embeddings.append(made.values)
            snr = OF_CELLS[noise_of(point)].measured_snr(point["probe_depth"], made.umis)
            rows.append({"umis_per_cell": made.umis, "snr": snr, "genes_by": made.genes_by,
                         "seconds": time.process_time() - start})  # fmt: skip
        start = time.process_time()
        found = _estimates([(x, signal) for x in embeddings], first["seed"], **first["lmi"])
        share = (time.process_time() - start) / len(points)
        return [
            {
                **self.describe(point),
                **row,
                "seconds": round(row["seconds"] + share, 3),
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

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide, measured or not."""
        return {
            # Never to be taken for the real cells.
            "dataset": name_of(point),
            "signal": point["options"].get("signal", ""),
            "representation": point["representation"],
            "n_train": point["n_train"],
            "noise_kind": noise_of(point),
            "noise_level": point["depth"],
            "probe_noise_level": point["probe_depth"],
            "seed": point["seed"],
            "fold": point["fold"],
            "dim": point["dim"],
            "settings": json.dumps(
                {
                    **{k: v for k, v in point["options"].items() if k != "signal"},
                    "n_top": point["n_top"],
                    **{k: point[k] for k in ("n_probe", "gene_depth") if k in point},
                    **point["lmi"],
                    **point["model"],
                },
                sort_keys=True,
            ),
        }

    def batch_key(self, point: Point) -> tuple[Any, ...]:
        """Points with the same value share probe cells and signal: their information is estimated in one call."""
        shared = ("dataset", "options", "fold", "seed", "lmi", "n_probe")
        return tuple(json.dumps(point.get(name), sort_keys=True) for name in shared)


CELLS = CellMeasurement()


def noise_of(point: Point) -> str:
    """Return the kind of noise of a point; that of most, thinning, is no part of its settings, nor of its key."""
    return point.get("noise", "thinning")


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
        point["n_top"], point.get("n_probe"), noise_of(point), point.get("gene_depth"),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _prepared(
    name: str, options: tuple, fold: int, seed: int, depth: float, probe_depth: float, n_top: int,
    n_probe: int | None, noise: str, gene_depth: float | None,
) -> tuple[preprocess.Prepared, float]:  # fmt: skip
    cells = _dataset(name, options).with_fold(fold)
    counts = {d: _noisy(name, options, seed, d, noise) for d in {depth, probe_depth}}
    (train, train_other), (probe, probe_other) = counts[depth], counts[probe_depth]
    train, train_other = train[cells.train], train_other[cells.train]
    rows = _probe(cells, {"n_probe": n_probe, "seed": seed})
    probe, probe_other = probe[rows], probe_other[rows]
    umis = float((probe.sum(axis=1).A1 + probe_other).mean())
    chosen = None
    if gene_depth is not None:
        chosen = preprocess.choose_genes(_noisy(name, options, seed, gene_depth, noise)[0][cells.train], n_top)
    return preprocess.prepare(train, probe, train_other, probe_other, n_top, chosen), umis


@lru_cache(maxsize=1)  # of very many cells: gigabytes
def _prepared_from_disk(
    name: str, options: tuple, fold: int, seed: int, depth: float, probe_depth: float, n_top: int,
    n_probe: int | None, noise: str, gene_depth: float | None,
) -> tuple[preprocess.Prepared, float]:  # fmt: skip
    cells = _dataset(name, options).with_fold(fold)
    rows = _probe(cells, {"n_probe": n_probe, "seed": seed})
    other, probe_other = (_noisy_others(name, options, seed, d, noise) for d in (depth, probe_depth))
    return preprocess_blocks.prepare_blocks(
        cells.counts,
        cells.train,
        rows,
        depth,
        probe_depth,
        seed,
        n_top,
        other,
        probe_other,
        OF_CELLS[noise],
        gene_depth,
    )


@lru_cache(maxsize=16)
def _noisy(name: str, options: tuple, seed: int, level: float, noise: str) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return noisy counts, and the noisy UMIs of genes outside the matrix."""
    counts = OF_CELLS[noise].apply(_dataset(name, options).counts, level, seed)
    return counts, _noisy_others(name, options, seed, level, noise)


def _noisy_others(name: str, options: tuple, seed: int, level: float, noise: str) -> np.ndarray:
    others = _dataset(name, options).other_umis[:, None]
    return OF_CELLS[noise].apply(others, level, seed + 2**31).toarray().ravel()


@cache
def _options_of_lmi() -> set[str]:
    """Return what ``lmi`` of a grid may hold: the pair and the seed are the point's."""
    from helpers.information.faithful import Settings

    of_nets = {field.name for kind in (Training, Settings) for field in fields(kind)}
    return of_nets | set(inspect.signature(lmi).parameters) - {"x", "y", "seed", "training"}


def check_estimator(options: dict[str, Any], also: tuple[str, ...] = ()) -> None:
    """Refuse options that ``lmi`` does not have; ``also`` are others that are taken."""
    for option in options:
        choose(option, _options_of_lmi().union(also), "option of lmi")


def _clean_level(values: dict[str, Any]) -> list[float]:
    return [OF_CELLS[values.get("noise", "thinning")].clean]


class Grid(BaseModel):
    """The points of a sweep: every combination of the lists.

    Parameters
    ----------
    dataset : str
    options : dict
        Options of the dataset, such as ``{"signal": "protein"}``.
    representations : list of str
    noise : str
        Kind of noise in the counts; "thinning", the default, takes molecules away.
    depths : list of float
        Levels of the noise in the training cells; of thinning, depths in (0, 1], relative to the data's own. The clean
        level if not given.
    probe_depths : list of float, or None
        Levels of the noise in the probe cells; None is that of the training cells, as published.
    n_train : list of int, or None
        Training cells, nested subsets; None is all of them (in every fold as many as in the smallest). A representation
        that does not learn is measured at the largest alone.
    seeds : list of int
        Each seed draws its own thinning, cells, initial weights and estimate.
    folds : list of int, or None
        Probe folds; None is all of the dataset's.
    n_probe : int, optional
        Probe cells, a random subset that each seed draws; None is all of the fold.
    gene_depth : float, optional
        Level of the noise in the training cells that genes are chosen from; None is that of the cells learned from.
    dim, n_top : int
        Dimensions of the representation; most highly variable genes kept.
    lmi : dict
        Options of the estimator, such as ``{"k": 5}``.
    models : dict
        Options of representations by name, such as ``{"scvi": {"steps": 1000}}``.

    Examples
    --------
    >>> grid = Grid(dataset="pbmc68k", representations=["pca"], depths=[1.0, 0.1], seeds=[0])
    >>> len(grid.points())
    4
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    options: Options = Field(default_factory=dict)
    representations: list[str] = Field(min_length=1)
    noise: str = "thinning"
    depths: list[float] = Field(default_factory=_clean_level, min_length=1)
    probe_depths: list[float] | None = Field(default=None, min_length=1)
    n_train: list[int] | None = None
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    folds: list[int] | None = None
    n_probe: int | None = Field(default=None, ge=FEWEST)
    gene_depth: float | None = None
    dim: int = Field(default=16, ge=1, le=4096)
    n_top: int = Field(default=750, ge=1)
    lmi: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, value: str) -> str:
        return choose(value, CELL_DATASETS, "dataset")

    @field_validator("noise")
    @classmethod
    def _known_noise(cls, value: str) -> str:
        return choose(value, OF_CELLS, "noise of cells")

    @field_validator("depths", "probe_depths", "gene_depth")
    @classmethod
    def _levels_of_noise(cls, values: Any, info: ValidationInfo) -> Any:
        noise = info.data.get("noise", "")  # not there if it was refused itself
        levels = values if isinstance(values, list) else [] if values is None else [values]
        for level in levels if noise else []:
            name = "gene_depth" if info.field_name == "gene_depth" else "depth"
            OF_CELLS[noise].check(level, name if noise == "thinning" else f"level of {noise}")
        return values

    @field_validator("representations")
    @classmethod
    def _known_representations(cls, values: list[str]) -> list[str]:
        return [choose(value, REPRESENTATIONS, "representation") for value in values]

    @field_validator("n_train", "seeds", "folds")
    @classmethod
    def _whole_and_in_range(cls, values: list[int] | None, told: ValidationInfo) -> list[int] | None:
        if values is not None and not values:
            raise ValueError(f"{told.field_name} is empty: give at least one.")
        for value in values or []:
            in_range(
                value, 2 if told.field_name == "n_train" else 0, 2**32 - 1, f"one of {told.field_name}", whole=True
            )
        return values

    @field_validator("lmi")
    @classmethod
    def _known_estimator_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_estimator(value, ("estimator",))
        choose(value.get("estimator", "lmi"), ["lmi", "latentmi"], "estimator")
        return value

    @field_validator("models")
    @classmethod
    def _known_model_options(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, options in value.items():
            build(name, **options)
        return value

    @property
    def measurement(self) -> Measurement:
        """How its points are measured."""
        return CELLS

    def about(self) -> dict[str, Any]:
        """Return the table of facts of the data, as recorded if they are not at hand."""
        return facts({"dataset": self.dataset, "options": self.options})["about"]

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        known = facts({"dataset": self.dataset, "options": self.options})
        folds = list(range(len(known["train_cells"]))) if self.folds is None else self.folds
        for fold in folds:
            in_range(fold, 0, len(known["train_cells"]) - 1, f"fold of {self.dataset}", whole=True)
        # Equal in every fold, so that folds can be averaged.
        smallest = min(known["train_cells"][fold] for fold in folds)
        points = []
        for fold, seed, depth, name in itertools.product(folds, self.seeds, self.depths, self.representations):
            sizes = self.n_train or [smallest]
            for n in [max(sizes)] if name in FIXED else sizes:
                points += [
                    {
                        "dataset": self.dataset, "options": self.options, "representation": name, "dim": self.dim,
                        "n_train": n, "depth": depth, "probe_depth": probe_depth, "seed": seed, "fold": fold,
                        "n_top": self.n_top, "lmi": self.lmi, "model": self.models.get(name, {}),
                        **({} if self.n_probe is None else {"n_probe": self.n_probe}),
                        **({} if self.gene_depth is None else {"gene_depth": self.gene_depth}),
                        **({} if self.noise == "thinning" else {"noise": self.noise}),
                    }
                    for probe_depth in self.probe_depths or [depth]
                ]  # fmt: skip
        return points
