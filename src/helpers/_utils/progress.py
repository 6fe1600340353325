"""Progress bars that show in a terminal and in Jupyter, and never in a built page."""

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

# Set while papermill executes notebooks: bars and live widgets would be frozen there.
BUILDING = "NOISE_SCALING_BUILD"


def quiet() -> bool:
    """Return whether no bar may be drawn: while a notebook is run without a reader.

    >>> quiet()
    False
    """
    return bool(os.environ.get(BUILDING))


def track(items: Iterable[T], label: str, show: bool = True) -> Iterator[T]:
    """Yield the items, drawing a bar of how many are done if anyone can see it.

    >>> list(track([1, 2], "counting", show=False))
    [1, 2]
    """
    from tqdm.auto import tqdm

    hidden = not show or quiet()
    # disable=None: no bar where the output is not a terminal.
    yield from tqdm(items, desc=label, disable=True if hidden else None)
