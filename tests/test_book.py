"""The built book in a real browser, over http and from files. Any request outside the book fails the test."""

import functools
import http.server
import io
import posixpath
import re
import shutil
import threading
from itertools import pairwise
from math import log2
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip
WINDOW = {"width": 1280, "height": 720}
# Where pages are that are no longer at their old address; the others are the papers' large data sets.
NOW_AT = {
    **{"probing": "analyses/estimators", "noise": "analyses/shape", "collapse": "analyses/shape"},
    **dict.fromkeys(("pbmc4k", "malaria_idc"), "datasets/pbmc68k"),
}
MOVED = sorted(str(p.relative_to(ROOT / "book" / "_moved")) for p in (ROOT / "book" / "_moved").rglob("*.html"))
BUILT = {str(p.relative_to(BOOK)) for d in ("book", "notebooks") for p in (BOOK / d).rglob("*.html")}
PAGES = sorted(BUILT - {*MOVED})

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: see README, apt-get install chromium"),
    pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", params=["http", "file"])
def base(request):
    if request.param == "file":
        yield BOOK.as_uri() + "/"
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=BOOK))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser, base):
    """One window for all tests: opening another one costs more than showing a page in it."""
    tab = browser.new_page()
    yield tab
    tab.close()


@pytest.fixture
def page(tab, base):
    """The window as it was when it was opened, with the requests that left the book and the errors of this test."""
    tab.outside, tab.problems = [], []

    def only_the_book(request):
        if not request.url.startswith((base, "data:", "blob:")):
            tab.outside.append(request.url)

    heard = {
        "request": only_the_book,
        "pageerror": lambda e: tab.problems.append(str(e)),
        "console": lambda m: m.type == "error" and tab.problems.append(m.text),
    }
    for event, hear in heard.items():
        tab.on(event, hear)
    yield tab
    for event, hear in heard.items():
        tab.remove_listener(event, hear)
    if tab.url.startswith(base):
        tab.evaluate("localStorage.clear(); sessionStorage.clear()")
    tab.goto("about:blank")
    tab.set_viewport_size(WINDOW)
    tab.emulate_media(media="null")


def wait_for_charts(page):
    page.wait_for_function(
        "document.querySelectorAll('.vega-chart').length === document.querySelectorAll('.vega-chart svg.marks').length"
    )


def test_a_request_outside_the_book_is_seen_and_fails(page, base):
    """Else no test here would notice one."""
    page.goto(base + "book/intro.html")
    outside = ["https://example.org/a.png", "http://93.184.216.34/b.png", "http://127.0.0.2/c.png"]
    page.evaluate("urls => urls.forEach(url => { new Image().src = url; })", outside)
    page.wait_for_timeout(500)
    assert page.outside == outside
    assert len(page.problems) == len(outside)


def test_all_pages_of_the_contents_were_built():
    import yaml

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert sorted(f"{f.removesuffix('.ipynb')}.html" for f in files) == PAGES


@pytest.mark.parametrize("name", MOVED)
def test_an_old_address_leads_to_the_new_page(page, base, name):
    page.goto(base + name)
    page.wait_for_url(f"{base}notebooks/{NOW_AT.get(Path(name).stem, 'datasets/rerun_the_papers')}.html")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_network(page, base, name):
    """On a telephone, and then in a wide window."""
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(base + name)
    for width in (400, 1300):
        page.set_viewport_size({"width": width, "height": 900})
        wait_for_charts(page)
        if page.locator(".math").count():
            page.wait_for_selector("mjx-container")
        page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"the page is {wider} pixels wider than the window of {width}"
    page.wait_for_timeout(200)
    assert page.outside == []
    assert page.problems == []
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert "Traceback" not in page.inner_text("main")
    reads_well(page)
    if name.startswith("notebooks/analyses/"):
        every_chart_has_a_table(page)


def reads_well(page):
    """No answer is quoted as Python has it, tables keep their last column in sight, sliders say what they are at."""
    quoted = page.locator(".cell_output pre").filter(has_text=re.compile(r"^\s*'[A-Z].*'\s*$"))
    assert quoted.count() == 0
    hidden = page.evaluate("""() => [...document.querySelectorAll('.table-box')].filter(box => {
        const last = box.querySelector('thead th:last-child'), place = box.getBoundingClientRect();
        return place.width && last && last.getBoundingClientRect().right > place.right + 1;
    }).length""")
    assert hidden == 0, f"{hidden} tables hide their last column"
    for slider in page.locator(".vega-bind input[type=range]").all():
        assert ": " in slider.get_attribute("aria-valuetext")
        assert "log10" not in slider.get_attribute("aria-valuetext")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 900})
    cut = page.evaluate("""() => [...document.querySelectorAll('main .vega-chart svg.marks')].filter(svg =>
        svg.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length""")
    assert cut == 0, f"{cut} charts lose their right end on paper"
    page.emulate_media(media="null")


OPENS = [name for name in PAGES if (source := (ROOT / name).with_suffix(".md")).exists()
         and "lead]" in source.read_text("utf8")]  # fmt: skip


@pytest.mark.parametrize("name", OPENS)
def test_a_page_opens_with_its_answer_and_its_figure(page, base, name):
    page.goto(base + name)
    first = page.locator("article section > p").first.inner_text()
    assert first.startswith(("In short.", "Answer."))
    assert "{glue" not in first
    place = page.locator("#lead-figure")
    assert place.bounding_box()["y"] < 720
    assert place.locator(".vega-chart, table").count() >= 1
    imports = page.locator("details.hide > summary", has_text="Imports")
    assert imports.count() == 1
    assert not page.locator("details.hide pre", has_text="from helpers").first.is_visible()


# The front page: turn the noise up


def stops_of(kind):
    from helpers.charts.noise_piece import bits_of, value_of
    from helpers.findings.noise_piece import kept

    return [(value_of(kind, stop), bits_of(stop)) for stop in kept()[kind]["stops"]]


def place_of_the_point(page, kind):
    dot = page.locator(f".np-mode[data-kind={kind}] .np-here circle")
    return [float(dot.get_attribute(name)) for name in ("cx", "cy")]


def test_the_slider_of_the_front_page_takes_bits_away(page, base):
    """By keyboard alone: cells melt, the point slides down the curve, and the bits are those of the level."""
    page.goto(base + "index.html")
    page.wait_for_selector(".np-live")
    slider, says = page.get_by_role("slider"), page.locator(".np-says")
    stops, places, clouds = stops_of("cells"), [], set()
    slider.focus()
    page.keyboard.press("End")
    for value, bits in reversed(stops):
        assert slider.get_attribute("aria-valuetext") == f"molecules kept: {value}; {bits}"
        assert bits in says.inner_text()
        places.append(place_of_the_point(page, "cells"))
        page.wait_for_timeout(450)
        clouds.add(page.locator(".np-now path").first.get_attribute("d"))
        page.keyboard.press("ArrowLeft")
    assert len(clouds) == len(stops)
    assert all(now[0] < before[0] and now[1] > before[1] for before, now in pairwise(places))
    assert says.get_attribute("aria-live") == "polite"


def test_the_front_page_switches_to_photographs_and_a_protein(page, base):
    page.goto(base + "index.html")
    page.wait_for_selector(".np-live")
    page.get_by_role("radio", name="Blood cells").focus()
    page.keyboard.press("ArrowRight")
    slider = page.get_by_role("slider")
    picture = page.locator(".np-chosen .np-now image")
    seen = {picture.get_attribute("href")}
    slider.focus()
    for value, bits in reversed(stops_of("photograph")[3:-1]):
        page.keyboard.press("ArrowLeft")
        assert slider.get_attribute("aria-valuetext") == f"pixels kept along a side: {value}; {bits}"
        seen.add(picture.get_attribute("href"))
    assert len(seen) == len(stops_of("photograph")) - 3
    page.get_by_role("radio", name="Photographs").focus()
    page.keyboard.press("ArrowRight")
    boxes = page.locator(".np-chosen .np-now .np-wrong")
    assert boxes.get_attribute("d") == ""
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    value, bits = stops_of("protein")[1]
    assert slider.get_attribute("aria-valuetext") == f"residues misread: {value}; {bits}"
    assert boxes.get_attribute("d").count("z") > 500
    assert page.locator(".np-mode:visible").count() == 1


def test_nothing_moves_for_who_wants_no_motion(page, base):
    page.emulate_media(reduced_motion="reduce")
    page.goto(base + "index.html")
    page.wait_for_selector(".np-live")
    path = "() => document.querySelector('.np-now path').getAttribute('d')"
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    there = page.evaluate(path)
    page.wait_for_timeout(500)
    assert page.evaluate(path) == there
    page.emulate_media(reduced_motion="no-preference")


def test_the_front_page_is_meaningful_on_paper_and_without_scripts(browser, page, base):
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(base + "book/intro.html")
    page.goto(base + "book/intro.html")
    page.wait_for_selector(".np-live")
    assert page.locator(".np-still:visible").count() == 0
    page.emulate_media(media="print")
    for shown in (still, page):
        assert shown.locator(".np-still:visible").count() == 9
        assert shown.locator(".np-curve:visible").count() == 3
        assert shown.get_by_role("slider").count() == 0
        assert "bits (95 % interval" in shown.locator(".np-still figcaption").first.inner_text()
    context.close()


def test_the_front_page_says_what_was_found_and_has_a_door_for_each_reader(page, base):
    page.goto(base + "index.html")
    words = page.inner_text("main")
    assert "{glue" not in words
    assert "UMIs per cell" in words
    for door, leads in (
        ("How deep for my task?", "how_deep"),
        ("What was found", "findings"),
        ("A course of four sessions", "course/index"),
    ):
        page.goto(base + "index.html")
        page.locator("#three-ways-in").get_by_role("link", name=door).click()
        page.wait_for_url(f"**/{leads}.html")


# Charts


def explorer(page, base):
    page.goto(base + "notebooks/analyses/gaussian_channel.html")
    wait_for_charts(page)
    return page.locator(".vega-chart").first


def curve_of(page):
    return page.evaluate("""() => {
        const view = document.querySelector('.vega-chart').view, data = view.getState({data: () => true}).data;
        const name = Object.keys(data).find(n => view.data(n).length > 100 && 'bits' in view.data(n)[0]);
        return {i_max: view.signal('i_max'), log_u_bar: view.signal('log_u_bar'),
                rows: view.data(name).map(d => [d.u, d.bits])}; }""")


def test_sliders_move_the_curve_and_agree_with_python(page, base):
    chart = explorer(page, base)
    line = chart.locator("g.mark-line path").first
    before = line.get_attribute("d")
    for index in (0, 1):
        chart.locator("input[type=range]").nth(index).focus()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert line.get_attribute("d") != before
    now = curve_of(page)
    assert now["i_max"] == pytest.approx(3.6)
    assert now["log_u_bar"] > log2(300) / log2(10)
    for u, bits in now["rows"]:
        snr = u / 10 ** now["log_u_bar"]
        law = now["i_max"] - 0.5 * log2((1 + snr) / (snr + 2 ** (-2 * now["i_max"])))
        assert bits == pytest.approx(law, abs=1e-9)


def test_the_legend_picks_a_curve(page, base):
    page.goto(base + "notebooks/datasets/pbmc68k.html")
    wait_for_charts(page)
    chart = page.locator(".vega-chart").first
    chart.locator("g.role-legend-label text").first.click()
    page.wait_for_timeout(300)
    faint = [p.get_attribute("opacity") for p in chart.locator("g.mark-line path").all()]
    assert faint.count("0.12") == 1


def test_charts_follow_the_theme_and_the_width(page, base):
    page.set_viewport_size({"width": 1300, "height": 900})
    page.goto(base + "notebooks/analyses/how_deep.html")
    wait_for_charts(page)
    svg = page.locator(".vega-chart svg.marks").first
    wide = svg.bounding_box()["width"]
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(500)
    assert svg.bounding_box()["width"] < 420 < wide
    ink = "() => getComputedStyle(document.querySelector('.vega-chart g.role-axis-label text')).fill"
    colours = []
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        colours.append(page.evaluate(ink))
    assert colours[0] != colours[1]


def test_search_finds_a_term(page, base):
    page.goto(base + "search.html?q=thinning")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 2


def test_without_scripts_each_chart_is_its_picture(browser, base):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + "notebooks/analyses/gaussian_channel.html")
    pictures = page.locator(".vega-chart img")
    assert pictures.count() == page.locator(".vega-chart").count() > 3
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") > 300
        assert len(picture.get_attribute("alt")) > 20
        assert picture.bounding_box()["width"] <= page.viewport_size["width"]
    context.close()


def test_with_scripts_no_picture_of_a_chart_is_loaded(page, base):
    loaded = []
    page.on("request", lambda r: loaded.append(r.url))
    page.goto(base + "notebooks/analyses/gaussian_channel.html")
    wait_for_charts(page)
    assert not [url for url in loaded if url.endswith(".png")]
    assert not [url for url in loaded if "/_images/" in url]


def test_every_executed_notebook_can_be_downloaded():
    for name in PAGES:
        source = (ROOT / name).with_suffix(".ipynb")
        if source.exists():
            assert (BOOK / "_sources" / name).with_suffix(".ipynb").exists(), name


# Weight: nothing is there twice, and nothing that no page shows


def test_one_copy_of_each_notebook_is_built_and_its_charts_have_one_picture():
    import json

    from helpers.charts.drawn import MIME, PICTURE

    assert not list((BOOK.parent / "jupyter_execute").rglob("*.ipynb"))
    copies = list(BOOK.rglob("*.ipynb"))
    assert len(copies) == len({copy.name for copy in copies}) == len(list((BOOK / "_sources").rglob("*.ipynb")))
    charts = 0
    for copy in copies:
        notebook = json.loads(copy.read_text("utf8"))
        assert notebook["nbformat"] == 4
        outputs = [out["data"] for cell in notebook["cells"] for out in cell.get("outputs", []) if "data" in out]
        for data in outputs:
            if MIME in data:
                charts += 1
                assert {kind for kind in data if kind.startswith("image/")} <= {PICTURE}, copy
    assert charts > 100


def test_every_picture_is_shown_and_none_is_a_screenshot_of_a_chart():
    pages = "".join((BOOK / name).read_text("utf8") for name in PAGES)
    for picture in (BOOK / "_images").iterdir():
        assert f"_images/{picture.name}" in pages, picture.name
    assert "<noscript>" in pages
    assert not re.findall(r"<noscript>\s*<img[^>]*\.png", pages)


def test_the_gallery_shows_every_chart_and_leads_to_it():
    shown = r'<a href="([^"#]+)#(chart-\d+)"><img loading="lazy" src="\.\./(_images/[^"]+)" alt=""><span>[^<]+<'
    shown = re.findall(shown, (BOOK / "book/gallery.html").read_text("utf8"))
    charts = {
        (name, chart)
        for name in PAGES
        for chart in re.findall(r'<div id="(chart-\d+)"', (BOOK / name).read_text("utf8"))
    }
    assert {(posixpath.normpath(f"book/{page}"), chart) for page, chart, _ in shown} == charts
    assert len(shown) == len(charts) > 100
    assert all((BOOK / "book" / ".." / picture).exists() for _, _, picture in shown)


def test_charts_of_the_pages_carry_only_what_they_draw():
    import json

    from helpers.charts.drawn import in_columns, only_drawn

    for name in PAGES:
        for text in re.findall(r'<script type="application/json">(.*?)</script>', (BOOK / name).read_text("utf8")):
            spec = json.loads(text)
            tables = {
                key: [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
                if isinstance(table, dict)
                else table
                for key, table in spec.get("datasets", {}).items()
            }
            lean = only_drawn(spec | {"datasets": tables})
            assert in_columns(lean) == in_columns(spec | {"datasets": tables}), name


def test_pages_and_the_book_stay_light():
    sizes = {file.relative_to(BOOK): file.stat().st_size for file in BOOK.rglob("*") if file.is_file()}
    assert {str(file): size for file, size in sizes.items() if file.suffix == ".html" and size > 1.5e6} == {}
    assert sum(sizes.values()) < 45e6
    assert not [file for file in sizes if file.suffix in (".map", ".ttf")]


# Charts with controls: what they draw, against Python


def chart_with(page, base, name, signal):
    """Open a page; return the chart that has a signal of this name."""
    page.goto(base + name)
    wait_for_charts(page)
    found = page.evaluate(
        """signal => [...document.querySelectorAll('.vega-chart')].findIndex(box => {
            try { box.view.signal(signal); return true; } catch { return false; } })""",
        signal,
    )
    assert found >= 0, f"no chart of {name} has {signal}"
    return page.locator(".vega-chart").nth(found)


def drawn(chart, columns, largest=False):
    """Return the values of the signals of a chart, and the rows of its smallest table that has all these columns."""
    return chart.evaluate(
        """(box, [columns, largest]) => {
            const state = box.view.getState({data: () => true, signals: () => true});
            const tables = Object.keys(state.data).map(name => box.view.data(name))
                .filter(rows => rows && rows.length && columns.every(column => column in rows[0]));
            tables.sort((a, b) => (a.length - b.length) * (largest ? -1 : 1));
            const rows = (tables[0] || []).map(row => Object.fromEntries(columns.map(c => [c, row[c]])));
            const signals = Object.fromEntries(Object.entries(state.signals).filter(([, v]) => typeof v !== 'object'));
            return {signals, rows}; }""",
        [columns, largest],
    )


def press(page, control, key, times):
    control.focus()
    for _ in range(times):
        page.keyboard.press(key)
    page.wait_for_timeout(400)


def test_the_explorer_draws_the_chosen_fit_and_its_band(page, base):
    from helpers.findings import papers as published
    from helpers.laws import NoiseLaw

    chart = chart_with(page, base, "notebooks/analyses/published.html", "shown_rank")
    chart.locator("select").select_option("larry clone")
    press(page, chart.locator("input[type=range]"), "ArrowLeft", 3)
    columns = ["representation", "x", "bits", "low", "high", "n_train", "i_max"]
    now = drawn(chart, columns)
    assert now["signals"]["shown_data"] == "larry clone"
    assert now["signals"]["shown_rank"] == 7
    rows = published.points().query("dataset == 'larry'")
    sizes = {row["n_train"] for row in now["rows"]}
    assert sizes == {10_000}
    assert {row["representation"] for row in now["rows"]} == {"pca", "scvi", "geneformer", "random_projection"}
    fits = published.refitted(NoiseLaw, rows[rows["n_train"] == 10_000])
    for row in now["rows"][::7]:
        fit = fits["larry", "clone", row["representation"], 10_000]
        (low,), (high,) = fit.band([row["x"]])
        assert row["bits"] == pytest.approx(float(fit.predict(row["x"])), abs=1e-6)
        assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-6)


def test_the_calculator_finds_the_optimum_that_python_finds(page, base):
    from helpers import design
    from helpers.findings import papers as published

    chart = chart_with(page, base, "notebooks/analyses/experimental_design.html", "log_budget")
    sliders = chart.locator("input[type=range]")
    names = ["log_budget", "per_cell", "per_million_reads", "usable", "complexity"]
    assert sliders.count() == len(names)
    laws, seen = {}, set()
    moves = [
        ("pbmc_citeseq protein scvi", None, 0),
        ("larry clone pca", 0, -6),
        ("larry clone pca", 1, 12),
        ("merfish neighbour scvi", 2, 8),
        ("merfish neighbour scvi", 3, -4),
        ("larry clone scvi", 4, -6),
    ]
    for curve, slider, steps in moves:
        chart.locator("select").select_option(curve)
        if slider is not None:
            press(page, sliders.nth(slider), "ArrowRight" if steps > 0 else "ArrowLeft", abs(steps))
        page.wait_for_timeout(300)
        now = drawn(chart, ["u", "n", "bits", "best", "draw", "i_inf"])
        (best,) = (row for row in now["rows"] if row["bits"] == row["best"] and row["draw"] == 0)
        fit = laws.setdefault(curve, published.fit_published(curve))
        values = {name: now["signals"][name] for name in names}
        prices = design.Prices(*(values[name] for name in names[1:]))
        budget = 10 ** values["log_budget"]
        cells, umis = design.optimum(fit.law, budget, prices, design.depth_range(fit), design.cell_range(fit))
        assert best["bits"] == pytest.approx(float(fit.law(cells, umis)), abs=1e-6)
        assert best["u"] == pytest.approx(umis, rel=0.01)
        assert prices.cost(best["n"], best["u"]) == pytest.approx(budget, rel=1e-6)
        assert f"{best['bits']:.3f} bits" in chart.inner_text()
        order = design.order_for(prices, best["n"], best["u"])
        lanes = f"{order.capture_lanes:,.0f} of capture, {order.sequencing_lanes:,.0f} of sequencing"
        assert f"In whole lanes: {lanes}, {order.price:,.0f}" in chart.inner_text()
        seen.add(tuple(values.values()))
    assert len(seen) == len(moves), "every move changed a control"


def test_a_budget_that_buys_nothing_says_so(page, base):
    chart = chart_with(page, base, "notebooks/analyses/experimental_design.html", "log_budget")
    press(page, chart.locator("input[type=range]").nth(1), "End", 1)
    press(page, chart.locator("input[type=range]").nth(0), "Home", 1)
    assert "buys no experiment" in chart.inner_text()


def test_more_money_than_there_is_use_for_buys_the_largest_experiment(page, base):
    from helpers import design
    from helpers.findings import papers as published

    chart = chart_with(page, base, "notebooks/analyses/experimental_design.html", "log_budget")
    press(page, chart.locator("input[type=range]").nth(0), "End", 1)
    now = drawn(chart, ["u", "n", "bits", "best", "draw", "i_inf"])
    (best,) = (row for row in now["rows"] if row["bits"] == row["best"] and row["draw"] == 0)
    fit = published.fit_published(now["signals"]["curve"])
    assert best["n"] == pytest.approx(design.cell_range(fit)[1])
    assert "buys no experiment" not in chart.inner_text()


def test_the_depth_is_dragged_and_has_a_slider(page, base):
    from helpers.laws import NoiseLaw

    chart = chart_with(page, base, "notebooks/analyses/gaussian_channel.html", "depth_log_u")
    depth = "box => box.view.signal('depth_log_u')"
    assert chart.evaluate(depth) == 2
    assert "100" in chart.locator(".vega-bind").filter(has_text="depth").inner_text()
    slider = chart.locator(".vega-bind").filter(has_text="depth").locator("input")
    press(page, slider, "ArrowRight", 5)
    assert chart.evaluate(depth) == pytest.approx(2.125)
    assert f"{float(NoiseLaw(3.0, 300.0)(10**2.125)):.2f} bits" in chart.inner_text()
    chart.scroll_into_view_if_needed()
    plot = chart.locator("g.mark-line path").first.bounding_box()
    y = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + 0.4 * plot["width"], y)
    page.mouse.down()
    page.mouse.move(plot["x"] + 0.8 * plot["width"], y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert chart.evaluate(depth) > 3
    assert float(slider.input_value()) == pytest.approx(chart.evaluate(depth), abs=0.0126)


def test_the_noise_viewer_thins_the_chosen_cell(page, base):
    chart = chart_with(page, base, "notebooks/analyses/shape.html", "thinned_step")
    kept = []
    for key in ("Home", "End"):
        press(page, chart.locator("input[type=range]"), key, 1)
        rows = drawn(chart, ["gene", "full", "count"])["rows"]
        assert len(rows) == 12
        assert all(0 <= row["count"] <= row["full"] for row in rows)
        kept.append(sum(row["count"] for row in rows) / sum(row["full"] for row in rows))
    assert kept[0] == 1
    assert kept[1] < 0.1
    before = drawn(chart, ["gene", "full"])["rows"]
    chart.locator("select").select_option(index=1)
    page.wait_for_timeout(300)
    assert drawn(chart, ["gene", "full"])["rows"] != before
    assert "neighbours kept" in chart.inner_text()


def test_a_grid_is_drawn_with_its_joint_law(page, base):
    from helpers.findings import papers as published
    from helpers.laws import JointLaw
    from helpers.laws.compare import grid_means

    chart = chart_with(page, base, "notebooks/analyses/joint_law.html", "shown_grid")
    chart.locator("select").select_option("merfish neighbour scvi")
    page.wait_for_timeout(300)
    columns = ["n", "u", "bits", "low", "high", "grid"]
    rows = drawn(chart, columns)["rows"]
    assert len(rows) == 100, "ten numbers of cells at ten depths"
    assert {row["grid"] for row in rows} == {"merfish neighbour scvi"}
    assert chart.locator("g.mark-line path").count() == 10
    grid = grid_means(published.points(), published.KEYS)["merfish", "neighbour", "scvi"]
    law = JointLaw.fit(grid["n"], grid["u"], grid["bits"]).law
    curves = [r for r in drawn(chart, columns, largest=True)["rows"] if r["grid"] == "merfish neighbour scvi"]
    # Kept to four decimals, to save half of the page.
    assert len(curves) == 280
    assert max(abs(float(law(row["n"], row["u"])) - row["bits"]) for row in curves) < 1e-3


def test_pages_say_where_python_controls_stand_and_have_no_dead_ones(page, base):
    page.goto(base + "notebooks/analyses/experimental_design.html")
    assert "controls and their figure stand here: budget, per cell, per M reads" in page.inner_text("main")
    assert page.locator(".jupyter-widgets, .widget-area").count() == 0


# What a reader takes away


def saved(page, button):
    with page.expect_download() as got:
        button.focus()
        page.keyboard.press("Enter")
    return got.value.suggested_filename, got.value.path().read_bytes()


def test_every_chart_of_a_session_is_saved_as_pictures_and_as_its_data(page, base):
    import pandas as pd

    page.goto(base + "notebooks/course/session_1.html")
    wait_for_charts(page)
    charts = page.locator(".vega-chart").all()
    assert len(charts) >= 3
    compared = False
    for chart in charts:
        page.wait_for_timeout(1100)  # Chromium drops the eleventh download of a burst
        files = [saved(page, chart.get_by_role("button", name=kind)) for kind in ("SVG", "PNG", "CSV")]
        (svg, picture), (png, pixels), (csv, table) = files
        assert len({svg.removesuffix(".svg"), png.removesuffix(".png"), csv.removesuffix(".csv")}) == 1
        assert picture.startswith(b"<svg")
        assert pixels.startswith(b"\x89PNG")
        found = pd.read_csv(io.BytesIO(table), float_precision="round_trip")
        assert len(found), csv
        if csv == "one-gene-at-three-depths.csv":
            (rows,) = chart.evaluate(
                "box => Object.values(JSON.parse(box.querySelector('script').textContent).datasets)"
            )
            pd.testing.assert_frame_equal(found, pd.DataFrame(rows)[list(found)], check_dtype=False)
            compared = True
    assert compared
    assert page.problems == []


def every_chart_has_a_table(page):
    for number, chart in enumerate(page.locator(".vega-chart").all(), 1):
        if number % 10 == 0:
            page.wait_for_timeout(1100)  # as above
        _, table = saved(page, chart.get_by_role("button", name="CSV"))
        header, *rows = table.decode().splitlines()
        assert header
        assert rows


def test_each_session_offers_its_student_version(page, base):
    import nbformat

    from helpers.book.course import student as course

    for source in course.sessions(ROOT):
        name = course.student_name(source)
        for where in (f"notebooks/course/{source.stem}.html", "book/course/index.html"):
            page.goto(base + where)
            link = page.get_by_role("link", name=f"student version, {name}")
            with page.expect_download() as got:
                link.click()
            assert got.value.suggested_filename == name
            notebook = nbformat.read(got.value.path(), as_version=4)
            nbformat.validate(notebook)
            given = [c.source for c in notebook.cells if "answer = " in c.source and c.cell_type == "code"]
            assert len(given) == source.read_text("utf8").count("### Exercise ")
            assert all(text.endswith("answer = ...") and text.count("\n") <= 1 for text in given)


SESSIONS = sorted((ROOT / "notebooks" / "course").glob("session_*.md"))


@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_a_session_answers_in_the_page_and_shows_no_answer(page, base, source):
    page.goto(f"{base}notebooks/course/{source.stem}.html")
    exercises = re.findall(r"^### Exercise (\S+) ", source.read_text("utf8"), re.MULTILINE)
    shown = page.locator(".course-field:visible")
    assert [field.get_attribute("data-exercise") for field in shown.all()] == exercises
    solutions = page.locator("details.course-solution")
    assert solutions.count() == len(exercises)
    labels = [summary.text_content() for summary in solutions.locator("summary").all()]
    assert labels == [f"Solution to exercise {name}" for name in exercises]
    assert not [s for s in solutions.all() if s.get_attribute("open") is not None]
    words = page.inner_text("main")
    assert not re.search(r"Exercise [\d.]+: (right|not yet)", words)
    assert "check(" not in words
    field = shown.first
    field.locator("input").first.fill("-12345")
    field.get_by_role("button").click()
    assert field.get_by_role("status").inner_text().startswith("Not yet: ")
    field.locator("input").first.fill("")
    solutions.first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solutions.first.locator("pre").is_visible()


@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_a_session_has_slides_with_its_figures(page, base, source):
    page.goto(f"{base}notebooks/course/{source.stem}.html")
    page.get_by_role("link", name="Slides").click()
    page.wait_for_selector("section.now")
    assert page.locator("section.question").count() == source.read_text("utf8").count("### Exercise ")
    for number in range(page.locator("section").count()):
        page.evaluate("number => { location.hash = `slide-${number + 1}`; }", number)
        page.wait_for_function(
            "number => document.querySelector('section.now').id === `slide-${number + 1}`", arg=number
        )
        for picture in page.locator("section.now img").all():
            assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") > 100
        now = page.locator("section.now")
        over = now.evaluate("s => [s.scrollWidth - s.clientWidth, s.scrollHeight - s.clientHeight]")
        assert max(over) <= 1, f"slide {number + 1} of {source.stem} is cut"


def test_the_download_button_of_a_session_gives_the_student_version_first(page, base):
    page.goto(base + "notebooks/course/session_1.html")
    page.locator(".dropdown-download-buttons button").first.click()
    entries = page.locator(".dropdown-download-buttons .dropdown-item")
    assert "Student version" in entries.first.inner_text()
    assert all("with solutions" in e.inner_text() for e in entries.all() if "ipynb" in e.inner_text())
    with page.expect_download() as got:
        entries.first.click()
    assert got.value.suggested_filename == "session_1_student.ipynb"


def test_on_paper_fields_are_lines_and_solutions_are_left_out(page, base):
    page.goto(base + "notebooks/course/session_1.html")
    page.locator(".course-field input").first.fill("0.75")
    page.emulate_media(media="print")
    field = page.locator(".course-field").first
    script = "e => ['borderTopWidth', 'borderBottomWidth', 'color'].map(name => getComputedStyle(e)[name])"
    look = field.locator("input").first.evaluate(script)
    assert look == ["0px", "1px", "rgba(0, 0, 0, 0)"]
    assert not field.get_by_role("button").is_visible()
    assert page.locator("details.course-solution:visible").count() == 0


def test_notebook_pages_are_launched_from_their_menu(page, base):
    for name in ("book/intro", "notebooks/course/session_1"):
        page.goto(f"{base}{name}.html")
        page.locator(".dropdown-launch-buttons button").click()
        links = page.locator(".dropdown-launch-buttons a")
        files = ["student/session_1_student.ipynb"] * ("course" in name) + [f"{name}.ipynb"]
        places = ["https://mybinder.org/v2/gh/noise-scaling/noise-scaling/main?urlpath=lab/tree/",
                  "http://localhost:8888/lab/tree/"]  # fmt: skip
        assert [a.get_attribute("href") for a in links.all()] == [p + f for f in files for p in places]
        assert all(a.inner_text().strip() for a in links.all())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_cheat_sheet_is_printed_on_one_page(page, base, theme):
    page.goto(base + "book/course/cheat_sheet.html")
    page.wait_for_selector("mjx-container")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.wait_for_timeout(500)
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    printed = page.pdf(format="A4", margin=margin)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.querySelector('#cheat-sheet td')).color")
    assert max(map(int, re.findall(r"\d+", ink))) < 60, "dark on paper in either theme"
