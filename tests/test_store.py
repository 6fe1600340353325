"""The store: whole rows or none, nothing lost, newest in use first."""

import json
import multiprocessing

import numpy as np
import pandas as pd
import pytest

from helpers._utils.content import short_hash
from helpers.store.rows import COLUMNS, Store, failures


def row(**values):
    return {"dataset": "toy", "status": "ok", "parameters_hash": "p", "mi_bits": 1.0, **values}


def test_round_trip_and_columns(tmp_path):
    store = Store(tmp_path / "s")
    assert len(store.table()) == 0
    store.put("a", row(mi_bits=np.float32(0.5), n_train=np.int64(3), mi_null_bits=float("nan")))
    table = store.table()
    assert list(table.columns) == list(COLUMNS)
    assert table.loc[0, "mi_bits"] == 0.5
    assert table.loc[0, "n_train"] == 3
    assert pd.isna(table.loc[0, "mi_null_bits"])
    assert store.get("missing") is None


def test_a_failed_write_leaves_nothing(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(TypeError):
        store.put("a", row(parameters=object()))
    assert list(tmp_path.rglob("*.*")) == []


def test_a_broken_file_is_named_and_kept(tmp_path):
    store = Store(tmp_path)
    store.put("a", row(parameters_hash="a"))
    store.put("b", row(parameters_hash="b"))
    broken = tmp_path / "rows" / "b.json"
    broken.write_text(broken.read_text()[:20])
    with pytest.warns(UserWarning, match=r"b\.json cannot be read"):
        table = store.table()
    assert list(table["parameters_hash"]) == ["a"]
    assert broken.exists()


def test_of_two_versions_the_later_is_shown(tmp_path):
    """Whatever the clocks of the machines that measured them said."""
    store = Store(tmp_path)
    for i, (method, when) in enumerate((("thin1-lmi2", "2026"), ("thin1-lmi10", "1999"), ("unversioned", "2027"))):
        store.put(f"p-d-{method}", row(mi_bits=float(i), method=method, measured=when, data_hash="d"))
    assert store.table()["mi_bits"].tolist() == [1.0]
    assert len(list((tmp_path / "rows").iterdir())) == 3


def test_of_two_states_of_the_data_the_row_measured_last_is_shown_and_said(tmp_path):
    store = Store(tmp_path)
    for i, when in enumerate(("2026-11-28T10", "2026-11-28T09")):
        store.put(f"p-{i}-thin1", row(mi_bits=float(i), method="thin1", measured=when, data_hash=str(i)))
    with pytest.warns(UserWarning, match=r"has 1 row\(s\) of other states of the data \(toy\): those measured last"):
        assert store.table()["mi_bits"].tolist() == [0.0]


def _write(path, start):
    for i in range(start, start + 50):
        Store(path).put(str(i), row(parameters_hash=str(i)))


def test_many_processes_write_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(tmp_path, s)) for s in (0, 25, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(Store(tmp_path).table()) == 100
    assert not list((tmp_path / "rows").glob("*.part"))


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(NotADirectoryError, match="a store is a folder"):
        Store(tmp_path / "x")


def test_short_hash_tells_values_apart():
    assert short_hash({"a": 1}) != short_hash({"a": 2})
    assert json.loads(json.dumps(short_hash([1]))) == short_hash([1])


def test_failures_lists_reasons():
    table = pd.DataFrame([row(status="failed", message="because")], columns=COLUMNS)
    assert failures(table)["message"].tolist() == ["because"]
