"""Answers of session 3 of the course, and the mistakes to expect: from laws, and from curves that are measured."""

from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from helpers import design
from helpers.book.course import cases as case
from helpers.book.course import own_curve
from helpers.book.course.answer import Known, exercise
from helpers.book.course.own import each
from helpers.findings import papers
from helpers.laws import Fit, JointLaw, ModelSizeLaw, NoiseLaw
from helpers.store.points import ROLES

_LN2 = float(np.log(2))
_HALF = "the ½ before the logarithm is missing"


# Session 3: the laws.


# Variances of the signal and of what lies between it and the instrument, and κ of α² = κ u, per UMI.
_CHANNELS = each(signal=(4, 6, 8), between=(0.25, 0.5, 0.4), kappa=(0.01, 0.02, 0.005))


@exercise("3.1", 0.005, "bits", _CHANNELS, group="channel")
def _ceiling_of_a_channel(signal: float, between: float, kappa: float) -> Known:
    right = float(np.log2((signal + between) / between) / 2)
    return right, {
        _HALF: 2 * right,
        "that is the ratio of the variances alone: what arrives is the signal plus the noise between": (
            float(np.log2(signal / between) / 2)
        ),
        "that is upside down under the logarithm": -right,
        "that takes the variances for standard deviations": (
            float(np.log2((signal**2 + between**2) / between**2) / 2)
        ),
    }


@exercise("3.2", 0.01, "UMIs per cell", _CHANNELS, group="channel")
def _u_bar_of_a_channel(signal: float, between: float, kappa: float) -> Known:
    right = 1 / (kappa * between)
    return right, {
        "that is in units of α²: divide by κ for UMIs": right * kappa,
        "κ belongs below the line: α² = κ u": right * kappa**2,
        "that is upside down": 1 / right,
        "that is of the signal's variance: the variance between signal and instrument sets ū": (
            right * between / signal
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


@exercise("3.4", 0.01, "UMIs per cell", each(i_max=(2.5, 2.2, 3.2), u_bar=(800, 600, 1200)))
def _depths_for_targets(i_max: float, u_bar: float) -> Known:
    law = NoiseLaw(i_max, u_bar)
    right = law.depth_for([0.9 * law.i_max, law.i_max + np.log2(0.9), law.i_max + np.log2(0.95)])
    return right, {
        "the ratio is upside down: a higher target needs more depth": law.u_bar**2 / right,
        "those are in units of ū": right / law.u_bar,
        "those are the targets in bits: ask for the depths that reach them": law(right),
        "the logarithms are to base 2": law.depth_for([0.9 * i_max, i_max + np.log(0.9), i_max + np.log(0.95)]),
        "the order: 0.9·I_max first, then I_max + log2 0.9, then I_max + log2 0.95": right[::-1],
    }




@exercise("3.5", 0.01, "UMIs per cell", case.PILOTS, group="pilot", drawn=True)
def _profile_interval(draw: int) -> Known:
    fit = case.pilot_fit("bend", draw)
    intervals = fit.interval(0.95)
    right = np.array(intervals["u_bar"])
    margin = fit.t_quantile(0.95) * fit.stderr["u_bar"]
    return right, {
        "that is the estimate ± t standard errors, which takes the valley to be a parabola: ask for the profile": (
            fit.params["u_bar"] + np.array([-margin, margin])
        ),
        "that is the estimate ± about 2 standard errors: ask for the profile, which need not be symmetric": (
            fit.params["u_bar"] + 1.98 * fit.stderr["u_bar"] * np.array([-1, 1])
        ),
        "that is the estimate ± one standard error, which is no interval of 95 %": (
            fit.params["u_bar"] + fit.stderr["u_bar"] * np.array([-1, 1])
        ),
        "that is the interval of 90 %": np.array(fit.interval(0.90)["u_bar"]),
        "that is the interval of 99 %": np.array(fit.interval(0.99)["u_bar"]),
        "that is the interval of I_max": np.array(intervals["i_max"]),
        "lower end first": right[::-1],
    }


@exercise("3.6", 0.02, variants=case.PILOTS, group="pilot", drawn=True)
def _status_of_a_shallow_pilot(draw: int) -> Known:
    fit, depths = case.pilot_fit("shallow", draw), case.pilot("shallow", draw)["u"]
    u_bar = fit.params["u_bar"]
    return (fit.status, u_bar / depths.max()), {
        "the factor is ū itself: divide it by the deepest point": (fit.status, u_bar),
        "the factor is upside down": (fit.status, depths.max() / u_bar),
        "the factor is that of the mean depth; the deepest point is asked for": (fit.status, u_bar / depths.mean()),
    }


@exercise("3.7", 0.02, variants=case.PILOTS, group="pilot", drawn=True)
def _what_a_shallow_pilot_fixes(draw: int) -> Known:
    fitted, true = case.pilot_fit("shallow", draw).params, {"i_max": 3.0, "u_bar": 3000.0}
    slope, true_slope = ((4 ** law["i_max"] - 1) / (2 * _LN2 * law["u_bar"]) for law in (fitted, true))
    slopes, u_bars = slope / true_slope, fitted["u_bar"] / true["u_bar"]
    ceilings = fitted["i_max"] / true["i_max"]
    return (slopes, u_bars), {
        "the ratio of slopes first": (u_bars, slopes),
        "the first is not right: the slope at zero is not I_max/ū: expand the logarithm at u = 0": (ceilings / u_bars, u_bars),
        "the first is one slope: divide the fitted one by the true one": (slope, u_bars),
        "the second is the ratio of I_max, not of ū": (slopes, ceilings),
        "both are upside down: fitted over true": (1 / slopes, 1 / u_bars),
    }


@exercise("3.8", 0.01, "bits", each(i_max=(0.4, 0.5, 0.3), u_bar=(200, 300, 150), depth=(20, 15, 12)))
def _excess_of_the_asymptotic_form(i_max: float, u_bar: float, depth: float) -> Known:
    law = NoiseLaw(i_max, u_bar)
    exact = law.i_max - float(law(depth))
    asymptotic = float(np.log2(1 + law.u_bar / depth) / 2)
    return asymptotic - exact, {
        "that is what is missing in truth, not by how much the asymptotic form exceeds it": exact,
        "that is what the asymptotic form says is missing; take off what is missing in truth": asymptotic,
    }


@exercise("3.9", 0.01, "cells", each(n0=(500, 300, 800), s=(0.5, 0.4, 0.6)))
def _cells_for_a_tenth_of_a_bit(n0: float, s: float) -> Known:
    right = float(n0 * 0.1 ** (-1 / s))
    return right, {
        "the exponent is 1/s, not s": n0 * 0.1**-s,
        "the sign of the exponent: fewer bits missing takes more cells": n0 * 0.1 ** (1 / s),
        "that is in units of N0": right / n0,
    }


@exercise("3.10", 0.003, "bits", each(h0=(0.15, 0.2, 0.1, 0.25)))
def _bits_that_need_no_training(h0: float) -> Known:
    i_inf = 3.0
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


@exercise("3.12", 0.03, "UMIs per cell", each(seed=own_curve.SEEDS), group="thinning", drawn=True)
def _u_bar_of_a_measured_curve(seed: int) -> Known:
    curve = own_curve.measured_curve(None, seed)
    fit = NoiseLaw.fit(curve["u"], curve["bits"])
    right = fit.params["u_bar"]
    return right, {
        "that is I_max, in bits": fit.params["i_max"],
        "the law was fitted to shares of the molecules: take the measured depth": right / curve["u"].max(),
        "that is the standard error": fit.stderr["u_bar"],
    }


@exercise("3.13", 0.02, "UMIs per cell")
def _depth_at_which_two_models_cross() -> Known:
    points = papers.points()
    points = points[points["dataset"] == "larry"]
    points = points[points["n_train"] == points["n_train"].max()]
    of_model = {name: rows for name, rows in points.groupby("representation")}
    pca, transformer = (
        NoiseLaw.fit(of_model[name]["umis_per_cell"], of_model[name]["mi_bits"]).law for name in ("pca", "geneformer")
    )
    assert isinstance(pca, NoiseLaw)
    assert isinstance(transformer, NoiseLaw)
    right = float(brentq(lambda u: float(pca(u) - transformer(u)), 10, 1e5))
    return right, {
        "that is ū of the principal components: find where the two laws are equal": pca.u_bar,
        "that is ū of the transformer: find where the two laws are equal": transformer.u_bar,
        "those are the bits at the crossing: give the depth": float(pca(right)),
    }


@exercise("3.14", 0.05, "bits")
def _lost_for_want_of_cells_and_of_molecules() -> Known:
    whole, few = (own_curve.mean_curve(n).set_index("share")["bits"] for n in (None, own_curve.FEW))
    cells, molecules = whole[1.0] - few[1.0], whole[1.0] - whole[0.03]
    return (cells, molecules), {
        "the loss for want of cells first": (molecules, cells),
        "those are the bits that are left: give those that are lost": (few[1.0], whole[0.03]),
        "the second is with few cells as well: change one thing at a time": (cells, whole[1.0] - few[0.03]),
        "the second is of a share of 0.01": (cells, whole[1.0] - whole[0.01]),
        "the first is at the smaller depth: change one thing at a time": (whole[0.03] - few[0.03], molecules),
    }


@exercise("3.15", 0.02, "pixels", each(lost=(0.5, 0.6, 0.7)))
def _tile_that_costs_half_a_bit(lost: float) -> Known:
    points = case.photographs()
    accepted, rejected = (_tile_by_law(points, power, lost) for power in (1, 2))
    means = points.groupby("tile")["bits"].mean()
    falling, target = means[means.index >= 20][::-1], means[1.0] - lost
    read = float(np.exp(np.interp(target, falling, np.log(falling.index))))
    return (accepted, read), {
        "the law first, then the points": (read, accepted),
        "the first is of the law that its points reject: look at both statuses": (rejected, read),
        "the second is a straight line in the side of the tile: take its logarithm": (
            accepted,
            float(np.interp(target, falling, falling.index)),
        ),
        "those are tiles along a side of 240 pixels: give the side of a tile": (240 / accepted, 240 / read),
        "the first is the signal-to-noise ratio: give the side of a tile": (1 / accepted, read),
    }


def _tile_by_law(points: pd.DataFrame, power: int, lost: float) -> float:
    law = NoiseLaw.fit(points["tile"] ** -float(power), points["bits"]).law
    assert isinstance(law, NoiseLaw)
    return float(law.depth_for(law.i_max - lost) ** (-1 / power))
