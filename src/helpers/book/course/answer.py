"""What is known of one exercise of the course: the right value and the mistakes worth a word.

The answers of the sessions are registered in `answers_1` and `answers_2`; `helpers.book.course.check.check` reads
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The right answer to one exercise, computed when it is asked for.

    Parameters
    ----------
    value
        Function without arguments that returns the right answer: a number, a NumPy array, a string, a bool, or a
        tuple of these where several things are asked for.
    tolerance
        Largest relative error of a number or of an entry of an array that still counts as right (0.02 is 2 %).
    unit
        Unit in words for the student's eyes, such as "bits" or "UMIs"; empty for a pure number.
    mistakes
        What to tell the student, by the transformation of the right answer that makes the wrong one. A wrong answer
        that matches a transformed value within `tolerance` gets that sentence.

    Examples
    --------
    >>> import math
    >>> bits = Answer(lambda: 1.0, 0.01, "bits", {"that looks like nats, not bits": lambda right: right * math.log(2)})
    >>> bits.value()
    1.0
    """

    value: Callable[[], Any]
    tolerance: float = 0.02
    unit: str = ""
    mistakes: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
