"""What every kind of noise in images and sequences is: how it is added, and what laws and charts ask of it."""

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

_POWERS = {1: "⁻¹", 2: "⁻²"}


class Noise:
    """A kind of noise with a level; its signal-to-noise ratio is a power of the level unless a subclass says otherwise.

    Class attributes: what it is noise ``of``; the ``clean`` level, without noise, and the ``most`` there can be; the
    highest level that the noise law ``describes``; whether levels are ``whole`` numbers, and sides of tiles
    (``coarsens``); the ``symbol`` of the level, and the title of its ``axis``.
    """

    of: ClassVar[str] = "images"
    clean: ClassVar[float] = 0.0
    most: ClassVar[float] = np.inf
    describes: ClassVar[float] = np.inf
    whole: ClassVar[bool] = False
    coarsens: ClassVar[bool] = False
    symbol: ClassVar[str]
    axis: ClassVar[str]

    def apply(self, samples: Any, level: float, rng: Generator | int | None = None) -> Any:
        """Return samples with noise."""
        raise NotImplementedError

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
