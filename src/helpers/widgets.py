"""Live controls in a notebook; in a built page, the same figure drawn once."""

import os
from collections.abc import Callable
from typing import Any

from helpers.progress import BUILDING


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
