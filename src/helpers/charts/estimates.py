"""Charts of estimates: against exact answers, by training and probe depth, and along a training."""

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts.style import BITS, COLOURS, GREY, HEIGHT, WIDTH, caption


def calibration(table: pd.DataFrame, x: str, colour: str, title: str, profile: str) -> alt.LayerChart:
    """Draw estimates against the exact answer (grey), one colour a setting, seeds as mean and interval."""
    keys = ["representation", x, *([colour] if colour != "representation" else [])]
    shown = table.groupby(keys, as_index=False).agg(
        bits=("mi_bits", "mean"), sampling=("mi_stderr_bits", "mean"), between=("mi_bits", "std"),
        exact=("mi_ceiling_bits", "first"), null_bits=("mi_null_bits", "mean"), seeds=("seed", "nunique"),
    )  # fmt: skip
    error = np.sqrt(shown["sampling"] ** 2 + shown["between"].fillna(0) ** 2 / shown["seeds"])
    shown["low"], shown["high"] = shown["bits"] - 1.96 * error, shown["bits"] + 1.96 * error
    kind = "linear" if x == "mi_ceiling_bits" else "log"
    titles = {
        "mi_ceiling_bits": "exact information (bits)",
        "dim": "dimensions of each variable",
        "n_probe": "pairs n",
    }
    axis = alt.X(f"{x}:Q").scale(type=kind).title(titles[x])
    hue = alt.Color(f"{colour}:N").scale(range=list(COLOURS)).legend(orient="top").title(titles.get(colour))
    pick = alt.selection_point(fields=[colour], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.1))
    several = colour != "representation" and shown["representation"].nunique() > 1
    legend = alt.Legend(orient="top") if several else None
    dash = alt.StrokeDash("representation:N").title("estimator").legend(legend)
    tips = ["representation:N", *(f"{k}:Q" for k in (x, "seeds")),
            *(alt.Tooltip(f"{k}:Q", format=".3f") for k in ("exact", "bits", "low", "high", "null_bits"))]  # fmt: skip
    base = alt.Chart(shown)
    seeds = table["seed"].nunique()
    subtitle = f"{len(table)} estimates, {seeds} seeds, profile {profile}; bars: 95 % intervals; grey: exact"
    return alt.layer(
        base.mark_line(color=GREY, strokeWidth=3, opacity=0.5).encode(axis, alt.Y("exact:Q").title(BITS)),
        base.mark_line().encode(axis, alt.Y("bits:Q"), hue, dash, opacity=faded).add_params(pick),
        base.mark_rule().encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), hue, opacity=faded),
        base.mark_circle(size=55).encode(axis, alt.Y("bits:Q"), hue, opacity=faded, tooltip=tips),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}."
    )


def matrix(points: pd.DataFrame, title: str, profile: str, facet: str = "representation") -> alt.FacetChart:
    """Draw train depth × probe depth, colour and number the information in bits, one panel a representation."""
    keys = [facet, "noise_level", "probe_noise_level"]
    shown = points.groupby(keys, as_index=False).agg(bits=("mi_bits", "mean"), seeds=("seed", "nunique"))
    # As text, so that cells touch whatever the steps between depths.
    for column in keys[1:]:
        shown[column + "_text"] = shown[column].map("{:g}".format)
    order = [f"{v:g}" for v in sorted(shown["noise_level"].unique())]
    other = [f"{v:g}" for v in sorted(shown["probe_noise_level"].unique(), reverse=True)]
    axes = (
        alt.X("noise_level_text:O", sort=order).title("training cells: fraction kept").axis(labelAngle=0),
        alt.Y("probe_noise_level_text:O", sort=other).title("probe cells: fraction kept"),
    )
    middle = (shown["bits"].min() + shown["bits"].max()) / 2
    cells = alt.Chart(shown).mark_rect().encode(
        *axes, alt.Color("bits:Q").scale(scheme="viridis").title(BITS),
        tooltip=[f"{facet}:N", "noise_level:Q", "probe_noise_level:Q", alt.Tooltip("bits:Q", format=".3f"), "seeds:Q"],
    )  # fmt: skip
    numbers = alt.Chart(shown).mark_text(fontSize=11).encode(
        *axes, text=alt.Text("bits:Q", format=".2f"),
        color=alt.condition(f"datum.bits > {middle}", alt.value("black"), alt.value("white")),
    )  # fmt: skip
    panels = shown[facet].nunique()
    subtitle = caption(points, profile)
    return (
        alt.layer(cells, numbers).properties(width=max(180, (WIDTH - 60) // panels), height=220)
        .facet(column=alt.Column(f"{facet}:N").title(None), columns=panels)
        .properties(title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}.")
    )  # fmt: skip


def loss_and_information(table: pd.DataFrame, title: str, profile: str) -> alt.LayerChart:
    """Draw information against validation loss along training; each point is a kept step, joined in order."""
    loss = "validation loss (bits per token)"
    shown = table.rename(columns={"± (95 %)": "half"}).assign(
        low=lambda t: t["bits"] - t["half"], high=lambda t: t["bits"] + t["half"], loss=table[loss]
    )
    across = alt.X("loss:Q").scale(zero=False, reverse=True).title(f"{loss}, better to the right")
    up = alt.Y("bits:Q").scale(zero=False).title(BITS)
    base = alt.Chart(shown)
    subtitle = f"{len(shown)} steps of one training, {profile}; bars: 95 % intervals"
    return alt.layer(
        base.mark_line(color=COLOURS[0], opacity=0.5).encode(across, up, order="step:Q"),
        base.mark_rule(color=COLOURS[0]).encode(across, alt.Y("low:Q"), alt.Y2("high:Q")),
        base.mark_circle(size=70, color=COLOURS[0]).encode(across, up, tooltip=["step:Q", "loss:Q", "bits:Q"]),
        base.mark_text(align="left", dx=8, dy=-8, color=GREY).encode(across, up, text=alt.Text("step:Q")),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Numbers at the points are steps.",
    )  # fmt: skip
