"""What points of images and sequences say without a law: the share lost at a level, or told of the labels."""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers.store.model_free import Interval
from helpers.store.points import mean_and_error


def share_lost(points: pd.DataFrame, level: float, replicates: str = "seed") -> Interval:
    """Return which share of the noise-free information is lost at a level of noise, as measured.

    Each replicate is compared with itself at its lowest level. The variance of these shares is pooled over the levels
    up to the one asked for; the 95 % interval is Student's t. It holds the spread of the replicates, not the sampling
    error of the samples that they share.

    Parameters
    ----------
    points : DataFrame
        One curve: ``noise_level``, ``mi_bits`` and the column of the ``replicates``, such as "seed".
    level : float
        One that was measured, to within 1 %.

    Raises
    ------
    ValueError
        If the level was not measured, or is the lowest.

    Examples
    --------
    >>> rows = [{"noise_level": level, "seed": seed, "mi_bits": bits + 0.1 * seed}
    ...         for level, bits in ((0.0, 1.0), (0.001, 0.8)) for seed in (0, 1)]
    >>> [round(end, 2) for end in share_lost(pd.DataFrame(rows), 0.001)]
    [0.19, 0.08, 0.31]
    """
    below = points[points["noise_level"] <= 1.01 * level]
    table = below.pivot_table(index=replicates, columns="noise_level", values="mi_bits").dropna().sort_index(axis=1)
    levels = table.columns.to_numpy(float)
    reached = np.flatnonzero(np.isclose(levels, level, rtol=0.01, atol=0))
    if not len(reached) or not reached[0]:
        raise ValueError(
            f"level {level:g} is not among those above the lowest, at which all replicates were measured: "
            f"{', '.join(f'{at:.3g}' for at in sorted(set(points['noise_level']))[1:]) or 'none'}."
        )
    shares = 1 - table.to_numpy(float)[:, 1 : reached[0] + 1] / table.to_numpy(float)[:, :1]
    value, (n, different) = float(shares[:, -1].mean()), shares.shape
    if n < 2:
        return Interval(value, float("nan"), float("nan"))
    free = different * (n - 1)
    pooled = ((shares - shares.mean(axis=0)) ** 2).sum() / free
    half = float(student_t.ppf(0.975, free) * np.sqrt(pooled / n))
    return Interval(value, value - half, value + half)


def share_of_entropy(noise_free: pd.DataFrame) -> Interval:
    """Return the noise-free information (rows of one signal) as a share of the entropy of the labels, with its ends."""
    bits, error = mean_and_error(noise_free)
    entropy = float(noise_free["mi_ceiling_bits"].mean())
    return Interval(*((bits + sign * 1.96 * error) / entropy for sign in (0, -1, 1)))
