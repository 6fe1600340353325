"""Results this project measured once and keeps: rows of points, and the facts of the data they were measured on."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.store.paths import profile_folder, project_root
from helpers.store.rows import Store
from helpers.store.stamp import note_read

ROWS, FACTS = "measured.parquet", "datasets.json"
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
    """Return a table of the reference results, ``results/reference/<name>.parquet``; an error names those there are."""
    file = folder() / f"{name}.parquet"
    if not file.exists():
        known = ", ".join(sorted(f.stem for f in folder().glob("*.parquet"))) or "none"
        raise FileNotFoundError(f"no reference table {name!r} in {folder()}: there are {known}.")
    note_read(file)
    return pd.read_parquet(file)


def cached_table(name: str, key: str, compute: Callable[[], pd.DataFrame], write: bool = False) -> pd.DataFrame:
    """Return a table that takes minutes to compute: the one kept under ``key``, or else computed now.

    ``key`` is a hash of what decided its numbers; with ``write`` it is computed and kept in
    ``results/reference/<name>.parquet``, to commit.
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
    minutes = points["seconds"].sum() / 60
    machines = "; ".join(sorted(set(points["machine"].dropna()))) if "machine" in points else ""
    older = int(points["older_method"].sum()) if "older_method" in points else 0
    return (
        f"{len(points)} points, measured by version {', '.join(versions)} on {data} in {minutes:.1f} minutes of one "
        "core"
        + (f" ({machines})." if machines else ".")
        + (f" {older} of them are reference results of an earlier method." if older else "")
    )
