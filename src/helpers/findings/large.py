"""What very many cells cost: measured seconds and memory, how they grow, and what they say of far larger data."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.charts import parts
from helpers.charts.style import COLOURS, GREY, HEIGHT, WIDTH
from helpers.store import reference

# Steps that every seed and depth repeats for every cell, and the one that has a fixed number of probe cells.
PASS = "thin to 0.1, choose genes, normalise"
FIT = "PCA of the training cells"
ESTIMATE = "LMI of"
# Too short to show beside the others.
_TRIFLES = ("choose genes", "PCA of the probe cells")


def measured() -> pd.DataFrame:
    """Return what ``benchmarks/large.py`` measured: a row a step, number of cells and place of the counts.

    Columns are ``counts in`` (disk or memory), ``cells``, ``step``, ``seconds`` by the clock, ``core_seconds`` of the
    processor, ``peak_gb`` (most memory of the process during the step), ``file_gb`` and what data and machine were.
    """
    return reference.table("large")


def half_width(n_probe: int) -> float:
    """Return half the 95 % interval, in bits, that an estimate of so many probe cells would have.

    The median over the reference results of cells, each scaled from its own number of probe cells by the square root.

    >>> round(half_width(1000) / half_width(4000), 6)
    2.0
    """
    in_range(n_probe, 1, 1e12, "n_probe", whole=True)
    rows = reference.table("measured").query("status == 'ok' and noise_kind == 'thinning'")
    return float((1.96 * rows["mi_stderr_bits"] * np.sqrt(rows["n_probe"] / n_probe)).median())


def growth(table: pd.DataFrame) -> pd.DataFrame:
    """Return core-seconds and memory of each step along the number of cells, and how fast the core-seconds grow.

    The last column is the exponent b of core-seconds ∝ cellsᵇ between the two largest numbers of cells: 1 is linear.

    Examples
    --------
    >>> step = {"counts in": "disk", "step": "read", "peak_gb": 1.0}
    >>> growth(pd.DataFrame([step | {"cells": 10**n, "core_seconds": 10.0**n} for n in (4, 5)]))["exponent"].tolist()
    [1.0]
    """
    steps: dict[Any, dict[str, Any]] = {}
    for name, rows in _named(table).sort_values("cells", kind="stable").groupby("line", sort=False):
        costs = rows[["cells", "core_seconds", "peak_gb"]].to_numpy()
        steps[name] = {f"{int(n):,}": f"{seconds:,.1f} s, {gb:.1f} GB" for n, seconds, gb in costs}
        slope = np.diff(np.log(costs[-2:, 1])) / np.diff(np.log(costs[-2:, 0]))
        steps[name]["exponent"] = round(float(slope[0]), 2) if len(slope) else float("nan")
    order = list(dict.fromkeys(_named(table)["line"]))
    sizes = [f"{n:,}" for n in sorted(table["cells"].unique())]
    out = pd.DataFrame.from_dict(steps, orient="index").loc[order, [*sizes, "exponent"]]
    return out.rename_axis("cells").fillna("")


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``line``, the step and where the counts were if not on disk."""
    return table.assign(line=table["step"] + np.where(table["counts in"] == "memory", ", counts in memory", ""))


def chart(table: pd.DataFrame) -> alt.VConcatChart:
    """Draw core-seconds and peak memory of the longer steps against cells; click the legend to bring one out."""
    table = table[~table["step"].isin(_TRIFLES)]
    shown = _named(table)
    names = list(dict.fromkeys(shown["line"]))
    pick = parts.legend_pick("line")
    colours = [*COLOURS, GREY, "#8c564b", "#bcbd22"][: len(names)]
    hue = alt.Color("line:N").scale(domain=names, range=colours).title(None)
    panels: list[Any] = []
    for column, title, kind in (("core_seconds", "core-seconds", "log"), ("peak_gb", "peak memory (GB)", "linear")):
        base = alt.Chart(shown).encode(
            parts.log_axis("cells", "cells in the file").axis(format="~s", tickCount=3),
            alt.Y(f"{column}:Q").scale(type=kind).title(title),
            hue.legend(orient="bottom", columns=2, labelLimit=300),
            opacity=parts.faded(pick, hidden=0.15),
            tooltip=["line", "cells", alt.Tooltip("core_seconds", format=",.1f"), alt.Tooltip("peak_gb", format=".2f")],
        )
        dots = base.mark_point(filled=True, size=50)
        # One view has the legend's selection, and both follow it.
        layers = base.mark_line() + (dots if panels else dots.add_params(pick))
        panels.append(layers.properties(width=WIDTH, height=HEIGHT / 2))
    top = table.iloc[0]
    data = f"{top['genes']:,} genes, {top['umis_per_cell']:,.0f} UMIs a cell"
    subtitle = f"{len(table)} timings, one run each; {data}; {top['machine']}"
    title = alt.TitleParams("Time grows with the cells, memory with the chosen genes", subtitle=subtitle)
    return alt.vconcat(*panels).properties(title=title)


def plan(
    table: pd.DataFrame,
    cells: list[float],
    seeds: int = 3,
    depths: int = 8,
    per_core_hour: float = 0.05,
    per_tb_month: float = 20.0,
    shard: float = 1e6,
) -> pd.DataFrame:
    """Return what sweeps over far more cells would take, in proportion to what was measured.

    Parameters
    ----------
    table : as from ``measured``
    cells : numbers of cells to plan for
    seeds, depths : each of their pairs thins every cell once more
    per_core_hour, per_tb_month : prices of computing and of storage
    shard : cells in one file, and to one job

    Returns
    -------
    DataFrame, one row a number of cells: terabytes of files, shards, core-hours of the passes over cells and of
    estimates, hours on as many cores as shards, and money.

    Examples
    --------
    >>> plan(measured(), [1e7])["shards"].tolist()
    [10]
    """
    in_range(seeds, 1, 1e4, "seeds", whole=True)
    in_range(depths, 1, 1e4, "depths", whole=True)
    in_range(shard, 1e3, 1e9, "shard")
    for n in cells:
        in_range(n, 1, 1e12, "cells")
    disk = table[table["counts in"] == "disk"]
    largest = disk[disk["cells"] == disk["cells"].max()]
    n_measured = int(largest["cells"].iloc[0])

    def seconds(step: str) -> float:
        return float(largest.loc[largest["step"].str.startswith(step), "core_seconds"].iloc[0])

    pairs, number = seeds * depths, np.asarray(cells, float)
    passes = pairs * number / n_measured * (seconds(PASS) + seconds(FIT)) / 3600
    estimates = np.full(len(number), pairs * seconds(ESTIMATE) / 3600)
    terabytes = number / n_measured * float(largest["file_gb"].iloc[0]) / 1000
    shards = np.ceil(number / shard).astype(int)
    columns = {
        "files (TB)": terabytes,
        "shards": shards,
        "core-hours, passes over cells": passes,
        "core-hours, estimates": estimates,
        "hours on a core a shard": passes / shards + estimates,
        "computing": (passes + estimates) * per_core_hour,
        "storage a month": terabytes * per_tb_month,
    }
    return pd.DataFrame(columns, index=pd.Index([f"{n:,.0f}" for n in cells], name="cells"))
