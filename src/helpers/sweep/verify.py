"""Put measured rows among the reference results, and measure some of them again: as an audit, or beside a page."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers._utils.content import frozen_json, write_whole
from helpers._utils.progress import track
from helpers._utils.validation import as_seed, choose, in_range
from helpers.store.reference import FACTS, ROWS, facts_key
from helpers.store.rows import Store
from helpers.store.versions import components_of, method_of
from helpers.sweep import data
from helpers.sweep.measurements import MEASUREMENTS, measurement_of

GROUP = ["dataset", "signal", "representation", "settings"]
# By how much a point measured again may differ: bits (or loss), since estimates made together differ by rounding, or
# a share of its standard error.
TOLERANCE, SHARE_OF_ERROR = 1e-3, 0.5
# A network trained on another processor, or on another number of threads, is another draw: training magnifies the last
# digits in which they differ. It may differ by what separates two seeds of the sweep in all but this share of pairs.
RARE_DRAW = 1e-3
# Columns that name a point to a reader.
_NAMES = ("dataset", "signal", "representation", "n_train", "n_probe", "noise_kind", "noise_level", "seed")


def pack(store: Store) -> Path:
    """Write a store's rows to one file and the facts of their data beside it; return the file.

    Rows packed before stay, unless the store has a later one of the same point.
    """
    rows = store.table()
    rows = rows[(rows["status"] == "ok") & rows["modality"].isin(list(MEASUREMENTS))]
    if not len(rows):
        raise ValueError(f"{store.path} has no measured point: sweep first.")
    facts: dict[str, dict[str, Any]] = {}
    current = []
    for point, data_hash in zip(rows["parameters"], rows["data_hash"], strict=True):
        if "dataset" in point:  # pairs drawn from a formula are of none
            key = facts_key(point["dataset"], point["options"])
            facts[key] = facts.get(key) or data.facts(point)
        # Of other data, such as of an earlier loader: kept where it is, not used again.
        current.append(measurement_of(point).data_hash(point) == data_hash)
    rows = rows[current]
    rows = rows.assign(parameters=rows["parameters"].map(frozen_json))
    file = store.path / ROWS
    write_whole(file, rows.to_parquet(index=False))
    write_whole(store.path / FACTS, (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
    return file


def verify(store: Store, points: int = 20, seed: int = 0, dataset: str | None = None) -> pd.DataFrame:
    """Measure some packed points again, as an audit: whether results and code still belong together.

    Points, all of which would take days, are drawn from as many groups (dataset, signal, representation, settings) as
    there can be. Nothing is written: what a row counts as is decided by its method alone.

    Returns
    -------
    DataFrame
        One row a point: what it is, whether its method is ``older`` than today's, both numbers of bits (or losses),
        and whether they agree to ``TOLERANCE`` or to half a standard error of the point.
    """
    seed = as_seed(seed)
    in_range(points, 1, 1e6, "points", whole=True)
    if not (store.path / ROWS).exists():
        raise FileNotFoundError(f"{store.path} has no {ROWS}: pack measured points first (noise-scaling pack).")
    rows = pd.read_parquet(store.path / ROWS)
    rows["parameters"] = rows["parameters"].map(json.loads)
    if dataset is not None:
        known = sorted(set(rows["dataset"]))
        rows = rows[rows["dataset"] == choose(dataset, known, "dataset of the reference results")]
    shuffled = rows.sample(frac=1, random_state=seed)
    nth_of_group = shuffled.groupby([*GROUP, "method"], dropna=False).cumcount()
    chosen = shuffled.loc[nth_of_group.sort_values(kind="stable").index].head(points)
    compared = []
    for _, row in track(list(chosen.iterrows()), "verifying"):
        point = row["parameters"]
        alike = (rows[GROUP].isna() & row[GROUP].isna()) | (rows[GROUP] == row[GROUP])
        again = _measured_again(point, row, rows[alike.all(axis=1)])
        named = {name: row[name] for name in ("dataset", "signal", "representation", "n_train", "noise_level", "seed")}
        older, numbers = row["method"] != method_of(point), {"then": again.then, "now": again.now}
        compared.append({**named, "older": older, "quantity": again.quantity, **numbers, "agrees": again.agrees})
    return pd.DataFrame(compared)


class _Again(NamedTuple):
    """A point measured twice: the quantity compared, both numbers, and by how much they may differ."""

    quantity: str
    then: float
    now: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return abs(self.now - self.then) <= self.tolerance


def _measured_again(point: dict[str, Any], row: Any, alike: pd.DataFrame) -> _Again:
    """Measure a point, in no store, and compare it with its row; ``alike`` are rows whose seeds scatter as it does."""
    measured = measurement_of(point).measure([point])[0]
    quantity, column, error = "bits", "mi_bits", "mi_stderr_bits"
    if "test_loss" in measured:
        quantity, column, error = "loss", "test_loss", "test_stderr"
    tolerance = float(np.fmax(TOLERANCE, SHARE_OF_ERROR * row[error]))
    if "training" in components_of(point):
        tolerance = float(np.fmax(tolerance, between_draws(alike, column)))
    return _Again(quantity, float(row[column]), float(measured[column]), tolerance)


def between_draws(rows: pd.DataFrame, column: str) -> float:
    """Return what two trainings of one point differ by in all but ``RARE_DRAW`` of pairs, from the seeds of a sweep.

    ``rows`` have ``parameters`` (dict) and the column. Student's t of the standard deviation of seeds at equal
    settings, pooled over the settings, times √2; NaN where no setting has two seeds.
    """
    settings = [frozen_json({k: v for k, v in p.items() if k != "seed"}) for p in rows["parameters"]]
    of_setting = rows[column].astype(float).groupby(settings)
    free = len(rows) - of_setting.ngroups
    if not free:
        return float("nan")
    pooled = float(((rows[column] - of_setting.transform("mean")) ** 2).sum()) / free
    return float(student_t.ppf(1 - RARE_DRAW / 2, free) * np.sqrt(2 * pooled))


def measured_again(row: pd.Series, alike: pd.DataFrame | None = None) -> pd.DataFrame:
    """Measure one point again and return both numbers, for a page that reads the others.

    The point, a row of the table of a sweep, is measured with the present code and written to no store. The numbers
    agree if they differ by no more than ``TOLERANCE`` or half the standard error of the row, whichever is larger, as in
    ``verify``; those of a network, trained again, also if they differ by no more than two seeds do (``between_draws``)
    in the rows ``alike``, several seeds of each setting, that scatter as the row does. Else an error says what to do.

    Returns
    -------
    DataFrame
        One row: settings that name the point, the quantity ("bits" or "loss"), the number ``in the results`` and
        ``measured again``, their ``difference`` and its ``tolerance``.
    """
    again = _measured_again(row["parameters"], row, row.to_frame().T if alike is None else alike)
    named = {name: row[name] for name in _NAMES if pd.notna(row[name])}
    named |= {name: int(named[name]) for name in ("n_train", "n_probe", "seed") if name in named}
    if not again.agrees:
        point = ", ".join(f"{name} {value}" for name, value in named.items())
        raise ValueError(
            f"{point}: {again.now:.4f} {again.quantity} measured again, {again.then:.4f} in the results; at most "
            f"{again.tolerance:.4f} apart is allowed. Install the versions of requirements.lock; if they are there, "
            "the results do not fit this code or machine: run the page with a profile of your own (profile=mine), "
            "which measures every point here."
        )
    compared = {"in the results": again.then, "measured again": again.now, "difference": again.now - again.then}
    return pd.DataFrame([{**named, "quantity": again.quantity, **compared, "tolerance": again.tolerance}])
