"""Rivals of the noise law: one with an exponent of depth, and a straight line that never saturates."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from helpers._utils.validation import as_numbers
from helpers.laws.base import Law
from helpers.laws.beyond import Prior, chosen, with_prior
from helpers.laws.fit import Fit
from helpers.laws.noise import NoiseLaw, range_doubt
from helpers.laws.solve import valleys

_LOG4 = float(np.log(4))
# Exponents from which searches start.
_EXPONENTS = (0.1, 0.15, 0.2, 0.27, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5, 4.0, 7.0)
# Weak priors of I_max (bits) and ln ū; that of ln β is measured (``laws.beyond``).
_PRIOR = {"i_max": (1.6, 3.0), "u_bar": (6.5, 3.0), "beta": (0.0, np.inf)}


@dataclass(frozen=True)
class StretchedNoiseLaw(Law):
    r"""I(u) = ½ log2[1 + (4^I_max − 1) / (1 + (ū/u)^β)], in bits: the noise law with a free exponent of depth.

    With β = 1 it is ``NoiseLaw``; below, the curve rises over more decades of depth and saturates later. It is
    ``JointLaw`` with unlimited cells.

    Parameters
    ----------
    i_max : float ≥ 0
        Information without measurement noise, bits.
    u_bar : float > 0
        Depth at which half the signal-to-noise ratio is reached, in the units of u (mean UMIs per cell).
    beta : float > 0
        Exponent of depth.

    Examples
    --------
    >>> u = [10, 100, 1000, 10000]
    >>> (StretchedNoiseLaw(2.0, 80.0, 1.0)(u) - NoiseLaw(2.0, 80.0)(u)).round(12).tolist()
    [0.0, 0.0, 0.0, 0.0]
    >>> round(StretchedNoiseLaw.fit([3, *u], StretchedNoiseLaw(2.0, 80.0, 0.7)([3, *u])).params["beta"], 6)
    0.7
    """

    i_max: float
    u_bar: float
    beta: float

    x_name: ClassVar[str] = "u"
    allowed: ClassVar[dict[str, tuple[float, float]]] = {**NoiseLaw.allowed, "beta": (0.0, np.inf)}
    positive: ClassVar[tuple[str, ...]] = ("u_bar", "beta")
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {**NoiseLaw.ranges, "beta": (0, 1e3, "")}
    zero_allowed: ClassVar[tuple[str, ...]] = ("u",)
    axes: ClassVar[tuple[str, str]] = NoiseLaw.axes
    vega: ClassVar[str] = "log(1 + (pow(4, {i_max}) - 1) / (1 + pow({u_bar} / {x}, {beta}))) / (2 * LN2)"

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.log1p(np.expm1(theta[0] * _LOG4) * expit(_log_ratio(x, theta))) / _LOG4

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        ratio, beta = _log_ratio(x, theta), np.exp(theta[2])
        by_i_max = expit(ratio + theta[0] * _LOG4)
        by_ratio = (by_i_max - expit(ratio)) / _LOG4
        with np.errstate(invalid="ignore"):  # without molecules the exponent makes no difference
            by_log_beta = np.where(np.isfinite(ratio), by_ratio * ratio, 0.0)
        return np.column_stack([by_i_max, -beta * by_ratio, by_log_beta])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        # For each exponent the best of the noise law's starts, on an axis of depth that it stretches about the deepest.
        top, starts = np.log(x.max()), []
        for beta in _EXPONENTS:
            path = np.array(NoiseLaw._starts(np.exp(top + beta * (np.log(x) - top)), y))
            share = expit(beta * (np.log(x) - top) + top - path[:, 1:])
            costs = ((np.log1p(np.expm1(path[:, :1] * _LOG4) * share) / _LOG4 - y) ** 2).sum(axis=1)
            i_max, log_u = path[costs.argmin()]
            starts.append(np.array([i_max, top + (log_u - top) / beta, np.log(beta)]))
        return starts

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        return {**NoiseLaw._limits(x, y), "beta": (0.05, 20.0)}

    def _doubt(self, x: np.ndarray) -> str:
        return range_doubt(self.u_bar, x)

    @classmethod
    def fit(cls, x: Any, bits: Any, priors: bool | Prior = False) -> Fit:
        """Fit the law to points by least squares from many starts (``Law.fit``).

        Parameters
        ----------
        x, bits : (n,) arrays
            Depths, positive, and information; repeat x for several seeds.
        priors : bool or laws.beyond.Prior
            For predictions beyond the points, as in ``JointLaw.fit``.

        Examples
        --------
        >>> u = np.array([10, 20, 40, 80, 160])
        >>> fit = StretchedNoiseLaw.fit(u, StretchedNoiseLaw(2.5, 400.0, 0.8)(u), priors=True)
        >>> low, high = fit.band([640.0])
        >>> bool(low[0] < StretchedNoiseLaw(2.5, 400.0, 0.8)(640.0) < high[0])
        True
        """
        x, y = cls._checked(x, bits)
        return with_prior(cls, x, y, valleys(cls, x, y), chosen(priors), _PRIOR)

    def depth_for(self, bits: Any) -> np.ndarray:
        """Return the depth u that gives a target information; infinite at or above I_max.

        Examples
        --------
        >>> StretchedNoiseLaw(3.0, 100.0, 0.5).depth_for([2.5, 3.0]).round(1).tolist()
        [93.8, inf]
        """
        need = NoiseLaw(self.i_max, 1.0).depth_for(as_numbers(bits, "target information"))
        return self.u_bar * need ** (1 / self.beta)


def _log_ratio(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Return the logarithm of (u/ū)^β."""
    with np.errstate(divide="ignore"):
        return np.exp(theta[2]) * (np.log(x) - theta[1])


@dataclass(frozen=True)
class DepthLine(Law):
    """I(u) = a + b log2 u, in bits: every doubling of depth adds the same, without end.

    A description within the depths measured, not a law beyond them.

    Parameters
    ----------
    at_one : float
        a, bits at one molecule per cell.
    per_doubling : float
        b, bits that each doubling of depth adds.

    Examples
    --------
    >>> DepthLine(0.5, 0.25)([1, 2, 4]).tolist()
    [0.5, 0.75, 1.0]
    """

    at_one: float
    per_doubling: float

    x_name: ClassVar[str] = "u"
    allowed: ClassVar[dict[str, tuple[float, float]]] = dict.fromkeys(("at_one", "per_doubling"), (-np.inf, np.inf))
    positive: ClassVar[tuple[str, ...]] = ()
    axes: ClassVar[tuple[str, str]] = NoiseLaw.axes
    vega: ClassVar[str] = "{at_one} + {per_doubling} * log({x}) / LN2"

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return theta[0] + theta[1] * np.log2(x)

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones_like(x), np.log2(x)])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        return [np.polynomial.polynomial.polyfit(np.log2(x), y, 1)]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        return {"at_one": (-1e6, 1e6), "per_doubling": (-1e6, 1e6)}

    def _doubt(self, x: np.ndarray) -> str:
        return ""
