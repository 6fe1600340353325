"""Which scalar noise law comes nearest to a vector channel, and how near."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.information.spectrum import Channels, simulate
from helpers.laws.fit import Fit
from helpers.laws.noise import NoiseLaw


def moment_law(channels: Channels) -> NoiseLaw:
    """Return the scalar law with the channels' I_max and the centre of their rise: ū = 2^I_max · centre.

    The rise of a scalar law is centred at ū 2^(−I_max). For equal channels of I_i bits and ū_i each this gives
    ū = ū_i 2^(I_max − I_i), above the ū_i of any of them.

    Examples
    --------
    >>> moment_law(Channels([4.0, 4.0], [1.0, 1.0]))
    NoiseLaw(i_max=2.0, u_bar=2.0)
    """
    return NoiseLaw(channels.i_max, channels.centre * 2**channels.i_max)


def depths_around(channels: Channels, decades: float, n_depths: int = 25) -> np.ndarray:
    """Return depths spaced evenly in log u around the depth that gives half of I_max."""
    in_range(decades, 0, 20, "decades", open_low=True)
    in_range(n_depths, 3, 10_000, "n_depths", whole=True)
    return channels.depth_for(channels.i_max / 2) * 10 ** (decades * np.linspace(-0.5, 0.5, n_depths))


def nearest_law(channels: Channels, u: np.ndarray) -> Fit:
    """Fit the scalar law to the exact curve at depths ``u``; the residuals are what the form misses."""
    return NoiseLaw.fit(u, channels(u))


def distance(channels: Channels, u: np.ndarray) -> dict[str, float | str]:
    """Return how far the nearest scalar law is from the exact curve at depths ``u``.

    Returns
    -------
    dict
        ``max_bits`` and ``rms_bits``: deviation; ``max_share`` and ``rms_share``: the same over the exact I_max;
        ``i_max_ratio`` and ``u_bar_ratio``: fitted over those of ``moment_law``; ``i_max``, ``stretch``: of the
        channels; ``status``: of the fit.

    Examples
    --------
    >>> distance(Channels([16.0], [1.0]), np.geomspace(0.01, 100, 9))["max_bits"] < 1e-6
    True
    """
    fit, exact = nearest_law(channels, u), moment_law(channels)
    worst = float(np.abs(fit.residuals).max())
    return {
        "i_max": channels.i_max,
        "stretch": channels.stretch,
        "max_bits": worst,
        "rms_bits": fit.rmse,
        "max_share": worst / channels.i_max,
        "rms_share": fit.rmse / channels.i_max,
        "i_max_ratio": fit.params["i_max"] / exact.i_max,
        "u_bar_ratio": fit.params["u_bar"] / exact.u_bar,
        "status": fit.status,
    }


def distances(
    families: Sequence[str],
    spreads: Sequence[float],
    bits: Sequence[float],
    dims: Sequence[int],
    decades: Sequence[float],
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """Return ``distance`` for every simulated channel: one row a setting, range of depths and seed.

    In *power* nothing is random, so it has the first seed only.
    """
    rows = []
    for family, spread, total, dim, seed in product(families, spreads, bits, dims, seeds):
        if family == "power" and seed != seeds[0]:
            continue
        channels = simulate(family, spread, total, dim, seed)
        named = {"family": family, "spread": spread, "bits": total, "dim": dim, "seed": seed}
        rows += [named | {"decades": span} | distance(channels, depths_around(channels, span)) for span in decades]
    return pd.DataFrame(rows)


def by_band(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise ``distances`` for channels that are steeper than, like, and flatter than a scalar law.

    Parameters
    ----------
    table : DataFrame from ``distances``

    Returns
    -------
    DataFrame
        One row a band: number of channels, median and 90th percentile of the largest deviation, share of fits with
        status ok, and among these the medians of the fitted parameters over those of ``moment_law``.
    """
    names = ["steeper: below 0.9", "alike: 0.9 to 1.1", "flatter: above 1.1"]
    band = pd.cut(table["stretch"], [0, 0.9, 1.1, np.inf], labels=names)
    rows = {}
    for name, part in table.groupby(band, observed=True):
        good = part[part["status"] == "ok"]
        rows[name] = {
            "channels": len(part),
            "median deviation (% of I_max)": 100 * part["max_share"].median(),
            "90th percentile (% of I_max)": 100 * part["max_share"].quantile(0.9),
            "fits with status ok (%)": 100 * len(good) / len(part),
            "their I_max / exact": good["i_max_ratio"].median(),
            "their ū / predicted": good["u_bar_ratio"].median(),
        }
    return pd.DataFrame(rows).T.rename_axis("stretch")
