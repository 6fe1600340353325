"""What all charts share: colours, sizes and titles of axes; how a chart is shown in a page, and saved."""

from pathlib import Path
from typing import Any

import altair as alt

from helpers.charts import tables  # noqa: F401  (sets how tables look)
from helpers.charts.drawn import MIME, PICTURE, only_drawn, picture
from helpers.noise import OF_CELLS

# Okabe and Ito's colours, told apart by colour-blind readers, that stand out on white and on black.
GREY = "#888888"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH, HEIGHT = 600, 340
DEPTH = OF_CELLS["thinning"].measured_axis
CELLS = "training cells N"
BITS = "information (bits)"
INTERVAL = (alt.Y("low:Q"), alt.Y2("high:Q"))


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    spec = only_drawn(spec)
    return {MIME: spec, PICTURE: picture(spec), "text/plain": spec.get("description", "chart")}


alt.renderers.register("book", _bundle)
alt.renderers.enable("book")
alt.data_transformers.disable_max_rows()


def save_html(chart: Any, target: Path) -> None:
    """Write a chart to one HTML file that needs no network."""
    target.write_text(chart.to_html(inline=True), encoding="utf8")


def save_svg(chart: Any, target: Path) -> None:
    """Write a chart as an SVG picture on white, for pages without scripts such as a README."""
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    spec = chart.properties(background="white").to_dict()
    target.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf8")
