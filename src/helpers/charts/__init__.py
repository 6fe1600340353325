"""Charts and tables of pages."""

from helpers._utils.lazy import attributes

__all__ = [
    "BITS",
    "CELLS",
    "COLOURS",
    "DEPTH",
    "GREY",
    "HEIGHT",
    "WIDTH",
    "calibration",
    "caption",
    "collapse",
    "colour_of",
    "curves",
    "fitted_curve",
    "level_line",
    "loss_and_information",
    "matrix",
    "parameters",
    "residuals",
    "save_html",
    "save_svg",
    "spread",
]
__getattr__ = attributes(__name__, dict.fromkeys(__all__, f"{__name__}.fitted"))
