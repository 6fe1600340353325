"""Fields that all grids have, with what they refuse."""

from typing import Annotated, Any

from pydantic import AfterValidator

from helpers._utils.validation import in_range


def _real_unless_said(options: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if (k, v) != ("miniature", False)}


def _of_the_data(depths: list[float] | None) -> list[float] | None:
    for depth in depths or []:
        in_range(depth, 0, 1, "depth", "It is relative to the data's own: 0.1 keeps 10 %.", open_low=True)
    return depths


# Options of a dataset; its real files are the same point whether "miniature" is False or not there.
Options = Annotated[dict[str, Any], AfterValidator(_real_unless_said)]
Depths = Annotated[list[float], AfterValidator(_of_the_data)]
DepthsOrNone = Annotated[list[float] | None, AfterValidator(_of_the_data)]
