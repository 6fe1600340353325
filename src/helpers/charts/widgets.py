"""Figures to play with: sliders that the page itself computes, and live controls in a notebook."""

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from helpers._utils.progress import quiet
from helpers._utils.validation import as_seed
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, HEIGHT, WIDTH
from helpers.datasets import Dataset
from helpers.laws import NoiseLaw
from helpers.noise import thin
from helpers.preprocess.genes import log_cp10k, prepare
from helpers.representations import build


def channel_explorer(
    i_max: float = 3.0, u_bar: float = 300.0, log_depths: tuple[float, float] = (0, 5)
) -> alt.LayerChart:
    """Draw the noise law with controls for I_max, ū, a target and a depth; it works in a page without a kernel.

    The depth moves by its slider or by dragging in the chart.
    """
    first, last = log_depths
    steps = 200
    p_max = alt.param("i_max", value=i_max, bind=alt.binding_range(min=0.1, max=6, step=0.1, name="I_max (bits) "))
    p_bar = alt.param(
        "log_u_bar", value=round(float(np.log10(u_bar)), 2),
        bind=alt.binding_range(min=first, max=last, step=0.05, name="log10 ū (UMIs per cell) "),
    )  # fmt: skip
    p_share = alt.param(
        "share", value=0.9, bind=alt.binding_range(min=0.1, max=0.99, step=0.01, name="target / I_max ")
    )
    moved = {"i_max": "i_max", "u_bar": "pow(10, log_u_bar)"}
    law = NoiseLaw.expressions(**moved)[0]
    need = NoiseLaw.vega_depth.format(bits="(share * i_max)", **moved)
    axis = alt.X("u:Q").scale(type="log", domain=[10**first, 10**last]).title(DEPTH)
    up = alt.Y("bits:Q").scale(domain=[0, 6]).title(BITS)
    line = alt.Chart(alt.sequence(first, last, (last - first) / steps, as_="log_u"))
    # A whole number of steps, so that the slider and a dragged point mean the same.
    grips = (
        alt.Chart(alt.sequence(0, steps + 1, 1, as_="step"))
        .transform_calculate(u=f"pow(10, {first} + datum.step * {(last - first) / steps})")
        .transform_calculate(bits=law)
    )
    drag = alt.selection_point(
        name="depth", fields=["step"], value=[{"step": 2 * steps // 5}], nearest=True, clear=False,
        on="[pointerdown, window:pointerup] > pointermove",
        bind={"step": alt.binding_range(min=0, max=steps, step=1, name="depth, step along the axis ")},
    )  # fmt: skip
    here = grips.transform_filter("datum.step === depth_step")
    one = alt.Chart(pd.DataFrame({"one": [1]}))
    return alt.layer(
        line.transform_calculate(u="pow(10, datum.log_u)", bits=law).mark_line(strokeWidth=3, color=COLOURS[0]).encode(
            axis, up, tooltip=[alt.Tooltip("u:Q", format=",.3~g"), alt.Tooltip("bits:Q", format=".3f")]
        ),
        one.transform_calculate(bits="i_max").mark_rule(strokeDash=[5, 4], color=GREY).encode(y="bits:Q"),
        one.transform_calculate(u="pow(10, log_u_bar)", bits=law).mark_point(
            size=110, filled=True, color=COLOURS[1]
        ).encode(axis, up),
        grips.mark_point(opacity=0, size=200).encode(axis, up).add_params(drag),
        here.mark_point(size=160, filled=True, color=COLOURS[3], shape="diamond", cursor="ew-resize").encode(axis, up),
        here.transform_calculate(
            text="format(datum.u, ',.3~g') + ' UMIs: ' + format(datum.bits, '.2f') + ' bits, ' + "
            "format(i_max - datum.bits, '.2f') + ' lost'"
        )
        .mark_text(align="right", x="width", dx=-8, y=HEIGHT - 12, color=COLOURS[3], fontSize=12)
        .encode(text="text:N"),
        one.transform_calculate(u=need).mark_rule(color=COLOURS[2], clip=True).encode(axis),
        one.transform_calculate(
            u=need, text=f"'target needs ' + format({need}, ',.3~g') + ' UMIs per cell'"
        ).mark_text(align="left", x=8, y=12, color=COLOURS[2], fontSize=12).encode(text="text:N"),
    ).add_params(p_max, p_bar, p_share).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title("The noise law", subtitle="Move the sliders, or drag the diamond"),
        description="The noise law with controls for I_max, ū, a target and a depth; dot: u = ū; line: depth needed; "
        "diamond: the chosen depth.",
    )  # fmt: skip


def law_curve(i_max: float, u_bar: float) -> alt.Chart:
    """Draw one noise law from 1 to 10⁵ UMIs per cell."""
    u = np.geomspace(1, 1e5, 200)
    frame = pd.DataFrame({"u": u, "bits": NoiseLaw(i_max, u_bar)(u)})
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=3, color=COLOURS[0])
        .encode(alt.X("u:Q").scale(type="log").title(DEPTH), alt.Y("bits:Q").scale(domain=[0, 6]).title(BITS))
        .properties(
            width=WIDTH,
            height=HEIGHT // 2,
            title=f"I_max = {i_max:.1f} bits, ū = {u_bar:,.0f} UMIs per cell",
            description=f"Noise law with I_max {i_max:.1f} bits and ū {u_bar:,.0f} UMIs per cell",
        )
    )


def explore(draw: Callable[..., Any], **controls: Any) -> None:
    """Draw a figure below ipywidgets controls, and again in its place whenever one of them moves.

    The figure is an output of the cell itself, so that papermill, nbconvert and ``jupyter execute`` store it as it is
    first drawn. Controls of a built page, which has no Python to redraw with, are disabled.

    Parameters
    ----------
    draw : function of the controls' values that returns a figure
    **controls : ipywidgets controls, one for each argument of ``draw``
    """
    import ipywidgets
    from IPython.display import display

    def figure() -> Any:
        return draw(**{name: control.value for name, control in controls.items()})

    shown = list(controls.values())
    if quiet():
        for control in controls.values():
            control.disabled = True
        shown.append(ipywidgets.Label("Drawn at these values; run the notebook to move them."))
    display(ipywidgets.VBox(shown))
    # Not in an ipywidgets.Output: nbclient takes part in what that shows, and now and then waits for it for ever.
    place = display(figure(), display_id=True)
    for control in controls.values():
        control.observe(lambda change: place.update(figure()), names="value")


def noise_viewer(cells: Dataset, fractions: list[float], repeats: int = 12, shown: int = 3, seed: int = 0) -> Any:
    """Draw what thinning does to a cell: its counts, and its place among clean cells in two principal components.

    The clean cells are placed by components learned from them; each choice of cell and depth shows several thinnings of
    the cell, placed by the same components, with the nearest clean cells of each. The page needs no kernel.

    Parameters
    ----------
    cells : Dataset with labels
    fractions : depths, relative to the data's own
    repeats : thinnings of a cell at each depth
    shown : cells to choose from, of the most common labels
    seed : int
    """
    counts, other = cells.counts[cells.train], cells.other_umis[cells.train]
    labels = np.asarray(cells.signal)[cells.train].astype(str)
    names = np.arange(counts.shape[1]) if cells.genes is None else np.asarray(cells.genes)
    common = pd.Series(labels).value_counts().index[:shown]
    rng = np.random.default_rng(as_seed(seed))
    clean = prepare(counts, counts, other, other)
    totals = np.asarray(counts.sum(axis=1)).ravel() + other
    model = build("pca", dim=16, seed=seed).fit(clean.train)
    codes = model.transform(clean.train)
    near = NearestNeighbors(n_neighbors=16).fit(codes)
    clouds, bars = [], []
    for label in common:
        members = np.flatnonzero(labels == label)
        one = int(members[np.argsort(totals[members])[len(members) // 2]])
        own = set(near.kneighbors(codes[[one]])[1][0])
        for fraction in fractions:
            stack = sparse.vstack([thin(counts[[one]], fraction, rng) for _ in range(repeats)], format="csr")
            rest = rng.binomial(other[one], fraction, repeats)
            # The genes of the clean cells, in their order.
            values = log_cp10k(stack[:, clean.genes], np.asarray(stack.sum(axis=1)).ravel() + rest).toarray()
            placed = model.transform(values.astype(np.float32))
            kept = [len(own & set(row)) / len(own) for row in near.kneighbors(placed)[1]]
            name = f"{label}, {totals[one]:,.0f} UMIs"
            clouds.append(pd.DataFrame({
                "cell": name, "fraction": fraction, "x": placed[:, 0], "y": placed[:, 1], "kept": np.mean(kept)
            }))  # fmt: skip
            first = np.asarray(stack[0].todense()).ravel()
            full = np.asarray(counts[[one]].todense()).ravel()
            top = np.argsort(-full, kind="stable")[:12]
            bars.append(pd.DataFrame({
                "cell": name, "fraction": fraction, "gene": [str(g) for g in names[top]],
                "full": full[top], "count": first[top], "order": range(len(top)),
            }))  # fmt: skip
    thinned, genes = pd.concat(clouds), pd.concat(bars)
    background = pd.DataFrame({"x": codes[:, 0], "y": codes[:, 1], "label": labels})
    choices = list(dict.fromkeys(thinned["cell"]))
    which = alt.param("viewed", value=choices[0], bind=alt.binding_select(options=choices, name="cell "))
    levels = sorted(fractions, reverse=True)
    step = alt.param("thinned_step", value=min(2, len(levels) - 1), bind=alt.binding_range(
        min=0, max=len(levels) - 1, step=1, name="thinning, step of " + ", ".join(f"{v:g}" for v in levels) + " "
    ))  # fmt: skip
    for frame in (thinned, genes):
        frame["step"] = frame["fraction"].map({v: i for i, v in enumerate(levels)})
    chosen = "datum.cell === viewed && datum.step === thinned_step"
    across, up = (alt.X("x:Q").title("component 1"), alt.Y("y:Q").title("component 2"))
    told = alt.Chart(thinned).transform_filter(chosen).transform_aggregate(
        kept="mean(kept)", fraction="mean(fraction)"
    ).transform_calculate(
        text="format(datum.fraction, '.0%') + ' of molecules: ' + format(datum.kept, '.0%') + ' of 16 neighbours kept'"
    ).mark_text(align="left", x=6, y=10, color=GREY, fontSize=12).encode(text="text:N")  # fmt: skip
    map_of_cells = alt.layer(
        alt.Chart(background).mark_circle(size=22, opacity=0.3, color=GREY).encode(across, up, tooltip=["label:N"]),
        alt.Chart(thinned)
        .transform_filter(chosen)
        .mark_circle(size=70, opacity=0.8, color=COLOURS[1])
        .encode(across, up, tooltip=["cell:N", "fraction:Q"]),
        told,
    ).properties(width=WIDTH * 0.55, height=HEIGHT)
    base = alt.Chart(genes).transform_filter(chosen)
    gene_axis = alt.Y("gene:N", sort=alt.EncodingSortField("order", op="min")).title(None)
    of_genes = alt.layer(
        base.mark_bar(color=GREY, opacity=0.35).encode(alt.X("full:Q").title("molecules"), gene_axis),
        base.mark_bar(color=COLOURS[1]).encode(alt.X("count:Q"), gene_axis, tooltip=["gene:N", "full:Q", "count:Q"]),
    ).properties(width=WIDTH * 0.3, height=HEIGHT)
    title = "What thinning does to one cell"
    subtitle = f"{cells.name}: {len(codes)} clean cells (grey), {repeats} thinnings of one (orange); right: its counts"
    return (map_of_cells | of_genes).add_params(which, step).properties(
        title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle}. Controls choose the cell and how much is kept.",
    )  # fmt: skip
