"""Checks shared by every public function: each error gives the value, the allowed range and the mend."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse

# Largest seed of what users seed: torch and scikit-learn take no more than 32 bits.
LARGEST_SEED = 2**32 - 1
# Largest seed of what only numpy draws, such as streams that are derived from a seed by adding to it.
LARGEST_STREAM = 2**63 - 1
# Letters of a value that an error shows.
_SHOWN = 80
_MADE_AGAIN = "make it again from its rows and columns"


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
    near = [k for k in known if k.lower() == str(name).lower()] or difflib.get_close_matches(str(name), known, 1, 0.5)
    hint = f" did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"unknown {what} {name!r}:{hint} Known: {', '.join(known)}.")


def in_range(
    value: float, low: float, high: float, what: str, mend: str = "", open_low: bool = False, whole: bool = False
) -> float:
    """Return ``value`` if it is a finite number in [low, high] ((low, high] with ``open_low``).

    Raises
    ------
    ValueError
        With the value, the range and the mend.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if number and isinstance(value, int) and value.bit_length() > 64:  # numpy computes with no such number
        number = False
        if low <= value <= high:
            mend = "A whole number has at most 64 bits" + ("." if whole else ": give a larger one as a float.")
    number = number and bool(np.isfinite(value)) and (not whole or value == int(value))
    if not number or not (low < value if open_low else low <= value) or not value <= high:
        left = "(" if open_low else "["
        raise ValueError(
            f"{what} is {brief(value)}: it must be a {'whole ' * whole}number in {left}{low:g}, {high:g}]. "
            f"{mend}".rstrip()
        )
    return value


def as_seed(value: Any, what: str = "seed", largest: int = LARGEST_SEED, mend: str = "") -> int:
    """Return a seed as int if it is a whole number from 0 to ``largest``.

    Raises
    ------
    ValueError
        For anything else, None, truth values and 1.0 included: it would give other numbers elsewhere.

    Examples
    --------
    >>> as_seed(np.int64(3))
    3
    >>> as_seed(-1)
    Traceback (most recent call last):
    ...
    ValueError: seed is -1: it must be a whole number in [0, 4294967295].
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value <= largest:
        raise ValueError(f"{what} is {brief(value)}: it must be a whole number in [0, {largest}]. {mend}".rstrip())
    return int(value)


def as_rng(rng: Any, what: str = "rng") -> np.random.Generator:
    """Return a numpy Generator: the one given, a new one of a seed, or of none (None), which differs every time.

    Raises
    ------
    ValueError
        For what is neither.

    Examples
    --------
    >>> as_rng(3).random() == np.random.default_rng(3).random()
    True
    """
    if rng is None or isinstance(rng, (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)):
        return np.random.default_rng(rng)
    return np.random.default_rng(as_seed(rng, what, LARGEST_STREAM, "Or give a numpy Generator."))


def brief(value: Any) -> str:
    """Return how an error writes a value: as Python does, cut off where it is long.

    >>> brief("three"), brief(10**100)
    ("'three'", 'a whole number of 333 bits')
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    told = repr(value)
    return told if len(told) <= _SHOWN else told[:_SHOWN] + "…"


def check_sparse(matrix: Any, what: str, mend: str = "save or download it again") -> None:
    """Check that a sparse matrix points nowhere outside itself: whatever read it would leave its memory.

    Raises
    ------
    ValueError
        Naming ``what``, if its arrays differ in length, row pointers descend or an index is none of its rows or
        columns.

    Examples
    --------
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
        raise ValueError(f"{what} is damaged ({error}): {mend}.") from error


def _check_coordinates(matrix: Any) -> None:
    for indices, size in zip((matrix.row, matrix.col), matrix.shape, strict=True):
        if len(indices) != len(matrix.data):
            raise ValueError(f"{len(indices)} indices for {len(matrix.data)} values")
        if len(indices) and (indices.min() < 0 or indices.max() >= size):
            raise ValueError(f"indices from {indices.min()} to {indices.max()} for {size}")


def as_array(values: Any, what: str) -> np.ndarray:
    """Return values as an array, those of a torch tensor from whichever device.

    Raises
    ------
    ValueError
        For rows of different lengths.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):  # what refuses to be an array says why itself
            raise
        raise ValueError(f"{what} has rows of different lengths: give a table whose rows are equally long.") from error


def as_numbers(values: Any, what: str) -> np.ndarray:
    """Return numbers of any shape as floats, NaN and infinity included.

    Raises
    ------
    ValueError
        For anything but numbers, naming one.

    Examples
    --------
    >>> as_numbers([1, 2], "depths").tolist()
    [1.0, 2.0]
    >>> as_numbers([1, None], "depths")
    Traceback (most recent call last):
    ...
    ValueError: depths has dtype object (such as None): give numbers.
    """
    return _numeric(as_array(values, what), what).astype(float, copy=False)


def _numeric(array: np.ndarray, what: str) -> np.ndarray:
    """Return an array of numbers as it is, or raise naming what in it is none."""
    if array.dtype.kind in "fiub":
        return array
    odd = [v for v in array.ravel() if not isinstance(v, (int, float, np.number))][:1]
    told = f" (such as {brief(odd[0])})" if odd else ""
    raise ValueError(f"{what} has dtype {array.dtype}{told}: give numbers.")


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
        check_sparse(counts, what, _MADE_AGAIN)
    else:
        if counts.dtype.kind not in "iufb":
            raise ValueError(f"{what} holds NaN, infinite or non-numeric values: give raw UMI counts.")
        if counts.dtype == np.float16:
            counts = counts.astype(np.float32)
    matrix = sparse.csr_matrix(counts)
    if sparse.issparse(counts) and not hasattr(counts, "check_format"):
        check_sparse(matrix, what, _MADE_AGAIN)  # made of lists, whose numbers scipy takes as they are
    if not matrix.has_canonical_format or (matrix.data == 0).any():
        matrix = matrix.copy()  # the user's own is left as it is
        matrix.sum_duplicates()  # also sorts
        matrix.eliminate_zeros()
    values = matrix.data
    if values.dtype.kind not in "iu":
        if values.dtype.kind not in "fb" or not np.isfinite(values).all():
            raise ValueError(f"{what} holds NaN, infinite or non-numeric values: give raw UMI counts.")
        off = values != np.round(values)
        if off.any():
            raise ValueError(
                f"{what} holds {values[off][0]:g}, not a whole number: give raw UMI counts, not normalised values."
            )
        if values.size and abs(values).max() >= 2.0**53:
            raise ValueError(f"{what} holds {values[abs(values).argmax()]:g}: no cell has so many molecules.")
        wide = values.size and abs(values).max() > np.iinfo(np.int32).max
        matrix = matrix.astype(np.int64 if wide else np.int32)
    if matrix.data.size and matrix.data.min() < 0:
        raise ValueError(f"{what} holds {matrix.data.min()}: counts cannot be negative; give raw UMI counts.")
    return matrix.astype(np.int64) if matrix.dtype == np.uint64 else matrix


def as_matrix(values: Any, what: str) -> np.ndarray:
    """Return ``values`` as a finite float64 matrix with one row a cell; a vector becomes one column.

    Raises
    ------
    ValueError
        For anything but numbers, rows of different lengths, no column, more than two axes, NaN or infinity.
    """
    if sparse.issparse(values):
        check_sparse(values, what, _MADE_AGAIN)
        values = values.toarray()
    array = _numeric(as_array(values, what), what)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{what} has shape {array.shape}: give (cells,) or (cells, dimensions).")
    if not array.shape[1]:
        raise ValueError(f"{what} has shape {array.shape}: it needs at least one column.")
    array = np.ascontiguousarray(array, dtype=np.float64)
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{what} holds NaN or infinite values in {bad.sum()} of {len(array)} rows "
            f"(first: row {np.flatnonzero(bad)[0]}): drop or impute these cells first."
        )
    return array


def is_labels(values: Any, what: str = "signal") -> bool:
    """Whether a signal is a vector of labels: strings, categories, booleans or integers."""
    array = as_array(values, what)
    if array.dtype.kind == "O":
        return array.ndim == 1 and not all(isinstance(v, float) for v in array)
    return array.ndim == 1 and array.dtype.kind in "iubUST"


def as_labels(values: Any, what: str) -> np.ndarray:
    """Return a label vector as integer codes 0 … L-1.

    Raises
    ------
    ValueError
        For more than one axis, or labels that are missing.
    """
    import pandas as pd

    array = as_array(values, what)
    if array.ndim != 1:
        raise ValueError(f"{what} has shape {array.shape}: labels are a vector, one label a cell.")
    codes, _ = pd.factorize(array, sort=True)
    if (codes < 0).any():
        raise ValueError(f"{what} holds {(codes < 0).sum()} missing labels: drop these cells first.")
    return codes


def same_length(**arrays: Any) -> int:
    """Return the common number of rows.

    Raises
    ------
    ValueError
        Naming each length if they differ, or what has none.
    """
    lengths = {name: _rows(a, name) for name, a in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n} rows" for name, n in lengths.items())
        raise ValueError(f"lengths differ: {told}. Row i of each must be the same cell.")
    return next(iter(lengths.values()))


def _rows(values: Any, what: str) -> int:
    try:
        return values.shape[0] if hasattr(values, "shape") else len(values)
    except (TypeError, IndexError) as error:
        raise ValueError(f"{what} is {brief(values)}: give an array with one row a cell.") from error
