"""The vector Gaussian channel as a function of depth: many scalar channels side by side."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from helpers._utils.validation import as_matrix, as_seed, choose, in_range
from helpers.information.gaussian import covariances

FAMILIES = ("even", "aligned", "turned", "power")


@dataclass(frozen=True)
class Channels:
    r"""Information through a vector Gaussian channel at every depth, from two spectra alone.

    With u = α², t the eigenvalues of Σ_Y + Σ_U and s those of Σ_U, the determinants of P1 theorem 4.1 are
    products over eigenvalues, whether or not the two matrices share eigenvectors:

    .. math:: I(u) = \tfrac12 \sum_i \log_2 \frac{1 + t_i u}{1 + s_i u}.

    Each term is a scalar noise law with I_i = ½ log2(t_i/s_i) and ū_i = 1/s_i. Sorted, t_i ≥ s_i (Weyl), so no
    I_i is negative.

    Parameters
    ----------
    total, noise : (d,) arrays
        Eigenvalues of Σ_Y + Σ_U and of Σ_U, in 1/u; kept sorted, largest first.

    Raises
    ------
    ValueError
        For a noise eigenvalue that is not above 0, where information has no ceiling, or a total below its noise.

    Examples
    --------
    >>> channels = Channels.of(sigma_y=[[3.0, 0.0], [0.0, 15.0]], sigma_u=[[1.0, 0.0], [0.0, 1.0]])
    >>> channels.i_max, channels([0.0, 1e9]).round(3).tolist()
    (3.0, [0.0, 3.0])
    """

    total: np.ndarray
    noise: np.ndarray

    def __post_init__(self) -> None:
        """Sort and check the spectra."""
        for name in ("total", "noise"):
            values = np.sort(as_matrix(getattr(self, name), name)[:, 0])[::-1]
            object.__setattr__(self, name, values)
        if self.total.shape != self.noise.shape:
            raise ValueError(f"total has {len(self.total)} eigenvalues and noise {len(self.noise)}: give the same.")
        if self.noise[-1] <= 0:
            raise ValueError(
                f"noise has eigenvalue {self.noise[-1]:.3g}: it must be above 0, or information has no ceiling. "
                "Leave directions without variability out."
            )
        if (self.total < self.noise * (1 - 1e-9)).any():
            raise ValueError("total is below noise: give the spectra of Σ_Y + Σ_U and of Σ_U.")
        object.__setattr__(self, "total", np.maximum(self.total, self.noise))
        if self.i_max <= 1e-9:
            raise ValueError(f"the signal has {self.i_max:.2g} bits: without information there is no curve.")

    @classmethod
    def of(cls, sigma_y: Any, sigma_u: Any) -> Self:
        """Return the channels of covariances Σ_Y and Σ_U, each of shape (d, d) or a variance."""
        y, u = covariances(sigma_y, sigma_u)
        return cls(np.linalg.eigvalsh(y + u), np.linalg.eigvalsh(u))

    def __call__(self, u: Any) -> np.ndarray:
        """Return the information at depths ``u``, in bits."""
        depth = np.asarray(u, dtype=float)[..., None]
        return (np.log1p(depth * self.total) - np.log1p(depth * self.noise)).sum(axis=-1) / np.log(4)

    def open(self, u: Any) -> np.ndarray:
        """Return how many channels are open at depths ``u``: twice the bits gained per doubling of depth.

        Channel i opens near u = 1/t_i and is full near 1/s_i; a scalar law never has more than one open.

        >>> Channels([1e6, 1e6], [1e-6, 1e-6]).open(1.0).round(3).item()
        2.0
        """
        with np.errstate(divide="ignore"):
            at = np.log(np.asarray(u, dtype=float))[..., None]
        return (expit(at + np.log(self.total)) - expit(at + np.log(self.noise))).sum(axis=-1)

    @property
    def bits(self) -> np.ndarray:
        """Information I_i of each scalar channel, largest eigenvalues first."""
        return np.log(self.total / self.noise) / np.log(4)

    @property
    def i_max(self) -> float:
        """Σ I_i = ½ log2 det(Σ_Y + Σ_U)/det Σ_U, bits."""
        return float(self.bits.sum())

    @property
    def centre(self) -> float:
        """Depth in the middle of the rise: the geometric mean of the channels' ū_i 2^(−I_i), weighted by I_i."""
        return float(np.exp(self._moments()[0]))

    @property
    def width(self) -> float:
        """Length of the rise in foldings of √u, bits: I_max for one channel, I_i for several equal ones.

        √3 times the standard deviation, along log2 u, of where the open channels lie.
        """
        return float(np.sqrt(3 * self._moments()[1]) / np.log(2))

    @property
    def stretch(self) -> float:
        """Length of the rise against that of the scalar law of the same I_max; 1 for one channel.

        Ratio of standard deviations along log u of the slope dI/d log u, whose bends add π²/3 to the variance.
        Below 1 the channels open together and the curve is steeper than any scalar law; above 1 it is flatter.
        """
        return float(np.sqrt((np.pi**2 + np.log(2) ** 2 * self.width**2) / (np.pi**2 + (np.log(2) * self.i_max) ** 2)))

    def depth_for(self, bits: float) -> float:
        """Return the depth that gives ``bits``, above 0 and below I_max."""
        in_range(bits, 0, self.i_max * (1 - 1e-9), "target information", "It is below I_max.", open_low=True)
        low, high = -np.log(self.total[0]) - 60, -np.log(self.noise[-1]) + 60
        return float(np.exp(brentq(lambda log_u: float(self(np.exp(log_u))) - bits, low, high, xtol=1e-12)))

    def _moments(self) -> tuple[float, float]:
        """Mean and variance of ln u over the open channels, the bends of each left out."""
        length = np.log(self.total / self.noise)
        middle = -(np.log(self.total) + np.log(self.noise)) / 2
        weight = length / length.sum()
        mean = weight @ middle
        return float(mean), float(weight @ ((middle - mean) ** 2 + length**2 / 12))


def simulate(family: str, spread: float, bits: float, dim: int, seed: int = 0) -> Channels:
    """Draw covariances whose eigenvalues are spread, scaled so that the signal has ``bits`` in all.

    - *even*: shared eigenvectors, log-normal Σ_U, and every channel has bits/dim.
    - *aligned*: log-normal Σ_U and log-normal Σ_Y with shared eigenvectors.
    - *turned*: the spectra of *aligned*, and a random rotation between the eigenvectors.
    - *power*: Σ_U = 1 and Σ_Y has eigenvalues i^(−spread); nothing is random.

    Parameters
    ----------
    family : one of ``FAMILIES``
    spread : float ≥ 0
        Standard deviation of log10 of the eigenvalues, or the exponent of *power*.
    bits : float > 0
    dim, seed : int

    Raises
    ------
    ValueError
        For an unknown family, or a number out of range.

    Examples
    --------
    >>> simulate("turned", spread=1.0, bits=2.0, dim=3).bits.sum().round(6)
    2.0
    """
    choose(family, FAMILIES, "family")
    in_range(spread, 0, 6, "spread", "It is in decades.")
    in_range(bits, 0, 100, "bits", open_low=True)
    in_range(dim, 1, 4096, "dim", whole=True)
    rng = np.random.default_rng([as_seed(seed), dim])
    noise, signal = 10 ** (spread * rng.standard_normal((2, dim)))
    if family == "even":
        return Channels(noise * 4 ** (bits / dim), noise)
    if family == "power":
        noise, signal = np.ones(dim), np.arange(1.0, dim + 1) ** -spread
    sigma_y = np.diag(signal)
    if family == "turned":
        axes = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
        sigma_y = (axes * signal) @ axes.T
    return scaled_to(bits, sigma_y, np.diag(noise))


def scaled_to(bits: float, sigma_y: np.ndarray, sigma_u: np.ndarray) -> Channels:
    """Return the channels of c·Σ_Y and Σ_U, with the c that gives ``bits`` in all.

    Σ_U must be invertible.

    >>> scaled_to(2.0, np.eye(2), np.eye(2)).total.round(9).tolist()
    [4.0, 4.0]
    """
    in_range(bits, 0, 100, "bits", open_low=True)
    y, u = covariances(sigma_y, sigma_u)
    variance, axes = np.linalg.eigh(u)
    white = axes / np.sqrt(variance)
    signal = np.maximum(np.linalg.eigvalsh(white.T @ y @ white), 0)  # of Σ_Y in units of Σ_U
    log_scale = brentq(lambda v: np.log1p(np.exp(v) * signal).sum() / np.log(4) - bits, -200, 200, xtol=1e-12)
    y = np.exp(log_scale) * y
    return Channels.of((y + y.T) / 2, u)
