"""The least that a number of bits costs, and what each further bit costs."""

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.design.orders import order_for
from helpers.design.pilot import check_usable, knows_cells
from helpers.design.plans import Plan, plan
from helpers.design.prices import LIBRARY, Prices
from helpers.design.search import cell_range, depth_range
from helpers.laws import Fit
from helpers.laws.base import MOST_BITS

# Shares of the most bits for which prices are listed.
SHARES = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
# How closely the least price is found, as a ratio.
_CLOSE = 1.0002


def cheapest(fit: Fit, bits: float, prices: Prices, cells: float | None = None, budget: float | None = None) -> Plan:
    """Return the experiment of least price that gives at least ``bits`` by a fitted law.

    It is the best experiment of the smallest budget that reaches the target, so what whole lanes have left is used.

    Parameters
    ----------
    fit, prices, cells : as ``plan`` takes them
    bits : the target
    budget : the most to spend; without one, the price of the largest experiment that ``plan`` considers

    Raises
    ------
    ValueError
        If the target is beyond what the budget buys.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = [10, 30, 100, 300, 1000]
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u))
    >>> shared = Prices(whole_lanes=False)
    >>> best = cheapest(fit, 1.8, shared, cells=5000)
    >>> round(best.umis), round(best.bits, 2), round(best.cost)
    (431, 1.8, 562)
    >>> cheapest(fit, 1.8, Prices(), cells=5000).cost
    2600.0
    """
    check_usable(fit)
    in_range(bits, 0, MOST_BITS, "bits", open_low=True)
    least, largest = _price_range(fit, prices, cells)
    high = min(budget, largest) if budget is not None else largest
    best = plan(fit, high, prices, cells)
    if best.bits < bits - 1e-9:
        most = f"{high:,.0f} buys" if high < largest else "the deepest and largest experiment considered gives"
        raise ValueError(f"bits is {bits:g}: {most} {best.bits:.2f}. Lower the target or raise the budget.")
    low = min(least, high)
    first = plan(fit, low, prices, cells)
    if first.bits >= bits:
        return first
    while high / low > _CLOSE:
        middle = float(np.sqrt(low * high))
        tried = plan(fit, middle, prices, cells)
        if tried.bits >= bits:
            # In whole lanes much may be left of the money, and no budget between gives more.
            best, high = tried, max(min(middle, tried.cost * (1 + 1e-9)), low)
        else:
            low = middle
    return best


def _price_range(fit: Fit, prices: Prices, cells: float | None) -> tuple[float, float]:
    """Return the prices of the smallest and the largest experiment considered."""
    (shallow, deep), top = depth_range(fit), LIBRARY * prices.complexity
    few, many = cell_range(fit) if cells is None and knows_cells(fit) else (cells or 1.0, cells or 1.0)
    ends = ((few, min(shallow, top)), (many, min(deep, top)))
    least, largest = (order_for(prices, *end).price * (1 + 1e-9) for end in ends)
    return least, largest


def what_money_buys(fit: Fit, budget: float, prices: Prices, cells: float | None = None) -> pd.DataFrame:
    """Return the least prices of shares of the most bits that a budget buys, and what a further bit costs.

    Returns
    -------
    DataFrame
        One row a price: share of the most bits, the bits with limits, the experiment, and ``price per further bit``,
        what the step from the row above costs, for each bit that it adds. Shares of ``SHARES`` that cost the same, as
        in whole lanes, are one row.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = [10, 30, 100, 300, 1000]
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u))
    >>> table = what_money_buys(fit, 5000, Prices(whole_lanes=False), cells=5000)
    >>> table[["share", "price"]].round(2).iloc[[0, 2, -1]].to_numpy().tolist()
    [[0.5, 545.09], [0.9, 560.18], [1.0, 730.13]]
    """
    everything = plan(fit, budget, prices, cells)
    plans = [cheapest(fit, share * everything.bits, prices, cells, budget) for share in SHARES[:-1]]
    rows = [
        {
            "share": one.bits / everything.bits,
            **{name: getattr(one, name) for name in ("bits", "low", "high")},
            "price": one.cost,
            "training cells": one.cells,
            "reads a cell": one.reads,
            "UMIs a cell": one.umis,
        }
        for one in [*plans, everything]
    ]
    table = pd.DataFrame(rows)
    table = table[~table["price"].round(6).duplicated(keep="last")].reset_index(drop=True)
    table["price per further bit"] = table["price"].diff() / table["bits"].diff()
    return table


def last_bits(best: Plan, budget: float, everything: Plan) -> str:
    """Return what the rest of a budget would add to a plan, as one sentence."""
    more, left = everything.bits - best.bits, everything.cost - best.cost
    if left <= 0:
        return f"Nothing within {budget:,.0f} gives more."
    return (
        f"That is {best.bits / everything.bits:.0%} of the {everything.bits:.2f} bits that {everything.cost:,.0f} "
        f"buys: the last {more:.2f} bits would cost {left:,.0f} more."
    )
