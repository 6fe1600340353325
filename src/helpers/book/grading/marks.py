"""Marks of a class: what each notebook answered, judged by the project's own checks; a row a student and exercise."""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers._utils.content import short_hash, write_whole
from helpers._utils.validation import choose
from helpers.book.course import own
from helpers.book.course.answer import Answer, Known
from helpers.book.course.check import answers, what_is_off
from helpers.book.course.student import levels, sessions
from helpers.book.course.values import decode, in_words
from helpers.book.grading.limits import Limits
from helpers.book.grading.submission import Submission, compared, read
from helpers.book.run import code_cells

VERSION = 1  # of how notebooks are run: raise it to have all of them run again
COLUMNS = "student file session exercise level points verdict answer message seconds why points_for_why".split()


@dataclass(frozen=True)
class Mark:
    """What a student has for one exercise; ``points`` are for the answer, half of those of its level."""

    student: str
    file: str
    session: str
    exercise: str
    level: int
    points: float
    verdict: str  # right, wrong, blank, error, missing, stopped, refused, not handed in
    answer: str = ""
    message: str = ""
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Marked:
    """A class that was marked."""

    marks: list[Mark]
    run: int  # notebooks that were run now; the others were before

    def counts(self) -> dict[str, int]:
        """Return how many exercises have each verdict."""
        return dict(Counter(row.verdict for row in self.marks).most_common())


def mark(
    folder: Path,
    to: Path,
    session: str | None = None,
    names: Path | None = None,
    limits: Limits | None = None,
    cores: int | None = None,
    say: Callable[[str], None] = print,
) -> Marked:
    """Mark the notebooks of a folder and all folders in it, write the table and a page for each student.

    Notebooks whose content was run before, with the same limits, are judged again and not run again.

    Parameters
    ----------
    to
        The ``.csv`` file to write; ``feedback/`` and ``answers/`` go into a folder of the same name without suffix.
    session
        Such as "session_1"; the one that most notebooks are of, if not given.
    names
        A CSV file with a column ``name``: the class.
    """
    if not hasattr(os, "fork"):
        raise ValueError("marking runs each notebook in a fork, which Windows has not: use WSL, Linux or macOS.")
    handed_in = _handed_in(folder, to)
    roster = read_names(names) if names else []
    session = _session(session, handed_in)
    compared_ones = compared(handed_in, session, roster)
    records = to.with_suffix("") / "answers"
    limits = limits or Limits()
    waiting = [one for one in compared_ones if not one.problem and not (records / f"{_key(one, limits)}.json").exists()]
    if waiting:
        _run(waiting, folder, to, records, limits, cores or os.cpu_count() or 1, say)

    def record(one: Submission) -> dict[str, Any]:
        return json.loads((records / f"{_key(one, limits)}.json").read_text("utf8"))

    marks = _judge(compared_ones, session, roster, record)
    write_whole(to, table(marks).encode("utf-8-sig"))  # with a mark by which spreadsheets know UTF-8
    return Marked(marks, len(waiting))


def _handed_in(folder: Path, to: Path) -> list[Submission]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give the one with the notebooks that were handed in.")
    if to.suffix != ".csv" or to.is_dir():
        raise ValueError(f"--to is {to}: give the .csv file to write, such as marks.csv.")
    files = [f for f in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in f.parts]
    if not files:
        raise ValueError(f"{folder} has no .ipynb file: give the folder with the notebooks that were handed in.")
    return [read(file, folder) for file in files]


def read_names(file: Path) -> list[str]:
    """Return the names of a class, from the column ``name`` of a CSV file; two spellings of one raise ``ValueError``."""
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    if not rows or "name" not in rows[0]:
        raise ValueError(f"{file} has no row below a column 'name': its first line must name the columns.")
    names = [name for row in rows if (name := (row["name"] or "").strip())]
    twice = [name for name, count in Counter(map(own.spelling, names)).items() if count > 1]
    if twice or not all(map(own.spelling, names)):
        raise ValueError(f"{file} has {(twice or ['a name without letters'])[0]!r} twice or is not readable: correct it.")
    return names


def _session(session: str | None, handed_in: Sequence[Submission]) -> str:
    from helpers.store.paths import project_root

    known = [source.stem for source in sessions(project_root())]
    if session is not None:
        return choose(session, known, "session")
    found = Counter(one.session for one in handed_in if one.session in known)
    if not found:
        raise ValueError(f"no notebook says which session it is of: give --session, one of {', '.join(known)}.")
    return found.most_common(1)[0][0]


def _key(one: Submission, limits: Limits) -> str:
    return f"{one.key}-{short_hash([VERSION, one.student, *limits])[:8]}"


def _run(
    waiting: Sequence[Submission],
    folder: Path,
    to: Path,
    records: Path,
    limits: Limits,
    cores: int,
    say: Callable[[str], None],
) -> None:
    """Run notebooks in another process, which never imports the answers; it writes a file for each as it is done."""
    from helpers.store.paths import project_root

    records.mkdir(parents=True, exist_ok=True)
    first_cells = [code_cells(source)[0].source for source in sessions(project_root())]
    jobs = [
        {"key": _key(one, limits), "file": one.file, "student": one.student, "steps": one.steps}
        for one in {_key(one, limits): one for one in waiting}.values()
    ]
    unreadable = [str(path) for path in (folder, records, to)]
    work = {"jobs": jobs, "imports": first_cells, "limits": limits._asdict(), "cores": cores}
    with tempfile.TemporaryDirectory() as place:
        plan = Path(place) / "work.json"
        plan.write_text(json.dumps({**work, "to": str(records.resolve()), "unreadable": unreadable}), "utf8")
        command = [sys.executable, "-m", "helpers.book.grading.collect", str(plan)]
        single = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **single}) as process:
            assert process.stdout is not None
            for line in process.stdout:
                say(line.rstrip("\n"))
        if process.returncode:
            raise RuntimeError(f"marking stopped (status {process.returncode}): the same command goes on from there.")


def _judge(
    class_: Sequence[Submission],
    session: str,
    roster: Sequence[str],
    record: Callable[[Submission], dict[str, Any]],
) -> list[Mark]:
    from helpers.store.paths import project_root

    source = next(source for source in sessions(project_root()) if source.stem == session)
    judge = _Judge(levels(source), session, [one.student for one in class_ if one.student])
    marks = [m for one in class_ for m in judge.marks(one, None if one.problem else record(one))]
    present = {own.spelling(one.student) for one in class_ if one.student}
    for name in roster:
        if own.spelling(name) not in present:
            absent = Submission("", "", session, name, problem="no notebook carries this name")
            marks += [replace(m, verdict="not handed in") for m in judge.marks(absent, None)]
    return sorted(marks, key=lambda m: own.spelling(m.student))  # of one student in the order of the session


class _Judge:
    """Judges answers by the project's checks; what an exercise's answer is, is computed once for the same numbers."""

    def __init__(self, exercises: dict[str, int], session: str, students: Sequence[str]) -> None:
        self.exercises, self.session = exercises, session
        self.students = list({own.spelling(name): name for name in students}.values())
        self._known: dict[str, Known] = {}

    def marks(self, one: Submission, record: dict[str, Any] | None) -> list[Mark]:
        """Return the marks of a notebook, one an exercise; without a record for why it was not run."""
        judged = _Events(record["events"] if record else [])
        stopped = record["stopped"] if record else ""
        present = {step["exercise"] for step in one.steps} | set(judged.answers)
        out = []
        for exercise, level in self.exercises.items():
            verdict, message, answer = "refused", one.problem, ""
            if not one.problem:
                verdict, message, answer = self._verdict(exercise, one, judged, stopped, exercise in present)
            points, seconds = level / 2 if verdict == "right" else 0.0, round(judged.seconds.get(exercise, 0.0), 2)
            of = (one.name, one.file, self.session, exercise, level)
            out.append(Mark(*of, points, verdict, answer, message, seconds, one.reasons.get(exercise, "")))
        return out

    def _verdict(
        self, exercise: str, one: Submission, judged: "_Events", stopped: str, present: bool
    ) -> tuple[str, str, str]:
        if exercise in judged.answers:
            try:
                answer = decode(judged.answers[exercise])
            except (ValueError, KeyError, TypeError, RecursionError):  # written by the notebook itself
                return "wrong", "what was handed in is not an answer", ""
            mistake = self._mistake(exercise, answer, one.student)
            return ("wrong" if mistake else "right"), mistake, in_words(answer)
        if exercise in judged.errors:
            return "error", judged.errors[exercise], ""
        if stopped and exercise not in judged.seconds:
            return "stopped", stopped, ""
        if not present:
            return "missing", "its cells are not in the notebook", ""
        return "blank", "no answer was given", ""

    def _mistake(self, exercise: str, answer: Any, student: str) -> str:
        if not (mistake := what_is_off(answer, self._answer(exercise, student))):
            return ""
        numbers = answers()[exercise].numbers
        for name in (*self.students, "") if student else ():
            different = numbers(name) != numbers(student)
            if different and not what_is_off(answer, self._answer(exercise, name)):
                return f"that is right for the numbers of {name or 'the book'}, not for those of {student}"
        return mistake

    def _answer(self, exercise: str, student: str) -> Answer:
        known = answers()[exercise]
        key = f"{exercise} {known.numbers(student)}"
        if key not in self._known:
            self._known[key] = known.known(student)
        return replace(known, compute=lambda: self._known[key], variants=({},))


class _Events:
    """What a notebook handed in: the last answer to each exercise, the first error and the seconds of each."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self.answers: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        for event in events:
            part = str(event.get("part", ""))
            if "answer" in event:
                self.answers[str(event.get("exercise"))] = event["answer"]
            elif "error" in event:
                self.errors.setdefault(part, str(event["error"]))
            elif isinstance(event.get("seconds"), (int, float)):
                self.seconds[part] = self.seconds.get(part, 0.0) + event["seconds"]


def table(marks: Sequence[Mark]) -> str:
    """Return marks as CSV; text that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in marks:
        writer.writerow({name: _harmless(value) for name, value in vars(row).items()})
    return out.getvalue()


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value

