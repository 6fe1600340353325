"""Data files: found, downloaded, resumed and checked, against a server on this machine."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from helpers.book.cli import app
from helpers.datasets import files
from helpers.datasets.files import Entry, File, fetch

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``CONTENT`` at any address but /missing; ``cut`` breaks the first transfer off after so many bytes."""

    daemon_threads = True
    ranges = True
    cut = 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range") if server.ranges else None
        server.asked.append((self.path, self.headers.get("Range")))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.path == "/missing":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut] if server.cut else body)
        server.cut = 0

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def registered(server, tmp_path, monkeypatch):
    """Put one made-up dataset into the registry, with the address and hash a test gives; return its file's place."""

    def put(url="/file.bin", sha256=SHA256, **more):
        file = File("made/file.bin", url if "://" in url else server.address + url, sha256, **more)
        entry = Entry("made", "A study", "CC0", (file,), "Or ask the authors.")
        monkeypatch.setattr(files, "registry", lambda: {"made": entry})
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv(files.VARIABLE, str(tmp_path / "cache"))
        return tmp_path / "cache" / "made" / "file.bin"

    return put


def test_a_file_is_downloaded_checked_and_kept(server, registered):
    target = registered()
    assert fetch("made", "file.bin") == fetch("made", "made/file.bin") == target
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert [p.name for p in target.parent.iterdir()] == ["file.bin"]


def test_a_file_in_the_cache_needs_no_network(server, registered):
    target = registered("http://127.0.0.1:9/file.bin")
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert fetch("made", "file.bin") == target
    assert server.asked == []


def test_a_download_with_a_wrong_hash_is_deleted_and_named(registered):
    target = registered(sha256="0" * 64)
    with pytest.raises(
        ValueError, match=f"does not match the known hash: expected sha256:0{{64}} but got {SHA256}. Deleted download"
    ):
        fetch("made", "file.bin")
    assert list(target.parent.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_named_and_left(server, registered):
    target = registered()
    fetch("made", "file.bin")
    target.write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=f"{target} has sha256 .*, not {SHA256}: it is damaged .*Delete it"):
        fetch("made", "file.bin")
    assert target.exists()
    assert len(server.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on_where_it_can(server, registered, ranges):
    server.ranges, server.cut = ranges, 300_000
    target = registered()
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        fetch("made", "file.bin")
    part = target.with_name("file.bin.part")
    have = part.stat().st_size
    assert 0 < have <= 300_000
    assert not target.exists()
    assert fetch("made", "file.bin").read_bytes() == CONTENT
    assert not part.exists()
    assert server.asked == [("/file.bin", None), ("/file.bin", f"bytes={have}-")]


def test_a_part_as_long_as_the_file_is_replaced(server, registered):
    """It is not known to be the same file, so it is asked for anew."""
    target = registered()
    target.parent.mkdir(parents=True)
    target.with_name("file.bin.part").write_bytes(b"x" * len(CONTENT))
    assert fetch("made", "file.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [f"bytes={len(CONTENT)}-", None]


@pytest.mark.parametrize(("url", "told"), [("/missing", "404"), ("http://127.0.0.1:9/file.bin", "ConnectionError")])
def test_a_failed_download_tells_the_steps_by_hand(registered, url, told):
    target = registered(url, size=len(CONTENT))
    with pytest.raises(FileNotFoundError) as raised:
        fetch("made", "file.bin")
    message = str(raised.value)
    for part in (told, url, "1.0 MB", str(target), files.VARIABLE, f"sha256 must be {SHA256}", "Or ask the authors."):
        assert part in message
    assert not target.exists()


def test_a_page_that_leads_to_a_file_is_not_taken_for_it(server, registered):
    target = registered("/page", sha256=None, is_page=True)
    with pytest.raises(
        FileNotFoundError, match=f"get it through the page {server.address}/page .* save it as {target}"
    ):
        fetch("made", "file.bin")
    assert server.asked == []


def test_a_folder_that_cannot_be_written_is_told(registered, monkeypatch):
    target = registered()

    def refuse(folder, **_):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(FileNotFoundError, match=f"{target.parents[1]} is not writable; set {files.VARIABLE}"):
        fetch("made", "file.bin")


def test_a_file_without_a_registered_hash_keeps_that_of_its_first_download(registered):
    target = registered(sha256=None)
    fetch("made", "file.bin")
    assert target.with_name("file.bin.sha256").read_text() == SHA256
    assert fetch("made", "file.bin") == target
    target.write_bytes(b"something else")
    with pytest.raises(ValueError, match=f"not {SHA256}: it is damaged"):
        fetch("made", "file.bin")


def test_own_files_are_taken_as_they_are(server, registered, tmp_path):
    registered()
    with pytest.raises(FileNotFoundError, match=r"own/file\.bin does not exist: made needs a file of that name"):
        fetch("made", "file.bin", tmp_path / "own")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "file.bin").write_bytes(b"mine")
    assert fetch("made", "file.bin", tmp_path / "own").read_bytes() == b"mine"
    assert server.asked == []


def test_unknown_names_are_told(registered):
    registered()
    with pytest.raises(ValueError, match="unknown dataset in the registry 'maed': did you mean 'made'"):
        fetch("maed", "file.bin")
    with pytest.raises(ValueError, match=r"made has no file 'other': it has made/file\.bin"):
        fetch("made", "other")


def test_nothing_is_downloaded_at_import():
    told = """
import socket
def refuse(*_): raise AssertionError("asked the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import helpers.book.cli, helpers.datasets, helpers.datasets.files
helpers.datasets.available(), helpers.datasets.files.status()
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_every_registered_file_has_an_address_and_a_place_of_its_own():
    for name, entry in files.registry().items():
        assert entry.name == name
        assert entry.source
        assert entry.licence
        assert len({Path(f.path).name for f in entry.files}) == len(entry.files)
        for file in entry.files:
            assert file.path.startswith(f"{name}/")
            assert file.url.startswith("https://")
            assert file.sha256 is None or len(file.sha256) == 64
            assert file.md5 is None or len(file.md5) == 32
            assert entry.manual or file.known_hash


# The command line


def test_the_command_lists_what_is_here(registered):
    target = registered()
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    told = CliRunner().invoke(app, ["data"])
    assert told.exit_code == 0
    assert "1 of 1" in told.output
    assert "A study" in told.output


def test_the_command_downloads_and_says_where(registered):
    target = registered()
    told = CliRunner().invoke(app, ["data", "made"])
    assert told.exit_code == 0
    assert str(target) in told.output.replace("\n", "")
    assert target.read_bytes() == CONTENT


def test_the_command_names_the_nearest_dataset():
    told = CliRunner().invoke(app, ["data", "lary"])
    assert "did you mean 'larry'" in str(told.exception)
