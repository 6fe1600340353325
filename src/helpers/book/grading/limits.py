"""What one notebook may use while it is marked."""

from typing import NamedTuple

from helpers._utils.validation import in_range


class Limits(NamedTuple):
    """Seconds of processor time of a notebook and of one cell, seconds by the clock, bytes beside the packages'."""

    seconds: float = 120.0
    cell_seconds: float = 60.0
    wall_seconds: float = 600.0
    memory: float = 4e9


def limits_of(seconds: float, memory: float) -> Limits:
    """Return limits from seconds of processor time and gigabytes: one cell may take half, and the clock five times.

    >>> limits_of(60, 2).cell_seconds
    30.0
    """
    in_range(seconds, 1, 1e5, "--seconds", "They are seconds of processor time of one notebook.")
    in_range(memory, 0.1, 1e4, "--memory", "It is in gigabytes, beside what the packages take.")
    return Limits(seconds, seconds / 2, 5 * seconds, memory * 1e9)
