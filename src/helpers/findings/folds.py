"""What a curve owes to the cells that it was measured on: the same curve again on other probe cells."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers.findings.curves import KEYS
from helpers.laws import Fit
from helpers.laws.shared_error import interval_with_shared_error
from helpers.store.points import noise_axis


def shared_errors(points: pd.DataFrame) -> dict[Any, np.ndarray]:
    """Return, for every noise curve, the sampling error of each point that its probe cells give to all of them.

    In the order of ``noise_fits`` of the same points (of ``points.seed_means``), for ``interval_with_shared_error``.
    """
    return {key: rows["mi_stderr_bits"].to_numpy(float) for key, rows in noise_axis(points).groupby(KEYS)}


def folds_compared(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return how far the curves of two folds lie apart, and how far their sampling errors let one expect.

    Parameters
    ----------
    first, second : DataFrames from ``points.seed_means``
        The same data sets, signals, models and depths on other probe (and training) cells.

    Returns
    -------
    DataFrame
        One row a curve that both have: ``KEYS``; ``depths``; ``bits`` at the deepest in the first fold; ``apart``, mean
        over depths of the second minus the first, bits; ``expected``, the standard error of that if the cells of a fold
        move all depths alike; ``left``, standard deviation over depths of what is left of the difference, bits.
    """
    levels, measured = [*KEYS, "noise_level"], ["mi_bits", "mi_stderr_bits"]
    one, two = (noise_axis(points).groupby(levels)[measured].mean() for points in (first, second))
    both = one.join(two, how="inner", rsuffix="_again").reset_index("noise_level")
    both["off"] = both["mi_bits_again"] - both["mi_bits"]
    both["error"] = np.hypot(both["mi_stderr_bits"], both["mi_stderr_bits_again"])
    deepest_last = both.sort_values("noise_level", kind="stable").groupby(KEYS)
    return deepest_last.agg(
        depths=("off", "size"),
        bits=("mi_bits", "last"),
        apart=("off", "mean"),
        expected=("error", "mean"),
        left=("off", "std"),
    ).reset_index()


def parameters_again(
    first: dict[Any, Fit], second: dict[Any, Fit], errors: tuple[dict[Any, np.ndarray], dict[Any, np.ndarray]]
) -> pd.DataFrame:
    """Return whether parameters of two folds agree: by the scatter around each curve, and with the cells' error added.

    Two independent estimates agree at 95 % if they differ by no more than the root of the sum of squares of the halves
    of their 95 % intervals that face each other; positive parameters are compared as logarithms.

    Parameters
    ----------
    first, second : dicts of curve → Fit
        Curves that one of them lacks, or whose points reject the law or leave a parameter free, are left out.
    errors : from ``shared_errors``, of each

    Returns
    -------
    DataFrame with the key, ``parameter``, ``first`` and ``second`` estimate, and whether they ``agree_by_scatter`` and
    ``agree`` with the error of the probe cells
    """
    rows = []
    for key in sorted(set(first) & set(second)):
        pair = first[key], second[key]
        if any(fit.status != "ok" for fit in pair):
            continue
        plain = [fit.interval() for fit in pair]
        wide = [interval_with_shared_error(fit, shared[key]) for fit, shared in zip(pair, errors, strict=True)]
        for name in pair[0].params:
            scale = np.log if name in pair[0].law.positive else np.asarray
            values = [fit.params[name] for fit in pair]
            with np.errstate(divide="ignore"):  # an interval may reach down to 0
                verdicts = [_agree(scale(values), scale([ends[name] for ends in both])) for both in (plain, wide)]
            rows.append([*key, name, *values, *verdicts])
    return pd.DataFrame(rows, columns=[*KEYS, "parameter", "first", "second", "agree_by_scatter", "agree"])


def _agree(values: np.ndarray, intervals: np.ndarray) -> bool:
    low, high = np.argsort(values)
    reach = np.hypot(intervals[low][1] - values[low], values[high] - intervals[high][0])
    return bool(values[high] - values[low] <= reach)


def spread_of(compared: pd.DataFrame) -> dict[str, float]:
    """Return what a table of ``folds_compared`` says in numbers.

    ``apart``, the root mean square of the distance of two folds, and ``expected``, of its standard error, in bits;
    ``ratio`` of the two with its 95 % interval (χ², curves as independent); ``typical``, the same of the median curve;
    ``left``, root mean square over curves. A ratio of 1 says that error bars are as wide as they should be.
    """
    n = len(compared)
    apart, expected, left = (float(np.sqrt((compared[name] ** 2).mean())) for name in ("apart", "expected", "left"))
    ratios = (compared["apart"] / compared["expected"]).abs()
    ratio, typical = float(np.sqrt((ratios**2).mean())), float(ratios.median() / norm.ppf(0.75))
    half = float(norm.ppf(0.975)) / np.sqrt(2 * n)
    numbers = {"curves": n, "apart": apart, "expected": expected, "left": left, "ratio": ratio, "typical": typical}
    return numbers | {"ratio_low": ratio * np.exp(-half), "ratio_high": ratio * np.exp(half)}
