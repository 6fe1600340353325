"""One folder for a computer lab without internet: the packages as wheels, the built book, the student notebooks."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.book.course import install_lab, student

# What the sessions run in; versions are those of the locks.
PACKAGES = ("noise-scaling", "jupyterlab", "jupyterlab-myst", "ipykernel", "ipywidgets")
_SOURCE = ("pyproject.toml", "README.md", "LICENSE", "src")
_COURSE = ("_toc.yml", "config", "results/reference", "notebooks/course", "book/course")  # what a session reads from a clone
_GENERATED = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.ipynb", "rows")

README = """\
The course on noise scaling, without internet

1. Copy this folder to each computer. It needs Python {version} (made with {made_with}; an older
   one may be too old for some packages) and 3 GB; nothing is downloaded.
2. In the folder, once:        python{version} install.py        (Windows: py -{version} install.py)
3. To work, each time:         venv/bin/jupyter lab course/student
                               (Windows: venv\\Scripts\\jupyter lab course\\student)
4. The book, to read beside it: open book/index.html in a browser. The fields under its exercises need no Python.

wheels    the packages, for {platform}
book      the whole book; book/slides has the slides of each session
course    the student notebooks in student/, and the results that sessions 3 and 4 read
"""


def make(
    to: Path, root: Path, platforms: Sequence[str] = (), python_version: str | None = None, book: Path | None = None
) -> None:
    """Write the folder for a lab.

    Parameters
    ----------
    to
        Folder to write; it must not exist, or be empty.
    root
        The clone whose sessions, results and packages these are.
    platforms
        Of the computers in the lab, where they differ from this one, as pip names them: ``win_amd64``.
    python_version
        Of the lab, such as "3.12", where it differs from that of this environment.
    book
        The built book; ``_build/html`` of the clone if not given.

    Raises
    ------
    ValueError
        If the folder has content, the book is not built, or pip finds no wheels; nothing is left half written.
    """
    pages = book or root / "_build" / "html"
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ValueError(f"{to} is there already and not empty: name a new folder.")
    if not (pages / "index.html").exists():
        raise ValueError(f"the book is not built ({pages} has no index.html): run `noise-scaling book` first.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent) as temporary:
        made = Path(temporary) / "lab"
        _wheels(made / "wheels", root, platforms, python_version)
        shutil.copytree(pages, made / "book")
        _copy(_COURSE, root, made / "course")
        (made / "course" / "student").mkdir()
        for session in student.sessions(root):
            (made / "course" / "student" / student.student_name(session)).write_bytes(student.student_version(session))
        made_with = python_version or ".".join(map(str, sys.version_info[:3]))
        version = ".".join(made_with.split(".")[:2])
        (made / "python.txt").write_text(f"{made_with}\n", "utf8")
        (made / "packages.txt").write_text("\n".join(PACKAGES) + "\n", "utf8")
        shutil.copyfile(str(install_lab.__file__), made / "install.py")
        where = ", ".join(platforms) or "computers like the one that made this folder"
        (made / "README.txt").write_text(README.format(version=version, made_with=made_with, platform=where), "utf8")
        if to.exists():
            to.rmdir()
        made.rename(to)


def _copy(names: Sequence[str], root: Path, to: Path) -> None:
    """Copy files and folders of a clone to the same places in another folder, without what is generated."""
    for name in names:
        source, target = root / name, to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_GENERATED)
        else:
            shutil.copyfile(source, target)


def _wheels(to: Path, root: Path, platforms: Sequence[str], python_version: str | None) -> None:
    """Build the wheel of this project, and download those that it and JupyterLab need, in the locked versions."""
    pip = [sys.executable, "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as source:  # a build leaves files behind in its folder
        _copy(_SOURCE, root, Path(source))
        _run([*pip, "wheel", *quiet, "--no-deps", "--wheel-dir", str(to), source], "build the wheel of this project")
    elsewhere = [f"--platform={platform}" for platform in platforms]
    if python_version:
        elsewhere.append(f"--python-version={python_version}")
    if elsewhere:
        elsewhere.append("--only-binary=:all:")
    locks = [f"--constraint={root / name}" for name in ("requirements.lock", "requirements-lab.lock")]
    download = [*pip, "download", *quiet, "--dest", str(to), "--find-links", str(to), *locks, *elsewhere, *PACKAGES]
    _run(download, "download the packages")


def _run(command: list[str], purpose: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ValueError(f"pip could not {purpose}: {said[-1] if said else 'it said nothing'}")
