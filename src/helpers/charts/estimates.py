"""Charts of estimates: against exact answers, by training and probe depth, and along a training."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, GREY, INTERVAL, WIDTH

_TITLES = {"mi_ceiling_bits": "exact information (bits)", "dim": "dimensions of each variable", "n_probe": "pairs n"}


def calibration(table: pd.DataFrame, x: str, colour: str, title: str, profile: str) -> alt.LayerChart:
    """Draw estimates against the exact answer (grey), one colour a setting, seeds as mean and interval."""
    keys = list(dict.fromkeys(["representation", x, colour]))
    shown = parts.means(table, keys, exact=("mi_ceiling_bits", "first"))
    kind = "linear" if x == "mi_ceiling_bits" else "log"
    across, up = alt.X(f"{x}:Q").scale(type=kind).title(_TITLES[x]), alt.Y("bits:Q")
    hue = alt.Color(f"{colour}:N").scale(range=list(COLOURS)).legend(orient="top").title(_TITLES.get(colour))
    pick = parts.legend_pick(colour)
    several = colour != "representation" and shown["representation"].nunique() > 1
    legend = alt.Legend(orient="top") if several else None
    dash = alt.StrokeDash("representation:N").title("estimator").legend(legend)
    tooltip = ["representation:N", f"{x}:Q", "seeds:Q", *parts.tips(".3f", "exact", "bits", "low", "high", "null_bits")]
    look = {"size": 55, "tooltip": tooltip, "opacity": parts.faded(pick, hidden=0.1)}
    base = alt.Chart(shown)
    exact = base.mark_line(color=GREY, strokeWidth=3, opacity=0.5).encode(across, alt.Y("exact:Q").title(BITS))
    lines = base.mark_line().encode(across, up, hue, dash, opacity=look["opacity"]).add_params(pick)
    seeds = table["seed"].nunique()
    subtitle = f"{len(table)} estimates, {seeds} seeds, profile {profile}; bars: 95 % intervals; grey: exact"
    return parts.layered([exact, lines, *parts.with_interval(base, across, up, hue, **look)], title, subtitle)


def matrix(points: pd.DataFrame, title: str, profile: str) -> alt.FacetChart:
    """Draw train depth × probe depth, colour and number the information in bits, one panel a representation."""
    levels = ["noise_level", "probe_noise_level"]
    cells = points.groupby(["representation", *levels], as_index=False)
    shown = cells.agg(bits=("mi_bits", "mean"), seeds=("seed", "nunique"))
    # As text, so that cells touch whatever the steps between depths.
    for column in levels:
        shown[column + "_text"] = shown[column].map("{:g}".format)
    train = [f"{v:g}" for v in sorted(shown["noise_level"].unique())]
    probe = [f"{v:g}" for v in sorted(shown["probe_noise_level"].unique(), reverse=True)]
    axes = (
        alt.X("noise_level_text:O", sort=train).title("training cells: fraction kept").axis(labelAngle=0),
        alt.Y("probe_noise_level_text:O", sort=probe).title("probe cells: fraction kept"),
    )
    middle = (shown["bits"].min() + shown["bits"].max()) / 2
    hue = alt.Color("bits:Q").scale(scheme="viridis").title(BITS)
    contrast = alt.condition(f"datum.bits > {middle}", alt.value("black"), alt.value("white"))
    tooltip = ["representation:N", "noise_level:Q", "probe_noise_level:Q", *parts.tips(".3f", "bits"), "seeds:Q"]
    base, number = alt.Chart(shown), alt.Text("bits:Q", format=".2f")
    squares = base.mark_rect().encode(*axes, hue, tooltip=tooltip)
    numbers = base.mark_text(fontSize=11).encode(*axes, text=number, color=contrast)
    panels = shown["representation"].nunique()
    panel = alt.layer(squares, numbers).properties(width=max(180, (WIDTH - 60) // panels), height=220)
    faceted = panel.facet(column=alt.Column("representation:N").title(None), columns=panels)
    return parts.titled(faceted, title, parts.caption(points, profile))


def loss_and_information(table: pd.DataFrame, title: str, profile: str) -> alt.LayerChart:
    """Draw information against validation loss along training; each point is a kept step, joined in order."""
    loss = "validation loss (bits per token)"
    shown = table.rename(columns={"± (95 %)": "half"}).assign(
        low=lambda t: t["bits"] - t["half"], high=lambda t: t["bits"] + t["half"], loss=table[loss]
    )
    across = alt.X("loss:Q").scale(zero=False, reverse=True).title(f"{loss}, better to the right")
    up = alt.Y("bits:Q").scale(zero=False).title(BITS)
    base, blue = alt.Chart(shown), COLOURS[0]
    layers = [
        base.mark_line(color=blue, opacity=0.5).encode(across, up, order="step:Q"),
        base.mark_rule(color=blue).encode(across, *INTERVAL),
        base.mark_circle(size=70, color=blue).encode(across, up, tooltip=["step:Q", "loss:Q", "bits:Q"]),
        base.mark_text(align="left", dx=8, dy=-8, color=GREY).encode(across, up, text=alt.Text("step:Q")),
    ]
    subtitle = f"{len(shown)} steps of one training, {profile}; bars: 95 % intervals"
    return parts.layered(layers, title, subtitle, "Numbers at the points are steps.")
