"""Fitting a law by least squares from many starts, with honest intervals and flags."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

from helpers._utils.validation import as_matrix, as_numbers, brief, in_range, same_length
from helpers.laws.misfit import RARE, judged, lack_of_fit
from helpers.laws.profile import profile_interval

VERSION = 1  # 2026-11-28 numbered

# Most bits of a point: 4^bits of a law's ceiling, up to three times that, must be a number.
MOST_BITS = 150.0
# Depths of one level differ by a smaller factor between seeds; grids of depths have larger ones between levels.
_EQUAL = 1.05


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
    n_points : int
    r_squared, rmse : float
        Of the points given; rmse in the unit of ``y``, bits.
    spread : float
        Standard deviation of a point around the law, bits: residuals with n − p degrees of freedom.
    penalised : bool
        Whether priors were used.
    log_likelihood : function of the coordinates of the search
        Natural logarithm, up to a constant, with Gaussian points of that spread; with priors, if any were used, and
        points of the error that those suppose.
    r_squared_means : float
        Of the means of points with equal x (``levels``), such as seeds.
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
    def rmse(self) -> float:
        """Root mean squared residual."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def r_squared(self) -> float:
        """Share of the variance of the points that the law explains; NaN if they do not vary."""
        return _r_squared(self.y, self.residuals)

    @property
    def r_squared_means(self) -> float:
        """Share of the variance of the means at each x that the law explains; NaN if they do not vary."""
        return _r_squared(self.means(self.y), self.means(self.residuals))

    def predict(self, *x: Any) -> np.ndarray:
        """Return the fitted law at ``x``; at ``n`` and ``u`` for a law of two variables."""
        return self.law(*x)

    @property
    def search_covariance(self) -> np.ndarray:
        """Covariance of the estimates where positive parameters are replaced by their natural logarithms."""
        scale = np.array([v if name in self.law.positive else 1.0 for name, v in self.params.items()])
        return self.covariance / np.outer(scale, scale)

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
        floor = [
            -np.inf if n in self.law.positive else self.law.least.get(n, low)
            for n, (low, _) in self.law.allowed.items()
        ]
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
        return {name: profile_interval(self, name, level) for name in self.params}

    def t_quantile(self, level: float) -> float:
        """Return the two-sided quantile of Student's t with n − p degrees of freedom; infinite if there are none."""
        free = self.n_points - len(self.params)
        return float(student_t.ppf(0.5 + level / 2, free)) if free > 0 else float("inf")


def levels(x: np.ndarray) -> np.ndarray:
    """Return for each x the number of its level; repeats are of one level.

    Each seed's thinning has a depth of its own, so neighbours less than 5 % apart are of one level, ascending. Pairs
    of two variables are of one level where they are equal.

    Parameters
    ----------
    x : (n,) or (n, 2) array, positive

    Examples
    --------
    >>> levels(np.array([100.0, 10.0, 102.0, 9.9])).tolist()
    [1, 0, 1, 0]
    """
    if x.ndim > 1:
        return np.unique(x, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(x)
    of = np.empty(len(order), int)
    of[order] = np.concatenate([[0], np.cumsum(np.diff(np.log(x[order])) > np.log(_EQUAL))])
    return of


def check_fit(fit: Any) -> None:
    """Refuse what is no ``Fit``."""
    if not isinstance(fit, Fit):
        raise ValueError(f"the fit is {brief(fit)}: give what the fit of a law returned.")


def _r_squared(y: np.ndarray, residuals: np.ndarray) -> float:
    spread = ((y - y.mean()) ** 2).sum()
    return float(1 - (residuals**2).sum() / spread) if spread > 0 else float("nan")


class Law:
    """Base of the laws: a formula of x with named parameters, and ``fit`` to find them from points.

    A subclass is a frozen dataclass whose fields are the parameters. It defines ``_formula`` and its
    derivatives in the coordinates of the search, which are the logarithms of the ``positive`` parameters.
    """

    x_name: ClassVar[str]
    y_name: ClassVar[str] = "bits"
    allowed: ClassVar[dict[str, tuple[float, float]]]
    positive: ClassVar[tuple[str, ...]]
    zero_allowed: ClassVar[bool] = False
    # Titles of the axes of a chart.
    axes: ClassVar[tuple[str, str]]
    # The law, and its slopes along the coordinates of the search, as Vega expressions of {x} and its parameters.
    vega: ClassVar[str]
    vega_slopes: ClassVar[tuple[str, ...]] = ()
    # Least values of parameters that end before their search does.
    least: ClassVar[dict[str, float]] = {}

    def __call__(self, x: Any) -> np.ndarray:
        """Return the law at ``x``, in bits.

        Raises
        ------
        ValueError
            For x that is no number, or not positive.
        """
        x = as_numbers(x, self.x_name)
        good = x >= 0 if self.zero_allowed else x > 0
        if not good.all():
            rule = "0 or more" if self.zero_allowed else "above 0"
            raise ValueError(f"{self.x_name} holds {x[~good].flat[0]:g}: it must be {rule}.")
        return self._formula(x, self._theta())

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Guesses along a path through the search; the valleys on it are polished."""
        raise NotImplementedError

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        """Edges of the search, wide of any data; in the units of the parameters."""
        raise NotImplementedError

    def _doubt(self, x: np.ndarray) -> str:
        """Return why these x cannot fix the parameters even without noise, or an empty string."""
        raise NotImplementedError

    def objections(self, fit: Fit) -> list[tuple[str, float, float]]:
        """Return what may speak against the law at the points of its fit: in words, its p-value, what is too small."""
        p = lack_of_fit(fit)
        return [(f"the law misses the means of repeated points beyond their scatter (p = {p:.2g})", p, RARE)]

    @classmethod
    def expressions(cls, **terms: str) -> list[str]:
        """Return the law, and its slopes if it has them, as Vega expressions: for a page to compute.

        Parameters
        ----------
        **terms : what stands for a variable or a parameter; else it is a column of its name, such as ``datum.u_bar``

        Examples
        --------
        >>> from helpers.laws import CellNumberLaw
        >>> CellNumberLaw.expressions(x="datum.cells")[0]
        'datum.i_inf - pow(datum.cells / datum.n0, -datum.s)'
        """
        variables = cls.x_name.split(" and ")
        known = {name: f"datum.{name}" for name in (*variables, *cls.allowed)} | {"x": f"datum.{variables[0]}"} | terms
        return [template.format(**known) for template in (cls.vega, *cls.vega_slopes)]

    def _params(self) -> dict[str, float]:
        return {name: float(getattr(self, name)) for name in self.allowed}

    def _theta(self) -> np.ndarray:
        return np.array([np.log(v) if n in self.positive else v for n, v in self._params().items()])

    @classmethod
    def _from_theta(cls, theta: np.ndarray) -> Self:
        values = zip(cls.allowed, theta, strict=True)
        return cls(**{n: float(np.exp(v)) if n in cls.positive else float(v) for n, v in values})

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return d law / d parameter at ``x``, shape (len(x), parameters), in the parameters' units."""
        scale = [1 / v if n in self.positive else 1.0 for n, v in self._params().items()]
        return self._slope(np.asarray(x, float), self._theta()) * scale

    @classmethod
    def fit(cls, x: Any, bits: Any) -> Fit:
        """Fit the law to points by least squares from many starts.

        Parameters
        ----------
        x : (n,) array, positive
        bits : (n,) array
            One value a point; repeat x for several seeds.

        Raises
        ------
        ValueError
            For mismatched lengths, NaN, x that is not positive, fewer distinct x than parameters, or bits that no
            estimate gives.
        """
        return cls._search(*cls._checked(x, bits))

    @classmethod
    def _checked(cls, x: Any, bits: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return points as arrays, or raise where they cannot be fitted."""
        columns = [as_matrix(x, cls.x_name), as_matrix(bits, cls.y_name)]
        for name, values in zip((cls.x_name, cls.y_name), columns, strict=True):
            if values.shape[1] != 1:
                raise ValueError(f"{name} has shape {values.shape}: give one value a point, repeating x for seeds.")
        x, y = (values[:, 0] for values in columns)
        same_length(**{cls.x_name: x, cls.y_name: y})
        check_bits(y, cls.y_name)
        if not (x > 0).all():
            raise ValueError(f"{cls.x_name} holds {x.min():g}: every value must be above 0.")
        if len(np.unique(x)) < len(cls.allowed):
            raise ValueError(
                f"{len(np.unique(x))} distinct values of {cls.x_name} for {len(cls.allowed)} parameters: "
                f"measure at {len(cls.allowed)} or more, on both sides of the bend."
            )
        return x, y

    @classmethod
    def _search(cls, x: np.ndarray, y: np.ndarray, prior: np.ndarray | None = None, scale: float = 1.0) -> Fit:
        """Find the least squares from many starts; ``prior`` and ``scale`` as in ``finished``."""
        edges = cls._limits(x, y)
        low, high = (np.array([np.log(e[i]) if n in cls.positive else e[i] for n, e in edges.items()]) for i in (0, 1))
        return finished(cls, x, y, edges, _valleys(cls, x, y, low, high), low, high, prior, scale)


def both(first: Any, second: Any, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    """Return two variables that broadcast, as given, or of pairs (…, 2) where the second is None."""
    if second is None:
        pairs = as_numbers(first, f"{one} and {other}")
        if pairs.ndim < 1 or pairs.shape[-1] != 2:
            raise ValueError(
                f"{one} has shape {pairs.shape}: give {other} too, or pairs of {one} and {other} in the last axis."
            )
        return pairs[..., 0], pairs[..., 1]
    first, second = as_numbers(first, one), as_numbers(second, other)
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise ValueError(
            f"{one} has shape {first.shape} and {other} {second.shape}: give as many of each, or one of either."
        ) from error
    return first, second


def check_bits(bits: np.ndarray, name: str) -> None:
    """Refuse information that no estimate gives; a loss may be any number."""
    far = np.abs(bits) > MOST_BITS
    if name == "bits" and far.any():
        raise ValueError(f"bits holds {bits[far][0]:g}: information lies within ±{MOST_BITS:g} bits; mend the unit.")


def finished(
    law: type[Law],
    x: np.ndarray,
    y: np.ndarray,
    edges: dict[str, tuple[float, float]],
    starts: list[np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    prior: np.ndarray | None = None,
    scale: float = 1.0,
    tolerance: float = 1e-15,
) -> Fit:
    """Polish each start, keep the least sum of squares, and judge what the points say of the parameters.

    ``prior`` are means and standard deviations of the coordinates searched, weighed beside points of error ``scale``.
    ``tolerance`` ends the search.
    """

    def residual(theta: np.ndarray) -> np.ndarray:
        off = law._formula(x, theta) - y
        return off if prior is None else np.concatenate([off, scale * (theta - prior[0]) / prior[1]])

    def slope(theta: np.ndarray) -> np.ndarray:
        of_points = law._slope(x, theta)
        return of_points if prior is None else np.vstack([of_points, np.diag(scale / prior[1])])

    found = [_solve(residual, slope, start, low, high, tolerance) for start in starts]
    good = [f for f in found if np.isfinite(f.cost)]
    best = min(good or found, key=lambda f: f.cost)
    held = np.zeros(len(low)) if prior is None else (scale / prior[1]) ** 2
    fit = _judge(law._from_theta(best.x), x, y, edges, bool(good), held, scale)

    # With priors points have the error beside which those are weighed, so that laws drawn from it spread as far.
    error = fit.spread if prior is None else max(fit.spread, scale)

    def log_likelihood(theta: np.ndarray) -> float:
        return -float((residual(theta) ** 2).sum()) / error**2 / 2

    return judged(replace(fit, log_likelihood=log_likelihood, penalised=prior is not None))


def _valleys(law: type[Law], x: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Return the starts whose sum of squares is no larger than that of their neighbours on the path."""
    path = [np.clip(start, low, high) for start in law._starts(x, y)]
    costs = np.array([((law._formula(x, theta) - y) ** 2).sum() for theta in path])
    padded = np.concatenate([[np.inf], np.where(np.isfinite(costs), costs, np.inf), [np.inf]])
    return [path[i] for i in np.flatnonzero((padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:]))]


def _solve(
    residual: Callable[[np.ndarray], np.ndarray],
    slope: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    tolerance: float,
) -> Any:
    """Least squares by Levenberg and Marquardt; where that leaves the search, within its edges."""

    def search(theta: np.ndarray, **how: Any) -> Any:
        return least_squares(
            residual, theta, slope, x_scale="jac", xtol=tolerance, ftol=tolerance, gtol=tolerance, max_nfev=400, **how
        )

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far out, the search meets any value
        free = search(start, method="lm")
    if np.isfinite(free.cost) and ((low < free.x) & (free.x < high)).all():
        return free
    return search(np.clip(start, low + 1e-9 * (high - low), high - 1e-9 * (high - low)), bounds=(low, high))


def _judge(
    law: Law,
    x: np.ndarray,
    y: np.ndarray,
    edges: dict[str, tuple[float, float]],
    solved: bool,
    held: np.ndarray,
    scale: float,
) -> Fit:
    params = law._params()
    slope = law.slope(x)
    free = len(x) - len(params)
    off = y - law._formula(x, law._theta())
    variance = (off**2).sum() / free if free > 0 else np.inf
    # What priors add to the squared slopes of the points, in the units of the parameters.
    known = held / np.array([v if n in law.positive else 1.0 for n, v in params.items()]) ** 2
    # Scale columns before inverting: parameters differ by orders of magnitude.
    norm = np.sqrt((slope**2).sum(axis=0) + known)
    fixed = norm > 0
    covariance = np.full((len(params),) * 2, np.nan)
    # Slopes of nearly 0, as beside a point that is far off, may overflow or leave a variance below 0: a free parameter.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        information = (slope / norm).T @ (slope / norm) + np.diag(known / norm**2)
        if np.isfinite(variance) and fixed.all() and np.linalg.cond(information) < 1e20:
            # Scatter of the points, and the bias towards the priors if the parameters are spread as they say.
            inverse = np.linalg.inv(information)
            middle = variance * (slope / norm).T @ (slope / norm) + scale**2 * np.diag(known / norm**2)
            covariance = inverse @ middle @ inverse / np.outer(norm, norm)
        errors = np.sqrt(np.diag(covariance))
    stderr = {n: float(e) if np.isfinite(e) else np.inf for n, e in zip(params, errors, strict=True)}
    at_edge = [
        f"{n} = {v:.3g} at the edge of [{edges[n][0]:.3g}, {edges[n][1]:.3g}]"
        for n, v in params.items()
        if min(abs(np.log(v / e)) if n in law.positive else abs(v - e) for e in edges[n]) < 1e-3
    ]
    # A positive parameter known to no better than a factor of e² either way is not known.
    loose = [n for n in params if stderr[n] > (params[n] if n in law.positive else np.inf) or np.isinf(stderr[n])]
    doubt = law._doubt(x)
    if not solved:
        status, message = "failed", "no start converged: inspect the points."
    elif flat := _flat(y, law(x), free, law.y_name):
        status, message = "unconstrained", "; ".join(filter(None, [flat, doubt])) + "."
    elif at_edge and not doubt:
        status, message = "bound", "; ".join(at_edge) + ": read the curve, not the parameters."
    elif doubt or loose:
        named = f"the points leave {', '.join(loose)} free" if loose else ""
        status, message = "unconstrained", "; ".join(filter(None, [doubt, *at_edge, named])) + "."
    else:
        status, message = "ok", f"{len(x)} points, {free} degrees of freedom."
    return Fit(law, x, y, params, stderr, status, message, covariance, float(np.sqrt(variance)))


def _flat(y: np.ndarray, fitted: np.ndarray, free: int, unit: str) -> str:
    """Say so if a constant describes the points as well as the law does (F test at 5 %)."""
    spread, rss = ((y - y.mean()) ** 2).sum(), ((y - fitted) ** 2).sum()
    if spread <= len(y) * 1e-24:
        return f"every point has {y[0]:g} {unit}: without a rise the law's parameters mean nothing"
    extra = len(y) - 1 - free
    if free > 0 and rss > 0:
        chance = float(f_distribution.sf((spread - rss) / extra / (rss / free), extra, free))
        if chance > 0.05:
            return f"a constant fits as well (p = {chance:.2g}): there is no rise to read parameters from"
    return ""


def power_starts(x: np.ndarray, y: np.ndarray, exponents: np.ndarray) -> list[tuple[float, float, float]]:
    """Return level, factor and exponent of level + factor · x^(−s) for each s: a straight line once s is given."""
    starts = []
    for s in exponents:
        power = (x / x.min()) ** -s
        shift = power - power.mean()
        factor = float(shift @ (y - y.mean())) / float(shift @ shift)
        starts.append((float(y.mean() - factor * power.mean()), factor * float(x.min()) ** s, float(s)))
    return starts
