"""Charts and tables of pages."""

import importlib
import sys

from helpers._utils.lazy import attributes

_MODULES = {
    "style": ["BITS", "CELLS", "COLOURS", "DEPTH", "GREY", "HEIGHT", "WIDTH", "save_html", "save_svg"],
    "parts": ["caption", "colour_of", "level_line", "spread"],
    "fitted": ["collapse", "curves", "fitted_curve", "parameters", "residuals"],
    "estimates": ["brackets", "calibration", "differences", "loss_and_information", "matrix"],
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)
__getattr__ = attributes(__name__, _HOME)

if "IPython" in sys.modules:  # a notebook: its tables and sentences are shown as readers have them, from the start
    importlib.import_module(f"{__name__}.tables")
