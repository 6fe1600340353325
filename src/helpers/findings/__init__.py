"""What the measured and the released curves say."""

from helpers._utils.lazy import attributes

__all__ = [
    "FEWEST",
    "FLAT",
    "KEYS",
    "MOST",
    "RARE",
    "SIGNAL_KINDS",
    "Count",
    "cell_fits",
    "check_measured",
    "count",
    "curves_of",
    "depth_against_cells",
    "false_alarms",
    "full_grids",
    "gains",
    "independent_signals",
    "interactions",
    "lack_of_fit",
    "law_table",
    "measured_curves",
    "missed",
    "name_of",
    "noise_fits",
    "together",
    "verdict",
]
_HOME = dict.fromkeys(__all__, "curves") | {"depth_against_cells": "depth_and_cells"}
_HOME |= dict.fromkeys(("FEWEST", "MOST", "Count", "count", "verdict"), "verdicts")
__getattr__ = attributes(__name__, {name: f"{__name__}.{module}" for name, module in _HOME.items()})
