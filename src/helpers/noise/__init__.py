"""Measurement noise added to real measurements: thinned counts, blurred or noisy images, misread sequences."""

from helpers.noise.base import CountNoise, Noise
from helpers.noise.counts import Thinning, thin, thin_nested, thin_twice
from helpers.noise.images import Gaussian, Pixelation, add_gaussian, pixelate
from helpers.noise.sequences import Substitution, substitute

# A new kind of noise is a class in a module of its name and one line here.
NOISES: dict[str, Noise] = {
    "thinning": Thinning(),
    "gaussian": Gaussian(),
    "pixelation": Pixelation(),
    "substitution": Substitution(),
}
OF_CELLS = {name: noise for name, noise in NOISES.items() if isinstance(noise, CountNoise)}
OF_IMAGES = {name: noise for name, noise in NOISES.items() if noise.samples == "images"}

__all__ = [
    "NOISES",
    "OF_CELLS",
    "OF_IMAGES",
    "CountNoise",
    "Noise",
    "add_gaussian",
    "pixelate",
    "substitute",
    "thin",
    "thin_nested",
    "thin_twice",
]
