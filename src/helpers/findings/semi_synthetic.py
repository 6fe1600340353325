"""Real embeddings with signals whose information is known: how far off an estimate is on cells as they are."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from helpers._utils.validation import is_labels
from helpers.findings.consistency import CODES
from helpers.information import Estimate, cca
from helpers.information.bounds import lower_bound
from helpers.information.bracket import trend
from helpers.sweep.calibration import nearest_neighbours

VERSION = 1  # 2026-11-29 numbered


def _extrapolated(x: np.ndarray, y: np.ndarray, seed: int) -> Estimate:
    """LMI extrapolated in 1/n; NaN where its points lie on no line."""
    start = time.perf_counter()
    bits, status = trend(x, y, seed)
    settings = {"estimator": "trend", "status": status}
    return Estimate(bits, np.array([]), float("nan"), len(x), time.perf_counter() - start, settings)


ESTIMATORS: dict[str, Callable[..., Estimate]] = {
    **CODES,
    "lower bound": lower_bound,
    "extrapolated": _extrapolated,
    "ksg": nearest_neighbours,
    "cca": cca,
}


def drawn_signal(x: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float]:
    r"""Draw a signal that depends on an embedding as the real one does, and return its exact information.

    A conditional model p(y | x) is fitted to the cells: for a continuous signal a ridge regression on 200 kernel
    features with Gaussian residuals, for labels a multinomial logistic regression on the embedding and its squares. One
    signal is drawn for each cell. For an embedding that is one of these n at random,

    .. math:: I(x; y) = \mathrm{E} \log_2 \frac{p(y \mid x)}{\tfrac1n \sum_j p(y \mid x_j)}

    is a finite sum for labels, and for a continuous signal a mean over 4 draws a cell, off by less than 0.01 bits.

    Parameters
    ----------
    x : (n, d) array
    y : (n,) labels or (n, e) array

    Returns
    -------
    (signal, bits)
        In the form of ``y``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 2))
    >>> signal, bits = drawn_signal(x, x[:, :1] + rng.normal(size=(400, 1)))   # 0.5 bits of the real one
    >>> signal.shape, 0.3 < bits < 0.7
    ((400, 1), True)
    """
    rng = np.random.default_rng([seed, 1])  # not the numbers that whoever drew x may have used
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    return _labels(x, np.asarray(y), rng) if is_labels(y) else _values(x, np.asarray(y, float), rng)


def _labels(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, max_iter=300).fit(np.hstack([x, x**2]), y)
    posterior = model.predict_proba(np.hstack([x, x**2]))
    posterior /= posterior.sum(axis=1, keepdims=True)
    drawn = (posterior.cumsum(axis=1) > rng.random((len(x), 1))).argmax(axis=1)
    overall = posterior.mean(axis=0)
    given = -(posterior * np.log2(np.maximum(posterior, 1e-300))).sum(axis=1).mean()
    return model.classes_[drawn], float(-(overall * np.log2(np.maximum(overall, 1e-300))).sum() - given)


def _values(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    y = y.reshape(len(y), -1)
    # Few enough features, and a penalty that held-out cells choose: a model that fitted the noise of single cells would
    # give the signal information that nobody could learn.
    features = Nystroem(gamma=0.1 / x.shape[1], n_components=min(200, len(x) // 4), random_state=0)
    model = make_pipeline(features, RidgeCV(np.logspace(-4, 2, 13)))
    centre = model.fit(x, y).predict(x).reshape(y.shape)
    residual = y - cross_val_predict(model, x, y, cv=5).reshape(y.shape)
    noise = np.linalg.cholesky(np.cov(residual.T).reshape(y.shape[1], -1) + 1e-9 * np.eye(y.shape[1]))
    whitened = np.linalg.solve(noise, centre.T).T
    draws = [whitened + rng.standard_normal(whitened.shape) for _ in range(4)]
    bits = float(np.mean([_mixture_information(drawn, whitened).mean() for drawn in draws]))
    return draws[0] @ noise.T, bits


def _mixture_information(drawn: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return log2 p(y | own centre) / mean over centres of p(y | centre), unit Gaussian noise, of each draw."""
    out = np.empty(len(drawn))
    squares = (centres**2).sum(axis=1)
    for at in range(0, len(drawn), 1000):
        some = drawn[at : at + 1000]
        log_p = some @ centres.T - squares / 2  # up to what all centres share
        own = log_p[np.arange(len(some)), at + np.arange(len(some))]
        out[at : at + 1000] = own - logsumexp(log_p, axis=1) + np.log(len(centres))
    return out / np.log(2)


def calibrated(
    embeddings: dict[Any, np.ndarray], y: np.ndarray, seeds: list[int], estimators: dict[str, Any] = ESTIMATORS
) -> pd.DataFrame:
    """Return estimates of drawn signals beside their exact information.

    Parameters
    ----------
    embeddings : dict of name → (cells, d) array, such as one a depth
    y : (cells,) labels or (cells, e) array, the real signal
    seeds : of the draws and of the estimates
    estimators : dict of name → function of x, y and seed

    Returns
    -------
    DataFrame
        One row an embedding (``of``), estimator and seed: ``exact`` and ``bits``; ``error``, standard error of the
        estimate; ``seconds``.
    """
    rows = []
    for name, x in embeddings.items():
        for seed in seeds:
            signal, exact = drawn_signal(x, y, seed)
            for estimator, estimate in estimators.items():
                if is_labels(y) and estimator == "correlated codes":
                    continue  # labels have one kind of code
                found: Estimate = estimate(x, signal, seed)
                rows.append([name, estimator, seed, exact, found.bits, found.stderr, found.seconds])
    return pd.DataFrame(rows, columns=["of", "estimator", "seed", "exact", "bits", "error", "seconds"])
