"""What a forked process does to be the kernel of a notebook, and how it ends.

Imports nothing that takes time: every fork imports it.
"""

import multiprocessing
import os
import signal
import sys
import threading
from types import FrameType

# Where packages are, before what the client added to its own list, which its forks are given.
_PATH = [place for place in sys.path if place]


def serve(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Be a kernel until it is shut down, with an environment, folder and random state of its own.

    ``arguments`` are those of ``ipykernel``, such as ``["-f", "connection.json"]``.
    """
    os.setsid()  # as kernels that are started: a Ctrl-C in the terminal is the client's to handle
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = _PATH
    threading.Thread(target=_end_with_client, daemon=True).start()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # else all forks would draw the same, where a started kernel draws afresh
    # These were imported outside a notebook: tables would have a terminal's width, figures no place to be shown.
    if pandas := sys.modules.get("pandas"):
        pandas.set_option("display.max_columns", 20)
    if matplotlib := sys.modules.get("matplotlib"):
        matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=arguments)


def _end_with_client() -> None:
    """End this process when the one that asked for it has ended, however it did."""
    client = multiprocessing.parent_process()
    assert client is not None  # of a forked process
    client.join()
    os._exit(1)


def end_forks() -> None:
    """Kill all forked kernels of this process."""
    for process in multiprocessing.active_children():
        process.kill()


def end_forks_when_interrupted() -> None:
    """Have Ctrl-C end kernels that run in threads, too, which Python interrupts only when they are done."""
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: FrameType | None) -> None:
        end_forks()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, interrupted)
