"""A chart of depths at which bits are missing, one row a task."""

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import DEPTH, GREY, WIDTH
from helpers.store.model_free import MISSING


def depth_intervals(table: pd.DataFrame, title: str, caption: str) -> alt.LayerChart:
    """Draw the depths at which 0.1, 0.25 and 0.5 bits are missing with their 95 % intervals, one row a task.

    A grey bar is the deepest depth that was measured; a triangle to the left stands at the shallowest where fewer bits
    are missing even there. Tasks are sorted by the depth at which a quarter of a bit is missing. ``table`` is as
    ``findings.how_deep.task_table`` makes it; ``caption`` says how many tasks, points and seeds it has.
    """
    names = [f"{bits:g} bits missing" for bits in MISSING]
    long = pd.concat([_of(table, bits, name) for bits, name in zip(MISSING, names, strict=True)])
    order = table.sort_values("missing_0.25", ascending=False)["curve"].tolist()
    across = parts.log_axis("at", DEPTH)
    row = alt.Y("curve:N", sort=order).title(None).axis(labelLimit=260)
    offset = alt.YOffset("missing:N", sort=names)
    hue = alt.Color("missing:N", sort=names).scale(parts.colours(names))
    hue = hue.legend(orient="top", columns=3, symbolOpacity=1).title(None)
    pick = parts.legend_pick("missing")
    look = {"opacity": parts.faded(pick)}
    base = alt.Chart(long)
    tooltip = ["curve:N", "missing:N", *parts.tips(",.0f", "at", "low", "high", "umis_per_cell")]
    rules = base.mark_rule(strokeWidth=2).encode(across, row, offset, hue, alt.X2("high:Q"), **look)
    rules = rules.encode(x=parts.log_axis("low", DEPTH)).add_params(pick)
    dots = base.transform_filter("datum.reached").mark_circle(size=45)
    left = base.transform_filter("!datum.reached").mark_point(shape="triangle-left", filled=True, size=45)
    marks = [mark.encode(across, row, offset, hue, tooltip=tooltip, **look) for mark in (dots, left)]
    deepest = alt.Chart(table).mark_tick(color=GREY, thickness=3, size=20)
    deepest = deepest.encode(parts.log_axis("umis_per_cell", DEPTH), row)
    words = "Grey bars: the deepest measured, with which the others are compared. Triangles: below the shallowest."
    size = {"width": WIDTH - 120, "height": 22 * len(order)}
    return parts.layered([deepest, rules, *marks], title, f"{caption}; lines: 95 % intervals", words, **size)


def _of(table: pd.DataFrame, bits: float, name: str) -> pd.DataFrame:
    column = f"missing_{bits:g}"
    least = table["shallowest"]
    reached = table[column] > 0
    at = table[column].where(reached, least)
    ends = {end: table[f"{column}_{end}"].fillna(at).clip(lower=least) for end in ("low", "high")}
    return table[["curve", "umis_per_cell"]].assign(
        missing=name, at=at, reached=reached, low=np.minimum(ends["low"], at), high=np.maximum(ends["high"], at)
    )
