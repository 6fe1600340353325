"""The cell-number law: how information grows with training cells."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from helpers.checks import in_range
from helpers.laws.base import Law, power_starts


@dataclass(frozen=True)
class CellNumberLaw(Law):
    r"""I(N) = I_inf − (N/N0)^(−s), in bits (P1 eq. 1).

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
        "i_inf": (-np.inf, np.inf), "n0": (0.0, np.inf), "s": (0.0, np.inf)
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("n0", "s")

    def __post_init__(self) -> None:
        """Check the parameters."""
        in_range(self.i_inf, -1e3, 1e3, "i_inf", "It is in bits.")
        in_range(self.n0, 0, 1e300, "n0", "It is a number of cells.", open_low=True)
        in_range(self.s, 0, 1e3, "s", open_low=True)

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
