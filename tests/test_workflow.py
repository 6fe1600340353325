"""Where jobs run and what they may use; the Snakefile under every place of workflow/profiles."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.book import run, workflow
from helpers.store import rows as store
from helpers.store import stamp as executed
from small_notebook import HEAD, clone_in

ROOT = Path(__file__).parents[1]


# Places


@pytest.mark.parametrize(
    ("on", "told"),
    [
        ("slrum", "unknown place to run on 'slrum': did you mean 'slurm'? Known: local, slurm"),
        ("", "Known: local, slurm"),
        ("nowhere/mine", "nowhere/mine has no config.yaml: give one of local, slurm"),
        ("workflow/profiles", "workflow/profiles has no config.yaml"),
    ],
)
def test_an_unknown_place_is_told(on, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        workflow.place(on, ROOT)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            "executor: no-such-queue",
            "names the executor 'no-such-queue': pip install snakemake-executor-plugin-no-such",
        ),
        ("executor: a.b/c", "names the executor 'a.b/c'"),
        ("- cores", "holds no settings"),
        ("", "holds no settings"),
    ],
)
def test_a_place_that_cannot_run_jobs_is_refused(tmp_path, settings, told):
    (tmp_path / "config.yaml").write_text(settings)
    with pytest.raises(ValueError, match=re.escape(told)):
        workflow.place(str(tmp_path), ROOT)


def test_a_folder_of_ones_own_is_a_place(tmp_path, monkeypatch):
    own = shutil.copytree(ROOT / "workflow" / "profiles" / "local", tmp_path / "mine")
    assert workflow.place(str(own), ROOT) == (own, None)
    monkeypatch.chdir(tmp_path)
    assert workflow.place("mine", ROOT) == (own, None)
    assert workflow.place("local", ROOT)[0] == ROOT / "workflow" / "profiles" / "local"


@pytest.mark.parametrize(
    ("on", "cores", "limit"), [("local", None, []), ("local", 3, ["--cores", "3"]), ("slurm", 3, ["--jobs", "3"])]
)
def test_the_number_of_jobs_reaches_snakemake(tmp_path, monkeypatch, on, cores, limit):
    snakemake = tmp_path / "python"
    snakemake.write_text(f"#!/bin/sh\nprintf '%s\n' \"$@\" > {tmp_path}/given\nexit 7\n")
    snakemake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(snakemake))
    assert workflow.run_workflow("sweep", "trial", ROOT, cores, verbose=True, on=on) == 7
    command = (tmp_path / "given").read_text().splitlines()
    at = command.index("--workflow-profile")
    assert command[at : command.index("--config")] == [
        "--workflow-profile", str(ROOT / "workflow" / "profiles" / on), "--nolock", *limit,
    ]  # fmt: skip


def test_a_failure_is_printed_without_the_lists_of_input_files(tmp_path, monkeypatch, capsys):
    snakemake = tmp_path / "python"
    snakemake.write_text("#!/bin/sh\necho 'rule sweep_job:'\necho '    input: a.py, b.py'\necho 'Error: why'\nexit 3\n")
    snakemake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(snakemake))
    assert workflow.run_workflow("sweep", "trial", ROOT) == 3
    told = capsys.readouterr().err
    assert "Error: why" in told
    assert "a.py" not in told


def test_a_profile_without_pages_builds_no_book():
    with pytest.raises(ValueError, match="no pages for a book: noise-scaling sweep --profile trial"):
        workflow.run_workflow("html", "trial", ROOT)


# Resources


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mem": 4000}, "unknown resource 'mem': did you mean 'mem_mb'"),
        ({"gpus": 1}, "did you mean 'gpu'"),
        ({"disk": 1}, "Known: gpu, mem_mb, runtime, threads"),
        ({"threads": 0}, r"threads is 0: it must be a whole number in [1, 1024]"),
        ({"threads": 1.5}, "threads is 1.5: it must be a whole number"),
        ({"threads": True}, "threads is True: it must be a whole number"),
        ({"mem_mb": 16}, "mem_mb is 16: it must be a whole number in [100,"),
        ({"mem_mb": "16 GB"}, "mem_mb is '16 GB': it must be a whole number"),
        ({"runtime": -1}, "runtime is -1: it must be a whole number in [1, 43200]. Minutes"),
        ({"runtime": None}, "runtime is None"),
        ({"runtime": float("nan")}, "runtime is nan"),
        ({"gpu": 9}, "gpu is 9: it must be a whole number in [0, 8]"),
        ([1], "valid dictionary"),
    ],
)
def test_wrong_resources_are_refused(given, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        workflow.SweepJobs(notebook="datasets/pbmc68k", resources=given)


def test_jobs_carry_the_resources_of_their_entry():
    def plan(**resources):
        entry = {"notebook": "datasets/pbmc68k", "each": {"seeds": [[0], [1]]}, "resources": resources}
        return workflow.Plan(profile="own", about="", sweep=[entry], pages=[])

    large = plan(mem_mb=16000, runtime=240, gpu=1, threads=4).jobs()
    assert {job.resources for job in large.values()} == {
        workflow.Resources(mem_mb=16000, runtime=240, gpu=1, threads=4)
    }
    # What a job may use does not change what it measures: its run is not made again.
    assert list(plan().jobs()) == list(large)
    assert {job.resources for job in plan().jobs().values()} == {workflow.Resources()}


# The Snakefile


def planned(on, folder):
    """Return what Snakemake would run of the profile ``trial``: job → (resources, group)."""
    words = ["--snakefile", "workflow/Snakefile", "--workflow-profile", f"workflow/profiles/{on}", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words, "--config", "profile=trial", "--", "pages"],
        cwd=ROOT, env={**os.environ, "NOISE_SCALING_RESULTS": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    rules = re.findall(r"rule sweep_job:.*?output: (\S+).*?resources: ([^\n]*)", text, re.DOTALL)
    declared = ("mem_mb", "runtime", "gpu")
    jobs = {
        output: {n: int(v) for n, v in re.findall(r"(\w+)=(\d+)", given) if n in declared} for output, given in rules
    }
    return jobs, text.count("Group job points")


def test_every_place_runs_the_same_jobs_with_the_resources_of_the_profile(tmp_path):
    trial = yaml.safe_load((ROOT / "config" / "trial.yaml").read_text())["sweep"][0]["resources"]
    here, groups_here = planned("local", tmp_path)
    slurm, groups = planned("slurm", tmp_path)
    assert set(here) == {f"{tmp_path}/trial/runs/{job}.ipynb" for job in workflow.load_plan("trial", ROOT).jobs()}
    assert slurm == here
    assert all(given == {"gpu": 0, **trial} for given in here.values())
    settings = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    points = int(settings["group-components"][0].removeprefix("points="))
    assert (groups_here, groups) == (0, math.ceil(len(here) / points))


def test_runs_lie_beside_the_rows(monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", "/data/results")
    assert workflow.runs_folder("trial") == "/data/results/trial/runs"
    for value in ("", "s3://bucket/results"):
        monkeypatch.setenv("NOISE_SCALING_RESULTS", value)
        assert workflow.runs_folder("trial") == "results/trial/runs"


@pytest.mark.slow
def test_slurm_measures_what_this_machine_measures():
    """Also that cancelled jobs are told and that a rerun completes; see workflow/try_slurm.sh."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if not shutil.which(name, path=path)]
    if missing or os.geteuid() != 0:
        pytest.skip("needs root and Debian's slurm-wlm and munge (workflow/try_slurm.sh installs them)")
    conf = Path("/etc/slurm/slurm.conf")
    if conf.exists() and "noise-scaling-slurm." not in str(conf.resolve()):  # a trial that was killed is mended
        pytest.skip("this machine belongs to a cluster already: /etc/slurm/slurm.conf exists")
    done = subprocess.run(
        ["workflow/try_slurm.sh"], cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rows are equal to those measured without Slurm") == 2


# What is executed again


def page(code, parameters=""):
    cells = [f":tags: [parameters]\n\nprofile = 'small'\n{parameters}", code]
    return "\n".join([HEAD, "# A page\n", *(f"```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells)])


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder like a clone with two pages: one fits a law, the other reads the rows of a store and takes a number."""
    folder = clone_in(tmp_path)
    pages = {
        "fits": page("from helpers.laws import CellNumberLaw\nCellNumberLaw"),
        "reads": page(f"from helpers.store import Store\nlen(Store({str(tmp_path / 'rows')!r}).table())", "number = 1"),
    }
    for name, text in pages.items():
        (folder / "notebooks" / f"{name}.md").write_text(text)
    settings = {"profile": "small", "about": "two pages", "sweep": [], "pages": [f"notebooks/{name}" for name in pages]}
    (folder / "config" / "small.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    return folder


def outdated(clone):
    return workflow.outdated_pages(workflow.load_plan("small", clone), clone)


def test_a_page_is_outdated_by_what_it_is_made_of_alone(clone, tmp_path, monkeypatch):
    plan = workflow.load_plan("small", clone)
    for name in plan.pages:
        run.run_notebook(clone / f"{name}.md", clone / f"{name}.ipynb", plan.parameters_of(name))
    assert outdated(clone) == []
    fits, reads = (clone / "notebooks" / f"{name}.md" for name in ("fits", "reads"))
    for file in (fits, reads, ROOT / "src" / "helpers" / "laws" / "cell_number.py"):
        os.utime(file)  # times say nothing
    assert outdated(clone) == []
    text = fits.read_text()
    fits.write_text(text + "\nA sentence.\n")
    assert outdated(clone) == ["notebooks/fits.ipynb"]
    fits.write_text(text)
    store.Store(tmp_path / "rows").put("p-v", {"dataset": "toy", "status": "ok"})
    assert outdated(clone) == ["notebooks/reads.ipynb"]
    shutil.rmtree(tmp_path / "rows")
    settings = yaml.safe_load((clone / "config" / "small.yaml").read_text())
    settings["page_parameters"] = {"notebooks/reads": {"number": 2}}
    (clone / "config" / "small.yaml").write_text(yaml.safe_dump(settings))
    assert outdated(clone) == ["notebooks/reads.ipynb"]
    (clone / "config" / "small.yaml").write_text(yaml.safe_dump({**settings, "page_parameters": {}}))
    state = executed.code_state
    law = "helpers.laws.cell_number"
    monkeypatch.setattr(executed, "code_state", lambda modules: state(modules) + "new" * (law in modules))
    assert outdated(clone) == ["notebooks/fits.ipynb"]


def test_the_workflow_executes_the_page_that_changed(clone):
    def sweep():
        line = [sys.executable, "-c", "from helpers.book.cli import main; main()", "sweep", "--profile", "small"]
        done = subprocess.run(line, cwd=clone, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return {name: (clone / "notebooks" / f"{name}.ipynb").stat().st_mtime_ns for name in ("fits", "reads")}

    first = sweep()
    assert sweep() == first
    fits = clone / "notebooks" / "fits.md"
    fits.write_text(fits.read_text() + "\nA sentence.\n")
    second = sweep()
    assert second["fits"] > first["fits"]
    assert second["reads"] == first["reads"]
    assert "A sentence." in (clone / "notebooks" / "fits.ipynb").read_text()
