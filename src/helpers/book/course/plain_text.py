"""The course's text for a notebook that is opened without MyST: hints fold, and references say what they point at."""

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from helpers._utils.validation import choose

_DROPDOWN = re.compile(r"^:::\{dropdown\} ([^\n]+)\n(.*?)\n:::$", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r"\{(\w+(?::\w+)?)\}`([^`]+)`")
_TITLED = re.compile(r"^(.+?)\s*<.+>$")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_LABEL = re.compile(r"^:label: (\S+)$", re.MULTILINE)


def plain(text: str, source: Path, root: Path) -> str:
    """Return the Markdown of a cell without what only MyST knows.

    Parameters
    ----------
    text : Markdown of a cell
    source : file of the notebook, from which it names other pages
    root : folder of the clone

    Raises
    ------
    ValueError
        For a role that has no plain form, or a page, an equation or a reference that is not in the book.

    Examples
    --------
    >>> print(plain(":::{dropdown} Hint\\nIt is {term}`bits <bit>`.\\n:::", Path("session_1.md"), Path()))
    <details><summary>Hint</summary>
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

    def said(found: re.Match[str]) -> str:
        role, target = found.groups()
        return roles[choose(role, roles, f"role of the course, in {source.name}")](target)

    folded = _DROPDOWN.sub(r"<details><summary>\1</summary>\n\n\2\n\n</details>", text)
    return _ROLE.sub(said, folded)


def _title(target: str) -> str | None:
    found = _TITLED.match(target)
    return found[1] if found else None


def _page(target: str, folder: Path) -> str:
    """Return a page of the book by its title: a student's notebook may lie anywhere, so a link would lead nowhere."""
    if title := _title(target):
        return f"*{title}*"
    page = (folder / target).with_suffix(".md")
    heading = _HEADING.search(page.read_text("utf8")) if page.is_file() else None
    if heading is None:
        raise ValueError(f"{page} is no page with a title: mend the reference {target!r}.")
    return f"the page *{heading[1]}*"


def _equation(label: str, root: Path) -> str:
    """Return an equation by what it is called: its number is known only to the built book."""
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
    several = " and ".join(last) if len(last) < 3 else f"{last[0]} et al."
    return several, entry.fields["year"]


@cache
def _references(root: Path) -> Any:
    from pybtex.database import parse_file

    return parse_file(str(root / "book" / "references.bib")).entries
