"""What all charts share: colours, sizes, titles of axes, how a chart is drawn in a page, and how it is saved."""

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


def colour_of(by: str, names: list[str]) -> alt.Color:
    """One colour a curve, the same in every layer of a chart; a legend that folds on narrow pages."""
    scale = alt.Scale(domain=names, range=list(COLOURS[: len(names)]))
    return (
        alt.Color(f"{by}:N").scale(scale).legend(orient="top", columns=2, labelLimit=260, symbolOpacity=1).title(None)
    )


def level_line(bits: float, text: str) -> list[alt.Chart]:
    """Return the layers of a dashed line across a chart at some bits, with its text."""
    base = alt.Chart(pd.DataFrame({"bits": [bits], "text": [text]}))
    return [
        base.mark_rule(strokeDash=[5, 4], opacity=0.7, color=GREY).encode(alt.Y("bits:Q")),
        base.mark_text(align="left", dx=4, dy=-6, x=0, color=GREY).encode(alt.Y("bits:Q"), text="text:N"),
    ]


def save_html(chart: Any, target: Path) -> None:
    """Write a chart to one HTML file that needs no network."""
    target.write_text(chart.to_html(inline=True), encoding="utf8")


def save_svg(chart: Any, target: Path) -> None:
    """Write a chart as an SVG picture on white, for pages without scripts such as a README."""
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    spec = chart.properties(background="white").to_dict()
    target.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf8")
