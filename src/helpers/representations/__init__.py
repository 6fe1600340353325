"""Representations of cells, all with ``.fit(train).transform(probe)``."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from helpers._utils.lazy import Lazy, attributes
from helpers._utils.validation import choose

if TYPE_CHECKING:
    from helpers.representations.base import Representation
    from helpers.representations.joint_embedding import JointEmbedding
    from helpers.representations.linear import PCA, RandomProjection
    from helpers.representations.masked import MaskedReconstruction
    from helpers.representations.own import register
    from helpers.representations.precomputed import Precomputed
    from helpers.representations.scvi import SCVI
    from helpers.representations.txformer import Txformer

# The class of each, and its module: none is imported before it is used.
_CLASSES = {
    "random_projection": ("RandomProjection", "linear"),
    "pca": ("PCA", "linear"),
    "scvi": ("SCVI", "scvi"),
    "joint_embedding": ("JointEmbedding", "joint_embedding"),
    "txformer": ("Txformer", "txformer"),
    "masked_reconstruction": ("MaskedReconstruction", "masked"),
    "precomputed": ("Precomputed", "precomputed"),
}
# Those that do not depend on the training cells: measured at one number of them. Known without importing any.
FIXED = ("random_projection", "precomputed")
REPRESENTATIONS: "Lazy[type[Representation]]" = Lazy(
    {name: f"{__name__}.{module}:{kind}" for name, (kind, module) in _CLASSES.items()}
)
_HOME = {kind: f"{__name__}.{module}" for kind, module in _CLASSES.values()}
_OTHERS = {"Representation": f"{__name__}.base", "register": f"{__name__}.own"}
__getattr__ = attributes(__name__, {**_OTHERS, **_HOME})


def build(name: str, dim: int = 16, seed: int = 0, **options: Any) -> "Representation":
    """Return an unfitted representation by name; options are those of its class.

    >>> build("pca", dim=3).dim
    3
    >>> build("scvi", steps=20).steps
    20
    >>> build("precomputed", key="X_mine").key
    'X_mine'
    """
    kind = REPRESENTATIONS[choose(name, REPRESENTATIONS, "representation")]
    known = [f.name for f in fields(kind) if f.name not in ("dim", "seed")]
    for option in options:
        if not known:
            raise ValueError(f"unknown option of {name} {option!r}: it takes none besides dim and seed.")
        choose(option, known, f"option of {name}")
    return kind(dim=dim, seed=seed, **options)


__all__ = [
    "FIXED",
    "PCA",
    "REPRESENTATIONS",
    "SCVI",
    "JointEmbedding",
    "MaskedReconstruction",
    "Precomputed",
    "RandomProjection",
    "Representation",
    "Txformer",
    "build",
    "register",
]
