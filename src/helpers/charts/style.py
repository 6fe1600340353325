"""What all charts share: colours, sizes, titles, the parts they are made of, and how they are shown and saved."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import tables  # noqa: F401  (sets how tables look)
from helpers.charts.drawn import MIME, PICTURE, only_drawn, picture

# Okabe and Ito's colours, told apart by colour-blind readers, that stand out on white and on black.
GREY = "#888888"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH, HEIGHT = 600, 340
DEPTH = "depth u (mean UMIs per probe cell)"
CELLS = "training cells N"
BITS = "information (bits)"
INTERVAL = (alt.Y("low:Q"), alt.Y2("high:Q"))


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    spec = only_drawn(spec)
    return {MIME: spec, PICTURE: picture(spec), "text/plain": spec.get("description", "chart")}


alt.renderers.register("book", _bundle)
alt.renderers.enable("book")
alt.data_transformers.disable_max_rows()


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
    out = means(points, keys, umis_per_cell=("umis_per_cell", "mean"))
    return out.sort_values([by, x]).drop(columns=["sampling", "between"])


def caption(points: pd.DataFrame, profile: str) -> str:
    """Return what every figure says of itself: points, seeds, folds, profile."""
    seeds = points["seed"].nunique()
    folds = int(points["n_folds"].max()) if "n_folds" in points and len(points) else 1
    return (
        f"{len(points)} points ({seeds} seed{'s' * (seeds != 1)}, mean of {folds} fold{'s' * (folds != 1)}), "
        f"profile {profile}; bars and bands: 95 % intervals"
    )


# Channels


def log_axis(column: str, title: str, **scale: Any) -> alt.X:
    """Return a logarithmic horizontal axis; ``scale`` are further properties of its scale."""
    return alt.X(f"{column}:Q").scale(type="log", **scale).title(title)


def depth_or_cells(x: str, samples: str = "cells") -> alt.X:
    """Return the axis of the column ``x``: depth for "umis_per_cell", else the number of training samples."""
    return log_axis(x, DEPTH if x == "umis_per_cell" else f"training {samples} N")


def colours(names: list[str]) -> alt.Scale:
    """Return one colour a name, the same in every layer of a chart."""
    return alt.Scale(domain=names, range=list(COLOURS[: len(names)]))


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


def with_interval(rows: alt.Chart, across: alt.X, up: alt.Y, *hue: Any, bar: Any = alt.Undefined, **look: Any) -> Any:
    """Return measured means and the bars of their 95 % intervals, two layers: bars, dots.

    ``bar`` is the width of the bars, ``size`` and ``tooltip`` are those of the dots; all else is of both.
    """
    size, tooltip = look.pop("size"), look.pop("tooltip", alt.Undefined)
    return [
        rows.mark_rule(strokeWidth=bar).encode(across, *INTERVAL, *hue, **look),
        rows.mark_circle(size=size).encode(across, up, *hue, tooltip=tooltip, **look),
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


def save_html(chart: Any, target: Path) -> None:
    """Write a chart to one HTML file that needs no network."""
    target.write_text(chart.to_html(inline=True), encoding="utf8")


def save_svg(chart: Any, target: Path) -> None:
    """Write a chart as an SVG picture on white, for pages without scripts such as a README."""
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    spec = chart.properties(background="white").to_dict()
    target.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf8")
