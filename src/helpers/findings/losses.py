"""From measured reconstruction losses to tables and curves: what was learned, which floor, at what compute."""

import json
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import choose, in_range
from helpers.findings.papers import floor_in_bits, grid_and_line
from helpers.laws import ComputeLaw, Fit, ModelSizeLaw, kept

# What tells one curve of losses from another.
KEYS = ["dataset", "loss", "n_genes", "n_train", "noise_level", "umis_per_cell"]
_WHOLE = ("n_train", "n_genes", "n_probe", "seed", "steps", "steps_planned", "cells_seen", "tokens")
_Z = 1.96


def need(rows: pd.DataFrame, *columns: str) -> None:
    """Raise if a table lacks a column, as one of cells does, or one in which nothing was measured."""
    missing = [name for name in columns if name not in rows]
    if missing:
        raise ValueError(
            f"rows have no column {missing[0]!r}: no point was measured (see failures(rows)), or these are no losses "
            "of masked reconstruction."
        )


def good(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that were measured; whole numbers as such, which a packed table holds as floats."""
    need(rows, "status")
    kept = rows[rows["status"] == "ok"]
    whole = [name for name in _WHOLE if name in kept and kept[name].notna().all()]
    return kept.astype(dict.fromkeys(whole, int))


def means(rows: pd.DataFrame, value: str = "test_loss", by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Average seeds, with the 95 % interval that figures draw: of the test cells, which seeds share, and of the seeds.

    Parameters
    ----------
    rows : DataFrame from ``run_sweep`` of a ``ReconstructionGrid``
    value : column; the error over test cells is that of "test_loss" or of "gain", none is known of others
    by : columns that tell points apart, instead of ``KEYS`` and the size

    Returns
    -------
    DataFrame with ``by``, ``params``, ``seeds``, ``value``, ``low`` and ``high``, sorted by parameters
    """
    errors = {"test_loss": "test_stderr", "gain": "gain_stderr", "mi_bits": "mi_stderr_bits"}
    keys = [*(by or [*KEYS, "size"])]
    need(rows, value)
    table = good(rows)
    table = table.assign(error=table[errors[value]] if value in errors else 0.0, umis_per_cell=_depths(table))
    out = table.groupby(keys, as_index=False, sort=False).agg(
        params=("params", "mean"),
        seeds=("seed", "nunique"),
        value=(value, "mean"),
        sampling=("error", "mean"),
        between=(value, "std"),
    )
    half = _Z * np.sqrt(out["sampling"] ** 2 + out["between"].fillna(0) ** 2 / out["seeds"])
    out = out.assign(low=out["value"] - half, high=out["value"] + half).drop(columns=["sampling", "between"])
    return out.sort_values([*(k for k in keys if k != "size"), "params"], kind="stable").reset_index(drop=True)


def _depths(rows: pd.DataFrame) -> pd.Series:
    """Return the depth of each row as the mean over seeds, which thin a little differently."""
    return rows.groupby(["dataset", "noise_level"])["umis_per_cell"].transform("mean")


def against_the_mean(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each model beside two predictors that need no network, on the same hidden genes of the same test cells.

    Returns
    -------
    DataFrame
        One row a model: the ``loss`` and its bits a hidden gene with 95 % half-widths; those of the predictor that
        knows each gene's mean; that of a linear predictor (``linear``); ``gain`` over the mean with its half-width, in
        which the differences between cells cancel; whether every seed gained (``better``); ``late``, by how much the
        validation loss still fell in the last fifth of training: far from 0, longer training would help; steps taken
        and ``planned``, of which patience may have left some out.
    """
    table, gain, keys = means(rows), means(rows, "gain"), [*KEYS, "size"]
    runs = good(rows)
    runs = runs.assign(late=[_late(text) for text in runs["history"]], umis_per_cell=_depths(runs))
    averaged = ["mean_loss", "linear_loss", "late", "steps", "steps_planned"]
    also = runs.groupby(keys)[averaged].mean().assign(least=runs.groupby(keys)["gain"].min())
    also = also.reindex(pd.MultiIndex.from_frame(table[keys])).reset_index(drop=True)
    bits = (
        table[["value", "low", "high"]]
        .assign(mean=also["mean_loss"])
        .apply(lambda losses: [_bits(loss, kind) for loss, kind in zip(losses, table["loss"], strict=True)])
    )
    return table[["dataset", "loss", "size"]].assign(
        **{
            "parameters": table["params"].round().astype(int),
            "seeds": table["seeds"],
            "steps": also["steps"].round().astype(int),
            "planned": also["steps_planned"].round().astype(int),
            "test loss": table["value"],
            "± loss": table["high"] - table["value"],
            "gene mean": also["mean_loss"],
            "linear": also["linear_loss"],
            "gain": gain["value"],
            "± gain": gain["high"] - gain["value"],
            "better": also["least"] > 0,
            "bits": bits["value"],
            "± bits": (bits["high"] - bits["low"]) / 2,
            "bits of the gene mean": bits["mean"],
            "late": also["late"],
        }
    )


def _bits(value: float, loss: str) -> float:
    """Return a loss as bits a hidden gene; cross-entropies of bins are in nats, as densities are."""
    return value if np.isnan(value) else floor_in_bits(value, "mse" if loss == "mse" else "nll")


def _late(history: str) -> float:
    seen = np.array([row[2] for row in json.loads(history)], float)
    best = np.minimum.accumulate(seen)
    return float(best[int(0.8 * (len(best) - 1))] - best[-1])


def spent(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what a training of each size took, on average over its runs.

    Steps, cells (each as often as it was seen), tokens (genes of those), floating-point operations of the matrix
    products of training and, besides, of validation, and seconds on one core.
    """
    columns = {
        "params": "parameters",
        "steps": "steps",
        "cells_seen": "cells seen",
        "tokens": "tokens",
        "flops": "operations",
        "validation_flops": "in validation",
        "seconds": "seconds",
    }
    need(rows, "size", "n_genes", *columns)
    averages = good(rows).groupby(["size", "n_genes"], sort=False)[list(columns)].mean().rename(columns=columns)
    return averages.sort_values("parameters").map("{:,.3g}".format)


def without_network(rows: pd.DataFrame) -> dict[str, float]:
    """Return the losses of the two predictors that need no network; the linear one has none for bins."""
    need(rows, "mean_loss", "linear_loss")
    losses = {"gene mean": float(rows["mean_loss"].mean()), "linear": float(rows["linear_loss"].mean())}
    return {name: value for name, value in losses.items() if np.isfinite(value)}


def floor_fits(rows: pd.DataFrame) -> dict[tuple[str, str], Fit]:
    """Fit L(P) to the runs of each loss, with all sizes and without the smallest: every run is a point.

    Parameters
    ----------
    rows : DataFrame with ``loss``, ``size``, ``params`` and ``test_loss``, of one dataset, depth, V and D

    Returns
    -------
    dict of (loss, "all sizes" or "without <size>") → Fit; a choice with fewer than three sizes is left out
    """
    need(rows, "loss", "size", "params", "test_loss")
    fits = {}
    for loss, runs in good(rows).groupby("loss", sort=False):
        smallest = str(runs.sort_values("params")["size"].iloc[0])
        for sizes, some in (("all sizes", runs), (f"without {smallest}", runs[runs["size"] != smallest])):
            if some["params"].nunique() >= 3:
                fits[str(loss), sizes] = kept.fit(ModelSizeLaw, some["params"], some["test_loss"])
    return fits


def floor_table(fits: dict[tuple[str, str], Fit], cells_error: dict[str, float] | None = None) -> pd.DataFrame:
    """Return what each fit says of the floor c, by least squares, robustly, and as published, with entropies.

    Parameters
    ----------
    fits : dict from ``floor_fits``
    cells_error : dict of loss → float, optional
        Standard error of the loss over test cells (``cells_error``), which all sizes share: no fit sees it. Entropies
        are given with it.

    Returns
    -------
    DataFrame
        ``alpha`` and ``c`` with the profile interval of the robust fit (``c_low``, ``c_high``); least squares of the
        runs (``squares_low`` …), and of the means of each size (``means_low`` …), whose scatter is the misfit of the
        law alone; ``c_grid`` and ``alpha_grid``, a grid of floors that ends at 0.99 of the smallest loss and a straight
        line, as published; ``least``, the smallest mean loss of a size; entropies in bits a hidden gene, with the error
        of the test cells. ``floor`` is "bounded" if all intervals are, and no size lies below c.
    """
    if not fits:
        raise ValueError("there is no fit: L(P) takes three or more sizes.")
    errors = cells_error or {}
    rows = [_floor_of(fit, loss, errors.get(loss, 0.0)) for (loss, _), fit in fits.items()]
    return pd.DataFrame(list(fits), columns=["loss", "sizes"]).join(pd.DataFrame(rows))


def _floor_of(fit: Fit, loss: str, error: float) -> dict[str, Any]:
    robust, squares = kept.robust_fit(fit, names=("c",)), fit.interval()["c"]
    c, (low, high) = robust.params["c"], robust.intervals["c"]
    sizes, size = np.unique(fit.x, return_inverse=True)
    means = np.bincount(size, fit.y) / np.bincount(size)
    of_means = kept.fit(ModelSizeLaw, sizes, means).interval()["c"]
    floor = "bounded" if means.min() >= c else "above a size"
    if fit.status != "ok" or not np.isfinite([low, high, *squares]).all():
        floor = "not bounded"
    elif not np.isfinite(of_means).all():
        floor = "not bounded by the means of sizes"
    try:
        line: Any = grid_and_line(fit.x, fit.y)
    except ValueError:  # the loss rises with size: the published way has no line to fit
        line = ModelSizeLaw(1.0, float("nan"), float("nan"))
    return {
        "points": fit.n_points,
        "alpha": robust.params["alpha"],
        "c": c,
        "c_low": low,
        "c_high": high,
        "weighed down": robust.n_far,
        "c_least_squares": fit.params["c"],
        "squares_low": squares[0],
        "squares_high": squares[1],
        "means_low": of_means[0],
        "means_high": of_means[1],
        "alpha_grid": line.alpha,
        "c_grid": line.c,
        "least": float(means.min()),
        "entropy (bits)": _bits(c, loss),
        "entropy_low": _bits(c - np.hypot(c - low, _Z * error), loss),
        "entropy_high": _bits(c + np.hypot(high - c, _Z * error), loss),
        "floor": floor,
        "status": fit.status,
        "message": fit.message,
    }


def cells_error(rows: pd.DataFrame) -> dict[str, float]:
    """Return, for each loss, the standard error over test cells of the best size, for ``floor_table``."""
    need(rows, "loss", "validation_loss", "test_stderr")
    best = good(rows).sort_values("validation_loss").groupby("loss", sort=False).first()
    return {str(loss): float(error) for loss, error in best["test_stderr"].items()}


def floor_verdict(table: pd.DataFrame, loss: str) -> str:
    """Return whether the floor of a loss in a ``floor_table`` is identified, and if not why: "not …".

    It is if the floor is bounded with all sizes and without the smallest, and the two intervals overlap.
    """
    rows = _of_loss(table, loss)
    why = [f"{row['floor']} ({row['sizes']})" for _, row in rows.iterrows() if row["floor"] != "bounded"]
    if len(rows) < 2:
        return "not shown to be identified: no fit with a size left out"
    if why:
        return f"not identified: {', '.join(why)}"
    if max(rows["c_low"]) > min(rows["c_high"]):
        return "not identified: it moves beyond its interval when the smallest size is left out"
    return "identified, for these models at these budgets"


def _of_loss(table: pd.DataFrame, loss: str) -> pd.DataFrame:
    return table[table["loss"] == choose(loss, set(table["loss"]), "loss of the table")]


def floor_in_words(table: pd.DataFrame, loss: str) -> str:
    """Return one sentence on the floor of a loss in a ``floor_table``, hence an entropy, with its ``floor_verdict``."""
    floors = [
        f"{'c = ' * (not i)}{row['c']:.3g} [{row['c_low']:.3g}, {row['c_high']:.3g}] {'with ' * (not i)}{row['sizes']}"
        for i, row in enumerate(_of_loss(table, loss).head(2).to_dict("records"))
    ]
    return f"{loss}: {', '.join(floors)}; {floor_verdict(table, loss)}."


def training_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the validation loss of every run along its training.

    Columns are ``dataset``, ``loss``, ``size``, ``seed``, ``params``, ``step``, ``flops`` (of training so far, above
    0), ``validation`` and ``best`` (the least so far).
    """
    need(rows, "history", "flops", "steps")
    parts = []
    for row in good(rows).to_dict("records"):
        seen = pd.DataFrame(json.loads(row["history"]), columns=["step", "train", "validation"])
        seen["flops"] = seen["step"] * row["flops"] / max(row["steps"], 1)
        seen["best"] = seen["validation"].cummin()
        parts.append(seen.assign(**{name: row[name] for name in ("dataset", "loss", "size", "seed", "params")}))
    if not parts:
        raise ValueError("no run was measured: there is no training curve (see failures(rows)).")
    table = pd.concat(parts, ignore_index=True)
    return table[table["flops"] > 0].reset_index(drop=True)


def frontier(curves: pd.DataFrame, n: int = 12) -> pd.DataFrame:
    """Return the least validation loss that any size reaches within a compute, for each seed.

    Parameters
    ----------
    curves : DataFrame from ``training_curves``, of one dataset and loss
    n : computes, in equal steps of the logarithm, over the range in which at least two sizes have a point

    Returns
    -------
    DataFrame with ``flops``, ``seed``, ``validation`` and the ``size`` that reached it
    """
    in_range(n, 2, 1e6, "n", "It is the number of computes.", whole=True)
    if not len(curves):
        raise ValueError("no run has a step with a validation: there is no frontier.")
    first = np.sort(curves.groupby("size")["flops"].min().to_numpy())
    at = np.geomspace(first[min(1, len(first) - 1)], curves["flops"].max(), n)
    rows = []
    for seed, runs in curves.groupby("seed"):
        for flops in at[at <= runs["flops"].max() * (1 + 1e-9)]:  # a seed without the largest size ends earlier
            within = runs[runs["flops"] <= flops * (1 + 1e-9)]
            if len(within):
                rows.append([flops, seed, *within.loc[within["validation"].idxmin(), ["validation", "size"]]])
    return pd.DataFrame(rows, columns=["flops", "seed", "validation", "size"])


def compute_fit(reached: pd.DataFrame) -> Fit:
    """Fit L(C) to a frontier; its points share runs, so the interval is narrower than the truth."""
    need(reached, "flops", "validation")
    return ComputeLaw.fit(reached["flops"], reached["validation"])
