"""Mutual information of high-dimensional variables through learned low-dimensional codes (LMI)."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from helpers._utils import lazy
from helpers._utils.validation import as_labels, as_matrix, as_seed, choose, in_range, is_labels, same_length
from helpers.information.axes import Axes, all_axes, scaled, shifted_ksg, spread_of, straightened, telling_axes
from helpers.information.estimate import Estimate, check_varies
from helpers.information.ksg import ross_pointwise
from helpers.information.nets import Columns, Training, learn_codes
from helpers.information.paired import inputs_of, learn_pairs
from helpers.information.predictive import predictive

if TYPE_CHECKING:
    import torch
else:
    torch = lazy.Package("torch")

VERSION = 1  # 2026-11-28 numbered

FEWEST = 50
# Share of samples with a rare label beyond which labels are not estimated.
MOST_RARE = 0.5
CODES = ("predictive", "correlated")
LABEL_METHODS = ("neighbours", "bound", "one_hot")
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
    codes: str = "predictive",
    **training: Any,
) -> Estimate:
    r"""Estimate I(x; y) in bits when x, y or both have many dimensions.

    Small nets learn codes of ``x`` and ``y`` from some cells; neighbours in code space give the
    information on *other* cells. Folds rotate, so every cell is estimated once by nets that never saw it.

    - *Continuous y.* With "predictive" codes, the code of x predicts y, and the code of y predicts x and the code of
      x (``predictive``); with "correlated" ones, two nets are trained so that their codes correlate
      (``paired.learn_pairs``), an axis is kept if it raises the information that shows on the stopping cells, and
      of linear and curved codes, each as they are and with every axis mapped to a normal one, the best is taken
      there. In the axes u, v that remain with correlations ρ, and the shift w = (v − ρu)/√(1 − ρ²),

      .. math:: I(u; v) = -\tfrac12\sum\log_2(1-ρ^2) + h(v) - h(w) + I(u; w)

      holds exactly for any distribution and any ρ. The first term carries most of the information, and
      the nearest-neighbour terms are small: that removes most of the downward bias KSG has at high
      information. Where the shift does not leave small terms, as for well separated clusters of cells, the
      neighbours of u and v are taken as they are (``axes.shifted_ksg``).
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
    codes : str
        For continuous y only. "predictive", which the stored results were measured with; "correlated" misses less where
        the dependence is in the spread, in heavy tails or along curves (``benchmarks/bmi.py``), and takes longer.
    faithful : bool
        The published architecture, loss and split instead (``helpers.information.faithful``); slow.
    **training
        Fields of ``helpers.information.nets.Training``.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, no column, constants, fewer than 50 samples, a bad seed or an unknown option.

    Notes
    -----
    After Gowri et al. (NeurIPS 2024), whose estimator trains encoders by self- and cross-reconstruction
    and applies KSG. Here: cross-prediction only, or correlation, from a linear start, cross-fitting, best weights
    restored, fewer code dimensions, and the exact shift above.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(600, 5))
    >>> y = x[:, :1] + rng.normal(size=(600, 1))        # exactly 0.5 bits
    >>> abs(lmi(x, y, null=False).bits - 0.5) < 0.15
    True
    """
    return lmi_many([(x, y)], seed, k, dim, folds, null, label_method, faithful, codes, **training)[0]


def lmi_many(
    pairs: Sequence[tuple[Any, Any]],
    seed: int = 0,
    k: int = 3,
    dim: int = 8,
    folds: int = 4,
    null: bool = True,
    label_method: str = "neighbours",
    faithful: bool = False,
    codes: str = "predictive",
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
    choose(codes, CODES, "codes")
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
        "codes": codes,
        **vars(how),
    }
    found: dict[int, Estimate] = {}
    for members in shapes.values():
        for stack in (members[at : at + _STACK] for at in range(0, len(members), _STACK)):
            start = time.perf_counter()
            pointwise = _estimate([ready[i] for i in stack], seed, k, dim, folds, null, label_method, codes, how)
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
    in_range(n, FEWEST, np.inf, "number of samples for lmi", "Use ksg or plug_in for fewer.")
    in_range(
        n // folds,
        k + 2,
        np.inf,
        f"samples a fold ({n} samples, {folds} folds, k = {k})",
        "Use fewer folds or neighbours.",
    )
    if discrete:
        alone = rare(y, k)
        if alone.mean() > MOST_RARE:
            raise ValueError(
                f"{alone.sum()} of {n} samples carry a label that {k} samples or fewer share: "
                "labels need more samples each; give a continuous signal as floats."
            )
    check_varies(x=x, y=y)
    if discrete and label_method == "one_hot":
        y = np.eye(int(y.max()) + 1)[y]
    return _untied(x, seed), y if discrete else _untied(y, seed + 1)


def rare(codes: np.ndarray, k: int) -> np.ndarray:
    """Return which samples carry a label that k samples or fewer share, and so have no neighbours of their own."""
    return np.bincount(codes)[codes] <= k


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
    codes: str,
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
        continuous = predictive if codes == "predictive" else _correlated
        pointwise = continuous(x, signals, of_pair, k, dim, turn, seed, how)
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


def _correlated(
    x: list[np.ndarray], signals: list[np.ndarray], of_pair: np.ndarray, k: int, dim: int, turn: _Rotation,
    seed: int, how: Training,
) -> np.ndarray:  # fmt: skip
    # Net by net: which table it reads, and its cells.
    signal_of = np.repeat(np.arange(len(signals)), len(turn))
    pair_of = of_pair[signal_of]
    train, stop = (np.tile(rows, (len(signals), 1)) for rows in (turn.train, turn.stop))
    small = all(side[0].shape[1] <= 2 for side in (x, signals))
    codes = []
    if not (small and x[0].shape[1] == signals[0].shape[1] == 1):  # single numbers need no code
        inputs = [np.stack([inputs_of(v) for v in side]) for side in (x, signals)]
        tables = Columns((inputs[0], pair_of)), Columns((inputs[1], signal_of))
        codes = learn_pairs(*tables, train, stop, dim, seed, how)
    pointwise = np.zeros((len(signals), len(x[0])))

    def views(net: int) -> list[Axes]:
        rows, x_whole, y_whole = (train[net], stop[net]), x[pair_of[net]], signals[signal_of[net]]
        found = []
        # Normal axes suit smooth clouds and long tails; clusters keep their shape only as they are.
        for shape in (partial(straightened, train=rows[0]), np.asarray):
            found += [telling_axes(shape(u[net]), shape(v[net]), rows[1], k) for u, v in codes]
            if small:
                found.append(all_axes(shape(x_whole), shape(y_whole), *rows, k))
        return found

    def one(signal: int) -> None:
        nets = np.flatnonzero(signal_of == signal)
        of_fold = [views(net) for net in nets]
        # No view of x and y holds more information than they do: the one that shows most is the best.
        best = int(np.argmax(np.mean([[view.shown for view in found] for found in of_fold], axis=0)))
        for found, cells in zip(of_fold, turn.estimate, strict=True):
            pointwise[signal, cells] = shifted_ksg(found[best].u[cells], found[best].v[cells], k)

    # A signal a thread. The threads of the linear algebra would only wait for each other, busily.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(torch.get_num_threads()) as threads:
        list(threads.map(one, range(len(signals))))
    return pointwise


def _with_labels(
    x: list[np.ndarray], signals: list[np.ndarray], of_pair: np.ndarray, k: int, dim: int, turn: _Rotation,
    seed: int, how: Training, bound: bool,
) -> np.ndarray:  # fmt: skip
    n_labels = int(signals[0].max()) + 1
    signal_of = np.repeat(np.arange(len(signals)), len(turn))
    train, stop = (np.tile(rows, (len(signals), 1)) for rows in (turn.train, turn.stop))
    xs = np.stack([scaled(v) for v in x])
    inputs = Columns((xs, of_pair[signal_of]), (np.stack([spread_of(v) for v in xs]), of_pair[signal_of]))
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
