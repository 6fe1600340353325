"""Information from below: how well a critic picks each sample's own partner among held-out ones."""

import time
from typing import Any

import numpy as np

from helpers._utils.validation import as_matrix, as_seed, choose, in_range, is_labels, same_length
from helpers.information.critics import Critic, CriticTraining, LearnedCritics, RegressionCritics, shown, splits
from helpers.information.estimate import Estimate, check_varies

VERSION = 1  # 2026-11-29 numbered; a kernel regression competes with the net

FEWEST = 200


def lower_bound(x: Any, y: Any, seed: int = 0, folds: int = 4, **training: Any) -> Estimate:
    r"""Return information that is at least there, in bits: InfoNCE on samples that the critics never saw.

    A critic f(x, y) is trained to score true pairs above all other pairings of the same samples. On K held-out ones

    .. math:: I(x; y) \ge \mathrm{E}\Big[\log_2 \frac{e^{f(x_i, y_i)}}{\tfrac1K\sum_j e^{f(x_i, y_j)}}\Big]

    holds for any critic, on average over draws. It cannot exceed log2 K, and falls short by what the critic has not
    learned, so with ``lmi`` it brackets the truth rather than estimating it. Three critics compete on the stopping
    samples, and the one that shows most there is the bound's: a net that starts at the exact density ratio of Gaussian
    variables, in canonical axes of normal scores, and learns what they leave out (the mean with x and y exchanged is
    taken); a kernel regression of y on x, and one of x on y, with what they leave (``critics.RegressionCritics``).
    Labels have a bound of their own, the held-out cross-entropy of ``lmi`` (``label_method="bound"``), which is
    returned for them.

    Parameters
    ----------
    x, y : arrays of shape (n,) or (n, d), or n labels for y
    seed : int
        Fixes folds, weights, dropout, batches and kernel features.
    folds : int
        Parts that rotate; each is judged by a critic trained on the others.
    **training
        Fields of ``CriticTraining``.

    Returns
    -------
    Estimate; ``null_bits`` is NaN: of a permuted signal the bound is below 0 on average. ``settings["critic"]`` says
    which critic it is.

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
    parts = splits(n, folds, np.random.default_rng(seed))
    critics: dict[str, Critic] = {
        "learned": LearnedCritics(x, y, parts, seed, how),
        "regression of y": RegressionCritics(x, y, parts, seed),
        "regression of x": RegressionCritics(y, x, parts, seed),
    }
    best = max(critics, key=lambda name: _mean_shown(critics[name], [part.stop for part in parts]))
    pointwise = np.empty(n)
    for fold, part in enumerate(parts):
        pointwise[part.judge] = shown(critics[best], fold, part.judge)
    settings = {"estimator": "lower_bound", "folds": folds, "seed": seed, "critic": best, **vars(how)}
    return Estimate(float(pointwise.mean()), pointwise, float("nan"), n, time.perf_counter() - start, settings)


def _mean_shown(critic: Critic, rows_of: list[np.ndarray]) -> float:
    return float(np.mean([shown(critic, fold, rows).mean() for fold, rows in enumerate(rows_of)]))
