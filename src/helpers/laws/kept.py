"""Results that take long, kept in ``results/reference/kept.parquet`` under a hash of what decided their numbers.

A page that asks for one has it at once; where the points, the settings or the code are others, it is computed.
``python -m helpers.book.keep`` computes them again after a new version, to commit.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import as_matrix
from helpers.laws import Fit, Law, robust
from helpers.laws import compare as judging
from helpers.laws.joint import JOINT_LAWS
from helpers.laws.misfit import judged
from helpers.laws.robust import RobustFit
from helpers.store import reference, stamp
from helpers.store.versions import method

NAME = "kept"
LEVEL = 0.95  # of the intervals that are kept
_missed: dict[str, tuple[str, str]] | None = None  # what is computed while somebody records it


@dataclass(frozen=True)
class KeptFit(Fit):
    """A fit that was kept: its 95 % ``intervals`` are known."""


def fit(law: type[Law], *columns: Any, **options: Any) -> Fit:
    """Return ``law.fit(*columns, **options)``, as it was kept or computed now; a fit with options is not kept.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> fit(NoiseLaw, [10, 30, 100], NoiseLaw(1.0, 30.0)([10, 30, 100])).status
    'ok'
    """
    if options:
        return law.fit(*columns, **options)
    key = _key("fit", method("fit"), law.__name__, *(np.asarray(column, float) for column in columns))
    known = _lookup(key)
    if known is None:
        fitted = law.fit(*columns)
        _note(key, law.__name__, lambda: _fit_as_plain(fitted))
        return fitted
    *x, y = (as_matrix(column, "column")[:, 0] for column in columns)
    return _fit_of_plain(law, x[0] if len(x) == 1 else np.column_stack(x), y, known)


def fit_groups(points: pd.DataFrame, law: type[Law], x: str, by: str | list[str]) -> dict[Any, Fit]:
    """Return the fits of every curve of a table, as ``laws.fit_groups`` does, each kept or computed."""
    return {name: fit(law, rows[x], rows["mi_bits"]) for name, rows in points.groupby(by)}


def robust_fit(fitted: Fit, level: float = LEVEL, names: tuple[str, ...] | None = None) -> RobustFit:
    """Return ``laws.robust(fitted, level, names)``, as it was kept or computed now."""
    law = type(fitted.law)
    key = _key("robust", method("fit", "robust"), law.__name__, fitted.x, fitted.y, level, names)

    def compute() -> dict[str, Any]:
        again = robust(fitted, level, names)
        weights = again.weights.tolist()
        return {"params": again.params, "intervals": again.intervals, "scale": again.scale, "weights": weights}

    known = _known_or(key, f"robust {law.__name__}", compute)
    intervals = {name: (low, high) for name, (low, high) in known["intervals"].items()}
    return RobustFit(law(**known["params"]), intervals, known["scale"], np.array(known["weights"]), level)


def compare(
    grids: dict[tuple, pd.DataFrame], laws: list[str] | None = None, folds: int = 3, repeats: int = 1, seed: int = 0
) -> pd.DataFrame:
    """Return ``laws.compare.compare(...)``, each grid and law as it was kept or computed now."""
    parts = []
    for key, grid in grids.items():
        for name in laws or JOINT_LAWS:
            columns = [grid[column] for column in ("n", "u", "bits")]
            by = method("fit", "compare", "beyond")
            known_as = _key("compare", by, name, list(key), *columns, folds, repeats, seed)
            one = partial(judging.compare, {key: grid}, [name], folds, repeats, seed)
            parts.append(table(known_as, f"comparison of {name}", one))
    return pd.concat(parts, ignore_index=True)


def table(key: str, what: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a small table of numbers and text, as it was kept under a key or computed now.

    ``key`` is from ``key_of``, ``what`` says what it is to people who read the file; index and columns are text or
    numbers.
    """

    def plain() -> dict[str, Any]:
        made = compute()
        columns = {name: made[name].tolist() for name in made}
        return {"index": made.index.tolist(), "name": made.index.name, "columns": columns}

    known = _known_or(key, what, plain)
    return pd.DataFrame(known["columns"], index=pd.Index(known["index"], name=known["name"]))


def key_of(what: str, components: Iterable[str], *given: Any) -> str:
    """Return the key of something that components (``versions``) compute from arrays, columns or plain data."""
    return _key(what, method(*components), *given)


def _key(*given: Any) -> str:
    """Return a hash of plain data and of arrays without their last digits, in which processors differ."""
    digest = hashlib.sha256()
    for part in given:
        if isinstance(part, (np.ndarray, pd.Series)):
            array = np.asarray(part)
            digest.update(f"{array.dtype} {array.shape} ".encode())
            digits = 6 if array.dtype == np.float32 else 12
            digest.update(" ".join(f"{value:.{digits}g}" for value in array.ravel().tolist()).encode())
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
        digest.update(b"|")
    return digest.hexdigest()[:24]


_PLAIN = ("params", "stderr", "status", "message", "spread")  # what of a fit is kept as it is


def _fit_as_plain(fitted: Fit) -> dict[str, Any]:
    content = {name: getattr(fitted, name) for name in _PLAIN}
    return content | {"covariance": fitted.covariance.tolist(), "intervals": fitted.interval(LEVEL)}


def _fit_of_plain(law: type[Law], x: np.ndarray, y: np.ndarray, known: dict[str, Any]) -> Fit:
    def log_likelihood(theta: np.ndarray) -> float:
        return -float(((law._formula(x, theta) - y) ** 2).sum()) / known["spread"] ** 2 / 2

    content = {name: known[name] for name in _PLAIN} | {"covariance": np.array(known["covariance"])}
    fitted = judged(KeptFit(law(**known["params"]), x, y, **content, log_likelihood=log_likelihood))
    fitted.intervals[LEVEL] = {name: (low, high) for name, (low, high) in known["intervals"].items()}
    return fitted


def _known_or(key: str, what: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    known = _lookup(key)
    if known is None:
        known = json.loads(json.dumps(compute()))
        _note(key, what, lambda: known)
    return known


def _lookup(key: str) -> dict[str, Any] | None:
    if _missed is not None:
        return json.loads(_missed[key][1]) if key in _missed else None
    file = reference.folder() / f"{NAME}.parquet"
    text = _all(file, file.stat().st_mtime_ns).get(key) if file.exists() else None
    return None if text is None else json.loads(text)


@lru_cache(maxsize=1)
def _all(file: Path, _mtime: int) -> dict[str, str]:
    rows = pd.read_parquet(file)
    return dict(zip(rows["key"], rows["content"], strict=True))


def _note(key: str, what: str, content: Callable[[], dict[str, Any]]) -> None:
    """Note what was not kept and had to be computed, and its content where somebody records it."""
    stamp.note_computed(what)
    if _missed is not None:
        _missed[key] = what, json.dumps(content())


@contextmanager
def recording() -> Iterator[dict[str, tuple[str, str]]]:
    """Compute everything again meanwhile and note it: key → (what it is, its content as JSON)."""
    global _missed
    before, _missed = _missed, {}
    try:
        yield _missed
    finally:
        _missed = before
