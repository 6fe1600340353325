"""A notebook that was handed in, as it is to be run: its cells by exercise, its session and its student."""

import ast
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers.book.course import own
from helpers.book.course.student import METADATA, WHY, WHY_HERE, sections, student_name

LARGEST = 300 * 2**20  # bytes of a file that are read


@dataclass(frozen=True)
class Submission:
    """What a student handed in.

    Parameters
    ----------
    file
        Path in the folder of the class.
    key
        Hash of the file's content.
    session
        Such as "session_1"; empty if the notebook does not say and has no exercise.
    student
        Whose numbers it has; empty for those of the book.
    steps
        Its code cells in order: ``cell`` (number), ``exercise`` and ``code``.
    reasons
        What the student wrote on why, by exercise.
    problem
        Why it cannot be marked; empty if it can.
    """

    file: str
    key: str
    session: str = ""
    student: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def name(self) -> str:
        """The student's name, or the name of the file if the notebook carries none."""
        return self.student or Path(self.file).stem


def read(file: Path, folder: Path) -> Submission:
    """Return a notebook as it was handed in; one that cannot be read says so in ``problem``."""
    import nbformat

    name = str(file.relative_to(folder))
    if (size := file.stat().st_size) > LARGEST:
        return Submission(name, f"{size}", problem=f"the file has {size / 1e6:.0f} MB: hand it in without its outputs")
    content = file.read_bytes()
    handed_in = Submission(name, hashlib.sha256(content).hexdigest()[:16])
    if not content.strip():
        return replace(handed_in, problem="the file is empty")
    try:
        data = json.loads(content)
        for cell in data["cells"]:  # not needed here, and slow to look through
            cell["outputs"] = []
        notebook = nbformat.from_dict(data)
        return _understood(notebook, handed_in)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return replace(handed_in, problem=f"the file is not a notebook ({type(error).__name__})")


def _understood(notebook: Any, handed_in: Submission) -> Submission:
    steps, reasons, headings = [], {}, Counter[str]()
    for cell in notebook.cells:
        cell.source = "".join(cell.source)  # a list of lines in the file
    for number, cell in enumerate(notebook.cells):
        cell["number"] = number
    for exercise, cell, section in sections(notebook.cells):
        headings.update([exercise.partition(".")[0]] if exercise else [])
        if cell.cell_type == "code":
            steps.append({"cell": cell.number, "exercise": exercise, "code": section})
        elif reason := WHY.match(section):
            reasons[reason[1]] = " ".join(reason[2].replace(WHY_HERE, "").split())
    about = notebook.get("metadata", {}).get(METADATA) or {}
    carried, used = str(about.get("student", "")), _name_in_code(steps)
    likely = f"session_{headings.most_common(1)[0][0]}" if headings else ""
    problem = ""
    if not steps:
        problem = "the notebook has no code cell"
    elif used is not None and own.spelling(used) != own.spelling(carried) and METADATA in notebook.metadata:
        problem = f"it was written for {carried or 'no one by name'}, and its code asks for the numbers of {used}"
    return replace(
        handed_in,
        session=str(about.get("session", "")) or likely,
        student=carried or used or "",
        steps=steps,
        reasons=reasons,
        problem=problem,
    )


def _name_in_code(steps: list[dict[str, Any]]) -> str | None:
    """Return the name in the last call of ``own.use("…")``; None without one."""
    names = []
    for step in steps:
        if "use(" not in step["code"]:
            continue
        try:
            tree = ast.parse(step["code"])
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # it will say so when it is run
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "own.use" and len(node.args) == 1:
                argument = node.args[0]
                names.append(argument.value if isinstance(argument, ast.Constant) else None)
    texts = [name for name in names if isinstance(name, str)]
    return texts[-1] if texts else None


def compared(handed_in: Sequence[Submission], session: str, roster: Sequence[str]) -> list[Submission]:
    """Return the notebooks of a class with what is wrong between them: session, names and files that do not agree.

    Parameters
    ----------
    session
        The one to be marked.
    roster
        The names of the class; none: any name, and notebooks without one.
    """
    known = {own.spelling(name): name for name in roster}
    carriers: dict[str, list[str]] = {}
    for one in handed_in:
        if one.student and one.session == session:
            carriers.setdefault(own.spelling(one.student), []).append(one.file)
    return [replace(one, problem=one.problem or _mismatch(one, session, known, carriers)) for one in handed_in]


def _mismatch(one: Submission, session: str, known: dict[str, str], carriers: dict[str, list[str]]) -> str:
    if not one.session:
        return "it has no exercise of the course"
    if one.session != session:
        return f"it is of {one.session.replace('_', ' ')}, and {session.replace('_', ' ')} is marked"
    spelled = own.spelling(one.student)
    if known and not one.student:
        return "it carries no name: it was not written for a student of this class"
    if known and spelled not in known:
        return f"it carries the name {one.student}, who is not in the list of names"
    stem = _bare(Path(one.file).with_suffix("").as_posix())
    other = [name for name in known.values() if own.spelling(name) != spelled and _slug(name) in stem]
    if other and _slug(one.student) not in stem:
        return f"it carries the name {one.student}, and its file that of {other[0]}"
    same = [file for file in carriers.get(spelled, []) if file != one.file]
    if one.student and same:
        return f"{same[0]} carries the same name, {one.student}: keep the one that is theirs"
    return ""


def _slug(name: str) -> str:
    return _bare(student_name(Path("x"), name).removeprefix("x_").removesuffix(".ipynb"))


def _bare(text: str) -> str:
    return re.sub(r"[^\w]+", "_", text.casefold())
