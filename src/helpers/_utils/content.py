"""Hashes of content, and files that are written whole or not at all. Imports nothing that takes time."""

import ast
import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any


def frozen_json(value: Any) -> str:
    """Return plain data as text that is equal where the data are.

    >>> frozen_json({"b": 2, "a": 1})
    '{"a": 1, "b": 2}'
    """
    return json.dumps(value, sort_keys=True)


def short_hash(value: Any) -> str:
    """Return 16 hexadecimal digits that identify plain data, independent of key order."""
    return hashlib.sha256(frozen_json(value).encode()).hexdigest()[:16]


def code_hash(files: Iterable[str | Path]) -> str:
    """Return a hash of what Python files do: comments, docstrings and layout do not change it."""
    return short_hash([_bare(file, file.stat().st_mtime_ns) for file in sorted(Path(f) for f in files)])


@cache
def _bare(file: Path, _mtime: int) -> str:
    """Return the code of a file in one layout, without comments and docstrings."""
    tree = ast.parse(file.read_text(encoding="utf8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined,index]
    return ast.unparse(tree)


def file_hash(file: Path) -> str:
    """Return the hash of a file's content, or of its absence."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return "none"
    return _file_hash(file, stat.st_mtime_ns, stat.st_size)


@cache
def _file_hash(file: Path, _mtime: int, _size: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all: a process that is killed, or finds the disk full, leaves what was there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
