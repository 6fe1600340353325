"""Tables of the reproducibility page: versions, machine, run times, what was measured."""

import json
import platform
from pathlib import Path

import pandas as pd

from helpers.book.workflow import load_plan
from helpers.charts.tables import facts
from helpers.datasets import files
from helpers.store import reference as references
from helpers.store.stamp import commit, installed, note_read
from helpers.store.versions import method_of
from helpers.sweep.engine import machine

PACKAGES = """
    noise-scaling numpy scipy pandas scikit-learn torch scanpy anndata altair papermill jupytext snakemake jupyter-book
    sphinx ipywidgets
""".split()


def versions() -> pd.DataFrame:
    """Return the versions of Python and of the packages that numbers and pages depend on."""
    numbers = dict.fromkeys(PACKAGES, "not installed") | installed(PACKAGES)
    numbers = {"python": platform.python_version(), **numbers}
    return pd.DataFrame({"version": numbers}).rename_axis("package")


def build(root: Path, profile: str) -> pd.DataFrame:
    """Return profile, code version and machine of this build."""
    plan = load_plan(profile, root)
    rows = {"profile": f"{plan.profile} ({plan.about})", "sweep jobs": len(plan.jobs())}
    return facts({**rows, "code": commit(), "machine": machine(), "system": platform.system()})


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of rows, seeds, failures and seconds of every dataset, signal and representation."""
    grouped = table.assign(failed=table["status"] != "ok").groupby(["dataset", "signal", "representation"])
    out = grouped.agg(
        points=("status", "size"),
        failed=("failed", "sum"),
        seeds=("seed", lambda s: ", ".join(str(int(v)) for v in sorted(s.dropna().unique()))),
        seconds=("seconds", "sum"),
        data_hash=("data_hash", "last"),
    )
    return out.round({"seconds": 0}).reset_index()


def reference() -> pd.DataFrame | str:
    """Return ``measured`` of the reference results, and how many rows were measured by another method than today's."""
    file = references.folder() / references.ROWS
    note_read(file)
    if not file.exists():
        return "There are none yet."
    table = pd.read_parquet(file)
    points = [json.loads(text) for text in table["parameters"]]
    table["older"] = [method != method_of(p) for method, p in zip(table["method"], points, strict=True)]
    out = measured(table)
    older = table.groupby(["dataset", "signal", "representation"])["older"].sum().to_numpy()
    return out.assign(**{"older method": older})


def data_files() -> pd.DataFrame:
    """Return one line a dataset of the registry: files here, size, licence, source."""
    return pd.DataFrame(files.status()).set_index("dataset")


def refusals(root: Path) -> pd.DataFrame:
    """Return the bad inputs of ``tests/refusals.py`` and what each was answered with, as the tests saw it."""
    file = root / "book" / "_static" / "refusals.csv"
    note_read(file)
    return pd.read_csv(file, keep_default_na=False)
