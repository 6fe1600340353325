"""The pieces for a class: what the page computes is what Python computes, and answers are hidden until asked for."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import ipywidgets
import jupytext
import numpy as np
import pytest
import vl_convert
from nbclient import NotebookClient
from nbformat import v4

from helpers import design
from helpers._utils.progress import BUILDING
from helpers.book.course import cases as course_cases
from helpers.charts import classroom as live
from helpers.charts.drawn import MIME
from helpers.charts.style import BITS
from helpers.information import ksg
from helpers.information.toy_pairs import ring_bits, rounds, table_bits
from helpers.laws import CellNumberLaw, NoiseLaw

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RACE = partial(live.race, course_cases.JOINT_LAW, course_cases.PRICES)
TEXT = re.compile(r"<(?:text|tspan)[^>]*>([^<]+)<")
PIECES = {"asked": live.predict, "guessed": partial(live.guess, 60), "log_budget": RACE}


def words(piece, **values):
    """Return the texts of a piece drawn with its parameters at these values."""
    spec = piece().to_dict()
    for param in spec["params"]:
        param["value"] = values.get(param["name"], param["value"])
    return TEXT.findall(vl_convert.vegalite_to_svg(spec))


# Clouds


def test_the_ring_without_a_hole_is_the_disc():
    # Differential entropy of a coordinate of a uniform disc: ln π − ½.
    assert ring_bits(0.0) == pytest.approx((np.log(np.pi) - 1) / np.log(2), abs=1e-9)
    assert np.diff([ring_bits(inner) for inner in (0.0, 0.3, 0.6, 0.9, 0.99)]).min() > 0


def test_a_table_has_the_bits_of_its_definition():
    joint = np.array([[0.4, 0.1], [0.1, 0.4]])
    assert table_bits(joint) == pytest.approx((joint * np.log2(joint / 0.25)).sum())
    assert table_bits(np.full((2, 2), 0.25)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_neighbours_find_the_exact_bits_of_every_round(seed):
    for one in rounds(8000, seed):
        ranks = [np.argsort(np.argsort(v)) / len(v) for v in (one.x, one.y)]
        assert ksg(*ranks).bits == pytest.approx(one.bits, abs=0.06), one.kind


def test_rounds_differ_by_seed_and_repeat_by_it():
    first, again, other = rounds(50, 3), rounds(50, 3), rounds(50, 4)
    assert [r.bits for r in first] == [r.bits for r in again] != [r.bits for r in other]
    assert all((a.x == b.x).all() for a, b in zip(first, again, strict=True))
    assert {r.kind for r in first} == {r.kind for r in other}
    with pytest.raises(ValueError, match="n is 1"):
        rounds(1)
    with pytest.raises(ValueError, match="inner is 1"):
        ring_bits(1)


def test_a_round_is_a_riddle_for_correlation():
    flat = {r.kind: r for r in rounds(20_000) if abs(np.corrcoef(r.x, r.y)[0, 1]) < 0.03}
    assert {"a ring", "four clusters as a diamond", "four clusters as a square"} <= set(flat)
    assert flat["four clusters as a diamond"].bits == pytest.approx(1)
    assert flat["four clusters as a square"].bits == pytest.approx(0, abs=1e-12)


# Pieces, drawn at values


def test_every_piece_describes_itself_and_has_units():
    for piece in PIECES.values():
        spec = piece().to_dict()
        assert len(spec["description"]) > 60
        assert "Controls:" in spec["description"]
        assert BITS in json.dumps(spec) or "(bits)" in json.dumps(spec)
        assert "NaN" not in vl_convert.vegalite_to_svg(spec)


def test_a_guess_is_told_only_in_its_own_round():
    drawn = rounds(60)
    for i, one in enumerate(drawn):
        hidden = words(partial(live.guess, 60), round=str(i + 1))
        earlier = words(partial(live.guess, 60), round=str(i + 1), answer=str((i + 7) % 8 + 1))
        shown = " ".join(words(partial(live.guess, 60), round=str(i + 1), answer=str(i + 1), guessed=0.7))
        for texts in (hidden, earlier):
            assert not [t for t in texts if one.kind in t or "correlation" in t or "off by" in t]
        assert f"{one.kind}: {one.bits:.2f} bits" in shown
        error = f"{0.7 - one.bits:+.2f}".replace("-", "−")
        assert f"off by {error} bits" in shown
        r = np.corrcoef(one.x, one.y)[0, 1]
        assert f"correlation {r:.2f}".replace("-", "−") in shown


def test_questions_are_about_one_channel():
    law = NoiseLaw(2.0, 400.0)
    asked = live.questions(2.0, 400.0)
    assert all(q.known == law for q in asked.values())
    quarter = asked["a quarter of the noise in between"].truth
    # The same signal and instrument: the rise from zero depth is the same.
    assert float(quarter(1e-3) / law(1e-3)) == pytest.approx(1, abs=1e-3)
    # With variances: signal 15, noise in between 1, then 1/4; the instrument's is 400 / u.
    for u in (10.0, 1000.0):
        assert float(quarter(u)) == pytest.approx(np.log2(1 + 15 / (0.25 + 400 / u)) / 2)
    end = asked["how the curve goes on"]
    assert end.truth == end.known
    assert end.seen_to == 20


def test_the_race_takes_what_it_can_run():
    with pytest.raises(TypeError, match="CellNumberLaw: the race takes a JointLaw"):
        live.race(CellNumberLaw(3.0, 500.0, 0.5), course_cases.PRICES)
    with pytest.raises(ValueError, match="budget is 10"):
        RACE(budget=10.0)
    with pytest.raises(ValueError, match="a depth of groups is 5"):
        RACE(groups=(5.0, 100.0))
    assert "two" not in RACE(groups=(100.0, 1000.0)).to_dict()["title"]["text"]


# Twins in a notebook


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_twin_draws_what_the_page_draws(piece, monkeypatch):
    shown = []
    monkeypatch.setattr(live, "explore", lambda draw, **controls: shown.append((draw, controls)))
    live.twin(piece)
    ((draw, controls),) = shown
    page = piece().to_dict()
    bound = {p["name"]: p["value"] for p in page["params"] if "bind" in p}
    assert {name: c.value for name, c in controls.items()} == bound
    assert draw(**bound).to_dict()["layer"] == page["layer"]
    moved = {n: c.options[-1] if hasattr(c, "options") else c.max for n, c in controls.items()}
    at = {p["name"]: p for p in draw(**moved).to_dict()["params"]}
    assert {name: at[name]["value"] for name in bound} == moved
    assert not [p for p in at.values() if "bind" in p]
    svg = vl_convert.vegalite_to_svg(draw(**moved).to_dict())
    assert TEXT.findall(svg) == words(piece, **moved)


def test_a_twin_redraws_what_only_python_can(monkeypatch):
    shown = []
    monkeypatch.setattr(live, "explore", lambda draw, **controls: shown.append((draw, controls)))
    live.twin(partial(live.guess, 20), seed=ipywidgets.IntSlider(5, 0, 99))
    ((draw, controls),) = shown
    values = {name: c.value for name, c in controls.items()}
    assert draw(**values).to_dict()["datasets"] == live.guess(20, 5).to_dict()["datasets"]
    assert draw(**values | {"seed": 6}).to_dict()["datasets"] == live.guess(20, 6).to_dict()["datasets"]


def test_a_twin_in_a_built_page_is_a_line_that_names_its_controls(monkeypatch):
    monkeypatch.setenv(BUILDING, "1")
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda shown, **options: seen.append(shown))
    live.twin(live.predict)
    (line,) = seen
    assert "controls and their figure stand here" in line.data


def test_without_a_front_end_a_twin_is_drawn_and_can_be_drawn_again(monkeypatch):
    """As papermill, nbconvert and graders execute a session; an ipywidgets.Output made them wait for ever."""
    monkeypatch.delenv(BUILDING, raising=False)
    session = jupytext.read(ROOT / "notebooks" / "course" / "session_1.md")
    needed = [c for c in session.cells if any(word in c.source for word in ("import ipywidgets", "n_pairs =", "twin("))]
    notebook = v4.new_notebook(cells=[*needed, v4.new_code_cell("seed.value = 7")], metadata=session.metadata)
    NotebookClient(notebook, timeout=60).execute()
    chart = notebook.cells[len(needed) - 1].outputs[-1]["data"][MIME]
    assert "seed 7" in chart["title"]["subtitle"]
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert "OutputModel" not in {widget["model_name"] for widget in state.values()}


def test_an_unknown_binding_is_refused_by_name():
    with pytest.raises(ValueError, match="ticked is bound to 'checkbox'"):
        live._control({"name": "ticked", "value": True, "bind": {"input": "checkbox", "name": "tick"}})


# In a browser, with the scripts of the book


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: see README, apt-get install chromium")
    from playwright.sync_api import sync_playwright

    boxes = "".join(
        f'<div class="vega-chart" id="{name}"><script type="application/json">'
        f"{json.dumps(piece().to_dict())}</script></div>"
        for name, piece in PIECES.items()
    )
    css, script = ((ROOT / "book/_static" / f).read_text() for f in ("book.css", "charts.js"))
    file = tmp_path_factory.mktemp("live") / "page.html"
    file.write_text(
        f"<!doctype html><meta charset=utf8><style>{css}</style><body>{boxes}"
        f"<script>(() => {{{vl_convert.javascript_bundle()}}})();</script><script>{script}</script>"
    )
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 400, "height": 900})
        page.problems, page.asked = [], []
        page.on("pageerror", lambda e: page.problems.append(str(e)))
        page.on("console", lambda m: m.type in ("error", "warning") and page.problems.append(m.text))
        page.on("request", lambda r: page.asked.append(r.url))
        page.goto(file.as_uri())
        page.wait_for_function(f"document.querySelectorAll('svg.marks').length === {len(PIECES)}")
        yield page
        assert page.problems == []
        assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
        browser.close()


def rows(chart, *columns):
    """Return the rows with all these columns of the tables that a chart has derived, not of those it was given."""
    found = chart.evaluate(
        """(box, columns) => Object.keys(box.view.getState({data: () => true}).data)
            .filter(name => /^data_[0-9]+$/.test(name))
            .flatMap(name => box.view.data(name) || [])
            .filter(row => columns.every(column => row[column] !== undefined))
            .map(row => Object.fromEntries(columns.map(column => [column, row[column]])))""",
        columns,
    )
    return list({json.dumps(row): row for row in found}.values())


def control(chart, label):
    # The page says a slider's quantity in place of its logarithm.
    return chart.locator(".vega-bind").filter(has_text=label.replace("log10", "").strip()).locator("input, select")


def move(chart, label, value):
    found = control(chart, label)
    if found.evaluate("e => e.tagName") == "SELECT":
        found.select_option(value)
    else:
        found.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", value)
    chart.page.wait_for_timeout(150)
    return found.input_value()


@pytest.mark.browser
def test_nothing_is_wider_than_a_phone(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_predictions_are_compared_with_the_law_when_asked(page):
    chart = page.locator("#asked")
    given = (0.35, 1.2, 2.9)
    depths = (30.0, 1000.0, 30_000.0)
    for u, bits in zip(depths, given, strict=True):
        move(chart, f"{u:,.0f} UMIs", str(bits))
    for name, question in live.questions(2.0, 400.0).items():
        move(chart, "question", name)
        assert rows(chart, "u", "truth") == [], "the answer is hidden, also when another was shown before"
        assert chart.locator("g.mark-line path").count() == 1
        known = rows(chart, "u", "known")
        assert max(row["u"] for row in known) <= question.seen_to
        assert all(row["known"] == pytest.approx(float(question.known(row["u"]))) for row in known)
        move(chart, "show the answer", name)
        found = {row["u"]: row for row in rows(chart, "u", "truth", "predicted", "error")}
        assert tuple(found) == depths
        for u, bits in zip(depths, given, strict=True):
            truth = float(question.truth(u))
            assert found[u]["predicted"] == pytest.approx(bits)
            assert found[u]["truth"] == pytest.approx(truth)
            assert f"{bits - truth:+.2f}".replace("-", "−") in chart.inner_text()
        off = np.abs(np.array(given) - question.truth(np.array(depths))).mean()
        assert f"Off by {off:.2f} bits" in chart.inner_text()


@pytest.mark.browser
def test_guesses_are_scored_and_the_next_round_is_hidden_again(page):
    chart = page.locator("#guessed")
    for i, one in enumerate(rounds(60)[:4]):
        chart.locator("select").first.select_option(str(i + 1))
        guess = float(move(chart, "your guess", str(0.3 * i)))
        assert "Guess, then show" in chart.inner_text()
        assert rows(chart, "kind", "bits") == []
        dots = rows(chart, "number", "x", "y")
        assert len(dots) == 60
        assert {dot["number"] for dot in dots} == {str(i + 1)}
        move(chart, "show the answer", str(i + 1))
        assert rows(chart, "kind", "bits") == [{"kind": one.kind, "bits": pytest.approx(one.bits)}]
        assert f"off by {guess - one.bits:+.2f} bits".replace("-", "−") in chart.inner_text()


@pytest.mark.browser
def test_the_race_has_the_cells_and_bits_that_python_has(page):
    chart, law, prices = page.locator("#log_budget"), course_cases.JOINT_LAW, course_cases.PRICES
    for budget, depths in (("2", ("1.5", "2.7", "4")), ("3.4", ("2.2", "3.6", "4.4")), ("5", ("4.1", "1.6", "3"))):
        move(chart, "show", "cells")
        money = 10 ** float(move(chart, "log10 budget", budget))
        u = 10 ** np.array([float(move(chart, f"{g}: log10", d)) for g, d in zip("ABC", depths, strict=True)])
        cells, bits = design.along_budget(law, money, prices, u)
        before = chart.inner_text()
        assert f"budget {money:,.0f}" in before
        assert all(f"{g}: {n:,.0f} cells of {d:,.0f} UMIs" in before for g, n, d in zip("ABC", cells, u, strict=True))
        assert " bits" not in before.replace("bits and the best", "").replace("I_inf = 3 bits", "")
        assert chart.locator("g.mark-symbol path[d]").count() == 0
        move(chart, "show", "bits")
        found = rows(chart, "group", "u", "n", "bits")
        for g, d, n, b in zip("ABC", u, cells, bits, strict=True):
            row = min((r for r in found if r["group"] == g), key=lambda r: abs(r["u"] - d))
            assert (row["u"], row["n"], row["bits"]) == pytest.approx((d, n, b), rel=1e-9)
            assert f"{b:.3f} bits" in chart.inner_text()
        assert "best:" not in chart.inner_text()
        assert chart.locator("g.mark-line path").count() == 0
        move(chart, "show", "bits and the best")
        most = float(law(*design.optimum(law, money, prices, (30.0, 30_000.0), (10.0, 1e7))))
        text = chart.inner_text()
        assert f"{most:.3f} bits" in text.split("best: ")[-1]
        for b in bits:
            assert f"({b - most:+.3f})".replace("-", "−") in text
