"""Fields of a dataclass that state what an option may be, next to its default."""

from collections.abc import Iterable
from dataclasses import field, fields
from functools import partial
from typing import Any

from helpers._utils.validation import choose, in_range


def number(default: float | None, low: float, high: float = 1e9, **more: Any) -> Any:
    """Return the field of a number in [low, high]; ``more`` are options of ``in_range``, such as ``open_low=True``."""
    return field(default=default, metadata={"check": partial(in_range, low=low, high=high, **more)})


def whole(default: int | None, low: int, high: float = 1e9, fix: str = "") -> Any:
    """Return the field of a whole number in [low, high]."""
    return number(default, low, high, fix=fix, whole=True)


def choice(default: str, allowed: Iterable[str]) -> Any:
    """Return the field of one of several names."""
    return field(default=default, metadata={"check": partial(choose, allowed=allowed)})


def check_options(options: Any) -> None:
    """Raise ``ValueError`` for the first option that its field does not allow; None is allowed where it is the default.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Training:
    ...     steps: int = whole(100, low=1)
    >>> check_options(Training(steps=0))
    Traceback (most recent call last):
    ...
    ValueError: steps is 0: it must be a whole number in [1, 1e+09].
    """
    for each in fields(options):
        value = getattr(options, each.name)
        if "check" in each.metadata and not (value is None and each.default is None):
            each.metadata["check"](value, what=each.name)
