"""Where the project and its results are."""

import os
from pathlib import Path

RESULTS = "NOISE_SCALING_RESULTS"


def project_root(start: Path | None = None) -> Path:
    """Return the folder of the book: the one with ``_toc.yml`` that holds ``start`` or the current folder.

    Without ``start``, a notebook opened elsewhere (a student's, in a folder of their own) belongs to the clone
    whose ``src`` this package is imported from. If there is none, ``FileNotFoundError``: the notebooks live in a clone.
    """
    here = (start or Path.cwd()).resolve()
    installed = () if start else Path(__file__).resolve().parents[3:4]
    for folder in (here, *here.parents, *installed):
        if (folder / "_toc.yml").exists() and (folder / "notebooks").is_dir():
            return folder
    raise FileNotFoundError(f"{here} is not inside the book: change to your clone of the project and try again.")


class RemoteFolder(str):
    """The URL of a profile's folder on an object store, which ``Store`` takes.

    ``folder / name`` is a path in ``results/`` of the project: what is a file and no row (reports, times, checkpoints
    of training) stays on this machine.
    """

    def __truediv__(self, name: str) -> Path:
        """Return the path of a local file."""
        return project_root() / "results" / self.rpartition("/")[2] / name


def profile_folder(profile: str = "quick") -> Path | RemoteFolder:
    """Return the folder of a profile's results; ``NOISE_SCALING_RESULTS`` overrides ``results/`` of the project.

    It is a folder or, for the rows alone, the URL of an object store such as ``s3://bucket/results``. A profile is one
    plain word, or ``ValueError``: others could lead out of the folder.
    """
    if not profile.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"profile is {profile!r}: use letters, digits, '-' and '_' only.")
    base = os.environ.get(RESULTS, "").removeprefix("file://")
    if "://" in base:
        return RemoteFolder(f"{base.rstrip('/')}/{profile}")
    return (Path(base) if base else project_root() / "results") / profile
