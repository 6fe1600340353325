"""Signals that are another cell, a neighbour or a relative, or a cell's other molecules. No pair crosses the split."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_counts, as_seed, in_range, same_length
from helpers.datasets import splits
from helpers.datasets.backed import BackedCounts
from helpers.datasets.base import Dataset, registered
from helpers.noise.counts import thin_twice
from helpers.preprocess.genes import choose_genes, log_cp10k

OTHER_HALF = "other_half"


def neighbours(
    positions: np.ndarray, folds: np.ndarray, k: int = 5, seed: int = 0, distance: float = 0.0
) -> np.ndarray:
    """Return, for each cell, the row of one random of its ``k`` nearest cells in the same fold; published: 5.

    ``positions`` is (cells, 2 or 3) in any unit of length, ``folds`` (cells,). A fold with fewer cells uses all others;
    a cell is never its own neighbour. With a ``distance``, in that unit, the nearest of those farther away are meant.

    >>> places = np.array([[0.0, 0], [0, 1], [9, 0], [9, 1]])
    >>> neighbours(places, np.zeros(4, int), k=1).tolist(), neighbours(places, np.zeros(4, int), 1, distance=2).tolist()
    ([1, 0, 3, 2], [2, 3, 0, 1])
    """
    from scipy.spatial import KDTree

    positions = np.asarray(positions, float)
    same_length(positions=positions, folds=folds)
    in_range(k, 1, 1000, "k", whole=True)
    in_range(distance, 0, np.inf, "distance")
    rng = np.random.default_rng(as_seed(seed))
    partner = np.empty(len(positions), int)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        in_range(len(rows), 2, np.inf, f"cells in fold {fold}", "A cell cannot be its own neighbour.")
        many = min(k, len(rows) - 1)
        tree = KDTree(positions[rows])
        if distance:
            others = _beyond(tree, distance, many, fold)
        else:
            # One more than asked: the nearest is the cell itself, or one at the very same place.
            _, near = tree.query(positions[rows], many + 1)
            itself = near == np.arange(len(rows))[:, None]
            itself[~itself.any(axis=1), -1] = True
            others = near[~itself].reshape(len(rows), many)
        partner[rows] = rows[others[np.arange(len(rows)), rng.integers(0, many, len(rows))]]
    return partner


def _beyond(tree: Any, distance: float, many: int, fold: int) -> np.ndarray:
    """Return, for each point of a ``KDTree``, the ``many`` nearest of those that are farther away than a distance."""
    within = tree.query_ball_point(tree.data, distance, return_length=True)
    if (fewest := tree.n - within.max()) < many:
        raise ValueError(
            f"distance is {distance:g}: a cell of fold {fold} has {fewest} cells farther away, k={many} are needed: "
            "give a smaller distance or k."
        )
    ranks = np.arange(1, many + 1)
    return np.array([tree.query(place, n + ranks)[1] for place, n in zip(tree.data, within, strict=True)])


def relatives(
    clones: np.ndarray, early: np.ndarray, late: np.ndarray, seed: int = 0, most: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of one random early cell of each clone, and of one random late relative of it.

    ``clones`` is the clone of each cell, -1 for none; ``early`` and ``late`` are masks, all of shape (cells,). A clone
    without an early cell and another, late one has no pair. With ``most`` above 1 a clone gives up to so many pairs,
    and no cell is in two of them.

    >>> relatives(np.array([0, 0, 1]), np.array([True, False, True]), np.array([False, True, False]))
    (array([0]), array([1]))
    """
    same_length(clones=clones, early=early, late=late)
    rng = np.random.default_rng(as_seed(seed))
    cells, partners = [], []
    for clone in np.unique(clones[clones >= 0]):
        members = np.flatnonzero(clones == clone)
        for _ in range(most):
            first, last = members[early[members]], members[late[members]]
            if not (len(first) and len(last) and len(np.union1d(first, last)) > 1):
                break
            cells.append(rng.choice(first))
            partners.append(rng.choice(last[last != cells[-1]]))
            members = np.setdiff1d(members, [cells[-1], partners[-1]])
    return np.array(cells, int), np.array(partners, int)


def clone_of(clones: sparse.csr_matrix) -> np.ndarray:
    """Return the clone of each cell of a cells × clones matrix, -1 for cells of none or of several."""
    clones = sparse.csr_matrix(clones).astype(bool)
    alone = clones.getnnz(axis=1) == 1
    out = np.full(clones.shape[0], -1)
    out[alone] = clones.indices[clones.indptr[:-1][alone]]
    return out


def transcriptome(counts: sparse.csr_matrix, fit_on: np.ndarray, dim: int = 16, n_top: int = 750) -> np.ndarray:
    """Return each cell's own state at full depth: principal components of its log-normalised counts.

    Shape (cells, dim); the axes are those of the cells ``fit_on``. The partner's row is the signal of a pair.
    """
    from sklearn.decomposition import PCA

    genes, _ = choose_genes(counts[fit_on], n_top)
    values = log_cp10k(counts[:, genes], counts.sum(axis=1).A1).toarray()
    rank = min(dim, len(fit_on) - 1, len(genes))
    return PCA(rank, random_state=0).fit(values[fit_on]).transform(values)


def states_of_partners(
    counts: Any, folds: np.ndarray, cells: np.ndarray, partners: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what a ``Dataset`` takes where the signal of ``cells[i]`` is the state of ``partners[i]``."""
    state = transcriptome(counts, np.flatnonzero(folds != 0))
    n = len(folds)
    signal, paired, partner = np.zeros((n, state.shape[1])), np.zeros(n, bool), np.full(n, -1)
    signal[cells], paired[cells], partner[cells] = state[partners], True, partners
    return {"signal": signal, "folds": folds, "paired": paired, "partners": partner}


def halves(
    counts: sparse.csr_matrix | BackedCounts, folds: np.ndarray, other_umis: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Return what a ``Dataset`` takes where one half of each cell's molecules speaks about the other half.

    Every molecule falls into one half or the other by the toss of a coin. If counts are Poisson around what the cell
    expresses, the halves are independent given the cell: whatever one says about the other, it says about the cell.
    One half becomes the counts; the signal is the state of the other at its full depth (``transcriptome``), whatever
    the counts are thinned to and whichever model represents them. It needs no label and no second assay.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers in memory
    folds : (cells,) array of int
    other_umis : (cells,) array of int
        Molecules of genes that the matrix leaves out.
    seed : int
        Which molecules fall into which half.

    Raises
    ------
    ValueError
        For counts on disk.

    Examples
    --------
    >>> whole = sparse.csr_matrix(np.random.default_rng(0).poisson(5.0, (40, 30)))
    >>> made = halves(whole, np.arange(40) % 2, np.zeros(40, int))
    >>> 0.45 < made["counts"].sum() / whole.sum() < 0.55, made["signal"].shape
    (True, (40, 16))
    """
    if isinstance(counts, BackedCounts):
        raise ValueError(f"signal is {OTHER_HALF!r}: it needs counts in memory, and these are on disk (backed=True).")
    rng = np.random.default_rng(as_seed(seed, "half_seed"))
    kept, other = thin_twice(counts, 0.5, rng)
    every = np.arange(len(folds))
    made = states_of_partners(other, folds, every, every)
    return {**made, "counts": kept, "other_umis": rng.binomial(other_umis, 0.5)}


def with_other_half(cells: Dataset, seed: int = 0) -> Dataset:
    """Return the same cells with half of their molecules as counts and the state of the other half as the signal.

    Embeddings that a data set carries were made from all molecules and are left out.
    """
    return replace(
        cells,
        **halves(cells.counts, cells.folds, cells.other_umis, seed),
        signal_name=OTHER_HALF,
        embeddings={},
        ceiling_bits=None,
        independent_signal=True,
        checked=(*cells.checked, "halves: no molecule is in both"),
    )


def with_neighbours(
    name: str,
    counts: Any,
    positions: np.ndarray,
    folds: np.ndarray | int,
    k: int,
    seed: int,
    distance: float = 0.0,
    **more: Any,
) -> Dataset:
    """Return a dataset whose signal is the state of a random near cell of the same fold.

    ``folds`` is a fold a cell, or how many strips of tissue to make; ``distance`` is that of ``neighbours``.
    """
    counts = as_counts(counts, f"counts of {name}")
    folds = splits.strips(positions, folds) if isinstance(folds, int) else folds
    partner = neighbours(positions, folds, k, seed, distance)
    beyond = f", of those more than {distance:g} away" if distance else ""
    more["checked"] = (*more["checked"], f"neighbour: one of the {k} nearest cells of the same fold{beyond}")
    made = states_of_partners(counts, folds, np.arange(len(folds)), partner)
    return registered(name, "neighbour", counts, **made, **more)


def with_relatives(
    name: str, counts: sparse.csr_matrix, clones: Any, days: np.ndarray, n_folds: int, seed: int, **more: Any
) -> Dataset:
    """Return a dataset whose signal is the state of a relative of the last day.

    All cells of a clone are in one fold. With ``n_folds=1`` clones with a pair probe and all others train;
    with more, clones are dealt out to folds, and cells without a clone always train.
    """
    clone = clone_of(clones)
    same_length(clones=clone, days=days)
    cells, partners = relatives(clone, days < days.max(), days == days.max(), seed)
    if len(cells) < 4:
        raise ValueError(f"{name}: {len(cells)} clones have an early and a late cell: at least 4 are needed.")
    with_pair, n_clones = clone[cells], clone.max() + 1
    fold_of_clone = np.full(n_clones, -1)
    if n_folds == 1:
        fold_of_clone[with_pair] = 0
    else:
        fold_of_clone[with_pair] = splits.at_random(len(with_pair), n_folds, seed)
        others = np.setdiff1d(np.arange(n_clones), with_pair)
        fold_of_clone[others] = np.arange(len(others)) % n_folds
    folds = np.where(clone >= 0, fold_of_clone[clone], -1)
    more["checked"] = (*more["checked"], f"{len(cells)} clones with a cell before and on day {days.max()}")
    return registered(name, "clone", counts, **states_of_partners(counts, folds, cells, partners), **more)
