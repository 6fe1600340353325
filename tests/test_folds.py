"""Two folds of a curve: how far apart they are, what was to be expected, and whether their parameters agree."""

import numpy as np
import pandas as pd
import pytest

from helpers.findings import curves, folds
from helpers.laws import NoiseLaw
from helpers.laws.shared_error import interval_with_shared_error

U = np.geomspace(10, 2000, 8)
LAW = NoiseLaw(2.0, 150.0)


def curve(name="a", off=0.0, error=0.03, scatter=0.01, seed=0, law=LAW):
    rng = np.random.default_rng(seed)
    rows = [
        {"dataset": name, "signal": "s", "representation": "pca", "dim": 16, "settings": "{}", "noise_level": u / 2000,
         "probe_noise_level": u / 2000, "n_train": 100, "seed": seed, "umis_per_cell": u, "mi_stderr_bits": error,
         "mi_bits": float(law(u)) + off + scatter * rng.normal()}
        for u in U for seed in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_distance_and_what_is_left_are_those_put_in():
    first, second = curve(scatter=0.0, error=0.03), curve(off=0.1, scatter=0.0, error=0.04)
    second.loc[second["noise_level"] == 1, "mi_bits"] += 0.08
    row = folds.folds_compared(first, second).iloc[0]
    assert row["apart"] == pytest.approx(0.1 + 0.08 / 8)
    assert row["expected"] == pytest.approx(0.05)
    assert row["left"] == pytest.approx(np.std([0.08] + [0] * 7, ddof=1))
    assert row["bits"] == pytest.approx(float(LAW(2000.0)))
    assert row["depths"] == 8


def test_errors_that_are_as_large_as_said_have_ratio_1():
    rng = np.random.default_rng(1)
    sides = [pd.concat([curve(f"{i:03d}", off=0.03 * rng.normal(), scatter=0.0) for i in range(400)]) for _ in range(2)]
    found = folds.spread_of(folds.folds_compared(*sides))
    assert found["curves"] == 400
    assert found["ratio_low"] < 1 < found["ratio_high"]
    assert found["ratio_high"] / found["ratio_low"] < 1.2
    # Errors twice as large as said are found out.
    other = folds.spread_of(folds.folds_compared(*(side.assign(mi_stderr_bits=0.015) for side in sides)))
    assert other["ratio"] == pytest.approx(2 * found["ratio"])


def test_an_error_that_all_points_share_is_seen_by_the_wide_interval_alone():
    rng = np.random.default_rng(0)
    covered = np.zeros((2, 2))
    n = 25
    for _ in range(n):
        y = LAW(np.repeat(U, 3)) + 0.05 * rng.normal() + 0.02 * rng.normal(size=24)
        fit = NoiseLaw.fit(np.repeat(U, 3), y)
        for row, intervals in enumerate((fit.interval(), interval_with_shared_error(fit, 0.05))):
            covered[row] += [
                low <= truth <= high for truth, (low, high) in zip((2.0, 150.0), intervals.values(), strict=True)
            ]
    assert (covered[1] / n >= 0.9).all()
    assert covered[0][0] / n < 0.7


def test_without_a_shared_error_the_interval_is_that_of_the_fit():
    fit = NoiseLaw.fit(np.repeat(U, 3), LAW(np.repeat(U, 3)) + 0.02 * np.tile([1, 0, -1], 8))
    wide = interval_with_shared_error(fit, np.zeros(24))
    for name, ends in fit.interval().items():
        assert wide[name] == pytest.approx(ends, rel=1e-9)
    with pytest.raises(ValueError, match="shared error"):
        interval_with_shared_error(fit, ["a"] * 24)
    for bad in ([0.1] * 5, -0.1, [np.nan] * 24):
        with pytest.raises(ValueError, match="shared error h"):
            interval_with_shared_error(fit, bad)


def test_parameters_agree_once_the_cells_error_is_added():
    pair = curve(error=0.06), curve(error=0.06, seed=1, law=NoiseLaw(2.12, 150.0))
    fits = [curves.noise_fits(side) for side in pair]
    errors = tuple(folds.shared_errors(side) for side in pair)
    table = folds.parameters_again(*fits, errors).set_index("parameter")
    assert not table.loc["i_max", "agree_by_scatter"]
    assert table["agree"].all()
    assert table.loc["i_max", "second"] - table.loc["i_max", "first"] == pytest.approx(0.12, abs=0.03)
    assert folds.parameters_again(fits[0], {}, errors).empty
