"""What made an executed notebook: code, packages and data; and whether its code or text has changed since."""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import helpers
from helpers.store import code_hash, short_hash

KEY = "noise_scaling"  # in a notebook's metadata
_NOTE = "NOISE_SCALING_DATA_USED"  # file in which a running notebook notes its data
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "scanpy", "anndata")
# They change how a page looks or is started, not what is on it.
APART = ("book_ext.py", "cli.py")


@lru_cache(maxsize=1)
def code_state() -> str:
    """Return the hash of all code of this project that pages are made with: comments and layout do not count."""
    folder = Path(__file__).parent
    return code_hash(file for file in folder.rglob("*.py") if file.name not in APART)


@contextmanager
def noting_data() -> Iterator[dict[str, str]]:
    """Collect the hashes of the data that notebooks use meanwhile, by dataset, also from their own processes."""
    found: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        note = Path(folder) / "data"
        os.environ[_NOTE] = str(note)
        try:
            yield found
        finally:
            os.environ.pop(_NOTE, None)
        lines = note.read_text("utf8").splitlines() if note.exists() else []
        found.update(sorted(json.loads(line) for line in lines))


def note_data(used: Iterable[tuple[str, str]]) -> None:
    """Note which data (name and hash) a running notebook uses; nothing where nobody asked."""
    if file := os.environ.get(_NOTE):
        with open(file, "a", encoding="utf8") as note:
            note.writelines(f"{json.dumps(pair)}\n" for pair in sorted(set(used)))


def stamp(source: str, data: dict[str, str]) -> dict[str, Any]:
    """Return what is kept in the metadata of a notebook executed now; ``data`` may be filled later.

    >>> sorted(stamp("text", {"pbmc68k": "0fd4"}))
    ['code', 'data', 'packages', 'text', 'version']
    """
    return {
        "version": helpers.__version__,
        "code": code_state(),
        "text": short_hash(source),
        "packages": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "data": data,
    }


def older_than(made: dict[str, Any] | None, source: str) -> list[str]:
    """Return what has changed since a notebook was executed: its text, the code; all if it does not say.

    >>> older_than(stamp("text", {}), "text"), older_than(stamp("text", {}), "other text")
    ([], ['text'])
    """
    now = {"code": code_state(), "text": short_hash(source)}
    return [what for what, state in now.items() if (made or {}).get(what) != state]


def in_words(made: dict[str, Any]) -> str:
    """Return one sentence on what a page was executed with.

    >>> in_words({"version": "0.1.0", "code": "c0de", "packages": {"python": "3.11.2"}, "data": {"pbmc68k": "0fd4"}})
    'Executed by noise-scaling 0.1.0 (code c0de) with python 3.11.2. Data: pbmc68k 0fd4.'
    """
    packages = ", ".join(f"{name} {number}" for name, number in made["packages"].items())
    data = ", ".join(f"{name} {state}" for name, state in made["data"].items()) or "none measured"
    return f"Executed by noise-scaling {made['version']} (code {made['code']}) with {packages}. Data: {data}."
