"""The shape of noise curves: the noise law beside a free exponent of depth and a line that never saturates."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.findings.curves import KEYS
from helpers.laws import DepthLine, Fit, Law, NoiseLaw, StretchedNoiseLaw
from helpers.laws.misfit import RARE, lack_of_fit

SHAPES: dict[str, type[Law]] = {"noise law": NoiseLaw, "free exponent": StretchedNoiseLaw, "line": DepthLine}
# A difference of Akaike's criterion from which on one description is preferred.
PREFERRED = 2.0


def aicc(fit: Fit) -> float:
    """Return Akaike's criterion with its correction for few points, of the means at each x.

    Means, because points of one seed share their thinnings and cells: as independent points they would count for more
    than they are. Infinite where there are too few levels to tell.

    Examples
    --------
    >>> u = np.geomspace(10, 1000, 8)
    >>> bits = NoiseLaw(2.0, 100.0)(u)
    >>> aicc(NoiseLaw.fit(u, bits)) < aicc(DepthLine.fit(u, bits))
    True
    """
    means = fit.means(fit.residuals)
    n, k = len(means), len(fit.params) + 1
    if n - k - 1 <= 0:
        return float("inf")
    return float(n * np.log(max((means**2).mean(), 1e-12)) + 2 * k * n / (n - k - 1))


def fit_shapes(points: pd.DataFrame, by: list[str] = KEYS) -> dict[tuple, dict[str, Fit]]:
    """Fit every shape to every noise curve; curves with fewer than five depths, which cannot tell, are left out.

    Parameters
    ----------
    points : DataFrame with ``by``, ``noise_level``, ``umis_per_cell`` and ``mi_bits``
    by : columns that name a curve
    """
    return {
        key: {name: law.fit(rows["umis_per_cell"], rows["mi_bits"]) for name, law in SHAPES.items()}
        for key, rows in points.groupby(by)
        if rows["noise_level"].nunique() >= 5
    }


def shape_table(fits: dict[tuple, dict[str, Fit]], by: list[str] = KEYS) -> pd.DataFrame:
    """Return what the points of every curve of ``fit_shapes`` say of its shape, one row a curve.

    Returns
    -------
    DataFrame
        ``by``; ``beta`` with the ends of its 95 % interval and ``p_beta``, of the exponent being 1 (F test); ``aicc of
        …`` and ``lack of fit of …`` each shape; ``ends`` and ``middle``, mean residual of the noise law (bits) at the
        shallowest and deepest depth, and between; ``i_max`` and ``top``, the largest mean; ``status`` of the noise law;
        ``best``, the shape whose AICc is the least of those that the points do not reject, "none" if they reject all.
    """
    return pd.DataFrame([dict(zip(by, key, strict=True)) | _shape_of(shapes) for key, shapes in fits.items()])


def _shape_of(fits: dict[str, Fit]) -> dict[str, Any]:
    law, stretched = fits["noise law"], fits["free exponent"]
    assert isinstance(law.law, NoiseLaw)
    beta = stretched.params["beta"]
    with np.errstate(over="ignore"):  # where the points leave it free
        low, high = beta * np.exp(np.array([-1, 1]) * stretched.t_quantile(0.95) * stretched.stderr["beta"] / beta)
    criteria = {name: aicc(fit) for name, fit in fits.items()}
    lacks = {name: lack_of_fit(fit) for name, fit in fits.items()}
    standing = {name: value for name, value in criteria.items() if not lacks[name] < RARE}
    off, means = law.means(law.residuals), law.means(law.y)
    return {
        "beta": beta,
        "beta_low": low,
        "beta_high": high,
        "p_beta": law.law.exponent_test(law),
        **{f"aicc of {name}": value for name, value in criteria.items()},
        **{f"lack of fit of {name}": value for name, value in lacks.items()},
        "ends": (off[0] + off[-1]) / 2,
        "middle": off[1:-1].mean(),
        "i_max": law.params["i_max"],
        "top": means.max(),
        "status": law.status,
        "best": min(standing, key=standing.__getitem__, default="none"),
    }


def shape_counts(table: pd.DataFrame) -> pd.Series:
    """Return what a ``shape_table`` says in numbers: medians, and counts of curves."""
    beta, rare = table["beta"], table["p_beta"] < RARE
    law, line = table["aicc of noise law"], table["aicc of line"]
    least = table[[f"aicc of {name}" for name in SHAPES]].idxmin(axis=1).str.removeprefix("aicc of ")
    curves = {
        "β below 1": beta < 1,
        "β other than 1 (p < 0.01)": rare,
        "of these below 1": rare & (beta < 1),
        "residuals: ends above, middle below": (table["ends"] > 0) & (table["middle"] < 0),
        "I_max below the largest mean": table["i_max"] < table["top"],
        "the points reject the noise law (misfit)": table["status"] == "misfit",
        "the points reject a free exponent": table["lack of fit of free exponent"] < RARE,
        "the points reject the line": table["lack of fit of line"] < RARE,
        **{f"least AICc: {name}": least == name for name in SHAPES},
        "line over law by AICc > 2": law - line > PREFERRED,
        "law over line by AICc > 2": line - law > PREFERRED,
    }
    counts = {name: int(chosen.sum()) for name, chosen in curves.items()}
    return pd.Series({"curves": len(table), "median exponent β": beta.median()} | counts)


def split(table: pd.DataFrame, within: float, u: str = "u") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points up to a share of the deepest depth, and those at the deepest; ``u`` is the column of the depth.

    Examples
    --------
    >>> table = pd.DataFrame({"noise_level": [0.1, 0.25, 0.5, 1.0], "u": [100, 251, 498, 1000]})
    >>> [part["u"].tolist() for part in split(table, 0.25)]
    [[100, 251], [1000]]
    """
    in_range(within, 0, 1, "within", open_low=True)
    depth = table.groupby("noise_level")[u].transform("mean")
    return table[depth <= within * depth.max() * 1.02], table[depth == depth.max()]


def held_out_deepest(points: pd.DataFrame, within: float, by: list[str] = KEYS) -> pd.DataFrame:
    """Fit each shape to the shallow part of every curve and predict its deepest depth, which stayed hidden.

    Parameters
    ----------
    points : DataFrame with ``by``, ``noise_level``, ``umis_per_cell`` and ``mi_bits``
    within : float in (0, 1)
        Depths up to this share of the deepest are fitted; curves with fewer than four of them are left out.
    by : columns that name a curve

    Returns
    -------
    DataFrame
        ``by``, ``shape``, ``status`` of the fit; ``gain``, measured from the deepest depth fitted to the hidden one;
        ``predicted`` gain; ``error``, predicted minus measured bits; ``covered``, whether the 95 % limits for a new
        point hold the measured mean.
    """
    in_range(within, 0, 1, "within", open_low=True)
    rows, measured = [], ["umis_per_cell", "mi_bits"]
    for key, curve in points.groupby(by):
        shallow, hidden = split(curve, within, "umis_per_cell")
        if shallow["noise_level"].nunique() < 4:
            continue
        last_u, last = shallow[shallow["noise_level"] == shallow["noise_level"].max()][measured].mean()
        u, truth = (float(value) for value in hidden[measured].mean())
        for name, law in SHAPES.items():
            fit = law.fit(shallow["umis_per_cell"], shallow["mi_bits"])
            low, high = (float(end[0]) for end in fit.band([u], of_points=True))
            before, predicted = (float(fit.predict([depth])[0]) for depth in (last_u, u))
            numbers = [truth - last, predicted - before, predicted - truth, low <= truth <= high]
            rows.append([*key, name, fit.status, *numbers])
    return pd.DataFrame(rows, columns=[*by, "shape", "status", "gain", "predicted", "error", "covered"])


def held_out_summary(held_out: pd.DataFrame) -> pd.DataFrame:
    """Return one row a shape: curves; medians of gain, predicted gain and error, RMSE (bits); share covered."""
    return held_out.groupby("shape", sort=False).agg(
        curves=("error", "size"),
        gain=("gain", "median"),
        predicted=("predicted", "median"),
        error=("error", "median"),
        RMSE=("error", rmse),
        covered=("covered", "mean"),
    )


def rmse(errors: pd.Series) -> float:
    """Return the root mean square of errors.

    >>> rmse(pd.Series([3.0, -3.0]))
    3.0
    """
    return float(np.sqrt((errors**2).mean()))
