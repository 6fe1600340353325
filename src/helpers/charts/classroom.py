"""Pieces for a class: predict a curve, guess the bits of a cloud, race under a budget; the page computes them.

What is to be found stays hidden until it is asked for. Where the question can be changed, the answer is asked for *by
its question*, so that the next one is hidden again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers import design
from helpers._utils.validation import in_range
from helpers.charts.calculator import along, bought
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY, HEIGHT, WIDTH
from helpers.charts.widgets import explore
from helpers.information.toy_pairs import rounds
from helpers.laws import JointLaw, NoiseLaw

NO_ANSWER = "nothing"
STAGES = ("cells", "bits", "bits and the best")


def _choice(name: str, options: list[str], label: str) -> alt.Parameter:
    return alt.param(name, value=options[0], bind=alt.binding_select(options=options, name=f"{label} "))


def _slider(name: str, value: float, low: float, high: float, step: float, label: str) -> alt.Parameter:
    return alt.param(name, value=value, bind=alt.binding_range(min=low, max=high, step=step, name=f"{label} "))


def _told(chart: alt.Chart, text: str, line: int = 0, colour: str = GREY) -> alt.Chart:
    """Write an expression in the top left corner of the plot."""
    mark = chart.transform_calculate(text=text).mark_text(
        align="left", x=8, y=12 + 16 * line, color=colour, fontSize=12
    )  # fmt: skip
    return mark.encode(text="text:N")


def _one() -> alt.Chart:
    return alt.Chart(pd.DataFrame({"one": [1]}))


def _finished(layers: list[alt.Chart], params: list[alt.Parameter], title: str, subtitle: str, told: str) -> Any:
    return alt.layer(*layers).add_params(*params).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle), description=f"{title} {subtitle}. {told}"
    )  # fmt: skip


# Predict, then reveal


@dataclass(frozen=True)
class Question:
    """A law that is shown up to a depth, and the law that is asked for."""

    known: NoiseLaw
    truth: NoiseLaw
    seen_to: float = np.inf


def questions(i_max: float, u_bar: float) -> dict[str, Question]:
    """Return what ``predict`` asks about the noise law with these parameters.

    Examples
    --------
    >>> questions(2.0, 400.0)["ū ten times as large"].truth
    NoiseLaw(i_max=2.0, u_bar=4000.0)
    """
    law = NoiseLaw(i_max, u_bar)
    # 4^I_max − 1 is the variance of the signal over that of the noise in between.
    quarter = NoiseLaw(float(np.log2(1 + 4 * (4**i_max - 1)) / 2), 4 * u_bar)
    return {
        "ū ten times as large": Question(law, NoiseLaw(i_max, 10 * u_bar)),
        "I_max one bit higher": Question(law, NoiseLaw(i_max + 1, u_bar)),
        "a quarter of the noise in between": Question(law, quarter),
        "how the curve goes on": Question(law, law, u_bar / 20),
    }


def predict(i_max: float = 2.0, u_bar: float = 400.0, depths: tuple[float, ...] = (30.0, 1000.0, 30_000.0)) -> Any:
    """Draw a noise law that is to be changed or continued: predict bits at some depths, then show the answer.

    Parameters
    ----------
    i_max, u_bar : the law that is shown, in bits and UMIs per cell
    depths : UMIs per cell at which bits are predicted, one slider each

    Examples
    --------
    >>> [p["name"] for p in predict().to_dict()["params"]]
    ['asked', 'bits_0', 'bits_1', 'bits_2', 'answer']
    """
    asked = questions(i_max, u_bar)
    u = np.geomspace(1, 1e5, 161)
    laws = pd.concat([
        pd.DataFrame({"question": name, "u": u, "known": q.known(u), "truth": q.truth(u), "seen": u <= q.seen_to})
        for name, q in asked.items()
    ])  # fmt: skip
    at = pd.concat([
        pd.DataFrame({"question": name, "which": range(len(depths)), "u": depths, "truth": q.truth(depths)})
        for name, q in asked.items()
    ])  # fmt: skip
    top = float(np.ceil(i_max + 2))
    names = [f"bits_{i}" for i in range(len(depths))]
    params = [
        _choice("asked", list(asked), "question"),
        *(_slider(n, 0.5, 0, top, 0.05, f"bits at {d:,.0f} UMIs") for n, d in zip(names, depths, strict=True)),
        _choice("answer", [NO_ANSWER, *asked], "show the answer to"),
    ]
    across = alt.X("u:Q").scale(type="log", domain=[1, 1e5]).title(DEPTH)
    heights = alt.Scale(domain=[0, top])
    now, shown = "datum.question === asked", "datum.question === asked && answer === asked"
    predicted = f"[{', '.join(names)}][datum.which]"
    # A table without the truth: no part of the page that is drawn before the answer holds it.
    bet = alt.Chart(at.drop(columns="truth")).transform_filter(now).transform_calculate(predicted=predicted)
    errors = (
        alt.Chart(at)
        .transform_filter(shown)
        .transform_calculate(predicted=predicted)
        .transform_calculate(error="datum.predicted - datum.truth")
    )
    mean = errors.transform_calculate(off="abs(datum.error)").transform_aggregate(off="mean(off)")
    return _finished(
        [
            alt.Chart(laws.drop(columns="truth")).transform_filter(f"{now} && datum.seen").mark_line(
                strokeWidth=3, color=GREY
            ).encode(across, alt.Y("known:Q", scale=heights, title=BITS)),
            alt.Chart(laws).transform_filter(shown).mark_line(strokeWidth=3, color=COLOURS[0]).encode(
                across, alt.Y("truth:Q", scale=heights)
            ),
            bet.mark_rule(strokeDash=[2, 4], color=GREY).encode(
                across, alt.Y(datum=0, scale=heights), alt.Y2(datum=top - 0.5)
            ),
            errors.mark_rule(color=COLOURS[1], strokeWidth=2).encode(
                across, alt.Y("predicted:Q", scale=heights), alt.Y2("truth:Q")
            ),
            bet.mark_point(size=110, filled=True, color=COLOURS[1]).encode(
                across, alt.Y("predicted:Q", scale=heights)
            ),
            errors.transform_calculate(text="format(datum.error, '+.2f')").mark_text(
                dx=-8, align="right", color=COLOURS[1], fontSize=13
            ).encode(across, alt.Y("predicted:Q", scale=heights), text="text:N"),
            _told(_one().transform_filter("answer !== asked"), "'Predict, then show the answer.'"),
            _told(mean, "'Off by ' + format(datum.off, '.2f') + ' bits on average.'"),
        ],
        params, "Predict, then look", "Grey: the law as it is; orange: your prediction; blue, when shown: the answer",
        "Controls: the question, the bits you predict at each depth, and whose answer to show.",
    )  # fmt: skip


# Guess the bits


def guess(n: int = 400, seed: int = 0) -> Any:
    """Draw a cloud for each round; the reader guesses its bits, then shows them with the error and the correlation.

    Parameters
    ----------
    n, seed : see ``helpers.information.toy_pairs.rounds``

    Examples
    --------
    >>> [p["name"] for p in guess(20).to_dict()["params"]]
    ['round', 'guessed', 'answer']
    """
    drawn = rounds(n, seed)
    numbers = [str(i + 1) for i in range(len(drawn))]
    frames, exact = [], []
    for number, one in zip(numbers, drawn, strict=True):
        x, y = ((v - v.mean()) / v.std() for v in (one.x, one.y))
        frames.append(pd.DataFrame({"number": number, "x": x.round(3), "y": y.round(3)}))
        r = float(np.corrcoef(x, y)[0, 1])
        exact.append({"number": number, "kind": one.kind, "bits": one.bits, "r": r, "linear": -np.log2(1 - r**2) / 2})
    params = [
        _choice("round", numbers, "round"),
        _slider("guessed", 1.0, 0, 4, 0.05, "your guess (bits)"),
        _choice("answer", [NO_ANSWER, *numbers], "show the answer of round"),
    ]
    sides = [c(f"{v}:Q").scale(zero=False).title(f"{v} (standard deviations)") for c, v in ((alt.X, "x"), (alt.Y, "y"))]
    shown = alt.Chart(pd.DataFrame(exact)).transform_filter("datum.number === round && answer === round")
    lines = ", ".join([
        "datum.kind + ': ' + format(datum.bits, '.2f') + ' bits'",
        "'your guess is off by ' + format(guessed - datum.bits, '+.2f') + ' bits'",
        "'correlation ' + format(datum.r, '.2f') + ': ' + format(datum.linear, '.2f') + ' bits if it were Gaussian'",
    ])  # fmt: skip
    # Above the plot, where no dot lies; as many lines before as after, so that the plot stays in its place.
    hidden = _one().transform_filter("answer !== round")
    texts = [
        rows.transform_calculate(text=f"[{told}]")
        .mark_text(align="left", baseline="top", x=0, y=-54, lineHeight=17, color=GREY, fontSize=13)
        .encode(text="text:N")
        for rows, told in ((shown, lines), (hidden, "'Guess, then show the answer of this round.', ' ', ' '"))
    ]
    dots = alt.Chart(pd.concat(frames)).transform_filter("datum.number === round")
    subtitle = f"{len(drawn)} clouds of {n} dots each; seed {seed}"
    return _finished(
        [
            dots.mark_circle(size=20, opacity=0.75, color=COLOURS[1]).encode(*sides),
            *texts,
        ],
        params, "How many bits do x and y share?", subtitle,
        "Controls: the round, your guess in bits, and the round whose answer to show.",
    )  # fmt: skip


# A race under a budget


def race(
    law: JointLaw,
    prices: design.Prices,
    budget: float = 1000.0,
    groups: tuple[float, ...] = (100.0, 1000.0, 20_000.0),
    depths: tuple[float, float] = (30.0, 30_000.0),
    cells: tuple[float, float] = (10.0, 1e7),
) -> Any:
    """Draw groups that spend one budget at the depths they name: first the cells, then the bits, then the best.

    Parameters
    ----------
    law : JointLaw
    prices : Prices
    budget : float
        Where its slider starts, between 100 and 100,000.
    groups : depths in UMIs per cell where the groups A, B, … start
    depths, cells : ranges in which the best is looked for, see ``design.optimum``

    Raises
    ------
    TypeError
        For another law.
    ValueError
        For a budget, or a depth of a group, outside its range.
    """
    if not isinstance(law, JointLaw):
        raise TypeError(f"the law is a {type(law).__name__}: the race takes a JointLaw.")
    in_range(budget, 100, 100_000, "budget")
    complexity = min(prices.complexity, 1e9)
    low, high = depths[0], min(depths[1], 0.95 * complexity)
    for depth in groups:
        in_range(depth, low, high, "a depth of groups", "It is in UMIs per cell.")
    row = {**vars(law), "log_least": np.log(depths[0]), "log_most": np.log(depths[1]), "least_n": cells[0],
           "most_n": cells[1]}  # fmt: skip
    letters = [chr(ord("A") + i) for i in range(len(groups))]
    frame = pd.DataFrame([{**row, "draw": i, "group": letter} for i, letter in enumerate(letters)])
    least, most = (round(float(np.log10(v)), 3) for v in (low, high))
    params = [
        _slider("log_budget", round(float(np.log10(budget)), 2), 2, 5, 0.05, "log10 budget"),
        *(_slider(f"log_u_{i}", round(float(np.log10(u)), 2), least, most, 0.01, f"{letter}: log10 UMIs per cell")
          for i, (letter, u) in enumerate(zip(letters, groups, strict=True))),
        _choice("stage", list(STAGES), "show"),
        *(alt.param(name, value=value) for name, value in (
            ("per_cell", prices.per_cell), ("per_million_reads", prices.per_million_reads), ("usable", prices.usable),
            ("complexity", complexity))),
    ]  # fmt: skip
    own = f"pow(10, [{', '.join(f'log_u_{i}' for i in range(len(groups)))}][datum.draw])"
    bets = bought(along(alt.Chart(frame), "true", design.GRID).transform_filter("datum.i === 0")
                  .transform_calculate(u=own))  # fmt: skip
    scored, found = f"stage !== '{STAGES[0]}'", f"stage === '{STAGES[-1]}'"
    line = along(alt.Chart(frame), f"{found} && datum.draw === 0", design.GRID)
    best = line.transform_filter("datum.bits === datum.best")
    across = alt.X("u:Q").scale(type="log", domain=[low, high], nice=False).title(DEPTH)
    # No curve is above the ceiling: there the text has room.
    ceiling = float(np.ceil(law.i_inf))
    heights = alt.Scale(domain=[0, ceiling * 4 / 3])
    up = alt.Y("bits:Q", scale=heights, title=BITS)
    hues = [COLOURS[1 + i % 4] for i in range(len(letters))]
    hue = alt.Color("group:N").scale(domain=letters, range=hues).legend(None)
    spent = "format(datum.n, ',.0f') + ' cells of ' + format(datum.u, ',.0f') + ' UMIs'"
    tells = f"datum.group + ': ' + {spent} + ({scored} ? ', ' + format(datum.bits, '.3f') + ' bits' : '')"
    behind = f"({found} ? ' (' + format(datum.bits - datum.best, '+.3f') + ')' : '')"
    return _finished(
        [
            line.transform_filter("datum.i % 12 === 0").mark_line(strokeWidth=2.5, color=COLOURS[0]).encode(across, up),
            bets.mark_rule(strokeDash=[4, 4], strokeWidth=1.5).encode(
                across, alt.Y(datum=0, scale=heights), alt.Y2(datum=ceiling), hue
            ),
            bets.transform_filter(scored).mark_point(size=130, filled=True).encode(across, up, hue),
            best.mark_point(size=130, filled=True, color=COLOURS[0], shape="diamond").encode(across, up),
            _told(_one(), "'budget ' + format(pow(10, log_budget), ',.0f')"),
            *(_told(bets.transform_filter(f"datum.draw === {i}"), f"{tells} + {behind}", 1 + i, hues[i])
              for i in range(len(letters))),
            _told(best, f"'best: ' + {spent} + ', ' + format(datum.bits, '.3f') + ' bits'", 1 + len(letters)),
        ],
        params, "One budget, three ways to spend it" if len(groups) == 3 else "One budget, several ways to spend it",
        f"A joint law with I_inf = {law.i_inf:g} bits, example prices; dashed: the depths that groups named",
        "Controls: the budget, the depth of each group, and whether bits and the best are shown.",
    )  # fmt: skip


# The same in a running notebook


def _control(param: dict[str, Any]) -> Any:
    """Return the ipywidgets control of a parameter that a page binds to a slider or a menu."""
    import ipywidgets

    bound, look = param["bind"], {"style": {"description_width": "initial"}, "layout": {"width": "95%"}}
    told = bound["name"].strip()
    if bound["input"] == "range":
        ends = {name: bound[name] for name in ("min", "max", "step")}
        return ipywidgets.FloatSlider(param["value"], description=told, **ends, **look)
    if bound["input"] == "select":
        return ipywidgets.Dropdown(options=bound["options"], value=param["value"], description=told, **look)
    raise ValueError(f"{param['name']} is bound to {bound['input']!r}: a twin has sliders and menus (range, select).")


def twin(piece: Callable[..., Any], **own: Any) -> None:
    """Give a piece ipywidgets in place of the page's controls, and further ones for what only Python can redo.

    Parameters
    ----------
    piece : function that returns a chart with bound parameters, such as ``guess``
    **own : ipywidgets controls for arguments of the piece, such as ``seed`` for new clouds
    """
    drawn = piece(**{name: control.value for name, control in own.items()}).to_dict()
    controls = {param["name"]: _control(param) for param in drawn["params"] if "bind" in param}

    def draw(**values: Any) -> Any:
        chart = piece(**{name: values[name] for name in own})
        for param in chart.params:
            if param.name in controls:
                param.value, param.bind = values[param.name], alt.Undefined
        return chart

    explore(draw, **own, **controls)
