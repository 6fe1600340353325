"""How a loss falls with model size, with data, with compute, and with model size and data together."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from helpers.laws.base import Law
from helpers.laws.fit import Fit
from helpers.laws.solve import power_starts, solved

_STARTS = 5
# A term that falls by a smaller share of what the other falls by is where its search started: none.
_NO_FALL = 1e-6
_RANGES = {
    "a": (0.0, 1e300, "It is in the unit of the loss."),
    "alpha": (0.0, 1e3, ""),
    "c": (-1e300, 1e300, "It is in the unit of the loss."),
}


@dataclass(frozen=True)
class ModelSizeLaw(Law):
    r"""L(P) = a P^(−α) + c, in the unit of the loss (P3, equation 3).

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
        "a": (0.0, np.inf),
        "alpha": (0.0, np.inf),
        "c": (-np.inf, np.inf),
    }
    positive: ClassVar[tuple[str, ...]] = ("a", "alpha")
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = _RANGES

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


@dataclass(frozen=True)
class DataLaw(ModelSizeLaw):
    """L(D) = a D^(−α) + c, in the unit of the loss: c is the loss with unlimited training cells.

    Examples
    --------
    >>> DataLaw(a=2.0, alpha=0.5, c=1.0)([100, 10_000]).round(2).tolist()
    [1.2, 1.02]
    """

    x_name: ClassVar[str] = "d"
    axes: ClassVar[tuple[str, str]] = ("training cells D", "loss")
    more: ClassVar[str] = "more cells"


@dataclass(frozen=True)
class ComputeLaw(ModelSizeLaw):
    """L(C) = a C^(−α) + c, in the unit of the loss: C are floating-point operations of training.

    Examples
    --------
    >>> ComputeLaw(a=2.0, alpha=0.5, c=1.0)([100, 10_000]).round(2).tolist()
    [1.2, 1.02]
    """

    x_name: ClassVar[str] = "flops"
    axes: ClassVar[tuple[str, str]] = ("compute C", "loss")
    more: ClassVar[str] = "more compute"


@dataclass(frozen=True)
class SizeAndDataLaw(Law):
    r"""L(P, D) = a P^(−α) + b D^(−β) + c, in the unit of the loss (after Hoffmann et al. 2022, eq. 2).

    Parameters
    ----------
    a, alpha : float > 0
        Loss that a larger model removes: factor and exponent of the parameters P.
    b, beta : float > 0
        Loss that more training cells remove: factor and exponent of their number D.
    c : float
        Floor, the loss of an unlimited model trained on unlimited cells.

    Examples
    --------
    >>> law = SizeAndDataLaw(a=2.0, alpha=0.5, b=3.0, beta=0.5, c=1.0)
    >>> law([100, 10_000], [900, 900]).round(2).tolist()
    [1.3, 1.12]
    """

    a: float
    alpha: float
    b: float
    beta: float
    c: float

    x_name: ClassVar[str] = "p and d"
    axes: ClassVar[tuple[str, str]] = ("parameters P", "loss")
    vega: ClassVar[str] = "{a} * pow({p}, -{alpha}) + {b} * pow({d}, -{beta}) + {c}"
    y_name: ClassVar[str] = "loss"
    positive: ClassVar[tuple[str, ...]] = ("a", "alpha", "b", "beta")
    allowed: ClassVar[dict[str, tuple[float, float]]] = {
        **dict.fromkeys(positive, (0.0, np.inf)),
        "c": (-np.inf, np.inf),
    }
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = _RANGES

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        of_size, of_data = cls._above(x, theta)
        return of_size + of_data + theta[4]

    @staticmethod
    def _above(x: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log = np.log(x)
        return tuple(np.exp(np.clip(theta[2 * i] - np.exp(theta[2 * i + 1]) * log[..., i], -700, 300)) for i in (0, 1))

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        of_size, of_data = cls._above(x, theta)
        log_p, log_d = np.log(x).T
        falls = (-of_size * np.exp(theta[1]) * log_p, -of_data * np.exp(theta[3]) * log_d)
        return np.column_stack([of_size, falls[0], of_data, falls[1], np.ones(len(x))])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Straight least squares for a, b and c at each pair of exponents, the best of them first."""
        least, tried = x.min(axis=0), []
        for alpha in np.geomspace(0.02, 2, 15):
            for beta in np.geomspace(0.02, 2, 15):
                powers = (x / least) ** -np.array([alpha, beta])
                factors, *_ = np.linalg.lstsq(np.column_stack([powers, np.ones(len(x))]), y, rcond=None)
                factors[:2] = np.maximum(factors[:2], _NO_FALL * max(float(np.ptp(y)), 1e-9))
                logs = np.log(factors[:2]) + np.array([alpha, beta]) * np.log(least)
                theta = np.array([logs[0], np.log(alpha), logs[1], np.log(beta), factors[2]])
                tried.append((float(((cls._formula(x, theta) - y) ** 2).sum()), theta))
        return [theta for _, theta in sorted(tried, key=lambda pair: pair[0])[:_STARTS]]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        of_one = ModelSizeLaw._limits(x[:, 0], y)
        return {"a": of_one["a"], "alpha": of_one["alpha"], "b": of_one["a"], "beta": of_one["alpha"], "c": of_one["c"]}

    def _doubt(self, x: np.ndarray) -> str:
        """Say so if a term does not fall over the points, or falls little compared with what is left at the largest."""
        doubts = []
        terms = self._above(x, self._theta())
        falls = [float(np.ptp(above)) for above in terms]
        for above, fall, what, fix in zip(
            terms, falls, ("parameters", "cells"), ("larger models", "more cells"), strict=True
        ):
            if fall < _NO_FALL * max(falls):
                doubts.append(f"the loss does not fall with {what}: the points say nothing of that term")
            elif float(above.min()) > 3 * fall:
                doubts.append(
                    f"the fall with {what} over the measured range ({fall:.2g}) is small beside what is extrapolated "
                    f"({float(above.min()):.2g}): use {fix}"
                )
        return "; ".join(doubts)

    @classmethod
    def fit(cls, p: Any, d: Any, loss: Any) -> Fit:  # type: ignore[override]
        """Fit the law to points by least squares from many starts.

        Parameters
        ----------
        p, d : (n,) arrays, positive
            Parameters of the model and training cells.
        loss : (n,) array

        Raises
        ------
        ValueError
            For mismatched lengths, NaN, values that are not positive, or fewer than two sizes, two numbers of cells or
            five pairs.
        """
        x, y = cls._checked(p, d, loss)
        bounds = cls._bounds(x, y)
        return solved(cls, x, y, [np.clip(start, *bounds) for start in cls._starts(x, y)])
