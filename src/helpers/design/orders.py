"""What must be ordered for an experiment, lane by lane, and what that costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.design.prices import Prices

# Rounding errors of a lane that is exactly full must not order another one.
_FULL = 1e-9


@dataclass(frozen=True)
class Order:
    """What an experiment takes, and its price.

    ``recovered`` and ``loaded`` are cells with doublets; ``capture_lanes`` and ``sequencing_lanes`` are whole numbers
    unless lanes are shared. ``unseen`` are the doublets of one sample, which labels of samples do not show.
    """

    cells: float
    probe_cells: float
    umis: float
    reads: float
    recovered: float
    loaded: float
    unseen: float
    capture_lanes: float
    sequencing_lanes: float
    price_of_cells: float
    price_of_reads: float
    price_of_samples: float

    @property
    def price(self) -> float:
        """Price of everything."""
        return self.price_of_cells + self.price_of_reads + self.price_of_samples

    @property
    def reads_in_all(self) -> float:
        """Reads of all cells, doublets included."""
        return self.recovered * self.reads

    def table(self) -> pd.DataFrame:
        """Return the order list: one row an item."""
        rows = {
            "training cells": np.floor(self.cells),
            "probe cells": self.probe_cells,
            "cells to recover": np.ceil(self.recovered),
            "doublets among them": self.recovered - self.cells - self.probe_cells,
            "doublets that sample labels do not show": self.unseen,
            "cells to load": np.ceil(self.loaded),
            "reads a cell": self.reads,
            "UMIs a cell": self.umis,
            "reads in all": self.reads_in_all,
            "capture lanes": self.capture_lanes,
            "sequencing lanes": self.sequencing_lanes,
            "price of cells": self.price_of_cells,
            "price of reads": self.price_of_reads,
            "price of samples": self.price_of_samples,
            "price": self.price,
        }
        return pd.DataFrame({"amount": rows}).rename_axis("order")


def lane_sets(prices: Prices) -> int:
    """Return the number of lanes that are bought together: one for each group of samples that share a lane."""
    return -(-int(prices.samples) // int(prices.samples_a_lane))


def capacity(prices: Prices, lanes: float) -> float:
    """Return the training cells that full capture lanes hold, less the probe cells."""
    return lanes * prices.lane_cells * prices.singlets - prices.probe_cells


def recovered(prices: Prices, cells: np.ndarray | float, lanes: float) -> np.ndarray:
    """Return the cells to recover from this many lanes for ``cells`` training cells and the probe cells.

    Of x recovered from a lane, x (1 − δx) are no doublets.
    """
    delta, wanted = prices.doublets / 1e5, (np.asarray(cells, float) + prices.probe_cells) / lanes
    return lanes * 2 * wanted / (1 + np.sqrt(np.maximum(1 - 4 * delta * wanted, 0)))


def order_for(prices: Prices, cells: float, umis: float) -> Order:
    """Return what an experiment takes and costs, in whole lanes unless the prices share them.

    Parameters
    ----------
    cells, umis : training cells, and UMIs per cell of all

    Examples
    --------
    >>> order = order_for(Prices(), 12_000, 3000)
    >>> order.capture_lanes, order.sequencing_lanes, round(order.recovered), order.price
    (2.0, 1.0, 12639, 3600.0)
    >>> shared = order_for(Prices(whole_lanes=False), 12_000, 3000)
    >>> round(shared.capture_lanes, 3), round(shared.price) == round(float(Prices().cost(12_000, 3000)))
    (1.304, True)
    """
    reads, wanted = float(prices.reads_for(umis)), cells + prices.probe_cells
    if prices.whole_lanes:
        sets = lane_sets(prices)
        full = wanted / (sets * prices.lane_cells * prices.singlets)
        lanes = max(np.ceil(full * (1 - _FULL)), 1.0) * sets
        taken = float(recovered(prices, cells, lanes))
        flow = max(np.ceil(taken * reads / prices.lane_reads * (1 - _FULL)), 1.0)
    else:
        taken = wanted / prices.singlets
        lanes, flow = taken / prices.lane_cells, taken * reads / prices.lane_reads
    return Order(
        cells=cells,
        probe_cells=prices.probe_cells,
        umis=umis,
        reads=reads,
        recovered=taken,
        loaded=taken / prices.recovery,
        unseen=(taken - wanted) / min(prices.samples, prices.samples_a_lane),
        capture_lanes=float(lanes),
        sequencing_lanes=float(flow),
        price_of_cells=float(lanes) * prices.lane_cells * prices.per_cell,
        price_of_reads=float(flow) * prices.lane_reads * prices.per_million_reads / 1e6,
        price_of_samples=prices.price_of_samples,
    )


def in_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose numbers are written to be read: 30,000 rather than 3e+04.

    >>> in_figures(pd.DataFrame({"amount": [30_000.4, 0.56789, 2.0, True, np.nan]}, dtype=object))["amount"].tolist()
    ['30,000', '0.568', '2', 'yes', '–']
    """
    return table.map(_figure)


def _figure(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.integer | np.floating):
        return str(value)
    amount = float(value)
    if np.isnan(amount):
        return "–"
    # Unlike ``_utils.numbers.number``: every read and cell of an order counts, and a price of 0.2 is no 0.200.
    return f"{amount:,.0f}" if abs(amount) >= 1000 or amount.is_integer() else f"{amount:.3g}"
