"""Notebook parameters, profiles, and the command line."""

import functools
import importlib.metadata
import operator
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from helpers.book import run, workflow
from helpers.laws import NoiseLaw
from helpers.store import paths
from small_notebook import HEAD

ROOT = Path(__file__).parents[1]
DECLARED = {"dim": 16, "share": 0.9, "name": "quick", "depths": [1.0, 0.1], "seeds": [0], "live": True, "free": None}


@pytest.mark.parametrize(
    "given",
    [{"dim": 3}, {"share": 1}, {"depths": [1, 0.5]}, {"seeds": []}, {"live": False}, {"free": "anything"}, {}],
)
def test_right_parameters_pass(given):
    assert run.check_parameters(given, DECLARED) == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dims": 3}, "unknown parameter 'dims' of x: did you mean 'dim'"),
        ({"zzz": 3}, "unknown parameter 'zzz' of x: It takes: dim, share"),
        ({"dim": 2.5}, r"'dim' of x is 2.5 \(float\): it must be int, such as its default 16"),
        ({"dim": "8"}, "it must be int"),
        ({"dim": True}, "it must be int"),
        ({"live": 1}, "it must be bool"),
        ({"share": "0.9"}, "it must be float"),
        ({"name": 3}, "it must be str"),
        ({"depths": 1.0}, "it must be a list of float"),
        ({"depths": ["1"]}, "it must be a list of float"),
        ({"seeds": [0.5]}, "it must be a list of int"),
    ],
)
def test_wrong_parameters_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        run.check_parameters(given, DECLARED, "x")


@pytest.mark.parametrize("name", [*run.notebooks(ROOT), "book/intro", "book/reproducibility"])
def test_every_notebook_declares_its_parameters(name):
    declared = run.declared_parameters(run.find_notebook(name, ROOT))
    own = {"datasets/your_data": "your_data"}
    assert declared["profile"] in ("quick", "reference", own.get(name))


def test_notebooks_are_found_by_short_name_and_not_outside():
    assert run.find_notebook("pbmc68k", ROOT) == ROOT / "notebooks/datasets/pbmc68k.md"
    assert run.find_notebook("notebooks/analyses/shape.ipynb", ROOT).name == "shape.md"
    for name in ("pbmc68", "../../etc/passwd", "book/theory", "a\0b", "a" * 5000, "\ud800"):
        with pytest.raises(ValueError, match="unknown notebook"):
            run.find_notebook(name, ROOT)


@pytest.mark.parametrize("pair", ["dim", "=3"])
def test_assignments_need_a_name_and_a_value(pair):
    with pytest.raises(ValueError, match="not of the form name=value"):
        run.parse_assignments([pair])


@pytest.mark.parametrize("text", ["{[]: 1}", "{{}}", "(" * 1000, "-" * 100_000 + "1", "1+" * 20_000 + "1", "1\0"])
def test_what_cannot_be_a_value_is_text(text):
    assert run.parse_assignments([f"x={text}"]) == {"x": text}


def test_an_odd_element_of_a_list_is_named():
    with pytest.raises(ValueError, match=r"\('a' in it is str\): it must be a list of float"):
        run.check_parameters({"depths": [1.0, "a"]}, DECLARED)


@pytest.mark.parametrize("profile", ["../x", "a/b", ""])
def test_a_profile_cannot_lead_out_of_the_results(profile):
    with pytest.raises(ValueError, match="use letters"):
        paths.profile_folder(profile)


def test_cells_are_read_as_jupytext_reads_them():
    for name in (*run.notebooks(ROOT), "book/intro", "book/large", "book/reproducibility"):
        source = run.find_notebook(name, ROOT)
        code = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
        ours = run.code_cells(source)
        assert [cell.source for cell in ours] == [cell.source for cell in code], name
        for cell, other in zip(ours, code, strict=True):
            assert set(other.metadata.get("tags", [])) <= set(cell.options)


@pytest.mark.parametrize("options", [":tags: [parameters, remove-input]\n", "---\ntags: [parameters]\n---\n"])
def test_both_ways_to_tag_a_cell_are_read(tmp_path, options):
    (tmp_path / "x.md").write_text(f"{HEAD}\n````{{code-cell}} ipython3\n{options}\ndim = 8\n````\n")
    assert run.declared_parameters(tmp_path / "x.md") == {"dim": 8}
    jupytext.write(jupytext.read(tmp_path / "x.md"), tmp_path / "x.ipynb")
    (cell,) = run.code_cells(tmp_path / "x.ipynb")
    assert cell.options[0] == "parameters"
    assert cell.source == "dim = 8"


def test_a_parameters_cell_that_is_not_python_is_named(tmp_path):
    (tmp_path / "x.md").write_text(f"{HEAD}\n```{{code-cell}} ipython3\n:tags: [parameters]\n\nx = (\n```\n")
    with pytest.raises(ValueError, match=r"x\.md: the parameters cell is not Python .*never closed.*: correct it"):
        run.declared_parameters(tmp_path / "x.md")


# What a start imports


SLOW = ("jupytext", "nbformat", "papermill", "snakemake", "scvi", "transformers", "jsonschema")


@pytest.mark.parametrize(
    ("line", "also"),
    [
        ("from helpers.book.cli import app", ("numpy", "pandas", "torch", "scanpy", "altair")),
        (
            "from helpers import datasets, representations; from helpers.book import run, workflow",
            ("pandas", "torch", "scanpy", "altair"),
        ),
        ("from helpers.store import points, reference; from helpers import laws", ("altair", "scanpy", "torch")),
        ("from helpers.sweep import Grid, calibration, run_sweep", ("altair", "scanpy", "torch")),
        (
            "from helpers.sweep import measurements, verify; from helpers.findings import law_table, phrases",
            ("altair", "scanpy"),
        ),
        ("from helpers.information import lmi; from helpers.representations import PCA", ("altair", "scanpy")),
        (
            "from helpers.sweep.cell_grids import planned; [grid.points() for grid in planned('linear')]",
            ("altair", "scanpy", "torch", "sklearn"),
        ),
    ],
)
def test_a_start_imports_nothing_that_it_does_not_use(line, also):
    """Seconds of every start of a page and of the command line; charts need Altair, and with it jsonschema."""
    done = subprocess.run(
        [sys.executable, "-c", f"{line}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not {*SLOW, *also} & set(done.stdout.split())


def test_charts_import_nothing_slow_but_what_altair_needs():
    line = "from helpers.charts import calculator, classroom, curves, explorers, widgets; import sys"
    done = subprocess.run(
        [sys.executable, "-c", f"{line}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    found = set(done.stdout.split())
    assert not ({*SLOW} - {"jsonschema"}) & found
    assert not {"rfc3987_syntax", "lark"} & found


# Profiles


@pytest.mark.parametrize("name", workflow.profiles(ROOT))
def test_profiles_are_sound(name):
    plan = workflow.load_plan(name, ROOT)
    assert plan.profile == name
    assert plan.jobs()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    if plan.pages:  # without, it is only swept
        assert sorted(f.removesuffix(".ipynb") for f in files if f.endswith(".ipynb")) == sorted(plan.pages)
    for file in files:
        assert (ROOT / file).with_suffix(".md").exists() or (ROOT / f"{file}.md").exists()


def test_the_sweep_covers_what_the_pages_ask_for():
    """Together, the jobs of a notebook must give each list parameter all values of the page's default."""
    plan = workflow.load_plan("quick", ROOT)
    for group in plan.sweep:
        declared = run.declared_parameters(run.find_notebook(group.notebook, ROOT))
        for name, values in group.each.items():
            assert sorted(functools.reduce(operator.iadd, values, [])) == sorted(declared[name])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("notebook: datasets/pbmc\n    each: {seeds: [[0]]}", "unknown notebook"),
        ("notebook: datasets/pbmc68k\n    each: {seed: [[0]]}", "did you mean 'seeds'"),
        ("notebook: datasets/pbmc68k\n    parameters: {dim: x}", "it must be int"),
        ("notebook: datasets/pbmc68k\n    loops: {}", "unknown field 'loops'"),
    ],
)
def test_a_wrong_profile_is_refused_before_anything_runs(tmp_path, text, told):
    for folder in ("notebooks", "book"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ipynb", "_static"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "bad.yaml").write_text(f"profile: bad\nabout: x\npages: []\nsweep:\n  - {text}\n")
    with pytest.raises(ValueError, match=told):
        workflow.load_plan("bad", tmp_path)


def test_an_unknown_profile_is_told():
    with pytest.raises(ValueError, match="unknown profile 'quik': did you mean 'quick'"):
        workflow.load_plan("quik", ROOT)


# Command line


def cli(*words, cwd=ROOT):
    command = [sys.executable, "-c", "from helpers.book.cli import main; main()", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "datasets/pbmc68k", "-p", "dims=3"), "did you mean 'dim'"),
        (("run", "datasets/pbmc68k", "-p", "dim=x"), "it must be int"),
        (("run", "dataset/pbmc68k"), "did you mean 'datasets/pbmc68k'"),
        (("sweep", "--profile", "quik"), "did you mean 'quick'"),
        (("fit", "no.csv"), "does not exist"),
    ],
)
def test_mistakes_end_with_one_line_and_no_traceback(words, told):
    done = cli(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cell_that_fails_is_told_without_a_traceback(tmp_path):
    done = cli("run", "datasets/pbmc68k", "-p", "depths=[1.5]", "--to", tmp_path / "x.ipynb")
    assert done.returncode == 1
    assert "depth is 1.5: it must be a number in (0, 1]" in done.stderr
    assert "Traceback" not in done.stderr
    assert f"As far as it ran it is {tmp_path / 'x.failed.ipynb'}." in done.stderr
    assert (tmp_path / "x.failed.ipynb").exists()
    assert not (tmp_path / "x.ipynb").exists()


def test_a_relative_path_is_seen_from_where_the_command_runs(tmp_path):
    done = cli("run", "your_data", "-p", "path=notebooks/none.h5ad", "--to", tmp_path / "x.ipynb")
    assert done.returncode == 1
    assert f"{ROOT / 'notebooks' / 'none.h5ad'} does not exist" in done.stderr


def test_data_are_listed_with_licence_and_source():
    listed = cli("data").stdout
    for word in ("spleen_lymph", "licence", "CC0"):
        assert word in listed
    assert "did you mean 'larry'" in cli("data", "lary").stderr


def test_in_another_folder_the_clone_is_the_one_the_package_is_installed_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.project_root() == ROOT
    with pytest.raises(FileNotFoundError, match="is not inside the book"):
        paths.project_root(tmp_path)


def test_a_package_without_a_clone_says_where_to_go(tmp_path):
    shutil.copytree(ROOT / "src" / "helpers", tmp_path / "helpers")
    done = cli("list", cwd=tmp_path)  # python -c looks in the current folder first
    assert done.returncode == 2
    assert "is not inside the book" in done.stderr


def test_a_wheel_installed_within_a_clone_does_not_belong_to_it(tmp_path):
    (tmp_path / "clone" / "notebooks").mkdir(parents=True)
    (tmp_path / "clone" / "_toc.yml").touch()
    packages = tmp_path / "clone" / ".venv" / "lib" / "python3" / "site-packages"
    shutil.copytree(ROOT / "src" / "helpers", packages / "helpers")
    reading = [sys.executable, "-c", "from helpers.store.paths import project_root; print(project_root())"]
    where = {"env": {**os.environ, "PYTHONPATH": str(packages)}, "capture_output": True, "text": True}
    assert "is not inside the book" in subprocess.run(reading, cwd=tmp_path, **where).stderr
    within = subprocess.run(reading, cwd=tmp_path / "clone" / "notebooks", **where)
    assert within.stdout.strip() == str(tmp_path / "clone")


def test_help_and_list():
    assert "noise-scaling run datasets/pbmc68k -p dim=8" in cli("run", "--help").stdout
    listed = cli("list").stdout
    for word in ("datasets/pbmc68k", "representations=", "random_projection", "quick"):
        assert word in listed


def test_fit_of_own_points(tmp_path):
    law = NoiseLaw(2.0, 300.0)
    depths = [10, 30, 100, 300, 1000, 3000]
    lines = [f"{u},{float(law(u)) + 0.01 * (-1) ** i}" for i, u in enumerate(depths)]
    (tmp_path / "points.csv").write_text("\n".join(["u,bits", *lines]))
    done = cli("fit", tmp_path / "points.csv")
    assert done.returncode == 0, done.stderr
    assert "u_bar" in done.stdout
    assert "status: ok" in done.stdout
    page = (tmp_path / "points.html").read_text()
    assert "NoiseLaw" in page
    assert 'src="http' not in page
    (tmp_path / "bad.csv").write_text("u,bit\n1,2\n")
    assert "has no column 'bits': it has u, bit" in cli("fit", tmp_path / "bad.csv").stderr


# Environment


def locked(*files):
    out = {}
    for line in [line for file in files for line in (ROOT / file).read_text().splitlines()]:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"python_full_version": "3.11.7", "python_version": "3.11"}):
            out[wanted.name.lower().replace("_", "-")] = str(wanted.specifier).removeprefix("==")
    return out


def declared_requirements(lab=False):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = extras["lab"] if lab else project["dependencies"] + [r for e in extras if e != "lab" for r in extras[e]]
    return [r for r in map(Requirement, wanted) if r.marker is None or r.marker.evaluate()]


@pytest.mark.parametrize("lab", [False, True])
def test_the_lock_satisfies_the_project(lab):
    lock = locked("requirements-lab.lock" if lab else "requirements.lock")
    for wanted in declared_requirements(lab):
        assert lock[wanted.name.lower()] in wanted.specifier, wanted


def test_the_lock_keeps_what_the_project_says_it_keeps():
    """`make lock` resolves within these; what a user installs has ranges."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    kept = [Requirement(text) for text in project["tool"]["uv"]["constraint-dependencies"]]
    lock = locked("requirements.lock")
    assert kept
    for wanted in kept:
        assert lock[wanted.name] in wanted.specifier, wanted
    exact = [text for text in project["project"]["dependencies"] if "==" in text.partition(";")[0]]
    assert not exact, "other packages of a user's environment want other versions"


def test_what_slows_down_every_start_is_installed_for_jupyterlab_alone():
    """With these, jsonschema, which Altair imports, compiles a grammar for seconds."""
    here, lab = locked("requirements.lock"), locked("requirements-lab.lock")
    assert not set(here) & set(lab)
    for name in ("rfc3987-syntax", "jupyterlab"):
        assert name in lab
        with pytest.raises(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)


def test_environment_yml_agrees():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(d for d in environment if isinstance(d, str) and d.startswith("python="))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert python.removeprefix("python=") in SpecifierSet(project["requires-python"])
    pinned = {r.name: str(r.specifier) for r in map(Requirement, environment[-1]["pip"])}
    assert set(pinned) == {r.name for r in declared_requirements()}
    lock = locked("requirements.lock")
    assert pinned == {name: f"=={lock[name]}" for name in pinned}


@pytest.mark.parametrize("name", ["pbmc68k", "datasets/pbmc68k", "notebooks/datasets/pbmc68k.md"])
def test_a_notebook_is_found_from_the_folder_one_is_in(name, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    assert run.find_notebook(name, Path("..")) == ROOT / "notebooks/datasets/pbmc68k.md"
    monkeypatch.chdir(ROOT)
    assert run.find_notebook(name, Path(".")) == ROOT / "notebooks/datasets/pbmc68k.md"
