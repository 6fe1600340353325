"""Answers of the last exercises of session 4, on judging fits, controls and plans, and the mistakes to expect."""

import numpy as np

from helpers.book.course import cases as case
from helpers.book.course import judging
from helpers.book.course.answer import Known, exercise
from helpers.laws import NoiseLaw
from helpers.store.points import ROLES


def _line(x: np.ndarray, y: np.ndarray) -> float:
    """Return R² of a straight line."""
    return float(np.corrcoef(x, y)[0, 1] ** 2)


@exercise("4.11", 0.001)
def _r_squared_of_law_and_line() -> Known:
    rows = judging.released_curve()
    u, bits = rows["u"].to_numpy(), rows["bits"].to_numpy()
    of_law, of_line = NoiseLaw.fit(u, bits).r_squared, _line(np.log10(u), bits)
    right = np.array([of_law, of_line])
    return right, {
        "the law first, then the line": right[::-1],
        "the line is straight in the logarithm of depth, not in depth": np.array([of_law, _line(u, bits)]),
        "a correlation of the line has to be squared": np.array([of_law, np.sqrt(of_line)]),
    }


@exercise("4.12", 0.02)
def _lack_of_fit() -> Known:
    points = case.three_noises()
    points = points[points["role"] == ROLES["both"]]
    fit = NoiseLaw.fit(points["thinned_umis"], points["mi_bits"])
    off = points["mi_bits"] - fit.predict(points["thinned_umis"])
    depths = off.groupby(points["noise_level"])
    missed = float((depths.size() * depths.mean() ** 2).sum())
    scatter = float(((off - depths.transform("mean")) ** 2).sum())
    free, repeats = depths.ngroups - len(fit.params), len(off) - depths.ngroups
    right = (missed / free) / (scatter / repeats)
    return right, {
        "divide each sum of squares by its degrees of freedom": missed / scatter,
        "two parameters were fitted: they take two of the degrees of freedom of the depths": right * free / (free + 2),
        "a mean counts as often as it has points: weigh its square with their number": right * depths.ngroups / len(off),
        "that is upside down": 1 / right,
    }


@exercise("4.13", 0.003)
def _share_of_an_untrained_network() -> Known:
    before, after = (float(judging.trained_and_untrained()[name].mean()) for name in ("untrained", "trained"))
    return before / after, {
        "that is upside down: the untrained network's share": after / before,
        "those are the bits of the untrained network: divide by those of the trained one": before,
        "that is what training added, in bits": after - before,
        "that is the share that training added": 1 - before / after,
    }


@exercise("4.14", 0.01)
def _cost_that_is_not_the_choice_of_genes() -> Known:
    falls = []
    least = min(case.FRACTIONS)
    for points in (case.three_noises(), judging.genes_chosen_once()):
        rows = points[points["role"] == ROLES["train"]]
        means = rows.groupby("noise_level")["mi_bits"].mean()
        falls.append(float(means[1.0] - means[least]))
    each_depth, once = falls
    return once / each_depth, {
        "that is upside down": each_depth / once,
        "that is the share that goes, not the share that stays": 1 - once / each_depth,
        "that is the fall with genes chosen once, in bits: divide by the fall with genes chosen at each depth": once,
        "that is the fall with genes chosen at each depth, in bits": each_depth,
    }


@exercise("4.15", 0.01)
def _what_a_plan_reaches() -> Known:
    rows = judging.plan_pilot()
    fit = NoiseLaw.fit(rows["u"], rows["bits"])
    assert isinstance(fit.law, NoiseLaw)
    i_max = fit.law.i_max
    reached = float(judging.TRUTH(float(fit.law.depth_for(0.9 * i_max))))
    return reached / judging.TRUTH.i_max, {
        "that is what the plan promises: ask the true law what it gets": 0.9,
        "those are bits: divide by the true I_max": reached,
        "that is a share of the pilot's own I_max; the true one is higher": reached / i_max,
        "that is what is missing, not what is reached": 1 - reached / judging.TRUTH.i_max,
    }
