"""From raw counts on disk to model input, a block of cells at a time: the results of ``preprocess.prepare``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from helpers.noise import OF_CELLS, CountNoise
from helpers.preprocess.genes import Prepared, genes_of_blocks, log_cp10k


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


@dataclass(frozen=True)
class _Side:
    """Cells of one side as they are filled in, in their order."""

    rows: np.ndarray
    values: np.ndarray
    counts: list[sparse.csr_matrix]
    totals: np.ndarray

    def take(self, block: sparse.csr_matrix, start: int, genes: np.ndarray, other: np.ndarray | None) -> None:
        low, high = np.searchsorted(self.rows, [start, start + block.shape[0]])
        mine = self.rows[low:high]
        if not len(mine):
            return
        cells = block[mine - start]
        totals = cells.sum(axis=1).A1 + (0 if other is None else other[mine])
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
    train, probe : arrays of int, ascending
        Row numbers of the cells of each side.
    depth, probe_depth : float
        Levels of the noise; of thinning, depths in (0, 1].
    n_top : int
        Genes to keep.
    other, probe_other : (cells,) arrays, optional
        Noisy UMIs of every cell in genes outside the matrix, at each level.
    gene_depth : float, optional
        Level of the noise in the training cells that genes are chosen from; ``depth`` if not given.

    Returns
    -------
    (Prepared, float)
        Equal to what ``preprocess.prepare`` gives of the same counts in memory; the probe's mean UMIs per cell.
    """
    trains = np.zeros(counts.shape[0], bool)
    trains[train] = True

    def training() -> Iterator[sparse.csr_matrix]:
        for start, block in noisy_blocks(counts, depth if gene_depth is None else gene_depth, seed, noise):
            yield block[trains[start : start + block.shape[0]]]

    genes, method = genes_of_blocks(training, counts.shape[1], n_top)
    sides = [
        _Side(rows, np.empty((len(rows), len(genes)), np.float32), [], np.empty(len(rows))) for rows in (train, probe)
    ]
    passes = [(depth, other, sides)]
    if depth != probe_depth:
        passes = [(depth, other, sides[:1]), (probe_depth, probe_other, sides[1:])]
    for level, others, filled in passes:
        for start, block in noisy_blocks(counts, level, seed, noise):
            for side in filled:
                side.take(block, start, genes, others)
    trained, tested = (sparse.vstack(side.counts, format="csr") for side in sides)
    ready = Prepared(sides[0].values, sides[1].values, trained, tested, genes, method)
    return ready, float(sides[1].totals.mean())
