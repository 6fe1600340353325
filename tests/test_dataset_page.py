"""What the pages of data sets share, on a few simulated cells."""

from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import charts
from helpers.findings import rerun
from helpers.findings.dataset_page import dataset_sweep, reference_curves
from helpers.findings.phrases import law_says
from helpers.laws import CellNumberLaw, NoiseLaw, fit_groups, summary
from helpers.store.points import cell_axis, named, noise_axis, nulls, seed_means
from miniatures import write

SMALL = {"representations": ["pca", "random_projection"], "seeds": [0, 1], "folds": [0], "dim": 4}
DEPTHS, SIZES = [1.0, 0.1, 0.02], [10, 40, 100, 150]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISE_SCALING_RESULTS", str(tmp_path_factory.mktemp("results")))
        yield patch


def simulated(**changes):
    options = {"n_cells": 300, "umis_per_cell": 1000.0}
    given = dict(depths=DEPTHS, n_train=SIZES, profile="tiny", options=options, **SMALL)
    return dataset_sweep("simulated", ["protein", "label"], **(given | changes))


@pytest.fixture(scope="module")
def sweep(results):
    return simulated()


def test_it_measures_both_axes_of_every_signal_once(sweep):
    along_depth, along_cells = sweep.measure()
    assert len(along_depth) == 2 * 2 * 2 * len(DEPTHS)
    assert len(along_cells) == 2 * 2 * len(SIZES)  # a random projection does not learn
    assert set(along_cells["noise_level"]) == {1.0}
    assert sweep.failures() == "All 40 points were measured; none failed."
    assert sweep.provenance().startswith("36 points, measured by version")  # full depth with all cells is in both
    assert simulated().measure()[0].equals(along_depth)
    assert sweep.facts().loc["cells", "value"] == 300


def test_it_measures_along_an_option_of_the_data(sweep):
    rows = sweep.along_option("information_bits", [0, 0.5])
    plain, changed = (rows[rows["information_bits"] == value] for value in (0, 0.5))  # 0: as the data set has it
    assert len(plain) == len(changed) == 2
    measured = sweep.along_depth
    same = measured[measured["parameters_hash"].isin(plain["parameters_hash"])]
    assert sorted(plain["mi_bits"]) == sorted(same["mi_bits"])
    assert set(changed["representation"]) == {"pca"}
    assert changed["mi_bits"].max() < plain["mi_bits"].min()


def test_its_methods_are_the_calls_that_a_page_made_itself(sweep):
    points = named(noise_axis(seed_means(sweep.along_depth)))
    fits = fit_groups(points, NoiseLaw, "umis_per_cell", by="curve")
    pd.testing.assert_frame_equal(sweep.by_depth.points, points)
    pd.testing.assert_frame_equal(sweep.by_depth.table(), summary(fits))
    assert sweep.by_depth.missing().columns.tolist() == list(fits)
    pd.testing.assert_frame_equal(sweep.nulls(), nulls(sweep.along_depth, sweep.along_cells))
    drawn = charts.curves(points, fits, "umis_per_cell", "A title", "tiny", by="curve")
    assert sweep.by_depth.chart("A title").title.to_dict() == drawn.title.to_dict()
    assert "measured − fitted" in str(sweep.by_depth.residuals().to_dict())
    rows = named(cell_axis(seed_means(sweep.along_cells)))
    pd.testing.assert_frame_equal(
        sweep.by_cells.table(), summary(fit_groups(rows, CellNumberLaw, "n_train", by="curve"))
    )
    ceiling = sweep.by_depth.chart("A title", ceiling=2.0)
    assert "ceiling 2.00 bits" in str(ceiling.to_dict())


def test_its_numbers_are_those_of_the_first_curve(sweep):
    told = sweep.numbers()
    fit = sweep.by_depth.fits["protein, pca"]
    assert sweep.first_fit == fit
    curve = sweep.by_depth.measured["protein, pca"]
    assert told["bits"].startswith(f"{curve.bits[-1]:.2f} bits (95 % interval ")
    assert told["law"] == law_says(fit)
    assert told["deepest"] == pytest.approx(1000, rel=0.2)
    assert told["bits_beside"].startswith(f"“protein, pca” has {told['bits']} at its own depth and “label, pca” ")
    assert sweep.name_of(signal=-1, representation=-1) == "label, random projection"


def test_it_glues_its_numbers_and_those_of_the_page(sweep, monkeypatch):
    glued = {}
    monkeypatch.setattr("myst_nb.glue", lambda name, value, display: glued.update({name: (value, display)}))
    sweep.glue_all(own=3.0, halving="of this page")
    assert glued.keys() == sweep.numbers().keys() | {"own"}
    assert glued["own"] == (3.0, False)
    assert glued["halving"] == ("of this page", False)


def test_sizes_end_with_all_training_cells_only_if_that_is_said(results):
    assert simulated(n_train=[10, 1000], all_cells=True).cell_grids[0].n_train == [10, 150]
    assert simulated(n_train=[10, 1000]).cell_grids[0].n_train == [10, 1000]


def test_a_folder_is_an_option_only_where_it_is_given():
    plain, own = (
        dataset_sweep("pbmc4k", ["cell_type"], depths=[1.0], n_train=[10], folder=folder, **SMALL).depth_grids[0]
        for folder in ("", "mine")
    )
    assert plain.options == {"signal": "cell_type"}
    assert own.options == {"signal": "cell_type", "folder": "mine"}


def test_curves_of_another_data_set_are_read_from_the_reference_results():
    assert list(reference_curves("pbmc4k", "cell_type").fits) == ["pbmc4k cell type"]


# Rerunning the papers


def test_missing_files_are_named_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("helpers.datasets.files._resume", None)
    for name in rerun.NEEDS:
        told = rerun.missing(name)
        assert told.startswith("Nothing was measured: the data folder (NOISE_SCALING_DATA) lacks ")
        assert f"noise-scaling data {name}`" in told
    assert "adata_JAX_dataset_2" not in rerun.missing("mouse_embryo")
    assert "adata_JAX_dataset_2.h5ad." in rerun.missing("mouse_embryo", options={"runs": ["adata_JAX_dataset_2"]})
    with pytest.raises(FileNotFoundError, match="the folder you gave lacks stateFate_inVitro_normed_counts"):
        rerun.missing("larry", str(tmp_path), required=True)
    with pytest.raises(ValueError, match="did you mean 'larry'"):
        rerun.missing("lary")
    for name in ("larry", "mouse_embryo"):
        assert rerun.missing(name, str(write(name, tmp_path / name))) == ""


def test_what_a_rerun_takes_is_in_proportion_to_its_points():
    one = rerun.needs([1.0], [100], [0], ["pca"])
    many = rerun.needs([1.0] * 50, [100] * 50, [0, 1, 2], ["pca", "scvi"])
    assert set(one.index) == set(rerun.NEEDS)
    for name in one.index:
        assert many.loc[name, "core-hours"] > 10 * one.loc[name, "core-hours"]


def test_our_curves_stand_beside_the_released_ones(sweep):
    grid = SimpleNamespace(dataset="larry", options={"signal": "clone"}, representations=["pca"])
    ours = sweep.by_depth.points.query("curve == 'protein, pca'").assign(signal="clone")
    stand_in = SimpleNamespace(depth_grids=[grid], by_depth=SimpleNamespace(points=ours), profile="tiny")
    curves = rerun.with_released(stand_in)
    assert list(curves.fits) == ["pca, measured here", "pca, released"]
    alone = rerun.released_curves("larry", "clone").fits["pca"]
    assert curves.fits["pca, released"].params == alone.params


def test_a_sweep_whose_points_all_failed_says_why(results):
    sweep = simulated(options={"n_cells": 80, "umis_per_cell": 1000.0}, n_train=[10], profile="few")
    assert (sweep.along_depth["status"] == "failed").all()
    for axis in ("by_depth", "by_cells"):
        with pytest.raises(
            ValueError, match=r"none of the .* points could be measured: ValueError: number of .* is 40"
        ):
            getattr(sweep, axis)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dim": 0}, "^dim is 0: it must be at least 1.$"),
        ({"seeds": []}, "^seeds is empty: give at least one.$"),
        ({"depths": [1.0, 2.0]}, "^depth is 2.0: it must be a number in "),
    ],
)
def test_wrong_settings_are_told_in_one_line(results, changes, told):
    with pytest.raises(ValueError, match=told) as refused:
        simulated(**changes)
    assert "\n" not in str(refused.value)
