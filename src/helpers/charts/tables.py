"""How tables look in notebooks and in the book; importing this sets it for every table that a cell returns.

Numbers have three digits and thousands separators, a value and its 95 % interval share a cell, headers are the
glossary's names, what a fit says of itself stands below the table, and a long or wide table scrolls in its place.
"""

import re
import sys
from html import escape
from typing import Any

import pandas as pd

from helpers._utils.numbers import number, with_interval, without_e

# Whole sentences, and no more digits than mean anything.
pd.set_option("display.max_colwidth", 250)
pd.set_option("display.precision", 3)

# What columns are called; of others, underscores become blanks.
NAMES = {
    "i_max": "I_max (bits)",
    "i_inf": "I_inf (bits)",
    "u_bar": "ū (UMIs per cell)",
    "n0": "N₀ (cells)",
    "alpha": "α",
    "beta": "β",
    "kappa": "κ",
    "h0": "h₀",
    "r_squared": "R²",
    "r_squared_means": "R² of means",
    "rmse": "RMSE (bits)",
    "lack_of_fit": "p, lack of fit",
    "p_beta": "p, β = 1",
    "p_value": "p",
    "over_line": "better than a line by (AIC)",
    "range_bits": "range (bits)",
    "worst": "worst residual (bits)",
    "worst_at": "at",
    "n_train": "training cells",
    "n_probe": "probe cells",
    "n_genes": "genes",
    "noise_level": "level of noise",
    "noise_kind": "noise",
    "umis_per_cell": "UMIs per cell",
    "mi_bits": "bits",
    "mi_null_bits": "bits, permuted",
    "mi_stderr_bits": "standard error (bits)",
    "mi_ceiling_bits": "ceiling (bits)",
}
_P_VALUES = ("lack_of_fit", "p_beta", "p_value")
_CODED = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")  # names as the code has them
_MOST_ROWS = 1000  # of one table in a page


def facts(values: dict[str, object]) -> pd.DataFrame:
    """Return named values as a table to read.

    >>> facts({"cells": 700}).loc["cells", "value"]
    700
    """
    return pd.Series(values, dtype=object).to_frame("value")


def folded(table: pd.DataFrame, by: str) -> Any:
    """Return a long table in parts that open, one for each value of the column ``by``, with their numbers of rows.

    >>> shown = folded(pd.DataFrame({"area": ["grids", "grids"], "input": ["depth 0", "depth 2"]}), "area")
    >>> "<summary>grids: 2</summary>" in shown.data
    True
    """
    from IPython.display import HTML

    parts = (
        f"<details><summary>{escape(str(name))}: {len(rows)}</summary>{html(rows.drop(columns=by))}</details>"
        for name, rows in table.groupby(by, sort=False)
    )
    return HTML("\n".join(parts))


def html(table: pd.DataFrame) -> str:
    """Return a table as readers see it.

    Examples
    --------
    >>> fits = pd.DataFrame({"i_max": [2.0], "i_max_low": [1.5], "i_max_high": [2.5], "n_train": [1500]})
    >>> re.findall("<t[hd]>(.*?)</t[hd]>", html(fits))
    ['I_max (bits)', 'training cells', '2 [1.50, 2.50]', '1,500']
    """
    flat, notes = _without_messages(_one_header(table))
    shown = to_read(flat.head(_MOST_ROWS))
    body = shown.to_html(index=False, border=0, escape=True, classes="to-read")
    more = f"<p>The first {_MOST_ROWS:,} of {len(flat):,} rows.</p>" if len(flat) > _MOST_ROWS else ""
    # In a box that the keyboard can scroll.
    box = f'<div class="table-box" role="region" aria-label="Table of {len(flat)} rows" tabindex="0">{body}</div>'
    return box + more + notes


def to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as text: a value and its interval in one column, numbers and names as readers have them.

    The ends of an interval are columns ``x_low`` and ``x_high`` of a column ``x``, or ``low`` and ``high`` behind it.

    Examples
    --------
    >>> open_end = pd.DataFrame({"u_bar": [400.0], "low": [1.0], "high": [float("inf")], "lack_of_fit": [1e-9]})
    >>> to_read(open_end).iloc[0].tolist()
    ['400 [1, not fixed]', '< 0.001']
    """
    ends = _interval_columns(table)
    columns: dict[str, list[str]] = {}
    for name in table:
        if any(name in pair for pair in ends.values()):
            continue
        if name in ends:
            triples = zip(table[name], *(table[end] for end in ends[name]), strict=True)
            shown = ["–" if pd.isna(value) else with_interval(value, low, high) for value, low, high in triples]
        else:
            shown = [_cell(str(name), value) for value in table[name]]
        columns[_title(name, columns)] = shown
    return pd.DataFrame(columns)


def _interval_columns(table: pd.DataFrame) -> dict[Any, tuple[Any, Any]]:
    """Return the two columns that hold the ends of an interval, by the column that holds its value."""
    names, pairs = list(table), {}
    numeric = {name for name in names if pd.api.types.is_numeric_dtype(table[name])}
    for place, name in enumerate(names):
        behind = tuple(names[place + 1 : place + 3])
        pair = behind if behind == ("low", "high") else (f"{name}_low", f"{name}_high")
        if {name, *pair} <= numeric:
            pairs[name] = pair
    return pairs


def _title(name: Any, taken: dict[str, Any]) -> str:
    title = NAMES.get(str(name), str(name).replace("_", " ") if str(name).islower() else str(name))
    while title in taken:
        title += " "
    return title


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        # The facts of a data set have its name as it is typed.
        return value.replace("_", " ") if _CODED.fullmatch(value) and name != "value" else without_e(value)
    if value is None or (not isinstance(value, (list, tuple, dict)) and pd.isna(value)):
        return "–"
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if not pd.api.types.is_number(value):
        return str(value)
    if name in _P_VALUES and value < 0.001:
        return "< 0.001"
    shown = number(value)  # tables are often rounded before: no zeros that were not measured
    return shown.rstrip("0").rstrip(".") if "." in shown and "×" not in shown else shown


def _one_header(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose row names are columns and whose columns have one name each; numbers of rows are left out."""
    flat = table.copy()
    numbered = flat.index.nlevels == 1 and flat.index.name is None and pd.api.types.is_integer_dtype(flat.index)
    names = [name if name is not None else " " * i for i, name in enumerate(flat.index.names)]
    rows = [] if numbered else [(name, flat.index.get_level_values(i)) for i, name in enumerate(names)]
    if flat.columns.nlevels > 1:
        flat.columns = [", ".join(str(part) for part in parts if str(part)) for parts in flat.columns]
    elif flat.columns.name and rows and not str(rows[-1][0]).strip(" "):
        rows[-1] = (flat.columns.name, rows[-1][1])
    flat.columns.name = None
    for place, (name, values) in enumerate(rows):
        flat.insert(place, name, list(values), allow_duplicates=name in flat)
    return flat.reset_index(drop=True)


def _without_messages(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return a table without its column ``message``, and what that says of fits that are not "ok", to unfold."""
    if "message" not in table or "status" not in table:
        return table, ""
    said = table[(table["status"] != "ok") & (table["message"].astype(str) != "")]
    first = table.columns[0]
    items = "".join(
        f"<li>{escape(_cell(str(first), row[first]))}: <em>{escape(str(row['status']))}</em>, "
        f"{escape(without_e(str(row['message'])))}</li>"
        for _, row in said.iterrows()
    )
    notes = f'<details class="notes"><summary>What the status means here</summary><ul>{items}</ul></details>'
    return table.drop(columns="message"), notes if items else ""


def sentence(text: str) -> str:
    """Return a text that a cell returns as a line of the page, without quotes.

    >>> sentence("All 3 points < 4 were measured.")
    '<p class="said">All 3 points &lt; 4 were measured.</p>'
    """
    return f'<p class="said">{escape(text)}</p>'


def use_in_notebooks() -> None:
    """Have the running notebook, if there is one, show tables and sentences as readers have them."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it; without one, it need not be installed
    if ipython is not None and (shell := ipython.get_ipython()) is not None and shell.display_formatter is not None:
        formatter = shell.display_formatter.formatters["text/html"]
        formatter.for_type(pd.DataFrame, html)
        formatter.for_type(str, sentence)


use_in_notebooks()
