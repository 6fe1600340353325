"""A session in the formats of the graders that people have: otter-grader and nbgrader.

Their tests run in the kernel of the notebook, where the answers of the course can be imported: ``noise-scaling grade``
is what keeps the two apart.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers._utils.content import write_whole
from helpers._utils.validation import choose
from helpers.book.course.student import SOLUTION, WHY, levels, sections, student_name, student_notebook, with_numbers

_OTTER_TEST = '''OK_FORMAT = False

from otter.test_files import test_case

from helpers.book.course.check import assert_right

name = "{test}"
points = {points:g}


@test_case()
def test_answer(answer):
    assert_right("{exercise}", answer)
'''
_HIDDEN = """### BEGIN HIDDEN TESTS
from helpers.book.course.check import assert_right

assert_right("{exercise}", answer)
### END HIDDEN TESTS
{check}"""


def export(source: Path, to: Path, grader: str, name: str = "") -> list[Path]:
    """Write a session for a grader, "otter" or "nbgrader", into a folder, and return the files.

    For otter: a student version whose answers name their tests, and the folder ``tests``. For nbgrader: the notebook
    with solutions, checks and reasons as ``source/SESSION/SESSION.ipynb``, from which it makes the student version.
    """
    files = _EXPORTS[choose(grader, _EXPORTS, "grader")](source, name)
    there = [to / file for file in files if (to / file).exists()]
    if there:
        raise ValueError(f"{there[0]} is there already: give --to another folder.")
    for file, content in files.items():
        write_whole(to / file, content.encode())
    return [to / file for file in files]


def _otter(source: Path, name: str) -> dict[str, str]:
    import nbformat

    notebook = student_notebook(source, name)
    for exercise, cell in _answers(notebook):
        cell.metadata["otter"] = {"tests": [_test(exercise)]}
    files = {student_name(source, name): f"{nbformat.writes(notebook)}\n"}
    for exercise, level in levels(source).items():
        test = _OTTER_TEST.format(test=_test(exercise), points=level / 2, exercise=exercise)
        files[f"tests/{_test(exercise)}.py"] = test
    return files


def _test(exercise: str) -> str:
    return f"q{exercise.replace('.', '_')}"


def _answers(notebook: Any) -> Iterator[tuple[str, Any]]:
    for exercise, cell, _ in sections(notebook.cells):
        if exercise and cell.cell_type == "code" and cell.source.endswith("answer = ..."):
            yield exercise, cell


def _nbgrader(source: Path, name: str) -> dict[str, str]:
    import jupytext
    import nbformat

    notebook = student_notebook(source, name)
    solved = with_numbers(jupytext.read(source), name)
    solutions = iter([cell.source for cell in solved.cells if SOLUTION in cell.metadata.get("tags", [])])
    blanks = {cell.id for _, cell in _answers(notebook)}
    points = levels(source)
    for exercise, cell, _ in list(sections(copy.copy(notebook.cells))):
        place, reason = exercise.replace(".", "-"), WHY.match(cell.source)
        if cell.cell_type == "code" and cell.id in blanks:
            first, _, rest = next(solutions).partition("\n")
            cell.source = f"{first}\n### BEGIN SOLUTION\n{rest}\n### END SOLUTION"
            cell.metadata["nbgrader"] = _about(f"answer-{place}", solution=True)
        elif cell.cell_type == "code" and cell.source.startswith("check("):
            cell.source = _HIDDEN.format(exercise=exercise, check=cell.source)
            cell.metadata["nbgrader"] = _about(f"check-{place}", points[exercise] / 2, locked=True)
        elif reason:
            about = _about(f"why-{reason[1].replace('.', '-')}", points[reason[1]] / 2, solution=True)
            cell.metadata["nbgrader"] = about
    return {f"source/{source.stem}/{source.stem}.ipynb": f"{nbformat.writes(notebook)}\n"}


def _about(name: str, points: float | None = None, solution: bool = False, locked: bool = False) -> dict[str, Any]:
    """Return what nbgrader has in a cell's metadata; points make it one that is graded."""
    about = {"grade_id": name, "grade": points is not None, "solution": solution, "locked": locked, "task": False}
    return {**about, "schema_version": 3} | ({} if points is None else {"points": points})


_EXPORTS: dict[str, Callable[[Path, str], dict[str, str]]] = {"otter": _otter, "nbgrader": _nbgrader}
