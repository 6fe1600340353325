"""The folder for a lab without internet, and the other places that the course runs in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.book.course import install_lab, lab_folder, student
from helpers.store.paths import project_root

ROOT = Path(__file__).parents[1]


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "html"
    folder.mkdir()
    (folder / "index.html").write_text("the book")
    return folder


@pytest.fixture
def calls(monkeypatch):
    """The commands of pip, which are noted and not run: they need a registry."""
    noted = []

    def run(command, purpose):
        noted.append(command)
        if "wheel" in command:
            folder = Path(command[command.index("--wheel-dir") + 1])
            folder.mkdir(parents=True)
            (folder / "noise_scaling-0.1.0-py3-none-any.whl").touch()
            source = Path(command[-1])
            assert (source / "pyproject.toml").exists()
            assert (source / "src/helpers/book/course/lab_folder.py").exists()

    monkeypatch.setattr(lab_folder, "_run", run)
    return noted


def test_the_folder_has_all_that_a_lab_needs(tmp_path, pages, calls):
    lab_folder.make(tmp_path / "lab", ROOT, book=pages)
    lab = tmp_path / "lab"
    expected = ["README.txt", "book", "course", "install.py", "packages.txt", "python.txt", "wheels"]
    assert sorted(file.name for file in lab.iterdir()) == expected
    assert (lab / "book/index.html").read_text() == "the book"
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (lab / "python.txt").read_text() == f"{here}.{sys.version_info[2]}\n"
    assert f"python{here} install.py" in (lab / "README.txt").read_text()
    notebooks = sorted((lab / "course/student").iterdir())
    assert [file.name for file in notebooks] == [student.student_name(s) for s in student.sessions(ROOT)]
    for file in notebooks:
        nbformat.validate(nbformat.read(file, as_version=4))
    assert project_root(lab / "course/student") == lab / "course", "a session finds its results"
    assert (lab / "course/results/reference/measured.parquet").exists()
    assert not [file for file in lab.rglob("*.ipynb") if file.parent.name != "student"], "no solved notebook"
    read = (
        "from helpers.book.course import cases, judging; from helpers.store.paths import project_root; "
        "cases.three_noises(); judging.genes_chosen_once(); judging.trained_and_untrained(); print(project_root())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    where = {"cwd": lab / "course/student", "env": environment}
    done = subprocess.run([sys.executable, "-c", read], **where, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == str(lab / "course"), "sessions 3 and 4 read what is in the folder, not a clone"
    assert (lab / "packages.txt").read_text().split() == list(lab_folder.PACKAGES)
    download = calls[1]
    assert [part for part in download if part.startswith("--constraint")] == [
        f"--constraint={ROOT / 'requirements.lock'}", f"--constraint={ROOT / 'requirements-lab.lock'}",
    ]  # fmt: skip
    assert "--only-binary=:all:" not in download


def test_another_kind_of_computer_is_asked_for_by_name(tmp_path, pages, calls):
    lab_folder.make(tmp_path / "lab", ROOT, ["win_amd64"], "3.12", book=pages)
    assert {"--platform=win_amd64", "--python-version=3.12", "--only-binary=:all:"} <= set(calls[1])
    assert (tmp_path / "lab/python.txt").read_text() == "3.12\n"
    assert "win_amd64" in (tmp_path / "lab/README.txt").read_text()


def test_nothing_is_written_over_and_nothing_is_left_half_written(tmp_path, pages, monkeypatch):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").touch()
    with pytest.raises(ValueError, match="not empty: name a new folder"):
        lab_folder.make(full, ROOT, book=pages)
    with pytest.raises(ValueError, match="run `noise-scaling book` first"):
        lab_folder.make(tmp_path / "lab", ROOT, book=tmp_path / "no_book")
    monkeypatch.setattr(lab_folder, "PACKAGES", ("no-such-package-0",))
    monkeypatch.setattr(lab_folder, "_SOURCE", ("LICENSE",))  # cannot be built
    with pytest.raises(ValueError, match="pip could not build the wheel of this project: "):
        lab_folder.make(tmp_path / "lab", ROOT, book=pages)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["full", "html"]


def test_another_python_is_refused_before_anything_is_installed(tmp_path):
    (tmp_path / "install.py").write_text(Path(install_lab.__file__).read_text())
    (tmp_path / "python.txt").write_text("3.9\n")
    done = subprocess.run([sys.executable, tmp_path / "install.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "The wheels are for Python 3.9" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_container_runs_commands_that_are_there():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    target, _, rest = container["postCreateCommand"].partition(" && ")
    assert f"{target.removeprefix('make ')}:" in (ROOT / "Makefile").read_text()
    assert rest.endswith("bash binder/notebooks")
    assert (ROOT / "binder/notebooks").exists()
    assert "3.11" in container["image"]


def test_the_page_of_the_course_names_the_wheel_that_is_built():
    version = next(
        line.split('"')[1] for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version")
    )
    text = (ROOT / "book/course/index.md").read_text("utf8")
    assert f"/v{version}/noise_scaling-{version}-py3-none-any.whl" in text
