"""What theory predicts of the exponent of depth: cells of unequal depth, and many channels of unequal noise."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import roots_hermitenorm

from helpers._utils.validation import in_range
from helpers.information.spectrum import simulate
from helpers.laws import NoiseLaw, StretchedNoiseLaw
from helpers.laws.scalar_approximation import depths_around

_DECADES, _DEPTHS = 2.0, 8  # of depth, as the measured curves have
_BITS = 2.0  # that many channels have together


def of_unequal_depths(spreads: Sequence[float], i_max: float = 2.0) -> pd.Series:
    """Return the exponent of curves of cells that each follow the noise law and differ in depth.

    Depths of cells are log-normal around their mean, which is what a figure shows; ``spreads`` are standard deviations
    of ln(UMIs per cell). The curve is the average over cells at two decades of mean depth, up to ten times ū, without
    scatter.

    Examples
    --------
    >>> of_unequal_depths([0.0, 0.8]).round(2).tolist()
    [1.0, 0.91]
    """
    law = NoiseLaw(i_max, 1.0)
    nodes, weights = roots_hermitenorm(61)
    u = np.geomspace(10.0 / 10**_DECADES, 10.0, _DEPTHS)
    exponents = {}
    for spread in spreads:
        in_range(spread, 0, 3, "spread")
        relative = np.exp(spread * nodes - spread**2 / 2)
        curve = (law(u[:, None] * relative) * weights).sum(axis=1) / weights.sum()
        exponents[spread] = StretchedNoiseLaw.fit(u, curve).params["beta"]
    return pd.Series(exponents, name="β").rename_axis("sd of ln UMIs")


def of_many_channels(
    spreads: Sequence[float], families: Sequence[str] = ("even", "aligned", "turned"), draws: int = 20, dim: int = 8
) -> pd.DataFrame:
    """Return the exponents of exact curves of ``dim`` Gaussian channels with 2 bits, over draws of their spectra.

    Two decades of depth around the one that gives half of the bits, without scatter; ``spreads`` and ``families`` are
    those of ``helpers.information.spectrum.simulate``.

    Returns
    -------
    DataFrame with ``family``, ``spread``; median, ``low`` and ``high`` (5 and 95 %) of the exponent

    Examples
    --------
    >>> one = of_many_channels([1.0], ["even"], draws=2, dim=1)  # one channel is the law itself
    >>> one["median"].round(4).tolist()
    [1.0]
    """
    in_range(draws, 1, 1e4, "draws", whole=True)
    rows = []
    for family, spread in product(families, spreads):
        exponents = []
        for seed in range(draws):
            channels = simulate(family, spread, _BITS, dim, seed)
            u = depths_around(channels, _DECADES, _DEPTHS)
            exponents.append(StretchedNoiseLaw.fit(u, channels(u)).params["beta"])
        rows.append([family, spread, *np.quantile(exponents, [0.5, 0.05, 0.95])])
    return pd.DataFrame(rows, columns=["family", "spread", "median", "low", "high"])
