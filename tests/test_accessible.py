"""Every page for readers who do not see it: no serious fault by the rules of axe-core, in light and in dark."""

import pytest

from helpers.book.accessible import accessible
from test_book import BOOK, CHROMIUM, FLAGS, PAGES, wait_for_charts

THEMES = ("light", "dark")


def test_a_signature_is_lines_and_names_hide_no_words():
    signature = '<dl>\n<dd><em class="sig-param">cells</em>,</dd>\n<dd><em class="sig-param">seed</em></dd>\n</dl>'
    made = accessible(signature)
    assert made.count('<div class="sig-line">') == 2
    assert "<dl>" not in made
    assert "<dd>" not in made
    words = "<dl>\n<dt>word</dt><dd>meaning</dd>\n</dl>"
    assert accessible(words) == words
    button = '<button class="btn search-button-field" title="Search" aria-label="Search" data-x="1">Search</button>'
    assert accessible(button) == button.replace(' aria-label="Search"', "")
    entry = '<div role="list" class="citation-list">\n<div class="citation" id="id3" role="doc-biblioentry">'
    assert accessible(entry) == '<div class="citation-list">\n<div class="citation" id="id3">'
    assert accessible(made) == made


@pytest.fixture(scope="module")
def tabs():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = {}
        for theme in THEMES:
            context = browser.new_context(color_scheme=theme)
            context.add_init_script(
                f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
            )
            found[theme] = context.new_page()
        yield found
        browser.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: see README, apt-get install chromium")
@pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_fault(tabs, name):
    from axe_playwright_python.sync_playwright import Axe

    for theme in THEMES:
        page = tabs[theme]
        page.goto(f"{BOOK.as_uri()}/{name}")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        wait_for_charts(page)
        # Another theme is the same page in other colours.
        rules = {} if theme == THEMES[0] else {"runOnly": ["color-contrast", "link-in-text-block"]}
        found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
        serious = {
            fault["id"]: [node["html"][:120] for node in fault["nodes"]][:3]
            for fault in found if fault["impact"] in ("serious", "critical")
        }  # fmt: skip
        assert not serious, f"{theme}: {serious}"
