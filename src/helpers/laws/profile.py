"""Confidence intervals by profile likelihood: hold one parameter, fit the others, see what the points allow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq, least_squares

if TYPE_CHECKING:
    from helpers.laws.base import Fit, Law


def profile_interval(fit: "Fit", name: str, level: float) -> tuple[float, float]:
    """Where the profiled sum of squares passes RSS·(1 + t²/(n − p)), searching outwards on each side."""
    law, x, y = fit.law, fit.x, fit.y
    names = list(fit.params)
    at = names.index(name)
    best = law._theta()
    free = len(x) - len(best)
    rss = float((fit.residuals**2).sum())
    quantile = fit.t_quantile(level)
    # Information is never known to better than a millionth of a bit.
    rise = max(rss, len(x) * 1e-12) * (1 + quantile**2 / free) - rss
    step = fit.stderr[name] / (fit.params[name] if name in law.positive else 1.0)
    step = float(np.clip(quantile * step if np.isfinite(step) else 1.0, 1e-9, 1.0))
    return ends(type(law), name, best[at], step, lambda: _excess(law, x, y, best, at, rss, rise))


def ends(
    law: "type[Law]", name: str, start: float, step: float, new_excess: Callable[[], Callable[[float], float]]
) -> tuple[float, float]:
    """Return where a parameter leaves what the points allow on either side, walking from its coordinate ``start``."""
    positive = name in law.positive
    with np.errstate(divide="ignore"):  # a positive parameter has no end above 0
        edges = [np.log(edge) if positive else edge for edge in law.allowed[name]]
    low, high = (walk(new_excess(), start, side * step, edge) for side, edge in zip((-1, 1), edges, strict=True))
    return (float(np.exp(low)), float(np.exp(high))) if positive else (float(low), float(high))


def _excess(
    law: "Law", x: np.ndarray, y: np.ndarray, best: np.ndarray, at: int, rss: float, rise: float
) -> Callable[[float], float]:
    """Root of how far the sum of squares rises with one parameter held, less that of ``rise``; warm-started.

    The root is nearly a straight line in the parameter, so its crossing is found in few steps.
    """
    others = [i for i in range(len(best)) if i != at]
    last = best[others]

    def excess(value: float) -> float:
        nonlocal last

        def theta(rest: np.ndarray) -> np.ndarray:
            out = np.empty(len(best))
            out[at], out[others] = value, rest
            return out

        def search(start: np.ndarray, **how: Any) -> Any:
            return least_squares(
                lambda rest: law._formula(x, theta(rest)) - y, start,
                lambda rest: law._slope(x, theta(rest))[:, others], x_scale="jac", max_nfev=100, **how,
            )  # fmt: skip

        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far out, the search meets any value
            starts = (last, best[others])
            found = [search(start, method="lm") for start in starts]
            if not all(np.isfinite(f.cost) and (np.abs(f.x - best[others]) < 50).all() for f in found):
                found = [search(start, bounds=(best[others] - 50, best[others] + 50)) for start in starts]
        nearest = min(found, key=lambda f: f.cost)
        last = nearest.x
        return float(np.sqrt(max(2 * nearest.cost - rss, 0.0)) - np.sqrt(rise))

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
