"""Check an answer to an exercise of the course: say whether it is right or what is off, never what is right."""

from functools import cache
from importlib import import_module
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.book.course.answer import ANSWERS, Answer
from helpers.book.course.values import is_open

_LOGARITHMS = {
    "that looks like nats: log2 gives bits, the natural logarithm nats": np.log(2),
    "that looks like logarithms to base 10: log2 gives bits": np.log10(2),
    "it is divided by ln 2 once too often": 1 / np.log(2),
}
_FACTORS = (2, 4, 10, 100, 1000)
POWERS = {"it is upside down": -1.0, "it is squared once too often": 2.0, "a square is missing": 0.5}
_TIGHT = 0.005  # relative error within which a factor is believed: a looser one names causes that are none
CLOSE = 0.1  # a wrong number this near, relative to the right one, is called close


class Gap(Exception):
    """An exercise was checked while its answer is still ``...``."""

    def _render_traceback_(self) -> list[str]:
        """Have a notebook show the message alone: where in this module it was raised tells a student nothing."""
        return [f"Stopped here: {self}"]


def answers() -> dict[str, Answer]:
    """Return what is registered of every exercise, by its id.

    >>> answers()["1.4"].unit
    'bits'
    """
    for session in ("answers_1", "answers_2", "answers_3", "answers_4"):
        import_module(f"helpers.book.course.{session}")
    return ANSWERS


def check(exercise: str, answer: Any) -> None:
    """Print whether an answer is right, or what is off; the right one is never printed.

    The notebook's ``answer`` is ``...`` afterwards: where the next exercise is skipped or its cell fails, its check
    would else judge the answer of this one.

    Parameters
    ----------
    exercise : str
        Id such as "1.2": session and number; an unknown one raises ``ValueError`` that names the nearest.
    answer : number, text, bool, array, or a tuple of these
        ``...`` stands for an answer that is still to be given, and raises ``Gap``. A wrong one raises nothing.

    Examples
    --------
    >>> check("1.1", 0.75)
    Exercise 1.1: right.
    >>> check("1.1", -0.75)
    Exercise 1.1: not yet: the sign is wrong.
    """
    known = answers()[choose(exercise, answers(), "exercise")]
    _clear_answer()
    if is_open(answer):
        raise Gap(
            f"exercise {exercise} has no answer yet: write yours in place of ... in the cell above, and run both cells."
        )
    mistake = what_is_off(answer, known)
    end = "" if mistake.endswith("?") else "."
    print(f"Exercise {exercise}: not yet: {mistake}{end}" if mistake else f"Exercise {exercise}: right.")


def assert_right(exercise: str, answer: Any) -> None:
    """Raise ``AssertionError`` with what is off unless an answer is right, as graders of notebooks want it.

    >>> assert_right("1.1", -0.75)
    Traceback (most recent call last):
    ...
    AssertionError: Exercise 1.1: not yet: the sign is wrong.
    """
    known = answers()[choose(exercise, answers(), "exercise")]
    mistake = "it has no answer yet" if is_open(answer) else what_is_off(answer, known)
    if mistake:
        raise AssertionError(f"Exercise {exercise}: not yet: {mistake}.")


def _clear_answer() -> None:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and "answer" in shell.user_ns:
        shell.user_ns["answer"] = ...


def what_is_off(answer: Any, known: Answer) -> str:
    """Return what is wrong with an answer in a few words, or nothing if it is right.

    The mistakes registered with the exercise are looked at first, then those that any answer may have.

    >>> what_is_off(0.693, Answer(lambda: (1.0, {}), 0.01, "bits"))
    'that looks like nats: log2 gives bits, the natural logarithm nats'
    >>> what_is_off(1.001, Answer(lambda: (1.0, {}), 0.01, "bits"))
    ''
    """
    right, mistakes = known.known()
    general = _what_is_off(answer, right, known)
    expected = (mistake for mistake, wrong in mistakes.items() if not _what_is_off(answer, wrong, known))
    return next(expected, general) if general else ""


def _is_flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _what_is_off(answer: Any, right: Any, known: Answer) -> str:
    """Return what is off in an answer, by the kind of the right one; nothing if it is right."""
    if isinstance(right, tuple):
        return _off_in_parts(answer, right, known)
    if isinstance(right, str):
        if known.any_order:
            answer, right = _letters(answer), _letters(right)
        if not isinstance(answer, str):
            return f"text is wanted, not {_kind(answer)}"
        return "" if as_compared(answer) == as_compared(right) else "that is not it"
    if _is_flag(right):
        if not _is_flag(answer):
            return f"True or False is wanted, not {_kind(answer)}"
        return "" if bool(answer) == bool(right) else "it is the other way round"
    wanted = np.asarray(right)
    try:
        given = _numbers(answer, wanted)
    except ValueError as error:
        return str(error)
    if _agree(given, wanted, known.tolerance):
        return ""
    if wanted.dtype == bool:
        return f"{int((given != wanted).sum())} of {wanted.size} entries are wrong"
    return _off_by_all(given, wanted, known) or _off_in_size(given, wanted, known.tolerance)


def _off_in_parts(answer: Any, right: tuple, known: Answer) -> str:
    parts = _parts(answer)
    if len(parts) != len(right):
        return f"{len(right)} things are wanted, in round brackets, not {len(parts) if parts else _kind(answer)}"
    for number, (given, wanted) in enumerate(zip(parts, right, strict=True), 1):
        if off := _what_is_off(given, wanted, known):
            return f"part {number} of {len(right)}: {off}"
    return ""


def _parts(answer: Any) -> list:
    if isinstance(answer, (np.ndarray, pd.Series)):
        return list(answer) if answer.ndim else []
    return list(answer) if isinstance(answer, (list, tuple)) else []


def _numbers(answer: Any, wanted: np.ndarray) -> np.ndarray:
    """Return an answer as an array like the right one, or raise ``ValueError`` saying why it is none."""
    flags = wanted.dtype == bool
    what = f"an array of {'True and False' if flags else 'numbers'}" if wanted.ndim else "a number"
    not_numbers = ValueError(f"{what} is wanted, not {_kind(answer)}")
    try:
        is_number = isinstance(answer, Real) and not _is_flag(answer)
        given = np.asarray(float(answer) if is_number else answer)
    except OverflowError:
        given = np.asarray(np.inf)
    except (ValueError, TypeError, RuntimeError):  # rows of different lengths, or an object that is no array
        raise not_numbers from None
    if given.dtype.kind not in ("b" if flags else "iuf"):
        raise not_numbers
    if given.shape != wanted.shape and wanted.ndim:
        raise ValueError(f"the shape is {given.shape}, not {wanted.shape}")
    if given.shape != wanted.shape:
        point = ": a decimal point is a point, not a comma" if isinstance(answer, tuple) else ""
        raise ValueError(f"one number is wanted, not {_kind(answer)} of shape {given.shape}{point}")
    infinite = ~np.isfinite(given)
    if infinite.any() and wanted.ndim:
        raise ValueError(f"{int(infinite.sum())} of {given.size} entries are NaN or infinite")
    if infinite.any():
        value = "NaN" if np.isnan(given) else "infinite"
        raise ValueError(f"it is {value}: look for a zero under a fraction or a logarithm")
    return given


def _near(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether numbers agree, relative to the right one; where that is zero, within the tolerance itself."""
    if wanted.dtype == bool:
        return given == wanted
    return np.abs(given - wanted) <= margin(np.abs(wanted), tolerance)


def _agree(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    """Whether all numbers are near the right ones."""
    if wanted.ndim or wanted.dtype == bool:
        return bool(_near(given, wanted, tolerance).all())
    # Without arrays, which take many times as long: the fields of the pages ask this millions of times.
    return abs(float(given) - float(wanted)) <= margin(abs(float(wanted)), tolerance)


def margin(size: Any, tolerance: float) -> Any:
    """Return how far from a right number of this absolute value an answer still counts as right.

    >>> margin(200.0, 0.01), margin(0.0, 0.01)
    (2.0000000002, 0.01)
    """
    return tolerance * (size + (size == 0)) + 1e-12 * size


def _off_by_all(given: np.ndarray, wanted: np.ndarray, known: Answer) -> str:
    """Return one reason that explains the whole answer: its sign, its logarithm, a factor."""
    if not wanted.any():
        return ""
    tight = min(known.tolerance, _TIGHT)
    by_factor = (why for why, by in reasons("bit" in known.unit).items() if _agree(given, by * wanted, tight))
    return next(by_factor, "") or _off_by_power(given, wanted, tight)


@cache
def reasons(in_bits: bool) -> dict[str, float]:
    """Return by what an answer may be off as a whole, and how that is said."""
    known = {"the sign is wrong": -1.0}
    if in_bits:
        known |= _LOGARITHMS
    for factor in _FACTORS:
        percent = ": is it in per cent?" if factor == 100 else ""
        known[f"it is {factor} times too large{percent}"] = float(factor)
        known[f"it is {factor} times too small"] = 1 / factor
    return known


def _off_by_power(given: np.ndarray, wanted: np.ndarray, tight: float) -> str:
    """Return whether one number is upside down, squared or a root, where this can be seen."""
    if wanted.ndim or wanted <= 0 or abs(wanted - 1) < 0.1:
        return ""
    return next((why for why, power in POWERS.items() if _agree(given, wanted**power, tight)), "")


def _off_in_size(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> str:
    wrong = ~_near(given, wanted, tolerance)
    first = tuple(np.argwhere(wrong)[0]) if wanted.ndim else ()
    value, right = float(given[first]), float(wanted[first])
    side = "too high" if value > right else "too low"
    if value * right < 0:
        side = f"{side}, and of the wrong sign"
    elif abs(value - right) <= CLOSE * abs(right):
        side = f"close, but {side}"
    allowed = f" ({100 * tolerance:g} % either way counts as right)" if tolerance and right else ""
    if not wanted.ndim:
        return f"{side}{allowed}"
    at = ", ".join(str(i + 1) for i in first)
    return f"{int(wrong.sum())} of {wanted.size} entries are off; the first of them, entry {at}, is {side}{allowed}"


def _letters(answer: Any) -> Any:
    """Return letters in order, from text or from a list of them; anything else as it is."""
    if isinstance(answer, (list, tuple, set)) and all(isinstance(part, str) for part in answer):
        answer = "".join(answer)
    return "".join(sorted(set(filter(str.isalpha, answer.upper())))) if isinstance(answer, str) else answer


def as_compared(text: Any) -> str:
    """Return text as it is compared: without case and extra blanks."""
    return " ".join(str(text).split()).casefold()


def _kind(answer: Any) -> str:
    if isinstance(answer, str):
        return "text"
    if _is_flag(answer):
        return "True or False"
    if answer is None:
        return "None"
    name = type(answer).__name__
    article = "an" if name[0].lower() in "aeiou" else "a"
    return "a function: call it" if callable(answer) else f"{article} {name}"
