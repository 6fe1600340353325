"""Losses at several depths or numbers of genes: on one scale, and beside what counting alone costs."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.findings.losses import good, need
from helpers.laws import Fit, kept
from helpers.sweep.reconstruction import COMMON_GENES


def explained(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``share``, the part of the gene mean's squared error on the common genes that a model removes; 0 is the mean.

    The common genes are the 128 that vary most, the same for every number of genes, so that runs with different numbers
    of genes can be compared.
    """
    need(rows, "loss", "n_genes", "common_loss", "common_mean_loss")
    if set(good(rows)["loss"]) - {"mse"} or (good(rows)["n_genes"] < COMMON_GENES).any():
        raise ValueError(
            f"give runs of loss 'mse' with {COMMON_GENES} genes or more: others share no scale or no genes."
        )
    return good(rows).assign(share=lambda t: 1 - t["common_loss"] / t["common_mean_loss"])


def on_one_scale(rows: pd.DataFrame) -> pd.DataFrame:
    """Scale the losses of each seed so that its gene mean's loss is that of all seeds of the depth.

    At a thinned depth seeds choose different genes, some of which vary more: a difference of all sizes alike.
    """
    need(rows, "noise_level", "mean_loss", "test_loss")
    average = rows.groupby("noise_level")["mean_loss"].transform("mean")
    return rows.assign(test_loss=rows["test_loss"] * average / rows["mean_loss"])


def noise_table(rows: pd.DataFrame, fits: dict[Any, Fit]) -> pd.DataFrame:
    """Return, for each depth, the floor of L(P) beside the noise of counting, which no predictor can go below.

    Parameters
    ----------
    rows : DataFrame of loss "mse" at several depths
    fits : dict of depth (``noise_level``) → Fit

    Returns
    -------
    DataFrame
        Depth in UMIs per cell, the losses of the gene mean, the linear predictor and the best model, the counting
        noise, the fitted floor with its robust interval, and ``reached``: how much of what could be explained (gene
        mean less counting noise) the best model explains; ``told`` and ``at most``: ½ log2 of the gene mean's loss over
        that of the best model and over the counting noise, bits a hidden gene.
    """
    need(rows, "noise_level", "noise_loss", "validation_loss")
    depths = good(rows).groupby("noise_level", sort=False)
    table = pd.DataFrame([{"depth": depth} | _at_depth(some, fits[depth]) for depth, some in depths])
    return table.sort_values("umis_per_cell", ascending=False).reset_index(drop=True)


def _at_depth(runs: pd.DataFrame, fit: Fit) -> dict[str, Any]:
    # Chosen without the test cells.
    size = runs.groupby("size")["validation_loss"].mean().idxmin()
    best = float(runs.loc[runs["size"] == size, "test_loss"].mean())
    mean, noise, linear = (float(runs[f"{name}_loss"].astype(float).mean()) for name in ("mean", "noise", "linear"))
    robust = kept.robust_fit(fit, names=("c",))
    low, high = robust.intervals["c"]
    return {
        "umis_per_cell": runs["umis_per_cell"].mean(),
        "gene mean": mean,
        "linear": linear,
        "best model": best,
        "size": size,
        "counting noise": noise,
        "c": robust.params["c"],
        "c_low": low,
        "c_high": high,
        "reached": (mean - best) / (mean - noise),
        "reached, linear": (mean - linear) / (mean - noise),
        "status": fit.status,
        "told": _told(mean, best),
        "told, linear": _told(mean, linear),
        "at most": _told(mean, noise),
        "seeds": runs["seed"].nunique(),
    }


def _told(mean: float, loss: float) -> float:
    """Return the bits that the other genes tell about a hidden one, if both are Gaussian."""
    return float(0.5 * np.log2(mean / loss))


def noise_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the losses of ``noise_table`` as curves for ``loss_charts.points_and_laws``; the floor with its interval.

    A floor that the points do not bound is left out.
    """
    shared, curves = table[["umis_per_cell", "seeds"]], []
    for what in ("gene mean", "linear", "best model", "counting noise"):
        curves.append(shared.assign(what=what, value=table[what], low=table[what], high=table[what]))
    floor = shared.assign(what="floor c of L(P)", value=table["c"], low=table["c_low"], high=table["c_high"])
    curves.insert(3, floor[np.isfinite(floor[["low", "high"]]).all(axis=1) & (table["status"] == "ok")])
    points = pd.concat(curves, ignore_index=True).dropna(subset=["low", "high"])
    return points[["what", "umis_per_cell", "value", "low", "high", "seeds"]]
