"""One HTML file of a chart and tables, to keep or send: it needs no network and no book."""

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 0.9rem; display: block; overflow-x: auto; }
td, th { border-bottom: 1px solid #8886; padding: 0.25rem 0.6rem; text-align: left; }
"""


def save(target: str | Path, title: str, advice: list[str], chart: Any, tables: dict[str, pd.DataFrame | str]) -> Path:
    """Write a report and return its path.

    Parameters
    ----------
    target : path of the HTML file; its folder is made
    title : str
    advice : list of sentences, shown first
    chart : Altair chart
    tables : dict of heading → table or sentence
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"<h1>{escape(title)}</h1>", "<ul>", *(f"<li>{escape(a)}</li>" for a in advice), "</ul>"]
    after = []
    for heading, table in tables.items():
        shown = f"<p>{escape(table)}</p>" if isinstance(table, str) else table.to_html(border=0)
        after += [f"<h2>{escape(heading)}</h2>", shown]
    page = chart.to_html(inline=True)
    page = page.replace("</head>", f"<title>{escape(title)}</title><style>{_STYLE}</style></head>", 1)
    page = page.replace("<body>", "<body>" + "\n".join(parts), 1).replace("</body>", "\n".join(after) + "</body>", 1)
    target.write_text(page, encoding="utf8")
    return target
