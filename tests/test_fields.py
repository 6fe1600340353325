"""Answer fields of the built book: the page replies what Python replies, without network and kernel."""

import json
import random
import re
import shutil
from dataclasses import replace
from functools import cache
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from helpers.book.course import fields, pages, student
from helpers.book.course.answer import Answer
from helpers.book.course.check import answers, what_is_off

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FACTORS = (0.5, 2, 0.25, 4, 0.1, 10, 0.01, 100, 0.001, 1000, np.log(2), 1 / np.log(2), np.log10(2), -1, 3.7)


@cache
def known_of(name):
    """Return what is registered of an exercise, computed once."""
    known = answers()[name]
    computed = known.known("")
    return replace(known, compute=lambda: computed, variants=({},))


def parts_of(value):
    return list(value) if isinstance(value, (tuple, list, np.ndarray)) else [value]


def typed(value):
    return value if isinstance(value, str) else repr(float(value))


def numbers_near(value, tolerance, chance):
    """Return numbers on both sides of every place where the reply to an answer near this one may change."""
    shares = (-2, -1.01, -0.99, -0.5, 0.5, 0.99, 1.01, 2)
    size = abs(value) or 1.0
    return [value, *(value + share * tolerance * size for share in shares), *(value * f for f in FACTORS)] + [
        value + chance.uniform(-0.2, 0.2) * size for _ in range(6)
    ]


def tried(name):
    """Return answers to one exercise as Python takes them: right, mistaken, off by factors, near, far, no numbers."""
    known = known_of(name)
    right, mistakes = known.compute()
    chance = random.Random(name)
    candidates = [parts_of(right), *map(parts_of, mistakes.values())]
    given = []
    for candidate in candidates:
        given.append(candidate)
        for i, part in enumerate(candidate):
            if isinstance(part, (str, bool)):
                others = [part.upper(), f" {part} ", "something else"]
                others += [", ".join(reversed(part))] if known.any_order else []
            else:
                others = numbers_near(float(part), known.tolerance, chance)
            given += [[*candidate[:i], other, *candidate[i + 1 :]] for other in others]
        if not any(isinstance(part, (str, bool)) for part in candidate):
            given += [[factor * part for part in candidate] for factor in FACTORS]
            given += [[chance.lognormvariate(0, 4) * chance.choice((-1, 1)) for _ in candidate] for _ in range(20)]
            given += [[odd, *candidate[1:]] for odd in (0.0, nan, inf, -inf)]
    return given


def reply_of_python(name, given):
    right, _ = known_of(name).compute()
    if isinstance(right, np.ndarray):
        answer = np.array(given)
    else:
        answer = tuple(given) if isinstance(right, tuple) else given[0]
    off = what_is_off(answer, known_of(name))
    return f"Not yet: {off}{'' if off.endswith('?') else '.'}" if off else "Right."


def write_page(folder):
    """Write a page with the field of every exercise and the drawing of session 3."""
    shutil.copyfile(ROOT / "book/_static/course.js", folder / "course.js")
    session = next(s for s in student.sessions(ROOT) if "live.predict(" in s.read_text("utf8"))
    all_fields = [pages.answer_field(name, "what is wanted") for name in answers()]
    progress = f'<span class="course-progress" data-exercises="{" ".join(answers())}" data-clear="yes"></span>'
    body = "".join([progress, *all_fields, pages.drawing_field(session)])
    script = '<script src="course.js" defer></script>'
    (folder / "fields.html").write_text(f'<!doctype html><meta charset="utf8">{script}<body>{body}', encoding="utf8")


@pytest.fixture(scope="module")
def page(made_once):
    """That page, opened as a file."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    file = made_once("fields", write_page) / "fields.html"
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.problems = []
        page.on("pageerror", lambda e: page.problems.append(str(e)))
        page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
        page.file = file
        page.goto(file.as_uri())
        yield page
        assert page.problems == []
        browser.close()


def replies(page, name, given):
    """Return what the page replies to each of these answers, as they would be typed."""
    return page.evaluate(
        """([name, given]) => {
            const form = document.querySelector(`.course-field[data-exercise="${name}"]`);
            const inputs = form.querySelectorAll('input');
            return given.map(values => {
                values.forEach((value, i) => (inputs[i].value = value));
                form.requestSubmit();
                return form.querySelector('.course-reply').textContent; }); }""",
        [name, given],
    )


@pytest.mark.browser
@pytest.mark.parametrize("name", answers())
def test_the_page_replies_as_python_does(page, name):
    given = tried(name)
    said = replies(page, name, [[typed(part) for part in parts] for parts in given])
    expected = [reply_of_python(name, parts) for parts in given]
    assert {(str(g), s, e) for g, s, e in zip(given, said, expected, strict=True) if s != e} == set()
    assert "Right." in said
    assert len(set(said)) > 1


@pytest.mark.browser
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write an answer first"),
        ("0,75", "a decimal point is a point, not a comma"),
        ("0.75 bits", "write the number alone, without its unit"),
        ("75 %", "write a share as a number"),
        ("three quarters", "a number is wanted, not text"),
        ("nan", "it is NaN"),
        ("1e999", "it is infinite"),
        ("−0.75", "the sign is wrong"),
        ("3/4", "Right."),
        (".75", "Right."),
        ("7.5e-1", "Right."),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_as_a_person_means_it(page, text, said):
    assert said in replies(page, "1.1", [[text]])[0]


@pytest.mark.browser
def test_the_page_does_not_show_the_answers_nor_the_mistakes(page):
    text = page.file.read_text("utf8")
    for name in answers():
        right, mistakes = known_of(name).compute()
        for part in parts_of(right):
            shown = part if isinstance(part, str) else f"{float(part):.6g}"
            if len(shown) > 4:  # shorter ones are in a page by chance
                assert shown not in text, name
        for mistake in mistakes:
            assert mistake not in text


@pytest.mark.browser
def test_progress_is_kept_counted_and_cleared(page):
    page.evaluate("localStorage.clear()")
    page.reload()
    total = len(answers())
    line = page.locator(".course-progress")
    assert line.inner_text() == f"0 of {total} right in this browser."
    replies(page, "1.1", [["0.75"]])
    replies(page, "1.2", [["46"]])
    assert line.inner_text().startswith(f"1 of {total} right in this browser.")
    page.reload()
    first = page.locator('.course-field[data-exercise="1.1"]')
    assert first.locator("input").input_value() == "0.75"
    assert first.locator(".course-reply").inner_text() == "Right."
    assert "100 times too large" in page.locator('.course-field[data-exercise="1.2"]').inner_text()
    page.get_by_role("button", name="Clear my answers").click()
    assert line.inner_text() == f"0 of {total} right in this browser."
    assert first.locator("input").input_value() == ""
    assert page.evaluate("JSON.parse(localStorage.getItem('noise-scaling-course'))") == {}


@pytest.mark.browser
def test_blocked_storage_costs_the_memory_and_nothing_else(page):
    blocked = page.context.browser.new_page()
    problems = []
    blocked.on("pageerror", lambda e: problems.append(str(e)))
    blocked.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    )
    blocked.goto(page.file.as_uri())
    assert replies(blocked, "1.1", [["0.75"]]) == ["Right."]
    assert "keeps nothing" in blocked.locator(".course-progress").inner_text()
    assert problems == []
    blocked.close()


@pytest.mark.browser
def test_a_field_is_used_by_keys_and_its_reply_is_announced(page):
    field = page.locator('.course-field[data-exercise="1.1"]')
    field.locator("input").fill("")  # the page is shared: another test may have typed here
    field.locator("input").focus()
    page.keyboard.type("0.75")
    page.keyboard.press("Enter")
    reply = field.get_by_role("status")
    assert reply.inner_text() == "Right."
    assert reply.get_attribute("aria-live") == "polite"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Check the answer to exercise 1.1"
    unnamed = page.evaluate("[...document.querySelectorAll('input')].filter(i => !i.ariaLabel).length")
    assert unnamed == 0


@pytest.mark.browser
def test_a_drawn_curve_is_compared_with_the_law_when_asked(page):
    from helpers.charts import classroom

    box = page.locator(".course-drawing")
    box.scroll_into_view_if_needed()
    box.get_by_role("button", name="Show the answer").click()
    assert "Draw your curve first" in box.inner_text()
    asked = classroom.questions(2.0, 400.0)
    for name, question in asked.items():
        box.locator("select").select_option(name)
        assert box.locator("path.truth").get_attribute("d") is None
        dots = box.get_by_role("slider")
        depths = [float(re.sub(r"\D", "", dot.get_attribute("aria-label"))) for dot in dots.all()]
        errors = []
        for dot, depth in zip(dots.all(), depths, strict=True):
            dot.focus()
            page.keyboard.press("Home")
            page.keyboard.press("PageUp")
            page.keyboard.press("ArrowUp")
            assert float(dot.get_attribute("aria-valuenow")) == 0.55
            errors.append(0.55 - float(question.truth(depth)))
        box.get_by_role("button", name="Show the answer").click()
        assert f"off by {np.abs(errors).mean():.2f} bits on average" in box.inner_text()
        worst = int(np.argmax(np.abs(errors)))
        assert f"{abs(errors[worst]):.2f} bits too" in box.inner_text()
        assert box.locator("path.truth").get_attribute("d")


@pytest.mark.browser
def test_a_curve_is_drawn_with_the_pointer(page):
    box = page.locator(".course-drawing")
    box.get_by_role("button", name="Draw again").click()
    plot = box.locator("svg").bounding_box()
    page.mouse.move(plot["x"] + 0.1 * plot["width"], plot["y"] + 0.8 * plot["height"])
    page.mouse.down()
    page.mouse.move(plot["x"] + 0.95 * plot["width"], plot["y"] + 0.1 * plot["height"], steps=12)
    page.mouse.up()
    heights = [float(dot.get_attribute("aria-valuenow")) for dot in box.get_by_role("slider").all()]
    assert np.all(np.diff(heights[1:-1]) > 0)
    assert heights[-2] - heights[1] > 1


@pytest.mark.browser
def test_nothing_is_wider_than_a_phone(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_a_field_cannot_take_is_refused():
    with pytest.raises(TypeError, match="a field of the page takes"):
        fields.replies(Answer(lambda: (np.eye(2), {})))


def test_masked_text_differs_by_key_and_holds_no_letter_of_it():
    text = json.dumps({"that is the sum": 3.25})
    first, second = fields.mask(text, "1.1"), fields.mask(text, "1.2")
    assert first != second
    assert "sum" not in first
    assert "3.25" not in first
