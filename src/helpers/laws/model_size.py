"""The model-size law: how a loss falls with the number of parameters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from helpers._utils.validation import in_range
from helpers.laws.base import Law, power_starts


@dataclass(frozen=True)
class ModelSizeLaw(Law):
    r"""L(P) = a P^(−α) + c, in the unit of the loss (P3 eq. 3).

    Parameters
    ----------
    a : float > 0
        Loss above the floor of a model with one parameter.
    alpha : float > 0
        Exponent.
    c : float
        Floor, the loss of an unlimited model.

    Examples
    --------
    >>> law = ModelSizeLaw(a=2.0, alpha=0.5, c=1.0)
    >>> law([100, 10_000]).round(2).tolist()
    [1.2, 1.02]
    >>> fit = ModelSizeLaw.fit([100, 1000, 10_000, 100_000], law([100, 1000, 10_000, 100_000]))
    >>> round(fit.params["c"], 6)
    1.0
    """

    a: float
    alpha: float
    c: float

    x_name: ClassVar[str] = "p"
    axes: ClassVar[tuple[str, str]] = ("parameters P", "loss")
    vega: ClassVar[str] = "{a} * pow({x}, -{alpha}) + {c}"
    more: ClassVar[str] = "larger models"
    y_name: ClassVar[str] = "loss"
    allowed: ClassVar[dict[str, tuple[float, float]]] = {
        "a": (0.0, np.inf), "alpha": (0.0, np.inf), "c": (-np.inf, np.inf)
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("a", "alpha")

    def __post_init__(self) -> None:
        """Check the parameters."""
        in_range(self.a, 0, 1e300, "a", "It is in the unit of the loss.", open_low=True)
        in_range(self.alpha, 0, 1e3, "alpha", open_low=True)
        in_range(self.c, -1e300, 1e300, "c", "It is in the unit of the loss.")

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return cls._above(x, theta) + theta[2]

    @staticmethod
    def _above(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(theta[0] - np.exp(theta[1]) * np.log(x), -700, 300))

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        above = cls._above(x, theta)
        return np.column_stack([above, -above * np.exp(theta[1]) * np.log(x), np.ones(len(x))])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        starts = power_starts(x, y, np.geomspace(0.005, 3, 25))
        return [np.array([np.log(a), np.log(s), c]) for c, a, s in starts if a > 0] or [np.array([0.0, 0.0, y.min()])]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        spread = max(float(np.ptp(y)), 1e-3)
        return {"a": (1e-9, 1e30), "alpha": (0.001, 10.0), "c": (float(y.min()) - 20 * spread, float(y.max()) + spread)}

    def _doubt(self, x: np.ndarray) -> str:
        fall, left = float(np.ptp(self(x))), float(self(x.max())) - self.c
        if left > 3 * fall:
            return (
                f"the fall over the measured range ({fall:.2g}) is small beside what is extrapolated ({left:.2g}): "
                f"the floor c is not fixed; use {self.more}"
            )
        return ""
