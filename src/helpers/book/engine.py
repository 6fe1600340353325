"""Papermill engines: the kernel is a fork of a process that has imported packages, or started as Jupyter does.

A kernel that is started imports torch, scanpy and Altair for seconds. The fork of a process that has done so is as
separate from all others and is ready at once. Everything but the start is Jupyter's own: messages, outputs, timeouts,
interrupts.
"""

import atexit
import multiprocessing.forkserver
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Iterable
from multiprocessing.context import ForkServerProcess
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.log import logger

from helpers.book.kernel import end_forks, serve

# What most pages import, beside this project's own modules: those are read afresh by each notebook, and noted.
PACKAGES = """
    helpers.book.kernel torch scanpy altair pydantic yaml vl_convert scipy.stats scipy.optimize sklearn.covariance
    sklearn.decomposition sklearn.model_selection sklearn.neighbors pyarrow.parquet sklearn.random_projection
    skmisc.loess threadpoolctl tqdm myst_nb ipykernel.kernelapp
""".split()
# One notebook may need no more than these, and imports what else it does.
FEW = ("helpers.book.kernel", "altair", "torch", "ipykernel.kernelapp")
_MODULES = "' '.join(sorted(name for name in __import__('sys').modules if name.partition('.')[0] == 'helpers'))"


def preload(packages: Iterable[str] = PACKAGES) -> None:
    """Start the process that notebooks are forked from, which imports these packages while this one goes on.

    The first notebook starts it, too. It ends with this process. Packages that are not installed are left out, for the
    notebook to say so.
    """
    _CONTEXT.set_forkserver_preload(list(packages))
    multiprocessing.forkserver.ensure_running()


class _Client(PapermillNotebookClient):
    """Notes in the notebook which modules of this project it has imported, once all cells have run."""

    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        request = self.kc.execute("", silent=True, user_expressions={"modules": _MODULES})
        modules = self.wait_for_reply(request)["content"]["user_expressions"]["modules"]
        self.nb.metadata["modules"] = modules["data"]["text/plain"].strip("'").split()


class KernelEngine(Engine):
    """Starts a kernel as Jupyter does, in an environment and a folder of its own.

    Papermill itself can set these only for this whole process.
    """

    manager: type[AsyncKernelManager] = AsyncKernelManager

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        environment: dict[str, str],
        folder: str,
        start_timeout: int,
        execution_timeout: int,
        extra_arguments: list[str],
        **unused: Any,
    ) -> None:
        """Execute the cells of a notebook in a folder, with these and no other variables."""
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=cls.manager,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            extra_arguments=extra_arguments,
            log=logger,
        )
        loop = ensure_event_loop()
        loop.set_exception_handler(_log_unreported)
        try:
            client.execute(env=environment, cwd=folder)
        finally:
            if threading.current_thread() is not threading.main_thread():
                loop.close()  # of this thread, which may be over


def _log_unreported(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log unseen errors, except the end of the kernel: the caller gets that one, or has interrupted it."""
    if not isinstance(context.get("exception"), DeadKernelError):
        loop.default_exception_handler(context)


class _Process:
    """A forked process with those methods of ``subprocess.Popen`` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self._process.pid, number)  # type: ignore[arg-type]

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


class ForkedProvisioner(LocalProvisioner):
    """Makes a kernel by a fork where Jupyter would start a process."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork a kernel with the arguments, environment and folder that the command was to have."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        process = _CONTEXT.Process(target=serve, args=(arguments, options["env"], str(options["cwd"])))
        process.start()
        self.process = _Process(process)  # type: ignore[assignment]
        self.pid, self.pgid, self.cwd = process.pid, None, options["cwd"]
        return self.connection_info


class ForkedManager(AsyncKernelManager):
    """Has its kernel forked."""

    @property
    def kernel_spec(self) -> Any:
        """The kernel, with the way to make it."""
        spec = super().kernel_spec
        if spec is not None:
            spec.metadata["kernel_provisioner"] = {"provisioner_name": "forked"}
        return spec


class ForkedEngine(KernelEngine):
    """Forks the kernel from a process that has imported packages, see ``preload``."""

    manager = ForkedManager


papermill_engines.register("forked", ForkedEngine)
papermill_engines.register("kernel", KernelEngine)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(PACKAGES))
atexit.register(end_forks)  # Python would wait for them
