"""The two linear representations: random projection, which learns nothing, and principal components."""

import warnings

import numpy as np
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.exceptions import DataDimensionalityWarning
from sklearn.random_projection import GaussianRandomProjection

from helpers.representations.base import Representation

VERSION = 1  # 2026-11-28 numbered


class RandomProjection(Representation):
    """Project on random Gaussian directions: the baseline that learns nothing from the training cells.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(30, 100))
    >>> RandomProjection(dim=4).fit(x).transform(x).shape
    (30, 4)
    """

    def _fit(self, train: np.ndarray) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataDimensionalityWarning)  # more dimensions than genes are no mistake here
            self._model = GaussianRandomProjection(self.dim, random_state=self.seed).fit(train)

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        return self._model.transform(probe)


class PCA(Representation):
    """Project on the principal components of the training cells.

    With fewer cells or genes than ``dim``, the components that do not exist are zero.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(30, 100))
    >>> PCA(dim=4).fit(x).transform(x).shape
    (30, 4)
    """

    def _fit(self, train: np.ndarray) -> None:
        rank = min(self.dim, len(train) - 1, train.shape[1])  # n cells span n - 1 directions around their mean
        with np.errstate(invalid="ignore"):  # identical cells: shares of no variance
            self._model = SklearnPCA(rank, random_state=self.seed).fit(train)
        real = self._model.explained_variance_ > 1e-12 * np.maximum(train.var(axis=0).sum(), 1e-300)
        self._model.components_[~real] = 0

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        scores = self._model.transform(probe)
        return np.pad(scores, ((0, 0), (0, self.dim - scores.shape[1])))
