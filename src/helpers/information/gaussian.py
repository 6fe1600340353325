"""The Gaussian channel: the one noisy measurement whose information has a closed form."""

from typing import Any

import numpy as np

from helpers.checks import as_matrix, in_range


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
    y, u = _covariance(sigma_y, "sigma_y"), _covariance(sigma_u, "sigma_u")
    if y.shape != u.shape:
        raise ValueError(f"sigma_y has shape {y.shape} and sigma_u {u.shape}: give the same dimension.")
    # In the axes of Σ_U, where the noise α²λ + 1 of each is exact however large the gain.
    spectrum, axes = np.linalg.eigh(u)
    scale = alpha / np.sqrt(alpha**2 * np.maximum(spectrum, 0) + 1)
    signal = np.linalg.eigvalsh(scale[:, None] * (axes.T @ y @ axes) * scale)
    return float(np.log1p(np.maximum(signal, 0)).sum() / (2 * np.log(2)))


def channel_samples(
    sigma_y: Any, sigma_u: Any, alpha: float, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``n`` pairs (Y, Z) of the channel, each of shape (n, d).

    Examples
    --------
    >>> y, z = channel_samples(1.0, 0.5, 2.0, 10, np.random.default_rng(0))
    >>> y.shape, z.shape
    ((10, 1), (10, 1))
    """
    in_range(n, 1, 1e9, "n")
    cov_y, cov_u = _covariance(sigma_y, "sigma_y"), _covariance(sigma_u, "sigma_u")
    zero = np.zeros(len(cov_y))
    y = rng.multivariate_normal(zero, cov_y, n)
    x = y + rng.multivariate_normal(zero, cov_u, n)
    return y, alpha * x + rng.standard_normal(x.shape)


def pointwise_information(y: np.ndarray, z: np.ndarray, sigma_y: Any, sigma_u: Any, alpha: float) -> np.ndarray:
    """Return log2 p(z | y) / p(z) of every pair, shape (n,); its mean over draws is unbiased for I(Y; Z)."""
    from scipy.stats import multivariate_normal

    cov_y, cov_u = _covariance(sigma_y, "sigma_y"), _covariance(sigma_u, "sigma_u")
    zero, noise = np.zeros(len(cov_y)), alpha**2 * cov_u + np.eye(len(cov_y))
    given = multivariate_normal(zero, noise).logpdf(z - alpha * y)
    overall = multivariate_normal(zero, alpha**2 * cov_y + noise).logpdf(z)
    return (given - overall) / np.log(2)


def _covariance(value: Any, name: str) -> np.ndarray:
    matrix = as_matrix(np.atleast_2d(np.asarray(value, dtype=float)), name)
    if matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{name} has shape {matrix.shape}: a covariance is square and symmetric.")
    lowest = np.linalg.eigvalsh(matrix)[0]
    if lowest < -1e-10 * max(1.0, abs(matrix).max()):
        raise ValueError(f"{name} has eigenvalue {lowest:.3g}: a covariance has none below 0.")
    return matrix
