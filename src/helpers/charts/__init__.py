"""Charts and tables of pages."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import attributes

if TYPE_CHECKING:
    from helpers.charts.fitted import (
        BITS,
        CELLS,
        COLOURS,
        DEPTH,
        GREY,
        HEIGHT,
        WIDTH,
        calibration,
        caption,
        collapse,
        colour_of,
        curves,
        fitted_curve,
        level_line,
        loss_and_information,
        matrix,
        parameters,
        residuals,
        save_html,
        save_svg,
        spread,
    )

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
