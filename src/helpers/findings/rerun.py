"""What a rerun of the papers' four large data sets needs, and the curves that the authors released."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from helpers._utils.validation import choose
from helpers.datasets.files import VARIABLE, cache_folder, registry
from helpers.findings import large
from helpers.findings.dataset_page import Curves, DatasetSweep
from helpers.findings.papers import released
from helpers.laws import NoiseLaw


class Need(NamedTuple):
    """One of the papers' data sets: its signals, and about how much a rerun at the loader's defaults reads."""

    signals: tuple[str, ...]
    cells: int
    probe_cells: int
    memory_gb: int


# Of LARRY one cell of a clone probes; of mouse embryos the loader draws 100,000. Memory is estimated, not measured.
NEEDS = {
    "pbmc_citeseq": Need(("protein", "cell_type"), 161_764, 80_000, 10),
    "larry": Need(("clone",), 130_887, 3_000, 10),
    "merfish": Need(("neighbour",), 80_000, 40_000, 2),
    "mouse_embryo": Need(("day",), 100_000, 50_000, 3),
}


def needs(depths: list[float], n_train: list[int], seeds: list[int], representations: list[str]) -> pd.DataFrame:
    """Return about what a sweep of each data set and one of its signals takes, at the rates of ``large.measured``.

    Only estimates of information and passes over the cells are counted, in proportion to their number: training a
    network (scVI, a transformer) comes on top.

    Examples
    --------
    >>> needs([1.0, 0.1], [100, 1000], [0], ["pca"]).loc["larry", "signals"]
    'clone'
    """
    rates = large.measured().query("`counts in` == 'disk' and cells == cells.max()").set_index("step")["core_seconds"]
    of_cells = rates[[large.PASS, large.FIT]].sum() / 1e6
    of_probe_cells = rates[rates.index.str.startswith(large.ESTIMATE)].sum() / 20_000
    passes = len(seeds) * (len(depths) + 1)
    estimates = len(seeds) * len(representations) * (len(depths) + len(n_train))
    rows = {}
    for name, need in NEEDS.items():
        seconds = passes * need.cells * of_cells + estimates * need.probe_cells * of_probe_cells
        rows[name] = {
            "cells": f"{need.cells:,}",
            "probe cells": f"{need.probe_cells:,}",
            "memory (GB)": need.memory_gb,
            "core-hours": round(seconds / 3600, 1),
            "signals": ", ".join(need.signals),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def missing(dataset: str, folder: str = "", options: dict[str, Any] | None = None, required: bool = False) -> str:
    """Return one line that names the files that are not here; empty if all are. Nothing is downloaded.

    Parameters
    ----------
    dataset : one of ``NEEDS``
    folder : where your own files are; the folder of the registry's files if not given
    options : of the data set; only the ``runs`` of ``mouse_embryo`` matter here
    required : raise FileNotFoundError with the same line instead, as a job that is to measure should
    """
    choose(dataset, NEEDS, "data set of the papers")
    files = [Path(file.path) for file in registry()[dataset].files]
    if dataset == "mouse_embryo":  # one file a run
        runs = tuple(str(run) for run in (options or {}).get("runs", [1]))
        files = [file for file in files if file.stem.endswith(runs)]
    places = [Path(folder) / file.name if folder else cache_folder() / file for file in files]
    absent = [file.name for file, place in zip(files, places, strict=True) if not place.exists()]
    if not absent:
        return ""
    where = "the folder you gave" if folder else f"the data folder ({VARIABLE})"
    line = f"Nothing was measured: {where} lacks {', '.join(absent)}. Get them with `noise-scaling data {dataset}`."
    if required:
        raise FileNotFoundError(line)
    return line


def released_curves(dataset: str, signal: str) -> Curves:
    """Return the authors' estimates at the largest number of cells, with noise laws.

    Examples
    --------
    >>> list(released_curves("larry", "clone").fits)
    ['geneformer', 'pca', 'random projection', 'scvi']
    """
    points = released(dataset, signal)
    points = points.assign(curve=points["representation"].str.replace("_", " "))
    return Curves(points, NoiseLaw, "umis_per_cell", "released")


def with_released(sweep: DatasetSweep) -> Curves:
    """Return our curves of a sweep's first signal together with the authors' of the same representations."""
    grid = sweep.depth_grids[0]
    ours, theirs = sweep.by_depth.points, released(grid.dataset, grid.options["signal"])
    ours = ours[ours["signal"] == grid.options["signal"]]
    theirs = theirs[theirs["representation"].isin(grid.representations)]
    points = pd.concat([ours.assign(by="measured here"), theirs.assign(by="released")], ignore_index=True)
    points["curve"] = points["representation"].str.replace("_", " ") + ", " + points["by"]
    return Curves(points, NoiseLaw, "umis_per_cell", f"{sweep.profile} and released")
