"""What is measured: grids of points, filled in where something is missing."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import attributes

if TYPE_CHECKING:
    from helpers.sweep.cells import Grid
    from helpers.sweep.engine import machine, run_sweep, run_sweeps, sizes_within, stored_rows

_OF_ENGINE = dict.fromkeys(("stored_rows", "machine", "run_sweep", "run_sweeps", "sizes_within"), f"{__name__}.engine")
__getattr__ = attributes(__name__, {"Grid": f"{__name__}.cells", **_OF_ENGINE})
__all__ = ["Grid", "machine", "run_sweep", "run_sweeps", "sizes_within", "stored_rows"]
