"""Charts of quantities along depth: many curves, coloured by kind of signal, in one panel a source."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import DEPTH, GREY, HEIGHT, INTERVAL


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
    hue = alt.Color("kind:N").scale(parts.colours(sorted(set(table["kind"])))).title(None)
    hue = hue.legend(orient="top", columns=3, symbolOpacity=1)
    pick = parts.legend_pick("kind")
    names = ["independent of the counts", "from the counts"]
    dash = alt.StrokeDash("signals:N").scale(domain=names, range=[[1, 0], [5, 4]]).title(None)
    dash = dash.legend(orient="top", columns=2)
    base, dots = alt.Chart(table), alt.Chart(table).transform_filter("isValid(datum.bits)")
    values = ["bits", "low", "high"] + [line] * (line != "bits")
    tooltip = ["curve:N", *parts.tips(",.0f", "umis_per_cell"), *parts.tips(".3f", *values)]
    lines = base.mark_line(strokeWidth=1.5).encode(
        across, alt.Y(f"{line}:Q").title(up), hue, dash, detail="curve:N", opacity=parts.faded(pick, 0.7, 0.06)
    )
    bars = dots.mark_rule(strokeWidth=1).encode(across, *INTERVAL, hue, opacity=parts.faded(pick, 0.4, 0.03))
    circles = dots.mark_circle(size=35).encode(
        across, alt.Y("bits:Q").title(up), hue, tooltip=tooltip, opacity=parts.faded(pick, 0.8, 0.05)
    )
    layers = [lines.add_params(pick), bars, circles]
    if zero:
        layers.insert(0, base.mark_rule(color=GREY, opacity=0.7).encode(y=alt.datum(0.0)))
    words = f"Panels: {', '.join(sorted(set(table['source'])))}. Dashed: signals that were computed from the counts."
    subtitle = f"{caption}; bars: 95 % intervals"
    return parts.side_by_side(layers, "source", table, title, subtitle, words, HEIGHT - 60)
