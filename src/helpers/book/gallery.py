"""The gallery: every chart of the book in small, each leading to its place, where a reader saves it."""

import html
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from helpers.charts.drawn import MIME, PICTURE

CHARTS, PLACE = "charts", "gallery-place"


class Gallery(Directive):
    """The place of the gallery, which is filled when all pages are known."""

    def run(self) -> list[nodes.Node]:
        """Return the place."""
        return [nodes.container("", classes=[PLACE])]


def charts_of(doctree: Any) -> list[tuple[nodes.container, nodes.image]]:
    """Return what holds each chart of a page, an opening and a closing tag, and the picture of it."""
    found = []
    for bundle in doctree.findall(nodes.container):
        kinds = {part.get("mime_type"): part for part in bundle.children if isinstance(part, nodes.container)}
        if MIME in kinds and PICTURE in kinds:
            found.append((kinds[MIME], next(kinds[PICTURE].findall(nodes.image))))
    return found


def note_charts(app: Any, doctree: Any) -> None:
    """Give each chart of a page an address, and note it, its title and its picture for the gallery."""
    noted = []
    for number, (chart, picture) in enumerate(charts_of(doctree), 1):
        opening = chart.children[0]
        opening.children = [nodes.Text(opening.astext().replace("<div ", f'<div id="chart-{number}" ', 1))]
        noted.append((f"chart-{number}", opening["alt"], picture["uri"]))
    app.env.metadata[app.env.docname][CHARTS] = noted


def fill(app: Any, doctree: Any, docname: str) -> None:
    """Put the pictures of all pages, in the order of the contents, where the page has a place for them."""
    for place in doctree.findall(lambda node: isinstance(node, nodes.container) and PLACE in node["classes"]):
        pages = [name for name in _in_order(app.env, app.config.root_doc) if app.env.metadata[name].get(CHARTS)]
        place += nodes.raw("", "".join(_of_page(app, name, posixpath.dirname(docname)) for name in pages), format="html")


def _in_order(env: Any, name: str) -> Iterator[str]:
    yield name
    for child in env.toctree_includes.get(name, ()):
        yield from _in_order(env, child)


def _of_page(app: Any, name: str, folder: str) -> str:
    """Return the heading of a page and its pictures, as HTML for a page in ``folder``."""
    to_page = posixpath.relpath(f"{name}.html", folder or ".")
    figures = []
    for anchor, alt, uri in app.env.metadata[name][CHARTS]:
        picture = posixpath.relpath(f"_images/{app.env.images[uri][1]}", folder or ".")
        title = html.escape(re.split(r"\. |: ", alt, maxsplit=1)[0])
        figures.append(
            f'<a href="{to_page}#{anchor}"><img loading="lazy" src="{picture}" alt=""><span>{title}</span></a>'
        )
    heading = f'<h2><a href="{to_page}">{html.escape(app.env.titles[name].astext())}</a></h2>'
    return f'{heading}<div class="gallery">{"".join(figures)}</div>'


def setup(app: Any) -> None:
    """Register with Sphinx; the page is written again whenever any other is."""
    app.add_directive("gallery", Gallery)
    app.connect("doctree-read", note_charts)
    app.connect("doctree-resolved", fill)
    app.connect("env-updated", lambda app, env: [name for name in env.found_docs if name.endswith("/gallery")])
