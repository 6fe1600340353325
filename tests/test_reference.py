"""Reference results: packed rows are found again, by settings and data, with and without the data at hand."""

import json
import re

import jupytext
import numpy as np
import pandas as pd
import pytest

from helpers.book.run import find_notebook, notebooks
from helpers.book.workflow import load_plan
from helpers.charts import report
from helpers.datasets import files
from helpers.findings import papers as published
from helpers.laws import NoiseLaw, depth_advice, fit_groups, parameter_table, ratio_table
from helpers.store import reference
from helpers.store.paths import project_root
from helpers.store.rows import Store
from helpers.sweep import data, verify
from helpers.sweep import engine as sweep
from helpers.sweep.calibration import calibrate
from helpers.sweep.cells import Grid
from helpers.sweep.engine import machine, run_sweep, sizes_within
from helpers.sweep.reconstruction import ReconstructionGrid
from miniatures import write

GRID = Grid(
    dataset="simulated",
    options={"n_cells": 240, "n_genes": 40, "n_latent": 2},
    representations=["random_projection"],
    depths=[1.0, 0.1],
    seeds=[0],
    folds=[0],
    dim=4,
    lmi={"epochs": 2},
)


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A store whose rows exist only in its packed file, and its folder as that of the reference results."""
    store = Store(tmp_path)
    rows = run_sweep(GRID, store, progress=False)
    verify.pack(store)
    for file in (tmp_path / "rows").iterdir():
        file.unlink()
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    data._facts.cache_clear()
    yield Store(tmp_path), rows
    data._facts.cache_clear()


def test_packed_rows_are_used_and_equal(packed, monkeypatch):
    store, rows = packed
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured again"))
    again = run_sweep(GRID, store, progress=False)
    columns = ["mi_bits", "mi_null_bits", "umis_per_cell", "method", "n_probe", "settings", "parameters"]
    pd.testing.assert_frame_equal(again[columns], rows[columns], check_dtype=False)
    assert "older_method" not in again
    assert len(store.table()) == len(rows)


@pytest.mark.parametrize("method", ["unversioned", None])
def test_rows_of_an_older_method_are_used_and_said(packed, method):
    """Also rows that were packed before there were methods."""
    store, rows = packed
    table = pd.read_parquet(store.path / reference.ROWS)
    table = table.assign(method=method) if method else table.drop(columns="method")
    table.to_parquet(store.path / reference.ROWS)
    again = run_sweep(GRID, Store(store.path), progress=False)
    assert again["older_method"].all()
    assert again["mi_bits"].tolist() == rows["mi_bits"].tolist()
    told = reference.provenance(again)
    assert "2 of them are reference results of an earlier method" in told
    assert f"minutes of one core ({machine()})" in told


@pytest.mark.parametrize("method", ["as it is", "unversioned"])
@pytest.mark.parametrize("wrong", [0.0, 0.5])
def test_an_audit_measures_points_again_and_decides_nothing(packed, wrong, method):
    store, rows = packed
    table = pd.read_parquet(store.path / reference.ROWS)
    if method == "unversioned":
        table["method"] = method
    table.assign(mi_bits=table["mi_bits"] + wrong).to_parquet(store.path / reference.ROWS)
    before = {file.name: file.read_bytes() for file in store.path.iterdir() if file.is_file()}
    found = verify.verify(Store(store.path), points=1)
    assert found["agrees"].tolist() == [wrong == 0]
    assert found["older"].tolist() == [method == "unversioned"]
    assert len(verify.verify(Store(store.path), points=10)) == len(rows)
    assert before == {file.name: file.read_bytes() for file in store.path.iterdir() if file.is_file()}


def test_an_audit_looks_into_as_many_groups_as_it_may(packed):
    store, _ = packed
    table = pd.read_parquet(store.path / reference.ROWS)
    other = table.assign(representation="other")
    pd.concat([table, other]).to_parquet(store.path / reference.ROWS)
    assert set(verify.verify(Store(store.path), points=2)["representation"]) == {"other", "random_projection"}
    with pytest.raises(ValueError, match="unknown dataset of the reference results 'nothing'"):
        verify.verify(Store(store.path), dataset="nothing")
    assert set(verify.verify(Store(store.path), points=1, dataset=table["dataset"][0])["dataset"]) == {"simulated"}


def test_a_point_measured_again_agrees_and_nothing_is_written(packed):
    store, rows = packed
    found = verify.measured_again(run_sweep(GRID, store, progress=False).iloc[0]).iloc[0]
    assert found["in the results"] == rows["mi_bits"][0]
    assert abs(found["difference"]) <= 1e-6
    assert found["difference"] == found["measured again"] - found["in the results"]
    assert found["tolerance"] == pytest.approx(max(1e-3, rows["mi_stderr_bits"][0] / 2))
    assert found["quantity"] == "bits"
    assert found[["dataset", "representation", "n_train", "seed"]].tolist() == [
        "simulated", "random_projection", 120, 0
    ]  # fmt: skip
    assert not list((store.path / "rows").iterdir())


@pytest.mark.parametrize("wrong", [0.5, -0.5, float("nan")])
def test_a_point_that_comes_out_otherwise_stops_the_page(packed, wrong):
    _, rows = packed
    row = rows.iloc[0].copy()
    row["mi_bits"] += wrong
    then, now, allowed = (f"{v:.4f}" for v in (row["mi_bits"], rows["mi_bits"][0], row["mi_stderr_bits"] / 2))
    with pytest.raises(ValueError, match="random_projection") as raised:
        verify.measured_again(row)
    told = str(raised.value)
    assert f"{now} bits measured again, {then} in the results; at most {allowed} apart is allowed. Install" in told
    assert "\n" not in told


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize(("errors", "agrees"), [(0.45, True), (0.55, False)])
def test_half_a_standard_error_is_the_rule_of_both(packed, verified, errors, agrees):
    store, rows = packed
    shifted = rows.assign(mi_bits=rows["mi_bits"] + errors * rows["mi_stderr_bits"])
    if verified:
        packed_rows = shifted.assign(parameters=[json.dumps(p) for p in rows["parameters"]])
        packed_rows.to_parquet(store.path / reference.ROWS)
        assert verify.verify(Store(store.path), points=1)["agrees"].tolist() == [agrees]
    elif agrees:
        verify.measured_again(shifted.iloc[0])
    else:
        with pytest.raises(ValueError, match="apart is allowed"):
            verify.measured_again(shifted.iloc[0])


def test_a_loss_is_measured_again():
    training = {"steps": 4, "batch": 8, "validate_every": 2}
    grid = ReconstructionGrid(dataset="pbmc68k", sizes=["XXS"], n_genes=[8], seeds=[0], training=training)
    (point,) = grid.points()
    row = pd.Series(grid.measurement.describe(point) | grid.measurement.measure([point])[0] | {"parameters": point})
    found = verify.measured_again(row).iloc[0]
    assert (found["quantity"], found["in the results"]) == ("loss", row["test_loss"])
    row["test_loss"] += row["test_stderr"]
    with pytest.raises(ValueError, match="loss measured again"):
        verify.measured_again(row)


def test_a_network_trained_again_may_differ_as_two_seeds_do():
    """The median pair of normal draws is within 0.95 σ, and one pair in a thousand is beyond 3.29 √2 σ."""
    rng = np.random.default_rng(0)
    draws = rng.normal(np.repeat([1.0, 5.0], 4000), 0.1)
    rows = pd.DataFrame(
        {
            "mi_bits": draws,
            "parameters": [{"noise_level": level, "seed": s} for level in (1, 2) for s in range(4000)],
        }
    )
    assert verify.between_draws(rows, "mi_bits") == pytest.approx(3.29 * np.sqrt(2) * 0.1, rel=0.03)
    assert np.isnan(verify.between_draws(rows[::4000], "mi_bits"))
    few = [verify.between_draws(rows[i : i + 3], "mi_bits") for i in range(0, 3000, 3)]
    apart = np.abs(draws[1000:2000] - draws[2000:3000])
    assert np.mean(apart > few) <= 0.004


def test_the_seeds_of_a_sweep_decide_for_networks_alone():
    training = {"steps": 4, "batch": 8, "validate_every": 2}
    grid = ReconstructionGrid(dataset="pbmc68k", sizes=["XXS"], n_genes=[8], seeds=[0], training=training)
    (point,) = grid.points()
    row = pd.Series(grid.measurement.describe(point) | grid.measurement.measure([point])[0] | {"parameters": point})
    alike = pd.DataFrame([row, row.copy()])
    alike["test_loss"] += [row["test_stderr"], -row["test_stderr"]]
    row["test_loss"] += row["test_stderr"]
    with pytest.raises(ValueError, match="loss measured again"):
        verify.measured_again(row, alike.head(1))
    assert verify.measured_again(row, alike)["tolerance"][0] > row["test_stderr"]


def test_pairs_with_a_known_answer_are_packed_found_again_and_verified(packed, monkeypatch):
    """They are of no dataset, and have no settings of one."""
    store, rows = packed
    pairs = {"estimators": ["ksg", "cca"], "bits": [1.0], "n": [100], "dims": [2], "seeds": [0], "progress": False}
    measured = calibrate(store, **pairs)
    verify.pack(store)
    for file in (store.path / "rows").iterdir():
        file.unlink()
    assert len(Store(store.path).table()) == len(rows) + 2
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured again"))
        again = calibrate(Store(store.path), **pairs)
    assert again["mi_bits"].tolist() == measured["mi_bits"].tolist()
    assert verify.measured_again(again.iloc[0])["in the results"][0] == measured["mi_bits"][0]
    assert verify.verify(Store(store.path), points=5)["agrees"].all()


def code_cells(name):
    return [c.source for c in jupytext.read(find_notebook(name, project_root())).cells if c.cell_type == "code"]


READING = [name for name in notebooks(project_root()) if any("measured_again(" in cell for cell in code_cells(name))]


def test_pages_that_measure_one_point_again_read_the_others():
    plan = load_plan("quick", project_root())
    assert len(READING) == 4
    assert {plan.parameters_of(f"notebooks/{name}")["profile"] for name in READING} == {"reference"}
    assert not {group.notebook for group in plan.sweep} & set(READING)
    assert {group.notebook for group in load_plan("reference", project_root()).sweep} >= set(READING)


@pytest.mark.parametrize("name", READING)
def test_they_find_every_point_of_their_defaults(name, monkeypatch):
    """Else the book would measure for minutes. The cells are run up to the one that names what failed."""
    told = f"a point is not in results/reference: noise-scaling run {name} -p profile=reference; noise-scaling pack"
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail(told))
    before, _, rest = "\n".join(code_cells(name)).partition("\nfailures(")
    names = {}
    exec(f"{before}\ntold = failures({rest.splitlines()[0]}", names)  # noqa: S102
    assert names["profile"] == "reference"
    assert names["store"].path == reference.folder()
    assert names["told"].endswith("points were measured; none failed.")


def test_rows_win_over_packed_ones_of_the_same_method_and_a_later_method_over_both(packed):
    store, rows = packed
    point, state, method = rows.loc[0, ["parameters_hash", "data_hash", "method"]]
    row = store.get(f"{point}-{state}-{method}")
    store.put(f"{point}-{state}-{method}", row | {"mi_bits": 8.0})
    assert 8.0 in Store(store.path).table()["mi_bits"].tolist()
    later = method.replace("thin", "thin9")
    store.put(f"{point}-{state}-{later}", row | {"mi_bits": 7.0, "method": later})
    assert 7.0 in Store(store.path).table()["mi_bits"].tolist()


def test_rows_on_other_data_are_measured_again(packed):
    store, _ = packed
    table = pd.read_parquet(store.path / reference.ROWS).assign(data_hash="0" * 12, mi_bits=99.0)
    table.to_parquet(store.path / reference.ROWS)
    assert run_sweep(GRID, Store(store.path), progress=False)["mi_bits"].max() < 10


def test_new_points_join_the_packed_ones(packed):
    store, rows = packed
    more = run_sweep(GRID.model_copy(update={"depths": [1.0, 0.5]}), store, progress=False)
    assert more["mi_bits"].iloc[-1] == rows["mi_bits"].iloc[-1]
    assert len(store.table()) == 3
    verify.pack(store)
    assert len(Store(store.path).table()) == 3


def test_without_the_data_the_record_is_enough(packed, monkeypatch, tmp_path):
    """A registered dataset measured on its miniature, then its loader finds no file."""
    store, _ = packed
    options = {"folder": str(write("pbmc4k", tmp_path / "miniature"))}
    grid = GRID.model_copy(update={"dataset": "pbmc4k", "options": options})
    measured = run_sweep(grid, store, progress=False)
    verify.pack(store)
    monkeypatch.setattr(data, "_dataset", lambda *_: (_ for _ in ()).throw(FileNotFoundError("no data")))
    monkeypatch.setattr(data, "_loader_state", lambda name: "changed")
    data._facts.cache_clear()
    again = run_sweep(grid, Store(store.path), progress=False)
    assert again["mi_bits"].tolist() == measured["mi_bits"].tolist()
    assert grid.about()["cells"] == 400
    with pytest.raises(FileNotFoundError, match="no data"):
        run_sweep(grid.model_copy(update={"depths": [0.3]}), Store(store.path), progress=False)


def test_missing_data_stop_a_sweep_before_any_row(tmp_path, monkeypatch):
    monkeypatch.setenv(files.VARIABLE, str(tmp_path / "empty"))
    monkeypatch.setattr(files, "_resume", lambda *_: (_ for _ in ()).throw(ConnectionError("no network")))
    grid = Grid(dataset="larry", representations=["pca"])
    with pytest.raises(FileNotFoundError, match=r"By hand: 1\. download"):
        run_sweep(grid, Store(tmp_path / "store"), progress=False)
    assert not (tmp_path / "store").exists()


def test_nothing_to_pack_is_told(tmp_path):
    with pytest.raises(ValueError, match="has no measured point"):
        verify.pack(Store(tmp_path))


def test_an_unknown_table_is_told():
    with pytest.raises(FileNotFoundError, match="no reference table 'calibratoin'"):
        reference.table("calibratoin")


def test_committed_results_name_data_and_method():
    """Every packed row can be traced: settings, data with recorded facts, method, commit, seconds."""
    file = reference.folder() / reference.ROWS
    rows = pd.read_parquet(file)
    facts = json.loads((reference.folder() / reference.FACTS).read_text())
    assert (rows["status"] == "ok").all()
    assert rows[["parameters_hash", "data_hash", "method", "commit", "measured", "seconds"]].notna().all(axis=None)
    for text, state in zip(rows["parameters"], rows["data_hash"], strict=True):
        point = json.loads(text)
        if "task" in point:  # drawn from a formula
            assert state == "exact"
            continue
        assert facts[reference.facts_key(point["dataset"], point["options"])]["data_hash"] == state
    assert not rows["dataset"].str.contains("files in").any()


def test_sizes_end_with_all_cells():
    assert sizes_within(GRID, [10, 50, 500]) == [10, 50, 120]


# Published numbers


def test_the_first_paper_as_printed():
    table = published.first_version("protein")
    assert table.loc["txformer", "depth for 0.9·I_max (UMIs per cell)"] == 1423
    assert "scvi" not in published.first_version("neighbour").index
    with pytest.raises(ValueError, match="did you mean 'protein'"):
        published.first_version("proteins")


# Advice and report


def points(i_max, u_bar, depths=(10, 30, 100, 300, 1000, 3000)):
    law = NoiseLaw(i_max, u_bar)
    return pd.DataFrame({"umis_per_cell": depths, "mi_bits": [float(law(u)) for u in depths], "model": "pca"})


def test_advice_is_the_laws_own_depth():
    fits = fit_groups(points(2.0, 300.0), NoiseLaw, "umis_per_cell", by="model")
    (told,) = depth_advice(fits)
    need = NoiseLaw(2.0, 300.0).depth_for(1.8)
    assert f"takes {need:,.0f} UMIs per cell" in told
    assert f"{3000 / need:.1f}-fold shallower would do" in told
    flat = points(2.0, 300.0).assign(mi_bits=1.0)
    assert "no recommendation" in depth_advice(fit_groups(flat, NoiseLaw, "umis_per_cell", by="model"))[0]


def test_ratios_are_relative_to_the_model_named():
    both = pd.concat([points(2.0, 300.0), points(1.0, 100.0).assign(model="scvi")]).assign(data="d")
    fits = fit_groups(both, NoiseLaw, "umis_per_cell", by=["data", "model"])
    found = ratio_table(parameter_table(fits, ["data", "model"]), ["data"]).iloc[0]
    assert found["model"] == "scvi"
    assert found["I_max ÷ pca's"] == pytest.approx(0.5, abs=1e-3)
    assert found["ū ÷ pca's"] == pytest.approx(1 / 3, abs=1e-3)


def test_a_report_stands_alone_and_escapes(tmp_path):
    import altair as alt

    chart = alt.Chart(pd.DataFrame({"x": [1]})).mark_point().encode(x="x:Q")
    target = report.save(
        tmp_path / "a" / "r.html", "<b>", ["<i>do</i>"], chart, {"T": pd.DataFrame({"c": [1]}), "S": "s"}
    )
    text = target.read_text()
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)  # what a reader sees
    assert shown.index("&lt;i&gt;do&lt;/i&gt;") < shown.index('id="vis"></div>') < shown.index("<td>1</td>")
    assert 'src="http' not in text


def test_the_recorded_facts_of_data_are_by_the_present_loaders():
    """Else every page of real data reads them anew: `noise-scaling pack`, with the data at hand, records them."""
    recorded = json.loads((reference.folder() / reference.FACTS).read_text("utf8"))
    old = {name for key, facts in recorded.items() if data._loader_state(name := key.split()[0]) != facts["loader"]}
    assert not old
