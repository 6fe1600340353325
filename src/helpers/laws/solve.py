"""Least squares from many starts, and what the points then say of each parameter."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import f as f_distribution

from helpers.laws.fit import EQUAL, Fit
from helpers.laws.misfit import judged

if TYPE_CHECKING:
    from helpers.laws.base import Law

Function = Callable[[np.ndarray], np.ndarray]


def solved(
    law: "type[Law]",
    x: np.ndarray,
    y: np.ndarray,
    starts: list[np.ndarray],
    prior: np.ndarray | None = None,
    scale: float = 1.0,
    tolerance: float = 1e-15,
    weights: np.ndarray = EQUAL,
) -> Fit:
    """Polish each start, keep the least sum of squares, and judge what the points say of the parameters.

    ``prior`` are means and standard deviations of the coordinates searched, weighed against points of error ``scale``.
    ``tolerance`` ends the search. ``weights`` (n_points,) multiply residuals; their mean square is 1.
    """

    def residual(theta: np.ndarray) -> np.ndarray:
        off = (law._formula(x, theta) - y) * weights
        return off if prior is None else np.concatenate([off, scale * (theta - prior[0]) / prior[1]])

    def slope(theta: np.ndarray) -> np.ndarray:
        at_points = law._slope(x, theta) * weights[:, None]
        return at_points if prior is None else np.vstack([at_points, np.diag(scale / prior[1])])

    bounds = law._bounds(x, y)
    ends = [_polished(residual, slope, start, *bounds, tolerance) for start in starts]
    finite = [end for end in ends if np.isfinite(end.cost)]
    best = min(finite or ends, key=lambda end: end.cost)
    weight = np.zeros(len(best.x)) if prior is None else (scale / prior[1]) ** 2
    fit = _with_errors(law._from_theta(best.x), x, y, bool(finite), weight, scale, weights)

    # With priors, points have the error against which those are weighed, so that laws drawn from it spread as far.
    error = fit.spread if prior is None else max(fit.spread, scale)

    def log_likelihood(theta: np.ndarray) -> float:
        return -float((residual(theta) ** 2).sum()) / error**2 / 2

    return judged(replace(fit, log_likelihood=log_likelihood, penalised=prior is not None))


def valleys(law: "type[Law]", x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Return the starts whose sum of squares is no larger than that of their neighbours on the path."""
    path = [np.clip(start, *law._bounds(x, y)) for start in law._starts(x, y)]
    costs = np.array([((law._formula(x, theta) - y) ** 2).sum() for theta in path])
    padded = np.concatenate([[np.inf], np.where(np.isfinite(costs), costs, np.inf), [np.inf]])
    return [path[i] for i in np.flatnonzero((padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:]))]


def _polished(
    residual: Function, slope: Function, start: np.ndarray, low: np.ndarray, high: np.ndarray, tolerance: float
) -> Any:
    """Least squares by Levenberg and Marquardt; where that leaves the search, within its edges."""
    options = {"x_scale": "jac", "max_nfev": 400} | dict.fromkeys(("xtol", "ftol", "gtol"), tolerance)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far out, the search meets any value
        free = least_squares(residual, start, slope, method="lm", **options)
    if np.isfinite(free.cost) and ((low < free.x) & (free.x < high)).all():
        return free
    inside = np.clip(start, low + 1e-9 * (high - low), high - 1e-9 * (high - low))
    return least_squares(residual, inside, slope, bounds=(low, high), **options)


def _with_errors(
    law: "Law",
    x: np.ndarray,
    y: np.ndarray,
    converged: bool,
    weight: np.ndarray,
    scale: float,
    weights: np.ndarray,
) -> Fit:
    """Return the fit of a law to points: covariance, status and message; ``weight`` is that of the priors."""
    params = law._params()
    free = len(x) - len(params)
    variance = (((y - law._formula(x, law._theta())) * weights) ** 2).sum() / free if free > 0 else np.inf
    covariance = _covariance(law.slope(x) * weights[:, None], weight / law._units() ** 2, variance, scale)
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diag(covariance))
    stderr = {n: float(e) if np.isfinite(e) else np.inf for n, e in zip(params, errors, strict=True)}
    status, message = _verdict(law, x, y, stderr, converged)
    return Fit(law, x, y, params, stderr, status, message, covariance, float(np.sqrt(variance)), weights=weights)


def _covariance(slope: np.ndarray, weight: np.ndarray, variance: float, scale: float) -> np.ndarray:
    """Return the covariance of the parameters; NaN where points and priors leave one free.

    It is the scatter of the points, and the bias towards the priors if the parameters are spread as they say;
    ``weight`` is what priors add to the squared slopes of the points, in the units of the parameters.
    """
    # Scale columns before inverting: parameters differ by orders of magnitude.
    norm = np.sqrt((slope**2).sum(axis=0) + weight)
    # Slopes of nearly 0, as with a point that is far off, may overflow or leave a variance below 0: a free parameter.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        priors = np.diag(weight / norm**2)
        information = (slope / norm).T @ (slope / norm) + priors
        if np.isfinite(variance) and (norm > 0).all() and np.linalg.cond(information) < 1e20:
            inverse = np.linalg.inv(information)
            middle = variance * (slope / norm).T @ (slope / norm) + scale**2 * priors
            return inverse @ middle @ inverse / np.outer(norm, norm)
    return np.full((len(norm),) * 2, np.nan)


def _verdict(law: "Law", x: np.ndarray, y: np.ndarray, stderr: dict[str, float], converged: bool) -> tuple[str, str]:
    """Return status and message of a fit that its points may not fix (``Fit``)."""
    params, edges, free = law._params(), law._limits(x, y), len(x) - len(stderr)
    at_edge = [
        f"{n} = {v:.3g} at the edge of [{edges[n][0]:.3g}, {edges[n][1]:.3g}]"
        for n, v in params.items()
        if min(abs(np.log(v / e)) if n in law.positive else abs(v - e) for e in edges[n]) < 1e-3
    ]
    # A positive parameter known to no better than a factor of e² either way is not known.
    loose = [n for n in params if stderr[n] > (params[n] if n in law.positive else np.inf) or np.isinf(stderr[n])]
    doubt = law._doubt(x)
    if not converged:
        return "failed", "no start converged: inspect the points."
    if flat := _flat(y, law(x), free, law.y_name):
        return "unconstrained", "; ".join(filter(None, [flat, doubt])) + "."
    if at_edge and not doubt:
        return "bound", "; ".join(at_edge) + ": read the curve, not the parameters."
    if doubt or loose:
        named = f"the points leave {', '.join(loose)} free" if loose else ""
        return "unconstrained", "; ".join(filter(None, [doubt, *at_edge, named])) + "."
    return "ok", f"{len(x)} points, {free} degrees of freedom."


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
