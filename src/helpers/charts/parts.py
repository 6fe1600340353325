"""The parts that charts are made of: means with intervals, axes, colours, layers, titles, and controls of a page."""

import itertools
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, HEIGHT, INTERVAL, WIDTH

# Data


def means(points: pd.DataFrame, keys: list[str], **further: tuple[str, str]) -> pd.DataFrame:
    """Average the seeds of each setting and add the 95 % interval that figures draw, ``low`` to ``high``.

    The interval has two parts, added as variances: the sampling of the probe cells, which seeds share
    and which therefore does not shrink with their number (mean ``mi_stderr_bits``), and the spread of
    the seeds over √seeds. ``further`` are columns to aggregate as well.
    """
    out = points.groupby(keys, as_index=False).agg(
        **further,
        bits=("mi_bits", "mean"),
        null_bits=("mi_null_bits", "mean"),
        sampling=("mi_stderr_bits", "mean"),
        between=("mi_bits", "std"),
        seeds=("seed", "nunique"),
    )
    error = np.sqrt(out["sampling"] ** 2 + out["between"].fillna(0) ** 2 / out["seeds"])
    return out.assign(low=out["bits"] - 1.96 * error, high=out["bits"] + 1.96 * error)


def spread(points: pd.DataFrame, x: str, by: str = "representation") -> pd.DataFrame:
    """Return the points that figures draw: means over seeds with 95 % intervals (see ``means``), along ``x``.

    ``points`` are those of ``helpers.store.points.seed_means``; columns are ``by``, ``x``, ``bits``, ``low``, ``high``,
    ``null_bits`` and ``seeds``.
    """
    keys = [by, "noise_level", "probe_noise_level", "n_train"]
    out = means(points, keys, umis_per_cell=("umis_per_cell", "mean"))
    return out.sort_values([by, x]).drop(columns=["sampling", "between"])


def caption(points: pd.DataFrame, profile: str) -> str:
    """Return what every figure says of itself: points, seeds, folds, profile."""
    seeds = points["seed"].nunique()
    folds = int(points["n_folds"].max()) if "n_folds" in points and len(points) else 1
    return (
        f"{len(points)} points ({seeds} seed{'s' * (seeds != 1)}, mean of {folds} fold{'s' * (folds != 1)}), "
        f"profile {profile}; bars and bands: 95 % intervals, sampling error only"
    )


# Channels


def log_axis(column: str, title: str, **scale: Any) -> alt.X:
    """Return a logarithmic horizontal axis; ``scale`` are further properties of its scale."""
    return alt.X(f"{column}:Q").scale(type="log", **scale).title(title)


def depth_or_cells(x: str, samples: str = "cells") -> alt.X:
    """Return the axis of the column ``x``: depth for "umis_per_cell", else the number of training samples."""
    return log_axis(x, DEPTH if x == "umis_per_cell" else f"training {samples} N")


# Models keep their colour from chart to chart.
_OF_MODELS = {
    "pca": 0, "random_projection": 1, "scvi": 2, "scvi_on_views": 2, "scvi_untrained": 3, "joint_embedding": 3,
    "txformer": 4, "scvi_as_shallow": 4, "txformer_untrained": 5, "pca_on_views": 5,
}  # fmt: skip


def colours(names: list[str]) -> alt.Scale:
    """Return one colour a name, the same in every layer of a chart: that of a model, or the next that is free.

    >>> colours(["scvi", "other", "pca"]).to_dict()["range"] == [COLOURS[2], COLOURS[1], COLOURS[0]]
    True
    """
    own: dict[str, int] = {}
    for name in names:
        if _OF_MODELS.get(name) not in {None, *own.values()}:
            own[name] = _OF_MODELS[name]
    free = itertools.cycle([at for at in range(len(COLOURS)) if at not in own.values()] or range(len(COLOURS)))
    return alt.Scale(domain=names, range=[COLOURS[own[name] if name in own else next(free)] for name in names])


def colour_of(by: str, names: list[str]) -> alt.Color:
    """Return one colour a curve, with a legend that folds on narrow pages."""
    legend = alt.Legend(orient="top", columns=2, labelLimit=260, symbolOpacity=1)
    return alt.Color(f"{by}:N").scale(colours(names)).legend(legend).title(None)


def legend_pick(field: str, name: str | None = None) -> alt.Parameter:
    """Return a selection by clicks on the legend; only the legend of the layer it is added to answers them."""
    return alt.selection_point(name=name, fields=[field], bind="legend")


def faded(pick: Any, shown: float = 1, hidden: float = 0.12) -> Any:
    """Return the opacity of what is picked, and of the rest."""
    return alt.condition(pick, alt.value(shown), alt.value(hidden))


def tips(form: str, *columns: str) -> list[alt.Tooltip]:
    """Return the numbers of a tooltip, written in one format."""
    return [alt.Tooltip(f"{column}:Q", format=form) for column in columns]


# Layers


def with_interval(
    rows: alt.Chart,
    across: alt.X,
    up: alt.Y,
    *hue: Any,
    size: int,
    tooltip: Any = alt.Undefined,
    bar: Any = alt.Undefined,
    **look: Any,
) -> list[alt.Chart]:
    """Return measured means and their 95 % intervals, two layers: bars of a width ``bar``, dots of a ``size``."""
    return [
        rows.mark_rule(strokeWidth=bar).encode(across, *INTERVAL, *hue, **look),
        rows.mark_circle(size=size).encode(across, up, *hue, tooltip=tooltip, **look),
    ]


def law_with_band(
    laws: pd.DataFrame, across: alt.X, up: alt.Y, colour: alt.Color, pick: alt.Parameter
) -> list[alt.Chart]:
    """Return the layers of laws with their 95 % bands; clicks on the legend of the band pick in all layers.

    A law whose column ``rejected`` is true is dotted.
    """
    law, low = alt.Chart(laws), alt.Y("low:Q").title(BITS)
    opacity = faded(pick, 0.15, 0.02)
    band = law.mark_area(opacity=0.15, clip=True).encode(across, low, INTERVAL[1], colour, opacity=opacity)
    return [
        band.add_params(pick),
        law.mark_line(strokeWidth=2.5, clip=True).encode(
            across,
            up,
            colour,
            opacity=faded(pick),
            strokeDash=alt.condition("datum.rejected", alt.value([3, 5]), alt.value([1, 0])),
        ),
    ]


def level_line(bits: float, text: str) -> list[alt.Chart]:
    """Return the layers of a dashed line across a chart at some bits, with its text."""
    base = alt.Chart(pd.DataFrame({"bits": [bits], "text": [text]}))
    return [
        base.mark_rule(strokeDash=[5, 4], opacity=0.7, color=GREY).encode(alt.Y("bits:Q")),
        base.mark_text(align="left", dx=4, dy=-6, x=0, color=GREY).encode(alt.Y("bits:Q"), text="text:N"),
    ]


# Charts


def titled(chart: Any, title: str, subtitle: str, more: str = "", **properties: Any) -> Any:
    """Give a chart a title, a subtitle and a description for readers who do not see it: both, and ``more``."""
    description = f"{title}. {subtitle}. {more}".rstrip()
    look = {"title": alt.Title(title, subtitle=subtitle), "description": description}
    return chart.properties(**look | properties)


def layered(layers: list[Any], title: str, subtitle: str, more: str = "", **properties: Any) -> alt.LayerChart:
    """Put layers on each other in the size of the book's figures; see ``titled``."""
    size = {"width": WIDTH, "height": HEIGHT}
    return titled(alt.layer(*layers), title, subtitle, more, **size | properties)


def side_by_side(
    layers: list[Any], by: str, table: pd.DataFrame, title: str, subtitle: str, more: str = "", height: int = 220
) -> alt.FacetChart:
    """Put layers on each other in one panel for each value of a column; see ``titled``."""
    panels = table[by].nunique()
    panel = alt.layer(*layers).properties(width=max(150, (WIDTH - 40) // panels), height=height)
    faceted = panel.facet(column=alt.Column(f"{by}:N", sort=None).title(None), columns=panels)
    return titled(faceted, title, subtitle, more)


# Controls, which the page answers without a kernel


def choice(name: str, options: list[str], label: str, value: str | None = None) -> alt.Parameter:
    """Return a menu; it starts at its first option if no value is given."""
    menu = alt.binding_select(options=options, name=f"{label} ")
    return alt.param(name, value=options[0] if value is None else value, bind=menu)


def slider(name: str, value: float, low: float, high: float, step: float, label: str) -> alt.Parameter:
    """Return a slider."""
    return alt.param(name, value=value, bind=alt.binding_range(min=low, max=high, step=step, name=f"{label} "))


def one_row() -> alt.Chart:
    """Return a chart of one row, for a mark whose place or text is computed from the controls alone."""
    return alt.Chart(pd.DataFrame({"one": [1]}))


def text_at(rows: alt.Chart, text: str, **look: Any) -> alt.Chart:
    """Write an expression; ``x`` and ``y`` of its look are pixels from the left and the top of the plot."""
    return rows.transform_calculate(text=text).mark_text(**{"align": "left"} | look).encode(text="text:N")
