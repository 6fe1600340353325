"""What an experiment costs, and how reads become molecules."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from helpers._utils.validation import brief, choose, in_range

# Share of a library that a plan may count: the last molecules take any number of reads.
LIBRARY = 0.999


@dataclass(frozen=True)
class Prices:
    """What an experiment costs, in any one currency, and how reads become molecules.

    Reads find molecules at random, so r usable reads of a library with C molecules a cell count
    u = C (1 − exp(−r/C)) different ones (Lander and Waterman 1988). The default values are examples: put in your own.

    Parameters
    ----------
    per_cell : price of capturing one cell and making its library
    per_million_reads : price of sequencing
    usable : share in (0, 1] of reads that map, carry a barcode of a cell, and fall into the counted genes
    complexity : molecules C a cell in the library; infinite for no saturation
    lane_cells, lane_reads : cells that one capture lane, and reads that one sequencing lane, can take

    Examples
    --------
    >>> prices = Prices(per_cell=0.1, per_million_reads=4.0, usable=0.5, complexity=20_000)
    >>> round(float(prices.reads_for(10_000))), round(float(prices.umis_for(27_726)))
    (27726, 10000)
    >>> round(float(prices.cost(1000, 10_000)), 1)
    210.9
    """

    per_cell: float = 0.1
    per_million_reads: float = 4.0
    usable: float = 0.5
    complexity: float = 30_000.0
    lane_cells: float = 10_000.0
    lane_reads: float = 4e8

    def __post_init__(self) -> None:
        """Check every price."""
        for name in ("per_cell", "per_million_reads", "lane_cells", "lane_reads"):
            in_range(getattr(self, name), 0, 1e15, name, open_low=True)
        in_range(self.usable, 0, 1, "usable", "It is a share of reads: 0.5 is half.", open_low=True)
        if self.complexity != np.inf:
            in_range(self.complexity, 0, 1e15, "complexity", "It is molecules a cell; inf for none.", open_low=True)

    def reads_for(self, umis: Any) -> np.ndarray:
        """Return the reads a cell that count ``umis`` molecules; infinite at or above the complexity."""
        umis = amount(umis, "UMIs per cell")
        if self.complexity == np.inf:
            return umis / self.usable
        share = umis / self.complexity
        return np.where(share < 1, -np.log1p(-np.minimum(share, 1 - 1e-16)) * self.complexity / self.usable, np.inf)

    def umis_for(self, reads: Any) -> np.ndarray:
        """Return the molecules counted with ``reads`` a cell."""
        useful = amount(reads, "reads a cell") * self.usable
        return useful if self.complexity == np.inf else -self.complexity * np.expm1(-useful / self.complexity)

    def cell_price(self, umis: Any) -> np.ndarray:
        """Return the price of one cell of a depth, capture and reads."""
        return self.per_cell + self.reads_for(umis) * self.per_million_reads / 1e6

    def cost(self, cells: Any, umis: Any) -> np.ndarray:
        """Return the price of an experiment; lanes are not rounded up here."""
        return amount(cells, "cells") * self.cell_price(umis)


def amount(values: Any, what: str) -> np.ndarray:
    """Return amounts as floats, infinity included, or raise unless all are 0 or more."""
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iuf" or not (numbers >= 0).all():
        raise ValueError(f"{what} hold {values!r}: give numbers of 0 or more.")
    return numbers.astype(float)


def pair(given: Any, what: str, ends: str) -> tuple[Any, Any]:
    """Return two values as they are, or raise naming them."""
    values = tuple(given) if np.iterable(given) and not isinstance(given, str) else ()
    if len(values) != 2:
        raise ValueError(f"{what} is {brief(given)}: give {ends}.")
    return values


def with_prices(prices: Prices, **given: float | None) -> Prices:
    """Return prices with those replaced that are given.

    >>> with_prices(Prices(), per_cell=0.2, usable=None).per_cell
    0.2
    """
    for name in given:
        choose(name, vars(prices), "price")
    return replace(prices, **{name: value for name, value in given.items() if value is not None})
