"""Answers of sessions 3 and 4 of the course, and the mistakes to expect: from laws, and from what was measured."""

from functools import cache

import numpy as np

from helpers import design
from helpers.book.course import cases as case
from helpers.book.course.answer import Known, exercise
from helpers.findings import papers
from helpers.laws import Fit, JointLaw, ModelSizeLaw, NoiseLaw
from helpers.store.points import ROLES

_LN2 = float(np.log(2))
_HALF = "the ½ before the logarithm is missing"


# Session 3: the laws.


@exercise("3.1", 0.005, "bits")
def _ceiling_of_a_channel() -> Known:
    signal, between = case.SIGNAL_VARIANCE, case.BETWEEN_VARIANCE
    right = float(np.log2((signal + between) / between) / 2)
    return right, {
        _HALF: 2 * right,
        "that is the ratio of the variances alone: what arrives is the signal plus the noise between": (
            float(np.log2(signal / between) / 2)
        ),
    }


@exercise("3.2", 0.01, "UMIs per cell")
def _u_bar_of_a_channel() -> Known:
    right = 1 / (case.KAPPA * case.BETWEEN_VARIANCE)
    return right, {
        "that is in units of α²: divide by κ for UMIs": right * case.KAPPA,
        "κ belongs below the line: α² = κ u": right * case.KAPPA**2,
        "that is upside down": 1 / right,
        "that is of the signal's variance: the variance between signal and instrument sets ū": (
            right * case.BETWEEN_VARIANCE / case.SIGNAL_VARIANCE
        ),
    }


@exercise("3.3", 0.01, "bits")
def _bits_missing_at_u_bar() -> Known:
    law = NoiseLaw(i_max=1.0, u_bar=1.0)
    right = law.i_max - float(law(law.u_bar))
    return right, {
        "half a bit is the limit of a large I_max; here it is 1 bit": 0.5,
        "that is the information at ū, not how far it lies below I_max": 1 - right,
        _HALF: 2 * right,
    }


@exercise("3.4", 0.01, "UMIs per cell")
def _depths_for_targets() -> Known:
    law = case.TARGET_LAW
    right = law.depth_for([0.9 * law.i_max, law.i_max + np.log2(0.9), law.i_max + np.log2(0.95)])
    return right, {
        "the ratio is upside down: a higher target needs more depth": law.u_bar**2 / right,
        "those are in units of ū": right / law.u_bar,
        "the order: 0.9·I_max first, then I_max + log2 0.9, then I_max + log2 0.95": right[::-1],
    }


@cache
def _pilot_fit(name: str) -> Fit:
    rows = case.pilot(name)
    return NoiseLaw.fit(rows["u"], rows["bits"])


@exercise("3.5", 0.01, "UMIs per cell")
def _profile_interval() -> Known:
    fit = _pilot_fit("bend")
    intervals = fit.interval(0.95)
    right = np.array(intervals["u_bar"])
    margin = fit.t_quantile(0.95) * fit.stderr["u_bar"]
    return right, {
        "that is the estimate ± t standard errors, which takes the valley to be a parabola: ask for the profile": (
            fit.params["u_bar"] + np.array([-margin, margin])
        ),
        "that is the interval of I_max": np.array(intervals["i_max"]),
        "lower end first": right[::-1],
    }


@exercise("3.6", 0.0)
def _status_of_a_shallow_pilot() -> Known:
    return _pilot_fit("shallow").status, {}


@exercise("3.7", 0.02, "bits per UMI")
def _slope_at_zero() -> Known:
    law = _pilot_fit("shallow").params
    right = float((4 ** law["i_max"] - 1) / (2 * _LN2 * law["u_bar"]))
    return right, {
        "that is (4^I_max − 1)/ū: the slope has 2 ln 2 below the line too": right * 2 * _LN2,
        "the slope at zero is not I_max/ū: expand the logarithm at u = 0": law["i_max"] / law["u_bar"],
    }


@exercise("3.8", 0.01, "bits")
def _excess_of_the_asymptotic_form() -> Known:
    law, depth = case.WEAK_LAW, case.WEAK_DEPTH
    exact = law.i_max - float(law(depth))
    asymptotic = float(np.log2(1 + law.u_bar / depth) / 2)
    return asymptotic - exact, {
        "that is what is missing in truth, not by how much the asymptotic form exceeds it": exact,
        "that is what the asymptotic form says is missing; take off what is missing in truth": asymptotic,
    }


@exercise("3.9", 0.01, "cells")
def _cells_for_a_tenth_of_a_bit() -> Known:
    n0, s = case.CELLS_LAW.n0, case.CELLS_LAW.s
    right = float(n0 * 0.1 ** (-1 / s))
    return right, {
        "the exponent is 1/s, not s": n0 * 0.1**-s,
        "the sign of the exponent: fewer bits missing takes more cells": n0 * 0.1 ** (1 / s),
        "that is in units of N0": right / n0,
    }


@exercise("3.10", 0.003, "bits")
def _bits_that_need_no_training() -> Known:
    h0, i_inf = case.JOINT_LAW.h0, case.JOINT_LAW.i_inf
    right = float(np.log2(1 + h0 * (4**i_inf - 1)) / 2)
    return right, {
        "h0 is a share of the signal-to-noise ratio, not of the bits": h0 * i_inf,
        _HALF: 2 * right,
        "4^I_inf − 1 is the ratio, not 4^I_inf": float(np.log2(1 + h0 * 4**i_inf) / 2),
    }


@exercise("3.11", 0.01)
def _growth_of_a_model_that_halves_its_loss() -> Known:
    right = 2 ** (1 / case.PUBLISHED_ALPHA)
    return right, {
        "the exponent is 1/α, not α": 2**case.PUBLISHED_ALPHA,
        "that makes the model smaller: the sign of the exponent": 1 / right,
    }


# Session 4: decisions.


@cache
def _falls() -> dict[str, float]:
    """Return the bits lost from the deepest to the shallowest point of each edge of the matrix."""
    means = case.three_noises().groupby(["role", "noise_level", "probe_noise_level"])["mi_bits"].mean()
    least = min(case.FRACTIONS)
    ends = {"both": (least, least), "train": (least, 1.0), "probe": (1.0, least)}
    return {name: float(means[ROLES[name], 1.0, 1.0] - means[(ROLES[name], *end)]) for name, end in ends.items()}


@exercise("4.1", 0.0)
def _larger_fall() -> Known:
    return max(("train", "probe"), key=_falls().__getitem__), {}


@exercise("4.2", 0.02)
def _share_of_noise_in_the_probe() -> Known:
    falls = _falls()
    right = falls["probe"] / falls["both"]
    share_of_training = falls["train"] / falls["both"]
    return right, {
        "that is the share of noise in training": share_of_training,
        "that is a fall in bits: divide by the fall with both thinned": falls["probe"],
        "that takes the rest for the probe's, as if the two shares added up to one": 1 - share_of_training,
        "that is upside down": 1 / right,
    }


@exercise("4.3", 0.005, "cells")
def _cells_that_a_budget_buys() -> Known:
    prices, depth = case.PRICES, case.PLANNED_DEPTH
    cost = prices.cell_price(depth)
    per_read = prices.per_million_reads / 1e6
    right = float(case.BUDGET / cost)
    return right, {
        "every read is taken to be usable and new": case.BUDGET / (prices.per_cell + depth * per_read),
        "the same molecule is read more than once: C(1 − e^(−r f/C)) is not r f": (
            case.BUDGET / (prices.per_cell + depth / prices.usable * per_read)
        ),
        "the price of capturing a cell is missing": float(case.BUDGET / (cost - prices.per_cell)),
        "that is the price of one cell": case.BUDGET / right,
    }


@cache
def _plan() -> design.Plan:
    return design.plan(papers.fit_published(case.CURVE), case.BUDGET, case.PRICES)


@exercise("4.4", 0.05, "UMIs per cell")
def _best_depth() -> Known:
    plan = _plan()
    return plan.umis, {
        "those are cells": plan.cells,
        "those are reads: ask for the molecules they count": plan.reads,
        "those are bits": plan.bits,
    }


def _bits_lost_at(share: float) -> float:
    """Return what a depth that is this share of the best one loses under the same budget."""
    law = papers.fit_published(case.CURVE).law
    assert isinstance(law, JointLaw)
    _, bits = design.along_budget(law, case.BUDGET, case.PRICES, np.array([share * _plan().umis]))
    return _plan().bits - float(bits[0])


@exercise("4.5", 0.03, "bits")
def _cost_of_a_quarter_of_the_depth() -> Known:
    right = _bits_lost_at(0.25)
    return right, {
        "that is for half the depth": _bits_lost_at(0.5),
        "that is for four times the depth": _bits_lost_at(4.0),
        "that is what is left, not what is lost": _plan().bits - right,
    }


@exercise("4.6", 0.01)
def _exponents_with_and_without_the_smallest() -> Known:
    runs = papers.masked_runs("mse")
    both = (runs, runs[runs["size"] != "XXS"])
    right = np.array([papers.grid_and_line(rows["params"], rows["loss"]).alpha for rows in both])
    squares = np.array([ModelSizeLaw.fit(rows["params"], rows["loss"]).params["alpha"] for rows in both])
    return right, {
        "with all sizes first, then without XXS": right[::-1],
        "those are least squares; here do as the paper did, by grid_and_line": squares,
        "XXS is still among the second points": right[[0, 0]],
    }


@exercise("4.7", 0.001)
def _floor_of_the_published_line() -> Known:
    runs = papers.masked_runs("mse")
    least = float(runs["loss"].min())
    right = papers.grid_and_line(runs["params"], runs["loss"]).c / least
    return right, {
        "that is the floor: divide it by the smallest loss": right * least,
        "that is upside down": 1 / right,
    }


@exercise("4.8", 0.01)
def _exponent_on_a_longer_grid() -> Known:
    published = {}
    for loss in ("nll", "mse"):
        runs = papers.masked_runs(loss)
        published[loss] = papers.grid_and_line(runs["params"], runs["loss"]).alpha
    return _alpha_of_straightest_line(), {
        "that is α at the published end of the grid": published["nll"],
        "that is of the squared error; take the likelihood": published["mse"],
    }


def _alpha_of_straightest_line(end: float = 0.9999, floors: int = 2000) -> float:
    """Return the exponent of the likelihood runs at the floor, up to ``end`` of the least loss, that fits them best."""
    runs = papers.masked_runs("nll")
    x, loss = np.log(runs["params"].to_numpy(float)), runs["loss"].to_numpy()
    lines = []
    for c in np.linspace(0, end * loss.min(), floors):
        straightness = np.corrcoef(x, np.log(loss - c))[0, 1] ** 2
        lines.append((straightness, -np.polyfit(x, np.log(loss - c), 1)[0]))
    return float(max(lines)[1])


@exercise("4.9", 0.02, "bits")
def _bits_between_least_loss_and_floor() -> Known:
    runs = papers.masked_runs("mse")
    floor = papers.grid_and_line(runs["params"], runs["loss"]).c
    right = papers.floor_in_bits(float(runs["loss"].min()), "mse") - papers.floor_in_bits(floor, "mse")
    # A difference of losses lies within the tolerance of twice the right answer: only one of the two can be named.
    return right, {_HALF: 2 * right}


@exercise("4.10", 0.0)
def _next_steps() -> Known:
    return tuple(_next_step(_pilot_fit(name)) for name in ("shallow", "whole", "deep")), {}


def _next_step(fit: Fit) -> str:
    if fit.status == "ok":
        return "nothing"
    return "deeper" if "measure deeper" in fit.message else "shallower"
