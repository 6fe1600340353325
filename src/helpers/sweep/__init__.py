"""What is measured: grids of points, filled in where something is missing."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import attributes

if TYPE_CHECKING:
    from helpers.sweep.engine import Grid, held, machine, run_sweep, run_sweeps, sizes_within

__all__ = ["Grid", "held", "machine", "run_sweep", "run_sweeps", "sizes_within"]
__getattr__ = attributes(__name__, dict.fromkeys(__all__, f"{__name__}.engine"))
