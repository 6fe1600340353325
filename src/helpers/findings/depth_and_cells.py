"""What training cells gain at each depth, what depth gains beside cells, and where growing cell numbers lead."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from helpers.findings import papers
from helpers.findings.curves import KEYS, SIGNAL_KINDS
from helpers.laws import CellNumberLaw, Fit, NoiseLaw, kept
from helpers.store import reference
from helpers.store.measured_grid import Gains, MeasuredGrid
from helpers.store.model_free import in_cell, with_ends

# A step by which gains of depth and cells are compared, and the one where less was measured.
TENFOLD, HALVING = 10.0, 2.0
# Plateaus at fewer depths say nothing about a law of depth.
FEWEST_PLATEAUS = 4


def grids_of(points: pd.DataFrame, paired: bool = True) -> dict[tuple[str, ...], MeasuredGrid]:
    """Return the grid of depths and numbers of cells of every curve, by ``KEYS``.

    Parameters
    ----------
    points : DataFrame from ``seed_means`` or ``papers.points``, training and probe cells equally deep
    paired : whether a seed shares its cells between settings; released estimates do not tell

    Examples
    --------
    >>> points = papers.points().query("dataset == 'larry' and representation == 'pca'")
    >>> grids_of(points, paired=False)["larry", "clone", "pca"].bits.shape
    (10, 10)
    """
    return {key: MeasuredGrid(rows, paired) for key, rows in points.groupby(KEYS)}


def gains_by_depth(grids: dict[tuple[str, ...], MeasuredGrid]) -> pd.DataFrame:
    """Return the bits that a decade of training cells gains at each depth, as the mean over the decades measured.

    Returns
    -------
    DataFrame, one row a curve (of ``grids_of``) and depth
        ``KEYS``, ``umis_per_cell``, ``bits`` and its 95 % interval ``low`` to ``high``

    Examples
    --------
    >>> points = papers.points().query("dataset == 'larry' and representation == 'pca'")
    >>> gains_by_depth(grids_of(points, paired=False))["bits"].round(2).iloc[-1]
    0.03
    """
    tables = []
    for key, grid in grids.items():
        gains = grid.gain_of_cells(grid.span[1]).per_decade()
        half = gains.half()
        rows = {"umis_per_cell": gains.at, "bits": gains.bits, "low": gains.bits - half, "high": gains.bits + half}
        tables.append(pd.DataFrame(dict(zip(KEYS, key, strict=True)) | rows))
    return pd.concat(tables, ignore_index=True)


def fold_table(grids: dict[tuple[str, ...], MeasuredGrid]) -> pd.DataFrame:
    """Return by what factor the gain from cells grows with tenfold depth, one row a curve (of ``grids_of``).

    Returns
    -------
    DataFrame
        ``KEYS``; ``deep`` and ``shallow``, bits a decade of cells gains over all numbers measured at the most and the
        least depth; ``fold`` of that gain for a tenfold depth; ``last`` and ``last_fold``, gain and fold of the last
        tenfold of cells alone; each with ``_low`` and ``_high`` (95 %). A fold below 1: cells gain less the deeper.

    Examples
    --------
    >>> points = papers.points().query("dataset == 'larry' and representation == 'pca'")
    >>> fold_table(grids_of(points, paired=False))["fold"].round(1).item()
    2.7
    """
    rows = []
    for key, grid in grids.items():
        whole, last = grid.gain_of_cells(grid.span[1]).per_decade(), grid.gain_of_cells(TENFOLD)
        named = {"deep": whole.last(), "shallow": _first(whole), "fold": whole.fold()}
        if len(last.bits):
            named |= {"last": last.last(), "last_fold": last.fold()}
        rows.append({**dict(zip(KEYS, key, strict=True)), **with_ends(named)})
    return pd.DataFrame(rows)


def _first(gains: Gains) -> tuple[float, float, float]:
    value, half = float(gains.bits[0]), float(gains.half()[0])
    return value, value - half, value + half


def bounded(folds: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a ``fold_table`` whose interval is bounded at both ends.

    >>> len(bounded(pd.DataFrame({"fold": [1.0, 4.0], "fold_low": [0.5, 0.0], "fold_high": [9.0, np.inf]})))
    1
    """
    return folds[(folds["fold_low"] > 0) & np.isfinite(folds["fold_high"])]


def typical_fold(folds: pd.DataFrame) -> float:
    """Return the geometric mean of the folds that are bounded; NaN of none.

    >>> typical_fold(pd.DataFrame({"fold": [1.0, 4.0], "fold_low": 0.5, "fold_high": 9.0}))
    2.0
    """
    return float(np.exp(np.log(bounded(folds)["fold"]).mean()))


def depth_against_cells(points: pd.DataFrame, paired: bool = True) -> pd.DataFrame:
    """Return what the last tenfold of depth gains beside the last tenfold of cells, one row a curve.

    ``points`` and ``paired`` are as ``grids_of`` takes them.

    Returns
    -------
    DataFrame
        ``KEYS``; ``step``, 10, or 2 where less than tenfold of either was measured; ``depth``, bits at the deepest
        minus those at a depth ``step`` times less, all training cells; ``cells``, bits with all training cells minus
        those with ``step`` times fewer, at the deepest; ``difference`` of the two; each with ``_low`` and ``_high``.

    Examples
    --------
    >>> points = papers.points().query("dataset == 'larry' and representation == 'pca'")
    >>> depth_against_cells(points, paired=False)[["step", "depth", "cells"]].round(2).iloc[0].tolist()
    [10.0, 0.84, 0.03]
    """
    rows = []
    for key, grid in grids_of(points, paired).items():
        step = TENFOLD if min(grid.span) >= TENFOLD else HALVING
        depth, cells = grid.gain_of_depth(step), grid.gain_of_cells(step)
        if not len(depth.bits) or not len(cells.bits):
            continue
        named = {"depth": depth.last(), "cells": cells.last(), "difference": grid.depth_over_cells(step)}
        rows.append({**dict(zip(KEYS, key, strict=True)), "step": step, **with_ends(named)})
    return pd.DataFrame(rows)


def plateaus(points: pd.DataFrame, fits: dict[tuple, Fit] | None = None) -> pd.DataFrame:
    """Return where the cell-number law leads at each depth, and what the most cells measured have.

    Parameters
    ----------
    points : DataFrame from ``seed_means`` or ``papers.points``
    fits : dict of (``KEYS``, noise level) → Fit of ``CellNumberLaw``; fitted if not given

    Returns
    -------
    DataFrame
        ``KEYS``, ``noise_level``, ``umis_per_cell``; ``most``, bits with the most cells; ``status`` of the fit;
        ``bits``, its I_inf with the 95 % interval ``low`` to ``high``, NaN unless the points fix it (status "ok").

    Examples
    --------
    >>> table = plateaus(papers.points().query("dataset == 'larry' and representation == 'pca'"))
    >>> len(table), int(table["bits"].notna().sum())
    (10, 0)
    >>> plateau_laws(table, released_plateaus())["released"].tolist()
    ['agrees, R² 0.995']
    """
    by = [*KEYS, "noise_level"]
    fits = fits or kept.fit_groups(points, CellNumberLaw, "n_train", by=by)
    rows = []
    for key, curve in points.groupby(by):
        fit = fits[key]
        i_inf = (fit.params["i_inf"], *fit.interval()["i_inf"]) if fit.status == "ok" else (float("nan"),) * 3
        most = curve[curve["n_train"] == curve["n_train"].max()]["mi_bits"].mean()
        rows.append([*key, curve["umis_per_cell"].mean(), most, fit.status, *i_inf])
    return pd.DataFrame(rows, columns=[*by, "umis_per_cell", "most", "status", "bits", "low", "high"])


def released_plateaus() -> pd.DataFrame:
    """Return the I_inf in bits (``value``) of the cell-number law that the authors released, by ``KEYS`` and quality.

    >>> len(released_plateaus())
    200
    """
    table = reference.table(papers.FITS)
    table = table[table["parameter"] == "i_inf"].rename(columns={"quality": "noise_level"})
    return table[[*KEYS, "noise_level", "value"]].reset_index(drop=True)


def plateau_laws(table: pd.DataFrame, released: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return whether plateaus follow the noise law of depth, one row a curve of ``plateaus``.

    Without repeats only another exponent can reject the law (``laws.misfit``).

    Returns
    -------
    DataFrame
        ``KEYS``; ``depths`` and how many plateaus are ``fixed``; ``beyond``, the median of I_inf minus the bits with
        the most cells, where fixed; ``noise law``: R² and status of the law through the fixed plateaus; with
        ``released_plateaus``, ``released``: what the law says of those.
    """
    rows = []
    for key, curve in table.groupby(KEYS):
        fixed = curve.dropna(subset=["bits"])
        row: dict[str, Any] = dict(zip(KEYS, key, strict=True)) | {"depths": len(curve), "fixed": len(fixed)}
        row["beyond"] = (fixed["bits"] - fixed["most"]).median()
        row["noise law"] = _law_of(fixed["umis_per_cell"], fixed["bits"])
        if released is not None:
            theirs = curve.merge(released, on=[*KEYS, "noise_level"])
            row["released"] = _law_of(theirs["umis_per_cell"], theirs["value"])
        rows.append(row)
    return pd.DataFrame(rows)


def _law_of(u: pd.Series, bits: pd.Series) -> str:
    if len(u) < FEWEST_PLATEAUS:
        return "too few"
    fit = NoiseLaw.fit(u, bits)
    status = {"ok": "agrees", "misfit": "rejected"}.get(fit.status, fit.status)
    return f"{status}, R² {fit.r_squared:.3f}"


def with_kind(table: pd.DataFrame, source: str, independent: Iterable[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Add what charts of several tables need: ``source``, ``kind`` of signal, ``curve``, and how the signal came about.

    ``independent`` are the data sets and signals not computed from the same counts; if not given, all but labels.

    Examples
    --------
    >>> with_kind(pd.DataFrame({"dataset": ["larry"], "signal": ["clone"]}), "released").iloc[0, 2:].tolist()
    ['released', 'clonal relative', 'larry, clone', 'independent of the counts']
    """
    kind = table["signal"].map(SIGNAL_KINDS).fillna("time, by design")
    names = pd.MultiIndex.from_frame(table[["dataset", "signal"]])
    apart = names.isin(list(independent)) if independent is not None else kind != "labels"
    curve = (table["dataset"] + ", " + table["signal"]).str.replace("_", " ")
    signals = np.where(apart, "independent of the counts", "from the counts")
    return table.assign(source=source, kind=kind, curve=curve, signals=signals)


def to_read(table: pd.DataFrame, columns: dict[str, str], more: Iterable[str] = ()) -> pd.DataFrame:
    """Return columns of a table (column → title) with value and 95 % interval in one cell, by data set and signal.

    ``more`` are further columns of the index.

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["a"], "signal": ["b"], "fold": 2.0, "fold_low": 1.5, "fold_high": 2.5})
    >>> to_read(table, {"fold": "fold"})["fold"].tolist()
    ['2.00 [1.50, 2.50]']
    """
    index = pd.MultiIndex.from_frame(table[["dataset", "signal", *more]].map(lambda name: name.replace("_", " ")))
    cells = {title: [in_cell(row, name, ".2f") for _, row in table.iterrows()] for name, title in columns.items()}
    return pd.DataFrame(cells, index=index)
