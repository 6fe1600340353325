"""Measure every point of a grid that is not measured yet."""

import errno
import inspect
import itertools
import os
import platform
import random
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

import helpers
from helpers._utils.progress import track
from helpers._utils.validation import choose, in_range
from helpers.datasets import CELLS as CELL_DATASETS
from helpers.information import lmi
from helpers.information.lmi import FEWEST
from helpers.information.nets import Training
from helpers.representations import REPRESENTATIONS, build
from helpers.store import versions
from helpers.store.rows import Store, as_table, short_hash
from helpers.store.stamp import environment, note_data, note_versions
from helpers.sweep import cells as measure

Point = dict[str, Any]


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


class Grid(BaseModel):
    """The points of a sweep: every combination of the lists.

    Parameters
    ----------
    dataset : str
    options : dict
        Options of the dataset, such as ``{"signal": "protein"}``.
    representations : list of str
    depths : list of floats in (0, 1]
        Depth of the training cells, relative to the data's own.
    probe_depths : list of floats in (0, 1], or None
        Depth of the probe cells; None thins them to the depth of the training cells, as published.
    n_train : list of int, or None
        Training cells, nested subsets; None is all of them (in every fold as many as in the smallest).
    seeds : list of int
        Each seed draws its own thinning, cells, initial weights and estimate.
    folds : list of int, or None
        Probe folds; None is all of the dataset's.
    n_probe : int, optional
        Probe cells, a random subset that each seed draws; None is all of the fold.
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
    options: dict[str, Any] = Field(default_factory=dict)
    representations: list[str] = Field(min_length=1)
    depths: list[float] = Field(default=[1.0], min_length=1)
    probe_depths: list[float] | None = Field(default=None, min_length=1)
    n_train: list[int] | None = None
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    folds: list[int] | None = None
    n_probe: int | None = Field(default=None, ge=FEWEST)
    dim: int = Field(default=16, ge=1, le=4096)
    n_top: int = Field(default=750, ge=1)
    lmi: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, value: str) -> str:
        return choose(value, CELL_DATASETS, "dataset")

    @field_validator("representations")
    @classmethod
    def _known_representations(cls, values: list[str]) -> list[str]:
        return [choose(value, REPRESENTATIONS, "representation") for value in values]

    @field_validator("depths", "probe_depths")
    @classmethod
    def _depths_in_range(cls, values: list[float] | None) -> list[float] | None:
        for value in values or []:
            in_range(value, 0, 1, "depth", "It is relative to the data's own: 0.1 keeps 10 %.", open_low=True)
        return values

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

    @field_validator("options")
    @classmethod
    def _real_unless_said(cls, value: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in value.items() if (k, v) != ("miniature", False)}

    @property
    def kind(self) -> "Kind":
        """How its points are measured."""
        return CELLS

    def about(self) -> dict[str, Any]:
        """Return the table of facts of the data, as recorded if they are not at hand."""
        return measure.facts({"dataset": self.dataset, "options": self.options})["about"]

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        known = measure.facts({"dataset": self.dataset, "options": self.options})
        folds = list(range(len(known["train_cells"]))) if self.folds is None else self.folds
        for fold in folds:
            in_range(fold, 0, len(known["train_cells"]) - 1, f"fold of {self.dataset}", whole=True)
        # Equal in every fold, so that folds can be averaged.
        smallest = min(known["train_cells"][fold] for fold in folds)
        points = []
        for fold, seed, depth, name in itertools.product(folds, self.seeds, self.depths, self.representations):
            for n in self.n_train or [smallest]:
                points += [
                    {
                        "dataset": self.dataset, "options": self.options, "representation": name, "dim": self.dim,
                        "n_train": n, "depth": depth, "probe_depth": probe_depth, "seed": seed, "fold": fold,
                        "n_top": self.n_top, "lmi": self.lmi, "model": self.models.get(name, {}),
                        **({} if self.n_probe is None else {"n_probe": self.n_probe}),
                    }
                    for probe_depth in self.probe_depths or [depth]
                ]  # fmt: skip
        return points


class AnyGrid(Protocol):
    """A grid of cells, images or sequences."""

    dataset: str

    @property
    def kind(self) -> "Kind":
        """How its points are measured."""

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data."""


def run_sweep(grid: AnyGrid, store: Store, progress: bool = True) -> pd.DataFrame:
    """Measure what is missing of a grid and return the grid's rows.

    A point is measured again only if its settings, its data or its method (the versions of what measures it) differ
    from what the store has, or if it failed. Packed reference results are used whatever their method, and those of
    another are marked ``older_method``; a store of another name measures them again. A point that fails becomes a
    row with ``status="failed"`` and the reason; the sweep goes on.

    Parameters
    ----------
    grid : Grid, or ImageGrid or SequenceGrid
    store : Store
    progress : bool
        Show a progress bar (never while a book is built).

    Returns
    -------
    DataFrame, one row a point, columns as ``helpers.store.COLUMNS``.
    """
    return fill(grid.points(), store, grid.kind, progress, f"measuring {grid.dataset}")


def run_sweeps(grids: Sequence[AnyGrid], store: Store, progress: bool = True) -> pd.DataFrame:
    """Run several grids and return their rows in one table."""
    return pd.concat([run_sweep(grid, store, progress) for grid in grids], ignore_index=True)


def sizes_within(grid: Grid, sizes: list[int]) -> list[int]:
    """Return the sizes that a grid's data allow, and all its training cells as the last."""
    most = max(point["n_train"] for point in grid.points())
    return [n for n in sizes if n < most] + [most]


@dataclass(frozen=True)
class Kind:
    """How points of one kind are measured, described when they fail, and identified.

    ``measure`` takes points for which ``together`` gives one value, and returns a row of each. ``data_hash`` of a
    point says what data its numbers depend on; ``versions.method_of``, on what else. ``ready`` raises at once where
    nothing of the kind can be measured, such as without the data.
    """

    measure: Callable[[list[Point]], list[dict[str, Any]]]
    describe: Callable[[Point], dict[str, Any]]
    data_hash: Callable[[Point], str]
    together: Callable[[Point], Hashable]
    ready: Callable[[Point], Any] = lambda point: None


CELLS = Kind(measure.measure, measure.describe, measure.data_hash, measure.together, measure.dataset_of)
# Points measured in one call: enough to share work, few enough that little is lost when a sweep is killed.
_TOGETHER = 16
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def fill(
    points: list[Point], store: Store, kind: Kind, progress: bool = True, label: str = "measuring"
) -> pd.DataFrame:
    """Measure the points that the store lacks, write their rows as they come, and return all of them.

    Several sweeps at once share the work: each looks before a batch whether another has measured it.

    Raises
    ------
    OSError
        If rows cannot be written, before anything is measured or at the first that cannot.
    """
    keyed, rows = _found(points, store, kind)
    missing = [k for k in keyed if (rows[k[2]] or {}).get("status") != "ok"]
    # Pairs drawn from a formula are of no data set.
    note_data((point["dataset"], identity["data_hash"]) for point, identity, _ in keyed if "dataset" in point)
    if missing:
        kind.ready(missing[0][0])
        store.check_writable()
    groups = [list(group) for _, group in itertools.groupby(missing, key=lambda k: kind.together(k[0]))]
    batches = [group[at : at + _TOGETHER] for group in groups for at in range(0, len(group), _TOGETHER)]
    turns = deque(batches)
    for _ in track(range(len(batches)), label, progress):
        batch = turns.popleft()
        keys = [key for _, _, key in batch]
        others = _measured(store, keys)
        if len(others) < len(keys):
            measured_rows = _rows_of([point for point, _, _ in batch], kind)
            others = _measured(store, keys)
            for (point, identity, key), row in zip(batch, measured_rows, strict=True):
                if key not in others:
                    made = row | identity | {"parameters": point} | _provenance()
                    store.put(key, made)
                    rows[key] = made
        rows |= others
        if others:  # another sweep is at work here: go on elsewhere
            turns.rotate(-random.randrange(len(batches)))
    return as_table([row for row in rows.values() if row])


def _provenance() -> dict[str, str]:
    """Return what a row records of how it was measured; it decides nothing."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return {"helpers_version": helpers.__version__, **environment(), "machine": machine(), "measured": now}


@cache
def machine() -> str:
    """Return what measures here, as rows note it: processor, how many, and the accelerator if there is one."""
    import torch

    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{platform.machine()}, {os.cpu_count()} processors{accelerator}"


def held(grids: Sequence[AnyGrid], store: Store) -> pd.DataFrame:
    """Return the rows that a store has of some grids, measuring nothing, in one table; failed points are left out.

    So a page can show a sweep that is still going on, without the data.
    """
    rows = [row for grid in grids for row in _found(grid.points(), store, grid.kind)[1].values()]
    return as_table([row for row in rows if row and row["status"] == "ok"])


def _found(points: list[Point], store: Store, kind: Kind) -> tuple[list[tuple], dict[str, dict[str, Any] | None]]:
    """Return each point with its identity and key, and the row of every key, if there is one."""
    keyed = [(point, *_identity(point, kind)) for point in points]
    used = {component for point in points for component in versions.components_of(point)}
    note_versions({component: versions.version(component) for component in used})
    stored = store.read(key for _, _, key in keyed)
    return keyed, {key: stored.get(key) or _recalled(store, identity) for _, identity, key in keyed}


def _measured(store: Store, keys: list[str]) -> dict[str, dict[str, Any]]:
    """Return those of the rows that are there and did not fail."""
    return {key: row for key, row in store.read(keys).items() if row.get("status") == "ok"}


def _rows_of(points: list[Point], kind: Kind) -> list[dict[str, Any]]:
    """Return a row of each point; where measuring all at once fails, one at a time shows which fail and why."""
    start = time.perf_counter()
    try:
        found = kind.measure(points)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:  # no fault of the point
            raise
        if len(points) > 1:
            return [row for point in points for row in _rows_of([point], kind)]
        seconds = round(time.perf_counter() - start, 3)
        return [  # recorded in the row, which the book shows
            {**kind.describe(points[0]), "status": "failed", "message": f"{type(error).__name__}: {error}",
             "seconds": seconds}
        ]  # fmt: skip
    share = {"seconds": round((time.perf_counter() - start) / len(points), 3), "status": "ok", "message": ""}
    return [{**kind.describe(point), **share, **row} for point, row in zip(points, found, strict=True)]


def _recalled(store: Store, identity: dict[str, str]) -> dict[str, Any] | None:
    """Return a reference row of the same settings and data, marked as measured by another method than today's."""
    row = store.recall(identity["parameters_hash"], identity["data_hash"])
    return row and {**row, "older_method": True}


def _identity(point: Point, kind: Kind) -> tuple[dict[str, str], str]:
    identity = {
        "parameters_hash": short_hash(point),
        "data_hash": kind.data_hash(point),
        "method": versions.method_of(point),
    }
    return identity, "-".join(identity.values())
