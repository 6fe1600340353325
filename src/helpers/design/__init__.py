"""From a fitted law to an experiment: the depth and the number of cells that a budget should buy."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import attributes

if TYPE_CHECKING:
    from helpers.design.gains import DIFFERENCE, SAME_MONEY, WORTHWHILE, advice, what_to_buy
    from helpers.design.pilot import USUAL_CELLS, fit_pilot, knows_cells
    from helpers.design.plans import (
        GRID,
        REACH,
        Plan,
        along_budget,
        cell_range,
        deepest,
        depth_range,
        draws,
        in_words,
        iso_information,
        optimum,
        plan,
        region,
    )
    from helpers.design.prices import LIBRARY, Prices, with_prices
    from helpers.design.probe import depths_missing, one_side_thinned

_NAMES = {
    "prices": "Prices with_prices LIBRARY",
    "plans": "GRID REACH Plan along_budget cell_range deepest depth_range draws in_words iso_information optimum plan "
    "region",
    "gains": "DIFFERENCE SAME_MONEY WORTHWHILE advice what_to_buy",
    "pilot": "USUAL_CELLS fit_pilot knows_cells",
    "probe": "depths_missing one_side_thinned",
}
_MODULES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names.split()}
__getattr__ = attributes(__name__, _MODULES)

__all__ = [
    "DIFFERENCE", "GRID", "LIBRARY", "REACH", "SAME_MONEY", "USUAL_CELLS", "WORTHWHILE", "Plan", "Prices", "advice",
    "along_budget", "cell_range", "deepest", "depth_range", "depths_missing", "draws", "fit_pilot", "in_words",
    "iso_information", "knows_cells", "one_side_thinned", "optimum", "plan", "region", "what_to_buy", "with_prices",
]  # fmt: skip
