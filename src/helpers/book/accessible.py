"""What screen readers cannot use in the pages that Sphinx and its theme write, and what is written instead."""

import re
from pathlib import Path
from typing import Any

# The parameters of a function, a line each: a list of definitions in which nothing is defined.
_SIGNATURE = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*?</dd>\n)+)</dl>', re.DOTALL)
# A name that hides the words that are seen: on the button of the search, and on what unfolds.
_HIDING = re.compile(r'(<summary|<button class="btn search-button-field[^>]*?) aria-label="(?:Search|Toggle hidden content)"')
# The entries of a bibliography have links back, which no list may hold.
_CITATIONS = '<div role="list" class="citation-list">'
_ENTRY = re.compile(r'(<div class="citation"[^>]*?) role="doc-biblioentry"')


def accessible(page: str) -> str:
    """Return the HTML of a page without these faults.

    >>> accessible('<summary aria-label="Toggle hidden content">Set up</summary>')
    '<summary>Set up</summary>'
    """
    page = _HIDING.sub(r"\1", page)
    page = _SIGNATURE.sub(_in_lines, page)
    return _ENTRY.sub(r"\1", page.replace(_CITATIONS, '<div class="citation-list">'))


def _in_lines(found: re.Match[str]) -> str:
    lines = found[1].replace("<dd>", '<div class="sig-line">').replace("</dd>", "</div>")
    return f"<div>\n{lines}</div>"


def correct_pages(app: Any, exception: Exception | None) -> None:
    """Correct the pages of a build that have any of these faults."""
    if exception or app.builder.format != "html":
        return
    for file in Path(app.outdir).rglob("*.html"):
        page = file.read_text("utf8")
        corrected = accessible(page)
        if corrected != page:
            file.write_text(corrected, "utf8")
