"""The numbers of this book with what bounds them: estimates of real embeddings, their samples and the estimator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.information.bracket import bracketed


def brackets(embeddings: dict[Any, np.ndarray], y: np.ndarray, seeds: Sequence[int]) -> pd.DataFrame:
    """Return ``bracketed`` of several embeddings, for ``probe.of_tasks``.

    Parameters
    ----------
    embeddings : dict of name → (n, d) array
    y : (n,) labels or (n, e) array
    seeds : of the estimates; numbers are means over them

    Returns
    -------
    DataFrame
        One row an embedding (``of``): ``n`` samples; in bits the estimate, its standard error ``sampling``, the bound
        ``lower``, ``spread`` over settings, and ``trend``, extrapolated in 1/n (NaN unless every seed's status is
        "ok"); ``trend_status`` of the first that is not; ``seconds``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> brackets({"x": x}, x[:, 0] > 0, [0]).loc[0, "trend_status"]
    'needs 800 samples, has 300'
    """
    rows = []
    for name, x in embeddings.items():
        found = [bracketed(x, y, seed, null=False) for seed in seeds]
        means = np.mean(
            [[e.bits, e.stderr, e.lower_bits, e.spread_bits, e.trend_bits, e.seconds] for e in found], axis=0
        )
        status = next((e.trend_status for e in found if e.trend_status != "ok"), "ok")
        rows.append([name, found[0].n, *means[:5], status, means[5]])
    columns = ["of", "n", "bits", "sampling", "lower", "spread", "trend", "trend_status", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def wider_than_sampling(table: pd.DataFrame) -> pd.Series:
    """Say of each row of ``brackets`` whether the estimator's bracket leaves the 95 % interval of sampling.

    It does where the bound or the extrapolation lies outside, or the settings move the estimate by more.
    """
    half = 1.96 * table["sampling"]
    above = table[["lower", "trend"]].max(axis=1) - table["bits"]
    return (above > half) | (table["spread"] > half)
