"""Small regression nets with a bottleneck, many trained side by side as one batched computation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers._utils import lazy
from helpers._utils.options import check_options, choice, number, whole

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:  # settings and keys of a sweep need none of it
    torch = lazy.Package("torch")

# Ridge penalties tried for the linear start, relative to the mean variance of the inputs.
_PENALTIES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
# Factors tried on its scores where the outputs are log probabilities of labels.
_STEEPNESS = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Training:
    """How the nets are trained; every field is an option of ``lmi``.

    ``hidden`` units, ``dropout``, AdamW with ``decay`` whose rate rises to ``rate`` and falls along a cosine over
    ``epochs`` epochs of ``batches`` batches (fewer if one would have under 16 cells). A net stops after
    ``patience`` epochs without a better held-out loss; its best weights are restored.
    ``device`` is "cpu", "cuda", or "auto": CUDA where present and there are 20,000 cells or more.
    """

    hidden: int = whole(64, 1, 4096)
    dropout: float = number(0.2, 0, 0.95)
    rate: float = number(1e-2, 1e-8, 1)
    decay: float = number(1e-2, 0, 10)
    batches: int = whole(10, 1, 1e6)
    epochs: int = whole(40, 1, 1e6)
    patience: int = whole(8, 1, 1e6)
    device: str = choice("auto", ["auto", "cpu", "cuda"])

    def __post_init__(self) -> None:
        """Check every field."""
        check_options(self)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda': torch finds none here; use 'cpu' or 'auto'.")

    def device_for(self, n: int) -> torch.device:
        """Return where nets of ``n`` cells are trained."""
        wanted = torch.cuda.is_available() and n >= 20_000 if self.device == "auto" else self.device == "cuda"
        return torch.device("cuda" if wanted else "cpu")


class Columns:
    """Columns of data for M nets, kept once where nets share them.

    Parameters
    ----------
    *parts : pairs of a (S, n, b) array and a vector of M numbers
        S tables, and which of them each net reads. Columns of several parts stand side by side.
    """

    def __init__(self, *parts: tuple[np.ndarray, np.ndarray]) -> None:
        self._parts = [(torch.tensor(v, dtype=torch.float32), torch.tensor(of)) for v, of in parts]
        self.n = self._parts[0][0].shape[1]
        self.width = sum(values.shape[2] for values, _ in self._parts)

    def to(self, device: torch.device) -> Columns:
        """Move to a device, in place."""
        self._parts = [(values.to(device), of.to(device)) for values, of in self._parts]
        return self

    def take(self, rows: Tensor, nets: np.ndarray | None = None) -> Tensor:
        """Rows (M, r), each net its own, as (M, r, width); of some ``nets`` if given."""
        some = slice(None) if nets is None else torch.tensor(nets)
        return torch.cat([values[of[some][:, None], rows] for values, of in self._parts], dim=2)


def learn_codes(
    inputs: Columns,
    targets: Columns,
    train: np.ndarray,
    stop: np.ndarray,
    dim: int,
    seed: int,
    labels: bool = False,
    how: Training = Training(),
) -> tuple[np.ndarray, np.ndarray]:
    """Train M nets side by side to predict targets from inputs through a few numbers, the code.

    Each half of a net, inputs → code and code → outputs, is a linear map plus one hidden layer. The linear
    maps start at the ridge regression of reduced rank (for labels, at the linear discriminant) and the hidden
    layers at zero, so that a net is never worse on its stopping cells than the linear answer. All nets see the
    same initial hidden weights, dropout masks and order of batches: a net's result does not depend on how
    many others are trained beside it.

    Parameters
    ----------
    inputs, targets : Columns of M nets
        Targets are values for a squared loss, or one-hot labels for cross-entropy (``labels=True``).
    train, stop : (M, t) and (M, s) arrays of row numbers
        Cells that each net learns from, and that decide when it stops. Others are never seen.
    dim : int
        Most code dimensions; fewer if inputs or targets have fewer.

    Returns
    -------
    codes (M, n, dim), outputs (M, n, targets.width), evaluated without dropout for every cell.
    """
    device = how.device_for(inputs.n)
    x, y = inputs.to(device), targets.to(device)
    rows, held = (torch.tensor(v, device=device) for v in (train, stop))
    x_held, y_held = x.take(held), y.take(held)
    stack = _Stack(_linear_start(x.take(rows), y.take(rows), x_held, y_held, dim, labels), how, seed)
    optimiser = torch.optim.AdamW(stack.weights, lr=how.rate, weight_decay=how.decay, foreach=True)
    n_batches = int(np.clip(rows.shape[1] // 16, 1, how.batches))
    steps = n_batches * how.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda t: min(1.0, 10 * (t + 1) / steps) * 0.5 * (1 + np.cos(np.pi * t / steps))
    )
    best = stack.copy()
    with torch.no_grad():
        best_loss = _loss(stack(x_held)[1], y_held, labels)
    waited = torch.zeros(len(rows), device=device)
    for _ in range(how.epochs):
        order = rows[:, torch.randperm(rows.shape[1], generator=stack.rng, device=device)]
        batches = (side.take(order).tensor_split(n_batches, 1) for side in (x, y))
        for some_x, some_y in zip(*batches, strict=True):
            optimiser.zero_grad()
            # A sum over nets: each net's gradient is its own.
            _loss(stack(some_x, training=True)[1], some_y, labels).sum().backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            loss = _loss(stack(x_held)[1], y_held, labels)
        better = (loss < best_loss - 1e-4) & (waited < how.patience)
        best_loss = torch.where(better, loss, best_loss)
        waited = torch.where(better, 0.0, waited + 1)
        for kept, now in zip(best, stack.weights, strict=True):
            kept[better] = now.detach()[better]
        if (waited >= how.patience).all():
            break
    stack.weights = best
    everyone = torch.arange(x.n, device=device).expand(len(rows), -1)
    with torch.no_grad():
        code, out = stack(x.take(everyone))
    return code.double().cpu().numpy(), out.double().cpu().numpy()


class _Stack:
    """M independent nets whose weights are stacked along the first axis."""

    def __init__(self, start: _Linear, how: Training, seed: int) -> None:
        device = start.into.device
        self.rng = torch.Generator(device).manual_seed(seed)
        self.dropout, hidden = how.dropout, how.hidden
        m, n_in, dim = start.into.shape
        n_out = start.out.shape[2]

        def random(a: int, b: int) -> Tensor:
            one = torch.randn(1, a, b, generator=self.rng, device=device) / a**0.5
            return one.repeat(m, 1, 1)

        def zeros(a: int, b: int) -> Tensor:
            return torch.zeros(m, a, b, device=device)

        self.weights = [
            w.requires_grad_()
            for w in (
                random(n_in, hidden), zeros(1, hidden), zeros(hidden, dim), start.into, start.into_bias,
                random(dim, hidden), zeros(1, hidden), zeros(hidden, n_out), start.out, start.out_bias,
            )
        ]  # fmt: skip

    def copy(self) -> list[Tensor]:
        return [w.detach().clone() for w in self.weights]

    def __call__(self, x: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        code = self._half(x, self.weights[:5], training)
        return code, self._half(code, self.weights[5:], training)

    def _half(self, x: Tensor, weights: list[Tensor], training: bool) -> Tensor:
        to_hidden, hidden_bias, from_hidden, straight, bias = weights
        h = torch.baddbmm(hidden_bias, x, to_hidden).relu()
        if training and self.dropout:
            mask = torch.rand((1, *h.shape[1:]), generator=self.rng, device=h.device) > self.dropout
            h = h * (mask / (1 - self.dropout))
        return torch.baddbmm(bias, x, straight).baddbmm(h, from_hidden)


@dataclass(frozen=True)
class _Linear:
    """Inputs → code → outputs without hidden layers, stacked: (M, a, dim), (M, 1, dim), (M, dim, b), (M, 1, b)."""

    into: Tensor
    into_bias: Tensor
    out: Tensor
    out_bias: Tensor


def _linear_start(x: Tensor, y: Tensor, x_held: Tensor, y_held: Tensor, dim: int, labels: bool) -> _Linear:
    """Fit the best linear net of ``dim`` codes, its penalty (and steepness) chosen on the held-out cells."""
    x, y, x_held, y_held = (v.double() for v in (x, y, x_held, y_held))
    middle, mean = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
    x, x_held = x - middle, x_held - middle
    covariance = x.transpose(1, 2) @ x / x.shape[1]
    spectrum, axes = torch.linalg.eigh(covariance)
    shared = axes.transpose(1, 2) @ (x.transpose(1, 2) @ (y - mean) / x.shape[1])
    if labels:  # discriminant scores: the regression of each label's indicator, by its frequency
        mean = mean.clamp(min=0.5 / x.shape[1])
        shared, mean = shared / mean, mean.log()
    best_loss = x.new_full((len(x),), torch.inf)
    best = torch.zeros_like(shared)
    for penalty in _PENALTIES:
        damping = spectrum.clamp(min=0) + penalty * spectrum.mean(1, keepdim=True).clamp(min=1e-12)
        slopes = axes @ (shared / damping[:, :, None])
        for factor in _STEEPNESS if labels else (1.0,):
            loss = _loss(mean + factor * (x_held @ slopes), y_held, labels)
            better = loss < best_loss
            best_loss = torch.where(better, loss, best_loss)
            best[better] = factor * slopes[better]
    dim = min(dim, *best.shape[1:])
    directions = torch.linalg.eigh(best.transpose(1, 2) @ covariance @ best)[1].flip(2)[:, :, :dim]
    into = best @ directions
    # Not scaled to unit spread: a direction that predicts nothing starts small, out of the hidden layers' way.
    start = into, -middle @ into, directions.transpose(1, 2), mean
    return _Linear(*(w.float().contiguous() for w in start))


def _loss(out: Tensor, target: Tensor, labels: bool) -> Tensor:
    if labels:
        return -(out.log_softmax(-1) * target).sum(-1).mean(1)
    return (out - target).square().mean((1, 2))
