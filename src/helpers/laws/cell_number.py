"""The cell-number law: how information grows with training cells."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from helpers._utils.validation import in_range
from helpers.laws.base import Law
from helpers.laws.fit import Fit
from helpers.laws.solve import power_starts


@dataclass(frozen=True)
class CellNumberLaw(Law):
    r"""I(N) = I_inf − (N/N0)^(−s), in bits (P1, equation 1).

    Parameters
    ----------
    i_inf : float
        Information with unlimited training cells, bits.
    n0 : float > 0
        Cells at which one bit is missing.
    s : float > 0
        Exponent.

    Examples
    --------
    >>> law = CellNumberLaw(i_inf=2.0, n0=50.0, s=0.5)
    >>> law([50, 200, 5000]).tolist()
    [1.0, 1.5, 1.9]
    """

    i_inf: float
    n0: float
    s: float

    x_name: ClassVar[str] = "n"
    allowed: ClassVar[dict[str, tuple[float, float]]] = {
        "i_inf": (-np.inf, np.inf),
        "n0": (0.0, np.inf),
        "s": (0.0, np.inf),
    }
    positive: ClassVar[tuple[str, ...]] = ("n0", "s")
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {
        "i_inf": (-1e3, 1e3, "It is in bits."),
        "n0": (0, 1e300, "It is a number of cells."),
        "s": (0, 1e3, ""),
    }
    axes: ClassVar[tuple[str, str]] = ("training cells N", "information (bits)")
    vega: ClassVar[str] = "{i_inf} - pow({x} / {n0}, -{s})"
    vega_slopes: ClassVar[tuple[str, ...]] = (
        "1",
        "-pow({x} / {n0}, -{s}) * {s}",
        "pow({x} / {n0}, -{s}) * {s} * log({x} / {n0})",
    )

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return theta[0] - cls._missing(x, theta)

    @staticmethod
    def _missing(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(-np.exp(theta[2]) * (np.log(x) - theta[1]), -700, 300))

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        missing, s = cls._missing(x, theta), np.exp(theta[2])
        return np.column_stack([np.ones(len(x)), -missing * s, missing * s * (np.log(x) - theta[1])])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        starts = power_starts(x, y, np.geomspace(0.02, 8, 25))
        return [np.array([level, np.log(-factor) / s, np.log(s)]) for level, factor, s in starts if factor < 0] or [
            np.array([y.mean(), np.log(x.min()) - 5, 0.0])
        ]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        spread = max(float(np.ptp(y)), 1.0)
        return {
            "i_inf": (float(y.min()) - spread, float(y.max()) + 20 * spread),
            "n0": (x.min() * 1e-30, x.max() * 1e6),
            "s": (0.01, 10.0),
        }

    def _doubt(self, x: np.ndarray) -> str:
        gain = float(np.ptp(self(x)))
        if self.i_inf - self(x.max()) > 3 * gain:
            return (
                f"the rise over the measured range ({gain:.2g} bits) is small beside what is extrapolated "
                f"({self.i_inf - float(self(x.max())):.2g} bits): I_inf is not fixed; use more cells"
            )
        return ""


def more_cells(fit: Fit, factor: float = 10.0, level: float = 0.95) -> tuple[float, float, float]:
    """Return what ``factor`` times the most cells measured would add by the law, with its profile interval.

    Curves that fix the exponent badly allow gains along a curved valley, which ``Fit.derived`` takes for straight.
    Given s the law is a straight line in x^(−s), so the gains that an F test allows are exact at each s of the
    search; the interval holds those of all s, and none below 0, since the law rises.

    Parameters
    ----------
    fit : Fit of a ``CellNumberLaw``
    factor : float above 1
    level : float
        Of the interval.

    Returns
    -------
    (float, float, float)
        Gain, low and high end, in bits; 0 to infinity with no more points than parameters.

    Raises
    ------
    TypeError
        For the fit of another law.

    Examples
    --------
    >>> n = np.repeat([30, 100, 300, 1000, 3000], 3)
    >>> bits = CellNumberLaw(i_inf=2.0, n0=20.0, s=0.3)(n) + np.tile([-0.02, 0.0, 0.02], 5)
    >>> [round(v, 2) for v in more_cells(CellNumberLaw.fit(n, bits))]
    [0.11, 0.08, 0.14]
    """
    law, x, y = fit.law, fit.x, fit.y
    if not isinstance(law, CellNumberLaw):
        raise TypeError(f"the fit is of a {type(law).__name__}: more_cells takes fits of CellNumberLaw.")
    in_range(factor, 1, 1e6, "factor", open_low=True)
    in_range(level, 0, 1, "level")
    most = float(x.max())
    value = float(law(factor * most)) - float(law(most))
    if fit.n_points <= len(fit.params):
        return value, 0.0, float("inf")
    s = np.geomspace(*law._limits(x, y)["s"], 1000)
    power = (x / x.min()) ** -s[:, None]
    shift = power - power.mean(axis=1, keepdims=True)
    weight = (shift**2).sum(axis=1)
    drop = -(shift @ (y - y.mean())) / weight
    rss = ((y - y.mean() + drop[:, None] * shift) ** 2).sum(axis=1)
    # Of laws that rise: a falling line may be nearer to points that fall, but is not one of these laws.
    least = max(min(float((fit.residuals**2).sum()), float(rss[drop >= 0].min(initial=np.inf))), len(x) * 1e-12)
    room = least * (1 + fit.t_quantile(level) ** 2 / (len(x) - len(fit.params))) - rss
    allowed = room >= 0
    half = np.sqrt(np.where(allowed, room, np.nan) / weight)
    gain = (most / x.min()) ** -s - (factor * most / x.min()) ** -s
    ends = np.maximum(np.stack([drop - half, drop + half]), 0) * gain
    # The scan may miss the least squares of a curve without noise by a hair.
    low, high = (np.nanmin(ends), np.nanmax(ends)) if allowed.any() else (value, value)
    return value, float(min(low, value)), float(max(high, value))
