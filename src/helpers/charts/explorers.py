"""Charts of many curves at once: an explorer with controls that the page itself computes, collapses, losses."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import parts
from helpers.charts.style import BITS, CELLS, COLOURS, DEPTH, GREY, INTERVAL, WIDTH
from helpers.laws import CellNumberLaw, Fit, Law, ModelSizeLaw, NoiseLaw

# Column of the points and title of a law's variable.
_AXIS = {NoiseLaw: ("umis_per_cell", DEPTH), CellNumberLaw: ("n_train", CELLS)}
_KEYS = ["dataset", "signal", "representation"]


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
    """
    x, axis_title = _AXIS[law]
    means = _means_by_rank(points, setting, x)
    laws = alt.Chart(_fitted_laws(means, fits, setting))
    choices, models = sorted(set(means["data"])), sorted(set(means["representation"]))
    moved = {"n_train": "number of training cells", "noise_level": "depth of training and probe cells"}[setting]
    most = int(means["rank"].max())
    controls = [
        parts.choice("shown_data", choices, "data", choices[-1]),
        parts.slider("shown_rank", most, 1, most, 1, f"{moved}, 1 to {most}"),
    ]
    chosen = "datum.data === shown_data && datum.rank === shown_rank"
    low, high = float(np.log10(means[x].min())) - 0.1, float(np.log10(means[x].max())) + 0.1
    line = _computed(laws.transform_filter(chosen), law, low, high)
    dots = alt.Chart(means).transform_filter(chosen)
    across = parts.log_axis("x", axis_title, domain=[10**low, 10**high], nice=False)
    up = alt.Y("bits:Q").scale(domain=[-0.3, float(means["bits"].max()) * 1.15], nice=False).title(BITS)
    legend = alt.Legend(orient="top", columns=2, symbolOpacity=1)
    hue = alt.Color("representation:N").scale(parts.colours(models)).legend(legend).title(None)
    pick = parts.legend_pick("representation", "models")
    look = {"opacity": parts.faded(pick, hidden=0.08)}
    of_points = ["representation:N", *parts.tips(",.4~g", x), *parts.tips(".3f", "bits"), "seeds:Q"]
    of_law = ["representation:N", *parts.tips(".4~g", *law.allowed), *parts.tips(".3f", "r_squared"), "status:N"]
    band = line.mark_area(opacity=0.15, clip=True).encode(across, *INTERVAL, hue, opacity=parts.faded(pick, 0.15, 0.01))
    setting_shown = laws.transform_filter(chosen).transform_aggregate(value=f"max({setting})", groupby=["data"])
    layers = [
        band.add_params(pick),
        line.mark_line(strokeWidth=2.5, clip=True).encode(across, up, hue, tooltip=of_law, **look),
        *parts.with_interval(dots, parts.log_axis(x, axis_title), up, hue, bar=1.5, size=60, tooltip=of_points, **look),
        parts.text_at(
            setting_shown, f"datum.data + ', {moved}: ' + format(datum.value, ',.4~r')", x=6, y=10, color=GREY
        ),
    ]
    subtitle = f"{len(means)} settings, {len(points)} estimates, {len(fits)} fits; {source}; bars and bands: 95 %"
    words = f"Controls choose the data and the {moved}."
    return parts.layered(layers, title, subtitle, words).add_params(*controls)


def _means_by_rank(points: pd.DataFrame, setting: str, x: str) -> pd.DataFrame:
    """Return means over seeds with their intervals, and the rank of each setting within its data."""
    means = points.groupby([*_KEYS, setting, x], as_index=False).agg(
        bits=("mi_bits", "mean"), between=("mi_bits", "std"), seeds=("seed", "nunique")
    )
    half = 1.96 * means["between"].fillna(0) / np.sqrt(means["seeds"])
    means = means.assign(low=means["bits"] - half, high=means["bits"] + half).drop(columns="between")
    means["data"] = means["dataset"] + " " + means["signal"]
    means["rank"] = means.groupby("data")[setting].rank(method="dense").astype(int)
    return means


def _fitted_laws(means: pd.DataFrame, fits: dict[tuple, Fit], setting: str) -> pd.DataFrame:
    """Return what the page needs to compute each law and its band: parameters, covariance, quantile of t."""
    rank_of = means.set_index(["data", setting])["rank"].to_dict()
    rows = []
    for (dataset, signal, model, value), fit in fits.items():
        data, quantile, covariance = f"{dataset} {signal}", fit.t_quantile(0.95), fit.search_covariance
        band: dict[str, Any] = {f"c{i}{j}": float(v) for (i, j), v in np.ndenumerate(covariance)} | {"t": quantile}
        if not np.isfinite(list(band.values())).all():
            band = dict.fromkeys(band)
        names = {"data": data, "representation": model, "rank": rank_of[data, value], setting: value}
        rows.append({**names, **fit.params, **band, "status": fit.status, "r_squared": fit.r_squared})
    return pd.DataFrame(rows)


def _computed(laws: alt.Chart, law: type[Law], low: float, high: float) -> alt.Chart:
    """Add the curve of each law and its 95 % band from 10^``low`` to 10^``high``, which the page computes."""
    formula, *slopes = law.expressions(x="datum.x")
    terms = range(len(slopes))
    variance = " + ".join(f"datum.c{i}{j} * datum.d{i} * datum.d{j}" for i in terms for j in terms)
    return (
        laws.transform_calculate(log_x=f"sequence({low}, {high}, {(high - low) / 120})")
        .transform_flatten(["log_x"])
        .transform_calculate(x="pow(10, datum.log_x)")
        .transform_calculate(bits=formula, **{f"d{i}": slope for i, slope in enumerate(slopes)})
        .transform_calculate(half=f"isValid(datum.t) ? datum.t * sqrt(max(0, {variance})) : NaN")
        .transform_calculate(low="datum.bits - datum.half", high="datum.bits + datum.half")
    )


def collapse(law: type[Law], points: pd.DataFrame, fits: dict[tuple, Fit], setting: str, exact: bool = True) -> Any:
    """Draw the points of many fitted curves on the one line where they coincide if the law holds.

    Noise law: I_max − I against z (exact) or û = u/ū (asymptotic). Cell-number law: I_inf − I against (N/N0)^s.
    Both legends filter; a box leaves only fits whose parameters the points fix.
    """
    shown = _rescaled(law, points, fits, setting, exact)
    good = shown[shown["status"] == "ok"]
    grid = np.geomspace(good["across"].min() / 2, good["across"].max() * 2, 120)
    of_noise = law is NoiseLaw
    law_line = np.log2(1 + 1 / grid) / 2 if of_noise else 1 / grid
    title, x_title = {
        (True, True): ("Noise curves, exact rescaling", "rescaled depth z (no unit)"),
        (True, False): ("Noise curves, asymptotic rescaling", "û = u/ū (no unit)"),
    }.get((of_noise, exact), ("Cell-number curves, rescaled", "(N/N0)^s (no unit)"))
    across = parts.log_axis("across", x_title, domain=[float(grid[0]), float(grid[-1])], nice=False)
    heights = alt.Scale(domain=[-0.3, float(good["missing"].max()) * 1.05], nice=False)
    up = alt.Y("missing:Q").scale(heights).title(f"information missing, {'I_max' if of_noise else 'I_inf'} − I (bits)")
    legend = {"orient": "top", "columns": 2, "symbolOpacity": 1}
    models, data = sorted(set(shown["representation"])), sorted(set(shown["data"]))
    hue = alt.Color("representation:N").scale(parts.colours(models)).legend(**legend).title(None)
    shape = alt.Shape("data:N").scale(domain=data).title(None)
    shape = shape.legend(**legend, symbolFillColor=GREY, symbolStrokeColor=GREY)
    picks = [parts.legend_pick("representation"), parts.legend_pick("data")]
    opacity = parts.faded(picks[0] & picks[1], 0.6, 0.02)
    tooltip = ["data:N", "representation:N", *parts.tips(",.4~g", "setting"), *parts.tips(".3f", "missing"), "status:N"]
    marks = alt.Chart(shown).transform_filter("!only_ok || datum.status === 'ok'")
    marks = marks.mark_point(size=28, filled=True, clip=True)
    marks = marks.encode(across, up, hue, shape, opacity=opacity, tooltip=tooltip)
    line = alt.Chart(pd.DataFrame({"across": grid, "missing": law_line}))
    layers = [line.mark_line(strokeWidth=2, color=GREY, clip=True).encode(across, up), marks.add_params(*picks)]
    box = alt.binding_checkbox(name="only fits whose parameters are fixed ")
    many, fixed = (rows.groupby(["data", "representation", "setting"]).ngroups for rows in (shown, good))
    means = f"{len(good)} of {len(shown)} means over seeds"
    subtitle = f"{fixed} of {many} curves have fixed parameters, {means}; grey: the law"
    words = "Points near the grey line follow the law."
    return parts.layered(layers, title, subtitle, words).add_params(alt.param("only_ok", value=True, bind=box))


def _rescaled(law: type[Law], points: pd.DataFrame, fits: dict[tuple, Fit], setting: str, exact: bool) -> pd.DataFrame:
    """Return means over seeds as what is missing from the ceiling, along the law's rescaled variable."""
    x, _ = _AXIS[law]
    means = points.groupby([*_KEYS, setting, x], as_index=False)["mi_bits"].mean()
    frames = []
    for key, rows in means.groupby([*_KEYS, setting]):
        fit, at = fits[key], rows[x].to_numpy(float)
        if law is NoiseLaw:
            across = NoiseLaw.collapse(at, fit) if exact else at / fit.params["u_bar"]
            ceiling = fit.params["i_max"]
        else:
            with np.errstate(over="ignore"):
                across = (at / fit.params["n0"]) ** fit.params["s"]
            ceiling = fit.params["i_inf"]
        dataset, signal, model, value = key
        names = {"data": f"{dataset} {signal}", "representation": model, "setting": value, "status": fit.status}
        frames.append(pd.DataFrame({**names, "across": across, "missing": ceiling - rows["mi_bits"].to_numpy()}))
    rescaled = pd.concat(frames)
    return rescaled[np.isfinite(rescaled["across"])]


def losses(runs: pd.DataFrame, laws: dict[str, ModelSizeLaw], title: str, unit: str) -> alt.LayerChart:
    """Draw losses (in a ``unit``) of training runs against parameters, and several fitted model-size laws by name."""
    p = np.geomspace(runs["params"].min(), runs["params"].max() * 30, 200)
    drawn = pd.concat([pd.DataFrame({"law": name, "params": p, "loss": law(p)}) for name, law in laws.items()])
    # A law fitted without the small sizes leaves the figure there.
    drawn = drawn[drawn["loss"] < runs["loss"].max() + 0.1 * np.ptp(runs["loss"])]
    across, up = parts.log_axis("params", "parameters P"), alt.Y("loss:Q").scale(zero=False)
    up = up.title(f"validation loss ({unit})")
    legend = alt.Legend(orient="top", columns=1, labelLimit=420)
    hue = alt.Color("law:N").scale(parts.colours(list(laws))).legend(legend).title(None)
    pick = parts.legend_pick("law")
    lines = alt.Chart(drawn).mark_line(strokeWidth=2.5).encode(across, up, hue, opacity=parts.faded(pick, hidden=0.1))
    dots = alt.Chart(runs).mark_circle(size=45, color=GREY, opacity=0.9)
    tooltip = ["size:N", "seed:N", "params:Q", *parts.tips(".4f", "loss")]
    subtitle = f"{len(runs)} released runs, {runs['seed'].nunique()} seeds a size, every run drawn; lines: fits"
    return parts.layered([lines.add_params(pick), dots.encode(across, up, tooltip=tooltip)], title, subtitle)


def held_out(compared: pd.DataFrame, kind: str, title: str, source: str) -> alt.LayerChart:
    """Draw the error of each joint law on what it was not shown: a dot a grid, a tick for the median.

    ``compared`` is that of ``helpers.laws.compare.compare``, ``kind`` one of its kinds of held-out parts.
    """
    shown = compared[compared["kind"] == kind].assign(percent=lambda t: 100 * t["share"])
    middle = shown.groupby("law", as_index=False, sort=False)["percent"].median()
    order = list(dict.fromkeys(shown["law"]))
    across = parts.log_axis("percent", "error on what was held out (% of the grid's range)")
    up = alt.Y("law:N", sort=order).title(None).axis(labelLimit=200)
    of_median = alt.Tooltip("percent:Q", format=".2f", title="median, %")
    dots = alt.Chart(shown).mark_circle(size=55, opacity=0.45, color=COLOURS[0])
    ticks = alt.Chart(middle).mark_tick(thickness=4, size=22, color=COLOURS[1])
    layers = [
        dots.encode(across, up, tooltip=["grid:N", "law:N", *parts.tips(".2f", "percent")]),
        ticks.encode(across, up, tooltip=["law:N", of_median]),
    ]
    subtitle = f"{shown['grid'].nunique()} grids, each a dot; tick: median; {source}"
    medians = ", ".join(f"{r.law}: {r.percent:.1f} %" for r in middle.itertuples())
    return parts.layered(layers, title, subtitle, medians, width=WIDTH - 130, height=28 * len(order))


def grid_explorer(grids: dict[tuple, pd.DataFrame], fits: dict[tuple, Fit], title: str, source: str) -> alt.LayerChart:
    """Draw any grid of cells and depths with its joint law: a curve a number of cells, choose the grid.

    ``grids`` have the columns ``n``, ``u``, ``bits`` and ``error``; ``fits`` are of a joint law, by the same keys.
    """
    points, curves = [], []
    for key, grid in grids.items():
        name, half = " ".join(map(str, key)), 1.96 * grid["error"].fillna(0)
        points.append(grid[["n", "u", "bits"]].assign(low=grid["bits"] - half, high=grid["bits"] + half, grid=name))
        curves.append(_curves_of_cells(grid, fits[key]).assign(grid=name))
    shown, drawn = pd.concat(points), pd.concat(curves).round(4)
    top = float(shown["bits"].max()) + 1
    drawn[["low", "high"]] = drawn[["low", "high"]].replace([np.inf, -np.inf], np.nan).clip(-1, top)
    names = list(dict.fromkeys(shown["grid"]))
    across, up = parts.log_axis("u", DEPTH, nice=False, zero=False), alt.Y("bits:Q").title(BITS)
    # Decades alone: a logarithmic legend names every step.
    few, many = np.log10(shown["n"].min()), np.log10(shown["n"].max())
    decades = [float(10**k) for k in range(int(np.ceil(few)), int(many) + 1)]
    legend = alt.Legend(orient="top", values=decades, title=CELLS)
    hue = alt.Color("n:Q").scale(type="log", scheme="viridis").legend(legend)
    law, dots = (alt.Chart(rows).transform_filter("datum.grid === shown_grid") for rows in (drawn, shown))
    layers = [
        law.mark_area(opacity=0.12).encode(across, *INTERVAL, hue, detail="n:N"),
        law.mark_line(strokeWidth=2).encode(across, up, hue, detail="n:N"),
        dots.mark_rule().encode(across, *INTERVAL, hue),
        dots.mark_circle(size=50, opacity=1).encode(across, up, hue, tooltip=parts.tips(",.4~g", "n", "u", "bits")),
    ]
    subtitle = f"{len(names)} grids, {len(shown)} settings; {source}; bars (seeds) and bands (law): 95 %"
    chart = parts.layered(layers, title, subtitle, "A menu chooses the grid.")
    return chart.add_params(parts.choice("shown_grid", names, "grid", names[-1]))


def _curves_of_cells(grid: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    """Return the joint law and its band along depth at each number of cells of a grid."""
    u = np.geomspace(grid["u"].min() / 1.2, grid["u"].max() * 3, 28)
    n = np.repeat(np.unique(grid["n"]), len(u))
    pairs = np.column_stack([n, np.tile(u, len(n) // len(u))])
    low, high = fit.band(pairs)
    return pd.DataFrame({"n": n, "u": pairs[:, 1], "bits": fit.predict(pairs), "low": low, "high": high})
