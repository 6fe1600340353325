"""Critics that score how well two values go together, learned on some cells to be judged on others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import ndtri

from helpers._utils import lazy
from helpers._utils.options import check_options, number, whole
from helpers.information.gaussian import canonical

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy.Package("torch")

# Samples that one score matrix holds: the bound cannot exceed log2 of it, and memory grows with its square.
_MOST = 2000
# Kernel features of the regression critic, and the width of its kernel for standardised columns.
_FEATURES, _GAMMA = 200, 0.1
# Degrees of freedom (the last is as good as normal) and powers of its density that are tried.
_FREEDOM, _POWERS = (4.0, 16.0, 1e6), (1.0, 0.7, 0.5, 0.35, 0.25, 0.17)


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


@dataclass(frozen=True)
class Split:
    """Rows of a fold: those to learn from, those to stop and choose on, and those to be judged on."""

    train: np.ndarray
    stop: np.ndarray
    judge: np.ndarray


def splits(n: int, folds: int, rng: np.random.Generator) -> list[Split]:
    """Return folds that rotate; a fifth of what a fold does not judge is for stopping."""
    parts = np.array_split(rng.permutation(n), folds)
    found = []
    for fold, judge in enumerate(parts):
        rest = rng.permutation(np.concatenate(parts[:fold] + parts[fold + 1 :]))
        stop, train = np.split(rest, [len(rest) // 5])
        found.append(Split(train, stop, judge))
    return found


class Critic(Protocol):
    """What judges pairings of samples, learned once a fold."""

    def gains(self, fold: int, rows: np.ndarray) -> Tensor:
        """Return what each of these samples adds to InfoNCE among them, in nats, (n,)."""


def shown(critic: Critic, fold: int, rows: np.ndarray) -> np.ndarray:
    """Return the gain of each of these samples in bits, among at most 2,000 others at a time."""
    parts = np.array_split(rows, -(-len(rows) // _MOST))
    return np.concatenate([critic.gains(fold, part).double().numpy() for part in parts]) / np.log(2)


class RegressionCritics:
    """Critics from a regression of y on x: the score is the log density of y around its prediction.

    A ridge regression on x and kernel features of it predicts y; its penalty is chosen within the training samples.
    What it leaves has the covariance that it has on the stopping samples, drawn towards a round one (Ledoit and Wolf),
    and is Student-t, raised to a power: residuals of cells have longer tails than normal ones and differ from cell to
    cell, so that scores taken at their word are too sure. Degrees of freedom and power are those that show most there.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, parts: list[Split], seed: int) -> None:
        self.folds = [_regressed(x, y, part, seed) for part in parts]
        self.shapes: list[tuple[float, float]] = []
        for fold, part in enumerate(parts):
            squares = self._squares(fold, part.stop[:_MOST])
            self.shapes.append(
                max(product(_FREEDOM, _POWERS), key=lambda shape: float(self._gains(squares, *shape).mean()))
            )

    def gains(self, fold: int, rows: np.ndarray) -> Tensor:
        """Return how far each y is better explained by its own x than by those of others, in nats, (n,)."""
        return self._gains(self._squares(fold, rows), *self.shapes[fold])

    def _squares(self, fold: int, rows: np.ndarray) -> Tensor:
        """Squared distances from each prediction (rows) to each y (columns)."""
        centre, y = (side[rows] for side in self.folds[fold])
        return torch.cdist(centre, y, compute_mode="donot_use_mm_for_euclid_dist") ** 2

    def _gains(self, squares: Tensor, freedom: float, power: float) -> Tensor:
        width = self.folds[0][1].shape[1]
        scores = -power * (freedom + width) / 2 * torch.log1p(squares / freedom)
        return scores.diagonal() - scores.logsumexp(0) + float(np.log(len(scores)))


def _regressed(x: np.ndarray, y: np.ndarray, part: Split, seed: int) -> tuple[Tensor, Tensor]:
    """Return the prediction and y, (n, e) each, where residuals are round and of unit spread."""
    from sklearn.covariance import LedoitWolf
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    few = min(_FEATURES, len(part.train) // 4)
    bent = Nystroem(gamma=_GAMMA / x.shape[1], n_components=few, random_state=seed)
    features = make_pipeline(StandardScaler(), make_union(FunctionTransformer(), bent))
    y = StandardScaler().fit(y[part.train]).transform(y)
    model = make_pipeline(features, RidgeCV(np.logspace(-4, 2, 13)))
    centre = model.fit(x[part.train], y[part.train]).predict(x).reshape(y.shape)
    left = LedoitWolf().fit(y[part.stop] - centre[part.stop]).covariance_
    # Nothing is left where the signal does not vary among these samples.
    noise = np.linalg.cholesky(left + 1e-9 * max(np.trace(left) / len(left), 1e-12) * np.eye(len(left)))
    centre, y = (torch.from_numpy(np.linalg.solve(noise, side.T).T.copy()) for side in (centre, y))
    return centre, y


class _Side:
    """A fold, and both variables in canonical axes found on its training samples."""

    def __init__(self, x: np.ndarray, y: np.ndarray, part: Split) -> None:
        self.stop, self.train = part.stop, part.train
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


class LearnedCritics:
    """One net a fold, weights stacked along the first axis, at its best on the stopping samples.

    A score is Σ k·e(x)·e(y) + r(x)·r(y) + a(x) + b(y): canonical axes with learned corrections, further learned
    features, and what either side adds alone.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, parts: list[Split], seed: int, how: CriticTraining) -> None:
        self.sides = sides = [_Side(x, y, part) for part in parts]
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
        self._train(how)

    def _random(self, n: int, rows: int, columns: int) -> Tensor:
        return (torch.randn(1, rows, columns, generator=self.rng) / rows**0.5).repeat(n, 1, 1)

    def gains(self, fold: int, rows: np.ndarray) -> Tensor:
        """Return what each of these samples adds, in nats, (n,), the mean over both directions."""
        with torch.no_grad():
            x, y = (_tensor(side[rows])[None] for side in self.sides[fold].axes)
            return _gains(self._scores(x, y, nets=[fold]))[0]

    def _scores(self, x: Tensor, y: Tensor, training: bool = False, nets: list[int] | None = None) -> Tensor:
        """Return the score of every pairing, (nets, n, n)."""
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

    def _train(self, how: CriticTraining) -> None:
        # Of equal sizes, so that folds stack.
        n_train, n_stop = (min(len(getattr(side, name)) for side in self.sides) for name in ("train", "stop"))
        (x, y), (x_stop, y_stop) = (
            [_tensor(np.stack([side.axes[of][getattr(side, name)[:n]] for side in self.sides])) for of in (0, 1)]
            for name, n in (("train", n_train), ("stop", min(n_stop, _MOST)))
        )
        optimiser = torch.optim.AdamW(self.weights, lr=how.rate, weight_decay=how.decay, foreach=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda t: min(1.0, (t + 1) / 50) * 0.5 * (1 + np.cos(np.pi * t / how.steps))
        )
        best = [w.detach().clone() for w in self.weights]
        with torch.no_grad():
            best_gain = _gains(self._scores(x_stop, y_stop)).mean(1)
        waited = torch.zeros(len(self.sides))
        for step in range(1, how.steps + 1):
            rows = torch.randperm(n_train, generator=self.rng)[: how.batch]
            optimiser.zero_grad()
            (-_gains(self._scores(x[:, rows], y[:, rows], training=True)).mean(1).sum()).backward()
            optimiser.step()
            schedule.step()
            if step % how.every and step < how.steps:
                continue
            with torch.no_grad():
                gain = _gains(self._scores(x_stop, y_stop)).mean(1)
            better = (gain > best_gain + 1e-3) & (waited < how.patience)
            best_gain = torch.where(better, gain, best_gain)
            waited = torch.where(better, 0.0, waited + 1)
            for kept, now in zip(best, self.weights, strict=True):
                kept[better] = now.detach()[better]
            if (waited >= how.patience).all():
                break
        self.weights = best


def _gains(scores: Tensor) -> Tensor:
    """Return what each sample adds to InfoNCE, in nats: (nets, n) of scores (nets, n, n), both directions' mean."""
    true = scores.diagonal(dim1=1, dim2=2)
    others = (scores.logsumexp(2) + scores.logsumexp(1)) / 2
    return true - others + float(np.log(scores.shape[-1]))
