"""What a budget buys: a calculator that the page itself computes, and plans that Python draws."""

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers import design
from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, INTERVAL
from helpers.laws import Fit, JointLaw, TwoVariableLaw

_READS = "-log(1 - datum.u / complexity) * complexity / (usable * mapping)"
# What is left for cells once samples are paid, and what a cell costs, are those of ``Prices.cells_for``.
_MONEY = "(pow(10, log_budget) - price_of_samples)"
# Depths along the budget for drawn laws, whose spread needs no fine grid.
_COARSE = 240
_DEPTHS = parts.log_axis("u", DEPTH, nice=False, zero=False)
_NOTHING = "'This budget buys no experiment in the range of the curve.'"
_BEST = (
    "['Best: ' + format(datum.n, ',.0f') + ' cells of ' + format(datum.u, ',.0f') + ' UMIs (' + "
    "format(datum.reads, ',.0f') + ' reads) each', 'give ' + format(datum.bits, '.3f') + ' bits for ' + "
    "format(pow(10, log_budget), ',.0f') + ' where lanes are shared', 'In whole lanes: ' + "
    "format(datum.lanes, ',.0f') + ' of capture, ' + format(datum.flow, ',.0f') + ' of sequencing, ' + "
    "format(datum.whole_price, ',.0f')]"
)


def _laws(fits: dict[str, Fit], drawn: int, seed: int) -> pd.DataFrame:
    rows = []
    for name, fit in fits.items():
        if not isinstance(fit.law, JointLaw):
            raise TypeError(f"{name} is a {type(fit.law).__name__}: the calculator takes fits of JointLaw.")
        (least_u, most_u), (least_n, most_n) = design.depth_range(fit), design.cell_range(fit)
        edges = {"log_least": np.log(least_u), "log_most": np.log(most_u), "least_n": least_n, "most_n": most_n}
        known = drawn > 0 and np.isfinite(fit.covariance).all()
        laws = [fit.law, *(design.draws(fit, drawn, seed) if known else [])]
        rows += [{"curve": name, "draw": i, **edges, **vars(law)} for i, law in enumerate(laws)]
    return pd.DataFrame(rows)


def bought(chart: alt.Chart) -> alt.Chart:
    """Add ``reads``, ``n`` cells and ``bits`` that the budget buys at depth ``u`` to rows of a ``JointLaw``.

    Rows hold the parameters of the law and ``most_n``, the most cells; the chart has the signals ``log_budget``,
    ``per_cell``, ``per_million_reads``, ``usable`` and ``complexity``, and the ``constants`` of the prices.
    """
    spent_on_cell = "(per_cell + datum.reads * per_million_reads / 1e6)"
    with_cells = chart.transform_calculate(reads=_READS).transform_calculate(
        n=f"min(datum.most_n, max(0, {_MONEY} * singlets / {spent_on_cell} - probe_cells))"
    )
    return with_cells.transform_calculate(bits=JointLaw.expressions()[0])


def constants(prices: design.Prices) -> list[alt.Parameter]:
    """Return what the expressions of ``bought``, ``along`` and ``in_lanes`` use of prices and has no control."""
    names = ("mapping", "singlets", "probe_cells", "price_of_samples", "lane_cells", "lane_reads")
    values = {name: float(getattr(prices, name)) for name in names}
    values |= {"doublet_slope": prices.doublets / 1e5, "lane_sets": float(design.lane_sets(prices))}
    return [alt.param(name, value=value) for name, value in values.items()]


def in_lanes(chart: alt.Chart) -> alt.Chart:
    """Add the whole lanes that experiments take, and their price, as ``design.order_for`` has them."""
    steps = {
        "wanted": "datum.n + probe_cells",
        "lanes": "max(1, ceil(datum.wanted / (lane_sets * lane_cells * singlets) * (1 - 1e-9))) * lane_sets",
        "in_lane": "datum.wanted / datum.lanes",
        "taken": "datum.lanes * 2 * datum.in_lane / (1 + sqrt(max(0, 1 - 4 * doublet_slope * datum.in_lane)))",
        "flow": "max(1, ceil(datum.taken * datum.reads / lane_reads * (1 - 1e-9)))",
        "whole_price": "datum.lanes * lane_cells * per_cell + datum.flow * lane_reads * per_million_reads / 1e6 "
        "+ price_of_samples",
    }
    for name, expression in steps.items():
        chart = chart.transform_calculate(**{name: expression})
    return chart


def along(chart: alt.Chart, chosen: str, steps: int) -> alt.Chart:
    """Follow the budget as ``design.optimum`` does: at each depth what is ``bought``, and the ``best`` bits of a draw.

    Lanes are shared. Beside what ``bought`` needs, rows hold ``draw``, ``least_n`` and the logarithms ``log_least``
    and ``log_most`` of the range of depths.
    """
    of_library = f"log({design.LIBRARY} * complexity)"
    of_reads = "log(complexity * (1 - exp(-max(0, datum.reads_left) * usable * mapping / complexity)))"
    left = f"({_MONEY} * singlets / (datum.least_n + probe_cells) - per_cell) / per_million_reads * 1e6"
    depths = (
        chart.transform_filter(chosen)
        .transform_calculate(reads_left=left)
        .transform_calculate(log_top=f"min(datum.log_most, {of_library}, {of_reads})")
        .transform_calculate(enough="datum.log_top >= datum.log_least", i=f"sequence(0, {steps})")
        .transform_flatten(["i"])
        .transform_calculate(u=f"exp(datum.log_least + (datum.log_top - datum.log_least) * datum.i / {steps - 1})")
    )
    return bought(depths).transform_joinaggregate(best="max(bits)", groupby=["draw"])


def calculator(fits: dict[str, Fit], prices: design.Prices, budget: float, drawn: int = 30, seed: int = 0) -> Any:
    """Draw the information along a budget with its optimum; controls for the curve, the budget and the prices.

    The page computes everything from the parameters of the laws: no kernel is needed. The optimum is the best of
    ``design.GRID`` depths where lanes are shared; what its whole lanes cost is written below it. Pale points are the
    optima of laws drawn from the likelihood of the fit.

    Parameters
    ----------
    fits : dict of name → Fit of a ``JointLaw``; the names are the choices
    prices, budget : where the controls start
    drawn, seed : laws drawn for the uncertainty
    """
    laws = alt.Chart(_laws(fits, drawn, seed))
    depths = along(laws, "datum.curve === curve && datum.draw === 0", design.GRID)
    others = along(laws, "datum.curve === curve && datum.draw > 0", _COARSE)
    line, others = (rows.transform_filter("datum.enough") for rows in (depths, others))
    best = in_lanes(depths.transform_filter("datum.bits === datum.best"))
    nothing = depths.transform_filter("!datum.enough && datum.i === 0")
    across, up = _DEPTHS, alt.Y("bits:Q").scale(zero=False).title(BITS)
    titles = {"u": "UMIs per cell", "n": "cells", "reads": "reads per cell", "bits": "bits"}
    numbers = [alt.Tooltip(f"{column}:Q", format=",.4~g", title=title) for column, title in titles.items()]
    optima = others.transform_filter("datum.bits === datum.best").mark_circle(size=45, color=COLOURS[4], opacity=0.35)
    curve = line.transform_filter("datum.i % 12 === 0").mark_line(strokeWidth=2.5, color=COLOURS[0])
    optimum = best.transform_filter("datum.enough").mark_point(size=130, filled=True, color=COLOURS[1])
    layers = [
        *(marks.encode(across, up, tooltip=numbers) for marks in (optima, curve, optimum)),
        parts.text_at(best, _BEST, x=10, y=14, color=GREY, fontSize=13).transform_filter("datum.enough"),
        parts.text_at(nothing, _NOTHING, x=10, y=20, color=COLOURS[1], fontSize=13),
    ]
    title = "What should the budget buy?"
    subtitle = (
        f"{len(fits)} joint laws; line: experiments that use the whole budget; pale: optima of {drawn} laws drawn from "
        "each fit's likelihood"
    )
    words = f"{title} {subtitle}. Controls: signal and model, budget, prices, usable reads, library."
    return parts.layered(layers, title, subtitle, description=words).add_params(*_controls(fits, prices, budget))


def _controls(fits: dict[str, Fit], prices: design.Prices, budget: float) -> list[alt.Parameter]:
    return [
        parts.choice("curve", list(fits), "signal and model"),
        parts.slider("log_budget", round(float(np.log10(budget)), 2), 2, 7, 0.05, "log10 budget"),
        parts.slider("per_cell", prices.per_cell, 0.01, 2, 0.01, "price of a cell"),
        parts.slider("per_million_reads", prices.per_million_reads, 0.2, 20, 0.1, "price of a million reads"),
        parts.slider("usable", prices.usable, 0.05, 1, 0.05, "usable share of reads"),
        parts.slider("complexity", min(prices.complexity, 1e9), 1000, 200_000, 1000, "molecules a cell in the library"),
        *constants(prices),
    ]


def budget_plane(fit: Fit, budget: float, prices: design.Prices, title: str, count: int = 300, seed: int = 0) -> Any:
    """Draw cells against depth: what the budget buys, the optimum, equal information, and where the best may be.

    ``count`` laws are drawn from the likelihood of the fit of a joint law (``design.region``).
    """
    law = fit.law
    if not isinstance(law, TwoVariableLaw):
        raise TypeError(f"the fit is of a {type(law).__name__}: the plane needs a joint law.")
    best = design.plan(fit, budget, prices)
    spread = design.region(fit, budget, prices, count, seed)
    (least, most), sizes = design.depth_range(fit), design.cell_range(fit)
    depths = np.geomspace(least, min(most, design.LIBRARY * prices.complexity), 160)
    wide = (sizes[0] / 10, sizes[1] * 10)
    cells_of = {}
    for share in (0.9, 1.0, 1.1):
        label = f"{share * best.bits:.2f} bits" + (", the optimum's" if share == 1 else "")
        cells_of[label] = design.iso_information(law, share * best.bits, depths, wide)
    cells_of[f"budget {budget:,.0f}"], _ = design.along_budget(law, budget, prices, depths)
    lines = pd.concat([pd.DataFrame({"u": depths, "n": cells, "what": label}) for label, cells in cells_of.items()])
    lines = lines[lines["n"].between(*wide)]
    names = list(dict.fromkeys(lines["what"]))
    hues = [COLOURS[5], COLOURS[0], COLOURS[2], COLOURS[1]][-len(names) :]
    hue = alt.Color("what:N").scale(domain=names, range=hues).legend(orient="top", columns=2).title(None)
    across, up = _DEPTHS, alt.Y("n:Q").scale(type="log", nice=False, zero=False).title("cells")
    cloud = alt.Chart(spread.rename(columns={"umis": "u", "cells": "n"}))
    layers = [
        cloud.mark_circle(size=30, color=COLOURS[4], opacity=0.35, clip=True).encode(across, up),
        alt.Chart(lines).mark_line(strokeWidth=2.5, clip=True).encode(across, up, hue, order="u:Q"),
        _dot({"u": best.umis, "n": best.cells}).encode(across, up),
    ]
    low, high = (spread[["cells", "umis"]].quantile(q) for q in (0.025, 0.975))
    subtitle = (
        f"{fit.n_points} points; optimum {best.cells:,.0f} cells of {best.umis:,.0f} UMIs, 95 % of {count} drawn laws: "
        f"{low['cells']:,.0f} to {high['cells']:,.0f} cells of {low['umis']:,.0f} to {high['umis']:,.0f} UMIs"
    )
    return parts.layered(layers, title, subtitle)


def _dot(place: dict[str, float]) -> alt.Chart:
    """Return the mark of a plan."""
    return alt.Chart(pd.DataFrame([place])).mark_point(size=130, filled=True, color=COLOURS[1])


def along_depth(fit: Fit, best: design.Plan, budget: float, prices: design.Prices, title: str) -> Any:
    """Draw the information of what a budget buys at each depth, with its 95 % band and the plan.

    For a noise law, which knows no cells, the curve is that of depth alone. Along the curve lanes are shared.
    """
    low_u, high_u = design.depth_range(fit)
    depths = np.geomspace(low_u, min(high_u, design.LIBRARY * prices.complexity), 160)
    if isinstance(fit.law, TwoVariableLaw):
        cells, bits = design.along_budget(fit.law, budget, prices, depths)
        low, high = fit.band(np.column_stack([cells, depths]))
    else:
        cells, bits = np.full(len(depths), best.cells), fit.predict(depths)
        low, high = fit.band(depths)
    top = float(fit.y.max()) * 1.5 + 0.5
    low, high = (np.clip(edge, -0.5, top) for edge in (low, high))
    curve = alt.Chart(pd.DataFrame({"u": depths, "n": cells, "bits": bits, "low": low, "high": high}))
    across, up = _DEPTHS, alt.Y("bits:Q")
    numbers = parts.tips(",.4~g", "u", "n", "bits")
    band = curve.mark_area(opacity=0.15, color=COLOURS[0])
    layers = [
        band.encode(across, alt.Y("low:Q").title(BITS), INTERVAL[1]),
        curve.mark_line(strokeWidth=2.5, color=COLOURS[0]).encode(across, up, tooltip=numbers),
        _dot({"u": best.umis, "bits": best.bits}).encode(across, up),
    ]
    subtitle = f"{fit.n_points} points, fit {fit.status}; band: 95 % of the law; dot: the plan"
    return parts.layered(layers, title, subtitle)


def live(fit: Fit, prices: design.Prices, cells: float | None = None) -> Callable[..., Any]:
    """Return a function of ``budget``, ``per_cell`` and ``per_million_reads`` that draws the plan, for ``explore``."""

    def draw(budget: float, per_cell: float, per_million_reads: float) -> Any:
        now = design.with_prices(prices, per_cell=per_cell, per_million_reads=per_million_reads)
        best = design.plan(fit, budget, now, cells)
        return along_depth(fit, best, budget, now, design.in_words(best, budget))

    return draw
