"""The sentences and cells of a scan's report: numbers of its curves set into words that a person wrote."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import is_labels
from helpers.findings.scan_plan import SIZES
from helpers.laws import Fit, depth_advice
from helpers.store.model_free import MISSING, UNKNOWN, Interval, MeasuredCurve, bracketed, in_cell, with_ends
from helpers.sweep.turns import INTERRUPTED, OUT_OF_TIME

STATUSES = (
    "ok: the points agree with the law and fix its parameters. misfit: the points reject the law; its parameters "
    "stand in brackets and are not to be quoted. unconstrained: the points do not fix every parameter. bound: an "
    "estimate lies on an edge of the search. above the ceiling: the law's plateau lies above the most bits there "
    "can be, so it is not the plateau of this signal. Intervals hold the sampling error of the seeds, or of the "
    "probe cells where there is one seed; they do not hold the bias of the estimate. UMIs per cell are those of the "
    "genes in the file."
)
# Bits by which a classifier must exceed an estimate before the report says that it is low.
_LOW = 0.05
around = Interval.around


def quantities(points: pd.DataFrame, cells: pd.DataFrame | None) -> dict[str, Any]:
    """Return what one curve says without a law, as columns; ``cells`` are its points along training cells, if any."""
    own = points[points["noise_level"] == points["noise_level"].max()]
    row: dict[str, Any] = {"umis_per_cell": float(own["umis_per_cell"].mean()), "n_train": int(own["n_train"].max())}
    missing = dict.fromkeys((f"missing_{bits:g}" for bits in MISSING), UNKNOWN)
    halving, bits, seeds, depths = UNKNOWN, UNKNOWN, int(own["seed"].nunique()), 1
    curve = _curve(points)
    if curve is not None:
        missing = {f"missing_{b:g}": curve.depth_missing(b) for b in MISSING}
        halving, bits, seeds, depths = curve.lost_by(2.0), curve.own_depth(), curve.seeds, len(curve.u)
    row["shallowest"] = float(points["umis_per_cell"].min())
    of_seeds = bool(np.isfinite(bits.low))
    if not of_seeds:  # one seed: the error of the probe cells is all that is known
        bits = around(own["mi_bits"].mean(), 1.96 * own["mi_stderr_bits"].mean())
    along = (
        None if cells is None else _curve(cells.assign(noise_level=cells["n_train"], umis_per_cell=cells["n_train"]))
    )
    fewer = along.lost_by(2.0) if along is not None else UNKNOWN
    named = {"bits": bits, "halving": halving, **missing, "halving_cells": fewer}
    interval_of = "seeds" if of_seeds else "probe cells"
    nulls = float(points["mi_null_bits"].mean())
    return {**row, **with_ends(named), "null": nulls, "depths": depths, "seeds": seeds, "interval_of": interval_of}


def _curve(points: pd.DataFrame) -> MeasuredCurve | None:
    """Return a measured curve, or None where no seed was measured at two levels or more."""
    levels = points.groupby("noise_level")["seed"].nunique()
    whole = points.pivot_table(index="noise_level", columns="seed", values="mi_bits").dropna(axis=1)
    return MeasuredCurve(points) if len(levels) > 1 and whole.shape[1] else None


def readable_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the table of curves to read: a value with its interval in one cell, one column a curve."""
    columns = {"bits": "bits at its own depth", "halving": "bits lost by halving the depth"}
    columns |= {f"missing_{bits:g}": f"{bits:g} bits missing at" for bits in MISSING}
    columns |= {"halving_cells": "bits lost by halving the training cells", "classifier": "a classifier finds at least"}
    shown = {}
    for name, row in curves.iterrows():
        cells = {"own depth (UMIs per cell)": f"{row['umis_per_cell']:,.0f}", "training cells": f"{row['n_train']:,}"}
        for column, title in columns.items():
            depth = column.startswith("missing")
            if depth and np.isnan(row[column]):
                cells[title] = "not measured"
                continue
            cells[title] = in_cell(row, column, ",.0f" if depth else ".2f", "not measured")
        cells["ceiling"] = "unknown" if np.isnan(row["ceiling"]) else f"{row['ceiling']:.2f}"
        cells["permuted signal"] = f"{row['null']:+.2f}"
        cells["intervals of"] = f"{row['interval_of']} ({row['seeds']} seed{'s' * (row['seeds'] != 1)})"
        shown[name] = cells
    return pd.DataFrame(shown)


def _bits(row: Any, name: str) -> str:
    return bracketed(row[name], row[f"{name}_low"], row[f"{name}_high"])


def first_answer(curves: pd.DataFrame) -> str:
    """Return what the first points say, in one line, with what its intervals hold."""
    parts = []
    for name, row in curves.iterrows():
        said = f"{name}: {_bits(row, 'bits')} bits at {row['umis_per_cell']:,.0f} UMIs per cell"
        if not np.isnan(row["halving"]):
            said += f", {row['halving']:.2f} lost by halving the depth"
        parts.append(said)
    return (
        f"First answer: {'; '.join(parts)}. Of {curves['depths'].max()} depths and one seed: the interval holds the "
        "sampling error of the probe cells alone."
    )


def advice(curves: pd.DataFrame, fits: dict[str, Fit], ceilings: dict[str, float], share: float) -> list[str]:
    """Return sentences on depth and on the number of cells: what limits, then curve by curve."""
    sentences = []
    for signal, rows in curves.groupby("signal", sort=False):
        best = rows["bits"].idxmax()
        sentences.append(_bottom_line(str(signal), str(best), rows.loc[best], len(rows)))
    for name, row in curves.iterrows():
        sentences.append(_of_depth(str(name), row))
    return sentences + depth_advice(fits, share, ceilings)


def _bottom_line(signal: str, best: str, row: Any, n: int) -> str:
    """Return which of depth and cells limits, by the curve that knows most about a signal."""
    by = f"by {row['representation']}" + (", which knows most" if n > 1 else "")
    if signal.startswith("batch:"):
        most = "" if np.isnan(row["ceiling"]) else f" of at most {row['ceiling']:.2f}"
        return f"{signal}, a control, {by}: {_bits(row, 'bits')}{most} bits of what is known are about the batch."
    depth, cells = (
        Interval(*(row[f"{c}{end}"] for end in ("", "_low", "_high"))) for c in ("halving", "halving_cells")
    )
    if np.isnan(depth.value):
        return f"{signal}, {by}: {_bits(row, 'bits')} bits at its own depth. One depth says nothing about other depths."
    half = f"{row['umis_per_cell'] / 2:,.0f} UMIs per cell"
    if np.isnan(cells.value):
        return f"{signal}, {by}: halving the depth to {half} costs {bracketed(*depth)} bits."
    few = f"{row['n_train'] // 2:,} training cells"
    costs = f"halving the depth to {half} costs {bracketed(*depth)} bits, and halving to {few} {bracketed(*cells)}"
    if depth.low > cells.high:
        verdict = "depth limits more than cells"
    elif cells.low > depth.high:
        verdict = "cells limit more than depth"
    elif max(depth.value, cells.value) < _LOW:
        verdict = "neither limits much"
    else:
        verdict = "the points do not say which limits more"
    return f"{signal}, {by}: {costs}: {verdict}."


def _of_depth(name: str, row: Any) -> str:
    """Return what one curve has at its own depth, and how much shallower would do."""
    own, most = row["umis_per_cell"], "" if np.isnan(row["ceiling"]) else f", of at most {row['ceiling']:.2f}"
    said = f"{name}: {_bits(row, 'bits')} bits at {own:,.0f} UMIs per cell{most}"
    at = row[f"missing_{MISSING[0]:g}"]
    if np.isnan(at):
        return f"{said}."
    if at > 0:
        return f"{said}; {MISSING[0]:g} bits are missing at {at:,.0f} UMIs per cell, {own / at:.1f}-fold shallower."
    return f"{said}; less than {MISSING[0]:g} bits are missing even at {row['shallowest']:,.0f} UMIs per cell."


def ending(ended: str, measured: int, planned: int, budget: float | None) -> list[str]:
    """Return a sentence on what was not measured, if anything."""
    if ended == INTERRUPTED:
        return [f"Stopped by hand: {measured} of {planned} points are measured, and the report is of these."]
    if ended == OUT_OF_TIME:
        return [
            f"The budget of {budget:,.0f} s is spent: {measured} of {planned} points are measured, and the report is "
            "of these. A larger budget, or keep=FOLDER and the same call again, measures the others."
        ]
    return []


def single_seed(curves: pd.DataFrame) -> list[str]:
    """Return a sentence where one seed leaves differences along a curve without an interval."""
    if (curves["seeds"] > 1).all():
        return []
    return [
        "Curves of one seed have an interval at their own depth alone: what a halving costs, and depths, have none."
    ]


def too_many_cells(asked: Sequence[int], rows: pd.DataFrame) -> list[str]:
    """Say which numbers of training cells there are not, unless they are the ones that are tried if none are given.

    >>> too_many_cells([50, 5000], pd.DataFrame({"n_train": [50, 350]}))
    ['There are 350 training cells: n_train 5,000 was measured with all of them.']
    """
    most = int(rows["n_train"].max()) if len(rows) else np.inf
    beyond = [f"{n:,}" for n in asked if n > most]
    if not beyond or tuple(asked) == SIZES:
        return []
    was = "was" if len(beyond) == 1 else "were"
    return [f"There are {most:,} training cells: n_train {' and '.join(beyond)} {was} measured with all of them."]


def failed(rows: pd.DataFrame) -> list[str]:
    """Return a sentence on points that failed, with the first reason."""
    bad = rows[rows["status"] != "ok"]
    return [f"{len(bad)} of {len(rows)} points failed: {bad.iloc[0]['message']}"] if len(bad) else []


def genes_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return by which method genes were chosen at each depth, with the number of points."""
    good = rows[(rows["status"] == "ok") & ~rows["representation"].str.startswith("X_")]
    good = good.assign(genes_by=good["genes_by"].map(_kind), depth=good["noise_level"])
    table = good.groupby(["signal", "depth", "genes_by"]).size().rename("points").reset_index()
    return table.sort_values(["signal", "depth"], ascending=[True, False]).reset_index(drop=True)


def _kind(method: str) -> str:
    return "all genes" if method.startswith("all ") else method.partition(", since")[0]


def gene_choices(rows: pd.DataFrame) -> list[str]:
    """Return a sentence where the choice of genes changes its method along a curve."""
    good = rows[(rows["status"] == "ok") & rows["of_depth"]].assign(kind=lambda t: t["genes_by"].map(_kind))
    sentences = []
    for signal, group in good.groupby("signal", sort=False):
        of_kind = group.groupby("kind")["noise_level"].agg(["min", "max"]).sort_values("max", ascending=False)
        if len(of_kind) < 2:
            continue
        parts = "; ".join(f"{kind} at {_range(low, high)}" for kind, (low, high) in of_kind.iterrows())
        sentences.append(
            f"{signal}: genes were not chosen in one way along the curve ({parts}): part of the fall may be the choice "
            "of genes. gene_depth=1.0 chooses them once, at the data's own depth."
        )
    return sentences


def _range(low: float, high: float) -> str:
    return f"depth {low:g}" if low == high else f"depths {low:g} to {high:g}"


def low_estimates(curves: pd.DataFrame, bounds: dict[tuple[str, str], Any]) -> list[str]:
    """Return a sentence for each curve whose estimate at its own depth is below what a classifier finds."""
    sentences = []
    for name, row in curves.iterrows():
        bound = bounds.get((row["signal"], row["representation"]))
        if bound is None or bound.bits - row["bits"] < max(_LOW, 1.96 * bound.stderr):
            continue
        sentences.append(
            f"{name}: {row['bits']:.2f} bits is low, as estimates about many labels are: a classifier on the same "
            f"embedding finds at least {bound.bits:.2f}. Compare curves with each other rather than with the ceiling."
        )
    return sentences


def origins(data: dict[str, Any]) -> list[str]:
    """Return a sentence on signals that may have been computed from the same counts."""
    unknown = [name for name, cells in data.items() if cells.independent_signal is None and is_labels(cells.signal)]
    same = [name for name, cells in data.items() if cells.independent_signal is False]
    sentences = []
    if unknown:
        sentences.append(
            f"{', '.join(unknown)}: whether the labels were computed from the same counts is not known "
            "(independent=True or False says it). If they were, the curve says how robust that computation is."
        )
    if same:
        sentences.append(
            f"{', '.join(same)}: computed from the same counts, so it is recovered rather than discovered: the curve "
            "says how robust that computation is."
        )
    return sentences
