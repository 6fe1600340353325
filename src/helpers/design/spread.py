"""Where the best experiment may be: laws drawn from the likelihood of a fit, and the optimum of each."""

import numpy as np
import pandas as pd

from helpers._utils.validation import as_seed, in_range
from helpers.design.pilot import check_usable, knows_cells
from helpers.design.prices import Prices
from helpers.design.search import best_experiment, cell_range, depth_range
from helpers.laws import Fit, TwoVariableLaw
from helpers.laws.base import Law


def draws(fit: Fit, count: int = 300, seed: int = 0) -> list[Law]:
    """Draw laws from the likelihood of a fit, within the edges of its search, by the Metropolis algorithm.

    Steps are drawn from the covariance of the fit; every 20th state after the first 1,000 is kept. Where the points
    leave a parameter free, its draws fill the search and the drawn curves still pass through the points.

    Raises
    ------
    ValueError
        Unless it is a fit with a covariance, of a law that its points do not reject, and count and seed are in range.

    Examples
    --------
    >>> from helpers.laws import NoiseLaw
    >>> u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    >>> fit = NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u) + 0.05 * np.random.default_rng(0).normal(size=18))
    >>> drawn = [law.i_max for law in draws(fit, 400)]
    >>> bool(0.7 < np.std(drawn) / fit.stderr["i_max"] < 1.4)
    True
    """
    check_usable(fit)
    in_range(count, 1, 1e6, "count", "It is the number of laws to draw.", whole=True)
    seed = as_seed(seed)
    if not np.isfinite(fit.covariance).all():
        raise ValueError(f"the fit is {fit.status}: {fit.message} There is no covariance to draw from.")
    edges = type(fit.law)._limits(fit.x, fit.y)
    low, high = (np.array([np.log(e[i]) if n in fit.law.positive else e[i] for n, e in edges.items()]) for i in (0, 1))
    variance, axes = np.linalg.eigh((fit.search_covariance + fit.search_covariance.T) / 2)
    reach = np.minimum(np.sqrt(np.maximum(variance, 0)), (high - low).min() / 2) * 2.4 / np.sqrt(len(low))
    rng = np.random.default_rng(seed)
    state = np.clip(fit.law._theta(), low, high)
    level, kept = fit.log_likelihood(state), []
    for step in range(1000 + 20 * count):
        trial = state + axes @ (reach * rng.normal(size=len(low)))
        if ((low <= trial) & (trial <= high)).all():
            of_trial = fit.log_likelihood(trial)
            if np.log(rng.random()) < of_trial - level:
                state, level = trial, of_trial
        if step >= 1000 and step % 20 == 0:
            kept.append(fit.law._from_theta(state))
    return kept


def region(fit: Fit, budget: float, prices: Prices, count: int = 300, seed: int = 0) -> pd.DataFrame:
    """Return the optimum of each of ``count`` laws drawn from the likelihood of a fit: where the best may be.

    Returns
    -------
    DataFrame with ``cells``, ``umis`` and ``bits``, what the drawn law gives there

    Raises
    ------
    ValueError
        For a noise law, or where the budget buys no experiment in the ranges of ``depth_range`` and ``cell_range``.
    """
    check_usable(fit)
    if not knows_cells(fit):
        raise ValueError("a noise law says nothing of the number of cells: fit a joint law to several numbers of them.")
    rows = []
    for law in draws(fit, count, seed):
        assert isinstance(law, TwoVariableLaw)
        number, umis = best_experiment(law, budget, prices, depth_range(fit), cell_range(fit))
        rows.append((number, umis, float(law(number, umis))))
    return pd.DataFrame(rows, columns=["cells", "umis", "bits"])
