"""Charts of reconstruction losses: along model size, cells, genes, depth and compute, and against information."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.charts import parts
from helpers.charts.style import GREY, INTERVAL
from helpers.laws import Law

AXES = {
    "params": "parameters P",
    "n_train": "training cells D",
    "umis_per_cell": "depth u (mean UMIs per cell)",
    "flops": "compute C of training (floating-point operations)",
    "n_genes": "genes V",
}
UNITS = {
    "mse": "squared error of log(1 + CP10k)",
    "nll": "negative log-likelihood (nats)",
    "bins": "cross-entropy (nats)",
    "share": "explained share of the gene mean's loss",
}


def points_and_laws(
    points: pd.DataFrame,
    x: str,
    by: str,
    title: str,
    source: str,
    unit: str = "mse",
    laws: dict[str, Law] | None = None,
    levels: dict[str, float] | None = None,
    joined: bool = False,
) -> alt.LayerChart:
    """Draw means with 95 % intervals along one axis, fitted laws and reference levels.

    Parameters
    ----------
    points : DataFrame with ``x``, ``by``, ``value``, ``low``, ``high`` and ``seeds``, of ``losses.means``
    x, unit : keys of ``AXES`` and of ``UNITS``
    by : column whose values are the colours
    laws : dict of name → law of ``x``, drawn in grey if its name is no value of ``by``
    levels : dict of name → value, drawn as dashed lines
    joined : join the points of each colour
    """
    choose(x, AXES, "axis")
    choose(unit, UNITS, "unit")
    shown = points.assign(**{by: points[by].astype(str)})
    names = list(dict.fromkeys(shown[by]))
    across = parts.log_axis(x, AXES[x]).axis(format="~s")
    up, low = (alt.Y(f"{c}:Q").scale(zero=False).title(UNITS[unit]) for c in ("value", "low"))
    colour, pick = parts.colour_of(by, names), parts.legend_pick(by)
    base, look = alt.Chart(shown), {"opacity": parts.faded(pick)}
    tooltip = [f"{by}:N", *parts.tips(",.4~g", x), "seeds:Q", *parts.tips(".4f", "value", "low", "high")]
    bars = base.mark_rule(strokeWidth=1.5).encode(across, low, INTERVAL[1], colour, **look)
    layers = [
        bars.add_params(pick),
        base.mark_circle(size=60).encode(across, up, colour, tooltip=tooltip, **look),
    ]
    if joined:
        layers.insert(0, base.mark_line(opacity=0.6).encode(across, up, colour, **look))
    if laws:
        line = alt.Chart(_drawn_laws(laws, shown, x, by)).mark_line(strokeWidth=2, clip=True)
        layers.insert(0, line.encode(across, up, **({"color": colour} if set(laws) <= set(names) else _dashed(by))))
    levels = levels or {}
    for name, value in levels.items():
        layers += parts.level_line(value, f"{name} {value:.3f}")
    seeds = " or ".join(str(n) for n in sorted({int(s) for s in shown["seeds"]}))
    subtitle = f"{len(shown)} points, {seeds} seed(s) each, {source}"
    if (shown["high"] > shown["low"]).any():
        subtitle += "; bars: 95 % intervals"
    words = [f"Lines: {'; '.join(laws)}."] if laws else []
    words += [f"{name}: {value:.3f}." for name, value in levels.items()]
    return parts.layered(layers, title, subtitle, " ".join(words))


def _drawn_laws(laws: dict[str, Law], points: pd.DataFrame, x: str, by: str) -> pd.DataFrame:
    """Return the laws from left of the points to ten times the largest, as far as they do not rise above the points."""
    grid = np.geomspace(float(points[x].min()) / 1.3, float(points[x].max()) * 10, 160)
    drawn = pd.concat([pd.DataFrame({by: name, x: grid, "value": law(grid)}) for name, law in laws.items()])
    top = float(points["high"].max()) + 0.1 * float(np.ptp(points["value"]))
    return drawn[drawn["value"] <= top]


def _dashed(by: str) -> dict[str, Any]:
    """Return the look of laws that are of no colour: grey, each with dashes of its own."""
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=420)
    return {"color": alt.value(GREY), "strokeDash": alt.StrokeDash(f"{by}:N").title(None).legend(legend)}


def along_compute(curves: pd.DataFrame, reached: pd.DataFrame, law: Law, title: str, source: str) -> alt.LayerChart:
    """Draw validation losses along training, the least within each compute, and the law fitted to that.

    ``curves`` and ``reached`` are those of ``helpers.findings.losses.training_curves`` and ``frontier``.
    """
    shown = curves.assign(run=curves["size"] + ", seed " + curves["seed"].astype(str))
    sizes = list(dict.fromkeys(shown.sort_values("params")["size"]))
    across = parts.log_axis("flops", AXES["flops"], nice=False).axis(format=".0e", labelOverlap=True)
    up = alt.Y("value:Q").scale(zero=False).title(f"validation loss: {UNITS['mse']}")
    colour, pick = parts.colour_of("size", sizes), parts.legend_pick("size")
    grid = np.geomspace(reached["flops"].min(), reached["flops"].max() * 10, 120)
    # The first validations are those of a model that knows nothing yet.
    top = float(curves.groupby(["size", "seed"])["best"].min().max()) * 1.15
    runs = alt.Chart(shown.rename(columns={"validation": "value"}).loc[lambda t: t["value"] <= top])
    fitted = alt.Chart(pd.DataFrame({"flops": grid, "value": law(grid)}))
    least = alt.Chart(reached.rename(columns={"validation": "value"}))
    lines = runs.mark_line(strokeWidth=1.5, clip=True)
    tooltip = ["size:N", "seed:Q", *parts.tips(".3e", "flops"), *parts.tips(".4f", "value")]
    layers = [
        lines.encode(across, up, colour, detail="run:N", opacity=parts.faded(pick, 0.8, 0.08)).add_params(pick),
        fitted.mark_line(color=GREY, strokeDash=[6, 3], strokeWidth=2).encode(across, up),
        least.mark_circle(size=45, color=GREY, opacity=1).encode(across, up, tooltip=tooltip),
    ]
    content = f"{shown['run'].nunique()} runs, {shown['seed'].nunique()} seed(s) a size, every validation; {source}"
    return parts.layered(layers, title, f"{content}. Dots: least within a compute; dashed: law")


def against_information(points: pd.DataFrame, title: str, source: str, ceiling: float) -> alt.LayerChart:
    """Draw what embeddings tell about a label against the loss of the models that made them; a dot a run.

    ``points`` have ``size``, ``n_train``, ``steps``, ``seed``, ``test_loss``, ``mi_bits`` and ``mi_stderr_bits``;
    ``ceiling`` is the entropy of the label in bits.
    """
    half = 1.96 * points["mi_stderr_bits"]
    shown = points.assign(
        low=points["mi_bits"] - half,
        high=points["mi_bits"] + half,
        training=np.where(points["steps"] == 0, "untrained", points["n_train"].map("{:,} cells".format)),
    )
    sizes = list(dict.fromkeys(shown.sort_values("params")["size"]))
    scale = {"zero": False, "reverse": True, "nice": False, "padding": 25}
    across = parts.log_axis("test_loss", "test loss, better to the right", **scale)
    up = alt.Y("mi_bits:Q").title("information about the label (bits)")
    colour = parts.colour_of("size", sizes)
    shape = alt.Shape("training:N").title(None).legend(orient="bottom")
    base = alt.Chart(shown)
    tooltip = ["size:N", "training:N", "seed:Q", "test_loss:Q", "mi_bits:Q", "mi_null_bits:Q"]
    layers = [
        base.mark_rule().encode(across, *INTERVAL, colour),
        base.mark_point(size=80, filled=True, opacity=1).encode(across, up, colour, shape, tooltip=tooltip),
        *parts.level_line(ceiling, f"ceiling {ceiling:.2f} bits"),
    ]
    subtitle = f"{len(shown)} runs, {shown['seed'].nunique()} seeds, {source}; bars: 95 % of the probe cells"
    return parts.layered(layers, title, subtitle)
