"""Results on disk: one small file a measured point, written whole or not at all."""

import contextlib
import io
import json
import re
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.content import write_whole
from helpers.store.stamp import note_read
from helpers.store.versions import rank

COLUMNS = (
    "dataset", "modality", "signal", "representation", "n_train", "noise_kind", "noise_level", "umis_per_cell",
    "snr", "probe_noise_level", "seed", "fold", "mi_bits", "mi_stderr_bits", "mi_null_bits", "mi_ceiling_bits",
    "n_probe", "dim", "settings", "seconds", "status", "message", "genes_by", "parameters",
    "model_loss", "parameters_hash", "data_hash", "method", "helpers_version",
    "commit", "python", "packages", "machine", "measured",
)  # fmt: skip

PACKED = "measured.parquet"
UNVERSIONED = "unversioned"
# Seconds after which the unfinished file of a writer is surely left over: writing takes far less than one.
_STALE = 86_400
_MANY = 100

# What names a row: its settings, its data and the versions of what measured it.
IDENTITY = ("parameters_hash", "data_hash", "method")

_NUMBERS = (
    "n_train", "noise_level", "umis_per_cell", "snr", "probe_noise_level", "seed", "fold", "mi_bits", "mi_stderr_bits",
    "mi_null_bits", "mi_ceiling_bits", "n_probe", "dim", "seconds", "model_loss",
)  # fmt: skip


class Store:
    """A folder of measured rows, on disk or on an object store.

    Every row is its own file, named by everything that decided its numbers and moved into place when
    complete (on an object store: written as one object). So several processes may write at once, a killed one
    leaves no half row, and nothing measured is overwritten by a different measurement.

    Parameters
    ----------
    path : folder, made when first written to; or a URL that fsspec knows, such as ``s3://bucket/results``

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.put("k1", {"dataset": "toy", "mi_bits": 1.5, "status": "ok"})
    >>> store.get("k1")["mi_bits"], len(store.table())
    (1.5, 1)
    >>> store = Store("memory://results")
    >>> store.put("k1", {"dataset": "toy", "status": "ok"})
    >>> store.get("k1")["dataset"]
    'toy'
    """

    # A Path; of an object store, its URL as text.
    path: Any

    def __init__(self, path: str | Path) -> None:
        self._fs, self._root = _opened(str(path))
        self._is_local = self._fs.protocol[0] == "file"
        self.path = Path(str(path).removeprefix("file://")) if self._is_local else str(path)
        if self._is_local and self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"{self.path} is a file: a store is a folder.")

    @cached_property
    def _packed(self) -> dict[str, dict[str, Any]]:
        """Rows that were packed into one file, by key."""
        if self._is_local:
            note_read(self.path / PACKED)
        content = self._contents([PACKED]).get(PACKED)
        if content is None:
            return {}
        try:
            rows = pd.read_parquet(io.BytesIO(content)).to_dict("records")
            for row in rows:
                row["parameters"] = json.loads(row["parameters"])
                row.setdefault("method", UNVERSIONED)  # of a time when methods had no versions
            return {"-".join(row[k] for k in IDENTITY): {n: _plain(v) for n, v in row.items()} for row in rows}
        except (ValueError, OSError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.path}/{PACKED} cannot be read ({error}): it is damaged, and left as it is. Take it back from "
                f"a copy (in a clone: git checkout -- {self.path}/{PACKED}), or move it away, and its points are "
                "measured again."
            ) from error

    @cached_property
    def _recallable(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(row["parameters_hash"], row["data_hash"]): row for row in reversed(self._packed.values())}

    def recall(self, parameters_hash: str, data_hash: str) -> dict[str, Any] | None:
        """Return the packed row of a point measured on the same data by whichever method, or None."""
        return self._recallable.get((parameters_hash, data_hash))

    def put(self, key: str, row: dict[str, Any]) -> None:
        """Write a row under its key, whole or not at all; an ``OSError`` says what is kept and what to do."""
        clean = {k: _plain(v) for k, v in row.items()}
        try:
            self._write(_file_of(key), json.dumps(clean, allow_nan=False).encode())
        except OSError as error:
            raise _explained(
                error,
                f"{self.path} could not write more rows ({error.strerror or error}). What was measured before is kept "
                "there: free space, or make it writable, and run the same command again; it goes on from there.",
            ) from error

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row of a key, or None if it is not there or is damaged (with a warning)."""
        return self.read([key]).get(key)

    def read(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the rows of those keys that are there, as ``get`` for many at once."""
        keys = list(keys)
        names = [_file_of(key) for key in keys]
        if len(names) > _MANY:  # one list costs less than asking for each that is not there
            there = {f"rows/{name}" for name in self._names("rows")}
            names = [name for name in names if name in there]
        in_files = {name: _row(self.path, name, text) for name, text in self._contents(names).items()}
        rows = {key: in_files.get(_file_of(key)) or self._packed.get(key) for key in keys}
        return {key: row for key, row in rows.items() if row}

    def check_writable(self) -> None:
        """Remove what killed writers left behind, and raise ``OSError`` at once where rows cannot be written."""
        try:
            self._write("rows/.writable", b"")
        except OSError as error:
            raise _explained(
                error,
                f"{self.path} cannot be written to ({error.strerror or error}), so nothing is measured: make it "
                "writable, or set NOISE_SCALING_RESULTS to a folder or URL (s3://bucket/results) that is.",
            ) from error
        if self._is_local:
            now = (self.path / "rows" / ".writable").stat().st_mtime  # by the clock of the disk that dates the others
            for part in (self.path / "rows").glob("*.part"):
                with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                    if part.stat().st_mtime < now - _STALE:
                        part.unlink()

    def table(self) -> pd.DataFrame:
        """Return all rows, one a line, in a fixed order; of a point measured several times, the row of the latest
        method, and of those the row measured last.

        Columns are those of ``COLUMNS``. A damaged row is named in a warning and left as it is. So are data of which
        there were several states, such as a file that was replaced: ``run_sweep`` returns the rows of those at hand.
        """
        if self._is_local:
            note_read(self.path)
        names = [name for name in self._names("rows") if name.endswith(".json")]
        files = self._contents(f"rows/{name}" for name in names)
        rows = {name[5:-5]: _row(self.path, name, text) for name, text in files.items()}
        kept = self._packed | {key: row for key, row in rows.items() if row}

        def order(key: str) -> tuple[int, str, bool, str]:
            row = kept[key]
            return rank(row.get("method") or ""), row.get("measured") or "", key in rows, key

        table = as_table([kept[key] for key in sorted(kept, key=order)])
        self._warn_of_other_data(kept, table)
        return table

    def _warn_of_other_data(self, rows: dict[str, dict[str, Any]], shown: pd.DataFrame) -> None:
        if len(shown) == len(rows):
            return
        states = dict(zip(shown["parameters_hash"], shown["data_hash"], strict=True))
        others = [r for r in rows.values() if states.get(r.get("parameters_hash")) not in (None, r.get("data_hash"))]
        if others:
            names = ", ".join(sorted({str(row.get("dataset")) for row in others}))
            warnings.warn(
                f"{self.path} has {len(others)} row(s) of other states of the data ({names}): those measured last are "
                "shown. To see the points of the data at hand alone, use a store of another name.",
                stacklevel=3,
            )

    def _names(self, folder: str) -> list[str]:
        self._fs.invalidate_cache()
        try:
            return [name.rpartition("/")[2] for name in self._fs.ls(f"{self._root}/{folder}", detail=False)]
        except FileNotFoundError:
            return []

    def _contents(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of those files that are there."""
        paths = {f"{self._root}/{name}": name for name in names}
        contents = self._fs.cat(list(paths), on_error="return") if paths else {}
        for content in contents.values():
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
        return {paths[path]: content for path, content in contents.items() if not isinstance(content, Exception)}

    def _write(self, name: str, content: bytes) -> None:
        if self._is_local:
            write_whole(self.path / name, content)
        else:
            self._fs.pipe_file(f"{self._root}/{name}", content)


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


def _opened(path: str) -> tuple[Any, str]:
    """Return a file system and the place on it."""
    import fsspec

    if "://" not in path and re.match(r"\w\w+:/\w", path):
        raise ValueError(f"{path!r} is neither a folder nor a URL: give a URL as text, not as a Path.")
    try:
        system, root = fsspec.url_to_fs(path if "://" in path else f"file://{Path(path).absolute()}")
    except (ImportError, ValueError) as error:
        raise ValueError(f"{path} cannot be opened: {error}. Give a folder or a URL such as s3://bucket/x.") from error
    return system, root.rstrip("/")


def _explained(error: OSError, message: str) -> OSError:
    """Return an error of the same kind that says what it means; object stores give no number."""
    return OSError(error.errno, message) if error.errno else type(error)(message)


def _file_of(key: str) -> str:
    return f"rows/{key}.json"


def _row(path: Any, name: str, content: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(content)
        if not isinstance(row, dict):
            raise ValueError("not a row")
        return row
    except ValueError as error:
        warnings.warn(
            f"{path}/{name} cannot be read ({error}): the point counts as not measured. Delete the file to silence "
            "this; a sweep measures the point again.",
            stacklevel=4,
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
