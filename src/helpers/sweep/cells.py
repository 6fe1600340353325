"""Measure one point of a sweep: thin, prepare, represent, estimate information."""

import inspect
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import fields
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from helpers import information
from helpers._utils.content import frozen_json
from helpers._utils.validation import choose, in_range
from helpers.datasets import CELLS as CELL_DATASETS
from helpers.datasets import Dataset
from helpers.information import latentmi as package
from helpers.information import lmi
from helpers.information.classifier import trained_bound
from helpers.information.lmi import FEWEST
from helpers.information.nets import Training
from helpers.noise import OF_CELLS
from helpers.preprocess.genes import nested_subset
from helpers.representations import FIXED, REPRESENTATIONS, Representation, build
from helpers.sweep import prepared
from helpers.sweep.data import Point, dataset_of
from helpers.sweep.grid import DataGrid, Numbers, Sizes, one_of
from helpers.sweep.measurement import Measurement, information_columns

VERSION = 1  # 2026-11-28 numbered

# What the name of a model has added where it is measured before its first step.
UNTRAINED = "_untrained"

# The same where it has learned from thinned views of its cells as well.
_ON_VIEWS = "_on_views"

# Each takes an embedding, a signal and a seed; the classifier those of the training cells before them.
ESTIMATORS: dict[str, Callable[..., information.Estimate]] = {
    "lmi": information.lmi, "latentmi": package.latentmi_package, "classifier": trained_bound
}  # fmt: skip


class CellMeasurement(Measurement):
    """Cells: thin, prepare, represent, estimate information. Steps that points share are kept in memory."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points of a ``Grid`` of one ``batch_key``."""
        first = points[0]
        cells = dataset_of(first).with_fold(first["fold"])
        signal = cells.signal[prepared.probe_rows(cells, first)]
        shared = {"modality": cells.modality, "signal": cells.signal_name}
        needs_training = first["lmi"].get("estimator") == "classifier"
        pairs: list[tuple[np.ndarray, ...]] = []
        rows: list[dict[str, Any]] = []
        for point in points:
            start = time.process_time()
            made = _embedding(frozen_json(point))
            pair = made.values, signal
            pairs.append((*_train_pair(point), *pair) if needs_training else pair)
            snr = OF_CELLS[prepared.noise_of(point)].measured_snr(point["probe_depth"], made.umis)
            seconds = time.process_time() - start
            rows.append({"umis_per_cell": made.umis, "snr": snr, "genes_by": made.genes_by, "seconds": seconds})
            if not np.isnan(made.loss):
                rows[-1]["model_loss"] = made.loss
        start = time.process_time()
        estimates = _estimates(pairs, first["seed"], **first["lmi"])
        share = (time.process_time() - start) / len(points)
        for row, estimate in zip(rows, estimates, strict=True):
            row |= shared | information_columns(estimate, cells.ceiling_bits)
            row["seconds"] = round(row["seconds"] + share, 3)
        return rows

    def columns(self, point: Point) -> dict[str, Any]:
        """Return the columns that the settings of a point decide, beside those of all kinds."""
        options = {name: value for name, value in point["options"].items() if name != "signal"}
        own = {name: point[name] for name in ("n_top", "n_probe", "gene_depth", "views", "step") if name in point}
        return {
            "signal": point["options"].get("signal", ""),
            "representation": point["representation"] + (_ON_VIEWS if "views" in point else "") + _as_of(point),
            "noise_kind": prepared.noise_of(point),
            "noise_level": point["depth"],
            "probe_noise_level": point["probe_depth"],
            "settings": frozen_json({**options, **own, **point["lmi"], **point["model"]}),
        }

    def batch_key(self, point: Point) -> tuple[Any, ...]:
        """Points with the same value share probe cells and signal: their information is estimated in one call.

        Those of a model whose training was given a budget share the trained model as well: what takes minutes is
        written when it is done.
        """
        shared = ["dataset", "options", "fold", "seed", "lmi", "n_probe"]
        if "steps" in point["model"]:
            shared += ["depth", "n_train"]
        return tuple(frozen_json(point.get(name)) for name in shared)


CELLS = CellMeasurement()


def _as_of(point: Point) -> str:
    """Return the ending of a model's name that says at which step it was measured; that of the trained one is empty."""
    step = point.get("step")
    if 0 in (step, point["model"].get("steps")):
        return UNTRAINED
    return "" if step is None else f"_at_{step}"


def _estimates(pairs: list[Any], seed: int, estimator: str = "lmi", **options: Any) -> list:
    if estimator == "lmi":
        return information.lmi_many(pairs, seed, **options)
    for name in options:
        raise ValueError(f"the estimator {estimator} takes no option {name!r}: it runs with its own defaults.")
    return [ESTIMATORS[estimator](*pair, seed) for pair in pairs]


class _Made(NamedTuple):
    values: np.ndarray
    umis: float
    genes_by: str
    loss: float


def probe_pair(point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return the embedding of the probe cells of a point, and their signal: what its information is estimated of."""
    cells = dataset_of(point).with_fold(point["fold"])
    return _embedding(frozen_json(point)).values, cells.signal[prepared.probe_rows(cells, point)]


@lru_cache(maxsize=1)
def _embedding(key: str) -> _Made:
    """Fit and transform; the model is kept, so that the next probe depth does not fit it again."""
    point = json.loads(key)
    cells = dataset_of(point).with_fold(point["fold"])
    ready, umis = prepared.both_sides(point, point["probe_depth"])
    model = _model_of(point)
    if model.takes == "embeddings":
        probe = _given(cells, model, point["probe_depth"])[prepared.probe_rows(cells, point)]
    else:
        probe = ready.probe if model.takes == "values" else ready.probe_counts
    return _Made(_transformed(model, point, probe), umis, ready.hvg_method, model.loss_at(point.get("step")))


def _transformed(model: Representation, point: Point, cells: Any) -> np.ndarray:
    """Return the representation of cells by a model as it was at the step of a point, or at the end of its training."""
    step = point.get("step")
    return model.transform(cells) if step is None else model.transform_at(step, cells)


def _train_pair(point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return the embedding of the training cells of a point that have a signal, and their signal."""
    cells = dataset_of(point).with_fold(point["fold"])
    ready, _ = prepared.both_sides(point, point["depth"])
    chosen = nested_subset(len(cells.train), point["n_train"], point["seed"])
    chosen = chosen[cells.paired[cells.train[chosen]]]
    model = _model_of(point)
    if model.takes == "embeddings":
        values = _given(cells, model, point["depth"])[cells.train]
    else:
        values = ready.train if model.takes == "values" else ready.train_counts
    return _transformed(model, point, values[chosen]), cells.signal[cells.train[chosen]]


def _given(cells: Dataset, model: Any, depth: float) -> np.ndarray:
    """Return the embeddings of a depth: ``{depth}`` in the model's key stands for it."""
    key = model.key.replace("{depth}", f"{depth:g}")
    if depth == 1 and key not in cells.embeddings:  # that of the counts as they are may have the bare name
        key = model.key.replace("_{depth}", "")
    if depth != 1 and key == model.key:
        raise ValueError(
            f"embedding {model.key!r} is of the counts as they are, not of {depth:g} of them: use depths=[1.0], or a "
            "key such as 'X_emb_{depth}' with an embedding for each depth."
        )
    return cells.embeddings[choose(key, cells.embeddings, f"embedding of {cells.name}")]


def _model_of(point: Point) -> Representation:
    return _fitted(frozen_json({k: v for k, v in point.items() if k not in ("probe_depth", "lmi", "step")}))


@lru_cache(maxsize=1)
def _fitted(key: str) -> Representation:
    point = json.loads(key)
    cells = dataset_of(point).with_fold(point["fold"])
    # The training side is the same whatever the depth of the probe.
    ready, _ = prepared.both_sides(point, point["depth"])
    chosen = nested_subset(len(cells.train), point["n_train"], point["seed"])
    chosen = np.concatenate([chosen + view * len(cells.train) for view in range(point.get("views", 0) + 1)])
    model = build(point["representation"], point["dim"], point["seed"], **point["model"])
    if model.takes == "embeddings":
        return model.fit(_given(cells, model, point["depth"])[cells.train][chosen])
    train = ready.train if model.takes == "values" else ready.train_counts
    names = None if cells.genes is None or not model.needs_genes else cells.genes[ready.genes]
    return model.fit(train[chosen], genes=names)


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


class Grid(DataGrid):
    """The points of a sweep: every combination of the lists.

    Parameters
    ----------
    dataset, options, seeds : see ``DataGrid``
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
    folds : list of int, or None
        Probe folds; None is all of the dataset's.
    n_probe : int, optional
        Probe cells, a random subset that each seed draws; None is all of the fold.
    gene_depth : float, optional
        Level of the noise in the training cells that genes are chosen from; None is that of the cells learned from.
    views : int, optional
        So many copies of each training cell to learn from as well, each thinned to a depth of its own
        (``noise.counts.thinned_view``): rows are named as in ``pca_on_views``. Genes are chosen from the cells alone.
    dim, n_top : int
        Dimensions of the representation; most highly variable genes kept.
    lmi : dict
        Options of the estimator, such as ``{"k": 5}``; ``{"estimator": "latentmi"}`` takes the package, and
        ``"classifier"`` the labels that a classifier of the training cells gives the probe cells.
    models : dict
        Options of representations by name, such as ``{"scvi": {"steps": 1000}}``. A model that is given ``checkpoints``
        is measured at these steps of its training as well, as ``txformer_at_100``; 0 is ``txformer_untrained``, which
        is also what ``"steps": 0`` measures.

    Examples
    --------
    >>> grid = Grid(dataset="pbmc68k", representations=["pca"], depths=[1.0, 0.1], seeds=[0])
    >>> len(grid.points())
    4
    """

    measurement: ClassVar[Measurement] = CELLS

    dataset: Annotated[str, one_of(CELL_DATASETS, "dataset")]
    representations: list[Annotated[str, one_of(REPRESENTATIONS, "representation")]] = Field(min_length=1)
    noise: Annotated[str, one_of(OF_CELLS, "noise of cells")] = "thinning"
    depths: list[float] = Field(default_factory=_clean_level, min_length=1)
    probe_depths: list[float] | None = Field(default=None, min_length=1)
    n_train: Sizes | None = None
    folds: Numbers | None = None
    n_probe: int | None = Field(default=None, ge=FEWEST)
    gene_depth: float | None = None
    views: int | None = Field(default=None, ge=1, le=100)
    dim: int = Field(default=16, ge=1, le=4096)
    n_top: int = Field(default=750, ge=1)
    lmi: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("depths", "probe_depths", "gene_depth")
    @classmethod
    def _levels_of_noise(cls, values: Any, info: ValidationInfo) -> Any:
        noise = info.data.get("noise", "")  # not there if it was refused itself
        levels = values if isinstance(values, list) else [] if values is None else [values]
        for level in levels if noise else []:
            name = str(info.field_name).removesuffix("s")
            OF_CELLS[noise].check(level, name if noise == "thinning" else f"level of {noise}")
        return values

    @field_validator("views")
    @classmethod
    def _views_of_counts(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and "precomputed" in info.data.get("representations", ()):
            raise ValueError(f"views is {value}: embeddings made elsewhere have no thinned copies; leave it out.")
        return value

    @field_validator("lmi")
    @classmethod
    def _known_estimator_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_estimator(value, ("estimator",))
        choose(value.get("estimator", "lmi"), ESTIMATORS, "estimator")
        return value

    @field_validator("models")
    @classmethod
    def _known_model_options(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, options in value.items():
            model: Any = build(name, **options)
            steps = options.get("checkpoints", ())
            if not isinstance(steps, list | tuple):
                raise ValueError(f"checkpoints of {name} is {steps!r}: give a list of steps, such as [0, 100].")
            for step in steps:
                in_range(step, 0, model.steps, f"step of checkpoints of {name}", whole=True)
        return value

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        folds, most = self.folds_that_probe(self.folds)
        optional: dict[str, Any] = {"n_probe": self.n_probe, "gene_depth": self.gene_depth, "views": self.views}
        optional["noise"] = None if self.noise == "thinning" else self.noise
        common = {
            "dataset": self.dataset,
            "options": self.options,
            "dim": self.dim,
            "n_top": self.n_top,
            "lmi": self.lmi,
            **{name: value for name, value in optional.items() if value is not None},
        }
        points = []
        for fold, seed, depth, name in itertools.product(folds, self.seeds, self.depths, self.representations):
            sizes = self.n_train or [most]
            sizes = [max(sizes)] if name in FIXED else sizes
            options = self.models.get(name, {})
            model = {"representation": name, "model": options}
            steps = [{}, *({"step": step} for step in options.get("checkpoints", ()))]
            for n, probe_depth, step in itertools.product(sizes, self.probe_depths or [depth], steps):
                levels = {"depth": depth, "probe_depth": probe_depth, **step}
                points.append({**common, **model, **levels, "n_train": n, "seed": seed, "fold": fold})
        return points
