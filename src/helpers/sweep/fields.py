"""Fields that all grids have, with what they refuse."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from helpers._utils.validation import in_range

# The registered files are the same point whether these are given or not; "miniature" came before "folder".
_REGISTERED_FILES = (("folder", ""), ("folder", None), ("miniature", False))


def _without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in options.items()
        if (name, value) not in _REGISTERED_FILES
    }


def _of_the_data(depths: list[float] | None) -> list[float] | None:
    for depth in depths or []:
        in_range(depth, 0, 1, "depth", "It is relative to the data's own: 0.1 keeps 10 %.", open_low=True)
    return depths


# Options of a dataset.
Options = Annotated[dict[str, Any], AfterValidator(_without_defaults)]
Depths = Annotated[list[float], AfterValidator(_of_the_data)]
DepthsOrNone = Annotated[list[float] | None, AfterValidator(_of_the_data)]
