"""Pairs of variables whose information is known exactly."""

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr, stdtrit

from helpers._utils.validation import as_seed, choose, in_range
from helpers.information.discrete import flip_probability

VERSION = 1  # 2026-11-28 numbered

TASKS = ("gaussian", "heavy_tailed", "nonlinear", "discrete", "low_rank", "spread", "clusters")
_RANK = 4  # most hidden axes that are shared


def known_pair(task: str, bits: float, n: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw x and y that share exactly ``bits``, in one of several ways.

    All but two tasks start from a Gaussian pair of ``min(4, dim)`` hidden axes, each correlated by
    ρ = √(1 − 4^(−bits/rank)), together with noise axes, and end with a random rotation of x and of y. What lies
    between is invertible, so it changes no information:

    - *gaussian*: nothing.
    - *heavy_tailed*: every axis is mapped to Student's t with 3 degrees of freedom.
    - *nonlinear*: every second hidden axis is shifted by 1.5 sin(2·its neighbour); a single one is mapped by sinh.
    - *low_rank*: noise axes are shrunk tenfold, so that the hidden ones dominate.
    - *discrete*: y is a label of 2^r values, r = max(2, ⌈bits/0.9⌉); x has its binary digits as levels, plus unit
      noise, on min(r, dim) axes, spaced so that quadrature gives ``bits``.
    - *spread*: x and y have independent directions; the logs of their lengths are a Gaussian pair.
    - *clusters*: x and y are in 2^r clusters, r = max(2, ⌈bits⌉ up to 4), as cell types are, far apart relative to the
      unit noise within; y is in the cluster of x, or with a probability that leaves ``bits`` in another. Beyond 4 bits
      the noise within clusters shares the rest.

    Parameters
    ----------
    task : one of ``TASKS``
    bits : float ≥ 0
    n, dim : number of pairs; dimensions of x (and of y, unless it is a label)
    seed : int

    Returns
    -------
    x, y : (n, dim) arrays; y is (n,) integers for "discrete"

    Examples
    --------
    >>> x, y = known_pair("gaussian", bits=1.0, n=50, dim=3)
    >>> x.shape, y.shape
    ((50, 3), (50, 3))
    """
    choose(task, TASKS, "task")
    in_range(bits, 0, 50, "bits")
    in_range(n, 2, 1e8, "n", whole=True)
    in_range(dim, 1, 10_000, "dim", whole=True)
    rng = np.random.default_rng(as_seed(seed))
    if task == "discrete":
        return _label_pair(bits, n, dim, rng)
    if task == "clusters":
        return _cluster_pair(bits, n, dim, rng)
    if task == "spread":
        sizes = np.exp(0.5 * _correlated(bits, n, 1, rng))
        return _directions(n, dim, rng) * sizes[0], _directions(n, dim, rng) * sizes[1]
    hidden = _correlated(bits, n, min(_RANK, dim), rng)
    noise = rng.standard_normal((2, n, dim - hidden.shape[2]))
    if task == "heavy_tailed":
        hidden, noise = (stdtrit(3, ndtr(z)) for z in (hidden, noise))
    elif task == "nonlinear":
        hidden = np.stack([_warped(z) for z in hidden])
    elif task == "low_rank":
        noise *= 0.1
    x, y = (np.hstack(parts) @ _rotation(dim, rng) for parts in zip(hidden, noise, strict=True))
    return x, y


def _correlated(bits: float, n: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Hidden axes of x and y, (2, n, rank)."""
    rho = np.sqrt(-np.expm1(-bits / rank * np.log(4)))
    u, v = rng.standard_normal((2, n, rank))
    return np.stack([u, rho * u + np.sqrt(1 - rho**2) * v])


def _warped(z: np.ndarray) -> np.ndarray:
    if z.shape[1] == 1:
        return np.sinh(z)
    z = z.copy()
    z[:, 1::2] += 1.5 * np.sin(2 * z[:, 0::2][:, : z[:, 1::2].shape[1]])
    return z


def _rotation(dim: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((dim, dim)))[0]


def _cluster_pair(bits: float, n: int, dim: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    many = 2 ** int(np.clip(np.ceil(bits), 2, 4))
    flip = flip_probability(min(bits, np.log2(many)), many)
    of_x = rng.integers(0, many, n)
    of_y = np.where(rng.random(n) < flip, (of_x + rng.integers(1, many, n)) % many, of_x)
    within = _correlated(max(0.0, bits - np.log2(many)), n, min(_RANK, dim), rng)
    noise = rng.standard_normal((2, n, dim - within.shape[2]))
    # 14 apart or more, in units of the noise: clusters overlap in fewer than one pair in 10⁹.
    centres = 14.0 * (np.eye(many, dim) if dim >= many else np.arange(many)[:, None] * np.eye(1, dim))
    x, y = (
        (centres[cluster] + np.hstack([shared, apart])) @ _rotation(dim, rng)
        for cluster, shared, apart in zip((of_x, of_y), within, noise, strict=True)
    )
    return x, y


def _directions(n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    z = rng.standard_normal((n, dim))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _label_pair(bits: float, n: int, dim: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    digits = max(2, int(np.ceil(bits / 0.9)))
    axes = min(digits, dim)
    # Digits shared among the axes as evenly as can be.
    levels = [2 ** len(part) for part in np.array_split(np.arange(digits), axes)]
    at = np.stack([rng.integers(0, level, n) for level in levels], axis=1)
    x = rng.standard_normal((n, dim))
    x[:, :axes] += _spacing(bits, tuple(levels)) * (at - (np.array(levels) - 1) / 2)
    return x @ _rotation(dim, rng), np.ravel_multi_index(tuple(at.T), levels)


@lru_cache(maxsize=256)
def _spacing(bits: float, levels: tuple[int, ...]) -> float:
    """Return the spacing of levels, in units of the noise, at which they are known with ``bits`` in all."""
    if bits == 0:
        return 0.0
    return float(brentq(lambda s: sum(level_information(level, s) for level in levels) - bits, 1e-4, 60))


@lru_cache(maxsize=4096)
def level_information(levels: int, spacing: float) -> float:
    """Information in bits between equally likely, equally spaced levels and their sum with unit Gaussian noise.

    >>> round(level_information(2, 2.0), 3)   # ±1 in unit noise
    0.486
    """
    z, weight = np.polynomial.hermite_e.hermegauss(200)
    at = spacing * np.arange(levels)
    # For each level and noise value, log of the sum over levels of the likelihood relative to the true one.
    likelihood = -((at[:, None, None] - at[None, :, None] + z) ** 2) / 2 + z**2 / 2
    mean = (logsumexp(likelihood, axis=1) * weight).sum(axis=1).mean() / weight.sum()
    return float(np.log2(levels) - mean / np.log(2))
