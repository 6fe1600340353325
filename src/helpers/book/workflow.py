"""The batch plan of a profile: which notebooks run with which parameters, and Snakemake to run it."""

import importlib.util
import itertools
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers._utils.validation import choose, first_refusal, in_range
from helpers.book.run import ENGINE, alone, check_parameters, code_cells, declared_parameters, find_notebook, run_id
from helpers.store import stamp
from helpers.store.paths import profile_folder

# In the environment while a book is built.
PROFILE, STARTED = "NOISE_SCALING_PROFILE", "NOISE_SCALING_STARTED"

_STEP = re.compile(r"(\d+) of (\d+) steps")
_RANGES = {
    "threads": (1, 1024, "Processor cores of one job."),
    "mem_mb": (100, 16_000_000, "Memory of one job in MB: 16000 is 16 GB."),
    "runtime": (1, 43_200, "Minutes of one job: 240 is four hours."),
    "gpu": (0, 8, "GPUs of one job; notebooks use one if there is one."),
}


class Resources(BaseModel):
    """What one job may use (``_RANGES`` has the units); a cluster books it, and may stop a job that takes more.

    >>> Resources(mem_mb=16000, runtime=240, gpu=1).threads
    1
    >>> Resources(runtime=0)
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Resources
      Value error, runtime is 0: it must be a whole number in [1, 43200]. Minutes of one job: 240 is four hours...
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: int = 1
    mem_mb: int = 4000
    runtime: int = 60
    gpu: int = 0

    @model_validator(mode="before")
    @classmethod
    def _known_and_in_range(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name, value in given.items():
                low, high, unit = _RANGES[choose(name, _RANGES, "resource")]
                in_range(value, low, high, name, unit, whole=True)
        return given


class SweepJobs(BaseModel):
    """One notebook run once for every combination of ``each``, with ``parameters`` in all of them.

    ``resources`` are those of each of these jobs.
    """

    model_config = ConfigDict(extra="forbid")

    notebook: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    each: dict[str, list[Any]] = Field(default_factory=dict)
    resources: Resources = Resources()


class Job(NamedTuple):
    """One run of a notebook."""

    notebook: str
    parameters: dict[str, Any]
    resources: Resources


class Plan(BaseModel):
    """A profile: ``config/NAME.yaml``.

    ``sweep`` fills the store of results in parallel jobs; ``pages`` are then executed for the book with
    ``page_parameters`` and ``page_resources``, and find everything measured. A profile without pages is only swept.
    In the file ``pages: contents`` stands for all notebooks of ``_toc.yml``. A page whose own profile is "reference"
    reads the reference results.
    """

    model_config = ConfigDict(extra="forbid")

    profile: str
    about: str
    sweep: list[SweepJobs]
    pages: list[str]
    page_parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    page_resources: Resources = Resources()

    def jobs(self) -> dict[str, Job]:
        """Return every sweep job by its id."""
        jobs = {}
        for group in self.sweep:
            for values in itertools.product(*group.each.values()):
                given = {**group.parameters, **dict(zip(group.each, values, strict=True)), "profile": self.profile}
                jobs[run_id(group.notebook, given)] = Job(group.notebook, given, group.resources)
        return jobs

    def parameters_of(self, page: str) -> dict[str, Any]:
        """Return the parameters a page of the book is executed with; it may read another profile's results."""
        return {"profile": self.profile, **self.page_parameters.get(page, {})}


def profiles(root: Path) -> list[str]:
    """Return the names of the profiles in ``config/``."""
    return sorted(f.stem for f in (root / "config").glob("*.yaml"))


def load_plan(name: str, root: Path) -> Plan:
    """Read a profile and check every notebook and parameter in it, before anything runs.

    For an unknown profile, notebook or parameter, the error names the nearest known one.
    """
    choose(name, profiles(root), "profile")
    plan = _read_plan(root / "config" / f"{name}.yaml")
    for page in plan.pages:
        if not (file := root / f"{page}.md").is_file():
            raise ValueError(f"page {page!r} of profile {name}: {file} does not exist; give its whole path.")
    for job in plan.jobs().values():
        check_parameters(job.parameters, declared_parameters(find_notebook(job.notebook, root)), job.notebook)
    for page in plan.pages:
        declared = declared_parameters(find_notebook(page, root))
        if declared.get("profile") == "reference":
            plan.page_parameters[page] = {"profile": "reference", **plan.page_parameters.get(page, {})}
        check_parameters(plan.parameters_of(page), declared, page)
    return plan


def notebooks_of_contents(root: Path) -> list[str]:
    """Return the pages of ``_toc.yml`` that are executed, the introduction last."""
    contents = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    files = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]] + [contents["root"]]
    return [file.removesuffix(".ipynb") for file in files if file.endswith(".ipynb")]


def _read_plan(file: Path) -> Plan:
    """Return the plan in a file, which names itself and leaves nothing without effect."""
    try:
        given = yaml.safe_load(file.read_text("utf8"))
        if isinstance(given, dict) and given.get("pages") == "contents":
            given["pages"] = notebooks_of_contents(file.parents[1])
        plan = Plan.model_validate(given)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not plain YAML: {' '.join(str(error).split())}. Correct or remove it.") from error
    except ValidationError as error:
        model = SweepJobs if len(error.errors()[0]["loc"]) > 1 else Plan
        raise ValueError(f"{file}: {first_refusal(error, model.model_fields)} Compare config/quick.yaml.") from error
    if plan.profile != file.stem:
        raise ValueError(f"{file}: profile is {plan.profile!r}: call it {file.stem!r} as the file, for its results.")
    for group in plan.sweep:
        for name, values in group.each.items():
            if not values:
                raise ValueError(f"{file}: each of {group.notebook} has no value of {name!r}, so no job: give some.")
            if name in group.parameters:
                raise ValueError(f"{file}: {name!r} of {group.notebook} is in parameters and in each: give it once.")
        if "profile" in {*group.parameters, *group.each}:
            raise ValueError(f"{file}: {group.notebook} sets 'profile': every job writes to {plan.profile}; remove it.")
    for page, given in plan.page_parameters.items():
        choose(page, plan.pages, f"page of page_parameters in {file.name}")
        profile_folder(str(given.get("profile", plan.profile)))  # a plain word, which cannot lead elsewhere
    profile_folder(plan.profile)
    return plan


def runs_folder(profile: str) -> str:
    """Return the folder of a profile's executed runs, as seen from the project's: beside its measured rows.

    It is in ``results/`` also where ``NOISE_SCALING_RESULTS`` is a URL such as ``s3://bucket``.
    """
    base = os.environ.get("NOISE_SCALING_RESULTS") or "results"
    return str(Path("results" if "://" in base else base) / profile / "runs")


def places(root: Path) -> dict[str, Path]:
    """Return the folders of ``workflow/profiles`` by name: where jobs may run."""
    return {file.parent.name: file.parent for file in sorted((root / "workflow" / "profiles").glob("*/config.yaml"))}


def place(on: str, root: Path) -> tuple[Path, str | None]:
    """Return where jobs run, as the folder of a Snakemake profile, and the executor it names (None: this machine).

    ``on`` is one of ``places``, or the path of a folder of your own that has a ``config.yaml``. The executor must be
    installed.
    """
    known, path = places(root), Path(on).expanduser()
    if on not in known and (path / "config.yaml").is_file():
        folder = path.resolve()
    elif on not in known and len(path.parts) > 1:
        raise ValueError(
            f"{path} has no config.yaml: give one of {', '.join(known)}, or a copy of a folder in workflow/profiles."
        )
    else:
        folder = known[choose(on, known, "place to run on")]
    settings = yaml.safe_load((folder / "config.yaml").read_text("utf8"))
    if not isinstance(settings, dict):
        raise ValueError(f"{folder / 'config.yaml'} holds no settings: start from a copy of one in workflow/profiles.")
    executor = settings.get("executor", "local")
    plugin = "snakemake-executor-plugin-" + str(executor)
    if executor != "local" and not importlib.util.find_spec(re.sub(r"\W", "_", plugin)):
        raise ValueError(f"{folder / 'config.yaml'} names the executor {executor!r}: pip install {plugin}.")
    return folder, None if executor == "local" else executor


def run_workflow(
    target: str, profile: str, root: Path, cores: int | None = None, verbose: bool = False, on: str = "local"
) -> int:
    """Run Snakemake up to ``target`` (``sweep``, ``pages`` or ``html``), showing one progress bar.

    ``cores`` is the number of jobs at once: what the place ``on`` says if not given, which on this machine is one on
    each processor. Returned is Snakemake's exit status; unless it is 0, its whole log is printed.
    """
    plan = load_plan(profile, root)
    if target == "html" and not plan.pages:
        raise ValueError(f"profile {profile!r} has no pages for a book: noise-scaling sweep --profile {profile}.")
    folder, executor = place(on, root)
    limit = [] if cores is None else ["--jobs" if executor else "--cores", str(cores)]
    # Forks run in threads of Snakemake itself, with one thread each.
    forks = ["engine=forked", "--force-use-threads"] if not executor and ENGINE == "forked" else []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", STARTED: str(time.time())}
    if not executor:
        environment["OMP_NUM_THREADS"] = "1"

    def snakemake(target: str, outdated: list[str]) -> int:
        command = [sys.executable, "-m", "snakemake", "--snakefile", "workflow/Snakefile"]
        command += ["--workflow-profile", str(folder), "--nolock", *limit, "--config", f"profile={profile}", *forks]
        command += ["--forcerun", *outdated] if outdated else []
        return _follow([*command, "--", target], root, environment, f"{profile} profile: {target}", verbose)

    jobs = outdated_jobs(plan, root)
    if target == "sweep" or jobs:
        status = snakemake("sweep", [job for job in jobs if (root / job).exists()])
        if status or target == "sweep":
            return status
    # Only now is it known which rows the pages find.
    return snakemake(target, outdated_pages(plan, root))


def outdated_jobs(plan: Plan, root: Path) -> list[str]:
    """Return the executed jobs of a sweep, as seen from ``root``, that are missing or would measure something else.

    That is so if the code of their cells, their parameters, or the code that measured their rows is another.
    """
    outdated = []
    for name, job in plan.jobs().items():
        cells = [cell.source for cell in code_cells(find_notebook(job.notebook, root))]
        file = f"{runs_folder(plan.profile)}/{name}.ipynb"
        if stamp.measures_otherwise(stamp.of_notebook(root / file), cells, job.parameters):
            outdated.append(file)
    return outdated


def outdated_pages(plan: Plan, root: Path) -> list[str]:
    """Return the executed pages, as seen from ``root``, of which something has changed: see ``stamp.changes``."""
    outdated = []
    for page in plan.pages:
        file, text = root / f"{page}.ipynb", (root / f"{page}.md").read_text("utf8")
        if file.exists() and stamp.changes(stamp.of_notebook(file), text, plan.parameters_of(page)):
            outdated.append(f"{page}.ipynb")
    return outdated


def _follow(command: list[str], root: Path, environment: dict[str, str], label: str, verbose: bool) -> int:
    """Run Snakemake, showing a bar of its steps or all that it says, and return its exit status."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    if verbose:
        with alone(command, root, env=environment) as process:
            return process.wait()
    log = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        alone(command, root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
        Progress(*columns) as bar,
    ):
        task = bar.add_task(label, total=None)
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            if step := _STEP.search(line):
                bar.update(task, completed=int(step[1]), total=int(step[2]))
            elif line.startswith(("rule ", "localrule ")):
                bar.console.print(f"  {line.strip().rstrip(':')}", style="dim", highlight=False)
    if process.returncode:
        # The last page lists all others among its input files, which hides what went wrong.
        print("".join(line for line in log if not line.lstrip().startswith("input: ")), file=sys.stderr)
    return process.returncode
