"""The noise law: how information falls as molecules are lost."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from helpers._utils.validation import as_numbers
from helpers.laws.base import Law
from helpers.laws.fit import Fit
from helpers.laws.misfit import RARER, another_exponent, exceeds_top


@dataclass(frozen=True)
class NoiseLaw(Law):
    r"""I(u) = I_max − ½ log2[(1 + u/ū) / (u/ū + 2^(−2 I_max))], in bits (P1, equation 2).

    The information that a scalar Gaussian channel of signal-to-noise ratio u/ū passes through an
    intermediary that itself holds I_max. It equals ½ log2[(1 + 4^I_max u/ū) / (1 + u/ū)], which is how
    it is computed: zero at u = 0, I_max as u → ∞, and about I_max − ½ at u = ū when I_max is large.

    Parameters
    ----------
    i_max : float ≥ 0
        Information without measurement noise, bits.
    u_bar : float > 0
        Sensitivity to noise, in the units of u (mean UMIs per cell).

    Examples
    --------
    >>> law = NoiseLaw(i_max=3.0, u_bar=100.0)
    >>> law([100.0, 1e6]).round(3).tolist()
    [2.511, 3.0]
    >>> NoiseLaw.fit([10, 100, 1000, 10000], law([10, 100, 1000, 10000])).status
    'ok'
    """

    i_max: float
    u_bar: float

    x_name: ClassVar[str] = "u"
    allowed: ClassVar[dict[str, tuple[float, float]]] = {"i_max": (0.0, np.inf), "u_bar": (0.0, np.inf)}
    positive: ClassVar[tuple[str, ...]] = ("u_bar",)
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {
        "i_max": (0, 500, "It is in bits."),
        "u_bar": (0, 1e300, "It is in UMIs per cell."),
    }
    zero_allowed: ClassVar[tuple[str, ...]] = ("u",)
    axes: ClassVar[tuple[str, str]] = ("depth u", "information (bits)")
    vega: ClassVar[str] = "log((1 + pow(4, {i_max}) * {x} / {u_bar}) / (1 + {x} / {u_bar})) / (2 * LN2)"
    vega_slopes: ClassVar[tuple[str, ...]] = (
        "1 / (1 + {u_bar} / ({x} * pow(4, {i_max})))",
        "(1 / (1 + {u_bar} / {x}) - 1 / (1 + {u_bar} / ({x} * pow(4, {i_max})))) / (2 * LN2)",
    )
    # The depth that gives {bits}, as ``depth_for``.
    vega_depth: ClassVar[str] = "{u_bar} * (pow(4, {bits}) - 1) / (pow(4, {i_max}) - pow(4, {bits}))"

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        gain = np.expm1(theta[0] * np.log(4))  # 4^I_max − 1
        return np.log1p(gain * cls._share(x, theta)) / (2 * np.log(2))

    @staticmethod
    def _share(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """û / (1 + û), exact for any x from zero to infinity."""
        with np.errstate(divide="ignore"):
            return expit(np.log(x) - theta[1])

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            by_i_max = expit(np.log(x) - theta[1] + theta[0] * np.log(4))
        by_log_u_bar = (cls._share(x, theta) - by_i_max) / (2 * np.log(2))
        return np.column_stack([by_i_max, by_log_u_bar])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        # For each ū the best of a few I_max, around what reaches the highest point.
        middles = np.linspace(np.log(x.min()) - 3, np.log(x.max()) + 3, 31)
        tops = max(float(y.max()), 0.05) * np.array([0.7, 1.0, 1.3, 1.8, 3.0])
        curves = np.log1p(np.expm1(tops * np.log(4)) * expit(np.log(x)[:, None, None] - middles[:, None])) / np.log(4)
        best = ((curves - y[:, None, None]) ** 2).sum(axis=0).argmin(axis=1)
        return [np.array([tops[i], middle]) for i, middle in zip(best, middles, strict=True)]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        return {"i_max": (0.0, max(20.0, 3 * float(y.max()))), "u_bar": (x.min() * 1e-6, x.max() * 1e6)}

    def _doubt(self, x: np.ndarray) -> str:
        return range_doubt(self.u_bar, x)

    def objections(self, fit: Fit) -> list[tuple[str, float, float]]:
        """Return what may speak against the law: scatter, a mean above I_max, an exponent of depth other than 1."""
        above, exponent = exceeds_top(fit, self.i_max), self.exponent_test(fit)
        return [
            *super().objections(fit),
            (f"its I_max lies below the largest mean of the points (p = {above:.2g})", above, RARER),
            (f"the exponent of depth is not 1 (p = {exponent:.2g})", exponent, RARER),
        ]

    def exponent_test(self, fit: Fit) -> float:
        """Return the p-value of the exponent of u/ū being 1 at the points of a fit of this law (score test)."""
        by_exponent = self._slope(fit.x, self._theta())[:, 1] * -(np.log(fit.x) - np.log(self.u_bar))
        return another_exponent(fit, by_exponent)

    def depth_for(self, bits: Any) -> np.ndarray:
        """Return the depth u that gives a target information (P1, equation 8); infinite at or above I_max.

        Raises
        ------
        ValueError
            For bits below 0, or no numbers.

        Examples
        --------
        >>> NoiseLaw(3.0, 100.0).depth_for(2.5).round(1).item()
        96.9
        """
        bits = as_numbers(bits, "target information")
        if not (bits >= 0).all():
            raise ValueError(f"target information is {bits.min():g} bits: it must be 0 or more.")
        wanted = np.expm1(np.minimum(bits, self.i_max) * np.log(4))  # all of I_max takes infinite depth already
        room = np.expm1(self.i_max * np.log(4)) - wanted
        need = self.u_bar * wanted / np.where(room > 0, room, 1)
        return np.where(room > 0, need, np.inf)

    @staticmethod
    def collapse(x: Any, fit: Fit) -> np.ndarray:
        """Return z, on which every noise curve is the same: I_max − I = ½ log2(1 + 1/z), exactly.

        z = (û + 4^−I_max) / (1 − 4^−I_max) with û = u/ū.
        """
        least = 4.0 ** -fit.params["i_max"]
        with np.errstate(divide="ignore"):  # without information (I_max = 0) nothing is missing: z is infinite
            return (as_numbers(x, "u") / fit.params["u_bar"] + least) / np.float64(1 - least)


def range_doubt(u_bar: float, x: np.ndarray) -> str:
    """Return why depths x cannot fix ū and I_max apart, or an empty string."""
    if u_bar > 5 * x.max():
        return (
            f"ū = {u_bar:.3g} lies {u_bar / x.max():.3g}-fold above the deepest point "
            f"({x.max():.3g}): only the rise is seen, so ū and I_max are not fixed apart; measure deeper"
        )
    # The rise ends near ū/4^I_max and saturation begins near ū: with both far below, the curve is flat.
    if u_bar < x.min() / 10:
        return (
            f"ū = {u_bar:.3g} lies {x.min() / u_bar:.3g}-fold below the shallowest point "
            f"({x.min():.3g}): only saturation is seen; measure shallower"
        )
    return ""
