"""Figures to play with: sliders that the page itself computes, and live controls in a notebook."""

import os
from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.charts import BITS, COLOURS, DEPTH, GREY, HEIGHT, WIDTH
from helpers.laws import NoiseLaw
from helpers.progress import BUILDING


def channel_explorer(
    i_max: float = 3.0, u_bar: float = 300.0, log_depths: tuple[float, float] = (0, 5)
) -> alt.LayerChart:
    """Draw the noise law with sliders for I_max, ū and a target; it works in a page without a kernel."""
    first, last = log_depths
    p_max = alt.param("i_max", value=i_max, bind=alt.binding_range(min=0.1, max=6, step=0.1, name="I_max (bits) "))
    p_bar = alt.param(
        "log_u_bar", value=round(float(np.log10(u_bar)), 2),
        bind=alt.binding_range(min=first, max=last, step=0.05, name="log10 ū (UMIs per cell) "),
    )  # fmt: skip
    p_share = alt.param(
        "share", value=0.9, bind=alt.binding_range(min=0.1, max=0.99, step=0.01, name="target / I_max ")
    )
    law = "log((1 + pow(4, i_max) * datum.u / pow(10, log_u_bar)) / (1 + datum.u / pow(10, log_u_bar))) / (2 * LN2)"
    need = "pow(10, log_u_bar) * (pow(4, share * i_max) - 1) / (pow(4, i_max) - pow(4, share * i_max))"
    axis = alt.X("u:Q").scale(type="log", domain=[10**first, 10**last]).title(DEPTH)
    up = alt.Y("bits:Q").scale(domain=[0, 6]).title(BITS)
    line = alt.Chart(alt.sequence(first, last, (last - first) / 200, as_="log_u"))
    one = alt.Chart(pd.DataFrame({"one": [1]}))
    return alt.layer(
        line.transform_calculate(u="pow(10, datum.log_u)", bits=law).mark_line(strokeWidth=3, color=COLOURS[0]).encode(
            axis, up, tooltip=[alt.Tooltip("u:Q", format=",.3~g"), alt.Tooltip("bits:Q", format=".3f")]
        ),
        one.transform_calculate(bits="i_max").mark_rule(strokeDash=[5, 4], color=GREY).encode(y="bits:Q"),
        one.transform_calculate(u="pow(10, log_u_bar)", bits=law).mark_point(
            size=110, filled=True, color=COLOURS[1]
        ).encode(axis, up),
        one.transform_calculate(u=need).mark_rule(color=COLOURS[2], clip=True).encode(axis),
        one.transform_calculate(
            u=need, text=f"'target needs ' + format({need}, ',.3~g') + ' UMIs per cell'"
        ).mark_text(align="left", x=8, y=12, color=COLOURS[2], fontSize=12).encode(text="text:N"),
    ).add_params(p_max, p_bar, p_share).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title("The noise law", subtitle="Move the sliders"),
        description="The noise law with sliders for I_max, ū and a target share; dot: u = ū; line: depth needed.",
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


def explore(draw: Callable[..., Any], **controls: Any) -> Any:
    """Redraw as ipywidgets controls move.

    A built page has no Python to redraw with, so there the figure is drawn once, at the controls' values.

    Parameters
    ----------
    draw : function of the controls' values that returns a figure
    **controls : ipywidgets controls, one for each argument of ``draw``
    """
    if os.environ.get(BUILDING):
        return draw(**{name: control.value for name, control in controls.items()})
    import ipywidgets
    from IPython.display import display

    def show(**values: Any) -> None:
        display(draw(**values))

    return ipywidgets.VBox([*controls.values(), ipywidgets.interactive_output(show, controls)])
