"""Whether points reject a law that was fitted to them, so that its parameters mean nothing."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

if TYPE_CHECKING:
    from helpers.laws.fit import Fit

# A law is rejected if points that follow it would be so far off in fewer than this share of sweeps.
RARE = 0.01
# The same for each of the two further tests of a noise curve; ``benchmarks/shape.py`` measures all three together.
RARER = 0.005


def lack_of_fit(fit: "Fit") -> float:
    """Return the p-value of the means at each x lying on the law, given the scatter of repeats at equal x.

    The F test of lack of fit: a small value says that the law misses in a way that seeds do not explain. What all
    depths of a seed share counts as scatter, so that the test misses failures rather than invents them.

    Repeats are seeds at the same depth or number of cells (``laws.fit.levels``). NaN where there are none, or no more
    values of x than parameters.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> x = np.repeat(np.geomspace(10, 1e4, 8), 3)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, 24)
    >>> lack_of_fit(NoiseLaw.fit(x, NoiseLaw(2.0, 100.0)(x) + noise)) > 0.05
    True
    >>> lack_of_fit(NoiseLaw.fit(x, 2 * x / (x + 100) + noise)) < 0.01
    True
    """
    many, means, pure, repeats = _by_level(fit)
    free = len(many) - len(fit.params)
    if free < 1 or repeats < 1 or pure == 0:
        return float("nan")
    return float(f_distribution.sf(float((many * means**2).sum()) / free / pure, free, repeats))


def _by_level(fit: "Fit") -> tuple[np.ndarray, np.ndarray, float, int]:
    """Return at each level of x the number of points and their mean residual; the variance of repeats and its d.o.f."""
    many, means = np.bincount(fit.levels), fit.means(fit.weighted_residuals)
    repeats = fit.n_points - len(many)
    pure = float(((fit.weighted_residuals - means[fit.levels]) ** 2).sum()) / repeats if repeats else float("nan")
    return many, means, pure, repeats


def exceeds_top(fit: "Fit", top: float) -> float:
    """Return the p-value of the largest mean of the points lying above ``top``, the most that the law can reach.

    One-sided, for the most outlying level of all (Bonferroni); the error is that of the mean, from the scatter of
    repeats, and that of ``top``.
    """
    many, _, pure, repeats = _by_level(fit)
    if repeats < 1 or not pure > 0:
        return float("nan")
    error = np.sqrt(pure / many + min(fit.stderr["i_max"], 1e6) ** 2)
    return float(min(1.0, len(many) * student_t.sf(((fit.means(fit.y) - top) / error).max(), repeats)))


def another_exponent(fit: "Fit", direction: np.ndarray) -> float:
    """Return the p-value of a further parameter being needed, from its slope at the fitted law (score test).

    ``direction`` (n_points,) is the derivative of the law by the further parameter, where it has the value that the
    law supposes.
    """
    free = fit.n_points - len(fit.params) - 1
    if free < 1:
        return float("nan")
    slopes, direction = fit.law.slope(fit.x) * fit.weights[:, None], direction * fit.weights
    slopes = slopes / np.maximum(np.linalg.norm(slopes, axis=0), 1e-300)
    beyond = direction - slopes @ np.linalg.lstsq(slopes, direction, rcond=None)[0]
    length = float(np.linalg.norm(beyond))
    if not length > 1e-8 * float(np.linalg.norm(direction)):
        return float("nan")
    explained = float(beyond @ fit.weighted_residuals / length) ** 2
    left = float((fit.weighted_residuals**2).sum()) - explained
    return float(f_distribution.sf(explained / (left / free), 1, free)) if left > 0 else float("nan")


def judged(fit: "Fit") -> "Fit":
    """Return the fit with status ``misfit`` if its points reject the law, with the reason; else as it is.

    What the points leave free, if they do, stays in the message.
    """
    if fit.status == "failed" or fit.penalised:
        return fit
    objections = [sentence for sentence, p, rare in fit.law.objections(fit) if p < rare]
    if not objections or fit.status == "misfit":
        return fit
    doubts = [] if fit.status == "ok" else [fit.message.removesuffix(".")]
    return replace(fit, status="misfit", message="; ".join([*objections, *doubts]) + ".")
