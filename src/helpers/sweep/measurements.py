"""How a point of a sweep is measured, from its settings."""

from helpers.sweep.calibration import KNOWN_ANSWER
from helpers.sweep.cells import CELLS
from helpers.sweep.data import Point
from helpers.sweep.images import IMAGES
from helpers.sweep.measurement import Measurement
from helpers.sweep.reconstruction import MODALITY, RECONSTRUCTION
from helpers.sweep.sequences import SEQUENCES

MEASUREMENTS: dict[str, Measurement] = {
    "single-cell": CELLS,
    "images": IMAGES,
    "sequences": SEQUENCES,
    MODALITY: RECONSTRUCTION,
    "known answer": KNOWN_ANSWER,
}


def measurement_of(point: Point) -> Measurement:
    """Return how a point is measured.

    Points of cells do not name their modality; pairs with a known answer are of no dataset and name their task.
    """
    return KNOWN_ANSWER if "task" in point else MEASUREMENTS[point.get("modality", "single-cell")]
