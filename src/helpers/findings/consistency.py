"""What an estimator must not contradict on real embeddings, where no exact answer is known."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import is_labels
from helpers.information import Estimate, lmi

CHECKS = ("two cells side by side", "rotated", "bent", "half of the dimensions", "exchanged", "half of the cells")


# LMI by either kind of code, and without the estimate of a permuted signal.
CODES = {f"{codes} codes": partial(lmi, null=False, codes=codes) for codes in ("predictive", "correlated")}


def checks(
    x: np.ndarray, y: np.ndarray, seed: int = 0, estimator: Callable[..., Estimate] = CODES["predictive codes"]
) -> pd.DataFrame:
    """Return what an estimator says where the answer follows from another of its own answers.

    - *two cells side by side*: of two independent cells, what both embeddings tell about both signals is twice what
      one tells. Cells of one half are paired at random with those of the other; the estimates on each half are added.
    - *rotated*, *bent*: an invertible map of the embedding changes nothing: a random rotation; sinh of every column.
    - *half of the dimensions*: a projection of the embedding on every second column cannot tell more.
    - *exchanged*: information is symmetric (continuous signals only).
    - *half of the cells*: fewer cells change the error of an estimate and not, on average, the estimate.

    Parameters
    ----------
    x : (n, d) array
    y : (n,) labels or (n, e) array
    seed : of the pairing, the rotation and the estimates
    estimator : function of x, y and seed

    Returns
    -------
    DataFrame
        One row a check: ``bits``; ``expected``, exactly or at most (``rule``); ``off``, bits − expected, and its
        standard error ``error``, paired by cell where both are of the same cells.
    """
    rng = np.random.default_rng(seed)
    labels = is_labels(y)
    # Floats, so that whole numbers of a continuous signal are not taken for labels.
    y = np.asarray(y) if labels else np.asarray(y, float).reshape(len(y), -1)
    first, second = np.array_split(rng.permutation(len(x)), 2)
    first = first[: len(second)]
    whole = estimator(x, y, seed)
    parts = [estimator(x[rows], y[rows], seed) for rows in (first, second)]
    both = (
        np.array([f"{a} {b}" for a, b in zip(y[first], y[second], strict=True)])
        if labels
        else np.hstack([y[first], y[second]])
    )
    pairs = {
        "two cells side by side": (np.hstack([x[first], x[second]]), both),
        "rotated": (x @ np.linalg.qr(rng.standard_normal((x.shape[1],) * 2))[0], y),
        "bent": (np.sinh((x - x.mean(0)) / x.std(0)), y),
        "half of the dimensions": (x[:, ::2], y),
    }
    if not labels:
        pairs["exchanged"] = (y, x)
    rows: dict[str, dict[str, Any]] = {}
    for name, (u, v) in pairs.items():
        found = estimator(u, v, seed)
        if name == "two cells side by side":
            expected, error = sum(part.bits for part in parts), _paired(found, parts[0].pointwise + parts[1].pointwise)
        else:
            expected, error = whole.bits, _paired(found, whole.pointwise)
        rule = "at most" if name == "half of the dimensions" else "equal"
        rows[name] = {"bits": found.bits, "rule": rule, "expected": expected, "error": error}
    pointwise = np.concatenate([part.pointwise for part in parts]), whole.pointwise[np.concatenate([first, second])]
    fewer = float(np.mean([part.bits for part in parts]))
    rows["half of the cells"] = {
        "bits": fewer,
        "rule": "equal",
        "expected": whole.bits,
        "error": _standard_error(pointwise[0] - pointwise[1]),
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("check")
    table.insert(3, "off", table["bits"] - table["expected"])
    return table


def _paired(found: Estimate, expected: np.ndarray) -> float:
    return _standard_error(found.pointwise - expected)


def _standard_error(apart: np.ndarray) -> float:
    """Standard error of a mean over cells that have a value."""
    seen = apart[np.isfinite(apart)]
    return float(seen.std(ddof=1) / np.sqrt(len(seen)))


def checked(embeddings: dict[str, np.ndarray], y: np.ndarray, seeds: Sequence[int]) -> pd.DataFrame:
    """Return ``checks`` of ``lmi`` with either kind of code on several embeddings, for ``probe.of_tasks``.

    Returns
    -------
    DataFrame
        Means over seeds of the columns of ``checks``, after ``of``, the embedding, ``estimator`` and ``check``;
        ``error`` is the larger of the mean standard error by cell and the spread over seeds. Labels have one kind of
        code.
    """
    parts = []
    for (name, x), (codes, estimator) in product(embeddings.items(), CODES.items()):
        if is_labels(y) and codes != "predictive codes":
            continue
        tables = pd.concat({seed: checks(x, y, seed, estimator) for seed in seeds}, names=["seed"])
        of_check = tables.groupby("check", sort=False)
        mean = of_check[["bits", "expected", "off", "error"]].mean()
        mean["error"] = np.maximum(mean["error"], of_check["off"].sem().fillna(0))
        mean["rule"] = of_check["rule"].first()
        parts.append(mean.reset_index().assign(of=name, estimator="labels" if is_labels(y) else codes))
    columns = ["of", "estimator", "check", "rule", "bits", "expected", "off", "error"]
    return pd.concat(parts, ignore_index=True)[columns]
