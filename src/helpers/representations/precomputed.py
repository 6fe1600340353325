"""Embeddings made elsewhere, by any model in any language."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from helpers.representations.base import Representation

VERSION = 1  # 2026-11-28 numbered


@dataclass
class Precomputed(Representation):
    """Pass embeddings through as they are, all columns; ``dim`` is not used.

    Nothing is fitted here; whether the model that made the embeddings has seen the probe cells, only its maker knows.
    Thinning the counts does not change them: a noise curve needs an embedding for each depth.

    Parameters
    ----------
    key : str
        Name of the embedding among those of a dataset (``obsm`` of an AnnData file). In a sweep ``{depth}`` in it
        stands for the fraction of molecules kept, as in ``X_emb_{depth}`` for ``X_emb_1`` and ``X_emb_0.1``.

    Examples
    --------
    >>> x = np.arange(12.0).reshape(4, 3)
    >>> Precomputed(key="X_mine").fit(x).transform(x[:2]).tolist()
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """

    takes: ClassVar[str] = "embeddings"

    key: str = "X_emb"

    def _fit(self, train: np.ndarray) -> None:
        """Nothing is learned; the base class has checked the cells and keeps their width."""

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        return probe
