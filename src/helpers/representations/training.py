"""What trained models share: the training loop, its batches, the best weights, seeds that change nothing elsewhere."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers._utils.validation import choose
from helpers.representations.tokens import IGNORED

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


def by_length(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Return row numbers in groups of at most ``size`` rows of similar length."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def masked_nats(
    model: Any, head: Any, inputs: torch.Tensor, hidden: torch.Tensor, pad: int, reduction: str
) -> torch.Tensor:
    """Return the cross-entropy of masked tokens; ``head``, the widest layer, sees no others.

    ``hidden`` has the tokens to guess, ``IGNORED`` elsewhere.
    """
    masked = hidden != IGNORED
    # bfloat16 speeds up training on a GPU; on a CPU it is slower than single precision.
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.device.type == "cuda"):
        states = model.base_model(input_ids=inputs, attention_mask=inputs != pad).last_hidden_state
        scores = head(states[masked])
    return torch.nn.functional.cross_entropy(scores.float(), hidden[masked], reduction=reduction)


def warm_up(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step (from 1): up over the first tenth, then straight down to 0."""
    warm = max(1, round(0.1 * steps))
    return step / warm if step <= warm else (steps - step + 1) / max(1, steps - warm)


@dataclass
class Loop:
    """The training loop of every model: gradient steps, validations, and the weights of the lowest validation loss.

    Parameters
    ----------
    losses_of : function of (rows, step)
        The loss of a batch in parts, whose gradients are added up; no part means that the batch is skipped.
    rate_at : function of the step, optional
        The learning rate, by default that of the optimiser.
    clip : float, optional
        Largest norm of the gradient.
    validate : function, optional
        The validation loss; without it, training never stops early.
    every, patience : int
        Steps between rows of the history, each with a validation; validations in a row without a lower loss before
        training stops.
    unit : float
        Training losses are divided by it: ln 2 makes bits of nats.
    may_diverge : bool
        Whether training goes on after a loss that is not finite, to end with the best weights before it.
    """

    model: torch.nn.Module
    optimiser: torch.optim.Optimizer
    losses_of: Callable[[np.ndarray, int], Iterable[torch.Tensor]]
    rate_at: Callable[[int], float] | None = None
    clip: float | None = None
    validate: Callable[[], float] | None = None
    every: int = 1
    patience: int = 1
    unit: float = 1.0
    may_diverge: bool = False

    def __post_init__(self) -> None:
        """Start at step 0, without a history."""
        self.best = BestWeights(self.model, self.patience)
        self.step, self.losses, self.rows = 0, list[float](), list[dict[str, Any]]()

    def run(self, batches: Iterable[np.ndarray], steps: int, after: Callable[[int], Any] = lambda step: None) -> None:
        """Train on ``steps`` batches, or on those after the steps taken already; call ``after`` each step.

        Raises ``FloatingPointError`` if training diverges.
        """
        for step, rows in enumerate(batches, 1):
            if self.best.at_end:
                break
            if step > self.step:
                self._learn(rows, step)
                if self.losses and (step % self.every == 0 or step == steps):
                    self.look()
                after(step)
        if self.validate is not None and steps:
            self.best.restore()

    def look(self) -> None:
        """Add a row to the history: mean training loss since the row before, and the validation loss."""
        mean = float(np.mean(self.losses)) if self.losses else float("nan")
        rate = self.optimiser.param_groups[0]["lr"] if self.step else 0.0
        self.rows.append({"step": self.step, "train": mean, "rate": rate})
        self.losses.clear()
        if self.validate is not None:
            self.rows[-1]["validation"] = self.validate()
            self.best.note(self.rows[-1]["validation"])

    def history(self, **columns: str) -> pd.DataFrame:
        """Return the rows as a table of the columns named, ``new="old"``."""
        return pd.DataFrame({new: [row[old] for row in self.rows] for new, old in columns.items()})

    def _learn(self, rows: np.ndarray, step: int) -> None:
        """Take one step on a batch."""
        if self.rate_at is not None:
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate_at(step)
        self.optimiser.zero_grad()
        total, parts = 0.0, 0
        for part in self.losses_of(rows, step):
            part.backward()
            total, parts = total + part.item(), parts + 1
        self.step = step
        if not parts:
            return
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimiser.step()
        if not (self.may_diverge or np.isfinite(total)):
            raise FloatingPointError(f"the training loss is {total}: training diverged; lower the learning rate.")
        self.losses.append(total / self.unit)


class BestWeights:
    """Keep a copy of the weights with the lowest validation loss, and say when ``patience`` is at its end."""

    def __init__(self, model: torch.nn.Module, patience: int) -> None:
        self.model, self.patience = model, patience
        self.loss, self.waited = np.inf, 0
        self.weights: dict[str, torch.Tensor] | None = None

    def note(self, loss: float) -> None:
        """Note the validation loss of the present weights."""
        if loss < self.loss:
            self.loss, self.waited, self.weights = loss, 0, weights_of(self.model)
        else:
            self.waited += 1

    @property
    def at_end(self) -> bool:
        """Whether so many validations in a row as ``patience`` says had no lower loss."""
        return self.waited >= self.patience

    def restore(self) -> None:
        """Put the best weights back; raise ``FloatingPointError`` if no validation loss was a finite number."""
        if self.weights is None:
            raise FloatingPointError("no validation loss was finite: training diverged; lower the learning rate.")
        self.model.load_state_dict(self.weights)


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of a model's weights and running means; training on does not change it."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
