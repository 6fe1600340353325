"""Student versions of the course: solutions are blank, and the text needs no MyST."""

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from helpers._utils.validation import choose
from helpers.book.course import own
from helpers.book.course.check import answers
from helpers.store.paths import project_root

SOLUTION = "solution"  # tag of the cells that a student version leaves blank
DROPDOWN = re.compile(r"^:::\{dropdown\} ([^\n]+)\n(.*?)\n:::$", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r"\{(\w+(?::\w+)?)\}`([^`]+)`")
_TITLED = re.compile(r"^(.+?)\s*<.+>$")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_LABEL = re.compile(r"^:label: (\S+)$", re.MULTILINE)
_SECTIONS = re.compile(r"^(?=#+ )", re.MULTILINE)
_EXERCISE = re.compile(r"#+ Exercise (\d+\.\d+)(?: \(level ([123])\))?")
CHECK = re.compile(r"""^check\(["'](\d+\.\d+)["'], answer\)""", re.MULTILINE)
METADATA = "noise_scaling"  # of a notebook: its session, and the student whose numbers it has
WHY = re.compile(r"\s*\*\*Why (\d+\.\d+)\?\*\*\s*(.*)\Z", re.DOTALL)
WHY_HERE = "*Two sentences: why is it so, or what was wrong with your first attempt? Write them here.*"


def sessions(root: Path) -> list[Path]:
    """Return the source of every session of the course.

    >>> sessions(project_root())[0].name
    'session_1.md'
    """
    return sorted((root / "notebooks" / "course").glob("session_*.md"))


def student_name(source: Path, name: str = "") -> str:
    """Return the file name of a student version.

    >>> student_name(Path("session_1.md")), student_name(Path("session_1.md"), "Ada Lovelace")
    ('session_1_student.ipynb', 'session_1_ada_lovelace.ipynb')
    """
    plain_letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = "_".join(own.spelling(plain_letters or name).split())
    return f"{source.stem}_{slug or 'student'}.ipynb"


def levels(source: Path) -> dict[str, int]:
    """Return the exercises of a session, and the level of each.

    >>> levels(project_root() / "notebooks/course/session_1.md")["1.8"]
    3
    """
    return {name: int(level) for name, level in _EXERCISE.findall(source.read_text("utf8"))}


def student_version(source: Path, name: str = "") -> bytes:
    """Return the content of the student version of a session, the ``.md`` file of a notebook, as it is now.

    With a name, the exercises have that student's numbers, and the notebook carries the name.
    """
    import nbformat

    return f"{nbformat.writes(student_notebook(source, name))}\n".encode()


def student_notebook(source: Path, name: str = "") -> Any:
    """Return the student version as a notebook."""
    import jupytext

    notebook = blank(with_numbers(jupytext.read(source), name))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, source, project_root(source.parent))
    notebook.cells = list(_with_reasons(notebook.cells))
    notebook.metadata[METADATA] = {"session": source.stem, "student": name}
    return notebook


def with_numbers(notebook: Any, name: str) -> Any:
    """Return a copy of a session in which text, given code and solutions have a student's numbers.

    Its second code cell, after the imports, says whose they are; without a name nothing changes.
    """
    from nbformat import v4

    out = copy.deepcopy(notebook)
    if not name:
        return out
    if not own.spelling(name):
        raise ValueError(f"name is {name!r}: give the student's name as text, with letters in it.")
    for exercise, cell, section in sections(out.cells):
        known = answers().get(exercise)
        if known is not None and not known.drawn:
            mine = own.in_text(section, known.numbers(""), known.numbers(name))
            cell.source = cell.source.replace(section, mine) if section else cell.source
    first = next(i for i, cell in enumerate(out.cells) if cell.cell_type == "code")
    code = f"from helpers.book.course import own\n\nown.use({name!r})"
    out.cells.insert(first + 1, v4.new_code_cell(code))
    return out


def sections(cells: list[Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield each part of a notebook's cells: the exercise that it belongs to, if any, its cell and its text.

    An exercise goes from its heading to the next heading; a cell of text may hold several headings.
    """
    exercise = ""
    for cell in cells:
        if cell.cell_type != "markdown":
            yield exercise, cell, cell.source
            continue
        for section in _SECTIONS.split(cell.source):
            if section.startswith("#"):
                heading = _EXERCISE.match(section)
                exercise = heading[1] if heading else ""
            yield exercise, cell, section


def _with_reasons(cells: list[Any]) -> Iterator[Any]:
    """Yield cells, and after each check one of text for the reasoning, which no check can see."""
    from nbformat import v4

    for cell in cells:
        yield cell
        if cell.cell_type == "code" and (checked := CHECK.search(cell.source)):
            reason = v4.new_markdown_cell(f"**Why {checked[1]}?** {WHY_HERE}")
            reason.id = f"why-{checked[1].replace('.', '-')}"
            yield reason


def blank(notebook: Any) -> Any:
    """Return a copy of a notebook in which solutions are blank and outputs are dropped.

    A cell tagged ``solution`` keeps its first line if that is a comment, and ``answer = ...``; there must be one.

    >>> from nbformat import v4
    >>> cell = v4.new_code_cell("# how many bits?\\nanswer = 1 + 1", metadata={"tags": ["solution", "hide-input"]})
    >>> print(blank(v4.new_notebook(cells=[cell])).cells[0].source)
    # how many bits?
    answer = ...
    """
    out = copy.deepcopy(notebook)
    out.metadata.pop("jupytext", None)  # nothing to keep in step with
    out.nbformat_minor = max(5, out.nbformat_minor)  # from which on cells have an id
    for number, cell in enumerate(out.cells):
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    solutions = [cell for cell in out.cells if SOLUTION in cell.metadata.get("tags", [])]
    for cell in solutions:
        first = cell.source.strip().partition("\n")[0]
        cell.source = f"{first}\nanswer = ..." if first.startswith("#") else "answer = ..."
        cell.metadata["tags"] = [tag for tag in cell.metadata["tags"] if tag not in (SOLUTION, "hide-input")]
    if not solutions:
        raise ValueError("the notebook has no cell tagged 'solution': give one of the course, such as session_1.")
    return out


def plain(text: str, source: Path, root: Path) -> str:
    """Return the Markdown of a cell of ``source`` without what only MyST knows: hints fold, references say their target.

    A role without a plain form, or a page, an equation or a reference that is not in the book, raises ``ValueError``.

    >>> print(plain(":::{dropdown} Hint\\nIt is {term}`bits <bit>`.\\n:::", Path("session_1.md"), Path()))
    <details><summary><b>Hint</b> (click to show)</summary>
    <BLANKLINE>
    It is bits.
    <BLANKLINE>
    </details>
    """
    roles: dict[str, Callable[[str], str]] = {
        "doc": partial(_page, folder=source.parent),
        "eq": partial(_equation, root=root),
        "term": lambda target: _title(target) or target,
        "cite:t": lambda key: "{} ({})".format(*_reference(key, root)),
        "cite:p": lambda key: "({}, {})".format(*_reference(key, root)),
    }

    def in_words(match: re.Match[str]) -> str:
        role, target = match.groups()
        return roles[choose(role, roles, f"role of the course, in {source.name}")](target)

    # The words, because JupyterLab draws no triangle beside a summary.
    folded = DROPDOWN.sub(r"<details><summary><b>\1</b> (click to show)</summary>\n\n\2\n\n</details>", text)
    return _ROLE.sub(in_words, folded)


def _title(target: str) -> str | None:
    match = _TITLED.match(target)
    return match[1] if match else None


def _page(target: str, folder: Path) -> str:
    """Return a page of the book by its title: a student's notebook may lie anywhere, so a link would lead nowhere."""
    if title := _title(target):
        return f"*{title}*"
    page = (folder / target).with_suffix(".md")
    heading = _HEADING.search(page.read_text("utf8")) if page.is_file() else None
    if heading is None:
        raise ValueError(f"{page} is not a page with a title: correct the reference {target!r}.")
    return f"the page *{heading[1]}*"


def _equation(label: str, root: Path) -> str:
    """Return an equation by its label in words: its number is known only to the built book."""
    return f"equation *{choose(label, _labels(root), 'equation of the book').replace('-', ' ')}* of the book"


@cache
def _labels(root: Path) -> list[str]:
    pages = sorted((root / "book").glob("*.md"))
    return [label for page in pages for label in _LABEL.findall(page.read_text("utf8"))]


def _reference(key: str, root: Path) -> tuple[str, str]:
    """Return the authors and the year of a reference."""
    known = _references(root)
    entry = known[choose(key, known, "reference of the book")]
    last = [" ".join(person.last_names) for person in entry.persons["author"]]
    return " and ".join(last) if len(last) < 3 else f"{last[0]} et al.", entry.fields["year"]


@cache
def _references(root: Path) -> Any:
    from pybtex.database import parse_file

    return parse_file(str(root / "book" / "references.bib")).entries
