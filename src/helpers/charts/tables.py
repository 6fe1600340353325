"""How tables look in notebooks and in the book; importing this sets it."""

from html import escape
from typing import Any

import pandas as pd

# Whole sentences, and no more digits than mean anything.
pd.set_option("display.max_colwidth", 250)
pd.set_option("display.precision", 3)


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
        f"<details><summary>{escape(str(name))}: {len(rows)}</summary>"
        f"{rows.drop(columns=by).to_html(index=False, border=0)}</details>"
        for name, rows in table.groupby(by, sort=False)
    )
    return HTML("\n".join(parts))
