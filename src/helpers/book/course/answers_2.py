"""Answers to the exercises of sessions 3 and 4, computed from the laws and from the measurements they are about."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from helpers.book.course import cases as case
from helpers import design
from helpers.findings import papers as published
from helpers.book.course.answer import Answer
from helpers.laws import Fit, JointLaw, ModelSizeLaw, NoiseLaw
from helpers.store.points import ROLES

_LN2 = float(np.log(2))
_HALF = "the ½ before the logarithm is missing"


def _constant(value: Callable[[], Any]) -> Callable[[Any], Any]:
    """Return a transformation to what a wrong way gives, whatever the right value is."""
    return lambda right: value()


def _i_max() -> float:
    return float(np.log2((case.SIGNAL_VARIANCE + case.BETWEEN_VARIANCE) / case.BETWEEN_VARIANCE) / 2)


def _u_bar() -> float:
    return 1 / (case.KAPPA * case.BETWEEN_VARIANCE)


def _below_at_u_bar() -> float:
    law = NoiseLaw(i_max=1.0, u_bar=1.0)
    return law.i_max - float(law(law.u_bar))


def _depths_for_90() -> np.ndarray:
    top = case.TARGET_LAW.i_max
    return case.TARGET_LAW.depth_for([0.9 * top, top + np.log2(0.9), top + np.log2(0.95)])


def _upside_down(right: Any) -> np.ndarray:
    return case.TARGET_LAW.u_bar**2 / np.asarray(right)


@cache
def _pilot_fit(name: str) -> Fit:
    rows = case.pilot(name)
    return NoiseLaw.fit(rows["u"], rows["bits"])


def _profile() -> np.ndarray:
    return np.array(_pilot_fit("bend").interval(0.95)["u_bar"])


def _symmetric() -> np.ndarray:
    fit = _pilot_fit("bend")
    return fit.params["u_bar"] + np.array([-1, 1]) * fit.t_quantile(0.95) * fit.stderr["u_bar"]


def _of_i_max() -> np.ndarray:
    return np.array(_pilot_fit("bend").interval(0.95)["i_max"])


def _first_slope() -> float:
    law = _pilot_fit("shallow").params
    return float((4 ** law["i_max"] - 1) / (2 * _LN2 * law["u_bar"]))


def _missing_weak() -> tuple[float, float]:
    """Return what a weak law misses, by the exact and by the asymptotic rescaling."""
    relative = case.WEAK_DEPTH / case.WEAK_LAW.u_bar
    exact = case.WEAK_LAW.i_max - float(case.WEAK_LAW(case.WEAK_DEPTH))
    return exact, float(np.log2(1 + 1 / relative) / 2)


def _cells_for(missing: float = 0.1) -> float:
    return float(case.CELLS_LAW.n0 * missing ** (-1 / case.CELLS_LAW.s))


def _unlearned() -> float:
    law = case.JOINT_LAW
    return float(np.log2(1 + law.h0 * (4**law.i_inf - 1)) / 2)


@cache
def _falls() -> dict[str, float]:
    """Return the bits lost from the deepest to the shallowest point of each edge of the matrix."""
    means = case.three_noises().groupby(["role", "noise_level", "probe_noise_level"])["mi_bits"].mean()
    least = min(case.FRACTIONS)
    ends = {"both": (least, least), "train": (least, 1.0), "probe": (1.0, least)}
    return {name: float(means[ROLES[name], 1.0, 1.0] - means[(ROLES[name], *end)]) for name, end in ends.items()}


def _larger_side() -> str:
    return max(("train", "probe"), key=_falls().__getitem__)


def _cells_bought(usable: float | None = None, per_cell: float | None = None) -> float:
    prices = design.with_prices(case.PRICES, usable=usable, per_cell=per_cell)
    return float(case.BUDGET / prices.cell_price(case.PLANNED_DEPTH))


@cache
def _plan() -> design.Plan:
    return design.plan(published.fit_published(case.CURVE), case.BUDGET, case.PRICES)


def _lost_at(share: float) -> float:
    law = published.fit_published(case.CURVE).law
    assert isinstance(law, JointLaw)
    _, bits = design.along_budget(law, case.BUDGET, case.PRICES, np.array([share * _plan().umis]))
    return _plan().bits - float(bits[0])


def _alphas() -> np.ndarray:
    runs = published.masked_runs("mse")
    larger = runs[runs["size"] != "XXS"]
    return np.array([published.grid_and_line(rows["params"], rows["loss"]).alpha for rows in (runs, larger)])


def _squares() -> np.ndarray:
    """Return the exponents by least squares, with all sizes and without the smallest."""
    runs = published.masked_runs("mse")
    larger = runs[runs["size"] != "XXS"]
    return np.array([ModelSizeLaw.fit(rows["params"], rows["loss"]).params["alpha"] for rows in (runs, larger)])


def _floor_share() -> float:
    runs = published.masked_runs("mse")
    return published.grid_and_line(runs["params"], runs["loss"]).c / float(runs["loss"].min())


def _free_floor(end: float = 0.9999, floors: int = 2000) -> float:
    """Return the exponent of the likelihood runs at the straightest line of a grid that goes on."""
    runs = published.masked_runs("nll")
    x, loss = np.log(runs["params"].to_numpy(float)), runs["loss"].to_numpy()
    lines = []
    for c in np.linspace(0, end * loss.min(), floors):
        straight = np.corrcoef(x, np.log(loss - c))[0, 1] ** 2
        lines.append((straight, -np.polyfit(x, np.log(loss - c), 1)[0]))
    return float(max(lines)[1])


def _entropy_beyond() -> float:
    runs = published.masked_runs("mse")
    least = float(runs["loss"].min())
    floor = published.grid_and_line(runs["params"], runs["loss"]).c
    return published.floor_in_bits(least, "mse") - published.floor_in_bits(floor, "mse")


def _next_steps() -> tuple[str, ...]:
    return tuple(_next_step(_pilot_fit(name)) for name in ("shallow", "whole", "deep"))


def _next_step(fit: Fit) -> str:
    if fit.status == "ok":
        return "nothing"
    return "deeper" if "measure deeper" in fit.message else "shallower"


def _least_loss() -> float:
    return float(published.masked_runs("mse")["loss"].min())


def _published_line(loss: str) -> float:
    runs = published.masked_runs(loss)
    return published.grid_and_line(runs["params"], runs["loss"]).alpha


ANSWERS: dict[str, Answer] = {
    "3.1": Answer(_i_max, 0.005, "bits", {
        _HALF: lambda right: 2 * right,
        "that is the ratio of the variances alone: what arrives is the signal plus the noise between":
            _constant(lambda: float(np.log2(case.SIGNAL_VARIANCE / case.BETWEEN_VARIANCE) / 2)),
    }),
    "3.2": Answer(_u_bar, 0.01, "UMIs per cell", {
        "that is in units of α²: divide by κ for UMIs": lambda right: right * case.KAPPA,
        "κ belongs below the line: α² = κ u": lambda right: right * case.KAPPA**2,
        "that is upside down": lambda right: 1 / right,
        "that is of the signal's variance: the variance between signal and instrument sets ū":
            lambda right: right * case.BETWEEN_VARIANCE / case.SIGNAL_VARIANCE,
    }),
    "3.3": Answer(_below_at_u_bar, 0.01, "bits", {
        "half a bit is the limit of a large I_max; here it is 1 bit": _constant(lambda: 0.5),
        "that is the information at ū, not how far it lies below I_max": lambda right: 1 - right,
        _HALF: lambda right: 2 * right,
    }),
    "3.4": Answer(_depths_for_90, 0.01, "UMIs per cell", {
        "the ratio is upside down: a higher target needs more depth": _upside_down,
        "those are in units of ū": lambda right: right / case.TARGET_LAW.u_bar,
        "the order: 0.9·I_max first, then I_max + log2 0.9, then I_max + log2 0.95": lambda right: right[::-1],
    }),
    "3.5": Answer(_profile, 0.01, "UMIs per cell", {
        "that is the estimate ± t standard errors, which takes the valley to be a parabola: ask for the profile":
            _constant(_symmetric),
        "that is the interval of I_max": _constant(_of_i_max),
        "lower end first": lambda right: right[::-1],
    }),
    "3.6": Answer(lambda: _pilot_fit("shallow").status, 0.0),
    "3.7": Answer(_first_slope, 0.02, "bits per UMI", {
        "that is (4^I_max − 1)/ū: the slope has 2 ln 2 below the line too": lambda right: right * 2 * _LN2,
        "the slope at zero is not I_max/ū: expand the logarithm at u = 0":
            _constant(lambda: _pilot_fit("shallow").params["i_max"] / _pilot_fit("shallow").params["u_bar"]),
    }),
    "3.8": Answer(lambda: _missing_weak()[1] - _missing_weak()[0], 0.01, "bits", {
        "that is what is missing in truth, not by how much the asymptotic form exceeds it":
            _constant(lambda: _missing_weak()[0]),
        "that is what the asymptotic form says is missing; take off what is missing in truth":
            _constant(lambda: _missing_weak()[1]),
    }),
    "3.9": Answer(_cells_for, 0.01, "cells", {
        "the exponent is 1/s, not s": _constant(lambda: case.CELLS_LAW.n0 * 0.1 ** (-case.CELLS_LAW.s)),
        "the sign of the exponent: fewer bits missing takes more cells":
            _constant(lambda: case.CELLS_LAW.n0 * 0.1 ** (1 / case.CELLS_LAW.s)),
        "that is in units of N0": lambda right: right / case.CELLS_LAW.n0,
    }),
    "3.10": Answer(_unlearned, 0.003, "bits", {
        "h0 is a share of the signal-to-noise ratio, not of the bits":
            _constant(lambda: case.JOINT_LAW.h0 * case.JOINT_LAW.i_inf),
        _HALF: lambda right: 2 * right,
        "4^I_inf − 1 is the ratio, not 4^I_inf":
            _constant(lambda: float(np.log2(1 + case.JOINT_LAW.h0 * 4**case.JOINT_LAW.i_inf) / 2)),
    }),
    "3.11": Answer(lambda: 2 ** (1 / case.PUBLISHED_ALPHA), 0.01, "", {
        "the exponent is 1/α, not α": _constant(lambda: 2**case.PUBLISHED_ALPHA),
        "that makes the model smaller: the sign of the exponent": lambda right: 1 / right,
    }),
    "4.1": Answer(_larger_side, 0.0),
    "4.2": Answer(lambda: _falls()["probe"] / _falls()["both"], 0.02, "", {
        "that is the share of noise in training": _constant(lambda: _falls()["train"] / _falls()["both"]),
        "that is a fall in bits: divide by the fall with both thinned": _constant(lambda: _falls()["probe"]),
        "that takes the rest for the probe's, as if the two shares added up to one":
            _constant(lambda: 1 - _falls()["train"] / _falls()["both"]),
        "that is upside down": lambda right: 1 / right,
    }),
    "4.3": Answer(_cells_bought, 0.005, "cells", {
        "every read is taken to be usable and new": _constant(lambda: case.BUDGET / (
            case.PRICES.per_cell + case.PLANNED_DEPTH * case.PRICES.per_million_reads / 1e6)),
        "the same molecule is read more than once: C(1 − e^(−r f/C)) is not r f": _constant(lambda: case.BUDGET / (
            case.PRICES.per_cell + case.PLANNED_DEPTH / case.PRICES.usable * case.PRICES.per_million_reads / 1e6)),
        "the price of capturing a cell is missing": _constant(lambda: float(case.BUDGET / (
            case.PRICES.cell_price(case.PLANNED_DEPTH) - case.PRICES.per_cell))),
        "that is the price of one cell": lambda right: case.BUDGET / right,
    }),
    "4.4": Answer(lambda: _plan().umis, 0.05, "UMIs per cell", {
        "those are cells": _constant(lambda: _plan().cells),
        "those are reads: ask for the molecules they count": _constant(lambda: _plan().reads),
        "those are bits": _constant(lambda: _plan().bits),
    }),
    "4.5": Answer(lambda: _lost_at(0.25), 0.03, "bits", {
        "that is for half the depth": _constant(lambda: _lost_at(0.5)),
        "that is for four times the depth": _constant(lambda: _lost_at(4.0)),
        "that is what is left, not what is lost": lambda right: _plan().bits - right,
    }),
    "4.6": Answer(_alphas, 0.01, "", {
        "with all sizes first, then without XXS": lambda right: right[::-1],
        "those are least squares; here do as the paper did, by grid_and_line": _constant(_squares),
        "XXS is still among the second points": lambda right: right[[0, 0]],
    }),
    "4.7": Answer(_floor_share, 0.001, "", {
        "that is the floor: divide it by the smallest loss": lambda right: right * _least_loss(),
        "that is upside down": lambda right: 1 / right,
    }),
    "4.8": Answer(_free_floor, 0.01, "", {
        "that is α at the published end of the grid": _constant(lambda: _published_line("nll")),
        "that is of the squared error; take the likelihood": _constant(lambda: _published_line("mse")),
    }),
    # A difference of losses lies within the tolerance of twice the right answer: only one of the two can be told.
    "4.9": Answer(_entropy_beyond, 0.02, "bits", {_HALF: lambda right: 2 * right}),
    "4.10": Answer(_next_steps, 0.0),
}  # fmt: skip
