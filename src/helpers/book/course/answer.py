"""What is known of an exercise of the course: the right answer, and the mistakes that deserve a word."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The right answer, and by what to tell the student the wrong answers that mistakes lead to.
Known = tuple[Any, dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """The answer to one exercise, computed when a student's is checked.

    Parameters
    ----------
    compute
        Returns the right answer and the wrong ones to expect: numbers, NumPy arrays, text, bools, or a tuple of these
        where several things are asked for.
    tolerance
        Largest relative error of a number or of an entry of an array that still counts as right (0.02 is 2 %).
    unit
        In words, such as "bits" or "UMIs"; empty for a pure number.
    """

    compute: Callable[[], Known]
    tolerance: float = 0.02
    unit: str = ""


ANSWERS: dict[str, Answer] = {}


def exercise(
    name: str, tolerance: float = 0.02, unit: str = ""
) -> Callable[[Callable[[], Known]], Callable[[], Known]]:
    """Register the function below as the answer to an exercise, such as "1.2"."""
    if name in ANSWERS:
        raise ValueError(f"exercise {name} is registered twice: give one of them another id.")

    def register(compute: Callable[[], Known]) -> Callable[[], Known]:
        ANSWERS[name] = Answer(compute, tolerance, unit)
        return compute

    return register
