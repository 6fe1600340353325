"""What a sweep survives: kill -9, full disks, damaged files, other sweeps, clocks, Ctrl-C. Nothing measured is lost."""

import contextlib
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from helpers.book import run
from helpers.store import paths, versions
from helpers.store import rows as stores
from helpers.store.rows import Store
from helpers.sweep import cells, verify
from helpers.sweep import engine as sweep
from helpers.sweep.cells import Grid
from helpers.sweep.engine import run_sweep
from small_notebook import HEAD, clone_in

ROOT = Path(__file__).parents[1]
GRID = {
    "dataset": "simulated", "options": {"n_cells": 240, "n_genes": 40, "n_latent": 2},
    "representations": ["pca", "random_projection"], "depths": [1.0, 0.1], "seeds": list(range(8)), "folds": [0],
    "dim": 3, "lmi": {"epochs": 2},
}  # fmt: skip
POINTS = 32
SMALL = Grid(**{**GRID, "seeds": [0]})
MEASURED = f"len(run_sweep(Grid(**{GRID!r}), Store(profile_folder(profile))))"
SLOWLY = f"""
from time import sleep

for seed in {GRID["seeds"]}:
    sleep(2)
    run_sweep(Grid(**{GRID!r} | {{"seeds": [seed]}}), Store(profile_folder(profile)))
"""
NOTEBOOK = f"""{HEAD}
```{{code-cell}} ipython3
:tags: [parameters]

profile = "small"
```

```{{code-cell}} ipython3
from helpers.store import profile_folder
from helpers.store import Store
from helpers.sweep import Grid, run_sweep

{MEASURED}
```
"""


# Processes that measure. They are forked from one that has imported everything: seconds less each.


def measure_all(path):
    run_sweep(Grid(**GRID), Store(path), progress=False)


def measure_and_count(path, counted):
    measure = cells.CELLS.measure

    def counting(points):
        with counted.get_lock():
            counted.value += len(points)
        return measure(points)

    cells.CELLS.measure = counting
    measure_all(path)


@pytest.fixture(scope="module")
def workers():
    """Processes of one thread each: results are equal to the bit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        # What measuring imports at its first step, too.
        context.set_forkserver_preload(
            [
                "helpers.book.kernel",
                "helpers.book.run",
                "helpers.store.reference",
                "helpers.sweep",
                "psutil",
                "pytest",
                "scanpy",
                "torch._dynamo",
            ]  # the first notes the path that kernels get
        )
        yield context


@pytest.fixture(scope="module")
def uninterrupted(workers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    finish(workers, folder)
    table = Store(folder).table()
    assert len(table) == POINTS
    assert (table["status"] == "ok").all()
    return table


def finish(workers, folder):
    worker = workers.Process(target=measure_all, args=(folder,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def same(folder, uninterrupted):
    """Row for row, to the last bit, but for when and how fast it was measured."""
    ours, theirs = (
        table.drop(columns=["seconds", "measured", "commit"]) for table in (Store(folder).table(), uninterrupted)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def rows_in(folder):
    return len(list(Path(folder).glob("rows/*.json")))


def until(condition, process=None):
    """Wait until something holds, or the process is over."""
    for _ in range(60_000):
        if condition() or (process is not None and process.poll() is not None):
            return
        time.sleep(0.005)
    pytest.fail("nothing happened for minutes")


def moments(n, seed):
    """Draw random moments, spread over a run: a number of rows, and a wait of up to a batch's time after it."""
    rng = random.Random(seed)
    return [(int(POINTS * (i + rng.random()) / n), 0.1 * rng.random()) for i in range(n)]


# Kill -9


def killed_worker(workers, folder, rows, wait):
    worker = workers.Process(target=measure_all, args=(folder,))
    worker.start()
    until(lambda: rows_in(folder) >= rows or not worker.is_alive())
    time.sleep(wait)
    worker.kill()  # kill -9; it may be done before
    worker.join()


@pytest.mark.parametrize(("rows", "wait"), moments(3, seed=0))
def test_a_killed_worker(workers, uninterrupted, tmp_path, rows, wait):
    killed_worker(workers, tmp_path, rows, wait)
    kept = {file.name: file.stat().st_ino for file in tmp_path.glob("rows/*.json")}
    assert rows <= len(kept)
    finish(workers, tmp_path)
    same(tmp_path, uninterrupted)
    assert kept.items() <= {file.name: file.stat().st_ino for file in tmp_path.glob("rows/*.json")}.items()


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "wait"), moments(12, seed=1))
def test_a_killed_worker_at_many_moments(workers, uninterrupted, tmp_path, rows, wait):
    killed_worker(workers, tmp_path, rows, wait)
    finish(workers, tmp_path)
    same(tmp_path, uninterrupted)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder like a clone of the project, whose one notebook measures the grid; results go to tmp_path/results."""
    folder = clone_in(tmp_path)
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "notebooks" / "small.md").write_text(NOTEBOOK)
    (folder / "config" / "small.yaml").write_text("profile: small\nabout: small\nsweep: []\npages: [notebooks/small]\n")
    for name, value in {
        "NOISE_SCALING_RESULTS": tmp_path / "results", "OMP_NUM_THREADS": 1, "PYTHONPATH": ROOT / "src",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    return folder


def command(clone, *words, background=False):
    """Start ``noise-scaling`` in a group of its own, as a terminal does; or as a script does in the background."""
    line = [sys.executable, "-c", "from helpers.book.cli import main; main()", *words]
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background hear none
    if background:  # where shells have interruptions ignored
        line = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *line]
    try:
        return subprocess.Popen(
            line, cwd=clone, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
        )
    finally:
        signal.signal(signal.SIGINT, heard)


RUN, SWEEP = ("run", "small"), ("sweep", "--profile", "small", "--cores", "1")


def children(process):
    return [] if process.poll() is not None else psutil.Process(process.pid).children(recursive=True)


def named(process, word):
    found = []
    for child in children(process):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            found += [child] * any(word in part for part in child.cmdline())
    return found


def gone(processes):
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes))


def completes(clone, words):
    process = command(clone, *words)
    told, _ = process.communicate()
    assert process.returncode == 0, told
    return told


def kernels(process, engine):
    """A forked kernel is a child of the process that has imported packages, a plain one has Jupyter's command."""
    if engine == "kernel":
        return named(process, "ipykernel")
    with contextlib.suppress(psutil.NoSuchProcess):
        return [kernel for server in named(process, "forkserver") for kernel in server.children()]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("engine", run.ENGINES)
@pytest.mark.parametrize(("rows", "wait"), moments(4, seed=2))
def test_a_killed_kernel(clone, uninterrupted, rows, wait, engine):
    results = clone.parent / "results" / "small"
    process = command(clone, *RUN, "--engine", engine)
    until(lambda: rows_in(results) >= max(rows, 1), process)
    time.sleep(wait)
    for kernel in kernels(process, engine):
        with contextlib.suppress(psutil.NoSuchProcess):
            kernel.kill()
    told, _ = process.communicate()
    if process.returncode:  # else it was done before
        assert "the kernel of small died" in told
        assert "Every point it measured is kept: run the same command again" in told
        assert "Traceback" not in told
    completes(clone, RUN)
    same(results, uninterrupted)
    assert not list((clone / "runs").glob("*.failed.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "wait"), moments(4, seed=3))
def test_a_killed_snakemake(clone, uninterrupted, rows, wait):
    """With all that it started; the next run finds no lock in its way."""
    results = clone.parent / "results" / "small"
    process = command(clone, *SWEEP)
    until(lambda: rows_in(results) >= rows and named(process, "snakemake"), process)
    time.sleep(wait)
    for snakemake in named(process, "snakemake")[:1]:
        os.killpg(snakemake.pid, signal.SIGKILL)
    process.communicate()
    completes(clone, SWEEP)
    same(results, uninterrupted)


@pytest.mark.parametrize("engine", run.ENGINES)
def test_a_killed_command_leaves_no_kernel(clone, engine):
    """Nor the process that kernels are forked from."""
    (clone / "notebooks" / "small.md").write_text(NOTEBOOK.replace(MEASURED, SLOWLY))
    process = command(clone, *RUN, "--engine", engine)
    until(lambda: rows_in(clone.parent / "results" / "small") > 0, process)
    started = children(process)
    assert kernels(process, engine)
    process.kill()
    process.communicate()
    gone(started)


# Ctrl-C


@pytest.mark.parametrize(
    ("words", "stop", "background"),
    [
        pytest.param(RUN, signal.SIGINT, False, id="run"),
        pytest.param((*RUN, "--engine", "kernel"), signal.SIGINT, False, id="run, plain kernel"),
        pytest.param(SWEEP, signal.SIGINT, False, id="sweep", marks=pytest.mark.slow),
        pytest.param(SWEEP, signal.SIGTERM, False, id="sweep, kill", marks=pytest.mark.slow),
        pytest.param(SWEEP, signal.SIGTERM, True, id="sweep in the background, kill", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c(clone, words, stop, background):
    """While the notebook, which pauses after each seed, has most of its points to go."""
    (clone / "notebooks" / "small.md").write_text(NOTEBOOK.replace(MEASURED, SLOWLY))
    results = clone.parent / "results" / "small"
    process = command(clone, *words, background=background)
    until(lambda: rows_in(results) > 0, process)
    started = children(process)
    process.send_signal(stop)
    told, _ = process.communicate()
    assert process.returncode == 130, told
    assert "Every point measured so far is kept: the same command goes on from there." in told
    assert "Traceback" not in told
    gone(started)
    assert 0 < len(Store(results).table()) == rows_in(results) < POINTS


# Other sweeps


def test_two_sweeps_at_once_share_the_work(workers, uninterrupted, tmp_path):
    counted = workers.Value("i", 0)
    both = [workers.Process(target=measure_and_count, args=(tmp_path, counted)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    same(tmp_path, uninterrupted)
    assert POINTS <= counted.value < 2 * POINTS


def test_what_another_sweep_measured_meanwhile_is_kept(tmp_path, monkeypatch):
    """Its rows stand, and are not written over."""
    theirs = Store(tmp_path)

    def slower(points):
        found = [{"mi_bits": 1.0} for _ in points]
        for point in points:
            key = sweep._identity(point, cells.CELLS)[1]
            theirs.put(key, {"dataset": "simulated", "status": "ok", "mi_bits": 2.0, "parameters_hash": key[:16]})
        return found

    monkeypatch.setattr(cells.CELLS, "measure", slower)
    assert set(run_sweep(SMALL, Store(tmp_path), progress=False)["mi_bits"]) == {2.0}
    assert set(theirs.table()["mi_bits"]) == {2.0}


@pytest.mark.slow
def test_two_sweeps_of_the_workflow_take_turns(clone, uninterrupted):
    first = command(clone, *SWEEP)
    until(lambda: named(first, "snakemake"), first)
    second = command(clone, *SWEEP)
    told, _ = second.communicate()
    first.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert "Another sweep or book is at work" in told
    same(clone.parent / "results" / "small", uninterrupted)


# A full disk, a folder that takes nothing


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for a dozen rows."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(made, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remount(folder, how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


FULL = r"could not write more rows \(No space left on device\)\. What was measured before is kept there: free space"


def test_a_full_disk(small_disk, workers, uninterrupted):
    with pytest.raises(OSError, match=FULL) as told:
        measure_all(small_disk)
    assert told.value.errno == errno.ENOSPC
    assert str(small_disk) in str(told.value)
    kept = Store(small_disk).table()
    assert 0 < len(kept) < POINTS
    assert not list(small_disk.glob("rows/*.part"))
    remount(small_disk, "size=4m")
    finish(workers, small_disk)
    same(small_disk, uninterrupted)


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_row_that_cannot_be_written_stops_the_sweep(tmp_path, monkeypatch):
    run_sweep(SMALL.model_copy(update={"depths": [1.0]}), Store(tmp_path), progress=False)
    before = Store(tmp_path).table()
    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(Store, "check_writable", lambda self: None)
    with pytest.raises(OSError, match=FULL):
        run_sweep(SMALL, Store(tmp_path), progress=False)
    pd.testing.assert_frame_equal(Store(tmp_path).table(), before)
    assert not list(tmp_path.glob("rows/*.part"))


def test_a_disk_that_fills_while_a_point_is_measured_is_no_fault_of_the_point(tmp_path, monkeypatch):
    monkeypatch.setattr(cells.CELLS, "measure", full)
    with pytest.raises(OSError, match="No space left"):
        run_sweep(SMALL, Store(tmp_path), progress=False)
    assert len(Store(tmp_path).table()) == 0


@contextlib.contextmanager
def unwritable(folder, monkeypatch):
    """Make a folder read-only for whoever runs the tests; root is told so by force."""
    if os.geteuid() == 0:

        def refused(file, content):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

        with monkeypatch.context() as patch:
            patch.setattr(stores, "write_whole", refused)
            yield
    else:
        places = [place for place in (folder / "rows", folder) if place.exists()]
        for place in places:
            place.chmod(0o555)
        yield
        for place in reversed(places):
            place.chmod(0o755)


def test_a_read_only_folder_is_told_before_anything_is_measured(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured"))
    with unwritable(folder, monkeypatch), pytest.raises(PermissionError) as told:
        run_sweep(SMALL, Store(folder), progress=False)
    assert f"{folder} cannot be written to (Permission denied), so nothing is measured" in str(told.value)
    assert "NOISE_SCALING_RESULTS" in str(told.value)


def test_a_read_only_disk_serves_what_is_measured(small_disk, monkeypatch):
    rows = run_sweep(SMALL, Store(small_disk), progress=False)
    remount(small_disk, "ro")
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured"))
    pd.testing.assert_frame_equal(run_sweep(SMALL, Store(small_disk), progress=False), rows, check_dtype=False)
    with pytest.raises(OSError, match=r"cannot be written to \(Read-only file system\)"):
        run_sweep(SMALL.model_copy(update={"depths": [0.5]}), Store(small_disk), progress=False)


def test_a_read_only_folder_serves_packed_rows(packed, monkeypatch):
    rows = Store(packed).table()
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured"))
    with unwritable(packed, monkeypatch):
        again = run_sweep(SMALL, Store(packed), progress=False)
    assert again["mi_bits"].tolist() == rows["mi_bits"].tolist()


# Damaged files


@pytest.fixture
def packed(tmp_path):
    """A folder whose rows are in the packed file alone."""
    folder = tmp_path / "packed"
    run_sweep(SMALL, Store(folder), progress=False)
    verify.pack(Store(folder))
    shutil.rmtree(folder / "rows")
    return folder


@pytest.mark.parametrize("left", [0, 4, 0.5, 0.99])
def test_a_damaged_packed_file_stops_everything_and_stays(packed, left):
    file = packed / "measured.parquet"
    whole = file.read_bytes()
    file.write_bytes(broken := whole[: left if left > 1 else int(left * len(whole))])
    store = Store(packed)
    for use in (store.table, lambda: run_sweep(SMALL, store, progress=False), lambda: verify.pack(store)):
        with pytest.raises(ValueError, match=r"measured\.parquet cannot be read .*git checkout -- .*measured\.parquet"):
            use()
    assert file.read_bytes() == broken
    assert not (packed / "rows").exists()
    file.write_bytes(whole)
    assert len(Store(packed).table()) == len(SMALL.points())


def test_a_damaged_row_is_named_and_measured_again(tmp_path):
    rows = run_sweep(SMALL, Store(tmp_path), progress=False)
    broken = min(tmp_path.glob("rows/*.json"))
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.warns(UserWarning, match=rf"{broken.name} cannot be read .* Delete the file"):
        assert len(Store(tmp_path).table()) == len(rows) - 1
    with pytest.warns(UserWarning, match=rf"{broken.name} cannot be read .* a sweep measures the point again"):
        again = run_sweep(SMALL, Store(tmp_path), progress=False)
    pd.testing.assert_frame_equal(
        again.drop(columns=["seconds", "measured"]), rows.drop(columns=["seconds", "measured"]), check_dtype=False
    )
    assert json.loads(broken.read_bytes())["status"] == "ok"


def test_a_row_that_the_disk_does_not_give_is_not_measured_anew(tmp_path, monkeypatch):
    """A disk or a network that fails for a moment says nothing about what was measured."""
    store = Store(tmp_path)
    store.put("p-v", {"status": "ok"})
    file = tmp_path / "rows" / "p-v.json"
    file.unlink()
    file.mkdir()
    with pytest.raises(IsADirectoryError):
        store.get("p-v")


def test_what_killed_writers_left_is_ignored_and_cleaned_when_old(tmp_path):
    store = Store(tmp_path)
    store.put("p-v", {"status": "ok", "parameters_hash": "p"})
    old, new = (tmp_path / "rows" / f"{name}.json.0.part" for name in ("old", "new"))
    for part in (old, new):
        part.write_text('{"status": ')
    os.utime(old, (time.time() - 2 * 86_400,) * 2)
    assert len(store.table()) == 1
    store.check_writable()
    assert (old.exists(), new.exists()) == (False, True)
    assert len(store.table()) == 1


# Clocks


@pytest.mark.parametrize("years", [-10, 10])
def test_clocks_decide_nothing(tmp_path, monkeypatch, years):
    """The older version's files are from the future, or the newer one's from the past: the newer is shown."""
    rows = {}
    for number in (97, 98):
        monkeypatch.setattr(versions, "version", lambda component, number=number: number)
        rows[number] = run_sweep(SMALL, Store(tmp_path), progress=False)
    moved = 97 if years > 0 else 98
    for file in tmp_path.rglob(f"*{moved}*"):
        os.utime(file, (time.time() + years * 3.15e7,) * 2)
        row = json.loads(file.read_text())
        row["measured"] = f"{2026 + years}{row['measured'][4:]}"
        file.write_text(json.dumps(row))
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured again"))
    assert all("thin98" in method for method in Store(tmp_path).table()["method"])
    again = run_sweep(SMALL, Store(tmp_path), progress=False)
    pd.testing.assert_frame_equal(again.drop(columns="measured"), rows[98].drop(columns="measured"), check_dtype=False)


# Object stores


def test_a_sweep_on_an_object_store(uninterrupted, monkeypatch):
    monkeypatch.setenv(paths.RESULTS, "memory://bucket/results/")
    folder = paths.profile_folder("small")
    assert folder == "memory://bucket/results/small"
    store = Store(folder)
    table = run_sweep(SMALL, store, progress=False)
    expected = uninterrupted[uninterrupted["seed"] == 0].reset_index(drop=True)
    columns = ["parameters_hash", "data_hash", "method", "settings", "n_train", "status"]
    pd.testing.assert_frame_equal(store.table()[columns], expected[columns])
    monkeypatch.setattr(sweep, "_rows_of", lambda *_: pytest.fail("measured again"))
    again = run_sweep(SMALL, Store(folder), progress=False)
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    assert len(Store("memory://bucket/results/none").table()) == 0
    assert Store(folder).get("none") is None


def test_files_of_a_profile_on_an_object_store_stay_here(monkeypatch):
    monkeypatch.setenv(paths.RESULTS, "s3://bucket")
    monkeypatch.chdir(ROOT)
    assert paths.profile_folder("small") == "s3://bucket/small"
    assert paths.profile_folder("small") / "report.html" == ROOT / "results" / "small" / "report.html"
    with pytest.raises(ValueError, match="use letters"):
        paths.profile_folder("../x")


def test_a_file_url_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.RESULTS, f"file://{tmp_path}")
    assert paths.profile_folder("small") == tmp_path / "small"
    assert Store(f"file://{tmp_path}/x").path == tmp_path / "x"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nothing://bucket", "nothing://bucket cannot be opened: .*nothing.*Give a folder or a URL"),
        (Path("s3://bucket/x"), "'s3:/bucket/x' is neither a folder nor a URL: give a URL as text"),
    ],
)
def test_addresses_that_are_none(url, told):
    with pytest.raises(ValueError, match=told):
        Store(url)


def test_a_missing_package_is_named(monkeypatch):
    import fsspec

    def lacking(*_):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "url_to_fs", lacking)
    with pytest.raises(ValueError, match="s3://bucket/x cannot be opened: Install s3fs to access S3"):
        Store("s3://bucket/x")
