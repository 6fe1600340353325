"""From raw counts on disk to model input, a block of cells at a time: the results of ``preprocess.prepare``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from helpers._utils.validation import in_range
from helpers.noise import OF_CELLS, CountNoise
from helpers.preprocess.genes import Prepared, _reason, log_cp10k, most_variable

# Counts below this are tallied in a dense table, rarer larger ones in a list.
_SMALL = 64


class Blocks(Protocol):
    """Counts that are read a block of cells at a time, such as ``datasets.backed.BackedCounts``."""

    shape: tuple[int, int]

    def blocks(self) -> Iterator[tuple[int, sparse.csr_matrix]]:
        """Yield the number of a block's first cell, and its counts."""


def noisy_blocks(
    counts: Blocks, level: float, seed: int, noise: CountNoise = OF_CELLS["thinning"]
) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yield blocks of noisy counts with the number of their first cell: together, what the whole matrix becomes."""
    for start, block in counts.blocks():
        yield start, noise.apply(block, level, seed, start)


class CountTally:
    """How many cells have which count of which gene: all that the choice of genes needs to know of any number of cells.

    Examples
    --------
    >>> tally = CountTally(2)
    >>> tally.add(sparse.csr_matrix([[1, 0], [3, 200], [1, 0]]))
    >>> [column.tolist() for column in tally.entries()]
    [[0, 0, 1], [1, 3, 200], [2, 1, 1]]
    """

    def __init__(self, n_genes: int) -> None:
        self.n_genes, self.n_cells = n_genes, 0
        self._small = np.zeros(n_genes * _SMALL, np.int64)
        self._large = np.zeros((2, 0), np.int64)  # gene and count as one key; cells

    def add(self, counts: sparse.csr_matrix) -> None:
        """Count further cells."""
        self.n_cells += counts.shape[0]
        small = counts.data < _SMALL
        keys = counts.indices[small].astype(np.int64) * _SMALL + counts.data[small]
        self._small += np.bincount(keys, minlength=len(self._small))
        keys = (counts.indices[~small].astype(np.int64) << 32) + counts.data[~small]
        keys, cells = np.unique(keys, return_counts=True)
        keys, which = np.unique(np.concatenate([self._large[0], keys]), return_inverse=True)
        cells = np.bincount(which, np.concatenate([self._large[1], cells]), len(keys)).astype(np.int64)
        self._large = np.stack([keys, cells])

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return genes, counts above zero, and how many cells have that count of that gene."""
        found = np.flatnonzero(self._small)
        keys, cells = self._large
        return (
            np.concatenate([found // _SMALL, keys >> 32]),
            np.concatenate([found % _SMALL, keys & (2**32 - 1)]),
            np.concatenate([self._small[found], cells]),
        )


def choose_genes(tally: CountTally, n_top: int = 750) -> tuple[np.ndarray, str] | str:
    """Choose highly variable genes by ``seurat_v3`` from a tally, as ``preprocess.choose_genes`` does from counts.

    Returns
    -------
    (columns, method), or the reason why the loess fit of ``seurat_v3`` failed.
    """
    from skmisc.loess import loess

    in_range(n_top, 1, 1e6, "n_top", whole=True)
    gene, count, cells = tally.entries()
    seen = np.unique(gene)
    if not len(seen):
        raise ValueError("no training cell has a count left: raise the depth fraction or use more cells.")
    if len(seen) <= n_top:
        return seen, f"all {len(seen)} genes with a training count"
    n = tally.n_cells

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(gene, weights * cells, tally.n_genes)[seen]

    mean = total(count) / n
    variance = (total(count.astype(float) ** 2) / n - mean**2) * n / (n - 1)
    varies = variance > 0
    if varies.sum() < 10:  # the loess library ends the process on so few
        return f"only {varies.sum()} genes vary"
    fitted = np.zeros(len(seen))
    try:
        # Span and degree as in Seurat and scanpy.
        model = loess(np.log10(mean[varies]), np.log10(variance[varies]), span=0.3, degree=2)
        model.fit()
        fitted[varies] = model.outputs.fitted_values
    except ValueError as error:
        return _reason(error)
    expected = np.sqrt(10**fitted)
    most = np.zeros(tally.n_genes)
    most[seen] = expected * np.sqrt(n) + mean
    clipped = np.minimum(count, most[gene])
    normalised = (n * mean**2 + total(clipped**2) - 2 * mean * total(clipped)) / ((n - 1) * expected**2)
    return most_variable(seen, normalised, n_top), "seurat_v3"


@dataclass(frozen=True)
class _Side:
    """Cells of one side as they are filled in, in their order."""

    rows: np.ndarray
    values: np.ndarray
    counts: list[sparse.csr_matrix]
    totals: np.ndarray

    def take(self, block: sparse.csr_matrix, start: int, genes: np.ndarray, other: np.ndarray) -> None:
        low, high = np.searchsorted(self.rows, [start, start + block.shape[0]])
        mine = self.rows[low:high]
        if not len(mine):
            return
        cells = block[mine - start]
        totals = cells.sum(axis=1).A1 + other[mine]
        chosen = cells[:, genes]
        self.values[low:high] = log_cp10k(chosen, totals).toarray()
        self.totals[low:high] = totals
        self.counts.append(chosen)


def prepare_blocks(
    counts: Blocks,
    train: np.ndarray,
    probe: np.ndarray,
    depth: float,
    probe_depth: float,
    seed: int,
    n_top: int = 750,
    other: np.ndarray | None = None,
    probe_other: np.ndarray | None = None,
    noise: CountNoise = OF_CELLS["thinning"],
    gene_depth: float | None = None,
) -> tuple[Prepared, float]:
    """Add noise (thin), choose genes on the training cells and log-normalise both sides, in two passes over the file.

    A third pass is taken where the probe has a depth of its own. In memory are one block, and of the cells asked for
    the chosen genes: about 4 bytes a cell and gene.

    Parameters
    ----------
    counts : Blocks, such as BackedCounts
    train, probe : arrays of int, ascending
        Row numbers of the cells of each side.
    depth, probe_depth : float
        Levels of the noise; of thinning, depths in (0, 1].
    seed : int
        Of the noise.
    n_top : int
        Genes to keep.
    other, probe_other : (cells,) arrays, optional
        Noisy UMIs of every cell in genes outside the matrix, at each level.
    noise : CountNoise
    gene_depth : float, optional
        Level of the noise in the training cells that genes are chosen from; ``depth`` if not given.

    Returns
    -------
    (Prepared, float)
        Equal to what ``preprocess.prepare`` gives of the same counts in memory; the probe's mean UMIs per cell.
    """
    none = np.zeros(counts.shape[0], np.int64)
    other = none if other is None else other
    probe_other = none if probe_other is None else probe_other
    genes, method = _chosen_genes(counts, train, depth if gene_depth is None else gene_depth, seed, n_top, noise)
    sides = [
        _Side(rows, np.empty((len(rows), len(genes)), np.float32), [], np.empty(len(rows))) for rows in (train, probe)
    ]
    together = depth == probe_depth
    for start, block in noisy_blocks(counts, depth, seed, noise):
        for side in sides if together else sides[:1]:
            side.take(block, start, genes, other)
    if not together:
        for start, block in noisy_blocks(counts, probe_depth, seed, noise):
            sides[1].take(block, start, genes, probe_other)
    trained, tested = (sparse.vstack(side.counts, format="csr") for side in sides)
    ready = Prepared(sides[0].values, sides[1].values, trained, tested, genes, method)
    return ready, float(sides[1].totals.mean())


def _chosen_genes(
    counts: Blocks, train: np.ndarray, level: float, seed: int, n_top: int, noise: CountNoise
) -> tuple[np.ndarray, str]:
    """Return what ``preprocess.choose_genes`` gives of the noisy training cells."""
    trains = np.zeros(counts.shape[0], bool)
    trains[train] = True

    def training() -> Iterator[sparse.csr_matrix]:
        for start, block in noisy_blocks(counts, level, seed, noise):
            yield block[trains[start : start + block.shape[0]]]

    tally = CountTally(counts.shape[1])
    for block in training():
        tally.add(block)
    found = choose_genes(tally, n_top)
    if isinstance(found, str):
        ranked = _by_log_variance(training(), np.unique(tally.entries()[0]), n_top)
        return ranked, f"variance of log CP10k, since seurat_v3 failed: {found}"
    return found


def _by_log_variance(blocks: Iterable[sparse.csr_matrix], seen: np.ndarray, n_top: int) -> np.ndarray:
    """Return the genes whose log(1 + counts per 10,000) varies most among the training cells of all blocks."""
    sums, n = np.zeros((2, len(seen))), 0
    for block in blocks:
        values = log_cp10k(block[:, seen])
        sums += values.sum(axis=0).A1, values.multiply(values).sum(axis=0).A1
        n += block.shape[0]
    mean, square = sums / n
    return most_variable(seen, square - mean**2, n_top)
