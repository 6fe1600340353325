"""What a scan measures, in which order; all of it is checked before anything is measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from helpers._utils.content import short_hash
from helpers._utils.validation import as_labels, brief, choose, in_range, is_labels
from helpers.datasets import in_memory
from helpers.datasets.base import Dataset
from helpers.datasets.embedding_files import depths_of
from helpers.datasets.your_data import your_data
from helpers.information.lmi import FEWEST, MOST_RARE, rare
from helpers.representations import FIXED
from helpers.representations.own import register
from helpers.sweep import Grid, sizes_within
from helpers.sweep.data import Point, dataset_of
from helpers.sweep.measurement import Measurement
from helpers.sweep.turns import Turn

DEPTHS = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)
SIZES = (30, 100, 300, 1000, 3000, 10000)
# Probe cells beyond which an estimate takes longer and hardly becomes surer.
MOST_PROBE = 5000
# Labels carried by this many cells or fewer have no neighbours of their own (``information.lmi``).
_NEIGHBOURS = 3
_OPTIONS = tuple(name for name in signature(your_data).parameters if name not in ("path", "signal", "folder"))


@dataclass(frozen=True)
class Settings:
    """What is asked for: see ``helpers.scan``. ``reading`` are options of ``your_data``."""

    signals: Sequence[str]
    representations: Sequence[str]
    embeddings: Sequence[str] | str | Path
    model: Any
    depths: Sequence[float]
    n_train: Sequence[int]
    seeds: Sequence[int]
    folds: Sequence[int]
    n_probe: int | None
    dim: int
    n_top: int
    gene_depth: float | None
    share: float
    reading: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what no grid checks; the rest is checked by the grids, before anything is measured."""
        for name in ("signals", "representations", "depths", "n_train", "seeds", "folds"):
            values = getattr(self, name)
            if isinstance(values, (str, bytes)) or not np.iterable(values):
                raise ValueError(f"{name} is {brief(values)}: give a list.")
            object.__setattr__(self, name, list(dict.fromkeys(values)))
        if not self.signals:
            raise ValueError("signal is an empty list: give at least one, such as 'obs:cell_type'.")
        in_range(self.share, 0, 1, "share", "It is a share of I_max, such as 0.9.", open_low=True)
        if len(self.depths) < 2:
            raise ValueError(
                f"depths is {self.depths}: give at least two, such as [1.0, 0.3, 0.1]; one depth makes no curve."
            )
        if 1.0 not in self.depths:
            raise ValueError(f"depths is {self.depths}: give 1.0 too, the depth of the data themselves.")
        if not (self.representations or len(self.of_obsm) or self.folder or self.model is not None):
            raise ValueError("representations is an empty list: give at least one, such as 'pca'.")
        for name in self.reading:
            choose(name, _OPTIONS, "option of scan")

    @property
    def folder(self) -> str:
        """The folder of embeddings, if they are in one."""
        return str(self.embeddings) if isinstance(self.embeddings, (str, Path)) else ""

    @property
    def of_obsm(self) -> list[str]:
        """Keys of embeddings in ``obsm``."""
        return [] if isinstance(self.embeddings, (str, Path)) else list(self.embeddings)


@dataclass(frozen=True)
class Plan:
    """Grids along depth and along training cells, and the turns in which their points are measured.

    ``depth_grids`` and ``cell_grids`` are one a curve.
    """

    path: str
    settings: Settings
    depth_grids: list[Grid]
    cell_grids: list[Grid]

    @property
    def name(self) -> str:
        """What a reader calls the cells."""
        return in_memory.shown_name(self.path)

    @property
    def measurement(self) -> Measurement:
        """How the points are measured."""
        return self.depth_grids[0].measurement

    @cached_property
    def data(self) -> dict[str, Dataset]:
        """The cells with each signal."""
        of_signal = {grid.options["signal"]: grid for grid in self.depth_grids}
        independent = self.settings.reading.get("independent")
        found = {}
        for signal, grid in of_signal.items():
            cells = dataset_of({"dataset": grid.dataset, "options": grid.options}).with_fold(self.settings.folds[0])
            found[signal] = cells if independent is None else replace(cells, independent_signal=independent)
        return found

    @cached_property
    def turns(self) -> list[Turn]:
        """Points in the order in which they are measured; each is in the first turn that asks for it."""
        first, *others = self.settings.seeds
        main = [self._first_grid(signal) for signal in self.settings.signals]
        few = sorted(self.settings.depths)
        few = [few[-1], few[len(few) // 2], few[0]]
        turns = [
            ("first answer", [p for g in main for p in g.points() if p["seed"] == first and p["depth"] in few]),
            ("all depths", [p for g in main for p in g.points() if p["seed"] == first]),
            ("other representations", [p for g in self.depth_grids for p in g.points() if p["seed"] == first]),
            ("fewer cells", [p for g in self.cell_grids for p in g.points() if p["seed"] == first]),
        ]
        everything = [point for grid in (*self.depth_grids, *self.cell_grids) for point in grid.points()]
        turns += [(f"seed {seed}", [p for p in everything if p["seed"] == seed]) for seed in others]
        done: set[str] = set()
        made = []
        for name, points in turns:
            # Points of one depth follow each other: they share thinned cells.
            points.sort(key=lambda p: (settings_of(p), -p["depth"]))
            new = {short_hash(point): point for point in points}
            made.append(Turn(name, [point for key, point in new.items() if key not in done]))
            done |= set(new)
        return [turn for turn in made if turn.points]

    def _first_grid(self, signal: str) -> Grid:
        return next(grid for grid in self.depth_grids if grid.options["signal"] == signal)

    def keys(self, grids: list[Grid]) -> set[str]:
        """Return what identifies the points of some grids."""
        return {short_hash(point) for grid in grids for point in grid.points()}

    def first_line(self) -> str:
        """Return what was read, and what was taken as which kind of signal."""
        cells = next(iter(self.data.values()))
        signals = "; ".join(_taken(data) for data in self.data.values())
        place = next((words for words in cells.checked if words.startswith("a table of")), "")
        return (
            f"{self.name}: {cells.n_cells:,} cells × {cells.counts.shape[1]:,} genes, {cells.umis_per_cell:,.0f} UMIs "
            f"per cell in these genes{f', read as {place}' if place else ''}. Signal {signals}."
        )


def settings_of(point: Point) -> tuple[str, int]:
    """Return what decides which cells and signal a point is of."""
    return point["options"]["signal"], point["fold"]


def _taken(cells: Dataset) -> str:
    """Return a signal with how it was taken, as the reader of the file says it."""
    stated = [words for words in cells.checked if words.startswith(f"{cells.signal_name}: ")]
    return stated[0] if stated else cells.signal_name


def plan_of(path: str, settings: Settings) -> Plan:
    """Plan a scan of cells, or raise ``ValueError`` for what cannot be measured.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.datasets import example_file
    >>> settings = Settings(["obs:celltype"], ["pca"], [], None, [1.0, 0.3], [], [0], [0], None, 4, 50, None, 0.9)
    >>> plan = plan_of(str(example_file(tempfile.mkdtemp())), settings)
    >>> [(turn.name, len(turn.points)) for turn in plan.turns]
    [('first answer', 2)]
    """
    keys, folder = settings.of_obsm, settings.folder
    patterns = _patterns(path, settings)
    # What is only said of a signal decides no number: it is no part of a point.
    options = {"path": path, **{name: value for name, value in settings.reading.items() if name != "independent"}}
    if keys or folder:
        options["embeddings"] = sorted({k for ks in patterns.values() for k in ks.values()})
    if folder:
        options["embedding_folder"] = str(Path(folder).expanduser().absolute())
    models: list[tuple[str, dict[str, Any], Sequence[float]]] = [
        (n, {}, settings.depths) for n in settings.representations
    ]
    if settings.model is not None:
        models.append((register(settings.model), {}, settings.depths))
    for pattern, found in patterns.items():
        models.append(("precomputed", {"precomputed": {"key": pattern}}, list(found)))
    depth_grids, cell_grids = [], []
    n_probe = settings.n_probe
    for signal in settings.signals:
        common: dict[str, Any] = {
            "dataset": "your_data",
            "options": {**options, "signal": signal},
            "seeds": settings.seeds,
        }
        common |= {"folds": settings.folds, "dim": settings.dim, "n_top": settings.n_top}
        common |= {"gene_depth": settings.gene_depth}
        cells = _checked(dataset_of(common), settings)
        sizes = [len(cells.with_fold(fold).probe) for fold in settings.folds]
        many = n_probe is None and max(sizes) > MOST_PROBE
        common["n_probe"] = min(MOST_PROBE, *sizes) if many else n_probe
        for name, model, depths in models:
            grid = Grid(representations=[name], models=model, depths=list(depths), **common)
            depth_grids.append(grid)
            sizes = sizes_within(grid, list(settings.n_train)) if settings.n_train else []
            if name not in FIXED and len(sizes) > 1:
                cell_grids.append(Grid(representations=[name], models=model, n_train=sizes, **common))
    return Plan(path, settings, depth_grids, cell_grids)


def _patterns(path: str, settings: Settings) -> dict[str, dict[float, str]]:
    """Return each embedding asked for as a key, with ``{depth}`` where there are several, and its key at each depth."""
    if settings.folder:
        return depths_of(Path(settings.folder).expanduser(), settings.depths)
    patterns: dict[str, dict[float, str]] = {}
    there: list[str] | None = None
    for key in settings.of_obsm:
        if not isinstance(key, str):
            raise ValueError(f"embeddings hold {brief(key)}: give keys of obsm as text.")
        at_depth = {d: f"{key.removesuffix('_{depth}')}_{d:g}" for d in settings.depths}
        if key.endswith("_{depth}"):
            patterns[key] = at_depth
            continue
        there = _obsm_of(path, settings) if there is None else there  # reads the whole file
        found = {d: name for d, name in at_depth.items() if name in there}
        if found:
            patterns[key + "_{depth}"] = ({1.0: key} if key in there else {}) | found
        else:
            patterns[key] = {1.0: key}
    return patterns


def _obsm_of(path: str, settings: Settings) -> list[str]:
    """Return the keys of obsm."""
    from helpers.datasets.your_file import read_file

    reading = {k: v for k, v in settings.reading.items() if k in signature(read_file).parameters}
    return list(read_file(Path(path), **reading).obsm)


def _checked(cells: Dataset, settings: Settings) -> Dataset:
    """Return cells whose information can be estimated, or raise the reason why it cannot."""
    for fold in settings.folds:
        in_range(fold, 0, cells.n_folds - 1, f"fold of {cells.signal_name}", whole=True)
        probe = cells.with_fold(fold).probe
        if len(probe) < FEWEST:
            raise ValueError(
                f"fold {fold} of {cells.signal_name} has {len(probe)} probe cells, and an estimate takes {FEWEST} or "
                f"more: {cells.n_cells} cells with a signal in {cells.n_folds} folds are too few. Use more cells, or a "
                "signal that more cells have."
            )
        if settings.n_probe is not None:
            in_range(settings.n_probe, FEWEST, len(probe), f"n_probe of {cells.signal_name}", whole=True)
        signal = cells.signal[probe]
        if is_labels(signal):
            codes = as_labels(signal, cells.signal_name)
            labels, alone = codes.max() + 1, float(rare(codes, _NEIGHBOURS).mean())
            if labels < 2 or alone > MOST_RARE:
                raise ValueError(
                    f"{cells.signal_name} has {labels} labels among the {len(probe)} probe cells of fold "
                    f"{fold}, {alone:.0%} of which carry one that {_NEIGHBOURS} cells or fewer share: merge rare "
                    "labels, or use more cells."
                )
    return cells
