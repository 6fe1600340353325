"""Learn to predict hidden genes from the others: masks, losses and their bits, training, scores on held-out cells."""

import os
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.covariance import LedoitWolf
from torch.nn import functional

from helpers._utils.progress import track
from helpers._utils.validation import as_array, as_matrix, as_seed, choose, in_range
from helpers.representations.set_transformer import SetTransformer, forward_flops, shape_of
from helpers.representations.training import BestWeights, batches, device_for, finite, seeded

VERSION = 1  # 2026-11-28 numbered

LOSSES = ("mse", "nll", "bins")
# A Gaussian density at values that are often exactly zero has no least entropy: a smaller variance is not allowed.
SMALLEST_VARIANCE = 1e-2
_LARGEST_LOG_VARIANCE = 20.0
# Learning rates that served widths 1 to 128 on spleen cells: 0.64 / width, up to the largest.
_RATE_TIMES_WIDTH, _LARGEST_RATE = 0.64, 5e-2
# Cells that are scored at once.
_CHUNK = 64
# Fewest rows of the fixed validation set: with few cells, each is masked several times.
_FEWEST_ROWS = 256
# Seed of the masks of validation and test.
_FIXED = 1
_SAVED = ("identity", "step", "model", "optimiser", "best", "history", "losses")


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
        Share of the genes that are hidden in each cell, drawn anew at every step.
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
    loss: str = "mse"
    steps: int = 300
    batch: int = 32
    rate: float | None = None
    mask: float = 0.15
    n_bins: int = 16
    validate_every: int = 50
    patience: int = 20
    weight_decay: float = 0.01
    clip: float = 1.0
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        shape_of(self.size)
        choose(self.loss, LOSSES, "loss")
        for name, low in (("steps", 0), ("batch", 1), ("n_bins", 2), ("validate_every", 1), ("patience", 1)):
            in_range(getattr(self, name), low, 1e9, name, whole=True)
        in_range(self.mask, 0, 1, "mask", "It is the share of hidden genes.", open_low=True)
        in_range(self.weight_decay, 0, 10, "weight_decay")
        in_range(self.clip, 0, 1e9, "clip", open_low=True)
        if self.rate is not None:
            in_range(self.rate, 0, 1, "rate", open_low=True)
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

    Edges of bins are those of the cells trained on: cross-entropies of runs on other cells have other bins.

    Parameters
    ----------
    how : Training
    train : (cells, genes) array
        The edges of bins are quantiles of its positive values.
    """

    def __init__(self, how: Training, train: np.ndarray) -> None:
        self.name = how.loss
        self.edges = torch.zeros(0)
        if self.name == "bins":
            positive = train[train > 0]
            if not len(positive):
                raise ValueError("no value of the training cells is above 0: there is nothing to cut into bins.")
            inner = np.quantile(positive, np.linspace(0, 1, how.n_bins)[1:-1])
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
        return functional.cross_entropy(predicted.flatten(0, -2), self.binned(values).flatten(), reduction="none").view(
            values.shape
        )

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
            codes, own = (self.binned(torch.from_numpy(side)).numpy() for side in (values, train))
            shares = np.stack([(own == b).sum(axis=0) + 1.0 for b in range(self.outputs)])
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


@dataclass(frozen=True)
class Score:
    """Losses of held-out cells at fixed masks.

    Attributes
    ----------
    loss, stderr : float
        Mean over hidden genes, and its standard error over cells.
    mean_loss : float
        The same of the predictor that knows each gene's training mean alone, at the same masks.
    linear_loss : float
        The same of a linear predictor (``linear_losses``); NaN for bins.
    gain_stderr : float
        Standard error of ``mean_loss - loss`` over cells, whose differences it shares out.
    gene_loss, gene_mean_loss : ndarray (genes,)
        Mean of each gene; NaN where it was never hidden.
    """

    loss: float
    stderr: float
    mean_loss: float
    linear_loss: float
    gain_stderr: float
    gene_loss: np.ndarray = field(repr=False)
    gene_mean_loss: np.ndarray = field(repr=False)

    def of_first(self, n_genes: int) -> tuple[float, float]:
        """Return the loss and that of the mean predictor on the first genes alone, each gene weighed alike."""
        return tuple(float(np.nanmean(g[:n_genes])) for g in (self.gene_loss, self.gene_mean_loss))  # type: ignore[return-value]


@dataclass
class Trained:
    """A trained model, what it was trained with, and the losses on the way.

    Attributes
    ----------
    history : DataFrame
        ``step``, ``flops`` (of training so far), ``train`` (mean loss since the row before), ``validation``.
    steps, cells, tokens : int
        Steps taken, cells seen in them (each as often as it was seen), and genes of those.
    flops, validation_flops : float
        Floating-point operations of matrix products in training and in validations, see ``forward_flops``.
    """

    model: SetTransformer
    how: Training
    objective: Objective
    history: pd.DataFrame
    steps: int
    cells: int
    tokens: int
    flops: float
    validation_flops: float


def train_reconstruction(
    train: Any,
    validation: Any,
    how: Training,
    seed: int = 0,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> Trained:
    """Train a set transformer to predict hidden genes; end with the weights of the lowest validation loss.

    Parameters
    ----------
    train, validation : (cells, genes) arrays of log-normalised values
    how : Training
    seed : int
        Of the initial weights, the order of cells and the masks, each of which is drawn by its own generator: the masks
        of a step do not depend on the steps before.
    device : {"auto", "cpu", "cuda"}
        On CUDA in bfloat16.
    checkpoint : path, optional
        File that holds the state at each validation. Training that finds it goes on from there, to the same numbers as
        without the stop (on the same device and with the same validation cells); it is deleted at the end.
    progress : bool

    Raises
    ------
    ValueError
        For no cell, NaN, other genes in the validation cells, a bad seed, or a checkpoint of another training, naming
        the file.
    FloatingPointError
        If training diverges.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((40, 12), np.float32)
    >>> made = train_reconstruction(x[:30], x[30:], Training("TINY", steps=4, validate_every=2))
    >>> made.history["step"].tolist(), made.tokens
    ([0, 2, 4], 1440)
    """
    train, validation = (side.astype(np.float32, copy=False) for side in _sides(train, validation, "validation cells"))
    seed = as_seed(seed)
    where, objective, n_genes = device_for(device), Objective(how, train), train.shape[1]
    k = how.n_hidden(n_genes)
    with seeded(seed):
        model = SetTransformer(n_genes, how.size, objective.outputs).to(where)
    run = _Run(model, how, seed, where, objective, torch.from_numpy(train).to(where))
    held, held_hidden = fixed_masks(validation, k, max(1, -(-_FEWEST_ROWS // len(validation))))
    flops = forward_flops(how.size, n_genes, k, objective.outputs)
    file = None if checkpoint is None else Path(checkpoint)
    if file is None or not run.load(file):
        run.look(held, held_hidden, flops)
    stop = run.best.at_end
    order = batches(len(train), how.batch, how.steps, np.random.default_rng([seed, 2]))
    for step, rows in enumerate(track(list(order), f"training {how.size}", progress), 1):
        if step <= run.step or stop:
            continue
        run.learn(rows, k)
        if step % how.validate_every == 0 or step == how.steps:
            stop = run.look(held, held_hidden, flops)
            if file is not None:
                run.save(file)
    run.best.restore()
    if file is not None:
        file.unlink(missing_ok=True)
    cells = run.step * min(how.batch, len(train))
    history = pd.DataFrame(run.history, columns=["step", "flops", "train", "validation"])
    return Trained(
        model.eval(), how, objective, history, run.step, cells, cells * n_genes,
        3.0 * flops * cells, float(flops) * len(held) * len(history),
    )  # fmt: skip


def _sides(train: Any, cells: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return training cells and others as matrices of the same genes, none of them empty."""
    train, cells = as_matrix(train, "training cells"), as_matrix(cells, what)
    for side, name in ((train, "training cells"), (cells, what)):
        in_range(len(side), 1, np.inf, f"number of {name}")
    if train.shape[1] != cells.shape[1]:
        raise ValueError(f"training cells have {train.shape[1]} genes, {what} {cells.shape[1]}: give the same.")
    return train, cells


class _Best(BestWeights):
    """The best weights, which can be written and taken up again."""

    def state(self) -> dict[str, Any]:
        """Return what is kept, as plain data and tensors."""
        return {"loss": self.loss, "waited": self._waited, "weights": self._weights}

    @property
    def at_end(self) -> bool:
        """Whether patience is at its end."""
        return self._waited >= self.patience

    def take(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self.loss, self._waited, self._weights = state["loss"], state["waited"], state["weights"]


@dataclass
class _Run:
    """The state of a training."""

    model: SetTransformer
    how: Training
    seed: int
    device: torch.device
    objective: Objective
    train: torch.Tensor

    def __post_init__(self) -> None:
        how = self.how
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=how.rate_used, weight_decay=how.weight_decay, fused=True
        )
        self.best = _Best(self.model, how.patience)
        self.step, self.history, self.losses = 0, list[list[float]](), list[float]()

    def learn(self, rows: np.ndarray, k: int) -> None:
        """Take one step on a batch of cells."""
        how, self.step = self.how, self.step + 1
        warm = max(1, round(0.1 * how.steps))
        at = self.step / warm if self.step <= warm else (how.steps - self.step + 1) / max(1, how.steps - warm)
        for group in self.optimiser.param_groups:
            group["lr"] = how.rate_used * at
        # The masks of a step are its own, so that a resumed training draws the same ones.
        rng = np.random.default_rng([self.seed, 3, self.step])
        hidden = hidden_genes(len(rows), self.train.shape[1], k, rng)
        self.optimiser.zero_grad()
        total = 0.0
        for part in np.array_split(np.arange(len(rows)), -(-len(rows) // (how.micro_batch or len(rows)))):
            values = self.train[torch.from_numpy(rows[part]).to(self.device)]
            asked = torch.from_numpy(hidden[part]).to(self.device)
            loss = _losses(self.model, self.objective, values, asked).sum() / (len(rows) * k)
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), how.clip)
        self.optimiser.step()
        self.losses.append(finite(total))

    def look(self, held: np.ndarray, hidden: np.ndarray, flops: int) -> bool:
        """Validate; return whether patience is at its end."""
        loss = float(np.mean(_scored(self.model, self.objective, held, hidden, self.device)))
        seen = 3.0 * flops * self.step * min(self.how.batch, len(self.train))
        self.history.append([self.step, seen, float(np.mean(self.losses)) if self.losses else float("nan"), loss])
        self.losses.clear()
        return self.best.worse_again(loss)

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint must have been made with."""
        content = float(self.train.double().sum()), list(self.train.shape)
        return {**asdict(self.how), "seed": self.seed, "cells": str(content)}

    def save(self, file: Path) -> None:
        """Write the state, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        state = {
            "identity": self.identity, "step": self.step, "model": self.model.state_dict(), "losses": self.losses,
            "optimiser": self.optimiser.state_dict(), "best": self.best.state(), "history": self.history,
        }  # fmt: skip
        torch.save(state, part)
        os.replace(part, file)

    def load(self, file: Path) -> bool:
        """Take up the state of a file; return whether there is one."""
        if not file.exists():
            return False
        try:
            # Tensors and plain data alone: a file from elsewhere runs no code.
            state = torch.load(file, map_location=self.device, weights_only=True)
        except Exception as error:
            warnings.warn(f"{file} cannot be read ({type(error).__name__}): training starts anew.", stacklevel=3)
            return False
        if not isinstance(state, dict) or any(name not in state for name in _SAVED):
            raise ValueError(f"{file} is no checkpoint of this project: delete it or name another file.")
        mine = self.identity
        if other := [name for name in mine if state["identity"].get(name) != mine[name]]:
            told = ", ".join(f"{n}: {state['identity'].get(n)!r} there, {mine[n]!r} here" for n in other)
            raise ValueError(f"{file} is of another training ({told}): delete it or name another file.")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best.take(state["best"])
        self.step, self.history, self.losses = state["step"], state["history"], state["losses"]
        return True


def fixed_masks(values: np.ndarray, n_hidden: int, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cells, each ``repeats`` times, and their hidden genes: the same for every model and seed."""
    rows = np.tile(values, (repeats, 1))
    return rows, hidden_genes(len(rows), rows.shape[1], n_hidden, np.random.default_rng(_FIXED))


def score(trained: Trained, train: np.ndarray, cells: np.ndarray, repeats: int = 7) -> Score:
    """Score held-out cells, each at ``repeats`` fixed masks.

    Parameters
    ----------
    trained : Trained
    train : (cells, genes) array the model was trained on, for the predictor that knows gene means alone
    cells : (cells, genes) array that it has not seen
    repeats : int
        7 masks of 15 % hide each gene about once.

    Raises
    ------
    ValueError
        For no cell, NaN, other genes than the model was trained on, or repeats that are no whole number above 0.
    """
    train, cells = as_array(train, "training cells"), as_array(cells, "cells to score")
    _sides(train, cells, "cells to score")
    in_range(repeats, 1, 1e6, "repeats", whole=True)
    if cells.shape[1] != (known := trained.model.genes.num_embeddings):
        raise ValueError(f"cells to score have {cells.shape[1]} genes: the model was trained on {known}.")
    values, hidden = fixed_masks(np.asarray(cells, np.float32), trained.how.n_hidden(cells.shape[1]), repeats)
    device = next(trained.model.parameters()).device
    model_loss = _scored(trained.model, trained.objective, values, hidden, device)
    mean_loss = np.take_along_axis(trained.objective.of_genes(train, values), hidden, 1)
    times = np.bincount(hidden.ravel(), minlength=values.shape[1])
    with np.errstate(invalid="ignore"):
        of_gene, mean_of_gene = (
            np.bincount(hidden.ravel(), side.ravel(), values.shape[1]) / times for side in (model_loss, mean_loss)
        )
    errors = []
    for losses in (model_loss, mean_loss - model_loss):
        by_cell = losses.mean(axis=1).reshape(repeats, len(cells)).mean(axis=0)
        errors.append(float(by_cell.std(ddof=1) / np.sqrt(len(cells))) if len(cells) > 1 else float("nan"))
    linear = linear_losses(trained.objective, train, values, hidden)
    return Score(
        float(model_loss.mean()), errors[0], float(mean_loss.mean()), float(linear.mean()), errors[1], of_gene,
        mean_of_gene,
    )  # fmt: skip


def linear_losses(objective: Objective, train: np.ndarray, values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return the losses of the conditional Gaussian of hidden genes given the others, with the training covariance.

    Its mean is linear in the others, and would be the best such predictor if the covariance were known; that of the
    training cells is shrunk after Ledoit and Wolf (scikit-learn).

    Parameters
    ----------
    objective : Objective
        "mse" or "nll", the latter with the conditional variances; for "bins" all losses are NaN.
    train, values : (cells, genes) arrays
    hidden : (cells, k) array of int

    Returns
    -------
    (cells, k) array
    """
    if objective.name == "bins":
        return np.full(hidden.shape, np.nan)
    gaussian = LedoitWolf().fit(np.asarray(train, float))
    precision, off = gaussian.precision_, values - gaussian.location_
    known = off.copy()
    np.put_along_axis(known, hidden, 0.0, 1)
    parts = []
    for rows in np.array_split(np.arange(len(values)), max(1, len(values) // _CHUNK)):
        h = hidden[rows]
        inverse = np.linalg.inv(precision[h[:, :, None], h[:, None, :]])
        pulled = np.take_along_axis(known[rows] @ precision, h, 1)
        squared = (np.take_along_axis(off[rows], h, 1) + np.einsum("nij,nj->ni", inverse, pulled)) ** 2
        variance = np.einsum("nii->ni", inverse) + SMALLEST_VARIANCE
        parts.append(squared if objective.name == "mse" else gaussian_nats(*map(torch.from_numpy, (squared, variance))))
    return np.concatenate(parts)


def pooled(model: SetTransformer, values: np.ndarray) -> np.ndarray:
    """Return the mean of the last hidden states over genes, nothing hidden: float32 of shape (cells, width)."""
    device = next(model.parameters()).device
    with torch.no_grad():
        parts = [model.states(part.to(device)).mean(1).float().cpu() for part in torch.from_numpy(values).split(_CHUNK)]
    return torch.cat(parts).numpy()


def _scored(
    model: SetTransformer, objective: Objective, values: np.ndarray, hidden: np.ndarray, device: torch.device
) -> np.ndarray:
    """Return the losses at the hidden genes, shape (rows, hidden)."""
    sides = (torch.from_numpy(side).split(_CHUNK) for side in (values, hidden))
    with torch.no_grad():
        parts = [
            _losses(model, objective, some.to(device), asked.to(device)).cpu()
            for some, asked in zip(*sides, strict=True)
        ]
    return torch.cat(parts).numpy()


def _losses(model: SetTransformer, objective: Objective, values: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    # bfloat16 speeds up a GPU; on a CPU it is slower than single precision.
    with torch.autocast(values.device.type, torch.bfloat16, enabled=values.device.type == "cuda"):
        predicted = model(values, asked)
    return objective.losses(predicted, values.gather(1, asked))
