"""Findings and claims: known answers, rules that cannot be bent, and the plan of the reference results."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import cell_grids, claims, findings, reference, workflow
from helpers.findings import Count, count, verdict
from helpers.laws import CellNumberLaw, NoiseLaw
from helpers.run import project_root
from helpers.store import Store
from helpers.sweep import Grid, held, run_sweep

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


def test_false_alarms_are_one_in_a_hundred():
    shares = findings.false_alarms(300, seed=1)["rejected"]
    assert shares["the law itself"] <= 0.03
    assert shares.drop("the law itself").min() > 0.5


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((0, 0, 40), "not decided"), ((2, 0, 2), "not decided"), ((3, 0, 3), "holds"), ((9, 1, 10), "holds"),
        ((8, 2, 10), "holds in part"), ((1, 9, 10), "does not hold"), ((0, 3, 30), "does not hold"),
    ],
)  # fmt: skip
def test_verdicts_follow_the_rule(counts, told):
    assert verdict(Count(*counts)) == told


def test_an_unbounded_interval_decides_nothing():
    low, high = pd.Series([np.nan, -np.inf, 2.0]), pd.Series([np.nan, np.inf, 3.0])
    assert count(low, high, above=1.0) == Count(1, 0, 3)
    assert count(low, high, below=1.0) == Count(0, 1, 3)
    with pytest.raises(ValueError, match="give one of them"):
        count(low, high)


def laws(model, i_max, u_bar, n=4, r_squared=0.99, width=0.05):
    return pd.DataFrame([
        {"dataset": f"d{i}", "signal": "protein", "representation": model, "i_max": i_max, "u_bar": u_bar,
         "i_max_low": i_max * (1 - width), "i_max_high": i_max * (1 + width), "u_bar_low": u_bar * (1 - width),
         "u_bar_high": u_bar * (1 + width), "r_squared_means": r_squared, "range_bits": 1.0, "lack_of_fit": 0.5,
         "worst": 0.01, "status": "ok"}
        for i in range(n)
    ])  # fmt: skip


def test_models_are_judged_against_pca():
    models = {"random_projection": (1.0, 50.0), "scvi": (3.0, 150.0), "txformer": (1.5, 20.0)}
    table = pd.concat([laws("pca", 2.0, 100.0), *(laws(m, *v) for m, v in models.items())])
    found = [claim.verdict for claim in claims.models_against_pca(table)]
    assert found == ["holds", "holds", "does not hold", "holds", "holds", "holds"]
    wide = pd.concat([laws("pca", 2.0, 100.0), *(laws(m, *v, width=0.99) for m, v in models.items())])
    assert {claim.verdict for claim in claims.models_against_pca(wide)} == {"not decided"}


def test_a_law_that_misses_does_not_hold():
    assert claims.depth_is_described(laws("pca", 2.0, 100.0)).verdict == "holds"
    assert claims.depth_is_described(laws("pca", 2.0, 100.0, r_squared=0.5)).verdict == "does not hold"
    flat = laws("pca", 2.0, 100.0, r_squared=0.1).assign(range_bits=0.02)
    assert claims.depth_is_described(flat).verdict == "not decided"


def test_what_claims_say_is_text_not_markup():
    one = claims.Claim("<b>x</b>", "a", "b", "c & d", "holds", "x")
    assert "<b>x</b>" not in claims.show([one], "{}.html".format).data
    assert "c &amp; d" in claims.show([one], "{}.html".format).data


def test_the_plan_covers_every_signal_of_the_real_cells():
    """All that INDEX of the data offers: each data set of the grids with every signal that its loader knows."""
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
    assert not len(held([grid], store))
    rows = run_sweep(grid.model_copy(update={"depths": [1.0]}), store, progress=False)
    wider = grid.model_copy(update={"depths": [1.0, 0.5]})
    assert held([wider], store)["mi_bits"].tolist() == rows["mi_bits"].tolist()
    assert len(held([wider], store)) == 1


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


def test_verdicts_lead_to_pages_that_are_there():
    tree = ast.parse(Path(claims.__file__).read_text("utf8"))
    texts = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    pages = {text for text in texts if text.startswith(("analyses/", "modalities/"))}
    assert len(pages) > 5
    assert [page for page in pages if not (project_root() / "notebooks" / f"{page}.md").is_file()] == []
    shown = (project_root() / "notebooks" / "analyses" / "findings.md").read_text("utf8")
    assert '"../{}.html".format' in shown  # as seen from notebooks/analyses


@pytest.mark.parametrize(
    ("slope", "scatter", "n", "told"),
    [(1.0, 0.05, 40, "does not hold"), (0.0, 1.0, 200, "holds"), (0.0, 1.0, 8, "not decided")],
)
def test_few_runs_are_no_evidence_that_the_loss_tells_nothing(slope, scatter, n, told):
    rng = np.random.default_rng(3)
    loss = rng.uniform(size=n)
    runs = pd.DataFrame({"test_loss": loss, "mi_bits": -slope * loss + rng.normal(0, scatter, n)})
    assert claims.loss_is_not_information(runs).verdict == told
