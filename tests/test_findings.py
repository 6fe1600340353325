"""Findings: known answers, and the plan of the reference results."""

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import datasets
from helpers.book import workflow
from helpers.book.run import declared_parameters
from helpers.findings import curves as findings
from helpers.laws import CellNumberLaw, NoiseLaw
from helpers.store import reference
from helpers.store.paths import project_root
from helpers.store.rows import Store
from helpers.sweep import cell_grids
from helpers.sweep.cells import Grid
from helpers.sweep.engine import run_sweep, stored_rows

DEPTHS = np.geomspace(10, 2000, 8)


def curve(law, x, spread=0.02, seed=0):
    rng = np.random.default_rng(seed)
    x = np.repeat(x, 3)
    return x * (1 + rng.uniform(-0.005, 0.005, len(x))), law(x) + rng.normal(0, spread, len(x))


def test_lack_of_fit_is_uniform_under_the_law_and_sees_another_shape():
    law = NoiseLaw(2.0, 150.0)
    p = [findings.lack_of_fit(NoiseLaw.fit(*curve(law, DEPTHS, seed=s))) for s in range(200)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.1
    assert 0.4 < np.mean(p) < 0.6
    x, y = curve(lambda u: law(u) - 0.2 * (u < 30), DEPTHS)
    assert findings.lack_of_fit(NoiseLaw.fit(x, y)) < 1e-3


def test_lack_of_fit_is_the_textbook_statistic():
    from scipy.stats import f

    x, y = np.repeat(DEPTHS, 3), curve(NoiseLaw(2.0, 150.0), DEPTHS)[1]
    fit = NoiseLaw.fit(x, y)
    groups = [y[x == u] for u in DEPTHS]
    pure = sum(((g - g.mean()) ** 2).sum() for g in groups)
    whole = ((y - fit.law(x)) ** 2).sum()
    statistic = ((whole - pure) / (8 - 2)) / (pure / (24 - 8))
    assert findings.lack_of_fit(fit) == pytest.approx(f.sf(statistic, 6, 16))


def test_without_repeats_nothing_is_tested():
    assert np.isnan(findings.lack_of_fit(NoiseLaw.fit(DEPTHS, NoiseLaw(2.0, 150.0)(DEPTHS) + 0.01 * DEPTHS % 0.03)))


def test_law_table_tells_where_the_law_is_worst():
    x, y = curve(NoiseLaw(2.0, 150.0), DEPTHS, 0.001)
    y[x > 1900] += 0.3
    table = findings.law_table({("a", "b", "c"): NoiseLaw.fit(x, y)})
    assert table["worst_at"][0] == pytest.approx(2000, rel=0.01)
    assert table["worst"][0] > 0.1
    assert table["range_bits"][0] == pytest.approx(y[-3:].mean() - y[:3].mean(), abs=1e-9)


def test_gains_are_the_laws_own():
    law = NoiseLaw(2.0, 150.0)
    table = findings.gains({("a", "b", "c"): NoiseLaw.fit(*curve(law, DEPTHS, 0.01, seed=1))})
    truth = float(law(20000.0)) - float(law(2000.0))
    assert table["gain_low"][0] < truth < table["gain_high"][0]
    cells = CellNumberLaw(i_inf=2.0, n0=15.0, s=0.6)
    sizes = np.array([10, 30, 100, 300, 1000])
    table = findings.gains({("a", "b", "c"): CellNumberLaw.fit(sizes, cells(sizes))})
    assert table["gain"][0] == pytest.approx(float(cells(10_000)) - float(cells(1000)), abs=1e-4)
    with pytest.raises(ValueError, match="factor"):
        findings.gains({}, factor=1.0)


def test_false_alarms_are_about_one_in_a_hundred_and_other_shapes_are_seen():
    shares = findings.false_alarms(300, seed=1)
    true = shares.index.str.startswith("the law")
    assert shares[true].max(axis=None) <= 0.03
    assert shares[~true].min(axis=None) > 0.4
    assert shares.loc["depth to the power of 0.7"].iloc[0] > shares.loc["depth to the power of 0.7"].iloc[1]


def test_a_straight_line_in_log_x_is_preferred_where_nothing_saturates():
    x = np.repeat([30, 100, 300, 1000, 3000], 3)
    noise = np.random.default_rng(2).normal(0, 0.01, 15)
    law, line = CellNumberLaw(i_inf=2.0, n0=20.0, s=1.0)(x), 0.3 * np.log(x)
    fits = {(name, "b", "c"): CellNumberLaw.fit(x, y + noise) for name, y in (("law", law), ("line", line))}
    over = findings.law_table(fits)["over_line"]
    assert over[0] > 20
    assert over[1] < 0


def grid(bits, spread=0.01, seeds=3, data="d"):
    rng = np.random.default_rng(5)
    return pd.DataFrame([
        {"dataset": data, "signal": "protein", "representation": "pca", "n_train": n, "noise_level": level,
         "seed": seed, "mi_bits": bits(n, level) + 0.1 * seed + rng.normal(0, spread)}
        for n in (10, 30, 100) for level in (0.1, 0.3, 1.0) for seed in range(seeds)
    ])  # fmt: skip


def test_interactions_are_those_of_the_textbook():
    """A second implementation: ordinary least squares with seeds as blocks, compared by nested sums of squares."""
    from scipy.stats import f

    points = grid(lambda n, level: np.log10(n) * level + level)
    row = findings.interactions(points).iloc[0]
    assert row["deep"] == pytest.approx(1, abs=0.03)
    assert row["shallow"] == pytest.approx(0.1, abs=0.03)
    assert row["low"] < 0.9 < row["high"]
    dummies = [pd.get_dummies(points[c].astype(str), dtype=float) for c in ("n_train", "noise_level", "seed")]
    cells = pd.get_dummies(points["n_train"].astype(str) + points["noise_level"].astype(str), dtype=float)
    left = []
    for parts in (dummies, [cells, dummies[2]]):
        design = np.column_stack(parts)
        factors, *_ = np.linalg.lstsq(design, points["mi_bits"].to_numpy(), rcond=None)
        left.append(((points["mi_bits"] - design @ factors) ** 2).sum())
    assert row["p_value"] == pytest.approx(f.sf((left[0] - left[1]) / 4 / (left[1] / 16), 4, 16), rel=1e-6)


def test_interactions_of_losses_that_add_are_none():
    p = [findings.interactions(grid(lambda n, level: np.log10(n) + level, seeds=3).assign(
        mi_bits=lambda t, s=s: t["mi_bits"] + np.random.default_rng(s).normal(0, 0.05, len(t))
    ))["p_value"][0] for s in range(200)]  # fmt: skip
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.1
    lacking = grid(lambda n, level: level).iloc[1:]
    assert len(findings.interactions(lacking)) == 0
    assert len(findings.interactions(grid(lambda n, level: level, seeds=1))) == 0


def test_what_was_not_measured_is_named(tmp_path):
    some = pd.DataFrame({"x": [1]})
    with pytest.raises(ValueError, match=f"{tmp_path} has no point of scvi, spikes: check the profile's name"):
        findings.check_measured({"linear": some, "scvi": some[:0], "spikes": some[:0]}, Store(tmp_path))


def test_the_plan_covers_every_signal_of_the_real_cells():
    """Each data set of the grids with every signal that its loader knows."""
    for block in cell_grids.blocks():
        for grid in cell_grids.planned(block):
            assert len(grid.points()) == len({str(p) for p in grid.points()})
    linear = cell_grids.planned("linear")
    for grid in linear:
        assert len(grid.depths) >= 8
        assert grid.n_train is not None
        assert len(grid.n_train) >= 5
        assert len(grid.seeds) >= 3
    assert {g.dataset for g in linear} >= {
        "pbmc68k", "pbmc4k", "citeseq_pbmc10k", "citeseq_cbmc", "spleen_lymph", "merfish_hypothalamus", "osmfish",
        "xenium_breast", "worm_embryo", "malaria_idc", "larry_subset",
    }  # fmt: skip
    for name in {g.dataset for g in linear}:
        with pytest.raises(ValueError, match="unknown signal") as refused:
            datasets.load(name, signal="none")
        known = str(refused.value).split("Known: ")[1].rstrip(".").split(", ")
        assert {g.options["signal"] for g in linear if g.dataset == name} == set(known)


def test_trained_models_are_measured_at_depths_that_pca_has_too():
    linear = {(g.dataset, g.options["signal"]): g.depths for g in cell_grids.planned("linear")}
    for block in ("scvi", "txformer", "masked"):
        for of in cell_grids.planned(block):
            depths = linear[of.dataset, of.options["signal"]]
            assert (min(depths), max(depths)) == (min(of.depths), max(of.depths))


def test_the_profile_measures_the_plan():
    plan = workflow.load_plan("reference", project_root())
    jobs = [job.parameters for job in plan.jobs().values() if job.notebook == "analyses/one_grid"]
    asked = {(j["block"], j["dataset"], seed) for j in jobs for seed in j["seeds"]}
    wanted = {
        (block, grid.dataset, seed)
        for block in ("linear", "scvi", "txformer", "masked") for grid in cell_grids.planned(block)
        for seed in grid.seeds
    }  # fmt: skip
    assert asked == wanted
    matrices = [job.parameters for job in plan.jobs().values() if job.notebook == "analyses/train_vs_probe_noise"]
    page = declared_parameters(project_root() / "notebooks" / "analyses" / "train_vs_probe_noise.md")
    for block, seeds in (("matrix", page["seeds"]), ("matrix_scvi", page["trained_seeds"])):
        of = cell_grids.planned(block)
        assert {(g.dataset, g.options["signal"]) for g in of} == set(
            zip(page["datasets"], page["signals"], strict=True)
        )
        assert {g.dataset for g in of} == {name for job in matrices for name in job["datasets"]}
        for g in of:
            assert (g.depths, g.probe_depths, g.seeds) == (page["depths"], page["probe_depths"], seeds)


def test_an_unknown_block_or_data_set_is_named():
    with pytest.raises(ValueError, match="did you mean 'linear'"):
        cell_grids.planned("linera")
    with pytest.raises(ValueError, match="did you mean 'pbmc4k'"):
        cell_grids.planned("linear", ["pbmc4"])


def test_the_grids_are_plain_yaml_with_known_names():
    read = yaml.safe_load((project_root() / "config" / "grids" / "cells.yaml").read_text("utf8"))
    assert list(read) == cell_grids.blocks()


def test_held_measures_nothing(tmp_path):
    options = {"n_cells": 240, "n_genes": 40, "n_latent": 2}
    grid = Grid(
        dataset="simulated", options=options, representations=["random_projection"], seeds=[0], folds=[0], dim=4
    )
    store = Store(tmp_path)
    assert not len(stored_rows([grid], store))
    rows = run_sweep(grid.model_copy(update={"depths": [1.0]}), store, progress=False)
    wider = grid.model_copy(update={"depths": [1.0, 0.5]})
    assert stored_rows([wider], store)["mi_bits"].tolist() == rows["mi_bits"].tolist()
    assert len(stored_rows([wider], store)) == 1


def test_curves_of_the_reference_are_named_and_complete():
    points = findings.measured_curves(reference.to_read(), ["larry_subset"], ["clone"])
    assert set(points["curve"]) == {"larry subset clone"}
    assert set(points["representation"]) == {"pca"}
    with pytest.raises(ValueError, match="one signal a data set"):
        findings.measured_curves(reference.to_read(), ["larry_subset"], [])


def test_only_whole_grids_are_called_full():
    rows = [
        {"dataset": d, "signal": "s", "representation": "pca", "noise_level": u, "n_train": n, "seed": 0}
        for d in ("whole", "cross") for u in (1.0, 0.5) for n in (10, 20) if d == "whole" or u == 1.0 or n == 20
    ]  # fmt: skip
    points = pd.DataFrame(rows)
    assert set(findings.full_grids(points, 2, 2)["dataset"]) == {"whole"}
    assert len(findings.full_grids(points, 3, 2)) == 0
