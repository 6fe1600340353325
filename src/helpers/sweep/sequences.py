"""Measure sequences: misread residues, train ESM-2 on masked ones, estimate what its representation tells."""

import json
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from helpers import datasets, information
from helpers._utils.validation import choose, in_range
from helpers.noise import sequences as noise
from helpers.noise import substitute
from helpers.representations.esm import ESM
from helpers.store.rows import frozen_json
from helpers.sweep import samples as modality
from helpers.sweep.data import Point
from helpers.sweep.measurement import Measurement, name_of
from helpers.sweep.samples import SHARED, SampleGrid

VERSION = 1  # 2026-11-28 numbered


class SequenceMeasurement(Measurement):
    """Sequences: misread residues, train ESM-2, ask its representation."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points of one ``batch_key``: their information is estimated in one call."""
        found, _ = modality.samples_of(points[0])
        signal = found.signal[found.probe]
        embeddings = [_embedded(point) for point in points]
        estimates = information.lmi_many([(x, signal) for x in embeddings], points[0]["seed"], **points[0]["lmi"])
        return [
            {
                **self.describe(point), "dim": x.shape[1], "mi_bits": bits.bits, "mi_stderr_bits": bits.stderr,
                "mi_null_bits": bits.null_bits, "mi_ceiling_bits": found.ceiling_bits, "n_probe": bits.n,
            }
            for point, x, bits in zip(points, embeddings, estimates, strict=True)
        ]  # fmt: skip

    def describe(self, point: Point) -> dict[str, Any]:
        """Return the columns that a point's settings decide, measured or not."""
        return {
            "dataset": name_of(point),
            "modality": "sequences",
            "signal": "collection date",
            "representation": "esm",
            "n_train": point["n_train"],
            "noise_kind": "substitution",
            "noise_level": point["rate"],
            "probe_noise_level": point["probe_rate"],
            "snr": float(noise.Substitution().snr(point["probe_rate"])) if point["probe_rate"] else None,
            "seed": point["seed"],
            "fold": point["fold"],
            "settings": json.dumps({**point["options"], **point["model"], **point["lmi"]}, sort_keys=True),
        }

    def batch_key(self, point: Point) -> str:
        """Points with the same value share probe sequences and dates."""
        return frozen_json({name: point[name] for name in ("dataset", "options", "fold", "seed", "lmi")})


SEQUENCES = SequenceMeasurement()


def _embedded(point: Point) -> np.ndarray:
    found, _ = modality.samples_of(point)
    _, rng = modality.streams(point)
    model = _trained(frozen_json({name: point[name] for name in (*SHARED, "rate")}))
    return model.transform(substitute(found.chosen(found.probe), point["probe_rate"], rng))


@lru_cache(maxsize=1)
def _trained(key: str) -> ESM:
    point = json.loads(key)
    found, rows = modality.samples_of(point)
    rng, _ = modality.streams(point)
    return ESM(**point["model"], seed=point["seed"]).fit(substitute(found.chosen(rows), point["rate"], rng))


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
    datasets: ClassVar[Any] = datasets.SEQUENCES
    model_class: ClassVar[Any] = ESM

    rates: list[float] = Field(min_length=1)
    roles: list[str] = Field(default=["both"], min_length=1)
    probe_rates: list[float] | None = Field(default=None, min_length=1)

    @field_validator("rates", "probe_rates")
    @classmethod
    def _rates_in_range(cls, values: list[float] | None) -> list[float] | None:
        for value in values or []:
            in_range(value, 0, 1, "substitution rate", "It is the share of residues that are replaced.")
        return values if values is None else list(dict.fromkeys(values))

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, values: list[str]) -> list[str]:
        return [choose(value, ["both", "train", "probe"], "role") for value in values]

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data, those of one training together."""
        return [
            {**side, "rate": rate, "probe_rate": probe_rate}
            for side in self._sides()
            for rate in sorted({*self.rates, *([0.0] if "probe" in self.roles else [])})
            for probe_rate in self.probe_rates or self._probe_rates(rate)
        ]

    def _probe_rates(self, rate: float) -> list[float]:
        asked = {rate} if "both" in self.roles and rate in self.rates else set()
        asked |= {0.0} if "train" in self.roles else set()
        return sorted(asked | (set(self.rates) if "probe" in self.roles and rate == 0 else set()))
