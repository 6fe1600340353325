"""Representations of cells, all with ``.fit(train).transform(probe)``."""

from helpers.checks import choose
from helpers.representations.base import Representation
from helpers.representations.linear import PCA, RandomProjection

REPRESENTATIONS: dict[str, type[Representation]] = {"random_projection": RandomProjection, "pca": PCA}


def build(name: str, dim: int = 16, seed: int = 0) -> Representation:
    """Return an unfitted representation by name.

    >>> build("pca", dim=3).dim
    3
    """
    return REPRESENTATIONS[choose(name, REPRESENTATIONS, "representation")](dim=dim, seed=seed)


__all__ = ["PCA", "REPRESENTATIONS", "RandomProjection", "Representation", "build"]
