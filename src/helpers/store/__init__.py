"""Measured rows: where they are, what identifies them, and the points that they make."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import attributes
from helpers.store.paths import profile_folder, project_root

if TYPE_CHECKING:
    from helpers.store.rows import Store, failures

__getattr__ = attributes(__name__, dict.fromkeys(("Store", "failures"), f"{__name__}.rows"))
__all__ = ["Store", "failures", "profile_folder", "project_root"]
