"""Mutual information of high-dimensional variables through learned low-dimensional codes (LMI)."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from helpers._utils import lazy
from helpers._utils.validation import as_labels, as_matrix, as_seed, choose, in_range, is_labels, same_length
from helpers.information.estimate import Estimate
from helpers.information.gaussian import canonical, whitened
from helpers.information.ksg import ksg_pointwise, neighbour_distance, ross_pointwise
from helpers.information.nets import Columns, Training, learn_codes

if TYPE_CHECKING:
    import torch
else:
    torch = lazy.Package("torch")

VERSION = 1  # 2026-11-28 numbered

FEWEST = 50
LABEL_METHODS = ("neighbours", "bound", "one_hot")
# Entropy that a shift may add, relative to the information it takes out (to 1 bit at most): the shift is trusted in
# full up to the first share, not at all from the second on.
_ADDED_SHARE = (0.5, 1.0)
# Share of the spread by which repeated values are moved apart.
_TIE = 1e-3
# Pairs whose nets are trained together: more gain little on a CPU and take memory.
_STACK = 16


def lmi(
    x: Any,
    y: Any,
    seed: int = 0,
    k: int = 3,
    dim: int = 8,
    folds: int = 4,
    null: bool = True,
    label_method: str = "neighbours",
    faithful: bool = False,
    **training: Any,
) -> Estimate:
    r"""Estimate I(x; y) in bits when x, y or both have many dimensions.

    Small nets learn codes of ``x`` and ``y`` from some cells; neighbours in code space give the
    information on *other* cells. Folds rotate, so every cell is estimated once by nets that never saw it.

    - *Continuous y.* The code of x predicts y; the code of y predicts x and the code of x. Codes are
      turned to canonical axes, and axes whose correlation does not show on the stopping cells are
      dropped, since every useless axis costs the estimator accuracy. The distance from the middle is one
      more axis where it shows something that the codes do not explain. In the axes u, v that remain with
      correlations ρ, and the shift w = (v − ρu)/√(1 − ρ²),

      .. math:: I(u; v) = -\tfrac12\sum\log_2(1-ρ^2) + h(v) - h(w) + I(u; w)

      holds exactly for any distribution and any ρ. The first term carries most of the information, and
      the nearest-neighbour terms are small: that removes most of the downward bias KSG has at high
      information. Where the shift does not leave small terms, as for well separated clusters of cells, the
      neighbours of u and v are taken as they are (``shifted_ksg``). A variable of one or two dimensions
      needs no code and loses no axis; its squares are among what the other's code predicts, so that an even
      dependence on it is found.
    - *Labels y.* The code is the log posterior of a net trained by cross-entropy, which is sufficient
      for y. Codes of all folds share their meaning, so they are pooled, and the nearest-neighbour
      estimate for one continuous and one discrete variable (Ross 2014) is taken over all cells.

    Rows of x or y that occur more than once are spread by a thousandth of their columns' standard deviation: ties in
    distances would read as information.

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
    label_method : str
        For labels only. "neighbours" as above; "bound", the mean of log2 q(y|x)/p(y) with q the nets' posterior, which
        on average is below the truth; "one_hot", labels as continuous vectors, as published.
    faithful : bool
        The published architecture, loss and split instead (``helpers.information.faithful``); slow.
    **training
        Fields of ``helpers.information.nets.Training``.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, no column, a constant x or y, fewer than 50 cells, a bad seed or an unknown option.

    Notes
    -----
    After Gowri et al. (NeurIPS 2024), whose estimator trains encoders by self- and cross-reconstruction
    and applies KSG. Here: cross-prediction only, from a linear start (``nets.learn_codes``), cross-fitting, best
    weights restored, fewer code dimensions, and the exact shift above.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(600, 5))
    >>> y = x[:, :1] + rng.normal(size=(600, 1))        # exactly 0.5 bits
    >>> abs(lmi(x, y, null=False).bits - 0.5) < 0.15
    True
    """
    return lmi_many([(x, y)], seed, k, dim, folds, null, label_method, faithful, **training)[0]


def lmi_many(
    pairs: Sequence[tuple[Any, Any]],
    seed: int = 0,
    k: int = 3,
    dim: int = 8,
    folds: int = 4,
    null: bool = True,
    label_method: str = "neighbours",
    faithful: bool = False,
    **training: Any,
) -> list[Estimate]:
    """Estimate the information of many pairs at once; their nets are trained together, so each costs less.

    Parameters and errors are those of ``lmi``; each estimate equals that of ``lmi`` on its pair alone up to
    rounding. Pairs of equal shape are stacked, up to 16 at a time, and each is billed an equal share of the time.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 3))
    >>> [e.n for e in lmi_many([(x, x + rng.normal(size=(300, 3))) for _ in range(2)], null=False)]
    [300, 300]
    """
    seed = as_seed(seed)
    if faithful:
        from helpers.information.faithful import published

        return [published(x, y, seed, k, dim, null, **training) for x, y in pairs]
    for name in training:
        choose(name, Training.__dataclass_fields__, "option of lmi")
    how = Training(**training)
    choose(label_method, LABEL_METHODS, "label_method")
    in_range(folds, 2, 20, "folds", whole=True)
    in_range(dim, 1, 64, "dim", whole=True)
    in_range(k, 1, 50, "k", whole=True)
    ready = [_checked(x, y, k, folds, label_method, seed) for x, y in pairs]
    shapes: dict[tuple, list[int]] = {}
    for i, (x, y) in enumerate(ready):
        shapes.setdefault((x.shape, y.shape, y.ndim == 1 and int(y.max())), []).append(i)
    settings = {
        "estimator": "lmi",
        "k": k,
        "dim": dim,
        "folds": folds,
        "seed": seed,
        "label_method": label_method,
        **vars(how),
    }
    found: dict[int, Estimate] = {}
    for members in shapes.values():
        for stack in (members[at : at + _STACK] for at in range(0, len(members), _STACK)):
            start = time.perf_counter()
            pointwise = _estimate([ready[i] for i in stack], seed, k, dim, folds, null, label_method, how)
            seconds = (time.perf_counter() - start) / len(stack)
            for i, values in zip(stack, pointwise, strict=True):
                nothing = float(np.nanmean(values[1])) if null else float("nan")
                found[i] = Estimate(float(np.nanmean(values[0])), values[0], nothing, len(values[0]), seconds, settings)
    return [found[i] for i in range(len(ready))]


def _checked(x: Any, y: Any, k: int, folds: int, label_method: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x as a matrix and y as a matrix, or as a vector of label codes; repeated values spread."""
    discrete = is_labels(y, "y")
    x = as_matrix(x, "x")
    y = as_labels(y, "y") if discrete else as_matrix(y, "y")
    n = same_length(x=x, y=y)
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
    if discrete and label_method == "one_hot":
        y = np.eye(int(y.max()) + 1)[y]
    return _untied(x, seed), y if discrete else _untied(y, seed + 1)


def _untied(values: np.ndarray, seed: int) -> np.ndarray:
    """Move every row that occurs more than once by a thousandth of the spread of its columns.

    Between repeated values there are only a few distances, and a neighbour then stands exactly where many others do:
    counting those closer than it leaves all of them out, which reads as information (0.15 to 0.4 bits on a permuted
    signal). Spread a little, half of them are closer, and the structure of the values stays.
    """
    rows = np.ascontiguousarray(values + 0.0)  # -0.0 becomes 0.0
    bare = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, which, counts = np.unique(bare, return_inverse=True, return_counts=True)
    again = counts[which] > 1
    if again.any():
        rng = np.random.default_rng([seed, 1])
        rows[again] += _TIE * rows.std(axis=0) * rng.standard_normal((int(again.sum()), rows.shape[1]))
    return rows


def _estimate(
    pairs: list[tuple[np.ndarray, np.ndarray]],
    seed: int,
    k: int,
    dim: int,
    folds: int,
    null: bool,
    label_method: str,
    how: Training,
) -> list[np.ndarray]:
    """Return the pointwise values of each pair, (1, n) or with the permuted signal's (2, n)."""
    n = len(pairs[0][0])
    rng = np.random.default_rng(seed)
    # Pairs of one call share the folds and the permutation, as they share the seed.
    mixed, turn = rng.permutation(n), _rotate(n, folds, rng)
    x = [pair[0] for pair in pairs]
    signals = [signal for _, y in pairs for signal in ([y, y[mixed]] if null else [y])]
    of_pair = np.repeat(np.arange(len(pairs)), 2 if null else 1)
    if signals[0].ndim == 1:
        pointwise = _with_labels(x, signals, of_pair, k, dim, turn, seed, how, label_method == "bound")
    else:
        pointwise = _continuous(x, signals, of_pair, k, dim, turn, seed, how)
    return np.split(pointwise, len(pairs))


@dataclass(frozen=True)
class _Rotation:
    """Cells to train on and to stop on, (folds, …) of equal sizes so that nets stack, and those to estimate."""

    train: np.ndarray
    stop: np.ndarray
    estimate: list[np.ndarray]

    def __len__(self) -> int:
        """Return the number of folds."""
        return len(self.estimate)


def _rotate(n: int, folds: int, rng: np.random.Generator) -> _Rotation:
    parts = np.array_split(rng.permutation(n), folds)
    n_stop = max(10, (n - len(parts[0])) // 5)
    n_train = n - len(parts[0]) - n_stop
    rest = [rng.permutation(np.concatenate(parts[:fold] + parts[fold + 1 :])) for fold in range(folds)]
    train, stop = (np.stack([r[part] for r in rest]) for part in (slice(n_stop, n_stop + n_train), slice(n_stop)))
    return _Rotation(train, stop, parts)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Z-scores, clipped at ±10 as the published code does."""
    spread = values.std(axis=0)
    return np.clip((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -10, 10)


def _spread(values: np.ndarray) -> np.ndarray:
    """Log distance from the middle, standardised, (n, 1): two variables may share it and nothing else."""
    return _scaled(np.log(np.linalg.norm(values, axis=1, keepdims=True) + 1e-6))


def _continuous(
    x: list[np.ndarray], signals: list[np.ndarray], of_pair: np.ndarray, k: int, dim: int, turn: _Rotation,
    seed: int, how: Training,
) -> np.ndarray:  # fmt: skip
    small_x, small_y = (side.shape[1] <= 2 for side in (x[0], signals[0]))
    xs, ys = (np.stack([_scaled(v) for v in values]) for values in (x, signals))
    # What stands for a variable where the other's code is learned and chosen.
    seen_x, seen_y = (_with_squares(v) if small else v for v, small in ((xs, small_x), (ys, small_y)))
    # Net by net: which table it reads, and its cells.
    signal_of = np.repeat(np.arange(len(signals)), len(turn))
    pair_of = of_pair[signal_of]
    train, stop = (np.tile(rows, (len(signals), 1)) for rows in (turn.train, turn.stop))
    code_x = code_y = None
    spread_x, spread_y = (np.stack([_spread(v) for v in tables]) for tables in (xs, ys))
    if not small_x:
        inputs = Columns((xs, pair_of), *([(spread_x, pair_of)] if small_y else []))
        targets = Columns((seen_y, signal_of))
        code_x = learn_codes(inputs, targets, train, stop, min(dim, x[0].shape[1]), seed, how=how)[0]
    if not small_y:
        own = [(seen_x, pair_of)]
        if code_x is not None:
            # With the code of x among the targets, y need not predict x linearly to be coded well.
            own.append((_standard(code_x), np.arange(len(code_x))))
        inputs = Columns((ys, signal_of), *([(spread_y, signal_of)] if small_x else []))
        targets = Columns(*own)
        code_y = learn_codes(inputs, targets, train, stop, min(dim, signals[0].shape[1]), seed + 1, how=how)[0]
    # Of each signal and cell: information after the shift, how much entropy the shift added, what it took out.
    parts = np.zeros((3, len(signals), len(xs[0])))
    axes: list[list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = [[] for _ in signals]
    # Of two codes, or of two variables as they are, both are shifted; else the variable, not the other's code.
    shift = "uv" if small_x == small_y else "u" if small_x else "v"

    def one(net: int) -> None:
        signal, pair = signal_of[net], pair_of[net]
        cells, at = turn.estimate[net % len(turn)], (train[net], stop[net])
        u = xs[pair] if code_x is None else code_x[net]
        v = ys[signal] if code_y is None else code_y[net]
        if any(np.ptp(code[at[0]], axis=0).max() < 1e-9 for code in (u, v)):
            return  # a constant code: nothing was found to learn from
        if code_x is not None:
            u = _axes_that_show(u, seen_y[signal] if code_y is None else v, *at)
        if code_y is not None:
            v = _axes_that_show(v, seen_x[pair] if code_x is None else code_x[net], *at)
        if code_x is not None and code_y is not None:
            u, v = _with_shared_spread(*canonical(u, v, train[net]), spread_x[pair], spread_y[signal], *at)
        u, v = canonical(u, v, train[net])
        u, v = _unit(u[cells]), _unit(v[cells])
        parts[:, signal, cells] = _shift(u, v, k, shift)
        axes[signal].append((cells, u, v))

    # A net's cells a thread. The threads of the linear algebra would only wait for each other, busily.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(torch.get_num_threads()) as threads:
        list(threads.map(one, range(len(signal_of))))
        return np.stack(list(threads.map(lambda part, of: _trusted(part, of, k), parts.swapaxes(0, 1), axes)))


def _unit(values: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread of each column; a constant column becomes zero."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _standard(tables: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread of each column of each table; a constant column becomes zero."""
    spread = tables.std(1, keepdims=True)
    return (tables - tables.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1.0)


def _with_squares(tables: np.ndarray) -> np.ndarray:
    return np.concatenate([tables, _standard(tables**2)], 2)


def _axes_that_show(code: np.ndarray, other: np.ndarray, train: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the canonical axes of a code whose correlation with the other variable shows on the stopping cells."""
    u, v = canonical(code, other, train)
    pairs = min(u.shape[1], v.shape[1])
    rho = np.array([_correlation(u[:, i], v[:, i], stop) for i in range(pairs)])
    shows = np.flatnonzero(rho > 2 / np.sqrt(len(stop)))
    return u[:, shows if len(shows) else [int(np.argmax(rho))]]


def _with_shared_spread(
    u: np.ndarray, v: np.ndarray, spread_u: np.ndarray, spread_v: np.ndarray, train: np.ndarray, stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Append what each spread adds to its code, if the two rests are large and correlate on the stopping cells.

    The rest is what simple functions of the code leave: code and rest hold what code and spread hold. Where
    the spreads are all there is, they replace the codes. A small rest is a function of the code that the fit
    missed: as an axis it would trace a surface, which has no density.
    """
    pairs = zip((u, v), (spread_u, spread_v), strict=True)
    bare = abs(_correlation(u[:, 0], v[:, 0], stop)) < 2 / np.sqrt(len(stop))
    rests = [spread if bare else _unexplained(spread, code, train) for code, spread in pairs]
    small = any(rest[train].var() < 0.25 for rest in rests)
    if small or abs(_correlation(rests[0][:, 0], rests[1][:, 0], stop)) < 3 / np.sqrt(len(stop)):
        return u, v
    return (rests[0], rests[1]) if bare else (np.hstack([u, rests[0]]), np.hstack([v, rests[1]]))


def _unexplained(spread: np.ndarray, code: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return what a fit on the training cells, quadratic in the code and linear in its own spread, leaves."""
    known = np.hstack([np.ones((len(code), 1)), code, code**2, _spread(whitened(code, train))])
    return spread - known @ np.linalg.lstsq(known[train], spread[train], rcond=None)[0]


def _correlation(a: np.ndarray, b: np.ndarray, rows: np.ndarray) -> float:
    """Correlation over some rows; 0 if either is constant there."""
    a, b = a[rows] - a[rows].mean(), b[rows] - b[rows].mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 1e-9 * len(rows) else 0.0


def shifted_ksg(u: np.ndarray, v: np.ndarray, k: int = 3, shift: str = "uv") -> np.ndarray:
    """Pointwise information in bits between paired axes, most of it taken out exactly by a linear shift.

    The shift w of v by ρu leaves information that neighbours estimate well if v and w are alike in shape,
    and then their entropies are alike, too. Clusters or curves are smeared out by a shift: the
    entropies differ, by up to many bits, and neither they nor what is left can be estimated. So the shift is
    trusted in full while the entropies differ by up to half of what it takes out (counted to 1 bit at most), and KSG
    alone is taken from all of it on.

    Parameters
    ----------
    u, v : (n, r) and (n, s) arrays
        Column i of ``u`` pairs with column i of ``v``; columns without a partner are not shifted.
    shift : "u", "v" or "uv"
        Which is shifted by the other; both, and the mean taken, by default. A shifted variable needs a density:
        a code that may trace a curve, such as (z, z²), must not be one.

    Returns
    -------
    (n,) array, each cell's part of the identity in ``lmi``.
    """
    u, v = _unit(u), _unit(v)
    return _trusted(_shift(u, v, k, shift), [(np.arange(len(u)), u, v)], k)


def _trusted(parts: np.ndarray, axes: list[tuple[np.ndarray, np.ndarray, np.ndarray]], k: int) -> np.ndarray:
    """Mix the shifted with neighbours alone, counted in the ``axes`` (cells, u, v) of each fold where they weigh."""
    shifted, added, taken = parts
    weight = _trust(float(added.mean()), float(taken.mean()))
    pointwise = weight * shifted if weight else np.zeros_like(shifted)
    for cells, u, v in axes if weight < 1 else ():
        pointwise[cells] += (1 - weight) * ksg_pointwise(u, v, k, workers=1)
    return pointwise


def _trust(added: float, taken: float) -> float:
    """Return the weight of the shift, 0 to 1, by how alike in entropy it leaves the variables."""
    least, most = (share * min(1.0, taken) for share in _ADDED_SHARE)
    return float(np.clip((most - added) / max(most - least, 1e-12), 0, 1))


def _shift(u: np.ndarray, v: np.ndarray, k: int, shift: str) -> np.ndarray:
    """Information after the shift, the entropy it added, what it took out, (3, n), of standardised u and v."""
    none = np.zeros(len(u))
    turns = [(a, b, neighbour_distance(b, k, 1)) for name, a, b in (("v", u, v), ("u", v, u)) if name in shift]
    if not all(reach.all() for _, _, reach in turns):  # ties: no density, so no entropy; KSG counts them itself
        return np.stack([ksg_pointwise(u, v, k, 1), none, none])
    pairs = min(u.shape[1], v.shape[1])
    rho = np.clip((u[:, :pairs] * v[:, :pairs]).mean(axis=0), -1 + 1e-12, 1 - 1e-12)
    left_over = np.sqrt(1 - rho**2)
    gain = -np.log2(left_over).sum()
    shifted, added = np.zeros(len(u)), 0.0
    for a, b, reach in turns:
        w = b.copy()
        w[:, :pairs] = (b[:, :pairs] - rho * a[:, :pairs]) / left_over
        # Entropies after Kozachenko and Leonenko (1987): their constants cancel in h(b) − h(w).
        reach_w = np.maximum(neighbour_distance(w, k, 1), np.finfo(float).tiny)
        gone = b.shape[1] * np.log2(reach / reach_w)
        shifted += (gain + gone + ksg_pointwise(a, w, k, 1)) / len(turns)
        added = max(added, abs(float(gone.mean())))
    return np.stack([shifted, none + added, none + gain])


def _with_labels(
    x: list[np.ndarray], signals: list[np.ndarray], of_pair: np.ndarray, k: int, dim: int, turn: _Rotation,
    seed: int, how: Training, bound: bool,
) -> np.ndarray:  # fmt: skip
    n_labels = int(signals[0].max()) + 1
    signal_of = np.repeat(np.arange(len(signals)), len(turn))
    train, stop = (np.tile(rows, (len(signals), 1)) for rows in (turn.train, turn.stop))
    xs = np.stack([_scaled(v) for v in x])
    inputs = Columns((xs, of_pair[signal_of]), (np.stack([_spread(v) for v in xs]), of_pair[signal_of]))
    targets = Columns((np.stack([np.eye(n_labels)[y] for y in signals]), signal_of))
    logits = learn_codes(inputs, targets, train, stop, min(dim, n_labels), seed, labels=True, how=how)[1]
    pointwise = []
    for signal, y in enumerate(signals):
        code = np.empty((len(y), n_labels))
        for fold, cells in enumerate(turn.estimate):
            code[cells] = logits[signal * len(turn) + fold][cells]
        if bound:
            posterior = log_softmax(code, axis=1)[np.arange(len(y)), y]
            pointwise.append((posterior - np.log(np.bincount(y) / len(y))[y]) / np.log(2))
        else:
            pointwise.append(ross_pointwise(code - code.mean(axis=1, keepdims=True), y, k))
    return np.stack(pointwise)
