"""Results this project measured once and keeps: rows of points, and the facts of the data they were measured on."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import checks
from helpers.executed import note_read
from helpers.progress import track
from helpers.run import profile_folder, project_root
from helpers.store import Store, write_whole
from helpers.versions import method_of

GROUP = ["dataset", "signal", "representation", "settings"]
ROWS, FACTS = "measured.parquet", "datasets.json"
# By how much a point measured again may differ: bits (or loss), since estimates made together differ by rounding, or
# a share of its standard error, since training magnifies the last digits in which processors differ.
TOLERANCE, SHARE_OF_ERROR = 1e-3, 0.5
# Columns that name a point to a reader.
_NAMES = ("dataset", "signal", "representation", "n_train", "n_probe", "noise_kind", "noise_level", "seed")
_FEW = 4  # data sets that a sentence names by their hashes


def folder() -> Path:
    """Return ``results/reference`` of the project, wherever other results go."""
    return project_root() / "results" / "reference"


def to_read(profile: str = "reference") -> Store:
    """Return the store of a profile for a page that expects its points there; the reference results are the project's
    own, wherever ``NOISE_SCALING_RESULTS`` puts others.
    """
    return Store(folder() if profile == "reference" else profile_folder(profile))


def table(name: str) -> pd.DataFrame:
    """Return a table of the reference results: ``results/reference/<name>.parquet``.

    Raises
    ------
    FileNotFoundError
        Naming the tables there are.
    """
    file = folder() / f"{name}.parquet"
    if not file.exists():
        known = ", ".join(sorted(f.stem for f in folder().glob("*.parquet"))) or "none"
        raise FileNotFoundError(f"no reference table {name!r} in {folder()}: there are {known}.")
    note_read(file)
    return pd.read_parquet(file)


def kept(name: str, key: str, compute: Callable[[], pd.DataFrame], write: bool = False) -> pd.DataFrame:
    """Return a table that takes minutes to compute: the one kept under ``key``, or else computed now.

    Parameters
    ----------
    name : of ``results/reference/<name>.parquet``
    key : what decided its numbers (a hash of code, data and settings): another key, and it is computed
    compute : function that returns the table
    write : compute it and keep it, to commit
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = folder() / f"{name}.parquet"
    note_read(file)
    if not write and file.exists() and (pq.read_schema(file).metadata or {}).get(b"key") == key.encode():
        return pd.read_parquet(file)
    table = compute()
    if write:
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), b"key": key.encode()}), file)
    return table


def facts_key(dataset: str, options: dict[str, Any]) -> str:
    """Return the key under which the facts of a dataset with these options are kept."""
    return f"{dataset} {json.dumps(options, sort_keys=True)}"


@lru_cache(maxsize=1)
def _all_facts(_mtime: int) -> dict[str, dict[str, Any]]:
    return json.loads((folder() / FACTS).read_text("utf8"))


def recorded_facts(dataset: str, options: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was recorded of a dataset when it was measured, or None.

    So pages can show reference results where the data are not at hand.
    """
    try:
        file = folder() / FACTS
        note_read(file)
        return _all_facts(file.stat().st_mtime_ns).get(facts_key(dataset, options))
    except FileNotFoundError:
        return None


def pack(store: Store) -> Path:
    """Write a store's rows to one file and the facts of their data beside it; return the file.

    Rows packed before stay, unless the store has the same point measured anew.
    """
    from helpers import measure
    from helpers.kinds import KINDS, kind_of

    rows = store.table()
    rows = rows[(rows["status"] == "ok") & rows["modality"].isin(list(KINDS))]
    if not len(rows):
        raise ValueError(f"{store.path} has no measured point: sweep first.")
    facts: dict[str, dict[str, Any]] = {}
    current = []
    for point, data in zip(rows["parameters"], rows["data_hash"], strict=True):
        if "dataset" in point:  # pairs drawn from a formula are of none
            key = facts_key(point["dataset"], point["options"])
            facts[key] = facts.get(key) or measure.facts(point)
        # Of other data, such as of an earlier loader: kept where it is, not used again.
        current.append(kind_of(point).data_hash(point) == data)
    rows = rows[current]
    rows = rows.assign(parameters=[json.dumps(p, sort_keys=True) for p in rows["parameters"]])
    file = store.path / ROWS
    write_whole(file, rows.to_parquet(index=False))
    write_whole(store.path / FACTS, (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
    return file


def verify(store: Store, points: int = 20, seed: int = 0, dataset: str | None = None) -> pd.DataFrame:
    """Measure some packed points again, as an audit: whether results and code still belong together.

    Points are drawn from as many groups (dataset, signal, representation, settings) as there can be. Nothing is
    written: what a row counts as is decided by its method alone.

    Parameters
    ----------
    store : Store
    points : int
        How many; all would take days.
    seed : int
        Of the choice of points.
    dataset : str, optional
        Only of this one.

    Returns
    -------
    DataFrame
        One row a point: what it is, whether its method is ``older`` than today's, both numbers of bits (or losses),
        and whether they agree to ``TOLERANCE`` or to half a standard error of the point.
    """
    seed = checks.as_seed(seed)
    checks.in_range(points, 1, 1e6, "points", whole=True)
    if not (store.path / ROWS).exists():
        raise FileNotFoundError(f"{store.path} has no {ROWS}: pack measured points first (noise-scaling pack).")
    rows = pd.read_parquet(store.path / ROWS)
    if dataset is not None:
        known = sorted(set(rows["dataset"]))
        rows = rows[rows["dataset"] == checks.choose(dataset, known, "dataset of the reference results")]
    shuffled = rows.sample(frac=1, random_state=seed)
    turn = shuffled.groupby([*GROUP, "method"], dropna=False).cumcount()
    chosen = shuffled.assign(turn=turn).sort_values("turn", kind="stable").head(points)
    found = []
    for _, row in track(list(chosen.iterrows()), "verifying"):
        point = json.loads(row["parameters"])
        again = _measured_again(point, row)
        named = {name: row[name] for name in ("dataset", "signal", "representation", "n_train", "noise_level", "seed")}
        found.append({**named, "older": row["method"] != method_of(point), "quantity": again.quantity,
                      "then": again.then, "now": again.now, "agrees": again.agrees})  # fmt: skip
    return pd.DataFrame(found)


class _Again(NamedTuple):
    """A point measured twice: the quantity compared, both numbers, and by how much they may differ."""

    quantity: str
    then: float
    now: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return abs(self.now - self.then) <= self.tolerance


def _measured_again(point: dict[str, Any], row: Any) -> _Again:
    """Measure a point, in no store, and compare it with its row."""
    from helpers.kinds import kind_of

    measured = kind_of(point).measure([point])[0]
    quantity, column, error = "bits", "mi_bits", "mi_stderr_bits"
    if "test_loss" in measured:
        quantity, column, error = "loss", "test_loss", "test_stderr"
    tolerance = float(np.fmax(TOLERANCE, SHARE_OF_ERROR * row[error]))
    return _Again(quantity, float(row[column]), float(measured[column]), tolerance)


def measured_again(row: pd.Series) -> pd.DataFrame:
    """Measure one point again and return both numbers, for a page that reads the others.

    The point is measured with the present code and written to no store. The numbers agree if they differ by no more
    than ``TOLERANCE`` or half the standard error of the row, whichever is larger, as in ``verify``.

    Parameters
    ----------
    row : Series
        A row of the table of a sweep.

    Returns
    -------
    DataFrame
        One row: settings that name the point, the quantity ("bits" or "loss"), the number ``in the results`` and
        ``measured again``, their ``difference`` and its ``tolerance``.

    Raises
    ------
    ValueError
        If they differ by more, naming both numbers, the tolerance and what to do.
    """
    again = _measured_again(row["parameters"], row)
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


def provenance(*tables: pd.DataFrame) -> str:
    """Return one sentence on where points come from: versions, data, and whether the code has changed since.

    >>> row = {"helpers_version": "0.1.0", "data_hash": "ab", "status": "ok", "seconds": 2.0}
    >>> provenance(pd.DataFrame([row, row]))
    '2 points, measured by version 0.1.0 on data ab in 0.1 minutes of one core.'
    """
    used = ["parameters_hash", "helpers_version", "data_hash", "seconds", "older_method", "machine"]
    points = pd.concat([table[[c for c in used if c in table]] for table in tables])
    if "parameters_hash" in points:
        points = points.drop_duplicates("parameters_hash")
    versions, hashes = (sorted(set(points[c])) for c in ("helpers_version", "data_hash"))
    data = f"{len(hashes)} sets of data and signal" if len(hashes) > _FEW else f"data {', '.join(hashes)}"
    told = f"{len(points)} points, measured by version {', '.join(versions)} on {data} in "
    told += f"{points['seconds'].sum() / 60:.1f} minutes of one core"
    machines = sorted(set(points["machine"].dropna())) if "machine" in points else []
    told += f" ({'; '.join(machines)})." if machines else "."
    older = int(points["older_method"].sum()) if "older_method" in points else 0
    if older:
        told += f" {older} of them are reference results of an earlier method."
    return told
