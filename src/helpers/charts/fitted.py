"""The charts of the book: interactive, with uncertainty, in units, readable in light and dark."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import tables  # noqa: F401  (sets how tables look)
from helpers.charts.drawn import MIME, PICTURE, only_drawn, picture
from helpers.laws import Fit, NoiseLaw
from helpers.noise import OF_CELLS

# Okabe and Ito's colours, told apart by colour-blind readers, that stand out on white and on black.
GREY = "#888888"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH, HEIGHT = 600, 340
DEPTH = OF_CELLS["thinning"].measured_axis
CELLS = "training cells N"
BITS = "information (bits)"


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    spec = only_drawn(spec)
    return {MIME: spec, PICTURE: picture(spec), "text/plain": spec.get("description", "chart")}


alt.renderers.register("book", _bundle)
alt.renderers.enable("book")
alt.data_transformers.disable_max_rows()


def spread(points: pd.DataFrame, x: str, by: str = "representation") -> pd.DataFrame:
    """Average the seeds at each setting and give the 95 % interval that figures draw.

    The interval has two parts, added as variances: the sampling of the probe cells, which seeds share
    and which therefore does not shrink with their number (mean ``mi_stderr_bits``), and the spread of
    the seeds over √seeds.

    Parameters
    ----------
    points : DataFrame from ``helpers.store.points.seed_means``
    x : "umis_per_cell" or "n_train"
    by : column whose values are the curves

    Returns
    -------
    DataFrame with ``by``, ``x``, ``bits``, ``low``, ``high``, ``null_bits``, ``seeds``.
    """
    keys = [by, "noise_level", "probe_noise_level", "n_train"]
    out = points.groupby(keys, as_index=False).agg(
        umis_per_cell=("umis_per_cell", "mean"),
        bits=("mi_bits", "mean"),
        null_bits=("mi_null_bits", "mean"),
        sampling=("mi_stderr_bits", "mean"),
        between=("mi_bits", "std"),
        seeds=("seed", "nunique"),
    )
    error = np.sqrt(out["sampling"] ** 2 + out["between"].fillna(0) ** 2 / out["seeds"])
    out["low"], out["high"] = out["bits"] - 1.96 * error, out["bits"] + 1.96 * error
    return out.sort_values([by, x]).drop(columns=["sampling", "between"])


def caption(points: pd.DataFrame, profile: str) -> str:
    """Return what every figure says of itself: points, seeds, folds, profile."""
    seeds = points["seed"].nunique()
    folds = int(points["n_folds"].max()) if "n_folds" in points and len(points) else 1
    return (
        f"{len(points)} points ({seeds} seed{'s' * (seeds != 1)}, mean of {folds} fold{'s' * (folds != 1)}), "
        f"profile {profile}; bars and bands: 95 % intervals"
    )


def curves(
    points: pd.DataFrame,
    fits: dict[str, Fit],
    x: str,
    title: str,
    profile: str,
    by: str = "representation",
    ceiling: float | None = None,
    mark: str | None = None,
    samples: str = "cells",
) -> alt.LayerChart:
    """Draw measured points with intervals and fitted laws with bands; the legend picks curves.

    A law that the points reject (status ``misfit``) is dashed and has no band.

    Parameters
    ----------
    points : DataFrame from ``helpers.store.points.seed_means``
    fits : dict of curve → Fit
        Curves that have none are drawn as points.
    x : "umis_per_cell" or "n_train"
    title, profile : str
    ceiling : float, optional
        The most information there can be, drawn as a dashed line.
    mark : str, optional
        The curve whose I_max and ū are marked, unless its points reject the law (noise law only).
    samples : str
        What the number of training cells is a number of.
    """
    shown = spread(points, x, by)
    none = pd.DataFrame(columns=[by, x, "bits", "low", "high"], dtype=float)
    drawn = pd.concat([_curve_frame(fit, name, by, x) for name, fit in fits.items()] or [none])
    axis = alt.X(f"{x}:Q").scale(type="log").title(DEPTH if x == "umis_per_cell" else f"training {samples} N")
    # The curves' names are the domain, so that all layers give a curve the same colour.
    names = sorted(set(shown[by]))
    colour = colour_of(by, names)
    # Bound in the first layer that has the colour: only that layer's legend answers clicks.
    # Named after the axis, so that charts of both axes can stand in one page.
    pick = alt.selection_point(name=f"pick_{x}", fields=[by], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.12))
    tips = [alt.Tooltip(f"{by}:N"), alt.Tooltip(f"{x}:Q", format=",.4~g", title=axis.title and x),
            alt.Tooltip("bits:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
            alt.Tooltip("high:Q", format=".3f"), alt.Tooltip("null_bits:Q", format=".3f", title="permuted null"),
            alt.Tooltip("seeds:Q")]  # fmt: skip
    base, law = alt.Chart(shown), alt.Chart(drawn)
    layers = [
        law.mark_area(opacity=0.15, clip=True).encode(
            axis, alt.Y("low:Q").title(BITS), alt.Y2("high:Q"), colour,
            opacity=alt.condition(pick, alt.value(0.15), alt.value(0.02)),
        ).add_params(pick),
        law.mark_line(strokeWidth=2.5, clip=True).encode(
            axis, alt.Y("bits:Q"), colour, opacity=faded,
            strokeDash=alt.condition("datum.rejected", alt.value([3, 5]), alt.value([1, 0])),
        ),
        base.mark_rule(strokeWidth=1.5).encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), colour, opacity=faded),
        base.mark_circle(size=60).encode(axis, alt.Y("bits:Q"), colour, tooltip=tips, opacity=faded),
    ]  # fmt: skip
    if ceiling is not None:
        layers += level_line(ceiling, f"ceiling {ceiling:.2f} bits")
    if mark is not None and fits[mark].status != "misfit":
        layers += _marks(fits[mark])
    subtitle = caption(points, profile)
    if any(fit.status == "misfit" for fit in fits.values()):
        subtitle += "; dotted: the points reject the law"
    return alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. " + _in_words(fits),
    )  # fmt: skip


def _curve_frame(fit: Fit, name: str, by: str, x: str) -> pd.DataFrame:
    grid = np.geomspace(fit.x.min() / 1.5, fit.x.max() * 1.5, 120)
    low, high = fit.band(grid)
    frame = pd.DataFrame({by: name, x: grid, "bits": fit.predict(grid), "low": low, "high": high})
    # An unbounded band cannot be drawn; the status in the table says so.
    frame[["low", "high"]] = frame[["low", "high"]].clip(-1, fit.y.max() + 3)
    rejected = fit.status == "misfit"
    return frame.assign(rejected=rejected, **({"low": frame["bits"], "high": frame["bits"]} if rejected else {}))


def _in_words(fits: dict[str, Fit]) -> str:
    told = []
    for name, fit in fits.items():
        values = ", ".join(f"{p} = {v:.3g}" for p, v in fit.params.items())
        values = "the points reject the law" if fit.status == "misfit" else values
        told.append(f"{name}: {values}, R² {fit.r_squared:.2f}")
    return f"Fitted {'; '.join(told) or 'none'}."


def level_line(bits: float, text: str) -> list[alt.Chart]:
    """Return the layers of a dashed line across a chart at some bits, with its text."""
    base = alt.Chart(pd.DataFrame({"bits": [bits], "text": [text]}))
    return [
        base.mark_rule(strokeDash=[5, 4], opacity=0.7, color=GREY).encode(alt.Y("bits:Q")),
        base.mark_text(align="left", dx=4, dy=-6, x=0, color=GREY).encode(alt.Y("bits:Q"), text="text:N"),
    ]


def _marks(fit: Fit) -> list[alt.Chart]:
    law = fit.law
    assert isinstance(law, NoiseLaw)
    at = pd.DataFrame({
        "umis_per_cell": [law.u_bar], "bits": [float(law(law.u_bar))], "text": [f"ū = {law.u_bar:,.0f} UMIs per cell"]
    })  # fmt: skip
    point = alt.Chart(at)
    return [
        *level_line(law.i_max, f"I_max = {law.i_max:.2f} bits"),
        point.mark_rule(strokeDash=[2, 3], opacity=0.7, color=GREY).encode(alt.X("umis_per_cell:Q")),
        point.mark_text(align="left", dx=6, dy=28, color=GREY).encode(
            alt.X("umis_per_cell:Q"), alt.Y("bits:Q"), text="text:N"
        ),
    ]


def collapse(
    points: pd.DataFrame, fits: dict[str, Fit], title: str, profile: str, by: str = "curve", x: str = "umis_per_cell"
) -> alt.LayerChart:
    """Draw every noise curve on the one axis where they coincide if the law holds.

    Each point is at z = (û + 4^−I_max)/(1 − 4^−I_max), û = u/ū, and its height is I_max − I, so the law
    is ½ log2(1 + 1/z) for all of them, exactly. ``x`` is the column of u.
    """
    parts = []
    for name, fit in fits.items():
        rows = points[points[by] == name]
        z = NoiseLaw.collapse(rows[x], fit)
        missing = fit.params["i_max"] - rows["mi_bits"]
        half = 1.96 * rows["mi_stderr_bits"].astype(float)
        parts.append(
            pd.DataFrame({by: name, "z": z, "missing": missing, "low": missing - half, "high": missing + half})
        )
    shown = pd.concat(parts)
    grid = np.geomspace(shown["z"].min() / 1.5, shown["z"].max() * 1.5, 100)
    one = pd.DataFrame({"z": grid, "missing": np.log2(1 + 1 / grid) / 2})
    pick = alt.selection_point(fields=[by], bind="legend")
    rescaled = "depth" if x == "umis_per_cell" else "signal-to-noise ratio"
    axis = alt.X("z:Q").scale(type="log").title(f"rescaled {rescaled} z (no unit)")
    up = alt.Y("missing:Q").title("information missing, I_max − I (bits)")
    names = sorted(fits)
    colour = colour_of(by, names)
    faded = alt.condition(pick, alt.value(0.9), alt.value(0.05))
    base = alt.Chart(shown)
    subtitle = caption(points, profile)
    return alt.layer(
        alt.Chart(one).mark_line(strokeWidth=2, color=GREY).encode(axis, up),
        base.mark_rule().encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), colour, opacity=faded).add_params(pick),
        base.mark_circle(size=55).encode(
            axis, up, colour, opacity=faded,
            tooltip=[f"{by}:N", alt.Tooltip("z:Q", format=".3g"), alt.Tooltip("missing:Q", format=".3f")],
        ),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Grey: the law, the same for every curve.",
    )  # fmt: skip


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


def residuals(
    points: pd.DataFrame, fits: dict[str, Fit], x: str, title: str, profile: str, by: str = "curve"
) -> alt.LayerChart:
    """Draw measured minus fitted, mean over seeds with its 95 % interval; the legend picks curves."""
    parts = []
    for name, fit in fits.items():
        rows = spread(points[points[by] == name], x, by)
        expected = fit.predict(rows[x])
        parts.append(rows.assign(**{c: rows[c] - expected for c in ("bits", "low", "high")}))
    shown = pd.concat(parts)
    axis = alt.X(f"{x}:Q").scale(type="log").title(DEPTH if x == "umis_per_cell" else CELLS)
    up = alt.Y("bits:Q").title("measured − fitted (bits)")
    colour = colour_of(by, sorted(fits))
    pick = alt.selection_point(fields=[by], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.1))
    base = alt.Chart(shown)
    subtitle = caption(points, profile)
    zero = alt.Chart(pd.DataFrame({"bits": [0.0]})).mark_rule(color=GREY).encode(up)
    return alt.layer(
        zero,
        base.mark_line(opacity=0.6).encode(axis, up, colour, opacity=faded).add_params(pick),
        base.mark_rule().encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), colour, opacity=faded),
        base.mark_circle(size=55).encode(
            axis, up, colour, opacity=faded, tooltip=[f"{by}:N", alt.Tooltip("bits:Q", format="+.3f")]
        ),
    ).properties(
        width=WIDTH,
        height=HEIGHT * 2 // 3,
        title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Grey: zero, where measured equals fitted.",
    )


def colour_of(by: str, names: list[str]) -> alt.Color:
    """One colour a curve, the same in every layer of a chart; a legend that folds on narrow pages."""
    scale = alt.Scale(domain=names, range=list(COLOURS[: len(names)]))
    return (
        alt.Color(f"{by}:N").scale(scale).legend(orient="top", columns=2, labelLimit=260, symbolOpacity=1).title(None)
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


def parameters(table: pd.DataFrame, title: str, profile: str, colour: str = "signal") -> alt.LayerChart:
    """Draw I_max against ū of many fits with their intervals, each point labelled with its model.

    Parameters
    ----------
    table : DataFrame from ``helpers.laws.parameter_table``, with a column ``colour``
    """
    # An interval that reaches 0 or infinity has no place on a logarithmic axis; the table beside the chart has it.
    known = np.isfinite(table[["u_bar", "u_bar_low", "u_bar_high", "i_max", "i_max_low", "i_max_high"]]).all(axis=1)
    shown = table[known & (table["u_bar_low"] > 0) & (table["status"] != "misfit")]
    base = alt.Chart(shown)
    across = alt.X("u_bar:Q").scale(type="log").title("ū (UMIs per cell)")
    up = alt.Y("i_max:Q").scale(zero=False).title("I_max (bits)")
    hue = colour_of(colour, sorted(shown[colour].unique()))
    pick = alt.selection_point(fields=[colour], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.12))
    tips = [f"{colour}:N", "model:N", *(alt.Tooltip(f"{c}:Q", format=".3~g") for c in
            ("i_max", "i_max_low", "i_max_high", "u_bar", "u_bar_low", "u_bar_high")), "status:N"]  # fmt: skip
    subtitle = (
        f"drawn are the {len(shown)} of {len(table)} fits that their points do not reject and whose intervals are "
        f"bounded; profile {profile}; bars: 95 %"
    )
    return alt.layer(
        base.mark_rule()
        .encode(across, alt.Y("i_max_low:Q"), alt.Y2("i_max_high:Q"), hue, opacity=faded)
        .add_params(pick),
        base.mark_rule().encode(alt.X("u_bar_low:Q"), up, hue, alt.X2("u_bar_high:Q"), opacity=faded),
        base.mark_circle(size=70).encode(across, up, hue, tooltip=tips, opacity=faded),
        base.mark_text(align="left", dx=7, dy=-7).encode(across, up, hue, text="model:N", opacity=faded),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}."
    )


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


def fitted_curve(fit: Fit) -> alt.LayerChart:
    """Draw one fit over its own points, as ``noise-scaling fit`` does."""
    by, x = "curve", "x"
    name = type(fit.law).__name__
    points = pd.DataFrame({x: fit.x, "bits": fit.y})
    frame = _curve_frame(fit, name, by, x)
    across, up = fit.law.axes
    axis = alt.X(f"{x}:Q").scale(type="log").title(across)
    law = alt.Chart(frame)
    subtitle = f"{fit.n_points} points, R² {fit.r_squared:.3f}, status {fit.status}; band: 95 % interval"
    return alt.layer(
        law.mark_area(opacity=0.15, color=COLOURS[0]).encode(axis, alt.Y("low:Q").title(up), alt.Y2("high:Q")),
        law.mark_line(color=COLOURS[0]).encode(axis, alt.Y("bits:Q")),
        alt.Chart(points).mark_circle(size=60, color=COLOURS[1]).encode(axis, alt.Y("bits:Q"), tooltip=[x, "bits"]),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(name, subtitle=subtitle), description=_in_words({name: fit})
    )  # fmt: skip


def save_html(chart: Any, target: Path) -> None:
    """Write a chart to one HTML file that needs no network."""
    target.write_text(chart.to_html(inline=True), encoding="utf8")


def save_svg(chart: Any, target: Path) -> None:
    """Write a chart as an SVG picture on white, for pages without scripts such as a README."""
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    spec = chart.properties(background="white").to_dict()
    target.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf8")
