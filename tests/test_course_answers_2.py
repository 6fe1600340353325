"""What is registered of the exercises of sessions 3 and 4."""

import re
from pathlib import Path

import numpy as np
import pytest

from helpers.book.course.cases import TARGET_LAW, pilot
from helpers.book.course.check import answers
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


@pytest.mark.parametrize("name", ANSWERS)
def test_no_mistake_is_right(name):
    known = ANSWERS[name]
    right, mistakes = known.compute()
    for told, wrong in mistakes.items():
        wrong = np.asarray(wrong)
        assert wrong.shape == np.shape(right), told
        assert np.isfinite(wrong).all(), told
        # Far enough apart that a rounded right answer is not told it is this mistake.
        assert not np.allclose(wrong, right, rtol=1.5 * known.tolerance, atol=0), told


def test_closed_forms_against_the_law():
    assert right("3.3") == pytest.approx(1 - float(NoiseLaw(1.0, 77.0)(77.0)))
    targets = TARGET_LAW(right("3.4"))
    assert 2 ** (targets - TARGET_LAW.i_max) == pytest.approx([2**-0.25, 0.9, 0.95])
    # The first rise of the fitted curve itself, by a small step.
    rows = pilot("shallow")
    fit = NoiseLaw.fit(rows["u"], rows["bits"])
    assert right("3.7") == pytest.approx(float(fit.law(1e-3)) / 1e-3, rel=1e-3)


def test_the_claim_has_the_published_exponent():
    assert right("4.6")[0] == pytest.approx(0.266, abs=5e-4)
    assert right("4.7") == pytest.approx(0.99)
    assert right("4.9") == pytest.approx(np.log2(1 / 0.99) / 2)
