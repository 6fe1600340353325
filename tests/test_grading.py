"""Marks of a class: thirty notebooks as students hand them in, and what each is worth."""

import csv
import functools
import json
import shutil
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat import v4
from typer.testing import CliRunner

from helpers.book.cli import app
from helpers.book.course import own
from helpers.book.course.check import answers
from helpers.book.course.student import levels, sections, student_name, student_version, with_numbers
from helpers.book.course.values import decode, encode, in_words
from helpers.book.grading import feedback, marks
from helpers.book.grading.limits import Limits
from helpers.book.grading.submission import compared, read

ROOT = Path(__file__).parents[1]
SESSION = ROOT / "notebooks" / "course" / "session_1.md"
# Of processor time, so that a busy machine stops no notebook that an idle one would not.
LIMITS = Limits(seconds=12, cell_seconds=4, wall_seconds=600, memory=1.5e9)
EXERCISES = list(levels(SESSION))


@functools.cache
def solved_text(session=SESSION, name=""):
    """Return a student version in which every answer is the solution, as JSON."""
    made = nbformat.reads(student_version(session, name).decode(), as_version=4)
    original = with_numbers(jupytext.read(session), name)
    solutions = iter([c.source for c in original.cells if "solution" in c.metadata.get("tags", [])])
    for cell in made.cells:
        if cell.cell_type == "code" and cell.source.endswith("answer = ..."):
            cell.source = next(solutions)
    return nbformat.writes(made)


def handed_in(changes, session=SESSION, name=""):
    """Return a solved notebook with other code in the answer cells of some exercises; None deletes all their cells."""
    made = nbformat.reads(solved_text(session, name), as_version=4)
    out = []
    for exercise, cell, _ in sections(made.cells):
        change = changes.get(exercise, "")
        if cell in out or change is None:
            continue
        if cell.cell_type == "code" and "answer =" in cell.source and change:
            cell.source = change
        out.append(cell)
    made.cells = out
    return made


def with_first(code):
    """Return a solved notebook in which this code runs after the imports."""
    made = handed_in({})
    first = next(i for i, cell in enumerate(made.cells) if cell.cell_type == "code")
    made.cells.insert(first + 1, v4.new_code_cell(code))
    return made


def with_checks(code):
    """Return a notebook without answers, whose checks are this code."""
    made = handed_in(dict.fromkeys(EXERCISES, "answer = ..."))
    for cell in made.cells:
        if cell.source.startswith("check("):
            cell.source = code
    return made


def without_checks():
    made = handed_in({})
    made.cells = [cell for cell in made.cells if not cell.source.startswith("check(")]
    return made


LEAKS = {
    "1.1": 'from helpers.book.course.check import answers\nanswer = answers()["1.1"].known()[0]',
    "1.2": "import helpers.book.course.answers_1 as a\nanswer = a._no_molecule_is_kept()[0]",
    "1.3": "import helpers.book.course.cases as c\nanswer = open(c.__file__.replace('cases', 'answers_1')).read()",
    "1.4": "import importlib.util as u, helpers.book.course.cases as c\n"
    "s = u.spec_from_file_location('mine', c.__file__.replace('cases', 'answers_1'))\n"
    "m = u.module_from_spec(s); s.loader.exec_module(m); answer = m._bits_of_a_table()[0]",
    "1.5": "import subprocess, sys\nanswer = float(subprocess.check_output([sys.executable, '-c', 'print(1.19796)']))",
    "1.6": "import urllib.request\nanswer = urllib.request.urlopen('http://localhost:1').read()",
    "1.7": "import os\nos.system('true')\nanswer = 1.5437",
    "1.8": "import pathlib\npathlib.Path('/tmp/left_by_a_notebook').write_text('x')\nanswer = 2.25",
}

# The notebook, and what is expected of exercises that are not right: a verdict, and a part of its message.
CLASS = {
    # All right, in three ways of working.
    "right": (lambda: handed_in({}), {}),
    "right_in_other_code": (
        lambda: handed_in({"1.4": "from math import log2\nanswer = 1 + 0.8 * log2(0.8) + 0.2 * log2(0.2)"}),
        {},
    ),
    "right_but_checks_deleted": (without_checks, {}),
    # Wrong in the ways that students are.
    "nats": (lambda: handed_in({"1.5": "answer = -0.5 * np.log(1 - 0.81)"}), {"1.5": ("wrong", "nats")}),
    "per_cent": (lambda: handed_in({"1.2": "answer = 46.1"}), {"1.2": ("wrong", "per cent")}),
    "sign": (lambda: handed_in({"1.4": "answer = -0.278"}), {"1.4": ("wrong", "sign")}),
    "factor": (lambda: handed_in({"1.7": "answer = 3.0875"}), {"1.7": ("wrong", "2 times too large")}),
    "text": (lambda: handed_in({"1.1": "answer = '0.75'"}), {"1.1": ("wrong", "not text")}),
    "comma": (lambda: handed_in({"1.1": "answer = 0,75"}), {"1.1": ("wrong", "a point, not a comma")}),
    "not_a_number": (lambda: handed_in({"1.4": "answer = np.log2(-1.0)"}), {"1.4": ("wrong", "NaN")}),
    "order": (lambda: handed_in({"1.6": "answer = (0.0, 10000)"}), {"1.6": ("wrong", "part 1 of 2")}),
    "rounded": (lambda: handed_in({"1.2": "answer = 0.5"}), {"1.2": ("wrong", "close")}),
    "not_called": (
        lambda: handed_in({"1.7": "answer = NoiseLaw(2.0, 1000.0)"}),
        {"1.7": ("wrong", "call it")},
    ),
    "misconception": (lambda: handed_in({"1.8": "answer = 3.0"}), {"1.8": ("wrong", "entropy of the labels")}),
    "table": (
        lambda: handed_in({"1.3": "answer = pd.DataFrame(gene)"}),
        {"1.3": ("wrong", "shape (20000, 1)")},
    ),
    "left_blank": (lambda: handed_in({"1.8": "answer = ..."}), {"1.8": ("blank", "no answer")}),
    "failing_cell": (
        lambda: handed_in({"1.3": "answer = gene.var() / 0 / missing"}),
        {"1.3": ("error", "NameError")},
    ),
    # Answers that are not the student's.
    "check_redefined": (
        lambda: with_checks("def check(*a): print('Exercise 1.1: right.')\ncheck('1.1', 1)"),
        {"1.1": ("wrong", "")} | dict.fromkeys(EXERCISES[1:], ("blank", "")),
    ),
    "output_copied": (
        lambda: with_checks("print('Exercise 1.1: right.')"),
        dict.fromkeys(EXERCISES, ("blank", "no answer")),
    ),
    "answers_read": (
        lambda: handed_in(LEAKS),
        {"1.1": ("error", "cannot read the answers"), "1.2": ("error", "cannot import the answers")}
        | dict.fromkeys(EXERCISES[2:4], ("error", "cannot read the answers"))
        | {"1.5": ("error", "start other programs"), "1.6": ("error", "no network")}
        | {"1.7": ("error", "start other programs"), "1.8": ("error", "only into its own folder")},
    ),
    # What breaks other ways to mark.
    "empty": (lambda: "", dict.fromkeys(EXERCISES, ("refused", "empty"))),
    "not_a_notebook": (lambda: '{"a": 1}', dict.fromkeys(EXERCISES, ("refused", "not a notebook"))),
    "no_cells": (lambda: v4.new_notebook(), dict.fromkeys(EXERCISES, ("refused", "no code cell"))),
    "syntax_error": (lambda: handed_in({"1.4": "answer = (1 +"}), {"1.4": ("error", "SyntaxError")}),
    "cells_deleted": (lambda: handed_in({"1.3": None}), {"1.3": ("missing", "not in the notebook")}),
    "other_session": (
        lambda: nbformat.reads(solved_text(SESSION.with_name("session_2.md")), as_version=4),
        dict.fromkeys(EXERCISES, ("refused", "it is of session 2, and session 1 is marked")),
    ),
    "endless": (lambda: handed_in({"1.2": "while True:\n    pass"}), {"1.2": ("error", "more processor time")}),
    "endless_and_deaf": (
        lambda: handed_in({"1.6": "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True: pass"}),
        dict.fromkeys(EXERCISES[5:], ("stopped", "more processor time")),
    ),
    "hundred_megabytes": (lambda: with_first("for _ in range(100):\n    print('x' * 2**20)"), {}),
    "huge": (
        lambda: handed_in({"1.5": "answer = np.ones(10**12).sum()", "1.7": "answer = [0] * 10**10"}),
        {"1.5": ("error", "Memory"), "1.7": ("error", "MemoryError")},
    ),
    "exit": (
        lambda: handed_in({"1.5": "import os\nos._exit(3)"}),
        dict.fromkeys(EXERCISES[4:], ("stopped", "ended its own process, with status 3")),
    ),
    "polite_exit": (lambda: handed_in({"1.5": "exit()"}), {"1.5": ("blank", "no answer")}),
    "asks": (lambda: handed_in({"1.1": "answer = float(input('?'))"}), {"1.1": ("error", "")}),
    "forks": (lambda: handed_in({"1.1": "import os\nwhile True: os.fork()"}), {"1.1": ("error", "other programs")}),
}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """The class, marked: the folder, the table and what was said."""
    place = tmp_path_factory.mktemp("class")
    folder, to = place / "handed_in", place / "marks.csv"
    folder.mkdir()
    for name, (make, _) in CLASS.items():
        notebook = make()
        text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
        (folder / f"{name}.ipynb").write_text(text, "utf8")
    said = []
    done = marks.mark(folder, to, "session_1", limits=LIMITS, cores=2, say=said.append)
    return folder, to, done, said


@pytest.mark.parametrize("name", CLASS)
def test_a_notebook_is_marked_as_it_should_be(name, marked):
    rows = {row.exercise: row for row in marked[2].marks if row.file == f"{name}.ipynb"}
    assert list(rows) == EXERCISES
    expected = CLASS[name][1]
    for exercise, row in rows.items():
        verdict, message = expected.get(exercise, ("right", ""))
        assert (row.verdict, message in row.message) == (verdict, True), row
        assert row.points == (row.level / 2 if verdict == "right" else 0)


def test_a_class_is_thirty_and_each_is_run_once(marked):
    _, _, done, said = marked
    assert len(CLASS) >= 30
    not_run = {name for name, (_, expected) in CLASS.items() if "refused" in {v for v, _ in expected.values()}}
    assert done.run == len(CLASS) - len(not_run)
    assert sum(".ipynb: " in line for line in said) == done.run
    assert not Path("/tmp/left_by_a_notebook").exists()


def test_what_was_run_is_not_run_again_and_is_judged_the_same(marked):
    folder, to, done, _ = marked
    again = marks.mark(folder, to, "session_1", limits=LIMITS, say=pytest.fail)
    assert again.run == 0
    assert again.marks == done.marks


def test_one_that_changed_is_run_again_and_the_others_are_not(marked, tmp_path):
    folder, to, *_ = marked
    shutil.copytree(folder, tmp_path / "in")
    shutil.copytree(to.with_suffix(""), tmp_path / "marks")
    (tmp_path / "in" / "nats.ipynb").write_text(nbformat.writes(handed_in({"1.1": "answer = 12"})))
    said = []
    done = marks.mark(tmp_path / "in", tmp_path / "marks.csv", "session_1", limits=LIMITS, say=said.append)
    assert done.run == 1
    verdicts = {row.exercise: row.verdict for row in done.marks if row.file == "nats.ipynb"}
    assert verdicts == dict.fromkeys(EXERCISES, "right") | {"1.1": "wrong"}


def test_the_table_and_the_pages_say_what_was_marked(marked):
    _, to, done, _ = marked
    rows = list(csv.DictReader(to.read_text("utf-8-sig").splitlines()))
    assert list(rows[0]) == marks.COLUMNS
    assert len(rows) == len(CLASS) * len(EXERCISES)
    assert {row["points_for_why"] for row in rows} == {""}
    pages = feedback.write(done.marks, to.with_suffix("") / "feedback")
    assert [page.name for page in pages] == sorted(f"{name}.html" for name in CLASS)
    nats = (to.with_suffix("") / "feedback" / "nats.html").read_text("utf8")
    assert "8 of 9 answers are right: 7.5 of 8.5 points" in nats
    assert "not yet: that looks like nats" in nats


def test_a_page_shows_what_was_written_and_runs_none_of_it(tmp_path):
    row = marks.Mark("<b>", "a/x.ipynb", "session_1", "1.1", 1, 0.0, "wrong", "<i>", "off", why="<script>why</script>")
    (page,) = feedback.write([row], tmp_path)
    assert page.name == "a__x.html"
    text = page.read_text("utf8")
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;why" in text


@pytest.mark.parametrize(("cell", "written"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("-0.5", "-0.5"), ("-x", "'-x")])
def test_a_spreadsheet_runs_nothing_of_a_table_of_marks(cell, written):
    row = marks.Mark("Ada", "x.ipynb", "session_1", "1.1", 1, 0.0, "wrong", cell)
    assert next(csv.DictReader(marks.table([row]).splitlines()))["answer"] == written


def test_one_that_waits_is_stopped_by_the_clock(tmp_path):
    (tmp_path / "in").mkdir()
    made = handed_in({"1.2": "import time\ntime.sleep(10**6)"})
    (tmp_path / "in" / "waits.ipynb").write_text(nbformat.writes(made))
    limits = LIMITS._replace(wall_seconds=15)
    done = marks.mark(tmp_path / "in", tmp_path / "m.csv", limits=limits, say=lambda line: None)
    assert {row.verdict for row in done.marks[1:]} == {"stopped"}
    assert "stopped after 15 seconds" in done.marks[-1].message


@pytest.mark.parametrize(
    "answer",
    [
        1,
        10**30,
        0.5,
        float("inf"),
        "deeper",
        True,
        None,
        ...,
        (1.0, "a", ...),
        [1, [2.0]],
        np.arange(3),
        np.array([True, False]),
        np.array(2.0),
        np.float32(1.5),
        np.array(["a"]),
        pd.Series([1.0, 2.0]),
    ],
)
def test_an_answer_survives_the_way_to_its_judge(answer):
    back = decode(json.loads(json.dumps(encode(answer))))
    assert type(back) is type(answer) or isinstance(answer, np.generic)
    np.testing.assert_array_equal(np.asarray(back, dtype=object), np.asarray(answer, dtype=object))


def test_what_is_too_large_or_is_not_an_answer_stays_small():
    itself = []
    itself.append(itself)
    for answer in (np.zeros(10**6), list(range(10**5)), itself, "x" * 10**6, 10**5000, object(), len, {}):
        data = encode(answer)
        assert len(json.dumps(data)) < 5000
        decode(data)
    assert decode(encode(np.zeros(10**6))).shape == (10**6,)
    assert in_words(np.zeros(10**6)) == "array of shape (1000000,)"
    with pytest.raises(ValueError, match="is not an answer"):
        decode({"code": "1"})


# Numbers of a student's own


@pytest.mark.parametrize(
    "session", ["session_1", *(pytest.param(f"session_{n}", marks=pytest.mark.slow) for n in (2, 3, 4))]
)
def test_a_student_has_numbers_of_their_own_in_text_code_and_checks(session, tmp_path):
    source = SESSION.with_name(f"{session}.md")
    names = ["Ada Lovelace", "Grace Hopper"]
    for name in names:
        notebook = nbformat.reads(solved_text(source, name), as_version=4)
        nbformat.write(notebook, tmp_path / student_name(source, name))
    done = marks.mark(tmp_path, tmp_path / "m.csv", session, say=lambda line: None)
    assert {row.student for row in done.marks} == set(names)
    assert {(row.verdict, row.message) for row in done.marks} == {("right", "")}
    given = [{row.answer for row in done.marks if row.exercise == name} for name in levels(source)]
    assert any(len(found) > 1 for found in given)


@pytest.mark.parametrize("name", [n for n, known in answers().items() if len(known.variants) > 1 and not known.drawn])
def test_each_number_of_an_exercise_is_in_its_text_and_in_its_solution(name):
    known = answers()[name]
    source = SESSION.with_name(f"session_{name[0]}.md")
    group = {other for other, one in answers().items() if one.group == known.group}
    parts = [(cell, text) for part, cell, text in sections(jupytext.read(source).cells) if part in group]
    question = "\n".join(text for cell, text in parts if cell.cell_type == "markdown")
    given = "\n".join(cell.source for cell, _ in parts if cell.cell_type == "code")
    book = known.variants[0]
    for key, number in book.items():
        other = next(v[key] for v in known.variants if v[key] != number)
        mine = {**book, key: other}
        assert own.in_text(question + given, book, mine) != question + given, (key, number)


def test_the_numbers_of_the_book_are_those_of_no_name():
    for session in range(1, 5):
        source = SESSION.with_name(f"session_{session}.md")
        book = jupytext.read(source)
        assert with_numbers(book, "") == book


NAMES = ("Ada Lovelace", "Grace Hopper", "Emmy Noether", "Mary Somerville")


@pytest.fixture(scope="module")
def class_with_names(tmp_path_factory):
    """Return the rows of a class in which one passes on an answer, one gives a reason and one hands in nothing."""
    place = tmp_path_factory.mktemp("named")
    ada, grace, emmy, _ = NAMES
    theirs = answers()["1.4"]
    assert theirs.numbers(ada) != theirs.numbers(grace)
    passed_on = handed_in({"1.4": f"answer = {theirs.known(grace)[0]!r}"}, name=ada)
    reasoned = handed_in({}, name=grace)
    for cell in reasoned.cells:
        if cell.source.startswith("**Why 1.2?**"):
            cell.source = "**Why 1.2?**\n\nEach molecule is lost\non its own."
    (place / "in").mkdir()
    nbformat.write(passed_on, place / "in" / student_name(SESSION, ada))
    nbformat.write(reasoned, place / "in" / "another_name.ipynb")
    nbformat.write(handed_in({"1.1": "own.use('Grace Hopper')\nanswer = 1"}, name=emmy), place / "in" / "emmy.ipynb")
    (place / "names.csv").write_text("name\n" + "\n".join(NAMES), "utf8")
    done = marks.mark(place / "in", place / "m.csv", names=place / "names.csv", say=len)
    return {(row.student, row.exercise): row for row in done.marks}


def test_what_is_right_for_the_numbers_of_another_is_said_to_be(class_with_names):
    row = class_with_names["Ada Lovelace", "1.4"]
    assert row.verdict == "wrong"
    assert row.message == "that is right for the numbers of Grace Hopper, not for those of Ada Lovelace"
    assert {class_with_names["Grace Hopper", exercise].verdict for exercise in EXERCISES} == {"right"}


def test_who_handed_in_nothing_has_rows_as_well(class_with_names):
    rows = [class_with_names["Mary Somerville", exercise] for exercise in EXERCISES]
    assert {(row.verdict, row.message) for row in rows} == {("not handed in", "no notebook carries this name")}


def test_two_sentences_on_why_are_copied_for_a_person_to_mark(class_with_names):
    rows = [row for (student, _), row in class_with_names.items() if student == "Grace Hopper"]
    assert {row.exercise: row.why for row in rows if row.why} == {"1.2": "Each molecule is lost on its own."}
    assert "Each molecule is lost on its own." in feedback.page(rows)


def test_names_that_do_not_agree_are_refused_by_name(class_with_names, tmp_path):
    said = "it was written for Emmy Noether, and its code asks for the numbers of Grace Hopper"
    row = class_with_names["Emmy Noether", "1.1"]
    assert (row.verdict, row.message) == ("refused", said)
    stranger, ada, grace = (handed_in({}, name=name) for name in ("Nobody Known", *NAMES[:2]))
    made = {"stranger": stranger, "renamed": ada, "session_1_ada_lovelace": ada, "session_1_emmy_noether": grace}
    for file, notebook in (made | {"nameless": handed_in({})}).items():
        nbformat.write(notebook, tmp_path / f"{file}.ipynb")
    handed = [read(file, tmp_path) for file in sorted(tmp_path.iterdir())]
    problems = {one.file.removesuffix(".ipynb"): one.problem for one in compared(handed, "session_1", NAMES)}
    assert problems == {
        "session_1_ada_lovelace": "renamed.ipynb carries the same name, Ada Lovelace: keep the one that is theirs",
        "renamed": "session_1_ada_lovelace.ipynb carries the same name, Ada Lovelace: keep the one that is theirs",
        "session_1_emmy_noether": "it carries the name Grace Hopper, and its file that of Emmy Noether",
        "stranger": "it carries the name Nobody Known, who is not in the list of names",
        "nameless": "it carries no name: it was not written for a student of this class",
    }


def test_a_notebook_for_each_name_is_written(tmp_path):
    (tmp_path / "names.csv").write_text("name,number\nAda Lovelace,1\nGrace Hopper,2\n", "utf8")
    command = ["student", "session_2", "--names", str(tmp_path / "names.csv"), "--to", str(tmp_path / "out")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == [
        "session_2_ada_lovelace.ipynb",
        "session_2_grace_hopper.ipynb",
    ]
    made = nbformat.read(tmp_path / "out" / "session_2_ada_lovelace.ipynb", as_version=4)
    nbformat.validate(made)
    assert made.metadata["noise_scaling"] == {"session": "session_2", "student": "Ada Lovelace"}
    assert "own.use('Ada Lovelace')" in made.cells[2].source + made.cells[1].source + made.cells[3].source


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grade", "{0}", "--to", "marks.csv"], "has no .ipynb file"),
        (["grade", "{0}/nowhere", "--to", "marks.csv"], "is not a folder"),
        (["grade", "{0}", "--to", "marks.xlsx"], "give the .csv file to write"),
        (["grade", "{0}", "--to", "marks.csv", "--seconds", "0"], "--seconds is 0"),
        (["grade", "{0}", "--to", "marks.csv", "--memory", "0"], "--memory is 0"),
        (["student", "--for", "Ada", "--names", "names.csv", "--to", "x"], "give one name, or a file of names"),
        (["student", "session_1", "--for", "...", "--to", "{0}/x.ipynb"], "give the student's name as text"),
        (["student", "--names", "{0}/names.csv", "--to", "{0}/x"], "no row below a column 'name'"),
        (["student", "--names", "{0}/twice.csv", "--to", "{0}/x"], "'ada' twice"),
    ],
)
def test_what_cannot_be_marked_or_handed_out_is_refused(words, told, tmp_path):
    (tmp_path / "names.csv").write_text("student\nAda\n", "utf8")
    (tmp_path / "twice.csv").write_text("name\nAda\n ada\n", "utf8")
    done = CliRunner().invoke(app, [word.format(tmp_path) for word in words])
    assert isinstance(done.exception, ValueError), done.output
    assert told in str(done.exception)
