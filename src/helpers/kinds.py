"""The kind of a point of a sweep, from its settings."""

from helpers.image_sweep import IMAGES
from helpers.reconstruction_sweep import MODALITY, RECONSTRUCTION
from helpers.sequence_sweep import SEQUENCES
from helpers.sweep import CELLS, Kind, Point

KINDS = {"single-cell": CELLS, "images": IMAGES, "sequences": SEQUENCES, MODALITY: RECONSTRUCTION}


def kind_of(point: Point) -> Kind:
    """Return how a point is measured and identified; points of cells do not name their modality."""
    return KINDS[point.get("modality", "single-cell")]
