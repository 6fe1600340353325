"""How much noise each curve tolerates, read off its points without a law."""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers._utils.validation import choose, in_range
from helpers.noise import NOISES


def measured_tolerance(points: pd.DataFrame, share: float = 0.1, by: str = "signal") -> pd.DataFrame:
    """Return the noise level at which each curve has lost a share of its noise-free bits, without a law.

    Shares are taken within each seed, whose samples all levels share, and interpolated in the logarithm of the level;
    the level is the least at which so much is lost. The spread of the seeds is pooled over the levels.

    Parameters
    ----------
    points : DataFrame from ``image_points``, of one or several kinds of noise
    share : float in (0, 1)
    by : column whose values are the curves

    Returns
    -------
    DataFrame
        ``noise_kind``, ``by``; ``level`` with its 95 % interval (``level_low``, ``level_high``), infinite where less is
        lost at every level; ``lost``, the mean share lost over the levels; ``levels``; ``seeds``.

    Examples
    --------
    >>> points = pd.DataFrame({"noise_kind": "pixelation", "noise_level": [1, 2, 4, 8], "signal": "a or not", "seed": 0,
    ...                        "mi_bits": [1.0, 1.0, 0.8, 0.6]})
    >>> round(float(measured_tolerance(points, 0.1)["level"].iloc[0]), 2)
    2.83
    """
    in_range(share, 0, 1, "share", open_low=True)
    rows = []
    for (kind, curve), curve_points in points.groupby(["noise_kind", by]):
        lost, clean = _shares_lost(curve_points, str(kind), str(curve)), NOISES[str(kind)].clean
        means, seeds = lost.mean(axis=1).to_numpy(), lost.shape[1]
        half = _half_interval(lost, seeds)
        levels = lost.index.to_numpy(float)
        low, value, high = (_level_losing(levels, means + off, share, clean) for off in (half, 0.0, -half))
        rows.append([kind, curve, value, low, high, means.mean(), len(levels), seeds])
    columns = ["noise_kind", by, "level", "level_low", "level_high", "lost", "levels", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def sensitivity(points: pd.DataFrame, than: str) -> pd.DataFrame:
    """Return how much larger a share of its bits one curve loses than each other, mean over the levels of noise.

    Parameters
    ----------
    points : DataFrame from ``image_points``
    than : the curve (``signal``) that the others are compared with

    Returns
    -------
    DataFrame
        ``noise_kind``, ``signal``; ``more``, the mean share that ``than`` loses minus that of the curve, at the same
        levels and seeds, with its 95 % interval ``low`` to ``high``; the spread of the seeds is pooled over the levels.

    Examples
    --------
    >>> points = pd.DataFrame({"noise_kind": "pixelation", "noise_level": [1, 2, 1, 2], "signal": ["a", "a", "b", "b"],
    ...                        "seed": 0, "mi_bits": [1.0, 0.5, 2.0, 1.6]})
    >>> round(float(sensitivity(points, "a")["more"].iloc[0]), 3)
    0.3
    """
    choose(than, set(points["signal"]), "signal of the points")
    rows = []
    for kind, of_kind in points.groupby("noise_kind"):
        lost = {str(curve): _shares_lost(rows, str(kind), str(curve)) for curve, rows in of_kind.groupby("signal")}
        if than not in lost:
            continue
        for curve in sorted({*lost} - {than}):
            off = (lost[than] - lost[curve]).dropna(axis=0, how="all").dropna(axis=1)
            more, half = float(off.to_numpy().mean()), _half_interval(off, off.size)
            rows.append([kind, curve, more, more - half, more + half])
    return pd.DataFrame(rows, columns=["noise_kind", "signal", "more", "low", "high"])


def _half_interval(values: pd.DataFrame, n: int) -> float:
    """Return half the 95 % interval of a mean of n values; the spread of seeds (columns) is pooled over the levels."""
    free = len(values) * (values.shape[1] - 1)
    if not free:
        return float("nan")
    pooled = (values.sub(values.mean(axis=1), axis=0) ** 2).to_numpy().sum() / free
    return float(student_t.ppf(0.975, free) * np.sqrt(pooled / n))


def _shares_lost(points: pd.DataFrame, kind: str, curve: str) -> pd.DataFrame:
    """Return the share of the noise-free bits that is lost, levels × seeds."""
    table = points.pivot_table(index="noise_level", columns="seed", values="mi_bits").dropna(axis=1)
    clean = NOISES[kind].clean
    if clean not in table.index or len(table) < 2 or not table.shape[1]:
        raise ValueError(
            f"{curve}: of {kind} noise {len(table)} levels were measured with all of their {table.shape[1]} seeds: the "
            f"noise-free level {clean:g} and a noisy one are needed."
        )
    return 1 - table.drop(index=clean) / table.loc[clean]


def _level_losing(levels: np.ndarray, lost: np.ndarray, share: float, clean: float) -> float:
    """Return the least level that loses a share; below the first that was measured the clean level stands for 0."""
    if np.isnan(lost).any():
        return float("nan")
    beyond = np.flatnonzero(lost >= share)
    if not len(beyond):
        return float("inf")
    i = int(beyond[0])
    before, loss = (levels[i - 1], lost[i - 1]) if i else (clean, 0.0)
    part = (share - loss) / (lost[i] - loss)
    if before <= 0:  # no logarithm
        return float(levels[i] * part)
    return float(np.exp(np.log(before) + part * np.log(levels[i] / before)))
