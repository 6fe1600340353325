"""Charts of fitted laws: curves with their points, collapses, residuals and parameters."""

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts.style import (
    BITS,
    CELLS,
    COLOURS,
    DEPTH,
    GREY,
    HEIGHT,
    WIDTH,
    caption,
    colour_of,
    level_line,
    spread,
)
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
        The curve whose I_max and ū are marked (noise law only).
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
        law.mark_line(strokeWidth=2.5, clip=True).encode(axis, alt.Y("bits:Q"), colour, opacity=faded),
        base.mark_rule(strokeWidth=1.5).encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), colour, opacity=faded),
        base.mark_circle(size=60).encode(axis, alt.Y("bits:Q"), colour, tooltip=tips, opacity=faded),
    ]  # fmt: skip
    if ceiling is not None:
        layers += level_line(ceiling, f"ceiling {ceiling:.2f} bits")
    if mark is not None:
        layers += _marks(fits[mark])
    subtitle = caption(points, profile)
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
    return frame


def _in_words(fits: dict[str, Fit]) -> str:
    told = []
    for name, fit in fits.items():
        values = ", ".join(f"{p} = {v:.3g}" for p, v in fit.params.items())
        told.append(f"{name}: {values}, R² {fit.r_squared:.2f}")
    return f"Fitted {'; '.join(told) or 'none'}."


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


def parameters(table: pd.DataFrame, title: str, profile: str, colour: str = "signal") -> alt.LayerChart:
    """Draw I_max against ū of many fits with their intervals, each point labelled with its model.

    Parameters
    ----------
    table : DataFrame from ``helpers.laws.parameter_table``, with a column ``colour``
    """
    # An interval that reaches 0 or infinity has no place on a logarithmic axis; the table beside the chart has it.
    known = np.isfinite(table[["u_bar", "u_bar_low", "u_bar_high", "i_max", "i_max_low", "i_max_high"]]).all(axis=1)
    shown = table[known & (table["u_bar_low"] > 0)]
    base = alt.Chart(shown)
    across = alt.X("u_bar:Q").scale(type="log").title("ū (UMIs per cell)")
    up = alt.Y("i_max:Q").scale(zero=False).title("I_max (bits)")
    hue = colour_of(colour, sorted(shown[colour].unique()))
    pick = alt.selection_point(fields=[colour], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.12))
    tips = [f"{colour}:N", "model:N", *(alt.Tooltip(f"{c}:Q", format=".3~g") for c in
            ("i_max", "i_max_low", "i_max_high", "u_bar", "u_bar_low", "u_bar_high")), "status:N"]  # fmt: skip
    subtitle = f"{len(shown)} of {len(table)} fits have bounded intervals and are drawn; profile {profile}; bars: 95 %"
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
