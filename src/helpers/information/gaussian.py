"""Gaussian variables: the channel whose information has a closed form, and canonical correlations."""

import time
from typing import Any

import numpy as np

from helpers._utils.validation import as_columns, as_matrix, as_numbers, as_rng, as_seed, in_range, same_length
from helpers.information.estimate import Estimate

VERSION = 1  # 2026-11-28 numbered


def gaussian_channel(sigma_y: Any, sigma_u: Any, alpha: float = 1.0) -> float:
    r"""Information that a noisy measurement Z has about Y through an imperfect intermediary X.

    Y is Gaussian with covariance Σ_Y, X = Y + N(0, Σ_U) is what a model could see at best, and the
    instrument gives Z = αX + N(0, I). Then (P1, theorem 4.1)

    .. math:: I(Y; Z) = \tfrac12 \log_2 \frac{\det(Σ_Y + Σ_U + α^{-2} I)}{\det(Σ_U + α^{-2} I)}.

    Parameters
    ----------
    sigma_y, sigma_u : float or (d, d) array
        Covariances, symmetric and positive semi-definite.
    alpha : float > 0
        Gain of the instrument; α² is its signal-to-noise ratio per unit variance.

    Returns
    -------
    float, in bits.

    Raises
    ------
    ValueError
        For mismatched shapes, an asymmetric or indefinite matrix, or alpha that is not positive.

    Examples
    --------
    >>> gaussian_channel(sigma_y=3.0, sigma_u=0.0, alpha=1.0)
    1.0
    """
    in_range(alpha, 0, 1e100, "alpha", open_low=True)
    y, u = covariances(sigma_y, sigma_u)
    # In the axes of Σ_U, where the noise α²λ + 1 of each is exact however large the gain.
    spectrum, axes = np.linalg.eigh(u)
    scale = alpha / np.sqrt(alpha**2 * np.maximum(spectrum, 0) + 1)
    signal = np.linalg.eigvalsh(scale[:, None] * (axes.T @ y @ axes) * scale)
    return float(np.log1p(np.maximum(signal, 0)).sum() / (2 * np.log(2)))


def channel_samples(
    sigma_y: Any, sigma_u: Any, alpha: float, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``n`` pairs (Y, Z) of the channel, each of shape (n, d).

    Raises
    ------
    ValueError
        For covariances that ``gaussian_channel`` rejects, a negative or infinite alpha, or n that is not a whole number
        above 0.

    Examples
    --------
    >>> y, z = channel_samples(1.0, 0.5, 2.0, 10, np.random.default_rng(0))
    >>> y.shape, z.shape
    ((10, 1), (10, 1))
    """
    in_range(n, 1, 1e9, "n", whole=True)
    in_range(alpha, 0, 1e100, "alpha")
    rng, (cov_y, cov_u) = as_rng(rng), covariances(sigma_y, sigma_u)
    zero = np.zeros(len(cov_y))
    y = rng.multivariate_normal(zero, cov_y, n)
    x = y + rng.multivariate_normal(zero, cov_u, n)
    return y, alpha * x + rng.standard_normal(x.shape)


def pointwise_information(y: np.ndarray, z: np.ndarray, sigma_y: Any, sigma_u: Any, alpha: float) -> np.ndarray:
    """Return log2 p(z | y) / p(z) of every pair, shape (n,); its mean over draws is unbiased for I(Y; Z).

    Raises
    ------
    ValueError
        For covariances that ``gaussian_channel`` rejects, or a negative or infinite alpha.
    """
    from scipy.stats import multivariate_normal

    in_range(alpha, 0, 1e100, "alpha")
    cov_y, cov_u = covariances(sigma_y, sigma_u)
    zero, noise = np.zeros(len(cov_y)), alpha**2 * cov_u + np.eye(len(cov_y))
    given = multivariate_normal(zero, noise).logpdf(z - alpha * y)
    overall = multivariate_normal(zero, alpha**2 * cov_y + noise).logpdf(z)
    return (given - overall) / np.log(2)


def cca(x: Any, y: Any, seed: int = 0, folds: int = 4) -> Estimate:
    r"""Information −½ Σ log2(1 − ρ²) that canonical correlations show: what a linear, Gaussian view finds.

    Axes are found on some cells and their correlations ρ measured on the others, folds rotating, so that noise
    does not count. For Gaussian variables a lower bound on average; for others neither bound nor estimate,
    but the figure that learned estimators have to beat. Labels are one-hot.

    Parameters
    ----------
    x, y : arrays of shape (n,) or (n, d), or n labels
    seed : int
        Fixes folds and the permutation that gives ``null_bits``.
    folds : int

    Returns
    -------
    Estimate; ``pointwise`` repeats each fold's value, since the figure has no pointwise form.

    Raises
    ------
    ValueError
        For mismatched lengths, NaN, no column, fewer than ten samples a fold, or a bad seed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 3))
    >>> abs(cca(x, x[:, :1] + rng.normal(size=(4000, 1))).bits - 0.5) < 0.05
    True
    """
    start = time.perf_counter()
    seed = as_seed(seed)
    in_range(folds, 2, 20, "folds", whole=True)
    x, y = as_columns(x, "x"), as_columns(y, "y")
    n = same_length(x=x, y=y)
    in_range(n, 10 * folds, np.inf, f"number of samples for cca with {folds} folds")
    rng = np.random.default_rng(seed)
    mixed, parts = rng.permutation(n), np.array_split(rng.permutation(n), folds)
    pointwise = np.empty((2, n))
    for at, other in enumerate((y, y[mixed])):
        for part in parts:
            train = np.setdiff1d(np.arange(n), part)
            u, v = (axes[part] - axes[part].mean(axis=0) for axes in canonical(x, other, train))
            pairs = min(u.shape[1], v.shape[1])
            scale = np.sqrt((u[:, :pairs] ** 2).sum(0) * (v[:, :pairs] ** 2).sum(0))
            rho = (u[:, :pairs] * v[:, :pairs]).sum(0) / np.where(scale > 0, scale, 1.0)
            # Each squared correlation of unrelated axes is 1/n on average: taken off, so that noise adds nothing.
            excess = np.clip((rho**2 - 1 / len(part)) / (1 - 1 / len(part)), None, 1 - 1e-12)
            pointwise[at, part] = -0.5 * np.log2(1 - excess).sum()
    settings = {"estimator": "cca", "folds": folds, "seed": seed}
    bits, null = pointwise.mean(axis=1)
    return Estimate(float(bits), pointwise[0], float(null), n, time.perf_counter() - start, settings)


def canonical(a: np.ndarray, b: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a and b to canonical pairs by the training rows, strongest first, those without a partner last."""
    u, v = whitened(a, train), whitened(b, train)
    left, _, right = np.linalg.svd(u[train].T @ v[train] / len(train))
    return u @ left, v @ right.T


def whitened(code: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Turn and scale columns to unit covariance over the training rows; constant directions are dropped."""
    centred = code - code[train].mean(axis=0)
    variance, axes = np.linalg.eigh(centred[train].T @ centred[train] / len(train))
    keep = variance > 1e-6 * variance.max()
    return centred @ (axes[:, keep] / np.sqrt(variance[keep]))


def covariances(sigma_y: Any, sigma_u: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return two covariances as matrices of one shape; raise unless both are symmetric and semi-definite."""
    y, u = _covariance(sigma_y, "sigma_y"), _covariance(sigma_u, "sigma_u")
    if y.shape != u.shape:
        raise ValueError(f"sigma_y has shape {y.shape} and sigma_u {u.shape}: give the same dimension.")
    return y, u


def _covariance(value: Any, name: str) -> np.ndarray:
    matrix = as_matrix(np.atleast_2d(as_numbers(value, name)), name)
    if matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{name} has shape {matrix.shape}: a covariance is square and symmetric.")
    lowest = np.linalg.eigvalsh(matrix)[0]
    if lowest < -1e-10 * max(1.0, abs(matrix).max()):
        raise ValueError(f"{name} has eigenvalue {lowest:.3g}: a covariance has none below 0.")
    return matrix
