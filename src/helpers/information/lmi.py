"""Mutual information of high-dimensional variables through learned low-dimensional codes (LMI)."""

import time
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma

from helpers.checks import as_labels, as_matrix, choose, in_range, is_labels, same_length
from helpers.information.estimate import Estimate
from helpers.information.ksg import ksg_pointwise
from helpers.information.nets import Training, learn_codes

FEWEST = 50


def lmi(
    x: Any, y: Any, seed: int = 0, k: int = 3, dim: int = 8, folds: int = 4, null: bool = True, **training: Any
) -> Estimate:
    r"""Estimate I(x; y) in bits when x, y or both have many dimensions.

    Small nets learn codes of ``x`` and ``y`` from some cells; neighbours in code space give the
    information on *other* cells. Folds rotate, so every cell is estimated once by nets that never saw it.

    - *Continuous y.* The code of x predicts y; the code of y predicts x and the code of x. Codes are
      turned to canonical axes, and axes whose correlation does not show on the stopping cells are
      dropped, since every useless axis costs the estimator accuracy. In the axes u, v that remain with
      correlations ρ, and the shift w = (v − ρu)/√(1 − ρ²),

      .. math:: I(u; v) = -\tfrac12\sum\log_2(1-ρ^2) + h(v) - h(w) + I(u; w)

      holds exactly for any distribution and any ρ. The first term carries most of the information, and
      the nearest-neighbour terms are small: that removes most of the downward bias KSG has at high
      information. A variable of one or two dimensions needs no code and loses no axis; its squares are among what
      the other's code predicts, so that an even dependence on it is found.
    - *Labels y.* The code is the log posterior of a net trained by cross-entropy, which is sufficient
      for y. Codes of all folds share their meaning, so they are pooled, and the nearest-neighbour
      estimate for one continuous and one discrete variable (Ross 2014) is taken over all cells.

    Parameters
    ----------
    x : array of shape (n,) or (n, d)
    y : array of shape (n,) or (n, d), or n labels (strings, integers, booleans)
        Integers are labels; give floats for a continuous signal.
    seed : int
        Fixes folds, weights, dropout and the permutation. Same seed, same machine, same number.
    k : int
        Neighbours.
    dim : int
        Most code dimensions.
    folds : int
        Parts that rotate; each is estimated by nets trained on the others.
    null : bool
        Also run on a permuted signal, nets retrained (``null_bits``); NaN if False.
    **training
        Fields of ``helpers.information.nets.Training``.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, a constant x or y, or fewer than 50 cells.

    Notes
    -----
    After Gowri et al. (NeurIPS 2024), whose estimator trains encoders by self- and cross-reconstruction
    and applies KSG. Here: cross-prediction only, cross-fitting, best weights restored, fewer code
    dimensions, and the exact shift above.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(600, 5))
    >>> y = x[:, :1] + rng.normal(size=(600, 1))        # exactly 0.5 bits
    >>> abs(lmi(x, y, null=False).bits - 0.5) < 0.15
    True
    """
    start = time.perf_counter()
    for name in training:
        choose(name, Training.__dataclass_fields__, "option of lmi")
    how = Training(**training)
    discrete = is_labels(y)
    x = as_matrix(x, "x")
    y = as_labels(y, "y") if discrete else as_matrix(y, "y")
    n = same_length(x=x, y=y)
    in_range(folds, 2, 20, "folds", whole=True)
    in_range(dim, 1, 64, "dim", whole=True)
    in_range(k, 1, 50, "k", whole=True)
    in_range(n, FEWEST, np.inf, "number of cells for lmi", "Use ksg or plug_in for fewer.")
    in_range(
        n // folds, k + 2, np.inf, f"cells a fold ({n} cells, {folds} folds, k = {k})", "Use fewer folds or neighbours."
    )
    if discrete:
        crowd = np.bincount(y)[y]
        if (crowd <= k).mean() > 0.5:
            raise ValueError(
                f"{(crowd <= k).sum()} of {n} cells carry a label that {k} cells or fewer share: "
                "labels need more cells; give a continuous signal as floats."
            )
    for name, values in (("x", x), ("y", y)):
        if (values == values[0]).all():
            raise ValueError(f"{name} is constant over {n} cells: information about it is 0 and needs no estimate.")
    rng = np.random.default_rng(seed)
    signals = [y, y[rng.permutation(n)]] if null else [y]
    estimator = _with_labels if discrete else _continuous
    pointwise = estimator(x, signals, k, dim, _rotate(n, folds, rng), seed, how)
    return Estimate(
        bits=float(np.nanmean(pointwise[0])),
        pointwise=pointwise[0],
        null_bits=float(np.nanmean(pointwise[1])) if null else float("nan"),
        n=n,
        seconds=time.perf_counter() - start,
        settings={"estimator": "lmi", "k": k, "dim": dim, "folds": folds, "seed": seed, **vars(how)},
    )


class _Rotation:
    """Cells to train on, to stop on and to estimate, one row a fold; equal sizes, so that nets stack."""

    def __init__(self, train: list[np.ndarray], stop: list[np.ndarray], estimate: list[np.ndarray]) -> None:
        self.train = np.stack([t[: min(map(len, train))] for t in train])
        self.stop = np.stack([s[: min(map(len, stop))] for s in stop])
        self.estimate = estimate


def _rotate(n: int, folds: int, rng: np.random.Generator) -> _Rotation:
    parts = np.array_split(rng.permutation(n), folds)
    train, stop = [], []
    for fold in range(folds):
        rest = rng.permutation(np.concatenate(parts[:fold] + parts[fold + 1 :]))
        n_stop = max(10, len(rest) // 5)
        stop.append(rest[:n_stop])
        train.append(rest[n_stop:])
    return _Rotation(train, stop, parts)


def _scaled(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """One copy a net, z-scored by its training cells and clipped at ±10 as the published code does."""
    out = []
    for rows in train:
        spread = values[rows].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        out.append(np.clip((values - values[rows].mean(axis=0)) / spread, -10, 10))
    return np.stack(out)


def _continuous(
    x: np.ndarray, signals: list[np.ndarray], k: int, dim: int, turn: _Rotation, seed: int, how: Training
) -> np.ndarray:
    folds = len(turn.estimate)
    train, stop = (np.tile(v, (len(signals), 1)) for v in (turn.train, turn.stop))
    xs = np.tile(_scaled(x, turn.train), (len(signals), 1, 1))
    ys = np.concatenate([_scaled(y, turn.train) for y in signals])
    small_x, small_y = x.shape[1] <= 2, ys.shape[2] <= 2
    # What stands for a variable where the other's code is learned and chosen.
    seen_x, seen_y = (_with_squares(v) if small else v for v, small in ((xs, small_x), (ys, small_y)))
    of_x, of_y = xs, ys
    if not small_x:
        of_x = learn_codes(xs, seen_y, train, stop, min(dim, x.shape[1]), seed, how=how)[0]
        # With the code of x among the targets, y need not predict x linearly to be coded well.
        seen_x = np.concatenate([xs, (of_x - of_x.mean(1, keepdims=True)) / of_x.std(1, keepdims=True)], 2)
    if not small_y:
        of_y = learn_codes(ys, seen_x, train, stop, min(dim, ys.shape[2]), seed + 1, how=how)[0]
    pointwise = np.full((len(signals), len(x)), np.nan)
    for net in range(len(train)):
        cells, at = turn.estimate[net % folds], (train[net], stop[net])
        u, v = of_x[net], of_y[net]
        if any(np.ptp(code[at[0]], axis=0).max() < 1e-9 for code in (u, v)):
            pointwise[net // folds, cells] = 0.0  # a constant code: nothing was found to learn from
            continue
        if not small_x:
            u = _axes_that_show(u, seen_y[net] if small_y else v, *at)
        if not small_y:
            v = _axes_that_show(v, seen_x[net] if small_x else of_x[net], *at)
        u, v = _canonical(u, v, train[net])
        pointwise[net // folds, cells] = shifted_ksg(u[cells], v[cells], k)
    return pointwise


def _with_squares(values: np.ndarray) -> np.ndarray:
    squares = values**2
    spread = squares.std(1, keepdims=True)
    return np.concatenate([values, (squares - squares.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)], 2)


def _canonical(a: np.ndarray, b: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a and b to canonical pairs by the training cells, strongest first, those without a partner last."""
    u, v = _whitened(a, train), _whitened(b, train)
    left, _, right = np.linalg.svd(u[train].T @ v[train] / len(train))
    return u @ left, v @ right.T


def _axes_that_show(code: np.ndarray, other: np.ndarray, train: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the canonical axes of a code whose correlation with the other variable shows on the stopping cells."""
    u, v = _canonical(code, other, train)
    pairs = min(u.shape[1], v.shape[1])
    rho = np.array([np.corrcoef(u[stop, i], v[stop, i])[0, 1] for i in range(pairs)])
    shows = np.flatnonzero(rho > 2 / np.sqrt(len(stop)))
    return u[:, shows if len(shows) else [int(np.argmax(rho))]]


def _whitened(code: np.ndarray, train: np.ndarray) -> np.ndarray:
    centred = code - code[train].mean(axis=0)
    variance, axes = np.linalg.eigh(centred[train].T @ centred[train] / len(train))
    keep = variance > 1e-6 * variance.max()
    return centred @ (axes[:, keep] / np.sqrt(variance[keep]))


def shifted_ksg(u: np.ndarray, v: np.ndarray, k: int = 3) -> np.ndarray:
    """Pointwise information in bits between paired axes, most of it taken out exactly by a linear shift.

    Parameters
    ----------
    u, v : (n, r) and (n, s) arrays
        Column i of ``u`` pairs with column i of ``v``; columns without a partner are not shifted.

    Returns
    -------
    (n,) array; the mean over both directions of the identity in ``lmi``.
    """
    u, v = ((z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1.0) for z in (u, v))
    if any(_has_ties(z, k) for z in (u, v)):  # no density, so no differential entropy: KSG counts ties itself
        return ksg_pointwise(u, v, k)
    pairs = min(u.shape[1], v.shape[1])
    rho = np.clip((u[:, :pairs] * v[:, :pairs]).mean(axis=0), -1 + 1e-12, 1 - 1e-12)
    left_over = np.sqrt(1 - rho**2)
    gain = -np.log2(left_over).sum()
    total = np.zeros(len(u))
    for a, b in ((u, v), (v, u)):
        w = b.copy()
        w[:, :pairs] = (b[:, :pairs] - rho * a[:, :pairs]) / left_over
        total += gain + _entropy_terms(b, k) - _entropy_terms(w, k) + ksg_pointwise(a, w, k)
    return total / 2


def _has_ties(points: np.ndarray, k: int) -> bool:
    return bool((cKDTree(points).query(points, k=[k + 1], p=np.inf)[0] == 0).any())


def _entropy_terms(points: np.ndarray, k: int) -> np.ndarray:
    """Kozachenko–Leonenko terms of the differential entropy in bits, max-norm."""
    n, d = points.shape
    radius = cKDTree(points).query(points, k=[k + 1], p=np.inf, workers=-1)[0][:, 0]
    radius = np.maximum(radius, np.finfo(float).tiny)
    return (digamma(n) - digamma(k)) / np.log(2) + d * np.log2(2 * radius)


def _with_labels(
    x: np.ndarray, signals: list[np.ndarray], k: int, dim: int, turn: _Rotation, seed: int, how: Training
) -> np.ndarray:
    folds, n_labels = len(turn.estimate), int(signals[0].max()) + 1
    train, stop = (np.tile(v, (len(signals), 1)) for v in (turn.train, turn.stop))
    xs = np.tile(_scaled(x, turn.train), (len(signals), 1, 1))
    ys = np.repeat([np.eye(n_labels)[y] for y in signals], folds, axis=0)
    logits = learn_codes(xs, ys, train, stop, min(dim, n_labels), seed, labels=True, how=how)[1]
    logits -= logits.mean(axis=2, keepdims=True)
    pointwise = []
    for s, y in enumerate(signals):
        code = np.empty((len(x), n_labels))
        for fold, cells in enumerate(turn.estimate):
            code[cells] = logits[s * folds + fold][cells]
        # Labels far apart: a cell's neighbours are the nearest that share its label.
        apart = 10 * (np.ptp(code) + 1.0)
        pointwise.append(ksg_pointwise(code, apart * y[:, None].astype(float), k))
    return np.stack(pointwise)
