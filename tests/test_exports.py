"""A session for otter-grader and nbgrader: what they get is valid, and otter marks as this project does."""

import gc
import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from helpers.book.cli import app
from helpers.book.course.check import answers, assert_right
from helpers.book.course.student import levels, sections
from helpers.book.grading.exports import export

SESSION = Path(__file__).parents[1] / "notebooks" / "course" / "session_1.md"
OTTER = importlib.util.find_spec("otter") is not None
NBGRADER = importlib.util.find_spec("nbgrader") is not None


def answered(notebook, solutions):
    """Return a notebook with code in the answer cells of these exercises."""
    for exercise, cell, _ in sections(notebook.cells):
        if cell.cell_type == "code" and "answer = ..." in cell.source and exercise in solutions:
            cell.source = solutions[exercise]
    return notebook


def test_otter_gets_a_test_for_each_exercise_and_each_answer_names_its_own(tmp_path):
    export(SESSION, tmp_path, "otter")
    notebook = nbformat.read(tmp_path / "session_1_student.ipynb", as_version=4)
    nbformat.validate(notebook)
    named = [cell.metadata.otter.tests for cell in notebook.cells if "otter" in cell.metadata]
    assert named == [[f"q{name.replace('.', '_')}"] for name in levels(SESSION)]
    assert all((tmp_path / "tests" / f"{test}.py").is_file() for (test,) in named)
    assert "answer = 12" not in nbformat.writes(notebook)


@pytest.mark.skipif(not OTTER, reason="otter-grader is not installed: pip install otter-grader, in another environment")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of otter's own code, which leaves a socket open as well
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_otter_marks_as_this_project_does(tmp_path, monkeypatch):
    from otter.execute import grade_notebook

    export(SESSION, tmp_path, "otter")
    monkeypatch.chdir(tmp_path)  # otter writes a log where it runs
    file = tmp_path / "session_1_student.ipynb"
    solutions = {
        "1.1": "answer = 12 * 500 / 8000",
        "1.2": "answer = 46.1",
        "1.3": "answer = 1 / 0",
        "1.5": "answer = -0.5 * np.log2(1 - 0.9**2)",
        "1.6": "answer = (100**2, 0.0)",
    }
    nbformat.write(answered(nbformat.read(file, as_version=4), solutions), file)
    tests = sorted(map(str, (tmp_path / "tests").glob("*.py")))
    results = grade_notebook(str(file), tests_glob=tests, test_dir=str(tmp_path / "tests"), cwd=str(tmp_path))
    scores = {name: results.get_score(name) for name in (Path(test).stem for test in tests)}
    assert scores == {
        "q1_1": 0.5, "q1_2": 0, "q1_3": 0, "q1_4": 0, "q1_5": 1.0, "q1_6": 1.0, "q1_7": 0, "q1_8": 0,
        "q1_9": 0,
    }  # fmt: skip
    gc.collect()  # while the warning is looked for
    assert results.possible == sum(levels(SESSION).values()) / 2


def test_nbgrader_gets_solutions_hidden_tests_and_reasons_to_be_marked_by_hand(tmp_path):
    (file,) = export(SESSION, tmp_path, "nbgrader", "Ada Lovelace")
    assert file == tmp_path / "source" / "session_1" / "session_1.ipynb"
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    about = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    for name, level in levels(SESSION).items():
        answer, check, why = (about[f"{kind}-{name.replace('.', '-')}"] for kind in ("answer", "check", "why"))
        assert "### BEGIN SOLUTION\n" in answer.source
        assert answer.source.endswith("### END SOLUTION")
        assert check.metadata.nbgrader.points == why.metadata.nbgrader.points == level / 2
        assert f'assert_right("{name}", answer)' in check.source
        assert why.cell_type == "markdown"
    assert len(about) == 3 * len(levels(SESSION))


@pytest.mark.skipif(not NBGRADER, reason="nbgrader is not installed: pip install nbgrader, in another environment")
def test_nbgrader_takes_its_cells_and_blanks_the_solutions(tmp_path):
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

    (file,) = export(SESSION, tmp_path, "nbgrader")
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        MetadataValidator().validate_cell(cell)
    for step in (ClearSolutions(), ClearHiddenTests()):
        notebook, _ = step.preprocess(notebook, {"nbgrader": {}})
    text = json.dumps(notebook)
    assert "12 * 500 / 8000" not in text
    assert "assert_right" not in text
    assert text.count("YOUR CODE HERE") == len(levels(SESSION))


def test_a_right_answer_is_asserted_and_a_wrong_or_blank_one_says_what_is_off():
    assert_right("1.1", answers()["1.1"].known("")[0])
    with pytest.raises(AssertionError, match=r"1\.1: not yet: it has no answer yet"):
        assert_right("1.1", ...)
    with pytest.raises(ValueError, match=r"did you mean '1\.1'"):
        assert_right("1.1 ", 1)


def test_a_grader_is_asked_for_by_its_name(tmp_path):
    words = ["student", "session_1", "--to", str(tmp_path / "out"), "--as"]
    done = CliRunner().invoke(app, [*words, "oter"])
    assert "did you mean 'otter'" in str(done.exception)
    assert CliRunner().invoke(app, [*words, "otter"]).exit_code == 0
    assert "there already" in str(CliRunner().invoke(app, [*words, "otter"]).exception)
    alone = CliRunner().invoke(app, ["student", "--to", str(tmp_path / "all"), "--as", "otter"])
    assert "name the session" in str(alone.exception)
