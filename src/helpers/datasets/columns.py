"""Whether a column about cells is labels or numbers, and how to say so."""

import re

import numpy as np
import pandas as pd

# Text and categories whose names are numbers, and a name that says a quantity, are labels up to this many values.
FEW = 20
# Whole numbers are labels up to this many different values.
MANY = 50
# A column of labels has at least this many cells a label, or it names cells.
CELLS_A_LABEL = 2
# Words of a column's name that say a quantity: its numbers are numbers however few values they take.
_QUANTITIES = frozenset(
    [
        "age",
        "area",
        "concentration",
        "conc",
        "count",
        "counts",
        "day",
        "days",
        "depth",
        "dose",
        "dpf",
        "dpi",
        "fraction",
        "hour",
        "hours",
        "hpf",
        "hr",
        "hrs",
        "length",
        "minute",
        "minutes",
        "mins",
        "min",
        "month",
        "months",
        "number",
        "pct",
        "percent",
        "pseudotime",
        "score",
        "size",
        "temperature",
        "time",
        "times",
        "timepoint",
        "total",
        "umi",
        "umis",
        "volume",
        "week",
        "weeks",
        "year",
        "years",
    ]
)
_UNKNOWN = ("unknown", "unassigned", "unlabelled", "unlabeled", "undefined", "doublet", "none of the above", "other")


def says_a_quantity(name: str) -> bool:
    """Return whether a column's name says that its numbers measure something.

    >>> says_a_quantity("time.point"), says_a_quantity("n_counts"), says_a_quantity("leiden"), says_a_quantity("stage")
    (True, True, False, False)
    """
    return bool(_QUANTITIES & set(re.findall("[a-z]+", name.lower())))


def labels_or_numbers(column: pd.Series, as_labels: bool | None = None) -> tuple[np.ndarray, str]:
    """Return labels as text or numbers as floats, and in words which was taken and how to change it.

    ``as_labels`` decides, if given. Otherwise text, categories and truth values are labels, unless every one of them is
    a number and they are fractions, more than 20 with a name that says a quantity, or nearly as many as there are
    cells. Whole numbers are labels if there are up to 50 different ones and the name does not say a quantity, such as
    a day or a dose; other numbers are numbers.

    Raises
    ------
    ValueError
        For ``as_labels=False`` of what is not a number, or labels that nearly every cell has to itself.

    Examples
    --------
    >>> labels_or_numbers(pd.Series([0, 1, 2] * 4, name="leiden"))[1]
    '3 labels (whole numbers of few values; as_labels=False takes them as numbers)'
    >>> labels_or_numbers(pd.Series([0, 1, 2] * 4, name="day"))[1]
    'numbers with 3 different values (as_labels=True takes them as labels)'
    """
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    numeric = bool(numbers.notna().all()) and column.dtype.kind != "b"
    distinct = int(column.nunique())
    rule = _by_rule(column, numbers, distinct) if numeric else True
    taken = rule if as_labels is None else as_labels
    if taken:
        if distinct > len(column) / CELLS_A_LABEL and distinct > FEW:
            numbers_instead = ", or give as_labels=False, which takes them as numbers" if numeric else ""
            raise ValueError(
                f"{column.name} has {distinct} labels for {len(column)} cells: a label needs several cells. "
                f"Name a column of cell types, clusters or conditions{numbers_instead}."
            )
        why = "whole numbers of few values; " if column.dtype.kind in "iuf" else ""
        change = f" ({why}as_labels=False takes them as numbers)" if numeric else ""
        return _as_text(column, numbers if numeric else None), f"{distinct} labels{change}"
    if not numeric:
        raise ValueError(f"{column.name} holds {column[numbers.isna()].iloc[0]!r}: as_labels=False needs numbers.")
    return numbers.to_numpy(float), f"numbers with {distinct} different values (as_labels=True takes them as labels)"


def _by_rule(column: pd.Series, numbers: pd.Series, distinct: int) -> bool:
    """Return whether values that are all numbers are labels."""
    finite = np.isfinite(numbers.to_numpy(float)).all()
    whole = bool(finite and (numbers == np.round(numbers)).all())
    quantity = says_a_quantity(str(column.name))
    if column.dtype.kind in "iuf":
        return whole and distinct <= MANY and not quantity and distinct < len(column) / CELLS_A_LABEL
    return distinct <= FEW or (whole and not quantity and distinct < len(column) / CELLS_A_LABEL)


def _as_text(column: pd.Series, numbers: pd.Series | None) -> np.ndarray:
    """Return labels as text: whole numbers as whole, however they are stored."""
    if numbers is not None and column.dtype.kind == "f" and (numbers == np.round(numbers)).all():
        return numbers.astype(np.int64).astype(str).to_numpy(str)
    return column.astype(str).to_numpy(str)


def doubts_of_labels(labels: np.ndarray, name: str) -> list[str]:
    """Return sentences on labels that say that nobody knows.

    >>> doubts_of_labels(np.array(["B", "Unknown", "B"]), "type")
    ["type: 'Unknown' counts as one more label (1 cells); leave a cell empty to leave it out."]
    """
    names, cells = np.unique(labels, return_counts=True)
    return [
        f"{name}: {label!r} counts as one more label ({n} cells); leave a cell empty to leave it out."
        for label, n in zip(names.tolist(), cells, strict=True)
        if label.strip().lower() in _UNKNOWN
    ]
