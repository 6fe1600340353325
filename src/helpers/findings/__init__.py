"""What the measured and the released curves say."""

from helpers._utils.lazy import attributes

_MODULES = {
    "curves": [
        *("FLAT", "KEYS", "RARE", "SIGNAL_KINDS", "cell_fits", "check_measured", "curves_of", "false_alarms"),
        *("full_grids", "gains", "independent_signals", "interactions", "lack_of_fit", "law_table", "measured_curves"),
        *("missed", "name_of", "noise_fits", "together"),
    ],
    "depth_and_cells": ["depth_against_cells"],
    "verdicts": ["FEWEST", "MOST", "Count", "count", "verdict"],
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)
__getattr__ = attributes(__name__, _HOME)
