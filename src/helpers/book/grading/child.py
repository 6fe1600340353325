"""The fork that runs one notebook: its cells in order, errors allowed; what is asked to be checked is handed in."""

import ast
import builtins
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from helpers.book.course import check as checks
from helpers.book.course import own
from helpers.book.course.values import encode, is_open
from helpers.book.grading.confine import CellTooLong, confine, end_cell_after, limit
from helpers.book.grading.limits import Limits

_RECORDER = "__hand_in__"
_LETTERS = 300  # of an error's message


class Shell(InteractiveShell):
    """A shell that shows nothing: no figures, tracebacks or history; what a cell prints is thrown away."""

    def enable_gui(self, gui: Any = None) -> None:
        """Leave ``%matplotlib`` without an effect."""

    def ask_exit(self) -> None:
        """Go on after ``exit()``: the cells below count."""

    def showtraceback(self, *arguments: Any, **options: Any) -> None:
        """Leave out the traceback: errors are handed in."""

    def showsyntaxerror(self, *arguments: Any, **options: Any) -> None:
        """Leave out the traceback: errors are handed in."""


class _Checks(ast.NodeTransformer):
    """Has each call of ``check`` hand in its answer, whatever the notebook has made of that name."""

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802
        self.generic_visit(node)
        called = node.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if name == "check" and len(node.args) + len(node.keywords) >= 2:
            recorder = ast.Name(id=_RECORDER, ctx=ast.Load())
            return ast.copy_location(ast.Call(func=recorder, args=node.args, keywords=node.keywords), node)
        return node


class _Nowhere:
    """A stream that keeps nothing."""

    encoding, errors, closed = "utf-8", "replace", False

    def write(self, text: str) -> int:
        return len(text)

    def writelines(self, lines: Any) -> None:
        for _ in lines:
            pass

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return 1


class Notebook:
    """Runs the cells of one notebook and writes events, a line of JSON each, into a pipe."""

    def __init__(self, pipe: int, limits: Limits) -> None:
        self.pipe, self.limits = pipe, limits
        self.exercise, self.answered = "", set[str]()
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "NoColor"
        Shell.clear_instance()
        self.shell = Shell.instance(config=config)
        self.shell.display_formatter.format = lambda *unused, **unused_too: ({}, {})
        self.shell.ast_transformers.append(_Checks())
        self.shell.user_ns["answer"] = ...
        setattr(builtins, _RECORDER, self.hand_in)
        checks.check = self.hand_in

    def tell(self, **event: Any) -> None:
        """Write one event, whole."""
        os.write(self.pipe, json.dumps(event).encode() + b"\n")

    def hand_in(self, exercise: Any = "", answer: Any = ..., *unused: Any) -> None:
        """Hand in an answer, in place of ``check``; one that is still blank does not replace another."""
        name = str(exercise)[:20]
        if not is_open(answer):
            self.tell(exercise=name, answer=encode(answer))
            self.answered.add(name)
        self.shell.user_ns["answer"] = ...

    def begin(self, exercise: str) -> None:
        """Begin a part of the notebook, and end the one before: an answer whose check was deleted counts, too."""
        if self.exercise and self.exercise not in self.answered:
            self.hand_in(self.exercise, self.shell.user_ns.get("answer", ...))
        self.exercise = exercise
        self.shell.user_ns["answer"] = ...

    def run(self, step: dict[str, Any]) -> None:
        """Run one cell."""
        if step["exercise"] != self.exercise:
            self.begin(step["exercise"])
        before = _seconds()
        error: BaseException | None = None
        end_cell_after(self.limits.cell_seconds)
        try:
            result = self.shell.run_cell(step["code"], store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except CellTooLong as stop:  # raised between the cell's own code and the shell's
            error = stop
        finally:
            end_cell_after(0)
        self.tell(cell=step["cell"], part=self.exercise, seconds=_seconds() - before)
        if error is not None:
            self.tell(part=self.exercise, cell=step["cell"], error=_in_words(error))


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _in_words(error: BaseException) -> str:
    if isinstance(error, CellTooLong):
        return str(error)
    try:
        text = str(error)
    except Exception:  # of a class that a student has written
        text = ""
    where = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
    first = error.msg if isinstance(error, SyntaxError) else text
    return f"{type(error).__name__}: {' '.join(str(first).split())[:_LETTERS]}{where}"


def run(job: dict[str, Any], limits: Limits, folder: Path, unreadable: list[Path], pipe: int) -> None:
    """Run the cells of a notebook inside its limits, and hand in its answers and errors by a pipe."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = _Nowhere()
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), IPYTHONDIR=str(folder))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    own.use(job["student"])
    notebook = Notebook(pipe, limits)
    limit(limits)
    confine(folder, unreadable)
    for step in job["steps"]:
        notebook.run(step)
    notebook.begin("")
    notebook.tell(end=True)
