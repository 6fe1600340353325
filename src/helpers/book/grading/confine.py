"""What a student's notebook may not do while it is marked: use up the machine, reach the network, read the answers.

This keeps out mistakes and simple tricks. It is not a prison: code that sets out to break Python itself can. Mark a
class that you do not trust in a container, or as a user who can read nothing else.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from helpers.book.grading.limits import Limits

ANSWERS = "helpers.book.course.answers_"  # modules that may not be imported
_FILE_BYTES = 200 * 2**20  # largest file that may be written
# By what a notebook would start another process, or reach another machine.
_STARTS = (
    "os.exec os.fork os.forkpty os.posix_spawn os.spawn os.startfile os.system pty.spawn subprocess.Popen".split()
)
_CALLS = "ftplib.connect http.client.connect socket.bind socket.connect socket.getaddrinfo socket.gethostbyname".split()
_CALLS += "socket.sendmsg socket.sendto urllib.Request".split()
_CHANGES = "chmod chown link mkdir remove rename rmdir symlink truncate utime".split()


class CellTooLong(BaseException):
    """A cell used more processor time than one cell may; no ``except Exception`` of a student catches it."""


def limit(limits: Limits) -> None:
    """Limit processor time, memory and file sizes of this process, for good."""
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = Path("/proc/self/statm")
    if pages.exists():  # elsewhere address space is not limited: macOS takes no such limit
        used = int(pages.read_text().split()[0]) * resource.getpagesize()
        most = used + int(limits.memory)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def end_cell_after(seconds: float) -> None:
    """Raise ``CellTooLong`` in the main thread once this process has used so much processor time; 0 calls it off."""
    signal.signal(signal.SIGPROF, _too_long)
    # Again each second, where a bare ``except:`` inside the loop has caught it.
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0 if seconds else 0.0)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise CellTooLong("stopped: one cell used more processor time than it may; is there a loop without an end?")


def confine(folder: Path, unreadable: Iterable[Path]) -> None:
    """Refuse, from now on, all that reaches beyond a folder: processes, network, files elsewhere, the answers.

    Parameters
    ----------
    folder
        The only place that can be written to.
    unreadable
        Files and folders that cannot be read, beside the answers of the course and all that is compiled of them.
    """
    sys.addaudithook(_hook(folder.resolve(), [path.resolve() for path in unreadable]))


def _hook(folder: Path, unreadable: list[Path]) -> Callable[[str, tuple[Any, ...]], None]:
    inside = (str(folder), os.devnull)
    hidden = tuple(str(path) for path in unreadable)
    mine, course = os.getpid(), str(Path(__file__).parents[1] / "course")
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    starts, calls = frozenset(_STARTS), frozenset(_CALLS)
    changes = frozenset(f"os.{name}" for name in _CHANGES) | {"shutil.rmtree", "shutil.move", "shutil.copyfile"}

    def within(path: str, places: tuple[str, ...]) -> bool:
        return any(path == place or path.startswith(place + os.sep) for place in places)

    def real(path: Any) -> str:
        return os.path.realpath(os.fsdecode(path))

    def opened(path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        name = real(path)
        if within(name, hidden) or (name.startswith(course) and os.path.basename(name).startswith("answers_")):
            raise PermissionError("while it is marked, a notebook cannot read the answers or what others handed in")
        if isinstance(flags, int) and flags & writing and not within(name, inside):
            raise PermissionError("while it is marked, a notebook can write only into its own folder")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            opened(*arguments[:3])
        elif event == "import":
            if str(arguments[0]).startswith(ANSWERS):
                raise ImportError("while it is marked, a notebook cannot import the answers of the course")
        elif event in starts:
            raise PermissionError("while it is marked, a notebook cannot start other programs")
        elif event in calls:
            raise PermissionError("while it is marked, a notebook has no network")
        elif event in changes:
            paths = [part for part in arguments if isinstance(part, (str, bytes, os.PathLike))]
            if not all(within(real(path), inside) for path in paths):
                raise PermissionError("while it is marked, a notebook can change files only in its own folder")
        elif event in ("os.kill", "os.killpg") and arguments[0] != mine:
            raise PermissionError("while it is marked, a notebook cannot end other processes")
        elif event == "os.listdir" and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
            if within(real(arguments[0]), hidden):
                raise PermissionError("while it is marked, a notebook cannot read what others handed in")

    return hook
