"""Slides of a session, from the session itself: one figure or question a slide, the rest of its text as notes."""

import base64
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.book.course import student
from helpers.charts.drawn import MIME, PICTURE
from helpers.store.paths import project_root

_LEFT_OUT = ("How to work with this notebook", "A check with a known answer", "Your own numbers")
_HINT = re.compile(r"^:::\{dropdown\} Hint\n(.*?)\n:::$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)\n?")
_FORMULA = re.compile(r"^\$\$\n.*?\n\$\$$", re.MULTILINE | re.DOTALL)
_FRACTION = re.compile(r"\\([td]?frac)(\d)(\d)")
_ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)
_OF_A_KERNEL = re.compile(r"^In a running notebook[^\n]*\n?", re.MULTILINE)


@dataclass
class Slide:
    """One slide; body and notes are HTML."""

    title: str
    body: str = ""
    notes: list[str] = field(default_factory=list)
    kind: str = "text"
    exercise: str = ""


def as_html(text: str) -> str:
    r"""Return Markdown as HTML; formulas become MathML, which a browser draws without a script.

    >>> "<mfrac" in as_html(r"$\tfrac12$")
    True
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def formula(tex: str, options: dict[str, Any]) -> str:
        from docutils.utils.math.latex2mathml import tex2mathml

        # Its parser takes a fraction without braces for one of a larger number.
        braced = _FRACTION.sub(r"\\\1{\2}{\3}", tex.strip().removesuffix(".").strip())
        return str(tex2mathml(braced, as_block=bool(options.get("display_mode"))))

    reader = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=formula)
    return str(reader.render(text))


def slides(source: Path, notebook: Path | None = None) -> list[Slide]:
    """Return the slides of a session, ``session_1.md``; figures come from the executed notebook beside it.

    >>> [slide.kind for slide in slides(student.sessions(project_root())[0])][:3]
    ['title', 'text', 'question']
    """
    import jupytext
    import nbformat

    executed = notebook if notebook and notebook.exists() else None
    cells = (nbformat.read(executed, as_version=4) if executed else jupytext.read(source)).cells
    root = project_root(source.parent)
    made: list[Slide] = []
    for exercise, cell, text in student.sections(cells):
        if cell.cell_type == "code":
            _add_code(made, exercise, cell)
        elif text.strip():
            _add_text(made, exercise, _OF_A_KERNEL.sub("", text), lambda t: as_html(student.plain(t, source, root)))
    shown = [slide for slide in made if slide.title not in _LEFT_OUT]
    _add_plan(shown, source.stem[-1], (root / "book/course/instructor.md").read_text("utf8"))
    return shown


def _add_text(made: list[Slide], exercise: str, text: str, rendered: Any) -> None:
    """Begin a slide at a heading; text without one belongs to the notes of the slide before it."""
    heading = _HEADING.match(text)
    if heading is None:
        question = next((slide for slide in reversed(made) if exercise and slide.exercise == exercise), None)
        if question and (hint := _HINT.search(text)):  # below given code
            question.body += _folded_hint(rendered(hint[1]))
            text = _HINT.sub("", text)
        if made and text.strip():
            made[-1].notes.append(rendered(text))
        return
    rest = text[heading.end() :].strip()
    kind = "question" if exercise else "title" if heading[1] == "#" else "text"
    slide = Slide(heading[2].partition(" (level")[0], kind=kind, exercise=exercise)
    folded = student.DROPDOWN.findall(rest)
    asked = student.DROPDOWN.sub("", rest).strip()
    if exercise:
        slide.body = rendered(asked)
        for name, inside in folded:
            if name == "Hint":
                slide.body += _folded_hint(rendered(inside))
    elif asked.startswith(("- ", "1. ")):
        slide.body = rendered(asked)
    else:
        first, _, _ = asked.partition("\n")
        formulas = "\n\n".join(_FORMULA.findall(asked))
        slide.body = rendered(f"{'' if first == '$$' else first}\n\n{formulas}")
        slide.notes.append(rendered(asked))
    slide.notes += [f"<h4>{html.escape(name)}</h4>{rendered(inside)}" for name, inside in folded if name != "Hint"]
    made.append(slide)


def _folded_hint(inside: str) -> str:
    return f"<details><summary>Hint</summary>{inside}</details>"


def _add_code(made: list[Slide], exercise: str, cell: Any) -> None:
    """Give each figure and table a slide of its own, and each question its solution, in the notes."""
    if not made:
        return
    code = f"<pre>{html.escape(cell.source)}</pre>"
    if student.SOLUTION in cell.metadata.get("tags", []):
        made[-1].notes.insert(0, f"<h4>Solution</h4>{code}")
        return
    if "live.twin(" in cell.source or cell.source.startswith("check("):
        return
    if exercise and made[-1].exercise == exercise and not made[-1].notes:  # given before the solution
        made[-1].body += code
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if MIME in data and PICTURE in data:
            made.append(_figure(data, _section(made)))
        elif "text/html" in data:
            table = f'<div class="table">{_text(data["text/html"])}</div>'
            if exercise and made[-1].exercise == exercise:
                made[-1].body += table
            else:
                made.append(Slide(_section(made), table, kind="figure"))


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _section(made: list[Slide]) -> str:
    """Return the heading that a figure stands under."""
    return next(slide.title for slide in reversed(made) if slide.kind in ("text", "title"))


def _figure(data: dict[str, Any], section: str) -> Slide:
    spec = data[MIME] if isinstance(data[MIME], dict) else json.loads(_text(data[MIME]))
    title = spec.get("title", "")
    words = title.get("text", "") if isinstance(title, dict) else title
    picture = base64.b64encode(_text(data[PICTURE]).encode()).decode()
    alt = html.escape(str(spec.get("description", words)), quote=True)
    image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{picture}">'
    named = " ".join(words) if isinstance(words, list) else words
    return Slide(named if " " in named else section, image, kind="figure")  # one word is the class of a law


def _add_plan(made: list[Slide], session: str, guide: str) -> None:
    """Put the minutes of the instructor's guide into the notes, and what students say about an exercise."""
    timings = guide.split(f"### Session {session}:")[1].partition("\n#")[0]
    plan = _ROW.findall(timings)[1:]
    said = [row for row in _ROW.findall(guide.split("## Misconceptions")[1].partition("\n## ")[0]) if "“" in row[0] or '"' in row[0]]
    for slide in made:
        if slide.kind == "title":
            slide.notes += [as_html(f"| minutes | what |\n|---|---|\n{''.join(f'| {a} | {b} |{chr(10)}' for a, b in plan)}")]
        if not slide.exercise:
            continue
        named = re.compile(rf"(?<![\d.]){re.escape(slide.exercise)}(?!\d)")
        slide.notes += [f"<p><b>Minutes {a}:</b> {as_inline(b)}</p>" for a, b in plan if named.search(b)]
        slide.notes += [f"<p><b>They say</b> {as_inline(a)} {as_inline(b)}</p>" for a, b in said if named.search(b)]


def as_inline(text: str) -> str:
    """Return one line of Markdown as HTML without a paragraph around it; references by their last word.

    >>> as_inline("*half* ({doc}`../theory`)")
    '<em>half</em> (theory)'
    """
    named = re.sub(r"\{[\w:]+\}`(?:[^`]*/)?([^`]+)`", r"\1", text)
    return as_html(named).strip().removeprefix("<p>").removesuffix("</p>")


def deck(source: Path, notebook: Path | None = None) -> str:
    """Return the slides of a session as one HTML file that needs nothing else: no network, no other file."""
    static = project_root(source.parent) / "book" / "_static"
    made = slides(source, notebook)
    title = html.escape(made[0].title)
    parts = [
        f'<section class="{slide.kind}" id="slide-{number}" aria-label="Slide {number} of {len(made)}">'
        f"<div><h2>{as_inline(slide.title)}</h2>{slide.body}</div>"
        f'<aside aria-label="Notes">{"".join(slide.notes)}</aside></section>'
        for number, slide in enumerate(made, 1)
    ]
    style, script = ((static / name).read_text("utf8") for name in ("slides.css", "slides.js"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Slides: {title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main>{''.join(parts)}</main><script>{script}</script></body></html>"
    )


def write_decks(app: Any, exception: Exception | None) -> None:
    """Write the slides of every session beside the pages of the book."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "slides"
    folder.mkdir(exist_ok=True)
    for source in student.sessions(Path(app.srcdir)):
        (folder / f"{source.stem}.html").write_text(deck(source, source.with_suffix(".ipynb")), encoding="utf8")
