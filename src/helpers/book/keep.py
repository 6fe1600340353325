"""Compute what pages keep in ``results/reference/kept.parquet``: ``python -m helpers.book.keep`` after a new version.

What a page needs for long is thus at hand; commit the file.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd

from helpers._utils.progress import BUILDING
from helpers.book.run import code_cells, find_notebook
from helpers.book.workflow import load_plan
from helpers.laws.kept import NAME, recording
from helpers.store import reference
from helpers.store.paths import project_root

# Whose results are kept: they take long, and are of points that are committed.
PAGES = """
    analyses/published analyses/findings analyses/joint_law analyses/transformer_diagnosis analyses/one_grid
    analyses/model_comparison analyses/estimators modalities/sample_number modalities/masked_reconstruction
""".split()


def run_page(name: str) -> None:
    """Run the code of a page here, with the parameters of the book and without showing anything."""
    root = project_root()
    source = find_notebook(name, root)
    given = load_plan("quick", root).parameters_of(f"notebooks/{name}")
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells(source):
        exec(compile(cell.source, f"{name}.md", "exec"), names)  # noqa: S102 (the project's own pages)
        if "parameters" in cell.options:
            names |= given


def keep(pages: Iterable[str] = PAGES) -> Path:
    """Compute what pages keep and write it; what other pages keep stays. Return the file."""
    file = reference.folder() / f"{NAME}.parquet"
    for page in pages:
        with recording() as results, open(os.devnull, "w", encoding="utf8") as nowhere, redirect_stdout(nowhere):
            finished = False
            try:
                run_page(page)
                finished = True
            finally:  # what a page computed before it failed took as long
                rows = [(page, what, key, content) for key, (what, content) in results.items()]
                _write(file, page, rows, finished)
    return file


def _write(file: Path, page: str, rows: list[tuple], finished: bool) -> None:
    """Put the results of a page in place of those that it had; of one that failed, add them to those."""
    new = pd.DataFrame(rows, columns=["page", "what", "key", "content"])
    if file.exists():
        old = pd.read_parquet(file)
        new = pd.concat([new, old[old["page"] != page] if finished else old])
    new = new.sort_values(["page", "what", "key"], kind="stable").drop_duplicates(["page", "key"])
    new.to_parquet(file, index=False, compression="zstd")


if __name__ == "__main__":
    os.environ[BUILDING] = "1"
    print(keep(sys.argv[1:] or PAGES))
