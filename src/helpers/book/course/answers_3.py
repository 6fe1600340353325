"""Answers of session 4 of the course, and the mistakes to expect: from what was measured and released."""

from functools import cache

import numpy as np
import pandas as pd

from helpers import design
from helpers.book.course import cases as case
from helpers.book.course.answer import Known, exercise
from helpers.book.course.own import each
from helpers.findings import papers
from helpers.laws import Fit, JointLaw, ModelSizeLaw
from helpers.store.points import ROLES

_HALF = "the ½ before the logarithm is missing"


@cache
def _falls() -> dict[str, float]:
    """Return the bits of clean cells, and those lost to the shallowest point of each edge of the matrix."""
    means = case.three_noises().groupby(["role", "noise_level", "probe_noise_level"])["mi_bits"].mean()
    least = min(case.FRACTIONS)
    ends = {"both": (least, least), "train": (least, 1.0), "probe": (1.0, least)}
    falls = {name: float(means[ROLES[name], 1.0, 1.0] - means[(ROLES[name], *end)]) for name, end in ends.items()}
    return {"clean": float(means[ROLES["both"], 1.0, 1.0]), **falls}


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
        "that is the share of the information that is left; the fall is asked for": (falls["clean"] - falls["probe"]) / falls["clean"],
        "that is the fall as a share of the information; divide it by the fall with both thinned": falls["probe"] / falls["clean"],
        "that takes the rest for the probe's, as if the two shares added up to one": 1 - share_of_training,
        "that is upside down": 1 / right,
    }


@exercise("4.3", 0.005, "cells", each(depth=(3000, 4000, 5000)))
def _cells_that_a_budget_buys(depth: float) -> Known:
    prices = case.PRICES
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


def _law() -> JointLaw:
    law = papers.fit_published(case.CURVE).law
    assert isinstance(law, JointLaw)
    return law


def _bits_lost_at(share: float) -> float:
    """Return what a depth that is this share of the best one loses under the same budget."""
    _, bits = design.along_budget(_law(), case.BUDGET, case.PRICES, np.array([share * _plan().umis]))
    return _plan().bits - float(bits[0])


@exercise("4.5", 0.03, "bits")
def _cost_of_a_quarter_of_the_depth() -> Known:
    right = _bits_lost_at(0.25)
    return right, {
        "that is for half the depth": _bits_lost_at(0.5),
        "that is for four times the depth": _bits_lost_at(4.0),
        "that is what is left, not what is lost": _plan().bits - right,
        "that keeps the number of cells of the best plan: the money saved on reads buys more cells": (
            _plan().bits - float(_law()(_plan().cells, _plan().umis / 4))
        ),
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


@exercise("4.7", 0.02)
def _rise_of_r_squared_at_the_end_of_the_grid() -> Known:
    runs = papers.masked_runs("mse")
    straightness = [line[0] for line in _lines("mse", 0.99, 100)]
    larger = [line[0] for line in _lines("mse", 0.99, 100, runs["size"] != "XXS")]
    right = straightness[-1] - straightness[-2]
    return right, {
        "that is R² of the last candidate: take that of the one before from it": straightness[-1],
        "that is the rise over the whole grid": straightness[-1] - straightness[0],
        "that is the rise in the first step": straightness[1] - straightness[0],
        "that is without XXS; take all sizes": larger[-1] - larger[-2],
        "those are correlations: square them": straightness[-1] ** 0.5 - straightness[-2] ** 0.5,
    }


@exercise("4.8", 0.01)
def _exponent_on_a_longer_grid() -> Known:
    published = {}
    for loss in ("nll", "mse"):
        runs = papers.masked_runs(loss)
        published[loss] = papers.grid_and_line(runs["params"], runs["loss"]).alpha
    return max(_lines("nll", 0.9999, 2000))[1], {
        "that is α at the published end of the grid": published["nll"],
        "that is of the squared error; take the likelihood": published["mse"],
        "that is of the squared error, on the longer grid; take the likelihood": max(_lines("mse", 0.9999, 2000))[1],
    }


def _lines(loss: str, end: float, floors: int, which: pd.Series | None = None) -> list[tuple[float, float]]:
    """Return R² and the exponent of the line at each of so many floors, up to ``end`` of the least loss."""
    runs = papers.masked_runs(loss)
    runs = runs if which is None else runs[which]
    x, losses = np.log(runs["params"].to_numpy(float)), runs["loss"].to_numpy()
    lines = []
    for c in np.linspace(0, end * losses.min(), floors):
        y = np.log(losses - c)
        lines.append((float(np.corrcoef(x, y)[0, 1] ** 2), float(-np.polyfit(x, y, 1)[0])))
    return lines


@exercise("4.9", 0.02, "bits")
def _bits_between_least_loss_and_floor() -> Known:
    runs = papers.masked_runs("mse")
    floor = papers.grid_and_line(runs["params"], runs["loss"]).c
    right = papers.floor_in_bits(float(runs["loss"].min()), "mse") - papers.floor_in_bits(floor, "mse")
    # A difference of losses lies within the tolerance of twice the right answer: only one of the two can be named.
    return right, {_HALF: 2 * right}


@exercise("4.10", 0.0, variants=case.PILOTS, group="pilot", drawn=True)
def _next_steps(draw: int) -> Known:
    right = tuple(_next_step(case.pilot_fit(name, draw)) for name in ("shallow", "whole", "deep"))
    return right, {
        "of the third: a plateau alone does not say where the bend is; it is at shallower depths": (*right[:2], "deeper"),
        "of the third: its points do not fix ū, precise though they are": (*right[:2], "nothing"),
        "of the first: the rise alone does not say where the plateau is": ("nothing", *right[1:]),
    }


def _next_step(fit: Fit) -> str:
    if fit.status == "ok":
        return "nothing"
    return "deeper" if "measure deeper" in fit.message else "shallower"
