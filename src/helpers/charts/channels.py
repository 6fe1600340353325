"""Charts of vector channels: exact curves beside their nearest scalar laws, and how far apart they are."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, GREY
from helpers.information.spectrum import Channels
from helpers.laws.scalar_approximation import nearest_law

SHARE = "largest deviation (% of I_max)"
_LINES = ["exact", "nearest scalar law"]


def exact_and_nearest(
    channels: Mapping[str, tuple[Channels, np.ndarray]],
    title: str,
    x_title: str,
    points: pd.DataFrame | None = None,
    of_half: bool = False,
) -> alt.LayerChart:
    """Draw exact curves (lines) and the scalar laws fitted to them (dashes) over the depths of the fit.

    Parameters
    ----------
    channels : dict of curve → (Channels, depths of the fit)
    points : DataFrame with ``curve``, ``umis_per_cell``, ``bits``, ``low``, ``high``, optional
        Measured values to show beside them, such as from ``helpers.charts.spread``.
    of_half : show depth in units of the one that gives half of I_max
    """
    frames, deviations = [], []
    for name, (exact, u) in channels.items():
        fit, grid = nearest_law(exact, u), np.geomspace(u.min(), u.max(), 120)
        depths = grid / exact.depth_for(exact.i_max / 2) if of_half else grid
        for line, bits in zip(_LINES, (exact(grid), fit.predict(grid)), strict=True):
            frames.append(pd.DataFrame({"curve": name, "line": line, "u": depths, "bits": bits}))
        deviations.append(f"{name}: largest deviation {np.abs(fit.residuals).max():.2g} bits")
    names = list(channels) + ([] if points is None else sorted(set(points["curve"])))
    across, up = parts.log_axis("u", x_title, nice=False), alt.Y("bits:Q").title(BITS)
    legend = alt.Legend(orient="top", columns=1, labelLimit=400, symbolOpacity=1)
    hue = alt.Color("curve:N").scale(parts.colours(names)).legend(legend).title(None)
    dash = alt.StrokeDash("line:N").scale(domain=_LINES, range=[[1, 0], [6, 4]]).title(None)
    dash = dash.legend(orient="top", columns=1)
    layers = [alt.Chart(pd.concat(frames)).mark_line(strokeWidth=2.5).encode(across, up, hue, dash)]
    subtitle = f"{len(channels)} exact curves and the laws fitted to them by least squares"
    if points is not None:
        measured = alt.Chart(points.rename(columns={"umis_per_cell": "u"}))
        tooltip = ["curve:N", "u:Q", "bits:Q", "seeds:Q"]
        layers += parts.with_interval(measured, across, up, hue, bar=1.5, size=60, tooltip=tooltip)
        subtitle += f"; {len(points)} measured means with 95 % intervals"
    return parts.layered(layers, title, subtitle, "; ".join(deviations) + ".")


def by_spread(table: pd.DataFrame, title: str) -> alt.FacetChart:
    """Draw the largest deviation against the spread: means over seeds with 95 % intervals, one panel an I_max.

    ``table`` is that of ``helpers.laws.scalar_approximation.distances`` of one family.
    """
    percent = table.assign(percent=100 * table["max_share"])
    shown = percent.groupby(["bits", "dim", "decades", "spread"], as_index=False).agg(
        mean=("percent", "mean"), between=("percent", "std"), seeds=("seed", "nunique")
    )
    half = student_t.ppf(0.975, np.maximum(shown["seeds"] - 1, 1)) * shown["between"].fillna(0) / shown["seeds"] ** 0.5
    shown["low"], shown["high"] = np.maximum(shown["mean"] - half, 0), shown["mean"] + half
    # Side by side, so that bars do not hide each other.
    group = shown.groupby(["dim", "decades"]).ngroup()
    shown["at"] = shown["spread"] + 0.012 * np.ptp(shown["spread"]) * (group - group.max() / 2)
    shown["channels"] = shown["dim"].map("{:d} channels".format)
    shown["range"] = shown["decades"].map("{:g} decades of depth".format)
    shown["panel"] = shown["bits"].map("I_max = {:g} bits".format)
    hue = alt.Color("channels:N").sort(None).scale(range=list(COLOURS)).legend(orient="top").title(None)
    dash = alt.StrokeDash("range:N").sort(None).legend(orient="top").title(None)
    across = alt.X("at:Q").title("spread of eigenvalues (decades)")
    up = alt.Y("mean:Q").title(SHARE)
    base = alt.Chart(shown)
    tooltip = ["channels:N", "range:N", "spread:Q", *parts.tips(".2f", "mean", "low", "high"), "seeds:Q"]
    seeds = table["seed"].nunique()
    lines = base.mark_line().encode(across, up, hue, dash)
    layers = [lines, *parts.with_interval(base, across, up, hue, size=45, tooltip=tooltip)]
    subtitle = f"{len(table)} simulated channels and ranges, {seeds} seed{'s' * (seeds != 1)}; bars: 95 % intervals"
    return parts.side_by_side(layers, "panel", shown, title, subtitle, "Information in bits.")


def by_stretch(table: pd.DataFrame, title: str) -> alt.LayerChart:
    """Draw the largest deviation of every simulated channel against the one number of its spectrum, its stretch."""
    shown = table.assign(percent=100 * table["max_share"], total=table["bits"].map("{:g} bits".format))
    across = parts.log_axis("stretch", "stretch: length of the rise / scalar law's (no unit)", nice=False)
    up = alt.Y("percent:Q").title(SHARE)
    hue = alt.Color("total:N").sort(None).scale(range=list(COLOURS)).legend(orient="top").title("I_max")
    shape = alt.Shape("family:N").sort(None).legend(orient="top").title("family")
    pick = parts.legend_pick("family")
    numbers = parts.tips(".3~g", "stretch", "percent", "max_bits")
    tooltip = ["family:N", "spread:Q", "dim:Q", "seed:Q", "status:N", *numbers]
    marks = alt.Chart(shown).mark_point(size=40, filled=True)
    marks = marks.encode(across, up, hue, shape, tooltip=tooltip, opacity=parts.faded(pick, 0.75, 0.06))
    scalar = alt.Chart(pd.DataFrame({"stretch": [1.0]})).mark_rule(strokeDash=[4, 4], color=GREY).encode(across)
    spans = ", ".join(f"{v:g}" for v in sorted(shown["decades"].unique()))
    seeds = shown["seed"].nunique()
    subtitle = f"{len(shown)} simulated channels, {seeds} seeds, {spans} decades of depth; one mark each"
    words = "Dashed: stretch 1, the scalar law's own."
    return parts.layered([scalar, marks.add_params(pick)], title, subtitle, words)
