"""Time the steps of one sweep point against the obvious alternative, in one run; prints ratios.

Run it as ``python benchmarks/measure.py``. Nothing is asserted: machines differ and are noisy.
"""

import contextlib
import io
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import least_squares
from sklearn.feature_selection import mutual_info_regression

from helpers.calibration import gaussian_pair
from helpers.datasets import load
from helpers.information import ksg, lmi
from helpers.laws import NoiseLaw
from helpers.noise import thin_nested


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
    a, b = seconds(ours), seconds(theirs, 1)
    print(f"{name:34} {a:9.3f} s   {alternative:36} {b:9.3f} s   ratio {b / a:7.1f}")


def dense_thinning(counts: np.ndarray, fractions: list[float]) -> list[np.ndarray]:
    """Thin a dense matrix depth by depth."""
    rng, out, depth = np.random.default_rng(0), [counts], 1.0
    for fraction in fractions:
        out.append(rng.binomial(out[-1], fraction / depth))
        depth = fraction
    return out


def latentmi_package(x: np.ndarray, y: np.ndarray) -> None:
    """Run the published estimator with its defaults."""
    from latentmi import lmi as published

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        published.estimate(x, y, quiet=True)


def main() -> None:
    """Print the table."""
    depths = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
    cells = load("simulated", n_cells=2000, n_genes=2000, umis_per_cell=1000.0)
    dense = cells.counts.toarray()
    ours, theirs = lambda: thin_nested(cells.counts, depths), lambda: dense_thinning(dense, depths)
    report("thinning, 6 nested depths", ours, theirs, "numpy binomial on dense counts")
    x, y = gaussian_pair(2.0, 4000, 1)
    report("KSG, n=4000, 1 × 1", lambda: ksg(x, y), lambda: mutual_info_regression(x, y[:, 0]), "scikit-learn, one KSG")
    u = np.geomspace(10, 1e4, 24)
    bits = NoiseLaw(2.0, 300.0)(u) + 0.05 * np.random.default_rng(0).normal(size=24)
    report("noise law, fit and intervals", lambda: NoiseLaw.fit(u, bits).interval(),
           lambda: least_squares(lambda p: NoiseLaw(p[0], np.exp(p[1]))(u) - bits, [1.0, 5.0], bounds=(0, 20)),
           "scipy, one start, no interval")  # fmt: skip
    x, y = gaussian_pair(2.0, 1000, 16)
    report("LMI, n=1000, 16 × 16, 2 bits", lambda: lmi(x, y, null=False), lambda: latentmi_package(x, y),
           "latentmi 0.1.3")  # fmt: skip


if __name__ == "__main__":
    main()
