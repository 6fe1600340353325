"""How few files a new part takes: a toy of each, added to a copy of the project, runs with the others.

A data set takes four files, everything else two; CONTRIBUTING.md says which.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from small_notebook import HEAD

ROOT = Path(__file__).parents[1]
HELPERS = "src/helpers"

DATASET = '''"""Toy cells of three types."""

from pathlib import Path

import numpy as np

from helpers.datasets import splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import fetch

VERSION = 1  # 2026-11-29 first


def toy_cells(signal: str = "cell_type", n_folds: int = 2, folder: str | Path | None = None) -> Dataset:
    """120 toy cells with 3 cell types."""
    stored = np.load(fetch("toy_cells", "toy.npz", folder))
    return registered(
        "toy_cells", signal, stored["counts"], stored["types"], splits.stratified(stored["types"], n_folds),
        independent_signal=True, checked=("whole counts",),
    )
'''
MODEL = '''"""The first genes as they are."""

from dataclasses import dataclass

import numpy as np

from helpers.representations.base import Representation

VERSION = 1  # 2026-11-29 first


@dataclass
class FirstGenes(Representation):
    """Keep the first ``dim`` genes."""

    def _fit(self, train: np.ndarray) -> None:
        """Nothing is learned."""

    def _transform(self, probe: np.ndarray) -> np.ndarray:
        return probe[:, : self.dim]
'''
NOISE = '''"""Noise of counts: molecules that are read as another gene of the same cell."""

from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from helpers.noise.base import CountNoise
from helpers.noise.counts import thin_rows

VERSION = 1  # 2026-11-29 first


class Swapped(CountNoise):
    """A share of the molecules counts for the next gene; the level is that share."""

    most: ClassVar[float] = 0.9
    symbol: ClassVar[str] = "q"
    axis: ClassVar[str] = "share q of swapped molecules"
    done: ClassVar[str] = "swapped"

    def apply(self, samples: Any, level: float, rng: Any = 0, first_row: int = 0) -> sparse.csr_matrix:
        """Return counts of which a share has moved by one gene."""
        counts = sparse.csr_matrix(samples)
        stay = thin_rows(counts, 1 - level, rng, first_row).toarray()
        return sparse.csr_matrix(stay + np.roll(counts.toarray() - stay, 1, axis=1))
'''
LAW = '''"""A toy law: information falls in proportion to the level."""

from dataclasses import dataclass

import numpy as np

from helpers.laws.base import Law


@dataclass(frozen=True)
class ToyLaw(Law):
    """I(x) = top - fall x, in bits."""

    top: float
    fall: float

    x_name = "x"
    positive = ()
    allowed = {"top": (-np.inf, np.inf), "fall": (-np.inf, np.inf)}
    axes = ("level x", "information (bits)")
    vega = "{top} - {fall} * {x}"
    vega_slopes = ("1", "-{x}")

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return theta[0] - theta[1] * x

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(x)), -x])

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        return [np.array([y.max(), 0.0])]

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        return {"top": (-100.0, 100.0), "fall": (-100.0, 100.0)}

    def _doubt(self, x: np.ndarray) -> str:
        return ""
'''
CHART = '''"""A toy chart: measured bits of each seed."""

import altair as alt
import pandas as pd

from helpers.noise import NOISES


def dots(table: pd.DataFrame) -> alt.Chart:
    """Draw bits along the level of the noise."""
    axis = alt.X("noise_level:Q").title(NOISES[table["noise_kind"].iloc[0]].axis)
    return alt.Chart(table).mark_point().encode(axis, alt.Y("mi_bits:Q"))
'''
PARAMETERS = '```{code-cell} ipython3\n:tags: [parameters]\n\nprofile = "reference"\nseeds = [0]\n```\n'
PAGE = f"""{HEAD}
# A toy page

{PARAMETERS}
```{{code-cell}} ipython3
from helpers.datasets import load

load("toy_cells").describe()
```
"""
USE = """
import json
from pathlib import Path

from helpers.book.run import find_notebook, run_notebook
from helpers.book.workflow import load_plan
from helpers.charts import dots
from helpers.datasets import available
from helpers.laws import LAWS
from helpers.laws.tolerance import NoiseAxis
from helpers.store import Store
from helpers.store.points import noise_roles, seed_means
from helpers.sweep import Grid, run_sweep

root = Path.cwd()
grid = Grid(dataset="toy_cells", representations=["first_genes"], noise="swapped", depths=[0.0, 0.4, 0.8],
            probe_depths=[0.0, 0.8], seeds=[0], folds=[0], dim=3, lmi={"epochs": 3})
rows = run_sweep(grid, Store(root / "rows"), progress=False)
fit = LAWS["toy"].fit(1 + rows["noise_level"], 2.0 - 0.5 * rows["noise_level"])
plan = load_plan("quick", root)
pages = [page for page in plan.pages if "toy" in page]
for page in pages:
    run_notebook(find_notebook(page, root), root / f"{page}.ipynb", plan.parameters_of(page))
print(json.dumps({
    "about": available()["toy_cells"],
    "status": sorted(set(rows["status"])),
    "messages": sorted(set(rows["message"])),
    "method": sorted(set(rows["method"])),
    "levels": sorted(set(rows["noise_level"])),
    "roles": sorted(noise_roles(seed_means(rows))["role"].unique()),
    "axis": str(NoiseAxis("swapped")),
    "law": fit.params,
    "title": dots(rows).to_dict()["encoding"]["x"]["title"],
    "pages": {page: plan.parameters_of(page) for page in pages},
    "executed": [(root / f"{page}.ipynb").exists() for page in pages],
}))
"""


class Copy:
    """A copy of what is needed of the project, which counts the files that an addition takes."""

    def __init__(self, folder):
        self.root = folder
        ignored = shutil.ignore_patterns("__pycache__", "*.ipynb", "*.egg-info", "_static")
        for name in ("src", "config", "notebooks", "book", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "_toc.yml", folder)
        self.files = []

    def write(self, name, text):
        assert not (self.root / name).exists(), name
        (self.root / name).write_text(text, "utf8")
        self.files.append(name)

    def insert(self, name, after, text):
        """Add a line or more to a file that is there."""
        old = (self.root / name).read_text("utf8")
        assert old.count(after) == 1, (name, after)
        (self.root / name).write_text(old.replace(after, after + text), "utf8")
        self.files.append(name)

    def append(self, name, text):
        (self.root / name).write_text((self.root / name).read_text("utf8") + text, "utf8")
        self.files.append(name)

    def taken(self):
        """Return how many files were written or changed since the last call."""
        files, self.files = set(self.files), []
        return len(files)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Return a copy with a toy of everything, and how many files each took."""
    copy, took = Copy(tmp_path_factory.mktemp("clone")), {}
    rng = np.random.default_rng(0)
    types = np.arange(120) % 3
    file = copy.root / "data" / "toy_cells" / "toy.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, counts=rng.poisson(1 + 8 * np.eye(3)[types].repeat(2, axis=1)), types=types)
    content = file.read_bytes()
    stored = {"path": "toy_cells/toy.npz", "url": "https://example.org/toy.npz", "size": len(content),
              "sha256": hashlib.sha256(content).hexdigest()}  # fmt: skip
    entry = {"toy_cells": {"source": "made here", "licence": "none", "files": [stored]}}

    copy.write(f"{HELPERS}/datasets/cells/toy_cells.py", DATASET)
    copy.append(f"{HELPERS}/datasets/registry.yaml", yaml.safe_dump(entry))
    copy.write("notebooks/datasets/toy_cells.md", PAGE)
    page = "      - file: notebooks/datasets/{}.ipynb\n"
    copy.insert("_toc.yml", page.format("xenium_breast"), page.format("toy_cells"))
    took["data set"] = copy.taken()

    copy.write(f"{HELPERS}/representations/first_genes.py", MODEL)
    line = '    "pca": ("PCA", "linear"),\n'
    copy.insert(f"{HELPERS}/representations/__init__.py", line, '    "first_genes": ("FirstGenes", "first_genes"),\n')
    took["representation"] = copy.taken()

    copy.write(f"{HELPERS}/noise/swapped.py", NOISE)
    imported = "from helpers.noise.sequences import Substitution, substitute\n"
    copy.insert(f"{HELPERS}/noise/__init__.py", imported, "from helpers.noise.swapped import Swapped\n")
    copy.insert(f"{HELPERS}/noise/__init__.py", '    "thinning": Thinning(),\n', '    "swapped": Swapped(),\n')
    took["noise"] = copy.taken()

    copy.write(f"{HELPERS}/laws/toy.py", LAW)
    line = '    "noise": ("noise", "NoiseLaw"),\n'
    copy.insert(f"{HELPERS}/laws/__init__.py", line, '    "toy": ("toy", "ToyLaw"),\n')
    took["law"] = copy.taken()

    copy.write(f"{HELPERS}/charts/dots.py", CHART)
    copy.append(f"{HELPERS}/charts/__init__.py", "\nfrom helpers.charts.dots import dots as dots  # noqa: E402\n")
    took["chart"] = copy.taken()

    copy.write("notebooks/analyses/toy_page.md", PAGE)
    copy.insert("_toc.yml", page.format("toy_cells"), "      - file: notebooks/analyses/toy_page.ipynb\n")
    took["notebook"] = copy.taken()
    return copy.root, took


def run_in(root, *words):
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "NOISE_SCALING_DATA": str(root / "data")}
    done = subprocess.run([sys.executable, *words], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_toy_of_each_takes_few_files(extended):
    _, took = extended
    assert took == {"data set": 4, "representation": 2, "noise": 2, "law": 2, "chart": 2, "notebook": 2}


def test_a_toy_of_each_runs(extended):
    made = json.loads(run_in(extended[0], "-c", USE).splitlines()[-1])
    assert made["status"] == ["ok"], made["messages"]
    assert made["about"] == "120 toy cells with 3 cell types."
    assert made["method"] == ["cells1-swapped1-prep1-first_genes1-lmi1"]
    assert made["levels"] == [0.0, 0.4, 0.8]
    assert "training cells swapped, probe clean" in made["roles"]
    assert made["axis"] == "SNR ∝ q⁻²"
    assert made["law"] == pytest.approx({"top": 2.5, "fall": 0.5})
    assert made["title"] == "share q of swapped molecules"
    names = ("notebooks/datasets/toy_cells", "notebooks/analyses/toy_page")
    assert made["pages"] == {name: {"profile": "reference"} for name in names}
    assert made["executed"] == [True, True]


def test_the_tests_find_the_toys(extended):
    """Invariants and golden numbers are checked of every representation and noise, runs of every page and profile."""
    files = ("tests/test_representations.py", "tests/test_noise.py", "tests/test_golden.py", "tests/test_notebooks.py")
    found = run_in(extended[0], "-m", "pytest", "--collect-only", "-q", "-c", os.devnull, "--rootdir", ".", *files)
    for test in ("shape_dtype_and_same_seed_same_numbers[first_genes]",
                 "stay_as_they_are_at_the_clean_level[swapped]", "of_their_versions[first_genes]",
                 "of_their_versions[swapped]", "it_reads_and_shows[analyses/toy_page]"):  # fmt: skip
        assert test in found, test
