"""Noise of images: Gaussian pixel noise and coarser pixels."""

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from helpers._utils.validation import as_array, as_rng, in_range
from helpers.noise.base import Noise

VERSION = 1  # 2026-11-28 numbered


def add_gaussian(images: Any, sigma: float, rng: Generator | int | None = None) -> np.ndarray:
    """Add independent normal noise of standard deviation ``sigma`` to every pixel and channel; nothing is clipped.

    The same seed gives the same pattern at every ``sigma``, only scaled: curves along σ compare the same images
    with more of the same noise.

    Parameters
    ----------
    images : array of numbers, such as (images, channels, height, width) in [-1, 1]
    sigma : float, at least 0
        In the units of the pixels.
    rng : numpy Generator or seed

    Returns
    -------
    ndarray of float32, same shape.

    Raises
    ------
    ValueError
        For pixels that are not finite numbers, a negative sigma, or an rng that is neither.

    Examples
    --------
    >>> noisy = add_gaussian(np.zeros((1000, 8, 8)), 0.5, rng=0)
    >>> round(float(noisy.std()), 2)
    0.5
    """
    pixels = _pixels(images)
    in_range(sigma, 0, 1e6, "sigma", "It is in the units of the pixels, which lie in [-1, 1].")
    rng = as_rng(rng)
    if sigma == 0:
        return pixels.copy()
    drawn = rng.standard_normal(pixels.shape, dtype=np.float32)
    drawn *= np.float32(sigma)
    return np.add(pixels, drawn, out=drawn)


def pixelate(images: Any, factor: int) -> np.ndarray:
    """Replace every tile of ``factor`` × ``factor`` pixels by its mean; the size of the image stays.

    Tiles start in the upper left corner; those at the right and lower edges are smaller where the factor does not
    divide the size. The mean of every tile, and so of the image, is unchanged.

    Parameters
    ----------
    images : array of numbers, shape (..., height, width)
    factor : whole number, 1 (nothing changes) to the longer side

    Returns
    -------
    ndarray of float32, same shape.

    Raises
    ------
    ValueError
        For pixels that are not finite numbers, or a factor out of range.

    Examples
    --------
    >>> pixelate([[1.0, 3.0], [5.0, 7.0]], 2).tolist()
    [[4.0, 4.0], [4.0, 4.0]]
    """
    pixels = _pixels(images)
    if pixels.ndim < 2:
        raise ValueError(f"images have shape {pixels.shape}: the last two dimensions must be height and width.")
    height, width = pixels.shape[-2:]
    in_range(factor, 1, max(height, width), "factor", "It is the side of a tile in pixels.", whole=True)
    if factor == 1:
        return pixels.copy()
    for axis, size in ((-2, height), (-1, width)):
        starts = np.arange(0, size, int(factor))
        tall = np.diff([*starts, size])
        shape = [1] * pixels.ndim
        shape[axis] = -1
        # In double precision: a tile of a large image has thousands of pixels.
        sums = np.add.reduceat(pixels, starts, axis=axis, dtype=np.float64)
        pixels = np.repeat(sums / tall.reshape(shape), tall, axis=axis)
    return pixels.astype(np.float32)


class Gaussian(Noise):
    """Normal noise in every pixel; the level is its standard deviation σ."""

    symbol: ClassVar[str] = "σ"
    axis: ClassVar[str] = "standard deviation σ of the noise (pixels lie in [−1, 1])"

    def apply(self, samples: Any, level: float, rng: Generator | int | None = None) -> np.ndarray:
        """Return noisy images."""
        return add_gaussian(samples, level, rng)


class Pixelation(Noise):
    """Coarser pixels; the level is the side f of a tile."""

    clean: ClassVar[float] = 1.0
    whole: ClassVar[bool] = True
    coarsens: ClassVar[bool] = True
    symbol: ClassVar[str] = "f"
    axis: ClassVar[str] = "side f of a tile (pixels)"

    def apply(self, samples: Any, level: float, rng: Generator | int | None = None) -> np.ndarray:
        """Return coarser images; nothing about them is random."""
        return pixelate(samples, int(level))


def _pixels(images: Any) -> np.ndarray:
    pixels = as_array(images, "images")
    if pixels.dtype.kind not in "fiub":
        raise ValueError(f"images have dtype {pixels.dtype}: give numbers.")
    pixels = pixels.astype(np.float32, copy=False)
    if not np.isfinite(pixels).all():
        raise ValueError("images hold NaN or infinite pixels: leave these images out.")
    return pixels
