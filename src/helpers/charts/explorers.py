"""Charts of many curves at once: an explorer with controls that the page itself computes, collapses, losses."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts.style import BITS, CELLS, COLOURS, DEPTH, GREY, HEIGHT, WIDTH
from helpers.laws import CellNumberLaw, Fit, Law, ModelSizeLaw, NoiseLaw

# Column of the points and title of a law's variable.
_AXIS = {NoiseLaw: ("umis_per_cell", DEPTH), CellNumberLaw: ("n_train", CELLS)}


def _scale(names: list[str]) -> alt.Scale:
    return alt.Scale(domain=names, range=list(COLOURS[: len(names)]))


def explorer(
    law: type[Law], points: pd.DataFrame, fits: dict[tuple, Fit], setting: str, title: str, source: str
) -> alt.LayerChart:
    """Draw any of many measured curves with its fitted law: choose the data and the setting, click the legend.

    The page computes laws and 95 % bands from the fitted parameters: no kernel is needed.

    Parameters
    ----------
    law : NoiseLaw or CellNumberLaw
    points : DataFrame with dataset, signal, representation, the setting, the law's variable and ``mi_bits``
    fits : dict of (dataset, signal, representation, setting) → Fit
    setting : "n_train" or "noise_level"
        What a slider moves, by rank within the data: curves of other datasets have other values.
    title, source : str
    """
    x, axis_title = _AXIS[law]
    means = points.groupby(["dataset", "signal", "representation", setting, x], as_index=False).agg(
        bits=("mi_bits", "mean"), between=("mi_bits", "std"), seeds=("seed", "nunique")
    )
    half = 1.96 * means["between"].fillna(0) / np.sqrt(means["seeds"])
    means = means.assign(low=means["bits"] - half, high=means["bits"] + half).drop(columns="between")
    means["data"] = means["dataset"] + " " + means["signal"]
    ranks = means.groupby("data")[setting].rank(method="dense").astype(int)
    means["rank"] = ranks
    rank_of = {(r["data"], r[setting]): r["rank"] for _, r in means.iterrows()}
    rows = []
    for (dataset, signal, model, value), fit in fits.items():
        quantile, matrix = fit.t_quantile(0.95), fit.search_covariance
        known = np.isfinite(matrix).all() and np.isfinite(quantile)
        entries = {f"c{i}{j}": float(v) if known else None for (i, j), v in np.ndenumerate(matrix)}
        data = f"{dataset} {signal}"
        rows.append({
            "data": data, "representation": model, "rank": rank_of[data, value], setting: value, **fit.params,
            **entries, "t": quantile if known else None, "status": fit.status, "r_squared": fit.r_squared,
        })  # fmt: skip
    fitted = pd.DataFrame(rows)
    choices, models = sorted(set(means["data"])), sorted(set(means["representation"]))
    most = int(means["rank"].max())
    what = {"n_train": "number of training cells", "noise_level": "depth of training and probe cells"}[setting]
    which = alt.param("shown_data", value=choices[-1], bind=alt.binding_select(options=choices, name="data "))
    step = alt.param(
        "shown_rank", value=most, bind=alt.binding_range(min=1, max=most, step=1, name=f"{what}, 1 to {most} ")
    )
    pick = alt.selection_point(name="models", fields=["representation"], bind="legend")
    shown = "datum.data === shown_data && datum.rank === shown_rank"
    faded = alt.condition(pick, alt.value(1), alt.value(0.08))
    low, high = float(np.log10(means[x].min())) - 0.1, float(np.log10(means[x].max())) + 0.1
    formula, *slopes = law.expressions(x="datum.x")
    variance = " + ".join(
        f"datum.c{i}{j} * datum.d{i} * datum.d{j}" for i in range(len(slopes)) for j in range(len(slopes))
    )
    line = alt.Chart(fitted).transform_filter(shown).transform_calculate(
        log_x=f"sequence({low}, {high}, {(high - low) / 120})"
    ).transform_flatten(["log_x"]).transform_calculate(x="pow(10, datum.log_x)").transform_calculate(
        bits=formula, **{f"d{i}": slope for i, slope in enumerate(slopes)}
    ).transform_calculate(
        half=f"isValid(datum.t) ? datum.t * sqrt(max(0, {variance})) : NaN",
    ).transform_calculate(low="datum.bits - datum.half", high="datum.bits + datum.half")  # fmt: skip
    top = float(means["bits"].max()) * 1.15
    axis = alt.X("x:Q").scale(type="log", domain=[10**low, 10**high], nice=False).title(axis_title)
    of_points = alt.X(f"{x}:Q").scale(type="log").title(axis_title)
    up = alt.Y("bits:Q").scale(domain=[-0.3, top], nice=False).title(BITS)
    hue = alt.Color("representation:N").scale(_scale(models)).legend(orient="top", columns=2, symbolOpacity=1).title(
        None
    )  # fmt: skip
    base = alt.Chart(means).transform_filter(shown)
    told = (
        alt.Chart(fitted).transform_filter(shown)
        .transform_aggregate(value=f"max({setting})", groupby=["data"])
        .transform_calculate(text=f"datum.data + ', {what}: ' + format(datum.value, ',.4~r')")
        .mark_text(align="left", x=6, y=10, color=GREY).encode(text="text:N")
    )  # fmt: skip
    tips = ["representation:N", alt.Tooltip(f"{x}:Q", format=",.4~g"), alt.Tooltip("bits:Q", format=".3f"), "seeds:Q"]
    of_law = ["representation:N", *(alt.Tooltip(f"{p}:Q", format=".4~g") for p in law.allowed),
              alt.Tooltip("r_squared:Q", format=".3f"), "status:N"]  # fmt: skip
    subtitle = f"{len(means)} settings, {len(points)} estimates, {len(fits)} fits; {source}; bars and bands: 95 %"
    return alt.layer(
        line.mark_area(opacity=0.15, clip=True).encode(
            axis, alt.Y("low:Q"), alt.Y2("high:Q"), hue,
            opacity=alt.condition(pick, alt.value(0.15), alt.value(0.01)),
        ).add_params(pick),
        line.mark_line(strokeWidth=2.5, clip=True).encode(axis, up, hue, opacity=faded, tooltip=of_law),
        base.mark_rule(strokeWidth=1.5).encode(of_points, alt.Y("low:Q"), alt.Y2("high:Q"), hue, opacity=faded),
        base.mark_circle(size=60).encode(of_points, up, hue, opacity=faded, tooltip=tips),
        told,
    ).add_params(which, step).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Controls choose the data and the {what}.",
    )  # fmt: skip


def collapse(law: type[Law], points: pd.DataFrame, fits: dict[tuple, Fit], setting: str, exact: bool = True) -> Any:
    """Draw the points of many fitted curves on the one line where they coincide if the law holds.

    Noise law: I_max − I against z (exact) or û = u/ū (asymptotic). Cell-number law: I_inf − I against (N/N0)^s.
    Both legends filter; a box leaves only fits whose parameters the points fix.
    """
    x, _ = _AXIS[law]
    parts = []
    means = points.groupby(["dataset", "signal", "representation", setting, x], as_index=False)["mi_bits"].mean()
    for key, rows in means.groupby(["dataset", "signal", "representation", setting]):
        fit = fits[key]
        at = rows[x].to_numpy(float)
        if law is NoiseLaw:
            across = NoiseLaw.collapse(at, fit) if exact else at / fit.params["u_bar"]
            top = fit.params["i_max"]
        else:
            with np.errstate(over="ignore"):
                across, top = (at / fit.params["n0"]) ** fit.params["s"], fit.params["i_inf"]
        parts.append(pd.DataFrame({
            "data": f"{key[0]} {key[1]}", "representation": key[2], "setting": key[3], "across": across,
            "missing": top - rows["mi_bits"].to_numpy(), "status": fit.status,
        }))  # fmt: skip
    shown = pd.concat(parts)
    shown = shown[np.isfinite(shown["across"])]
    good = shown[shown["status"] == "ok"]
    grid = np.geomspace(good["across"].min() / 2, good["across"].max() * 2, 120)
    if law is NoiseLaw:
        one = pd.DataFrame({"across": grid, "missing": np.log2(1 + 1 / grid) / 2})
        name = "rescaled depth z (no unit)" if exact else "û = u/ū (no unit)"
        title = "Noise curves, exact rescaling" if exact else "Noise curves, asymptotic rescaling"
        label = "information missing, I_max − I (bits)"
    else:
        one = pd.DataFrame({"across": grid, "missing": 1 / grid})
        name, title, label = (
            "(N/N0)^s (no unit)",
            "Cell-number curves, rescaled",
            "information missing, I_inf − I (bits)",
        )
    spread = float(good["missing"].max())
    axis = alt.X("across:Q").scale(type="log", domain=[float(grid[0]), float(grid[-1])], nice=False).title(name)
    up = alt.Y("missing:Q").scale(domain=[-0.3, spread * 1.05], nice=False).title(label)
    models, data = sorted(set(shown["representation"])), sorted(set(shown["data"]))
    hue = alt.Color("representation:N").scale(_scale(models)).legend(orient="top", columns=2, symbolOpacity=1)
    grey = alt.Legend(orient="top", columns=2, symbolOpacity=1, symbolFillColor=GREY, symbolStrokeColor=GREY)
    form = alt.Shape("data:N").scale(domain=data).legend(grey).title(None)
    pick = alt.selection_point(fields=["representation"], bind="legend")
    of_data = alt.selection_point(fields=["data"], bind="legend")
    fixed = alt.param("only_ok", value=True, bind=alt.binding_checkbox(name="only fits whose parameters are fixed "))
    many = shown.groupby(["data", "representation", "setting"]).ngroups
    fine = good.groupby(["data", "representation", "setting"]).ngroups
    subtitle = (
        f"{fine} of {many} curves have fixed parameters, {len(good)} of {len(shown)} means over seeds; grey: the law"
    )
    return alt.layer(
        alt.Chart(one).mark_line(strokeWidth=2, color=GREY, clip=True).encode(axis, up),
        alt.Chart(shown).transform_filter("!only_ok || datum.status === 'ok'").mark_point(
            size=28, filled=True, clip=True
        ).encode(
            axis, up, hue.title(None), form, opacity=alt.condition(pick & of_data, alt.value(0.6), alt.value(0.02)),
            tooltip=["data:N", "representation:N", alt.Tooltip("setting:Q", format=",.4~g"),
                     alt.Tooltip("missing:Q", format=".3f"), "status:N"],
        ).add_params(pick, of_data),
    ).add_params(fixed).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Points near the grey line follow the law.",
    )  # fmt: skip


def losses(runs: pd.DataFrame, laws: dict[str, ModelSizeLaw], title: str, unit: str) -> alt.LayerChart:
    """Draw losses of training runs against parameters, and several fitted model-size laws.

    Parameters
    ----------
    runs : DataFrame with ``size``, ``params``, ``loss`` and ``seed``
    laws : dict of name → law
    unit : what the loss is measured in
    """
    p = np.geomspace(runs["params"].min(), runs["params"].max() * 30, 200)
    drawn = pd.concat([pd.DataFrame({"law": name, "params": p, "loss": law(p)}) for name, law in laws.items()])
    # A law fitted without the small sizes leaves the figure there.
    drawn = drawn[drawn["loss"] < runs["loss"].max() + 0.1 * np.ptp(runs["loss"])]
    axis = alt.X("params:Q").scale(type="log").title("parameters P")
    up = alt.Y("loss:Q").scale(zero=False).title(f"validation loss ({unit})")
    hue = alt.Color("law:N").scale(_scale(list(laws))).legend(orient="top", columns=1, labelLimit=420).title(None)
    pick = alt.selection_point(fields=["law"], bind="legend")
    subtitle = f"{len(runs)} released runs, {runs['seed'].nunique()} seeds a size, every run drawn; lines: fits"
    return alt.layer(
        alt.Chart(drawn).mark_line(strokeWidth=2.5).encode(
            axis, up, hue, opacity=alt.condition(pick, alt.value(1), alt.value(0.1))
        ).add_params(pick),
        alt.Chart(runs).mark_circle(size=45, color=GREY, opacity=0.9).encode(
            axis, up, tooltip=["size:N", "seed:N", "params:Q", alt.Tooltip("loss:Q", format=".4f")]
        ),
    ).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title}. {subtitle}."
    )  # fmt: skip


def held_out(compared: pd.DataFrame, kind: str, title: str, source: str) -> alt.LayerChart:
    """Draw the error of each joint law on what it was not shown: a dot a grid, a tick for the median.

    Parameters
    ----------
    compared : DataFrame from ``helpers.laws.compare.compare``
    kind : one of its kinds of held-out parts
    title, source : str
    """
    shown = compared[compared["kind"] == kind].assign(percent=lambda t: 100 * t["share"])
    middle = shown.groupby("law", as_index=False, sort=False)["percent"].median()
    order = list(dict.fromkeys(shown["law"]))
    across = alt.X("percent:Q").scale(type="log").title("error on what was held out (% of the grid's range)")
    up = alt.Y("law:N", sort=order).title(None).axis(labelLimit=200)
    subtitle = f"{shown['grid'].nunique()} grids, each a dot; tick: median; {source}"
    return alt.layer(
        alt.Chart(shown).mark_circle(size=55, opacity=0.45, color=COLOURS[0]).encode(
            across, up, tooltip=["grid:N", "law:N", alt.Tooltip("percent:Q", format=".2f")]
        ),
        alt.Chart(middle).mark_tick(thickness=4, size=22, color=COLOURS[1]).encode(
            across, up, tooltip=["law:N", alt.Tooltip("percent:Q", format=".2f", title="median, %")]
        ),
    ).properties(
        width=WIDTH - 130, height=28 * len(order), title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. " + ", ".join(f"{r.law}: {r.percent:.1f} %" for r in middle.itertuples()),
    )  # fmt: skip


def grid_explorer(grids: dict[tuple, pd.DataFrame], fits: dict[tuple, Fit], title: str, source: str) -> alt.LayerChart:
    """Draw any grid of cells and depths with its joint law: a curve a number of cells, choose the grid.

    Parameters
    ----------
    grids : dict of key → DataFrame with ``n``, ``u``, ``bits`` and ``error``
    fits : dict of the same keys → Fit of a joint law
    title, source : str
    """
    points, lines = [], []
    for key, grid in grids.items():
        fit, name = fits[key], " ".join(map(str, key))
        half = 1.96 * grid["error"].fillna(0)
        points.append(grid[["n", "u", "bits"]].assign(low=grid["bits"] - half, high=grid["bits"] + half, grid=name))
        u = np.geomspace(grid["u"].min() / 1.2, grid["u"].max() * 3, 28)
        for n in np.unique(grid["n"]):
            pairs = np.column_stack([np.full(len(u), n), u])
            low, high = fit.band(pairs)
            lines.append(
                pd.DataFrame({"n": n, "u": u, "bits": fit.predict(pairs), "low": low, "high": high, "grid": name})
            )
    shown, drawn = pd.concat(points), pd.concat(lines).round(4)
    top = float(shown["bits"].max()) + 1
    drawn[["low", "high"]] = drawn[["low", "high"]].replace([np.inf, -np.inf], np.nan).clip(-1, top)
    names = list(dict.fromkeys(shown["grid"]))
    which = alt.param("shown_grid", value=names[-1], bind=alt.binding_select(options=names, name="grid "))
    chosen = "datum.grid === shown_grid"
    axis = alt.X("u:Q").scale(type="log", nice=False, zero=False).title(DEPTH)
    up = alt.Y("bits:Q").title(BITS)
    # Decades alone: a logarithmic legend names every step.
    few, many = np.log10(shown["n"].min()), np.log10(shown["n"].max())
    decades = [float(10**k) for k in range(int(np.ceil(few)), int(many) + 1)]
    bar = alt.Legend(orient="top", values=decades, title=CELLS)
    hue = alt.Color("n:Q").scale(type="log", scheme="viridis").legend(bar)
    tips = [alt.Tooltip(f"{c}:Q", format=",.4~g") for c in ("n", "u", "bits")]
    subtitle = f"{len(names)} grids, {len(shown)} settings; {source}; bars (seeds) and bands (law): 95 %"
    law = alt.Chart(drawn).transform_filter(chosen)
    base = alt.Chart(shown).transform_filter(chosen)
    return alt.layer(
        law.mark_area(opacity=0.12).encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), hue, detail="n:N"),
        law.mark_line(strokeWidth=2).encode(axis, up, hue, detail="n:N"),
        base.mark_rule().encode(axis, alt.Y("low:Q"), alt.Y2("high:Q"), hue),
        base.mark_circle(size=50, opacity=1).encode(axis, up, hue, tooltip=tips),
    ).add_params(which).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. A menu chooses the grid.",
    )  # fmt: skip
