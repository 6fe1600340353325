"""Executed notebooks say what made them, and the book says when that has changed."""

import nbformat
import pytest

from helpers.book.run import code_cells, run_notebook
from helpers.datasets import load
from helpers.store import stamp as executed
from helpers.store import versions
from helpers.store.rows import Store
from small_notebook import HEAD

SOURCE = (
    HEAD
    + """
# A page

```{code-cell} ipython3
from helpers.store import Store
from helpers.sweep import Grid, run_sweep

grid = Grid(dataset="pbmc68k", representations=["random_projection"], seeds=[0], folds=[0], dim=2, n_probe=60)
run_sweep(grid, Store("rows"), progress=False)["status"].tolist()
```
"""
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    (folder / "page.md").write_text(SOURCE)
    run_notebook(folder / "page.md", folder / "page.ipynb")
    return folder / "page.ipynb"


def test_an_executed_notebook_carries_versions_and_data_hashes(page):
    made = nbformat.read(page, 4).metadata[executed.KEY]
    assert made["data"] == {"pbmc68k": load("pbmc68k").data_hash}
    assert made["code"] == executed.code_state(made["modules"])
    assert {"helpers.sweep", "helpers.datasets.cells.pbmc68k", "helpers.representations.linear"} <= set(made["modules"])
    assert not {"helpers.datasets.cells.larry", "helpers.laws", "helpers.charts"} & set(made["modules"])
    parts = ("data", "load_pbmc68k", "cells", "thin", "prep", "random_projection", "lmi")
    assert made["versions"] == {part: versions.version(part) for part in parts}
    assert made["packages"]["numpy"]
    assert executed.changes(made, SOURCE) == []
    assert executed.changes(made | {"code": "earlier"}, SOURCE + "more") == ["code", "text"]
    assert executed.changes(None, SOURCE) == ["code", "text"]
    assert executed.changes(made, SOURCE, {"dim": 2}) == ["parameters"]


def test_a_page_is_older_than_the_rows_it_read(tmp_path):
    store = Store(tmp_path)
    store.put("p-v", {"dataset": "toy", "status": "ok"})
    with executed.noting() as notes, pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(notes.variable.items())))
        store.table()
        (tmp_path / "table.csv").write_text("1")
        executed.note_read(tmp_path / "table.csv")
    made = executed.stamp("text", notes)
    assert set(made["read"]) == {str(tmp_path), str(tmp_path / "table.csv"), str(tmp_path / "measured.parquet")}
    assert executed.changes(made, "text") == []
    store.put("q-v", {"dataset": "toy", "status": "ok"})
    assert executed.changes(made, "text") == ["measurements"]
    (tmp_path / "rows" / "q-v.json").unlink()
    assert executed.changes(made, "text") == []
    (tmp_path / "table.csv").write_text("2")
    assert executed.changes(made, "text") == ["measurements"]


def test_code_that_changes_while_a_notebook_runs_is_not_what_it_ran():
    made = executed.stamp("text", executed.Notes({}), ["helpers.laws"], since=0.0)
    assert executed.changes(made, "text") == ["code"]


def test_a_job_measures_otherwise_with_other_cells_parameters_or_code(page):
    made = nbformat.read(page, 4).metadata[executed.KEY]
    cells = [cell.source for cell in code_cells(page.with_suffix(".md"))]
    assert not executed.measures_otherwise(made, cells, {})
    assert executed.measures_otherwise(made, [*cells, "1 + 1"], {})
    assert executed.measures_otherwise(made, cells, {"dim": 2})
    assert executed.measures_otherwise(None, cells, {})
    for other in ({"thin": 0}, {"no component": 1}):
        assert executed.measures_otherwise(made | {"versions": made["versions"] | other}, cells, {})


def test_data_are_noted_only_where_somebody_asks():
    executed.note_data([("pbmc68k", "0")])
    with executed.noting() as notes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(*next(iter(notes.variable.items())))
            executed.note_data([("b", "2"), ("a", "1")])
            executed.note_data([("a", "1")])
        executed.note_data([("c", "3")])
    assert notes.data == {"a": "1", "b": "2"}


def test_the_book_says_when_a_page_is_older_than_its_code(page, tmp_path, monkeypatch):
    from sphinx.application import Sphinx

    book = page.parent
    (book / "conf.py").write_text(
        'extensions = ["myst_nb", "helpers.book.sphinx"]\nnb_execution_mode = "off"\nroot_doc = "page"\n'
        'html_theme = "sphinx_book_theme"\n'
        'exclude_patterns = ["*.md", "rows"]\nsource_suffix = {".ipynb": "myst-nb", ".md": "myst-nb"}\n'
    )
    monkeypatch.setattr("helpers.book.sphinx.write_scripts", lambda app: None)

    def build():
        Sphinx(book, book, tmp_path / "html", tmp_path / "tree", "html", status=None).build()
        return (tmp_path / "html" / "page.html").read_text()

    told = build()
    assert "changed after it was executed" not in told
    assert "Executed by noise-scaling" in told
    assert f"pbmc68k {load('pbmc68k').data_hash}" in told
    # The page itself is as it was: only the code is another.
    monkeypatch.setattr(executed, "code_state", lambda modules: "another")
    assert "The code of this page changed after it was executed" in build()
    monkeypatch.undo()
    monkeypatch.setattr("helpers.book.sphinx.write_scripts", lambda app: None)
    assert "changed after it was executed" not in build()
