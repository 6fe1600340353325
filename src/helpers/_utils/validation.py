"""Checks shared by every public function: each error gives the value, the allowed range and how to fix it."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse

# What a field of a grid or a plan may be, in place of pydantic's words for it.
_WANTED = {
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "int": "give a whole number",
    "float": "give a number",
    "finite_number": "give a finite number",
    "bool": "give true or false",
    "string": "give text",
    "list": "give a list",
    "dict": "give names, each with its value",
    "model": "give names, each with its value",
}
# Largest seed of what users seed: torch and scikit-learn take no more than 32 bits.
LARGEST_SEED = 2**32 - 1
# Largest seed of what only numpy draws, such as streams that are derived from a seed by adding to it.
LARGEST_STREAM = 2**63 - 1
_LETTERS = 80  # of a value that an error shows
_MAKE_AGAIN = "make it again from its rows and columns"


def choose(name: str, allowed: Iterable[str], what: str) -> str:
    """Return ``name`` if it is allowed, else raise ``ValueError`` naming the nearest allowed name.

    >>> choose("pca", ["pca", "random_projection"], "representation")
    'pca'
    >>> choose("pac", ["pca", "random_projection"], "representation")
    Traceback (most recent call last):
    ...
    ValueError: unknown representation 'pac': did you mean 'pca'? Known: pca, random_projection.
    """
    known = sorted(allowed)
    if name in known:
        return name
    names = f"Known: {', '.join(known)}" if known else "There is none"
    raise ValueError(f"unknown {what} {name!r}:{did_you_mean(name, known)} {names}.")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known name is meant, or nothing where none is near."""
    names = list(known)
    near = [k for k in names if k.lower() == str(name).lower()] or difflib.get_close_matches(str(name), names, 1, 0.5)
    return f" did you mean '{near[0]}'?" if near else ""


def in_range(
    value: float, low: float, high: float, what: str, fix: str = "", open_low: bool = False, whole: bool = False
) -> float:
    """Return ``value`` if it is a finite number in [low, high], or in (low, high] with ``open_low``.

    Raises
    ------
    ValueError
        With the value, the range and how to fix it.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if number and isinstance(value, int) and value.bit_length() > 64:  # numpy computes with no such number
        number = False
        if low <= value <= high:
            fix = "A whole number has at most 64 bits" + ("." if whole else ": give a larger one as a float.")
    number = number and bool(np.isfinite(value)) and (not whole or value == int(value))
    if not number or not (low < value if open_low else low <= value) or not value <= high:
        kind, left = "whole number" if whole else "number", "(" if open_low else "["
        raise ValueError(f"{what} is {brief(value)}: it must be a {kind} in {left}{low:g}, {high:g}]. {fix}".rstrip())
    return value


def as_seed(value: Any, what: str = "seed", largest: int = LARGEST_SEED, fix: str = "") -> int:
    """Return a whole number from 0 to ``largest`` as int.

    Anything else raises ``ValueError``, also None, truth values and 1.0, which would give other numbers elsewhere.

    >>> as_seed(np.int64(3))
    3
    >>> as_seed(-1)
    Traceback (most recent call last):
    ...
    ValueError: seed is -1: it must be a whole number in [0, 4294967295].
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value <= largest:
        raise ValueError(f"{what} is {brief(value)}: it must be a whole number in [0, {largest}]. {fix}".rstrip())
    return int(value)


def as_rng(rng: Any) -> np.random.Generator:
    """Return a numpy Generator: the one given, a new one from a seed, or from None, which differs every time.

    >>> as_rng(3).random() == np.random.default_rng(3).random()
    True
    """
    if rng is None or isinstance(rng, (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)):
        return np.random.default_rng(rng)
    return np.random.default_rng(as_seed(rng, "rng", LARGEST_STREAM, "Or give a numpy Generator."))


def first_refusal(error: Any, known: Iterable[str] = ()) -> str:
    """Return what a pydantic ``ValidationError`` says first, in one line of our own words.

    ``known`` are the names of the fields, for a name that is not among them.

    >>> from pydantic import BaseModel, Field, ValidationError
    >>> class Sizes(BaseModel):
    ...     dim: int = Field(ge=1)
    >>> try:
    ...     Sizes(dim=0)
    ... except ValidationError as error:
    ...     first_refusal(error)
    'dim is 0: it must be at least 1.'
    """
    wrong = error.errors()[0]
    path, kind = list(wrong["loc"]), str(wrong["type"])
    if kind == "value_error":  # a check of ours
        return wrong["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"unknown field {path[-1]!r}:{did_you_mean(path[-1], known)} Known: {', '.join(sorted(known))}."
    place = ".".join(str(part) for part in path if not isinstance(part, int)) or "the whole of it"
    if kind == "missing":
        return f"{place} is missing: give it."
    if kind == "too_short" and not wrong["input"]:
        return f"{place} is empty: give at least one."
    name = kind if kind in _WANTED else kind.split("_")[0]  # int_type, int_parsing, int_from_float, …
    wanted = _WANTED[name].format(**wrong.get("ctx", {})) if name in _WANTED else wrong["msg"]
    item = "one of " if path and isinstance(path[-1], int) else ""
    return f"{item}{place} is {brief(wrong['input'])}: {wanted}."


def brief(value: Any) -> str:
    """Return how an error writes a value: as Python does, cut off where it is long.

    >>> brief("three"), brief(10**100)
    ("'three'", 'a whole number of 333 bits')
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= _LETTERS else text[:_LETTERS] + "…"


def check_sparse(matrix: Any, what: str, fix: str = "save or download it again") -> None:
    """Raise ``ValueError`` if a sparse matrix points outside itself: whatever read it would leave its memory.

    >>> check_sparse(sparse.csr_matrix(([1], [5], [0, 1]), shape=(1, 3)), "X of cells.h5ad")
    Traceback (most recent call last):
    ...
    ValueError: X of cells.h5ad is damaged (indices must be < 3): save or download it again.
    """
    try:
        if matrix.format == "coo":
            _check_coordinates(matrix)
        elif hasattr(matrix, "check_format"):
            # scipy leaves the pointers of a matrix without values unchecked.
            if (matrix.indptr[1:] < matrix.indptr[:-1]).any():
                raise ValueError("indptr must be a non-decreasing sequence")
            matrix.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"{what} is damaged ({error}): {fix}.") from error


def _check_coordinates(matrix: Any) -> None:
    for indices, size in zip((matrix.row, matrix.col), matrix.shape, strict=True):
        if len(indices) != len(matrix.data):
            raise ValueError(f"{len(indices)} indices for {len(matrix.data)} values")
        if len(indices) and (indices.min() < 0 or indices.max() >= size):
            raise ValueError(f"indices from {indices.min()} to {indices.max()} for {size}")


def as_array(values: Any, what: str) -> np.ndarray:
    """Return values as an array, those of a torch tensor from whichever device; rows must be equally long."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):  # an object that cannot be an array says why itself
            raise
        raise ValueError(f"{what} has rows of different lengths: give a table whose rows are equally long.") from error


def as_numbers(values: Any, what: str) -> np.ndarray:
    """Return numbers of any shape as floats, NaN and infinity included; anything else raises ``ValueError``.

    >>> as_numbers([1, None], "depths")
    Traceback (most recent call last):
    ...
    ValueError: depths has dtype object (such as None): give numbers.
    """
    return _numeric(as_array(values, what), what).astype(float, copy=False)


def _numeric(array: np.ndarray, what: str) -> np.ndarray:
    """Return an array of numbers as it is, or raise naming an element that is not a number."""
    if array.dtype.kind in "fiub":
        return array
    others = [v for v in array.ravel() if not isinstance(v, (int, float, np.number))]
    example = f" (such as {brief(others[0])})" if others else ""
    raise ValueError(f"{what} has dtype {array.dtype}{example}: give numbers.")


def as_counts(counts: Any, what: str = "counts") -> sparse.csr_matrix:
    """Return ``counts`` as a CSR matrix of non-negative whole numbers, int32 or wider.

    Raises
    ------
    ValueError
        If it is not two-dimensional, holds NaN, or a negative or fractional value, or is a sparse matrix that points
        outside itself.
    """
    if not sparse.issparse(counts):
        counts = as_array(counts, what)
    if counts.ndim != 2:
        raise ValueError(f"{what} has {counts.ndim} dimension(s): give a matrix of cells × genes.")
    if sparse.issparse(counts):
        check_sparse(counts, what, _MAKE_AGAIN)
    elif counts.dtype.kind not in "iufb":
        raise _not_counts(what)
    elif counts.dtype == np.float16:
        counts = counts.astype(np.float32)
    matrix = sparse.csr_matrix(counts)
    if sparse.issparse(counts) and not hasattr(counts, "check_format"):
        check_sparse(matrix, what, _MAKE_AGAIN)  # made of lists, whose numbers scipy takes as they are
    if not matrix.has_canonical_format or (matrix.data == 0).any():
        matrix = matrix.copy()  # the user's own is left as it is
        matrix.sum_duplicates()  # also sorts
        matrix.eliminate_zeros()
    if matrix.dtype.kind not in "iu":
        matrix = matrix.astype(_whole_dtype(matrix.data, what))
    if matrix.data.size and matrix.data.min() < 0:
        raise ValueError(f"{what} holds {matrix.data.min()}: counts cannot be negative; give raw UMI counts.")
    return matrix.astype(np.int64) if matrix.dtype == np.uint64 else matrix


def _not_counts(what: str) -> ValueError:
    return ValueError(f"{what} holds NaN, infinite or non-numeric values: give raw UMI counts.")


def _whole_dtype(values: np.ndarray, what: str) -> type[np.integer]:
    """Return the integer type that holds these values, or raise if one of them is not a whole number."""
    if values.dtype.kind not in "fb" or not np.isfinite(values).all():
        raise _not_counts(what)
    if not values.size:
        return np.int32
    fractional = values != np.round(values)
    if fractional.any():
        first = values[fractional][0]
        raise ValueError(f"{what} holds {first:g}, not a whole number: give raw UMI counts, not normalised values.")
    largest = values[abs(values).argmax()]
    if abs(largest) >= 2.0**53:
        raise ValueError(f"{what} holds {largest:g}: no cell has so many molecules.")
    return np.int64 if abs(largest) > np.iinfo(np.int32).max else np.int32


def as_matrix(values: Any, what: str) -> np.ndarray:
    """Return ``values`` as a finite float64 matrix with one row a cell; a vector becomes one column.

    Raises
    ------
    ValueError
        For anything but numbers, rows of different lengths, no column, more than two axes, NaN or infinity.
    """
    if sparse.issparse(values):
        check_sparse(values, what, _MAKE_AGAIN)
        values = values.toarray()
    array = _numeric(as_array(values, what), what)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{what} has shape {array.shape}: give (samples,) or (samples, dimensions).")
    if not array.shape[1]:
        raise ValueError(f"{what} has shape {array.shape}: it needs at least one column.")
    array = np.ascontiguousarray(array, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise ValueError(
            f"{what} holds NaN or infinite values in {bad.size} of {len(array)} rows (first: row {bad[0]}): drop or "
            "impute these samples first."
        )
    return array


def is_labels(values: Any, what: str = "signal") -> bool:
    """Whether a signal is a vector of labels: strings, categories, booleans or integers."""
    array = as_array(values, what)
    if array.dtype.kind == "O":
        return array.ndim == 1 and not all(isinstance(v, float) for v in array)
    return array.ndim == 1 and array.dtype.kind in "iubUST"


def as_labels(values: Any, what: str) -> np.ndarray:
    """Return a label vector as integer codes 0 … L-1; a missing label or a second axis raises ``ValueError``."""
    import pandas as pd

    array = as_array(values, what)
    if array.ndim != 1:
        raise ValueError(f"{what} has shape {array.shape}: labels are a vector, one label a cell.")
    codes, _ = pd.factorize(array, sort=True)
    if (codes < 0).any():
        raise ValueError(f"{what} holds {(codes < 0).sum()} missing labels: drop these samples first.")
    return codes


def as_columns(values: Any, what: str) -> np.ndarray:
    """Return numbers as ``as_matrix`` does, and labels as one column for each, 1 for the cells that have it."""
    if not is_labels(values, what):
        return as_matrix(values, what)
    codes = as_labels(values, what)
    return np.eye(int(codes.max(initial=-1)) + 1)[codes]


def same_length(**arrays: Any) -> int:
    """Return the common number of rows, or raise ``ValueError`` naming each length."""
    lengths = {name: _rows(array, name) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{name} has {n} rows" for name, n in lengths.items())
        raise ValueError(f"lengths differ: {each}. Row i of each must be the same cell.")
    return next(iter(lengths.values()))


def _rows(values: Any, what: str) -> int:
    try:
        return values.shape[0] if hasattr(values, "shape") else len(values)
    except (TypeError, IndexError) as error:
        raise ValueError(f"{what} is {brief(values)}: give an array with one row a cell.") from error
