"""A noise curve that a student measures: real blood cells, thinned by a seed of the student's own."""

from functools import cache

import pandas as pd

from helpers.book.course import own
from helpers.datasets import load
from helpers.information import ksg
from helpers.noise import thin
from helpers.preprocess.genes import prepare
from helpers.representations import PCA

SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)  # of the molecules that are kept
DIM = 4  # few enough for an estimate from neighbours
FEW = 20  # training cells of a model that has seen few
SEEDS = tuple(range(8))  # of the thinning, one of which falls to each student


def thinning_seed() -> int:
    """Return the seed that thins the cells of this student (``helpers.book.course.own``); the book's is 0."""
    return own.pick(SEEDS, "thinning")


@cache
def measured_curve(n_train: int | None = None, seed: int | None = None) -> pd.DataFrame:
    """Return what four principal components of thinned blood cells know about their type.

    Parameters
    ----------
    n_train : int, optional
        The first so many training cells; all 350 if not given.
    seed : int, optional
        Of the thinning; without it the student's own.

    Returns
    -------
    table
        A row for each of ``SHARES``: ``share``, ``u`` (measured UMIs per probe cell, in the genes of the data set) and
        ``bits``.
    """
    seed = thinning_seed() if seed is None else seed
    cells = load("pbmc68k")
    types = 100.0 * pd.factorize(cells.signal)[0]
    rows = []
    for share in SHARES:
        thinned = thin(cells.counts, share, rng=seed)
        prepared = prepare(thinned[cells.train[:n_train]], thinned[cells.probe])
        z = PCA(dim=DIM).fit(prepared.train).transform(prepared.probe)
        bits = ksg(z / z.std(axis=0).max(), types[cells.probe]).bits
        rows.append((share, float(thinned[cells.probe].sum(axis=1).mean()), bits))
    return pd.DataFrame(rows, columns=["share", "u", "bits"])


def mean_curve(n_train: int | None = None) -> pd.DataFrame:
    """Return the mean of ``measured_curve`` over all ``SEEDS``, the same for everyone."""
    curves = pd.concat([measured_curve(n_train, seed) for seed in SEEDS])
    return curves.groupby("share", as_index=False).mean().sort_values("u", ascending=False, ignore_index=True)

