"""Mouse embryos from gastrula to birth: millions of nuclei and the day they were taken."""

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose
from helpers.datasets import h5ad, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "mouse_embryo"
RUNS = tuple(f"adata_JAX_dataset_{i}" for i in range(1, 5))
# Birth, which the study calls P0, counted in days after conception.
BIRTH = 19.0


def mouse_embryo(
    signal: str = "day",
    runs: Sequence[int | str] = (1,),
    n_cells: int | None = 100_000,
    n_folds: int = 2,
    split_seed: int = 0,
    folder: Folder = None,
) -> Dataset:
    """Up to 11.4 million nuclei of mouse embryos, day 8 to birth, 24,552 genes; the signal is the embryonic day.

    Files are read in chunks of rows, and only the cells asked for are kept: 100,000 cells need roughly 3 GB
    of memory (estimated), whatever the size of the files.

    Parameters
    ----------
    signal : {"day"}
        Embryonic day as a number: ``E8.5`` is 8.5, a range its middle (``E8.0-E8.5`` is 8.25), ``P0`` (birth)
        19. Known from the embryo, so independent of the counts; cells of an embryo share its day.
    runs : list of int or str
        Which of the four files: 1 to 4, or names such as ``"adata_JAX_dataset_1"``.
    n_cells : int or None
        Cells drawn at random from all runs together; None: all.
    n_folds, split_seed : int
        Folds stratified by day; the seed also draws the cells.
    """
    choose(signal, ["day"], f"signal of {NAME}")
    files = [fetch(NAME, f"{run}.h5ad", folder) for run in _names(runs)]
    days = []
    for file in files:
        with h5ad.opened(file) as handle:
            days.append(h5ad.column(handle, "obs/day").astype(str))
    ends = np.cumsum([len(d) for d in days])
    chosen = h5ad.sample(int(ends[-1]), n_cells, split_seed)
    starts = [0, *ends[:-1]]
    blocks: list[sparse.csr_matrix] = []
    genes = np.zeros(0, str)
    for file, start, rows in zip(files, starts, np.split(chosen, np.searchsorted(chosen, starts[1:])), strict=True):
        with h5ad.opened(file) as handle:
            names = h5ad.column(handle, "var")
            if blocks and list(names) != list(genes):
                raise ValueError(f"{NAME}: the genes of {file.name} are not those of {files[0].name}.")
            genes = names
            blocks.append(h5ad.StoredMatrix(handle).rows(rows - start))
    named = np.concatenate(days)[chosen]
    values = {day: day_of(day) for day in np.unique(named)}
    checked = (
        "whole counts",
        f"{len(chosen)} of {ends[-1]} cells of {len(files)} run(s)",
        f"{len(values)} days from {min(values.values()):g} to {max(values.values()):g}",
        "folds stratified by day",
    )
    counts, signals = sparse.vstack(blocks, format="csr"), np.array([values[day] for day in named])
    folds = splits.stratified(named, n_folds, split_seed)
    return registered(NAME, signal, counts, signals, folds, genes=genes, checked=checked)


def day_of(name: str) -> float:
    """Return an embryonic day as a number of days after conception; a range gives its middle, ``P0`` (birth) 19.

    >>> day_of("E8.5"), day_of("E8.0-E8.5"), day_of("P0")
    (8.5, 8.25, 19.0)
    """
    ends = [re.fullmatch(r"([EP])(\d+(?:\.\d+)?)", end.strip()) for end in str(name).split("-")]
    if not all(ends) or len(ends) > 2:
        raise ValueError(f"{NAME}: {name!r} is not a day: give E8.5, a range E8.0-E8.5, or P0.")
    return float(np.mean([float(e[2]) + BIRTH * (e[1] == "P") for e in ends if e]))


def _names(runs: Sequence[int | str]) -> list[str]:
    """Return the names of runs given as numbers or names, each once."""
    if isinstance(runs, str | int) or not len(runs):
        raise ValueError(f"runs is {runs!r}: give a list of numbers 1 to {len(RUNS)}, such as [1, 2].")
    wanted = [f"adata_JAX_dataset_{run}" if str(run).isdigit() else str(run) for run in runs]
    return sorted({choose(run, RUNS, f"run of {NAME}") for run in wanted})
