"""Whether more cells, or more depth, would add information: what the last of them added, and what laws promise."""

import pandas as pd

from helpers.findings.curves import KEYS, cell_fits, gains
from helpers.laws import StretchedNoiseLaw
from helpers.laws.kept import fit_groups
from helpers.store.model_free import MeasuredCurve
from helpers.store.points import cell_axis, noise_axis

# Signals that are labels of cells, and models that are trained at the budgets of the reference results.
LABELS, TRAINED = ("cell_type", "cell_class", "cluster"), ("pca", "scvi")


def saturation(points: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what ten times the cells, and ten times the depth, would add to labels, and what the last of them added.

    Returns
    -------
    of_cells, of_depth : DataFrames
        Of ``points.seed_means``, ``KEYS``; ``at``, the most measured; ``gain`` from ten times as much, by the law of
        cells and by the noise law with a free exponent; ``last``, what the last tenfold of cells and the last doubling
        of depth added; each with its 95 % interval.
    """
    labels = points[points["signal"].isin(LABELS) & points["representation"].isin(TRAINED)]
    depths, cells = noise_axis(labels), cell_axis(labels[labels["noise_level"] == 1], 4)
    stretched = fit_groups(depths, StretchedNoiseLaw, "umis_per_cell", by=KEYS)
    return (
        gains(cell_fits(labels)).merge(last_step(cells, "n_train", 10.0), on=KEYS),
        gains(stretched).merge(last_step(depths, "umis_per_cell", 2.0), on=KEYS),
    )


def last_step(points: pd.DataFrame, x: str, factor: float) -> pd.DataFrame:
    """Return what the last ``factor`` (2: the last doubling) of depth, or of cells, added to every curve, as measured.

    Parameters
    ----------
    points : DataFrame
        Curves by ``KEYS``, such as from ``noise_axis``, or ``cell_axis`` at one depth.
    x : "umis_per_cell" or "n_train"

    Returns
    -------
    DataFrame
        ``KEYS``, ``last`` in bits, and its 95 % interval over seeds, ``last_low`` to ``last_high``
        (``model_free.MeasuredCurve.lost_by``); NaN where the curve does not reach so far down.

    Examples
    --------
    >>> rows = [{"dataset": "d", "signal": "s", "representation": "pca", "n_train": n, "seed": seed, "mi_bits": bits}
    ...         for n, bits in ((10, 1.0), (100, 1.5), (1000, 1.6)) for seed in (0, 1)]
    >>> last_step(pd.DataFrame(rows), "n_train", 10.0)["last"].round(6).tolist()
    [0.1]
    """
    rows = []
    for key, curve in points.groupby(KEYS):
        level = curve[x] if x == "n_train" else curve["noise_level"]
        rows.append([*key, *MeasuredCurve(curve.assign(noise_level=level, umis_per_cell=curve[x])).lost_by(factor)])
    return pd.DataFrame(rows, columns=[*KEYS, "last", "last_low", "last_high"])
