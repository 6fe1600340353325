"""Time the steps of one sweep point against the obvious alternative, in one run; prints ratios.

Run it as ``python benchmarks/measure.py``. Nothing is asserted: machines differ and are noisy.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.optimize import curve_fit, least_squares
from sklearn.neighbors import KDTree

from helpers.datasets import load
from helpers.findings import papers as published
from helpers.information import lmi, lmi_many
from helpers.information.known_pairs import known_pair
from helpers.information.ksg import ksg_pointwise
from helpers.laws import NoiseLaw
from helpers.noise import thin_nested
from helpers.store.rows import Store
from helpers.sweep.calibration import latentmi_package
from helpers.sweep.engine import measure_missing
from helpers.sweep.measurement import Measurement


def seconds(task: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of a few runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def report(name: str, ours: Callable[[], object], theirs: Callable[[], object], alternative: str) -> None:
    """Print one line: our time, the alternative's, and the ratio."""
    line(name, seconds(ours), alternative, seconds(theirs, 1))


def line(name: str, ours: float, alternative: str, theirs: float) -> None:
    """Print one line of times in seconds."""
    print(f"{name:38} {ours:9.3f} s   {alternative:30} {theirs:9.3f} s   ratio {theirs / ours:7.1f}", flush=True)


def dense_thinning(counts: np.ndarray, fractions: list[float]) -> list[np.ndarray]:
    """Thin a dense matrix depth by depth."""
    rng, out, depth = np.random.default_rng(0), [counts], 1.0
    for fraction in fractions:
        out.append(rng.binomial(out[-1], fraction / depth))
        depth = fraction
    return out


def tree_ksg(x: np.ndarray, y: np.ndarray, k: int = 3) -> None:
    """Count neighbours with scikit-learn's k-d trees, as the package NPEET does; one core."""
    joint = np.hstack([x, y])
    reach = KDTree(joint, metric="chebyshev").query(joint, k + 1)[0][:, k]
    for side in (x, y):
        KDTree(side, metric="chebyshev").query_radius(side, np.nextafter(reach, 0), count_only=True)


def fit_all(curves: list[pd.DataFrame]) -> None:
    """Fit every curve with profile intervals."""
    for rows in curves:
        NoiseLaw.fit(rows["umis_per_cell"], rows["mi_bits"]).interval()


def fit_plainly(curves: list[pd.DataFrame]) -> None:
    """Fit every curve from one start, as is usual."""
    for rows in curves:
        curve_fit(lambda u, i_max, log_u_bar: NoiseLaw(i_max, np.exp(log_u_bar))(u), rows["umis_per_cell"],
                  rows["mi_bits"], [1.0, 5.0], bounds=(0, 20))  # fmt: skip


class Toy(Measurement):
    """Rows without a measurement."""

    def measure(self, points: list[dict]) -> list[dict]:
        """Return a row of each point."""
        return [{"dataset": "toy", "settings": "{}", "mi_bits": 1.0, "message": ""} for _ in points]

    def describe(self, point: dict) -> dict:
        """Return the point as its columns."""
        return point

    def batch_key(self, point: dict) -> int:
        """Put all points into one batch."""
        return 0

    def data_hash(self, point: dict) -> str:
        """Return a hash of no data."""
        return "d" * 12

    def check_ready(self, point: dict) -> None:
        """Nothing is needed."""


def stored(n: int) -> None:
    """Read n rows as a table, and find that nothing of their sweep is missing; one file of them cannot be added to."""
    points = [{"modality": "sequences", "n_train": i} for i in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        store, file = Store(folder), Path(folder) / "table.parquet"
        measure_missing(points, store, Toy(), progress=False)
        store.table().drop(columns="parameters").to_parquet(file)
        alternative = "pandas, one parquet file"
        report(f"store, table of {n} rows", store.table, lambda: pd.read_parquet(file), alternative)
        nothing = partial(measure_missing, points, store, Toy(), progress=False)
        report(f"store, sweep of {n}, none missing", nothing, lambda: pd.read_parquet(file), alternative)


def main() -> None:
    """Print the table."""
    depths = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
    cells = load("simulated", n_cells=2000, n_genes=2000, umis_per_cell=1000.0)
    dense = cells.counts.toarray()
    ours, theirs = lambda: thin_nested(cells.counts, depths), lambda: dense_thinning(dense, depths)
    report("thinning, 6 nested depths", ours, theirs, "numpy binomial on dense counts")
    for n, dim in ((4000, 1), (4000, 4), (4000, 8), (4000, 16), (20_000, 4)):
        x, y = known_pair("gaussian", 2.0, n, dim)
        report(
            f"KSG, n={n}, {dim} × {dim}", partial(ksg_pointwise, x, y), partial(tree_ksg, x, y), "scikit-learn trees"
        )
    u = np.geomspace(10, 1e4, 24)
    bits = NoiseLaw(2.0, 300.0)(u) + 0.05 * np.random.default_rng(0).normal(size=24)
    report("noise law, fit and intervals", lambda: NoiseLaw.fit(u, bits).interval(),
           lambda: least_squares(lambda p: NoiseLaw(p[0], np.exp(p[1]))(u) - bits, [1.0, 5.0], bounds=(0, 20)),
           "scipy, one start, no interval")  # fmt: skip
    curves = [rows for _, rows in published.points().groupby([*published.KEYS, "n_train"])]
    report("200 published noise laws and intervals", partial(fit_all, curves), partial(fit_plainly, curves),
           "scipy curve_fit, no interval")  # fmt: skip
    for n in (1000, 4000):
        pairs = [known_pair("gaussian", 2.0, n, 16, seed) for seed in range(16)]
        one, many = partial(lmi, *pairs[0], null=False), partial(lmi_many, pairs, null=False)
        package = seconds(partial(latentmi_package, *pairs[0]), 1)
        for name, ours in (("LMI", seconds(one)), ("LMI of 16 at once, each", seconds(many) / 16)):
            line(f"{name}, n={n}, 16 × 16", ours, "latentmi 0.1.3", package)
    stored(10_000)
    if torch.cuda.is_available():
        x, y = known_pair("gaussian", 2.0, 50_000, 16)
        report("LMI, n=50000, CUDA", partial(lmi, x, y, null=False, device="cuda"),
               partial(lmi, x, y, null=False, device="cpu"), "the same on the CPU")  # fmt: skip


if __name__ == "__main__":
    main()
