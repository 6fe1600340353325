"""What a fitted law says of an experiment as it is: losses, gains, and what to buy next."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from helpers._utils.validation import in_range
from helpers.design.pilot import check_usable
from helpers.design.prices import LIBRARY, Prices, pair
from helpers.laws import Fit, TwoVariableLaw

SAME_MONEY = "gain of the same money on {} (bits)"
# Bits below which more money buys nothing.
WORTHWHILE = 0.005
DIFFERENCE = "that gain on cells less that on reads (bits)"


def advice(fit: Fit, now: tuple[float, float], prices: Prices, share: float = 0.9) -> pd.DataFrame:
    """Return what a fitted law says of an experiment as it is: losses, gains, and what to buy next.

    Parameters
    ----------
    fit : Fit of a joint law, or of one of depth alone
    now : cells and UMIs per cell of the experiment
    prices : Prices
    share : target in (0, 1), as a share of what unlimited depth would give with these cells

    Returns
    -------
    DataFrame
        One row a quantity with its 95 % limits; "unlimited depth" has those of a tenfold depth, the farthest tested.
        "Gain of the same money" compares spending the price of the whole experiment once more on cells or on depth;
        prices here are those of shared lanes.

    Raises
    ------
    ValueError
        Unless it is a fit that its points do not reject, ``now`` is a pair, and numbers are in range.
    """
    check_usable(fit)
    in_range(share, 0, 0.999, "share", "It is below 1: all of it needs unlimited depth.", open_low=True)
    cells, u = pair(now, "now", "the cells and the UMIs per cell that there are")
    in_range(cells, 1, 1e15, "cells")
    in_range(u, 0, LIBRARY * min(prices.complexity, 1e15), "depth", "The library has no more molecules.", open_low=True)
    quantities = _quantities(fit.law, cells, u, prices, share)
    rows = {name: fit.derived(quantity, positive=positive) for name, (quantity, positive) in quantities.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"]).rename_axis("quantity")


def _quantities(
    law_now: Any, cells: float, u: float, prices: Prices, share: float
) -> dict[str, tuple[Callable[[Any], float], bool]]:
    """Return each quantity of a law that ``advice`` gives, and whether it is positive."""
    joint = isinstance(law_now, TwoVariableLaw)

    def at(law: Any, n: float, depth: float) -> float:
        return float(law(n, depth)) if joint else float(law(depth))

    def top(law: Any) -> float:
        return at(law, cells, np.inf)

    def needed(law: Any) -> float:
        goal = share * top(law)
        if at(law, cells, 1e-6) >= goal:
            return 1e-6
        return float(np.exp(brentq(lambda x: at(law, cells, np.exp(x)) - goal, np.log(1e-6), np.log(1e15))))

    def gain(n: float, depth: float) -> Callable[[Any], float]:
        return lambda law: at(law, n, depth) - at(law, cells, u)

    cost = float(prices.cost(cells, u))
    deeper = float(prices.umis_for(prices.reads_within(2 * cost, cells)))
    by_cells, by_reads = gain(2 * cells, u), gain(cells, deeper)
    wanted: dict[str, tuple[Callable[[Any], float], bool]] = {
        "information now (bits)": (lambda law: at(law, cells, u), False),
        "with these cells and unlimited depth (bits)": (top, False),
        "lost to noise now (bits)": (lambda law: top(law) - at(law, cells, u), False),
        f"depth for {share:.0%} of that (UMIs per cell)": (needed, True),
    }
    if needed(law_now) < LIBRARY * prices.complexity:
        wanted["price of that depth with these cells"] = (lambda law: float(prices.cost(cells, needed(law))), True)
    wanted["gain from 10× depth (bits)"] = (gain(cells, 10 * u), False)
    if joint:
        wanted |= {
            "gain from 10× cells (bits)": (gain(10 * cells, u), False),
            SAME_MONEY.format("cells"): (by_cells, False),
            DIFFERENCE: (lambda law: by_cells(law) - by_reads(law), False),
        }
    wanted[SAME_MONEY.format("reads")] = (by_reads, False)
    return wanted


def what_to_buy(table: pd.DataFrame) -> str:
    """Return one sentence on what the same money buys best, from ``advice`` of a joint law."""
    if DIFFERENCE not in table.index:
        return "The points do not say what more cells would give: measure several numbers of cells."
    gains = {what: table.loc[SAME_MONEY.format(what), "estimate"] for what in ("cells", "reads")}
    _, low, high = table.loc[DIFFERENCE]
    gain = f"as much money again gives {gains['cells']:.2f} bits on cells and {gains['reads']:.2f} on reads"
    apart = f"difference [{low:.2f}, {high:.2f}]"
    if max(gains.values()) < WORTHWHILE:
        return f"Neither is worth it: {gain}."
    if low <= 0 <= high:
        return f"Cells or reads, the points do not say which: {gain}, {apart}."
    return f"Buy {'cells' if low > 0 else 'reads'}: {gain}, {apart}."
