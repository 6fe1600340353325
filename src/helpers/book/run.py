"""Run a text notebook with papermill, refusing wrong parameters before a kernel starts."""

import ast
import contextlib
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

from helpers._utils.content import short_hash, write_whole
from helpers._utils.progress import BUILDING
from helpers._utils.validation import did_you_mean
from helpers.book.folding import fold
from helpers.store import stamp
from helpers.store.paths import RESULTS, profile_folder, project_root

# Python 3.11 may raise SystemError where two threads parse code at once (python/cpython#106905).
_PARSING = threading.Lock()
ENGINES = ("forked", "kernel")
# Elsewhere libraries that Python imports may not survive a fork (macOS), or there is none.
ENGINE = "forked" if sys.platform == "linux" else "kernel"


def notebooks(root: Path) -> list[str]:
    """Return the names of all notebooks that can be run, such as ``datasets/pbmc68k``."""
    files = sorted((root / "notebooks").rglob("*.md"))
    return [str(file.relative_to(root / "notebooks").with_suffix("")) for file in files]


def find_notebook(name: str, root: Path) -> Path:
    """Return the source of a notebook given by name or path, with or without its suffix.

    For an unknown one, or one outside ``root``, the error names the nearest.
    """
    root = root.resolve()
    bare = name.removesuffix(".ipynb").removesuffix(".md").removeprefix("notebooks/")
    for folder in (root / "notebooks", root):
        # Suppressed: a name that no file can have, or bytes that are not text.
        with contextlib.suppress(OSError, ValueError):
            source = (folder / f"{bare}.md").resolve()
            if source.exists() and source.is_relative_to(root) and "kernelspec" in source.read_text("utf8")[:600]:
                return source
    known = notebooks(root)
    by_last = {path.rpartition("/")[2]: path for path in reversed(known)}
    if bare in by_last:
        return root / "notebooks" / f"{by_last[bare]}.md"
    raise ValueError(f"unknown notebook {name!r}:{did_you_mean(bare, [*known, *by_last])} Known: {', '.join(known)}.")


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
    code = next((cell.source for cell in code_cells(source) if "parameters" in cell.options), "")
    try:
        lines = ast.parse(code).body
    except SyntaxError as error:
        raise ValueError(f"{source}: the parameters cell is not Python ({error}): correct it.") from error
    parameters = {}
    for line in lines:
        if isinstance(line, (ast.Assign, ast.AnnAssign)) and line.value:
            name = line.targets[0] if isinstance(line, ast.Assign) else line.target
            if isinstance(name, ast.Name):
                parameters[name.id] = ast.literal_eval(line.value)
    return parameters


def check_parameters(given: dict[str, Any], declared: dict[str, Any], notebook: str = "the notebook") -> dict[str, Any]:
    """Return ``given`` if every name is declared and every value has its default's type.

    A whole number is accepted where the default is a float, and anything where it is None.

    >>> check_parameters({"dims": 3}, {"dim": 16})
    Traceback (most recent call last):
    ...
    ValueError: unknown parameter 'dims' of the notebook: did you mean 'dim'? It takes: dim.
    """
    for name, value in given.items():
        if name not in declared:
            takes = ", ".join(declared) or "none"
            raise ValueError(
                f"unknown parameter {name!r} of {notebook}:{did_you_mean(name, declared)} It takes: {takes}."
            )
        default = declared[name]
        if not _same_type(value, default):
            raise ValueError(
                f"parameter {name!r} of {notebook} is {value!r} ({_type_or_element(value, default)}): "
                f"it must be {_type_name(default)}, such as its default {default!r}."
            )
    return given


def _same_type(value: Any, default: Any) -> bool:
    if isinstance(default, list) and isinstance(value, list):
        return not default or all(any(_same_type(v, d) for d in default) for v in value)
    allowed = (int, float) if isinstance(default, float) else (type(default),)
    return default is None or type(value) in allowed


def _type_or_element(value: Any, default: Any) -> str:
    """Return the type of a value, or of the first element that does not belong in a list."""
    if isinstance(value, list) and isinstance(default, list):
        wrong = next(v for v in value if not any(_same_type(v, d) for d in default))
        return f"{wrong!r} in it is {_type_name(wrong)}"
    return _type_name(value)


def _type_name(value: Any) -> str:
    if isinstance(value, list) and value:
        return f"a list of {type(value[0]).__name__}"
    return "empty list" if value == [] else type(value).__name__


def parse_assignments(pairs: list[str]) -> dict[str, Any]:
    """Turn ``["dim=8", "signal=time"]`` into values; anything that is not a Python literal is kept as text.

    >>> parse_assignments(["dim=8", "signal=time"])
    {'dim': 8, 'signal': 'time'}
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"parameter {pair!r} is not of the form name=value, such as dim=8.")
        values[name.strip()] = text
        with contextlib.suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            values[name.strip()] = ast.literal_eval(text)
    return values


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
    progress : whether to draw a bar of the cells that are done
    engine : "forked", in a fork of one process that has imported packages, or "kernel", started as Jupyter does

    Raises
    ------
    ValueError, PermissionError
        Before anything runs: for wrong parameters, an unknown engine, or a folder that is read-only.
    papermill.PapermillExecutionError, ChildProcessError
        If a cell fails; if the kernel dies.
    """
    with _PARSING:
        given = check_parameters(parameters or {}, declared_parameters(source), source.stem)
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}: it must be one of {', '.join(ENGINES)}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"{target.parent} is read-only: name a file elsewhere (--to).")
    import nbformat

    start, since = time.perf_counter(), time.time()
    text, cells = source.read_text("utf8"), [cell.source for cell in code_cells(source)]
    failed = target.with_suffix(".failed.ipynb")
    with stamp.noting() as notes:
        options = {"execution_timeout": timeout, "progress_bar": progress, "engine_name": engine}
        notebook = _execute(text, source, given, failed, environment=_environment() | notes.variable, **options)
    _make_repeatable(notebook)
    modules = notebook.metadata.pop("modules")
    with _PARSING:
        notebook.metadata[stamp.KEY] = stamp.stamp(text, notes, modules, given, cells, since)
    write_whole(target, f"{nbformat.writes(notebook)}\n".encode())
    failed.unlink(missing_ok=True)
    return time.perf_counter() - start


def _execute(text: str, source: Path, given: dict[str, Any], failed: Path, **options: Any) -> Any:
    """Return the executed notebook of a text; on an error the notebook so far goes to ``failed``."""
    import jupytext
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError

    import helpers.book.engine  # noqa: F401 (papermill knows its engines from then on)

    # In a folder of its own: the same notebook may be running elsewhere.
    with tempfile.TemporaryDirectory() as folder:
        unfinished = Path(folder) / source.with_suffix(".ipynb").name
        try:
            papermill.execute_notebook(
                jupytext.reads(text, fmt=source.suffix),
                str(unfinished),
                given,
                kernel_name="python3",
                folder=str(source.parent),
                # A kernel that is stopped logs a traceback of its own now and then.
                extra_arguments=["--log-level=50"],
                **options,
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
        return nbformat.read(unfinished, as_version=4)


def _environment() -> dict[str, str]:
    """Return the variables that a notebook is executed with."""
    # Nobody moves a control or watches a bar while papermill runs.
    variables = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", BUILDING: "1"}
    results = variables.get(RESULTS)
    if results and "://" not in results:  # as seen from here, not from the notebook's folder
        variables[RESULTS] = str(Path(results).resolve())
    return variables


def _make_repeatable(notebook: Any) -> None:
    """Drop papermill's clock times and paths, number the cells, join parts of texts: a rerun gives the same bytes."""
    notebook.metadata.pop("papermill", None)
    tags_of_parameters: list[str] = next(
        (tags for cell in notebook.cells if "parameters" in (tags := cell.metadata.get("tags", []))), []
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        tags = cell.metadata.pop("tags", [])
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in tags:
            tags = [*tags, "remove-input" if "remove-input" in tags_of_parameters else "hide-input"]
            cell.metadata["mystnb"] = dict.fromkeys(("code_prompt_show", "code_prompt_hide"), "Values used in this run")
        if tags:
            cell.metadata["tags"] = tags
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    fold(notebook)


def _joined(outputs: list[Any]) -> list[Any]:
    """Return outputs with consecutive parts of a text as one: a kernel may send one line in two, and another time not.

    >>> from nbformat.v4 import new_output
    >>> [o.text for o in _joined([new_output("stream", text=t) for t in ("right.", "\\n")])]
    ['right.\\n']
    """
    joined: list[Any] = []
    for output in outputs:
        if joined and output.output_type == "stream" == joined[-1].output_type and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


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

    A job of the sweep is called by ``target``, the .ipynb to write, and a page by its own name.
    """
    root = project_root()
    source = find_notebook(notebook, root)
    seconds = run_notebook(source, target, given, timeout, engine=engine)
    is_job = target.parent.name == "runs"
    name = target.stem if is_job else name_of(source, root)
    took = {"notebook": name, "job": is_job, "seconds": round(seconds, 1), "finished": time.strftime("%Y-%m-%d %H:%M")}
    write_whole(profile_folder(profile) / "times" / f"{name.replace('/', '-')}.json", json.dumps(took).encode())


def name_of(source: Path, root: Path) -> str:
    """Return the name of a notebook, such as ``datasets/pbmc68k``, or ``book/intro`` of a page of the book."""
    return str(source.relative_to(root).with_suffix("")).removeprefix("notebooks/")


@contextlib.contextmanager
def alone(command: list[str], root: Path, **options: Any) -> Iterator[subprocess.Popen]:
    """Start a command that runs once at a time in a clone: wait while another is at work, and say so.

    The lock is the operating system's and is held by this process and the command: it ends with both of them, however
    they end, so none is ever left over. Where this process is interrupted, so is all that the command started.
    ``options`` are those of ``subprocess.Popen``.
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
