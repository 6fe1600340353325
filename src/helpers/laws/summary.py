"""Fit a law to every curve of a table, and put the fits in one table."""

import pandas as pd

from helpers.checks import in_range
from helpers.laws.base import Fit, Law
from helpers.laws.noise import NoiseLaw


def fit_groups(points: pd.DataFrame, law: type[Law], x: str, by: str = "representation") -> dict[str, Fit]:
    """Fit ``law`` to the points of every curve.

    Parameters
    ----------
    points : DataFrame with the columns ``by``, ``x`` and ``mi_bits``, one row a seed and depth
    law : NoiseLaw or CellNumberLaw
    x : column of the law's variable
    by : column whose values are the curves

    Returns
    -------
    dict of curve → Fit, in the order of the names.
    """
    return {str(name): law.fit(rows[x], rows["mi_bits"]) for name, rows in points.groupby(by)}


_TITLES = {"i_max": "I_max (bits)", "u_bar": "ū (UMIs per cell)", "i_inf": "I_inf (bits)", "n0": "N0 (cells)"}


def summary(fits: dict[str, Fit], level: float = 0.95) -> pd.DataFrame:
    """Return a table to read: each parameter with its interval, R² of the points, status and message.

    The numbers themselves are in each ``Fit``.
    """
    rows = []
    for name, fit in fits.items():
        row: dict[str, object] = {"curve": name}
        intervals = fit.interval(level)
        for parameter, value in fit.params.items():
            low, high = intervals[parameter]
            row[_TITLES.get(parameter, parameter)] = f"{value:.3g} [{low:.3g}, {high:.3g}]"
        rows.append(row | {
            "R²": round(fit.r_squared, 3), "RMSE (bits)": round(fit.rmse, 3), "points": fit.n_points,
            "status": fit.status, "message": fit.message,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("curve").rename_axis(f"curve, [{level:.0%} interval]")


def depth_table(fits: dict[str, Fit], share: float = 0.9) -> pd.DataFrame:
    """Return what each noise law says about depth: information lost now, and the depth for a share of I_max.

    Parameters
    ----------
    fits : dict of curve → Fit of a ``NoiseLaw``
    share : float in (0, 1)
        The target is share·I_max; the column's name says so.
    """
    in_range(share, 0, 1, "share", open_low=True)
    rows = []
    for name, fit in fits.items():
        law, deepest = fit.law, float(fit.x.max())
        if not isinstance(law, NoiseLaw):
            raise TypeError(f"{name} is a {type(law).__name__}: depth_table takes fits of NoiseLaw.")
        need = float(law.depth_for(share * law.i_max))
        rows.append({
            "curve": name,
            "deepest point (UMIs per cell)": deepest,
            "lost now, I_max − I (bits)": law.i_max - float(law(deepest)),
            f"depth for {share:g}·I_max (UMIs per cell)": need,
            "fold deeper than now": need / deepest,
            "status of the fit": fit.status,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("curve")
