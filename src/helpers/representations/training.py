"""What trained models share: devices, seeds that leak nowhere, batches of one size, the best weights."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from helpers._utils.validation import choose

VERSION = 1  # 2026-11-28 numbered

# Batches that are sorted by length together: more would make the cells of a batch too alike.
_POOL = 8


def device_for(name: str) -> torch.device:
    """Return the device: "cpu", "cuda", or "auto", which is CUDA where present."""
    choose(name, ["auto", "cpu", "cuda"], "device")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda': torch finds none here; use 'cpu' or 'auto'.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def seeded(seed: int) -> Iterator[np.random.Generator]:
    """Seed torch within the block and yield a numpy generator; the global states are as before afterwards.

    scvi-tools and transformers draw from torch's global generator, so it is lent to them; importing them
    also moves Python's own.

    >>> before = torch.get_rng_state()
    >>> with seeded(3) as rng:
    ...     drawn = torch.rand(2), rng.random(2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    plain, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
            torch.manual_seed(seed)
            yield np.random.default_rng(seed)
    finally:
        random.setstate(plain)
        np.random.set_state(legacy)  # noqa: NPY002


def check_kind(source: str, wanted: str) -> None:
    """Check that a checkpoint is of the kind wanted, by its ``config.json``; no code that lies beside it is run.

    Parameters
    ----------
    source : folder, or name on the model hub
    wanted : what transformers calls the kind, such as "esm"

    Raises
    ------
    ValueError
        Naming the kind there is, if any.
    OSError
        Of transformers, if there is no configuration.
    """
    from transformers import AutoConfig

    try:
        kind = AutoConfig.from_pretrained(source, trust_remote_code=False).model_type
    except ValueError as error:
        raise ValueError(
            f"config.json of {source} describes no model that transformers knows: weights must be those of a model of "
            f"kind {wanted}. ({error})"
        ) from error
    if kind != wanted:
        raise ValueError(f"{source} holds a {kind}: weights must be those of a model of kind {wanted}.")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars or hints from transformers within the block; errors are raised as ever."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def batches(
    n: int, size: int, steps: int, rng: np.random.Generator, lengths: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yield ``steps`` batches of row numbers, every one of ``min(size, n)`` rows.

    One shuffled pass over the rows follows another without a break: the last rows of a pass share their batch
    with the first of the next. So no batch is short (batch norm fails on one cell), no row is left out, and
    a step costs the same whatever ``n``. With ``lengths``, rows of 8 batches are sorted by length before they
    are cut, so that a batch needs little padding; the order of batches is random.

    >>> seen = list(batches(5, 2, 5, np.random.default_rng(0)))
    >>> sorted(np.concatenate(seen).tolist())
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    """
    size = min(size, n)
    queue = np.empty(0, dtype=np.int64)
    while steps > 0:
        take = size * min(1 if lengths is None else _POOL, steps)
        while len(queue) < take:
            queue = np.concatenate([queue, rng.permutation(n)])
        rows, queue = queue[:take], queue[take:]
        if lengths is not None:
            rows = rows[np.argsort(lengths[rows], kind="stable")]
        cut = rows.reshape(-1, size)
        yield from cut[rng.permutation(len(cut))]
        steps -= len(cut)


def finite(loss: float) -> float:
    """Return a training loss if it is a finite number.

    Raises
    ------
    FloatingPointError
        If training diverged.
    """
    if not np.isfinite(loss):
        raise FloatingPointError(f"the training loss is {loss}: training diverged; lower the learning rate.")
    return loss


class BestWeights:
    """Keep a copy of the weights with the lowest validation loss, and say when to stop.

    Parameters
    ----------
    model : torch module, trained elsewhere
    patience : int
        Validations in a row without a lower loss before ``worse_again`` says to stop.
    """

    def __init__(self, model: torch.nn.Module, patience: int) -> None:
        self.model, self.patience = model, patience
        self.loss, self._waited = np.inf, 0
        self._weights: dict[str, torch.Tensor] | None = None

    def worse_again(self, loss: float) -> bool:
        """Note the loss of the present weights; return whether patience is at its end."""
        if loss < self.loss:
            self.loss, self._waited, self._weights = loss, 0, weights_of(self.model)
        else:
            self._waited += 1
        return self._waited >= self.patience

    def restore(self) -> None:
        """Put the best weights back.

        Raises
        ------
        FloatingPointError
            If no validation loss was a finite number.
        """
        if self._weights is None:
            raise FloatingPointError("no validation loss was finite: training diverged; lower the learning rate.")
        self.model.load_state_dict(self._weights)


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of a model's weights and running means; training on does not change it."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
