"""Sphinx: pages of the course answer without a kernel, keep solutions behind their own label, and give no copy away."""

import base64
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from helpers.book.course import answer, check, fields, slides, student
from helpers.book.run import declared_parameters
from helpers.charts import classroom

_PREDICT = re.compile(r"^live\.predict\(", re.MULTILINE)
_TWIN = re.compile(r"^live\.twin\(", re.MULTILINE)


def session_of(docname: str, root: Path) -> Path | None:
    """Return the source of a page if it is a session of the course."""
    source = root / f"{docname}.md"
    return source if source in student.sessions(root) else None


def _raw(text: str) -> nodes.Node:
    return nodes.raw("", text, format="html")


def _code_cells(doctree: nodes.document) -> Iterator[nodes.container]:
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") == "cell_code":
            yield cell


def _source(cell: nodes.container) -> str:
    return "\n".join(code.astext() for code in cell.findall(nodes.literal_block))


def prepare_session(app: Any, doctree: nodes.document) -> None:
    """Put a field before each solution of a session, which answers as ``check`` does, and leave the check itself out.

    What the cells of the solution and of the check printed goes with them: it is about the author's answer.
    """
    source = session_of(app.env.docname, Path(app.srcdir))
    if source is None:
        return
    for module in Path(answer.__file__).parent.glob("*.py"):  # replies change with any of them
        app.env.note_dependency(str(module))
    app.env.metadata[app.env.docname]["course"] = "session"
    solution: nodes.container | None = None
    for cell in _code_cells(doctree):
        if f"tag_{student.SOLUTION}" in cell["classes"]:
            solution = cell
        elif solution is not None and (checked := student.CHECK.search(_source(cell))):
            field = _raw(answer_field(checked[1], _wanted(_source(solution))))
            _fold(solution, checked[1])
            solution.parent.insert(solution.parent.index(solution), field)
            cell.parent.remove(cell)
            solution = None
        elif _PREDICT.search(_source(cell)):
            cell.children = [_raw(drawing_field(source))]
        elif _TWIN.search(_source(cell)):
            _leave_out(cell)


def _leave_out(cell: nodes.container) -> None:
    """Remove controls that need a kernel, and the paragraph that introduces them."""
    at = cell.parent.index(cell)
    introduction = cell.parent[at - 1]
    if isinstance(introduction, nodes.paragraph) and introduction.astext().startswith("In a running notebook"):
        cell.parent.remove(introduction)
    cell.parent.remove(cell)


def _wanted(solution: str) -> str:
    """Return what the first line of a solution says is wanted."""
    first = solution.strip().partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else "your answer"


def _fold(solution: nodes.container, exercise: str) -> None:
    """Hide a solution and what it printed behind its own label."""
    solution.attributes.pop("hide_mode", None)
    of_which = f'<span class="visually-hidden"> to exercise {exercise}</span>'
    solution.insert(0, _raw(f'<details class="course-solution"><summary>Solution{of_which}</summary>'))
    solution.append(_raw("</details>"))


def answer_field(exercise: str, wanted: str) -> str:
    """Return the answer field of an exercise, which its script shows and fills with one input for each part."""
    known = check.answers()[exercise]
    label = html.escape(f"{wanted[:1].upper() if wanted[:1].isascii() else wanted[:1]}{wanted[1:]}")
    unit = html.escape(known.unit, quote=True)
    return (
        f'<form class="course-field" data-exercise="{exercise}" data-unit="{unit}" hidden '
        f'data-replies="{fields.field_data(exercise, known)}"><p class="course-wanted">{label}</p></form>'
    )


def drawing_field(source: Path) -> str:
    """Return the drawing field of the questions of ``classroom.predict``, with the parameters of the session."""
    given = declared_parameters(source)
    asked = [
        {"name": name, "known": vars(q.known), "truth": vars(q.truth), "seen": min(q.seen_to, 1e9)}
        for name, q in classroom.questions(given["i_max"], given["u_bar"]).items()
    ]
    return f'<div class="course-drawing" data-asked="{fields.mask(json.dumps(asked), "drawing")}"></div>'


def _progress(source: Path, clear: bool) -> str:
    """Return the line that says how many exercises of a session are right in this browser."""
    button = ' data-clear="yes"' if clear else ""
    return f'<span class="course-progress" data-exercises="{" ".join(student.levels(source))}"{button}></span>'


def student_link(env: Any, source: Path) -> nodes.Node:
    """Return a link that saves the student version, which is in the page itself.

    From a book opened as a file, browsers show a linked notebook as text and do not save it.
    """
    for needed in (source, Path(student.__file__)):
        env.note_dependency(str(needed))
    content = base64.b64encode(student.student_version(source)).decode()
    name = html.escape(student.student_name(source), quote=True)
    label = f'aria-label="student version, {name}" title="{name}"'
    href = f"data:application/x-ipynb+json;base64,{content}"
    return _raw(f'<a class="reference download student-version" download="{name}" {label} href="{href}">student version</a>')


class _OfSession(SphinxRole):
    """A role that takes the name of a session, such as ``session_1``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return what the role stands for, or the text itself with an error if there is no such session."""
        known = {source.stem: source for source in student.sessions(Path(self.env.srcdir))}
        if self.text not in known:
            message = f"unknown session {self.text!r}: it is one of {', '.join(known)}."
            error = self.inliner.reporter.error(message, line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, error)], [error]
        return [self.node(known[self.text])], []

    def node(self, source: Path) -> nodes.Node:
        """Return the node of a session."""
        raise NotImplementedError


class Student(_OfSession):
    """Role ``{student}``: a download link to the student version of a session."""

    def node(self, source: Path) -> nodes.Node:
        """Return the link."""
        return student_link(self.env, source)


class Progress(_OfSession):
    """Role ``{progress}``: how many exercises of a session are right in this browser."""

    def node(self, source: Path) -> nodes.Node:
        """Return the place that the script of the page fills."""
        self.env.note_dependency(str(source))
        self.env.metadata[self.env.docname]["course"] = "progress"
        return _raw(_progress(source, clear=False))


class Slides(_OfSession):
    """Role ``{slides}``: a link to the slides of a session."""

    def node(self, source: Path) -> nodes.Node:
        """Return the link."""
        return _raw(f'<a class="reference" href="{_deck(self.env.docname, source)}">slides</a>')


class Figures(_OfSession):
    """Role ``{figures}``: the titles of the figures of a session, each a link to its slide."""

    def node(self, source: Path) -> nodes.Node:
        """Return the links, one after the other."""
        executed = source.with_suffix(".ipynb")
        for needed in (source, executed):
            self.env.note_dependency(str(needed))
        links = [
            f'<a class="reference" href="{_deck(self.env.docname, source)}#slide-{number}">{html.escape(slide.title)}</a>'
            for number, slide in enumerate(slides.slides(source, executed), 1)
            if slide.kind == "figure"
        ]
        return _raw("; ".join(links))


def _deck(docname: str, source: Path) -> str:
    return f"{'../' * docname.count('/')}slides/{source.stem}.html"


def offer_student_version(app: Any, doctree: nodes.document) -> None:
    """Begin each session with a link to its student version, and with what is solved of it in this browser."""
    source = session_of(app.env.docname, Path(app.srcdir))
    page = next(iter(doctree.findall(nodes.section)), None)
    if source is None or page is None:
        return
    link = student_link(app.env, source)
    offer = nodes.paragraph("", "", nodes.Text("Download the "), link, nodes.Text(", with the answers left blank. "))
    offer += _raw(f'<a class="reference" href="{_deck(app.env.docname, source)}">Slides</a>. ')
    offer += _raw(_progress(source, clear=True))
    page.insert(1, offer)


def load_script(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script and the styles of answer fields on pages that have some."""
    if app.env.metadata.get(pagename, {}).get("course"):
        app.add_css_file("course.css")
        app.add_js_file("course.js", loading_method="defer")


def buttons_of_a_session(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the download button of a session give the student version first."""
    menu = next((b for b in context.get("header_buttons", ()) if b.get("label") == "download-buttons"), None)
    if menu is None or session_of(pagename, Path(app.srcdir)) is None:
        return
    save = {
        "type": "javascript",
        "javascript": "document.querySelector('a.student-version').click()",
        "text": "Student version",
        "tooltip": "Download the notebook with the answers left blank",
        "icon": "fas fa-pencil",
        "label": "download-student-button",
    }
    for button in menu["buttons"]:
        if button["label"] in ("download-notebook-button", "download-source-button"):
            button["text"] = f"{button['text']}, with solutions"
    menu["buttons"].insert(0, save)


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("doctree-read", prepare_session)
    app.connect("doctree-read", offer_student_version)
    app.connect("html-page-context", load_script, priority=400)  # while the list of scripts is still Sphinx's own
    app.connect("html-page-context", buttons_of_a_session, priority=501)  # after the theme has made its list
    app.connect("build-finished", slides.write_decks)
    for name, role in {"student": Student, "progress": Progress, "slides": Slides, "figures": Figures}.items():
        app.add_role(name, role())
