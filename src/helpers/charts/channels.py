"""Charts of vector channels: exact curves beside their nearest scalar laws, and how far apart they are."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers.charts.style import BITS, COLOURS, GREY, HEIGHT, WIDTH
from helpers.information.spectrum import Channels
from helpers.laws.nearest import nearest_law

SHARE = "largest deviation (% of I_max)"


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
    title, x_title : str
    points : DataFrame with ``curve``, ``umis_per_cell``, ``bits``, ``low``, ``high``, optional
        Measured values to show beside them, such as from ``helpers.charts.spread``.
    of_half : bool
        Show depth in units of the one that gives half of I_max.
    """
    frames, told = [], []
    for name, (exact, u) in channels.items():
        fit, grid = nearest_law(exact, u), np.geomspace(u.min(), u.max(), 120)
        at = grid / exact.depth_for(exact.i_max / 2) if of_half else grid
        frames += [
            pd.DataFrame({"curve": name, "line": line, "u": at, "bits": bits})
            for line, bits in (("exact", exact(grid)), ("nearest scalar law", fit.predict(grid)))
        ]
        told.append(f"{name}: largest deviation {np.abs(fit.residuals).max():.2g} bits")
    names = list(channels) + ([] if points is None else sorted(set(points["curve"])))
    across, up = alt.X("u:Q").scale(type="log", nice=False).title(x_title), alt.Y("bits:Q").title(BITS)
    hue = (
        alt.Color("curve:N").scale(domain=names, range=list(COLOURS[: len(names)]))
        .legend(orient="top", columns=1, labelLimit=400, symbolOpacity=1).title(None)
    )  # fmt: skip
    dash = (
        alt.StrokeDash("line:N").scale(domain=["exact", "nearest scalar law"], range=[[1, 0], [6, 4]])
        .legend(orient="top", columns=1).title(None)
    )  # fmt: skip
    layers = [alt.Chart(pd.concat(frames)).mark_line(strokeWidth=2.5).encode(across, up, hue, dash)]
    subtitle = f"{len(channels)} exact curves and the laws fitted to them by least squares"
    if points is not None:
        base = alt.Chart(points.rename(columns={"umis_per_cell": "u"}))
        layers += [
            base.mark_rule(strokeWidth=1.5).encode(across, alt.Y("low:Q"), alt.Y2("high:Q"), hue),
            base.mark_circle(size=60).encode(across, up, hue, tooltip=["curve:N", "u:Q", "bits:Q", "seeds:Q"]),
        ]
        subtitle += f"; {len(points)} measured means with 95 % intervals"
    return alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. " + "; ".join(told) + ".",
    )  # fmt: skip


def by_spread(table: pd.DataFrame, title: str) -> alt.FacetChart:
    """Draw the largest deviation against the spread: means over seeds with 95 % intervals, one panel an I_max.

    Parameters
    ----------
    table : DataFrame from ``helpers.laws.nearest.distances`` of one family
    """
    keys = ["bits", "dim", "decades", "spread"]
    shown = table.assign(percent=100 * table["max_share"]).groupby(keys, as_index=False).agg(
        mean=("percent", "mean"), between=("percent", "std"), seeds=("seed", "nunique")
    )  # fmt: skip
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
    tips = [
        "channels:N",
        "range:N",
        "spread:Q",
        *(alt.Tooltip(f"{c}:Q", format=".2f") for c in ("mean", "low", "high")),
        "seeds:Q",
    ]
    panels = shown["panel"].nunique()
    seeds = table["seed"].nunique()
    subtitle = f"{len(table)} simulated channels and ranges, {seeds} seed{'s' * (seeds != 1)}; bars: 95 % intervals"
    return (
        alt.layer(
            base.mark_line().encode(across, up, hue, dash),
            base.mark_rule().encode(across, alt.Y("low:Q"), alt.Y2("high:Q"), hue),
            base.mark_circle(size=45).encode(across, up, hue, tooltip=tips),
        )
        .properties(width=max(150, (WIDTH - 40) // panels), height=220)
        .facet(column=alt.Column("panel:N", sort=None).title(None), columns=panels)
        .properties(
            title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}. Information in bits."
        )
    )  # fmt: skip


def by_stretch(table: pd.DataFrame, title: str) -> alt.LayerChart:
    """Draw the largest deviation of every simulated channel against the one number of its spectrum, its stretch."""
    shown = table.assign(percent=100 * table["max_share"], total=table["bits"].map("{:g} bits".format))
    hue = alt.Color("total:N").sort(None).scale(range=list(COLOURS)).legend(orient="top").title("I_max")
    shape = alt.Shape("family:N").sort(None).legend(orient="top").title("family")
    pick = alt.selection_point(fields=["family"], bind="legend")
    across = (
        alt.X("stretch:Q").scale(type="log", nice=False).title("stretch: length of the rise / scalar law's (no unit)")
    )
    tips = ["family:N", "spread:Q", "dim:Q", "seed:Q", "status:N",
            *(alt.Tooltip(f"{c}:Q", format=".3~g") for c in ("stretch", "percent", "max_bits"))]  # fmt: skip
    one = alt.Chart(pd.DataFrame({"stretch": [1.0]})).mark_rule(strokeDash=[4, 4], color=GREY).encode(across)
    spans = ", ".join(f"{v:g}" for v in sorted(shown["decades"].unique()))
    subtitle = (
        f"{len(shown)} simulated channels, {shown['seed'].nunique()} seeds, {spans} decades of depth; one mark each"
    )
    return alt.layer(
        one,
        alt.Chart(shown).mark_point(size=40, filled=True).encode(
            across, alt.Y("percent:Q").title(SHARE), hue, shape, tooltip=tips,
            opacity=alt.condition(pick, alt.value(0.75), alt.value(0.06)),
        ).add_params(pick),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Dashed: stretch 1, the scalar law's own.",
    )  # fmt: skip
