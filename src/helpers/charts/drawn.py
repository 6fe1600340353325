"""What a chart carries into a page: only the columns that it draws, no finer than can be seen, and one picture."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

# JupyterLab 4 and the book draw this type; Altair's own newest type is drawn by neither.
MIME = "application/vnd.vegalite.v5+json"
PICTURE = "image/svg+xml"  # what is shown of a chart where no script draws it

_PLACED = 6  # significant digits of what only has a place on an axis or scale: a pixel shows four
_COMPUTED = 12  # of what an expression computes with
_PROSE = {"title", "subtitle", "description"}  # words for readers, unless they are computed
_EXPRESSIONS = {"expr", "calculate", "filter", "test", "labelExpr", "update", "as"}
_WRITTEN = {"tooltip", "text", "condition"}  # rounded twice, their last digit could change
_SECOND = {"x2", "y2", "xError", "xError2", "yError", "yError2"}  # channels that have no type of their own
_APART = {"datasets", "values", "config", "$schema", "usermeta"}
_INNER = ("layer", "concat", "hconcat", "vconcat", "spec")
_WHOLE_ROW = "datum"
# A column whose name is computed, or the row as a whole: any column may be meant.
_ANY_COLUMN = re.compile(r"(?<!\w)datum(?!\w)(?!\s*\.\s*\w|\s*\[\s*['\"])")
_PLACES = re.compile(r'(?<= d=")[^"]*(?=")|(?<= transform=")[^"]*(?=")')
_FOR_SCREEN_READERS = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')


def only_drawn(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a Vega-Lite specification whose data hold only what it draws, rounded to what can be seen.

    A column goes if no part of the chart that draws its table has its name: no encoding, transform, expression, sort
    order or selection. Numbers that are only placed on an axis or scale keep six significant digits, and more where a
    column varies little; those that expressions compute with keep twelve. All else is left as it is: whole numbers,
    text, categories, and what a tooltip or label writes out or is compared with given values.

    Parameters
    ----------
    spec : as ``Chart.to_dict()`` gives it, with its data in ``datasets``; it is not changed

    Examples
    --------
    >>> rows = [{"x": 1 / 3, "seed": 7}, {"x": 2 / 3, "seed": 8}]
    >>> across = {"x": {"field": "x", "type": "quantitative"}}
    >>> only_drawn({"data": {"name": "d"}, "encoding": across, "datasets": {"d": rows}})["datasets"]
    {'d': [{'x': 0.333333}, {'x': 0.666667}]}
    """
    tables = spec.get("datasets", {})
    views = list(_views(spec, set()))
    # A selection without fields takes those of the view it is made in along to the views that it filters.
    selections = [p["select"] for view, _ in views for p in view.get("params", ()) if "select" in p]
    apart = all(isinstance(s, dict) and "fields" in s for s in selections)
    found: dict[str, dict[str, set[str]]] = {name: {} for name in tables}
    for view, names in views:
        for use, text in _mentions(view, ""):
            for name in names if apart and "params" not in view else tables:
                found[name].setdefault(use, set()).add(text.replace("\\", ""))
    lean = {name: _table(rows, found[name]) if found[name] else rows for name, rows in tables.items()}
    return spec | {"datasets": lean} if tables else spec


def _views(view: dict[str, Any], outer: set[str]) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Yield every view of a chart without the views in it, and the names of all tables that it may speak of."""
    alone = {key: value for key, value in view.items() if key not in _INNER}
    own = {source["name"]} if "name" in (source := view.get("data") or {}) else set() if source else outer
    parts = [part for key in _INNER if key in view for part in (view[key] if key != "spec" else [view[key]])]
    inner = [pair for part in parts for pair in _views(part, own)]
    looked_up = {step["from"]["data"]["name"] for step in view.get("transform", ()) if "name" in _looked_up(step)}
    yield alone, own.union(looked_up, *(names for _, names in inner))
    yield from inner


def _looked_up(step: dict[str, Any]) -> dict[str, Any]:
    return step.get("from", {}).get("data", {}) if "lookup" in step else {}


def _mentions(part: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a view that can name a column, with what it would use it for."""
    if isinstance(part, str):
        if key not in _PROSE:
            yield ("computed" if key in _EXPRESSIONS else "exact"), part
    elif isinstance(part, list):
        for item in part:
            yield from _mentions(item, key)
    elif isinstance(part, dict):
        if part.get("content") == "data" or (key == "from" and "fields" not in part):
            yield "computed", _WHOLE_ROW
        measured = isinstance(part.get("field"), str) and (part.get("type") == "quantitative" or key in _SECOND)
        for name, value in part.items():
            if key == "value":  # of a selection: {column: value}
                yield "exact", name
            if name == "field" and measured:
                yield ("exact" if key in _WRITTEN else "placed"), value
            elif name not in _APART:
                yield from _mentions(value, key if key in _PROSE and name != "expr" else name)


def _table(rows: list[dict[str, Any]], texts: dict[str, set[str]]) -> list[dict[str, Any]]:
    everything = any(_ANY_COLUMN.search(text) for parts in texts.values() for text in parts)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    digits: dict[str, int | None] = {}
    for name in columns:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)".replace("\\\\", ""))
        used = {use for use, parts in texts.items() if any(map(word.search, parts))}
        if "exact" in used or (everything and not used):
            digits[name] = None
        elif "computed" in used:
            digits[name] = _COMPUTED
        elif used:
            digits[name] = _digits([row.get(name) for row in rows])
    if columns and not digits:  # each row is a mark, whatever it holds
        digits = {columns[0]: None}
    return [{name: rounded(row[name], n) for name, n in digits.items() if name in row} for row in rows]


def _digits(values: list[Any]) -> int:
    """Return how many digits of a column to keep: more where its values differ little from each other, as years do."""
    numbers = [v for v in values if isinstance(v, float) and math.isfinite(v)]
    if not numbers or max(numbers) == min(numbers):
        return _COMPUTED
    ratio = max(map(abs, numbers)) / (max(numbers) - min(numbers))
    return min(_COMPUTED, _PLACED + max(0, math.floor(math.log10(ratio))))


def rounded(value: Any, digits: int | None) -> Any:
    """Return a float to so many significant digits; whole numbers and all that is no float as they are.

    >>> rounded(2 / 3, 4), rounded(123456789.0, 4), rounded(7, 1), rounded("1.23456", 2)
    (0.6667, 123456789.0, 7, '1.23456')
    """
    if digits is None or not isinstance(value, float) or not math.isfinite(value) or value.is_integer():
        return value
    return float(f"{value:.{digits}g}")


def in_columns(spec: dict[str, Any]) -> str:
    """Return a specification as JSON for the page's script, each table as {column: values}, which names columns once.

    >>> in_columns({"datasets": {"d": [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]}})
    '{"datasets":{"d":{"x":[1,2],"y":["a","b"]}}}'
    """
    tables = {
        name: {column: [row[column] for row in rows] for column in rows[0]}
        if rows and all(row.keys() == rows[0].keys() for row in rows)
        else rows
        for name, rows in spec.get("datasets", {}).items()
    }
    lean = spec | {"datasets": tables} if tables else spec
    return json.dumps(lean, ensure_ascii=False, separators=(",", ":"))


def picture(spec: dict[str, Any]) -> str:
    """Return a chart as an SVG picture, for readers without scripts: on white, its coordinates to 0.1 pixels."""
    import vl_convert

    svg = _FOR_SCREEN_READERS.sub("", vl_convert.vegalite_to_svg(spec))
    return _PLACES.sub(lambda found: re.sub(r"\d+\.\d{2,}", _tenths, found[0]), svg)


def _tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
