"""The best experiment for a budget by a fitted law, and where else the best may be."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from helpers._utils.validation import as_seed, in_range
from helpers.design.pilot import check_usable, knows_cells
from helpers.design.prices import LIBRARY, Prices, pair
from helpers.laws import Fit, TwoVariableLaw
from helpers.laws.base import Law
from helpers.laws.beyond import PredictiveFit

# Points along the budget on which the best is first looked for; the page's calculator uses the same.
GRID = 2400
# How far beyond the deepest point a plan is looked for: as far as limits were seen to hold (``findings.hold_out``).
REACH = 4.0


def _span(given: tuple[float, float], what: str) -> tuple[float, float]:
    """Return a range (low, high) of positive numbers, low below high."""
    given = pair(given, f"the range of {what}", "its low and its high end")
    for end in given:
        in_range(end, 0, 1e300, f"an end of the range of {what}", open_low=True)
    if given[0] >= given[1]:
        raise ValueError(f"the range of {what} is {given[0]:g} to {given[1]:g}: give a low end and a higher one.")
    return given


@dataclass(frozen=True)
class Plan:
    """An experiment: training cells, molecules and reads a cell, its information in bits with limits, its price.

    The 95 % limits are those of a new measurement. ``outside`` says how far it lies beyond the measured points.
    """

    cells: float
    umis: float
    reads: float
    bits: float
    low: float
    high: float
    cost: float
    outside: str

    def order(self, prices: Prices) -> pd.DataFrame:
        """Return what to order: cells, reads, whole lanes of capture and sequencing, and prices."""
        reads = self.cells * self.reads
        rows = {
            "cells": np.floor(self.cells),
            "reads a cell": self.reads,
            "UMIs a cell": self.umis,
            "reads in all": reads,
            "capture lanes": np.ceil(self.cells / prices.lane_cells),
            "sequencing lanes": np.ceil(reads / prices.lane_reads),
            "price of cells": self.cells * prices.per_cell,
            "price of reads": reads * prices.per_million_reads / 1e6,
            "price": self.cost,
        }
        return pd.DataFrame({"amount": rows}).rename_axis("order")


def depth_range(fit: Fit) -> tuple[float, float]:
    """Return the depths a plan is looked for in: from the shallowest point to ``REACH`` times the deepest."""
    u = fit.x[:, 1] if fit.x.ndim == 2 else fit.x
    return float(u.min()), REACH * float(u.max())


def cell_range(fit: Fit) -> tuple[float, float]:
    """Return the numbers of cells a plan is looked for in: from the fewest measured to ten times the most."""
    return float(fit.x[:, 0].min()), 10 * float(fit.x[:, 0].max())


def deepest(budget: float, prices: Prices, depths: tuple[float, float], cells: tuple[float, float]) -> float:
    """Return the greatest depth a budget reaches with the fewest cells, within the range and the library.

    Raises
    ------
    ValueError
        If it is below the shallowest depth of the range.
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    depths, cells = _span(depths, "depths"), _span(cells, "cells")
    if LIBRARY * prices.complexity <= depths[0]:
        raise ValueError(
            f"complexity is {prices.complexity:g}: the library has fewer molecules a cell than the shallowest depth "
            f"considered, {depths[0]:,.0f} UMIs."
        )
    left = (budget / cells[0] - prices.per_cell) / prices.per_million_reads * 1e6
    top = min(depths[1], LIBRARY * prices.complexity, float(prices.umis_for(max(left, 0.0))))
    if top < depths[0]:
        most = float(budget / prices.cell_price(depths[0]))
        raise ValueError(
            f"budget is {budget:g}: it buys at most {most:,.0f} cells of {depths[0]:,.0f} UMIs; "
            f"{cells[0]:,.0f} or more are needed. Raise the budget or lower the prices."
        )
    return top


def along_budget(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: np.ndarray, most: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells (m,) that a budget buys at each depth (m,), and the information of each by a joint law.

    At the complexity of the library or above, no cell is affordable and bits are NaN; where more cells than ``most``
    are affordable, money is left.
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    cells = np.minimum(budget / prices.cell_price(depths), most)
    bits = np.full(len(cells), np.nan)
    bits[cells > 0] = law(cells[cells > 0], np.asarray(depths)[cells > 0])
    return cells, bits


def optimum(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: tuple[float, float], cells: tuple[float, float]
) -> tuple[float, float]:
    """Return the cells and depth that give most information for a budget by a joint law.

    ``depths`` and ``cells`` are ranges (low, high) that the experiment stays in.

    Raises
    ------
    ValueError
        If the budget buys no experiment in these ranges.

    Examples
    --------
    >>> from helpers.laws import JointLaw
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells, umis = optimum(law, 2000, Prices(), (10, 1e5), (10, 1e7))
    >>> round(cells), round(umis)
    (10565, 9321)
    """
    grid = np.geomspace(depths[0], deepest(budget, prices, depths, cells), GRID)
    bits = along_budget(law, budget, prices, grid, cells[1])[1]
    best = int(np.argmax(bits))
    low, high = np.log(grid[max(best - 1, 0)]), np.log(grid[min(best + 1, GRID - 1)])

    def missing(log_u: float) -> float:
        return -float(along_budget(law, budget, prices, np.exp([log_u]), cells[1])[1][0])

    result = minimize_scalar(missing, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    polished = float(np.asarray(result.x))
    umis = float(np.exp(polished)) if missing(polished) < -bits[best] else float(grid[best])
    return float(np.minimum(budget / prices.cell_price(umis), cells[1])), umis


def plan(
    fit: Fit,
    budget: float,
    prices: Prices,
    cells: float | None = None,
    depths: tuple[float, float] | None = None,
    sizes: tuple[float, float] | None = None,
) -> Plan:
    """Return the best experiment for a budget by a fitted law.

    Parameters
    ----------
    fit : Fit of a joint law, or of one of depth alone, which says nothing of cells
    budget, prices : float, Prices
    cells : the number of cells, if it is decided; required with a noise law, where the rest of the budget buys reads
    depths, sizes : ranges (low, high)
        UMIs per cell and cells that the experiment stays in; ``depth_range`` and ``cell_range`` if not given.

    Raises
    ------
    ValueError
        If the budget buys no experiment in these ranges, or the points reject the law.
    """
    check_usable(fit)
    in_range(budget, 0, 1e15, "budget", open_low=True)
    depths, joint = _span(depths or depth_range(fit), "depths"), knows_cells(fit)
    if cells is not None:
        in_range(cells, 1, 1e12, "cells")
        left = (budget / cells - prices.per_cell) / prices.per_million_reads * 1e6
        if left <= 0:
            raise ValueError(f"budget is {budget:g}: {cells:,.0f} cells alone cost {cells * prices.per_cell:,.0f}.")
        number, umis = float(cells), min(float(prices.umis_for(left)), depths[1], LIBRARY * prices.complexity)
    elif isinstance(fit.law, TwoVariableLaw):
        number, umis = optimum(fit.law, budget, prices, depths, sizes or cell_range(fit))
    else:
        raise ValueError("a noise law says nothing of the number of cells: give cells, or measure several numbers.")
    at = np.array([[number, umis]]) if joint else np.array([umis])
    low, high = (float(side[0]) for side in fit.band(at, of_points=True))
    bits = float(np.ravel(fit.law(at))[0])
    reads = float(prices.reads_for(umis))
    return Plan(number, umis, reads, bits, low, high, float(prices.cost(number, umis)), _outside(fit, number, umis))


def _outside(fit: Fit, number: float, umis: float) -> str:
    """Return how far a plan lies outside the measured points, in words; an empty string inside."""
    joint = knows_cells(fit)
    columns = [("cells", number, fit.x[:, 0])] if joint else []
    columns.append(("UMIs per cell", umis, fit.x[:, 1] if joint else fit.x))
    seen = isinstance(fit, PredictiveFit) and not fit.unusual
    places = []
    for what, value, measured in columns:
        least, most = measured.min(), measured.max()
        narrow = ", where the interval is too narrow"
        if value > 1.001 * most:
            tested = seen and what != "cells" and value <= 1.001 * REACH * most
            place = f"{value / most:.1f}-fold beyond the most {what} measured ({most:,.0f})"
            places.append(place if tested else place + narrow)
        if least > 1.001 * value:
            places.append(f"{least / value:.1f}-fold below the fewest {what} measured ({least:,.0f}){narrow}")
    return "; ".join(places)


def draws(fit: Fit, count: int = 300, seed: int = 0) -> list[Law]:
    """Draw laws from the likelihood of a fit, within the edges of its search, by the Metropolis algorithm.

    Steps are drawn from the covariance of the fit; every 20th state after the first 1,000 is kept. Where the points
    leave a parameter free, its draws fill the search and the drawn curves still pass through the points.

    Raises
    ------
    ValueError
        Unless it is a fit with a covariance, of a law that its points do not reject, and count and seed are in range.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u) + 0.05 * np.random.default_rng(0).normal(size=18))
    >>> drawn = [law.i_max for law in draws(fit, 400)]
    >>> bool(0.7 < np.std(drawn) / fit.stderr["i_max"] < 1.4)
    True
    """
    check_usable(fit)
    in_range(count, 1, 1e6, "count", "It is the number of laws to draw.", whole=True)
    seed = as_seed(seed)
    if not np.isfinite(fit.covariance).all():
        raise ValueError(f"the fit is {fit.status}: {fit.message} There is no covariance to draw from.")
    edges = type(fit.law)._limits(fit.x, fit.y)
    low, high = (np.array([np.log(e[i]) if n in fit.law.positive else e[i] for n, e in edges.items()]) for i in (0, 1))
    variance, axes = np.linalg.eigh((fit.search_covariance + fit.search_covariance.T) / 2)
    reach = np.minimum(np.sqrt(np.maximum(variance, 0)), (high - low).min() / 2) * 2.4 / np.sqrt(len(low))
    rng = np.random.default_rng(seed)
    state = np.clip(fit.law._theta(), low, high)
    level, kept = fit.log_likelihood(state), []
    for step in range(1000 + 20 * count):
        trial = state + axes @ (reach * rng.normal(size=len(low)))
        if ((low <= trial) & (trial <= high)).all():
            of_trial = fit.log_likelihood(trial)
            if np.log(rng.random()) < of_trial - level:
                state, level = trial, of_trial
        if step >= 1000 and step % 20 == 0:
            kept.append(fit.law._from_theta(state))
    return kept


def region(fit: Fit, budget: float, prices: Prices, count: int = 300, seed: int = 0) -> pd.DataFrame:
    """Return the optimum of each of ``count`` laws drawn from the likelihood of a fit: where the best may be.

    Returns
    -------
    DataFrame with ``cells``, ``umis`` and ``bits``, what the drawn law gives there

    Raises
    ------
    ValueError
        For a noise law, or where the budget buys no experiment in the ranges of ``depth_range`` and ``cell_range``.
    """
    check_usable(fit)
    if not knows_cells(fit):
        raise ValueError("a noise law says nothing of the number of cells: fit a joint law to several numbers of them.")
    rows = []
    for law in draws(fit, count, seed):
        assert isinstance(law, TwoVariableLaw)
        number, umis = optimum(law, budget, prices, depth_range(fit), cell_range(fit))
        rows.append((number, umis, float(law(number, umis))))
    return pd.DataFrame(rows, columns=["cells", "umis", "bits"])


def iso_information(law: TwoVariableLaw, bits: float, depths: np.ndarray, cells: tuple[float, float]) -> np.ndarray:
    """Return the cells that give ``bits`` at each depth; NaN where no number in the range ``cells`` does.

    Examples
    --------
    >>> from helpers.laws import JointLaw
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells = iso_information(law, 2.0, np.array([10.0, 2000.0]), (10, 1e7))
    >>> bool(np.isnan(cells[0])), round(float(law(cells[1], 2000.0)), 6)
    (True, 2.0)
    """
    in_range(bits, 0, 1e3, "bits")
    ends = np.log(_span(cells, "cells"))

    def above(log_n: float, u: float) -> float:
        return float(law(np.exp(log_n), u)) - bits

    needed = np.full(len(depths), np.nan)
    for i, u in enumerate(depths):
        if above(ends[0], u) <= 0 <= above(ends[1], u):
            needed[i] = np.exp(brentq(above, *ends, args=(u,)))
    return needed


def in_words(best: Plan, budget: float) -> str:
    """Return a plan as one sentence."""
    spent = "" if best.cost > 0.999 * budget else f"{best.cost:,.0f} of "
    sentence = (
        f"For {spent}{budget:,.0f}: {best.cells:,.0f} cells with {best.reads:,.0f} reads "
        f"({best.umis:,.0f} UMIs) each give {best.bits:.2f} bits [{best.low:.2f}, {best.high:.2f}]."
    )
    return sentence + (f" That is {best.outside}." if best.outside else "")
