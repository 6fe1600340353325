"""The course: right answers are right, mistakes are told, and student versions stop at their first gap."""

import functools
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from math import inf, log, log2, nan
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat import v4
from typer.testing import CliRunner

from helpers.book.cli import app
from helpers.book.course import student as course
from helpers.book.course.answer import Answer, exercise
from helpers.book.course.check import Gap, answers, check, what_is_off
from helpers.book.course.student import blank
from helpers.book.run import run_notebook
from helpers.charts import lessons as lesson_charts
from helpers.information import gaussian_channel
from helpers.information.discrete import flip_probability

ROOT = Path(__file__).parents[1]
NOT_CLONED = (".git", ".venv", "_build", "*.ipynb", "runs", "rows", "student", ".snakemake", ".hypothesis", "*_cache")
SESSIONS = sorted((ROOT / "notebooks" / "course").glob("session_*.md"))
BITS = Answer(lambda: (2.0, {"you took the sum": 3.0}), 0.01, "bits")
ZERO = Answer(lambda: (0.0, {}), 0.05, "bits")
MANY = Answer(lambda: (np.array([1.0, 2.0, 4.0]), {"backwards": np.array([4.0, 2.0, 1.0])}), 0.01)
FLAGS = Answer(lambda: (np.array([True, False, True]), {}), 0.0)
WORD = Answer(lambda: ("Shallow end", {"that is the other end": "deep end"}), 0.0)
YES = Answer(lambda: (True, {}), 0.0)
PARTS = Answer(lambda: ((3.0, "down", np.array([1.0, 2.0])), {}), 0.01, "bits")


@functools.cache
def known_of(name):
    """Return the right answer to an exercise and its mistakes, which some take seconds to compute."""
    return answers()[name].compute()


def right_answer(name):
    return known_of(name)[0]


def exercises():
    """Return the exercises of the notebooks: their session, id, level and the first sentence of the question."""
    heading = re.compile(r"^### Exercise ((\d+)\.\d+) \(level ([123])\)\s*(\S[^\n]*)$", re.MULTILINE)
    rows = [match for source in SESSIONS for match in heading.findall(source.read_text("utf8"))]
    table = pd.DataFrame(rows, columns=["exercise", "session", "level", "question"])
    return table.astype({"session": int, "level": int})


def cells(source, tag):
    return [c for c in jupytext.read(source).cells if tag in c.metadata.get("tags", [])]


@pytest.mark.parametrize("name", answers())
def test_the_right_answer_is_right_and_each_mistake_is_told(name, capsys):
    right, mistakes = known_of(name)
    check(name, right)
    assert capsys.readouterr().out == f"Exercise {name}: right.\n"
    for told, wrong in mistakes.items():
        check(name, wrong)
        assert capsys.readouterr().out == f"Exercise {name}: not yet: {told}.\n"


def test_a_reply_that_asks_ends_as_a_question(capsys):
    check("1.2", 46)
    assert capsys.readouterr().out == "Exercise 1.2: not yet: it is 100 times too large: is it in per cent?\n"


def test_a_decimal_comma_is_told():
    assert what_is_off((2, 0), BITS).endswith("of shape (2,): a decimal point is a point, not a comma")
    assert "comma" not in what_is_off([2.0, 0.0], BITS)


@pytest.mark.parametrize("name", answers())
def test_no_reply_gives_a_number_away(name):
    right = right_answer(name)
    known = replace(answers()[name], compute=lambda: known_of(name), variants=({},))  # once, not for each reply
    if not isinstance(right, float) or len(f"{right:.6g}") < 4:
        pytest.skip("not one number, or so short that it may stand in a sentence by chance")
    for wrong in (1.3 * right, 0.7 * right, 3.3 * right + 50, -5.7 * right - 50, "x", None, nan):
        told = what_is_off(wrong, known)
        assert told
        for digits in range(3, 8):
            assert f"{right:.{digits}g}" not in told.replace(f"{100 * known.tolerance:g} %", ""), told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (2.0, ""),
        (np.float32(2.01), ""),
        (np.array(2), ""),
        (2, ""),
        (3.0, "you took the sum"),
        (-2.0, "the sign is wrong"),
        (2 * log(2), "that looks like nats: log2 gives bits, the natural logarithm nats"),
        (2 / log2(10), "that looks like logarithms to base 10: log2 gives bits"),
        (4.0, "it is 2 times too large"),
        (0.02, "it is 100 times too small"),
        (200.0, "it is 100 times too large: is it in per cent?"),
        (2.05, "close, but too high (1 % either way counts as right)"),
        (1.95, "close, but too low (1 % either way counts as right)"),
        (7.0, "too high (1 % either way counts as right)"),
        (-7.0, "too low, and of the wrong sign (1 % either way counts as right)"),
        (nan, "it is NaN: look for a zero under a fraction or a logarithm"),
        (inf, "it is infinite: look for a zero under a fraction or a logarithm"),
        (10**400, "it is infinite: look for a zero under a fraction or a logarithm"),
        ("2.0", "a number is wanted, not text"),
        (None, "a number is wanted, not None"),
        (True, "a number is wanted, not True or False"),
        (2 + 0j, "a number is wanted, not a complex"),
        (len, "a number is wanted, not a function: call it"),
        ({"bits": 2.0}, "a number is wanted, not a dict"),
        ([2.0], "one number is wanted, not a list of shape (1,)"),
        (pd.Series([2.0, 2.0]), "one number is wanted, not a Series of shape (2,)"),
        ([[1.0], [2.0, 3.0]], "a number is wanted, not a list"),
    ],
)
def test_a_number(given, told):
    assert what_is_off(given, BITS) == told


def test_logarithms_are_looked_for_in_bits_alone():
    assert "nats" not in what_is_off(2 * log(2), Answer(lambda: (2.0, {}), 0.01, "UMIs"))


@pytest.mark.parametrize(("given", "told"), [(0.04, ""), (-0.04, ""), (0.2, "too high"), (-0.2, "too low")])
def test_zero_has_the_tolerance_itself(given, told):
    assert what_is_off(given, ZERO) == told


@pytest.mark.parametrize(
    ("known", "given", "told"),
    [
        (MANY, [1, 2, 4], ""),
        (MANY, [4, 2, 1], "backwards"),
        (MANY, [2, 4, 8], "it is 2 times too large"),
        (MANY, [1, 2], "the shape is (2,), not (3,)"),
        (MANY, [[1, 2, 4]], "the shape is (1, 3), not (3,)"),
        (MANY, 1.0, "the shape is (), not (3,)"),
        (MANY, [1, nan, inf], "2 of 3 entries are NaN or infinite"),
        (MANY, ["a", "b", "c"], "an array of numbers is wanted, not a list"),
        (MANY, [1, 2.1, 9],
         "2 of 3 entries are off; the first of them, entry 2, is close, but too high (1 % either way counts as right)"),
        (FLAGS, [True, False, True], ""),
        (FLAGS, [True, True, False], "2 of 3 entries are wrong"),
        (FLAGS, [1, 0, 1], "an array of True and False is wanted, not a list"),
        (WORD, "  shallow   END ", ""),
        (WORD, "deep end", "that is the other end"),
        (WORD, "edge", "that is not it"),
        (WORD, 3, "text is wanted, not an int"),
        (YES, np.True_, ""),
        (YES, False, "it is the other way round"),
        (YES, 1, "True or False is wanted, not an int"),
        (PARTS, (3.0, "down", [1, 2]), ""),
        (PARTS, [3.0, "down", [1, 2]], ""),
        (PARTS, (3.0, "up", [1, 2]), "part 2 of 3: that is not it"),
        (PARTS, (3 * log(2), "down", [1, 2]),
         "part 1 of 3: that looks like nats: log2 gives bits, the natural logarithm nats"),
        (PARTS, (3.0, "down"), "3 things are wanted, in round brackets, not 2"),
        (PARTS, 3.0, "3 things are wanted, in round brackets, not a float"),
    ],
)  # fmt: skip
def test_arrays_text_flags_and_parts(known, given, told):
    assert what_is_off(given, known) == told


@pytest.mark.parametrize("given", [..., (1.0, ...), [[...]]])
def test_an_open_answer_is_a_gap(given):
    with pytest.raises(Gap, match=r"exercise 1\.2 has no answer yet"):
        check("1.2", given)


@pytest.mark.parametrize(("name", "near"), [("1.22", "1.2"), ("1,3", "1.3"), (1.4, "1.4"), ("2.1 ", "2.1")])
def test_an_unknown_exercise_names_the_nearest(name, near):
    with pytest.raises(ValueError, match=f"unknown exercise {name!r}.*did you mean '{near}'"):
        check(name, 1.0)


def test_an_exercise_is_registered_once():
    answers()
    with pytest.raises(ValueError, match=r"exercise 1\.1 is registered twice"):
        exercise("1.1")


def test_answers_agree_with_other_ways_to_them():
    value = {name: right_answer(name) for name in answers() if name[0] in "12"}
    assert value["1.5"] == pytest.approx(gaussian_channel(0.81, 0.19, 1e6), abs=1e-6)
    assert flip_probability(value["1.8"], 8) == pytest.approx(0.1)
    assert value["1.7"] == pytest.approx(log2(17 / 2) / 2)
    assert value["2.1"] == pytest.approx(1 / 2 + 2 / 4 + 3 * 2 / 8)
    assert 81 / (2 * value["2.3"] * log(2)) == pytest.approx(0.01)
    assert value["2.5"] < -1
    assert value["2.7"] > 0.5


def test_the_table_has_every_exercise_of_the_notebooks_and_three_levels():
    table = exercises()
    assert set(table["exercise"]) == set(answers())
    assert table["exercise"].is_unique
    assert table["question"].str.match(r".*\w.*[.?:]$").all()
    for _, rows in table.groupby("session"):
        assert len(rows) >= 6
        assert set(rows["level"]) == {1, 2, 3}


@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_each_exercise_has_a_hint_a_hidden_solution_and_its_check(source):
    text = source.read_text()
    names = exercises().set_index("session").loc[int(source.stem[-1]), "exercise"].tolist()
    parts = text.split("### Exercise ")[1:]
    assert [part.split()[0] for part in parts] == names
    for name, part in zip(names, parts, strict=True):
        assert part.count(":::{dropdown} Hint") == 1
        assert part.count(f'check("{name}", answer)') == 1
    solutions = cells(source, "solution")
    assert len(solutions) == len(names)
    assert all("hide-input" in c.metadata["tags"] and "answer = " in c.source for c in solutions)
    assert all(c.source.startswith("# ") for c in solutions), "the first line says what is wanted, and stays"


def test_a_student_version_leaves_the_solutions_open_and_the_rest_as_it_is():
    tags = ["solution", "hide-input", "own"]
    original = v4.new_notebook(
        metadata={"jupytext": {"formats": "ipynb,md:myst"}, "kernelspec": {"name": "python3", "display_name": "P"}},
        cells=[
            v4.new_markdown_cell("solution"),
            v4.new_code_cell("x = 1", outputs=[v4.new_output("stream", text="1")], execution_count=3),
            v4.new_code_cell("# in bits\nhidden = 2\nanswer = hidden", metadata={"tags": tags}),
            v4.new_code_cell("answer = 3", metadata={"tags": ["solution"]}),
        ],
    )
    before = nbformat.writes(original)
    made = blank(original)
    assert nbformat.writes(original) == before
    assert [c.source for c in made.cells] == ["solution", "x = 1", "# in bits\nanswer = ...", "answer = ..."]
    assert made.cells[2].metadata["tags"] == ["own"]
    assert made.cells[1].outputs == []
    assert made.cells[1].execution_count is None
    assert made.metadata == {"kernelspec": {"name": "python3", "display_name": "P"}}
    nbformat.validate(made)


def test_a_notebook_without_solutions_has_no_student_version():
    with pytest.raises(ValueError, match="no cell tagged 'solution'"):
        blank(v4.new_notebook(cells=[v4.new_code_cell("x = 1")]))


@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_a_student_version_needs_no_myst(source):
    made = nbformat.reads(course.student_version(source).decode(), as_version=4)
    texts = [c.source for c in made.cells if c.cell_type == "markdown"]
    for text in texts:
        assert not re.search(r"\{[\w:]+\}`|^:::", text, re.MULTILINE), text
    hints = source.read_text().count(":::{dropdown} Hint\n")
    assert sum(text.count("<details><summary><b>Hint</b> (click to show)</summary>\n\n") for text in texts) == hints > 0
    dropdowns = source.read_text().count(":::{dropdown}")
    assert sum(text.count("\n\n</details>") for text in texts) == dropdowns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("({doc}`../../book/laws`)", "(the page *Fitting the laws*)"),
        ("{doc}`the laws <../../book/laws>`", "*the laws*"),
        ("({eq}`noise-law`)", "(equation *noise law* of the book)"),
        ("{cite:t}`kendiukhov2026` say", "Kendiukhov (2026) say"),
        ("said {cite:p}`gowri2025extended`.", "said (Gowri et al., 2025)."),
        ("{term}`bits <bit>` of a {term}`signal`", "bits of a signal"),
        ("`x` and $a^{b}$ stay", "`x` and $a^{b}$ stay"),
        (
            ":::{dropdown} Hint\na\n\nb\n:::\nc",
            "<details><summary><b>Hint</b> (click to show)</summary>\n\na\n\nb\n\n</details>\nc",
        ),
    ],
)
def test_myst_is_said_in_plain_markdown(text, said):
    assert course.plain(text, SESSIONS[0], ROOT) == said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{doc}`../../book/law`", "is not a page with a title"),
        ("{eq}`noise-laws`", "unknown equation of the book 'noise-laws': did you mean 'noise-law'"),
        ("{cite:t}`kendiukhov`", "did you mean 'kendiukhov2026'"),
        ("{ref}`x`", "unknown role of the course, in session_1.md 'ref'"),
    ],
)
def test_what_cannot_be_said_in_plain_markdown_is_refused(text, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        course.plain(text, SESSIONS[0], ROOT)


def shown_by(*cells):
    """Return what a notebook shows that runs these cells one after the other, also after one that fails."""
    shell = InteractiveShell.instance()
    shell.run_cell("from helpers.book.course.check import check")
    with capture_output() as shown:
        for cell in cells:
            shell.run_cell(cell)
    return shown.stdout + shown.stderr


def test_a_notebook_shows_the_message_of_a_gap_and_no_traceback():
    shown = shown_by("check('1.1', ...)")
    assert "exercise 1.1 has no answer yet" in shown
    assert "Traceback" not in shown


def test_an_answer_is_judged_once_and_not_by_the_next_check():
    shown = shown_by("answer = 0.75", "check('1.1', answer)", "answer = 1 / 0", "check('1.2', answer)", "print(answer)")
    assert "Exercise 1.1: right." in shown
    assert "exercise 1.2 has no answer yet" in shown
    assert "Exercise 1.2" not in shown
    assert shown.endswith("Ellipsis\n")


def made_for_a_student(source, folder):
    target = folder / "mine.ipynb"
    done = CliRunner().invoke(app, ["student", source.stem, "--to", str(target)])
    assert done.exit_code == 0, done.output
    return target


@pytest.mark.parametrize(
    "source",
    [pytest.param(s, id=s.stem, marks=[pytest.mark.slow] * (s.stem != "session_1")) for s in SESSIONS],
)
def test_a_student_version_runs_to_its_first_gap(source, tmp_path):
    target = made_for_a_student(source, tmp_path)
    written = nbformat.read(target, as_version=4)
    for cell in cells(source, "solution"):
        for line in filter(None, cell.source.splitlines()[1:]):  # an empty line is everywhere
            assert line not in [text for c in written.cells for text in c.source.splitlines()], "a solution is left"
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        run_notebook(target, tmp_path / "run.ipynb")
    assert stopped.value.ename == "Gap"
    assert f"exercise {source.stem[-1]}.1 has no answer yet" in stopped.value.evalue


@pytest.mark.slow
@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_the_solutions_run_green_as_they_are_printed(source, tmp_path):
    run_notebook(source, tmp_path / "run.ipynb", timeout=60)
    notebook = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    said = "".join(o.get("text", "") for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    assert [line for line in said.splitlines() if line.startswith("Exercise")] == [
        f"Exercise {name}: right." for name in exercises().query(f"session == {source.stem[-1]}")["exercise"]
    ]


def test_the_book_names_only_exercises_there_are_and_the_instructor_places_each():
    names = set(answers())
    pages = {name: (ROOT / "book" / "course" / f"{name}.md").read_text("utf8") for name in ("index", "instructor")}
    for page in pages.values():
        assert set(re.findall(r"[Ee]xercise (\d+\.\d+)", page)) <= names
    guide = pages["instructor"]
    in_brackets = " ".join(re.findall(r"\(([^()]*\d\.\d[^()]*)\)", guide))
    assert set(re.findall(r"\b[1-4]\.\d+\b", in_brackets)) <= names
    placed = {}
    for session, timings in enumerate(guide.split("### Session ")[1:], 1):
        timings = timings.split("\n## ")[0]
        assert timings.startswith(f"{session}:")
        named = set(re.findall(r"\b[1-4]\.\d+\b", timings.partition("\n")[2]))
        assert named <= names
        placed[session] = {name for name in named if name.startswith(f"{session}.")}
        minutes = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+)–(\d+) \|", timings, re.MULTILINE)]
        assert [end for _, end in minutes][:-1] == [start for start, _ in minutes][1:]
        assert (minutes[0][0], minutes[-1][1]) == (0, 90)
    assert set().union(*placed.values()) == names, "every exercise is named in the timings of its session"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["session_11", "--to", "x.ipynb"], "did you mean 'session_1'"),
        (["analyses/shape", "--to", "x.ipynb"], "no cell tagged 'solution'"),
        (["session_1", "--to", "x.md"], "give the .ipynb file to write, such as session_1_student.ipynb"),
        (["session_1", "--to", "mine.ipynb"], "may hold somebody's answers"),
    ],
)
def test_no_student_version_is_written_where_it_should_not(words, told, tmp_path):
    (tmp_path / "mine.ipynb").write_text("answers")
    target = tmp_path / words[-1]
    done = CliRunner().invoke(app, ["student", *words[:-1], str(target)])
    assert isinstance(done.exception, ValueError)
    assert told in str(done.exception)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.ipynb"]
    assert (tmp_path / "mine.ipynb").read_text() == "answers"


def test_all_student_versions_are_written_and_none_is_written_over(tmp_path):
    folder = tmp_path / "student"
    runner = CliRunner()
    assert runner.invoke(app, ["student", "--to", str(folder)]).exit_code == 0
    written = sorted(folder.iterdir())
    assert [file.name for file in written] == [f"{source.stem}_student.ipynb" for source in SESSIONS]
    for file in written:
        nbformat.validate(nbformat.read(file, as_version=4))
    written[0].write_text("answers")
    written[1].unlink()
    again = runner.invoke(app, ["student", "--to", str(folder)])
    assert "left as it is" in again.output
    assert written[0].read_text() == "answers"
    assert written[1].exists()
    refused = runner.invoke(app, ["student", "--to", str(tmp_path / "all.ipynb")])
    assert "give a folder for all sessions" in str(refused.exception)


def test_what_binder_runs_writes_what_the_launch_links_open(tmp_path):
    """In a copy of the clone, without its installation: the lock and the package are those of this environment."""
    shutil.copytree(ROOT, tmp_path / "clone", ignore=shutil.ignore_patterns(*NOT_CLONED))
    clone = tmp_path / "clone"
    steps = (clone / "binder" / "postBuild").read_text().splitlines()
    assert [line for line in steps if not line.startswith("#")] == [
        "set -euo pipefail",
        "python -m pip install --quiet --no-deps -e .",
        "bash binder/notebooks",
    ]
    kept = clone / "notebooks" / "course" / "session_2.ipynb"
    kept.write_text("of an earlier run")
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(clone / "src")}
    sources = {file: file.read_bytes() for folder in ("book", "notebooks") for file in (clone / folder).rglob("*.md")}
    subprocess.run(["bash", "binder/notebooks"], cwd=clone, env=environment, check=True, timeout=300)
    assert [file for file, text in sources.items() if file.read_bytes() != text] == []
    assert kept.read_text() == "of an earlier run"
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [contents["root"], *(c["file"] for part in contents["parts"] for c in part["chapters"])]
    opened = [f for f in files if f.endswith(".ipynb")] + [f"student/{s.stem}_student.ipynb" for s in SESSIONS]
    assert [f for f in opened if not (clone / f).is_file()] == []
    assert nbformat.read(clone / "notebooks/course/session_1.ipynb", as_version=4).cells


def test_binder_has_the_lock():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "-r ../requirements.lock", "-r ../requirements-lab.lock",
    ]  # fmt: skip
    assert (ROOT / "binder" / "runtime.txt").read_text() == "python-3.11\n"


def test_charts_say_what_they_show():
    table = pd.DataFrame(list(itertools.product([1, 10], [0.1, 0.2])), columns=["x", "y"]).assign(pair="a")
    line = lesson_charts.lines(table, ("x", "cells"), ("y", "bias (bits)"), "pair", "Bias", "2 points", log=True)
    cloud = lesson_charts.clouds(table, "pair", "Two variables", "4 points")
    text = line.to_json()
    assert "bias (bits)" in text
    assert '"type": "log"' in text
    assert "Bias. 2 points. Lines: a." in text
    assert "Two variables. 4 points." in cloud.to_json()
