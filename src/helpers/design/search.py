"""The search for the best experiment of a price: where lanes are shared, and in whole lanes."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from helpers._utils.validation import in_range
from helpers.design.orders import capacity, lane_sets, order_for, recovered
from helpers.design.prices import LIBRARY, Prices, pair
from helpers.laws import Fit, TwoVariableLaw

# Points along the budget on which the best is first looked for; the page's calculator uses the same.
GRID = 2400
# How far beyond the deepest point a plan is looked for: as far as limits were seen to hold (``findings.hold_out``).
REACH = 4.0
# Numbers of capture lanes that are tried, and numbers of cells in each.
_NUMBERS, _COARSE = 100, 60

_DepthOf = Callable[[np.ndarray], np.ndarray]


def span(given: tuple[float, float], what: str) -> tuple[float, float]:
    """Return a range (low, high) of positive numbers, low below high."""
    given = pair(given, f"the range of {what}", "its low and its high end")
    for end in given:
        in_range(end, 0, 1e300, f"an end of the range of {what}", open_low=True)
    if given[0] >= given[1]:
        raise ValueError(f"the range of {what} is {given[0]:g} to {given[1]:g}: give a low end and a higher one.")
    return given


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
    depths, cells = span(depths, "depths"), span(cells, "cells")
    _check_library(prices, depths)
    left = prices.reads_within(budget, cells[0])
    top = min(depths[1], LIBRARY * prices.complexity, float(prices.umis_for(max(left, 0.0))))
    if top < depths[0]:
        most = float(prices.cells_for(budget, depths[0]))
        raise ValueError(
            f"budget is {budget:g}: it buys at most {most:,.0f} cells of {depths[0]:,.0f} UMIs; "
            f"{cells[0]:,.0f} or more are needed. Raise the budget or lower the prices."
        )
    return top


def _check_library(prices: Prices, depths: tuple[float, float]) -> None:
    if LIBRARY * prices.complexity <= depths[0]:
        raise ValueError(
            f"complexity is {prices.complexity:g}: the library has fewer molecules a cell than the shallowest depth "
            f"considered, {depths[0]:,.0f} UMIs."
        )


def along_budget(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: np.ndarray, most: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells (m,) that a budget buys at each depth (m,), and the information of each by a joint law.

    At the complexity of the library or above, no cell is affordable and bits are NaN; where more cells than ``most``
    are affordable, money is left.
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    cells = np.minimum(prices.cells_for(budget, depths), most)
    bits = np.full(len(cells), np.nan)
    bits[cells > 0] = law(cells[cells > 0], np.asarray(depths)[cells > 0])
    return cells, bits


def optimum(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: tuple[float, float], cells: tuple[float, float]
) -> tuple[float, float]:
    """Return the cells and depth that give most information for a budget by a joint law, where lanes are shared.

    ``depths`` and ``cells`` are ranges (low, high) that the experiment stays in.

    Raises
    ------
    ValueError
        If the budget buys no experiment in these ranges.

    Examples
    --------
    >>> from helpers.laws import JointLaw
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells, umis = optimum(law, 2000, Prices(doublets=0), (10, 1e5), (10, 1e7))
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
    return float(np.minimum(prices.cells_for(budget, umis), cells[1])), umis


def best_experiment(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: tuple[float, float], cells: tuple[float, float]
) -> tuple[float, float]:
    """Return the cells and depth that give most information for a budget, in whole lanes or shared ones."""
    search = optimum_in_lanes if prices.whole_lanes else optimum
    return search(law, budget, prices, depths, cells)


def optimum_in_lanes(
    law: TwoVariableLaw, budget: float, prices: Prices, depths: tuple[float, float], cells: tuple[float, float]
) -> tuple[float, float]:
    """Return the cells and depth that give most information for a budget that buys whole lanes.

    For each number of capture lanes the rest of the money buys sequencing lanes, and all of their reads are used.
    Parameters and errors are those of ``optimum``.

    Examples
    --------
    >>> from helpers.laws import JointLaw
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> cells, umis = optimum_in_lanes(law, 5000, Prices(), (10, 1e5), (10, 1e7))
    >>> order = order_for(Prices(), cells, umis)
    >>> order.capture_lanes, order.sequencing_lanes, order.price
    (3.0, 1.0, 4600.0)
    """
    in_range(budget, 0, 1e15, "budget", open_low=True)
    depths, cells = span(depths, "depths"), span(cells, "cells")
    _check_library(prices, depths)
    sets, money = lane_sets(prices), budget - prices.price_of_samples
    set_cells = sets * prices.lane_cells * prices.singlets
    first, last = (int(np.ceil((end + prices.probe_cells) / set_cells)) for end in cells)
    last = min(last, int((money - _flow_price(prices)) // (sets * _lane_price(prices))))
    numbers = np.unique(np.geomspace(first, max(last, first), _NUMBERS).astype(int)) if last >= first else []
    found, below = [], cells[0]
    for number in numbers:
        lanes = int(number) * sets
        most = min(cells[1], capacity(prices, lanes))
        grid = np.geomspace(min(below, most), most, _COARSE)
        below = most
        depth_of = partial(_depth, prices, money, lanes, depths)
        found.append((float(_bits_of(law, depth_of, depths[0], grid).max()), lanes, grid, depth_of))
    best = max(found, key=lambda tried: tried[0], default=None)
    if best is None or best[0] == -np.inf:
        least = order_for(prices, cells[0], depths[0]).price
        raise ValueError(
            f"budget is {budget:g}: {cells[0]:,.0f} cells of {depths[0]:,.0f} UMIs, the least considered, cost "
            f"{least:,.0f} in whole lanes. Raise it, or share lanes with others (whole_lanes=False, --shared-lanes)."
        )
    number = _polished(law, best[2], best[3], depths[0])
    return number, float(best[3](np.array(number)))


def best_depth(budget: float, prices: Prices, cells: float, depths: tuple[float, float]) -> float:
    """Return the greatest depth that a budget buys for a number of cells that is decided.

    Raises
    ------
    ValueError
        If the cells alone cost the budget, or what they leave buys no sequencing.
    """
    in_range(cells, 1, 1e12, "cells")
    if prices.whole_lanes:
        taken = order_for(prices, cells, depths[0] if depths[0] < prices.complexity else 0.0)
        alone = taken.price_of_cells + prices.price_of_samples
        umis = float(_depth(prices, budget - prices.price_of_samples, taken.capture_lanes, depths, np.array(cells)))
    else:
        alone = (cells + prices.probe_cells) * prices.per_cell / prices.singlets + prices.price_of_samples
        umis = min(float(prices.umis_for(max(prices.reads_within(budget, cells), 0.0))), _deepest(prices, depths))
    if alone >= budget:
        raise ValueError(f"budget is {budget:g}: {cells:,.0f} cells alone cost {alone:,.0f}.")
    if umis <= 0:
        raise ValueError(
            f"budget is {budget:g}: {cells:,.0f} cells cost {alone:,.0f}, and {budget - alone:,.0f} buy no sequencing "
            f"lane of {_flow_price(prices):,.0f}. Raise it, or share lanes (whole_lanes=False, --shared-lanes)."
        )
    return umis


def _lane_price(prices: Prices) -> float:
    return prices.lane_cells * prices.per_cell


def _flow_price(prices: Prices) -> float:
    return prices.lane_reads * prices.per_million_reads / 1e6


def _deepest(prices: Prices, depths: tuple[float, float]) -> float:
    """Return the greatest depth considered that the library allows."""
    return min(depths[1], LIBRARY * prices.complexity)


def _depth(prices: Prices, money: float, lanes: float, depths: tuple[float, float], cells: np.ndarray) -> np.ndarray:
    """Return the depth of cells in this many capture lanes with all sequencing lanes that the rest of money buys."""
    flow = max(np.floor((money - lanes * _lane_price(prices)) / _flow_price(prices) * (1 + 1e-12)), 0.0)
    reads = flow * prices.lane_reads / recovered(prices, cells, lanes)
    return np.minimum(prices.umis_for(reads), _deepest(prices, depths))


def _bits_of(law: TwoVariableLaw, depth_of: _DepthOf, least: float, cells: np.ndarray) -> np.ndarray:
    """Return the bits of numbers of cells at the depths that they get; minus infinity where that is too shallow."""
    umis = depth_of(cells)
    enough = umis >= least * (1 - 1e-9)
    return np.where(enough, law(cells, np.where(enough, umis, least)), -np.inf)


def _polished(law: TwoVariableLaw, grid: np.ndarray, depth_of: _DepthOf, least: float) -> float:
    """Return the number of cells of most bits, from the best of a grid."""
    best = int(np.argmax(_bits_of(law, depth_of, least, grid)))
    low, high = np.log(grid[[max(best - 1, 0), min(best + 1, len(grid) - 1)]])
    if not low < high:
        return float(grid[best])

    def missing(log_n: float) -> float:
        return -float(_bits_of(law, depth_of, least, np.exp(np.array(log_n))))

    result = minimize_scalar(missing, bounds=(low, high), method="bounded")
    found = float(np.asarray(result.x))
    return float(np.exp(found)) if missing(found) < missing(float(np.log(grid[best]))) else float(grid[best])


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
    ends = np.log(span(cells, "cells"))

    def above(log_n: float, u: float) -> float:
        return float(law(np.exp(log_n), u)) - bits

    needed = np.full(len(depths), np.nan)
    for i, u in enumerate(depths):
        if above(ends[0], u) <= 0 <= above(ends[1], u):
            needed[i] = np.exp(brentq(above, *ends, args=(u,)))
    return needed
