"""Tables as readers see them, code that is folded, and the figure that a page opens with."""

import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from docutils import nodes
from docutils.utils import new_document
from hypothesis import given
from hypothesis import strategies as st

from helpers._utils.numbers import number, with_interval
from helpers.book.folding import fold
from helpers.book.lead import PLACE, lead_with_figure
from helpers.charts import tables
from helpers.laws import NoiseLaw, summary


def texts(html):
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", html, re.DOTALL)]


@given(st.floats(-1e300, 1e300))
def test_no_number_is_long_or_in_e_notation_and_each_is_near_its_value(value):
    shown = number(value)
    assert len(shown) <= 17
    assert "e" not in shown
    factor, _, power = shown.replace("−", "-").replace(",", "").partition(" × 10")
    power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert float(f"{factor}e{power or 0}") == pytest.approx(value, rel=6e-3)


def test_ends_that_are_not_bounded_are_said_to_be_not_fixed():
    assert with_interval(400.0, 0.0, np.inf) == "400 (not fixed)"
    assert with_interval(400.0, -np.inf, 500.0) == "400 [not fixed, 500]"
    assert with_interval(400.0, 10.0, np.inf) == "400 [10, not fixed]"


def test_a_table_of_fits_has_one_header_values_with_intervals_and_its_messages_below():
    u = np.repeat(np.geomspace(10, 1000, 8), 2)
    law = NoiseLaw(2.0, 100.0)
    rising = {"near": NoiseLaw.fit(u, law(u)), "far": NoiseLaw.fit(u, NoiseLaw(3.0, 1e6)(u))}
    table = summary(rising)
    assert {fit.status for fit in rising.values()} > {"ok"}
    shown = tables.html(table)
    header = re.search("<thead>(.*?)</thead>", shown, re.DOTALL)[1]
    assert header.count("<tr") == 1
    assert "message" not in texts(header)
    assert "<summary>What the status means here</summary>" in shown
    assert "far: <em>" in shown
    assert "near: <em>" not in shown
    assert not re.findall(r"\d[eE][+-]?\d|\binf\b|\bnan\b", re.sub("<[^>]*>", "", shown))


def test_names_are_the_glossarys_and_numbers_of_rows_are_left_out():
    table = pd.DataFrame({
        "dataset": ["osmfish", "rna_mixture"], "i_max": [2.0, 1.23456], "i_max_low": [1.0, 0.0],
        "i_max_high": [3.0, np.inf], "lack_of_fit": [1e-12, 0.25], "difference": [0.1, np.nan], "low": [0.0, np.nan],
        "high": [0.2, np.nan], "agree": [True, False],
    })  # fmt: skip
    assert texts(tables.html(table)) == [
        *("dataset", "I_max (bits)", "p, lack of fit", "difference", "agree"),
        *("osmfish", "2 [1, 3]", "< 0.001".replace("<", "&lt;"), "0.100 [0, 0.200]", "yes"),
        *("rna mixture", "1.23 (not fixed)", "0.25", "–", "no"),
    ]


def test_row_names_of_several_levels_are_columns():
    table = pd.DataFrame(
        {"bits": [1.0, 2.0]}, index=pd.MultiIndex.from_tuples([("a_b", 1), ("c", 2)], names=["x", "n"])
    )
    table.columns = pd.MultiIndex.from_tuples([("bits", "deep")])
    assert texts(tables.html(table)) == ["x", "n", "bits, deep", "a b", "1", "1", "c", "2", "2"]


def test_a_long_table_is_cut_with_a_word_and_scrolls_by_keyboard():
    shown = tables.html(pd.DataFrame({"x": range(1200)}))
    assert "The first 1,000 of 1,200 rows." in shown
    assert 'tabindex="0"' in shown
    assert 'role="region"' in shown


def test_what_a_cell_returns_is_shown_so():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        tables.use_in_notebooks()
        table, _ = shell.display_formatter.format(pd.DataFrame({"n_train": [1500]}))
        words, _ = shell.display_formatter.format("All 3 points were measured.")
    finally:
        InteractiveShell.clear_instance()
    assert texts(table["text/html"]) == ["training cells", "1,500"]
    assert words["text/html"] == '<p class="said">All 3 points were measured.</p>'


def cell(source, tags=(), outputs=()):
    made = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
    made.outputs = [nbformat.v4.new_output("stream", text=text) for text in outputs]
    return made


def test_cells_that_set_up_are_folded_and_keep_their_code():
    cells = [cell("import os"), cell("dim = 16", ["parameters"]), cell("a = 1\nb = a"), cell("a", (), ["1"]),
             cell("a = 1", ["remove-cell"]), cell("for i in 'ab':\n    x = i")]  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=cells)
    fold(notebook)
    folded = [c.metadata.get("mystnb", {}).get("code_prompt_show") for c in notebook.cells]
    assert folded == ["Imports", "Parameters", "Set up", None, None, None]
    assert [c.metadata.get("tags") for c in notebook.cells][:2] == [["hide-input"], ["parameters", "hide-input"]]
    assert not any(c.metadata.get("jupyter", {}).get("source_hidden") for c in notebook.cells), "open in JupyterLab"


def test_answers_of_the_course_stay_open():
    notebook = nbformat.v4.new_notebook(cells=[cell("import os"), cell("answer = 3", ["solution"]), cell("a = 1")])
    fold(notebook)
    assert ["hide-input" in c.metadata.get("tags", []) for c in notebook.cells] == [True, False, False]


def page_with(tags):
    shown = nodes.container("", nodes.paragraph("", "a chart"), classes=["cell_output"])
    code = nodes.container("", nodes.literal_block("", "draw()"), classes=["cell_input"])
    made = nodes.container("", code, shown, classes=["cell", *tags])
    words = [nodes.paragraph("", text) for text in ("In short.", "Question.")]
    document = new_document("page")
    document += nodes.section("", nodes.title("", "Title"), *words, made)
    return document


def test_the_lead_figure_stands_behind_the_answer_and_its_code_where_it_was():
    document = page_with(["tag_lead"])
    lead_with_figure(None, document)
    _, answer, place, question, code = document[0].children
    assert PLACE in place["ids"]
    assert place.astext() == "a chart"
    assert (answer.astext(), question.astext()) == ("In short.", "Question.")
    assert "draw()" in code.astext()
    assert code[-1][0]["refid"] == PLACE
    unchanged = page_with([])
    lead_with_figure(None, unchanged)
    assert unchanged.astext() == page_with([]).astext()
