"""The masked-reconstruction transformer as a representation: hidden states pooled over a cell's genes."""

from dataclasses import dataclass, fields

import numpy as np

from helpers._utils.validation import choose
from helpers.representations import linear, reconstruction, scoring
from helpers.representations.base import Representation
from helpers.representations.objective import Training

VERSION = 1  # 2026-11-28 numbered
TRAINED_BY = ("set_transformer", "training")

# Share of the training cells that only validates.
_VALIDATES = 0.1


@dataclass(kw_only=True)
class MaskedReconstruction(Representation):
    """Mean of a set transformer's last hidden states over a cell's genes, reduced to principal components.

    The model learns to predict hidden genes from the others (``objective.Training``); nothing is hidden when it is
    read out. As for ``Txformer``, ``dim`` principal components of the training cells' embeddings are kept, which can
    only lose information and makes sizes comparable; ``reduce=None`` gives all columns.

    Parameters
    ----------
    size, loss, steps, batch, rate, mask, validate_every, patience
        As in ``objective.Training``.
    reduce : {"pca", None}
    device : {"auto", "cpu", "cuda"}

    Attributes
    ----------
    trained_ : reconstruction.Trained

    Notes
    -----
    Kendiukhov 2026, arXiv 2602.15253, for the model. A tenth of the training cells only validates.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((40, 12), np.float32)
    >>> MaskedReconstruction(dim=4, size="TINY", steps=2).fit(x).transform(x).shape
    (40, 4)
    """

    size: str = "XS"
    loss: str = "mse"
    steps: int = 300
    batch: int = 32
    rate: float | None = None
    mask: float = 0.15
    validate_every: int = 50
    patience: int = 20
    reduce: str | None = "pca"
    device: str = "auto"

    def _fit(self, train: np.ndarray) -> None:
        if self.reduce is not None:
            choose(self.reduce, ["pca"], "reduce (or None)")
        names = [option.name for option in fields(Training) if hasattr(self, option.name)]
        options = Training(**{name: getattr(self, name) for name in names})
        train = train.astype(np.float32)
        order = np.random.default_rng([self.seed, 4]).permutation(len(train))
        held = max(1, round(_VALIDATES * len(train)))
        self.trained_ = reconstruction.train_reconstruction(
            train[order[held:]], train[order[:held]], options, self.seed, self.device
        )
        self._reducer = None if self.reduce is None else linear.PCA(self.dim, self.seed).fit(self._states(train))

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        states = self._states(probe.astype(np.float32))
        return states if self._reducer is None else self._reducer.transform(states)

    def _states(self, cells: np.ndarray) -> np.ndarray:
        return scoring.pooled(self.trained_.model, cells)
