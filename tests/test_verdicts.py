"""The rule of the verdicts, and their table at the head of the page."""

import re

import numpy as np
import pandas as pd
import pytest

from helpers.book.folding import prompt_of
from helpers.findings import verdicts
from helpers.findings.verdicts import Claim, Count, count, tally, verdict
from helpers.store.paths import project_root

PAGE = project_root() / "notebooks" / "analyses" / "findings.md"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((0, 0, 40), "not decided"), ((2, 0, 2), "not decided"), ((3, 0, 3), "holds"), ((9, 1, 10), "holds"),
        ((8, 2, 10), "holds in part"), ((1, 9, 10), "does not hold"), ((0, 3, 30), "does not hold"),
    ],
)  # fmt: skip
def test_verdicts_follow_the_rule(counts, told):
    assert verdict(Count(*counts)) == told


def test_an_unbounded_interval_decides_nothing():
    low, high = pd.Series([np.nan, -np.inf, 2.0]), pd.Series([np.nan, np.inf, 3.0])
    assert count(low, high, above=1.0) == Count(1, 0, 3)
    assert count(low, high, below=1.0) == Count(0, 1, 3)
    with pytest.raises(ValueError, match="give one of them"):
        count(low, high)


def test_claims_are_shown_by_group_and_as_text():
    law = Claim("<b>x</b>", "P1", "b", "c & d", "holds", "analyses/shape#here", "law", "3 of 3", "more")
    last = Claim("y", "P2", "b", "z", "does not hold", "analyses/shape")
    shown = verdicts.show([last, law], "../{}.html".format).data
    assert "<b>x</b>" not in shown
    assert "c &amp; d" in shown
    assert '✓ <a href="../analyses/shape.html#here">holds</a>' in shown
    assert '<tr class="does-not-hold">' in shown
    assert re.findall(r'scope="rowgroup">([^<]+)<', shown) == ["Law", "Design"]
    assert tally([law, last]) == {"holds": 1, "holds in part": 0, "does not hold": 1, "not decided": 0}
    with pytest.raises(ValueError, match="did you mean 'law'"):
        verdicts.show([law._replace(group="laws")], str)


def test_the_verdicts_stand_before_the_evidence():
    """Readers see the answer and the table first; what it rests on is computed above it, and shown below."""
    text = PAGE.read_text("utf8")
    answer, table, evidence = (text.index(part) for part in ("**Answer.**", "verdicts.show(judged", "\n## Evidence"))
    assert answer < text.index("```{code-cell}") < text.index("judged = [") < table < evidence
    assert not re.search(r"\bjudged\b *[=.\[,)]", text[evidence:])
    headings = re.findall(r"^##+ .*", text, re.MULTILINE)
    assert headings[:2] == ["## The verdicts", "## Evidence"]
    for cell in re.findall(r"```{code-cell} ipython3\n(.*?)```", text[:table], re.DOTALL)[:-1]:
        tagged = cell.startswith((":tags: [hide-input]", ":tags: [parameters]"))
        assert tagged or prompt_of(cell, [], [])  # folded in the book


def test_verdicts_lead_to_pages_and_headings_that_are_there():
    text = (project_root() / "src" / "helpers" / "findings" / "claims.yaml").read_text("utf8")
    places = set(re.findall(r"page: (\S+)", text))
    assert len(places) > 5
    for place in places:
        page, _, anchor = place.partition("#")
        source = (project_root() / "notebooks" / f"{page}.md").read_text("utf8")
        headings = re.findall(r"^#+ (.*)", source, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
        assert not anchor or anchor in anchors
    assert '"../{}.html".format' in PAGE.read_text("utf8")  # as seen from notebooks/analyses
