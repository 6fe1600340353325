"""Charts of estimates: beside exact answers and each other, with brackets, by depths, along a training."""

import altair as alt
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, INTERVAL, WIDTH

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


def brackets(table: pd.DataFrame, title: str, caption: str) -> alt.FacetChart:
    """Draw estimates with the sampling of their cells (thick) and their settings (thin), bounds and extrapolations.

    Parameters
    ----------
    table : DataFrame of ``findings.brackets.brackets`` with ``dataset`` and ``signal``
    title, caption : what is drawn; how many estimates and cells
    """
    drawn = table.assign(
        task=table["dataset"] + ", " + table["signal"],
        low=table["bits"] - 1.96 * table["sampling"],
        high=table["bits"] + 1.96 * table["sampling"],
        least=table["bits"] - table["spread"],
        most=table["bits"] + table["spread"],
    )
    base, tall = alt.Chart(drawn), alt.Y("of:N", sort=None).title(None)
    across = alt.X("bits:Q").title(BITS)
    marks = {"bound from below": ("triangle-right", "lower"), "extrapolated in 1/n": ("diamond", "trend")}
    of_mark = alt.Shape("mark:N").scale(domain=list(marks), range=[shape for shape, _ in marks.values()])
    hue = alt.Color("mark:N").scale(domain=list(marks), range=list(COLOURS[1:3]))
    legend = alt.Legend(orient="top", title=None)
    layers = [
        base.mark_rule(color=COLOURS[0], strokeWidth=1.5).encode(alt.X("least:Q").title(BITS), tall, alt.X2("most:Q")),
        base.mark_rule(color=COLOURS[0], strokeWidth=6, opacity=0.5).encode(alt.X("low:Q"), tall, alt.X2("high:Q")),
        base.mark_circle(color=COLOURS[0], size=60).encode(
            across, tall, tooltip=["of:N", "n:Q", *parts.tips(".3f", "bits", "sampling", "lower", "spread", "trend")]
        ),
    ]
    for name, (_, column) in marks.items():
        of_one = base.transform_filter(f"isValid(datum.{column})").transform_calculate(mark=f"'{name}'")
        layers.append(
            of_one.mark_point(filled=True, size=80, opacity=0.9).encode(
                alt.X(f"{column}:Q"), tall, of_mark.legend(legend), hue.legend(legend)
            )
        )
    panel = alt.layer(*layers).properties(width=(WIDTH - 200) // 2, height=110)
    faceted = panel.facet(facet=alt.Facet("task:N").title(None), columns=2).resolve_scale(x="independent")
    words = "Thick bars: 95 % intervals of sampling; thin: settings of the estimator."
    return parts.titled(faceted, title, f"{caption}; thick: sampling (95 %); thin: settings", words)


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
    hue = alt.Color("bits:Q").scale(scheme="viridis").title("bits")
    contrast = alt.condition(f"datum.bits > {middle}", alt.value("black"), alt.value("white"))
    tooltip = ["representation:N", "noise_level:Q", "probe_noise_level:Q", *parts.tips(".3f", "bits"), "seeds:Q"]
    base, number = alt.Chart(shown), alt.Text("bits:Q", format=".2f")
    squares = base.mark_rect().encode(*axes, hue, tooltip=tooltip)
    numbers = base.mark_text(fontSize=11).encode(*axes, text=number, color=contrast)
    panels = shown["representation"].nunique()
    panel = alt.layer(squares, numbers).properties(width=max(180, (WIDTH - 60) // panels), height=220)
    faceted = panel.facet(column=alt.Column("representation:N").title(None), columns=panels)
    return parts.titled(faceted, title, parts.caption(points, profile))


def loss_and_information(along: pd.DataFrame, title: str, profile: str) -> alt.FacetChart:
    """Draw information against held-out loss along trainings, a panel a task and a colour a depth; steps in order.

    Parameters
    ----------
    along : DataFrame of ``findings.training.along_training``
    """
    across = alt.X("loss:Q").scale(zero=False, reverse=True).title("held-out loss (bits a token)")
    up = alt.Y("bits:Q").scale(zero=False).title(BITS)
    depths = [f"{depth:g}" for depth in sorted(along["noise_level"].unique(), reverse=True)]
    hue = alt.Color("depth:N").scale(domain=depths, range=list(COLOURS)).title("fraction of molecules kept")
    pick = parts.legend_pick("depth")
    look = {"opacity": parts.faded(pick, 0.9, 0.08)}
    base = alt.Chart(along)
    tooltip = ["network:N", "step:N", *parts.tips(".3f", "loss", "bits", "low", "high")]
    layers = [
        base.mark_line(strokeWidth=1.5).encode(across, up, hue, detail="network:N", order="order:Q", **look),
        base.mark_rule(strokeWidth=1).encode(across, *INTERVAL, hue, **look),
        base.mark_circle(size=35).encode(across, up, hue.legend(orient="top"), tooltip=tooltip, **look),
        base.transform_filter("datum.step == '0'").mark_point(size=60, filled=False).encode(across, up, hue, **look),
    ]
    layers[0] = layers[0].add_params(pick)
    networks, steps = along["network"].nunique(), along.groupby("network").size().max()
    subtitle = f"{networks} trainings, {steps} steps each, {profile}; rings: untrained; bars: 95 %, sampling error"
    panels = along["task"].nunique()
    panel = alt.layer(*layers).properties(width=max(130, (WIDTH - 55 * panels) // panels), height=260)
    faceted = panel.facet(column=alt.Column("task:N", sort=None).title(None), columns=panels)
    return parts.titled(faceted.resolve_scale(x="independent", y="independent"), title, subtitle)


def differences(table: pd.DataFrame, title: str, caption: str, shown: str = "difference (bits)") -> alt.FacetChart:
    """Draw how many bits more models have than another along depth, one panel a task, one line a model.

    Parameters
    ----------
    table : DataFrame from ``store.model_free.differences_by_depth``
    title, caption : what is drawn; how many points and seeds
    shown : title of the vertical axis

    Examples
    --------
    >>> rows = {"dataset": "a", "signal": "b", "representation": "pca", "umis_per_cell": [10.0, 100.0], "seeds": 3}
    >>> table = pd.DataFrame({**rows, "difference": [0.1, 0.0], "low": [0.0, -0.1], "high": [0.2, 0.1]})
    >>> len(differences(table, "More bits", "2 points").spec.layer)
    4
    """
    drawn = table.assign(task=table["dataset"] + ", " + table["signal"])
    across = parts.log_axis("umis_per_cell", DEPTH)
    up, low, high = alt.Y("difference:Q").title(shown), alt.Y("low:Q"), alt.Y2("high:Q")
    models = sorted(set(drawn["representation"]))
    hue, pick = parts.colour_of("representation", models), parts.legend_pick("representation")
    look = {"opacity": parts.faded(pick, 0.9, 0.08)}
    base = alt.Chart(drawn)
    tips = ["representation:N", *parts.tips(",.0f", "umis_per_cell"), *parts.tips(".3f", "difference", "low", "high")]
    layers = [
        alt.Chart(drawn).mark_rule(color=GREY).encode(y=alt.datum(0)),
        base.mark_line(strokeWidth=1.5).encode(across, up, hue, **look).add_params(pick),
        base.mark_rule().encode(across, low, hue, high, **look),
        base.mark_circle(size=45).encode(across, up, hue, tooltip=tips, **look),
    ]
    panel = alt.layer(*layers).properties(width=(WIDTH - 80) // 2, height=180)
    faceted = panel.facet(facet=alt.Facet("task:N", sort=None).title(None), columns=2)
    words = f"Panels: {', '.join(dict.fromkeys(drawn['task']))}. Above the line: more bits."
    seeds = " to ".join(dict.fromkeys(f"{n:.0f}" for n in (table["seeds"].min(), table["seeds"].max()))) + " seeds"
    return parts.titled(faceted, title, f"{caption}; {seeds}; bars: 95 % intervals of paired differences", words)
