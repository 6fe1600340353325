"""Estimators against pairs of variables whose information is known exactly."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import as_labels, choose, is_labels
from helpers.information import Estimate, cca, ksg, lmi_many
from helpers.information.known_pairs import TASKS, known_pair
from helpers.information.latentmi import latentmi_package
from helpers.store.rows import Store
from helpers.sweep.data import Point
from helpers.sweep.engine import measure_missing
from helpers.sweep.measurement import Measurement, information_columns


def nearest_neighbours(x: np.ndarray, y: np.ndarray, seed: int = 0) -> Estimate:
    """KSG in the space as given, each axis scaled; for labels the estimator of Ross."""
    x, y = (v if is_labels(v) else (v - v.mean(axis=0)) / v.std(axis=0) for v in (x, y))
    return ksg(x, 10 * (np.ptp(x) + 1.0) * as_labels(y, "y") if is_labels(y) else y, seed=seed)


def _each(estimator: Callable[..., Estimate]) -> Callable[..., list[Estimate]]:
    return lambda pairs, seed: [estimator(x, y, seed=seed) for x, y in pairs]


# Pairs with 0 bits show the null directly, so LMI's own permuted null, which doubles its time, is left out.
ESTIMATORS: dict[str, Callable[..., list[Estimate]]] = {
    "lmi": partial(lmi_many, null=False),
    "lmi_bound": partial(lmi_many, null=False, label_method="bound"),
    "lmi_one_hot": partial(lmi_many, null=False, label_method="one_hot"),
    "ksg": _each(nearest_neighbours),
    "cca": _each(cca),
    "latentmi": _each(latentmi_package),
}


class PairMeasurement(Measurement):
    """Pairs with a known answer: drawn from a formula, so of no data set."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the estimates of points of one ``batch_key``."""
        pairs = [known_pair(p["task"], p["bits"], p["n"], p["dim"], p["seed"]) for p in points]
        estimates = ESTIMATORS[points[0]["estimator"]](pairs, seed=points[0]["seed"])
        return [
            {**information_columns(estimate, point["bits"]), "seconds": round(estimate.seconds, 3)}
            for point, estimate in zip(points, estimates, strict=True)
        ]

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide."""
        return {
            "dataset": point["task"],
            "modality": "known answer",
            "signal": "exact",
            "noise_kind": "none",
            "representation": point["estimator"],
            "n_probe": point["n"],
            "dim": point["dim"],
            "seed": point["seed"],
            "fold": 0,
            "mi_ceiling_bits": point["bits"],
        }

    def batch_key(self, point: Point) -> tuple:
        """Pairs of one shape and seed are estimated in one call, by estimators that gain from it."""
        alone = () if point["estimator"].startswith("lmi") else (point["task"], point["bits"])
        return point["estimator"], point["n"], point["dim"], point["seed"], *alone

    def data_hash(self, point: Point) -> str:
        """Return the same for all: the formula is part of the method."""
        return "exact"

    def check_ready(self, point: Point) -> None:
        """Pairs need no data."""


KNOWN_ANSWER = PairMeasurement()


def calibrate(
    store: Store,
    estimators: list[str],
    bits: list[float],
    n: list[int],
    dims: list[int],
    seeds: list[int],
    tasks: list[str] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run estimators on known pairs of every combination; what the store has is not run again.

    One row an estimate: ``dataset`` is the task ("gaussian" unless given), ``representation`` the estimator,
    ``mi_ceiling_bits`` the exact answer, ``n_probe`` the number of pairs, ``dim`` the dimensions of each variable,
    ``bias`` the estimate minus the exact answer.
    """
    for name in estimators:
        choose(name, ESTIMATORS, "estimator")
    points = [
        {"task": choose(task, TASKS, "task"), "estimator": e, "bits": b, "n": m, "dim": d, "seed": s}
        for e, m, d, s, task, b in itertools.product(estimators, n, dims, seeds, tasks or ["gaussian"], bits)
    ]
    table = measure_missing(points, store, KNOWN_ANSWER, progress, "calibrating")
    return table.assign(bias=table["mi_bits"] - table["mi_ceiling_bits"])


def bias_table(table: pd.DataFrame, *rows: str) -> pd.DataFrame:
    """Return the mean bias in bits, one column an exact answer, of a table of ``calibrate``."""
    named = table.rename(columns={"mi_ceiling_bits": "exact bits"})
    return named.pivot_table(index=list(rows), columns="exact bits", values="bias").round(2)
