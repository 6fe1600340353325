"""Exercises of the course: answers checked without being told, and student versions of the notebooks."""

import copy
import importlib.util
import re
from functools import cache
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.book.course import plain_text as course_text
from helpers._utils.validation import choose
from helpers.book.course.answer import Answer

_MODULES = ("helpers.book.course.answers_1", "helpers.book.course.answers_2")
_HEADING = re.compile(r"^### Exercise (\d+\.\d+) \(level ([123])\)\s*$", re.MULTILINE)
SOLUTION = "solution"  # tag of the cells that a student version leaves open
_LOGARITHMS = {
    "that looks like nats: log2 gives bits, the natural logarithm nats": np.log(2),
    "that looks like logarithms to base 10: log2 gives bits": np.log10(2),
    "it is divided by ln 2 once too often": 1 / np.log(2),
}
_FACTORS = (2, 4, 10, 100, 1000)
_CLOSE = 0.1  # a wrong number this near, relative to the right one, is called close


class Gap(Exception):
    """An exercise was checked while its answer is still ``...``."""

    def _render_traceback_(self) -> list[str]:
        """Have a notebook show the message alone: where in this module it was raised tells a student nothing."""
        return [f"Stopped here: {self}"]


@cache
def answers() -> dict[str, Answer]:
    """Return what is registered of every exercise, by its id such as "1.2".

    Examples
    --------
    >>> answers()["1.1"].unit
    ''
    """
    found: dict[str, Answer] = {}
    for name in _MODULES:
        if importlib.util.find_spec(name):
            registered = importlib.import_module(name).ANSWERS
            twice = sorted(set(found) & set(registered))
            if twice:
                raise ValueError(f"exercise {twice[0]} is registered in two modules: give one of them another id.")
            found |= registered
    return found


def check(exercise: str, answer: Any) -> None:
    """Print whether an answer is right, or what is off; the right one is never printed.

    Parameters
    ----------
    exercise : str
        Id such as "1.2": session and number.
    answer : number, text, bool, array, or a tuple of these
        ``...`` stands for an answer that is still to be given.

    Raises
    ------
    Gap
        If the answer is still ``...``.
    ValueError
        For an unknown exercise, naming the nearest. A wrong answer raises nothing.

    Examples
    --------
    >>> check("1.1", 0.75)
    Exercise 1.1: right.
    >>> check("1.1", -0.75)
    Exercise 1.1: not yet: the sign is wrong.
    """
    known = answers()[choose(exercise, answers(), "exercise")]
    if _is_open(answer):
        raise Gap(
            f"exercise {exercise} is still open: write your answer in place of ... in the cell above, then run both "
            "cells."
        )
    off = what_is_off(answer, known)
    end = "" if off.endswith("?") else "."
    print(f"Exercise {exercise}: not yet: {off}{end}" if off else f"Exercise {exercise}: right.")


def what_is_off(answer: Any, known: Answer) -> str:
    """Return what is wrong with an answer in a few words, or nothing if it is right.

    Parameters
    ----------
    answer : what a student gave
    known : Answer
        Its registered mistakes are looked at first, then those that any answer may have.

    Examples
    --------
    >>> what_is_off(0.693, Answer(lambda: 1.0, 0.01, "bits"))
    'that looks like nats: log2 gives bits, the natural logarithm nats'
    >>> what_is_off(1.001, Answer(lambda: 1.0, 0.01, "bits"))
    ''
    """
    right = known.value()
    if _matches(answer, right, known.tolerance):
        return ""
    for told, mistaken in known.mistakes.items():
        if _matches(answer, mistaken(right), known.tolerance):
            return told
    return _what_is_off(answer, right, known)


def _is_open(answer: Any) -> bool:
    return answer is ... or (isinstance(answer, (list, tuple)) and any(map(_is_open, answer)))


def _matches(answer: Any, right: Any, tolerance: float) -> bool:
    if isinstance(right, tuple):
        parts = _parts(answer)
        return len(parts) == len(right) and all(_matches(a, r, tolerance) for a, r in zip(parts, right, strict=True))
    if isinstance(right, str):
        return isinstance(answer, str) and _plain(answer) == _plain(right)
    if isinstance(right, (bool, np.bool_)):
        return isinstance(answer, (bool, np.bool_)) and bool(answer) == bool(right)
    wanted = np.asarray(right)
    given, off = _numbers(answer, wanted)
    return not off and bool(_near(given, wanted, tolerance).all())


def _what_is_off(answer: Any, right: Any, known: Answer) -> str:
    """Return what is off in an answer that is wrong, by the kind of the right one."""
    if isinstance(right, tuple):
        return _off_in_parts(answer, right, known)
    if isinstance(right, str):
        return "that is not it" if isinstance(answer, str) else f"text is wanted, not {_kind(answer)}"
    if isinstance(right, (bool, np.bool_)):
        told = "it is the other way round"
        return told if isinstance(answer, (bool, np.bool_)) else f"True or False is wanted, not {_kind(answer)}"
    wanted = np.asarray(right)
    given, off = _numbers(answer, wanted)
    if off:
        return off
    if wanted.dtype == bool:
        return f"{int((given != wanted).sum())} of {wanted.size} entries are wrong"
    return _off_by_all(given, wanted, known) or _off_in_size(given, wanted, known.tolerance)


def _off_in_parts(answer: Any, right: tuple, known: Answer) -> str:
    parts = _parts(answer)
    if len(parts) != len(right):
        return f"{len(right)} things are wanted, in round brackets, not {len(parts) if parts else _kind(answer)}"
    for number, (given, wanted) in enumerate(zip(parts, right, strict=True), 1):
        if not _matches(given, wanted, known.tolerance):
            return f"part {number} of {len(right)}: {_what_is_off(given, wanted, known)}"
    return ""


def _parts(answer: Any) -> list:
    if isinstance(answer, (np.ndarray, pd.Series)):
        return list(answer) if answer.ndim else []
    return list(answer) if isinstance(answer, (list, tuple)) else []


def _numbers(answer: Any, wanted: np.ndarray) -> tuple[np.ndarray, str]:
    """Return an answer as an array like the right one, and what keeps it from being one."""
    nothing = np.empty(0)
    what = "True or False" if wanted.dtype == bool else "a number"
    if wanted.ndim:
        what = f"an array of {'True and False' if wanted.dtype == bool else 'numbers'}"
    if isinstance(answer, Real) and not isinstance(answer, (bool, np.bool_)):
        try:
            given = np.asarray(float(answer))
        except OverflowError:
            given = np.asarray(np.inf)
    else:
        try:
            given = np.asarray(answer)
        except (ValueError, TypeError, RuntimeError):  # rows of different lengths, or an object that is no array
            return nothing, f"{what} is wanted, not {_kind(answer)}"
    if wanted.dtype == bool:
        if given.dtype != bool:
            return nothing, f"{what} is wanted, not {_kind(answer)}"
    elif given.dtype.kind not in "iuf":
        return nothing, f"{what} is wanted, not {_kind(answer)}"
    if given.shape != wanted.shape:
        if not wanted.ndim:
            point = ": a decimal point is a point, not a comma" if isinstance(answer, tuple) else ""
            return nothing, f"one number is wanted, not {_kind(answer)} of shape {given.shape}{point}"
        return nothing, f"the shape is {given.shape}, not {wanted.shape}"
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        bad = "NaN" if np.isnan(given).any() else "infinite"
        return nothing, f"it is {bad}: look for a zero under a fraction or a logarithm" if not wanted.ndim else (
            f"{int((~np.isfinite(given)).sum())} of {given.size} entries are NaN or infinite"
        )
    return given, ""


def _near(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether numbers agree, relative to the right one; where that is zero, within the tolerance itself."""
    if wanted.dtype == bool:
        return given == wanted
    return np.abs(given - wanted) <= tolerance * np.where(wanted == 0, 1.0, np.abs(wanted)) + 1e-12 * np.abs(wanted)


def _off_by_all(given: np.ndarray, wanted: np.ndarray, known: Answer) -> str:
    """Return one reason that explains the whole answer: its sign, its logarithm, a factor."""
    whole = {"the sign is wrong": -1.0}
    if "bit" in known.unit:
        whole |= _LOGARITHMS
    for factor in _FACTORS:
        percent = ": is it in per cent?" if factor == 100 else ""
        whole[f"it is {factor} times too large{percent}"] = float(factor)
        whole[f"it is {factor} times too small"] = 1 / factor
    if not wanted.any():
        return ""
    return next((told for told, by in whole.items() if _near(given, by * wanted, known.tolerance).all()), "")


def _off_in_size(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> str:
    wrong = ~_near(given, wanted, tolerance)
    first = tuple(np.argwhere(wrong)[0])
    value, right = float(given[first]), float(wanted[first])
    side = "too high" if value > right else "too low"
    if value * right < 0:
        side = f"{side}, and of the wrong sign"
    elif abs(value - right) <= _CLOSE * abs(right):
        side = f"close, but {side}"
    allowed = f" ({100 * tolerance:g} % either way counts as right)" if tolerance and right else ""
    if not wanted.ndim:
        return f"{side}{allowed}"
    at = ", ".join(str(i + 1) for i in first)
    return f"{int(wrong.sum())} of {wanted.size} entries are off; the first of them, entry {at}, is {side}{allowed}"


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _kind(answer: Any) -> str:
    if isinstance(answer, str):
        return "text"
    if isinstance(answer, (bool, np.bool_)):
        return "True or False"
    if answer is None:
        return "None"
    return "a function: call it" if callable(answer) else f"a {type(answer).__name__}"


def exercises(root: Path | None = None) -> pd.DataFrame:
    """Return the table of all exercises of the course, read from its notebooks.

    Parameters
    ----------
    root : folder of the clone, optional

    Returns
    -------
    DataFrame
        One row an exercise: ``exercise``, ``session``, ``level`` (1 to 3), ``question`` (its first sentence), ``unit``
        (of its answer; empty for a pure number, text, or an exercise without a registered answer).

    Examples
    --------
    >>> sorted(set(exercises()["level"]))
    [1, 2, 3]
    """
    from helpers.store.paths import project_root

    rows = []
    for file in sessions(root or project_root()):
        text = file.read_text("utf8")
        for found in _HEADING.finditer(text):
            name, level = found.groups()
            first = text[found.end() :].lstrip().splitlines()[0]
            unit = answers()[name].unit if name in answers() else ""
            rows.append((name, int(name.split(".")[0]), int(level), first, unit))
    return pd.DataFrame(rows, columns=["exercise", "session", "level", "question", "unit"])


def student(notebook: Any) -> Any:
    """Return the student version of a notebook: solutions are left open, outputs are dropped.

    A cell tagged ``solution`` keeps its first line if that is a comment, and ``answer = ...``.

    Parameters
    ----------
    notebook : nbformat notebook; it is left as it is

    Raises
    ------
    ValueError
        If no cell is tagged ``solution``.

    Examples
    --------
    >>> from nbformat import v4
    >>> cell = v4.new_code_cell("# how many bits?\\nanswer = 1 + 1", metadata={"tags": ["solution", "hide-input"]})
    >>> print(student(v4.new_notebook(cells=[cell])).cells[0].source)
    # how many bits?
    answer = ...
    """
    out = copy.deepcopy(notebook)
    out.metadata.pop("jupytext", None)  # nothing to keep in step with
    out.nbformat_minor = max(5, out.nbformat_minor)  # from which on cells have an id
    gaps = 0
    for number, cell in enumerate(out.cells):
        cell.id = f"cell-{number}"
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        tags = cell.metadata.get("tags", [])
        if SOLUTION not in tags:
            continue
        gaps += 1
        first = cell.source.strip().splitlines()[:1]
        cell.source = "\n".join([*(line for line in first if line.startswith("#")), "answer = ..."])
        cell.metadata["tags"] = [tag for tag in tags if tag not in (SOLUTION, "hide-input")]
    if not gaps:
        raise ValueError("the notebook has no cell tagged 'solution': give one of the course, such as session_1.")
    return out


def sessions(root: Path) -> list[Path]:
    """Return the source of every session of the course.

    Parameters
    ----------
    root : folder of the clone

    Examples
    --------
    >>> from helpers.book.run import project_root
    >>> sessions(project_root())[0].name
    'session_1.md'
    """
    return sorted((root / "notebooks" / "course").glob("session_*.md"))


def student_version(source: Path) -> bytes:
    """Return the content of the student version of a session, as of its source now.

    Parameters
    ----------
    source : the ``.md`` file of a notebook with cells tagged ``solution``

    Raises
    ------
    ValueError
        If it has none.

    Examples
    --------
    >>> from helpers.book.run import project_root
    >>> b"answer = ..." in student_version(sessions(project_root())[0])
    True
    """
    import jupytext
    import nbformat

    from helpers.store.paths import project_root

    made = student(jupytext.read(source))
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = course_text.plain(cell.source, source, project_root(source.parent))
    return f"{nbformat.writes(made)}\n".encode()


def student_name(source: Path) -> str:
    """Return the file name of a student version.

    >>> student_name(Path("session_1.md"))
    'session_1_student.ipynb'
    """
    return f"{source.stem}_student.ipynb"
