"""How points of one kind are measured, described and identified."""

from collections.abc import Hashable
from typing import Any

from helpers._utils.content import frozen_json
from helpers.datasets.files import shown_name
from helpers.sweep import data
from helpers.sweep.data import Point


class Measurement:
    """How points of one kind are measured, described when they fail, and identified.

    A point is its settings, as plain data. What else its numbers depend on are its data (``data_hash``) and its method
    (``store.versions.method_of``).
    """

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return a row of measured columns of each of some points for which ``batch_key`` gives one value."""
        raise NotImplementedError

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide, measured or not."""
        raise NotImplementedError

    def batch_key(self, point: Point) -> Hashable:
        """Return what is equal of points that share work; unless a subclass says otherwise, a point is alone."""
        return frozen_json(point)

    def data_hash(self, point: Point) -> str:
        """Return the content hash of the data of a point."""
        return data.data_hash(point)

    def check_ready(self, point: Point) -> None:
        """Raise at once where nothing of the kind can be measured, such as without the data."""
        data.dataset_of(point)


def name_of(point: Point) -> str:
    """Return the data set of a point as a reader sees it: files of one's own never pass for the real ones."""
    return shown_name(point["dataset"], point["options"].get("folder"))
