"""Measured rows: where they are, what identifies them, and the points that they make."""

from helpers.store.paths import profile_folder, project_root
from helpers.store.rows import Store, failures

__all__ = ["Store", "failures", "profile_folder", "project_root"]
