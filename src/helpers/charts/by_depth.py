"""Charts of quantities along depth: many curves, coloured by kind of signal, in one panel a source."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import DEPTH, GREY, HEIGHT, INTERVAL, WIDTH


def by_depth(
    table: pd.DataFrame, title: str, up: str, caption: str, line: str = "bits", zero: bool = False
) -> alt.FacetChart:
    """Draw one line a curve along depth and dots with 95 % intervals, one panel a source; the legend picks kinds.

    Parameters
    ----------
    table : DataFrame with ``source``, ``curve``, ``kind``, ``signals``, ``umis_per_cell``, ``bits``, ``low``, ``high``
        As ``findings.depth_and_cells.with_kind`` makes it; where ``bits`` is NaN there is no dot.
    title, up, caption : what is drawn, the title of the vertical axis with its unit, how many points and seeds
    line : the column that lines join
    zero : whether to draw where nothing is gained
    """
    across = parts.log_axis("umis_per_cell", DEPTH)
    kinds = sorted(set(table["kind"]))
    hue = alt.Color("kind:N").scale(parts.colours(kinds)).title(None)
    hue = hue.legend(orient="top", columns=3, symbolOpacity=1)
    pick = parts.legend_pick("kind")
    names = ["independent of the counts", "from the counts"]
    dash = alt.StrokeDash("signals:N").scale(domain=names, range=[[1, 0], [5, 4]]).title(None)
    dash = dash.legend(orient="top", columns=2)
    base, dots = alt.Chart(table), alt.Chart(table).transform_filter("isValid(datum.bits)")
    values = ["bits", "low", "high"] + [line] * (line != "bits")
    tooltip = ["curve:N", alt.Tooltip("umis_per_cell:Q", format=",.0f"), *parts.tips(".3f", *values)]
    rise = alt.Y(f"{line}:Q").title(up)
    lines = base.mark_line(strokeWidth=1.5).encode(
        across, rise, hue, dash, detail="curve:N", opacity=parts.faded(pick, 0.7, 0.06)
    )
    look = {"opacity": parts.faded(pick, 0.8, 0.05)}
    bars = dots.mark_rule(strokeWidth=1).encode(across, *INTERVAL, hue, opacity=parts.faded(pick, 0.4, 0.03))
    circles = dots.mark_circle(size=35).encode(across, alt.Y("bits:Q").title(up), hue, tooltip=tooltip, **look)
    layers = [lines.add_params(pick), bars, circles]
    if zero:
        layers.insert(0, base.mark_rule(color=GREY, opacity=0.7).encode(y=alt.datum(0.0)))
    panels = table["source"].nunique()
    panel = alt.layer(*layers).properties(width=(WIDTH - 40) // panels, height=HEIGHT - 60)
    faceted = panel.facet(column=alt.Column("source:N").title(None), columns=panels)
    subtitle = f"{caption}; bars: 95 % intervals"
    words = f"Panels: {', '.join(sorted(set(table['source'])))}. Dashed: signals that were computed from the counts."
    return parts.titled(faceted, title, subtitle, words)
