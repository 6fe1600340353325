"""Representations of cells, all with ``.fit(train).transform(probe)``."""

from dataclasses import fields
from typing import Any

from helpers.checks import choose
from helpers.representations.base import Representation
from helpers.representations.linear import PCA, RandomProjection
from helpers.representations.masked import MaskedReconstruction
from helpers.representations.precomputed import Precomputed
from helpers.representations.scvi import SCVI
from helpers.representations.txformer import Txformer

REPRESENTATIONS: dict[str, type[Representation]] = {
    "random_projection": RandomProjection,
    "pca": PCA,
    "scvi": SCVI,
    "txformer": Txformer,
    "masked_reconstruction": MaskedReconstruction,
    "precomputed": Precomputed,
}


def build(name: str, dim: int = 16, seed: int = 0, **options: Any) -> Representation:
    """Return an unfitted representation by name; options are those of its class.

    >>> build("pca", dim=3).dim
    3
    >>> build("scvi", steps=20).steps
    20
    >>> build("precomputed", keys="X_mine")
    Traceback (most recent call last):
    ...
    ValueError: unknown option of precomputed 'keys': did you mean 'key'? Known: key.
    """
    kind = REPRESENTATIONS[choose(name, REPRESENTATIONS, "representation")]
    known = [f.name for f in fields(kind) if f.name not in ("dim", "seed")]
    for option in options:
        if not known:
            raise ValueError(f"unknown option of {name} {option!r}: it takes none besides dim and seed.")
        choose(option, known, f"option of {name}")
    return kind(dim=dim, seed=seed, **options)


__all__ = [
    "PCA",
    "REPRESENTATIONS",
    "SCVI",
    "MaskedReconstruction",
    "Precomputed",
    "RandomProjection",
    "Representation",
    "Txformer",
    "build",
]
