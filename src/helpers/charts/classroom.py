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
from helpers.charts import parts
from helpers.charts.calculator import along, bought, constants
from helpers.charts.style import BITS, COLOURS, DEPTH, GREY
from helpers.charts.widgets import explore
from helpers.information.toy_pairs import Round, rounds
from helpers.laws import JointLaw, NoiseLaw

NO_ANSWER = "nothing"
_PREDICTED = (30.0, 1000.0, 30_000.0)  # UMIs per cell at which bits are predicted, one slider each
# UMIs per cell and cells among which the best experiment of a race is looked for (``design.optimum``).
_DEPTHS, _CELLS = (30.0, 30_000.0), (10.0, 1e7)
STAGES = ("cells", "bits", "bits and the best")


def _note(rows: alt.Chart, text: str, line: int = 0, colour: str = GREY) -> alt.Chart:
    """Write an expression in the top left corner of the plot."""
    return parts.text_at(rows, text, x=8, y=12 + 16 * line, color=colour, fontSize=12)


def _piece(layers: list[alt.Chart], controls: list[alt.Parameter], title: str, subtitle: str, words: str) -> Any:
    chart = parts.layered(layers, title, subtitle, description=f"{title} {subtitle}. Controls: {words}")
    return chart.add_params(*controls)


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


def predict(i_max: float = 2.0, u_bar: float = 400.0) -> Any:
    """Draw a noise law that is to be changed or continued: predict bits at some depths, then show the answer.

    ``i_max`` in bits and ``u_bar`` in UMIs per cell are those of the law that is shown.

    Examples
    --------
    >>> [p["name"] for p in predict().to_dict()["params"]]
    ['asked', 'bits_0', 'bits_1', 'bits_2', 'answer']
    """
    laws, bets = _tables(questions(i_max, u_bar))
    top = float(np.ceil(i_max + 2))
    names = [f"bits_{i}" for i in range(len(_PREDICTED))]
    choices = list(dict.fromkeys(laws["question"]))
    controls = [
        parts.choice("asked", choices, "question"),
        *(
            parts.slider(name, 0.5, 0, top, 0.05, f"bits at {u:,.0f} UMIs")
            for name, u in zip(names, _PREDICTED, strict=True)
        ),
        parts.choice("answer", [NO_ANSWER, *choices], "show the answer to"),
    ]
    now, revealed = "datum.question === asked", "datum.question === asked && answer === asked"
    predicted = {"predicted": f"[{', '.join(names)}][datum.which]"}
    # Tables without the truth: no part of the page that is drawn before the answer holds it.
    known = alt.Chart(laws.drop(columns="truth")).transform_filter(f"{now} && datum.seen")
    bet = alt.Chart(bets.drop(columns="truth")).transform_filter(now).transform_calculate(**predicted)
    truth = alt.Chart(laws).transform_filter(revealed)
    errors = alt.Chart(bets).transform_filter(revealed).transform_calculate(**predicted)
    errors = errors.transform_calculate(error="datum.predicted - datum.truth")
    mean = errors.transform_calculate(off="abs(datum.error)").transform_aggregate(off="mean(off)")
    across = parts.log_axis("u", DEPTH, domain=[1, 1e5])
    heights = alt.Scale(domain=[0, top])
    up, prediction = alt.Y("known:Q", scale=heights, title=BITS), alt.Y("predicted:Q", scale=heights)
    full_height = alt.Y(datum=0, scale=heights), alt.Y2(datum=top - 0.5)
    off_by = errors.transform_calculate(text="format(datum.error, '+.2f')")
    off_by = off_by.mark_text(dx=-8, align="right", color=COLOURS[1], fontSize=13)
    layers = [
        known.mark_line(strokeWidth=3, color=GREY).encode(across, up),
        truth.mark_line(strokeWidth=3, color=COLOURS[0]).encode(across, alt.Y("truth:Q", scale=heights)),
        bet.mark_rule(strokeDash=[2, 4], color=GREY).encode(across, *full_height),
        errors.mark_rule(color=COLOURS[1], strokeWidth=2).encode(across, prediction, alt.Y2("truth:Q")),
        bet.mark_point(size=110, filled=True, color=COLOURS[1]).encode(across, prediction),
        off_by.encode(across, prediction, text="text:N"),
        _note(parts.one_row().transform_filter("answer !== asked"), "'Predict, then show the answer.'"),
        _note(mean, "'Off by ' + format(datum.off, '.2f') + ' bits on average.'"),
    ]
    subtitle = "Grey: the law as it is; orange: your prediction; blue, when shown: the answer"
    words = "the question, the bits you predict at each depth, and whose answer to show."
    return _piece(layers, controls, "Predict, then look", subtitle, words)


def _tables(asked: dict[str, Question]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the laws of each question along depth, and the answers at the depths of the predictions."""
    u, which = np.geomspace(1, 1e5, 161), range(len(_PREDICTED))
    laws, answers = [], []
    for name, question in asked.items():
        curve = pd.DataFrame({"question": name, "u": u, "known": question.known(u), "truth": question.truth(u)})
        laws.append(curve.assign(seen=u <= question.seen_to))
        truth = question.truth(_PREDICTED)
        answers.append(pd.DataFrame({"question": name, "which": which, "u": _PREDICTED, "truth": truth}))
    return pd.concat(laws), pd.concat(answers)


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
    clouds, exact = _clouds(rounds(n, seed))
    numbers = [str(number) for number in exact["number"]]
    controls = [
        parts.choice("round", numbers, "round"),
        parts.slider("guessed", 1.0, 0, 4, 0.05, "your guess (bits)"),
        parts.choice("answer", [NO_ANSWER, *numbers], "show the answer of round"),
    ]
    lines = [
        "datum.kind + ': ' + format(datum.bits, '.2f') + ' bits'",
        "'your guess is off by ' + format(guessed - datum.bits, '+.2f') + ' bits'",
        "'correlation ' + format(datum.r, '.2f') + ': ' + format(datum.linear, '.2f') + ' bits if it were Gaussian'",
    ]
    # Above the plot, where no dot lies; as many lines before as after, so that the plot stays in its place.
    look = {"baseline": "top", "x": 0, "y": -54, "lineHeight": 17, "color": GREY, "fontSize": 13}
    shown = alt.Chart(exact).transform_filter("datum.number === round && answer === round")
    hidden = parts.one_row().transform_filter("answer !== round")
    axes = [c(f"{v}:Q").scale(zero=False).title(f"{v} (standard deviations)") for c, v in ((alt.X, "x"), (alt.Y, "y"))]
    dots = alt.Chart(clouds).transform_filter("datum.number === round")
    layers = [
        dots.mark_circle(size=20, opacity=0.75, color=COLOURS[1]).encode(*axes),
        parts.text_at(shown, f"[{', '.join(lines)}]", **look),
        parts.text_at(hidden, "['Guess, then show the answer of this round.', ' ', ' ']", **look),
    ]
    subtitle = f"{len(numbers)} clouds of {n} dots each; seed {seed}"
    words = "the round, your guess in bits, and the round whose answer to show."
    return _piece(layers, controls, "How many bits do x and y share?", subtitle, words)


def _clouds(drawn: list[Round]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the dots of each round in standard deviations, and its exact bits beside those of its correlation."""
    clouds, exact = [], []
    for i, cloud in enumerate(drawn):
        number = str(i + 1)
        x, y = ((v - v.mean()) / v.std() for v in (cloud.x, cloud.y))
        clouds.append(pd.DataFrame({"number": number, "x": x.round(3), "y": y.round(3)}))
        r = float(np.corrcoef(x, y)[0, 1])
        linear = -np.log2(1 - r**2) / 2
        exact.append({"number": number, "kind": cloud.kind, "bits": cloud.bits, "r": r, "linear": linear})
    return pd.concat(clouds), pd.DataFrame(exact)


# A race under a budget


def race(
    law: JointLaw,
    prices: design.Prices,
    budget: float = 1000.0,
    groups: tuple[float, ...] = (100.0, 1000.0, 20_000.0),
) -> Any:
    """Draw groups that spend one budget at the depths they name: first the cells, then the bits, then the best.

    Parameters
    ----------
    law, prices : JointLaw, Prices
    budget : where its slider starts, between 100 and 100,000
    groups : depths in UMIs per cell where the groups A, B, … start

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
    low, high = _DEPTHS[0], min(_DEPTHS[1], 0.95 * min(prices.complexity, 1e9))
    for depth in groups:
        in_range(depth, low, high, "a depth of groups", "It is in UMIs per cell.")
    depth_of = {chr(ord("A") + i): depth for i, depth in enumerate(groups)}
    log_least, log_most = np.log(_DEPTHS)
    ends = {"log_least": log_least, "log_most": log_most, "least_n": _CELLS[0], "most_n": _CELLS[1]}
    laws = pd.DataFrame([{**vars(law), **ends, "draw": i, "group": letter} for i, letter in enumerate(depth_of)])
    # No curve is above the ceiling: there the text has room.
    ceiling = float(np.ceil(law.i_inf))
    layers = _race_layers(alt.Chart(laws), list(depth_of), (low, high), ceiling)
    controls = _race_controls(prices, budget, depth_of, low, high)
    title = f"One budget, {'three' if len(groups) == 3 else 'several'} ways to spend it"
    subtitle = f"A joint law with I_inf = {law.i_inf:g} bits, example prices; dashed: the depths that groups named"
    words = "the budget, the depth of each group, and whether bits and the best are shown."
    return _piece(layers, controls, title, subtitle, words)


def _race_layers(laws: alt.Chart, letters: list[str], depths: tuple[float, float], ceiling: float) -> list[alt.Chart]:
    """Return the layers of a race: the curve along the budget, what each group bought, the best, and all in words."""
    depth_of_group = f"pow(10, [{', '.join(f'log_u_{i}' for i in range(len(letters)))}][datum.draw])"
    one_a_group = along(laws, "true", design.GRID).transform_filter("datum.i === 0")
    bets = bought(one_a_group.transform_calculate(u=depth_of_group))
    scored, solved = f"stage !== '{STAGES[0]}'", f"stage === '{STAGES[-1]}'"
    line = along(laws, f"{solved} && datum.draw === 0", design.GRID)
    best = line.transform_filter("datum.bits === datum.best")
    heights = alt.Scale(domain=[0, ceiling * 4 / 3])
    across = parts.log_axis("u", DEPTH, domain=list(depths), nice=False)
    up = alt.Y("bits:Q", scale=heights, title=BITS)
    hues = [COLOURS[1 + i % 4] for i in range(len(letters))]
    hue = alt.Color("group:N").scale(domain=letters, range=hues).legend(None)
    full_height = alt.Y(datum=0, scale=heights), alt.Y2(datum=ceiling)
    blue = line.transform_filter("datum.i % 12 === 0").mark_line(strokeWidth=2.5, color=COLOURS[0])
    spent = "format(datum.n, ',.0f') + ' cells of ' + format(datum.u, ',.0f') + ' UMIs'"
    score = f"({scored} ? ', ' + format(datum.bits, '.3f') + ' bits' : '')"
    behind = f"({solved} ? ' (' + format(datum.bits - datum.best, '+.3f') + ')' : '')"
    layers = [
        blue.encode(across, up),
        bets.mark_rule(strokeDash=[4, 4], strokeWidth=1.5).encode(across, *full_height, hue),
        bets.transform_filter(scored).mark_point(size=130, filled=True).encode(across, up, hue),
        best.mark_point(size=130, filled=True, color=COLOURS[0], shape="diamond").encode(across, up),
        _note(parts.one_row(), "'budget ' + format(pow(10, log_budget), ',.0f')"),
    ]
    for i, colour in enumerate(hues):
        row = bets.transform_filter(f"datum.draw === {i}")
        layers.append(_note(row, f"datum.group + ': ' + {spent} + {score} + {behind}", 1 + i, colour))
    best_words = f"'best: ' + {spent} + ', ' + format(datum.bits, '.3f') + ' bits'"
    return [*layers, _note(best, best_words, 1 + len(letters))]


def _race_controls(
    prices: design.Prices, budget: float, groups: dict[str, float], low: float, high: float
) -> list[alt.Parameter]:
    """Return the sliders and the menu of a race, and the prices that its expressions use."""
    least, most = (round(float(np.log10(depth)), 3) for depth in (low, high))
    log_depths = {group: round(float(np.log10(depth)), 2) for group, depth in groups.items()}
    given = {name: getattr(prices, name) for name in ("per_cell", "per_million_reads", "usable")}
    return [
        parts.slider("log_budget", round(float(np.log10(budget)), 2), 2, 5, 0.05, "log10 budget"),
        *(
            parts.slider(f"log_u_{i}", depth, least, most, 0.01, f"{group}: log10 UMIs per cell")
            for i, (group, depth) in enumerate(log_depths.items())
        ),
        parts.choice("stage", list(STAGES), "show"),
        *(alt.param(name, value=value) for name, value in given.items()),
        alt.param("complexity", value=min(prices.complexity, 1e9)),
        *constants(prices),
    ]


# The same in a running notebook


def _control(param: dict[str, Any]) -> Any:
    """Return the ipywidgets control of a parameter that a page binds to a slider or a menu."""
    import ipywidgets

    bound, look = param["bind"], {"style": {"description_width": "initial"}, "layout": {"width": "95%"}}
    look |= {"value": param["value"], "description": bound["name"].strip()}
    if bound["input"] == "range":
        return ipywidgets.FloatSlider(min=bound["min"], max=bound["max"], step=bound["step"], **look)
    if bound["input"] == "select":
        return ipywidgets.Dropdown(options=bound["options"], **look)
    raise ValueError(f"{param['name']} is bound to {bound['input']!r}: a twin has sliders and menus (range, select).")


def twin(piece: Callable[..., Any], **arguments: Any) -> None:
    """Give a piece ipywidgets in place of the page's controls, and further ones for what only Python can redo.

    Parameters
    ----------
    piece : function that returns a chart with bound parameters, such as ``guess``
    **arguments : ipywidgets controls for arguments of the piece, such as ``seed`` for new clouds
    """
    drawn = piece(**{name: control.value for name, control in arguments.items()}).to_dict()
    controls = {param["name"]: _control(param) for param in drawn["params"] if "bind" in param}

    def draw(**values: Any) -> Any:
        chart = piece(**{name: values[name] for name in arguments})
        for param in chart.params:
            if param.name in controls:
                param.value, param.bind = values[param.name], alt.Undefined
        return chart

    explore(draw, **arguments, **controls)
