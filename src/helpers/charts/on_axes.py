"""Curves on Matplotlib axes, for papers: points with intervals, fitted laws, the ceiling."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, GREY
from helpers.laws import Fit


def draw(ax: Any, points: pd.DataFrame, fits: dict[str, Fit], x: str, ceiling: float | None = None) -> Any:
    """Draw seed means with 95 % intervals and fitted laws on Matplotlib axes, and return them.

    A law that the points reject is dotted and has no band.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    points : DataFrame from ``seed_means`` with a column ``curve``
    fits : dict of curve → Fit
    x : "umis_per_cell" or "n_train"
    ceiling : the most information there can be, drawn as a dashed line

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import matplotlib.pyplot as plt
    >>> points = pd.DataFrame({"curve": "a", "noise_level": [1.0, 0.1], "probe_noise_level": [1.0, 0.1], "seed": 0,
    ...     "n_train": 50, "umis_per_cell": [900.0, 90.0], "mi_bits": [2.0, 1.0], "mi_stderr_bits": 0.1,
    ...     "mi_null_bits": 0.0})
    >>> draw(plt.figure().subplots(), points, {}, "umis_per_cell").get_xscale()
    'log'
    """
    means = parts.spread(points, x, "curve")
    for colour, (name, rows) in zip(COLOURS * len(means), means.groupby("curve"), strict=False):
        bars = [rows["bits"] - rows["low"], rows["high"] - rows["bits"]]
        ax.errorbar(rows[x], rows["bits"], np.array(bars), fmt="o", ms=4, color=colour, label=str(name), capsize=2)
        if name in fits:
            _law(ax, fits[name], colour)
    if ceiling is not None:
        ax.axhline(ceiling, color=GREY, ls="--", lw=1)
        ax.annotate(
            f"ceiling {ceiling:.2f} bits",
            (0.02, ceiling),
            xycoords=("axes fraction", "data"),
            va="bottom",
            fontsize="small",
            color=GREY,
        )
    ax.set_xscale("log")
    ax.set_xlabel("UMIs per cell" if x == "umis_per_cell" else "training cells")
    ax.set_ylabel(BITS)
    ax.legend(fontsize="small", frameon=False)
    return ax


def _law(ax: Any, fit: Fit, colour: str) -> None:
    grid = np.geomspace(fit.x.min() / 1.5, fit.x.max() * 1.5, 120)
    rejected = fit.status == "misfit"
    ax.plot(grid, fit.predict(grid), color=colour, ls=":" if rejected else "-", lw=1.5)
    low, high = fit.band(grid)
    if not rejected and np.isfinite([low, high]).all():
        ax.fill_between(grid, low, high, color=colour, alpha=0.15, lw=0)
