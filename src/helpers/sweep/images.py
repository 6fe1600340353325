"""Measure images: add noise, train a network to name their class, estimate what its answers and features tell."""

import json
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, field_validator

from helpers import datasets, information
from helpers._utils.validation import choose, in_range
from helpers.information.discrete import entropy
from helpers.noise import NOISES, OF_IMAGES
from helpers.representations import linear
from helpers.representations.mobilenet import MobileNet
from helpers.store.rows import frozen_json
from helpers.sweep import samples as modality
from helpers.sweep.data import Point
from helpers.sweep.measurement import Measurement, name_of
from helpers.sweep.samples import SHARED, SampleGrid

VERSION = 1  # 2026-11-28 numbered

PREDICTED, LAST_LAYER, ONE_VS_REST = "predicted", "last_layer", "one_vs_rest"
_MODELS = {PREDICTED: "mobilenet", ONE_VS_REST: "mobilenet", LAST_LAYER: "mobilenet, last layer"}


class ImageMeasurement(Measurement):
    """Images: add noise, train a network, ask its answers and features: one network, several questions."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points that ``batch_key`` calls equal: one network, several questions."""
        return [{**self.describe(point), **_answer(point)} for point in points]

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide, measured or not."""
        label = point["label"]
        snr = None if point["noise"] == "none" else float(NOISES[point["noise"]].snr(point["level"]))
        return {
            "dataset": name_of(point),
            "modality": "images",
            "signal": "class" if label is None else f"{label} or not",
            "representation": _MODELS[point["readout"]],
            "n_train": point["n_train"],
            "noise_kind": point["noise"],
            "noise_level": point["level"],
            "probe_noise_level": point["level"],
            "snr": snr,
            "seed": point["seed"],
            "fold": point["fold"],
            "dim": point["dim"],
            "settings": json.dumps({**point["options"], **point["model"], **point["lmi"]}, sort_keys=True),
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
    found, rows = modality.samples_of(point)
    streams = modality.streams(point)
    train, probe = (
        _noisy(found.floats(side), point, rng) for side, rng in zip((rows, found.probe), streams, strict=True)
    )
    model = MobileNet(**point["model"], seed=point["seed"]).fit(train, found.signal[rows])
    features = model.transform(probe)
    return _Trained(model.transform(train), features, found.signal[found.probe], model.named(features))


def _noisy(pixels: np.ndarray, point: Point, rng: np.random.Generator) -> np.ndarray:
    if point["noise"] == "none":
        return pixels
    return NOISES[point["noise"]].apply(pixels, point["level"], rng)


def _answer(point: Point) -> dict[str, Any]:
    made = _trained(IMAGES.batch_key(point))
    labels = made.labels
    if point["readout"] == LAST_LAYER:
        reduced = linear.PCA(point["dim"], point["seed"]).fit(made.train).transform(made.probe)
        found = information.lmi(reduced, labels, point["seed"], **point["lmi"])
    elif point["readout"] == PREDICTED:
        found = information.plug_in(made.predicted, labels, point["seed"], correct=True)
    else:
        labels = labels == point["label"]
        found = information.plug_in(made.predicted == point["label"], labels, point["seed"], correct=True)
    return {
        "mi_bits": found.bits, "mi_stderr_bits": found.stderr, "mi_null_bits": found.null_bits,
        "mi_ceiling_bits": entropy(labels), "n_probe": found.n,
    }  # fmt: skip


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
    datasets: ClassVar[Any] = datasets.IMAGES
    model_class: ClassVar[Any] = MobileNet

    levels: dict[str, list[float]] = Field(min_length=1)
    readouts: list[str] = Field(default=[PREDICTED, ONE_VS_REST, LAST_LAYER], min_length=1)
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

    @field_validator("readouts")
    @classmethod
    def _known_readouts(cls, values: list[str]) -> list[str]:
        return [choose(value, _MODELS, "readout") for value in values]

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        for name, levels in self.levels.items():
            for side in levels if NOISES[name].coarsens else []:
                in_range(side, 1, self.facts()["size"], f"level of {name} of {self.dataset}", whole=True)
        asked: list[tuple[str, str | None]] = []
        for readout in self.readouts:
            labels = self.facts()["labels"] if readout == ONE_VS_REST else [None]
            asked += [(readout, label) for label in labels]
        spoiled = [("none", 0.0), *((name, level) for name, levels in self.levels.items() for level in levels)]
        return [
            {**side, "noise": name, "level": level, "readout": readout, "label": label, "dim": self.dim}
            for side in self._sides()
            for name, level in spoiled
            for readout, label in asked
        ]
