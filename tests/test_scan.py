"""Your cells in one call: the same numbers as the pages, stopped at any moment, refused before anything is measured."""

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import anndata
import matplotlib
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import helpers
from helpers._utils.progress import seconds_of
from helpers.book import cli
from helpers.datasets import example_file, in_memory
from helpers.design import fit_pilot
from helpers.findings import scan_plan, scan_words
from helpers.findings.dataset_page import dataset_sweep
from helpers.laws import NoiseLaw, depth_advice
from helpers.laws.summary import judged, summary
from helpers.store import Store
from helpers.sweep import turns

FEW = {"depths": [1.0, 0.3, 0.1], "n_train": [30, 100], "seeds": [0, 1], "dim": 4, "progress": False}
LABELS = "obs:celltype"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return example_file(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def cells(file):
    return anndata.read_h5ad(file)


@pytest.fixture(scope="module")
def report(file):
    return helpers.scan(file, LABELS, **FEW)


def test_numbers_are_those_of_the_page_for_the_same_settings(report, file, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path))
    sweep = dataset_sweep(
        "your_data", [LABELS], options={"path": str(file)}, representations=["pca", "random_projection"],
        depths=FEW["depths"], n_train=FEW["n_train"], seeds=FEW["seeds"], folds=[0], dim=4, profile="page",
        all_cells=True,
    )  # fmt: skip
    rows = pd.concat(sweep.measure()).drop_duplicates("parameters_hash")
    keys = ["representation", "noise_level", "n_train", "seed"]
    page = rows.set_index(keys)[["mi_bits", "mi_null_bits", "umis_per_cell"]].sort_index()
    mine = report.rows.set_index(keys)[page.columns].sort_index()
    assert len(page) == len(report.table) == 2 * (2 * 3 + 2)
    np.testing.assert_allclose(mine, page, atol=1e-6)
    pd.testing.assert_frame_equal(
        report.by_depth.table().drop(columns="message").reset_index(drop=True),
        sweep.by_depth.table().drop(columns="message").reset_index(drop=True),
    )


def test_cells_in_memory_give_what_their_file_gives(report, cells):
    mine = helpers.scan(cells, LABELS, **FEW)
    np.testing.assert_allclose(mine.table["bits"], report.table["bits"], atol=1e-6)
    assert not in_memory.is_held(mine.plan.path)
    assert mine.first_line().startswith("AnnData in memory: 700 cells × 765 genes")


def test_what_a_report_holds(report):
    assert set(report.table["along"]) == {"depth", "cells", "both"}
    assert set(report.table.loc[report.table["representation"] == "random_projection", "along"]) == {"depth"}
    row = report.curves.loc[f"{LABELS}, pca"]
    assert row["bits_low"] < row["bits"] < row["bits_high"] < row["ceiling"] + 0.5
    assert row["classifier"] > 1
    assert row["halving_cells"] == pytest.approx(row["halving_cells"])
    assert {"noise law", "cell-number law"} == set(report.laws["law"])
    assert "10 labels" in report.first_line()
    assert report.advice[0].startswith(f"{LABELS}, by pca, which knows most: halving the depth to 345 UMIs per cell")
    assert any("is not known" in note for note in report.notes)
    assert report.advice[0] in repr(report)
    assert report.advice[0] in report._repr_html_()


def test_it_is_drawn_for_pages_and_for_papers(report):
    matplotlib.use("agg")
    spec = json.dumps(report.plot().to_dict())
    assert "ceiling 2.75 bits" in spec
    figure = report.axes()
    assert [axes.get_xlabel() for axes in figure.axes] == ["UMIs per cell", "training cells"]
    assert len(figure.axes[0].containers) == 2
    assert report.plot(ax=figure.axes[1], along="cells") is figure.axes[1]
    with pytest.raises(ValueError, match="unknown axis 'deph': did you mean 'depth'"):
        report.plot(ax=figure.axes[0], along="deph")


def test_its_page_says_all(report, tmp_path):
    page = report.to_html(tmp_path / "report.html").read_text("utf8")
    for part in ("halving the training cells", "permuted signals", "misfit: the points reject the law",
                 "How genes were chosen", "All 16 points were measured; none failed"):  # fmt: skip
        assert part in page, part


@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_what_is_written_into_cells_survives_a_file(report, cells, tmp_path, form):
    copy = cells.copy()
    report.write(copy)
    with warnings.catch_warnings(action="ignore"):  # of zarr, about its next version
        getattr(copy, f"write_{form}")(tmp_path / "cells")
        found = getattr(anndata, f"read_{form}")(tmp_path / "cells").uns["noise_scaling"]
    assert list(found["advice"]) == report.advice
    np.testing.assert_allclose(found["curves"]["bits"], report.curves["bits"])
    np.testing.assert_allclose(found["table"]["bits"], report.table["bits"])
    assert list(found["laws"]["status"]) == list(report.laws["status"])
    assert json.loads(found["settings"])["signals"] == [LABELS]


def test_points_are_a_pilot(report):
    pilot = report.points()
    assert set(pilot["representation"]) == {"pca"}
    assert len(pilot) == 10
    assert {"u", "n", "bits"} <= set(pilot)
    assert set(report.points(representation="random_projection")["n"]) == {350}


# Stopped


def test_the_most_telling_points_come_first(report):
    names = [turn.name for turn in report.plan.turns]
    assert names == ["first answer", "other representations", "fewer cells", "seed 1"]
    first = report.plan.turns[0].points
    assert {(p["representation"], p["seed"]) for p in first} == {("pca", 0)}
    assert sum(len(turn.points) for turn in report.plan.turns) == len(report.table)
    answer = scan_words.first_answer(helpers.scan(report.plan.path, LABELS, **FEW | {"seeds": [0]}).curves)
    assert "the interval holds the sampling error of the probe cells alone" in answer


def test_a_spent_budget_leaves_what_was_measured(file, monkeypatch):
    clock = SimpleNamespace(now=0.0)

    def monotonic():
        clock.now += 40.0
        return clock.now

    monkeypatch.setattr(turns.time, "monotonic", monotonic)
    stopped = helpers.scan(file, LABELS, "2min", **FEW)
    assert stopped.ended == turns.OUT_OF_TIME
    assert 3 <= len(stopped.table) < 16
    assert stopped.notes[0].startswith(f"The budget of 120 s is spent: {len(stopped.table)} of 16 points are measured")
    assert stopped.curves["depths"].max() == 3
    assert stopped.advice


def test_ctrl_c_leaves_what_was_measured_and_the_next_call_goes_on(file, tmp_path, monkeypatch):
    measure, calls = turns.measure_missing, []

    def interrupted(*args, **options):
        calls.append(len(args[0]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(*args, **options)

    monkeypatch.setattr(turns, "measure_missing", interrupted)
    stopped = helpers.scan(file, LABELS, keep=tmp_path, **FEW)
    assert (stopped.ended, len(stopped.table)) == (turns.INTERRUPTED, 3)
    assert stopped.notes[0].startswith("Stopped by hand: 3 of 16 points")
    whole = helpers.scan(file, LABELS, keep=tmp_path, **FEW)
    assert len(whole.table) == 16
    assert len(Store(tmp_path).table()) == 16


def test_ctrl_c_before_the_first_answer_stops(file, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(turns, "measure_missing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        helpers.scan(file, LABELS, **FEW)


def test_the_pace_fits_points_into_the_time_left(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(turns.time, "monotonic", lambda: clock.now)
    pace = turns.Pace(100.0)
    assert pace.next_size() == 16
    pace.note(10, 20.0)
    assert pace.next_size() == 7  # 15 s a call
    clock.now = 95.0
    assert pace.next_size() == 2
    clock.now = 99.0
    assert pace.next_size() == 0
    pace.note(16, 0.01)  # found in the store
    assert pace.rate == 2.0


@pytest.mark.parametrize(("text", "seconds"), [("2min", 120), ("90s", 90), ("1.5 h", 5400), (30, 30), (None, None)])
def test_budgets_are_read(text, seconds):
    assert seconds_of(text) == seconds


# Laws


def test_a_plateau_above_the_ceiling_is_no_advice():
    u = np.geomspace(10, 1000, 8)
    fit = NoiseLaw.fit(u, NoiseLaw(3.0, 200.0)(u) + 0.01 * np.cos(np.arange(8)))
    assert judged(fit)[0] == "ok"
    (sentence,) = depth_advice({"a": fit}, 0.9, {"a": 2.5})
    assert "no recommendation, the fit is above the ceiling: I_max = 3." in sentence
    assert summary({"a": fit}, ceilings={"a": 2.5})["status"].item() == "above the ceiling"


def test_an_open_interval_is_not_ok():
    fit = NoiseLaw.fit([10, 100, 1000], NoiseLaw(2.0, 80.0)([10, 100, 1000]))
    open_end = SimpleNamespace(
        status="ok", message="", law=fit.law, params=fit.params, interval=lambda level: {"u_bar": (3.0, np.inf)}
    )
    assert judged(open_end) == ("unconstrained", "the 95% interval of ū has no upper end: measure more")


def test_a_changed_choice_of_genes_is_told():
    methods = ["seurat_v3", "seurat_v3", "variance of log CP10k, since seurat_v3 failed: x"]
    rows = pd.DataFrame({"noise_level": [1.0, 0.5, 0.1], "genes_by": methods})
    rows = rows.assign(status="ok", of_depth=True, signal="a")
    (sentence,) = scan_words.gene_choices(rows)
    assert "seurat_v3 at depths 0.5 to 1; variance of log CP10k at depth 0.1)" in sentence
    assert not scan_words.gene_choices(rows[:2])


# Embeddings and models of one's own


class FirstAndLast:
    """The ten lines that the page shows."""

    def fit(self, cells):
        self.order = np.argsort(cells.var(axis=0))[::-1][:4]

    def transform(self, cells):
        return cells[:, self.order]


def test_a_model_of_a_notebook_is_a_representation(file):
    report = helpers.scan(file, LABELS, model=FirstAndLast(), representations=[], **FEW | {"n_train": []})
    assert report.curves["representation"].tolist() == ["FirstAndLast"]
    assert report.curves["bits"].item() > 0.3
    for model, missing in ((object(), "without fit"), (SimpleNamespace(fit=len), "without transform")):
        with pytest.raises(ValueError, match=missing):
            helpers.scan(file, LABELS, model=model, **FEW)


def test_a_model_that_returns_too_few_rows_fails_with_the_reason(file):
    class Short(FirstAndLast):
        def transform(self, cells):
            return cells[:3, :2]

    report = helpers.scan(file, LABELS, model=Short, representations=["pca"], **FEW | {"n_train": [], "seeds": [0]})
    assert any("3 of 6 points failed" in note and "returned 3 rows for" in note for note in report.notes)


def test_embeddings_stand_beside_the_models(cells):
    mine = cells.copy()
    counts = np.log1p(mine.layers["counts"].toarray())
    mine.obsm["X_scVI"] = counts[:, :5]
    mine.obsm["X_scVI_0.3"] = counts[:, :5] + np.random.default_rng(0).normal(size=(700, 5))
    mine.obsm["X_one"] = counts[:, :8]
    few = FEW | {"n_train": [], "seeds": [0]}
    report = helpers.scan(mine, LABELS, embeddings=["X_scVI", "X_one"], representations=["pca"], **few)
    depths = report.table.groupby("representation")["depth"].apply(sorted).to_dict()
    assert depths == {"X_one": [1.0], "X_scVI": [0.3, 1.0], "pca": [0.1, 0.3, 1.0]}
    assert report.curves["bits"].notna().all()
    assert any("One depth says nothing" in s or "X_one" in s for s in report.advice)
    assert len(report.plot().to_dict()["layer"]) > 2
    with pytest.raises(ValueError, match="made from all molecules"):
        helpers.scan(mine, embeddings=["X_one"], **few)


# Refused before anything is measured


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"share": 90}, r"share is 90: it must be a number in \(0, 1\]"),
        ({"depths": [1.0]}, r"depths is \[1\.0\]: give at least two"),
        ({"depths": []}, r"depths is \[\]: give at least two"),
        ({"depths": [0.5, 0.1]}, "give 1.0 too"),
        ({"depths": [1.0, 2.0]}, r"depth is 2\.0: it must be a number in \(0, 1\]"),
        ({"depths": 0.5}, "depths is 0.5: give a list"),
        ({"seeds": []}, "seeds is empty"),
        ({"n_train": [1]}, "one of n_train is 1"),
        ({"n_probe": 10}, "n_probe .*10"),
        ({"n_probe": 10**6}, r"n_probe of obs:celltype is 1000000: it must be a whole number in \[50, 350\]"),
        ({"dim": 0}, "dim is 0: "),
        ({"representations": ["pac"]}, "unknown representation 'pac': did you mean 'pca'"),
        ({"representations": []}, "representations is an empty list"),
        ({"folds": [5]}, "fold of obs:celltype is 5"),
        ({"budget": "soon"}, "budget is 'soon': give a time such as '90s'"),
        ({"budget": 0}, r"budget is 0: it must be a number in \(0, "),
        ({"signal": []}, "signal is an empty list"),
        ({"signal": "celltype"}, "Did you mean 'obs:celltype'"),
        ({"signal": "obs:celltyp"}, "'celltyp': did you mean 'celltype'"),
        ({"signal": "obs:name"}, "name has 700 labels for 700 cells: a label needs several cells"),
        ({"batch": "celltype"}, "batch is 'celltype', the signal itself"),
        ({"lyaer": "counts"}, "unknown option of scan 'lyaer': did you mean 'layer'"),
        ({"embeddings": ["X_no"]}, "unknown key of obsm .*'X_no'"),
        ({"embeddings": "nowhere"}, "nowhere is not a folder"),
        ({"genes_in": "rows"}, "genes_in is 'rows': .* is not a table of text"),
    ],
)
def test_settings_are_checked_before_anything_is_measured(cells, monkeypatch, given, told):
    def measured(*args, **options):
        raise AssertionError("a point was measured")

    monkeypatch.setattr(turns, "measure_missing", measured)
    mine = cells.copy()
    mine.obs["name"] = mine.obs_names
    with pytest.raises((ValueError, FileNotFoundError), match=told) as refused:
        helpers.scan(mine, **{"signal": LABELS, **FEW, **given})
    assert "\n" not in str(refused.value)
    assert "pydantic" not in str(refused.value)


@pytest.mark.parametrize(
    ("n", "told"),
    [(8, "8 cells with a signal in 2 folds are too few"), (90, "45 probe cells, and an estimate takes 50 or more")],
)
def test_too_few_probe_cells_are_told(cells, n, told):
    with pytest.raises(ValueError, match=told):
        helpers.scan(cells[:n].copy(), "other_half", **FEW)


def test_rare_labels_are_told(cells):
    mine = cells[:120].copy()
    mine.obs["rare"] = pd.Categorical([f"t{i // 3}" for i in range(120)])
    with pytest.raises(ValueError, match="carry one that 3 cells or fewer share: merge rare labels"):
        helpers.scan(mine, "obs:rare", **FEW)


def test_what_is_not_cells_is_told():
    with pytest.raises(ValueError, match="cells are a DataFrame: give an AnnData or MuData object"):
        helpers.scan(pd.DataFrame({"a": [1]}), **FEW)


def test_where_no_point_can_be_measured_the_reason_is_told(cells):
    class Broken(FirstAndLast):
        def fit(self, cells):
            raise RuntimeError("no such thing")

    with pytest.raises(ValueError, match=r"none of the first 3 points could be measured.*RuntimeError: no such thing"):
        helpers.scan(cells, LABELS, model=Broken(), representations=[], **FEW)


def test_a_batch_is_a_control(cells):
    mine = cells.copy()
    mine.obs["lane"] = np.arange(700) % 2
    report = helpers.scan(mine, ["batch:lane"], representations=["pca"], **FEW | {"n_train": [], "seeds": [0]})
    assert report.advice[0].startswith("batch:lane, a control, by pca: ")
    assert report.advice[0].endswith("of at most 1.00 bits of what is known are about the batch.")
    assert not any("is not known" in note for note in report.notes)
    assert any(note.startswith("Curves of one seed have an interval at their own depth alone") for note in report.notes)


@pytest.mark.parametrize(("part", "what"), [(np.s_[:0], "cells"), (np.s_[:, :0], "genes")])
def test_cells_that_are_none_are_told(cells, part, what):
    with pytest.raises(ValueError, match=f"has no {what} "):
        helpers.scan(cells[part].copy(), LABELS, **FEW)


@pytest.mark.filterwarnings("ignore")  # mudata warns of what its next version will do
def test_a_mudata_object_is_scanned(cells):
    mudata = pytest.importorskip("mudata")
    proteins = anndata.AnnData(np.log1p(cells.layers["counts"].toarray()[:, :3]), pd.DataFrame(index=cells.obs_names))
    both = mudata.MuData({"rna": cells.copy(), "prot": proteins})
    report = helpers.scan(both, "mod:prot", representations=["pca"], **FEW | {"n_train": [], "seeds": [0]})
    assert "Signal mod:prot: 3 dimensions" in report.first_line()
    assert report.curves["bits"].item() > 0.3


# The command line


def command(*words):
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_command_writes_a_report_and_a_pilot(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = ("--depths", "1,0.3,0.1", "--n-train", "30,100", "--seeds", "0,1", "--dim", "4", "-r", "pca")
    said = command("scan", file, "-s", LABELS, "--independent", *few)
    assert said.startswith("blood_cells.h5ad: 700 cells × 765 genes")
    assert "Report: blood_cells_scan/report.html" in said
    assert "is not known" not in said
    pilot = pd.read_csv("blood_cells_scan/points.csv")
    assert fit_pilot(pilot).n_points == len(pilot) == 10
    again = command("scan", file, "-s", LABELS, *few, "--to", "blood_cells_scan/mine.html")
    assert "is not known" in again
    assert Path("blood_cells_scan/mine.points.csv").read_text() == Path("blood_cells_scan/points.csv").read_text()
    assert len(Store(tmp_path / "blood_cells_scan" / ".noise-scaling").table()) == 10


def test_cells_are_thinned_embedded_and_scanned(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "thinned/cells_0.1.h5ad" in command("thin", file, "--depths", "1,0.1", "--to", "thinned")
    for depth in ("1", "0.1"):
        thinned = anndata.read_h5ad(f"thinned/cells_{depth}.h5ad")
        np.save(f"thinned/logs_{depth}.npy", np.log1p(thinned.X[:, :6].toarray()))
    few = ("--depths", "1,0.1", "--n-train", "", "--seeds", "0", "--dim", "4", "-r", "pca")
    said = command("scan", file, "-s", LABELS, "--embeddings", "thinned", "--to", "embedded", *few)
    assert f"{LABELS}, X_logs: " in said
    assert f"{LABELS}, pca: " in said


def test_probe_cells_are_as_many_in_every_fold(cells, monkeypatch):
    monkeypatch.setattr(scan_plan, "MOST_PROBE", 100)
    mine = cells.copy()
    mine.obs["lane"] = ["few" if i < 60 else "many" for i in range(700)]
    path = in_memory.hold(mine)
    few = {"representations": ["pca"], "embeddings": [], "model": None, "depths": [1.0, 0.1], "n_train": [], "dim": 4}
    few |= {"seeds": [0], "n_probe": None, "n_top": 50, "gene_depth": None, "share": 0.9}
    found = {}
    for batch, folds in ((None, [0]), ("lane", [0, 1])):
        settings = scan_plan.Settings(["obs:celltype"], folds=folds, reading={"batch": batch} if batch else {}, **few)
        found[batch] = scan_plan.plan_of(path, settings).depth_grids[0].n_probe
    in_memory.release(path)
    assert found == {None: 100, "lane": 60}
