"""What every representation is: fitted on training cells, then applied to probe cells."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from helpers.checks import as_matrix, in_range


@dataclass
class Representation:
    """A map from cells to a few numbers: ``.fit(train).transform(probe)``.

    ``fit`` and ``transform`` take (cells, genes) values with equal genes; ``transform`` returns float32
    of shape (cells, dim). ``seed`` fixes every random choice.
    """

    dim: int = 16
    seed: int = 0

    def fit(self, train: Any) -> Self:
        """Learn from training cells, shape (cells, genes)."""
        values = as_matrix(train, "training cells")
        in_range(self.dim, 1, 4096, "dim", whole=True)
        in_range(len(values), 2, np.inf, "number of training cells")
        self._n_genes = values.shape[1]
        self._fit(values)
        return self

    def transform(self, probe: Any) -> np.ndarray:
        """Return the representation of cells, float32 of shape (cells, dim)."""
        if not hasattr(self, "_n_genes"):
            raise RuntimeError(f"{type(self).__name__} is not fitted: call .fit(train) first.")
        values = as_matrix(probe, "probe cells")
        if values.shape[1] != self._n_genes:
            raise ValueError(f"probe cells have {values.shape[1]} genes: the model was fitted on {self._n_genes}.")
        return np.ascontiguousarray(self._transform(values), dtype=np.float32)

    def _fit(self, train: np.ndarray) -> None:
        raise NotImplementedError

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        raise NotImplementedError
