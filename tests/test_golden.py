"""Versions and numbers go together, and every reference row has the key that the code computes, on every Python."""

import json
from importlib.util import find_spec

import pandas as pd
import pytest

import golden
from helpers._utils.content import short_hash
from helpers.store import reference, versions
from helpers.sweep import data

HEAVY = {"torch", "scvi", "transformers", "latentmi"}
ABSENT = {name for name in HEAVY if not find_spec(name)}


def made_now(name):
    try:
        return golden.now(name)
    except ModuleNotFoundError as error:
        if error.name in ABSENT:
            pytest.skip(f"{error.name} is not installed")
        raise


def recorded():
    return json.loads(golden.FILE.read_text("utf8"))


@pytest.mark.parametrize("name", golden.NAMES)
def test_golden_numbers_are_those_of_their_versions(name):
    assert not list(golden.complaints({name: recorded()[name]}, {name: made_now(name)}))


def test_every_case_is_recorded_with_the_versions_of_today():
    told = "run `python tests/golden.py`, which records numbers that moved with a version"
    for name in golden.NAMES:
        assert recorded()[name]["versions"] == golden.versions_of(name), told
    assert set(recorded()) == set(golden.NAMES), told


def test_every_component_has_golden_numbers():
    assert {c for name in golden.NAMES for c in golden.versions_of(name)} == golden.components()


def told(then, now, moved):
    numbers = {"exact": [1.0], "bits": [0.5, 0.25]}
    other = {"exact": [1.0], "bits": [0.5, 0.252 if moved else 0.2504]}
    return list(golden.complaints(
        {"toy": {"versions": then, "numbers": numbers}}, {"toy": {"versions": now, "numbers": other}}
    ))  # fmt: skip


def test_numbers_that_move_without_a_version_are_named_with_both_and_the_fix():
    (sentence,) = told({"thin": 1, "pca": 2}, {"thin": 1, "pca": 2}, moved=True)
    assert "'toy' moved without a new version: number 1 of its bits was 0.25 and is 0.252" in sentence
    assert "raise VERSION of thin or pca" in sentence


def test_a_version_that_rises_while_nothing_moves_is_named():
    (sentence,) = told({"thin": 1, "pca": 2}, {"thin": 1, "pca": 3}, moved=False)
    assert sentence.startswith("VERSION of pca changed and no golden number moved: put it back, or")


@pytest.mark.parametrize(("now", "moved"), [({"thin": 1}, False), ({"thin": 2}, True)])
def test_versions_and_numbers_that_go_together_are_fine(now, moved):
    assert told({"thin": 1}, now, moved) == []


def test_recording_refuses_what_the_tests_refuse(tmp_path, monkeypatch):
    file = tmp_path / "golden.json"
    wrong = recorded()
    wrong["misread_residues"]["numbers"]["exact"][1] += 1
    file.write_text(json.dumps(wrong))
    monkeypatch.setattr(golden, "FILE", file)
    monkeypatch.setattr(golden, "NAMES", ("misread_residues",))
    with pytest.raises(SystemExit, match="raise VERSION of substitution"):
        golden.record()
    wrong["misread_residues"]["versions"]["substitution"] = 0
    file.write_text(json.dumps(wrong))
    golden.record()
    assert json.loads(file.read_text()) == {"misread_residues": recorded()["misread_residues"]}


def test_reference_rows_are_found_by_their_keys():
    """Settings, data and method, as computed here; 209 rows were measured before methods had versions."""
    rows = pd.read_parquet(reference.folder() / reference.ROWS)
    older = 0
    for row in rows.itertuples():
        point = json.loads(row.parameters)
        assert short_hash(point) == row.parameters_hash
        assert (data.data_hash(point) if "dataset" in point else "exact") == row.data_hash
        older += row.method != versions.method_of(point)
    assert (older, len(rows)) == (209, 7569)


def test_a_module_without_one_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_FILES", {"toy": tmp_path / "toy"})
    (tmp_path / "toy.py").write_text("VERSION = 1  # first\nVERSION = 2  # second\n")
    with pytest.raises(ValueError, match=r"toy\.py must have one line such as 'VERSION = 1"):
        versions.version.__wrapped__("toy")
