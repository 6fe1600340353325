"""Fields that all grids have, with what they refuse."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from helpers.noise import OF_CELLS

# The registered files are the same point whether these are given or not; "miniature" came before "folder".
_REGISTERED_FILES = (("folder", ""), ("folder", None), ("miniature", False))


def _without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in options.items()
        if (name, value) not in _REGISTERED_FILES
    }


def _of_the_data(depths: list[float]) -> list[float]:
    for depth in depths:
        OF_CELLS["thinning"].check(depth, "depth")
    return depths


# Options of a dataset.
Options = Annotated[dict[str, Any], AfterValidator(_without_defaults)]
Depths = Annotated[list[float], AfterValidator(_of_the_data)]
