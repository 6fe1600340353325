"""Signals that are another cell: a spatial neighbour, a clonal relative. No pair crosses the split."""

from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, as_seed, in_range, same_length
from helpers.datasets import splits
from helpers.datasets.base import Dataset, registered
from helpers.preprocess.genes import choose_genes, log_cp10k


def neighbours(positions: np.ndarray, folds: np.ndarray, k: int = 5, seed: int = 0) -> np.ndarray:
    """Return, for each cell, the row of one random of its ``k`` nearest cells in the same fold.

    Parameters
    ----------
    positions : (cells, 2 or 3) array, any unit of length
    folds : (cells,) array of int
    k : int
        As published: 5. A fold with fewer cells uses all others.
    seed : int

    Returns
    -------
    (cells,) array of int, never the cell itself

    Examples
    --------
    >>> neighbours(np.array([[0.0, 0], [0, 1], [9, 0], [9, 1]]), np.zeros(4, int), k=1).tolist()
    [1, 0, 3, 2]
    """
    from scipy.spatial import KDTree

    positions = np.asarray(positions, float)
    same_length(positions=positions, folds=folds)
    in_range(k, 1, 1000, "k", whole=True)
    rng = np.random.default_rng(as_seed(seed))
    partner = np.empty(len(positions), int)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        in_range(len(rows), 2, np.inf, f"cells in fold {fold}", "A cell cannot be its own neighbour.")
        many = min(k, len(rows) - 1)
        # One more than asked: the nearest is the cell itself, or one at the very same place.
        _, near = KDTree(positions[rows]).query(positions[rows], many + 1)
        itself = near == np.arange(len(rows))[:, None]
        itself[~itself.any(axis=1), -1] = True
        others = near[~itself].reshape(len(rows), many)
        partner[rows] = rows[others[np.arange(len(rows)), rng.integers(0, many, len(rows))]]
    return partner


def relatives(clones: Any, early: np.ndarray, late: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of one random early cell of each clone, and of one random late relative of it.

    Parameters
    ----------
    clones : (cells, clones) matrix
        Nonzero where a cell belongs to a clone; a cell of several clones is left out.
    early, late : (cells,) arrays of bool

    Returns
    -------
    (cells, partners)
        One pair for each clone seen both early and late.

    Examples
    --------
    >>> clones = np.array([[1, 0], [1, 0], [0, 1]])
    >>> relatives(clones, np.array([True, False, True]), np.array([False, True, False]))
    (array([0]), array([1]))
    """
    matrix = sparse.csr_matrix(clones).astype(bool)
    same_length(clones=matrix, early=early, late=late)
    of_cell = clone_of(matrix)
    rng = np.random.default_rng(as_seed(seed))
    cells, partners = [], []
    for clone in np.unique(of_cell[of_cell >= 0]):
        members = np.flatnonzero(of_cell == clone)
        first, last = members[early[members]], members[late[members]]
        if len(first) and len(last):
            cells.append(rng.choice(first))
            partners.append(rng.choice(last))
    return np.array(cells, int), np.array(partners, int)


def clone_of(clones: sparse.csr_matrix) -> np.ndarray:
    """Return the clone of each cell, -1 for cells of none or of several."""
    clones = sparse.csr_matrix(clones)
    alone = clones.getnnz(axis=1) == 1
    out = np.full(clones.shape[0], -1)
    out[alone] = clones.indices[clones.indptr[:-1][alone]]
    return out


def transcriptome(counts: sparse.csr_matrix, fit_on: np.ndarray, dim: int = 16, n_top: int = 750) -> np.ndarray:
    """Return each cell's own state at full depth: principal components of its log-normalised counts.

    The axes are found on the cells ``fit_on``; the partner's row of the result is the signal of a pair.

    Returns
    -------
    (cells, dim) array of float
    """
    from sklearn.decomposition import PCA

    genes, _ = choose_genes(counts[fit_on], n_top)
    values = log_cp10k(counts[:, genes], counts.sum(axis=1).A1).toarray()
    rank = min(dim, len(fit_on) - 1, len(genes))
    return PCA(rank, random_state=0).fit(values[fit_on]).transform(values)


def with_neighbours(
    name: str, counts: Any, positions: np.ndarray, folds: np.ndarray | int, k: int, seed: int, **more: Any
) -> Dataset:
    """Return a dataset whose signal is the state of a random near cell of the same fold.

    ``folds`` is a fold a cell, or how many strips of tissue to make.
    """
    counts = as_counts(counts, f"counts of {name}")
    folds = splits.strips(positions, folds) if isinstance(folds, int) else folds
    partner = neighbours(positions, folds, k, seed)
    state = transcriptome(counts, np.flatnonzero(folds != 0))
    more["checked"] = (*more.get("checked", ()), f"neighbour: one of the {k} nearest cells of the same fold")
    return registered(name, "neighbour", counts, state[partner], folds, partners=partner, **more)


def with_relatives(
    name: str, counts: sparse.csr_matrix, clones: Any, days: np.ndarray, n_folds: int, seed: int, **more: Any
) -> Dataset:
    """Return a dataset whose signal is the state of a relative of the last day.

    All cells of a clone are in one fold. With ``n_folds=1`` clones with a pair probe and all others train;
    with more, clones are dealt out to folds, and cells without a clone always train.
    """
    cells, partners = relatives(clones, days < days.max(), days == days.max(), seed)
    if len(cells) < 4:
        raise ValueError(f"{name}: {len(cells)} clones have an early and a late cell: at least 4 are needed.")
    of_cell = clone_of(clones)
    with_pair = of_cell[cells]
    folds = np.full(len(days), -1)
    inside = of_cell >= 0
    if n_folds == 1:
        folds[np.isin(of_cell, with_pair)] = 0
    else:
        fold_of_clone = np.zeros(of_cell.max() + 1, int)
        fold_of_clone[with_pair] = splits.at_random(len(with_pair), n_folds, seed)
        others = np.setdiff1d(np.arange(of_cell.max() + 1), with_pair)
        fold_of_clone[others] = np.arange(len(others)) % n_folds
        folds[inside] = fold_of_clone[of_cell[inside]]
    paired = np.zeros(len(days), bool)
    paired[cells] = True
    state = transcriptome(counts, np.flatnonzero(folds != 0))
    signal = np.zeros((len(days), state.shape[1]))
    signal[cells] = state[partners]
    partner = np.full(len(days), -1)
    partner[cells] = partners
    checked = (*more.pop("checked", ()), f"{len(cells)} clones with a cell before and on day {days.max()}")
    return registered(name, "clone", counts, signal, folds, paired=paired, partners=partner, checked=checked, **more)
