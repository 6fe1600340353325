"""Tables of points that users bring: read in any usual dialect, their columns found by name, said and checked."""

import csv
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import brief, choose

# What columns are called, in lower case and without punctuation, by the variable that they hold.
NAMES: dict[str, tuple[str, ...]] = {
    "u": (
        *("u", "umis per cell", "umis", "umi", "umis a cell", "umi per cell", "mean umis per cell", "mean umis"),
        *("depth", "counts per cell", "total counts", "molecules per cell", "thinned umis"),
    ),
    "bits": (
        *("bits", "mi bits", "information bits", "mutual information bits", "measured bits", "mi", "information"),
        *("mutual information", "nats", "mi nats", "information nats", "mutual information nats"),
    ),
    "n": ("n", "n train", "training cells", "train cells", "cells", "n cells", "number of cells"),
    "loss": ("loss", "test loss", "validation loss", "val loss"),
    "p": ("p", "parameters", "params", "n parameters", "n params", "model size"),
    "d": ("d", "data", "training samples", "n train", "training cells", "tokens"),
    "flops": ("flops", "compute", "training flops"),
    "errors": (
        *("errors", "error", "stderr", "standard error", "se", "sem", "mi stderr bits", "stderr bits", "error bits"),
        *("bits error", "bits stderr", "standard error bits"),
    ),
    "weights": ("weights", "weight"),
}
UNITS = {"bits": 1.0, "nats": float(1 / np.log(2))}
# Columns whose values tell curves apart: a law is fitted to one of them.
CURVES = ("dataset", "signal", "representation", "model", "curve")
_SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-"}
_GROUPS = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+")


@dataclass(frozen=True)
class Points:
    """Points of a curve by variable, such as ``u`` and ``bits``, and a sentence that says where they were found."""

    table: pd.DataFrame
    taken: str


def read_points(file: Path, needed: tuple[str, ...], optional: tuple[str, ...] = (), **options: Any) -> Points:
    """Read points from a file: CSV with any usual separator and decimal sign, also gzipped, or Parquet.

    Parameters
    ----------
    file : Path
    needed, optional : variables, such as ``("u", "bits")`` and ``("n", "errors")``
    **options : ``columns``, ``unit``, ``where`` of ``take_points``; ``decimal``, "." or ",", where the file leaves it
        open

    Raises
    ------
    ValueError
        In one line: no such file, no such table, a missing or ambiguous column, a cell that is no number with its row.
    """
    listed = " and ".join(needed) + (f", and {', '.join(optional)} if measured" if optional else "")
    if not file.is_file():
        raise ValueError(f"{file} does not exist or is not a file: give a CSV file with the columns {listed}.")
    decimal = options.pop("decimal", None)
    if file.suffix == ".parquet":
        try:
            table, dialect = pd.read_parquet(file), "Parquet"
        except (ValueError, OSError) as error:
            raise ValueError(f"{file} is not a readable Parquet file: write it again, or as CSV.") from error
    else:
        table, dialect = _read_csv(file, listed, decimal)
    if not len(table):
        raise ValueError(f"{file} has a heading and no points: give a row for each point, with {listed}.")
    points = take_points(table, needed, optional, source=str(file), **options)
    return Points(points.table, f"{points.taken} ({dialect})")


def take_points(
    table: pd.DataFrame,
    needed: tuple[str, ...],
    optional: tuple[str, ...] = (),
    columns: Mapping[str, str | None] | None = None,
    unit: str = "bits",
    where: Mapping[str, str] | None = None,
    source: str = "the table",
) -> Points:
    """Return the points of a table whose columns may be called otherwise, such as "UMIs per cell".

    Parameters
    ----------
    table : DataFrame, one row a point; other columns are left
    needed, optional : variables of ``NAMES``
    columns : the column of a variable, where its name does not say so
    unit : "bits" or "nats", of information and its errors; nats are converted
    where : values that columns must have, to choose one curve of several
    source : what to call the table in errors

    Examples
    --------
    >>> table = pd.DataFrame({"UMIs per cell": [10, 100], "MI": [0.5, 1.2], "donor": ["a", "a"]})
    >>> points = take_points(table, ("u", "bits"), ("n",))
    >>> points.table.columns.tolist()
    ['u', 'bits']
    >>> points.taken
    "2 points: u from 'UMIs per cell', bits from 'MI'; not used: 'donor'"
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{source} is a {type(table).__name__}: give a DataFrame with {' and '.join(needed)}.")
    table = table.rename(columns=str)
    if table.columns.duplicated().any():
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{source} has the column {twice!r} twice: rename one of them.")
    factor = UNITS[choose(unit, UNITS, "unit")]
    rows = _chosen(table, where or {}, source)
    places: dict[str, str] = {}
    for variable in (*needed, *optional):
        place = _place(table, variable, (columns or {}).get(variable), variable in needed, places, source)
        if place is not None:
            places[variable] = place
    _one_curve(table[rows], places, source)
    found = {variable: _numbers(table[place], rows, place, source) for variable, place in places.items()}
    for variable, place in places.items():
        if variable == "bits" and "nats" in _plain(place).split() and unit != "nats":
            raise ValueError(f"{source}: {place!r} is in nats by its name: say so with unit='nats' (--unit nats).")
        if variable in ("bits", "errors"):
            found[variable] = found[variable] * factor
    taken = ", ".join(f"{v} from {place!r}" if place != v else v for v, place in places.items())
    left = [c for c in table if c not in places.values() and c not in (where or {})]
    unused = f"; not used: {', '.join(map(repr, left))}" if left else ""
    converted = ", nats converted to bits" if unit == "nats" else ""
    count = int(rows.sum())
    many = f"{count} points" if count != 1 else "1 point"
    return Points(pd.DataFrame(found), f"{many}: {taken}{converted}{unused}")


def _plain(name: str) -> str:
    """Return a name in lower case, its words alone: 'UMIs_per-cell ' is 'umis per cell'."""
    return " ".join(re.findall(r"[a-z0-9]+", str(name).lower()))


def _place(
    table: pd.DataFrame, variable: str, given: str | None, needed: bool, taken: dict[str, str], source: str
) -> str | None:
    """Return the column of a variable, or None for an optional one that is not there."""
    if given is not None:
        return choose(given, table.columns, f"column of {source}")
    if variable in table:
        return variable
    names = [c for c in table if _plain(c) in NAMES[variable] and c not in taken.values()]
    exact = [c for c in names if _plain(c) == variable]
    names = exact or names
    if len(names) > 1:
        raise ValueError(f"{source}: {variable} may be {' or '.join(map(repr, names))}: say which, or rename one.")
    if not names and needed:
        others = " or ".join(map(repr, NAMES[variable][1:3]))
        raise ValueError(
            f"{source} has no column {variable!r}: it has {', '.join(table)}. Say which it is, or call it {others}."
        )
    return names[0] if names else None


def _chosen(table: pd.DataFrame, where: Mapping[str, str], source: str) -> pd.Series:
    """Return which rows have the values asked for."""
    rows = pd.Series(True, index=table.index)
    for column, value in where.items():
        texts = table[choose(column, table.columns, f"column of {source}")].astype(str)
        rows &= texts == choose(str(value), set(texts), f"value of {column}")
    if not rows.any():
        raise ValueError(f"{source} has no row with {', '.join(f'{c}={v}' for c, v in where.items())}.")
    return rows


def _one_curve(table: pd.DataFrame, places: dict[str, str], source: str) -> None:
    """Raise where the points are of several curves."""
    for column in table:
        if _plain(column) in CURVES and column not in places.values() and table[column].nunique() > 1:
            values = sorted(map(str, table[column].dropna().unique()))
            raise ValueError(
                f"{source} holds {len(values)} curves, by {column}: {brief(', '.join(values))}. Choose one with "
                f"where={{{column!r}: {values[0]!r}}} (--where {column}={values[0]})."
            )


def _numbers(column: pd.Series, rows: pd.Series, name: str, source: str) -> pd.Series:
    """Return the chosen cells of a column as numbers, or raise naming the first that is none, with its row from 1."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    for row in np.flatnonzero(rows.to_numpy() & ~np.isfinite(numbers.to_numpy())):
        value = column.iloc[row]
        if pd.isna(value) or str(value).strip().lower() in _MISSING:
            raise ValueError(f"{source}: {name} is missing (nan) in row {row + 1}: give a number or leave the row out.")
        raise ValueError(f"{source}: {name} is {value!r} in row {row + 1}: give a number or leave the row out.")
    return numbers[rows].reset_index(drop=True)


def _read_csv(file: Path, listed: str, decimal: str | None) -> tuple[pd.DataFrame, str]:
    """Return the cells of a CSV file, numbers with a point, and its dialect in words."""
    lines = [line for line in _text(file, listed).splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError(f"{file} is empty: give a CSV file with the columns {listed}.")
    separator, cells = _split(lines, file, listed)
    heading, *rows = cells
    sign = _decimal_sign(rows, separator, decimal, file)
    table = pd.DataFrame([[_number(c, sign) for c in row] for row in rows], columns=[h.strip() for h in heading])
    kind = f"separated by {_SEPARATORS.get(separator, 'space')}s" if len(heading) > 1 else "one column"
    return table, kind + (", decimal commas" if sign == "," else "")


def _text(file: Path, listed: str) -> str:
    """Return the text of a file in UTF-8, with or without its mark, or UTF-16 with it; gzipped or not."""
    content = file.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise ValueError(f"{file} is not a readable CSV file (its gzip is damaged): give {listed}.") from error
    if content[:4] == b"PK\x03\x04":
        raise ValueError(f"{file} is not a readable CSV file (a workbook or archive): save it as CSV, with {listed}.")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a readable CSV file (not text in UTF-8): give {listed}.") from error
    if "\0" in text:
        raise ValueError(f"{file} is not a readable CSV file (it holds zero bytes): give {listed}.")
    return text


def _split(lines: list[str], file: Path, listed: str) -> tuple[str, list[list[str]]]:
    """Return the separator that cuts all lines into as many fields as the heading, and the fields."""
    for separator in [s for s in _SEPARATORS if s in lines[0]] or [" "]:
        if separator == " ":
            cells = [line.split() for line in lines]
        else:
            cells = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        width = len(cells[0])
        while width > 1 and not cells[0][width - 1].strip() and all(not "".join(row[width - 1 :]) for row in cells):
            width -= 1  # a separator that ends every line
        cells = [row[:width] if not "".join(row[width:]).strip() else row for row in cells]
        for number, row in enumerate(cells[1:], 1):
            if len(row) != width:
                raise ValueError(
                    f"{file} is not a readable CSV file (row {number} has {len(row)} fields, the heading {width}; "
                    f"separator {_SEPARATORS.get(separator, 'space')}): give {listed}."
                )
        return separator, cells
    raise AssertionError("no separator was tried")


def _decimal_sign(rows: list[list[str]], separator: str, given: str | None, file: Path) -> str:
    """Return "." or ",", whichever the cells use for decimals; raise where they leave it open."""
    if given is not None:
        return choose(given, (".", ","), "decimal sign")
    open_cells, signs = [], set()
    for row in rows:
        for cell in (c.strip() for c in row):
            if re.fullmatch(r"[+-]?[\d.,]*[.,]\d*([eE][+-]?\d+)?", cell) is None:
                continue
            if _GROUPS.fullmatch(cell) and not cell.lstrip("+-").startswith("0"):
                if "," in cell:
                    open_cells.append(cell)
            else:
                signs.add(max(".,", key=cell.rfind))
    if len(signs) > 1:
        raise ValueError(f"{file} has decimal points and decimal commas: use one of them, or give --decimal.")
    if not signs and open_cells:
        raise ValueError(
            f"{file} holds {open_cells[0]!r}: a thousand or a decimal comma? Say --decimal . or --decimal ,"
        )
    return signs.pop() if signs else "."


def _number(cell: str, sign: str) -> Any:
    """Return a cell as a number if it is one with this decimal sign, else its text."""
    text = cell.strip().replace("\u00a0", "").replace("\u2212", "-")
    group = "," if sign == "." else "."
    whole = text.partition(sign)[0]
    if group in text and not (_GROUPS.fullmatch(whole) and group not in text.partition(sign)[2]):
        return cell.strip()
    try:
        return float(text.replace(group, "").replace(sign, "."))
    except ValueError:
        return cell.strip()
