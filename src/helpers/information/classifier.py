"""Information about labels from below: how well logistic regression names the label of held-out cells."""

import time
import warnings
from typing import Any

import numpy as np

from helpers._utils.validation import as_labels, as_matrix, as_seed, in_range, same_length
from helpers.information.estimate import Estimate, check_varies

VERSION = 1  # 2026-11-30 numbered

# Share of the prior in each prediction: a label that a fold did not see costs some bits, not all of them.
_PRIOR = 0.01
FEWEST = 20


def classifier_bound(x: Any, y: Any, seed: int = 0, folds: int = 4) -> Estimate:
    r"""Return information about labels that is at least there, in bits, by logistic regression on held-out cells.

    For any q(y|x), the mean of log2 q(y|x)/p(y) over cells that q was not fitted to is on average below I(x; y).
    Many labels in few cells make the neighbours of ``lmi`` miss information that a linear classifier finds; the larger
    of the two is the better guess.

    Parameters
    ----------
    x : (n, d) array
    y : n labels
    seed : int
        Deals the cells out to folds.
    folds : int
        Parts that rotate; each is predicted by a classifier fitted to the others.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, a constant x or y, or fewer than 20 samples.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 4, 400)
    >>> round(classifier_bound(3.0 * np.eye(4)[y] + 0.1 * rng.normal(size=(400, 4)), y).bits, 1)
    2.0
    """
    start = time.perf_counter()
    x, y, seed = as_matrix(x, "x"), as_labels(y, "y"), as_seed(seed)
    n = same_length(x=x, y=y)
    in_range(n, FEWEST, np.inf, "number of samples for classifier_bound")
    in_range(folds, 2, 20, "folds", whole=True)
    check_varies(x=x, y=y)
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    share = np.bincount(y) / n
    part = np.random.default_rng(seed).permutation(n) % folds
    pointwise = np.empty(n)
    for fold in range(folds):
        train, held_out = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        pointwise[held_out] = _gain(scaled[train], y[train], scaled[held_out], y[held_out], share)
    settings = {"estimator": "classifier_bound", "folds": folds, "seed": seed}
    return Estimate(float(pointwise.mean()), pointwise, float("nan"), n, time.perf_counter() - start, settings)


def trained_bound(x_train: Any, y_train: Any, x: Any, y: Any, seed: int = 0) -> Estimate:
    """Return what a classifier fitted to other cells tells of the labels of these, in bits: at least that is there.

    Like ``classifier_bound``, but nothing is learned from the cells asked about, apart from how frequent their labels
    are: so it asks whether what was learned carries over, as from some guides of a gene to others.

    Parameters
    ----------
    x_train, y_train : (m, d) array and m labels
        Cells that the classifier is fitted to.
    x, y : (n, d) array and n labels
        Cells that are asked about.
    seed : int
        Permutes the training labels for ``null_bits``.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, a constant x_train or y, or fewer than 20 samples a side.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 4, 400)
    >>> x = 3.0 * np.eye(4)[y] + 0.1 * rng.normal(size=(400, 4))
    >>> round(trained_bound(x[:200], y[:200], x[200:], y[200:]).bits, 1)
    2.0
    """
    start = time.perf_counter()
    x_train, x, seed = as_matrix(x_train, "x_train"), as_matrix(x, "x"), as_seed(seed)
    m, n = same_length(x_train=x_train, y_train=y_train), same_length(x=x, y=y)
    for name, size in (("training samples", m), ("samples", n)):
        in_range(size, FEWEST, np.inf, f"number of {name} for trained_bound")
    both = as_labels(np.concatenate([y_train, y]), "y")
    y_train, y = both[:m], both[m:]
    check_varies(x=x_train, y=y)
    centre, spread = x_train.mean(axis=0), x_train.std(axis=0)
    sides = [(side - centre) / np.where(spread > 0, spread, 1.0) for side in (x_train, x)]
    share = np.bincount(y, minlength=both.max() + 1) / n
    permuted = np.random.default_rng(seed).permutation(y_train)
    pointwise, null = (_gain(sides[0], labels, sides[1], y, share, reweighted=True) for labels in (y_train, permuted))
    settings = {"estimator": "classifier", "seed": seed}
    seconds = time.perf_counter() - start
    return Estimate(float(pointwise.mean()), pointwise, float(null.mean()), n, seconds, settings)


def _gain(
    x_train: np.ndarray, y_train: np.ndarray, x: np.ndarray, y: np.ndarray, share: np.ndarray, reweighted: bool = False
) -> np.ndarray:
    """Return log2 q(y|x)/p(y) of each sample, q fitted to others; ``share`` is p.

    ``reweighted``: labels are more or less frequent among the others, and q allows for it.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    posterior = np.tile(_PRIOR * share, (len(x), 1))
    if len(np.unique(y_train)) > 1:
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # a bound all the same
            model = LogisticRegression(max_iter=300).fit(x_train, y_train)
        named = model.predict_proba(x)
        if reweighted:
            named *= share[model.classes_] / np.bincount(y_train)[model.classes_]
            named /= named.sum(axis=1, keepdims=True)
        posterior[:, model.classes_] += (1 - _PRIOR) * named
    else:
        posterior += (1 - _PRIOR) * share
    return np.log2(posterior[np.arange(len(x)), y] / share[y])
