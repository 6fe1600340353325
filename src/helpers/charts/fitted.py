"""Charts of fitted laws: curves with their points, collapses, residuals and parameters."""

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import COLOURS, GREY, HEIGHT, INTERVAL
from helpers.laws import Fit, NoiseLaw


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

    A law that the points reject (status ``misfit``) is dotted and has no band; curves without a fit are drawn as
    points.

    Parameters
    ----------
    points : DataFrame from ``helpers.store.points.seed_means``
    fits : dict of curve → Fit
    x : "umis_per_cell" or "n_train"
    ceiling : the most information there can be, drawn as a dashed line
    mark : the curve whose I_max and ū are marked, unless its points reject the law (noise law only)
    samples : what the number of training cells is a number of
    """
    means = parts.spread(points, x, by)
    across, up = parts.depth_or_cells(x, samples), alt.Y("bits:Q")
    # The curves' names are the domain, so that all layers give a curve the same colour.
    colour = parts.colour_of(by, sorted(set(means[by])))
    # Named after the axis, so that charts of both axes can stand in one page.
    pick = parts.legend_pick(by, f"pick_{x}")
    null = alt.Tooltip("null_bits:Q", format=".3f", title="permuted null")
    place = alt.Tooltip(f"{x}:Q", format=",.4~g", title=x)
    tooltip = [alt.Tooltip(f"{by}:N"), place, *parts.tips(".3f", "bits", "low", "high"), null, alt.Tooltip("seeds:Q")]
    look = {"opacity": parts.faded(pick)}
    layers = [
        *parts.law_with_band(_laws(fits, by, x), across, up, colour, pick),
        *parts.with_interval(alt.Chart(means), across, up, colour, bar=1.5, size=60, tooltip=tooltip, **look),
    ]
    if ceiling is not None:
        layers += parts.level_line(ceiling, f"ceiling {ceiling:.2f} bits")
    if mark is not None and fits[mark].status != "misfit":
        layers += _marks(fits[mark])
    subtitle = parts.caption(points, profile)
    if any(fit.status == "misfit" for fit in fits.values()):
        subtitle += "; dotted: the points reject the law"
    return parts.layered(layers, title, subtitle, _in_words(fits))


def _laws(fits: dict[str, Fit], by: str, x: str) -> pd.DataFrame:
    none = pd.DataFrame(columns=[by, x, "bits", "low", "high", "rejected"], dtype=float)
    laws = [_law(fit, name, by, x).assign(rejected=fit.status == "misfit") for name, fit in fits.items()]
    drawn = pd.concat(laws or [none])
    # The band of a rejected law says nothing.
    return drawn.assign(**{end: drawn[end].where(drawn["rejected"] == 0, drawn["bits"]) for end in ("low", "high")})


def _law(fit: Fit, name: str, by: str, x: str) -> pd.DataFrame:
    grid = np.geomspace(fit.x.min() / 1.5, fit.x.max() * 1.5, 120)
    low, high = fit.band(grid)
    law = pd.DataFrame({by: name, x: grid, "bits": fit.predict(grid), "low": low, "high": high})
    # An unbounded band cannot be drawn; the status in the table says so.
    law[["low", "high"]] = law[["low", "high"]].clip(-1, fit.y.max() + 3)
    return law


def _in_words(fits: dict[str, Fit]) -> str:
    sentences = []
    for name, fit in fits.items():
        values = ", ".join(f"{p} = {v:.3g}" for p, v in fit.params.items())
        said = "the points reject the law" if fit.status == "misfit" else values
        sentences.append(f"{name}: {said}, R² {fit.r_squared:.2f}")
    return f"Fitted {'; '.join(sentences) or 'none'}."


def _marks(fit: Fit) -> list[alt.Chart]:
    """Return the layers that mark I_max and ū of a noise law."""
    law = fit.law
    assert isinstance(law, NoiseLaw)
    text = f"ū = {law.u_bar:,.0f} UMIs per cell"
    point = alt.Chart(pd.DataFrame({"umis_per_cell": [law.u_bar], "bits": [float(law(law.u_bar))], "text": [text]}))
    across = alt.X("umis_per_cell:Q")
    return [
        *parts.level_line(law.i_max, f"I_max = {law.i_max:.2f} bits"),
        point.mark_rule(strokeDash=[2, 3], opacity=0.7, color=GREY).encode(across),
        point.mark_text(align="left", dx=6, dy=28, color=GREY).encode(across, alt.Y("bits:Q"), text="text:N"),
    ]


def collapse(
    points: pd.DataFrame, fits: dict[str, Fit], title: str, profile: str, x: str = "umis_per_cell"
) -> alt.LayerChart:
    """Draw every noise curve on the one axis where they coincide if the law holds.

    Each point is at z = (û + 4^−I_max)/(1 − 4^−I_max), û = u/ū, and its height is I_max − I, so the law
    is ½ log2(1 + 1/z) for all of them, exactly. ``x`` is the column of u.
    """
    frames = []
    for name, fit in fits.items():
        rows = points[points["curve"] == name]
        missing = fit.params["i_max"] - rows["mi_bits"]
        half = 1.96 * rows["mi_stderr_bits"].astype(float)
        columns = {"z": NoiseLaw.collapse(rows[x], fit), "missing": missing}
        frames.append(pd.DataFrame({"curve": name, **columns, "low": missing - half, "high": missing + half}))
    rescaled = pd.concat(frames)
    grid = np.geomspace(rescaled["z"].min() / 1.5, rescaled["z"].max() * 1.5, 100)
    law = pd.DataFrame({"z": grid, "missing": np.log2(1 + 1 / grid) / 2})
    variable = "depth" if x == "umis_per_cell" else "signal-to-noise ratio"
    across = parts.log_axis("z", f"rescaled {variable} z (no unit)")
    up = alt.Y("missing:Q").title("information missing, I_max − I (bits)")
    pick = parts.legend_pick("curve")
    tooltip = ["curve:N", *parts.tips(".3g", "z"), *parts.tips(".3f", "missing")]
    look = {"size": 55, "tooltip": tooltip, "opacity": parts.faded(pick, 0.9, 0.05)}
    bars, dots = parts.with_interval(alt.Chart(rescaled), across, up, parts.colour_of("curve", sorted(fits)), **look)
    line = alt.Chart(law).mark_line(strokeWidth=2, color=GREY).encode(across, up)
    words = "Grey: the law, the same for every curve."
    return parts.layered([line, bars.add_params(pick), dots], title, parts.caption(points, profile), words)


def residuals(
    points: pd.DataFrame, fits: dict[str, Fit], x: str, title: str, profile: str, by: str = "curve"
) -> alt.LayerChart:
    """Draw measured minus fitted, mean over seeds with its 95 % interval; the legend picks curves."""
    frames = []
    for name, fit in fits.items():
        means = parts.spread(points[points[by] == name], x, by)
        expected = fit.predict(means[x])
        frames.append(means.assign(**{c: means[c] - expected for c in ("bits", "low", "high")}))
    base = alt.Chart(pd.concat(frames))
    across, up = parts.depth_or_cells(x), alt.Y("bits:Q").title("measured − fitted (bits)")
    colour = parts.colour_of(by, sorted(fits))
    pick = parts.legend_pick(by)
    look = {"size": 55, "tooltip": [f"{by}:N", *parts.tips("+.3f", "bits")], "opacity": parts.faded(pick, hidden=0.1)}
    layers = [
        alt.Chart(pd.DataFrame({"bits": [0.0]})).mark_rule(color=GREY).encode(up),
        base.mark_line(opacity=0.6).encode(across, up, colour, opacity=look["opacity"]).add_params(pick),
        *parts.with_interval(base, across, up, colour, **look),
    ]
    words = "Grey: zero, where measured equals fitted."
    return parts.layered(layers, title, parts.caption(points, profile), words, height=HEIGHT * 2 // 3)


def parameters(table: pd.DataFrame, title: str, profile: str, colour: str = "signal") -> alt.LayerChart:
    """Draw I_max against ū of many fits (``helpers.laws.parameter_table``), each point labelled with its model."""
    # An interval that reaches 0 or infinity has no place on a logarithmic axis; the table beside the chart has it.
    numbers = ["i_max", "i_max_low", "i_max_high", "u_bar", "u_bar_low", "u_bar_high"]
    bounded = np.isfinite(table[numbers]).all(axis=1) & (table["u_bar_low"] > 0)
    shown = table[bounded & (table["status"] != "misfit")]
    base = alt.Chart(shown)
    across = parts.log_axis("u_bar", "ū (UMIs per cell)")
    up = alt.Y("i_max:Q").scale(zero=False).title("I_max (bits)")
    hue = parts.colour_of(colour, sorted(shown[colour].unique()))
    pick = parts.legend_pick(colour)
    look = {"opacity": parts.faded(pick)}
    vertical = base.mark_rule().encode(across, alt.Y("i_max_low:Q"), alt.Y2("i_max_high:Q"), hue, **look)
    tooltip = [f"{colour}:N", "model:N", *parts.tips(".3~g", *numbers), "status:N"]
    layers = [
        vertical.add_params(pick),
        base.mark_rule().encode(alt.X("u_bar_low:Q"), up, hue, alt.X2("u_bar_high:Q"), **look),
        base.mark_circle(size=70).encode(across, up, hue, tooltip=tooltip, **look),
        base.mark_text(align="left", dx=7, dy=-7).encode(across, up, hue, text="model:N", **look),
    ]
    subtitle = (
        f"drawn are the {len(shown)} of {len(table)} fits that their points do not reject and whose intervals are "
        f"bounded; profile {profile}; bars: 95 %"
    )
    return parts.layered(layers, title, subtitle)


def fitted_curve(fit: Fit) -> alt.LayerChart:
    """Draw one fit over its own points, as ``noise-scaling fit`` does."""
    name = type(fit.law).__name__
    x_title, y_title = fit.law.axes
    across, bits = parts.log_axis("x", x_title), alt.Y("bits:Q")
    law = alt.Chart(_law(fit, name, "curve", "x"))
    points = alt.Chart(pd.DataFrame({"x": fit.x, "bits": fit.y}))
    low, high = alt.Y("low:Q").title(y_title), INTERVAL[1]
    layers = [
        law.mark_area(opacity=0.15, color=COLOURS[0]).encode(across, low, high),
        law.mark_line(color=COLOURS[0]).encode(across, bits),
        points.mark_circle(size=60, color=COLOURS[1]).encode(across, bits, tooltip=["x", "bits"]),
    ]
    subtitle = f"{fit.n_points} points, R² {fit.r_squared:.3f}, status {fit.status}; band: 95 % interval"
    return parts.layered(layers, name, subtitle, description=_in_words({name: fit}))
