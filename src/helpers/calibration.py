"""Estimators against pairs of variables whose information is known exactly."""

import inspect
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from helpers import checks
from helpers.checks import choose, in_range
from helpers.information import Estimate, discrete, estimate, ksg, lmi, nets
from helpers.store import Store, code_hash
from helpers.sweep import Kind, Point, fill

# Pairs with 0 bits show the null directly, so LMI's own permuted null, which doubles its time, is left out.
ESTIMATORS: dict[str, Callable[..., Estimate]] = {"lmi": partial(lmi, null=False), "ksg": ksg}


def gaussian_pair(bits: float, n: int, dim: int, seed: int = 0, rank: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Draw x and y, Gaussian with ``dim`` dimensions each, that share exactly ``bits``.

    The information sits equally in ``min(rank, dim)`` hidden pairs of directions, each correlated by
    ρ = √(1 − 4^(−bits/rank)); both variables are then rotated at random, so that every coordinate
    carries some of it and most directions are noise.

    Examples
    --------
    >>> x, y = gaussian_pair(bits=1.0, n=50, dim=3)
    >>> x.shape, y.shape
    ((50, 3), (50, 3))
    """
    in_range(bits, 0, 50, "bits")
    in_range(n, 2, 1e8, "n")
    in_range(dim, 1, 10_000, "dim")
    rank = int(min(rank, dim))
    rng = np.random.default_rng(seed)
    rho = np.sqrt(-np.expm1(-bits / rank * np.log(4)))
    x, y = rng.standard_normal((2, n, dim))
    y[:, :rank] = rho * x[:, :rank] + np.sqrt(1 - rho**2) * y[:, :rank]
    turn = [np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(2)]
    return x @ turn[0], y @ turn[1]


def calibrate(
    store: Store,
    estimators: list[str],
    bits: list[float],
    n: list[int],
    dims: list[int],
    seeds: list[int],
    progress: bool = True,
) -> pd.DataFrame:
    """Run estimators on Gaussian pairs of every combination; what the store has is not run again.

    Returns
    -------
    DataFrame
        One row an estimate: ``representation`` is the estimator, ``mi_ceiling_bits`` the exact answer,
        ``n_probe`` the number of pairs, ``dim`` the dimensions of each variable.
    """
    points = [
        {
            "task": "gaussian",
            "estimator": choose(e, ESTIMATORS, "estimator"),
            "bits": b,
            "n": m,
            "dim": d,
            "seed": s,
        }
        for e, b, m, d, s in itertools.product(estimators, bits, n, dims, seeds)
    ]
    return fill(points, store, _EXACT, progress, "calibrating")


def _describe(point: Point) -> dict[str, Any]:
    return {
        "dataset": point["task"], "modality": "known answer", "signal": "gaussian", "noise_kind": "none",
        "representation": point["estimator"], "n_probe": point["n"], "dim": point["dim"],
        "seed": point["seed"], "fold": 0, "mi_ceiling_bits": point["bits"],
    }  # fmt: skip


def _measure(point: Point) -> dict[str, Any]:
    x, y = gaussian_pair(point["bits"], point["n"], point["dim"], point["seed"])
    found = ESTIMATORS[point["estimator"]](x, y, seed=point["seed"])
    return {"mi_bits": found.bits, "mi_stderr_bits": found.stderr, "mi_null_bits": found.null_bits}


def _code(point: Point) -> str:
    modules: list[Any] = [checks, discrete, estimate, ksg, lmi, nets]
    return code_hash([inspect.getfile(m) for m in modules] + [__file__])


_EXACT = Kind(_measure, _describe, lambda point: "exact", _code)
