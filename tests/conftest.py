"""Settings and fixtures shared by all tests."""

import fcntl
import os
import shutil

import pytest
from hypothesis import settings

# The same examples in every run, and no time limits on a busy machine.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Return a function that fills a folder by name, once for all processes of ``pytest -n``, and returns it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each process has a folder of its own in that of the run
        base = base.parent

    def folder(name, fill):
        made, done = base / f"once-{name}", base / f"once-{name}.done"
        with (base / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(made, ignore_errors=True)  # of a process whose attempt failed
                made.mkdir()
                fill(made)
                done.touch()
        return made

    return folder


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that no process ends with it while the others have nothing left to do."""
    long = ("test_notebooks.py", "test_survive.py", "test_workflow.py", "test_reproduce.py")
    items.sort(key=lambda item: item.path.name not in long)
