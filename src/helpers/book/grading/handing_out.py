"""Write the notebooks that students get: one, all sessions, or one for each name of a class."""

from collections.abc import Iterator
from pathlib import Path

from helpers._utils.content import write_whole
from helpers.book.course import student as course
from helpers.book.grading.exports import export
from helpers.book.grading.marks import read_names
from helpers.book.run import find_notebook
from helpers.store.paths import project_root


def write_one(notebook: str, to: Path, name: str = "") -> None:
    """Write the student version of one session; a file that is there is never written over."""
    source = find_notebook(notebook, project_root())
    if to.suffix != ".ipynb":
        example = course.student_name(source, name)
        raise ValueError(f"--to is {to}: give the .ipynb file to write, such as {example}.")
    if to.exists():
        raise ValueError(f"--to is {to}, which is there already and may hold somebody's answers: name another file.")
    write_whole(to, course.student_version(source, name))


def write_all(notebook: str | None, to: Path, name: str, names: Path | None) -> Iterator[str]:
    """Write sessions for names into a folder, and yield a line about each; what is there is left as it is."""
    if to.suffix or to.is_file():
        raise ValueError(f"--to is {to}: give a folder for all sessions, such as student, or name one of them.")
    root = project_root()
    sources = course.sessions(root) if notebook is None else [find_notebook(notebook, root)]
    for student in read_names(names) if names else [name]:
        for source in sources:
            target = to / course.student_name(source, student)
            if target.exists():
                yield f"{target} is there already, with what was written into it: left as it is."
            else:
                write_whole(target, course.student_version(source, student))
                yield str(target)


def write_for(grader: str, notebook: str | None, to: Path, name: str = "") -> list[Path]:
    """Write one session for a grader of notebooks into a folder, and return the files."""
    if notebook is None:
        raise ValueError(f"--as {grader}: name the session as well, such as session_1.")
    return export(find_notebook(notebook, project_root()), to, grader, name)
