"""What every representation is: fitted on training cells, then applied to probe cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from helpers._utils.validation import as_counts, as_matrix, as_seed, in_range


@dataclass
class Representation:
    """A map from cells to a few numbers: ``.fit(train).transform(probe)``.

    ``fit`` and ``transform`` take cells with equal columns; ``transform`` returns float32 of shape
    (cells, dim). ``seed`` fixes every random choice and leaves the global random states as they were.

    Class attributes say what a model is given:

    - ``takes``: "values", log-normalised (cells, genes); "counts", raw counts of the same genes, sparse;
      "embeddings", (cells, columns) made elsewhere.
    - ``needs_genes``: whether ``fit`` makes use of the names of the genes.
    """

    takes: ClassVar[str] = "values"
    needs_genes: ClassVar[bool] = False

    dim: int = 16
    seed: int = 0

    def fit(self, train: Any, genes: Sequence[str] | None = None) -> Self:
        """Learn from training cells, shape (cells, columns); ``genes`` names the columns.

        Raises
        ------
        ValueError
            For cells that are not numbers (or not counts), fewer than two of them, no column, other names than
            columns, or a dimension, seed or option out of range.
        """
        cells = self._checked(train, "training cells")
        in_range(self.dim, 1, 4096, "dim", whole=True)
        self.seed = as_seed(self.seed)
        in_range(cells.shape[0], 2, np.inf, "number of training cells")
        in_range(cells.shape[1], 1, np.inf, "number of columns of the training cells")
        if genes is not None and len(genes) != cells.shape[1]:
            raise ValueError(f"genes has {len(genes)} names: give one for each of the {cells.shape[1]} columns.")
        self._genes = None if genes is None else [str(gene) for gene in genes]
        self._fit(cells)
        self._n_columns = cells.shape[1]
        return self

    def transform(self, probe: Any) -> np.ndarray:
        """Return the representation of at least one cell with the columns fitted, float32 of shape (cells, dim)."""
        return np.ascontiguousarray(self._transform(self._probe(probe)), dtype=np.float32)

    def transform_at(self, step: int, probe: Any) -> np.ndarray:
        """Return the representation of cells by the model as it was at a step of its training that it kept."""
        raise ValueError(f"{type(self).__name__} keeps no earlier step of its training: leave out checkpoints.")

    def loss_at(self, step: int | None = None) -> float:
        """Return the held-out loss at a step of training, or of the model that is used; NaN for one without a loss."""
        return float("nan")

    def _probe(self, probe: Any) -> Any:
        """Return probe cells, checked against the training cells."""
        if not hasattr(self, "_n_columns"):
            raise RuntimeError(f"{type(self).__name__} is not fitted: call .fit(train) first.")
        cells = self._checked(probe, "probe cells")
        in_range(cells.shape[0], 1, np.inf, "number of probe cells")
        if cells.shape[1] != self._n_columns:
            kind = "columns" if self.takes == "embeddings" else "genes"
            raise ValueError(f"probe cells have {cells.shape[1]} {kind}: the model was fitted on {self._n_columns}.")
        return cells

    def _checked(self, cells: Any, what: str) -> Any:
        return as_counts(cells, what) if self.takes == "counts" else as_matrix(cells, what)

    def _fit(self, train: Any) -> None:
        raise NotImplementedError

    def _transform(self, probe: Any) -> np.ndarray:
        raise NotImplementedError
