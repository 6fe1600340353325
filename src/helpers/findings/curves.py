"""What the reference results say: laws of every curve, how well they hold, and published claims held against them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

from helpers._utils.validation import in_range
from helpers.laws import CellNumberLaw, Fit, NoiseLaw, kept, more_cells, parameter_table
from helpers.laws.kept import fit_groups
from helpers.laws.misfit import RARE, lack_of_fit
from helpers.laws.shared_error import interval_with_shared_error
from helpers.store.points import cell_axis, noise_axis, seed_means
from helpers.store.rows import Store
from helpers.sweep.cell_grids import planned
from helpers.sweep.cells import Grid
from helpers.sweep.engine import stored_rows

VERSION = 1  # 2026-11-28 of false_alarms, numbered

KEYS = ["dataset", "signal", "representation"]
# What the signals are of, for charts that cannot have a colour for each.
_SIGNALS = {
    "protein": ["protein"],
    "neighbour": ["neighbour"],
    "clonal relative": ["clone"],
    "time, by design": ["collection_time"],
    "labels": ["cell_type", "cell_class", "cluster"],
    "time, from expression": ["embryo_time", "clock", "bulk_hour"],
}
SIGNAL_KINDS = {signal: kind for kind, signals in _SIGNALS.items() for signal in signals}
# Over less than so many bits a curve has no shape that a law could describe or miss.
FLAT = 0.1


def false_alarms(n_curves: int = 300, seed: int = 0) -> pd.DataFrame:
    """Return how often ``lack_of_fit`` rejects simulated curves whose points scatter by 0.03 bits.

    ``n_curves`` are drawn of each design (eight depths of three seeds; five of two, as trained models have) and shape:
    the noise law itself; the law when each seed is off by another 0.03 bits at all its depths; the law with its
    exponent of depth at 0.7; a curve that falls by another 0.15 bits below 30 UMIs per cell, as where a model breaks
    down.

    Returns
    -------
    DataFrame with the share that has a p-value below ``RARE``, one row a shape and one column a design
    """
    in_range(n_curves, 1, 1e6, "n_curves", whole=True)
    key = kept.key_of("false alarms", ("false_alarms", "fit"), n_curves, seed)
    return kept.table(key, "false alarms", lambda: _false_alarms(n_curves, seed))


def _false_alarms(n_curves: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    law = NoiseLaw(2.0, 150.0)
    rejected: dict[str, dict[str, float]] = {}
    for depths, seeds in ((8, 3), (5, 2)):
        of_design = rejected[f"{depths} depths × {seeds} seeds"] = {}
        x = np.repeat(np.geomspace(10, 2000, depths), seeds)
        shapes = {
            "the law itself": (law(x), 0.0),
            "the law, each seed off at all depths": (law(x), 0.03),
            "depth to the power of 0.7": (law(150.0 * (x / 150.0) ** 0.7), 0.0),
            "a fall at the least depths": (law(x) - 0.15 * (x < 30), 0.0),
        }
        for name, (y, shared) in shapes.items():
            of_seed = np.tile(rng.normal(0, 1, (n_curves, seeds)), depths)
            off = rng.normal(0, 0.03, of_seed.shape) + shared * of_seed
            p = [lack_of_fit(NoiseLaw.fit(x, y + each)) for each in off]
            of_design[name] = float(np.mean(np.array(p) < RARE))
    return pd.DataFrame(rejected).rename_axis("shape")


def law_table(
    fits: dict[Any, Fit], names: list[str] = KEYS, errors: dict[Any, np.ndarray] | None = None
) -> pd.DataFrame:
    """Return parameters, intervals and residual structure of every fit, one row each.

    Intervals hold the scatter around each curve; with ``errors`` (``folds.shared_errors``) also the sampling error that
    the probe cells give to all its points.

    Beside the columns of ``parameter_table``: ``lack_of_fit``, the p-value; ``worst``, the largest mean residual in
    bits; ``worst_at``, the depth or number of cells where it is; ``range_bits``, from the lowest to the highest mean;
    ``over_line``, by how much the law's AIC is below that of a straight line in log x, which never saturates.
    Parameters of a misfit, which are not to be quoted, are NaN.
    """
    table = parameter_table(fits, names)
    for row, (key, fit) in enumerate(fits.items()):
        if fit.status == "misfit":
            table.loc[row, [f"{name}{end}" for name in fit.params for end in ("", "_low", "_high")]] = float("nan")
        elif errors is not None and fit.status == "ok":
            for name, ends in interval_with_shared_error(fit, errors[key]).items():
                table.loc[row, [f"{name}_low", f"{name}_high"]] = ends
    columns = ["lack_of_fit", "worst", "worst_at", "range_bits", "over_line"]
    residuals = pd.DataFrame([_residuals(fit) for fit in fits.values()], columns=columns)
    return pd.concat([table.reindex(columns=list(table) or [*names, "status"]), residuals], axis=1)


def _residuals(fit: Fit) -> tuple[float, ...]:
    means = pd.DataFrame({"x": fit.x, "y": fit.y, "off": fit.residuals}).groupby(fit.levels).mean()
    worst = means.loc[means["off"].abs().idxmax()]
    return lack_of_fit(fit), worst["off"], worst["x"], float(np.ptp(means["y"])), _over_line(fit)


def _over_line(fit: Fit) -> float:
    line = fit.y - np.polynomial.Polynomial.fit(np.log(fit.x), fit.y, 1)(np.log(fit.x))
    errors = [max(float((off**2).mean()), 1e-12) for off in (line, fit.residuals)]
    return float(fit.n_points * np.log(errors[0] / errors[1]) - 2 * (len(fit.params) - 2))


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
    facts = {(grid.dataset, grid.options["signal"]): grid.about() for grid in grids}
    return [key for key, about in facts.items() if about["signal independent of the counts"] == "yes"]


def measured_curves(store: Store, datasets: list[str], signals: list[str], representation: str = "pca") -> pd.DataFrame:
    """Return the seed means that a store has of one signal a data set, with a ``curve`` column that names both.

    They are looked for in the block ``linear`` of ``config/grids/cells.yaml``.

    Raises
    ------
    ValueError
        If nothing of it was measured, or the lists differ in length.
    """
    if len(datasets) != len(signals):
        raise ValueError(f"there are {len(datasets)} data sets and {len(signals)} signals: give one signal a data set.")
    wanted = list(zip(datasets, signals, strict=True))
    grids = [g for g in planned("linear", list(dict.fromkeys(datasets))) if (g.dataset, g.options["signal"]) in wanted]
    rows = stored_rows(grids, store)
    points = seed_means(rows[rows["representation"] == representation] if len(rows) else rows)
    return points.assign(curve=[name_of(key) for key in points[["dataset", "signal"]].itertuples(index=False)])


def full_grids(points: pd.DataFrame, depths: int = 8, sizes: int = 5) -> pd.DataFrame:
    """Return the points (of ``points.seed_means``) of curves measured at every combination of so many depths and sizes.

    ``depths`` and ``sizes``, numbers of training cells, are the fewest that make a grid.
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
    """Return the rows of several parts of a plan in one table; raise ValueError if nothing was measured of any."""
    some = [part for part in parts if len(part)]
    if not some:
        raise ValueError("no point of config/grids/cells.yaml was measured: noise-scaling sweep --profile reference.")
    return pd.concat(some)


def check_measured(parts: dict[str, pd.DataFrame], store: Store) -> None:
    """Raise if a part of what is to be judged (``parts``: what it is → its rows of ``store``) has no row, naming it."""
    lacking = [name for name, rows in parts.items() if not len(rows)]
    if lacking:
        raise ValueError(
            f"{store.path} has no point of {', '.join(lacking)}: check the profile's name, or measure them "
            "(noise-scaling sweep --profile reference; noise-scaling list names the profiles)."
        )


def noise_fits(points: pd.DataFrame) -> dict[Any, Fit]:
    """Fit the noise law to every curve of ``points.seed_means`` measured with all training cells; keys are ``KEYS``."""
    return fit_groups(noise_axis(points), NoiseLaw, "umis_per_cell", by=KEYS)


def cell_fits(points: pd.DataFrame) -> dict[Any, Fit]:
    """Fit the cell-number law to every curve of four or more numbers of cells at the data's own depth, by ``KEYS``."""
    rows = cell_axis(points, 4)
    return fit_groups(rows[rows["noise_level"] == 1], CellNumberLaw, "n_train", by=KEYS)


def gains(fits: dict[Any, Fit], factor: float = 10.0) -> pd.DataFrame:
    """Return what ``factor`` times the depth, or the cells, would add by each law, in bits, with 95 % intervals.

    Columns ``KEYS``, ``at``, the largest depth or number measured, from which it is counted; ``gain``, ``gain_low``,
    ``gain_high``. Of cells the interval is by profile (``laws.more_cells``), of depth by ``Fit.derived``. NaN where the
    points reject the law (status ``misfit``).
    """
    in_range(factor, 1, 1e6, "factor", open_low=True)
    rows = [[*key, float(fit.x.max()), *_gain(fit, factor)] for key, fit in fits.items()]
    return pd.DataFrame(rows, columns=[*KEYS, "at", "gain", "gain_low", "gain_high"])


def _gain(fit: Fit, factor: float) -> tuple[float, float, float]:
    most = float(fit.x.max())
    if fit.status == "misfit":
        return (float("nan"),) * 3
    if isinstance(fit.law, CellNumberLaw):
        return more_cells(fit, factor)
    return fit.derived(lambda law: float(law(factor * most)) - float(law(most)))


def interactions(points: pd.DataFrame) -> pd.DataFrame:
    """Return whether the losses from few cells and from few molecules add, for each whole grid of settings and seeds.

    If they do, more cells add the same at every depth. The scatter is what the settings and the seeds' own levels
    leave (two-way analysis of variance with seeds as blocks).

    Returns
    -------
    DataFrame
        ``KEYS``; ``deep`` and ``shallow``, bits that the most cells add over the fewest at the most and the least
        depth; ``difference`` with its 95 % interval ``low`` to ``high``; ``p_value`` of the F test of any interaction.
        Grids (of ``full_grids``) with one seed, or of which a point is missing, are left out.
    """
    rows = []
    for key, grid in points.groupby(KEYS):
        table = grid.pivot_table(index=["n_train", "noise_level"], columns="seed", values="mi_bits")
        sizes, depths = (len(level) for level in table.index.levels)
        seeds = table.shape[1]
        if seeds < 2 or table.isna().any(axis=None) or len(table) < sizes * depths:
            continue
        bits = table.to_numpy().reshape(sizes, depths, seeds)
        mean = bits.mean(axis=2)
        apart = mean - mean.mean(axis=0) - mean.mean(axis=1, keepdims=True) + mean.mean()
        free = (sizes * depths - 1) * (seeds - 1)
        off = bits - mean[..., None] - bits.mean(axis=(0, 1)) + bits.mean()
        variance, ways = float((off**2).sum()) / free, (sizes - 1) * (depths - 1)
        deep, shallow = (mean[-1, at] - mean[0, at] for at in (-1, 0))
        half = student_t.ppf(0.975, free) * np.sqrt(4 * variance / seeds)
        p = f_distribution.sf(seeds * (apart**2).sum() / ways / variance, ways, free)
        rows.append([*key, deep, shallow, deep - shallow, deep - shallow - half, deep - shallow + half, p])
    return pd.DataFrame(rows, columns=[*KEYS, "deep", "shallow", "difference", "low", "high", "p_value"])
