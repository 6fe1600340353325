"""Small charts of the course: curves of a quantity, and clouds of two variables."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import COLOURS, GREY, HEIGHT, WIDTH


def lines(
    table: pd.DataFrame, x: tuple[str, str], y: tuple[str, str], by: str, title: str, subtitle: str, log: bool = False
) -> alt.LayerChart:
    """Draw one line with dots for each value of the column ``by``.

    Parameters
    ----------
    x, y : column and title of the axis with its unit
    log : whether both axes are logarithmic

    Examples
    --------
    >>> table = pd.DataFrame({"n": [1, 2], "bits": [0.2, 0.1], "curve": "a"})
    >>> len(lines(table, ("n", "cells"), ("bits", "bias (bits)"), "curve", "Bias", "2 points").layer)
    2
    """
    kind = "log" if log else "linear"
    across = alt.X(f"{x[0]}:Q").scale(type=kind, nice=not log).title(x[1])
    up = alt.Y(f"{y[0]}:Q").scale(type=kind).title(y[1])
    names = list(dict.fromkeys(table[by]))
    colour = parts.colour_of(by, names)
    tooltip = [f"{by}:N", *parts.tips(".4~g", x[0]), *parts.tips(".3~g", y[0])]
    base = alt.Chart(table)
    layers = [
        base.mark_line(opacity=0.6).encode(across, up, colour),
        base.mark_circle(size=55).encode(across, up, colour, tooltip=tooltip),
    ]
    words = f"Lines: {', '.join(map(str, names))}."
    return parts.layered(layers, title, subtitle, words, height=HEIGHT * 2 // 3)


def clouds(table: pd.DataFrame, by: str, title: str, subtitle: str) -> alt.FacetChart:
    """Draw the columns x and y as a scatter for each value of a column.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [0.0, 1.0], "y": [0.1, 0.9], "pair": "a"})
    >>> clouds(table, "pair", "Two variables", "2 points").columns
    3
    """
    side = WIDTH // 3 - 30
    dots = alt.Chart(table).mark_circle(size=12, opacity=0.6, color=COLOURS[0])
    panel = dots.encode(alt.X("x:Q").title("x (no unit)"), alt.Y("y:Q").title("y (no unit)"))
    facet = alt.Facet(f"{by}:N", sort=None).title(None).header(labelColor=GREY)
    return parts.titled(panel.properties(width=side, height=side).facet(facet, columns=3), title, subtitle)
