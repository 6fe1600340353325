"""The command line: ``noise-scaling --help``."""

import errno
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Measure how noise and the number of cells limit what representations learn.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

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
    from helpers.store import paths

    root = paths.project_root()
    show("[bold]Notebooks[/] (noise-scaling run NAME -p name=value)")
    for name in run.notebooks(root):
        declared = run.declared_parameters(run.find_notebook(name, root))
        show(f"  {name}")
        show("    " + (", ".join(f"{k}={v!r}" for k, v in declared.items()) or "no parameters"))
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
    from helpers.store import paths

    engine = engine or runner.ENGINE
    root = paths.project_root()
    source = runner.find_notebook(notebook, root)
    name = str(source.relative_to(root).with_suffix("")).removeprefix("notebooks/")
    given = runner.parse_assignments(parameter or [])
    if isinstance(given.get("path"), str):  # as seen from here, not from the notebook's folder
        given["path"] = str(Path(given["path"]).expanduser().resolve())
    for profile in {str(given.get("profile", "quick")), building or "quick"}:
        paths.profile_folder(profile)  # refused before the notebook runs, not in the middle of it
    if to is not None and (to.suffix != ".ipynb" or to.is_dir()):
        raise ValueError(f"--to is {to}: give the .ipynb file to write, such as runs/mine.ipynb.")
    target = to or root / "runs" / f"{runner.run_id(name, given)}.ipynb"
    if building:
        runner.run_job(building, notebook, target, given, timeout, engine)
        return
    if engine == "forked":
        runner.check_parameters(given, runner.declared_parameters(source), source.stem)
        from helpers.book import engine as engines

        engines.preload(engines.FEW)
    seconds = runner.run_notebook(source, target, given, timeout, progress=True, engine=engine)
    typer.echo(f"{target} ({seconds:.0f} s). Open it with: make lab OPEN={shlex.quote(str(target))}")
    profile = given.get("profile", runner.declared_parameters(source).get("profile", "quick"))
    report = paths.profile_folder(str(profile)) / "report.html"
    if report.exists() and report.stat().st_mtime > time.time() - seconds:
        typer.echo(f"Report: {report}")


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
) -> None:
    """Write the student version of a notebook of the course, or of all: the answers are left blank."""
    from helpers.book.course import student as course
    from helpers.store import paths
    from helpers._utils.content import write_whole
    from helpers.book import run as runner

    root = paths.project_root()
    if notebook is None:
        if to.suffix or to.is_file():
            raise ValueError(f"--to is {to}: give a folder for all sessions, such as student, or name one of them.")
        for source in course.sessions(root):
            target = to / course.student_name(source)
            if target.exists():
                typer.echo(f"{target} is there already, with what was written into it: left as it is.")
            else:
                write_whole(target, course.student_version(source))
                typer.echo(target)
        return
    source = runner.find_notebook(notebook, root)
    if to.suffix != ".ipynb":
        raise ValueError(f"--to is {to}: give the .ipynb file to write, such as {course.student_name(source)}.")
    if to.exists():
        raise ValueError(f"--to is {to}, which is there already and may hold somebody's answers: name another file.")
    write_whole(to, course.student_version(source))
    typer.echo(f"{to}. Open it with: make lab OPEN={shlex.quote(str(to))}")


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
    from helpers.findings import papers as published
    from helpers.store import Store, reference
    from helpers.sweep import verify as audit

    if released:
        for file in published.pack():
            typer.echo(f"{file}")
        published.joint_comparison(write=True)
        typer.echo(f"{reference.folder() / 'joint_laws.parquet'}")
        return
    store = Store(reference.folder())
    typer.echo(f"{audit.pack(store)}")
    if verify:
        found = audit.verify(store, points, dataset=dataset)
        typer.echo(found.to_string())
        if not (found["agrees"] | found["older"]).all():
            raise ValueError("points differ from the results though their method is today's: see the table.")


@app.command(epilog="Example: `noise-scaling fit points.csv --law noise`")
def fit(
    file: Annotated[
        Path,
        typer.Argument(help="CSV with the columns the law needs: u and bits, n and bits, or loss with p, d or flops."),
    ],
    law: Annotated[str, typer.Option(help="Which law, such as noise or cell_number; an unknown one is answered with those there are.")] = "noise",
    chart: Annotated[Path | None, typer.Option(help="HTML file for the chart; beside the CSV if not given.")] = None,
) -> None:
    """Fit a law to your own measured points and print estimates, intervals and what to doubt."""
    from rich import print as show

    from helpers import charts
    from helpers._utils.validation import choose
    from helpers.laws import LAWS

    chosen = LAWS[choose(law, LAWS, "law")]
    target = _page(chart) or file.with_suffix(".html")
    points = _points(file, f"{chosen.x_name} and {chosen.y_name}")
    for column in (chosen.x_name, chosen.y_name):
        if column not in points:
            raise ValueError(f"{file} has no column {column!r}: it has {', '.join(points.columns)}.")
    found = chosen.fit(points[chosen.x_name], points[chosen.y_name])
    intervals = found.interval()
    for name, value in found.params.items():
        low, high = intervals[name]
        show(f"{name:6} = {value:.4g}   95 % interval [{low:.4g}, {high:.4g}]")
    show(f"R² = {found.r_squared:.3f}, RMSE = {found.rmse:.3f}, {found.n_points} points")
    show(f"status: [bold]{found.status}[/] — {found.message}")
    target.parent.mkdir(parents=True, exist_ok=True)
    charts.save_html(charts.fitted_curve(found), target)
    show(f"chart: {target}")


Money = Annotated[float, typer.Option(help="Money to spend, in the currency of the prices.", min=0)]
Share = Annotated[float, typer.Option(help="Target, as a share of what unlimited depth would give.")]


@app.command(epilog="Example: `noise-scaling design --pilot points.csv --budget 10000 --per-cell 0.2`")
def design(
    budget: Money,
    pilot: Annotated[Path | None, typer.Option(help="CSV with u, bits and, if several, n (cells).")] = None,
    published: Annotated[
        str | None, typer.Option(help="Instead of a pilot, a published curve such as 'pbmc_citeseq protein pca'.")
    ] = None,
    cells: Annotated[float | None, typer.Option(help="Number of cells, if it is decided.", min=1)] = None,
    share: Share = 0.9,
    per_cell: Annotated[float | None, typer.Option(help="Price of capturing a cell.")] = None,
    per_million_reads: Annotated[float | None, typer.Option(help="Price of a million reads.")] = None,
    usable: Annotated[float | None, typer.Option(help="Share of reads that become counted molecules.")] = None,
    complexity: Annotated[float | None, typer.Option(help="Molecules a cell in the library; inf for none.")] = None,
    lane_cells: Annotated[float | None, typer.Option(help="Cells that a capture lane takes.")] = None,
    lane_reads: Annotated[float | None, typer.Option(help="Reads that a sequencing lane takes.")] = None,
    chart: Annotated[Path | None, typer.Option(help="HTML file for charts and tables; beside the CSV.")] = None,
) -> None:
    """Say what a budget should buy: cells and reads, by a law fitted to a pilot or a published curve."""
    from rich import print as show

    from helpers.charts import calculator, report
    from helpers import design as planner
    from helpers.findings import papers

    if (pilot is None) == (published is None):
        raise ValueError("give either --pilot FILE.csv or --published 'DATASET SIGNAL MODEL'.")
    target = _page(chart) or (pilot.with_suffix(".design.html") if pilot else Path("design.html"))
    prices = planner.with_prices(
        planner.Prices(), per_cell=per_cell, per_million_reads=per_million_reads, usable=usable,
        complexity=complexity, lane_cells=lane_cells, lane_reads=lane_reads,
    )  # fmt: skip
    name = published or f"{pilot}"
    fitted = (
        papers.fit_published(published)
        if published
        else planner.fit_pilot(_points(pilot, "u and bits, and n if measured"), name)
    )
    if cells is None and not planner.knows_cells(fitted):
        cells = planner.USUAL_CELLS
        show(f"{name} has one number of cells, so it does not say how many to take: {cells:,.0f} assumed (--cells).")
    if not planner.knows_cells(fitted):
        show("The information is that of a representation trained on the pilot's number of cells.")
    best = planner.plan(fitted, budget, prices, cells)
    table, order = planner.advice(fitted, (best.cells, best.umis), prices, share), best.order(prices)
    amounts, advised = order.map("{:,.4g}".format), table.map("{:,.4g}".format)
    told = [planner.in_words(best, budget), planner.what_to_buy(table), f"fit: {fitted.status}: {fitted.message}"]
    for sentence in told:
        show(sentence)
    show(amounts.to_string())
    show(advised.to_string())
    drawn = calculator.along_depth(fitted, best, budget, prices, "Information of what the budget buys")
    if cells is None:
        drawn = drawn & calculator.budget_plane(fitted, budget, prices, "Cells against depth")
    report.save(
        target, f"Design for {name}", told, drawn, {"Order": amounts, "At the plan": advised, "Prices": _frame(prices)}
    )
    show(f"chart and tables: {target}")


def _points(file: Path | None, columns: str) -> Any:
    """Read a CSV of a user's points, which needs these columns."""
    import pandas as pd

    if file is None or not file.is_file():
        raise ValueError(f"{file} does not exist or is no file: give a CSV file with the columns {columns}.")
    try:
        points = pd.read_csv(file)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{file} is empty: give a CSV file with the columns {columns}.") from None
    except (ValueError, OSError) as error:  # pandas' own do not name the file
        raise ValueError(f"{file} is not a readable CSV file ({str(error).strip()}): give {columns}.") from error
    if not len(points):
        raise ValueError(f"{file} has a heading and no points: give a row for each point, with {columns}.")
    return points


def _page(chart: Path | None) -> Path | None:
    """Return the file that a chart is to be written to, refused before anything is computed for it."""
    if chart is not None and chart.is_dir():
        raise ValueError(f"--chart is {chart}, a folder: give an .html file in it.")
    return chart


def _frame(prices: Any) -> Any:
    import pandas as pd

    return pd.DataFrame({"value": vars(prices)}).map("{:,.4g}".format)


def _workflow(target: str, profile: str, on: str, cores: int | None, verbose: bool) -> None:
    from helpers.store.paths import project_root
    from helpers.book.workflow import run_workflow

    status = run_workflow(target, profile, project_root(), cores, verbose, on)
    if status:
        raise typer.Exit(status)


_STOPPED = 130  # as typer exits when interrupted


def main() -> None:
    """Run the command line, printing the errors that a user can mend without a traceback."""
    for stop in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # no SIGHUP on Windows
        if signal.getsignal(stop) is signal.SIG_DFL:  # not under nohup
            signal.signal(stop, signal.default_int_handler)
    try:
        app()
    except SystemExit as done:
        if done.code == _STOPPED:
            kept = "Stopped. Every point measured so far is kept: the same command goes on from there."
            typer.secho(kept, fg="red", err=True)
        raise
    except (ValueError, OSError) as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            typer.secho("What was measured is kept: free space and run the same command again.", fg="red", err=True)
        sys.exit(2)
    except Exception as error:
        # Papermill is imported by the commands that need it: it takes seconds.
        if type(error).__name__ != "PapermillExecutionError" or "--building" in sys.argv:
            raise
        told = f"Error: the notebook stopped at In [{error.exec_count}]: {error.ename}: {error.evalue}"  # type: ignore[attr-defined]
        typer.secho("\n".join([told, *getattr(error, "__notes__", [])]), fg="red", err=True)
        sys.exit(1)
