"""Confidence intervals by profile likelihood: hold one parameter, fit the others, see what the points allow."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq, least_squares

if TYPE_CHECKING:
    from helpers.laws.base import Fit, Law


# From starts that hold one coordinate at the same value: the coordinates of least cost there, and how far it has risen.
Polish = Callable[[list[np.ndarray]], tuple[np.ndarray, float]]


def profile_interval(fit: "Fit", name: str, level: float) -> tuple[float, float]:
    """Where the profiled sum of squares passes RSS·(1 + t²/(n − p)), searching outwards on each side."""
    law, x, y = fit.law, fit.x, fit.y
    best = law._theta()
    rss = float((fit.weighted_residuals**2).sum())
    quantile = fit.t_quantile(level)
    # Information is never known to better than a millionth of a bit.
    rise = max(rss, len(x) * 1e-12) * (1 + quantile**2 / (len(x) - len(best))) - rss
    step = fit.stderr[name] / (fit.params[name] if name in law.positive else 1.0)
    step = float(np.clip(quantile * step if np.isfinite(step) else 1.0, 1e-9, 1.0))
    others = [i for i, parameter in enumerate(fit.params) if parameter != name]

    def polish(starts: list[np.ndarray]) -> tuple[np.ndarray, float]:
        def theta(rest: np.ndarray) -> np.ndarray:
            whole = starts[0].copy()
            whole[others] = rest
            return whole

        def residual(rest: np.ndarray) -> np.ndarray:
            return (law._formula(x, theta(rest)) - y) * fit.weights

        def slope(rest: np.ndarray) -> np.ndarray:
            return law._slope(x, theta(rest))[:, others] * fit.weights[:, None]

        options = {"x_scale": "jac", "max_nfev": 100}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far out, the search meets any value
            runs = [least_squares(residual, start[others], slope, method="lm", **options) for start in starts]
            if not all(np.isfinite(run.cost) and (np.abs(run.x - best[others]) < 50).all() for run in runs):
                bounds = best[others] - 50, best[others] + 50
                runs = [least_squares(residual, start[others], slope, bounds=bounds, **options) for start in starts]
        nearest = min(runs, key=lambda run: run.cost)
        return theta(nearest.x), 2 * nearest.cost - rss

    return ends(type(law), name, best, step, rise, polish)


def ends(
    law: "type[Law]", name: str, best: np.ndarray, step: float, rise: float, polish: Polish
) -> tuple[float, float]:
    """Return where a parameter leaves what the points allow: where the cost has risen by ``rise``, on either side."""
    at, positive = list(law.allowed).index(name), name in law.positive
    with np.errstate(divide="ignore"):  # a positive parameter has no end above 0
        edges = [np.log(edge) if positive else edge for edge in law.allowed[name]]
    low, high = (
        walk(_excess(best, at, rise, polish), best[at], side * step, edge)
        for side, edge in zip((-1, 1), edges, strict=True)
    )
    return (float(np.exp(low)), float(np.exp(high))) if positive else (float(low), float(high))


def _excess(best: np.ndarray, at: int, rise: float, polish: Polish) -> Callable[[float], float]:
    """Root of how far the cost rises with one coordinate held, less that of ``rise``; warm-started.

    The root is nearly a straight line in the coordinate, so its crossing is found in few steps.
    """
    last = best

    def excess(value: float) -> float:
        nonlocal last
        starts = [last.copy(), best.copy()]
        for start in starts:
            start[at] = value
        last, height = polish(starts)
        return float(np.sqrt(max(height, 0.0)) - np.sqrt(rise))

    return excess


def walk(excess: Callable[[float], float], start: float, step: float, edge: float) -> float:
    """Return where ``excess`` crosses zero going from ``start`` by growing steps; the edge if it never does."""
    inner, outer, limit = start, start + step, start + (np.sign(step) * 30)
    limit = max(limit, edge) if step < 0 else min(limit, edge)
    for _ in range(60):
        outer = max(outer, limit) if step < 0 else min(outer, limit)
        if excess(outer) > 0:
            tolerance = 1e-4 * abs(outer - start)
            try:
                return float(brentq(excess, inner, outer, xtol=tolerance))
            except ValueError:  # the profile is found by a search, so its sign near zero may flicker
                return _bisect(excess, inner, outer, tolerance)
        if outer == limit:
            return float(edge)
        inner, outer = outer, outer + 1.6 * (outer - start)
    return float(edge)


def _bisect(excess: Callable[[float], float], inside: float, outside: float, tolerance: float) -> float:
    """Halve towards the crossing, whatever the sign does."""
    while abs(outside - inside) > tolerance:
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if excess(middle) > 0 else (middle, outside)
    return (inside + outside) / 2
