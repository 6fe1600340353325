"""A chart of the same models and depths judged by two signals."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import WIDTH


def two_signals(table: pd.DataFrame, title: str, caption: str) -> alt.FacetChart:
    """Draw bits about the other half against bits about an external signal, one panel a task, one line a model.

    Parameters
    ----------
    table : DataFrame from ``findings.other_half.at_equal_depth``
    title, caption : what is drawn; how many points and seeds
    """
    drawn = table.assign(task=table["dataset"] + ", " + table["signal"])
    for side in ("external", "half"):
        margin = 1.96 * drawn[f"{side}_error"].fillna(0)
        drawn = drawn.assign(**{f"{side}_low": drawn[side] - margin, f"{side}_high": drawn[side] + margin})
    models = sorted(set(drawn["representation"]))
    across = alt.X("external:Q").title("bits about the external signal")
    up = alt.Y("half:Q").title("bits about the other half")
    hue, pick = parts.colour_of("representation", models), parts.legend_pick("representation")
    look = {"opacity": parts.faded(pick, 0.9, 0.08)}
    base = alt.Chart(drawn)
    tooltip = [
        "representation:N",
        alt.Tooltip("umis_per_cell:Q", format=",.0f"),
        *parts.tips(".3f", "external", "half"),
    ]
    layers = [
        base.mark_line(strokeWidth=1.5).encode(across, up, hue, order="depth:Q", **look).add_params(pick),
        base.mark_rule().encode(alt.X("external_low:Q"), up, hue, alt.X2("external_high:Q"), **look),
        base.mark_rule().encode(across, alt.Y("half_low:Q"), hue, alt.Y2("half_high:Q"), **look),
        base.mark_circle(size=45).encode(across, up, hue, tooltip=tooltip, **look),
    ]
    panel = alt.layer(*layers).properties(width=(WIDTH - 80) // 2, height=180)
    faceted = panel.facet(facet=alt.Facet("task:N").title(None), columns=2)
    faceted = faceted.resolve_scale(x="independent", y="independent")
    words = f"Panels: {', '.join(sorted(set(drawn['task'])))}. Each line runs from shallow to deep cells."
    return parts.titled(faceted, title, f"{caption}; bars: 95 % intervals, spread of the seeds", words)
