"""Executed notebooks say what made them, and the book says when that has changed."""

import nbformat
import pytest

from helpers import executed
from helpers.datasets import load
from helpers.run import run_notebook
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
    assert made["code"] == executed.code_state()
    assert made["packages"]["numpy"]
    assert executed.older_than(made, SOURCE) == []
    assert executed.older_than(made | {"code": "earlier"}, SOURCE + "more") == ["code", "text"]
    assert executed.older_than(None, SOURCE) == ["code", "text"]


def test_data_are_noted_only_where_somebody_asks():
    executed.note_data([("pbmc68k", "0")])
    with executed.noting_data() as found:
        executed.note_data([("b", "2"), ("a", "1")])
        executed.note_data([("a", "1")])
    executed.note_data([("c", "3")])
    assert found == {"a": "1", "b": "2"}


def test_the_book_says_when_a_page_is_older_than_its_code(page, tmp_path, monkeypatch):
    from sphinx.application import Sphinx

    book = page.parent
    (book / "conf.py").write_text(
        'extensions = ["myst_nb", "helpers.book_ext"]\nnb_execution_mode = "off"\nroot_doc = "page"\n'
        'html_theme = "sphinx_book_theme"\n'
        'exclude_patterns = ["*.md", "rows"]\nsource_suffix = {".ipynb": "myst-nb", ".md": "myst-nb"}\n'
    )
    monkeypatch.setattr("helpers.book_ext.write_scripts", lambda app: None)

    def build():
        Sphinx(book, book, tmp_path / "html", tmp_path / "tree", "html", status=None).build()
        return (tmp_path / "html" / "page.html").read_text()

    told = build()
    assert "changed after it was executed" not in told
    assert "Executed by noise-scaling" in told
    assert f"pbmc68k {load('pbmc68k').data_hash}" in told
    # The page itself is as it was: only the code is another.
    monkeypatch.setattr(executed, "code_state", lambda: "another")
    assert "The code of this page changed after it was executed" in build()
    monkeypatch.undo()
    monkeypatch.setattr("helpers.book_ext.write_scripts", lambda app: None)
    assert "changed after it was executed" not in build()
