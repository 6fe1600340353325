"""Fit a law to every curve of a table, and put the fits in one table."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.numbers import with_interval
from helpers._utils.validation import brief, in_range
from helpers.laws.base import Law
from helpers.laws.fit import Fit, check_fit
from helpers.laws.noise import NoiseLaw


def fit_groups(points: pd.DataFrame, law: type[Law], x: str, by: str | list[str] = "representation") -> dict[Any, Fit]:
    """Fit ``law`` to the points of every curve.

    Parameters
    ----------
    points : DataFrame with the columns ``by``, ``x`` and ``mi_bits``, one row a seed and depth
    law : NoiseLaw or CellNumberLaw
    x : column of the law's variable
    by : column whose values are the curves, or columns

    Returns
    -------
    dict of curve → Fit, in the order of the names; a curve is a tuple if ``by`` is a list.
    """
    return {name: law.fit(rows[x], rows["mi_bits"]) for name, rows in points.groupby(by)}


_SIDES = {True: "deeper than now", False: "shallower would do"}
_TITLES = {"i_max": "I_max (bits)", "i_inf": "I_inf (bits)", "n0": "N0 (cells)", "alpha": "α", "c": "floor c"}


ABOVE = "above the ceiling"
# The parameter that is a plateau of information.
_PLATEAUS = ("i_max", "i_inf")


def judged(fit: Fit, ceiling: float | None = None, level: float = 0.95) -> tuple[str, str]:
    """Return status and message of a fit, also in view of its intervals and of the most bits there can be.

    A fit that is "ok" is "unconstrained" here if the interval of a positive parameter is open, and "above the ceiling"
    if its plateau exceeds ``ceiling``.

    Examples
    --------
    >>> u = [10, 30, 100, 300, 1000]
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 80.0)(u))
    >>> judged(fit)[0], judged(fit, ceiling=1.5)
    ('ok', ('above the ceiling', 'I_max = 2.00 bits lies above the 1.50 bits that there can be'))
    """
    if fit.status != "ok":
        return fit.status, fit.message
    for name, (low, high) in fit.interval(level).items():
        if name in fit.law.positive and not (low > 0 and np.isfinite(high)):
            side = "upper" if low > 0 else "lower"
            return "unconstrained", f"the {level:.0%} interval of {_title(name)} has no {side} end: measure more"
    for name in _PLATEAUS:
        if ceiling is not None and fit.params.get(name, -np.inf) > ceiling:
            title = _title(name).removesuffix(" (bits)")
            return ABOVE, f"{title} = {fit.params[name]:.2f} bits lies above the {ceiling:.2f} bits that there can be"
    return fit.status, fit.message


def _title(parameter: str, unit: str = "") -> str:
    if parameter == "u_bar":
        return f"ū ({unit})" if unit else "ū"
    return _TITLES.get(parameter, parameter)


def summary(
    fits: dict[Any, Fit],
    level: float = 0.95,
    unit: str = "UMIs per cell",
    ceilings: dict[str, float] | None = None,
) -> pd.DataFrame:
    """Return a table to read: each parameter with its interval, R² of the points, status and message (``judged``).

    Parameters of a misfit, which are not to be quoted, stand in brackets. ``unit`` is that of ū, and ``ceilings`` are
    the most bits of each curve, where known. The numbers themselves are in each ``Fit``.

    Raises
    ------
    ValueError
        For no fit at all.
    """
    if not isinstance(fits, dict) or not fits:
        raise ValueError(f"fits are {brief(fits)}: give a dict of names and fits, such as fit_groups returns.")
    for fit in fits.values():
        check_fit(fit)
    rows = []
    for name, fit in fits.items():
        row: dict[str, object] = {"curve": str(name)}
        intervals = fit.interval(level)
        for parameter, value in fit.params.items():
            low, high = intervals[parameter]
            title = _title(parameter, unit)
            shown = with_interval(value, low, high)
            row[title] = f"({shown})" if fit.status == "misfit" else shown
        row |= {"R²": round(fit.r_squared, 3), "RMSE (bits)": round(fit.rmse, 3), "points": fit.n_points}
        status, message = judged(fit, (ceilings or {}).get(str(name)), level)
        rows.append(row | {"status": status, "message": message})
    return pd.DataFrame(rows).set_index("curve").rename_axis(f"curve, [{level:.0%} interval]")


def depth_advice(fits: dict[str, Fit], share: float = 0.9, ceilings: dict[str, float] | None = None) -> list[str]:
    """Return one sentence a curve: what depth to aim at for a share of I_max, or why the points do not say.

    The range is that of ū's 95 % interval, I_max held at its estimate. ``ceilings`` are the most bits of each curve,
    where known: an I_max above it is not a plateau of the signal, and no depth follows from it.
    """
    in_range(share, 0, 1, "share", open_low=True)
    sentences = []
    for name, fit in fits.items():
        law = fit.law
        if not isinstance(law, NoiseLaw):
            raise TypeError(f"{name} is a {type(law).__name__}: depth_advice takes fits of NoiseLaw.")
        status, message = judged(fit, (ceilings or {}).get(name))
        if status != "ok":
            sentences.append(f"{name}: no recommendation, the fit is {status}: {message}")
            continue
        now = float(fit.x.max())
        need = float(law.depth_for(share * law.i_max))
        low, high = (need * bound / law.u_bar for bound in fit.interval()["u_bar"])
        factor = max(need / now, now / need)
        deeper = "the present depth" if factor < 1.05 else f"{factor:.1f}-fold {_SIDES[need > now]}"
        sentences.append(
            f"{name}: {share:.0%} of I_max = {law.i_max:.2f} bits takes {need:,.0f} UMIs per cell "
            f"[{low:,.0f}, {high:,.0f}]: {deeper}. "
            f"At {now:,.0f} UMIs per cell {law.i_max - float(law(now)):.2f} bits are lost."
        )
    return sentences


def parameter_table(fits: dict[tuple[Any, ...], Fit], names: list[str], level: float = 0.95) -> pd.DataFrame:
    """Return the parameters of fits as numbers, one row a fit, for charts, ratios and comparisons.

    Parameters
    ----------
    fits : dict of key → Fit, all of one law; a key is a tuple
    names : what the parts of a key are, the columns they become

    Returns
    -------
    DataFrame
        For each parameter its estimate and the ends of its interval (``_low``, ``_high``); R² of the points and of the
        means of equal x, RMSE, number of points, status and message.
    """
    rows = []
    for key, fit in fits.items():
        intervals = fit.interval(level)
        row: dict[str, Any] = dict(zip(names, key, strict=True))
        for name, value in fit.params.items():
            row |= {name: value, f"{name}_low": intervals[name][0], f"{name}_high": intervals[name][1]}
        row |= {"r_squared": fit.r_squared, "r_squared_means": fit.r_squared_means, "rmse": fit.rmse}
        rows.append(row | {"points": fit.n_points, "status": fit.status, "message": fit.message})
    return pd.DataFrame(rows)


def ratio_table(table: pd.DataFrame, by: list[str], model: str = "pca") -> pd.DataFrame:
    """Return each model's I_max and ū relative to one model's on the same data, with 95 % intervals.

    The interval of a ratio adds those of both logarithms as variances; it is NaN where either is unbounded. A fit that
    its points reject (status ``misfit``) has no ratio: NaN.

    Parameters
    ----------
    table : DataFrame from ``parameter_table`` with a column ``model``
    by : columns that name the data
    """
    both = table.merge(table[table["model"] == model], on=by, suffixes=("", "_of"))
    both = both[both["model"] != model]
    out = both[[*by, "model"]].copy()
    quotable = (both["status"] != "misfit") & (both["status_of"] != "misfit")
    for name, parameter in (("I_max", "i_max"), ("ū", "u_bar")):
        low, high = f"{parameter}_low", f"{parameter}_high"
        ratio = (both[parameter] / both[f"{parameter}_of"]).where(quotable)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = [np.log(both[high + s] / both[low + s]) / 2 for s in ("", "_of")]
        half = np.hypot(*spread).where(lambda v: np.isfinite(v) & quotable)
        out[f"{name} ÷ {model}'s"] = ratio
        out[f"{name}: low"], out[f"{name}: high"] = ratio * np.exp(-half), ratio * np.exp(half)
    return out.reset_index(drop=True)
