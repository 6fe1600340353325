"""Clouds of two variables whose mutual information is known exactly, to be guessed at."""

from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import entr

from helpers._utils.validation import in_range
from helpers.information.known_pairs import known_pair


class Round(NamedTuple):
    """A cloud, and the information of the pair it is drawn from, in bits."""

    kind: str
    bits: float
    x: np.ndarray
    y: np.ndarray


def table_bits(joint: np.ndarray) -> float:
    """Return the information of a table of joint probabilities, in bits.

    Examples
    --------
    >>> table_bits(np.array([[0.5, 0.0], [0.0, 0.5]]))
    1.0
    """
    parts = entr(joint.sum(axis=0)).sum() + entr(joint.sum(axis=1)).sum() - entr(joint).sum()
    return float(parts / np.log(2))


def ring_bits(inner: float) -> float:
    """Return the information of the coordinates of a point that is uniform between radii ``inner`` and 1, in bits.

    The density of a coordinate is a chord over the area; its entropy is found by quadrature.

    Examples
    --------
    >>> round(ring_bits(0.0), 3)   # a disc
    0.209
    """
    in_range(inner, 0, 0.999, "inner", "It is a share of the outer radius.")
    area = np.pi * (1 - inner**2)

    def density(x: float) -> float:
        return float(2 / area * (np.sqrt(1 - x**2) - np.sqrt(max(inner**2 - x**2, 0.0))))

    half = sum(quad(lambda x: entr(density(x)), *ends, limit=200)[0] for ends in ((0, inner), (inner, 1)))
    return float((4 * half - np.log(area)) / np.log(2))


def _clusters(joint: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs from a table of levels; noise of a sixteenth of their distance does not mix them."""
    at = rng.choice(joint.size, n, p=joint.ravel())
    x, y = np.stack(np.unravel_index(at, joint.shape)) + rng.standard_normal((2, n)) / 16
    return x, y


def rounds(n: int = 400, seed: int = 0) -> list[Round]:
    """Draw one cloud of each kind of pair whose information is known exactly: two Gaussian ones, then others.

    Parameters
    ----------
    n : int
        Dots in each.
    seed : int
        Of the bits, the order and the dots.

    Examples
    --------
    >>> [r.kind for r in rounds(50)][:2]
    ['a Gaussian pair', 'a Gaussian pair']
    """
    in_range(n, 2, 1_000_000, "n", whole=True)
    in_range(seed, 0, 2**32 - 2, "seed", whole=True)
    rng = np.random.default_rng(seed)

    def drawn(kind: str, task: str, low: float, high: float) -> Round:
        bits = round(rng.uniform(low, high), 2)
        return Round(kind, bits, *(side[:, 0] for side in known_pair(task, bits, n, 1, int(rng.integers(2**31)))))

    first = [drawn("a Gaussian pair", "gaussian", *ends) for ends in ((0.05, 0.6), (0.9, 2.0))]
    inner = round(rng.uniform(0.6, 0.9), 2)
    radius, angle = np.sqrt(rng.uniform(inner**2, 1, n)), rng.uniform(0, 2 * np.pi, n)
    diamond, square = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4, np.full((2, 2), 0.25)
    others = [
        drawn("a Gaussian pair, both sides bent", "nonlinear", 0.3, 1.5),
        drawn("only the sizes are shared", "spread", 0.5, 1.5),
        drawn("four types, some mistaken", "clusters", 0.3, 1.5),
        Round("a ring", ring_bits(inner), radius * np.cos(angle), radius * np.sin(angle)),
        Round("four clusters as a diamond", table_bits(diamond), *_clusters(diamond, n, rng)),
        Round("four clusters as a square", table_bits(square), *_clusters(square, n, rng)),
    ]
    return [*first, *(others[i] for i in rng.permutation(len(others)))]
