"""Measure images: add noise, train a network to name their class, estimate what its answers and features tell."""

import json
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, field_validator

from helpers import datasets, information
from helpers._utils.content import frozen_json
from helpers._utils.validation import choose, in_range
from helpers.information.discrete import entropy
from helpers.noise import NOISES, OF_IMAGES
from helpers.representations import linear
from helpers.representations.mobilenet import MobileNet
from helpers.sweep.data import Point
from helpers.sweep.grid import one_of
from helpers.sweep.measurement import Measurement, information_columns
from helpers.sweep.samples import SHARED, SampleGrid, samples_of, streams

VERSION = 1  # 2026-11-28 numbered

PREDICTED, LAST_LAYER, ONE_VS_REST = "predicted", "last_layer", "one_vs_rest"
_MODELS = {PREDICTED: "mobilenet", ONE_VS_REST: "mobilenet", LAST_LAYER: "mobilenet, last layer"}


class ImageMeasurement(Measurement):
    """Images: add noise, train a network, ask its answers and features: one network, several questions."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points that ``batch_key`` calls equal: one network, several questions."""
        return [_answer(point) for point in points]

    def columns(self, point: Point) -> dict[str, Any]:
        """Return the columns that the settings of a point decide, beside those of all kinds."""
        label, noise, level = point["label"], point["noise"], point["level"]
        return {
            "modality": "images",
            "signal": "class" if label is None else f"{label} or not",
            "representation": _MODELS[point["readout"]],
            "noise_kind": noise,
            "noise_level": level,
            "probe_noise_level": level,
            "snr": None if noise == "none" else float(NOISES[noise].snr(level)),
            "settings": frozen_json({**point["options"], **point["model"], **point["lmi"]}),
        }

    def batch_key(self, point: Point) -> str:
        """Points with the same value ask about the same trained network."""
        return frozen_json({name: point[name] for name in (*SHARED, "noise", "level")})


IMAGES = ImageMeasurement()


class _Trained(NamedTuple):
    """Last-layer features of both sides, and true and predicted classes of the probe."""

    train: np.ndarray
    probe: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray


@lru_cache(maxsize=1)
def _trained(key: str) -> _Trained:
    point = json.loads(key)
    images, rows = samples_of(point)
    sides = zip((rows, images.probe), streams(point), strict=True)
    train, probe = (_noisy(images.floats(side), point, rng) for side, rng in sides)
    model = MobileNet(**point["model"], seed=point["seed"]).fit(train, images.signal[rows])
    features = model.transform(probe)
    return _Trained(model.transform(train), features, images.signal[images.probe], model.named(features))


def _noisy(pixels: np.ndarray, point: Point, rng: np.random.Generator) -> np.ndarray:
    if point["noise"] == "none":
        return pixels
    return NOISES[point["noise"]].apply(pixels, point["level"], rng)


def _answer(point: Point) -> dict[str, Any]:
    made = _trained(IMAGES.batch_key(point))
    labels, predicted = made.labels, made.predicted
    if point["readout"] == LAST_LAYER:
        reduced = linear.PCA(point["dim"], point["seed"]).fit(made.train).transform(made.probe)
        return information_columns(information.lmi(reduced, labels, point["seed"], **point["lmi"]), entropy(labels))
    if point["readout"] == ONE_VS_REST:
        labels, predicted = labels == point["label"], predicted == point["label"]
    return information_columns(information.plug_in(predicted, labels, point["seed"], correct=True), entropy(labels))


class ImageGrid(SampleGrid):
    """The points of a sweep over noise in images; ``SampleGrid`` has the other parameters.

    Noise-free images are always among them (``noise_kind`` "none"), once for all kinds of noise.

    Parameters
    ----------
    levels : dict of kind → list
        "gaussian": σ in units of pixels, which lie in [-1, 1]; "pixelation": sides of the tiles in pixels.
    readouts : list of str
        "predicted": plug-in information between predicted and true classes; "one_vs_rest": the same for each class
        against the others; "last_layer": LMI between the last layer's features and the class.
    dim : int
        Principal components of the features that are asked.

    Examples
    --------
    >>> grid = ImageGrid(dataset="digits", levels={"gaussian": [0.5]}, readouts=["predicted"], seeds=[0])
    >>> [(p["noise"], p["level"]) for p in grid.points()]
    [('none', 0.0), ('gaussian', 0.5)]
    """

    measurement: ClassVar[Measurement] = IMAGES
    modality: ClassVar[str] = "images"
    model_class: ClassVar[Any] = MobileNet

    dataset: Annotated[str, one_of(datasets.IMAGES, "dataset of images")]
    levels: dict[str, list[float]] = Field(min_length=1)
    readouts: list[Annotated[str, one_of(_MODELS, "readout")]] = Field(
        default=[PREDICTED, ONE_VS_REST, LAST_LAYER], min_length=1
    )
    dim: int = Field(default=16, ge=1, le=1280)

    @field_validator("levels")
    @classmethod
    def _levels_in_range(cls, values: dict[str, list[float]]) -> dict[str, list[float]]:
        for name, levels in values.items():
            noise = OF_IMAGES[choose(name, OF_IMAGES, "kind of noise")]
            for level in levels:
                in_range(level, noise.clean, min(noise.most, 1e6), f"level of {name}", whole=noise.whole)
        # The noise-free images are measured once for all kinds.
        return {
            name: [level for level in dict.fromkeys(levels) if level != NOISES[name].clean]
            for name, levels in values.items()
        }

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        for name, levels in self.levels.items():
            for side in levels if NOISES[name].coarsens else []:
                in_range(side, 1, self.facts()["size"], f"level of {name} of {self.dataset}", whole=True)
        questions: list[tuple[str, str | None]] = []
        for readout in self.readouts:
            labels = self.facts()["labels"] if readout == ONE_VS_REST else [None]
            questions += [(readout, label) for label in labels]
        noises = [("none", 0.0), *((name, level) for name, levels in self.levels.items() for level in levels)]
        return [
            {**side, "noise": name, "level": level, "readout": readout, "label": label, "dim": self.dim}
            for side in self._sides()
            for name, level in noises
            for readout, label in questions
        ]
