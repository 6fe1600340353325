"""What more depth and more training cells gain, read off a grid of both without a law."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import f as f_distribution

from helpers._utils.validation import in_range
from helpers.store.model_free import UNKNOWN, Interval, half_width

# Fold-changes beyond these are not distinguished from none or all.
_FOLDS = (1e-3, 1e3)
_EXACT = 1e-9  # bits; the least standard error


@dataclass(frozen=True)
class Gains:
    """Bits that a step along one axis of a grid gains, at each level of the other axis.

    Attributes
    ----------
    at : (levels,) array, ascending
        UMIs per cell where cells are gained, training cells where depth is.
    bits, error : (levels,) arrays
        Mean over seeds and its standard error; NaN of one seed.
    free : int
        Degrees of freedom of the error.
    factor : float
        The step.
    """

    at: np.ndarray
    bits: np.ndarray
    error: np.ndarray
    free: int
    factor: float

    def half(self) -> np.ndarray:
        """Return half the 95 % interval of each gain (Student's t)."""
        return half_width(self.error, self.free)

    def last(self) -> Interval:
        """Return the gain at the largest level."""
        return Interval.around(self.bits[-1], self.half()[-1])

    def per_decade(self) -> "Gains":
        """Return the mean gain of a tenfold step: the gain over the decades of the factor.

        >>> Gains(np.array([30.0, 300.0]), np.array([0.2, 0.4]), np.zeros(2), 4, 100.0).per_decade().bits.tolist()
        [0.1, 0.2]
        """
        decades = float(np.log10(self.factor))
        return Gains(self.at, self.bits / decades, self.error / decades, self.free, 10.0)

    def fold(self) -> Interval:
        """Return by what factor the gain grows with every tenfold of ``at``, with its 95 % interval.

        Gains A·F^(log10 at) are fitted by weighted least squares, so that gains around 0 count as what they are. The
        interval is by profile: all F that an F test allows, with the scatter about the fit as the error where it is
        larger than that of the seeds; 0 or infinite where that leaves an end open. NaN if no gain is above 0.

        Examples
        --------
        >>> deep = np.array([30.0, 100.0, 300.0, 1000.0])
        >>> round(Gains(deep, 0.05 * 2.0 ** np.log10(deep), np.full(4, 0.001), 8, 10.0).fold().value, 3)
        2.0
        """
        decades = np.log10(self.at / self.at[-1])
        weight = np.maximum(np.nan_to_num(self.error, nan=_EXACT), _EXACT) ** -2.0

        def misfit(log_fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            shape = np.exp(np.clip(np.multiply.outer(log_fold, decades), -300, 300))
            shape /= shape.max(axis=-1, keepdims=True)
            height = (shape * weight * self.bits).sum(axis=-1) / (shape**2 * weight).sum(axis=-1)
            return (weight * (self.bits - height[..., None] * shape) ** 2).sum(axis=-1), height

        grid = np.linspace(np.log(_FOLDS[0]), np.log(_FOLDS[1]), 2001)
        rss, height = misfit(grid)
        rss = np.where(height > 0, rss, np.inf)
        best = int(rss.argmin())
        if len(self.at) < 3 or not np.isfinite(rss[best]):
            return UNKNOWN
        around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        exact = minimize_scalar(lambda b: float(misfit(np.array(b))[0]), bounds=around, method="bounded")
        value, least = float(np.exp(exact.x)), min(float(exact.fun), float(rss[best]))
        if not self.free:
            return Interval(value)
        scale = max(1.0, least / (len(self.at) - 2))
        allowed = np.flatnonzero(rss - least <= scale * f_distribution.ppf(0.95, 1, self.free))
        low, high = (grid[allowed[0]], grid[allowed[-1]]) if len(allowed) else (exact.x, exact.x)
        low, high = min(low, exact.x), max(high, exact.x)
        lowest, highest = low <= grid[0], high >= grid[-1]
        return Interval(value, 0.0 if lowest else float(np.exp(low)), np.inf if highest else float(np.exp(high)))


class MeasuredGrid:
    """Information at every depth and number of training cells that was measured, and what more of either gains.

    Parameters
    ----------
    points : DataFrame with ``noise_level``, ``umis_per_cell``, ``n_train``, ``seed`` and ``mi_bits``
        One data set, signal and model (``seed_means``), training and probe cells equally deep.
    paired : bool
        Whether what is measured of one seed shares cells and thinnings: gains are then taken within each seed, and
        seeds that lack a point are left out. Of released estimates only means and spreads are known: they are not
        paired, and the spread of all settings is pooled. Intervals hold the sampling error of the seeds only.

    Attributes
    ----------
    u : (depths,) array, ascending
        Mean UMIs per cell.
    n : (sizes,) array, ascending
        Training cells.
    bits : (depths, sizes) array
        Mean over seeds; NaN where nothing was measured.
    seeds : int

    Examples
    --------
    >>> rows = [{"noise_level": q, "umis_per_cell": 500 * q, "n_train": n, "seed": 0,
    ...          "mi_bits": 2 - 20 / (500 * q) - 10 / n} for q in (1, 0.1, 0.05) for n in (30, 100, 300, 1000)]
    >>> grid = MeasuredGrid(pd.DataFrame(rows))
    >>> grid.gain_of_cells().bits.round(3).tolist(), grid.gain_of_depth().bits.round(2).tolist()
    ([0.09, 0.09, 0.09], [0.36, 0.36, 0.36, 0.36])
    >>> round(grid.depth_over_cells().value, 2)
    0.27
    """

    def __init__(self, points: pd.DataFrame, paired: bool = True) -> None:
        keys = ["noise_level", "n_train"]
        table = points.pivot_table(index=keys, columns="seed", values="mi_bits")
        table = table.dropna(axis=1) if paired else table
        depth = points.groupby("noise_level")["umis_per_cell"].mean().sort_values()
        sizes = np.sort(points["n_train"].unique())
        if len(depth) < 2 or len(sizes) < 2 or not table.shape[1]:
            raise ValueError(
                f"the grid has {len(depth)} depths, {len(sizes)} numbers of training cells and {table.shape[1]} seeds "
                "measured at all of them: two, two and one are the least."
            )
        whole = table.reindex(pd.MultiIndex.from_product([depth.index, sizes], names=keys))
        self._values = whole.to_numpy(float).reshape(len(depth), len(sizes), -1)
        self.u, self.n, self.paired = depth.to_numpy(float), sizes.astype(float), paired
        self.seeds = int(points["seed"].nunique()) if not paired else table.shape[1]
        self._many = np.isfinite(self._values).sum(axis=2)
        with np.errstate(invalid="ignore"):
            self.bits = np.nansum(self._values, axis=2) / np.where(self._many, self._many, np.nan)
        spread = np.nansum((self._values - self.bits[..., None]) ** 2)
        self._free = int(np.maximum(self._many - 1, 0).sum())
        self._variance = float(spread / self._free) if self._free else float("nan")

    @property
    def span(self) -> tuple[float, float]:
        """The factors between the least and the most of depth, and of cells."""
        return float(self.u[-1] / self.u[0]), float(self.n[-1] / self.n[0])

    def gain_of_cells(self, factor: float = 10.0) -> Gains:
        """Return the bits at the most training cells minus those at ``factor`` times fewer, at every depth.

        Interpolated in log cells; no level is left if less than ``factor`` was measured.
        """
        return self._gains(self._values, self._many, self.u, _step(self.n, factor), factor)

    def gain_of_depth(self, factor: float = 10.0) -> Gains:
        """Return the bits at the deepest minus those at a depth ``factor`` times less, at every number of cells."""
        values, many = self._values.swapaxes(0, 1), self._many.T
        return self._gains(values, many, self.n, _step(self.u, factor), factor)

    def depth_over_cells(self, factor: float = 10.0) -> Interval:
        """Return by how much the last ``factor`` of depth gains more than the last ``factor`` of cells, in bits.

        Both end at the deepest and most cells, which cancels. The errors of both gains are added, as if they did not
        share that point: the interval is rather too wide.
        """
        cells, depth = self.gain_of_cells(factor), self.gain_of_depth(factor)
        if not len(cells.bits) or not len(depth.bits) or cells.at[-1] < self.u[-1] or depth.at[-1] < self.n[-1]:
            return UNKNOWN
        half = half_width(np.hypot(cells.error[-1], depth.error[-1]), min(cells.free, depth.free))
        return Interval.around(depth.bits[-1] - cells.bits[-1], half)

    def _gains(self, values: np.ndarray, many: np.ndarray, at: np.ndarray, step: np.ndarray, factor: float) -> Gains:
        used = step != 0
        kept = (many[:, used] > 0).all(axis=1) & bool(used.any())
        values, many, at = values[kept][:, used], many[kept][:, used], at[kept]
        if self.paired:
            of_seed = np.einsum("lus,u->ls", values, step[used])
            bits, free = of_seed.mean(axis=1), len(at) * (self.seeds - 1)
            pooled = ((of_seed - bits[:, None]) ** 2).sum() / free if free else np.nan
            error = np.full(len(at), np.sqrt(pooled / self.seeds))
        else:
            bits = (np.nansum(values, axis=2) / many) @ step[used]
            free, error = self._free, np.sqrt(self._variance * (step[used] ** 2 / many).sum(axis=1))
        return Gains(at, bits, error, free, factor)


def _step(axis: np.ndarray, factor: float) -> np.ndarray:
    """Return the weights of the last step by ``factor`` along an axis, interpolated in its logarithm; 0 if none."""
    in_range(factor, 1, 1e9, "factor", open_low=True)
    weights = np.zeros(len(axis))
    if factor > axis[-1] / axis[0] * (1 + 1e-9):
        return weights
    below = np.interp(np.log(axis[-1] / factor), np.log(axis), np.arange(len(axis)))
    i, share = min(int(below), len(axis) - 2), below - min(int(below), len(axis) - 2)
    weights[-1] += 1.0
    weights[i] -= 1 - share
    weights[i + 1] -= share
    weights[np.abs(weights) < 1e-12] = 0.0
    return weights
