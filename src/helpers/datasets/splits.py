"""Which cells probe: folds made first, before any pairing, thinning or choice of genes."""

from typing import Any

import numpy as np

from helpers._utils.validation import as_labels, as_seed, in_range, is_labels


def stratified(labels: Any, n_folds: int = 2, seed: int = 0) -> np.ndarray:
    """Return a fold for each cell, every label spread evenly over the folds; few cells are spread as far as they go.

    >>> stratified(["a", "a", "b", "b"]).tolist() in ([0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0])
    True
    """
    codes = as_labels(labels, "labels of the split")
    in_range(n_folds, 2, len(codes), "n_folds", whole=True)
    rng = np.random.default_rng(as_seed(seed))
    folds = np.empty(len(codes), int)
    # Cells in random order within each label, labels one after the other, dealt out in turn.
    order = np.lexsort((rng.random(len(codes)), codes))
    folds[order] = np.arange(len(codes)) % n_folds
    return folds


def whole_groups(labels: Any, groups: Any, n_folds: int = 2, seed: int = 0) -> np.ndarray:
    """Return a fold for each cell: all cells of a group are in one, every label is in all, as evenly as its groups go.

    Each group has one label. Cells of a label with fewer groups than folds have none: -1.

    >>> folds = whole_groups(list("aaabbc"), list("uuvwxy"))
    >>> bool(folds[0] == folds[1] != folds[2]), int(folds[5])
    (True, -1)
    """
    labels, groups = as_labels(labels, "labels of the split"), as_labels(groups, "groups of the split")
    in_range(n_folds, 2, len(groups), "n_folds", whole=True)
    rng = np.random.default_rng(as_seed(seed))
    folds = np.full(len(groups), -1)
    for label in np.unique(labels):
        names, sizes = np.unique(groups[labels == label], return_counts=True)
        if len(names) < n_folds:
            continue
        filled = rng.permutation(n_folds) / n_folds  # less than a cell: which fold is the first is chance
        for largest in np.argsort(-sizes, kind="stable"):
            emptiest = filled.argmin()
            folds[groups == names[largest]] = emptiest
            filled[emptiest] += sizes[largest]
    if len(np.unique(labels[folds >= 0])) < 2:
        raise ValueError(f"n_folds is {n_folds}: fewer than two labels have as many groups; use fewer folds.")
    return folds


def at_random(n_cells: int, n_folds: int = 2, seed: int = 0) -> np.ndarray:
    """Return a fold for each cell, folds of equal size in random order."""
    return stratified(np.zeros(n_cells, int), n_folds, seed)


def deal(signal: np.ndarray, n_folds: int = 2, seed: int = 0) -> np.ndarray:
    """Return a fold for each cell: stratified where the signal is labels, else at random."""
    return stratified(signal if is_labels(signal) else np.zeros(len(signal), int), n_folds, seed)


def strips(positions: np.ndarray, n_folds: int = 2) -> np.ndarray:
    """Return a fold for each cell: strips of tissue with equally many cells, across the longer side.

    Neighbours of a cell are in its own strip, but for those on the border.

    >>> strips(np.array([[0.0, 0], [9, 1], [1, 0], [8, 1]])).tolist()
    [0, 1, 0, 1]
    """
    in_range(n_folds, 2, len(positions), "n_folds", whole=True)
    longer = np.argmax(np.ptp(positions, axis=0))
    rank = np.argsort(np.argsort(positions[:, longer], kind="stable"), kind="stable")
    return rank * n_folds // len(positions)
