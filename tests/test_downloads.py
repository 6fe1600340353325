"""What the buttons below a chart save, on a page made here: the built book is not needed, Chromium is."""

import io
import json
import shutil
import struct
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest

from helpers import charts
from helpers.book.course import cases as course_cases
from helpers.charts.widgets import channel_explorer
from helpers.laws import NoiseLaw
from test_book import CHROMIUM, FLAGS, ROOT, wait_for_charts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: see README, apt-get install chromium"),
]
ODD = pd.DataFrame({
    "words, of a kind": ['say "no"', "two\nlines", "ū ± σ, °", "=1+1", " edge "],
    "x": [0.1 + 0.2, 1e-17, -3.5, 1 / 3, 6.02e23],
    "y": [1, 2, None, 4, 5],
    "known": [True, False, True, True, False],
})  # fmt: skip
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>charts</title>
<link rel="stylesheet" href="book.css"><body style="width: 600px">{boxes}
<script src="vega.js"></script><script src="charts.js"></script></body></html>"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Open charts on a page as the book has them, from a file."""
    import vl_convert
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("page")
    (folder / "vega.js").write_text(f"(() => {{{vl_convert.javascript_bundle()}}})();", encoding="utf8")
    for name in ("charts.js", "book.css"):
        shutil.copy(ROOT / "book" / "_static" / name, folder)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def show(*shown):
            specs = [json.dumps(chart.to_dict()).replace("</", r"<\/") for chart in shown]
            box = '<div class="vega-chart" role="group"><script type="application/json">{}</script></div>'
            page = folder / "page.html"
            page.write_text(PAGE.format(boxes="".join(map(box.format, specs))), encoding="utf8")
            tab = browser.new_page()
            tab.goto(page.as_uri())
            wait_for_charts(tab)
            return tab

        yield show
        browser.close()


def saved(tab, kind, number=0):
    """Press a button with the keyboard; return the name and the bytes of the file."""
    button = tab.locator(".vega-chart").nth(number).get_by_role("button", name=kind)
    button.focus()
    with tab.expect_download() as got:
        tab.keyboard.press("Enter")
    return got.value.suggested_filename, got.value.path().read_bytes()


def table(content):
    return pd.read_csv(io.BytesIO(content), float_precision="round_trip")


def test_the_table_of_a_chart_is_its_data_to_the_last_digit(drawn):
    chart = alt.Chart(ODD).mark_point(invalid=None).encode(x="x:Q", y="y:Q", tooltip=["words, of a kind:N"])
    name, content = saved(drawn(chart.properties(title="Tést: ū (bits) / cell")), "CSV")
    assert name == "test-u-bits-cell.csv"
    pd.testing.assert_frame_equal(table(content), ODD)


def test_a_point_that_is_not_drawn_is_not_in_the_table(drawn):
    _, content = saved(drawn(alt.Chart(ODD).mark_point().encode(x="x:Q", y="y:Q")), "CSV")
    assert len(table(content)) == 4


def test_layers_with_tables_of_their_own_are_told_apart(drawn):
    pilot = course_cases.pilot("bend")
    fit = NoiseLaw.fit(pilot["u"], pilot["bits"])
    chart = charts.fitted_curve(fit)
    name, content = saved(drawn(chart), "CSV")
    assert name == "noiselaw.csv"
    found = table(content)
    assert list(found["layer"].unique()) == ["area and line", "circle"]
    parts = {layer: rows.drop(columns="layer").dropna(axis=1) for layer, rows in found.groupby("layer")}
    points = parts["circle"].reset_index(drop=True)[["x", "bits"]]
    pd.testing.assert_frame_equal(points, pd.DataFrame({"x": fit.x, "bits": fit.y}), check_dtype=False)
    inline = [pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()]
    band = next(rows for rows in inline if "low" in rows)
    pd.testing.assert_frame_equal(parts["area and line"].reset_index(drop=True)[list(band)], band)


def test_marks_that_show_the_same_rows_have_one_table(drawn):
    rows = pd.DataFrame({"x": [1, 2, 3, 4], "y": [4.5, 3.0, 2.0, 1.0], "low": [4, 2, None, 0], "of": list("abab")})
    base = alt.Chart(rows).encode(x="x:Q", y="y:Q", color="of:N")
    chart = alt.layer(base.mark_line(point=True), base.mark_rule().encode(y="low:Q"), base.mark_text().encode(text="x"))
    found = table(saved(drawn(chart), "CSV")[1])
    pd.testing.assert_frame_equal(found.sort_values("x", ignore_index=True), rows, check_dtype=False)


def test_panels_are_in_one_table(drawn):
    rows = pd.DataFrame({"panel": ["a", "b", "a", "b"], "x": [1, 2, 3, 4], "y": [4.0, 3.0, 2.0, 1.0]})
    base = alt.Chart(rows).encode(x="x:Q", y="y:Q")
    panels = alt.layer(base.mark_line(), base.mark_circle()).facet(column="panel:N")
    found = table(saved(drawn(panels), "CSV")[1])
    pd.testing.assert_frame_equal(found.sort_values("x", ignore_index=True), rows, check_dtype=False)


def test_a_chart_that_the_page_computes_saves_what_it_has_computed(drawn):
    tab = drawn(channel_explorer(2.0, 300.0))
    curves = []
    for _ in range(2):
        found = table(saved(tab, "CSV")[1])
        line = found[found["layer"] == "line"]
        i_max = tab.evaluate("document.querySelector('.vega-chart').view.signal('i_max')")
        assert np.allclose(line["bits"], NoiseLaw(i_max, 300.0)(line["u"]), atol=0.02)  # the slider rounds log10 ū
        curves.append(line["bits"].max())
        slider = tab.locator(".vega-bind").filter(has_text="I_max (bits)").locator("input")
        slider.focus()
        for _ in range(5):
            tab.keyboard.press("ArrowRight")
        tab.wait_for_timeout(300)
    assert curves[1] > curves[0] + 0.3
    assert "text" not in set(found["layer"]), "labels are no data"


def test_pictures_stand_alone_on_white(drawn):
    tab = drawn(charts.fitted_curve(NoiseLaw.fit([10, 100, 1000, 1e4], [0.1, 0.6, 1.5, 1.9])))
    name, content = saved(tab, "SVG")
    picture = ElementTree.fromstring(content)
    assert name == "noiselaw.svg"
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert picture[0].get("fill") == "white"
    text = content.decode()
    assert "currentColor" not in text
    assert "inherit" not in text
    assert "information (bits)" in text
    name, content = saved(tab, "PNG")
    assert name == "noiselaw.png"
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == pytest.approx(2 * float(picture.get("width")), abs=2)
    assert height == pytest.approx(2 * float(picture.get("height")), abs=2)
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert (pixels[0, 0] == 255).all()
    assert (pixels.max(axis=2) < 80).sum() > 500, "the words are there, dark"


def test_each_button_says_what_it_does(drawn):
    tab = drawn(alt.Chart(ODD, title="A").mark_point().encode(x="x:Q"), alt.Chart(ODD).mark_bar().encode(x="x:Q"))
    groups = tab.locator(".chart-downloads")
    assert groups.count() == 2
    assert groups.first.get_attribute("aria-label") == "Save: A"
    names = [b.get_attribute("aria-label") for b in groups.first.get_by_role("button").all()]
    assert names == ["Save as SVG", "Save as PNG", "Save the data as CSV"]
    assert tab.locator(".vega-actions").count() == 0
    assert saved(tab, "CSV", 1)[0] == "chart.csv"
