"""How points of one kind are measured, described and identified."""

from collections.abc import Hashable
from typing import Any

from helpers._utils.content import frozen_json
from helpers.datasets.files import shown_name
from helpers.information import Estimate
from helpers.sweep import data
from helpers.sweep.data import Point

# Settings that are columns of their own under the same name.
_NAMED = ("n_train", "seed", "fold", "dim")


class Measurement:
    """How points of one kind are measured, described when they fail, and identified.

    A point is its settings, as plain data. What else its numbers depend on are its data (``data_hash``) and its method
    (``store.versions.method_of``).
    """

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of each of some points for which ``batch_key`` gives one value."""
        raise NotImplementedError

    def columns(self, point: Point) -> dict[str, Any]:
        """Return the columns that the settings of a point of this kind decide, beside those of all kinds."""
        raise NotImplementedError

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide, measured or not."""
        # Files of a user's own never pass for the real ones.
        dataset = shown_name(point["dataset"], point["options"].get("folder"))
        named = {name: point[name] for name in _NAMED if name in point}
        return {"dataset": dataset, "fold": 0, **named, **self.columns(point)}

    def batch_key(self, point: Point) -> Hashable:
        """Return what is equal of points that share work; unless a subclass says otherwise, a point is alone."""
        return frozen_json(point)

    def data_hash(self, point: Point) -> str:
        """Return the content hash of the data of a point."""
        return data.data_hash(point)

    def check_ready(self, point: Point) -> None:
        """Raise at once where nothing of the kind can be measured, such as without the data."""
        data.dataset_of(point)


def information_columns(estimate: Estimate, ceiling_bits: float | None) -> dict[str, Any]:
    """Return the columns of a row that hold an estimate of information."""
    return {
        "mi_bits": estimate.bits,
        "mi_stderr_bits": estimate.stderr,
        "mi_null_bits": estimate.null_bits,
        "mi_ceiling_bits": ceiling_bits,
        "n_probe": estimate.n,
    }
