"""A student's answers as plain data: what a process that is not trusted may hand over, and no more than is judged."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

_LETTERS = 2000  # of a text that are kept
_ENTRIES = 10_000  # of an array, or of all lists and tuples of an answer together
_DIGITS = 400  # of a whole number: more than a float can hold
_ELLIPSIS = "..."


def is_open(answer: Any) -> bool:
    """Return whether an answer, or a part of it, is still ``...``.

    >>> is_open((1.0, ...)), is_open(1.0)
    (True, False)
    """
    return answer is ... or (isinstance(answer, (list, tuple)) and any(map(is_open, answer)))


def encode(answer: Any) -> dict[str, Any]:
    """Return an answer as data for JSON; an object that no exercise asks for is kept as the name of its type.

    >>> encode((1, "deeper"))
    {'tuple': [{'int': '1'}, {'text': 'deeper'}]}
    >>> decode(encode(np.array([1.5, np.nan])))
    array([1.5, nan])
    """
    if answer is ... or answer is None:
        return {"constant": _ELLIPSIS if answer is ... else None}
    if isinstance(answer, (bool, np.bool_)):
        return {"constant": bool(answer)}
    if isinstance(answer, (int, np.integer)):
        number = int(answer)
        return {"int": str(number)} if abs(number) < 10**_DIGITS else {"float": "inf" if number > 0 else "-inf"}
    if isinstance(answer, (float, np.floating)):
        return {"float": repr(float(answer))}
    if isinstance(answer, str):
        return {"text": str(answer)[:_LETTERS]}
    if isinstance(answer, (list, tuple)) and _entries(answer) <= _ENTRIES:
        return {"list" if isinstance(answer, list) else "tuple": [encode(part) for part in answer]}
    return _encode_array(answer) or {"function" if callable(answer) else "other": type(answer).__name__[:80]}


def _entries(answer: Any, depth: int = 0) -> int:
    if not isinstance(answer, (list, tuple)):
        return 1
    if depth > 20:  # a list may hold itself
        return _ENTRIES + 1
    return 1 + sum(_entries(part, depth + 1) for part in answer[: _ENTRIES + 1]) + len(answer[_ENTRIES + 1 :])


def _encode_array(answer: Any) -> dict[str, Any] | None:
    """Return an array, a column, a table or a tensor of numbers as data; None for anything else."""
    if not hasattr(answer, "__array__"):
        return None
    try:
        array = np.asarray(answer)
    except Exception:  # of code that a student may have written: whatever it raises, this is not an array
        return None
    if array.dtype.kind not in "biufUO" or array.size > _ENTRIES:
        return {"array": None, "shape": list(array.shape), "type": type(answer).__name__[:80]}
    kept = {"shape": list(array.shape), "type": type(answer).__name__[:80]}
    return {"array": [encode(entry) for entry in array.ravel().tolist()], "kind": array.dtype.kind, **kept}


def decode(data: dict[str, Any]) -> Any:
    """Return the answer that ``encode`` made data of: numbers, text and arrays as they were.

    Of any other object there is one of a class with the same name. Data of another form raise ``ValueError``.

    >>> decode({"float": "0.75"})
    0.75
    >>> type(decode({"other": "Estimate"})).__name__
    'Estimate'
    """
    kinds: dict[str, Callable[[Any], Any]] = {
        "constant": lambda value: ... if value == _ELLIPSIS else value,
        "int": int,
        "float": float,
        "text": str,
        "list": lambda parts: [decode(part) for part in parts],
        "tuple": lambda parts: tuple(decode(part) for part in parts),
        "array": lambda entries: _decode_array(entries, data),
        "function": lambda name: _placeholder,
        "other": lambda name: type(str(name) or "object", (), {})(),
    }
    kind = next((kind for kind in kinds if kind in data), None) if isinstance(data, dict) else None
    if kind is None:
        raise ValueError(f"{json.dumps(data)[:80]} is not an answer as written by encode.")
    return kinds[kind](data[kind])


def _decode_array(entries: list[dict[str, Any]] | None, data: dict[str, Any]) -> Any:
    shape = tuple(map(int, data["shape"]))
    if entries is None:  # too many, or no numbers: its shape alone takes no memory
        return np.broadcast_to(np.array(np.nan), shape)
    array = np.array([decode(entry) for entry in entries], dtype={"b": bool, "U": str, "O": object}.get(data["kind"]))
    return pd.Series(array) if data["type"] == "Series" and len(shape) == 1 else array.reshape(shape)


def _placeholder() -> None:
    """Stand for a function that a student answered with."""


def in_words(answer: Any) -> str:
    """Return an answer on one short line, as a table of marks shows it.

    >>> in_words(np.array([1 / 3, 2.0])), in_words(0.125), in_words(...)
    ('[0.333333, 2]', '0.125', '')
    """
    if answer is ...:
        return ""
    if isinstance(answer, float):
        return f"{answer:.6g}"
    if isinstance(answer, (list, tuple, np.ndarray, pd.Series)) and np.ndim(answer) < 2 and len(answer) <= 20:
        brackets = "()" if isinstance(answer, tuple) else "[]"
        return brackets[0] + ", ".join(map(in_words, list(answer))) + brackets[1]
    if isinstance(answer, (np.ndarray, pd.Series)):
        return f"array of shape {answer.shape}"
    if isinstance(answer, (str, bool, int, type(None))):
        return " ".join(str(answer).split())[:200]
    return "a function" if callable(answer) else type(answer).__name__
