"""What a noise curve says without a law: bits at its own depth, what shallower depths miss, which model knows more."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers._utils.validation import in_range

# Bits that are missing at the depths that ``missing_depths`` names.
MISSING = (0.1, 0.25, 0.5)
_CURVE = ["dataset", "signal", "representation"]


class Interval(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float = float("nan")
    high: float = float("nan")

    @classmethod
    def around(cls, value: Any, half: Any) -> "Interval":
        """Return the interval from ``value - half`` to ``value + half``."""
        return cls(float(value), float(value - half), float(value + half))


UNKNOWN = Interval(float("nan"))


def half_width(error: Any, free: int) -> Any:
    """Return half the 95 % interval of standard errors (Student's t); NaN without degrees of freedom."""
    return error * (student_t.ppf(0.975, free) if free else np.nan)


def bracketed(value: float, low: float, high: float, form: str = ".2f", none: str = "–") -> str:
    """Return a value with its 95 % interval as a table has it; an interval with an open end is a bound, or "open".

    Examples
    --------
    >>> bracketed(2.0, 1.5, 2.5), bracketed(900.0, 1.9, float("inf")), bracketed(1.3, 0.0, float("inf"))
    ('2.00 [1.50, 2.50]', 'above 1.90', 'open')
    >>> bracketed(2.0, float("nan"), float("nan")), bracketed(*[float("nan")] * 3)
    ('2.00', '–')
    """
    if np.isnan(value):
        return none
    if np.isnan([low, high]).any():
        return f"{value:{form}}"
    if np.isinf(high):
        return f"above {low:{form}}" if low > 0 else "open"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def mean_interval(values: Any) -> Interval:
    """Return the mean of values with its 95 % interval (Student's t); one value bounds none.

    >>> [round(end, 2) for end in mean_interval([0.1, 0.2, 0.3])]
    [0.2, -0.05, 0.45]
    """
    numbers = np.asarray(values, float)
    n = len(numbers)
    if n < 2:
        return Interval(float(numbers.mean())) if n else UNKNOWN
    return Interval.around(numbers.mean(), half_width(numbers.std(ddof=1), n - 1) / np.sqrt(n))


def with_ends(named: dict[str, Any]) -> dict[str, float]:
    """Return intervals as columns of a table: each value under its name, the ends with ``_low`` and ``_high``.

    >>> with_ends({"bits": Interval(2.0, 1.5, 2.5)})
    {'bits': 2.0, 'bits_low': 1.5, 'bits_high': 2.5}
    """
    ends = ("", "_low", "_high")
    return {f"{name}{end}": value for name, values in named.items() for end, value in zip(ends, values, strict=True)}


def in_cell(row: Any, name: str, form: str, none: str = "–") -> str:
    """Return a quantity of a row of ``missing_depths`` with its interval; 0 is a depth below the shallowest."""
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if name.startswith("missing") and not value > 0:
        return f"below {row['shallowest']:,.0f}"
    return bracketed(value, low, high, form, none)


class MeasuredCurve:
    """Information at the depths measured, and what is missing below the deepest, paired by seed.

    The seeds' thinnings, training cells and probe cells are shared by all depths of a seed, so differences between
    depths are taken within each seed. Their variance is pooled over the depths; intervals are Student's t. They hold
    the sampling error of the seeds only.

    Parameters
    ----------
    points : DataFrame with ``noise_level``, ``umis_per_cell``, ``seed`` and ``mi_bits``
        One curve: one row a depth and seed (``noise_axis(seed_means(rows))``).

    Attributes
    ----------
    u : (depths,) array, ascending
        Mean UMIs per cell.
    bits, missing : (depths,) arrays
        Mean over seeds, and mean over seeds of what is missing of the bits at the deepest.
    error : float
        Standard error of ``missing``; NaN of one seed.

    Examples
    --------
    >>> points = pd.DataFrame({"noise_level": [1, 0.5, 0.25], "umis_per_cell": [400, 200, 100], "seed": 0,
    ...                        "mi_bits": [2.0, 1.8, 1.4]})
    >>> curve = MeasuredCurve(points)
    >>> round(curve.depth_missing(0.4).value), round(curve.lost_by(2).value, 3)
    (141, 0.2)
    """

    def __init__(self, points: pd.DataFrame) -> None:
        table = points.pivot_table(index="noise_level", columns="seed", values="mi_bits").dropna(axis=1)
        if len(table) < 2 or not table.shape[1]:
            raise ValueError(
                f"the curve has {points['noise_level'].nunique()} depths and {table.shape[1]} seeds measured at all of "
                "them: two depths and one seed are the least."
            )
        depth = points.groupby("noise_level")["umis_per_cell"].mean()
        table = table.loc[depth[table.index].sort_values().index]
        self.u = depth[table.index].to_numpy(float)
        by_seed = table.to_numpy(float)
        self.bits = by_seed.mean(axis=1)
        self.seeds = by_seed.shape[1]
        missing = by_seed[-1] - by_seed
        self.missing = missing.mean(axis=1)
        below, self.free = missing[:-1], (len(table) - 1) * (self.seeds - 1)
        spread = ((below - below.mean(axis=1, keepdims=True)) ** 2).sum()
        self.error = float(np.sqrt(spread / self.free / self.seeds)) if self.free else float("nan")
        self._at_deepest = by_seed[-1]
        self._half = float(half_width(self.error, self.free))

    def own_depth(self) -> Interval:
        """Return the bits at the deepest level; the interval is over seeds."""
        return mean_interval(self._at_deepest)

    def lost_by(self, factor: float = 2.0) -> Interval:
        """Return the bits lost at a depth ``factor`` times below the deepest, interpolated in log depth.

        NaN for a depth below the shallowest that was measured.
        """
        in_range(factor, 1, 1e6, "factor", open_low=True)
        if factor > self.u[-1] / self.u[0]:
            return UNKNOWN
        return Interval.around(np.interp(np.log(self.u[-1] / factor), np.log(self.u), self.missing), self._half)

    def depth_missing(self, bits: float) -> Interval:
        """Return the depth below which at least so many bits are missing, interpolated in log depth.

        0 stands for a depth below the shallowest that was measured; the end of an interval may be such a depth.
        """
        in_range(bits, 0, 150, "bits", open_low=True)
        value = self._crossing(self.missing, bits)
        if not np.isfinite(self._half):
            return Interval(value)
        half = np.r_[np.full(len(self.u) - 1, self._half), 0]  # at the deepest nothing is missing, by definition
        return Interval(value, self._crossing(self.missing - half, bits), self._crossing(self.missing + half, bits))

    def depth_with(self, bits: float) -> Interval:
        """Return the depth below which the mean has fewer than so many bits; infinite if the deepest has fewer."""
        lacking = float(self.bits[-1]) - bits
        if lacking > 0:
            return self.depth_missing(lacking)
        return Interval(*(float("inf") if lacking else float(self.u[-1]),) * 3)

    def _crossing(self, missing: np.ndarray, bits: float) -> float:
        lacking = np.flatnonzero(missing >= bits)
        if not len(lacking):
            return 0.0
        i = lacking[-1]
        share = (missing[i] - bits) / (missing[i] - missing[i + 1])
        return float(np.exp(np.log(self.u[i]) + share * np.log(self.u[i + 1] / self.u[i])))


def missing_depths(points: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Return what every noise curve says without a law, one row a curve.

    Parameters
    ----------
    points : DataFrame from ``noise_axis(seed_means(rows))``
    by : columns that name a curve; data set, signal and representation if not given

    Returns
    -------
    DataFrame
        ``by``; ``umis_per_cell``, the deepest, and ``shallowest``; ``bits``, at the deepest; ``halving``, bits lost by
        the last halving of depth; ``missing_0.1`` and so on, the depth at which so many bits are missing; each with the
        ends of its 95 % interval (``_low``, ``_high``); ``depths`` and ``seeds``.
    """
    by = by or _CURVE
    rows = []
    for key, curve_points in points.groupby(by):
        if curve_points["noise_level"].nunique() < 2:
            continue
        curve = MeasuredCurve(curve_points)
        named = {"bits": curve.own_depth(), "halving": curve.lost_by(2.0)}
        named |= {f"missing_{bits:g}": curve.depth_missing(bits) for bits in MISSING}
        row = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        row |= {"umis_per_cell": curve.u[-1], "shallowest": curve.u[0], **with_ends(named)}
        rows.append(row | {"depths": len(curve.u), "seeds": curve.seeds})
    return pd.DataFrame(rows)


def shown(table: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Return a table of ``missing_depths`` to read: a value and its 95 % interval in one cell.

    Depths are UMIs per cell; "below …" is a depth below the shallowest that was measured.
    """
    by = by or _CURVE
    columns = {"bits": "bits at its own depth", "halving": "lost by the last halving"}
    columns |= {f"missing_{bits:g}": f"{bits:g} bits missing at" for bits in MISSING}
    rows = []
    for row in table.to_dict("records"):
        cells = {"own depth": f"{row['umis_per_cell']:,.0f}"}
        for name, title in columns.items():
            cells[title] = in_cell(row, name, ",.0f" if "missing" in name else ".2f", "not measured")
        rows.append({**cells, "depths": row["depths"], "seeds": row["seeds"]})
    return pd.DataFrame(rows, index=pd.MultiIndex.from_frame(table[by]) if len(by) > 1 else pd.Index(table[by[0]]))


def steps(points: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return the bits at each level of a column, and by how much they differ from those at the level before it.

    Parameters
    ----------
    points : DataFrame with ``level``, ``seed`` and ``mi_bits``
        One curve, such as over ``n_train``; seeds that lack a level are left out.

    Returns
    -------
    DataFrame
        One row a level, ascending; ``bits`` and ``step``, the difference within each seed, with the ends of their 95 %
        intervals over seeds (``_low``, ``_high``); ``seeds``.

    Examples
    --------
    >>> points = pd.DataFrame({"n_train": [10, 10, 100, 100], "seed": [0, 1, 0, 1], "mi_bits": [1.0, 1.2, 1.5, 1.7]})
    >>> steps(points, "n_train")["step"].round(3).tolist()
    [nan, 0.5]
    """
    table = points.pivot_table(index=level, columns="seed", values="mi_bits").dropna(axis=1).sort_index()
    rows = [
        {level: at, **with_ends({"bits": mean_interval(bits), "step": mean_interval(step)}), "seeds": len(bits)}
        for at, bits, step in zip(table.index, table.to_numpy(float), table.diff().to_numpy(float), strict=True)
    ]
    return pd.DataFrame(rows)


def shown_steps(table: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return a table of ``steps`` to read: a value and its 95 % interval in one cell."""
    columns = {"bits": "bits", "step": "change from the row above (bits)"}
    rows = [{title: in_cell(row, name, ".3f") for name, title in columns.items()} for row in table.to_dict("records")]
    return pd.DataFrame(rows, index=pd.Index(table[level])).assign(seeds=table["seeds"].to_numpy())


def paired_differences(points: pd.DataFrame, against: str = "pca") -> pd.DataFrame:
    """Return how many bits more each model has than ``against`` on the same cells, seeds and depths.

    Parameters
    ----------
    points : DataFrame from ``seed_means``

    Returns
    -------
    DataFrame
        Data set, signal, representation; ``difference`` in bits with its 95 % interval (``low``, ``high``) at the
        deepest depth that both have, ``shallow`` likewise at a tenth of it or the depth nearest to that, ``kept``, the
        share of its bits that it keeps there less the share that ``against`` keeps, ``mean`` difference over all depths
        in common; ``depths`` and ``seeds`` in common. A difference is taken within each seed and depth; variances are
        pooled over the depths, Student's t. Of one seed the intervals are NaN.
    """
    return pd.DataFrame([of | _differences(*tables) for of, *tables, _ in _pairs(points, against)])


def differences_by_depth(points: pd.DataFrame, against: str = "pca") -> pd.DataFrame:
    """Return how many bits more each model has than ``against`` at each depth, as ``paired_differences`` takes them.

    Returns
    -------
    DataFrame
        Data set, signal, representation, ``noise_level``, ``umis_per_cell``, ``difference`` in bits with its 95 %
        interval (``low``, ``high``), and ``seeds``.
    """
    rows = []
    for of, table, other, umis in _pairs(points, against):
        means, half = _pooled((table - other).to_numpy(float))
        for level, u, mean in zip(table.index, umis, means, strict=True):
            at = {"noise_level": level, "umis_per_cell": u, "difference": mean, "low": mean - half, "high": mean + half}
            rows.append(of | at | {"seeds": table.shape[1]})
    return pd.DataFrame(rows)


def _pairs(points: pd.DataFrame, against: str) -> Iterator[tuple[dict, pd.DataFrame, pd.DataFrame, np.ndarray]]:
    """Yield a model's task and name, its bits and those of ``against``, depths × seeds, and the depths in UMIs."""
    settings = ["noise_level", "probe_noise_level", "n_train", "seed"]
    for (dataset, signal), group in points.groupby(["dataset", "signal"]):
        other = group[group["representation"] == against][[*settings, "mi_bits"]]
        for model, curve in group[group["representation"] != against].groupby("representation"):
            both = curve[[*settings, "mi_bits", "umis_per_cell"]].merge(other, on=settings, suffixes=("", "_of"))
            both = both[both["noise_level"] == both["probe_noise_level"]]
            both = both[both["n_train"] == both["n_train"].max()].copy()
            of_model, of_other = (
                both.pivot_table(index="noise_level", columns="seed", values=bits).dropna(axis=1).sort_index()
                for bits in ("mi_bits", "mi_bits_of")
            )
            if of_model.size:
                umis = both.groupby("noise_level")["umis_per_cell"].mean().to_numpy(float)
                yield {"dataset": dataset, "signal": signal, "representation": model}, of_model, of_other, umis


def _pooled(off: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the mean of each row, and half the 95 % interval of each, with one variance for all rows."""
    means, seeds = off.mean(axis=1), off.shape[1]
    free = len(off) * (seeds - 1)
    variance = ((off - means[:, None]) ** 2).sum() / free if free else np.nan
    return means, half_width(np.sqrt(variance / seeds), free)


def _differences(table: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    """Return means of paired differences with their intervals; both tables are bits, levels × seeds."""
    off = (table - other).to_numpy(float)
    depths, seeds = off.shape
    means, half = _pooled(off)
    # What all depths of a seed share does not average out over depths.
    of_seed = off.mean(axis=0)
    over = half_width(of_seed.std(ddof=1), seeds - 1) / np.sqrt(seeds) if seeds > 1 else np.nan
    tenth = int(np.abs(np.log(table.index.to_numpy(float) * 10 / table.index[-1])).argmin())
    deepest, others = Interval.around(means[-1], half), {"shallow": Interval.around(means[tenth], half)}
    if depths > 1:  # at the deepest all is kept
        kept, half = _pooled((table / table.iloc[-1] - other / other.iloc[-1]).to_numpy(float)[:-1])
        others["kept"] = Interval.around(kept[min(tenth, depths - 2)], half)
    else:
        others["kept"] = Interval(np.nan)
    others["mean"] = Interval.around(means.mean(), over)
    named = {"difference": deepest.value, "low": deepest.low, "high": deepest.high, **with_ends(others)}
    return named | {"depths": depths, "seeds": seeds}
