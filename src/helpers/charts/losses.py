"""Charts of reconstruction losses: along model size, cells, genes, depth and compute, and against information."""

import altair as alt
import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.charts.style import GREY, HEIGHT, WIDTH, colour_of, level_line
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
    x : a key of ``AXES``
    by : column whose values are the colours
    title, source : str
    unit : a key of ``UNITS``
    laws : dict of name → law of ``x``, drawn in grey if its name is no value of ``by``
    levels : dict of name → value, drawn as dashed lines
    joined : bool
        Join the points of each colour.
    """
    choose(x, AXES, "axis")
    choose(unit, UNITS, "unit")
    shown = points.assign(**{by: points[by].astype(str)})
    names = list(dict.fromkeys(shown[by]))
    across = alt.X(f"{x}:Q").scale(type="log").title(AXES[x]).axis(format="~s")
    up_scale = alt.Scale(zero=False)
    up = alt.Y("value:Q").scale(up_scale).title(UNITS[unit])
    colour = colour_of(by, names)
    pick = alt.selection_point(fields=[by], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.12))
    base = alt.Chart(shown)
    tips = [f"{by}:N", alt.Tooltip(f"{x}:Q", format=",.4~g"), "seeds:Q",
            *(alt.Tooltip(f"{c}:Q", format=".4f") for c in ("value", "low", "high"))]  # fmt: skip
    layers = [
        base.mark_rule(strokeWidth=1.5)
        .encode(across, alt.Y("low:Q").scale(up_scale).title(UNITS[unit]), alt.Y2("high:Q"), colour, opacity=faded)
        .add_params(pick),
        base.mark_circle(size=60).encode(across, up, colour, opacity=faded, tooltip=tips),
    ]
    if joined:
        layers.insert(0, base.mark_line(opacity=0.6).encode(across, up, colour, opacity=faded))
    told = ""
    if laws:
        grid = np.geomspace(float(shown[x].min()) / 1.3, float(shown[x].max()) * 10, 160)
        drawn = pd.concat([pd.DataFrame({by: name, x: grid, "value": law(grid)}) for name, law in laws.items()])
        top = float(shown["high"].max()) + 0.1 * float(np.ptp(shown["value"]))
        line = alt.Chart(drawn[drawn["value"] <= top]).mark_line(strokeWidth=2, clip=True)
        own = set(laws) <= set(names)
        layers.insert(0, line.encode(across, up, *([colour] if own else []), **({} if own else
                      {"color": alt.value(GREY), "strokeDash": alt.StrokeDash(f"{by}:N").title(None)
                       .legend(orient="bottom", columns=1, labelLimit=420)})))  # fmt: skip
        told = " Lines: " + "; ".join(laws) + "."
    for name, value in (levels or {}).items():
        layers += level_line(value, f"{name} {value:.3f}")
    seeds = sorted({int(s) for s in shown["seeds"]})
    subtitle = f"{len(shown)} points, {' or '.join(map(str, seeds))} seed(s) each, {source}"
    subtitle += "; bars: 95 % intervals" * bool((shown["high"] > shown["low"]).any())
    named = "".join(f" {name}: {value:.3f}." for name, value in (levels or {}).items())
    return alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}.{told}{named}",
    )  # fmt: skip


def along_compute(
    curves: pd.DataFrame, reached: pd.DataFrame, law: Law, title: str, source: str, unit: str = "mse"
) -> alt.LayerChart:
    """Draw validation losses along training, the least within each compute, and the law fitted to that.

    Parameters
    ----------
    curves, reached : DataFrames from ``helpers.findings.losses.training_curves`` and ``frontier``
    law : fitted to ``reached``
    """
    shown = curves.assign(run=curves["size"] + ", seed " + curves["seed"].astype(str))
    sizes = list(dict.fromkeys(shown.sort_values("params")["size"]))
    across = alt.X("flops:Q").scale(type="log", nice=False).title(AXES["flops"]).axis(format=".0e", labelOverlap=True)
    up = alt.Y("value:Q").scale(zero=False).title(f"validation loss: {UNITS[unit]}")
    colour = colour_of("size", sizes)
    pick = alt.selection_point(fields=["size"], bind="legend")
    faded = alt.condition(pick, alt.value(0.8), alt.value(0.08))
    grid = np.geomspace(reached["flops"].min(), reached["flops"].max() * 10, 120)
    # The first validations are those of a model that knows nothing yet.
    top = float(curves.groupby(["size", "seed"])["best"].min().max()) * 1.15
    runs = alt.Chart(shown.rename(columns={"validation": "value"}).loc[lambda t: t["value"] <= top])
    subtitle = (
        f"{shown['run'].nunique()} runs, {shown['seed'].nunique()} seed(s) a size, every validation; {source}. "
        "Dots: least within a compute; dashed: law"
    )
    return alt.layer(
        runs.mark_line(strokeWidth=1.5, clip=True)
        .encode(across, up, colour, detail="run:N", opacity=faded)
        .add_params(pick),
        alt.Chart(pd.DataFrame({"flops": grid, "value": law(grid)}))
        .mark_line(color=GREY, strokeDash=[6, 3], strokeWidth=2)
        .encode(across, up),
        alt.Chart(reached.rename(columns={"validation": "value"})).mark_circle(size=45, color=GREY, opacity=1)
        .encode(across, up, tooltip=["size:N", "seed:Q", alt.Tooltip("flops:Q", format=".3e"),
                                     alt.Tooltip("value:Q", format=".4f")]),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}."
    )  # fmt: skip


def against_information(points: pd.DataFrame, title: str, source: str, ceiling: float) -> alt.LayerChart:
    """Draw what embeddings tell about a label against the loss of the models that made them; a dot a run.

    Parameters
    ----------
    points : DataFrame with ``size``, ``n_train``, ``steps``, ``seed``, ``test_loss``, ``mi_bits``, ``mi_stderr_bits``
    ceiling : entropy of the label, bits
    """
    shown = points.assign(
        low=points["mi_bits"] - 1.96 * points["mi_stderr_bits"],
        high=points["mi_bits"] + 1.96 * points["mi_stderr_bits"],
        training=np.where(points["steps"] == 0, "untrained", points["n_train"].map("{:,} cells".format)),
    )
    sizes = list(dict.fromkeys(shown.sort_values("params")["size"]))
    across = (
        alt.X("test_loss:Q")
        .scale(zero=False, reverse=True, type="log", nice=False, padding=25)
        .title("test loss, better to the right")
    )
    up = alt.Y("mi_bits:Q").title("information about the label (bits)")
    colour = colour_of("size", sizes)
    base = alt.Chart(shown)
    subtitle = f"{len(shown)} runs, {shown['seed'].nunique()} seeds, {source}; bars: 95 % of the probe cells"
    return alt.layer(
        base.mark_rule().encode(across, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        base.mark_point(size=80, filled=True, opacity=1).encode(
            across, up, colour, alt.Shape("training:N").title(None).legend(orient="bottom"),
            tooltip=["size:N", "training:N", "seed:Q", "test_loss:Q", "mi_bits:Q", "mi_null_bits:Q"],
        ),
        *level_line(ceiling, f"ceiling {ceiling:.2f} bits"),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}."
    )  # fmt: skip
