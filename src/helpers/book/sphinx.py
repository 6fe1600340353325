"""Sphinx extension: charts, mathematics and widgets from local files only; what a reader takes away or launches."""

import base64
import html
import importlib.util
import json
import shutil
import time
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeRenderPlugin
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxRole

from helpers import __version__
from helpers.book import build_times
from helpers.book.course import student as course
from helpers.charts.drawn import MIME, PICTURE, in_columns
from helpers.store import stamp

LAB = "http://localhost:8888/lab/tree/"  # of the reader, as `make lab` starts it


class VegaLite(MimeRenderPlugin):
    """MyST-NB plugin: a chart becomes an element that holds its specification for the page's script."""

    mime_priority_overrides = (("*", MIME, 1),)

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Return the element of a chart; None for every other kind of output."""
        if inline or data.mime_type != MIME:
            return None
        renderer.add_js_file("vega_bundle", "js/vega.js", {"defer": "defer"})
        renderer.add_js_file("vega_charts", "charts.js", {"defer": "defer"})
        spec = in_columns(data.content).replace("</", r"<\/")
        alt = str(data.content.get("description", "Interactive chart"))
        label = html.escape(alt, quote=True)
        script = f'<script type="application/json">{spec}</script>'
        opening = f'<div class="vega-chart" role="group" aria-label="{label}">{script}'
        return [nodes.raw("", opening, format="html", alt=alt), nodes.raw("", "</div>", format="html")]


class PictureWithoutScripts(SphinxPostTransform):
    """Put the picture that a notebook stores with each chart where readers without scripts see it."""

    default_priority = 3  # before MyST-NB keeps one kind of each output

    def run(self, **kwargs: Any) -> None:
        """Give the elements of all charts of the page their pictures, which a browser with scripts never loads."""
        for bundle in self.document.findall(nodes.container):
            kinds = {part.get("mime_type"): part for part in bundle.children if isinstance(part, nodes.container)}
            if MIME in kinds and PICTURE in kinds:
                opening, closing = kinds[MIME].children
                picture = next(kinds[PICTURE].findall(nodes.image)).deepcopy()
                picture["alt"] = opening["alt"]
                before, after = (nodes.raw("", tag, format="html") for tag in ("<noscript>", "</noscript>"))
                kinds[MIME].children = [opening, before, picture, after, closing]


def write_scripts(app: Any) -> None:
    """Write the scripts that pages load into a folder that Sphinx copies to ``_static/js``."""
    if app.builder.format != "html":
        return
    import vl_convert

    scripts = Path(app.doctreedir).parent / "book_js" / "js"
    scripts.mkdir(parents=True, exist_ok=True)
    vega = scripts / "vega.js"
    if not vega.exists():
        # In a function of its own: its global `_` would collide with Sphinx's.
        bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]
        vega.write_text(f"(() => {{{bundle}}})();", encoding="utf8")
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed: run `make book`, which installs the lock.")
    shutil.copyfile(Path(package.origin).parent / "static/mathjax/tex-svg-full.js", scripts / "mathjax.js")
    app.config.html_static_path.append(str(scripts.parent))


def drop_scripts(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out sphinx-thebe's scripts, which fetch from the network and are not used, and MathJax without formulas."""
    unused = ["thebe"] if 'class="math' in context.get("body", "") else ["thebe", "mathjax"]
    context["script_files"] = [
        file
        for file in context["script_files"]
        if not any(name in f"{file.filename} {file.attributes.get('body')}".lower() for name in unused)
    ]


def keep_one_copy(app: Any, exception: Exception | None) -> None:
    """Remove what the build leaves that no page needs: second copies, pictures of earlier builds, sources of scripts.

    MyST-NB keeps each notebook that it reads beside their pictures; readers download the one in ``_sources``, which
    is written on one line here: indented, every number of a chart takes a line of its own.
    """
    if exception or app.builder.format != "html":
        return
    html_folder = Path(app.outdir)
    shown = {str((Path(app.srcdir) / file).resolve()): name for file, (_, name) in app.env.images.items()}
    copies = (html_folder.parent / "jupyter_execute").rglob("*")
    unused = [f for f in copies if f.suffix == ".ipynb" or (f.suffix in (".svg", ".png") and str(f) not in shown)]
    unused += [f for f in (html_folder / "_images").glob("*") if f.name not in shown.values()]
    # Maps are for the debugging of a theme; each font is there as woff2, which every browser takes first.
    unused += [f for f in (html_folder / "_static").rglob("*") if f.suffix in (".map", ".ttf")]
    for file in unused:
        file.unlink()
    for file in (html_folder / "_sources").rglob("*.ipynb"):
        if (text := file.read_text("utf8")).startswith("{\n"):  # copied by this build
            file.write_text(json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")), encoding="utf8")
    # The theme's style sheet has the icons as fonts; this script draws the same ones, which takes 1.5 MB a page.
    icons = html_folder / "_static" / "scripts" / "fontawesome.js"
    if icons.exists():
        icons.write_text("// Icons are drawn by the fonts of the style sheet.\n", encoding="utf8")


def _session(docname: str, root: Path) -> Path | None:
    """Return the source of a page if it is a session of the course."""
    source = root / f"{docname}.md"
    return source if source in course.sessions(root) else None


def _student_link(env: Any, source: Path) -> nodes.Element:
    """Return a link that saves the student version, which is in the page itself.

    From a book opened as a file, browsers show a linked notebook as text and do not save it.
    """
    for needed in (source, Path(course.__file__)):
        env.note_dependency(str(needed))
    content = base64.b64encode(course.student_version(source)).decode()
    name = html.escape(course.student_name(source), quote=True)
    label = f'aria-label="student version, {name}" title="{name}"'
    href = f"data:application/x-ipynb+json;base64,{content}"
    link = f'<a class="reference download" download="{name}" {label} href="{href}">student version</a>'
    return nodes.raw("", link, format="html")


class Student(SphinxRole):
    """Role ``{student}`: a download link to the student version of a session, such as ``session_1``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, or the text itself with an error if there is no such session."""
        known = {source.stem: source for source in course.sessions(Path(self.env.srcdir))}
        if self.text not in known:
            message = f"unknown session {self.text!r}: it is one of {', '.join(known)}."
            error = self.inliner.reporter.error(message, line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, error)], [error]
        return [_student_link(self.env, known[self.text])], []


def offer_student_version(app: Any, doctree: Any) -> None:
    """Begin each session with a link to its student version."""
    source = _session(app.env.docname, Path(app.srcdir))
    page = next(iter(doctree.findall(nodes.section)), None)
    if source is None or page is None:
        return
    link = _student_link(app.env, source)
    offer = nodes.paragraph("", "", nodes.Text("Download the "), link, nodes.Text(", with the answers left blank."))
    page.insert(1, offer)


def add_launch_links(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give every notebook page a menu that opens it on Binder and in the reader's own JupyterLab.

    A session of the course has its student version there too. The files that the links open are written by
    ``binder/notebooks``, on Binder and for ``make lab`` alike. The theme makes the link to Binder, as configured.
    """
    if doctree is None or not str(app.env.doc2path(pagename)).endswith(".ipynb"):
        return
    page = f"{pagename}.ipynb"
    buttons = context["header_buttons"]
    menu = next((button for button in buttons if button.get("label") == "launch-buttons"), None)
    if menu is None:  # no Binder is configured
        menu = {"type": "group", "buttons": [], "tooltip": "Run this page", "icon": "fas fa-rocket"}
        buttons.append(menu)
    waits = {"tooltip": "Run it on Binder, in the browser: starting takes minutes"}
    places = [(link | waits, link["url"].removesuffix(page)) for link in menu["buttons"]]
    tooltip = "Run it in your own JupyterLab: start that first, with `make lab`"
    places.append(({"type": "link", "text": "Your JupyterLab", "tooltip": tooltip, "icon": "fas fa-laptop"}, LAB))
    files = {"": page}
    if source := _session(pagename, Path(app.srcdir)):
        files[": student version"] = f"student/{course.student_name(source)}"
    menu["buttons"] = [
        link | {"text": link["text"] + which, "url": place + file}
        for which, file in files.items()
        for link, place in places
    ]


def _executed(app: Any, docname: str) -> tuple[dict[str, Any] | None, str] | None:
    """Return what a notebook page says of its execution, and in words what changed since; None for other pages."""
    notebook = Path(app.env.doc2path(docname))
    source = notebook.with_suffix(".md")
    if notebook.suffix != ".ipynb" or not source.exists():
        return None
    made = stamp.of_notebook(notebook)
    return made, " and the ".join(stamp.changes(made, source.read_text("utf8")))


def older_pages(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Have pages read again that have become older than their code since they were read, or no longer are."""
    unread = env.found_docs - added - changed - removed
    return [name for name in unread if (_executed(app, name) or (None, ""))[1] != env.metadata[name].get("older", "")]


def say_how_executed(app: Any, doctree: Any) -> None:
    """End each executed page with what made it, and begin it with a warning if that has changed since."""
    execution = _executed(app, app.env.docname)
    page = next(iter(doctree.findall(nodes.section)), None)
    if execution is None or page is None:
        return
    made, older = execution
    app.env.metadata[app.env.docname]["older"] = older
    if older:
        warning = (
            f"The {older} of this page changed after it was executed: "
            "its numbers may be of an earlier state. Run make book to execute it again."
        )
        page.insert(1, nodes.warning("", nodes.paragraph("", warning)))
    if made:
        page += nodes.paragraph("", stamp.in_words(made), classes=["executed-with"])


def write_times(app: Any, exception: Exception | None) -> None:
    """Write how long this build took into its page, at its end."""
    if exception is None:
        build_times.write(Path(app.srcdir), Path(app.outdir), app.build_started)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.build_started = time.time()
    app.connect("builder-inited", write_scripts)
    app.connect("env-get-outdated", older_pages)
    app.connect("doctree-read", say_how_executed)
    app.connect("doctree-read", offer_student_version)
    app.add_post_transform(PictureWithoutScripts)
    app.connect("html-page-context", add_launch_links, priority=501)  # after the theme has made its list
    app.connect("html-page-context", drop_scripts)
    app.connect("build-finished", write_times)
    app.connect("build-finished", keep_one_copy)
    app.add_role("student", Student())
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
