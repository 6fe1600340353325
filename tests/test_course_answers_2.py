"""What is registered of the exercises of sessions 3 and 4."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.book.course.cases import pilot
from helpers.book.course.check import answers, what_is_off
from helpers.findings import papers
from helpers.laws import NoiseLaw

ANSWERS = {name: answer for name, answer in answers().items() if name[0] in "34"}
NOTEBOOKS = Path(__file__).parents[1] / "notebooks" / "course"


def right(name):
    return ANSWERS[name].compute()[0]


@pytest.mark.parametrize("session", ["3", "4"])
def test_each_exercise_has_an_answer_and_each_answer_an_exercise(session):
    text = (NOTEBOOKS / f"session_{session}.md").read_text("utf8")
    asked = re.findall(r"^### Exercise (\d+\.\d+) \(level [123]\)$", text, re.MULTILINE)
    assert asked == [name for name in ANSWERS if name.startswith(f"{session}.")]
    assert re.findall(r'^check\("([\d.]+)", answer\)$', text, re.MULTILINE) == asked
    assert len(re.findall(r"^:tags: \[solution, hide-input\]$", text, re.MULTILINE)) == len(asked)
    assert len(re.findall(r"^:::\{dropdown\} Hint$", text, re.MULTILINE)) == len(asked)


def numbers_of(answer):
    parts = answer if isinstance(answer, tuple) else [answer]
    return [np.asarray(part, float) for part in parts if not isinstance(part, str)]


@pytest.mark.parametrize("name", answers())
def test_no_mistake_is_right_with_any_numbers(name):
    known = answers()[name]
    for numbers in known.variants:
        right, mistakes = known.compute(**numbers)
        judge = replace(known, compute=lambda found=(right, mistakes): found, variants=({},))
        assert what_is_off(right, judge) == ""
        for told, wrong in mistakes.items():
            assert what_is_off(wrong, judge) == told, numbers
            assert np.shape(wrong) == np.shape(right), told
            given, wanted = numbers_of(wrong), numbers_of(right)
            assert all(np.isfinite(part).all() for part in given), told
            # Far enough apart that a rounded right answer is not told it is this mistake.
            near = [np.allclose(*pair, rtol=1.5 * known.tolerance, atol=0) for pair in zip(given, wanted, strict=True)]
            assert not near or not all(near), (told, numbers)


def test_closed_forms_against_the_law():
    assert right("3.3") == pytest.approx(1 - float(NoiseLaw(1.0, 77.0)(77.0)))
    law = NoiseLaw(2.5, 800.0)
    targets = law(right("3.4"))
    assert 2 ** (targets - law.i_max) == pytest.approx([2**-0.25, 0.9, 0.95])
    # The first rise of the fitted curve itself, by a small step.
    rows = pilot("shallow")
    fit = NoiseLaw.fit(rows["u"], rows["bits"])
    true = NoiseLaw(3.0, 3000.0)
    assert right("3.7") == pytest.approx((float(fit.law(1e-3) / true(1e-3)), fit.params["u_bar"] / 3000), rel=1e-3)
    assert right("3.6")[1] == pytest.approx(fit.params["u_bar"] / 60)


def test_the_claim_has_the_published_exponent():
    assert right("4.6")[0] == pytest.approx(0.266, abs=5e-4)
    runs = papers.masked_runs("mse")
    assert papers.grid_and_line(runs["params"], runs["loss"]).c / runs["loss"].min() == pytest.approx(0.99)
    assert right("4.7") > 0, "R² was still rising where the grid ended"
    assert right("4.9") == pytest.approx(np.log2(1 / 0.99) / 2)
