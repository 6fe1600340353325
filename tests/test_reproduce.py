"""The same seed gives the same numbers, to the last bit; another number of threads nearly the same ones.

``python tests/test_reproduce.py CASE FOLDER`` measures a case into a folder, in a process of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.datasets import load
from helpers.laws import CellNumberLaw, JointLaw, NoiseLaw
from helpers.preprocess import genes as preprocess
from helpers.representations import build
from helpers.store.rows import Store
from helpers.sweep.cells import Grid
from helpers.sweep.engine import run_sweep

# Bits by which an estimate may differ between one thread and two.
BITS = {"linear": 1e-3, "scvi": 0.02, "txformer": 0.02, "masked_reconstruction": 0.02}

ONE = {"seeds": [0], "folds": [0], "dim": 8, "lmi": {"folds": 2}}
BLOOD = {"dataset": "pbmc68k", **ONE}
# Labels and continuous signals are estimated in other ways.
PROTEIN = {"dataset": "simulated", "options": {"signal": "protein", "n_cells": 300}, "n_top": 100, **ONE}
BUDGETS = {
    "scvi": {"steps": 20, "hidden": 32},
    "txformer": {"steps": 10},
    "masked_reconstruction": {"size": "TINY", "steps": 20},
}
CASES = {
    "small": [
        {**BLOOD, "representations": ["pca"], "depths": [1.0, 0.3, 0.05], "n_train": [40, 120, 350]},
        {**BLOOD, "representations": ["random_projection"]},
    ],
    "linear": [
        {**data, "representations": ["random_projection", "pca"], "depths": [1.0, 0.1]} for data in (BLOOD, PROTEIN)
    ],
    **{
        name: [
            {**data, "representations": [name], "depths": [0.5], "models": {name: options}} for data in (BLOOD, PROTEIN)
        ]
        for name, options in BUDGETS.items()
    },
}


def measure(case, folder):
    """Sweep the grids of a case and fit the laws to its rows; keep embeddings of its models beside them."""
    for settings in CASES[case]:
        run_sweep(Grid(**settings), Store(folder), progress=False)
    rows = Store(folder).table()
    laws = fitted(rows) if case == "small" else {}
    (folder / "laws.json").write_text(json.dumps(laws))
    np.savez(folder / "embeddings.npz", **{name: embedded(name) for name in BUDGETS if name == case})


def fitted(rows):
    """Return every number of the laws fitted to the rows of PCA, written without rounding."""
    pca = rows[rows["representation"] == "pca"]
    depths, cells = pca[pca["n_train"] == 350], pca[pca["noise_level"] == 1]
    fits = {
        "noise": NoiseLaw.fit(depths["umis_per_cell"], depths["mi_bits"]),
        "cell number": CellNumberLaw.fit(cells["n_train"], cells["mi_bits"]),
        "joint": JointLaw.fit(pca["n_train"], pca["umis_per_cell"], pca["mi_bits"], priors=True),
    }
    return {
        name: [float(v).hex() for v in (*fit.params.values(), *fit.stderr.values(), *np.ravel(fit.band(fit.x)))]
        for name, fit in fits.items()
    }


def embedded(name):
    """Return what a model with a small budget makes of probe cells."""
    cells = load("pbmc68k")
    ready = preprocess.prepare(cells.counts[cells.train], cells.counts[cells.probe], n_top=200)
    model = build(name, 8, 0, **BUDGETS[name])
    train, probe = (ready.train_counts, ready.probe_counts) if model.takes == "counts" else (ready.train, ready.probe)
    return model.fit(train[:120]).transform(probe)


def apart(case, folder, threads):
    """Measure a case in a process of its own with a number of threads; return its folder."""
    done = subprocess.run(
        [sys.executable, __file__, case, str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": "random", "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def exact(folder):
    """Return the rows of a folder as text, bit for bit, but for when and how fast they were measured."""
    rows = Store(folder).table()
    assert len(rows)
    assert (rows["status"] == "ok").all(), rows["message"].tolist()
    return rows.drop(columns=["seconds", "measured", "commit"]).map(repr)


def test_the_same_seed_gives_the_same_rows_and_laws_in_another_process(tmp_path):
    from torch import get_num_threads

    (tmp_path / "here").mkdir()
    measure("small", tmp_path / "here")
    there = apart("small", tmp_path / "there", get_num_threads())
    assert exact(tmp_path / "here").equals(exact(there))
    laws = [json.loads((folder / "laws.json").read_text()) for folder in (tmp_path / "here", there)]
    assert laws[0] == laws[1]
    assert len(laws[0]["joint"]) == 7 + 7 + 2 * 9


@pytest.mark.parametrize("name", BUDGETS)
def test_the_same_seed_gives_the_same_embedding(name):
    first, second = embedded(name), embedded(name)
    assert first.tobytes() == second.tobytes()
    assert first.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("case", BITS)
def test_one_thread_or_two_and_the_same_seed(case, tmp_path):
    """Bit for bit where the threads are equal; else within the stated tolerance."""
    one, again, two = (apart(case, tmp_path / name, threads) for name, threads in (("1", 1), ("1b", 1), ("2", 2)))
    assert exact(one).equals(exact(again))
    known, same, other = (dict(np.load(folder / "embeddings.npz")) for folder in (one, again, two))
    for name, values in known.items():
        assert values.tobytes() == same[name].tobytes()
        assert np.abs(values - other[name]).max() <= 1e-3 * values.std()
    first, second = (Store(folder).table() for folder in (one, two))
    off = (first[["mi_bits", "mi_null_bits"]] - second[["mi_bits", "mi_null_bits"]]).abs().to_numpy().max()
    print(f"{case}: at most {off:.3g} bits between one thread and two")
    assert off <= BITS[case]


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(exist_ok=True)
    measure(sys.argv[1], Path(sys.argv[2]))
