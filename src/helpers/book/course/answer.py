"""What is known of an exercise of the course: the right answer, and the mistakes that deserve a word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from helpers.book.course import own

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
    variants
        Numbers that the exercise may be about, by the argument of ``compute`` that takes them; the book's first.
    group
        Exercises of one group have the same of their variants.
    drawn
        Whether the variants are draws of the data, which the notebook makes itself, and no numbers of its text.
    any_order
        Whether text is letters that may come in any order, with or without commas.
    """

    compute: Callable[..., Known]
    tolerance: float = 0.02
    unit: str = ""
    variants: Sequence[own.Numbers] = ({},)
    group: str = ""
    drawn: bool = False
    any_order: bool = False

    def numbers(self, student: str | None = None) -> own.Numbers:
        """Return the numbers of a student; the book's for an empty name, those of the notebook for None."""
        return own.pick(self.variants, self.group, student)

    def known(self, student: str | None = None) -> Known:
        """Return the right answer for a student's numbers, and the wrong ones to expect."""
        return self.compute(**self.numbers(student))


ANSWERS: dict[str, Answer] = {}


def exercise(
    name: str,
    tolerance: float = 0.02,
    unit: str = "",
    variants: Sequence[own.Numbers] = ({},),
    group: str = "",
    drawn: bool = False,
    any_order: bool = False,
) -> Callable[[Callable[..., Known]], Callable[..., Known]]:
    """Register the function below as the answer to an exercise, such as "1.2"; without arguments it has the book's."""
    if name in ANSWERS:
        raise ValueError(f"exercise {name} is registered twice: give one of them another id.")

    def register(compute: Callable[..., Known]) -> Callable[..., Known]:
        ANSWERS[name] = Answer(partial(compute, **variants[0]), tolerance, unit, variants, group or name, drawn, any_order)
        return compute

    return register
