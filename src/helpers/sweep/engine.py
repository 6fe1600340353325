"""Measure every point of a grid that is not measured yet."""

import errno
import itertools
import os
import platform
import random
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pandas as pd

import helpers
from helpers._utils.content import short_hash
from helpers._utils.progress import track
from helpers.store import versions
from helpers.store.rows import Store, as_table
from helpers.store.stamp import environment, note_data, note_versions
from helpers.sweep.data import Point
from helpers.sweep.grid import DataGrid
from helpers.sweep.measurement import Measurement


def run_sweep(grid: DataGrid, store: Store, progress: bool = True) -> pd.DataFrame:
    """Measure what is missing of a grid and return the grid's rows.

    A point is measured again only if its settings, its data or its method (the versions of what measures it) differ
    from what the store has, or if it failed. Packed reference results are used whatever their method, and those of
    another are marked ``older_method``; a store of another name measures them again. A point that fails becomes a
    row with ``status="failed"`` and the reason; the sweep goes on. While a book is built no progress bar is shown.

    Returns
    -------
    DataFrame, one row a point, columns as ``store.rows.COLUMNS``.
    """
    return measure_missing(grid.points(), store, grid.measurement, progress, f"measuring {grid.dataset}")


def run_sweeps(grids: Sequence[DataGrid], store: Store, progress: bool = True) -> pd.DataFrame:
    """Run several grids and return their rows in one table."""
    return pd.concat([run_sweep(grid, store, progress) for grid in grids], ignore_index=True)


def sizes_within(grid: DataGrid, sizes: list[int]) -> list[int]:
    """Return the sizes that a grid's data allow, and all its training cells as the last."""
    most = max(point["n_train"] for point in grid.points())
    return [n for n in sizes if n < most] + [most]


# Points measured in one call: enough to share work, few enough that little is lost when a sweep is killed.
_BATCH = 16
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def measure_missing(
    points: list[Point], store: Store, measurement: Measurement, progress: bool = True, label: str = "measuring"
) -> pd.DataFrame:
    """Measure the points that the store lacks, write their rows as they come, and return all of them.

    Several sweeps at once share the work: each looks before a batch whether another has measured it.

    Raises
    ------
    OSError
        If rows cannot be written, before anything is measured or at the first that cannot.
    """
    keyed, rows = _found(points, store, measurement)
    missing = [k for k in keyed if (rows[k[2]] or {}).get("status") != "ok"]
    # Pairs drawn from a formula are of no data set.
    note_data((point["dataset"], identity["data_hash"]) for point, identity, _ in keyed if "dataset" in point)
    if missing:
        measurement.check_ready(missing[0][0])
        store.check_writable()
    groups = [list(group) for _, group in itertools.groupby(missing, key=lambda k: measurement.batch_key(k[0]))]
    batches = [group[at : at + _BATCH] for group in groups for at in range(0, len(group), _BATCH)]
    turns = deque(batches)
    for _ in track(range(len(batches)), label, progress):
        batch = turns.popleft()
        keys = [key for _, _, key in batch]
        others = _measured(store, keys)
        if len(others) < len(keys):
            measured_rows = _rows_of([point for point, _, _ in batch], measurement)
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


def stored_rows(grids: Sequence[DataGrid], store: Store, steps: bool = False) -> pd.DataFrame:
    """Return the rows that a store has of some grids, measuring nothing, in one table; failed points are left out.

    So a page can show a sweep that is still going on, without the data. With ``steps``, models as they were earlier in
    their training are among them.
    """
    points = [([p for p in grid.points() if steps or "step" not in p], grid.measurement) for grid in grids]
    rows = [row for some, measurement in points for row in _found(some, store, measurement)[1].values()]
    return as_table([row for row in rows if row and row["status"] == "ok"])


def _found(
    points: list[Point], store: Store, measurement: Measurement
) -> tuple[list[tuple], dict[str, dict[str, Any] | None]]:
    """Return each point with its identity and key, and the row of every key, if there is one."""
    keyed = [(point, *_identity(point, measurement)) for point in points]
    used = {component for point in points for component in versions.components_of(point)}
    note_versions({component: versions.version(component) for component in used})
    stored = store.read(key for _, _, key in keyed)
    return keyed, {key: stored.get(key) or _recalled(store, identity) for _, identity, key in keyed}


def _measured(store: Store, keys: list[str]) -> dict[str, dict[str, Any]]:
    """Return those of the rows that are there and did not fail."""
    return {key: row for key, row in store.read(keys).items() if row.get("status") == "ok"}


def _rows_of(points: list[Point], measurement: Measurement) -> list[dict[str, Any]]:
    """Return a row of each point; where measuring all at once fails, one at a time shows which fail and why."""
    start = time.process_time()
    try:
        measured = measurement.measure(points)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:  # no fault of the point
            raise
        if len(points) > 1:
            return [row for point in points for row in _rows_of([point], measurement)]
        seconds = round(time.process_time() - start, 3)
        # Recorded in the row, which the book shows.
        failure = {"status": "failed", "message": f"{type(error).__name__}: {error}", "seconds": seconds}
        return [{**measurement.describe(points[0]), **failure}]
    share = {"seconds": round((time.process_time() - start) / len(points), 3), "status": "ok", "message": ""}
    return [{**measurement.describe(point), **share, **row} for point, row in zip(points, measured, strict=True)]


def _recalled(store: Store, identity: dict[str, str]) -> dict[str, Any] | None:
    """Return a reference row of the same settings and data, marked as measured by another method than today's."""
    row = store.recall(identity["parameters_hash"], identity["data_hash"])
    return row and {**row, "older_method": True}


def _identity(point: Point, measurement: Measurement) -> tuple[dict[str, str], str]:
    identity = {
        "parameters_hash": short_hash(point),
        "data_hash": measurement.data_hash(point),
        "method": versions.method_of(point),
    }
    return identity, "-".join(identity.values())
