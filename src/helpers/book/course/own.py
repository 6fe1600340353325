"""Numbers of a student's own: a name decides them, so that the class can discuss the method and not pass on results."""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")
Numbers = dict[str, Any]

_student = ""  # whose numbers the exercises of this process have; none: those of the book


def use(name: str) -> str:
    """Give the exercises of this notebook the numbers of a student, and say so; an empty name: those of the book.

    >>> use("Ada Lovelace")
    'The exercises have the numbers of Ada Lovelace.'
    >>> use("")
    'The exercises have the numbers of the book.'
    """
    global _student
    if not isinstance(name, str) or (name and not spelling(name)):
        raise ValueError(f"name is {name!r}: give the student's name as text, with letters in it.")
    _student = name
    return f"The exercises have the numbers of {name or 'the book'}."


def student() -> str:
    """Return the name whose numbers the exercises have here; empty for the numbers of the book."""
    return _student


def spelling(name: str) -> str:
    """Return a name without case, accents' encoding, and extra blanks: two spellings of a name are one student.

    >>> spelling("  Ada   LOVELACE ")
    'ada lovelace'
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(words)


def pick(options: Sequence[T], group: str, name: str | None = None) -> T:
    """Return the option that falls to a student, the first for the book; ``group`` names what is chosen.

    >>> pick([500, 400, 250], "1.1", "")
    500
    >>> pick(range(1000), "1.1", "Ada") == pick(range(1000), "1.1", "ada ")
    True
    """
    of = student() if name is None else name
    if not of:
        return options[0]
    digest = hashlib.sha256(f"{group}|{spelling(of)}".encode()).digest()
    return options[int.from_bytes(digest[:8], "big") % len(options)]


def each(**choices: Sequence[Any]) -> tuple[Numbers, ...]:
    """Return all combinations of these choices, that of the first ones first.

    >>> each(cells=(500, 400), aim=(0.01,))
    ({'cells': 500, 'aim': 0.01}, {'cells': 400, 'aim': 0.01})
    """
    return tuple(dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))


def together(**choices: Sequence[Any]) -> tuple[Numbers, ...]:
    """Return the choices one after the other: the first of each, the second of each, and so on.

    >>> together(seen=(80, 90), unseen=(20, 10))[1]
    {'seen': 90, 'unseen': 10}
    """
    return tuple(dict(zip(choices, values, strict=True)) for values in zip(*choices.values(), strict=True))


def in_text(text: str, book: Numbers, mine: Numbers) -> str:
    """Return the text of an exercise with a student's numbers in place of the book's.

    A number is replaced as it is written, with or without a comma at thousands, and never as a part of another.

    >>> in_text("From 8,000 to 500, or 500 / 8000; not 1500.", {"a": 8000, "b": 500}, {"a": 4000, "b": 250})
    'From 4,000 to 250, or 250 / 4000; not 1500.'
    """
    written: dict[str, str] = {}
    for key, number in book.items():
        for before, after in zip(_written(number), _written(mine[key]), strict=True):
            written[before] = after
    if not written:
        return text
    alternatives = "|".join(map(re.escape, sorted(written, key=len, reverse=True)))
    return re.sub(rf"(?<![\w.,])({alternatives})(?![\w]|[.,]\d)", lambda match: written[match[1]], text)


def _written(number: Any) -> tuple[str, ...]:
    """Return the ways in which a number is written: a whole one with and without a comma, and as a float in code."""
    return (str(number), f"{number:,}", f"{number}.0") if isinstance(number, int) else (str(number),)
