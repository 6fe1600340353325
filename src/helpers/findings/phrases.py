"""Words that follow from intervals, so that a sentence says what the results say and changes when they do."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import choose, in_range
from helpers.findings.curves import RARE, law_table
from helpers.laws import Fit, NoiseLaw, parameter_table, ratio_table

_SYMBOLS = {"i_max": "I_max", "u_bar": "ū"}


def place(
    low: float,
    high: float,
    bound: float = 1.0,
    words: tuple[str, str, str] = ("smaller than", "not told apart from", "larger than"),
) -> str:
    """Return the word for an interval that lies below a bound, holds it, or lies above it.

    Parameters
    ----------
    low, high : float
        An end that is not known (NaN) rules nothing out.
    bound : float
    words : tuple of str
        For below, holding and above.

    Examples
    --------
    >>> place(0.7, 0.9), place(0.9, 1.1), place(1.2, 1.5), place(float("nan"), 0.9)
    ('smaller than', 'not told apart from', 'larger than', 'not told apart from')
    """
    if np.isnan(low) or np.isnan(high) or low <= bound <= high:
        return words[1]
    return words[0] if high < bound else words[2]


def spelt(value: float, low: float, high: float, form: str = ".2f", unit: str = "") -> str:
    """Return a value with its 95 % interval as a sentence has it; one with infinite ends, or none, is not bounded.

    Examples
    --------
    >>> spelt(1.5, 1.25, 1.75, unit=" bits")
    '1.50 bits (95 % interval 1.25 to 1.75)'
    >>> spelt(1.5, float("-inf"), float("inf"))
    '1.50 (the points bound no interval)'
    """
    if not np.isfinite([low, high]).all():
        return f"{value:{form}}{unit} (the points bound no interval)"
    return f"{value:{form}}{unit} (95 % interval {low:{form}} to {high:{form}})"


def relative(fits: dict[str, Fit], first: str, second: str, parameter: str = "i_max") -> str:
    """Return a clause that compares a parameter of two noise laws, by the 95 % interval of its ratio.

    Parameters
    ----------
    fits : dict of curve → Fit of a ``NoiseLaw``
    first, second : curves
    parameter : "i_max" or "u_bar"

    Examples
    --------
    >>> u = np.geomspace(10, 1e4, 8)
    >>> wobble = 0.01 * np.resize([1, -1], 8)
    >>> fits = {name: NoiseLaw.fit(u, NoiseLaw(top, 90.0)(u) + wobble) for name, top in {"a": 2.0, "b": 1.0}.items()}
    >>> relative(fits, "a", "b").split(",")[0]
    'I_max of “a” is larger than that of “b”'
    >>> relative(fits, "a", "b", "u_bar").split(",")[0]
    'ū of “a” is not told apart from that of “b”'
    """
    what = _SYMBOLS[choose(parameter, _SYMBOLS, "parameter of the noise law")]
    if first == second:
        return f"“{first}” is the only curve, so its {what} has none to be compared with"
    pair = {(name,): fits[choose(name, fits, "curve")] for name in (first, second)}
    row = ratio_table(parameter_table(pair, ["model"]).assign(data=""), ["data"], second).iloc[0]
    low, high = float(row[f"{what}: low"]), float(row[f"{what}: high"])
    ratio = spelt(float(row[f"{what} ÷ {second}'s"]), low, high)
    return f"{what} of “{first}” is {place(low, high)} that of “{second}”, with a ratio of {ratio}"


def reached(fit: Fit) -> tuple[float, float, float]:
    """Return the share of I_max that a noise law has at its deepest point, with its 95 % interval.

    >>> [round(v, 2) for v in reached(NoiseLaw.fit([10, 30, 100], NoiseLaw(1.0, 30.0)([10, 30, 100])))]
    [0.86, 0.86, 0.86]
    """
    deepest = float(fit.x.max())
    return fit.derived(lambda law: float(law(deepest)) / law.i_max)


def cost_of_less(fit: Fit, factor: float = 2.0) -> tuple[float, float, float]:
    """Return the bits that a noise law loses if its deepest point were ``factor`` times shallower, with 95 % interval.

    >>> [round(v, 3) for v in cost_of_less(NoiseLaw.fit([10, 30, 100], NoiseLaw(1.0, 30.0)([10, 30, 100])))]
    [0.101, 0.101, 0.101]
    """
    in_range(factor, 1, 1e6, "factor", open_low=True)
    deepest = float(fit.x.max())
    return fit.derived(lambda law: float(law(deepest)) - float(law(deepest / factor)))


def same_bits(fits: dict[str, Fit], first: str, second: str) -> str:
    """Return a clause: at which depth one curve has, by its law, what another has at its deepest point.

    Parameters
    ----------
    fits : dict of curve → Fit of a ``NoiseLaw``
    first, second : curves; the first one's depth is asked

    Examples
    --------
    >>> u = np.geomspace(10, 1e4, 8)
    >>> fits = {name: NoiseLaw.fit(u, NoiseLaw(top, 90.0)(u)) for name, top in {"a": 2.0, "b": 1.0}.items()}
    >>> same_bits(fits, "a", "b")
    '“a” has at 22 UMIs per cell (95 % interval 22 to 22), 449.4 times fewer, the 1.00 bits that “b” has at 10,000'
    >>> same_bits(fits, "b", "a")
    '“b” never reaches the 1.99 bits that “a” has at 10,000 UMIs per cell'
    """
    if first == second:
        return f"“{first}” is the only curve, so there is none to compare its depth with"
    fit, other = (fits[choose(name, fits, "curve")] for name in (first, second))
    deepest = float(other.x.max())
    bits, low, high = other.derived(lambda law: float(law(deepest)))
    what = f"the {bits:.2f} bits that “{second}” has at {deepest:,.0f}"
    depths = [_depth(fit, b) for b in (bits, low, high)]
    if not np.isfinite(depths[0][0]):
        return f"“{first}” never reaches {what} UMIs per cell"
    need = depths[0][0]
    # The errors of both laws, in the logarithm of the depth: the first's at these bits, the second's by its own ends.
    ends = [
        np.exp(np.log(need) + sign * np.hypot(np.log(depths[0][i] / need), np.log(depths[i][0] / need)))
        for sign, i in ((-1, 1), (1, 2))
    ]
    fold = f"{deepest / need:.1f} times fewer" if need < deepest else f"{need / deepest:.1f} times as many"
    return f"“{first}” has at {spelt(need, ends[0], ends[1], ',.0f', ' UMIs per cell')}, {fold}, {what}"


def _depth(fit: Fit, bits: float) -> tuple[float, float, float]:
    """Return the depth for bits by a noise law with its interval; infinite where it does not reach them."""
    if not isinstance(fit.law, NoiseLaw):
        raise TypeError(f"the fit is of a {type(fit.law).__name__}: same_bits takes fits of NoiseLaw.")
    bits = max(bits, 1e-9)
    if not np.isfinite(bits) or bits >= fit.law.i_max:
        return (float("inf"),) * 3
    # A law that is moved a little may not reach them any more: the greatest depth there is then, not an error.
    return fit.derived(lambda law: min(float(law.depth_for(bits)), 1e300), positive=True)


def misfit(fits: dict[str, Fit], curve: str) -> str:
    """Return a clause on how far the means of a curve lie off its noise law, and whether beyond the scatter of seeds.

    Examples
    --------
    >>> x = np.repeat(np.geomspace(10, 1e4, 8), 3)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, 24)
    >>> misfit({"a": NoiseLaw.fit(x, 2 * x / (x + 100) + noise)}, "a").split(",")[1]
    ' which is more than the scatter of seeds explains (p < 0.001)'
    """
    row = law_table({(curve,): fits[choose(curve, fits, "curve")]}, ["curve"]).iloc[0]
    p = float(row["lack_of_fit"])
    why = "without repeats at equal depth nothing says whether that is chance"
    if not np.isnan(p):
        chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        why = f"which is {'more' if p < RARE else 'no more'} than the scatter of seeds explains ({chance})"
    where = f"{abs(row['worst']):.2f} bits at {row['worst_at']:,.0f} UMIs per cell"
    return f"the mean furthest off the law is off by {where}, {why}"


def smallest(values: pd.Series) -> str:
    """Return the name of the least of named values as it is printed, and every name that ties with it.

    >>> smallest(pd.Series({"lmi": 0.051, "ksg": 0.4, "cca": 0.049}))
    'lmi and cca'
    """
    rounded = values.round(2)
    return " and ".join(map(str, rounded.index[rounded == rounded.min()]))


def fixed(fits: dict[Any, Fit]) -> str:
    """Return how many of some fits fix all their parameters.

    >>> fixed({"a": NoiseLaw.fit([10, 30, 100, 300], NoiseLaw(1.0, 30.0)([10, 30, 100, 300]))})
    '1 of 1'
    """
    return f"{sum(fit.status == 'ok' for fit in fits.values())} of {len(fits)}"
