"""What a lecturer shows and prints: slides made from the sessions, a concept test with its key."""

import re
import shutil
from pathlib import Path

import pytest

from helpers.book.course import slides, student

ROOT = Path(__file__).parents[1]
SESSIONS = student.sessions(ROOT)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHART = {
    "application/vnd.vegalite.v5+json": {"title": {"text": "Bits & depth"}, "description": "A curve."},
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"></svg>',
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Session 1 as if it had been executed: each chart is the same small picture."""
    import jupytext
    import nbformat
    from nbformat import v4

    notebook = jupytext.read(SESSIONS[0])
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(r"charts\.\w+\(|live\.guess\(n", cell.source):
            cell.outputs = [v4.new_output("display_data", data=CHART)]
    file = tmp_path_factory.mktemp("executed") / "session_1.ipynb"
    nbformat.write(notebook, file)
    return file


@pytest.mark.parametrize("source", SESSIONS, ids=lambda s: s.stem)
def test_each_exercise_has_a_slide_with_its_question_and_no_answer(source):
    made = slides.slides(source)
    questions = {slide.exercise: slide for slide in made if slide.kind == "question"}
    assert list(questions) == list(student.levels(source))
    for slide in questions.values():
        assert "<h4>Solution</h4>" in "".join(slide.notes)
        assert "answer =" not in slide.body
        assert "<summary>Hint</summary>" in slide.body
        assert re.search(r"Minutes</?b?>? ?|Minutes \d", "".join(slide.notes)), "the plan names every exercise"
    assert made[0].kind == "title"
    assert made[-1].title == "Takeaways"
    text = slides.deck(source)
    assert not re.search(r"\{\w+(:\w+)?\}`|^:::|\$\$", text, re.MULTILINE)


def test_a_figure_is_a_slide_with_its_words(executed):
    made = slides.slides(SESSIONS[0], executed)
    figures = [slide for slide in made if slide.kind == "figure"]
    assert len(figures) == 4
    assert all(slide.title == "Bits & depth" and 'alt="A curve."' in slide.body for slide in figures)


@pytest.fixture(scope="module")
def page(tmp_path_factory, executed):
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    file = tmp_path_factory.mktemp("deck") / "session_1.html"
    file.write_text(slides.deck(SESSIONS[0], executed), encoding="utf8")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.problems, page.asked, page.file = [], [], file
        page.on("pageerror", lambda e: page.problems.append(str(e)))
        page.on("request", lambda r: page.asked.append(r.url))
        page.goto(file.as_uri())
        yield page
        assert page.problems == []
        assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
        browser.close()


def shown(page):
    return page.locator("section:visible").evaluate_all("all => all.map(one => one.id)")


@pytest.mark.browser
def test_keys_move_through_the_slides(page):
    page.goto(page.file.as_uri())
    last = page.locator("section").count()
    assert shown(page) == ["slide-1"]
    for key, at in (("ArrowRight", 2), (" ", 3), ("ArrowLeft", 2), ("End", last), ("PageDown", last), ("Home", 1)):
        page.keyboard.press(key)
        assert shown(page) == [f"slide-{at}"]
        assert page.inner_text("nav span") == f"{at} / {last}"
    page.goto(f"{page.file.as_uri()}#slide-5")
    page.reload()
    assert shown(page) == ["slide-5"]
    assert not page.locator("aside:visible").count()
    page.keyboard.press("n")
    assert page.locator("aside:visible").count() == 1
    page.keyboard.press("n")


@pytest.mark.browser
def test_a_second_window_shows_the_notes_and_follows(page):
    page.goto(page.file.as_uri())
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    second = opened.value
    second.wait_for_selector("aside:visible")
    page.keyboard.press("ArrowRight")
    second.wait_for_function("document.querySelector('section.now').id === 'slide-2'")
    second.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('section.now').id === 'slide-3'")
    second.close()
    page.keyboard.press("ArrowRight")
    assert shown(page) == ["slide-4"]


@pytest.mark.browser
@pytest.mark.parametrize("notes", [False, True])
def test_one_slide_is_printed_on_a_page(page, notes):
    page.goto(page.file.as_uri())
    if notes:
        page.keyboard.press("n")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == page.locator("section").count()


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (390, 800)])
def test_a_slide_fits_its_window(page, size):
    page.goto(page.file.as_uri())
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for number in range(page.locator("section").count()):
        page.evaluate("number => { location.hash = `slide-${number + 1}`; }", number)
        page.wait_for_function(
            "number => document.querySelector('section.now').id === `slide-${number + 1}`", arg=number
        )
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        if size[0] > 700:
            over = page.evaluate("(s => s.scrollHeight - s.clientHeight)(document.querySelector('section.now'))")
            assert over <= 1, f"slide {number + 1} is cut"
    page.set_viewport_size({"width": 1280, "height": 720})


def test_the_concept_test_has_ten_questions_and_a_key():
    text = (ROOT / "book/course/concept_test.md").read_text("utf8")
    questions = re.split(r"^\*\*\d+\.\*\* ", text, flags=re.MULTILINE)[1:]
    assert len(questions) == 10
    for question in questions:
        assert re.findall(r"^- ([A-D])\. ", question, re.MULTILINE) == list("ABCD")
    guide = (ROOT / "book/course/instructor.md").read_text("utf8")
    key = re.findall(r"^\| (\d+) \| ([A-D]) \| (.+) \|$", guide, re.MULTILINE)
    assert [int(number) for number, _, _ in key] == list(range(1, 11))
    assert {right for _, right, _ in key} == set("BCD")
    for _, right, others in key:
        named = set("".join(re.findall(r"\b([A-D](?:, [A-D])*):", others)).replace(", ", ""))
        assert named == set("ABCD") - {right}, "every wrong answer stands for a belief"
