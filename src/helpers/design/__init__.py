"""From a fitted law to an experiment: the depth and the number of cells that a budget should buy."""

from helpers._utils.lazy import attributes

_MODULES = {
    "prices": ["LIBRARY", "Prices", "with_prices"],
    "plans": [
        *("GRID", "REACH", "Plan", "along_budget", "cell_range", "deepest", "depth_range", "draws", "in_words"),
        *("iso_information", "optimum", "plan", "region"),
    ],
    "gains": ["DIFFERENCE", "SAME_MONEY", "WORTHWHILE", "advice", "what_to_buy"],
    "pilot": ["USUAL_CELLS", "fit_pilot", "knows_cells"],
    "probe": ["depths_missing", "one_side_thinned"],
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)
__getattr__ = attributes(__name__, _HOME)
