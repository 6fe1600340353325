"""Sphinx extension: charts, mathematics and widgets from local files only; what a reader takes away or launches."""

import html
import importlib.util
import json
import shutil
import textwrap
import time
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeRenderPlugin
from sphinx.transforms.post_transforms import SphinxPostTransform

from helpers import __version__
from helpers.book import accessible, build_times, gallery
from helpers.book.course import pages, student
from helpers.book.lead import lead_with_figure
from helpers.charts.drawn import MIME, in_columns
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
        for chart, shown in gallery.charts_of(self.document):
            opening, closing = chart.children
            picture = shown.deepcopy()
            picture["alt"] = opening["alt"]
            before, after = (nodes.raw("", tag, format="html") for tag in ("<noscript>", "</noscript>"))
            chart.children = [opening, before, picture, after, closing]


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


def describe_page(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give a page its first paragraph as description: what search engines and previews of a link to it show."""
    first = next(doctree.findall(nodes.paragraph), None) if doctree is not None else None
    if first is not None:
        words = first.astext().removeprefix("In short. ").removeprefix("Question. ")
        text = html.escape(textwrap.shorten(words, 300, placeholder=" …"), quote=True)
        context["metatags"] += f'<meta name="description" content="{text}" />\n'


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


def add_launch_links(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give every notebook page a menu that opens it on Binder and in the reader's own JupyterLab.

    A session of the course opens as its student version, and below that with solutions. The files that the links open
    are written by ``binder/notebooks``, on Binder and for ``make lab`` alike. The theme makes the link to Binder.
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
    if source := pages.session_of(pagename, Path(app.srcdir)):
        files = {"": f"student/{student.student_name(source)}", ": with solutions": page}
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
    app.connect("doctree-read", lead_with_figure)
    app.connect("doctree-read", say_how_executed)
    pages.setup(app)
    gallery.setup(app)
    app.add_post_transform(PictureWithoutScripts)
    app.connect("html-page-context", add_launch_links, priority=501)  # after the theme has made its list
    app.connect("html-page-context", drop_scripts)
    app.connect("html-page-context", describe_page)
    app.connect("build-finished", write_times)
    app.connect("build-finished", keep_one_copy)
    app.connect("build-finished", accessible.correct_pages)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
