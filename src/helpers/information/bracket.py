"""What bounds an estimate: held-out samples from below, its own settings, and its trend with the number of samples."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from helpers._utils.validation import as_seed, is_labels, same_length
from helpers.information.bounds import lower_bound
from helpers.information.estimate import Estimate
from helpers.information.lmi import lmi, lmi_many

VERSION = 1  # 2026-11-29 numbered

# Settings that an estimate should not depend on, and does: fewer and more code dimensions, more neighbours.
SETTINGS: tuple[dict[str, int], ...] = ({"dim": 4}, {"dim": 16}, {"k": 10})
# Samples of the smallest part of a trend.
FEWEST_A_PART = 200


def bracketed(x: Any, y: Any, seed: int = 0, **options: Any) -> Estimate:
    """Estimate information by ``lmi`` and say how far off the estimate may be, for other reasons than sampling.

    The standard error of an estimate is that of its samples. Three more numbers are of the estimator:

    - ``lower_bits``: what a critic shows on held-out samples (``bounds.lower_bound``). An estimate below it is too low.
    - ``spread_bits``: half the range over other folds and the settings in ``SETTINGS``, none of which the truth knows.
    - ``trend_bits``: the estimate extrapolated to infinitely many samples, along a line in 1/n through those of the
      whole, its halves and its quarters (``trend``). Where estimates still rise with n, it lies above.

    Parameters
    ----------
    x, y : as ``lmi`` takes them
    seed : int
    **options : of ``lmi``

    Returns
    -------
    Estimate with these fields; ``seconds`` are those of all of it

    Raises
    ------
    ValueError
        As ``lmi`` and ``lower_bound`` do.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 2))
    >>> found = bracketed(x, x[:, :1] + rng.normal(size=(300, 1)), epochs=10)    # exactly 0.5 bits
    >>> found.lower_bits < 0.7 and found.spread_bits < 0.3, found.trend_status
    (True, 'needs 800 samples, has 300')
    """
    start = time.perf_counter()
    whole = lmi(x, y, seed, **options)
    quick = {**options, "null": False}
    others = [lmi(x, y, seed + 1, **quick)] + [lmi(x, y, seed, **{**quick, **setting}) for setting in SETTINGS]
    bits = [whole.bits, *(other.bits for other in others)]
    at_infinity, status = trend(x, y, seed, whole=whole.bits, **options)
    return replace(
        whole,
        lower_bits=lower_bound(x, y, seed).bits,
        spread_bits=(max(bits) - min(bits)) / 2,
        trend_bits=at_infinity,
        trend_status=status,
        seconds=time.perf_counter() - start,
    )


def trend(x: Any, y: Any, seed: int = 0, whole: float | None = None, **options: Any) -> tuple[float, str]:
    """Extrapolate ``lmi`` in 1/n from all samples, two halves and four quarters, each part estimated by itself.

    Parameters
    ----------
    x, y : as ``lmi`` takes them
    seed : int
        Of the parts and of the estimates.
    whole : float, optional
        The estimate of all samples, where it is there already.
    **options : of ``lmi``

    Returns
    -------
    (bits, status)
        NaN unless the status is "ok": too few samples, a part in which the signal does not vary, or halves that lie
        off the line by more than twice what the quarters differ by.

    Examples
    --------
    >>> trend(np.arange(400.0), np.arange(400.0))
    (nan, 'needs 800 samples, has 400')
    """
    x, y = np.asarray(x), np.asarray(y)
    n, seed = same_length(x=x, y=y), as_seed(seed)
    if n < 4 * FEWEST_A_PART:
        return float("nan"), f"needs {4 * FEWEST_A_PART} samples, has {n}"
    order = np.random.default_rng([seed, 2]).permutation(n)[: n - n % 4]  # of equal sizes, so that nets stack
    if is_labels(y, "y"):
        # Parts with equal shares of each label, or rare ones would be missing from some.
        order = order[np.argsort(y[order], kind="stable")]
        order = np.concatenate([order[at::4] for at in range(4)])
    quarters = np.array_split(order, 4)
    halves = [np.concatenate(quarters[:2]), np.concatenate(quarters[2:])]
    options = {**options, "null": False}
    if whole is None:
        whole = lmi(x, y, seed, **options).bits
    try:
        bits = [
            [e.bits for e in lmi_many([(x[rows], y[rows]) for rows in parts], seed, **options)]
            for parts in (halves, quarters)
        ]
    except ValueError as error:  # of parts that hold too little, where all samples together do not
        return float("nan"), f"a part of the samples cannot be estimated: {error}"
    return _at_infinity(whole, *bits)


def _at_infinity(whole: float, halves: Sequence[float], quarters: Sequence[float]) -> tuple[float, str]:
    """Extrapolate estimates of the whole and means of its parts, at 1/n in units of the whole's: 1, 2 and 4."""
    means = np.array([whole, np.mean(halves), np.mean(quarters)])
    inverse = np.array([1.0, 2.0, 4.0])
    slope, at_infinity = np.polyfit(inverse, means, 1)
    off = float(np.abs(means - at_infinity - slope * inverse).max())
    error = float(np.std(quarters, ddof=1)) / 2
    if off > 2 * error + 1e-9:
        return float("nan"), f"not straight in 1/n: off by {off:.2f} bits, parts differ by {error:.2f}"
    return float(at_infinity), "ok"
