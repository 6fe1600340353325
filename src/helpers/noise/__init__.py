"""Measurement noise added to real measurements: thinned counts, blurred or noisy images, misread sequences."""

from helpers.noise.base import Noise
from helpers.noise.counts import thin, thin_nested
from helpers.noise.disjoint import thin_twice
from helpers.noise.images import Gaussian, Pixelation, add_gaussian, pixelate
from helpers.noise.sequences import Substitution, substitute

# Of images and sequences; the noise of counts is thinning.
NOISES: dict[str, Noise] = {"gaussian": Gaussian(), "pixelation": Pixelation(), "substitution": Substitution()}
OF_IMAGES = {name: noise for name, noise in NOISES.items() if noise.of == "images"}

__all__ = [
    "NOISES",
    "OF_IMAGES",
    "Noise",
    "add_gaussian",
    "pixelate",
    "substitute",
    "thin",
    "thin_nested",
    "thin_twice",
]
