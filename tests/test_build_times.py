"""The page on reproducibility is told how long its build took."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest

from helpers.book import build_times
from helpers.book.workflow import load_plan

ROOT = Path(__file__).parents[1]


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page with the place for times, of a build that started two minutes ago."""
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv(build_times.PROFILE, "quick")
    monkeypatch.setenv(build_times.STARTED, str(time.time() - 120))
    folder = tmp_path / "results" / "quick" / "times"
    folder.mkdir(parents=True)
    job = next(iter(load_plan("quick", ROOT).jobs()))
    for name, is_job, seconds in (
        (job, True, 90.0),
        ("book/large", False, 30.0),
        ("of an earlier profile", True, 600.0),
    ):
        row = {"notebook": name, "job": is_job, "seconds": seconds, "finished": "2026-01-01 12:00"}
        (folder / f"{name.replace('/', '-')}.json").write_text(json.dumps(row))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").write_text("180\n")
    shutil.copy(ROOT / "_toc.yml", tmp_path)
    for name in ("config", "notebooks", "book"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.ipynb", "_static"))
    file = tmp_path / "html" / build_times.PAGE
    file.parent.mkdir(parents=True)
    file.write_text('before <div class="build-times">They are written by make book.</div> after')
    return file


def cells(page):
    return dict(re.findall(r"<td>(.*?)</td>\s*<td>(.*?)</td>", page.read_text()))


def test_the_steps_and_every_notebook_are_written(page):
    build_times.write(page.parents[2], page.parents[1], time.time() - 60)
    told = cells(page)
    assert told["installing the packages"] == "3.0"
    assert told["executing 1 sweep jobs, one after the other"] == "1.5"
    assert told["executing 1 pages, one after the other"] == "0.5"
    assert told["writing the pages, this time"] == "1.0"
    assert next(value for name, value in told.items() if name.startswith("the whole of this build")) == "2.0"
    assert told["book/large"] == "30.0"
    assert "of another profile" not in told
    text = page.read_text()
    assert text.startswith("before <div")
    assert text.endswith("</div> after")


def test_a_second_build_replaces_them(page):
    for _ in range(2):
        build_times.write(page.parents[2], page.parents[1], time.time())
    assert page.read_text().count("book/large") == 1


def test_nothing_is_written_where_no_profile_is_built(page, monkeypatch):
    monkeypatch.delenv(build_times.PROFILE)
    before = page.read_text()
    build_times.write(page.parents[2], page.parents[1], time.time())
    assert page.read_text() == before
