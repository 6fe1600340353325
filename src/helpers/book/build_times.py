"""How long the steps of a build took: written into the page on reproducibility when all others are written."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.book.workflow import PROFILE, STARTED, load_plan
from helpers.store.paths import profile_folder

PAGE = "book/reproducibility.html"
_PLACE = re.compile(r'(<div class="build-times">).*?(</div>)', re.DOTALL)


def write(root: Path, html_folder: Path, html_started: float) -> None:
    """Write the times of this build into its page: of the steps, and of every notebook of the profile.

    ``html_started`` is when the writing of pages began, in seconds of ``time.time``.
    """
    page = html_folder / PAGE
    profile = os.environ.get(PROFILE)
    if profile is None or not page.exists():
        return
    plan = load_plan(profile, root)
    known = {*plan.jobs(), *(name.removeprefix("notebooks/") for name in plan.pages)}
    files = sorted((profile_folder(profile) / "times").glob("*.json"))
    notebooks = [row for file in files if (row := json.loads(file.read_text("utf8")))["notebook"] in known]
    tables = _tables(root, notebooks, html_started)
    page.write_text(_PLACE.sub(lambda place: place[1] + tables + place[2], page.read_text("utf8")), "utf8")


def _tables(root: Path, notebooks: list[dict[str, Any]], html_started: float) -> str:
    installed = root / ".venv" / ".installed"
    seconds = installed.read_text("utf8").strip() if installed.exists() else ""
    now = time.time()
    steps = [("installing the packages", float(seconds))] if seconds.isdigit() else []
    for name, is_job in (("sweep jobs", True), ("pages", False)):
        took = [row["seconds"] for row in notebooks if row["job"] == is_job]
        steps.append((f"executing {len(took)} {name}, one after the other", sum(took)))
    steps.append(("writing the pages, this time", now - html_started))
    if started := os.environ.get(STARTED):
        steps.append((f"the whole of this build, on {os.cpu_count()} processors", now - float(started)))
    minutes = pd.DataFrame([(name, f"{took / 60:.1f}") for name, took in steps], columns=["step", "minutes"])
    each = pd.DataFrame(notebooks, columns=["notebook", "seconds", "finished"])
    each, minutes = (table.to_html(index=False, border=0, classes="table") for table in (each, minutes))
    return f"{minutes}<details><summary>Every notebook</summary>{each}</details>"
