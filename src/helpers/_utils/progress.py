"""Progress bars that show in a terminal and in Jupyter, and never in a built page; and how long something may take."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from helpers._utils.validation import brief, in_range

T = TypeVar("T")
_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}

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


def seconds_of(budget: str | float | None) -> float | None:
    """Return a budget of time in seconds.

    >>> seconds_of("2min"), seconds_of("90s"), seconds_of(30), seconds_of(None)
    (120.0, 90.0, 30.0, None)
    >>> seconds_of("soon")
    Traceback (most recent call last):
    ...
    ValueError: budget is 'soon': give a time such as '90s', '2min' or '1h', or seconds as a number.
    """
    if budget is None:
        return None
    if isinstance(budget, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", budget.lower())
        if not found or found[2] not in _UNITS:
            raise ValueError(
                f"budget is {brief(budget)}: give a time such as '90s', '2min' or '1h', or seconds as a number."
            )
        budget = float(found[1]) * _UNITS[found[2]]
    return float(in_range(budget, 0, 1e7, "budget", "It is in seconds.", open_low=True))
