"""Fit a law to a user's own points, for plans beyond them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.laws import Fit, JointLaw, NoiseLaw, StretchedNoiseLaw, TwoVariableLaw
from helpers.laws.beyond import MEASURED, Prior
from helpers.laws.fit import check_fit
from helpers.store.point_tables import take_points

# Cells of a plan where nothing says how many.
USUAL_CELLS = 5000.0
# Bits over the whole range of a pilot that are nothing, however little its points scatter.
_NO_RISE = 0.005


def fit_pilot(points: pd.DataFrame, source: str = "the pilot", prior: Prior = MEASURED) -> Fit:
    """Fit a law to a user's own points: a joint law if there are several numbers of cells, else one of depth alone.

    Both have a free exponent of depth, which a prior holds near those of other data, and limits that hold what such
    laws missed there beyond the deepest point (``findings.hold_out``). Of depth alone, the message of the fit says if
    the points reject the noise law, whose exponent is 1.

    Parameters
    ----------
    points : DataFrame with UMIs per cell, bits and, if measured, training cells
        The columns are ``u``, ``bits`` and ``n``, or called as ``store.point_tables.NAMES`` lists.
    source : what to call it in errors

    Raises
    ------
    ValueError
        If a column is missing, or holds what is not a number in its range.

    Examples
    --------
    >>> u = [10, 30, 100, 300, 1000]
    >>> fit = fit_pilot(pd.DataFrame({"u": u, "bits": StretchedNoiseLaw(2.0, 200.0, 0.8)(u)}))
    >>> type(fit.law).__name__, round(float(fit.law(300)), 1)
    ('StretchedNoiseLaw', 1.6)
    """
    columns = take_points(points, ("u", "bits"), ("n",), source=source).table
    u, bits = columns["u"], columns["bits"]
    if "n" in columns:
        if (columns["n"] <= 0).any():
            raise ValueError(f"{source}: n holds {columns['n'].min():g}: it is a number of training cells, above 0.")
        if columns["n"].nunique() > 1:
            return JointLaw.fit(columns["n"], u, bits, priors=prior)
    fit, plain = StretchedNoiseLaw.fit(u, bits, priors=prior), NoiseLaw.fit(u, bits)
    if plain.status != "misfit":
        return fit
    return replace(fit, message=f"{fit.message} The noise law would be rejected: {plain.message}")


def knows_cells(fit: Fit) -> bool:
    """Return whether the fitted law has the number of cells in it."""
    return isinstance(fit.law, TwoVariableLaw)


def check_usable(fit: Fit) -> None:
    """Raise unless this is a fit of a law that its points do not reject."""
    check_fit(fit)
    if fit.status == "misfit":
        raise ValueError(
            f"the points reject the {type(fit.law).__name__} ({fit.message.removesuffix('.')}): plan from "
            "design.fit_pilot, which leaves the exponent of depth free."
        )


def check_rises(fit: Fit) -> None:
    """Raise unless the fitted bits rise over the measured points by more than the scatter of the points.

    Examples
    --------
    >>> check_rises(NoiseLaw.fit([10, 30, 100, 300, 1000], [1.0, 1.02, 0.99, 1.01, 1.0]))
    Traceback (most recent call last):
    ...
    ValueError: bits do not rise with depth: by 0.00 from 10 to 1,000 UMIs, where points scatter by 0.01. ...
    """
    at = fit.x if knows_cells(fit) else fit.x[:, None]
    low, high = at.min(axis=0), at.max(axis=0)
    ends = [np.concatenate([high[:-1], low[-1:]]), high]
    if knows_cells(fit):  # a pilot whose bits rise with cells alone still says what to buy
        ends[0] = low
    first, last = np.ravel(fit.law(np.array(ends) if knows_cells(fit) else np.array(ends)[:, 0]))
    spread = fit.spread if np.isfinite(fit.spread) else 0.0
    error = spread * np.sqrt(2 * len(np.unique(fit.levels)) / fit.n_points)
    if last - first <= max(2 * error, _NO_RISE):
        what = "depth or cells" if knows_cells(fit) else "depth"
        raise ValueError(
            f"bits do not rise with {what}: by {last - first:.2f} from {low[-1]:,.0f} to {high[-1]:,.0f} UMIs, where "
            f"points scatter by {spread:.2f}. No plan follows from such a pilot: measure shallower depths, more seeds "
            "or another signal."
        )
