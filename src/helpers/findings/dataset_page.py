"""What the pages of data sets share: a sweep over depth and over cells, its checks, fits, charts and numbers.

Each method is one call of ``sweep``, ``store.points``, ``laws`` or ``charts``; the page ``datasets/pbmc68k`` makes
these calls itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import pandas as pd

from helpers import charts
from helpers.charts.tables import facts
from helpers.findings.curves import measured_curves
from helpers.findings.phrases import bits_compared, law_says, spelt
from helpers.laws import CellNumberLaw, Fit, Law, NoiseLaw, fit_groups, summary
from helpers.representations import FIXED
from helpers.store import Store, failures, model_free
from helpers.store.points import cell_axis, named, noise_axis, nulls, seed_means
from helpers.store.reference import provenance, to_read
from helpers.sweep import Grid, run_sweeps, sizes_within

_MODELS = {"pca": "PCA", "scvi": "scVI"}  # as a sentence has them


@dataclass(frozen=True)
class Curves:
    """Points of several curves (seed means; the column ``curve`` names them) along ``x``, and the law fitted to each.

    ``profile`` is the name of the results, which the figures state.
    """

    points: pd.DataFrame
    law: type[Law]
    x: str
    profile: str

    @cached_property
    def fits(self) -> dict[str, Fit]:
        """The fit of each curve, by its name; a curve of fewer levels than the law has parameters has none."""
        level = "noise_level" if self.x == "umis_per_cell" else self.x
        levels = self.points.groupby("curve")[level].transform("nunique")
        return fit_groups(self.points[levels >= len(self.law.allowed)], self.law, self.x, by="curve")

    def chart(self, title: str, **options: Any) -> alt.LayerChart:
        """Draw points and fitted laws with 95 % intervals; ``options`` are those of ``charts.curves``."""
        return charts.curves(self.points, self.fits, self.x, title, self.profile, by="curve", **options)

    def residuals(self, title: str = "Residuals (measured − fitted)") -> alt.LayerChart:
        """Draw what is measured minus what is fitted, mean over seeds with its 95 % interval."""
        return charts.residuals(self.points, self.fits, self.x, title, self.profile, by="curve")

    def table(self) -> pd.DataFrame:
        """Return the parameters of each fit with their intervals and status."""
        return summary(self.fits)

    @cached_property
    def measured(self) -> dict[str, model_free.MeasuredCurve]:
        """What each noise curve says without a law, by its name."""
        return {str(name): model_free.MeasuredCurve(rows) for name, rows in self.points.groupby("curve")}

    def missing(self) -> pd.DataFrame:
        """Return bits at the data's own depth and the depths at which 0.1, 0.25 and 0.5 bits are missing, to read."""
        return model_free.shown(model_free.missing_depths(self.points, ["curve"]), ["curve"]).T


def reference_curves(dataset: str, signal: str) -> Curves:
    """Return curves of another data set from the reference results, with noise laws, to compare with."""
    points = noise_axis(measured_curves(to_read(), [dataset], [signal]))
    return Curves(points, NoiseLaw, "umis_per_cell", "reference")


@dataclass(frozen=True)
class DatasetSweep:
    """Two sweeps for each signal of a data set (``dataset_sweep``); a method that needs their rows measures them."""

    depth_grids: list[Grid]
    cell_grids: list[Grid]
    profile: str

    @property
    def store(self) -> Store:
        """The rows of the profile; the reference results are the project's own, wherever others go."""
        return to_read(self.profile)

    def facts(self) -> pd.DataFrame:
        """Return what is known of the cells and the first signal, as a table."""
        return facts(self.depth_grids[0].about())

    @cached_property
    def along_depth(self) -> pd.DataFrame:
        """One row a point of the sweep over depth, with all training cells."""
        return run_sweeps(self.depth_grids, self.store)

    @cached_property
    def along_cells(self) -> pd.DataFrame:
        """One row a point of the sweep over training cells, at full depth."""
        return run_sweeps(self.cell_grids, self.store)

    def along_option(self, option: str, values: Sequence[Any]) -> pd.DataFrame:
        """Return one row a point of a sweep over an option of the data set, which becomes a column; 0 leaves it out.

        It has the first signal and representation, at full depth and with all training cells.
        """
        first = self.depth_grids[0]
        one = {"depths": [1.0], "representations": first.representations[:1]}
        options = [first.options | ({option: value} if value else {}) for value in values]
        rows = run_sweeps([first.model_copy(update={**one, "options": given}) for given in options], self.store)
        return rows.assign(**{option: [point["options"].get(option, 0) for point in rows["parameters"]]})

    def measure(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Measure the points that the profile lacks; return the rows of both sweeps."""
        return self.along_depth, self.along_cells

    def failures(self) -> Any:
        """Return how many points were measured, and those that failed with the reason."""
        return failures(*self.measure())

    def provenance(self) -> str:
        """Return one sentence on which version measured the points, on what data and for how long."""
        return provenance(*self.measure())

    def nulls(self) -> pd.DataFrame:
        """Return the estimates on permuted pairs, whose true value is 0 bits, by signal and representation."""
        return nulls(*self.measure())

    @cached_property
    def by_depth(self) -> Curves:
        """Information against depth, with noise laws."""
        points = named(noise_axis(seed_means(_some_measured(self.along_depth))))
        return Curves(points, NoiseLaw, "umis_per_cell", self.profile)

    @cached_property
    def by_cells(self) -> Curves:
        """Information against training cells, with cell-number laws."""
        points = named(cell_axis(seed_means(_some_measured(self.along_cells))))
        return Curves(points, CellNumberLaw, "n_train", self.profile)

    def name_of(self, signal: int = 0, representation: int = 0) -> str:
        """Return the name of a curve by the places of its signal and representation in the lists of the page."""
        grid = self.depth_grids[signal]
        return f"{grid.options['signal']}, {grid.representations[representation]}".replace("_", " ")

    @property
    def first_fit(self) -> Fit:
        """The noise law of the curve that the prose is about: first signal, first representation."""
        return self.by_depth.fits[self.name_of()]

    def numbers(self) -> dict[str, Any]:
        """Return what the sentences of a page state, by the names that they are glued under.

        Of the first curve: ``bits`` at its own depth, ``halving``, what the last halving of depth costs, and
        ``quarter``, the depth at which a quarter of a bit is missing, each in words with its 95 % interval; ``law``,
        the sentence about its noise law; ``model``, the name of its representation. ``deepest`` is the greatest mean
        depth of all curves; ``bits_beside`` is a clause that compares the first two signals.
        """
        curve = self.by_depth.measured[self.name_of()]
        second = self.name_of(signal=min(1, len(self.depth_grids) - 1))
        quarter = curve.depth_missing(0.25)
        return {
            "bits": spelt(*curve.own_depth(), unit=" bits"),
            "halving": spelt(*curve.lost_by(2), unit=" bits"),
            "quarter": spelt(*quarter, ",.0f", " UMIs per cell") if quarter.value else f"fewer than {curve.u[0]:,.0f}",
            "law": law_says(self.first_fit),
            "model": _MODELS.get(name := self.depth_grids[0].representations[0], name.replace("_", " ")),
            "deepest": float(self.by_depth.points["umis_per_cell"].max()),
            "bits_beside": bits_compared(self.by_depth.measured, self.name_of(), second),
        }

    def glue_all(self, **more: Any) -> None:
        """Glue ``numbers`` and what else a page states into its sentences, shown nowhere else."""
        from myst_nb import glue

        for name, value in (self.numbers() | more).items():
            glue(name, value, display=False)


def _some_measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows, or raise the first reason where all of them failed: there is no curve to draw."""
    if len(rows) and not (rows["status"] == "ok").any():
        raise ValueError(f"none of the {len(rows)} points could be measured: {rows['message'].iloc[0]}")
    return rows


def dataset_sweep(
    dataset: str,
    signals: Sequence[str],
    *,
    depths: list[float],
    n_train: list[int],
    profile: str = "reference",
    folder: str = "",
    options: dict[str, Any] | None = None,
    all_cells: bool = False,
    **grid: Any,
) -> DatasetSweep:
    """Plan a sweep over depth and one over training cells, for each signal of a data set.

    Parameters
    ----------
    dataset, signals : names as in ``helpers.datasets.load``
    depths : fractions of molecules kept, with all training cells
    n_train : numbers of training cells, at full depth, for the representations that learn
    profile : folder of results to use and add to
    folder : a folder with these files of your own, instead of the public ones
    options : further options of the data set
    all_cells : leave out numbers above the data's own, and end with all training cells
    **grid : what else ``helpers.sweep.Grid`` takes, such as ``representations``, ``seeds``, ``folds`` and ``dim``

    Examples
    --------
    >>> sweep = dataset_sweep("pbmc4k", ["cell_type"], depths=[1.0, 0.1], n_train=[30, 300], representations=["pca"])
    >>> sweep.name_of(), len(sweep.depth_grids[0].points())
    ('cell type, pca', 12)
    """
    more = (options or {}) | ({"folder": folder} if folder else {})
    settings = [{"dataset": dataset, "options": {"signal": signal, **more}, **grid} for signal in signals]
    depth_grids = [Grid(depths=depths, **setting) for setting in settings]
    sizes = sizes_within(depth_grids[0], n_train) if all_cells else n_train
    models = depth_grids[0].representations
    learners = [name for name in models if name not in FIXED] or models
    cell_grids = [Grid(n_train=sizes, **setting | {"representations": learners}) for setting in settings]
    return DatasetSweep(depth_grids, cell_grids, profile)
