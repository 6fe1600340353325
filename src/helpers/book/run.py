"""Run a text notebook with papermill, refusing wrong parameters before a kernel starts."""

import ast
import contextlib
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from helpers.store import stamp as executed
from helpers.store.paths import RESULTS, profile_folder, project_root
from helpers._utils.content import short_hash, write_whole
from helpers._utils.progress import BUILDING









def notebooks(root: Path) -> list[str]:
    """Return the names of all notebooks that can be run, such as ``datasets/pbmc68k``."""
    found = sorted((root / "notebooks").rglob("*.md"))
    return [str(f.relative_to(root / "notebooks").with_suffix("")) for f in found]


def find_notebook(name: str, root: Path) -> Path:
    """Return the source of a notebook given by name or path, with or without its suffix.

    Raises
    ------
    ValueError
        For an unknown one, naming the nearest, or one outside ``root``.
    """
    root = root.resolve()
    bare = name.removesuffix(".ipynb").removesuffix(".md").removeprefix("notebooks/")
    for folder in (root / "notebooks", root):
        try:
            source = (folder / f"{bare}.md").resolve()
            if source.exists() and source.is_relative_to(root) and "kernelspec" in source.read_text("utf8")[:600]:
                return source
        except (OSError, ValueError):  # a name that no file can have, or bytes that are no text
            continue
    known = notebooks(root)
    by_last = [k for k in known if k.split("/")[-1] == bare]
    if by_last:
        return root / "notebooks" / f"{by_last[0]}.md"
    near = difflib.get_close_matches(bare, known + [k.split("/")[-1] for k in known], 1, 0.4)
    hint = f" did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"unknown notebook {name!r}:{hint} Known: {', '.join(known)}.")


class CodeCell(NamedTuple):
    """A code cell of a text notebook: the words of its options, such as its tags, and its code."""

    options: list[str]
    source: str


_CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n(---\n.*?\n---\n|(?::[^\n]*\n)*)(.*?)\n?^\1[ \t]*$", re.M | re.S)


def code_cells(source: Path) -> list[CodeCell]:
    """Return the code cells of a notebook, as jupytext reads MyST text: that takes half a second to import."""
    text = source.read_text("utf8")
    if source.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return [CodeCell(cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in cells]
    return [CodeCell(re.findall(r"[\w-]+", options), code.strip("\n")) for _, options, code in _CELL.findall(text)]


def declared_parameters(source: Path) -> dict[str, Any]:
    """Return the names and default values of a notebook's cell tagged ``parameters`` (literals only)."""
    for cell in code_cells(source):
        if "parameters" not in cell.options:
            continue
        out = {}
        try:
            lines = ast.parse(cell.source).body
        except SyntaxError as error:
            raise ValueError(f"{source}: the parameters cell is not Python ({error}): correct it.") from error
        for line in lines:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
                out[line.target.id] = ast.literal_eval(line.value)
            elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                out[line.targets[0].id] = ast.literal_eval(line.value)
        return out
    return {}


def check_parameters(given: dict[str, Any], declared: dict[str, Any], notebook: str = "the notebook") -> dict[str, Any]:
    """Return ``given`` if every name is declared and every value has its default's type.

    A whole number is accepted where the default is a float, and anything where it is None.

    Raises
    ------
    ValueError
        Naming the nearest declared name, or the type wanted and the default.

    Examples
    --------
    >>> check_parameters({"dims": 3}, {"dim": 16})
    Traceback (most recent call last):
    ...
    ValueError: unknown parameter 'dims' of the notebook: did you mean 'dim'? It takes: dim.
    """
    for name, value in given.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1, 0.5)
            hint = f" did you mean '{near[0]}'?" if near else ""
            takes = ", ".join(declared) or "none"
            raise ValueError(f"unknown parameter {name!r} of {notebook}:{hint} It takes: {takes}.")
        default = declared[name]
        if not _same_type(value, default):
            raise ValueError(
                f"parameter {name!r} of {notebook} is {value!r} ({_told(value, default)}): "
                f"it must be {_type_name(default)}, such as its default {default!r}."
            )
    return given


def _same_type(value: Any, default: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    if isinstance(default, list):
        if not isinstance(value, list):
            return False
        return not default or all(any(_same_type(v, d) for d in default) for v in value)
    return isinstance(value, type(default))


def _told(value: Any, default: Any) -> str:
    """Return what is wrong with a value: its type, or that of the first element that does not belong in a list."""
    if isinstance(value, list) and isinstance(default, list):
        odd = next(v for v in value if not any(_same_type(v, d) for d in default))
        return f"{odd!r} in it is {_type_name(odd)}"
    return _type_name(value)


def _type_name(value: Any) -> str:
    if isinstance(value, list) and value:
        return f"a list of {type(value[0]).__name__}"
    return "empty list" if value == [] else type(value).__name__


def parse_assignments(pairs: list[str]) -> dict[str, Any]:
    """Turn ``["dim=8", "depths=[1.0, 0.1]", "signal=time"]`` into values; what is no literal is text.

    >>> parse_assignments(["dim=8", "signal=time"])
    {'dim': 8, 'signal': 'time'}
    """
    out: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"parameter {pair!r} is not of the form name=value, such as dim=8.")
        try:
            out[name.strip()] = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            out[name.strip()] = text
    return out


# Python 3.11 may raise SystemError where two threads parse code at once (python/cpython#106905).
_PARSING = threading.Lock()
ENGINES = ("forked", "kernel")
# Elsewhere libraries that Python imports may not survive a fork (macOS), or there is none.
ENGINE = "forked" if sys.platform == "linux" else "kernel"


def run_notebook(
    source: Path,
    target: Path,
    parameters: dict[str, Any] | None = None,
    timeout: int = 3600,
    progress: bool = False,
    engine: str = ENGINE,
) -> float:
    """Execute a text notebook into ``target`` and return the seconds it took.

    Parameters
    ----------
    source : path of a MyST text notebook
    target : path of the .ipynb to write; on an error the notebook so far goes to ``<target>.failed.ipynb``
    parameters : checked against the notebook's own
    timeout : seconds that one cell may take
    progress : True to draw a bar of the cells that are done
    engine : "forked", in a fork of one process that has imported packages, or "kernel", started as Jupyter does;
        forked on Linux if not given

    Raises
    ------
    ValueError
        For parameters that the notebook does not take, or an unknown engine; nothing has run.
    papermill.PapermillExecutionError
        If a cell fails.
    ChildProcessError
        If the kernel dies.
    PermissionError
        If the target's folder is read-only; nothing has run.
    """
    with _PARSING:
        given = check_parameters(parameters or {}, declared_parameters(source), source.stem)
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}: it must be one of {', '.join(ENGINES)}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"{target.parent} is read-only: name a file elsewhere (--to).")
    import jupytext
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError

    import helpers.book.engine  # noqa: F401 (papermill knows its engines from then on)

    failed = target.with_suffix(".failed.ipynb")
    start, since = time.perf_counter(), time.time()
    text = source.read_text("utf8")
    # In a folder of its own: the same notebook may be running elsewhere.
    with tempfile.TemporaryDirectory() as folder, executed.noting() as notes:
        unfinished = Path(folder) / target.name
        try:
            papermill.execute_notebook(
                jupytext.reads(text, fmt=source.suffix),
                str(unfinished),
                given,
                kernel_name="python3",
                progress_bar=progress,
                execution_timeout=timeout,
                engine_name=engine,
                environment=_environment() | notes.variable,
                folder=str(source.parent),
                # A kernel that is stopped logs a traceback of its own now and then.
                extra_arguments=["--log-level=50"],
            )
        except BaseException as error:
            if unfinished.exists():
                write_whole(failed, unfinished.read_bytes())
                error.add_note(f"As far as it ran it is {failed}.")
            if isinstance(error, DeadKernelError):
                raise ChildProcessError(
                    f"the kernel of {source.stem} died: it was killed, or memory ran out. Every point it measured is "
                    f"kept: run the same command again and it goes on from there. As far as it ran it is {failed}."
                ) from error
            raise
        notebook = nbformat.read(unfinished, as_version=4)
    _make_repeatable(notebook)
    cells = [cell.source for cell in code_cells(source)]
    modules = notebook.metadata.pop("modules")
    with _PARSING:
        notebook.metadata[executed.KEY] = executed.stamp(text, notes, modules, given, cells, since)
    write_whole(target, f"{nbformat.writes(notebook)}\n".encode())
    failed.unlink(missing_ok=True)
    return time.perf_counter() - start


def _environment() -> dict[str, str]:
    """Return the variables that a notebook is executed with."""
    # Nobody moves a control or watches a bar while papermill runs.
    own = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", BUILDING: "1"}
    base = own.get(RESULTS)
    if base and "://" not in base:  # as seen from here, not from the notebook's folder
        own[RESULTS] = str(Path(base).resolve())
    return own


def _make_repeatable(notebook: Any) -> None:
    """Drop papermill's clock times and paths, and number the cells: a rerun gives the same bytes."""
    notebook.metadata.pop("papermill", None)
    own = next((c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])), None)
    hidden = own is not None and "remove-input" in own.metadata["tags"]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        tags = cell.metadata.pop("tags", [])
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in tags:
            tags = [*tags, "remove-input" if hidden else "hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": "Values used in this run"}
        if tags:
            cell.metadata["tags"] = tags


def run_id(notebook: str, parameters: dict[str, Any]) -> str:
    """Return the file stem of a parameterized run.

    >>> run_id("datasets/pbmc68k", {"dim": 8})
    'datasets-pbmc68k-aaf2726f'
    """
    return f"{notebook.replace('/', '-')}-{short_hash(parameters)[:8]}"


def run_job(
    profile: str, notebook: str, target: Path, given: dict[str, Any], timeout: int, engine: str = ENGINE
) -> None:
    """Execute a notebook as a job of a profile, and note how long it took.

    Parameters
    ----------
    profile : whose results it belongs to
    notebook : its name
    target : the .ipynb to write; a job of the sweep is called by it, a page by its own name
    given, timeout, engine : see ``run_notebook``
    """
    root = project_root()
    source = find_notebook(notebook, root)
    seconds = run_notebook(source, target, given, timeout, engine=engine)
    page = str(source.relative_to(root).with_suffix("")).removeprefix("notebooks/")
    is_job = target.parent.name == "runs"
    name = target.stem if is_job else page
    text = json.dumps(
        {"notebook": name, "job": is_job, "seconds": round(seconds, 1), "finished": time.strftime("%Y-%m-%d %H:%M")}
    )
    write_whole(profile_folder(profile) / "times" / f"{name.replace('/', '-')}.json", text.encode())


@contextlib.contextmanager
def alone(command: list[str], root: Path, **options: Any) -> Iterator[subprocess.Popen]:
    """Start a command that runs once at a time in a clone: wait while another is at work, and say so.

    The lock is the operating system's and is held by this process and the command: it ends with both of them, however
    they end, so none is ever left over. Where this process is interrupted, so is all that the command started.

    Parameters
    ----------
    command : list of str
    root : folder of the clone
    **options : of ``subprocess.Popen``
    """
    import fcntl  # not on Windows

    file = root / ".snakemake" / "noise-scaling.lock"
    file.parent.mkdir(exist_ok=True)
    with open(file, "a+", encoding="utf8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another sweep or book is at work in {root}: waiting for it to end.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
        # What a script starts in the background ignores interruptions, and so would all that is started here.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            options["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        with subprocess.Popen(command, cwd=root, process_group=0, pass_fds=[lock.fileno()], **options) as process:
            try:
                yield process
            except KeyboardInterrupt:
                os.killpg(process.pid, signal.SIGINT)
                process.communicate()
                raise
