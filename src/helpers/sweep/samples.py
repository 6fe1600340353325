"""Grids of images and sequences: what both have in common with those of cells, on the same engine."""

import itertools
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from helpers._utils.validation import choose, in_range
from helpers.datasets.samples import Samples
from helpers.preprocess.genes import nested_subset
from helpers.sweep import data
from helpers.sweep.cells import check_estimator
from helpers.sweep.data import Point
from helpers.sweep.grid import DataGrid, Numbers, Sizes

# What all points of these grids have.
SHARED = ("modality", "dataset", "options", "n_train", "seed", "fold", "model", "lmi")


class SampleGrid(DataGrid):
    """What grids of images and of sequences share.

    Parameters
    ----------
    dataset, options, seeds : see ``DataGrid``
    n_train : list of int, or None
        Training samples, nested subsets; None is all of them (in every fold as many as in the smallest).
    folds : list of int, or None
        Probe folds; None is all of the dataset's.
    model : dict
        Options of the model.
    lmi : dict
        Options of the estimator, such as ``{"k": 5}``.
    """

    modality: ClassVar[str]
    model_class: ClassVar[Any]

    n_train: Sizes | None = None
    folds: Numbers | None = Field(default=[0])
    model: dict[str, Any] = Field(default_factory=dict)
    lmi: dict[str, Any] = Field(default_factory=dict)

    @field_validator("model")
    @classmethod
    def _known_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = [f.name for f in fields(cls.model_class) if f.name not in ("seed", "device")]
        for option in value:
            choose(option, known, f"option of {cls.model_class.__name__}")
        return value

    @field_validator("lmi")
    @classmethod
    def _known_estimator_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_estimator(value)
        return value

    def samples(self) -> Any:
        """Return the images or sequences themselves."""
        return data.dataset_of({"dataset": self.dataset, "options": self.options})

    def _sides(self) -> Iterator[Point]:
        """Yield the settings of every model that is trained, but for its noise."""
        folds, most = self.folds_that_probe(self.folds)
        for n in self.n_train or []:
            in_range(n, 2, most, f"n_train of {self.dataset}", whole=True)
        common = {
            "modality": self.modality,
            "dataset": self.dataset,
            "options": self.options,
            "model": self.model,
            "lmi": self.lmi,
        }
        for fold, seed, n in itertools.product(folds, self.seeds, self.n_train or [most]):
            yield {**common, "n_train": n, "seed": seed, "fold": fold}


def samples_of(point: Point) -> tuple[Any, np.ndarray]:
    """Return a point's samples, its fold as the probe, and the rows that train."""
    samples: Samples = data.dataset_of(point).with_fold(point["fold"])
    chosen = nested_subset(len(samples.train), point["n_train"], point["seed"])
    return samples, samples.train[chosen]


def streams(point: Point) -> tuple[np.random.Generator, np.random.Generator]:
    """Return the random numbers of the noise in training and in probe samples: independent, fixed by the seed."""
    first, second = np.random.SeedSequence(point["seed"]).spawn(2)
    return np.random.default_rng(first), np.random.default_rng(second)
