"""A page for each student: what was right, what was off and what was written on why."""

import html
from collections.abc import Sequence
from pathlib import Path

from helpers._utils.content import write_whole
from helpers.book.grading.marks import Mark

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid #8886; padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; }
blockquote { border-left: 3px solid #8886; margin: .2rem 0; padding-left: .6rem; }
@media (prefers-color-scheme: dark) { body { background: #121212; color: #e6e6e6; } }
@media print { body { margin: 0; } tr { break-inside: avoid; } }
"""
_MEANING = {
    "right": "right",
    "wrong": "not yet",
    "blank": "not answered",
    "error": "its cell failed",
    "missing": "not in the notebook",
    "stopped": "not reached",
    "refused": "not marked",
    "not handed in": "not handed in",
}


def write(marks: Sequence[Mark], folder: Path) -> list[Path]:
    """Write a page for each notebook, and for each student who handed in none; return the files."""
    pages: dict[tuple[str, str], list[Mark]] = {}
    for row in marks:
        pages.setdefault((row.student, row.file), []).append(row)
    written = []
    for (student, file), rows in pages.items():
        stem = "__".join(Path(file).with_suffix("").parts) if file else student
        target = folder / f"{stem}.html"
        write_whole(target, page(rows).encode())
        written.append(target)
    return written


def page(rows: Sequence[Mark]) -> str:
    """Return the page on the exercises of one notebook; the right answers are not on it."""
    first = rows[0]
    session = first.session.replace("_", " ")
    points, most = sum(row.points for row in rows), sum(row.level for row in rows) / 2
    right = sum(row.verdict == "right" for row in rows)
    title = html.escape(f"{first.student}, {session}")
    lines = "\n".join(map(_line, rows))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title}</h1>
<p>{right} of {len(rows)} answers are right: {points:g} of {most:g} points for answers.
As many again are for the reasons, which your lecturer reads.</p>
<table><thead><tr><th>Exercise</th><th>Points</th><th>Your answer</th><th>What the check says</th></tr></thead>
<tbody>
{lines}
</tbody></table>
</body></html>
"""


def _line(row: Mark) -> str:
    said = html.escape(_MEANING[row.verdict] + (f": {row.message}" if row.message else ""))
    why = f"<blockquote>{html.escape(row.why)}</blockquote>" if row.why else ""
    return (
        f"<tr><td>{row.exercise} (level {row.level})</td><td>{row.points:g} of {row.level / 2:g}</td>"
        f"<td>{html.escape(row.answer)}</td><td>{said}.{why}</td></tr>"
    )
