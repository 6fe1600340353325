"""The store: whole rows or none, nothing lost, newest in use first."""

import json
import multiprocessing

import numpy as np
import pandas as pd
import pytest

from helpers.store import COLUMNS, Store, code_hash, failures, short_hash


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


def test_of_two_versions_the_one_in_use_is_shown(tmp_path):
    store = Store(tmp_path)
    store.put("p-old", row(mi_bits=1.0))
    store.put("p-new", row(mi_bits=2.0))
    for used, bits in (("p-new", 2.0), ("p-old", 1.0), ("p-old", 1.0), ("p-new", 2.0)):
        store.touch([used])
        assert store.table()["mi_bits"].tolist() == [bits]
    assert len(list((tmp_path / "rows").iterdir())) == 2
    assert len(list((tmp_path / "used").iterdir())) == 2


def test_versions_used_together_rank_alike_and_their_notes_do_not_pile_up(tmp_path):
    """As those of a grid of two representations, in turn with another grid."""
    store = Store(tmp_path)
    for _ in range(3):
        store.touch(["p-a", "q-b"])
        store.touch(["p-a", "q-b"])
        store.touch(["p-c"])
    assert sorted(file.name for file in (tmp_path / "used").iterdir()) == [
        "000000005-a", "000000005-b", "000000006-c",
    ]  # fmt: skip


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


def test_code_hash_sees_what_code_does(tmp_path):
    file = tmp_path / "m.py"
    hashes = []
    for text in (
        'def f(x):\n    "doc"\n    return x + 1\n',
        "def f(x):  # other words\n    return (x + 1)\n",
        "def f(x):\n    return x + 2\n",
    ):
        file.write_text(text)
        hashes.append(code_hash([file]))
    assert hashes[0] == hashes[1] != hashes[2]


def test_short_hash_tells_values_apart():
    assert short_hash({"a": 1}) != short_hash({"a": 2})
    assert json.loads(json.dumps(short_hash([1]))) == short_hash([1])


def test_failures_lists_reasons():
    table = pd.DataFrame([row(status="failed", message="because")], columns=COLUMNS)
    assert failures(table)["message"].tolist() == ["because"]
