"""Fit a law to a user's own points, for plans beyond them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.laws import Fit, JointLaw, NoiseLaw, StretchedNoiseLaw, TwoVariableLaw
from helpers.laws.beyond import MEASURED, Prior
from helpers.laws.fit import check_fit

# Cells of a plan where nothing says how many.
USUAL_CELLS = 5000.0


def fit_pilot(points: pd.DataFrame, source: str = "the pilot", prior: Prior = MEASURED) -> Fit:
    """Fit a law to a user's own points: a joint law if there are several numbers of cells, else one of depth alone.

    Both have a free exponent of depth, which a prior holds near those of other data, and limits that hold what such
    laws missed there beyond the deepest point (``findings.hold_out``). Of depth alone, the message of the fit says if
    the points reject the noise law, whose exponent is 1.

    Parameters
    ----------
    points : DataFrame with the columns ``u`` (UMIs per cell) and ``bits``, and ``n`` (training cells) if measured
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
    columns = _columns(points, source)
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


def _columns(points: pd.DataFrame, source: str) -> dict[str, pd.Series]:
    """Return the columns of a pilot as numbers, or raise naming what is missing or is no number."""
    if not isinstance(points, pd.DataFrame) or points.columns.duplicated().any():
        kind = f"a {type(points).__name__}" if not isinstance(points, pd.DataFrame) else "a table with a column twice"
        raise ValueError(
            f"{source} is {kind}: give a DataFrame with the columns u, bits and, if measured, n, once each."
        )
    columns = {}
    for column in ("n", "u", "bits"):
        alike = [c for c in points if str(c).strip().lower() == column]
        if column in points:
            numbers = pd.to_numeric(points[column], errors="coerce")
            if numbers.isna().any():
                row = int(np.flatnonzero(numbers.isna())[0])
                bad = points[column].iloc[row]
                raise ValueError(f"{source}: {column} is {bad!r} in row {row + 1}: give a number or leave the row out.")
            columns[column] = numbers
        elif alike:
            raise ValueError(f"{source} has a column {alike[0]!r}: call it {column!r}.")
        elif column != "n":
            raise ValueError(f"{source} has no column {column!r}: it has {', '.join(map(str, points.columns))}.")
    return columns


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
