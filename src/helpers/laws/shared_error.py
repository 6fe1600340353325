"""Intervals of parameters where all points of a curve share an error, such as that of the probe cells."""

from typing import Any

import numpy as np
from scipy.stats import norm

from helpers._utils.validation import as_numbers, in_range
from helpers.laws.fit import Fit


def interval_with_shared_error(fit: Fit, error: Any, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Return each parameter's interval with an error added that moves all points of the curve together.

    The scatter around a curve, which ``Fit.interval`` knows, does not show it. The law is fitted to the points moved up
    and down by one standard error; half the distance of the estimates is the parameter's own standard error from it,
    on a logarithmic scale for a positive parameter. Both sides of the interval grow by it in quadrature.

    Parameters
    ----------
    fit : Fit
        Of a law of one variable, without priors.
    error : float or (n_points,) array
        Standard error of each point that is shared by all, in the unit of the points.
    level : float

    Returns
    -------
    dict of parameter → (low, high)

    Raises
    ------
    ValueError
        If an error is not a number of 0 or more, there are not as many as points, or the fit has priors.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = np.repeat(np.geomspace(10, 1e4, 8), 3)
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 100.0)(u) + 0.01 * np.tile([1, 0, -1], 8))
    >>> [round(end, 2) for end in fit.interval()["i_max"]]
    [1.99, 2.01]
    >>> [round(end, 2) for end in interval_with_shared_error(fit, np.full(24, 0.03))["i_max"]]
    [1.94, 2.06]
    """
    in_range(level, 0, 1, "level")
    given = as_numbers(error, "shared error")
    if given.shape not in ((), fit.y.shape):
        raise ValueError(f"shared error has shape {given.shape}: give one for all {fit.n_points} points, or one each.")
    good = (given >= 0) & np.isfinite(given)
    if not good.all():
        raise ValueError(f"shared error holds {given[~good].flat[0]:g}: give numbers of 0 or more.")
    error = np.broadcast_to(given, fit.y.shape)
    intervals = fit.interval(level)
    up, down = (type(fit.law).fit(fit.x, fit.y + sign * error).params for sign in (1, -1))
    z = float(norm.ppf(0.5 + level / 2))
    widened = {}
    for name, (low, high) in intervals.items():
        value = fit.params[name]
        positive = name in fit.law.positive
        half = z * abs(np.log(up[name] / down[name]) if positive else up[name] - down[name]) / 2
        with np.errstate(divide="ignore"):  # an interval that begins at 0
            ends = [np.log(end / value) if positive else end - value for end in (low, high)]
        low, high = (sign * np.hypot(end, half) for sign, end in zip((-1, 1), ends, strict=True))
        widened[name] = (
            (float(value * np.exp(low)), float(value * np.exp(high))) if positive else (value + low, value + high)
        )
    return widened
