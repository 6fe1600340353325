"""The best experiment for a budget by a fitted law."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.design.orders import order_for
from helpers.design.pilot import check_rises, check_usable, knows_cells
from helpers.design.prices import Prices
from helpers.design.search import REACH, best_depth, best_experiment, cell_range, depth_range, span
from helpers.laws import Fit, TwoVariableLaw
from helpers.laws.beyond import PredictiveFit


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
        """Return what to order: cells, reads, lanes of capture and sequencing, and prices (``Order.table``)."""
        return order_for(prices, self.cells, self.umis).table()


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
        If the budget buys no experiment in these ranges, the points reject the law, or bits do not rise with depth.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = [10, 30, 100, 300, 1000]
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u))
    >>> best = plan(fit, 3000, Prices(), cells=5000)
    >>> round(best.umis), round(best.bits, 2), best.cost
    (4000, 1.98, 2600.0)
    """
    check_usable(fit)
    check_rises(fit)
    in_range(budget, 0, 1e15, "budget", open_low=True)
    depths, joint = span(depths or depth_range(fit), "depths"), knows_cells(fit)
    if cells is not None:
        number, umis = float(cells), best_depth(budget, prices, cells, depths)
    elif isinstance(fit.law, TwoVariableLaw):
        number, umis = best_experiment(fit.law, budget, prices, depths, sizes or cell_range(fit))
    else:
        raise ValueError("a noise law says nothing of the number of cells: give cells, or measure several numbers.")
    at = np.array([[number, umis]]) if joint else np.array([umis])
    low, high = (float(side[0]) for side in fit.band(at, of_points=True))
    bits = float(np.ravel(fit.law(at))[0])
    order = order_for(prices, number, umis)
    return Plan(number, umis, order.reads, bits, low, high, order.price, _outside(fit, number, umis))


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


def in_words(best: Plan, budget: float) -> str:
    """Return a plan as one sentence."""
    spent = "" if best.cost > 0.999 * budget else f"{best.cost:,.0f} of "
    sentence = (
        f"For {spent}{budget:,.0f}: {best.cells:,.0f} training cells with {best.reads:,.0f} reads "
        f"({best.umis:,.0f} UMIs) each give {best.bits:.2f} bits [{best.low:.2f}, {best.high:.2f}]."
    )
    return sentence + (f" That is {best.outside}." if best.outside else "")
