"""LMI of continuous signals by codes that predict: what the reference results were measured with."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from helpers._utils import lazy
from helpers.information.axes import correlation, scaled, shift_parts, spread_of, trust, unit
from helpers.information.gaussian import canonical, whitened
from helpers.information.ksg import ksg_pointwise
from helpers.information.nets import Columns, Training, learn_codes

if TYPE_CHECKING:
    import torch
else:
    torch = lazy.Package("torch")


def predictive(
    x: list[np.ndarray], signals: list[np.ndarray], of_pair: np.ndarray, k: int, dim: int, turn: Any,
    seed: int, how: Training,
) -> np.ndarray:  # fmt: skip
    """Return the pointwise values of each signal, (signals, n), from nets that predict one variable from the other.

    The code of x predicts y; the code of y predicts x and the code of x. Axes whose correlation does not show on the
    stopping cells are dropped. The distance from the middle is one more axis where it shows something that the codes
    do not explain. A variable of one or two dimensions needs no code; its squares are among what the other's predicts.
    """
    small_x, small_y = (side.shape[1] <= 2 for side in (x[0], signals[0]))
    xs, ys = (np.stack([scaled(v) for v in values]) for values in (x, signals))
    # What stands for a variable where the other's code is learned and chosen.
    seen_x, seen_y = (_with_squares(v) if small else v for v, small in ((xs, small_x), (ys, small_y)))
    # Net by net: which table it reads, and its cells.
    signal_of = np.repeat(np.arange(len(signals)), len(turn))
    pair_of = of_pair[signal_of]
    train, stop = (np.tile(rows, (len(signals), 1)) for rows in (turn.train, turn.stop))
    code_x = code_y = None
    spread_x, spread_y = (np.stack([spread_of(v) for v in tables]) for tables in (xs, ys))
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
        u, v = unit(u[cells]), unit(v[cells])
        parts[:, signal, cells] = shift_parts(u, v, k, shift)
        axes[signal].append((cells, u, v))

    # A net's cells a thread. The threads of the linear algebra would only wait for each other, busily.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(torch.get_num_threads()) as threads:
        list(threads.map(one, range(len(signal_of))))
        return np.stack(list(threads.map(lambda part, of: _trusted(part, of, k), parts.swapaxes(0, 1), axes)))


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
    rho = np.array([correlation(u[stop, i], v[stop, i]) for i in range(pairs)])
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
    bare = abs(correlation(u[stop, 0], v[stop, 0])) < 2 / np.sqrt(len(stop))
    rests = [spread if bare else _unexplained(spread, code, train) for code, spread in pairs]
    small = any(rest[train].var() < 0.25 for rest in rests)
    if small or abs(correlation(rests[0][stop, 0], rests[1][stop, 0])) < 3 / np.sqrt(len(stop)):
        return u, v
    return (rests[0], rests[1]) if bare else (np.hstack([u, rests[0]]), np.hstack([v, rests[1]]))


def _unexplained(spread: np.ndarray, code: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return what a fit on the training cells, quadratic in the code and linear in its own spread, leaves."""
    known = np.hstack([np.ones((len(code), 1)), code, code**2, spread_of(whitened(code, train))])
    return spread - known @ np.linalg.lstsq(known[train], spread[train], rcond=None)[0]


def _trusted(parts: np.ndarray, axes: list[tuple[np.ndarray, np.ndarray, np.ndarray]], k: int) -> np.ndarray:
    """Mix the shifted with neighbours alone, counted in the ``axes`` (cells, u, v) of each fold where they weigh."""
    shifted, added, taken = parts
    weight = trust(float(added.mean()), float(taken.mean()))
    pointwise = weight * shifted if weight else np.zeros_like(shifted)
    for cells, u, v in axes if weight < 1 else ():
        pointwise[cells] += (1 - weight) * ksg_pointwise(u, v, k, workers=1)
    return pointwise
