"""scVI with a second, thinned view of each cell, whose embedding is to be the first one's: trained against noise."""

from dataclasses import dataclass

import torch
from scipy import sparse

from helpers._utils.options import number
from helpers.noise.counts import thinned_view
from helpers.representations.scvi import SCVI

VERSION = 1  # 2026-11-30 new
TRAINED_BY = ("scvi", "training")


@dataclass(kw_only=True)
class JointEmbedding(SCVI):
    r"""``SCVI`` whose loss also ties a cell's embedding to that of a thinned copy of it.

    At each step every cell of the batch is thinned to a random depth, between ``fewest`` molecules and what it has
    (``noise.counts.thinned_view``). With z-scores over the batch, C is the correlation of each latent number of the
    thinned cells with each of the whole ones, and ``weight`` times :math:`\sum_i (1 - C_{ii})^2 + λ \sum_{i ≠ j}
    C_{ij}^2` is added to the loss, λ being ``off_diagonal``. Everything else is ``SCVI``, also what cells are embedded
    by: q(z|x) of the counts as they are. The held-out loss of ``patience`` is that of training, views included.

    Parameters
    ----------
    weight : float
        Of the correlations; 100 as published. At 0, ``SCVI`` but for the batch norm, which sees the views as well.
    off_diagonal : float
        λ: how much less correlations of different latent numbers count than those of equal ones; 0.01 as published.
    fewest : float
        Fewest molecules, over the genes given, that a cell is thinned to; 10 as published.

    Notes
    -----
    Svensson 2026, doi:10.64898/2026.02.11.705441, which is ``external.JointEmbeddingSCVI`` of scvi-tools from 1.5 on.

    Examples
    --------
    >>> from numpy.random import default_rng
    >>> x = default_rng(0).poisson(2.0, size=(30, 20))
    >>> JointEmbedding(dim=4, steps=3, hidden=8).fit(x).transform(x).shape
    (30, 4)
    """

    weight: float = number(100.0, 0, 1e6)
    off_diagonal: float = number(0.01, 0, 1e6)
    fewest: float = number(10.0, 1, 1e6)

    def _loss(self, counts: sparse.csr_matrix, weight: float) -> torch.Tensor:
        loss, latent = self._elbo(counts, weight)
        seen = self._model.inference(*self._tensors(thinned_view(counts, self.fewest, self._rng)))["z"]
        return loss + self.weight * correlation_loss(seen, latent, self.off_diagonal)


def correlation_loss(a: torch.Tensor, b: torch.Tensor, off_diagonal: float) -> torch.Tensor:
    r"""Return :math:`\sum_i (1 - C_{ii})^2 + λ \sum_{i ≠ j} C_{ij}^2` for the correlations C of columns of a and b.

    A column without spread correlates with none.

    Examples
    --------
    >>> a = torch.tensor([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> round(correlation_loss(a, a, 1.0).item(), 3), round(correlation_loss(a, -a, 1.0).item(), 3)
    (0.0, 8.0)
    """
    scores = [(side - side.mean(0)) / (side.std(0, correction=0) + 1e-8) for side in (a, b)]
    correlations = scores[0].T @ scores[1] / len(a)
    diagonal = correlations.diagonal()
    return ((1 - diagonal) ** 2).sum() + off_diagonal * (correlations.square().sum() - diagonal.square().sum())


__all__ = ["JointEmbedding", "correlation_loss"]
