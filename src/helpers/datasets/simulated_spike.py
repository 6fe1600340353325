"""Spike-like evolution on a tree with a clock, simulated, with exact information about the collection date."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers._utils.validation import as_seed, in_range
from helpers.datasets.sequences import Sequences
from helpers.datasets.splits import at_random
from helpers.noise.sequences import AMINO_ACIDS

VERSION = 1  # 2026-11-28 numbered

_DAYS, _LAGS = 600, 400  # points of the sums over dates and lags: double gives the same to a few thousandths of a bit


@dataclass(frozen=True)
class Clock:
    """A tree: one trunk that gains substitutions with time, and a twig to each sample.

    A sample of day t, uniform on [0, days], leaves the trunk at t − lag, with an exponential lag (the root, where that
    is before day 0), and carries the trunk's substitutions up to there. Along its twig it gains private ones at a
    constant rate, at sites of its own that are drawn for every sample.

    Attributes
    ----------
    length : int
        Residues.
    trunk : tuple of float
        Days of the trunk's substitutions, ascending.
    days : float
    lag : float
        Mean days on a twig.
    private : float
        Private substitutions a day.

    Examples
    --------
    >>> clock = Clock(length=100, trunk=(100.0, 200.0, 300.0), days=400.0, lag=1e-6, private=0.0)
    >>> round(clock.information()[0], 3)  # four parts of the time, distinguishable without error
    2.0
    """

    length: int
    trunk: tuple[float, ...]
    days: float
    lag: float
    private: float

    def __post_init__(self) -> None:
        """Check the tree."""
        if list(self.trunk) != sorted(self.trunk) or not 1 <= len(self.trunk) <= self.length:
            raise ValueError(f"trunk has {len(self.trunk)} days: give them ascending, at most one a residue.")

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return dates, numbers of trunk substitutions and of private ones of n samples."""
        date = rng.uniform(0, self.days, n)
        twig = np.minimum(rng.exponential(self.lag, n), date)
        carried = np.searchsorted(self.trunk, date - twig, side="right")
        return date, carried, np.minimum(rng.poisson(self.private * twig), self.length - len(self.trunk))

    def information(self, rate: float = 0.0, n: int = 4000, seed: int = 0) -> tuple[float, float]:
        """Return the information in bits that a sequence has about its date, and its standard error (0 at rate 0).

        The trunk's and private counts say all that a sequence knows. With substitutions at ``rate`` per residue
        (``helpers.noise.substitute``) what is left are the residues read at the trunk's sites and the number of other
        sites that differ from the root. Their likelihood is a sum; the mean of its logarithm is exact at rate 0 and
        over ``n`` simulated sequences otherwise.
        """
        in_range(rate, 0, 1, "substitution rate")
        in_range(n, 2, 1e7, "n", whole=True)
        if rate == 0:
            flat = self._counts_given_day.reshape(_DAYS, -1)
            mean = flat.mean(axis=0)
            ratio = np.divide(flat, mean, out=np.ones_like(flat), where=(flat > 0) & (mean > 1e-200))
            return float((flat * np.log2(ratio)).sum(axis=1).mean()), 0.0
        rng = np.random.default_rng(as_seed(seed))
        n_trunk, others = len(self.trunk), self.length - len(self.trunk)
        # From the very distribution that scores them, so that no sample is impossible.
        at = rng.integers(0, _DAYS, n)
        below = self._counts_given_day.reshape(_DAYS, -1).cumsum(axis=1)
        drawn = (below[at] < rng.random((n, 1)) * below[at, -1:]).sum(axis=1)
        carried, private = np.unravel_index(drawn, self._counts_given_day.shape[1:])
        private = np.minimum(private, others)
        derived = np.arange(n_trunk) < carried[:, None]
        fate = rng.random((n, n_trunk))
        # Read right, read as the other state of the site, or as one of the 18 that say nothing.
        right, swapped = fate >= rate, (fate < rate) & (rng.integers(0, 19, (n, n_trunk)) == 0)
        reads_derived = np.where(right, derived, ~derived)
        says = right | swapped
        differing = rng.binomial(private, 1 - rate / 19) + rng.binomial(others - private, rate)
        # log P(reads | trunk count k): derived sites are the first k.
        hit, miss = np.log(max(1 - rate, 1e-300)), np.log(rate / 19)
        if_derived = np.where(says, np.where(reads_derived, hit, miss), 0.0)
        if_root = np.where(says, np.where(reads_derived, miss, hit), 0.0)
        zero = np.zeros((n, 1))
        before = np.concatenate([zero, if_derived.cumsum(axis=1)], axis=1)
        after = np.concatenate([if_root[:, ::-1].cumsum(axis=1)[:, ::-1], zero], axis=1)
        reads = np.exp(before + after - (before + after).max(axis=1, keepdims=True))
        m = np.arange(self._counts_given_day.shape[2])
        seen = _sum_of_binomials(m, 1 - rate / 19, others, rate)[:, differing]
        given_day = np.einsum("tkm,ms,sk->st", self._counts_given_day, seen, reads, optimize=True)
        bits = np.log2(given_day[np.arange(n), at] / given_day.mean(axis=1))
        return float(bits.mean()), float(bits.std(ddof=1) / np.sqrt(n))

    @cached_property
    def _counts_given_day(self) -> np.ndarray:
        """P(trunk count, private count | date), shape (days, trunk counts, private counts)."""
        middle = (np.arange(_DAYS) + 0.5) * self.days / _DAYS
        most = int(stats.poisson.isf(1e-12, self.private * self.days)) + 1
        out = np.zeros((_DAYS, len(self.trunk) + 1, most))
        for day, probabilities in zip(middle, out, strict=True):
            # Equally likely lags up to the root, and the root itself: twigs that would be longer than the time since.
            within = -np.expm1(-day / self.lag)
            lags = -self.lag * np.log1p(-within * (np.arange(_LAGS) + 0.5) / _LAGS)
            twig = np.append(np.minimum(lags, day), day)
            weight = np.append(np.full(_LAGS, within / _LAGS), 1 - within)
            carried = np.searchsorted(self.trunk, np.append(day - twig[:-1], 0.0), side="right")
            np.add.at(
                probabilities,
                carried,
                weight[:, None] * stats.poisson.pmf(np.arange(most), self.private * twig[:, None]),
            )
        return out


def _sum_of_binomials(m: np.ndarray, hit: float, others: int, rate: float) -> np.ndarray:
    """P(D | m) for D = Binomial(m, hit) + Binomial(others − m, rate), shape (m, others + 1)."""
    out = np.zeros((len(m), others + 1))
    for row, count in zip(out, np.minimum(m, others), strict=True):
        private = stats.binom.pmf(np.arange(count + 1), count, hit)
        rest = stats.binom.pmf(np.arange(others - count + 1), others - count, rate)
        row[:] = np.convolve(private, rest)
    return out


def clock_of(
    length: int = 120, n_trunk: int = 16, days: float = 400.0, lag: float = 20.0, private: float = 0.01, seed: int = 0
) -> Clock:
    """Return the tree that ``simulated_spike`` draws from: a ``Clock`` with ``n_trunk`` random days in its trunk.

    The real spike has a ``length`` of 1,273; ``lag`` is at least days / 200.
    """
    in_range(length, 2, 5000, "length", whole=True)
    in_range(n_trunk, 1, length // 2, "n_trunk", "It is at most half of the residues.", whole=True)
    in_range(days, 1, 1e5, "days")
    in_range(lag, days / 200, 1e5, "lag", "A shorter one is finer than the sums over dates.")
    in_range(private, 0, (length - n_trunk) / (4 * days), "private", "More would fill the sequence.")
    trunk = np.sort(np.random.default_rng(as_seed(seed)).uniform(0, days, n_trunk))
    return Clock(length, tuple(float(day) for day in trunk), float(days), float(lag), float(private))


def exact_curve(rates: list[float], n: int = 4000, **tree: Any) -> pd.DataFrame:
    """Return the information that misread sequences themselves have about the date: ``level``, ``bits``, ``stderr``.

    ``rates`` are in [0, 1]; ``n`` sequences are simulated for each above 0; ``tree`` are options of ``clock_of``.
    """
    clock = clock_of(**tree)
    return pd.DataFrame([(rate, *clock.information(rate, n)) for rate in rates], columns=["level", "bits", "stderr"])


def simulated_spike(
    n: int = 1200,
    n_folds: int = 2,
    seed: int = 0,
    length: int = 120,
    n_trunk: int = 16,
    days: float = 400.0,
    lag: float = 20.0,
    private: float = 0.01,
) -> Sequences:
    """Simulated spike-like proteins on a tree with a clock; their information about the date is known exactly.

    ``seed`` draws tree, root, substitutions and the ``n`` samples; the other options are those of ``clock_of``.

    >>> spikes = simulated_spike(n=100, length=60)
    >>> len(spikes.sequences), len(spikes.sequences[0]), spikes.ceiling_bits > 1
    (100, 60, True)
    """
    in_range(n, 16, 1e6, "n", whole=True)
    clock = clock_of(length, n_trunk, days, lag, private, seed)
    rng = np.random.default_rng([seed, 1])
    root = rng.integers(0, 20, clock.length)
    sites = rng.permutation(clock.length)
    trunk_sites, others = sites[: len(clock.trunk)], sites[len(clock.trunk) :]
    derived = (root[trunk_sites] + rng.integers(1, 20, len(clock.trunk))) % 20
    date, n_carried, n_private = clock.draw(n, rng)
    codes = np.tile(root, (n, 1))
    for row, k, m in zip(codes, n_carried, n_private, strict=True):
        row[trunk_sites[:k]] = derived[:k]
        private_sites = rng.choice(others, m, replace=False)
        row[private_sites] = (row[private_sites] + rng.integers(1, 20, m)) % 20
    sequences = tuple("".join(row) for row in np.array(list(AMINO_ACIDS))[codes])
    about: dict[str, Any] = {"ceiling_bits": clock.information()[0], "source": "simulated", "sequences": sequences}
    checked = ("the counts of trunk and private substitutions are sufficient by construction",)
    return Sequences("simulated_spike", "collection date", date, at_random(n, n_folds), checked=checked, **about)
