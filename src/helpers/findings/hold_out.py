"""Pilots of measured grids whose deepest depth stayed hidden: how far off their predictions are, and what limits hold.

The same errors give what a pilot is fitted with (``laws.beyond``); a grid is judged by what other data sets gave.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from helpers.design import fit_pilot
from helpers.findings import papers
from helpers.findings.curves import KEYS, full_grids
from helpers.findings.shape import rmse, split
from helpers.laws import Fit, JointLaw, NoiseLaw, kept
from helpers.laws.beyond import PredictiveFit, Prior, doublings
from helpers.laws.compare import grid_means
from helpers.store.points import seed_means
from helpers.store.rows import Store
from helpers.sweep.cell_grids import planned
from helpers.sweep.engine import stored_rows

# Shares of the deepest depth that a pilot reaches; the drift is measured at the first two, the last is a warning.
WITHIN = (0.5, 0.25, 0.1)
MEASURED_AT = WITHIN[:2]
# Share of hidden points that limits are to hold.
LEVEL = 0.95
# Fewer depths make no pilot.
FEWEST_DEPTHS = 4
# The prior that pilots were fitted with before, and the law of pilots of depths alone.
BEFORE = Prior(beta=(0.0, 0.1), drift=0.0)
# Data sets that are parts of others.
_SAME = {"larry_subset": "larry", "merfish_hypothalamus": "merfish"}
JOINT, ALONE = "cells and depths", "depths alone"
_COLUMNS = [
    *("source", *KEYS, "within", "pilot", "fitted", "n", "gain", "predicted", "error", "variance", "doublings"),
    *("t", "range", "unusual", "ln β", "sd of ln β"),
]


def whole_grids(store: Store) -> dict[str, pd.DataFrame]:
    """Return the points of whole grids of cells and depths: our own of PCA (block ``linear``), and those released."""
    rows = stored_rows(planned("linear"), store)
    ours = full_grids(seed_means(rows[rows["representation"] == "pca"]))
    return {"own": ours, "released": papers.points()}


def exponents(grids: dict[str, pd.DataFrame]) -> pd.Series:
    """Return ln β of the joint law at each whole grid by least squares, by source and ``KEYS``."""
    fits = {
        (source, *key): kept.fit(JointLaw, grid["n"], grid["u"], grid["bits"])
        for source, points in grids.items()
        for key, grid in grid_means(points, KEYS).items()
    }
    values = {key: np.log(fit.params["beta"]) for key, fit in fits.items()}
    return pd.Series(values, name="ln β").rename_axis(["source", *KEYS])


def _of_set(dataset: Any) -> Any:
    """Return the data set that one is a part of."""
    return dataset.map(lambda name: _SAME.get(name, name))


def _without(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    return table[_of_set(table["dataset"]) != _SAME.get(dataset, dataset)]


def _prior(betas: pd.Series, drift: float = 0.0) -> Prior:
    return Prior(beta=(float(betas.mean()), float(betas.std())), drift=drift)


def prior_without(rows: pd.DataFrame, dataset: str) -> Prior:
    """Return what all data sets but one say (rows of ``held_out``): with it, pilots of that one are fitted here."""
    first = rows[rows["dataset"] == dataset].iloc[0]
    return Prior(beta=(float(first["ln β"]), float(first["sd of ln β"])), drift=float(first["drift"]))


def _pilots(points: pd.DataFrame, within: float) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Yield what a pilot is of, its points up to a share of the depth, those at its deepest and the hidden deepest."""
    settings = points.rename(columns={"n_train": "n", "umis_per_cell": "u", "mi_bits": "bits"})
    most = settings[settings["n"] == settings["n"].max()]
    ((_, means),) = grid_means(points.assign(all=0), ["all"]).items()
    for kind, table in ((JOINT, means), (ALONE, most[["u", "bits", "noise_level"]])):
        pilot, hidden = split(table, within)
        if pilot["noise_level"].nunique() < FEWEST_DEPTHS:
            continue
        last = pilot[pilot["noise_level"] == pilot["noise_level"].max()]
        if kind == ALONE:
            last, hidden = (part.mean().to_frame().T for part in (last, hidden))
        yield kind, pilot, last, hidden


def _predictions(fit: Fit, last: pd.DataFrame, hidden: pd.DataFrame) -> Iterator[list[float]]:
    """Yield a row for each hidden point, with the columns from ``n`` to ``unusual``."""
    names = ["n", "u"] if fit.x.ndim > 1 else "u"
    at, before = (part[names].to_numpy(float) for part in (hidden, last))
    truth, predicted, t = hidden["bits"].to_numpy(float), fit.predict(at), fit.t_quantile(LEVEL)
    low, high = fit.band(at, LEVEL, of_points=True)
    gain, promised = truth - last["bits"].to_numpy(float), predicted - fit.predict(before)
    beyond = doublings(hidden["u"], fit.x[:, 1].max() if fit.x.ndim > 1 else fit.x.max())
    cells = hidden["n"] if "n" in hidden else np.full(len(hidden), np.nan)
    variance = ((high - low) / 2 / t) ** 2
    unusual = isinstance(fit, PredictiveFit) and fit.unusual
    of_fit = (np.full(len(truth), value) for value in (t, np.ptp(fit.y), unusual))
    columns = (cells, gain, promised, predicted - truth, variance, beyond, *of_fit)
    yield from map(list, zip(*(np.asarray(column).tolist() for column in columns), strict=True))


def held_out(grids: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Fit pilots to the shallow part of every whole grid and predict its deepest depth, which stayed hidden.

    Pilots are fitted as ``design.fit_pilot`` does, with exponents of other data sets (*now*), and as before 2026-11-29
    (*before*): the joint law with β = 1 ± 0.1, the noise law of depths alone. A minute, so the book's is kept.

    Returns
    -------
    DataFrame
        One row a grid, share of the deepest depth (``WITHIN``), pilot (``JOINT`` or ``ALONE``), fit and hidden point:
        ``gain``, measured from the deepest depth of the pilot, and ``predicted``; ``error``, predicted minus measured
        bits; ``variance`` of the prediction and of a point, bits²; ``doublings`` to the hidden depth; ``t``; ``range``
        of the pilot's bits; whether its exponent is ``unusual``; of other data sets the mean of ``ln β``, its ``sd``
        and the ``drift``; ``half``, half the 95 % limits, and whether they ``covered`` the point.
    """
    columns = [grids[source][name] for source in grids for name in ("n_train", "umis_per_cell", "mi_bits")]
    names = [list(map(list, table[KEYS].drop_duplicates().to_numpy())) for table in grids.values()]
    key = kept.key_of("held out", ("fit", "beyond"), list(grids), names, *columns, list(WITHIN))
    return _judged(kept.table(key, "pilots without their deepest depth", partial(_held_out, grids)))


def _held_out(grids: dict[str, pd.DataFrame]) -> pd.DataFrame:
    betas, rows = exponents(grids).reset_index(), []
    for source, table in grids.items():
        for (key, points), share in product(table.groupby(KEYS), WITHIN):
            prior = _prior(_without(betas, key[0])["ln β"])
            for kind, pilot, last, hidden in _pilots(points, share):
                before = fit_pilot(pilot, prior=BEFORE) if kind == JOINT else NoiseLaw.fit(pilot["u"], pilot["bits"])
                for fitted, fit in (("now", fit_pilot(pilot, prior=prior)), ("before", before)):
                    lead = [source, *key, share, kind, fitted]
                    rows += [[*lead, *row, *prior.beta] for row in _predictions(fit, last, hidden)]
    return pd.DataFrame(rows, columns=_COLUMNS)


def drift_of(rows: pd.DataFrame) -> float:
    """Return the drift with which limits of joint pilots (rows of ``held_out``) hold 95 % of the hidden points.

    Grids and shares count alike.
    """
    rows = rows[(rows["pilot"] == JOINT) & (rows["fitted"] == "now") & rows["within"].isin(MEASURED_AT)]
    beyond = np.maximum((rows["error"] / rows["t"]) ** 2 - rows["variance"], 0)
    needed = np.sqrt(beyond / rows["range"] / rows["doublings"])
    weight = 1 / rows.groupby(["source", *KEYS, "within"])["error"].transform("size")
    order = np.argsort(needed.to_numpy())
    share = weight.to_numpy()[order].cumsum() / weight.sum()
    return float(needed.to_numpy()[order][np.searchsorted(share, LEVEL)])


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    drift = rows["dataset"].map({name: drift_of(_without(rows, name)) for name in rows["dataset"].unique()})
    beyond = np.where(rows["fitted"] == "now", drift**2 * rows["range"] * rows["doublings"], 0.0)
    half = rows["t"] * np.sqrt(rows["variance"] + beyond)
    flagged = rows["unusual"].astype(bool) & (rows["fitted"] == "now")
    return rows.assign(drift=drift, half=half, covered=rows["error"].abs() <= half, unusual=flagged)


def measured_prior(grids: dict[str, pd.DataFrame]) -> Prior:
    """Return what all whole grids say together: the constant ``laws.beyond.MEASURED``, before it is rounded."""
    return _prior(exponents(grids), drift_of(held_out(grids)))


def coverage(rows: pd.DataFrame, independent: list[tuple[str, str]]) -> pd.DataFrame:
    """Return how well hidden depths were predicted, one row a pilot, share, fit and group of grids.

    Parameters
    ----------
    rows : DataFrame from ``held_out``
    independent : data sets and signals that were not computed from the counts (``findings.independent_signals``)

    Returns
    -------
    DataFrame
        Grids; medians over points of the gain, of the predicted gain, of the error and of half the 95 % limits, and
        RMSE (bits); ``covered``, the share of hidden points inside the limits; ``flagged``, of points whose pilot
        has an unusual exponent, and ``covered, not flagged``.
    """
    own = rows["source"] == "own"
    known = pd.MultiIndex.from_frame(rows[["dataset", "signal"]]).isin(independent)
    usual = rows["covered"].astype(float).where(~rows["unusual"])
    rows = rows.assign(grid=rows["source"].str.cat(rows[KEYS], sep=" "), usual=usual)
    columns = {
        "number": ("grid", "nunique"),
        "gain": ("gain", "median"),
        "predicted gain": ("predicted", "median"),
        "error": ("error", "median"),
        "RMSE": ("error", rmse),
        "± (95 %)": ("half", "median"),
        "covered": ("covered", "mean"),
        "flagged": ("unusual", lambda unusual: 1 - (~unusual).mean()),
        "covered, not flagged": ("usual", "mean"),
    }
    groups = {"own": own, "own, independent signal": own & known, "released": ~own}
    tables = {
        name: rows[chosen].groupby(["pilot", "within", "fitted"], sort=False).agg(**columns)
        for name, chosen in groups.items()
    }
    table = pd.concat(tables, names=["grids"]).reset_index()
    table = table.sort_values(["pilot", "within"], ascending=[True, False], kind="stable")
    return table.set_index(["pilot", "within", "grids", "fitted"])
