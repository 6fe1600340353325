"""From a fitted law to an experiment: the depth and the number of cells that a budget should buy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from helpers._utils.validation import as_seed, brief, choose, in_range
from helpers.laws import Fit, JointLaw, NoiseLaw, TwoVariableLaw
from helpers.laws.base import Law, check_fit

# Points along the budget on which the best is first looked for; the page's calculator uses the same.
GRID = 2400
# Share of a library that a plan may count: the last molecules take any number of reads.
LIBRARY = 0.999
# Cells of a plan where nothing says how many.
USUAL_CELLS = 5000.0
SAME_MONEY = "gain of the same money on {} (bits)"
# Bits below which more money buys nothing.
WORTHWHILE = 0.005
DIFFERENCE = "that gain on cells less that on reads (bits)"


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
        umis = _amount(umis, "UMIs per cell")
        if self.complexity == np.inf:
            return umis / self.usable
        share = umis / self.complexity
        return np.where(share < 1, -np.log1p(-np.minimum(share, 1 - 1e-16)) * self.complexity / self.usable, np.inf)

    def umis_for(self, reads: Any) -> np.ndarray:
        """Return the molecules counted with ``reads`` a cell."""
        useful = _amount(reads, "reads a cell") * self.usable
        return useful if self.complexity == np.inf else -self.complexity * np.expm1(-useful / self.complexity)

    def cell_price(self, umis: Any) -> np.ndarray:
        """Return the price of one cell of a depth, capture and reads."""
        return self.per_cell + self.reads_for(umis) * self.per_million_reads / 1e6

    def cost(self, cells: Any, umis: Any) -> np.ndarray:
        """Return the price of an experiment; lanes are not rounded up here."""
        return _amount(cells, "cells") * self.cell_price(umis)


def _amount(values: Any, what: str) -> np.ndarray:
    """Return amounts as floats: 0 or more, infinity included."""
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iuf" or not (numbers >= 0).all():
        raise ValueError(f"{what} hold {values!r}: give numbers of 0 or more.")
    return numbers.astype(float)


def _pair(given: Any, what: str, ends: str) -> tuple[Any, Any]:
    """Return two values as they are, or raise naming them."""
    values = tuple(given) if np.iterable(given) and not isinstance(given, str) else ()
    if len(values) != 2:
        raise ValueError(f"{what} is {brief(given)}: give {ends}.")
    return values


def _span(given: tuple[float, float], what: str) -> tuple[float, float]:
    """Return a range (low, high) of positive numbers, low below high."""
    given = _pair(given, f"the range of {what}", "its low and its high end")
    for end in given:
        in_range(end, 0, 1e300, f"an end of the range of {what}", open_low=True)
    if given[0] >= given[1]:
        raise ValueError(f"the range of {what} is {given[0]:g} to {given[1]:g}: give a low end and a higher one.")
    return given


@dataclass(frozen=True)
class Plan:
    """An experiment: cells, molecules and reads a cell, its information in bits with limits, its price.

    ``outside`` says how far it lies beyond the measured points, where its limits are too narrow.
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
    """Return the cells that a budget buys at each depth, ``most`` at the most, and the information of each.

    Parameters
    ----------
    law : a joint law
    budget : float > 0
    prices : Prices
    depths : (m,) array
        UMIs per cell; at the complexity of the library or above, no cell is affordable and bits are NaN.
    most : float
        Where more cells are affordable, money is left.

    Returns
    -------
    cells (m,), bits (m,)
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    cells = np.minimum(budget / prices.cell_price(depths), most)
    bits = np.full(len(cells), np.nan)
    bits[cells > 0] = law(cells[cells > 0], np.asarray(depths)[cells > 0])
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
    grid = np.geomspace(depths[0], deepest(budget, prices, depths, cells), GRID)
    bits = along_budget(law, budget, prices, grid, cells[1])[1]
    best = int(np.argmax(bits))
    low, high = np.log(grid[max(best - 1, 0)]), np.log(grid[min(best + 1, GRID - 1)])

    def missing(log_u: float) -> float:
        return -float(along_budget(law, budget, prices, np.exp([log_u]), cells[1])[1][0])

    found = minimize_scalar(missing, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    polished = float(np.asarray(found.x))
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
    check_fit(fit)
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
    low, high = (float(side[0]) for side in fit.band(at))
    bits = float(np.ravel(fit.law(at))[0])
    reads = float(prices.reads_for(umis))
    return Plan(number, umis, reads, bits, low, high, float(prices.cost(number, umis)), _outside(fit, number, umis))


def _outside(fit: Fit, number: float, umis: float) -> str:
    """Return how far a plan lies outside the measured points, in words; an empty string inside."""
    joint = knows_cells(fit)
    columns = [("cells", number, fit.x[:, 0])] if joint else []
    columns.append(("UMIs per cell", umis, fit.x[:, 1] if joint else fit.x))
    told = []
    for what, value, measured in columns:
        for end, fold in ((measured.max(), value / measured.max()), (measured.min(), measured.min() / value)):
            if fold > 1.001:
                side = "beyond the most" if end == measured.max() else "below the fewest"
                told.append(f"{fold:.1f}-fold {side} {what} measured ({end:,.0f})")
    return " and ".join(told)


def draws(fit: Fit, count: int = 300, seed: int = 0) -> list[Law]:
    """Draw laws from the likelihood of a fit, within the edges of its search, by the Metropolis algorithm.

    Steps are drawn from the covariance of the fit; every 20th state after the first 1,000 is kept. Where the points
    leave a parameter free, its draws fill the search and the drawn curves still pass through the points.

    Raises
    ------
    ValueError
        For what is no fit, one whose points do not give a covariance, or a count or seed out of range.

    Examples
    --------
    >>> u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u) + 0.05 * np.random.default_rng(0).normal(size=18))
    >>> drawn = [law.i_max for law in draws(fit, 400)]
    >>> bool(0.7 < np.std(drawn) / fit.stderr["i_max"] < 1.4)
    True
    """
    check_fit(fit)
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


def region(
    fit: Fit, budget: float, prices: Prices, count: int = 300, seed: int = 0,
    depths: tuple[float, float] | None = None, sizes: tuple[float, float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the optimum of each of ``count`` laws drawn from the likelihood of a fit: where the best may be.

    Returns
    -------
    DataFrame with ``cells``, ``umis`` and ``bits``, what the drawn law gives there

    Raises
    ------
    ValueError
        For a noise law, or where the budget buys no experiment in these ranges.
    """
    check_fit(fit)
    if not knows_cells(fit):
        raise ValueError("a noise law says nothing of the number of cells: fit a joint law to several numbers of them.")
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
    in_range(bits, 0, 1e3, "bits")
    ends = np.log(_span(cells, "cells"))
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

    Raises
    ------
    ValueError
        For what is no fit, no pair of cells and depth, or a number out of range.
    """
    check_fit(fit)
    in_range(share, 0, 0.999, "share", "It is below 1: all of it needs unlimited depth.", open_low=True)
    cells, u = _pair(now, "now", "the cells and the UMIs per cell that there are")
    in_range(cells, 1, 1e15, "cells")
    in_range(u, 0, LIBRARY * min(prices.complexity, 1e15), "depth", "The library has no more molecules.", open_low=True)
    joint = knows_cells(fit)

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

    def by_cells(law: Any) -> float:
        return at(law, 2 * cells, u) - at(law, cells, u)

    def by_reads(law: Any) -> float:
        return at(law, cells, deeper) - at(law, cells, u)

    wanted: dict[str, tuple[Callable[[Any], float], bool]] = {
        "information now (bits)": (lambda law: at(law, cells, u), False),
        "with these cells and unlimited depth (bits)": (top, False),
        "lost to noise now (bits)": (lambda law: top(law) - at(law, cells, u), False),
        f"depth for {share:.0%} of that (UMIs per cell)": (needed, True),
    }
    if needed(fit.law) < LIBRARY * prices.complexity:
        wanted["price of that depth with these cells"] = (lambda law: float(prices.cost(cells, needed(law))), True)
    wanted["gain from 10× depth (bits)"] = (lambda law: at(law, cells, 10 * u) - at(law, cells, u), False)
    if joint:
        wanted |= {
            "gain from 10× cells (bits)": (lambda law: at(law, 10 * cells, u) - at(law, cells, u), False),
            SAME_MONEY.format("cells"): (by_cells, False),
            DIFFERENCE: (lambda law: by_cells(law) - by_reads(law), False),
        }
    wanted[SAME_MONEY.format("reads")] = (by_reads, False)
    rows = {name: fit.derived(of, level, positive) for name, (of, positive) in wanted.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"]).rename_axis("quantity")


def what_to_buy(table: pd.DataFrame) -> str:
    """Return one sentence on what the same money buys best, from ``advice`` of a joint law."""
    if DIFFERENCE not in table.index:
        return "The points do not say what more cells would give: measure several numbers of cells."
    gains = {what: table.loc[SAME_MONEY.format(what), "estimate"] for what in ("cells", "reads")}
    _, low, high = table.loc[DIFFERENCE]
    told = f"as much money again gives {gains['cells']:.2f} bits on cells and {gains['reads']:.2f} on reads"
    apart = f"difference [{low:.2f}, {high:.2f}]"
    if max(gains.values()) < WORTHWHILE:
        return f"Neither is worth it: {told}."
    if low <= 0 <= high:
        return f"Cells or reads, the points do not say which: {told}, {apart}."
    return f"Buy {'cells' if low > 0 else 'reads'}: {told}, {apart}."


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
    if not isinstance(points, pd.DataFrame) or points.columns.duplicated().any():
        told = f"a {type(points).__name__}" if not isinstance(points, pd.DataFrame) else "a table with a column twice"
        raise ValueError(
            f"{source} is {told}: give a DataFrame with the columns u, bits and, if measured, n, once each."
        )
    columns = {}
    for column in ("n", "u", "bits"):
        alike = [c for c in points if str(c).strip().lower() == column]
        if column in points:
            numbers = pd.to_numeric(points[column], errors="coerce")
            if numbers.isna().any():
                row = int(np.flatnonzero(numbers.isna())[0])
                bad = points[column].iloc[row]
                raise ValueError(f"{source}: {column} is {bad!r} in row {row + 1}: give a number or leave the row out.")
            columns[column] = numbers
        elif alike:
            raise ValueError(f"{source} has a column {alike[0]!r}: call it {column!r}.")
        elif column != "n":
            raise ValueError(f"{source} has no column {column!r}: it has {', '.join(map(str, points.columns))}.")
    if "n" not in columns:
        return NoiseLaw.fit(columns["u"], columns["bits"])
    if (columns["n"] <= 0).any():
        raise ValueError(f"{source}: n holds {columns['n'].min():g}: it is a number of training cells, above 0.")
    if columns["n"].nunique() == 1:
        return NoiseLaw.fit(columns["u"], columns["bits"])
    return JointLaw.fit(columns["n"], columns["u"], columns["bits"], priors=True)


def knows_cells(fit: Fit) -> bool:
    """Return whether the fitted law has the number of cells in it."""
    return isinstance(fit.law, TwoVariableLaw)


def in_words(best: Plan, budget: float) -> str:
    """Return a plan as one sentence."""
    spent = "" if best.cost > 0.999 * budget else f"{best.cost:,.0f} of "
    told = (
        f"For {spent}{budget:,.0f}: {best.cells:,.0f} cells with {best.reads:,.0f} reads "
        f"({best.umis:,.0f} UMIs) each give {best.bits:.2f} bits [{best.low:.2f}, {best.high:.2f}]."
    )
    return told + (f" That is {best.outside}: there the interval is too narrow." if best.outside else "")


def with_prices(prices: Prices, **given: float | None) -> Prices:
    """Return prices with those replaced that are given.

    >>> with_prices(Prices(), per_cell=0.2, usable=None).per_cell
    0.2
    """
    for name in given:
        choose(name, vars(prices), "price")
    return replace(prices, **{name: value for name, value in given.items() if value is not None})
