"""Information from below: how well a learned critic picks each cell's own partner among held-out cells."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from helpers._utils import lazy
from helpers._utils.options import check_options, number, whole
from helpers._utils.validation import as_matrix, as_seed, choose, in_range, is_labels, same_length
from helpers.information.estimate import Estimate, check_varies
from helpers.information.gaussian import canonical

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy.Package("torch")

FEWEST = 200


@dataclass(frozen=True)
class CriticTraining:
    """How the critic is trained: Adam with ``decay`` and a rate that rises to ``rate`` and falls along a cosine.

    ``hidden`` units and ``extra`` learned features a side, ``dropout``; at most ``steps`` steps of ``batch`` pairs. It
    is judged on the stopping cells every ``every`` steps and stops after ``patience`` judgements without a gain.
    """

    hidden: int = whole(64, 1, 1e6)
    extra: int = whole(16, 1, 1e6)
    dropout: float = number(0.1, 0, 0.95)
    rate: float = number(3e-3, 1e-8, 1)
    decay: float = number(1e-3, 0, 10)
    steps: int = whole(600, 1, 1e6)
    batch: int = whole(400, 1, 1e6)
    every: int = whole(25, 1, 1e6)
    patience: int = whole(8, 1, 1e6)

    def __post_init__(self) -> None:
        """Check every field."""
        check_options(self)


def lower_bound(x: Any, y: Any, seed: int = 0, folds: int = 4, **training: Any) -> Estimate:
    r"""Return information that is at least there, in bits: InfoNCE on cells that the critic never saw.

    A critic f(x, y) is trained to score true pairs above all other pairings of the same cells. On K held-out cells

    .. math:: I(x; y) \ge \mathrm{E}\Big[\log_2 \frac{e^{f(x_i, y_i)}}{\tfrac1K\sum_j e^{f(x_i, y_j)}}\Big]

    holds for any critic, on average over draws; the mean with x and y exchanged is taken. It cannot exceed log2 K, and
    falls short by what the critic has not learned, so with ``lmi`` it brackets the truth rather than estimating it.
    The critic starts at the exact density ratio of Gaussian variables, in canonical axes of normal scores, and learns
    what they leave out. Labels have a bound of their own, the held-out cross-entropy of ``lmi``
    (``label_method="bound"``), which is returned for them.

    Parameters
    ----------
    x, y : arrays of shape (n,) or (n, d), or n labels for y
    seed : int
        Fixes folds, weights, dropout and batches.
    folds : int
        Parts that rotate; each is judged by a critic trained on the others.
    **training
        Fields of ``CriticTraining``.

    Returns
    -------
    Estimate; ``null_bits`` is NaN: of a permuted signal the bound is below 0 on average.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, a constant x or y, fewer than 200 samples, a bad seed or an unknown option.

    Notes
    -----
    InfoNCE after van den Oord, Li and Vinyals (2018), arXiv 1807.03748; Poole et al. (2019), arXiv 1905.06922.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 3))
    >>> y = x[:, :1] + rng.normal(size=(1000, 1))        # exactly 0.5 bits
    >>> 0.3 < lower_bound(x, y, steps=50).bits < 0.6
    True
    """
    start = time.perf_counter()
    if is_labels(y, "y"):
        from helpers.information.lmi import lmi

        return lmi(x, y, seed, folds=folds, null=False, label_method="bound")
    x, y, seed = as_matrix(x, "x"), as_matrix(y, "y"), as_seed(seed)
    n = same_length(x=x, y=y)
    in_range(n, FEWEST, np.inf, "number of samples for lower_bound")
    in_range(folds, 2, 20, "folds", whole=True)
    check_varies(x=x, y=y)
    for name in training:
        choose(name, CriticTraining.__dataclass_fields__, "option of lower_bound")
    how = CriticTraining(**training)
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(n), folds)
    sides = [_Side(x, y, np.concatenate(parts[:f] + parts[f + 1 :]), rng) for f in range(folds)]
    critic = _trained(sides, how, seed)
    pointwise = np.empty(n)
    for fold, cells in enumerate(parts):
        with torch.no_grad():
            u, v = (_tensor(side[cells])[None] for side in sides[fold].axes)
            scores = critic.scores(u, v, nets=[fold])
            pointwise[cells] = _gains(scores)[0].double().numpy() / np.log(2)
    settings = {"estimator": "lower_bound", "folds": folds, "seed": seed, **vars(how)}
    return Estimate(float(pointwise.mean()), pointwise, float("nan"), n, time.perf_counter() - start, settings)


class _Side:
    """A fold's cells to learn from and to stop on, and both variables in canonical axes found on the former."""

    def __init__(self, x: np.ndarray, y: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> None:
        rest = rng.permutation(rest)
        self.stop, self.train = np.split(rest, [len(rest) // 5])
        u, v = canonical(_normal_scores(x, self.train), _normal_scores(y, self.train), self.train)
        pairs = min(u.shape[1], v.shape[1])
        rho = np.array([np.corrcoef(u[self.stop, i], v[self.stop, i])[0, 1] for i in range(pairs)])
        # An axis whose correlation does not show on the stopping cells starts without weight.
        self.rho = np.where(rho > 2 / np.sqrt(len(self.stop)), np.clip(rho, 0, 0.999), 0)
        self.axes = tuple(np.hstack([side, self._length(side)]) for side in (u, v))

    def _length(self, axes: np.ndarray) -> np.ndarray:
        """Return the log distance from the middle, standardised: two variables may share it and nothing else."""
        length = np.log(np.linalg.norm(axes, axis=1, keepdims=True) + 1e-6)
        return (length - length[self.train].mean()) / max(length[self.train].std(), 1e-6)


def _normal_scores(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Map each column so that the training cells are normal: monotone, so that no information changes."""
    quantiles = ndtri((np.arange(len(train)) + 0.5) / len(train))
    return np.stack([np.interp(column, np.sort(column[train]), quantiles) for column in values.T], axis=1)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


class _Critics:
    """One critic a fold, weights stacked along the first axis.

    A score is Σ k·e(x)·e(y) + r(x)·r(y) + a(x) + b(y): canonical axes with learned corrections, further learned
    features, and what either side adds alone.
    """

    def __init__(self, sides: list[_Side], how: CriticTraining, seed: int) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        self.dropout, self.extra = how.dropout, how.extra
        rho = _tensor(np.stack([side.rho for side in sides]))
        self.pairs = rho.shape[1]
        n, out = len(sides), self.pairs + how.extra + 1
        spread = 1 - rho**2
        weights = [(rho / spread)[:, None, :]]
        for values in sides[0].axes:
            last = torch.zeros(n, how.hidden, out)
            last[:, :, self.pairs : -1] = 0.1 * self._random(n, how.hidden, how.extra)
            first = self._random(n, values.shape[1], how.hidden)
            weights += [first, torch.zeros(n, 1, how.hidden), last, (rho**2 / spread / 2)[:, :, None].clone()]
        self.weights = [w.clone().requires_grad_() for w in weights]

    def _random(self, n: int, rows: int, columns: int) -> Tensor:
        return (torch.randn(1, rows, columns, generator=self.rng) / rows**0.5).repeat(n, 1, 1)

    def scores(self, x: Tensor, y: Tensor, training: bool = False, nets: list[int] | None = None) -> Tensor:
        """Return the score of every pairing, (nets, cells, cells)."""
        strength, *halves = self.weights if nets is None else [w[nets] for w in self.weights]
        shared_x, own_x, alone_x = self._features(x, halves[:4], training)
        shared_y, own_y, alone_y = self._features(y, halves[4:], training)
        score = (shared_x * strength) @ shared_y.mT + own_x @ own_y.mT
        return score + alone_x + alone_y.mT

    def _features(self, side: Tensor, weights: list[Tensor], training: bool) -> tuple[Tensor, Tensor, Tensor]:
        first, bias, last, squares = weights
        hidden = torch.baddbmm(bias, side, first).relu()
        if training and self.dropout:
            mask = torch.rand((1, *hidden.shape[1:]), generator=self.rng) > self.dropout
            hidden = hidden * (mask / (1 - self.dropout))
        out, axes = hidden @ last, side[:, :, : self.pairs]
        return out[:, :, : self.pairs] + axes, out[:, :, self.pairs : -1], out[:, :, -1:] - axes**2 @ squares


def _gains(scores: Tensor) -> Tensor:
    """Return what each cell adds to the bound, in nats, (nets, cells)."""
    true = scores.diagonal(dim1=1, dim2=2)
    others = (scores.logsumexp(2) + scores.logsumexp(1)) / 2
    return true - others + float(np.log(scores.shape[-1]))


def _trained(sides: list[_Side], how: CriticTraining, seed: int) -> _Critics:
    """Return critics at their best on the stopping cells."""
    critics = _Critics(sides, how, seed)
    # Of equal sizes, so that folds stack.
    n_train, n_stop = (min(len(getattr(side, name)) for side in sides) for name in ("train", "stop"))
    (x, y), (x_stop, y_stop) = (
        [_tensor(np.stack([side.axes[of][getattr(side, name)[:n]] for side in sides])) for of in (0, 1)]
        for name, n in (("train", n_train), ("stop", n_stop))
    )
    optimiser = torch.optim.AdamW(critics.weights, lr=how.rate, weight_decay=how.decay, foreach=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda t: min(1.0, (t + 1) / 50) * 0.5 * (1 + np.cos(np.pi * t / how.steps))
    )
    best = [w.detach().clone() for w in critics.weights]
    with torch.no_grad():
        best_gain = _gains(critics.scores(x_stop, y_stop)).mean(1)
    waited = torch.zeros(len(sides))
    for step in range(1, how.steps + 1):
        rows = torch.randperm(n_train, generator=critics.rng)[: how.batch]
        optimiser.zero_grad()
        (-_gains(critics.scores(x[:, rows], y[:, rows], training=True)).mean(1).sum()).backward()
        optimiser.step()
        schedule.step()
        if step % how.every and step < how.steps:
            continue
        with torch.no_grad():
            gain = _gains(critics.scores(x_stop, y_stop)).mean(1)
        better = (gain > best_gain + 1e-3) & (waited < how.patience)
        best_gain = torch.where(better, gain, best_gain)
        waited = torch.where(better, 0.0, waited + 1)
        for kept, now in zip(best, critics.weights, strict=True):
            kept[better] = now.detach()[better]
        if (waited >= how.patience).all():
            break
    critics.weights = best
    return critics
