"""Measure every point of a grid that is not measured yet."""

import itertools
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator

import helpers
from helpers import measure
from helpers.checks import choose, in_range
from helpers.datasets import LOADERS
from helpers.progress import track
from helpers.representations import REPRESENTATIONS
from helpers.store import Store, as_table, short_hash

Point = dict[str, Any]


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
    probe_depths: list[float] | None = None
    n_train: list[int] | None = None
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    folds: list[int] | None = None
    dim: int = Field(default=16, ge=1, le=4096)
    n_top: int = Field(default=750, ge=1)
    lmi: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, value: str) -> str:
        return choose(value, LOADERS, "dataset")

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
                    }
                    for probe_depth in self.probe_depths or [depth]
                ]  # fmt: skip
        return points


def run_sweep(grid: Grid, store: Store, progress: bool = True) -> pd.DataFrame:
    """Measure what is missing of a grid and return the grid's rows.

    A point is measured again only if its settings, its data or the code that measures it differ from
    what the store has, or if it failed. A point that fails becomes a row with ``status="failed"`` and
    the reason; the sweep goes on.

    Parameters
    ----------
    grid : Grid
    store : Store
    progress : bool
        Show a progress bar (never while a book is built).

    Returns
    -------
    DataFrame, one row a point, columns as ``helpers.store.COLUMNS``.
    """
    return fill(grid.points(), store, CELLS, progress, f"measuring {grid.dataset}")


@dataclass(frozen=True)
class Kind:
    """How points of one kind are measured, described when they fail, and identified.

    ``measure`` takes points for which ``together`` gives one value, and returns a row of each. ``data_hash`` and
    ``code_hash`` of a point are what its numbers depend on beside its settings. ``ready`` raises at once where
    nothing of the kind can be measured, such as without the data.
    """

    measure: Callable[[list[Point]], list[dict[str, Any]]]
    describe: Callable[[Point], dict[str, Any]]
    data_hash: Callable[[Point], str]
    code_hash: Callable[[Point], str]
    together: Callable[[Point], Hashable]
    ready: Callable[[Point], Any] = lambda point: None


CELLS = Kind(
    measure.measure, measure.describe, measure.data_hash, measure.code_of, measure.together, measure.dataset_of
)
# Points measured in one call: enough to share work, few enough that little is lost when a sweep is killed.
_TOGETHER = 16


def fill(
    points: list[Point], store: Store, kind: Kind, progress: bool = True, label: str = "measuring"
) -> pd.DataFrame:
    """Measure the points that the store lacks, write their rows as they come, and return all of them."""
    keyed = [(point, *_identity(point, kind)) for point in points]
    rows = {key: store.get(key) or _recalled(store, identity) for _, identity, key in keyed}
    missing = [k for k in keyed if (rows[k[2]] or {}).get("status") != "ok"]
    store.touch([key for key in rows if rows[key]])
    if missing:
        kind.ready(missing[0][0])
    groups = [list(group) for _, group in itertools.groupby(missing, key=lambda k: kind.together(k[0]))]
    batches = [group[at : at + _TOGETHER] for group in groups for at in range(0, len(group), _TOGETHER)]
    for batch in track(batches, label, progress):
        measured_rows = _rows_of([point for point, _, _ in batch], kind)
        for (point, identity, key), row in zip(batch, measured_rows, strict=True):
            rows[key] = done = row | identity | {"parameters": point, "helpers_version": helpers.__version__}
            store.put(key, done)
    return as_table([row for row in rows.values() if row])


def _rows_of(points: list[Point], kind: Kind) -> list[dict[str, Any]]:
    """Return a row of each point; where measuring all at once fails, one at a time shows which fail and why."""
    start = time.perf_counter()
    try:
        found = kind.measure(points)
    except Exception as error:
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
    """Return a reference row of the same settings and data, marked as measured by older code."""
    row = store.recall(identity["parameters_hash"], identity["data_hash"])
    return row and {**row, "older_code": True}


def _identity(point: Point, kind: Kind) -> tuple[dict[str, str], str]:
    identity = {
        "parameters_hash": short_hash(point),
        "data_hash": kind.data_hash(point),
        "code_hash": kind.code_hash(point),
    }
    return identity, "-".join(identity.values())


# What tells one curve of a table from another; ``settings`` holds all options that are not columns.
CURVE = ["dataset", "signal", "representation", "dim", "settings"]


def seed_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the folds of each seed, leaving one row a seed: the points that laws are fitted to.

    Failed rows are left out; ``n_folds`` says how many folds each mean has. Columns that are not
    settings are averaged (``mi_stderr_bits`` as the error of that mean).
    """
    keys = [*CURVE, "n_train", "noise_level", "probe_noise_level", "seed"]
    good = table[table["status"] == "ok"].copy()
    good["mi_stderr_bits"] = good["mi_stderr_bits"].astype(float) ** 2
    return good.groupby(keys, as_index=False).agg(
        umis_per_cell=("umis_per_cell", "mean"),
        mi_bits=("mi_bits", "mean"),
        mi_stderr_bits=("mi_stderr_bits", lambda v: float(np.sqrt(v.sum()) / len(v))),
        mi_null_bits=("mi_null_bits", "mean"),
        mi_ceiling_bits=("mi_ceiling_bits", "first"),
        n_folds=("fold", "nunique"),
    )


def noise_axis(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of noise curves: all training cells, probe and training cells at equal depth."""
    most = points.groupby(CURVE)["n_train"].transform("max")
    return points[(points["n_train"] == most) & (points["noise_level"] == points["probe_noise_level"])]


def cell_axis(points: pd.DataFrame, min_sizes: int = 2) -> pd.DataFrame:
    """Return the points of cell-number curves: depths at which ``min_sizes`` or more sizes were measured.

    Where there is a ``curve`` column, a depth below the data's own is added to the name.
    """
    equal = points[points["noise_level"] == points["probe_noise_level"]]
    sizes = equal.groupby([*CURVE, "noise_level"])["n_train"].transform("nunique")
    chosen = equal[sizes >= min_sizes]
    if "curve" not in chosen:
        return chosen
    depth = chosen["noise_level"].map(lambda f: "" if f == 1 else f", depth × {f:g}")
    return chosen.assign(curve=chosen["curve"] + depth)


def measured(store: Store, **wanted: Any) -> pd.DataFrame:
    """Return the seed means of what a store holds, with a ``curve`` column to tell curves apart.

    Parameters
    ----------
    store : Store
    **wanted : values that columns must have, such as ``dataset="pbmc68k"``

    Raises
    ------
    ValueError
        If nothing fits, saying how to measure it.
    """
    table = store.table()
    for column, value in wanted.items():
        table = table[table[column] == value]
    points = seed_means(table[table["noise_kind"] == "thinning"]) if len(table) else table
    if not len(points):
        asked = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "thinned cells"
        raise ValueError(f"{store.path} has no measured point with {asked}: run `noise-scaling sweep` first.")
    names = points["dataset"] + " " + points["signal"] + ", " + points["representation"]
    names = names.str.replace("_", " ")
    # Runs with other options are curves of their own, and say so.
    for extra in ("dim", "settings"):
        several = points.groupby(CURVE[:3])[extra].transform("nunique") > 1
        names = names.where(~several, names + f", {extra} " + points[extra].astype(str))
    return points.assign(curve=names)


def above_ceiling(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose information exceeds the ceiling by more than its 95 % interval: none, if all is well."""
    table = pd.concat(tables).query("status == 'ok'")
    excess = table["mi_bits"] - table["mi_ceiling_bits"] - 1.96 * table["mi_stderr_bits"]
    shown = ["dataset", "signal", "representation", "n_train", "noise_level", "seed", "mi_bits", "mi_stderr_bits"]
    return table[excess > 0][[*shown, "mi_ceiling_bits"]].reset_index(drop=True)
