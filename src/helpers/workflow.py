"""The batch plan of a profile: which notebooks run with which parameters, and Snakemake to run it."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from helpers.checks import choose
from helpers.run import check_parameters, declared_parameters, find_notebook, run_id

_STEP = re.compile(r"(\d+) of (\d+) steps")


class SweepJobs(BaseModel):
    """One notebook run once for every combination of ``each``, with ``parameters`` in all of them."""

    model_config = ConfigDict(extra="forbid")

    notebook: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    each: dict[str, list[Any]] = Field(default_factory=dict)


class Plan(BaseModel):
    """A profile: ``config/NAME.yaml``.

    ``sweep`` fills the store of results in parallel jobs; ``pages`` are then executed for the book with
    ``page_parameters``, and find everything measured.
    """

    model_config = ConfigDict(extra="forbid")

    profile: str
    about: str
    sweep: list[SweepJobs]
    pages: list[str]
    page_parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def jobs(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return every sweep job: id → (notebook, parameters)."""
        out = {}
        for group in self.sweep:
            for values in itertools.product(*group.each.values()):
                given = {**group.parameters, **dict(zip(group.each, values, strict=True)), "profile": self.profile}
                out[run_id(group.notebook, given)] = (group.notebook, given)
        return out

    def parameters_of(self, page: str) -> dict[str, Any]:
        """Return the parameters a page of the book is executed with; it may read another profile's results."""
        return {"profile": self.profile, **self.page_parameters.get(page, {})}


def profiles(root: Path) -> list[str]:
    """Return the names of the profiles in ``config/``."""
    return sorted(f.stem for f in (root / "config").glob("*.yaml"))


def load_plan(name: str, root: Path) -> Plan:
    """Read a profile and check every notebook and parameter in it, before anything runs.

    Raises
    ------
    ValueError
        For an unknown profile, notebook or parameter, naming the nearest known one.
    """
    choose(name, profiles(root), "profile")
    plan = Plan.model_validate(yaml.safe_load((root / "config" / f"{name}.yaml").read_text("utf8")))
    for notebook, given in plan.jobs().values():
        check_parameters(given, declared_parameters(find_notebook(notebook, root)), notebook)
    for page in plan.pages:
        check_parameters(plan.parameters_of(page), declared_parameters(find_notebook(page, root)), page)
    return plan


def run_workflow(target: str, profile: str, root: Path, cores: int | None = None, verbose: bool = False) -> int:
    """Run Snakemake up to ``target`` (``sweep``, ``pages`` or ``html``), showing one progress bar.

    Returns
    -------
    int
        Snakemake's exit status; its whole log is printed if it is not 0.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    load_plan(profile, root)
    command = [sys.executable, "-m", "snakemake", "--snakefile", "workflow/Snakefile", "--cores",
               str(cores or os.cpu_count() or 1), "--keep-going", "--rerun-incomplete",
               "--rerun-triggers", "mtime", "params", "input", "--config",
               f"profile={profile}", "--", target]  # fmt: skip
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if verbose:
        return subprocess.run(command, cwd=root, env=environment).returncode
    log = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        subprocess.Popen(
            command, cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
        Progress(*columns) as bar,
    ):
        task = bar.add_task(f"{profile} profile: {target}", total=None)
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            if step := _STEP.search(line):
                bar.update(task, completed=int(step[1]), total=int(step[2]))
            elif line.startswith("rule ") or line.startswith("localrule "):
                bar.console.print(f"  {line.strip().rstrip(':')}", style="dim", highlight=False)
    if process.returncode:
        print("".join(log), file=sys.stderr)
    return process.returncode
