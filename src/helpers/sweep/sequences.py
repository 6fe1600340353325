"""Measure sequences: misread residues, train ESM-2 on masked ones, estimate what its representation tells."""

import json
from functools import lru_cache
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from helpers import datasets, information
from helpers._utils.content import frozen_json
from helpers._utils.validation import in_range
from helpers.noise import sequences as noise
from helpers.noise import substitute
from helpers.representations.esm import ESM
from helpers.sweep.data import Point
from helpers.sweep.grid import one_of
from helpers.sweep.measurement import Measurement, information_columns
from helpers.sweep.samples import SHARED, SampleGrid, samples_of, streams

VERSION = 1  # 2026-11-28 numbered


class SequenceMeasurement(Measurement):
    """Sequences: misread residues, train ESM-2, ask its representation."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points of one ``batch_key``: their information is estimated in one call."""
        sequences, _ = samples_of(points[0])
        signal = sequences.signal[sequences.probe]
        embeddings = [_embedded(point) for point in points]
        estimates = information.lmi_many([(x, signal) for x in embeddings], points[0]["seed"], **points[0]["lmi"])
        return [
            {"dim": x.shape[1], **information_columns(estimate, sequences.ceiling_bits)}
            for x, estimate in zip(embeddings, estimates, strict=True)
        ]

    def columns(self, point: Point) -> dict[str, Any]:
        """Return the columns that the settings of a point decide, beside those of all kinds."""
        return {
            "modality": "sequences",
            "signal": "collection date",
            "representation": "esm",
            "noise_kind": "substitution",
            "noise_level": point["rate"],
            "probe_noise_level": point["probe_rate"],
            "snr": float(noise.Substitution().snr(point["probe_rate"])) if point["probe_rate"] else None,
            "settings": frozen_json({**point["options"], **point["model"], **point["lmi"]}),
        }

    def batch_key(self, point: Point) -> str:
        """Points with the same value share probe sequences and dates."""
        return frozen_json({name: point[name] for name in ("dataset", "options", "fold", "seed", "lmi")})


SEQUENCES = SequenceMeasurement()


def _embedded(point: Point) -> np.ndarray:
    sequences, _ = samples_of(point)
    _, rng = streams(point)
    model = _trained(frozen_json({name: point[name] for name in (*SHARED, "rate")}))
    return model.transform(substitute(sequences.chosen(sequences.probe), point["probe_rate"], rng))


@lru_cache(maxsize=1)
def _trained(key: str) -> ESM:
    point = json.loads(key)
    sequences, rows = samples_of(point)
    rng, _ = streams(point)
    return ESM(**point["model"], seed=point["seed"]).fit(substitute(sequences.chosen(rows), point["rate"], rng))


class SequenceGrid(SampleGrid):
    """The points of a sweep over misread residues; ``SampleGrid`` has the other parameters.

    Parameters
    ----------
    rates : list of floats in [0, 1]
        Substitutions per residue.
    roles : list of str
        "both": training and probe sequences at each rate, as published; "train": training sequences, the probe clean;
        "probe": probe sequences, the training clean.
    probe_rates : list of floats in [0, 1], or None
        Rates of the probe sequences at every rate of the training sequences, in place of ``roles``.

    Examples
    --------
    >>> grid = SequenceGrid(dataset="simulated_spike", rates=[0.0, 0.1], seeds=[0])
    >>> [(p["rate"], p["probe_rate"]) for p in grid.points()]
    [(0.0, 0.0), (0.1, 0.1)]
    """

    measurement: ClassVar[Measurement] = SEQUENCES
    modality: ClassVar[str] = "sequences"
    model_class: ClassVar[Any] = ESM

    dataset: Annotated[str, one_of(datasets.SEQUENCES, "dataset of sequences")]
    rates: list[float] = Field(min_length=1)
    roles: list[Annotated[str, one_of(("both", "train", "probe"), "role")]] = Field(default=["both"], min_length=1)
    probe_rates: list[float] | None = Field(default=None, min_length=1)

    @field_validator("rates", "probe_rates")
    @classmethod
    def _rates_in_range(cls, values: list[float] | None) -> list[float] | None:
        for value in values or []:
            in_range(value, 0, 1, "substitution rate", "It is the share of residues that are replaced.")
        return values if values is None else list(dict.fromkeys(values))

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data, those of one training together."""
        return [
            {**side, "rate": rate, "probe_rate": probe_rate}
            for side in self._sides()
            for rate in sorted({*self.rates, *([0.0] if "probe" in self.roles else [])})
            for probe_rate in self.probe_rates or self._probe_rates(rate)
        ]

    def _probe_rates(self, rate: float) -> list[float]:
        rates = {rate} if "both" in self.roles and rate in self.rates else set()
        rates |= {0.0} if "train" in self.roles else set()
        return sorted(rates | (set(self.rates) if "probe" in self.roles and rate == 0 else set()))
