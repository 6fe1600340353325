"""Grids of images and sequences: what both have in common with those of cells, on the same engine."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from helpers._utils.validation import choose, in_range
from helpers.datasets.samples import Samples
from helpers.preprocess.genes import nested_subset
from helpers.sweep import data
from helpers.sweep.cells import check_estimator
from helpers.sweep.data import Point
from helpers.sweep.fields import Options
from helpers.sweep.measurement import Measurement

# What all points of these grids have.
SHARED = ("modality", "dataset", "options", "n_train", "seed", "fold", "model", "lmi")


class SampleGrid(BaseModel):
    """What grids of images and of sequences share.

    Parameters
    ----------
    dataset : str
    options : dict
        Options of the dataset.
    n_train : list of int, or None
        Training samples, nested subsets; None is all of them (in every fold as many as in the smallest).
    seeds : list of int
        Each seed draws its own noise, samples, initial weights and estimate.
    folds : list of int, or None
        Probe folds; None is all of the dataset's.
    model : dict
        Options of the model.
    lmi : dict
        Options of the estimator, such as ``{"k": 5}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    measurement: ClassVar[Measurement]
    modality: ClassVar[str]
    datasets: ClassVar[Any]
    model_class: ClassVar[Any]

    dataset: str
    options: Options = Field(default_factory=dict)
    n_train: list[int] | None = None
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    folds: list[int] | None = [0]
    model: dict[str, Any] = Field(default_factory=dict)
    lmi: dict[str, Any] = Field(default_factory=dict)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, value: str) -> str:
        return choose(value, cls.datasets, f"dataset of {cls.modality}")

    @field_validator("seeds", "folds", "n_train")
    @classmethod
    def _whole_and_different(cls, values: list[int] | None, told: ValidationInfo) -> list[int] | None:
        if values is not None and not values:
            raise ValueError(f"{told.field_name} is empty: give at least one.")
        for value in values or []:
            in_range(value, 0, 2**32 - 1, f"one of {told.field_name}", whole=True)
        return None if values is None else list(dict.fromkeys(values))

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

    def facts(self) -> dict[str, Any]:
        """Return what is known of the data, as recorded if they are not at hand."""
        return data.facts({"dataset": self.dataset, "options": self.options})

    def about(self) -> dict[str, Any]:
        """Return the table of facts of the data."""
        return self.facts()["about"]

    def samples(self) -> Any:
        """Return the images or sequences themselves."""
        return data.dataset_of({"dataset": self.dataset, "options": self.options})

    def _sides(self) -> Iterator[Point]:
        """Yield the settings of every model that is trained, but for its noise."""
        sizes = self.facts()["train_cells"]
        folds = list(range(len(sizes))) if self.folds is None else self.folds
        for fold in folds:
            in_range(fold, 0, len(sizes) - 1, f"fold of {self.dataset}", whole=True)
        most = min(sizes[fold] for fold in folds)
        for n in self.n_train or []:
            in_range(n, 2, most, f"n_train of {self.dataset}", whole=True)
        for fold in folds:
            for seed in self.seeds:
                for n in self.n_train or [most]:
                    yield {
                        "modality": self.modality, "dataset": self.dataset, "options": self.options, "n_train": n,
                        "seed": seed, "fold": fold, "model": self.model, "lmi": self.lmi,
                    }  # fmt: skip


def samples_of(point: Point) -> tuple[Any, np.ndarray]:
    """Return a point's samples, its fold as the probe, and the rows that train."""
    samples: Samples = data.dataset_of(point).with_fold(point["fold"])
    chosen = nested_subset(len(samples.train), point["n_train"], point["seed"])
    return samples, samples.train[chosen]


def streams(point: Point) -> tuple[np.random.Generator, np.random.Generator]:
    """Return the random numbers of the noise in training and in probe samples: independent, fixed by the seed."""
    first, second = np.random.SeedSequence(point["seed"]).spawn(2)
    return np.random.default_rng(first), np.random.default_rng(second)
