"""Grids on images and sequences: equal training at every number of samples, and the plan of the reference results."""

import pandas as pd
import pytest

from helpers.book import workflow
from helpers.store.paths import project_root
from helpers.sweep import sample_grids

BLOCKS = ("digits", "simulated_spike")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_model_is_shown_equally_many_samples(block):
    grids = sample_grids.planned(block)
    shown = [grid.model["epochs"] * grid.n_train[0] for grid in grids]
    assert shown == pytest.approx([shown[0]] * len(shown), rel=1e-4)
    assert len({grid.n_train[0] for grid in grids}) == len(grids) >= 5


@pytest.mark.parametrize("block", BLOCKS)
def test_the_plan_has_enough_levels_sizes_and_seeds(block):
    points = [point for grid in sample_grids.planned(block) for point in grid.points()]
    level = "level" if block == "digits" else "rate"
    assert len({point[level] for point in points}) >= 8
    assert len({point["seed"] for point in points}) >= 3
    assert len(points) == len({str(point) for point in points})


def test_the_last_size_is_all_there_are():
    assert [grid.n_train for grid in sample_grids.planned("digits")][-1] == [898]


def test_changes_reach_every_grid_and_a_dict_changes_what_it_names():
    grids = sample_grids.planned("digits", [50, 100], seen=200, levels={"gaussian": [1.0]}, model={"width": 0.1})
    assert [grid.model["epochs"] for grid in grids] == [4.0, 2.0]
    for grid in grids:
        assert grid.levels == {"gaussian": [1.0], "pixelation": [2, 3, 4, 5, 6, 8]}
        assert (grid.model["width"], grid.model["input_size"]) == (0.1, 32)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"block": "digit"}, "did you mean 'digits'"),
        ({"block": "digits", "n_train": [5000]}, "n_train of digits"),
        ({"block": "digits", "n_train": [0]}, "n_train of digits is 0"),
        ({"block": "digits", "seen": 0}, "seen is 0"),
        ({"block": "digits", "levels": {"blur": [1.0]}}, "kind of noise"),
        ({"block": "simulated_spike", "rates": [2.0]}, "substitution rate"),
    ],
)
def test_what_cannot_be_measured_is_refused(given, told):
    with pytest.raises(ValueError, match=told):
        [grid.points() for grid in sample_grids.planned(**given)]


def test_points_of_each_number_keep_their_noise_free_samples():
    row = {
        "dataset": "digits", "modality": "images", "signal": "class", "representation": "mobilenet", "dim": 16,
        "settings": "{}", "umis_per_cell": float("nan"), "snr": 1.0, "mi_bits": 1.0, "mi_stderr_bits": 0.1,
        "mi_null_bits": 0.0, "mi_ceiling_bits": 3.0, "seed": 0, "fold": 0, "status": "ok",
    }  # fmt: skip
    rows = [
        {**row, "n_train": n, "settings": f'{{"epochs": {n}}}', "noise_kind": kind, "noise_level": level,
         "probe_noise_level": level}
        for n in (50, 100) for kind, level in (("none", 0.0), ("gaussian", 1.0), ("pixelation", 2.0))
    ]  # fmt: skip
    points = sample_grids.by_size(pd.DataFrame(rows))
    found = set(points[["n_train", "noise_kind", "noise_level"]].itertuples(index=False, name=None))
    kinds = (("gaussian", 0.0), ("gaussian", 1.0), ("pixelation", 1.0), ("pixelation", 2.0))
    assert found == {(n, *level) for n in (50, 100) for level in kinds}


def test_the_profile_measures_the_plan():
    jobs = workflow.load_plan("reference", project_root()).jobs().values()
    seeds = {seed for job in jobs if job.notebook == "modalities/sample_number" for seed in job.parameters["seeds"]}
    assert seeds == {point["seed"] for block in BLOCKS for g in sample_grids.planned(block) for point in g.points()}


def test_curves_of_few_numbers_of_samples_are_not_fitted():
    rows = [{"curve": name, "n_train": n, "mi_bits": 2 - n**-0.5}
            for name, sizes in (("many", (10, 30, 100, 300)), ("few", (10, 30, 100))) for n in sizes]  # fmt: skip
    assert list(sample_grids.size_fits(pd.DataFrame(rows))) == ["many"]
    assert sample_grids.size_fits(pd.DataFrame(rows[4:])) == {}
