"""The kind of a point of a sweep, from its settings."""

from helpers.sweep.calibration import KNOWN_ANSWER
from helpers.sweep.engine import CELLS, Kind, Point
from helpers.sweep.images import IMAGES
from helpers.sweep.reconstruction import MODALITY, RECONSTRUCTION
from helpers.sweep.sequences import SEQUENCES

KINDS = {
    "single-cell": CELLS,
    "images": IMAGES,
    "sequences": SEQUENCES,
    MODALITY: RECONSTRUCTION,
    "known answer": KNOWN_ANSWER,
}


def kind_of(point: Point) -> Kind:
    """Return how a point is measured and identified.

    Points of cells do not name their modality; pairs with a known answer are of no dataset and name their task.
    """
    return KNOWN_ANSWER if "task" in point else KINDS[point.get("modality", "single-cell")]
