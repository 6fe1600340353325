"""Run the notebooks of a class, each in a fork of this process, and write down what they answer.

``python -m helpers.book.grading.collect WORK.json`` is started by ``helpers.book.grading.marks``. This process never
imports the answers of the course, so no fork has them in its memory; and as answers are judged elsewhere, by the
project's own checks, a notebook that writes into the pipe to this process can only hand in other answers.
"""

import ast
import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from helpers._utils.content import write_whole
from helpers.book.grading.limits import Limits

# What sessions import later than in their first cell.
_LATER = ["torch", "sklearn.neighbors", "scipy.optimize", "scipy.special", "helpers.book.grading.child", "scanpy", "skmisc.loess"]
_MOST_BYTES = 8 * 2**20  # that a notebook may hand in


@dataclass
class Running:
    """A fork that runs one notebook, and what it has handed in so far."""

    job: dict[str, Any]
    pid: int
    pipe: int
    folder: tempfile.TemporaryDirectory
    started: float = field(default_factory=time.monotonic)
    handed_in: bytearray = field(default_factory=bytearray)
    stopped: str = ""


def preload(sources: list[str]) -> None:
    """Import what notebooks with these cells import, once for all of them."""
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    import_module(alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                module = import_module(node.module)
                for alias in node.names:  # a part that a facade imports when it is asked for, or a module
                    if not hasattr(module, alias.name):
                        import_module(f"{node.module}.{alias.name}")
    for name in _LATER:
        import_module(name)
    import torch

    torch.set_num_threads(1)  # so that it starts no threads, which a fork would wait for


def collect(work: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run the jobs of ``work``, as many at once as it says, and yield what each handed in, as it ends."""
    waiting = list(work["jobs"])
    running: list[Running] = []
    limits = Limits(**work["limits"])
    try:
        while waiting or running:
            while waiting and len(running) < work["cores"]:
                running.append(_start(waiting.pop(0), limits, work["unreadable"]))
            _read(running, limits)
            for done in [one for one in running if one.pipe < 0]:
                running.remove(done)
                yield _end(done)
    finally:
        for one in running:
            _kill(one)
            os.waitpid(one.pid, 0)
            one.folder.cleanup()


def _start(job: dict[str, Any], limits: Limits, unreadable: list[str]) -> Running:
    folder = tempfile.TemporaryDirectory(prefix="notebook-", ignore_cleanup_errors=True)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Running(job, pid, reading, folder)
    status = 70  # of a fork that ends by an error of this project, not by one of the notebook
    try:
        os.setsid()
        os.close(reading)
        from helpers.book.grading import child  # imported before the fork

        child.run(job, limits, Path(folder.name), [Path(path) for path in unreadable], writing)
        status = 0
    finally:
        os._exit(status)


def _read(running: list[Running], limits: Limits) -> None:
    """Take what notebooks have handed in within a second, and end those that have run or written for too long."""
    ready, _, _ = select.select([one.pipe for one in running], [], [], 1.0)
    for one in running:
        if one.pipe in ready:
            part = os.read(one.pipe, 2**16)
            one.handed_in += part
            if not part:
                os.close(one.pipe)
                one.pipe = -1
        if time.monotonic() - one.started > limits.wall_seconds:
            one.stopped = f"stopped after {limits.wall_seconds:g} seconds: does it wait for something?"
        elif len(one.handed_in) > _MOST_BYTES:
            one.stopped = "stopped: it handed in more than any answer can be"
        if one.stopped and one.pipe >= 0:
            _kill(one)
            os.close(one.pipe)
            one.pipe = -1


def _kill(one: Running) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended, or has not made a group of its own yet
        os.killpg(one.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGKILL)


def _end(one: Running) -> dict[str, Any]:
    """Return the events of a notebook, and why it was stopped if it was."""
    _kill_rest(one)
    _, status, used = os.wait4(one.pid, 0)
    one.folder.cleanup()
    events = list(_events(one.handed_in))
    whole = any("end" in event for event in events)
    stopped = one.stopped or ("" if whole else _reason(status))
    facts = {name: one.job[name] for name in ("key", "file")}
    return {"events": events, "stopped": stopped, "seconds": round(used.ru_utime + used.ru_stime, 2), **facts}


def _kill_rest(one: Running) -> None:
    """End a fork that has closed its pipe and goes on."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        done = os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if done is not None:
            return
        time.sleep(0.01)
    _kill(one)


def _events(handed_in: bytearray) -> Iterator[dict[str, Any]]:
    """Yield the lines that are data; one that was cut off, or that a notebook wrote itself, may be none."""
    for line in bytes(handed_in).splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def _reason(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGXCPU, signal.SIGKILL):
            return "stopped: it used more processor time or memory than a notebook may"
        return f"its process was ended by signal {signal.Signals(number).name}"
    return f"it ended its own process, with status {os.WEXITSTATUS(status)}"


def main() -> None:
    """Run the jobs of the file that is named on the command line, and print a line as each is done."""
    work = json.loads(Path(sys.argv[1]).read_text("utf8"))
    preload(work["imports"])
    for done in collect(work):
        write_whole(Path(work["to"]) / f"{done['key']}.json", json.dumps(done).encode())
        print(f"{done['file']}: {done['stopped'] or 'run'} ({done['seconds']:.1f} s)", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(work['jobs'])} notebooks, {used.ru_utime + used.ru_stime:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
