"""Pairs of nets whose codes correlate as much as can be: nonlinear canonical correlation, many pairs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers._utils import lazy
from helpers.information.axes import unit
from helpers.information.nets import Columns, Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:  # settings and keys of a sweep need none of it
    torch = lazy.Package("torch")

# Ridge penalties tried for the linear start, relative to the mean variance of the inputs.
_PENALTIES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0)
# Canonical directions that nets read; each is scaled by its correlation, so that later ones hardly count.
_DIRECTIONS = 64
_FLOOR = 0.03
# A batch's correlations need far more cells than there are codes.
_FEWEST_A_BATCH = 400
# Beside nets that predict: longer, and with less dropout, which blurs the codes whose correlation is the aim.
_EPOCHS, _PATIENCE, _DROPOUT = 1.5, 1.25, 0.25
# Variance added to codes, of unit spread, in the loss: no gain from directions in which they hardly vary.
_RIDGE = 1e-2
# Numbers that inputs of one chunk of nets may hold: 1 GB in all.
_CHUNK = 3e7


def inputs_of(values: np.ndarray) -> np.ndarray:
    """Columns and the log distance from the middle, all of unit spread; far values are drawn in, and none is cut off.

    Two variables may share how far out they are and nothing else.
    """
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    whole = values.std(axis=0)
    spread = np.where(spread > 1e-3 * whole, spread, np.where(whole > 0, whole, 1.0))
    z = (values - middle) / spread
    distance = np.log(np.linalg.norm(z, axis=1, keepdims=True) + 1e-6)
    return unit(np.hstack([5 * np.arcsinh(z / 5), distance]))


def learn_pairs(
    x: Columns, y: Columns, train: np.ndarray, stop: np.ndarray, dim: int, seed: int, how: Training
) -> list[tuple[np.ndarray, np.ndarray]]:
    r"""Find codes of x and of y that correlate, M pairs of nets side by side.

    Both nets of a pair, a linear map plus one hidden layer each, are trained to raise
    −½ log det(1 − CᵀC), with C the correlations between whitened codes: what the codes would share if they were
    jointly normal. For a pair that monotone, or any invertible, functions of x and of y make normal, those functions
    are the best codes (Lancaster 1958), which no scale or rotation of the inputs changes. The linear maps start at
    the canonical correlations, the hidden layers at zero.

    Parameters
    ----------
    x, y : Columns of M nets
    train, stop : (M, t) and (M, s) arrays of row numbers
        Cells that each net learns from, and that choose the penalty and when it stops. Others are never seen.
    dim : int
        Most code dimensions.

    Returns
    -------
    two pairs of (M, n, r) arrays: codes of the linear start, and of the nets; canonical axes, strongest first.
    """
    size = max(1, int(_CHUNK // (x.n * (x.width + y.width))))
    parts = [
        _learn(x, y, np.arange(at, min(at + size, len(train))), train, stop, dim, seed, how)
        for at in range(0, len(train), size)
    ]
    return [tuple(np.concatenate(sides) for sides in zip(*kind, strict=True)) for kind in zip(*parts, strict=True)]


def _learn(
    x: Columns, y: Columns, nets: np.ndarray, train: np.ndarray, stop: np.ndarray, dim: int, seed: int, how: Training
) -> list[tuple[np.ndarray, np.ndarray]]:
    device = how.device_for(x.n)
    rows, held = (torch.tensor(v[nets], device=device) for v in (train, stop))
    everyone = torch.arange(x.n, device=device).expand(len(nets), -1)
    x_all, y_all = (side.to(device).take(everyone, nets) for side in (x, y))
    sides = _canonical_inputs(x_all, y_all, rows, held, dim)
    rng = torch.Generator(device).manual_seed(seed)
    pair = [_Net(start, how, rng) for _, start in sides]
    inputs = [values for values, _ in sides]
    learned, stopping = ([_take(values, of) for values in inputs] for of in (rows, held))
    weights = [w for net in pair for w in net.weights]
    optimiser = torch.optim.AdamW(weights, lr=how.rate, weight_decay=how.decay, foreach=True)
    n_batches = int(np.clip(rows.shape[1] // _FEWEST_A_BATCH, 1, how.batches))
    epochs, patience = max(1, int(_EPOCHS * how.epochs)), int(_PATIENCE * how.patience)
    steps = n_batches * epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda t: min(1.0, 10 * (t + 1) / steps) * 0.5 * (1 + np.cos(np.pi * t / steps))
    )

    def coded(tables: list[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return [net(values) for net, values in zip(pair, tables, strict=True)]

    def shown() -> Tensor:
        return _gain(*_turned(coded(stopping), coded(learned)))

    linear = _turned(coded(inputs), coded(learned))
    best = [w.detach().clone() for w in weights]
    best_gain, waited = shown(), torch.zeros(len(nets), device=device)
    for _ in range(epochs):
        order = torch.randperm(rows.shape[1], generator=rng, device=device)
        for cells in order.tensor_split(n_batches):
            optimiser.zero_grad()
            # A sum over nets: each net's gradient is its own.
            u, v = (net(values[:, cells], training=True) for net, values in zip(pair, learned, strict=True))
            _loss(u, v).sum().backward()
            optimiser.step()
            schedule.step()
        gain = shown()
        better = (gain > best_gain + 1e-4) & (waited < patience)
        best_gain = torch.where(better, gain, best_gain)
        waited = torch.where(better, 0.0, waited + 1)
        for kept, now in zip(best, weights, strict=True):
            kept[better] = now.detach()[better]
        if (waited >= patience).all():
            break
    with torch.no_grad():
        for now, kept in zip(weights, best, strict=True):
            now.copy_(kept)
    curved = _turned(coded(inputs), coded(learned))
    return [(u.cpu().numpy(), v.cpu().numpy()) for u, v in (linear, curved)]


def _take(values: Tensor, rows: Tensor) -> Tensor:
    """Rows (M, r) of tables (M, n, d), each its own."""
    return values[torch.arange(len(values), device=values.device)[:, None], rows]


@dataclass(frozen=True)
class _Start:
    """The linear code of canonical inputs: (M, q, r) and (M, 1, r)."""

    into: Tensor
    bias: Tensor


class _Net:
    """M nets, inputs → code, whose weights are stacked along the first axis; the hidden layer starts at zero."""

    def __init__(self, start: _Start, how: Training, rng: torch.Generator) -> None:
        m, n_in, dim = start.into.shape
        device = start.into.device
        # All nets see the same initial weights, dropout masks and batches: none depends on those beside it.
        to_hidden = torch.randn(1, n_in, how.hidden, generator=rng, device=device) / n_in**0.5
        self.rng, self.dropout = rng, _DROPOUT * how.dropout
        self.weights = [
            w.requires_grad_()
            for w in (
                to_hidden.repeat(m, 1, 1), torch.zeros(m, 1, how.hidden, device=device),
                torch.zeros(m, how.hidden, dim, device=device), start.into, start.bias,
            )
        ]  # fmt: skip

    def __call__(self, x: Tensor, training: bool = False) -> Tensor:
        to_hidden, hidden_bias, from_hidden, straight, bias = self.weights
        h = torch.baddbmm(hidden_bias, x, to_hidden).relu()
        if training and self.dropout:
            mask = torch.rand((1, *h.shape[1:]), generator=self.rng, device=h.device) > self.dropout
            h = h * (mask / (1 - self.dropout))
        return torch.baddbmm(bias, x, straight).baddbmm(h, from_hidden)


def _canonical_inputs(x: Tensor, y: Tensor, rows: Tensor, held: Tensor, dim: int) -> list[tuple[Tensor, _Start]]:
    """Turn inputs to canonical directions, each scaled by its correlation, and give the linear code of them.

    Random hidden units then look first at directions that are known to matter, which takes far fewer cells than
    finding these by gradients.
    """
    whole = [side.double() for side in (x, y)]
    middles = [_take(side, rows).mean(1, keepdim=True) for side in whole]
    whole = [side - middle for side, middle in zip(whole, middles, strict=True)]
    learned, stopping = ([_take(side, of) for side in whole] for of in (rows, held))
    t = rows.shape[1]
    spectra = [torch.linalg.eigh(side.transpose(1, 2) @ side / t) for side in learned]
    shared = learned[0].transpose(1, 2) @ learned[1] / t
    dim = min(dim, *shared.shape[1:])
    best = shared.new_full((len(rows),), -torch.inf)
    maps = [shared.new_zeros(len(rows), d, min(d, _DIRECTIONS)) for d in shared.shape[1:]]
    rho = shared.new_zeros(len(rows), max(m.shape[2] for m in maps))
    for penalty in _PENALTIES:
        white = [
            axes / (spectrum.clamp(min=0) + penalty * spectrum.mean(1, keepdim=True).clamp(min=1e-12)).sqrt()[:, None]
            for spectrum, axes in spectra
        ]
        left, size, right = torch.linalg.svd(white[0].transpose(1, 2) @ shared @ white[1])
        turned = [white[0] @ left, white[1] @ right.transpose(1, 2)]
        gain = _gain(*(side @ turn[:, :, :dim] for side, turn in zip(stopping, turned, strict=True)))
        better = gain > best
        best = torch.where(better, gain, best)
        for kept, turn in zip(maps, turned, strict=True):
            kept[better] = turn[better, :, : kept.shape[2]]
        found = min(size.shape[1], rho.shape[1])
        rho[better, :found] = size[better, :found]
    weight = (rho**2 + _FLOOR**2).sqrt()
    weight = weight / weight.max(1, keepdim=True)[0]
    sides = []
    for side, some, kept in zip(whole, learned, maps, strict=True):
        scale = weight[:, None, : kept.shape[2]]
        spread = (some @ kept[:, :, :dim]).std(1).clamp(min=1e-9)
        into = torch.zeros_like(kept[:, : kept.shape[2], :dim])
        into[:, range(dim), range(dim)] = 1 / (weight[:, :dim] * spread)
        bias = torch.zeros_like(into[:, :1])
        sides.append(((side @ (kept * scale)).float(), _Start(into.float(), bias.float())))
    return sides


def _gain(u: Tensor, v: Tensor) -> Tensor:
    """−½ Σ log(1 − ρ²) of paired axes, (M,), without what squared correlations of unrelated ones show on average."""
    u, v = u - u.mean(1, keepdim=True), v - v.mean(1, keepdim=True)
    rho = (u * v).sum(1) / ((u * u).sum(1) * (v * v).sum(1)).clamp(min=1e-24).sqrt()
    chance = 1 / u.shape[1]
    excess = ((rho.clamp(0, 1) ** 2 - chance) / (1 - chance)).clamp(0, 1 - 1e-6)
    return -0.5 * torch.log1p(-excess).sum(1)


def _loss(u: Tensor, v: Tensor) -> Tensor:
    """½ log det(1 − CᵀC) of codes, (M,)."""
    n, r = u.shape[1:]
    both = torch.cat([u, v], 2)
    both = both - both.mean(1, keepdim=True)
    covariance = both.transpose(1, 2) @ both / n + _RIDGE * torch.eye(2 * r, device=u.device)
    blocks = (covariance, covariance[:, :r, :r], covariance[:, r:, r:])
    joint, of_u, of_v = (torch.linalg.cholesky(b).diagonal(dim1=1, dim2=2).log().sum(1) for b in blocks)
    return joint - of_u - of_v


def _turned(codes: list[Tensor], learned: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Turn codes to canonical axes by those of the training cells."""
    middles = [side.double().mean(1, keepdim=True) for side in learned]
    known = [side.double() - middle for side, middle in zip(learned, middles, strict=True)]
    n = known[0].shape[1]
    white = []
    for side in known:
        spectrum, axes = torch.linalg.eigh(side.transpose(1, 2) @ side / n)
        white.append(axes / (spectrum.clamp(min=0) + 1e-4 * spectrum.mean(1, keepdim=True) + 1e-12).sqrt()[:, None])
    left, _, right = torch.linalg.svd(white[0].transpose(1, 2) @ (known[0].transpose(1, 2) @ known[1] / n) @ white[1])
    turns = (white[0] @ left, white[1] @ right.transpose(1, 2))
    u, v = ((code.double() - middle) @ turn for code, middle, turn in zip(codes, middles, turns, strict=True))
    return u, v
