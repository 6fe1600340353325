"""Measurement noise added to real measurements: thinned counts, blurred or noisy images, misread sequences."""

from helpers.noise.counts import thin, thin_nested
from helpers.noise.disjoint import thin_twice
from helpers.noise.images import add_gaussian, pixelate
from helpers.noise.sequences import substitute

__all__ = ["add_gaussian", "pixelate", "substitute", "thin", "thin_nested", "thin_twice"]
