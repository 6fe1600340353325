"""Results on disk: one small file a measured point, written whole or not at all."""

import ast
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = (
    "dataset", "modality", "signal", "representation", "n_train", "noise_kind", "noise_level", "umis_per_cell",
    "snr", "probe_noise_level", "seed", "fold", "mi_bits", "mi_stderr_bits", "mi_null_bits", "mi_ceiling_bits",
    "n_probe", "dim", "settings", "seconds", "status", "message", "genes_by", "parameters",
    "parameters_hash", "data_hash", "code_hash", "helpers_version",
)  # fmt: skip

# What names a row: its settings, its data and the code that measured it.
IDENTITY = ("parameters_hash", "data_hash", "code_hash")

_NUMBERS = (
    "n_train", "noise_level", "umis_per_cell", "snr", "probe_noise_level", "seed", "fold", "mi_bits", "mi_stderr_bits",
    "mi_null_bits", "mi_ceiling_bits", "n_probe", "dim", "seconds",
)  # fmt: skip


def short_hash(value: Any) -> str:
    """Return 16 hexadecimal digits that identify plain data, independent of key order.

    >>> short_hash({"a": 1, "b": 2}) == short_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def frozen_json(value: Any) -> str:
    """Return plain data as text that is equal where the data are.

    >>> frozen_json({"b": 2, "a": 1})
    '{"a": 1, "b": 2}'
    """
    return json.dumps(value, sort_keys=True)


def code_hash(files: Iterable[str | Path]) -> str:
    """Return a hash of what Python files do: comments, docstrings and layout do not change it."""
    parts = []
    for file in sorted(Path(f) for f in files):
        tree = ast.parse(file.read_text(encoding="utf8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            first = body[0] if isinstance(body, list) and body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined,index]
        parts.append(ast.unparse(tree))
    return short_hash(parts)


class Store:
    """A folder of measured rows.

    Every row is its own file, named by everything that decided its numbers and moved into place when
    complete. So several processes may write at once, a killed one leaves no half row, and nothing
    measured is overwritten by a different measurement.

    Parameters
    ----------
    path : folder, made when first written to

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.put("k1", {"dataset": "toy", "mi_bits": 1.5, "status": "ok"})
    >>> store.get("k1")["mi_bits"], len(store.table())
    (1.5, 1)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is a file: a store is a folder.")

    @cached_property
    def _packed(self) -> dict[str, dict[str, Any]]:
        """Rows that were packed into one file, by key."""
        file = self.path / "measured.parquet"
        if not file.exists():
            return {}
        rows = pd.read_parquet(file).to_dict("records")
        for row in rows:
            row["parameters"] = json.loads(row["parameters"])
        return {"-".join(row[k] for k in IDENTITY): {n: _plain(v) for n, v in row.items()} for row in rows}

    def recall(self, parameters_hash: str, data_hash: str) -> dict[str, Any] | None:
        """Return the packed row of a point measured on the same data by whichever code, or None."""
        for row in self._packed.values():
            if (row["parameters_hash"], row["data_hash"]) == (parameters_hash, data_hash):
                return row
        return None

    @property
    def _rows(self) -> Path:
        return self.path / "rows"

    def put(self, key: str, row: dict[str, Any]) -> None:
        """Write a row under its key, atomically."""
        clean = {k: _plain(v) for k, v in row.items()}
        self._rows.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._rows, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf8") as file:
                json.dump(clean, file, allow_nan=False)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._rows / f"{key}.json")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row of a key, or None if it is not there or cannot be read (with a warning)."""
        return _read(self._rows / f"{key}.json") or self._packed.get(key)

    def touch(self, keys: Iterable[str]) -> None:
        """Note that rows are in use, so that ``table`` prefers them to those of other code or data."""
        for key in keys:
            file = self._rows / f"{key}.json"
            if file.exists():  # a packed row has no file
                file.touch()

    def table(self) -> pd.DataFrame:
        """Return all rows, one a line, in a fixed order; the one last measured or used where a
        point was measured with several versions of code or data.

        Columns are those of ``COLUMNS``. A file that cannot be read is named in a warning and left as it is.
        """
        files = sorted(self._rows.glob("*.json"), key=lambda f: (f.stat().st_mtime_ns, f.name))
        packed = self.path / "measured.parquet"
        since = packed.stat().st_mtime_ns if packed.exists() else 0
        older, newer = ([f for f in files if (f.stat().st_mtime_ns > since) == new] for new in (False, True))
        rows = [*map(_read, older), *self._packed.values(), *map(_read, newer)]
        return as_table([row for row in rows if row is not None])


def as_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table in a fixed order, keeping the last of each point."""
    table = pd.DataFrame(rows, columns=[*COLUMNS, *sorted({k for r in rows for k in r} - set(COLUMNS))])
    for column in _NUMBERS:
        table[column] = pd.to_numeric(table[column])
    table = table.drop_duplicates("parameters_hash", keep="last") if len(table) else table
    return table.sort_values([*COLUMNS[:12], "parameters_hash"], kind="stable").reset_index(drop=True)


def failures(*tables: pd.DataFrame) -> pd.DataFrame | str:
    """Return the rows that failed, with their reasons; if there are none, a sentence that says of how many.

    >>> failures(pd.DataFrame({"status": ["ok", "ok"]}))
    'All 2 points were measured; none failed.'
    """
    failed = [table[table["status"] != "ok"] for table in tables if (table["status"] != "ok").any()]
    if not failed:
        return f"All {sum(map(len, tables))} points were measured; none failed."
    shown = ["dataset", "signal", "representation", "n_train", "noise_level", "seed", "fold", "status", "message"]
    return pd.concat(failed)[shown].reset_index(drop=True)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        row = json.loads(file.read_text(encoding="utf8"))
        if not isinstance(row, dict):
            raise ValueError("not a row")
        return row
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        warnings.warn(
            f"{file} cannot be read ({error}): the point counts as not measured. Delete the file to silence this.",
            stacklevel=3,
        )
        return None


def _plain(value: Any) -> Any:
    """Return JSON's own types; NaN and infinities become null."""
    if isinstance(value, np.generic):
        value = value.item()
    elif value is pd.NA:
        return None
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
