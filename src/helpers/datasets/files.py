"""Data files: a registry of addresses and hashes, one cache folder, downloads that resume."""

import os
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import yaml

from helpers._utils.progress import quiet
from helpers._utils.validation import choose

VARIABLE = "NOISE_SCALING_DATA"
_CHUNK = 1 << 16
# A folder of files of one's own, instead of those in the cache.
Folder = str | Path | None


@dataclass(frozen=True)
class File:
    """One file of a dataset: where it lies in the cache, where it comes from and what it must contain.

    Large files that this project has not held itself have the ``md5`` that their source gives, or no hash: that of
    their first download is noted beside them and checked from then on. ``is_page``: the address is a page that leads to
    the file, which a person must fetch.
    """

    path: str
    url: str
    sha256: str | None = None
    size: int | None = None
    is_page: bool = False
    md5: str | None = None

    @property
    def known_hash(self) -> str | None:
        """The registered hash after its kind, such as ``sha256:0fd4…``, as pooch takes it."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"md5:{self.md5}" if self.md5 else None


@dataclass(frozen=True)
class Entry:
    """What the registry says of one dataset."""

    name: str
    source: str
    licence: str
    files: tuple[File, ...]
    manual: str = ""

    def described(self) -> str:
        """Return the citation and the licence in one line."""
        return f"{self.source}; licence: {self.licence}"

    def file(self, path: str) -> File:
        """Return a file by its path in the cache, or by the last part of it."""
        for file in self.files:
            if path in (file.path, Path(file.path).name):
                return file
        raise ValueError(f"{self.name} has no file {path!r}: it has {', '.join(f.path for f in self.files)}.")


@lru_cache(maxsize=1)
def registry() -> dict[str, Entry]:
    """Return the registry: dataset name → its files, licence and citation (``registry.yaml``)."""
    stored = yaml.safe_load((package_files("helpers.datasets") / "registry.yaml").read_text("utf8"))
    return {
        name: Entry(name, files=tuple(File(**f) for f in entry.pop("files")), **entry) for name, entry in stored.items()
    }


def shown_name(dataset: str, folder: str | Path | None) -> str:
    """Return what rows and charts call a dataset: one from a user's folder must not pass for the real one.

    >>> shown_name("merfish", "my/section_2"), shown_name("merfish", None)
    ('merfish (files in section_2)', 'merfish')
    """
    return f"{dataset} (files in {Path(folder).resolve().name})" if folder else dataset


def cache_folder() -> Path:
    """Return the folder of data files: ``NOISE_SCALING_DATA``, or the user's cache if that is not set."""
    import pooch

    return Path(os.environ.get(VARIABLE) or pooch.os_cache("noise-scaling"))


def fetch(dataset: str, path: str, folder: Folder = None) -> Path:
    """Return a dataset's file on this machine, downloading it into the cache if it is not there.

    Parameters
    ----------
    dataset : name in the registry
    path : path in the cache, or its last part
    folder : a folder of the user's own files, taken as they are: found by name, no hash checked

    Raises
    ------
    FileNotFoundError
        If the file can be neither found nor downloaded; the message gives the steps by hand.
    ValueError
        If a file in the cache, or one just downloaded, has not the hash of the registry. A download with a wrong hash
        is deleted; a file that was there is left.
    """
    entry = registry()[choose(dataset, registry(), "dataset in the registry")]
    file = entry.file(path)
    if folder:
        given = Path(folder) / Path(file.path).name
        if not given.exists():
            names = ", ".join(Path(f.path).name for f in entry.files)
            raise FileNotFoundError(
                f"{given} does not exist: {dataset} needs a file of that name in the folder you gave; its files: "
                f"{names}."
            )
        return given
    target = cache_folder() / file.path
    noted = target.with_name(target.name + ".sha256")
    if target.exists():
        _check(target, file.known_hash or (f"sha256:{noted.read_text('utf8').strip()}" if noted.exists() else None))
        return target
    if file.is_page:
        raise FileNotFoundError(_by_hand(entry, file, target))
    try:
        _download(file, target)
    except OSError as error:  # those of requests are, too
        raise FileNotFoundError(_by_hand(entry, file, target, error)) from error
    except ValueError as error:  # pooch's own does not name the address
        raise ValueError(f"{file.url} gave another file than the registered one: {error}") from error
    if not file.known_hash:
        noted.write_text(hash_once(target), encoding="utf8")
    return target


def _download(file: File, target: Path) -> None:
    """Download a file and check its hash; a wrong one is deleted."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    pooch.retrieve(file.url, file.known_hash, target.name, target.parent, downloader=partial(_resume, target))


def _resume(target: Path, url: str, received: str, _pooch: Any) -> None:
    """Download to the path ``received``, from ``<target>.part`` on where the server allows it, which pooch does not.

    A progress bar is shown, except while a book is built.
    """
    import requests
    from tqdm.auto import tqdm

    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    # A packed answer would have another length than the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
        if answer.status_code == 416 and have:  # nothing beyond what we have: complete, or another file by now
            part.unlink()
            return _resume(target, url, received, _pooch)
        answer.raise_for_status()
        have = have if answer.status_code == 206 else 0  # else the server sends the whole file
        left = int(answer.headers.get("Content-Length") or 0)
        total = have + left if left else None
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=target.name, disable=quiet())
        with part.open("ab" if have else "wb") as out, bar:
            for block in answer.iter_content(_CHUNK):
                bar.update(out.write(block))
    size = part.stat().st_size
    if total and size != total:
        raise ConnectionError(f"the connection ended after {size} of {total} bytes; run again to go on")
    part.replace(received)
    return None


def _check(target: Path, known_hash: str | None) -> None:
    """Raise if a file in the cache is not the registered one, or not the one first downloaded."""
    kind, _, expected = (known_hash or "").partition(":")
    if expected and (actual := hash_once(target, kind)) != expected:
        raise ValueError(
            f"{target} has {kind} {actual}, not {expected}: it is damaged or another version. "
            f"Delete it and run again, or give your own files with folder=."
        )


def hash_once(path: Path, kind: str = "sha256") -> str:
    """Return the hash of a file, read again only when its size or time has changed."""
    return _hash_once(str(path), kind, path.stat().st_mtime_ns, path.stat().st_size)


@lru_cache(maxsize=256)
def _hash_once(path: str, kind: str, _mtime: int, _size: int) -> str:
    import pooch

    return pooch.file_hash(path, kind)


def _by_hand(entry: Entry, file: File, target: Path, error: Exception | None = None) -> str:
    """Return why a file is not there, and the steps to get it without this program."""
    size = f" ({file.size / 1e6:,.1f} MB)" if file.size else ""
    get = f"download {file.url}{size}"
    why = f"could not be downloaded ({type(error).__name__}: {str(error)[:200]})"
    if file.is_page:
        get, why = f"get it through the page {file.url}", "is not given out without asking"
    elif isinstance(error, PermissionError):
        why = f"cannot be saved: {cache_folder()} is not writable; set {VARIABLE} to a folder that is"
    must = f" Its {file.known_hash.replace(':', ' must be ')}." if file.known_hash else ""
    return (
        f"{entry.name}: {file.path} is not in the cache and {why}. By hand: 1. {get} on a machine with a network; "
        f"2. save it as {target}, or set {VARIABLE} to a folder that holds {file.path}; 3. run this again.{must} "
        f"{entry.manual}"
    ).rstrip()


def status() -> list[dict[str, Any]]:
    """Return one row a dataset of the registry: which of its files are in the cache, size, licence, citation."""
    rows = []
    for entry in registry().values():
        here = sum((cache_folder() / file.path).exists() for file in entry.files)
        sizes = [file.size for file in entry.files]
        total = round(sum(size or 0 for size in sizes) / 1e6, 1) if all(sizes) else None
        about = {"dataset": entry.name, "files here": f"{here} of {len(entry.files)}", "MB": total}
        rows.append({**about, "licence": entry.licence, "source": entry.source})
    return rows
