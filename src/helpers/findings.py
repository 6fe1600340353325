"""What the reference results say: laws of every curve, how well they hold, and published claims held against them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from helpers.cell_grids import planned
from helpers.checks import in_range
from helpers.laws import CellNumberLaw, Fit, NoiseLaw, fit_groups, parameter_table
from helpers.points import cell_axis, noise_axis, seed_means
from helpers.store import Store
from helpers.sweep import Grid, held

KEYS = ["dataset", "signal", "representation"]
# What the signals are of, for charts that cannot have a colour for each.
SIGNAL_KINDS = {
    "protein": "protein", "neighbour": "neighbour", "clone": "clonal relative", "collection_time": "time, by design",
    "cell_type": "labels", "cell_class": "labels", "cluster": "labels", "embryo_time": "time, from expression",
    "clock": "time, from expression", "bulk_hour": "time, from expression",
}  # fmt: skip
# A claim about many curves holds, or fails, if at least this share of those that can decide it agree, or disagree.
MOST = 0.9
# A law misses a curve if seeds alone would scatter so in fewer than this share of sweeps, unless the curve is flat:
# over less than so many bits it has no shape that a law could describe or miss.
RARE, FLAT = 0.01, 0.1
# Fewer curves than this decide nothing.
FEWEST = 3


def lack_of_fit(fit: Fit) -> float:
    """Return the p-value of the means at each x lying on the law, given the scatter of repeats at equal x.

    The F test of lack of fit: a small value says that the law misses in a way that seeds do not explain. It knows no
    errors that all depths share.

    Parameters
    ----------
    fit : Fit
        Of points with repeats: seeds at the same depth or number of cells. Depths less than 2 % apart count as equal,
        since each seed's thinning has a depth of its own.

    Returns
    -------
    float
        NaN where there are no repeats, or no more values of x than parameters.

    Examples
    --------
    >>> x = np.repeat(np.geomspace(10, 1e4, 8), 3)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, 24)
    >>> lack_of_fit(NoiseLaw.fit(x, NoiseLaw(2.0, 100.0)(x) + noise)) > 0.05
    True
    >>> lack_of_fit(NoiseLaw.fit(x, 2 * x / (x + 100) + noise)) < 0.01
    True
    """
    of = _levels(fit.x)
    many = np.bincount(of)
    free, repeats = len(many) - len(fit.params), len(of) - len(many)
    if free < 1 or repeats < 1:
        return float("nan")
    means = np.bincount(of, fit.residuals) / many
    pure = float(((fit.residuals - means[of]) ** 2).sum()) / repeats
    if pure == 0:
        return float("nan")
    return float(f_distribution.sf(float((many * means**2).sum()) / free / pure, free, repeats))


def false_alarms(n_curves: int = 300, seed: int = 0) -> pd.DataFrame:
    """Return how often ``lack_of_fit`` rejects simulated curves: eight depths of three seeds, 0.03 bits apart.

    Parameters
    ----------
    n_curves : int
        Of each shape: the noise law itself; the law with its exponent of depth at 0.7; a curve that falls by another
        0.15 bits at the two least depths, as where a model breaks down.
    seed : int
        Of the scatter.

    Returns
    -------
    DataFrame with ``rejected``, the share with a p-value below ``RARE``, one row a shape
    """
    in_range(n_curves, 1, 1e6, "n_curves", whole=True)
    rng = np.random.default_rng(seed)
    x = np.repeat(np.geomspace(10, 2000, 8), 3)
    law = NoiseLaw(2.0, 150.0)
    shapes = {
        "the law itself": law(x),
        "depth to the power of 0.7": law(150.0 * (x / 150.0) ** 0.7),
        "a fall at the two least depths": law(x) - 0.15 * (x < 30),
    }
    rejected = {
        name: np.mean([lack_of_fit(NoiseLaw.fit(x, y + rng.normal(0, 0.03, len(x)))) < RARE for _ in range(n_curves)])
        for name, y in shapes.items()
    }
    return pd.Series(rejected).rename_axis("shape").to_frame("rejected")


def _levels(x: np.ndarray) -> np.ndarray:
    """Return for each x the number of its level, ascending: neighbours less than 2 % apart are of one level."""
    order = np.argsort(x)
    of = np.empty(len(order), int)
    of[order] = np.concatenate([[0], np.cumsum(np.diff(np.log(x[order])) > np.log(1.02))])
    return of


def law_table(fits: dict[Any, Fit], names: list[str] = KEYS) -> pd.DataFrame:
    """Return parameters, intervals and residual structure of every fit, one row each.

    Beside the columns of ``parameter_table``: ``lack_of_fit``, the p-value; ``worst``, the largest mean residual in
    bits; ``worst_at``, the depth or number of cells where it is; ``range_bits``, from the lowest to the highest mean.
    """
    table, rows = parameter_table(fits, names), []
    for fit in fits.values():
        means = pd.DataFrame({"x": fit.x, "y": fit.y, "off": fit.residuals}).groupby(_levels(fit.x)).mean()
        worst = means.loc[means["off"].abs().idxmax()]
        rows.append({
            "lack_of_fit": lack_of_fit(fit), "worst": worst["off"], "worst_at": worst["x"],
            "range_bits": float(means["y"].max() - means["y"].min()),
        })  # fmt: skip
    return pd.concat([table, pd.DataFrame(rows)], axis=1)


def name_of(key: Iterable[str]) -> str:
    """Return what a chart calls a curve.

    >>> name_of(("pbmc68k", "cell_type", "pca"))
    'pbmc68k cell type pca'
    """
    return " ".join(key).replace("_", " ")


def curves_of(points: pd.DataFrame, keys: list[tuple[str, ...]]) -> pd.DataFrame:
    """Return the points of the noise curves with these ``KEYS``, named in a column ``curve``."""
    curves = noise_axis(points)
    curves = curves.assign(curve=[name_of(key) for key in curves[KEYS].itertuples(index=False, name=None)])
    return curves[curves["curve"].isin([name_of(key) for key in keys])]


def independent_signals(grids: list[Grid]) -> list[tuple[str, str]]:
    """Return the data sets and signals of grids whose signal was not computed from the same counts."""
    about = {(grid.dataset, grid.options["signal"]): grid.about() for grid in grids}
    return [key for key, told in about.items() if told["signal independent of the counts"] == "yes"]


def measured_curves(
    store: Store, datasets: list[str], signals: list[str], representation: str = "pca", block: str = "linear"
) -> pd.DataFrame:
    """Return the seed means that a store has of one signal a data set, with a ``curve`` column that names both.

    Parameters
    ----------
    store : Store
    datasets, signals : list of str, of equal length
        Of ``config/grids/cells.yaml``.
    representation : str
        One of the block's.
    block : str

    Raises
    ------
    ValueError
        If nothing of it was measured, or the lists differ in length.
    """
    if len(datasets) != len(signals):
        raise ValueError(f"there are {len(datasets)} data sets and {len(signals)} signals: give one signal a data set.")
    wanted = list(zip(datasets, signals, strict=True))
    grids = [g for g in planned(block, list(dict.fromkeys(datasets))) if (g.dataset, g.options["signal"]) in wanted]
    rows = held(grids, store)
    points = seed_means(rows[rows["representation"] == representation] if len(rows) else rows)
    return points.assign(curve=[name_of(key) for key in points[["dataset", "signal"]].itertuples(index=False)])


def full_grids(points: pd.DataFrame, depths: int = 8, sizes: int = 5) -> pd.DataFrame:
    """Return the points of curves that were measured at every combination of so many depths and numbers of cells.

    Parameters
    ----------
    points : DataFrame from ``points.seed_means``, training and probe cells thinned alike
    depths, sizes : int
        The fewest of each that make a grid.
    """
    settings = points.groupby([*KEYS, "noise_level", "n_train"], as_index=False).size().groupby(KEYS)
    have = settings.agg(depths=("noise_level", "nunique"), sizes=("n_train", "nunique"), all=("n_train", "size"))
    full = have[(have["depths"] >= depths) & (have["sizes"] >= sizes) & (have["all"] == have["depths"] * have["sizes"])]
    return points[pd.MultiIndex.from_frame(points[KEYS]).isin(full.index)]


def missed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of a ``law_table`` that the law misses beyond the scatter of their seeds, the worst first."""
    rows = table[(table["lack_of_fit"] < RARE) & (table["range_bits"] >= FLAT)]
    return rows.reindex(rows["worst"].abs().sort_values(ascending=False).index)


def together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return rows of several parts of a plan in one table; a part of which nothing was measured adds none.

    Raises
    ------
    ValueError
        If nothing was measured at all.
    """
    some = [part for part in parts if len(part)]
    if not some:
        raise ValueError("no point of config/grids/cells.yaml was measured: noise-scaling sweep --profile reference.")
    return pd.concat(some)


def noise_fits(points: pd.DataFrame) -> dict[Any, Fit]:
    """Fit the noise law to every curve measured with all training cells; keys are ``KEYS``.

    Parameters
    ----------
    points : DataFrame from ``points.seed_means``
    """
    return fit_groups(noise_axis(points), NoiseLaw, "umis_per_cell", by=KEYS)


def cell_fits(points: pd.DataFrame, min_sizes: int = 4) -> dict[Any, Fit]:
    """Fit the cell-number law to every curve measured at the data's own depth; keys are ``KEYS``.

    Parameters
    ----------
    points : DataFrame from ``points.seed_means``
    min_sizes : int
        Curves with fewer numbers of cells are left out.
    """
    rows = cell_axis(points, min_sizes)
    return fit_groups(rows[rows["noise_level"] == 1], CellNumberLaw, "n_train", by=KEYS)


def gains(fits: dict[Any, Fit], factor: float = 10.0) -> pd.DataFrame:
    """Return what ``factor`` times the depth, or the cells, would add by each law, in bits, with 95 % intervals.

    Columns ``KEYS``, ``gain``, ``gain_low``, ``gain_high``; counted from the largest depth or number measured.
    """
    in_range(factor, 1, 1e6, "factor", open_low=True)
    rows = []
    for key, fit in fits.items():
        most = float(fit.x.max())

        def gain(law: Any, most: float = most) -> float:
            return float(law(factor * most)) - float(law(most))

        value, low, high = fit.derived(gain)
        rows.append({**dict(zip(KEYS, key, strict=True)), "gain": value, "gain_low": low, "gain_high": high})
    return pd.DataFrame(rows, columns=[*KEYS, "gain", "gain_low", "gain_high"])


class Count(NamedTuple):
    """How many curves go the way of a claim, and how many the other way; the rest decide nothing."""

    agree: int
    disagree: int
    all: int


def verdict(count: Count) -> str:
    """Return what curves say of a claim, by one rule for all claims (``MOST``, ``FEWEST``).

    Examples
    --------
    >>> verdict(Count(9, 1, 12)), verdict(Count(2, 0, 12)), verdict(Count(5, 5, 12)), verdict(Count(0, 8, 8))
    ('holds', 'not decided', 'holds in part', 'does not hold')
    """
    decided = count.agree + count.disagree
    if decided < FEWEST:
        return "not decided"
    agree, disagree = count.agree / decided, count.disagree / decided
    return "holds" if agree >= MOST else "does not hold" if disagree >= MOST else "holds in part"


def count(low: pd.Series, high: pd.Series, above: float | None = None, below: float | None = None) -> Count:
    """Count the intervals that lie on the claimed side of a bound, and those that lie on the other.

    Parameters
    ----------
    low, high : Series
        Ends of each interval; one that is NaN decides nothing.
    above, below : float
        The claim, one of them: the quantity is above, or below.

    Examples
    --------
    >>> count(pd.Series([0.1, 2.0, 0.5]), pd.Series([0.3, 3.0, 1.5]), above=1.0)
    Count(agree=1, disagree=1, all=3)
    """
    if (above is None) == (below is None):
        raise ValueError(f"above is {above} and below {below}: give one of them, as the claim has it.")
    bound = above if above is not None else below
    over, under = int((low > bound).sum()), int((high < bound).sum())
    return Count(over, under, len(low)) if above is not None else Count(under, over, len(low))
