"""What half of a cell's molecules says about the other half, beside what it says about a signal from outside."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import kendalltau

from helpers._utils.validation import in_range
from helpers.datasets import Dataset
from helpers.datasets.pairing import OTHER_HALF, with_other_half
from helpers.findings.curves import KEYS
from helpers.information import lmi
from helpers.preprocess.genes import prepare
from helpers.representations import PCA
from helpers.store.model_free import MeasuredCurve, bracketed, with_ends

# Levels of the two that differ by no more than this factor are one depth.
_EQUAL = 1.1
# Standard errors by which two models must differ to be told apart at a depth.
_CLEAR = 2.0


def alike_and_not(cells: Dataset, seed: int = 0) -> pd.DataFrame:
    """Return what a half says about the other (PCA, 16 dimensions): of cells, and of as many that express the same.

    The counts of the latter are Poisson around each gene's mean over cells, so their halves are independent: 0 bits.

    Returns
    -------
    DataFrame
        Rows "as they are" and "all alike"; ``bits``, their standard ``error``, ``null`` in bits, ``probe_cells``.
    """
    mean = np.asarray(cells.counts.mean(axis=0)).ravel()
    alike = sparse.csr_matrix(np.random.default_rng([seed, 1]).poisson(mean, cells.counts.shape))
    rows = {}
    for name, counts in {"as they are": cells.counts, "all alike": alike}.items():
        halves = with_other_half(replace(cells, counts=counts), seed)
        ready = prepare(halves.counts[halves.train], halves.counts[halves.probe])
        found = lmi(PCA(16).fit(ready.train).transform(ready.probe), halves.signal[halves.probe], seed)
        rows[name] = {"bits": found.bits, "error": found.stderr, "null": found.null_bits, "probe_cells": found.n}
    return pd.DataFrame.from_dict(rows, orient="index")


def at_equal_depth(halves: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """Return bits about the other half and about each external signal, for the same model and as deep cells.

    A half thinned to d is as deep as all molecules thinned to d/2.

    Parameters
    ----------
    halves, external : DataFrames from ``noise_axis(seed_means(rows))``
        The first with the signal ``other_half``.

    Returns
    -------
    DataFrame
        One row a data set, external signal, model and depth that both have: ``KEYS``; ``depth``, share of all
        molecules; ``umis_per_cell``; ``external`` and ``half`` in bits, means over seeds, and their standard errors
        ``external_error`` and ``half_error``.
    """
    sides = [_means(points, factor) for points, factor in ((halves, 0.5), (external, 1.0))]
    both = sides[1].merge(sides[0], on=["dataset", "representation"], suffixes=("", "_of_half"))
    near = np.abs(np.log(both["depth"] / both["depth_of_half"])) < np.log(_EQUAL)
    columns = {"bits": "external", "error": "external_error", "bits_of_half": "half", "error_of_half": "half_error"}
    both = both[near].rename(columns=columns)
    return both[[*KEYS, "depth", "umis_per_cell", *columns.values()]].reset_index(drop=True)


def _means(points: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Return the mean over seeds at each depth, with a standard error pooled over the depths of a curve."""
    of_depth = points.groupby([*KEYS, "noise_level"])
    table = of_depth.agg(
        umis_per_cell=("umis_per_cell", "mean"),
        bits=("mi_bits", "mean"),
        var=("mi_bits", "var"),
        seeds=("seed", "size"),
    ).reset_index()
    pooled = table.groupby(KEYS)["var"].transform("mean")
    return table.assign(depth=table["noise_level"] * factor, error=np.sqrt(pooled / table["seeds"]))


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Return how far the other half orders models and depths as an external signal does.

    Parameters
    ----------
    table : DataFrame from ``at_equal_depth``

    Returns
    -------
    DataFrame
        One row a data set and external signal: ``points`` (models × depths); ``tau``, Kendall's rank correlation of
        the two over all of them; ``pairs``, pairs of models at one depth; ``clear``, those in which both signals
        tell the two models apart by more than two standard errors; ``agree``, those of the clear ones that both
        order alike.
    """
    rows = []
    for key, group in table.groupby(["dataset", "signal"]):
        verdicts = [
            _orders(first, second)
            for _, of_depth in group.groupby("depth")
            for first, second in itertools.combinations(of_depth.to_dict("records"), 2)
        ]
        clear = [verdict for verdict in verdicts if verdict is not None]
        tau = kendalltau(group["external"], group["half"]).statistic
        rows.append([*key, len(group), tau, len(verdicts), len(clear), sum(clear)])
    return pd.DataFrame(rows, columns=["dataset", "signal", "points", "tau", "pairs", "clear", "agree"])


def _orders(first: dict[str, Any], second: dict[str, Any]) -> bool | None:
    """Return whether both signals put two models in one order; None where either does not tell them apart."""
    apart = [
        (first[side] - second[side]) / np.hypot(first[f"{side}_error"], second[f"{side}_error"])
        for side in ("external", "half")
    ]
    return bool(apart[0] * apart[1] > 0) if min(map(abs, apart)) > _CLEAR else None


def depths_keeping(halves: pd.DataFrame, external: pd.DataFrame, share: float = 0.5) -> pd.DataFrame:
    """Return the depth at which a share of the bits at the deepest common level is left, by either signal.

    Parameters
    ----------
    halves, external : DataFrames as for ``at_equal_depth``
        Compared over the levels that both have.
    share : float in (0, 1)

    Returns
    -------
    DataFrame
        One row a data set, external signal and model: ``KEYS``; ``deepest``, the common level in UMIs per cell;
        ``external`` and ``half``, the depths by either signal in UMIs per cell, interpolated, with the ends of their
        95 % intervals (``_low``, ``_high``); 0 stands for a depth below the shallowest.
    """
    in_range(share, 0, 1, "share", open_low=True)
    rows = []
    for key, matched in at_equal_depth(halves, external).groupby(KEYS):
        if matched["depth"].nunique() < 2:
            continue
        wanted = dict(zip(KEYS, key, strict=True))
        curves = {
            name: MeasuredCurve(_levels(points, wanted | of, matched["depth"] * factor))
            for name, points, of, factor in (("external", external, {}, 1), ("half", halves, {"signal": OTHER_HALF}, 2))
        }
        depths = {name: curve.depth_with(share * float(curve.bits[-1])) for name, curve in curves.items()}
        rows.append(wanted | {"deepest": curves["external"].u[-1], **with_ends(depths)})
    return pd.DataFrame(rows)


def _levels(points: pd.DataFrame, wanted: dict[str, str], levels: pd.Series) -> pd.DataFrame:
    """Return the points of a curve at some levels of noise, each to within the factor that counts as equal."""
    curve = points[(points[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    apart = np.abs(np.log(curve["noise_level"].to_numpy()[:, None] / levels.to_numpy()))
    return curve[apart.min(axis=1) < np.log(_EQUAL)]


def depths_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``depths_keeping`` with a depth and its interval in one cell."""
    shown = table[KEYS].assign(deepest=table["deepest"].map("{:,.0f}".format))
    for name, title in (("external", "by the external signal"), ("half", "by the other half")):
        ends = table[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
        shown[title] = [bracketed(value, low, high, ",.0f") for value, low, high in ends]
    return shown.rename(columns={"deepest": "deepest level"})


def answers(table: pd.DataFrame) -> dict[str, float]:
    """Return what a table of ``agreement`` says in numbers: tasks, rank correlations, clear pairs, agreements."""
    tau = table["tau"]
    return {"tasks": len(table), "tau": float(tau.median()), "tau_least": float(tau.min()),
            "clear": int(table["clear"].sum()), "agree": int(table["agree"].sum())}  # fmt: skip


def answers_of_depths(table: pd.DataFrame, representation: str = "pca") -> dict[str, float]:
    """Return what a table of ``depths_keeping`` says in numbers: depth by the other half over that by the signal."""
    of_model = table[(table["representation"] == representation) & (table[["external", "half"]] > 0).all(axis=1)]
    ratio = of_model["half"] / of_model["external"]
    return {"ratio_tasks": len(ratio), "ratio": float(ratio.median()), "ratio_least": float(ratio.min()),
            "ratio_most": float(ratio.max())}  # fmt: skip
