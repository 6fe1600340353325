"""Answer fields of the built book: what ``check`` replies to any answer, as a table that a page looks up.

No Python runs in the page and its script knows no exercise: each reply here is one that ``what_is_off`` gave. A single
number runs through intervals of the number line, each with one reply; several parts are looked up part by part, after
what is said of them together.
"""

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from helpers.book.course.answer import Answer
from helpers.book.course.check import CLOSE, POWERS, as_compared, margin, reasons, what_is_off

_RATIOS = (1.0, *(float(by) for by in reasons(in_bits=True).values() if by > 0))
_COARSE = np.concatenate([np.geomspace(1e-9, 1e9, 19), [1e300]])
_OF_ONE_PART = re.compile(r"(part )?\d+ of \d+")  # replies to a part, which the table of that part has
_BESIDE = 1e-12  # relative; this near an expected end the reply is looked at


def mask(text: str, key: str) -> str:
    """Return text in a form that cannot be read by eye, in base64; ``unmask`` in ``course.js`` undoes it.

    It keeps an answer from a glance at the page's source. It is no encryption: whoever runs the script can undo it.

    >>> mask("42", "1.1") == mask("42", "1.2")
    False
    """
    state = 2166136261
    for letter in key.encode():
        state = ((state ^ letter) * 16777619) & 0xFFFFFFFF
    masked = bytearray()
    for letter in text.encode():
        for shift in (13, -17, 5):  # xorshift
            state ^= (state << shift if shift > 0 else state >> -shift) & 0xFFFFFFFF
        masked.append(letter ^ (state & 0xFF))
    return base64.b64encode(masked).decode()


def replies(known: Answer) -> dict[str, Any]:
    """Return every reply of ``check`` to the answers to one exercise, in tables.

    Returns
    -------
    dict with
        ``together``, replies to all parts at once: pairs of a reply and, for each part, an interval or a text; the
        first that fits counts, and the reply to the right answer is empty.
        ``parts``, a table for each part: of a number, ``ends`` where the reply changes and the ``replies`` from there
        on; of a text, its ``replies``, and that to every ``other``.
        ``array``, whether the parts are the entries of one array.

    Raises
    ------
    TypeError
        For an answer that is neither a number, a text, True or False, nor several of these.

    Examples
    --------
    >>> table = replies(Answer(lambda: (2.0, {"that is the sum": 3.0}), 0.01, "bits"))["parts"][0]
    >>> next(reply for end, reply in zip(table["ends"], table["replies"]) if end > 2.96)
    'that is the sum'
    """
    right, mistakes = known.known("")  # with the numbers of the book
    array = isinstance(right, (np.ndarray, list)) and np.ndim(right) == 1
    several = array or isinstance(right, tuple)
    wanted = list(right) if several else [right]
    if not all(isinstance(part, (str, bool, np.bool_, int, float, np.number)) for part in wanted):
        raise TypeError(f"the answer is {right!r}: a field of the page takes numbers, texts, True, False or several.")
    expected = {reply: list(wrong) if several else [wrong] for reply, wrong in mistakes.items()}
    whole = replace(known, compute=lambda: (right, mistakes), variants=({},))
    if not several:
        values = [right, *(wrong for (wrong,) in expected.values())]
        table = _table(lambda x: what_is_off(x, whole), values, known.tolerance, known.any_order)
        return {"together": [], "parts": [table], "array": False}
    without_mistakes = replace(whole, compute=lambda: (right, {}))
    parts = []
    for i, part in enumerate(wanted):

        def reply(x: Any, i: int = i) -> str:
            given = [*wanted]
            given[i] = x
            return what_is_off(np.array(given) if array else tuple(given), without_mistakes)

        parts.append(_table(reply, [part, *(wrong[i] for wrong in expected.values())], known.tolerance))
    return {"together": _together(wanted, expected, whole, array), "parts": parts, "array": array}


def _together(wanted: list, expected: dict[str, list], known: Answer, array: bool) -> list[list[Any]]:
    """Return what is said of all parts at once: that they are right, the mistakes to expect, a factor of an array."""
    candidates = [wanted, *expected.values()]
    if array:
        candidates += [[by * part for part in wanted] for ratio in _RATIOS for by in (ratio, -ratio)]
    rows: list[list[Any]] = []
    for values in candidates:
        reply = what_is_off(np.array(values) if array else tuple(values), known)
        row = [reply, [_accepted(value, known.tolerance) for value in values]]
        if not _OF_ONE_PART.match(reply) and row not in rows:
            rows.append(row)
    return rows


def _accepted(value: Any, tolerance: float) -> Any:
    """Return the interval of the numbers that count as a value, or the text as it is compared."""
    if isinstance(value, (str, bool, np.bool_)):
        return as_compared(value)
    beside = margin(abs(value), tolerance)
    return [float(value - beside), float(value + beside)]


def _spellings(value: Any, any_order: bool) -> list[str]:
    """Return the texts that count as a value: letters that may come in any order also with commas or blanks."""
    if not any_order:
        return [as_compared(value)]
    return [as_compared(mark.join(order)) for order in permutations(value) for mark in ("", " ", ",", ", ")]


def _table(reply: Callable[[Any], str], values: list, tolerance: float, any_order: bool = False) -> dict[str, Any]:
    """Return the replies to one part; ``values`` are the right one, first, and the wrong ones to expect."""
    if isinstance(values[0], (str, bool, np.bool_)):
        known = {spelled: reply(value) for value in values for spelled in _spellings(value, any_order)}
        flag = not isinstance(values[0], str)
        return {"kind": "text", "replies": known, "other": "" if flag else reply("no such text")}
    ends, found = _intervals(reply, _looked_at([float(v) for v in values], tolerance))
    special = {name: reply(float(name)) for name in ("nan", "inf", "-inf")}
    return {"kind": "number", "ends": ends, "replies": found, "special": special, "text": reply("no number")}


def _looked_at(values: list[float], tolerance: float) -> list[float]:
    """Return numbers of which each interval with a reply of its own holds one at least, most of them at its ends."""
    right = values[0]
    centres = [*values, *(by * right for by in _RATIOS), *(-by * right for by in _RATIOS), 0.0]
    centres += [right**power for power in POWERS.values()] if right > 0 else []
    ends = [c + side * margin(abs(c), tolerance) for c in centres for side in (-1, 1)]
    ends += [right - CLOSE * abs(right), right + CLOSE * abs(right), 0.0]
    beside = [end + side * max(abs(end) * _BESIDE, 1e-300) for end in ends for side in (-1, 1)]
    return sorted({*centres, *beside, *_COARSE, *(-_COARSE)})


def _intervals(reply: Callable[[float], str], at: list[float]) -> tuple[list[float], list[str]]:
    """Return where the reply changes from one number to the next, and the reply from there on."""
    given = [reply(x) for x in at]
    ends, found = [-math.inf], [given[0]]

    def between(low: float, high: float, first: str, last: str) -> None:
        if first == last:
            return
        middle = low + (high - low) / 2
        if not low < middle < high or abs(high - low) < 1e-300:  # neighbours
            ends.append(high)
            found.append(last)
            return
        inside = reply(middle)
        between(low, middle, first, inside)
        between(middle, high, inside, last)

    for i in range(len(at) - 1):
        between(at[i], at[i + 1], given[i], given[i + 1])
    return ends, found


def field_data(name: str, known: Answer) -> str:
    """Return the replies of one exercise as the page holds them: masked, with the key that is its id."""
    tables = replies(known)
    for part in tables["parts"]:
        if part["kind"] == "number":  # each reply once
            distinct = list(dict.fromkeys(part["replies"]))
            part |= {"which": [distinct.index(reply) for reply in part["replies"]], "replies": distinct}
    table = json.dumps(tables, ensure_ascii=False, separators=(",", ":"), default=float)
    return mask(table.replace("-Infinity", "-1e999"), name)
