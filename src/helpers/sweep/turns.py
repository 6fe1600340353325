"""Measure in turns, the most telling first, until all is measured, the time is up or somebody stops it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers._utils.progress import quiet
from helpers.store.rows import Store
from helpers.sweep.data import Point
from helpers.sweep.engine import measure_missing
from helpers.sweep.measurement import Measurement

# Points measured in one call, and the seconds that one call should take: what is lost when it is stopped.
_BATCH = 16
_SECONDS = 15.0
# A point that took less was in the store.
_AT_ONCE = 0.01

DONE, OUT_OF_TIME, INTERRUPTED = "done", "out of time", "interrupted"


@dataclass(frozen=True)
class Turn:
    """Points that are measured before others; ``name`` says what they add."""

    name: str
    points: list[Point]


class Pace:
    """Seconds that a point takes, as measured so far by the last calls, and how many fit into the time left."""

    def __init__(self, budget: float | None) -> None:
        self.start, self.budget = time.monotonic(), budget
        self.rate: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def next_size(self) -> int:
        """Return how many points to measure in the next call: 0 where not even one would be done in time."""
        if self.rate is None:
            return _BATCH
        size = max(1, min(_BATCH, int(_SECONDS / self.rate)))
        if self.budget is None:
            return size
        return min(size, int((self.budget - self.elapsed) / self.rate))

    def note(self, points: int, seconds: float) -> None:
        """Record how long a call took; the last calls count most, since points differ."""
        rate = seconds / points
        if rate > _AT_ONCE:
            self.rate = rate if self.rate is None else (self.rate + 2 * rate) / 3


def measure_in_turn(
    turns: Sequence[Turn],
    store: Store,
    measurement: Measurement,
    budget: float | None = None,
    progress: bool = True,
    after: Callable[[Turn, pd.DataFrame], None] = lambda turn, rows: None,
) -> tuple[pd.DataFrame, str]:
    """Measure what the store lacks of each turn, and return all rows with how it ended.

    The first turn is measured whatever the budget: without it there is no answer.

    Parameters
    ----------
    turns : in the order in which they are measured
    budget : seconds from now, or None
    progress : whether to draw a bar of the points, with the time left
    after : called after each turn with it and all rows so far

    Returns
    -------
    (DataFrame, str)
        Rows, and "done", "out of time" or "interrupted" (by Ctrl-C, once the first turn is measured).
    """
    from tqdm.auto import tqdm

    pace, ended = Pace(budget), DONE
    tables: list[pd.DataFrame] = []
    total = sum(len(turn.points) for turn in turns)
    hidden = not progress or quiet()
    with tqdm(total=total, unit="point", desc="measuring", disable=True if hidden else None) as bar:
        try:
            for number, turn in enumerate(turns):
                bar.set_description(turn.name)
                left = list(turn.points)
                while left:
                    size = pace.next_size() if number else _BATCH
                    if size < 1:
                        return _joined(tables), OUT_OF_TIME
                    start = time.monotonic()
                    tables.append(measure_missing(left[:size], store, measurement, progress=False))
                    pace.note(len(left[:size]), time.monotonic() - start)
                    if budget is not None:
                        bar.set_postfix_str(f"{max(budget - pace.elapsed, 0):.0f} s of the budget left", refresh=False)
                    bar.update(len(left[:size]))
                    left = left[size:]
                after(turn, _joined(tables))
        except KeyboardInterrupt:
            if not tables:
                raise
            ended = INTERRUPTED
    return _joined(tables), ended


def _joined(tables: list[pd.DataFrame]) -> Any:
    """Return rows of several calls in one table, each point once."""
    return pd.concat(tables, ignore_index=True).drop_duplicates("parameters_hash", keep="last")
