"""The kind of a point of a sweep, from its settings."""

from helpers.calibration import KNOWN_ANSWER
from helpers.image_sweep import IMAGES
from helpers.reconstruction_sweep import MODALITY, RECONSTRUCTION
from helpers.sequence_sweep import SEQUENCES
from helpers.sweep import CELLS, Kind, Point

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
