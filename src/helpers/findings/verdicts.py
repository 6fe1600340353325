"""Claims and their verdicts: one rule for claims about many curves, and the table that shows them all."""

import re
from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from helpers._utils.validation import choose

# A claim about many curves holds, or fails, if at least this share of those that can decide it agree, or disagree.
MOST = 0.9
# Fewer curves than this decide nothing.
FEWEST = 3
# The verdicts, best first, each with the mark that a table puts before it.
MARKS = {"holds": "✓", "holds in part": "◐", "does not hold": "✗", "not decided": "?"}
# What claims are about, in the order of the table.
GROUPS = ("law", "models", "images and proteins", "masked reconstruction", "design")

_minus = re.compile(r"(?<![\w-])-(?=\d)")  # a hyphen before a number


class Claim(NamedTuple):
    """A claim and what is measured here of it.

    ``claim``, in plain English, and its ``source``; ``criterion``: when it holds, when it fails, and when it stays
    open; ``evidence``, one line with a number; ``verdict``, one of ``MARKS``; ``page`` with the evidence, such as
    "analyses/findings#cells"; ``group``, one of ``GROUPS``; ``sure``: how many curves decided, or the interval of the
    one number that did; ``change``: what would change the verdict.
    """

    claim: str
    source: str
    criterion: str
    evidence: str
    verdict: str
    page: str
    group: str = GROUPS[-1]
    sure: str = ""
    change: str = ""


class Count(NamedTuple):
    """How many curves go the way of a claim, and how many the other way; the rest decide nothing."""

    agree: int
    disagree: int
    all: int


def verdict(count: Count) -> str:
    """Return what curves say of a claim, by one rule for all claims (``MOST``, ``FEWEST``).

    Examples
    --------
    >>> verdict(Count(9, 1, 12)), verdict(Count(2, 0, 12)), verdict(Count(5, 5, 12)), verdict(Count(0, 8, 8))
    ('holds', 'not decided', 'holds in part', 'does not hold')
    """
    decided = count.agree + count.disagree
    if decided < FEWEST:
        return "not decided"
    agree, disagree = count.agree / decided, count.disagree / decided
    return "holds" if agree >= MOST else "does not hold" if disagree >= MOST else "holds in part"


def count(low: pd.Series, high: pd.Series, above: float | None = None, below: float | None = None) -> Count:
    """Count the intervals that lie on the claimed side of a bound, and those that lie on the other.

    The claim is one of ``above`` and ``below`` the bound; an interval with an end that is NaN decides nothing.

    Examples
    --------
    >>> count(pd.Series([0.1, 2.0, 0.5]), pd.Series([0.3, 3.0, 1.5]), above=1.0)
    Count(agree=1, disagree=1, all=3)
    """
    if (above is None) == (below is None):
        raise ValueError(f"above is {above} and below {below}: give one of them, as the claim has it.")
    bound = above if above is not None else below
    over, under = int((low > bound).sum()), int((high < bound).sum())
    return Count(*((over, under) if above is not None else (under, over)), len(low))


def decided(count: Count, sets: int, unit: str = "curves") -> str:
    """Return how many curves decided a claim, for the column ``sure``.

    >>> decided(Count(9, 1, 12), 7)
    '10 of 12 curves decide; 7 data sets'
    """
    return f"{count.agree + count.disagree} of {count.all} {unit} decide; {sets} data sets"


def one(count: Count) -> str:
    """Return the verdict on a claim that one quantity decides, or leaves open.

    >>> one(Count(1, 0, 1)), one(Count(0, 0, 1))
    ('holds', 'not decided')
    """
    return "holds" if count.agree else "does not hold" if count.disagree else "not decided"


def tally(claims: Iterable[Claim]) -> dict[str, int]:
    """Return how many claims there are of each verdict.

    >>> tally([Claim("It falls", "P1", "R² of 0.9", "9 of 10", "holds", "noise")])["holds"]
    1
    """
    verdicts = [claim.verdict for claim in claims]
    return {name: verdicts.count(name) for name in MARKS}


def show(claims: Iterable[Claim], link: Callable[[str], str]) -> Any:
    """Return claims as a table, by group; verdicts lead to the pages with the evidence, a claim opens on its criterion.

    ``link`` returns the address of a page by its name, as seen from the page that shows the table.

    Examples
    --------
    >>> one = Claim("It falls", "P1", "R² of 0.9", "9 of 10", "holds", "noise#depth")
    >>> '<a href="noise.html#depth">holds</a>' in show([one], "{}.html".format).data
    True
    """
    from IPython.display import HTML

    heads = ("verdict", "claim", "measured here", "how sure", "what would change it")
    rows = ["<tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr>"]
    in_order = sorted(claims, key=lambda claim: GROUPS.index(choose(claim.group, GROUPS, "group of claims")))
    for group, some in groupby(in_order, key=lambda claim: claim.group):
        rows.append(f'<tr class="group"><th colspan="{len(heads)}" scope="rowgroup">{group.capitalize()}</th></tr>')
        rows.extend(_row(claim, link) for claim in some)
    return HTML(f'<table class="dataframe claims"><tbody>{"".join(rows)}</tbody></table>')


def _row(claim: Claim, link: Callable[[str], str]) -> str:
    page, hash_mark, place = claim.page.partition("#")
    address = escape(link(page) + hash_mark + place, quote=True)
    source = f" ({escape(claim.source)})" if claim.source else ""
    criterion = f"<p>Criterion: {escape(claim.criterion)}.</p>"
    cells = (
        f'{MARKS[claim.verdict]} <a href="{address}">{escape(claim.verdict)}</a>',
        f"<details><summary>{escape(claim.claim)}{source}</summary>{criterion}</details>",
        *(_minus.sub("−", escape(text)) for text in (claim.evidence, claim.sure, claim.change)),
    )
    return f'<tr class="{claim.verdict.replace(" ", "-")}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
