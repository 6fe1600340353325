"""Sweeps: resumable, repeatable, and a failing point is a row."""

import signal
import subprocess
import sys
import time

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers._utils.content import frozen_json
from helpers.datasets import load
from helpers.information.classifier import trained_bound
from helpers.preprocess import genes as preprocess
from helpers.representations import PCA, Txformer
from helpers.store import versions
from helpers.store.points import above_ceiling, cell_axis, measured, noise_axis, seed_means
from helpers.store.rows import Store
from helpers.sweep import cells, data, prepared
from helpers.sweep.cells import CELLS, Grid
from helpers.sweep.engine import run_sweep

SMALL = {"n_cells": 240, "n_genes": 40, "n_latent": 2}
GRID = Grid(
    dataset="simulated", options=SMALL, representations=["pca"], depths=[1.0, 0.1], seeds=[0, 1], folds=[0], dim=3,
    lmi={"epochs": 3},
)  # fmt: skip
NUMBERS = ["umis_per_cell", "mi_bits", "mi_null_bits", "mi_stderr_bits", "mi_ceiling_bits", "n_train", "n_probe"]


def changed(monkeypatch, **methods):
    """Measure cells with other methods within a test."""
    measurement = cells.CellMeasurement()
    vars(measurement).update(methods)
    monkeypatch.setattr(cells.Grid, "measurement", measurement)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return store, run_sweep(GRID, store)


def test_rows_follow_the_schema(done):
    _, table = done
    assert len(table) == 4
    assert (table["status"] == "ok").all()
    assert np.isfinite(table[NUMBERS].astype(float)).all(axis=None)
    assert set(table["n_train"]) == {120}
    assert set(table["genes_by"]) == {"all 40 genes with a training count"}


def test_depth_is_measured_not_nominal(done):
    _, table = done
    deep = table[table["noise_level"] == 1].iloc[0]
    assert deep["umis_per_cell"] == pytest.approx(data.dataset_of(deep["parameters"]).umis_per_cell)
    thin = table[table["noise_level"] == 0.1]["umis_per_cell"]
    assert thin.to_numpy() == pytest.approx(0.1 * deep["umis_per_cell"], rel=0.02)
    assert thin.nunique() == 2


def test_same_seed_same_numbers_another_seed_others(done, tmp_path):
    _, first = done
    again = run_sweep(GRID, Store(tmp_path))
    pd.testing.assert_frame_equal(
        first.drop(columns=["seconds", "measured"]), again.drop(columns=["seconds", "measured"])
    )
    assert first.groupby("seed")["mi_bits"].sum().nunique() == 2


def test_what_is_measured_is_not_measured_again(done, monkeypatch):
    store, _ = done
    calls = []
    changed(monkeypatch, measure=lambda points: calls.extend(points) or CELLS.measure(points))
    run_sweep(GRID, store)
    assert calls == []
    wider = GRID.model_copy(update={"seeds": [0, 1, 2], "depths": [1.0]})
    run_sweep(wider, store)
    assert [p["seed"] for p in calls] == [2]
    monkeypatch.setattr(versions, "version", lambda component: 99)
    run_sweep(GRID, store)
    assert len(calls) == 5


def test_a_failing_point_is_a_row_and_is_tried_again(tmp_path, monkeypatch):
    grid = GRID.model_copy(update={"n_train": [20, 500], "depths": [1.0], "seeds": [0]})
    store = Store(tmp_path)
    table = run_sweep(grid, store)
    assert table.set_index("n_train")["status"].to_dict() == {20: "ok", 500: "failed"}
    told = table.set_index("n_train")["message"][500]
    assert "n_train is 500" in told
    assert "120 training cells" in told
    assert len(seed_means(table)) == 1
    calls = []
    changed(monkeypatch, measure=lambda points: calls.extend(p["n_train"] for p in points) or [{} for _ in points])
    run_sweep(grid, store)
    assert calls == [500]


def test_points_that_share_cells_are_measured_in_one_call(done, tmp_path, monkeypatch):
    """And each equals what it is when measured alone."""
    together = []
    changed(monkeypatch, measure=lambda points: together.append(len(points)) or CELLS.measure(points))
    run_sweep(GRID, Store(tmp_path / "together"))
    assert together == [2, 2]
    changed(monkeypatch, batch_key=frozen_json)
    one_by_one = run_sweep(GRID, Store(tmp_path / "alone"))
    pd.testing.assert_frame_equal(one_by_one[NUMBERS], done[1][NUMBERS], atol=1e-3, check_dtype=False)


def test_killed_and_resumed_equals_uninterrupted(done, tmp_path):
    script = (
        "from helpers.store import Store; from helpers.sweep import Grid, run_sweep;"
        f"run_sweep(Grid(**{GRID.model_dump()!r}), Store({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    rows = tmp_path / "rows"
    while process.poll() is None and not (rows.exists() and list(rows.glob("*.json"))):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = run_sweep(GRID, Store(tmp_path))
    # Code that runs in one thread or two may round differently.
    pd.testing.assert_frame_equal(resumed[NUMBERS], done[1][NUMBERS], rtol=1e-3, atol=1e-2, check_dtype=False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset": "pbmc"}, "unknown dataset 'pbmc': did you mean 'pbmc4k'"),
        ({"representations": ["pcaa"]}, "did you mean 'pca'"),
        ({"representations": []}, "is empty: give at least one"),
        ({"depths": [0.0]}, r"depth is 0\.0: it must be a number in \(0, 1\]"),
        ({"depths": [10]}, r"depth is 10\.0"),
        ({"probe_depths": [-1]}, r"depth is -1\.0"),
        ({"dim": 0}, "dim is 0: it must be at least 1"),
        ({"noise": "thining"}, "unknown noise of cells 'thining': did you mean 'thinning'"),
        ({"sedes": [1]}, "unknown field 'sedes': did you mean 'seeds'"),
        ({"seeds": ["a"]}, "one of seeds is 'a': give a whole number"),
    ],
)
def test_impossible_grids_are_told(change, told):
    with pytest.raises(ValueError, match=told):
        Grid(**{"dataset": "simulated", "representations": ["pca"], **change})


def test_the_usual_noise_is_no_part_of_a_key_and_gives_the_clean_level():
    assert GRID.noise == "thinning"
    assert all("noise" not in point for point in GRID.points())
    plain = Grid(dataset="simulated", representations=["pca"])
    assert plain.depths == [1.0]


def test_train_and_probe_depth_are_separate(tmp_path):
    grid = GRID.model_copy(update={"depths": [1.0, 0.05], "probe_depths": [1.0, 0.05], "seeds": [0]})
    table = run_sweep(grid, Store(tmp_path))
    assert len(table) == 4
    by_probe = table.groupby("probe_noise_level")["umis_per_cell"].nunique()
    assert by_probe.tolist() == [1, 1]
    assert len(noise_axis(seed_means(table))) == 2


def test_a_model_is_trained_once_and_measured_at_its_checkpoints(tmp_path, monkeypatch):
    options = {"steps": 4, "validate_every": 2, "checkpoints": [0, 2]}
    grid = Grid(
        dataset="simulated", options=SMALL, representations=["txformer"], depths=[1.0, 0.5], seeds=[0], folds=[0],
        dim=3, lmi={"epochs": 1}, models={"txformer": options},
    )  # fmt: skip
    fits = []
    fit = Txformer._fit
    monkeypatch.setattr(Txformer, "_fit", lambda self, train: fits.append(1) or fit(self, train))
    table = run_sweep(grid, Store(tmp_path))
    assert len(fits) == 2, "one a depth"
    assert table["status"].tolist() == ["ok"] * 6
    losses = {depth: rows["model_loss"] for depth, rows in table.groupby("noise_level")}
    step = table["parameters"].map(lambda point: point.get("step"))
    for of_depth in losses.values():
        assert of_depth[step[of_depth.index] == 0].item() > of_depth[step[of_depth.index].isna()].item()
    plain = grid.model_copy(update={"models": {"txformer": {"steps": 0, "validate_every": 2}}, "depths": [1.0]})
    untrained = run_sweep(plain, Store(tmp_path))["mi_bits"].item()
    assert untrained == pytest.approx(
        table.loc[(step == 0) & (table["noise_level"] == 1.0), "mi_bits"].item(), abs=1e-6
    )
    deep = {p.get("step"): p for p in grid.points() if p["depth"] == 1.0}
    trained, untrained_side = (cells._train_pair(deep[step])[0] for step in (None, 0))
    assert np.abs(trained - untrained_side).max() > 1e-6, "both sides are of the same step"
    linear = GRID.model_copy(update={"models": {"pca": {}}})
    assert linear.points() == GRID.points()


@pytest.mark.parametrize(
    ("checkpoints", "told"),
    [
        (5, r"checkpoints of txformer is 5: give a list of steps"),
        ("ab", r"checkpoints of txformer is 'ab': give a list of steps"),
        ([-1], r"step of checkpoints of txformer is -1: .*\[0, 4\]"),
        ([0, 5], r"step of checkpoints of txformer is 5: .*\[0, 4\]"),
        ([0.5], r"step of checkpoints of txformer is 0\.5: .*whole number"),
    ],
)
def test_impossible_checkpoints_are_refused_before_anything_is_loaded(checkpoints, told):
    options = {"txformer": {"steps": 4, "checkpoints": checkpoints}}
    with pytest.raises(ValueError, match=told):
        Grid(dataset="pbmc68k", representations=["txformer"], models=options)


def test_axes_and_means(done):
    store, table = done
    points = seed_means(table)
    assert len(noise_axis(points)) == 4
    assert len(cell_axis(points)) == 0
    sizes = pd.concat([points, points.assign(n_train=60)])
    assert len(cell_axis(sizes)) == 8
    assert len(cell_axis(sizes, min_sizes=3)) == 0
    named = cell_axis(sizes.assign(curve="c")).groupby("noise_level")["curve"].first()
    assert named.to_dict() == {0.1: "c, depth × 0.1", 1.0: "c"}
    assert measured(store, dataset="simulated", dim=3)["curve"].nunique() == 1
    with pytest.raises(ValueError, match="no measured point with dataset=none: run `noise-scaling sweep`"):
        measured(store, dataset="none")


def test_folds_are_averaged_within_a_seed():
    rows = [{"dataset": "d", "signal": "s", "representation": "r", "dim": 1, "settings": "{}", "n_train": 5,
             "noise_level": 1.0, "probe_noise_level": 1.0, "seed": 0, "fold": f, "status": "ok", "umis_per_cell": 10.0,
             "noise_kind": "thinning", "snr": 10.0, "mi_bits": b, "mi_stderr_bits": 0.3, "mi_null_bits": 0.0,
             "mi_ceiling_bits": 2.0}
            for f, b in ((0, 1.0), (1, 2.0))]  # fmt: skip
    mean = seed_means(pd.DataFrame(rows)).iloc[0]
    assert mean["mi_bits"] == 1.5
    assert mean["mi_stderr_bits"] == pytest.approx(0.3 / 2**0.5)
    assert mean["n_folds"] == 2


def test_options_that_differ_are_curves_of_their_own(tmp_path):
    store = Store(tmp_path)
    run_sweep(GRID.model_copy(update={"seeds": [0]}), store)
    run_sweep(GRID.model_copy(update={"seeds": [0], "options": {**SMALL, "information_bits": 1.0}}), store)
    points = measured(store, dataset="simulated")
    assert points["curve"].nunique() == 2
    assert points["curve"].str.contains("information_bits").any()


def test_estimates_above_the_ceiling_are_found(done):
    _, table = done
    assert len(above_ceiling(table)) == 0
    raised = table.assign(mi_bits=table["mi_ceiling_bits"] + 5 * table["mi_stderr_bits"])
    assert len(above_ceiling(raised)) == len(table)


# Embeddings made elsewhere, another estimator


@pytest.fixture(scope="module")
def with_embeddings(tmp_path_factory):
    """A file of cells with one embedding of the counts as they are and one of a tenth of them."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    cells = anndata.AnnData(sparse.csr_matrix(rng.poisson(3.0, (200, 20))), obs={"kind": labels.astype(str)})
    for depth, noise in (("1", 0.1), ("0.1", 3.0)):
        cells.obsm[f"X_mine_{depth}"] = np.eye(3)[labels] + noise * rng.normal(size=(200, 3))
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    cells.write_h5ad(path)
    return {"path": str(path), "signal": "obs:kind", "embeddings": ["X_mine_0.1", "X_mine_1"]}


def precomputed(options, key, depths):
    return Grid(
        dataset="your_data", options=options, representations=["precomputed"], depths=depths, seeds=[0], folds=[0],
        models={"precomputed": {"key": key}},
    )  # fmt: skip


def test_each_depth_is_probed_with_its_own_embedding(tmp_path, with_embeddings):
    rows = run_sweep(precomputed(with_embeddings, "X_mine_{depth}", [1.0, 0.1]), Store(tmp_path), progress=False)
    thin, full = rows.sort_values("noise_level")["mi_bits"]
    assert full == pytest.approx(np.log2(3), abs=0.15)
    assert thin < 0.5


def test_an_embedding_of_full_depth_has_no_noise_curve(tmp_path, with_embeddings):
    rows = run_sweep(precomputed(with_embeddings, "X_mine_1", [1.0, 0.1]), Store(tmp_path), progress=False)
    assert rows.sort_values("noise_level")["status"].tolist() == ["failed", "ok"]
    assert "a key such as 'X_emb_{depth}'" in rows["message"].max()


def test_an_unknown_embedding_is_told(tmp_path, with_embeddings):
    rows = run_sweep(precomputed(with_embeddings, "X_mine_1.0", [1.0]), Store(tmp_path), progress=False)
    assert "did you mean 'X_mine_1'" in rows["message"].item()


def test_the_package_latentmi_is_an_estimator_too(tmp_path):
    grid = GRID.model_copy(update={"depths": [1.0], "seeds": [0], "representations": ["pca"], "n_probe": 60})
    ours = run_sweep(grid, Store(tmp_path), progress=False)["mi_bits"].item()
    package = run_sweep(grid.model_copy(update={"lmi": {"estimator": "latentmi"}}), Store(tmp_path), progress=False)
    assert package["status"].item() == "ok"
    assert -0.5 < package["mi_bits"].item() < ours + 0.5
    wrong = run_sweep(
        grid.model_copy(update={"lmi": {"estimator": "latentmi", "k": 5}}), Store(tmp_path), progress=False
    )
    assert "takes no option 'k'" in wrong["message"].item()


def test_a_classifier_of_the_training_cells_is_an_estimator_too(tmp_path):
    options = {"n_cells": 400, "signal": "label"}
    given = {"options": options, "depths": [1.0], "seeds": [0], "representations": ["pca"], "n_train": [40, 200]}
    grid = Grid(dataset="simulated", folds=[0], dim=4, lmi={"estimator": "classifier"}, **given)
    few, all_cells = run_sweep(grid, Store(tmp_path), progress=False).sort_values("n_train").to_dict("records")
    assert few["mi_bits"] < all_cells["mi_bits"]
    assert all_cells["method"].endswith("pca1-classifier1")
    # Each side by itself: what the classifier is fitted to are the training cells, in the order of their labels.
    train, labels, probe, signal = (*cells._train_pair(grid.points()[1]), *cells.probe_pair(grid.points()[1]))
    assert all_cells["mi_bits"] == trained_bound(train, labels, probe, signal, 0).bits
    simulated = load("simulated", **options)
    assert sorted(labels) == sorted(simulated.signal[simulated.train])
    wrong = run_sweep(grid.model_copy(update={"lmi": {"estimator": "classifier", "k": 5}}), Store(tmp_path), False)
    assert wrong["message"].str.contains("the estimator classifier takes no option 'k'").all()


def test_what_does_not_learn_is_measured_at_one_number_of_cells():
    grid = GRID.model_copy(update={"representations": ["pca", "random_projection"], "n_train": [20, 100, 60]})
    sizes = pd.DataFrame(grid.points()).groupby("representation")["n_train"].unique()
    assert sizes["pca"].tolist() == [20, 100, 60]
    assert sizes["random_projection"].tolist() == [100]


def test_a_model_learns_from_thinned_views_beside_the_cells(tmp_path):
    grid = GRID.model_copy(update={"depths": [1.0], "n_train": [60], "seeds": [0], "lmi": {"null": False}})
    seen = grid.model_copy(update={"views": 3})
    assert [{**point, "views": 3} for point in grid.points()] == seen.points()
    point = seen.points()[0]
    alone, with_views = (prepared.both_sides(each.points()[0], 1.0)[0] for each in (grid, seen))
    n = len(alone.train)
    assert (alone.genes == with_views.genes).all()
    assert (alone.train == with_views.train[:n]).all()
    assert (alone.probe == with_views.probe).all()
    assert with_views.train_counts.shape[0] == 4 * n
    for view in range(1, 4):
        thinned = with_views.train_counts[view * n : (view + 1) * n]
        assert ((alone.train_counts - thinned).data >= 0).all()
        assert thinned.sum() < 0.7 * alone.train_counts.sum()
    rows = preprocess.nested_subset(n, 60, 0)
    chosen = np.concatenate([rows + view * n for view in range(4)])
    expected = PCA(point["dim"], 0).fit(with_views.train[chosen]).transform(with_views.probe)
    found, _ = cells.probe_pair(point)
    np.testing.assert_array_equal(found, expected)
    assert run_sweep(seen, Store(tmp_path))["representation"].unique().tolist() == ["pca_on_views"]
    with pytest.raises(ValueError, match="views is 0"):
        Grid(dataset="pbmc68k", representations=["pca"], views=0)
    with pytest.raises(ValueError, match="embeddings made elsewhere have no thinned copies"):
        Grid(dataset="your_data", representations=["precomputed"], models={"precomputed": {"key": "X"}}, views=2)


def test_genes_chosen_from_deep_cells_are_those_of_the_deep_cells(tmp_path):
    grid = GRID.model_copy(update={"n_top": 15, "seeds": [0], "lmi": {"null": False}})
    fixed = grid.model_copy(update={"gene_depth": 1.0})
    assert all("gene_depth" not in point for point in grid.points())
    assert [{**point, "gene_depth": 1.0} for point in grid.points()] == fixed.points()
    of_deep, of_shallow = (prepared.both_sides(point, point["depth"])[0] for point in fixed.points())
    chosen_shallow = prepared.both_sides(grid.points()[1], 0.1)[0]
    assert (of_deep.genes == of_shallow.genes).all()
    assert (of_deep.genes != chosen_shallow.genes).any()
    assert of_shallow.train.sum() < of_deep.train.sum()
    with pytest.raises(ValueError, match="gene_depth is 2"):
        Grid(dataset="pbmc68k", representations=["pca"], gene_depth=2.0)
    # At full depth both are one measurement, in rows of their own.
    store = Store(tmp_path)
    first, second = (run_sweep(each, store).set_index("noise_level")["mi_bits"] for each in (grid, fixed))
    assert first[1.0] == second[1.0]
    assert first[0.1] != second[0.1]
    assert store.table()["settings"].str.contains('"gene_depth": 1.0').sum() == 2
