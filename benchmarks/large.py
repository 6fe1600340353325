"""Time a sweep point and measure its memory as the number of cells grows, counts on disk against counts in memory.

Run it as ``python benchmarks/large.py --cells 10000 100000 1000000``. The files are simulated first, which takes longer
than reading them, and kept in ``--folder``. The book's page on very many cells shows the table that
``--to results/reference/large.parquet`` keeps, with ``OMP_NUM_THREADS=1``. Memory is read from /proc: Linux only.
"""

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers.datasets import load
from helpers.datasets.simulated import simulate_to
from helpers.information import lmi
from helpers.preprocess.blocks import noisy_blocks, prepare_blocks
from helpers.preprocess.genes import CountTally, most_variable
from helpers.representations import build
from helpers.store.rows import Store
from helpers.sweep import Grid, run_sweep

GENES, UMIS, PROBES, DEPTHS = 20_000, 2000.0, 20_000, [1.0, 0.1, 0.01]
_PROC = Path("/proc/self")


def measured(task: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return a task's result, its seconds by the clock and of processors, and the most memory it needed, in GB."""
    (_PROC / "clear_refs").write_text("5")  # start the peak anew
    start, used = time.perf_counter(), time.process_time()
    result = task()
    seconds, core_seconds = time.perf_counter() - start, time.process_time() - used
    status = dict(line.split(":", 1) for line in (_PROC / "status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1e6
    return result, {"seconds": seconds, "core_seconds": core_seconds, "peak_gb": peak}


def steps(file: Path, n_cells: int, backed: bool) -> list[dict[str, Any]]:
    """Measure every step on one file, or of counts in memory only the sweep."""
    rows: list[dict[str, Any]] = []

    def step(name: str, task: Callable[[], Any]) -> Any:
        result, took = measured(task)
        where = "disk" if backed else "memory"
        rows.append({"counts in": where, "cells": n_cells, "step": name, **took})
        print(f"{where:7} {n_cells:>10,} cells  {name:40} {took['core_seconds']:9.2f} core-seconds in "
              f"{took['seconds']:9.2f} s  {took['peak_gb']:6.2f} GB", flush=True)  # fmt: skip
        return result

    options = {"path": str(file), "signal": "obsm:signal"} | ({"backed": True} if backed else {})
    probes = min(PROBES, n_cells // 2)
    if backed:
        cells = load("your_data", **options)
        rng = np.random.default_rng(0)
        probe = np.sort(rng.choice(cells.probe, probes, replace=False))
        tally = CountTally(cells.counts.shape[1])
        trains = np.zeros(n_cells, bool)
        trains[cells.train] = True

        def count() -> None:
            for start, block in noisy_blocks(cells.counts, 1.0, 0):
                tally.add(block[trains[start : start + block.shape[0]]])

        step("read, check and add up", lambda: cells.umis_per_cell)
        step("read and thin to 0.1", lambda: [None for _ in noisy_blocks(cells.counts, 0.1, 0)])
        step("read and tally counts of genes", count)
        step("choose genes", lambda: most_variable(np.unique(tally.entries()[0]), tally.standardised_variance(), 750))
        ready, _ = step(
            "thin to 0.1, choose genes, normalise",
            lambda: prepare_blocks(cells.counts, cells.train, probe, 0.1, 0.1, seed=0),
        )
        model = step("PCA of the training cells", lambda: build("pca", 16, 0).fit(ready.train))
        embedded = step("PCA of the probe cells", lambda: model.transform(ready.probe))
        step(f"LMI of at most {PROBES:,} probe cells", lambda: lmi(embedded, cells.signal[probe], seed=0))
        del cells, ready, tally
    grid = Grid(dataset="your_data", options=options, representations=["pca"], depths=DEPTHS, seeds=[0], folds=[0],
                n_probe=probes)  # fmt: skip
    with tempfile.TemporaryDirectory() as results:
        table = step(f"sweep: {len(DEPTHS)} depths, one seed", lambda: run_sweep(grid, Store(results), progress=False))
    if (table["status"] != "ok").any():
        raise RuntimeError(f"the sweep failed: {table['message'].unique()}")
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--in-memory", type=int, default=100_000, help="most cells to try with counts in memory")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "noise-scaling-large")
    parser.add_argument("--to", type=Path, help="keep the table in this .parquet file")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for n_cells in given.cells:
        file = given.folder / f"{n_cells}.h5ad"
        if not file.exists():
            print(f"simulating {file}", flush=True)
            simulate_to(file, n_cells=n_cells, n_genes=GENES, umis_per_cell=UMIS)
        for backed in (True, False):
            if backed or n_cells <= given.in_memory:
                # A process each: memory that an earlier size freed is not always given back.
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    rows += [
                        {**row, "file_gb": file.stat().st_size / 1e9}
                        for row in pool.apply(steps, (file, n_cells, backed))
                    ]
    table = pd.DataFrame(rows).assign(
        genes=GENES, umis_per_cell=UMIS, threads=torch.get_num_threads(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores", torch=torch.__version__,
    )  # fmt: skip
    whole = table[table["step"].str.startswith("sweep")].set_index(["counts in", "cells"])
    for n_cells in whole.loc["memory"].index if "memory" in table["counts in"].unique() else ():
        disk, memory = whole.loc[("disk", n_cells)], whole.loc[("memory", n_cells)]
        times = disk["core_seconds"] / memory["core_seconds"]
        print(f"{n_cells:,} cells, disk against memory: {times:.2f} times the core-seconds, "
              f"{disk['peak_gb'] / memory['peak_gb']:.2f} times the memory")  # fmt: skip
    if given.to:
        table.to_parquet(given.to, index=False)


if __name__ == "__main__":
    main()
