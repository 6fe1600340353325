"""Capture kits and flow cells: a small table that a reader can edit, and the prices that follow from it."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from helpers._utils.validation import choose
from helpers.design.prices import Prices, with_prices

_COLUMNS = ("name", "kind", "price", "size", "doublets", "recovery", "source")
KINDS = ("capture", "sequencing")


def kits(path: str | Path | None = None) -> pd.DataFrame:
    """Return the table of kits: the package's own, or that of a CSV file with the same columns.

    Prices are examples in no currency: write your own into a copy (``kits().to_csv("my.csv")``).

    Parameters
    ----------
    path : CSV with ``name``, ``kind`` (capture or sequencing), ``price`` and ``size`` of a lane or flow cell (cells
        recovered, or reads), ``doublets`` (percent per 1,000 cells of a lane), ``recovery`` (share of the cells loaded
        that are recovered) and ``source``

    Raises
    ------
    ValueError
        If the file is not such a table.

    Examples
    --------
    >>> kits().loc["chromium_v3.1", ["price", "size", "doublets"]].tolist()
    [1000.0, 10000.0, 0.8]
    """
    source = Path(path) if path is not None else Path(str(files(__package__) / "kits.csv"))
    if not source.is_file():
        raise ValueError(f"{source} does not exist or is not a file: give a CSV with {', '.join(_COLUMNS)}.")
    try:
        table = pd.read_csv(source)
    except (ValueError, OSError) as error:
        raise ValueError(f"{source} is not a readable CSV file ({str(error).strip()}).") from error
    missing = [column for column in _COLUMNS[:4] if column not in table]
    if missing:
        raise ValueError(f"{source} has no column {missing[0]!r}: a table of kits has {', '.join(_COLUMNS)}.")
    table = table.reindex(columns=list(_COLUMNS))
    for row, kind in enumerate(table["kind"], 1):
        if kind not in KINDS:
            raise ValueError(f"{source}: kind is {kind!r} in row {row}: it must be capture or sequencing.")
    for column in ("price", "size", "doublets", "recovery"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = numbers.isna() & (table[column].notna() if column in ("doublets", "recovery") else True)
        for row in wrong[wrong].index[:1]:
            raise ValueError(f"{source}: {column} is {table[column][row]!r} in row {row + 1}: give a number.")
        table[column] = numbers.astype(float)
    return table.set_index("name")


def prices_of(
    capture: str = "chromium_v3.1",
    sequencing: str = "nextseq_2000_p2",
    table: pd.DataFrame | None = None,
    **given: Any,
) -> Prices:
    """Return the prices of a capture kit and a flow cell of a table of kits, with those replaced that are given.

    Examples
    --------
    >>> prices_of() == Prices()
    True
    >>> prices_of("chromium_gemx_v4", "novaseq_x_10b", samples=4).lane_cells
    20000.0
    """
    table = kits() if table is None else table
    chosen = [
        table.loc[choose(name, table.index[table["kind"] == kind], f"{kind} kit")]
        for name, kind in zip((capture, sequencing), KINDS, strict=True)
    ]
    lane, flow = chosen
    of_kit = {
        "per_cell": lane["price"] / lane["size"],
        "lane_cells": lane["size"],
        "per_million_reads": flow["price"] / flow["size"] * 1e6,
        "lane_reads": flow["size"],
        "doublets": lane["doublets"],
        "recovery": lane["recovery"],
    }
    of_kit = {name: float(value) for name, value in of_kit.items() if pd.notna(value)}
    return with_prices(Prices(), **of_kit | {name: value for name, value in given.items() if value is not None})
