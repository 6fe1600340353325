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
_HOME = dict.fromkeys(__all__, f"{__name__}.curves") | {"depth_against_cells": f"{__name__}.depth_and_cells"}
__getattr__ = attributes(__name__, _HOME)
