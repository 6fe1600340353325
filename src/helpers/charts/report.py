"""One HTML file of a chart and tables, to keep or send: it needs no network and no book."""

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 0.9rem; display: block; overflow-x: auto; }
.vega-visualization { overflow-x: auto; }
td, th { border-bottom: 1px solid #8886; padding: 0.25rem 0.6rem; text-align: left; }
"""


def save(target: str | Path, title: str, advice: list[str], chart: Any, tables: dict[str, pd.DataFrame | str]) -> Path:
    """Write sentences of ``advice``, a chart, and tables (or sentences) by heading to an HTML file; return its path."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"<h1>{escape(title)}</h1>", "<ul>", *(f"<li>{escape(a)}</li>" for a in advice), "</ul>"]
    after = []
    for heading, table in tables.items():
        shown = f"<p>{escape(table)}</p>" if isinstance(table, str) else table.to_html(border=0)
        after += [f"<h2>{escape(heading)}</h2>", shown]
    # The library in the page holds strings such as "<body>" itself: the only sure place is the chart's own.
    page, place = chart.to_html(inline=True), '<div class="vega-visualization" id="vis"></div>'
    if page.count(place) != 1:
        raise RuntimeError(f"altair's page has {page.count(place)} places {place}: 1 is expected.")
    head = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    page = page.replace(place, "\n".join([head, *parts, place, *after]))
    target.write_text(page, encoding="utf8")
    return target
