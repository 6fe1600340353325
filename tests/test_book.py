"""The built book in a real browser, over http and from files. Any request outside the book fails the test."""

import functools
import http.server
import shutil
import threading
from math import log2
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
PAGES = sorted(str(p.relative_to(BOOK)) for d in ("book", "notebooks") for p in (BOOK / d).rglob("*.html"))

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


@pytest.fixture
def page(browser, base):
    page = browser.new_page()
    page.outside, page.problems = [], []

    def only_the_book(route):
        if route.request.url.startswith((base, "data:", "blob:")):
            return route.continue_()
        page.outside.append(route.request.url)
        return route.abort()

    page.route("**/*", only_the_book)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
    yield page
    page.close()


def wait_for_charts(page):
    page.wait_for_function(
        "document.querySelectorAll('.vega-chart').length === document.querySelectorAll('.vega-chart svg.marks').length"
    )


def test_all_pages_of_the_contents_were_built():
    import yaml

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert sorted(f"{f.removesuffix('.ipynb')}.html" for f in files) == PAGES


@pytest.mark.parametrize("width", [1300, 400])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_network(page, base, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(base + name)
    wait_for_charts(page)
    if page.locator(".math").count():
        page.wait_for_selector("mjx-container")
    page.wait_for_timeout(200)
    assert page.outside == []
    assert page.problems == []
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
    assert "Traceback" not in page.inner_text("main")


def test_the_front_page_shows_the_law_on_real_cells(page, base):
    page.goto(base + "index.html")
    page.wait_for_selector(".vega-chart svg.marks")
    chart = page.locator(".vega-chart").first
    label = chart.get_attribute("aria-label")
    assert "i_max = " in label
    assert "profile quick" in label
    words = chart.inner_text()
    for word in ("ū = ", "I_max = ", "ceiling", "information (bits)", "mean UMIs per probe cell"):
        assert word in words
    assert "{glue" not in page.inner_text("main")


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


def test_linked_widgets_live_without_a_kernel(page, base):
    explorer(page, base)
    page.wait_for_selector(".widget-slider, .jupyter-widget-slider")
    handle = page.locator(".widget-slider .noUi-handle, .jupyter-widget-slider .noUi-handle").last
    bar = page.locator(".progress-bar").last
    before = bar.evaluate("e => e.getBoundingClientRect().width")
    handle.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert bar.evaluate("e => e.getBoundingClientRect().width") > before


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
    page.goto(base + "book/intro.html")
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


def test_every_executed_notebook_can_be_downloaded():
    for name in PAGES:
        source = (ROOT / name).with_suffix(".ipynb")
        if source.exists():
            assert (BOOK / "_sources" / name).with_suffix(".ipynb").exists(), name
