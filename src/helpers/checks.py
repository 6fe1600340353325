"""Checks shared by every public function: each error gives the value, the allowed range and the mend."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse


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
    """Return ``value`` if it is a finite number in [low, high] ((low, high] with ``open_low``)."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    number = number and bool(np.isfinite(value)) and (not whole or value == int(value))
    if not number or not (low < value if open_low else low <= value) or not value <= high:
        left = "(" if open_low else "["
        raise ValueError(
            f"{what} is {value!r}: it must be a {'whole ' * whole}number in {left}{low:g}, {high:g}]. {mend}".rstrip()
        )
    return value


def as_counts(counts: Any, what: str = "counts") -> sparse.csr_matrix:
    """Return ``counts`` as a CSR matrix of non-negative whole numbers, int32 or wider.

    Raises
    ------
    ValueError
        If it is not two-dimensional, holds NaN, or a negative or fractional value.
    """
    if not sparse.issparse(counts):
        counts = np.asarray(counts)
        if counts.ndim != 2:
            raise ValueError(f"{what} has {counts.ndim} dimension(s): give a matrix of cells × genes.")
        if counts.dtype.kind not in "iufb":
            raise ValueError(f"{what} holds NaN, infinite or non-numeric values: give raw UMI counts.")
        if counts.dtype == np.float16:
            counts = counts.astype(np.float32)
    matrix = sparse.csr_matrix(counts)
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
    """Return ``values`` as a finite float64 matrix with one row a cell; a vector becomes one column."""
    if hasattr(values, "detach"):  # a torch tensor, on whichever device
        values = values.detach().cpu().numpy()
    if sparse.issparse(values):
        values = values.toarray()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        odd = next((v for v in array.ravel() if not isinstance(v, (int, float, np.number))), None)
        raise ValueError(f"{what} has dtype {array.dtype}{'' if odd is None else f' (such as {odd!r})'}: give numbers.")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{what} has shape {array.shape}: give (cells,) or (cells, dimensions).")
    array = np.ascontiguousarray(array, dtype=np.float64)
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{what} holds NaN or infinite values in {bad.sum()} of {len(array)} rows "
            f"(first: row {np.flatnonzero(bad)[0]}): drop or impute these cells first."
        )
    return array


def is_labels(values: Any) -> bool:
    """Whether a signal is a vector of labels: strings, categories, booleans or integers."""
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.dtype.kind == "O":
        return array.ndim == 1 and not all(isinstance(v, float) for v in array)
    return array.ndim == 1 and array.dtype.kind in "iubUST"


def as_labels(values: Any, what: str) -> np.ndarray:
    """Return a label vector as integer codes 0 … L-1; missing labels are an error."""
    import pandas as pd

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{what} has shape {array.shape}: labels are a vector, one label a cell.")
    codes, _ = pd.factorize(array, sort=True)
    if (codes < 0).any():
        raise ValueError(f"{what} holds {(codes < 0).sum()} missing labels: drop these cells first.")
    return codes


def same_length(**arrays: Any) -> int:
    """Return the common number of rows, or raise naming each length."""
    lengths = {name: (a.shape[0] if hasattr(a, "shape") else len(a)) for name, a in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n} rows" for name, n in lengths.items())
        raise ValueError(f"lengths differ: {told}. Row i of each must be the same cell.")
    return next(iter(lengths.values()))
