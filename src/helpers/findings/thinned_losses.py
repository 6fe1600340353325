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
    table = []
    for depth, some in good(rows).groupby("noise_level", sort=False):
        # Chosen without the test cells.
        size = some.groupby("size")["validation_loss"].mean().idxmin()
        best = float(some.loc[some["size"] == size, "test_loss"].mean())
        mean, noise = float(some["mean_loss"].mean()), float(some["noise_loss"].astype(float).mean())
        again = kept.robust_fit(fits[depth], names=("c",))
        table.append({
            "depth": depth, "umis_per_cell": some["umis_per_cell"].mean(), "gene mean": mean,
            "linear": some["linear_loss"].mean(), "best model": best, "size": size,
            "counting noise": noise, "c": again.params["c"], "c_low": again.intervals["c"][0],
            "c_high": again.intervals["c"][1], "reached": (mean - best) / (mean - noise),
            "reached, linear": (mean - some["linear_loss"].mean()) / (mean - noise), "status": fits[depth].status,
            "told": _told(mean, best), "told, linear": _told(mean, float(some["linear_loss"].mean())),
            "at most": _told(mean, noise), "seeds": some["seed"].nunique(),
        })  # fmt: skip
    return pd.DataFrame(table).sort_values("umis_per_cell", ascending=False).reset_index(drop=True)


def _told(mean: float, loss: float) -> float:
    """Return the bits that the other genes tell about a hidden one, if both are Gaussian."""
    return float(0.5 * np.log2(mean / loss))


def noise_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the losses of ``noise_table`` as curves for ``loss_charts.points_and_laws``; the floor with its interval.

    A floor that the points do not bound is left out.
    """
    floor = "floor c of L(P)"
    parts = []
    for what in ("gene mean", "linear", "best model", floor, "counting noise"):
        columns = ("c", "c_low", "c_high") if what == floor else (what,) * 3
        value, low, high = (table[column] for column in columns)
        known = np.isfinite(low) & np.isfinite(high) & ((table["status"] == "ok") | (what != floor))
        part = {"what": what, "umis_per_cell": table["umis_per_cell"], "value": value, "low": low, "high": high}
        parts.append(pd.DataFrame({**part, "seeds": table["seeds"]})[known])
    return pd.concat(parts, ignore_index=True)
