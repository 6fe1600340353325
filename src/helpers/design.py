"""From a fitted law to an experiment: the depth and the number of cells that a budget should buy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from helpers.checks import choose, in_range
from helpers.laws import Fit, JointLaw, NoiseLaw, TwoVariableLaw
from helpers.laws.base import Law

# Points along the budget on which the best is first looked for; the page's calculator uses the same.
GRID = 2400
# Cells of a plan where nothing says how many.
USUAL_CELLS = 5000.0
SAME_MONEY = "gain of the same money on {} (bits)"


@dataclass(frozen=True)
class Prices:
    """What an experiment costs, in any one currency, and how reads become molecules.

    Reads find molecules at random, so r usable reads of a library with C molecules a cell count
    u = C (1 − exp(−r/C)) different ones (Lander and Waterman 1988). The default values are examples: put in your own.

    Parameters
    ----------
    per_cell : float > 0
        Price of capturing one cell and making its library.
    per_million_reads : float > 0
        Price of sequencing.
    usable : float in (0, 1]
        Share of reads that map, carry a barcode of a cell, and fall into the counted genes.
    complexity : float > 0
        Molecules C a cell in the library; infinite for no saturation.
    lane_cells, lane_reads : float > 0
        Cells that one capture lane, and reads that one sequencing lane, can take; for the order list.

    Examples
    --------
    >>> prices = Prices(per_cell=0.1, per_million_reads=4.0, usable=0.5, complexity=20_000)
    >>> round(float(prices.reads_for(10_000))), round(float(prices.umis_for(27_726)))
    (27726, 10000)
    >>> round(float(prices.cost(1000, 10_000)), 1)
    210.9
    """

    per_cell: float = 0.1
    per_million_reads: float = 4.0
    usable: float = 0.5
    complexity: float = 30_000.0
    lane_cells: float = 10_000.0
    lane_reads: float = 4e8

    def __post_init__(self) -> None:
        """Check every price."""
        for name in ("per_cell", "per_million_reads", "lane_cells", "lane_reads"):
            in_range(getattr(self, name), 0, 1e15, name, open_low=True)
        in_range(self.usable, 0, 1, "usable", "It is a share of reads: 0.5 is half.", open_low=True)
        if self.complexity != np.inf:
            in_range(self.complexity, 0, 1e15, "complexity", "It is molecules a cell; inf for none.", open_low=True)

    def reads_for(self, umis: Any) -> np.ndarray:
        """Return the reads a cell that count ``umis`` molecules; infinite at or above the complexity."""
        umis = np.asarray(umis, float)
        if self.complexity == np.inf:
            return umis / self.usable
        share = umis / self.complexity
        return np.where(share < 1, -np.log1p(-np.minimum(share, 1 - 1e-16)) * self.complexity / self.usable, np.inf)

    def umis_for(self, reads: Any) -> np.ndarray:
        """Return the molecules counted with ``reads`` a cell."""
        useful = np.asarray(reads, float) * self.usable
        return useful if self.complexity == np.inf else -self.complexity * np.expm1(-useful / self.complexity)

    def cell_price(self, umis: Any) -> np.ndarray:
        """Return the price of one cell of a depth, capture and reads."""
        return self.per_cell + self.reads_for(umis) * self.per_million_reads / 1e6

    def cost(self, cells: Any, umis: Any) -> np.ndarray:
        """Return the price of an experiment; lanes are not rounded up here."""
        return np.asarray(cells, float) * self.cell_price(umis)


@dataclass(frozen=True)
class Plan:
    """An experiment: cells, molecules and reads a cell, its information in bits with limits, its price."""

    cells: float
    umis: float
    reads: float
    bits: float
    low: float
    high: float
    cost: float
    at_edge: str

    def order(self, prices: Prices) -> pd.DataFrame:
        """Return what to order: cells, reads, whole lanes of capture and sequencing, and prices."""
        reads = self.cells * self.reads
        rows = {
            "cells": np.floor(self.cells), "reads a cell": self.reads, "UMIs a cell": self.umis,
            "reads in all": reads, "capture lanes": np.ceil(self.cells / prices.lane_cells),
            "sequencing lanes": np.ceil(reads / prices.lane_reads),
            "price of cells": self.cells * prices.per_cell, "price of reads": reads * prices.per_million_reads / 1e6,
            "price": self.cost,
        }  # fmt: skip
        return pd.DataFrame({"amount": rows}).rename_axis("order")


def depth_range(fit: Fit) -> tuple[float, float]:
    """Return the depths a plan is looked for in: from the shallowest point to ten times the deepest."""
    u = fit.x[:, 1] if fit.x.ndim == 2 else fit.x
    return float(u.min()), 10 * float(u.max())


def cell_range(fit: Fit) -> tuple[float, float]:
    """Return the numbers of cells a plan is looked for in: from the fewest measured to ten times the most."""
    return float(fit.x[:, 0].min()), 10 * float(fit.x[:, 0].max())


def along_budget(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells that a budget buys at each depth, and the information of each such experiment.

    Parameters
    ----------
    law : a joint law
    budget : float > 0
    depths : (m,) array

    Returns
    -------
    cells (m,), bits (m,)
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    cells = budget / prices.cell_price(depths)
    bits = np.full(len(depths), -np.inf)
    bits[cells > 0] = law(cells[cells > 0], depths[cells > 0])
    return cells, bits


def optimum(
    law: TwoVariableLaw,
    budget: float,
    prices: Prices,
    depths: tuple[float, float],
    cells: tuple[float, float],
) -> tuple[float, float]:
    """Return the cells and depth that give most information for a budget.

    Parameters
    ----------
    law : a joint law
    budget : float
    prices : Prices
    depths, cells : ranges (low, high) that the experiment stays in

    Raises
    ------
    ValueError
        If the budget buys no experiment in these ranges.

    Examples
    --------
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells, umis = optimum(law, 2000, Prices(), (10, 1e5), (10, 1e7))
    >>> round(cells), round(umis)
    (10565, 9321)
    """
    # A library gives at most its molecules, and the last of them at any price.
    grid = np.geomspace(depths[0], min(depths[1], (1 - 1e-6) * prices.complexity), GRID)
    number, bits = along_budget(law, budget, prices, grid)
    allowed = (number >= cells[0]) & (number <= cells[1]) & np.isfinite(bits)
    if not allowed.any():
        # More money than the largest experiment costs buys that one.
        if number.min() > cells[1]:
            return cells[1], float(grid[-1])
        most = float(budget / prices.cell_price(depths[0]))
        raise ValueError(
            f"budget is {budget:g}: it buys at most {most:,.0f} cells of {depths[0]:,.0f} UMIs; "
            f"{cells[0]:,.0f} or more are needed. Raise the budget or lower the prices."
        )
    best = int(np.argmax(np.where(allowed, bits, -np.inf)))
    inside = np.flatnonzero(allowed)
    low, high = max(best - 1, inside[0]), min(best + 1, inside[-1])
    if low == high:
        return float(number[best]), float(grid[best])
    found = minimize_scalar(
        lambda log_u: -float(law(budget / prices.cell_price(np.exp(log_u)), np.exp(log_u))),
        bounds=(np.log(grid[low]), np.log(grid[high])),
        method="bounded",
        options={"xatol": 1e-8},
    )
    umis = float(np.exp(found.x)) if -found.fun > bits[best] else float(grid[best])
    return float(budget / prices.cell_price(umis)), umis


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
    fit : Fit of a joint law, or of a ``NoiseLaw``, which says nothing of cells
    budget : float
    prices : Prices
    cells : float
        The number of cells, if it is decided; required with a noise law, where the rest of the budget buys reads.
    depths, sizes : ranges (low, high)
        UMIs per cell and cells that the experiment stays in; ``depth_range`` and ``cell_range`` if not given.

    Raises
    ------
    ValueError
        If the budget buys no experiment in these ranges.
    """
    depths = depths or depth_range(fit)
    if cells is not None:
        in_range(cells, 1, 1e12, "cells")
        left = (budget / cells - prices.per_cell) / prices.per_million_reads * 1e6
        if left <= 0:
            raise ValueError(f"budget is {budget:g}: {cells:,.0f} cells alone cost {cells * prices.per_cell:,.0f}.")
        umis = min(float(prices.umis_for(left)), depths[1])
        number = float(cells)
    elif isinstance(fit.law, TwoVariableLaw):
        sizes = sizes or cell_range(fit)
        number, umis = optimum(fit.law, budget, prices, depths, sizes)
    else:
        raise ValueError("a noise law says nothing of the number of cells: give cells, or measure several numbers.")
    at = np.array([[number, umis]]) if isinstance(fit.law, TwoVariableLaw) else np.array([umis])
    low, high = (float(side[0]) for side in fit.band(at))
    bits = float(np.ravel(fit.law(at))[0])
    edge = _edge(number, umis, depths, sizes)
    reads = float(prices.reads_for(umis))
    return Plan(number, umis, reads, bits, low, high, float(prices.cost(number, umis)), edge)


def _edge(number: float, umis: float, depths: tuple[float, float], sizes: tuple[float, float] | None) -> str:
    told = []
    for value, limits, what in ((umis, depths, "UMIs per cell"), (number, sizes, "cells")):
        for limit, side in zip(limits or (), ("fewest", "most"), strict=False):
            if abs(np.log(value / limit)) < 1e-3:
                told.append(f"the {side} {what} considered ({limit:,.0f})")
    return " and ".join(told)


def draws(fit: Fit, count: int = 300, seed: int = 0) -> list[Law]:
    """Draw laws from the likelihood of a fit, within the edges of its search, by the Metropolis algorithm.

    Steps are drawn from the covariance of the fit; every 20th state after the first 1,000 is kept. Where the points
    leave a parameter free, its draws fill the search and the drawn curves still pass through the points.

    Raises
    ------
    ValueError
        If the points do not give a covariance.

    Examples
    --------
    >>> u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u) + 0.05 * np.random.default_rng(0).normal(size=18))
    >>> drawn = [law.i_max for law in draws(fit, 400)]
    >>> bool(0.7 < np.std(drawn) / fit.stderr["i_max"] < 1.4)
    True
    """
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


def region(
    fit: Fit, budget: float, prices: Prices, count: int = 300, seed: int = 0,
    depths: tuple[float, float] | None = None, sizes: tuple[float, float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the optimum of each of ``count`` laws drawn from the likelihood of a fit: where the best may be.

    Returns
    -------
    DataFrame with ``cells``, ``umis`` and ``bits``, what the drawn law gives there
    """
    depths, sizes = depths or depth_range(fit), sizes or cell_range(fit)
    rows = []
    for law in draws(fit, count, seed):
        assert isinstance(law, TwoVariableLaw)
        number, umis = optimum(law, budget, prices, depths, sizes)
        rows.append((number, umis, float(law(number, umis))))
    return pd.DataFrame(rows, columns=["cells", "umis", "bits"])


def iso_information(law: TwoVariableLaw, bits: float, depths: np.ndarray, cells: tuple[float, float]) -> np.ndarray:
    """Return the cells that give ``bits`` at each depth; NaN where no number in the range ``cells`` does.

    Examples
    --------
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells = iso_information(law, 2.0, np.array([10.0, 2000.0]), (10, 1e7))
    >>> bool(np.isnan(cells[0])), round(float(law(cells[1], 2000.0)), 6)
    (True, 2.0)
    """
    ends = np.log(cells)
    found = np.full(len(depths), np.nan)
    for i, u in enumerate(depths):

        def above(log_n: float, u: float = u) -> float:
            return float(law(np.exp(log_n), u)) - bits

        if above(ends[0]) <= 0 <= above(ends[1]):
            found[i] = np.exp(brentq(above, *ends))
    return found


def advice(fit: Fit, now: tuple[float, float], prices: Prices, share: float = 0.9, level: float = 0.95) -> pd.DataFrame:
    """Return what a fitted law says of an experiment as it is: losses, gains, and what to buy next.

    Parameters
    ----------
    fit : Fit of a joint law or a ``NoiseLaw``
    now : cells and UMIs per cell of the experiment
    prices : Prices
    share : float in (0, 1)
        Target, as a share of what unlimited depth would give with these cells.

    Returns
    -------
    DataFrame
        One row a quantity with its confidence limits. "Gain of the same money" compares spending the price of the
        whole experiment once more on cells or on depth.
    """
    in_range(share, 0, 1, "share", open_low=True)
    joint = isinstance(fit.law, TwoVariableLaw)
    cells, u = now

    def at(law: Any, n: float, depth: float) -> float:
        return float(law(n, depth)) if joint else float(law(depth))

    def top(law: Any) -> float:
        return at(law, cells, np.inf)

    def needed(law: Any) -> float:
        goal = share * top(law)
        if at(law, cells, 1e-6) >= goal:
            return 1e-6
        return float(np.exp(brentq(lambda x: at(law, cells, np.exp(x)) - goal, np.log(1e-6), np.log(1e15))))

    cost = float(prices.cost(cells, u))
    deeper = float(prices.umis_for((2 * cost / cells - prices.per_cell) / prices.per_million_reads * 1e6))
    wanted: dict[str, tuple[Callable[[Any], float], bool]] = {
        "information now (bits)": (lambda law: at(law, cells, u), False),
        "with these cells and unlimited depth (bits)": (top, False),
        "lost to noise now (bits)": (lambda law: top(law) - at(law, cells, u), False),
        f"depth for {share:.0%} of that (UMIs per cell)": (needed, True),
        "price of that depth with these cells": (lambda law: float(prices.cost(cells, needed(law))), True),
        "gain from 10× depth (bits)": (lambda law: at(law, cells, 10 * u) - at(law, cells, u), False),
    }
    if joint:
        wanted |= {
            "gain from 10× cells (bits)": (lambda law: at(law, 10 * cells, u) - at(law, cells, u), False),
            SAME_MONEY.format("cells"): (lambda law: at(law, 2 * cells, u) - at(law, cells, u), False),
        }
    wanted[SAME_MONEY.format("reads")] = (lambda law: at(law, cells, deeper) - at(law, cells, u), False)
    rows = {name: fit.derived(of, level, positive) for name, (of, positive) in wanted.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"]).rename_axis("quantity")


def what_to_buy(table: pd.DataFrame) -> str:
    """Return one sentence on what the same money buys best, from ``advice`` of a joint law."""
    names = {what: SAME_MONEY.format(what) for what in ("cells", "reads")}
    told = {what: table.loc[name] for what, name in names.items() if name in table.index}
    if "cells" not in told:
        return "The points do not say what more cells would give: measure several numbers of cells."
    first, second = sorted(told, key=lambda what: -told[what]["estimate"])
    gains = {what: f"{v['estimate']:.2f} bits [{v['low']:.2f}, {v['high']:.2f}]" for what, v in told.items()}
    unclear = "" if told[first]["low"] > told[second]["high"] else ", though the intervals overlap"
    return f"Buy {first}: as much money again gives {gains[first]} on {first}, {gains[second]} on {second}{unclear}."


def fit_pilot(points: pd.DataFrame, source: str = "the pilot") -> Fit:
    """Fit a law to a user's own points: a joint law if there are several numbers of cells, else a noise law.

    Parameters
    ----------
    points : DataFrame with the columns ``u`` (UMIs per cell) and ``bits``, and ``n`` (training cells) if measured
    source : what to call it in errors

    Raises
    ------
    ValueError
        For missing columns.
    """
    for column in ("u", "bits"):
        if column not in points:
            raise ValueError(f"{source} has no column {column!r}: it has {', '.join(points.columns)}.")
    if "n" in points and points["n"].nunique() > 1:
        return JointLaw.fit(points["n"], points["u"], points["bits"], extrapolate=True)
    return NoiseLaw.fit(points["u"], points["bits"])


def fit_published(name: str) -> Fit:
    """Fit the joint law to a grid that the papers released.

    Parameters
    ----------
    name : dataset, signal and representation, such as "pbmc_citeseq protein pca"

    Examples
    --------
    >>> fit_published("larry clone scvi").n_points
    100
    """
    from helpers import published
    from helpers.laws.compare import grid_means

    grids = {" ".join(key): grid for key, grid in grid_means(published.points(), published.KEYS).items()}
    grid = grids[choose(name, grids, "published curve")]
    return JointLaw.fit(grid["n"], grid["u"], grid["bits"])


def knows_cells(fit: Fit) -> bool:
    """Return whether the fitted law has the number of cells in it."""
    return isinstance(fit.law, TwoVariableLaw)


def in_words(best: Plan, budget: float) -> str:
    """Return a plan as one sentence."""
    told = (
        f"For {budget:,.0f}: {best.cells:,.0f} cells with {best.reads:,.0f} reads ({best.umis:,.0f} UMIs) each give "
        f"{best.bits:.2f} bits [{best.low:.2f}, {best.high:.2f}] for {best.cost:,.0f}."
    )
    return told + (f" It lies at {best.at_edge}: the points say nothing beyond." if best.at_edge else "")


def with_prices(prices: Prices, **given: float | None) -> Prices:
    """Return prices with those replaced that are given.

    >>> with_prices(Prices(), per_cell=0.2, usable=None).per_cell
    0.2
    """
    return replace(prices, **{name: value for name, value in given.items() if value is not None})
