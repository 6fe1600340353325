"""From a fitted law to an experiment: the depth and the number of cells that a budget should buy."""

from helpers._utils.lazy import attributes

_MODULES = {
    "prices": ["LIBRARY", "Prices", "with_prices"],
    "orders": ["Order", "in_figures", "lane_sets", "order_for"],
    "kit_table": ["kits", "prices_of"],
    "search": ["GRID", "REACH", "along_budget", "cell_range", "deepest", "depth_range", "iso_information", "optimum"],
    "plans": ["Plan", "in_words", "plan"],
    "targets": ["SHARES", "cheapest", "last_bits", "what_money_buys"],
    "spread": ["draws", "region"],
    "gains": ["DIFFERENCE", "SAME_MONEY", "WORTHWHILE", "advice", "what_to_buy"],
    "pilot": ["USUAL_CELLS", "fit_pilot", "knows_cells"],
    "probe": ["depths_missing", "one_side_thinned"],
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)
__getattr__ = attributes(__name__, _HOME)
