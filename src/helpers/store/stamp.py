"""What made an executed notebook: code, packages, data and rows; and what of them has changed since."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import helpers
from helpers._utils.content import code_hash, file_hash, short_hash
from helpers.store.versions import version as version_of

KEY = "noise_scaling"  # in a notebook's metadata
_NOTES = "NOISE_SCALING_NOTES"  # file in which a running notebook notes what it uses
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "scanpy", "anndata")
_MEASURING = (*_PACKAGES, "scikit-misc", "scvi-tools", "transformers", "latentmi")
# They change how a page looks or is started, not what is on it.
APART = ("helpers.book", "helpers.book.sphinx", "helpers.book.cli", "helpers.book.engine", "helpers.book.kernel")
_FOLDER = Path(__file__).parents[1]
_CHANGED = "changed while it ran"


def code_state(modules: Iterable[str]) -> str:
    """Return the hash of the code of some modules of this project: comments and layout do not count.

    >>> code_state(["helpers.laws"]) == code_state(["helpers", "helpers.laws", "helpers.book.cli"])
    False
    """
    files = sorted(_file_of(name) for name in modules if name not in APART)
    there = [file for file in files if file.exists()]
    return short_hash([code_hash(there), [file.name for file in files if file not in there]])  # absence counts


def _file_of(module: str) -> Path:
    path = _FOLDER.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@dataclass
class Notes:
    """What a notebook has noted: data (hash by name), files read, versions that decide rows, what was not kept.

    ``variable`` is what its environment must hold for it to do so.
    """

    variable: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    computed: dict[str, None] = field(default_factory=dict)


@contextmanager
def noting() -> Iterator[Notes]:
    """Collect what notebooks note that have the yielded ``variable`` in their environment, also in their processes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "notes"
        file.touch()
        notes = Notes({_NOTES: str(file)})
        try:
            yield notes
        finally:
            for line in sorted(set(file.read_text("utf8").splitlines())):
                kind, name, value = json.loads(line)
                getattr(notes, kind)[name] = value
            notes.read = {path: _digest(path) for path in notes.read}


def _note(kind: str, name: str, value: str | int | None = None) -> None:
    if file := os.environ.get(_NOTES):
        _append(file, f"{json.dumps([kind, name, value])}\n")


@cache  # once is enough
def _append(file: str, line: str) -> None:
    with open(file, "a", encoding="utf8") as notes:
        notes.write(line)


def note_data(used: Iterable[tuple[str, str]]) -> None:
    """Note which data (name and hash) a running notebook uses; nothing where nobody asked."""
    for name, state in sorted(set(used)):
        _note("data", name, state)


def note_read(file: str | Path) -> None:
    """Note that a running notebook reads a file, or the rows of a folder; nothing where nobody asked."""
    _note("read", str(Path(file).resolve()))


def note_versions(used: Mapping[str, int]) -> None:
    """Note the versions of components that decide numbers of a running notebook; nothing where nobody asked."""
    for component, number in used.items():
        _note("versions", component, number)


def note_computed(what: str) -> None:
    """Note that a running notebook computes what could have been kept; nothing where nobody asked."""
    _note("computed", what)


def _digest(path: str) -> str:
    """Return a hash of a file, or of the rows of a store by their names, which say all that decided them."""
    place = Path(path)
    if not place.is_dir():
        return file_hash(place)
    rows = sorted((row.name, row.stat().st_size) for row in (place / "rows").glob("*.json"))
    return short_hash([rows, file_hash(place / "measured.parquet")])


@cache
def environment() -> dict[str, str]:
    """Return what a row records of the code and the packages it was measured with: commit, Python and versions.

    >>> sorted(environment())
    ['commit', 'packages', 'python']
    """
    packages = [f"{name} {number}" for name, number in installed(_MEASURING).items()]
    return {"commit": commit(), "python": platform.python_version(), "packages": ", ".join(packages)}


def commit() -> str:
    """Return the commit of the clone that this package is in, marked "-dirty" if its files differ; or its version."""
    root = _FOLDER.parents[1]
    if (root / ".git").exists():
        command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
        with suppress(OSError, subprocess.CalledProcessError):
            return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    return f"version {helpers.__version__}, not in a git clone"


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    numbers = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            numbers[name] = version(name)
    return numbers


def stamp(
    source: str,
    notes: Notes,
    modules: Iterable[str] = (),
    parameters: dict[str, Any] | None = None,
    cells: Iterable[str] = (),
    since: float = float("inf"),
) -> dict[str, Any]:
    """Return what is kept in the metadata of a notebook that was executed.

    ``source`` is its text, ``notes`` what it noted, ``modules`` those of this project that it imported, ``parameters``
    what it was given and ``cells`` their code. Code that was changed after ``since``, the ``time.time`` at which it
    started, is not what it ran.

    >>> sorted(stamp("text", Notes({}, {"pbmc68k": "0fd4"})))
    ['cells', 'code', 'computed', 'data', 'modules', 'packages', 'parameters', 'read', 'text', 'version', 'versions']
    """
    modules = sorted(set(modules) - set(APART))
    changed = any(_file_of(name).stat().st_mtime > since for name in modules)
    return {
        "version": helpers.__version__,
        "code": _CHANGED if changed else code_state(modules),
        "modules": modules,
        "text": short_hash(source),
        "cells": short_hash(list(cells)),
        "parameters": short_hash(parameters or {}),
        "packages": {"python": platform.python_version(), **installed(_PACKAGES)},
        "data": notes.data,
        "read": {_inside(path): digest for path, digest in notes.read.items()},
        "versions": notes.versions,
        "computed": list(notes.computed),
    }


def _inside(path: str) -> str:
    """Return a path as seen from the clone, so that the clone can move."""
    root = str(_FOLDER.parents[1])
    return os.path.relpath(path, root) if path.startswith(f"{root}{os.sep}") else path


def changes(made: dict[str, Any] | None, source: str, parameters: dict[str, Any] | None = None) -> list[str]:
    """Return what changed since a page was executed: code, text, parameters, measurements; the first two if unknown.

    >>> made = stamp("text", Notes({}), parameters={"dim": 8})
    >>> changes(made, "text"), changes(made, "other text", {"dim": 16}), changes(None, "text")
    ([], ['text', 'parameters'], ['code', 'text'])
    """
    if made is None or "modules" not in made:
        return ["code", "text"]
    now = {"code": code_state(made["modules"]), "text": short_hash(source)}
    if parameters is not None:
        now["parameters"] = short_hash(parameters)
    changed = [what for what, state in now.items() if made[what] != state]
    read = any(_digest(str(_FOLDER.parents[1] / path)) != digest for path, digest in made["read"].items())
    return changed + ["measurements"] * read


def measures_otherwise(made: dict[str, Any] | None, cells: Iterable[str], parameters: dict[str, Any]) -> bool:
    """Return whether a job that measures would now measure something else: by its cells, parameters or versions.

    >>> made = stamp("text", Notes({}), parameters={"dim": 8}, cells=["1 + 1"])
    >>> measures_otherwise(made, ["1 + 1"], {"dim": 8}), measures_otherwise(made, ["1 + 2"], {"dim": 8})
    (False, True)
    """
    if made is None or "versions" not in made:
        return True
    if (made["cells"], made["parameters"]) != (short_hash(list(cells)), short_hash(parameters)):
        return True
    try:
        return {name: version_of(name) for name in made["versions"]} != made["versions"]
    except ValueError:  # of a component that is no more
        return True


def in_words(made: dict[str, Any]) -> str:
    """Return one sentence on what a page was executed with.

    >>> in_words({"version": "0.1.0", "code": "c0de", "packages": {"python": "3.11.2"}, "data": {"pbmc68k": "0fd4"}})
    'Executed by noise-scaling 0.1.0 (code c0de) with python 3.11.2. Data: pbmc68k 0fd4.'
    """
    packages = ", ".join(f"{name} {number}" for name, number in made["packages"].items())
    data = ", ".join(f"{name} {state}" for name, state in made["data"].items()) or "none measured"
    return f"Executed by noise-scaling {made['version']} (code {made['code']}) with {packages}. Data: {data}."


def of_notebook(file: Path) -> dict[str, Any] | None:
    """Return the stamp of an executed notebook; None if there is none to read."""
    try:
        return json.loads(file.read_text("utf8"))["metadata"].get(KEY)
    except (OSError, ValueError, KeyError):
        return None
