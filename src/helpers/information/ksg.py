"""The nearest-neighbour estimator of Kraskov, Stögbauer and Grassberger (2004)."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import digamma

from helpers._utils.validation import as_matrix, as_seed, in_range, same_length
from helpers.information.estimate import Estimate

VERSION = 1  # 2026-11-28 numbered

# Above this many dimensions a tree visits nearly every point, and plain distances are faster.
_TREE_DIMENSIONS = 16
_BLOCK = 512


def ksg(x: Any, y: Any, k: int = 3, seed: int = 0) -> Estimate:
    """Estimate I(x; y) from distances to the k-th nearest neighbour (KSG estimator 1, max-norm).

    Unbiased for independent variables; biased downwards when the information or the dimension is high
    for the number of cells. Repeated values are counted as ties, as Gao et al. (2017) do, so that mixed
    and discrete variables work too. No noise is added to the data.

    Parameters
    ----------
    x, y : arrays of shape (n,) or (n, d)
        Scale each first: the max-norm compares their coordinates. More than k cells.
    k : int
        Neighbours; 3 as in the papers.
    seed : int
        Seed of the permutation that gives ``null_bits``.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, no column, fewer than k + 2 samples, or a bad seed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=2000)
    >>> estimate = ksg(x, x + rng.normal(size=2000))   # exactly 0.5 bits
    >>> abs(estimate.bits - 0.5) < 0.1
    True
    """
    start = time.perf_counter()
    seed = as_seed(seed)
    x, y = as_matrix(x, "x"), as_matrix(y, "y")
    n = same_length(x=x, y=y)
    in_range(k, 1, 1000, "k", whole=True)
    in_range(n, k + 2, np.inf, f"number of samples for k={k}")
    pointwise = ksg_pointwise(x, y, k)
    null = ksg_pointwise(x, y[np.random.default_rng(seed).permutation(n)], k).mean()
    settings = {"estimator": "ksg", "k": k, "seed": seed}
    return Estimate(float(pointwise.mean()), pointwise, float(null), n, time.perf_counter() - start, settings)


def ksg_pointwise(x: np.ndarray, y: np.ndarray, k: int = 3, workers: int = -1) -> np.ndarray:
    """Each cell's KSG contribution in bits, shape (n,). Their mean is the estimate.

    ``workers`` are threads that search trees, -1 for all processors; the numbers are the same.
    """
    n = len(x)
    joint = np.hstack([x, y])
    radius = neighbour_distance(joint, k, workers)
    # Strictly closer than the k-th neighbour; among repeats (radius 0) all of them, the cell itself included.
    tied = radius == 0
    within = np.where(tied, 0.0, np.nextafter(radius, 0))
    near = np.full(n, float(k))
    if tied.any():
        near[tied] = cKDTree(joint).query_ball_point(joint[tied], 0.0, p=np.inf, return_length=True)
    counts = (_count(side, within, workers) for side in (x, y))
    return (digamma(near) + digamma(n) - sum(digamma(c) for c in counts)) / np.log(2)


def ross_pointwise(x: np.ndarray, labels: np.ndarray, k: int = 3) -> np.ndarray:
    """Each cell's contribution, in bits, to the estimate of Ross (2014) for a continuous x and labels 0 … L−1.

    It is KSG with labels so far apart that a cell's neighbours are the nearest that share its label; a cell whose
    label k cells or fewer carry has neighbours of other labels too.
    """
    apart = 10 * (np.ptp(x) + 1.0)
    return ksg_pointwise(x, apart * labels[:, None].astype(float), k)


def neighbour_distance(points: np.ndarray, k: int, workers: int = -1) -> np.ndarray:
    """Return the max-norm distance from each point to its k-th nearest other point."""
    if points.shape[1] <= _TREE_DIMENSIONS:
        return cKDTree(points).query(points, k=[k + 1], p=np.inf, workers=workers)[0][:, 0]
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in _distances(points)])


def _count(points: np.ndarray, within: np.ndarray, workers: int) -> np.ndarray:
    """Points no farther than ``within`` from each point, itself included."""
    if points.shape[1] <= _TREE_DIMENSIONS:
        # Balls reach across many small leaves: the more dimensions, the larger leaves are faster.
        tree = cKDTree(points, leafsize=32 if points.shape[1] <= 4 else 128)
        return tree.query_ball_point(points, within, p=np.inf, return_length=True, workers=workers)
    limits = np.array_split(within, np.arange(_BLOCK, len(points), _BLOCK))
    return np.concatenate(
        [(block <= limit[:, None]).sum(axis=1) for block, limit in zip(_distances(points), limits, strict=True)]
    )


def _distances(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield max-norm distances of blocks of points to all points: memory linear in the number of points."""
    for start in range(0, len(points), _BLOCK):
        yield cdist(points[start : start + _BLOCK], points, "chebyshev")
