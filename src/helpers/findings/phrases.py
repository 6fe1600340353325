"""Words that follow from intervals, so that a sentence says what the results say and changes when they do."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.numbers import without_e
from helpers._utils.validation import choose
from helpers.findings.curves import RARE, law_table
from helpers.laws import Fit, NoiseLaw
from helpers.store.model_free import MeasuredCurve


def place(
    low: float,
    high: float,
    bound: float = 1.0,
    words: tuple[str, str, str] = ("smaller than", "not told apart from", "larger than"),
) -> str:
    """Return the word for an interval that lies below a bound, holds it (or has an unknown end, NaN), or lies above it.

    Examples
    --------
    >>> place(0.7, 0.9), place(0.9, 1.1), place(1.2, 1.5), place(float("nan"), 0.9)
    ('smaller than', 'not told apart from', 'larger than', 'not told apart from')
    """
    if np.isnan(low) or np.isnan(high) or low <= bound <= high:
        return words[1]
    return words[0] if high < bound else words[2]


def spelt(value: float, low: float, high: float, form: str = ".2f", unit: str = "") -> str:
    """Return a value with its 95 % interval as a sentence has it; infinite ends are not bounded, of one seed is none.

    Examples
    --------
    >>> spelt(1.5, 1.25, 1.75, unit=" bits")
    '1.50 bits (95 % interval 1.25 to 1.75)'
    >>> spelt(1.5, float("-inf"), float("inf"))
    '1.50 (the points bound no interval)'
    """
    if np.isnan([low, high]).any():
        return f"{value:{form}}{unit}"
    if not np.isfinite([low, high]).all():
        return f"{value:{form}}{unit} (the points bound no interval)"
    return f"{value:{form}}{unit} (95 % interval {low:{form}} to {high:{form}})"


def spelt_in(row: Any, name: str, form: str = ".2f", unit: str = "") -> str:
    """Return a quantity of a row of a table, whose ends are in ``name_low`` and ``name_high``, as a sentence has it.

    >>> spelt_in({"step": 0.02, "step_low": 0.01, "step_high": 0.03}, "step", unit=" bits")
    '0.02 bits (95 % interval 0.01 to 0.03)'
    """
    return spelt(row[name], row[f"{name}_low"], row[f"{name}_high"], form, unit)


def bits_compared(curves: dict[str, MeasuredCurve], first: str, second: str) -> str:
    """Return a clause with what two curves have at their own depths.

    Examples
    --------
    >>> points = pd.DataFrame({"noise_level": [1, 0.1], "umis_per_cell": [900, 90], "seed": 0, "mi_bits": [2.0, 1.0]})
    >>> curves = {name: MeasuredCurve(points) for name in "ab"}
    >>> bits_compared(curves, "a", "b")
    '“a” has 2.00 bits at its own depth and “b” 2.00 bits'
    >>> depths_compared(curves, "a", "b")
    '0.25 bits are missing at 506 UMIs per cell for “a” and 506 for “b”'
    >>> same_bits(curves, "a", "b")
    '“a” has at 900 UMIs per cell (95 % interval 900 to 900) the 2.00 bits that “b” has at 900'
    """
    one, other = (spelt(*_curve(curves, name).own_depth(), unit=" bits") for name in (first, second))
    return f"“{first}” has {one} at its own depth and “{second}” {other}"


def depths_compared(curves: dict[str, MeasuredCurve], first: str, second: str) -> str:
    """Return a clause with the depths at which a quarter of a bit is missing from two curves."""
    one, other = (_curve(curves, name).depth_missing(0.25) for name in (first, second))
    depths = spelt(*one, ",.0f", " UMIs per cell"), spelt(*other, ",.0f")
    return f"0.25 bits are missing at {depths[0]} for “{first}” and {depths[1]} for “{second}”"


def same_bits(curves: dict[str, MeasuredCurve], first: str, second: str) -> str:
    """Return a clause: at which depth one curve has what another has at its own depth."""
    curve, other = _curve(curves, first), _curve(curves, second)
    bits = other.own_depth().value
    what = f"the {bits:.2f} bits that “{second}” has at {other.u[-1]:,.0f}"
    need = curve.depth_with(bits)
    if not np.isfinite(need.value):
        return f"“{first}” does not reach {what} UMIs per cell"
    return f"“{first}” has at {spelt(*need, ',.0f', ' UMIs per cell')} {what}"


def _curve(curves: dict[str, MeasuredCurve], name: str) -> MeasuredCurve:
    return curves[choose(name, curves, "curve")]


def law_says(fit: Fit) -> str:
    """Return the sentence about a noise law: its parameters, or why its points forbid to quote them.

    Examples
    --------
    >>> u = [10, 30, 100, 300]
    >>> law_says(NoiseLaw.fit(u, NoiseLaw(1.0, 30.0)(u))).split(",")[0]
    'The points agree with the noise law'
    """
    if not isinstance(fit.law, NoiseLaw):
        raise TypeError(f"the fit is of a {type(fit.law).__name__}: law_says takes fits of NoiseLaw.")
    if fit.status == "misfit":
        return f"The points reject the noise law, so its I_max and ū are not quoted: {without_e(fit.message)}"
    if fit.status != "ok":
        return f"The points do not fix the noise law ({fit.status}): {without_e(fit.message)}"
    ends = fit.interval()
    i_max = spelt(fit.params["i_max"], *ends["i_max"], unit=" bits")
    u_bar = spelt(fit.params["u_bar"], *ends["u_bar"], ",.0f", " UMIs per cell")
    return f"The points agree with the noise law, with I_max = {i_max} and ū = {u_bar}."


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
