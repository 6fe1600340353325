"""Small regression nets with a bottleneck, many trained side by side as one batched computation."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from helpers.checks import in_range


@dataclass(frozen=True)
class Training:
    """How the nets are trained; every field is an option of ``lmi``.

    ``hidden`` units, ``dropout``, AdamW at ``rate`` with ``decay``, batches of ``batch`` cells (larger if an
    epoch would have more than ``most_batches``), at most ``epochs`` epochs, stopping after ``patience`` epochs
    without a better held-out loss, whose weights are restored.
    """

    hidden: int = 64
    dropout: float = 0.2
    rate: float = 4e-3
    decay: float = 1e-2
    batch: int = 256
    most_batches: int = 12
    epochs: int = 200
    patience: int = 10

    def __post_init__(self) -> None:
        """Check every field."""
        in_range(self.hidden, 1, 4096, "hidden", whole=True)
        in_range(self.dropout, 0, 0.95, "dropout")
        in_range(self.rate, 1e-8, 1, "rate")
        in_range(self.decay, 0, 10, "decay")
        for name in ("batch", "most_batches", "epochs", "patience"):
            in_range(getattr(self, name), 1, 1e6, name, whole=True)


def learn_codes(
    inputs: np.ndarray,
    targets: np.ndarray,
    train: np.ndarray,
    stop: np.ndarray,
    dim: int,
    seed: int,
    labels: bool = False,
    how: Training = Training(),
) -> tuple[np.ndarray, np.ndarray]:
    """Train M nets side by side to predict targets from inputs through ``dim`` numbers, the code.

    Each half of a net, inputs → code and code → outputs, is a linear map plus one hidden layer.

    Parameters
    ----------
    inputs : (M, n, a) array
    targets : (M, n, b) array
        Values for a squared loss, or one-hot labels for cross-entropy (``labels=True``).
    train, stop : (M, t) and (M, s) arrays of row numbers
        Cells that each net learns from, and that decide when it stops. Others are never seen.

    Returns
    -------
    codes (M, n, dim), outputs (M, n, b), evaluated without dropout for every cell.
    """
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (inputs, targets))
    rows, held = (torch.tensor(v) for v in (train, stop))
    stack = _Stack(x.shape[2], dim, y.shape[2], x.shape[0], how, seed)
    optimiser = torch.optim.AdamW(stack.weights, lr=how.rate, weight_decay=how.decay, foreach=True)
    x_held, y_held = _take(x, held), _take(y, held)
    best, best_loss = stack.copy(), torch.full((len(x),), torch.inf)
    waited = torch.zeros(len(x))
    n_batches = int(np.clip(round(rows.shape[1] / how.batch), 1, how.most_batches))
    for _ in range(how.epochs):
        order = rows[:, torch.randperm(rows.shape[1], generator=stack.rng)]
        batches = (_take(v, order).tensor_split(n_batches, 1) for v in (x, y))
        for some_x, some_y in zip(*batches, strict=True):
            optimiser.zero_grad()
            # A sum over nets: each net's gradient is its own.
            _loss(stack(some_x, training=True)[1], some_y, labels).sum().backward()
            optimiser.step()
        with torch.no_grad():
            loss = _loss(stack(x_held)[1], y_held, labels)
        better = loss < best_loss - 1e-4
        best_loss = torch.where(better, loss, best_loss)
        waited = torch.where(better, 0.0, waited + 1)
        for kept, now in zip(best, stack.weights, strict=True):
            kept[better] = now.detach()[better]
        if (waited >= how.patience).all():
            break
    stack.weights = best
    with torch.no_grad():
        code, out = stack(x)
    return code.double().numpy(), out.double().numpy()


class _Stack:
    """M independent nets whose weights are stacked along the first axis."""

    def __init__(self, n_in: int, dim: int, n_out: int, m: int, how: Training, seed: int) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        self.dropout = how.dropout
        shapes = [
            (n_in, how.hidden, 1.0), (how.hidden, dim, 1.0), (n_in, dim, 1.0),
            (dim, how.hidden, 1.0), (how.hidden, n_out, 0.3), (dim, n_out, 1.0),
        ]  # fmt: skip
        matrices = [torch.randn(m, a, b, generator=self.rng) * s / a**0.5 for a, b, s in shapes]
        biases = [torch.zeros(m, 1, size) for size in (how.hidden, dim, how.hidden, n_out)]
        self.weights = [w.requires_grad_() for w in matrices + biases]

    def copy(self) -> list[Tensor]:
        return [w.detach().clone() for w in self.weights]

    def __call__(self, x: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        into, code_of, skip_in, back, out_of, skip_out, b_into, b_code, b_back, b_out = self.weights
        code = torch.baddbmm(b_code, self._drop(torch.baddbmm(b_into, x, into).relu(), training), code_of)
        code = code + x @ skip_in
        out = torch.baddbmm(b_out, self._drop(torch.baddbmm(b_back, code, back).relu(), training), out_of)
        return code, out + code @ skip_out

    def _drop(self, h: Tensor, training: bool) -> Tensor:
        if not training or self.dropout == 0:
            return h
        return h * torch.empty_like(h).bernoulli_(1 - self.dropout, generator=self.rng) / (1 - self.dropout)


def _take(values: Tensor, rows: Tensor) -> Tensor:
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[2]))


def _loss(out: Tensor, target: Tensor, labels: bool) -> Tensor:
    if labels:
        return -(out.log_softmax(-1) * target).sum(-1).mean(1)
    return (out - target).square().mean((1, 2))
