"""The estimator as published, for comparison: paired autoencoders, then nearest neighbours."""

import itertools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from helpers._utils.options import check_options, number, whole
from helpers._utils.validation import as_columns, as_matrix, as_seed, choose, in_range, same_length
from helpers.information.estimate import Estimate
from helpers.information.ksg import ksg_pointwise


@dataclass(frozen=True)
class Settings:
    """How the published nets are trained: the defaults of the package ``latentmi`` 0.1.3."""

    rate: float = number(1e-4, 1e-8, 1)
    batch: int = whole(512, 1, 1e6)
    epochs: int = whole(300, 1, 1e6)
    patience: int = whole(30, 1, 1e6)

    def __post_init__(self) -> None:
        """Check every field."""
        check_options(self)


def published(x: Any, y: Any, seed: int, k: int, dim: int, null: bool, **settings: Any) -> Estimate:
    """Estimate as Gowri et al. (NeurIPS 2024) released it, but seeded; ``lmi(..., faithful=True)`` calls this.

    Half the cells train two encoders of ``dim`` numbers by self- and cross-reconstruction, the other half both
    decides when to stop and gives the estimate, by plain KSG. The weights are those of the last epoch. Labels
    are one-hot. ``pointwise`` is NaN for the cells trained on.

    Parameters
    ----------
    x, y, seed, k, null : as in ``lmi``
    dim : code dimensions; the package's default is 8, the noise scaling papers used 16
    **settings : fields of ``Settings``

    Raises
    ------
    ValueError
        For an unknown setting or one out of range, mismatched lengths, NaN, no column, or too few samples.
    """
    start = time.perf_counter()
    for name in settings:
        choose(name, Settings.__dataclass_fields__, "option of lmi with faithful=True")
    training, seed = Settings(**settings), as_seed(seed)
    in_range(dim, 1, 128, "dim", whole=True)
    in_range(k, 1, 50, "k", whole=True)
    x, y = as_matrix(x, "x"), as_columns(y, "y")
    n = same_length(x=x, y=y)
    in_range(n, 2 * (k + 2), np.inf, "number of samples for lmi with faithful=True")
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(n)
    signals = [y, y[mixed]] if null else [y]
    order = rng.permutation(n)
    pointwise = [_pointwise(x, signal, order, k, dim, seed, training) for signal in signals]
    nothing = float(np.nanmean(pointwise[1])) if null else float("nan")
    used = {"estimator": "lmi, as published", "k": k, "dim": dim, "seed": seed, **vars(training)}
    return Estimate(float(np.nanmean(pointwise[0])), pointwise[0], nothing, n, time.perf_counter() - start, used)


class PairedAutoencoders(nn.Module):
    """Encoders of x and y, each decoded to itself and, under dropout, to the other."""

    def __init__(self, n_x: int, n_y: int, dim: int) -> None:
        super().__init__()
        wide_x, wide_y = (2 ** int(np.log2(size)) if size > 2048 else 1024 for size in (n_x, n_y))
        self.x_encoder, self.y_encoder = _encoder(n_x, wide_x, dim), _encoder(n_y, wide_y, dim)
        self.xx_decoder, self.yy_decoder = _decoder(dim, wide_x, n_x, 0.0), _decoder(dim, wide_y, n_y, 0.0)
        self.yx_decoder, self.xy_decoder = _decoder(dim, wide_x, n_x, 0.5), _decoder(dim, wide_y, n_y, 0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def learning_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum of the four mean squared errors of reconstruction, equally weighted."""
        code_x, code_y = self.x_encoder(x), self.y_encoder(y)
        itself = mse_loss(self.xx_decoder(code_x), x) + mse_loss(self.yy_decoder(code_y), y)
        return itself + mse_loss(self.yx_decoder(code_y), x) + mse_loss(self.xy_decoder(code_x), y)


def _encoder(n_in: int, wide: int, dim: int) -> nn.Sequential:
    sizes = [n_in, wide, wide // 2, wide // 4, dim]
    return nn.Sequential(*(part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), _bend())))


def _decoder(dim: int, wide: int, n_out: int, dropout: float) -> nn.Sequential:
    sizes = [dim, wide // 4, wide // 2, wide, n_out]
    parts: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        parts += [*([nn.Dropout(dropout)] if dropout else []), nn.Linear(a, b), _bend()]
    return nn.Sequential(*parts[:-1])


def _bend() -> nn.LeakyReLU:
    return nn.LeakyReLU(negative_slope=0.2)


def _pointwise(
    x: np.ndarray, y: np.ndarray, order: np.ndarray, k: int, dim: int, seed: int, training: Settings
) -> np.ndarray:
    tables = []
    for values in (x, y):
        spread = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
        tables.append(torch.tensor(np.clip((values - values.mean(axis=0)) / spread, -10, 10), dtype=torch.float32))
    train, rest = (torch.tensor(rows) for rows in np.split(order, [len(order) // 2]))
    # Dropout draws from torch's global generator: seed a copy of it and put it back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PairedAutoencoders(tables[0].shape[1], tables[1].shape[1], dim)
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        _train(model, [t[train] for t in tables], [t[rest] for t in tables], training)
    model.eval()
    with torch.no_grad():
        u, v = (
            encode(t[rest]).double().numpy()
            for encode, t in ((model.x_encoder, tables[0]), (model.y_encoder, tables[1]))
        )
    pointwise = np.full(len(x), np.nan)
    pointwise[rest.numpy()] = ksg_pointwise(u, v, k)
    return pointwise


def _train(model: PairedAutoencoders, train: list[Tensor], rest: list[Tensor], settings: Settings) -> None:
    """Adam until the loss on the held-out half, dropout on as published, has not fallen for ``patience`` epochs."""
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.rate, eps=1e-7)
    best, waited = float("inf"), 0
    for _ in range(settings.epochs):
        for rows in torch.randperm(len(train[0])).split(settings.batch):
            optimiser.zero_grad()
            model.learning_loss(train[0][rows], train[1][rows]).backward()
            optimiser.step()
        with torch.no_grad():
            parts = torch.randperm(len(rest[0])).split(settings.batch)
            loss = float(np.mean([model.learning_loss(rest[0][r], rest[1][r]).item() for r in parts]))
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited >= settings.patience:
            break
