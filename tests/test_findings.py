"""Findings and claims: known answers, rules that cannot be bent, and the plan of the reference results."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import datasets
from helpers.book import workflow
from helpers.book.run import declared_parameters
from helpers.findings import claims
from helpers.findings import curves as findings
from helpers.findings.curves import Count, count, verdict
from helpers.laws import CellNumberLaw, NoiseLaw
from helpers.laws.tolerance import NoiseAxis
from helpers.store import model_free, reference
from helpers.store.paths import project_root
from helpers.store.rows import Store
from helpers.sweep import cell_grids
from helpers.sweep.cells import Grid
from helpers.sweep.engine import held, run_sweep

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


def noisy(model, law, levels, spread, data="d0", seeds=3):
    rng = np.random.default_rng([*f"{model} {data}".encode()])
    rows = [
        {"dataset": data, "signal": "protein", "representation": model, "dim": 16, "settings": "", "n_train": 100,
         "noise_level": level, "probe_noise_level": level, "umis_per_cell": 2000 * level, "seed": seed,
         "mi_bits": float(law(2000 * level)) + rng.normal(0, spread)}
        for level in levels for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


LEVELS = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
MODELS = {"random_projection": (1.0, 50.0), "scvi": (3.0, 150.0), "txformer": (1.5, 20.0)}


def of_models(laws, spread):
    return pd.concat([
        noisy(model, NoiseLaw(*law), LEVELS, spread, f"d{i}")
        for model, law in {"pca": (2.0, 100.0), **laws}.items() for i in range(4)
    ])  # fmt: skip


def test_models_are_judged_by_paired_differences_from_pca():
    pairs = model_free.paired_differences(of_models(MODELS, 0.005))
    assert len(pairs) == 12
    one = pairs[pairs["representation"] == "random_projection"].iloc[0]
    gap = float(NoiseLaw(1.0, 50.0)(2000.0) - NoiseLaw(2.0, 100.0)(2000.0))
    assert one["low"] < gap < one["high"]
    told = [claim.verdict for claim in claims.models_against_pca(pairs)]
    assert told == ["holds", "holds", "not decided"]  # transformers are not trained
    less = dict.fromkeys(MODELS, (1.0, 50.0))
    assert (
        claims.models_against_pca(model_free.paired_differences(of_models(less, 0.005)))[1].verdict == "does not hold"
    )
    same = model_free.paired_differences(of_models(dict.fromkeys(MODELS, (2.0, 100.0)), 0.05))
    assert claims.models_against_pca(same)[0].verdict != "holds"
    none = claims.models_against_pca(pairs.iloc[:0])
    assert {claim.verdict for claim in none} == {"not decided"}


def test_a_law_that_its_points_reject_describes_nothing():
    table = laws("pca", 2.0, 100.0)
    assert claims.depth_is_described(table).verdict == "holds"
    assert claims.depth_is_described(table.assign(status="misfit")).verdict == "does not hold"
    assert claims.depth_is_described(table.assign(r_squared_means=0.5)).verdict == "does not hold"


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


@pytest.mark.parametrize(
    ("bits", "spread", "told"),
    [
        (lambda n, level: np.log10(n) * level, 0.01, "holds"),
        (lambda n, level: np.log10(n) * (1.2 - level), 0.01, "does not hold"),
        (lambda n, level: np.log10(n) + level, 0.5, "not decided"),
    ],
)
def test_cells_add_more_where_an_interval_says_so(bits, spread, told):
    grids = findings.interactions(pd.concat([grid(bits, spread, data=f"d{i}") for i in range(3)]))
    assert claims.cells_add_by_depth(grids).verdict == told
    assert claims.cells_add_by_depth(grids.iloc[:0]).verdict == "not decided"


def interval(name, low, high, **more):
    return pd.DataFrame([{name: (low * high) ** 0.5, f"{name}_low": low, f"{name}_high": high, **more}])


def test_wide_intervals_agree_with_nothing():
    for low, high, told in ((28, 35, "holds"), (3, 5, "does not hold"), (1, 240, "not decided")):
        assert claims.image_resolution(interval("pixels", low, high, lost="0.5 bit")).verdict == told
    both = {"lost": "0.1 bit", "curve": "training and probe misread"}
    for low, high, told in ((5e-4, 2e-3, "holds"), (0.1, 0.2, "does not hold"), (1e-6, 1, "not decided")):
        assert claims.protein_tolerance(interval("level", low, high, **both)).verdict == told
        other = interval("level", low, high, **(both | {"curve": "probe misread"}))
        assert claims.protein_tolerance(other).verdict == "not decided"
    lost = pd.concat(
        [interval("level", np.nan, np.nan, **both), interval("level", 8e-4, 1.2e-3, **(both | {"lost": "10%"}))]
    )
    assert claims.protein_tolerance(lost).verdict == "not decided"
    nothing = interval("pixels", np.nan, np.nan, lost="0.5 bit")
    assert claims.image_resolution(nothing).verdict == "not decided"


def test_cells_are_described_only_by_a_law_that_beats_a_line():
    table = laws("pca", 2.0, 100.0)
    for over, told in ((20.0, "holds"), (-1.0, "does not hold"), (1.0, "not decided")):
        assert claims.cells_are_described(table.assign(over_line=over)).verdict == told
    poor = laws("pca", 2.0, 100.0, r_squared=0.5).assign(over_line=20.0)
    assert claims.cells_are_described(poor).verdict == "does not hold"
    random = laws("random_projection", 2.0, 100.0).assign(over_line=20.0)
    assert claims.cells_are_described(random).verdict == "not decided"


def test_cell_type_is_saturated_where_little_is_to_gain():
    def gain(low, high):
        return pd.DataFrame({"at": [500.0] * 3, "gain": (low + high) / 2, "gain_low": low, "gain_high": high})

    verdicts = [c.verdict for c in claims.cell_type_is_saturated(gain(0.0, 0.01), gain(0.3, 0.5))]
    assert verdicts == ["holds", "does not hold"]
    assert {c.verdict for c in claims.cell_type_is_saturated(gain(0.0, 1.0), gain(0.0, 1.0))} == {"not decided"}


def test_image_exponents_are_those_that_fit():
    fit = NoiseLaw.fit([10, 100, 1000], [0.5, 1.5, 1.9])
    best = {"gaussian": (NoiseAxis("gaussian", 2), fit), "pixelation": (NoiseAxis("pixelation", 2), fit)}
    assert [c.verdict for c in claims.image_exponents(best)] == ["holds", "does not hold"]
    assert len(claims.image_exponents({"gaussian": best["gaussian"]})) == 1


def test_what_was_not_measured_is_named(tmp_path):
    some = pd.DataFrame({"x": [1]})
    with pytest.raises(ValueError, match=f"{tmp_path} has no point of scvi, spikes: check the profile's name"):
        findings.check_measured({"linear": some, "scvi": some[:0], "spikes": some[:0]}, Store(tmp_path))


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
