"""Bad input is refused by name, and what comes from outside is read, never run.

``python tests/test_refuse.py`` writes the table of refusals that the book shows, ``book/_static/refusals.csv``.
"""

import ast
import io
import json
import pickle
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from helpers import design, noise
from helpers.book import run, workflow
from helpers.datasets import files, images, load, pairing, read, splits, your_file
from helpers.information import cca, ksg, lmi, lmi_many, plug_in
from helpers.information.gaussian import channel_samples
from helpers.information.known_pairs import known_pair
from helpers.information.spectrum import simulate
from helpers.laws import CellNumberLaw, JointLaw, NoiseLaw
from helpers.noise.counts import thin_rows
from helpers.preprocess import genes as preprocess
from helpers.representations import build
from helpers.representations.esm import ESM
from helpers.representations.mobilenet import MobileNet
from helpers.representations.objective import Training
from helpers.representations.reconstruction import train_reconstruction
from helpers.store import paths
from helpers.sweep.cells import Grid
from refusals import ROOT, TABLE, Harmful, answer, catalogue, line, stored, table, tenx

ENTRIES = catalogue()
# What a bad input may be answered with: an error that names it, or a flag.
ANSWERS = ("ValueError", "FileNotFoundError", "NotADirectoryError", "exit 2", "warning")
FLAGS = ("row: failed", "fit: bound", "fit: unconstrained", "fit: failed")
STALE = "run `python tests/test_refuse.py` and look at what changed in book/_static/refusals.csv"


@pytest.fixture(scope="module")
def shown():
    """Return the committed table by area and input."""
    rows = pd.read_csv(TABLE, keep_default_na=False).to_dict("records")
    return {(row["area"], row["input"]): row for row in rows}


@pytest.mark.parametrize("entry", ENTRIES, ids=[f"{entry.area}: {entry.what}" for entry in ENTRIES])
def test_a_bad_input_is_refused_by_name(entry, tmp_path, shown):
    found = answer(entry, tmp_path)
    assert found.outcome in (*ANSWERS, *FLAGS)
    assert entry.told in found.message
    assert len(found.message.split()) >= 3
    assert found.ours, f"raised by a library, not by this project: {found.message}"
    assert shown.get((entry.area, entry.what)) == line(entry, found), STALE


def test_the_table_of_refusals_has_every_entry_once(shown):
    assert len(ENTRIES) >= 120
    assert list(shown) == [(entry.area, entry.what) for entry in ENTRIES], STALE


def test_every_part_of_a_10x_file_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(your_file, "CHUNK", 50)
    with pytest.raises(ValueError, match=r"cells\.h5 is damaged \(indices from \d+ to 30 for 30 genes\)"):
        tenx(change=stored("matrix/indices", 179, 30))(tmp_path)


# Any bad value

NOT_NUMBERS = st.one_of(
    st.none(), st.text(max_size=5), st.booleans(), st.lists(st.floats(), max_size=2), st.just(float("nan")),
    st.just(float("inf")), st.just(-float("inf")), st.complex_numbers(max_magnitude=1.0),
)  # fmt: skip
NOT_FRACTIONS = (
    NOT_NUMBERS | st.floats(max_value=0) | st.floats(min_value=1, exclude_min=True) | st.integers(min_value=2)
)
BROKEN = st.floats(0.01, 0.99).map(lambda part: 3 + part)
NOT_COUNTING = NOT_NUMBERS | BROKEN | st.integers(max_value=0)

COUNTS = np.random.default_rng(0).poisson(2, (12, 5))
X = np.random.default_rng(1).normal(size=(60, 2))
Y = X[:, :1] + np.random.default_rng(2).normal(size=(60, 1))
DEPTHS = np.array([10.0, 30, 100, 300, 1000])
BITS = NoiseLaw(2.0, 80.0)(DEPTHS)
FIT = NoiseLaw.fit(DEPTHS, BITS + 0.01 * np.random.default_rng(3).normal(size=5))
GRID = {"dataset": "pbmc68k", "representations": ["pca"]}


@given(NOT_FRACTIONS)
def test_no_other_fraction_thins(value):
    for thinning in (noise.thin, noise.thin_twice):
        with pytest.raises(ValueError, match="fraction is"):
            thinning(COUNTS, value, 0)
    with pytest.raises(ValueError, match="fraction is"):
        noise.thin_nested(COUNTS, [value])


@given(NOT_FRACTIONS.filter(lambda value: value is not True))  # pydantic takes True for 1.0
def test_no_other_depth_makes_a_grid(value):
    for field in ("depths", "probe_depths"):
        with pytest.raises(ValueError, match=r"depth is|one of (probe_)?depths is"):
            Grid(**GRID, **{field: [value]})


@given(NOT_NUMBERS.filter(lambda value: not isinstance(value, bool) and not _is_digits(value)) | BROKEN)
def test_what_is_no_whole_number_makes_no_grid(value):
    for field in ("seeds", "folds", "n_train"):
        with pytest.raises(ValueError, match=field):
            Grid(**GRID, **{field: [value]})
    for field in ("dim", "n_top"):
        with pytest.raises(ValueError, match=field):
            Grid(**GRID, **{field: value})


def _is_digits(value):
    return isinstance(value, str) and value.strip().lstrip("+-").replace("_", "").isdigit()


@given(st.integers(-(2**63), -1) | st.integers(2**32, 2**63 - 1))
def test_no_seed_fold_or_size_lies_outside_32_bits(value):
    for field in ("seeds", "folds", "n_train"):
        with pytest.raises(ValueError, match=f"one of {field} is {value}|{field}.0"):
            Grid(**GRID, **{field: [value]})
    with pytest.raises(ValueError, match=f"seed is {value}"):
        build("pca", 4, value).fit(X)


@given(NOT_NUMBERS | BROKEN | st.floats() | st.integers(max_value=-1) | st.integers(min_value=2**63))
def test_no_other_seed_is_taken(value):
    for seeded in (
        lambda: lmi(X, Y, seed=value),
        lambda: lmi_many([(X, Y)], value),
        lambda: lmi(X, Y, seed=value, faithful=True),
        lambda: ksg(X, Y, seed=value),
        lambda: cca(X, Y, seed=value),
        lambda: plug_in(["a", "b"] * 30, ["a", "b"] * 30, seed=value),
        lambda: noise.thin_nested(COUNTS, [0.5], value),
        lambda: thin_rows(COUNTS, 0.5, value),
        lambda: preprocess.nested_subset(10, 5, value),
        lambda: splits.stratified(["a", "b"] * 30, 2, value),
        lambda: pairing.neighbours(X, np.zeros(60, int), 1, value),
        lambda: simulate("even", 1.0, 2.0, 3, value),
        lambda: known_pair("gaussian", 1.0, 60, 2, value),
        lambda: build("pca", 2, value).fit(X),
        lambda: load("simulated", seed=value),
        lambda: design.draws(FIT, 1, value),
    ):
        with pytest.raises(ValueError, match="seed is"):
            seeded()


@given(
    NOT_NUMBERS.filter(lambda value: value is not None)
    | BROKEN
    | st.integers(max_value=-1)
    | st.integers(min_value=2**63)
)
def test_no_other_generator_is_taken(value):
    for draw in (
        lambda: noise.thin(COUNTS, 0.5, value),
        lambda: noise.thin(COUNTS, 1.0, value),
        lambda: noise.thin_twice(COUNTS, 0.5, value),
        lambda: noise.add_gaussian(X, 0.5, value),
        lambda: noise.add_gaussian(X, 0, value),
        lambda: noise.substitute(["MFV"], 0.5, value),
        lambda: channel_samples(1.0, 0.5, 1.0, 9, value),
    ):
        with pytest.raises(ValueError, match="rng is"):
            draw()


@given(NOT_COUNTING)
def test_neighbours_folds_and_dimensions_are_counted(value):
    for name in ("k", "dim", "folds"):
        with pytest.raises(ValueError, match=f"{name} is"):
            lmi(X, Y, **{name: value})
    with pytest.raises(ValueError, match="k is"):
        ksg(X, Y, k=value)
    with pytest.raises(ValueError, match="folds is"):
        cca(X, Y, folds=value)
    with pytest.raises(ValueError, match="dim is"):
        build("pca", value).fit(X)
    with pytest.raises(ValueError, match="n_top is"):
        preprocess.choose_genes(COUNTS, value)
    with pytest.raises(ValueError, match="n_train is"):
        preprocess.nested_subset(10, value, 0)


@given(st.sets(st.integers(0, 59), min_size=1), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_no_estimator_takes_cells_without_a_number(rows, value):
    holed = X.copy()
    holed[list(rows)] = value
    for estimator in (lmi, ksg, cca):
        for pair in ((holed, Y), (Y, holed)):
            with pytest.raises(ValueError, match=rf"in {len(rows)} of 60 rows \(first: row {min(rows)}\)"):
                estimator(*pair)
    labels = np.array(["a", "b"] * 30, dtype=object)
    labels[list(rows)] = None
    with pytest.raises(ValueError, match=f"y holds {len(rows)} missing labels"):
        plug_in(["a", "b"] * 30, labels)
    with pytest.raises(ValueError, match=f"in {len(rows)} of 60 rows"):
        build("pca", 2).fit(holed)


@given(st.integers(0, 60), st.integers(0, 60))
def test_no_estimator_takes_sides_of_other_lengths(one, other):
    assume(one != other)
    for estimator in (lmi, ksg, cca):
        with pytest.raises(ValueError, match=f"x has {one} rows, y has {other} rows"):
            estimator(X[:one], Y[:other])
    with pytest.raises(ValueError, match=f"x has {one} rows, y has {other} rows"):
        plug_in((["a", "b"] * 30)[:one], (["a", "b"] * 30)[:other])


@given(st.integers(0, 11), st.integers(0, 4), BROKEN | st.floats(max_value=-1e-3) | st.just(np.nan))
def test_no_count_is_broken_or_negative(cell, gene, value):
    spoiled = COUNTS.astype(float)
    spoiled[cell, gene] = value
    for take in (noise.thin_nested, preprocess.log_cp10k, preprocess.choose_genes, build("scvi", 2).fit):
        with pytest.raises(ValueError, match=r"holds? "):
            take(spoiled, *([[0.5]] if take is noise.thin_nested else []))


@given(st.integers(0, 4), st.sampled_from([np.nan, np.inf, -1.0, 0.0]) | st.floats(max_value=0))
def test_no_law_is_fitted_to_impossible_points(at, value):
    depths = DEPTHS.copy()
    depths[at] = value
    for law in (NoiseLaw, CellNumberLaw):
        with pytest.raises(ValueError, match=r"holds|every value"):
            law.fit(depths, BITS)
        with pytest.raises(ValueError, match=r"has 5 rows|rows"):
            law.fit(DEPTHS, BITS[:at])
    with pytest.raises(ValueError, match=r"holds|every value"):
        JointLaw.fit(depths, DEPTHS, BITS)


@given(NOT_NUMBERS | st.floats(max_value=-1e-300))
def test_no_law_has_impossible_parameters(value):
    for law, parameters in ((NoiseLaw, {"i_max": 2.0, "u_bar": 80.0}), (CellNumberLaw, {"n0": 50.0, "s": 0.5})):
        for name in parameters:
            with pytest.raises(ValueError, match=f"{name} is"):
                law(**{**({"i_inf": 2.0} if law is CellNumberLaw else {}), **parameters, name: value})


DECLARED = {"dim": 16, "share": 0.9, "name": "quick", "depths": [1.0, 0.1], "seeds": [0], "live": True}
LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
KINDS = {"dim": int, "share": (int, float), "name": str, "depths": list, "seeds": list, "live": bool}


@given(st.sampled_from(sorted(DECLARED)) | st.text(max_size=5), LITERALS)
def test_a_parameter_is_of_its_kind_or_refused(name, value):
    try:
        assert run.check_parameters({name: value}, DECLARED) == {name: value}
    except ValueError:
        return
    assert isinstance(value, KINDS[name])
    assert isinstance(value, bool) == (name == "live")
    if isinstance(value, list):
        assert all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)


@given(LITERALS)
def test_a_literal_comes_back_as_it_was(value):
    assert run.parse_assignments([f"x={value!r}"]) == {"x": value}


CODE = (
    "__import__('os').mkdir(MARK)", "[].__class__.__base__.__subclasses__()", "(lambda: 1)()", "open(MARK, 'w')",
    "exec('1')", "f'{1 + 1}'", "[x for x in (1,)]", "dim.real", "1 if True else 2",
)  # fmt: skip


@given(st.sampled_from(CODE), st.sampled_from(["{}", "[{}]", "({}, 1)", "{{'a': {}}}", "{{{}}}", "-{}", "{} or 1"]))
def test_no_expression_is_evaluated(tmp_path_factory, code, around):
    mark = tmp_path_factory.mktemp("code") / "mark"
    text = around.format(code.replace("MARK", repr(str(mark))))
    assert run.parse_assignments([f"dim={text}"]) == {"dim": text}, "an expression became a value"
    assert not mark.exists()


@given(st.text(min_size=1, max_size=30))
def test_any_other_text_stays_text(text):
    name, value = "x", run.parse_assignments([f"x={text}"])["x"]
    if not isinstance(value, str):
        assert isinstance(value, (int, float, complex, bytes, list, tuple, set, dict, type(None), type(...)))
    assert name == "x"


PIECES = st.lists(
    st.sampled_from(["..", ".", "/", "//", "notebooks", "datasets", "pbmc68k", "etc", "passwd", ".md", "~", "\\"])
    | st.text(max_size=3),
    max_size=8,
).map("".join)


@example("..")
@example("/tmp")
@given(PIECES)
def test_no_profile_leads_out_of_the_results(name):
    with tempfile.TemporaryDirectory() as base, pytest.MonkeyPatch.context() as changed:
        changed.setenv("NOISE_SCALING_RESULTS", base)
        try:
            folder = paths.profile_folder(name)
        except ValueError:
            return
        assert folder.resolve().parent == Path(base).resolve()


@example("../../../etc/passwd")
@example("/etc/passwd")
@example("book/../../x")
@given(PIECES)
def test_no_notebook_is_outside_the_project(name):
    try:
        found = run.find_notebook(name, ROOT)
    except ValueError:
        return
    assert found.is_relative_to(ROOT)
    assert found.suffix == ".md"


@given(PIECES)
def test_a_run_is_a_file_of_its_folder(name):
    assert Path("runs", f"{run.run_id(name, {})}.ipynb").parent == Path("runs")


# Nothing from outside is run


@pytest.fixture(autouse=True)
def unmarked():
    """Fail where something that was read has left the mark of code that ran."""
    yield
    assert not Harmful.mark.exists()


def harmful(file):
    file.write_bytes(pickle.dumps(Harmful()))


def test_the_mark_is_left_where_a_pickle_is_read(tmp_path):
    """Else the tests below would show nothing."""
    harmful(tmp_path / "x.pkl")
    pickle.loads((tmp_path / "x.pkl").read_bytes())  # noqa: S301  (our own)
    assert Harmful.mark.exists()
    Harmful.mark.rmdir()


def calls():
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf8"))):
            if isinstance(node, ast.Call):
                options = {k.arg: ast.unparse(k.value) for k in node.keywords}
                yield f"{file.name}:{node.lineno}", ast.unparse(node.func), options


def test_weights_archives_and_arrays_are_read_without_code():
    """What the linter's rules on pickle, eval, exec and YAML do not see."""
    needed = {"torch.load": {"weights_only": "True"}, "extractall": {"filter": "'data'"}}
    seen = set()
    for where, name, options in calls():
        for known, wanted in needed.items():
            if name == known or name.endswith(f".{known}"):
                assert wanted.items() <= options.items(), where
                seen.add(known)
        if name.split(".")[0].endswith(("ForMaskedLM", "ForImageClassification")) and name.endswith("from_pretrained"):
            assert options["use_safetensors"] == "True", where
            seen.add("from_pretrained")
        assert options.get("allow_pickle", "False") == "False", where
        assert options.get("trust_remote_code", "False") == "False", where
        if name.split(".")[0].startswith("Auto"):  # these would take code from a folder, others know their own alone
            assert options.get("trust_remote_code") == "False", where
            seen.add("trust_remote_code")
        assert not name.endswith("np.load"), where
    assert seen == {*needed, "from_pretrained", "trust_remote_code"}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_saved_state_that_runs_code_is_not_taken_up(tmp_path, zipped):
    torch.save({"identity": Harmful()}, tmp_path / "state.pt", _use_new_zipfile_serialization=zipped)
    x = np.random.default_rng(0).random((20, 4), np.float32)
    with pytest.warns(UserWarning, match="cannot be read"):
        train_reconstruction(x[:15], x[15:], Training("TINY", steps=1, batch=4), checkpoint=tmp_path / "state.pt")


MODELS = {
    "txformer": lambda folder: build("txformer", 4, from_checkpoint=str(folder)).fit(COUNTS, genes=list("ABCDE")),
    "mobilenet": lambda folder: MobileNet(weights=folder).fit(np.zeros((4, 3, 32, 32), np.float32), ["a", "b"] * 2),
    "esm": lambda folder: ESM(weights=folder).fit(["MFVFLVLL", "MFVFLVLA"]),
}
KIND = {"txformer": "bert", "mobilenet": "mobilenet_v2", "esm": "esm"}


@pytest.mark.parametrize("model", MODELS)
def test_pretrained_weights_that_run_code_are_refused(tmp_path, model):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": KIND[model]}))
    (tmp_path / "vocab.txt").write_text("<pad>\n<mask>\n")
    (tmp_path / "token_dictionary.json").write_text(json.dumps({"<pad>": 0, "<mask>": 1, "A": 2}))
    (tmp_path / "gene_median.json").write_text(json.dumps({"A": 1.0}))
    torch.save({"weights": Harmful()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"safetensors"):
        MODELS[model](tmp_path)


@pytest.mark.parametrize("model", ["mobilenet", "esm"])
def test_code_beside_pretrained_weights_is_not_run(tmp_path, model):
    code = f"import os; os.mkdir({str(Harmful.mark)!r})\nclass Config: pass\n"
    (tmp_path / "evil.py").write_text(code)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}))
    with pytest.raises((ValueError, OSError), match=r"evil|code"):
        MODELS[model](tmp_path)


def test_pickled_objects_in_an_archive_of_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([Harmful(), None], dtype=object))
    with pytest.raises(ValueError, match=r"x\.npz is not a readable .*a is not a plain array"):
        images.read_npz(tmp_path / "x.npz", "a")


def test_a_profile_in_yaml_runs_nothing(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text(f"about: !!python/object/apply:os.mkdir [{Harmful.mark}]\n")
    with pytest.raises(ValueError, match=r"mine\.yaml is not plain YAML"):
        workflow.load_plan("mine", tmp_path)


def test_an_r_file_with_a_call_runs_nothing(tmp_path):
    """The call ``system("mkdir MARK")`` is read as the tree it is."""
    number = lambda *values: b"".join(struct.pack(">i", v) for v in values)  # noqa: E731
    text = lambda value: number(0x40009, len(value)) + value.encode()  # noqa: E731
    call = number(6, 1) + text("system") + number(2, 16, 1) + text(f"mkdir {Harmful.mark}") + number(254)
    (tmp_path / "x.rds").write_bytes(b"X\n" + number(2, 0x30500, 0x20300) + call)
    assert "system" in repr(read.r_object(tmp_path / "x.rds"))


@pytest.mark.parametrize("kind", ["above", "absolute", "link"])
def test_an_archive_writes_nothing_outside_its_folder(tmp_path, monkeypatch, kind):
    outside, cache = tmp_path / "outside", tmp_path / "cache"
    outside.mkdir()
    entry = tarfile.TarInfo({"above": "../../../outside/mark", "absolute": f"{outside}/mark", "link": "in/mark"}[kind])
    entry.size = 4
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        if kind == "link":
            link = tarfile.TarInfo("in")
            link.type, link.linkname = tarfile.SYMTYPE, str(outside)
            tar.addfile(link)
        tar.addfile(entry, io.BytesIO(b"evil"))
    with zipfile.ZipFile(tmp_path / "caltech-101.zip", "w") as outer:
        outer.writestr("caltech-101/101_ObjectCategories.tar.gz", packed.getvalue())
    monkeypatch.setenv(files.VARIABLE, str(cache))
    monkeypatch.setattr(files, "fetch", lambda *_: tmp_path / "caltech-101.zip")
    with pytest.raises(ValueError, match=r"caltech-101\.zip is not a readable archive"):
        images.caltech101()
    assert list(outside.iterdir()) == []
    assert {f.name for f in tmp_path.iterdir()} <= {"cache", "caltech-101.zip", "outside"}


if __name__ == "__main__":
    before = pd.read_csv(TABLE, keep_default_na=False) if TABLE.exists() else None
    now = table()
    now.to_csv(TABLE, index=False)
    same = before is not None and before.equals(now)
    print(f"{TABLE.relative_to(ROOT)}: {len(now)} refusals, {'as before' if same else 'changed: look at git diff'}")
