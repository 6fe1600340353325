"""What masked reconstruction learns: which genes are hidden, how predictions are compared, losses and their bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers._utils.options import check_options, choice, number, whole
from helpers._utils.validation import as_matrix, in_range
from helpers.representations.set_transformer import SetTransformer, shape_of

LOSSES = ("mse", "nll", "bins")
# A Gaussian density at values that are often exactly zero has no least entropy: a smaller variance is not allowed.
SMALLEST_VARIANCE = 1e-2
_LARGEST_LOG_VARIANCE = 20.0
# Learning rates that served widths 1 to 128 on spleen cells: 0.64 / width, up to the largest.
_RATE_TIMES_WIDTH, _LARGEST_RATE = 0.64, 5e-2
CHUNK = 64  # cells that are scored at once
_FIXED = 1  # seed of the masks of validation and test


@dataclass(frozen=True)
class Training:
    """How a masked-reconstruction model is trained.

    Parameters
    ----------
    size : str
        Preset or "width/layers/heads/multiple".
    loss : {"mse", "nll", "bins"}
        Squared error; Gaussian negative log-likelihood with a mean and a log-variance for each prediction; or
        cross-entropy over bins of expression, the first of which is zero.
    steps, batch : int
        Gradient steps, for any number of cells, and cells in each.
    rate : float, optional
        Of AdamW: up over the first tenth of the steps, then down to 0. If not given, one that suits the width.
    mask : float
        Share of the genes that are hidden in each cell, drawn again at every step.
    n_bins : int
        Bins of loss "bins".
    validate_every, patience : int
        Steps between validations, always at the same masks; validations without a lower loss before training stops.
        The weights of the lowest loss are kept.
    weight_decay, clip : float
        Of AdamW; largest norm of the gradient.
    micro_batch : int, optional
        Cells whose gradients are computed at once and then added up: a smaller memory, the same step.
    """

    size: str = "XS"
    loss: str = choice("mse", LOSSES)
    steps: int = whole(300, 0)
    batch: int = whole(32, 1)
    rate: float | None = number(None, 0, 1, open_low=True)
    mask: float = number(0.15, 0, 1, fix="It is the share of hidden genes.", open_low=True)
    n_bins: int = whole(16, 2)
    validate_every: int = whole(50, 1)
    patience: int = whole(20, 1)
    weight_decay: float = number(0.01, 0, 10)
    clip: float = number(1.0, 0, open_low=True)
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        """Check every option."""
        shape_of(self.size)
        check_options(self)
        if self.micro_batch is not None:
            in_range(self.micro_batch, 1, self.batch, "micro_batch", whole=True)

    @property
    def rate_used(self) -> float:
        """The learning rate: the one given, or one that falls with the width."""
        return self.rate or min(_LARGEST_RATE, _RATE_TIMES_WIDTH / shape_of(self.size).width)

    def n_hidden(self, n_genes: int) -> int:
        """Return how many genes of a cell are hidden: the share, at least one, and one at least stays."""
        in_range(n_genes, 2, 1e6, "number of genes", "One is hidden and one must be left.", whole=True)
        return min(max(1, round(self.mask * n_genes)), n_genes - 1)


class Objective:
    """A loss: how predictions are compared with values, and what the mean loss is in bits a hidden gene.

    Edges of bins are quantiles of the positive values of the cells trained on: cross-entropies of runs on other cells
    have other bins.
    """

    def __init__(self, options: Training, train: np.ndarray) -> None:
        self.name = options.loss
        self.edges = torch.zeros(0)
        if self.name == "bins":
            positive = train[train > 0]
            if not len(positive):
                raise ValueError("no value of the training cells is above 0: there is nothing to cut into bins.")
            inner = np.quantile(positive, np.linspace(0, 1, options.n_bins)[1:-1])
            self.edges = torch.from_numpy(np.unique(np.concatenate([[0.0], inner])).astype(np.float32))

    @property
    def outputs(self) -> int:
        """Numbers that a prediction consists of."""
        return {"mse": 1, "nll": 2, "bins": len(self.edges) + 1}[self.name]

    def binned(self, values: torch.Tensor) -> torch.Tensor:
        """Return the bins of values: 0 for zero, then upwards."""
        return torch.bucketize(values, self.edges.to(values.device))

    def losses(self, predicted: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Return the loss of every prediction (…, outputs) of ``values`` (…): squared error, or nats."""
        predicted = predicted.float()
        if self.name == "mse":
            return (predicted[..., 0] - values).square()
        if self.name == "nll":
            variance = predicted[..., 1].clamp(max=_LARGEST_LOG_VARIANCE).exp() + SMALLEST_VARIANCE
            return gaussian_nats((predicted[..., 0] - values).square(), variance)
        nats = functional.cross_entropy(predicted.flatten(0, -2), self.binned(values).flatten(), reduction="none")
        return nats.view(values.shape)

    def bits(self, loss: Any) -> Any:
        """Return a mean loss in bits a hidden gene.

        Of a squared error it is the entropy of a Gaussian of that variance, ½ log2(2πe·mse), relative to a unit of
        log expression, as that of "nll" is; of bins it is the entropy of a number of bins, 0 or more.
        """
        return entropy_of_mse(loss) if self.name == "mse" else np.asarray(loss) / np.log(2)

    def of_genes(self, train: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the losses of values (cells, genes) by a predictor that knows each gene's training mean alone.

        Of "nll" it is each gene's mean and variance, of "bins" the shares of its bins (one cell added to each).
        """
        if self.name == "bins":
            codes, train_codes = (self.binned(torch.from_numpy(side)).numpy() for side in (values, train))
            shares = np.stack([(train_codes == b).sum(axis=0) + 1.0 for b in range(self.outputs)])
            shares /= shares.sum(axis=0)
            return -np.log(shares[codes, np.arange(values.shape[1])])
        squared = (values - train.mean(axis=0)) ** 2
        if self.name == "mse":
            return squared
        return gaussian_nats(torch.from_numpy(squared), torch.from_numpy(train.var(axis=0) + SMALLEST_VARIANCE)).numpy()


def gaussian_nats(squared: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Return −ln of a Gaussian density from squared deviations."""
    return 0.5 * (torch.log(2 * np.pi * variance) + squared / variance)


def entropy_of_mse(mse: Any) -> Any:
    """Return ½ log2(2πe·mse): bits of a Gaussian whose variance is a squared error.

    >>> round(float(entropy_of_mse(1.4437577)), 3)
    2.312
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * np.log2(2 * np.pi * np.e * np.asarray(mse, float))


def hidden_genes(n_cells: int, n_genes: int, n_hidden: int, rng: np.random.Generator) -> np.ndarray:
    """Return which genes of each cell are hidden, shape (cells, n_hidden): at random, each cell's own.

    >>> hidden_genes(3, 10, 2, np.random.default_rng(0)).shape
    (3, 2)
    """
    return np.argpartition(rng.random((n_cells, n_genes), np.float32), n_hidden - 1, axis=1)[:, :n_hidden]


def fixed_masks(values: np.ndarray, n_hidden: int, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cells, each ``repeats`` times, and their hidden genes: the same for every model and seed."""
    rows = np.tile(values, (repeats, 1))
    return rows, hidden_genes(len(rows), rows.shape[1], n_hidden, np.random.default_rng(_FIXED))


def same_genes(train: Any, cells: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return training cells and others as matrices of the same genes, none of them empty."""
    train, cells = as_matrix(train, "training cells"), as_matrix(cells, what)
    for side, name in ((train, "training cells"), (cells, what)):
        in_range(len(side), 1, np.inf, f"number of {name}")
    if train.shape[1] != cells.shape[1]:
        raise ValueError(f"training cells have {train.shape[1]} genes, {what} {cells.shape[1]}: give the same.")
    return train, cells


def losses_at(
    model: SetTransformer, objective: Objective, values: np.ndarray, hidden: np.ndarray, device: torch.device
) -> np.ndarray:
    """Return the losses at the hidden genes, shape (rows, hidden), without gradients."""
    sides = (torch.from_numpy(side).split(CHUNK) for side in (values, hidden))
    with torch.no_grad():
        parts = [
            prediction_losses(model, objective, some.to(device), genes.to(device)).cpu()
            for some, genes in zip(*sides, strict=True)
        ]
    return torch.cat(parts).numpy()


def prediction_losses(
    model: SetTransformer, objective: Objective, values: torch.Tensor, genes: torch.Tensor
) -> torch.Tensor:
    """Return the losses of cells at their hidden genes, shape (cells, hidden)."""
    # bfloat16 speeds up a GPU; on a CPU it is slower than single precision.
    with torch.autocast(values.device.type, torch.bfloat16, enabled=values.device.type == "cuda"):
        predicted = model(values, genes)
    return objective.losses(predicted, values.gather(1, genes))
