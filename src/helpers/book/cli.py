"""The command line: ``noise-scaling --help``."""

import errno
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from helpers.book import cli_points, own_cells

app = typer.Typer(
    help="Measure how noise and the number of cells limit what representations learn.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from helpers import __version__

        typer.echo(f"noise-scaling {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


Profile = Annotated[str, typer.Option(help="The size of the sweep: a file in config/.")]
Cores = Annotated[int | None, typer.Option(help="Jobs at once; what --on says if not given.", min=1)]
On = Annotated[
    str, typer.Option(help="Where jobs run: a folder of workflow/profiles (local, slurm), or a path to your own.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show Snakemake's own output.")]


@app.command("list", epilog="Example: `noise-scaling list`")
def list_all() -> None:
    """List notebooks with their parameters, datasets, representations, profiles and places to run on."""
    from rich import print as show

    from helpers import datasets, representations
    from helpers.book import run, workflow
    from helpers.store.paths import project_root

    root = project_root()
    show("[bold]Notebooks[/] (noise-scaling run NAME -p name=value)")
    for name in run.notebooks(root):
        declared = run.declared_parameters(run.find_notebook(name, root))
        show(f"  {name}\n    " + (", ".join(f"{k}={v!r}" for k, v in declared.items()) or "no parameters"))
    show("[bold]Datasets[/]")
    for name, about in datasets.available().items():
        show(f"  {name}: {about}")
    show(f"[bold]Representations[/]\n  {', '.join(representations.REPRESENTATIONS)}")
    show(f"[bold]Profiles[/]\n  {', '.join(workflow.profiles(root))}")
    show(f"[bold]Places to run on[/] (noise-scaling sweep --on NAME)\n  {', '.join(workflow.places(root))}")


@app.command(epilog="Example: `noise-scaling run datasets/pbmc68k -p dim=8 -p depths='[1.0, 0.1, 0.01]'`")
def run(
    notebook: Annotated[str, typer.Argument(help="Name such as datasets/pbmc68k.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="name=value; repeat for more.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The .ipynb to write; in runs/ if not given.")] = None,
    timeout: Annotated[int, typer.Option(help="Seconds that one cell may take.", min=1)] = 3600,
    engine: Annotated[
        str | None,
        typer.Option(help="forked: the kernel is a fork of one process with all packages (on Linux); kernel: plain."),
    ] = None,
    building: Annotated[str, typer.Option(help="Profile of the book being built.", hidden=True)] = "",
) -> None:
    """Run one notebook with other parameters; wrong names or types are refused before it starts."""
    from helpers.book import run as runner
    from helpers.store.paths import profile_folder, project_root

    engine = engine or runner.ENGINE
    root = project_root()
    source = runner.find_notebook(notebook, root)
    given = runner.parse_assignments(parameter or [])
    if isinstance(given.get("path"), str):  # as seen from here, not from the notebook's folder
        given["path"] = str(Path(given["path"]).expanduser().resolve())
    for profile in {str(given.get("profile", "quick")), building or "quick"}:
        profile_folder(profile)  # refused before the notebook runs, not in the middle of it
    if to is not None and (to.suffix != ".ipynb" or to.is_dir()):
        raise ValueError(f"--to is {to}: give the .ipynb file to write, such as runs/mine.ipynb.")
    target = to or root / "runs" / f"{runner.run_id(runner.name_of(source, root), given)}.ipynb"
    if building:
        runner.run_job(building, notebook, target, given, timeout, engine)
        return
    declared = runner.declared_parameters(source)
    if engine == "forked":
        runner.check_parameters(given, declared, source.stem)
        from helpers.book import engine as engines

        engines.preload(engines.FEW)
    seconds = runner.run_notebook(source, target, given, timeout, progress=True, engine=engine)
    typer.echo(f"{target} ({seconds:.0f} s). Open it with: make lab OPEN={shlex.quote(str(target))}")
    profile = {"profile": "quick", **declared, **given}["profile"]
    report = profile_folder(str(profile)) / "report.html"
    if report.exists() and report.stat().st_mtime > time.time() - seconds:
        typer.echo(f"Report: {report}")


app.command(epilog="Example: `noise-scaling scan cells.h5ad -s obs:cell_type --budget 2min`")(own_cells.scan)
app.command(epilog="Example: `noise-scaling thin cells.h5ad --depths 1,0.5,0.1 --to thinned`")(own_cells.thin)


@app.command(epilog="Example: `noise-scaling data citeseq_pbmc10k`")
def data(
    name: Annotated[str | None, typer.Argument(help="Download all files of this dataset; none: list all.")] = None,
) -> None:
    """List the data files and which of them are here, or download those of one dataset."""
    from helpers._utils.validation import choose
    from helpers.datasets import files

    if name is not None:
        known = files.registry()
        for file in known[choose(name, known, "dataset in the registry")].files:
            typer.echo(files.fetch(name, file.path))
        return
    from rich import print as show
    from rich.table import Table

    rows = files.status()
    table = Table(title="Data files")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("?" if value is None else str(value) for value in row.values()))
    show(table)
    show(f"They lie in {files.cache_folder()} (set {files.VARIABLE} to another folder). ?: not known before download.")


@app.command(epilog="Example: `noise-scaling student session_1 --to session_1_student.ipynb`")
def student(
    to: Annotated[
        Path,
        typer.Option(help="The .ipynb to write, or a folder for all; a file there is never written over."),
    ],
    notebook: Annotated[str | None, typer.Argument(help="Name such as session_1; none: all sessions.")] = None,
    name: Annotated[str, typer.Option("--for", help="A student: the exercises get numbers of their own.")] = "",
    names: Annotated[
        Path | None, typer.Option(help="CSV file with a column name: a notebook for each, into the folder --to.")
    ] = None,
    grader: Annotated[
        str, typer.Option("--as", help="For a grader: otter or nbgrader; its tests go into the folder --to, too.")
    ] = "",
) -> None:
    """Write the student version of a notebook of the course, or of all: the answers are left blank."""
    from helpers.book.grading import handing_out

    if name and names:
        raise ValueError("--for and --names: give one name, or a file of names.")
    if grader:
        typer.echo("\n".join(map(str, handing_out.write_for(grader, notebook, to, name))))
        return
    if notebook is not None and names is None:
        handing_out.write_one(notebook, to, name)
        typer.echo(f"{to}. Open it with: make lab OPEN={shlex.quote(str(to))}")
        return
    for line in handing_out.write_all(notebook, to, name, names):
        typer.echo(line)


@app.command(epilog="Example: `noise-scaling grade handed_in --to marks.csv`")
def grade(
    folder: Annotated[Path, typer.Argument(help="The folder with the notebooks that were handed in.")],
    to: Annotated[Path, typer.Option(help="The .csv file to write; pages of feedback go beside it.")],
    session: Annotated[str | None, typer.Option(help="Such as session_1; none: that of most notebooks.")] = None,
    names: Annotated[Path | None, typer.Option(help="CSV file with a column name: the class.")] = None,
    seconds: Annotated[float, typer.Option(help="Processor time of one notebook; one cell may take half.")] = 120.0,
    memory: Annotated[float, typer.Option(help="Gigabytes that one notebook may take.")] = 4.0,
    cores: Annotated[int | None, typer.Option(help="Notebooks at once; all cores if not given.", min=1)] = None,
) -> None:
    """Mark the notebooks of a class: a table with a row for each exercise, and a page for each student."""
    from helpers.book.grading import feedback, marks
    from helpers.book.grading.limits import limits_of

    done = marks.mark(folder, to, session, names, limits_of(seconds, memory), cores, typer.echo)
    pages = feedback.write(done.marks, to.with_suffix("") / "feedback")
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in done.counts().items())
    typer.echo(f"{to}: {len(pages)} notebooks ({done.run} run now); {verdicts}.")
    typer.echo(f"A page for each student: {to.with_suffix('') / 'feedback'}")


@app.command("lab-folder", epilog="Example: `noise-scaling lab-folder lab --platform win_amd64 --python-version 3.12`")
def lab_folder(
    to: Annotated[Path, typer.Argument(help="The folder to write; a new one.")],
    platform: Annotated[
        list[str] | None, typer.Option(help="Of the lab's computers, as pip names it, if not this one; repeat for more.")
    ] = None,
    python_version: Annotated[str | None, typer.Option(help="Of the lab, such as 3.12, if not this one.")] = None,
) -> None:
    """Write one folder for a lab without internet: packages, the built book, student notebooks, how to install."""
    from helpers.book.course import lab_folder as lab
    from helpers.store.paths import project_root

    lab.make(to, project_root(), platform or (), python_version)
    typer.echo(f"{to}: copy it to each computer; README.txt in it says how to install and start.")


@app.command(epilog="Example: `noise-scaling sweep --profile quick`")
def sweep(profile: Profile = "quick", on: On = "local", cores: Cores = None, verbose: Verbose = False) -> None:
    """Measure a profile: run its notebooks in batch, in parallel. What is measured already is kept."""
    _workflow("pages", profile, on, cores, verbose)


@app.command(epilog="Example: `noise-scaling book`")
def book(profile: Profile = "quick", on: On = "local", cores: Cores = None, verbose: Verbose = False) -> None:
    """Measure a profile and build the browsable report."""
    _workflow("html", profile, on, cores, verbose)
    from helpers.store.paths import project_root

    page = project_root() / "_build" / "html" / "index.html"
    typer.echo(f"The book is at {page}\nOpen it in a browser: {page.as_uri()}")


@app.command(epilog="Example: `noise-scaling pack`")
def pack(
    verify: Annotated[bool, typer.Option(help="Measure some points again and compare, as an audit.")] = False,
    points: Annotated[int, typer.Option(help="With --verify: how many.")] = 20,
    dataset: Annotated[str | None, typer.Option(help="With --verify: only of this data set.")] = None,
    released: Annotated[bool, typer.Option(help="Summarise the papers' released measurements instead.")] = False,
) -> None:
    """Put what was measured with profile=reference into results/reference/measured.parquet, to commit."""
    from helpers.findings import packing, papers
    from helpers.store import Store, reference
    from helpers.sweep import verify as audit

    if released:
        for file in packing.pack():
            typer.echo(file)
        papers.joint_comparison(write=True)
        typer.echo(reference.folder() / "joint_laws.parquet")
        return
    store = Store(reference.folder())
    typer.echo(audit.pack(store))
    if verify:
        compared = audit.verify(store, points, dataset=dataset)
        typer.echo(compared.to_string())
        if not (compared["agrees"] | compared["older"]).all():
            raise ValueError("points differ from the results though their method is today's: see the table.")


app.command(epilog="Example: `noise-scaling fit points.csv --law noise`")(cli_points.fit)
app.command(epilog="Example: `noise-scaling design --pilot points.csv --budget 10000 --per-cell 0.2`")(
    cli_points.design
)


def _workflow(target: str, profile: str, on: str, cores: int | None, verbose: bool) -> None:
    from helpers.book.workflow import run_workflow
    from helpers.store.paths import project_root

    status = run_workflow(target, profile, project_root(), cores, verbose, on)
    if status:
        raise typer.Exit(status)


_STOPPED = 130  # as typer exits when interrupted


def main() -> None:
    """Run the command line, printing the errors that a user can fix without a traceback."""
    for stop in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # no SIGHUP on Windows
        if signal.getsignal(stop) is signal.SIG_DFL:  # not under nohup
            signal.signal(stop, signal.default_int_handler)
    try:
        app()
    except SystemExit as done:
        if done.code == _STOPPED:
            _complain("Stopped. Every point measured so far is kept: the same command goes on from there.")
        raise
    except (ValueError, OSError) as error:
        _complain(f"Error: {error}")
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _complain("What was measured is kept: free space and run the same command again.")
        sys.exit(2)
    except Exception as error:
        # Papermill is imported by the commands that need it: it takes seconds.
        if type(error).__name__ != "PapermillExecutionError" or "--building" in sys.argv:
            raise
        cell: Any = error
        _complain(f"Error: the notebook stopped at In [{cell.exec_count}]: {cell.ename}: {cell.evalue}")
        for note in getattr(error, "__notes__", []):
            _complain(note)
        sys.exit(1)


def _complain(text: str) -> None:
    typer.secho(text, fg="red", err=True)
