"""The report of a scan: points, what curves say without a law, laws, advice; as tables, charts, HTML or in AnnData."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import __version__
from helpers._utils.content import short_hash
from helpers._utils.validation import choose, is_labels
from helpers.charts import on_axes
from helpers.charts import report as html
from helpers.charts.tables import facts
from helpers.findings import scan_words as words
from helpers.findings.dataset_page import Curves
from helpers.findings.scan_plan import Plan
from helpers.information.classifier import classifier_bound
from helpers.laws import CellNumberLaw, NoiseLaw
from helpers.laws.summary import summary
from helpers.representations.own import shown_name
from helpers.store import failures, model_free
from helpers.store.points import nulls, seed_means
from helpers.store.reference import provenance
from helpers.sweep.cells import probe_pair
from helpers.sweep.turns import DONE

# Columns of the table of points, by those of a row.
_TABLE = {
    "signal": "signal",
    "representation": "representation",
    "noise_level": "depth",
    "umis_per_cell": "umis_per_cell",
    "n_train": "n_train",
    "seed": "seed",
    "fold": "fold",
    "mi_bits": "bits",
    "mi_stderr_bits": "stderr_bits",
    "mi_null_bits": "null_bits",
    "mi_ceiling_bits": "ceiling_bits",
    "n_probe": "n_probe",
    "genes_by": "genes_by",
    "seconds": "seconds",
    "status": "status",
    "message": "message",
}
_BY = ["signal", "representation"]
UNS = "noise_scaling"


@dataclass
class ScanReport:
    """What a scan found: see ``helpers.scan``.

    Attributes
    ----------
    table : DataFrame
        One row a point: signal, representation, depth, UMIs per cell, training cells, seed, bits with standard error,
        permuted null, ceiling, how genes were chosen, status.
    curves : DataFrame
        One row a curve, without a law: bits at the data's own depth, lost by the last halving of depth and of training
        cells, depths at which 0.1, 0.25 and 0.5 bits are missing, each with its 95 % interval; ceiling; the least that
        a classifier finds.
    laws : DataFrame
        Fitted laws with intervals and status; parameters that the points reject are in brackets.
    advice : list of str
        What depth and how many cells, in sentences.
    notes : list of str
        What looks wrong or was left out.
    fits : dict
        The ``Fit`` of each curve along "depth" and "cells".
    """

    plan: Plan
    rows: pd.DataFrame
    ended: str = DONE
    budget: float | None = None
    bounds: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name representations as their users do, and note which points are of which axis."""
        rows = self.rows.copy()
        rows["representation"] = [_shown(point) for point in rows["parameters"]]
        rows["settings"] = ""
        hashes = [short_hash(point) for point in rows["parameters"]]
        along_depth, along_cells = (self.plan.keys(g) for g in (self.plan.depth_grids, self.plan.cell_grids))
        rows["of_depth"] = [key in along_depth for key in hashes]
        rows["of_cells"] = [key in along_cells for key in hashes]
        self.rows = rows

    def measure_bounds(self) -> None:
        """Bound the information about labels from below by a classifier, at the data's own depth."""
        clean = self.rows.query("status == 'ok' and noise_level == 1 and of_depth").sort_values("seed")
        for key, rows in clean.groupby(_BY, sort=False):
            point = rows.iloc[0]["parameters"]
            if is_labels(self.plan.data[str(key[0])].signal):
                self.bounds[key] = classifier_bound(*probe_pair(point), seed=point["seed"])

    # Tables

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a point."""
        present = [column for column in _TABLE if column in self.rows]
        axes = {(True, True): "both", (True, False): "depth", (False, True): "cells"}
        along = [axes[pair] for pair in zip(self.rows["of_depth"], self.rows["of_cells"], strict=True)]
        table = self.rows[present].rename(columns=_TABLE).assign(along=along)
        order = ["signal", "representation", "depth", "n_train", "seed", "fold"]
        return table.sort_values(order, ascending=[True, True, False, False, True, True]).reset_index(drop=True)

    @cached_property
    def by_depth(self) -> Curves:
        """Seed means along depth, with the noise law of each curve of two depths or more."""
        return self._along("of_depth", NoiseLaw, "umis_per_cell")

    @cached_property
    def by_cells(self) -> Curves:
        """Seed means along training cells, with the cell-number law of each curve of three sizes or more."""
        return self._along("of_cells", CellNumberLaw, "n_train")

    def _along(self, axis: str, law: Any, x: str) -> Curves:
        points = seed_means(self.rows[self.rows[axis]])
        points["curve"] = points["signal"] + ", " + points["representation"]
        if x == "n_train":  # all cells at full depth, which is in both, makes no curve alone
            points = points[points.groupby("curve")[x].transform("nunique") > 1]
        return Curves(points, law, x, f"scan of {self.plan.name}")

    @cached_property
    def ceilings(self) -> dict[str, float]:
        """The most bits that each curve can have, by its name, where that is known."""
        means = self.by_depth.points.groupby("curve")["mi_ceiling_bits"].first().dropna()
        return {str(name): float(bits) for name, bits in means.items()}

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row a curve, without a law."""
        rows = []
        cells = dict(list(self.by_cells.points.groupby("curve")))
        for name, points in self.by_depth.points.groupby("curve", sort=False):
            signal, representation = points.iloc[0][_BY]
            row: dict[str, Any] = {"curve": str(name), "signal": signal, "representation": representation}
            row |= words.quantities(points, cells.get(name))
            row["ceiling"] = self.ceilings.get(str(name), np.nan)
            bound = self.bounds.get((signal, representation))
            bits = words.around(bound.bits, 1.96 * bound.stderr) if bound else model_free.UNKNOWN
            row |= model_free.with_ends({"classifier": bits})
            rows.append(row)
        return pd.DataFrame(rows).set_index("curve")

    @property
    def fits(self) -> dict[str, dict[str, Any]]:
        """The fits along depth and along cells, by curve."""
        return {"depth": self.by_depth.fits, "cells": self.by_cells.fits}

    @cached_property
    def laws(self) -> pd.DataFrame:
        """The fitted laws, to read."""
        shown = [table.assign(law=law) for law, table in self._law_tables.items()]
        return pd.concat(shown).fillna("") if shown else pd.DataFrame(columns=["law", "status", "message"])

    @cached_property
    def _law_tables(self) -> dict[str, pd.DataFrame]:
        """The table of each law that was fitted to a curve."""
        fits = {"noise law": self.by_depth.fits, "cell-number law": self.by_cells.fits}
        return {law: summary(of_law, ceilings=self.ceilings) for law, of_law in fits.items() if of_law}

    def facts(self) -> pd.DataFrame:
        """Return what is known of the cells, a column a signal."""
        tables = {signal: facts(cells.describe())["value"] for signal, cells in self.plan.data.items()}
        return pd.concat(tables, axis=1)

    def readable_curves(self) -> pd.DataFrame:
        """Return the table of curves to read: a value with its interval in one cell, a column a curve."""
        return words.readable_curves(self.curves)

    def failures(self) -> Any:
        """Return the points that failed, with their reasons, or that none did."""
        return failures(self.rows)

    def nulls(self) -> pd.DataFrame:
        """Return the estimates on permuted signals, whose true value is 0 bits."""
        return nulls(self.rows)

    def genes(self) -> pd.DataFrame:
        """Return by which method genes were chosen at each depth."""
        return words.genes_table(self.rows)

    # Words

    def first_line(self) -> str:
        """Return what was read, and what was taken as which kind of signal."""
        return self.plan.first_line()

    def first_answer(self) -> str:
        """Return what the first points say, in one line."""
        return words.first_answer(self.curves)

    @cached_property
    def advice(self) -> list[str]:
        """What depth and how many cells."""
        return words.advice(self.curves, self.by_depth.fits, self.ceilings, self.plan.settings.share)

    @cached_property
    def notes(self) -> list[str]:
        """What looks wrong, was left out, or is not as it seems."""
        planned = sum(len(turn.points) for turn in self.plan.turns)
        return [
            *words.ending(self.ended, len(self.rows), planned, self.budget),
            *dict.fromkeys(doubt for cells in self.plan.data.values() for doubt in cells.doubts),
            *words.failed(self.rows),
            *words.too_many_cells(self.plan.settings.n_train, self.rows),
            *words.single_seed(self.curves),
            *words.gene_choices(self.rows),
            *words.low_estimates(self.curves, self.bounds),
            *words.origins(self.plan.data),
        ]

    def points(self, signal: str | None = None, representation: str | None = None) -> pd.DataFrame:
        """Return the points of one curve as a pilot for ``noise-scaling design``: u, n, bits and what they are of.

        The first signal and its first representation, if none is named.
        """
        good = self.table[self.table["status"] == "ok"]
        signal = choose(signal, good["signal"].unique(), "signal") if signal else self.plan.settings.signals[0]
        of_signal = good[good["signal"] == signal]
        first = of_signal["representation"].iloc[0] if len(of_signal) else ""
        model = (
            choose(representation, of_signal["representation"].unique(), "representation") if representation else first
        )
        rows = of_signal[of_signal["representation"] == model]
        columns = {"u": rows["umis_per_cell"], "n": rows["n_train"], "bits": rows["bits"]}
        return pd.DataFrame(columns | {c: rows[c] for c in (*_BY, "depth", "seed", "fold")}).reset_index(drop=True)

    # Pictures

    def plot(self, ax: Any = None, along: str = "depth") -> Any:
        """Return Altair charts along depth and along cells; or draw one ("depth" or "cells") on Matplotlib axes."""
        ceiling = max(self.ceilings.values()) if len(set(self.ceilings.values())) == 1 else None
        if ax is not None:
            curves = {"depth": self.by_depth, "cells": self.by_cells}[choose(along, ("depth", "cells"), "axis")]
            return on_axes.draw(ax, curves.points, curves.fits, curves.x, ceiling)
        chart = self.by_depth.chart("Information falls with depth", ceiling=ceiling)
        if len(self.by_cells.points):
            along_cells = self.by_cells.chart("Information rises with training cells", ceiling=ceiling)
            # Each has its own curves: a random projection has none along cells.
            chart = (chart & along_cells).resolve_scale(color="independent")
        return chart

    def axes(self) -> Any:
        """Return a Matplotlib figure with a panel along depth and, where it was measured, one along training cells."""
        import matplotlib.pyplot as plt

        axes = ["depth", "cells"] if len(self.by_cells.points) else ["depth"]
        figure, panels = plt.subplots(1, len(axes), figsize=(4.2 * len(axes), 3.4), layout="constrained", squeeze=False)
        for panel, along in zip(panels[0], axes, strict=True):
            self.plot(ax=panel, along=along)
        return figure

    # Files

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one HTML file, which needs no network, and return its path."""
        tables: dict[str, pd.DataFrame | str] = {
            "What the curves say without a law": self.readable_curves(),
            **{law.capitalize(): table for law, table in self._law_tables.items()},
            "What a status means": words.STATUSES,
            "The cells": self.facts(),
            "Estimates on permuted signals, whose true value is 0 bits": self.nulls(),
            "How genes were chosen": self.genes(),
            "Points": self.failures(),
            "Settings": self._settings(),
            "Where the points come from": provenance(self.rows),
        }
        title = f"Noise scaling of {self.plan.name}"
        if self.notes:
            tables = {"Notes": " ".join(self.notes), **tables}
        return html.save(Path(path), title, [self.first_line(), *self.advice], self.plot(), tables)

    def _settings(self) -> str:
        """Return what was asked for, as plain data."""
        return json.dumps({k: v for k, v in vars(self.plan.settings).items() if k != "model"}, default=str)

    def write(self, adata: Any) -> None:
        """Write tables and sentences into ``adata.uns["noise_scaling"]``, as h5ad and zarr can store them."""
        adata.uns[UNS] = {
            "version": __version__,
            "first_line": self.first_line(),
            "advice": np.array(self.advice, dtype=str),
            "notes": np.array(self.notes, dtype=str),
            "table": _storable(self.table),
            "curves": _storable(self.curves.reset_index()),
            "laws": _storable(self.laws.rename_axis("curve").reset_index()),
            "settings": self._settings(),
        }

    def __repr__(self) -> str:
        """Return what a reader wants first: what was read, and the advice."""
        return "\n".join([self.first_line(), *self.advice, *self.notes])

    def _repr_html_(self) -> str:
        from html import escape

        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in (*self.advice, *self.notes))
        return f"<p>{escape(self.first_line())}</p><ul>{items}</ul>{self.readable_curves().to_html(border=0)}"


def _shown(point: dict[str, Any]) -> str:
    """Return what a reader calls the representation of a point: of embeddings made elsewhere, their key."""
    key = point["model"].get("key", "")
    return key.removesuffix("_{depth}") if key else shown_name(point["representation"])


def _storable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns h5ad can store: text or numbers, and no slash in a name."""
    plain = {}
    for name, column in table.items():
        numeric = column.dtype.kind in "iuf"
        plain[str(name).replace("/", " per ")] = column.to_numpy() if numeric else column.astype(str).to_numpy(object)
    return pd.DataFrame(plain, index=pd.RangeIndex(len(table)).astype(str))
