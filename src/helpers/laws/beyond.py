"""Fits for predictions beyond the deepest point: priors from other data, and limits with what a law may miss there."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from helpers._utils.validation import in_range
from helpers.laws.base import Law
from helpers.laws.fit import Fit
from helpers.laws.solve import solved

VERSION = 1  # 2026-11-29 exponents and errors of whole grids, our own and those released

# Standard deviations of ln β within which 95 % of other data lie.
USUAL = 1.96
# Error of a point against which priors are weighed, relative to the range of the points.
POINT_ERROR = 0.1
# Doublings beyond the deepest point up to which limits widen: nothing deeper was tested.
FARTHEST = float(np.log2(10))


@dataclass(frozen=True)
class Prior:
    """What other data say before a grid is fitted.

    Parameters
    ----------
    beta : (mean, standard deviation)
        Of the natural logarithm of the exponent of depth.
    drift : float ≥ 0
        Error of the law one doubling beyond the deepest point: its variance in bits² is drift² × the range of the
        points in bits × the number of doublings.
    width : float > 0
        Factor on the standard deviations of the weak priors of all other parameters; infinite for none.
    """

    beta: tuple[float, float]
    drift: float
    width: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        in_range(self.beta[0], -5, 5, "the mean of ln β")
        for name, value in (("the standard deviation of ln β", self.beta[1]), ("width", self.width)):
            if value != np.inf:
                in_range(value, 0, 1e6, name, open_low=True)
        in_range(self.drift, 0, 10, "drift")

    def of(self, coordinates: dict[str, tuple[float, float]]) -> np.ndarray:
        """Return means and standard deviations, shape (2, parameters), from those of weak priors by name.

        That of ``beta`` is replaced.
        """
        both = {name: (mean, sd * self.width) for name, (mean, sd) in coordinates.items()}
        return np.array([self.beta if name == "beta" else both[name] for name in coordinates]).T


# ``findings.hold_out.measured_prior`` derives the numbers from the whole grids; ``tests/test_hold_out.py`` compares.
MEASURED = Prior(beta=(-0.16, 0.29), drift=0.089)


def chosen(priors: "bool | Prior") -> Prior | None:
    """Return the prior that an option of a fit stands for: ``True`` is ``MEASURED``, ``False`` is none."""
    if isinstance(priors, Prior):
        return priors
    if not isinstance(priors, bool | np.bool_):
        raise ValueError(f"priors is {priors!r}: give True, False or a laws.beyond.Prior.")
    return MEASURED if priors else None


def doublings(x: np.ndarray, deepest: float) -> np.ndarray:
    """Return by how many doublings depths lie beyond the deepest point: 0 below it, ``FARTHEST`` at the most.

    >>> doublings(np.array([50.0, 100.0, 400.0, np.inf]), 100.0).round(2).tolist()
    [0.0, 0.0, 2.0, 3.32]
    """
    with np.errstate(divide="ignore"):
        return np.clip(np.log2(np.asarray(x, float) / deepest), 0, FARTHEST)


@dataclass(frozen=True)
class PredictiveFit(Fit):
    """A fit with priors, whose limits widen beyond the deepest point by what such laws missed on other grids.

    Attributes
    ----------
    drift : float
        Standard deviation of that error one doubling beyond the deepest point, bits; it grows with the root of the
        doublings and is shared by all numbers of cells.
    unusual : bool
        Whether the exponent of depth lies outside what 95 % of other data have. Beyond the points of such pilots
        limits held in none of our own grids.
    """

    drift: float = field(default=0.0, repr=False)
    unusual: bool = field(default=False, repr=False)

    @property
    def deepest(self) -> float:
        """The depth of the deepest point."""
        return float(self.x.max() if self.x.ndim == 1 else self.x[:, 1].max())

    def _missed(self, u: Any) -> np.ndarray:
        """Return the standard deviation of what the law misses at depths, in bits."""
        return self.drift * np.sqrt(doublings(u, self.deepest))

    def band(self, x: Any, level: float = 0.95, of_points: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper limits at ``x`` (``Fit.band``), with what the law may miss beyond its points."""
        low, high = super().band(x, level, of_points)
        u = np.asarray(x, float)
        missed = self.t_quantile(level) * self._missed(u if self.x.ndim == 1 else u[..., 1])
        half = np.hypot((high - low) / 2, missed) if np.isfinite(self.covariance).all() else np.inf
        middle = self.law(x)
        return middle - half, middle + half

    def derived(
        self, quantity: Callable[[Any], float], level: float = 0.95, positive: bool = False
    ) -> tuple[float, float, float]:
        """Return a quantity of the law with its interval (``Fit.derived``), with what the law may miss.

        The quantity calls the law as a function of depth, or of cells and depth; a parameter is taken as it is.
        """
        value, low, high = super().derived(quantity, level, positive)
        if positive or not (self.drift and np.isfinite([low, high]).all()):  # the logarithm of a positive one came here
            return value, low, high
        ends = [float(quantity(_Missing(self, side))) for side in (-1e-3, 1e-3)]
        half = np.hypot((high - low) / 2, self.t_quantile(level) * (ends[1] - ends[0]) / 2e-3)
        return value, value - float(half), value + float(half)


class _Missing:
    """The law of a fit, off by a number of standard deviations of what it may miss."""

    def __init__(self, fit: PredictiveFit, by: float) -> None:
        self._fit, self._by = fit, by

    def __call__(self, *x: Any) -> np.ndarray:
        u = x[-1] if len(x) > 1 or self._fit.x.ndim == 1 else np.asarray(x[0])[..., 1]
        return self._fit.law(*x) + self._by * self._fit._missed(u)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fit.law, name)


def with_prior(
    law: type[Law],
    x: np.ndarray,
    y: np.ndarray,
    starts: list[np.ndarray],
    prior: Prior | None,
    weak: dict[str, tuple[float, float]],
    tolerance: float = 1e-15,
) -> Fit:
    """Fit a law to checked points, with a prior or without; ``weak`` are those of all coordinates (``Prior.of``)."""
    if prior is None:
        return solved(law, x, y, starts, tolerance=tolerance)
    scale = POINT_ERROR * max(float(np.ptp(y)), 1e-6)
    return predictive(solved(law, x, y, starts, prior.of(weak), scale, tolerance), prior)


def predictive(fit: Fit, prior: Prior) -> Fit:
    """Return a fit with the limits that its prior asks for."""
    low, high = np.exp(np.add(prior.beta[0], np.multiply(prior.beta[1], [-USUAL, USUAL])))
    beta = fit.params.get("beta", 1.0)
    unusual = "beta" in fit.params and not low <= beta <= high
    if unusual:
        message = (
            f"{fit.message} The exponent of depth, {beta:.2g}, is unusual (95 % of data: {low:.2g} to {high:.2g}): "
        )
        fit = replace(fit, message=message + "trust no prediction beyond the points; measure deeper.")
    given = {each.name: getattr(fit, each.name) for each in fields(Fit)}
    return PredictiveFit(**given, drift=prior.drift * float(np.sqrt(np.ptp(fit.y))), unusual=unusual)
