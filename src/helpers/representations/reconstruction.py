"""Train a set transformer to predict hidden genes from the others; a training that was stopped can go on."""

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers._utils.validation import as_seed
from helpers.representations.objective import (
    Objective,
    Training,
    fixed_masks,
    hidden_genes,
    losses_at,
    prediction_losses,
    same_genes,
)
from helpers.representations.set_transformer import SetTransformer, forward_flops
from helpers.representations.training import Loop, batches, device_for, seeded, warm_up

VERSION = 1  # 2026-11-28 numbered

# Fewest rows of the fixed validation set: with few cells, each is masked several times.
_FEWEST_ROWS = 256
_SAVED = ("identity", "step", "model", "optimiser", "best", "rows", "losses")


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
    options: Training
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
    options: Training,
    seed: int = 0,
    device: str = "auto",
    checkpoint: str | Path | None = None,
) -> Trained:
    """Train a set transformer to predict hidden genes; end with the weights of the lowest validation loss.

    Parameters
    ----------
    train, validation : (cells, genes) arrays of log-normalised values
    options : Training
    seed : int
        Of the initial weights, the order of cells and the masks, each drawn by its own generator.
    device : {"auto", "cpu", "cuda"}
        On CUDA in bfloat16.
    checkpoint : path, optional
        File that holds the state at each validation, deleted at the end. Training that finds it goes on from there, to
        the same numbers as without the stop (on the same device and with the same validation cells).

    Raises
    ------
    ValueError, FloatingPointError
        For no cell, NaN, other genes in the validation cells, a bad seed, or a checkpoint of another training; if
        training diverges.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((40, 12), np.float32)
    >>> made = train_reconstruction(x[:30], x[30:], Training("TINY", steps=4, validate_every=2))
    >>> made.history["step"].tolist(), made.tokens
    ([0, 2, 4], 1440)
    """
    train, validation = (
        side.astype(np.float32, copy=False) for side in same_genes(train, validation, "validation cells")
    )
    seed, n_genes = as_seed(seed), train.shape[1]
    objective, cells = Objective(options, train), torch.from_numpy(train).to(device_for(device))
    masks = fixed_masks(validation, options.n_hidden(n_genes), max(1, -(-_FEWEST_ROWS // len(validation))))
    with seeded(seed):
        model = SetTransformer(n_genes, options.size, objective.outputs).to(cells.device)
    loop = Loop(
        model,
        torch.optim.AdamW(model.parameters(), lr=options.rate_used, weight_decay=options.weight_decay, fused=True),
        _masked_losses(model, objective, options, seed, cells),
        rate_at=lambda step: options.rate_used * warm_up(step, options.steps),
        clip=options.clip,
        validate=lambda: float(np.mean(losses_at(model, objective, *masks, cells.device))),
        every=options.validate_every,
        patience=options.patience,
    )
    file = _Checkpoint(None if checkpoint is None else Path(checkpoint), loop, _identity(options, seed, train))
    if not file.load(cells.device):
        loop.look()
    order = batches(len(train), options.batch, options.steps, np.random.default_rng([seed, 2]))
    loop.run(order, options.steps, after=file.save)
    file.remove()
    return _summed_up(loop, options, objective, min(options.batch, len(train)), masks[1])


def _summed_up(loop: Loop, options: Training, objective: Objective, batch: int, hidden: np.ndarray) -> Trained:
    """Return what was trained and what it cost; ``hidden`` (rows, k) are the masks of every validation."""
    model = loop.model.eval()
    n_genes, cells = model.genes.num_embeddings, loop.step * batch
    flops = forward_flops(options.size, n_genes, hidden.shape[1], objective.outputs)
    history = loop.history(step="step", train="train", validation="validation")
    history.insert(1, "flops", 3.0 * flops * history["step"] * batch)
    return Trained(
        model,
        options,
        objective,
        history,
        steps=loop.step,
        cells=cells,
        tokens=cells * n_genes,
        flops=3.0 * flops * cells,
        validation_flops=float(flops) * len(hidden) * len(history),
    )


def _masked_losses(
    model: SetTransformer, objective: Objective, options: Training, seed: int, train: torch.Tensor
) -> Callable[[np.ndarray, int], Iterator[torch.Tensor]]:
    """Return the function that gives the loss of a batch in parts of at most ``micro_batch`` cells."""
    n_genes = train.shape[1]
    n_hidden = options.n_hidden(n_genes)

    def losses_of(rows: np.ndarray, step: int) -> Iterator[torch.Tensor]:
        # The masks of a step are its own, so that a resumed training draws the same ones.
        hidden = hidden_genes(len(rows), n_genes, n_hidden, np.random.default_rng([seed, 3, step]))
        for part in np.array_split(np.arange(len(rows)), -(-len(rows) // (options.micro_batch or len(rows)))):
            values, genes = (torch.from_numpy(side[part]).to(train.device) for side in (rows, hidden))
            yield prediction_losses(model, objective, train[values], genes).sum() / (len(rows) * n_hidden)

    return losses_of


def _identity(options: Training, seed: int, train: np.ndarray) -> dict[str, Any]:
    """Return what a checkpoint must have been made with."""
    content = float(torch.from_numpy(train).double().sum()), list(train.shape)
    return {**asdict(options), "seed": seed, "cells": str(content)}


@dataclass
class _Checkpoint:
    """The file, if any, that holds the state of a training; ``identity`` is what it must have been made with."""

    path: Path | None
    loop: Loop
    identity: dict[str, Any]

    def save(self, step: int) -> None:
        """Write the state after a validation and at the end, whole or not at all."""
        options = self.identity
        if self.path is None or (step % options["validate_every"] and step != options["steps"]):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        loop, best = self.loop, self.loop.best
        state = {
            "identity": self.identity,
            "step": loop.step,
            "model": loop.model.state_dict(),
            "losses": loop.losses,
            "optimiser": loop.optimiser.state_dict(),
            "best": {"loss": best.loss, "waited": best.waited, "weights": best.weights},
            "rows": loop.rows,
        }
        torch.save(state, part)
        os.replace(part, self.path)

    def load(self, device: torch.device) -> bool:
        """Take up the state of the file; return whether there is one."""
        if self.path is None or not self.path.exists():
            return False
        try:
            # Tensors and plain data alone: a file from elsewhere runs no code.
            state = torch.load(self.path, map_location=device, weights_only=True)
        except Exception as error:
            warnings.warn(
                f"{self.path} cannot be read ({type(error).__name__}): training starts from the beginning.",
                stacklevel=3,
            )
            return False
        if not isinstance(state, dict) or any(name not in state for name in _SAVED):
            raise ValueError(f"{self.path} is no checkpoint of this project: delete it or name another file.")
        theirs, ours = state["identity"], self.identity
        differences = [f"{n}: {theirs.get(n)!r} there, {ours[n]!r} here" for n in ours if theirs.get(n) != ours[n]]
        if differences:
            raise ValueError(
                f"{self.path} is of another training ({', '.join(differences)}): delete it or name another file."
            )
        loop = self.loop
        loop.model.load_state_dict(state["model"])
        loop.optimiser.load_state_dict(state["optimiser"])
        loop.step, loop.rows, loop.losses = state["step"], state["rows"], state["losses"]
        for name, value in state["best"].items():
            setattr(loop.best, name, value)
        return True

    def remove(self) -> None:
        """Delete the file of a training that has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
