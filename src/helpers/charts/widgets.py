"""Figures to play with: sliders that the page itself computes, and live controls in a notebook."""

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np

from helpers._utils.progress import quiet
from helpers.charts import parts
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, HEIGHT
from helpers.laws import NoiseLaw

_DECADES, _STEPS = 5, 200  # of the axis of depth, and of its slider


def channel_explorer(i_max: float = 3.0, u_bar: float = 300.0) -> alt.LayerChart:
    """Draw the noise law with controls for I_max, ū, a target and a depth; it works in a page without a kernel.

    The depth moves by its slider or by dragging in the chart.
    """
    controls = [
        parts.slider("i_max", i_max, 0.1, 6, 0.1, "I_max (bits)"),
        parts.slider("log_u_bar", round(float(np.log10(u_bar)), 2), 0, _DECADES, 0.05, "log10 ū (UMIs per cell)"),
        parts.slider("share", 0.9, 0.1, 0.99, 0.01, "target / I_max"),
    ]
    moved = {"i_max": "i_max", "u_bar": "pow(10, log_u_bar)"}
    law = NoiseLaw.expressions(**moved)[0]
    need = NoiseLaw.vega_depth.format(bits="(share * i_max)", **moved)
    across = parts.log_axis("u", DEPTH, domain=[1, 10**_DECADES])
    up = alt.Y("bits:Q").scale(domain=[0, 6]).title(BITS)
    one = parts.one_row()
    depths = alt.Chart(alt.sequence(0, _DECADES, _DECADES / _STEPS, as_="log_u"))
    line = depths.transform_calculate(u="pow(10, datum.log_u)", bits=law).mark_line(strokeWidth=3, color=COLOURS[0])
    half = one.transform_calculate(u="pow(10, log_u_bar)", bits=law).mark_point(size=110, filled=True, color=COLOURS[1])
    target = one.transform_calculate(u=need)
    of_target = f"'target needs ' + format({need}, ',.3~g') + ' UMIs per cell'"
    layers = [
        line.encode(across, up, tooltip=[*parts.tips(",.3~g", "u"), *parts.tips(".3f", "bits")]),
        one.transform_calculate(bits="i_max").mark_rule(strokeDash=[5, 4], color=GREY).encode(y="bits:Q"),
        half.encode(across, up),
        *_dragged_depth(law, across, up),
        target.mark_rule(color=COLOURS[2], clip=True).encode(across),
        parts.text_at(target, of_target, x=8, y=12, color=COLOURS[2], fontSize=12),
    ]
    words = (
        "The noise law with controls for I_max, ū, a target and a depth; dot: u = ū; line: depth needed; "
        "diamond: the chosen depth."
    )
    chart = parts.layered(layers, "The noise law", "Move the sliders, or drag the diamond", description=words)
    return chart.add_params(*controls)


def _dragged_depth(law: str, across: alt.X, up: alt.Y) -> list[alt.Chart]:
    """Return the layers of a depth that moves by its slider or by dragging: what is caught, the diamond, its text."""
    step = _DECADES / _STEPS
    slider = alt.binding_range(min=0, max=_DECADES, step=step, name="log10 depth (UMIs per cell) ")
    drag = alt.selection_point(
        name="depth",
        fields=["log_u"],
        value=[{"log_u": 0.4 * _DECADES}],
        nearest=True,
        clear=False,
        on="[pointerdown, window:pointerup] > pointermove",
        bind={"log_u": slider},
    )
    grips = alt.Chart(alt.sequence(0, _DECADES + step / 2, step, as_="log_u"))
    grips = grips.transform_calculate(u="pow(10, datum.log_u)").transform_calculate(bits=law)
    here = grips.transform_filter(f"abs(datum.log_u - depth_log_u) < {step / 2}")  # the slider rounds
    diamond = here.mark_point(size=160, filled=True, color=COLOURS[3], shape="diamond", cursor="ew-resize")
    text = (
        "format(datum.u, ',.3~g') + ' UMIs: ' + format(datum.bits, '.2f') + ' bits, ' + "
        "format(i_max - datum.bits, '.2f') + ' lost'"
    )
    return [
        grips.mark_point(opacity=0, size=200).encode(across, up).add_params(drag),
        diamond.encode(across, up),
        parts.text_at(here, text, align="right", x="width", dx=-8, y=HEIGHT - 12, color=COLOURS[3], fontSize=12),
    ]


def explore(draw: Callable[..., Any], **controls: Any) -> None:
    """Draw a figure below ipywidgets controls, and again in its place whenever one of them moves.

    The figure is an output of the cell itself, so that papermill, nbconvert and ``jupyter execute`` store it as it is
    first drawn. A built page, which has no Python to redraw with, says in one line what stands here in a notebook.

    Parameters
    ----------
    draw : function of the controls' values that returns a figure
    **controls : ipywidgets controls, one for each argument of ``draw``
    """
    import ipywidgets
    from IPython.display import Markdown, display

    if quiet():
        names = ", ".join(control.description for control in controls.values())
        display(Markdown(f"*In a running notebook, controls and their figure stand here: {names}.*"))
        return

    def figure() -> Any:
        return draw(**{name: control.value for name, control in controls.items()})

    display(ipywidgets.VBox(list(controls.values())))
    # Not in an ipywidgets.Output: nbclient takes part in what that shows, and now and then waits for it for ever.
    place = display(figure(), display_id=True)
    for control in controls.values():
        control.observe(lambda change: place.update(figure()), names="value")
