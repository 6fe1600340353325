"""What every kind of noise is: how it is added, and what laws, grids and charts ask of it."""

from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from helpers._utils.validation import in_range

_POWERS = {1: "⁻¹", 2: "⁻²"}


class Noise:
    """A kind of noise with a level; its signal-to-noise ratio is a power of the level unless a subclass says otherwise.

    Class attributes: which ``samples`` have it; the ``clean`` level, without noise, and the ``most`` there can be; the
    highest level that the noise law ``describes``; whether levels are ``whole`` numbers, and sides of tiles
    (``coarsens``); the ``symbol`` of the level, and the title of its ``axis``.
    """

    samples: ClassVar[str] = "images"
    clean: ClassVar[float] = 0.0
    most: ClassVar[float] = np.inf
    describes: ClassVar[float] = np.inf
    whole: ClassVar[bool] = False
    coarsens: ClassVar[bool] = False
    symbol: ClassVar[str]
    axis: ClassVar[str]

    def apply(self, samples: Any, level: float, rng: Any = None) -> Any:
        """Return samples with noise; ``rng`` is a numpy Generator or a seed."""
        raise NotImplementedError

    def check(self, level: float, what: str) -> float:
        """Return a level that this noise can have; raise ``ValueError`` for any other."""
        return in_range(level, self.clean, self.most, what)

    def snr(self, level: Any, power: float = 2) -> np.ndarray:
        """Return the signal-to-noise ratio of levels, up to a constant; infinite at level 0."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(level, float) ** -float(power)

    def level(self, snr: Any, power: float = 2) -> np.ndarray:
        """Return the level of signal-to-noise ratios."""
        return np.asarray(snr, float) ** (-1 / power)

    def relation(self, power: float = 2) -> str:
        """Return how the ratio follows from the level, as a legend shows it."""
        return f"SNR ∝ {self.symbol}{_POWERS.get(power, f'^−{power}')}"  # type: ignore[call-overload]

    def named(self, level: float) -> str:
        """Return a level as a legend names it."""
        return f"{self.symbol} = {level:g}"


class CountNoise(Noise):
    """A kind of noise in molecular counts, which ``sweep.Grid`` knows by its name in ``NOISES``.

    ``done`` is what happens to cells, as in "training cells thinned"; ``measured_axis`` is the title of the axis of the
    ratios that rows record (``measured_snr``). Counts on disk are read in blocks of a multiple
    of ``noise.counts.ROWS`` cells: a cell must get the same noise there as within the whole matrix.
    """

    samples: ClassVar[str] = "cells"
    done: ClassVar[str]
    measured_axis: ClassVar[str] = "signal-to-noise ratio of a probe cell"

    def apply(self, samples: Any, level: float, rng: Any = 0, first_row: int = 0) -> sparse.csr_matrix:
        """Return noisy counts; ``rng`` is a seed, and the cells are rows of a larger matrix from ``first_row`` on."""
        raise NotImplementedError

    def measured_snr(self, level: float, umis: float) -> float:
        """Return the ratio that a row records of a level and the mean UMIs that a probe cell has there."""
        return float(self.snr(level))

    def kept(self, level: Any) -> Any:
        """Return the share of a cell's molecules that is left at levels: all, unless a subclass says otherwise."""
        return np.ones_like(np.asarray(level, float))

    @property
    def roles(self) -> dict[str, str]:
        """What a curve is called by which cells have the noise."""
        return {
            "both": f"training and probe cells {self.done}",
            "train": f"training cells {self.done}, probe clean",
            "probe": f"probe cells {self.done}, training clean",
        }

    def distance(self, level: Any) -> Any:
        """Return how far levels are from the clean one: larger is noisier."""
        return abs(level - self.clean)
