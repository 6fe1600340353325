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
    u = C (1 − exp(−r/C)) different ones (Lander and Waterman 1988). Prices are examples: put in your own. Sizes and
    rates are those of one kit and one flow cell; ``design.kits`` lists others, each with its source.

    Parameters
    ----------
    per_cell : price of recovering one cell and making its library: that of a capture lane over ``lane_cells``
    per_million_reads : price of sequencing: that of a sequencing lane or flow cell over its million reads
    usable : share in (0, 1] of reads that map, carry a barcode of a cell, and fall into the counted genes
    complexity : molecules C a cell in the library; infinite for no saturation
    lane_cells, lane_reads : cells that one capture lane recovers, and reads that one sequencing lane gives
    mapping : share in (0, 1] of reads that map, if ``usable`` is a share of the mapped ones; 1 where it is one of all
    doublets : percent of the cells recovered that are doublets, for each 1,000 cells that one lane recovers
        They are paid for, captured and read, and are no cells: 0.8 means 8 % in a lane of 10,000 cells.
    recovery : share in (0, 1] of the cells loaded that are recovered; it decides how many to load, not the price
    probe_cells : cells to test with, on top of the training cells and as deep
    samples : samples (donors, conditions); each fills lanes of its own unless several share one
    samples_a_lane : samples that share a capture lane, distinguished by labels or genotypes
    per_sample : price of each sample, such as its label
    whole_lanes : whether lanes are bought whole; else they are shared with others, and a part costs its share

    Examples
    --------
    >>> prices = Prices(per_cell=0.1, per_million_reads=4.0, usable=0.5, complexity=20_000, doublets=0)
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
    mapping: float = 1.0
    doublets: float = 0.8
    recovery: float = 0.6
    probe_cells: float = 0.0
    samples: int = 1
    samples_a_lane: int = 1
    per_sample: float = 0.0
    whole_lanes: bool = True

    def __post_init__(self) -> None:
        """Check every price."""
        for name in ("per_cell", "per_million_reads", "lane_cells", "lane_reads"):
            in_range(getattr(self, name), 0, 1e15, name, open_low=True)
        for name in ("probe_cells", "per_sample"):
            in_range(getattr(self, name), 0, 1e15, name)
        for name in ("samples", "samples_a_lane"):
            in_range(getattr(self, name), 1, 1e6, name, whole=True)
        in_range(self.usable, 0, 1, "usable", "It is a share of reads: 0.5 is half.", open_low=True)
        in_range(self.mapping, 0, 1, "mapping", "It is a share of reads: 0.7 is seven in ten.", open_low=True)
        in_range(self.recovery, 0, 1, "recovery", "It is a share of the cells loaded.", open_low=True)
        most = 100 * 1000 / (2 * self.lane_cells)
        in_range(self.doublets, 0, most, "doublets", "It is percent per 1,000 cells of a lane; at the highest, "
                 f"half of a lane of {self.lane_cells:,.0f} cells is doublets.")  # fmt: skip
        if self.complexity != np.inf:
            in_range(self.complexity, 0, 1e15, "complexity", "It is molecules a cell; inf for none.", open_low=True)

    @property
    def counted(self) -> float:
        """Share of all reads that find a molecule to count."""
        return self.usable * self.mapping

    @property
    def singlets(self) -> float:
        """Share of the cells recovered from a full lane that are no doublets."""
        return 1 - self.doublets / 1e5 * self.lane_cells

    @property
    def price_of_samples(self) -> float:
        """Price of all samples, whatever the number of cells."""
        return self.samples * self.per_sample

    def reads_for(self, umis: Any) -> np.ndarray:
        """Return the reads a cell that count ``umis`` molecules; infinite at or above the complexity."""
        umis = amount(umis, "UMIs per cell")
        if self.complexity == np.inf:
            return umis / self.counted
        share = umis / self.complexity
        return np.where(share < 1, -np.log1p(-np.minimum(share, 1 - 1e-16)) * self.complexity / self.counted, np.inf)

    def umis_for(self, reads: Any) -> np.ndarray:
        """Return the molecules counted with ``reads`` a cell."""
        useful = amount(reads, "reads a cell") * self.counted
        return useful if self.complexity == np.inf else -self.complexity * np.expm1(-useful / self.complexity)

    def cell_price(self, umis: Any) -> np.ndarray:
        """Return the price of one cell of a depth, capture and reads, with its part of the doublets."""
        return (self.per_cell + self.reads_for(umis) * self.per_million_reads / 1e6) / self.singlets

    def cost(self, cells: Any, umis: Any) -> np.ndarray:
        """Return the price of an experiment where lanes are shared; ``design.order_for`` has that in whole lanes."""
        return self.price_of_samples + (amount(cells, "cells") + self.probe_cells) * self.cell_price(umis)

    def cells_for(self, budget: float, umis: Any) -> np.ndarray:
        """Return the training cells of a depth that a budget buys where lanes are shared; 0 for none."""
        bought = (budget - self.price_of_samples) / self.cell_price(umis) - self.probe_cells
        return np.maximum(bought, 0.0)

    def reads_within(self, budget: float, cells: float) -> float:
        """Return the reads a cell that a budget leaves where lanes are shared; negative if cells cost more alone."""
        of_cell = (budget - self.price_of_samples) * self.singlets / (cells + self.probe_cells)
        return (of_cell - self.per_cell) / self.per_million_reads * 1e6


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


def with_prices(prices: Prices, **given: Any) -> Prices:
    """Return prices with those replaced that are given.

    >>> with_prices(Prices(), per_cell=0.2, usable=None).per_cell
    0.2
    """
    for name in given:
        choose(name, vars(prices), "price")
    return replace(prices, **{name: value for name, value in given.items() if value is not None})
