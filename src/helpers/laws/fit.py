"""A law fitted to points: its parameters with their intervals, the curve with its band, and how far to trust it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student_t

from helpers._utils.validation import brief, in_range
from helpers.laws.profile import profile_interval

if TYPE_CHECKING:
    from helpers.laws.base import Law

# Depths of one level differ by a smaller factor between seeds; grids of depths have larger ones between levels.
_EQUAL = 1.05

# Weights of points of equal error, however many there are.
EQUAL = np.ones(1)


@dataclass(frozen=True)
class Fit:
    """A law fitted to points.

    Attributes
    ----------
    params, stderr : dict of parameter name → value
        Estimates and standard errors, in the units of the data. A standard error is infinite where the
        points leave the parameter free.
    status : {"ok", "misfit", "bound", "unconstrained", "failed"}
        ``misfit``: the points reject the law, so its parameters are not to be quoted. ``bound``: an estimate sits on
        an edge of the search. ``unconstrained``: the points do not fix every parameter. ``failed``: no start
        converged.
    message : str
        Why, and how to fix it.
    spread : float
        Standard deviation of a point around the law, bits: residuals with n − p degrees of freedom.
    penalised : bool
        Whether priors were used.
    log_likelihood : function of the coordinates of the search
        Natural logarithm, up to a constant, with Gaussian points of that spread; with priors, if any were used, and
        points of the error that those suppose.
    weights : (n_points,) array, or ``EQUAL``
        What residuals are multiplied with where points have standard errors of their own; mean square 1.
    """

    law: "Law"
    x: np.ndarray
    y: np.ndarray
    params: dict[str, float]
    stderr: dict[str, float]
    status: str
    message: str
    covariance: np.ndarray = field(repr=False)
    spread: float = field(default=float("nan"), repr=False)
    penalised: bool = False
    log_likelihood: Callable[[np.ndarray], float] = field(default=lambda theta: float("nan"), repr=False)
    weights: np.ndarray = field(default_factory=lambda: EQUAL, repr=False)

    @property
    def n_points(self) -> int:
        """Number of points fitted."""
        return len(self.x)

    @cached_property
    def levels(self) -> np.ndarray:
        """The number of the level of x that each point belongs to (``levels``)."""
        return levels(self.x)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values, one a point, at each level of x, shape (levels,)."""
        return np.bincount(self.levels, values) / np.bincount(self.levels)

    @property
    def residuals(self) -> np.ndarray:
        """Measured minus fitted, shape (n_points,)."""
        return self.y - self.law(self.x)

    @property
    def weighted_residuals(self) -> np.ndarray:
        """Residuals of equal variance: those of points with large errors are made smaller."""
        return self.residuals * self.weights

    @property
    def rmse(self) -> float:
        """Root mean squared residual, in the unit of ``y``: bits."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def r_squared(self) -> float:
        """Share of the variance of the points that the law explains; NaN if they do not vary."""
        return _r_squared(self.y, self.residuals)

    @property
    def r_squared_means(self) -> float:
        """The same of the means of points with equal x (``levels``), such as seeds."""
        return _r_squared(self.means(self.y), self.means(self.residuals))

    def predict(self, *x: Any) -> np.ndarray:
        """Return the fitted law at ``x``; at ``n`` and ``u`` for a law of two variables."""
        return self.law(*x)

    @property
    def search_covariance(self) -> np.ndarray:
        """Covariance of the estimates where positive parameters are replaced by their natural logarithms."""
        units = self.law._units()
        return self.covariance / np.outer(units, units)

    def band(self, x: Any, level: float = 0.95, of_points: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper pointwise confidence limits of the fitted curve at ``x``.

        With ``of_points``, limits for a new point: its own scatter around the curve is added. For a law of two
        variables x are pairs (…, 2) of n and u. First-order propagation of the covariance, Student's t with n − p
        degrees of freedom; infinitely wide with no more points than parameters.
        """
        in_range(level, 0, 1, "level")
        middle = self.law(x)
        if self.n_points <= len(self.params) or not np.isfinite(self.covariance).all():
            return np.full_like(middle, -np.inf), np.full_like(middle, np.inf)
        slope = self.law.slope(np.asarray(x, float).reshape(-1, *self.x.shape[1:]))
        variance = np.einsum("ij,jk,ik->i", slope, self.covariance, slope) + (self.spread**2 if of_points else 0.0)
        half = self.t_quantile(level) * np.sqrt(np.maximum(variance, 0)).reshape(middle.shape)
        return middle - half, middle + half

    def derived(
        self, quantity: Callable[[Any], float], level: float = 0.95, positive: bool = False
    ) -> tuple[float, float, float]:
        """Return a quantity of the law with its confidence interval: value, low, high.

        First-order propagation of the covariance in the coordinates of the search, where positive parameters are
        logarithms, Student's t; infinitely wide where ``band`` is. A ``positive`` quantity is propagated as its
        logarithm, so that its interval is.

        Examples
        --------
        >>> from helpers.laws import NoiseLaw
        >>> rng = np.random.default_rng(0)
        >>> fit = NoiseLaw.fit([10, 30, 100, 300, 1000], NoiseLaw(2.0, 80.0)([10, 30, 100, 300, 1000]))
        >>> [round(v, 3) for v in fit.derived(lambda law: law.i_max - float(law(80.0)))]
        [0.456, 0.456, 0.456]
        """
        in_range(level, 0, 1, "level")
        if positive:
            value, low, high = (np.exp(v) for v in self.derived(lambda law: np.log(quantity(law)), level))
            return float(value), float(low), float(high)
        value = float(quantity(self.law))
        if self.n_points <= len(self.params) or not np.isfinite(self.covariance).all():
            return value, -np.inf, np.inf
        theta, covariance = self.law._theta(), self.search_covariance
        steps = np.clip(1e-4 * np.sqrt(np.diag(covariance)), 1e-9, 1e-3)
        # A parameter at the end of its range, such as I_max = 0, moves to one side only.
        least = {n: low for n, (low, _) in self.law.allowed.items()} | {n: r[0] for n, r in self.law.ranges.items()}
        floor = [-np.inf if name in self.law.positive else low for name, low in least.items()]
        slope = np.empty(len(theta))
        for i, step in enumerate(np.diag(steps)):
            up, down = theta + step, np.maximum(theta - step, floor)
            ends = [float(quantity(self.law._from_theta(end))) for end in (up, down)]
            slope[i] = (ends[0] - ends[1]) / (up[i] - down[i])
        half = self.t_quantile(level) * float(np.sqrt(max(slope @ covariance @ slope, 0)))
        return value, value - half, value + half

    def interval(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Return each parameter's confidence interval by profile likelihood.

        A side on which the points never rule the parameter out is infinite (or 0 below, for a
        parameter that is positive).

        Raises
        ------
        ValueError
            For a fit with priors, which are not in the profile.
        """
        in_range(level, 0, 1, "level")
        if self.penalised:
            raise ValueError("this fit has priors, so no profile interval: use band, derived or helpers.design.draws.")
        if self.n_points <= len(self.params) or self.status == "failed":
            return {name: (low, np.inf) for name, (low, _) in self.law.allowed.items()}
        if level not in self.intervals:
            self.intervals[level] = {name: profile_interval(self, name, level) for name in self.params}
        return dict(self.intervals[level])

    @cached_property
    def intervals(self) -> dict[float, dict[str, tuple[float, float]]]:
        """Profile intervals by level, as far as they are known: finding one takes longer than the fit itself."""
        return {}

    def t_quantile(self, level: float) -> float:
        """Return the two-sided quantile of Student's t with n − p degrees of freedom; infinite if there are none."""
        free = self.n_points - len(self.params)
        return float(student_t.ppf(0.5 + level / 2, free)) if free > 0 else float("inf")


def levels(x: np.ndarray) -> np.ndarray:
    """Return for each positive x, shape (n,) or (n, 2), the number of its level; repeats are of one level.

    Each seed's thinning has a depth of its own, so neighbours less than 5 % apart are of one level, ascending. Pairs
    of two variables are of one level where they are equal.

    Examples
    --------
    >>> levels(np.array([100.0, 10.0, 102.0, 9.9])).tolist()
    [1, 0, 1, 0]
    """
    if x.ndim > 1:
        return np.unique(x, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(x)
    level = np.empty(len(order), int)
    level[order] = np.concatenate([[0], np.cumsum(np.diff(np.log(x[order])) > np.log(_EQUAL))])
    return level


def check_fit(fit: Any) -> None:
    """Raise unless the argument is a ``Fit``."""
    if not isinstance(fit, Fit):
        raise ValueError(f"the fit is {brief(fit)}: give what the fit of a law returned.")


def _r_squared(y: np.ndarray, residuals: np.ndarray) -> float:
    spread = ((y - y.mean()) ** 2).sum()
    return float(1 - (residuals**2).sum() / spread) if spread > 0 else float("nan")
