"""Robust fits of a law: a run that went wrong pulls less, and intervals are profiles of the same loss."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import t as student_t

from helpers._utils.validation import choose, in_range
from helpers.laws.base import Law
from helpers.laws.fit import Fit, check_fit
from helpers.laws.profile import ends

VERSION = 1  # 2026-11-28 numbered

# Huber's constant: 95 % of the efficiency of least squares on Gaussian points.
TUNING = 1.345
_POLISHED = 5
_ROUNDS = 20
# How far the profile may leave the edges of the search; of logarithms, so as good as any.
_BEYOND = 50.0


@dataclass(frozen=True)
class RobustFit:
    """A law fitted by Huber's loss.

    Attributes
    ----------
    law : Law
    intervals : dict of parameter → (low, high)
        By profile; infinite (0 below for a positive parameter) where the points never rule a value out.
    scale : float
        Of the residuals, from their median absolute deviation, in the unit of ``y``.
    weights : ndarray (n_points,)
        1 within ``TUNING`` scales of the law, less beyond.
    """

    law: Law
    intervals: dict[str, tuple[float, float]]
    scale: float
    weights: np.ndarray = field(repr=False)
    level: float = 0.95

    @property
    def params(self) -> dict[str, float]:
        """The estimates."""
        return self.law._params()

    @property
    def n_far(self) -> int:
        """Points that were weighed down."""
        return int((self.weights < 1).sum())


def robust(fit: Fit, level: float = 0.95, names: tuple[str, ...] | None = None) -> RobustFit:
    """Fit again by Huber's loss, from the starts of the law and from its least squares.

    The scale is the median absolute deviation, found together with the fit. The profile of a parameter ends where twice
    the rise of the loss passes t² κ, with κ = (Σψ²/(n − p)) / mean ψ' (Huber and Ronchetti 2009, section 6): 1 if no
    point is far, when interval and estimates are those of least squares.

    Parameters
    ----------
    fit : Fit
        By least squares.
    names : tuple of parameters whose intervals are wanted; all if not given.

    Raises
    ------
    ValueError
        If the argument is not a fit, has priors, which would be lost, or for an unknown parameter.

    Examples
    --------
    >>> from helpers.laws import ModelSizeLaw
    >>> p = np.repeat(np.geomspace(1e2, 1e7, 6), 3)
    >>> loss = ModelSizeLaw(2.0, 0.3, 1.0)(p) + np.random.default_rng(0).normal(0, 0.005, 18)
    >>> loss[4] += 0.5
    >>> again = robust(ModelSizeLaw.fit(p, loss), names=("c",))
    >>> round(again.params["c"], 1), again.weights.argmin()
    (1.0, 4)
    """
    check_fit(fit)
    in_range(level, 0, 1, "level", open_low=True)
    if fit.penalised:
        raise ValueError("this fit has priors, which a robust fit would lose: fit without them.")
    wanted = tuple(fit.params) if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        choose(name, fit.params, "parameter")
    problem = _Problem(fit)
    theta, scale = problem.solve()
    law = type(fit.law)._from_theta(theta)
    standard = (law._formula(fit.x, theta) - fit.y) / scale
    weights = np.minimum(1.0, TUNING / np.maximum(np.abs(standard), 1e-300))
    free = len(fit.y) - len(theta)
    if free < 1:
        intervals = {name: (law.allowed[name][0], np.inf) for name in wanted}
    else:
        near = float((weights == 1).mean())
        kappa = float(((weights * standard) ** 2).sum()) / free / max(near, 1 / len(fit.y))
        rise = float(student_t.ppf(0.5 + level / 2, free)) ** 2 * kappa / 2
        intervals = {name: problem.interval(theta, scale, name, rise) for name in wanted}
    return RobustFit(law, intervals, scale, weights, level)


class _Problem:
    """Huber's loss of a law at the points of a fit, in the coordinates of the search."""

    def __init__(self, fit: Fit) -> None:
        self.law, self.x, self.y = type(fit.law), fit.x, fit.y
        self.low, self.high = self.law._bounds(fit.x, fit.y)
        starts = [fit.law._theta(), *self.law._starts(fit.x, fit.y)]
        self.starts = [np.clip(start, self.low + 1e-6, self.high - 1e-6) for start in starts]

    def solve(self) -> tuple[np.ndarray, float]:
        """Return estimates and scale that belong together."""
        theta = self.starts[0]
        scale = self.scale_of(theta)
        for _ in range(_ROUNDS):
            ranked = sorted([theta, *self.starts], key=lambda start: self.cost(start, scale))
            theta = min((self.polish(s, scale) for s in ranked[:_POLISHED]), key=lambda end: self.cost(end, scale))
            last, scale = scale, self.scale_of(theta)
            if abs(scale - last) <= 1e-6 * last:
                break
        return theta, scale

    def scale_of(self, theta: np.ndarray) -> float:
        """Return the scale of the residuals; never 0, so that exact points can be fitted."""
        off = np.abs(self.law._formula(self.x, theta) - self.y)
        free = max(1, len(off) - len(theta))
        return max(1.4826 * float(np.median(off)) * float(np.sqrt(len(off) / free)), 1e-9 * float(np.abs(self.y).max()))

    def cost(self, theta: np.ndarray, scale: float) -> float:
        """Return the sum of Huber's loss; half the sum of squares near the law."""
        z = np.abs(self.law._formula(self.x, theta) - self.y) / scale
        return float(np.where(z <= TUNING, z**2 / 2, TUNING * z - TUNING**2 / 2).sum())

    def polish(self, start: np.ndarray, scale: float, held: int | None = None) -> np.ndarray:
        """Return the least cost near a start, with one coordinate held if asked.

        Then the others may go beyond the edges of the search: the profile ends where the points say, not the edges.
        """
        free = [i for i in range(len(start)) if i != held]
        theta = start.copy()
        beyond = 0.0 if held is None else _BEYOND

        def whole(rest: np.ndarray) -> np.ndarray:
            theta[free] = rest
            return theta

        def residual(rest: np.ndarray) -> np.ndarray:
            return (self.law._formula(self.x, whole(rest)) - self.y) / scale

        def slope(rest: np.ndarray) -> np.ndarray:
            return self.law._slope(self.x, whole(rest))[:, free] / scale

        bounds = self.low[free] - beyond, self.high[free] + beyond
        precision = dict.fromkeys(("xtol", "ftol", "gtol"), 1e-12)
        huber = {"loss": "huber", "f_scale": TUNING, "x_scale": "jac", "max_nfev": 300}
        with np.errstate(over="ignore", invalid="ignore"):
            return whole(least_squares(residual, start[free], slope, bounds=bounds, **huber, **precision).x).copy()

    def interval(self, best: np.ndarray, scale: float, name: str, rise: float) -> tuple[float, float]:
        """Walk a parameter away from its estimate until the loss has risen."""
        at, least = list(self.law.allowed).index(name), self.cost(best, scale)

        def polish(starts: list[np.ndarray]) -> tuple[np.ndarray, float]:
            theta = min((self.polish(start, scale, at) for start in starts), key=lambda end: self.cost(end, scale))
            return theta, self.cost(theta, scale) - least

        step = 0.1 if name in self.law.positive else max(scale, 1e-9)
        return ends(self.law, name, best, step, rise, polish)
