"""The laws: exact values, other forms, noise-free recovery, flags, and intervals that cover the truth."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import t as student_t

from helpers.information import gaussian_channel
from helpers.information.spectrum import Channels
from helpers.laws import (
    CellNumberLaw,
    ComputeLaw,
    DataLaw,
    JointLaw,
    ModelSizeLaw,
    NoiseLaw,
    SizeAndDataLaw,
    more_cells,
)  # fmt: skip
from helpers.laws.fit import levels
from helpers.laws.scalar_approximation import by_band, depths_around, distance, distances, moment_law

U = np.geomspace(10, 8000, 10)
N = np.geomspace(100, 1e5, 10)
BITS = st.floats(0.01, 12)
SCALE = st.floats(1e-2, 1e5)


def noisy(law, x, sd, seed):
    return type(law).fit(x, law(x) + np.random.default_rng(seed).normal(0, sd, len(x)))


# Values


@given(i_max=BITS, u_bar=SCALE, u=SCALE)
def test_noise_law_is_its_published_form(i_max, u_bar, u):
    snr = u / u_bar
    published = i_max - 0.5 * np.log2((1 + snr) / (snr + 2 ** (-2 * i_max)))
    assert NoiseLaw(i_max, u_bar)(u) == pytest.approx(published, abs=1e-9)


@given(i_max=BITS, u_bar=SCALE, u=SCALE)
def test_noise_law_is_a_scalar_gaussian_channel(i_max, u_bar, u):
    sigma_u = 1 / u_bar
    sigma_y = (4**i_max - 1) * sigma_u
    exact = gaussian_channel(sigma_y, sigma_u, np.sqrt(u))
    assert NoiseLaw(i_max, u_bar)(u) == pytest.approx(exact, abs=1e-9)


@given(i_max=BITS, u_bar=SCALE, u=SCALE, factor=st.floats(1.01, 100))
def test_noise_law_rises_from_zero_to_i_max(i_max, u_bar, u, factor):
    law = NoiseLaw(i_max, u_bar)
    assert law(0.0) == 0
    assert 0 <= law(u) <= law(u * factor) + 1e-12 <= i_max + 2e-12
    assert law(1e12 * u_bar) == pytest.approx(i_max, abs=1e-9)
    assert NoiseLaw(i_max, u_bar * factor)(u * factor) == pytest.approx(law(u), abs=1e-9)


def test_noise_law_misses_half_a_bit_at_u_bar():
    assert NoiseLaw(10.0, 70.0)(70.0) == pytest.approx(9.5, abs=1e-5)


@given(i_max=BITS, u_bar=SCALE, u=SCALE)
def test_collapse_is_exact_for_every_curve(i_max, u_bar, u):
    law = NoiseLaw(i_max, u_bar)
    z = NoiseLaw.collapse(u, type("Fitted", (), {"params": {"i_max": i_max, "u_bar": u_bar}}))
    assert i_max - law(u) == pytest.approx(0.5 * np.log2(1 + 1 / z), abs=1e-8)


def test_collapse_puts_fitted_curves_on_one():
    for law in (NoiseLaw(0.5, 30.0), NoiseLaw(4.0, 2000.0)):
        fit = NoiseLaw.fit(U, law(U))
        missing = fit.params["i_max"] - law(U)
        np.testing.assert_allclose(missing, 0.5 * np.log2(1 + 1 / NoiseLaw.collapse(U, fit)), atol=1e-6)


@given(i_max=BITS, u_bar=SCALE, share=st.floats(0.01, 0.99))
def test_depth_for_inverts_the_law(i_max, u_bar, share):
    law = NoiseLaw(i_max, u_bar)
    depth = law.depth_for(share * i_max)
    assert law(depth) == pytest.approx(share * i_max, rel=1e-6)
    published = u_bar * (4 ** (share * i_max) - 1) / (4**i_max - 4 ** (share * i_max))
    assert depth == pytest.approx(published, rel=1e-6)


def test_depth_for_the_ends():
    assert NoiseLaw(2.0, 100.0).depth_for([0, 2, 3]).tolist() == [0, np.inf, np.inf]
    assert NoiseLaw(0.0, 100.0).depth_for(0.0) == np.inf
    with pytest.raises(ValueError, match=r"target information is -1 bits: it must be 0 or more"):
        NoiseLaw(2.0, 100.0).depth_for([1, -1])


def test_no_depth_is_infinite_for_a_target_that_is_no_number():
    with pytest.raises(ValueError, match="nan"):
        NoiseLaw(2.0, 100.0).depth_for(np.nan)


@given(i_inf=st.floats(-5, 10), n0=SCALE, s=st.floats(0.05, 3), n=SCALE)
def test_cell_number_law_is_its_published_form(i_inf, n0, s, n):
    law = CellNumberLaw(i_inf, n0, s)
    assert law(n) == pytest.approx(i_inf - (n / n0) ** (-s), rel=1e-9, abs=1e-9)
    assert law(n0) == pytest.approx(i_inf - 1)
    assert law(n) <= law(2 * n) <= i_inf


@pytest.mark.parametrize("law", [NoiseLaw(2.0, 300.0), NoiseLaw(0.1, 5.0), CellNumberLaw(2.0, 50.0, 0.5)])
def test_slopes_are_finite_differences(law):
    slope = law.slope(U)
    for column, (name, value) in enumerate(vars(law).items()):
        step = 1e-5 * value
        up, down = (type(law)(**(vars(law) | {name: value + d})) for d in (step, -step))
        np.testing.assert_allclose(slope[:, column], (up(U) - down(U)) / (2 * step), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("law", "x"), [(NoiseLaw(2.0, 300.0), -5), (CellNumberLaw(2.0, 50.0, 0.5), -5), (CellNumberLaw(2.0, 50.0, 0.5), 0)]
)
def test_impossible_x_is_told(law, x):
    with pytest.raises(ValueError, match=law.x_name):
        law([100.0, x])


def test_infinite_depth_gives_i_max():
    assert NoiseLaw(2.0, 300.0)(np.inf) == 2.0


@pytest.mark.parametrize(
    ("law", "params", "told"),
    [
        (NoiseLaw, (-1, 100), r"i_max is -1: .*\[0, .*bits"),
        (NoiseLaw, (1, 0), r"u_bar is 0: .*\(0, .*UMIs per cell"),
        (NoiseLaw, (np.nan, 1), "i_max is nan"),
        (NoiseLaw, (600, 1), "i_max is 600"),
        (CellNumberLaw, (1, 0, 1), "n0 is 0: .*number of cells"),
        (CellNumberLaw, (1, np.inf, 1), "n0 is inf"),
        (CellNumberLaw, (1, 1, -0.5), r"s is -0\.5"),
    ],
)
def test_impossible_parameters_are_told(law, params, told):
    with pytest.raises(ValueError, match=told):
        law(*params)


# Recovery without noise


@pytest.mark.parametrize("u_bar", [30.0, 300.0, 3000.0, 30_000.0])
@pytest.mark.parametrize("i_max", [0.2, 1.0, 3.0, 6.0])
def test_noise_law_is_recovered(i_max, u_bar):
    fit = NoiseLaw.fit(U, NoiseLaw(i_max, u_bar)(U))
    assert fit.status == "ok"
    assert fit.params == pytest.approx({"i_max": i_max, "u_bar": u_bar}, rel=1e-6)
    assert fit.r_squared == pytest.approx(1)
    assert fit.rmse < 1e-6


@pytest.mark.parametrize("s", [0.1, 0.3, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("n0", [5.0, 50.0, 1000.0])
@pytest.mark.parametrize("i_inf", [0.5, 2.0, 5.0])
def test_cell_number_law_is_recovered(i_inf, n0, s):
    law = CellNumberLaw(i_inf, n0, s)
    fit = CellNumberLaw.fit(N, law(N))
    assert fit.params == pytest.approx({"i_inf": i_inf, "n0": n0, "s": s}, rel=1e-6)
    assert fit.status == "ok"
    np.testing.assert_allclose(fit.predict(N), law(N), atol=1e-8)


@settings(max_examples=8)
@given(seed=st.integers(0, 1000))
def test_order_and_units_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    bits = NoiseLaw(2.0, 200.0)(U) + rng.normal(0, 0.05, len(U))
    order = rng.permutation(len(U))
    fit, mixed, thousands = NoiseLaw.fit(U, bits), NoiseLaw.fit(U[order], bits[order]), NoiseLaw.fit(U / 1e3, bits)
    assert mixed.params == pytest.approx(fit.params, rel=1e-6)
    assert thousands.params["u_bar"] * 1e3 == pytest.approx(fit.params["u_bar"], rel=1e-5)
    assert thousands.stderr["u_bar"] * 1e3 == pytest.approx(fit.stderr["u_bar"], rel=1e-4)


@pytest.mark.parametrize("law", [NoiseLaw(2.0, 300.0), CellNumberLaw(2.0, 50.0, 0.5)])
def test_fit_is_the_least_sum_of_squares(law):
    x = U if isinstance(law, NoiseLaw) else N
    fit = noisy(law, x, 0.03, 0)
    best = (fit.residuals**2).sum()
    assert fit.rmse == pytest.approx(np.sqrt(best / len(x)))
    for name, value in fit.params.items():
        for factor in (0.999, 1.001):
            moved = type(law)(**(fit.params | {name: value * factor}))
            assert ((fit.y - moved(x)) ** 2).sum() > best


# Intervals


def rss_of_noise_law(x, y, name, value):
    """The least sum of squares with one parameter held, by a search over the other."""

    def rss(other):
        i_max, u_bar = (value, np.exp(other)) if name == "i_max" else (other, value)
        return ((y - NoiseLaw(i_max, u_bar)(x)) ** 2).sum()

    bounds = (0.0, 15.0)
    grid = np.linspace(*bounds, 301)
    near = grid[np.argmin([rss(g) for g in grid])]
    return minimize_scalar(rss, bounds=(max(near - 0.1, 0), near + 0.1), options={"xatol": 1e-10}).fun


def rss_of_cell_number_law(x, y, name, value):
    """With s held the law is a straight line in x^-s; only s is checked this way."""
    design = np.column_stack([np.ones(len(x)), x**-value])
    return float(np.linalg.lstsq(design, y, rcond=None)[1][0])


@pytest.mark.parametrize(
    ("law", "x", "name", "rss"),
    [
        (NoiseLaw(2.0, 300.0), U, "i_max", rss_of_noise_law),
        (NoiseLaw(2.0, 300.0), U, "u_bar", rss_of_noise_law),
        (CellNumberLaw(2.0, 50.0, 0.5), N, "s", rss_of_cell_number_law),
    ],
)
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_intervals_end_where_the_profiled_sum_of_squares_says(law, x, name, rss, level):
    fit = noisy(law, x, 0.02, 3)
    free = len(x) - len(fit.params)
    target = (fit.residuals**2).sum() * (1 + student_t.ppf(0.5 + level / 2, free) ** 2 / free)
    low, high = fit.interval(level)[name]
    assert low < fit.params[name] < high
    assert rss(x, fit.y, name, low) == pytest.approx(target, rel=1e-3)
    assert rss(x, fit.y, name, high) == pytest.approx(target, rel=1e-3)


@pytest.mark.parametrize("law", [NoiseLaw(2.0, 300.0), CellNumberLaw(2.0, 50.0, 0.5)])
def test_band_holds_the_fitted_curve_and_grows_with_the_level(law):
    x = U if isinstance(law, NoiseLaw) else N
    fit = noisy(law, x, 0.03, 1)
    fine = np.geomspace(x[0], x[-1], 50)
    low, high = fit.band(fine)
    half_low, half_high = fit.band(fine, 0.5)
    assert (low < half_low).all()
    assert (half_low < fit.predict(fine)).all()
    assert (fit.predict(fine) < half_high).all()
    assert (half_high < high).all()
    assert ((low <= law(fine)) & (law(fine) <= high)).mean() > 0.5
    wide, narrow = fit.interval(0.95), fit.interval(0.5)
    assert all(wide[n][0] < narrow[n][0] < narrow[n][1] < wide[n][1] for n in fit.params)


@pytest.mark.parametrize("fit", [noisy(NoiseLaw(2.0, 300.0), U, 0.03, 1),
                                 noisy(CellNumberLaw(2.0, 50.0, 0.5), N, 0.03, 1)])  # fmt: skip
def test_band_of_one_point_is_that_of_many(fit):
    low, high = fit.band(700.0)
    assert np.shape(low) == np.shape(high) == np.shape(fit.predict(700.0)) == ()
    assert (low, high) == pytest.approx([side[0] for side in fit.band([700.0, 900.0])])


def test_as_many_points_as_parameters_leave_everything_open():
    fit = NoiseLaw.fit([10, 1000], [1.0, 2.0])
    assert fit.status == "unconstrained"
    assert fit.stderr == {"i_max": np.inf, "u_bar": np.inf}
    assert fit.interval() == {"i_max": (0.0, np.inf), "u_bar": (0.0, np.inf)}
    low, high = fit.band([10.0, 100.0])
    assert low.tolist() == [-np.inf] * 2
    assert high.tolist() == [np.inf] * 2


@pytest.mark.parametrize("level", [95, -0.1, np.nan])
def test_impossible_level_is_told(level):
    fit = noisy(NoiseLaw(2.0, 300.0), U, 0.03, 1)
    for ask in (fit.interval, lambda level: fit.band(U, level)):
        with pytest.raises(ValueError, match=r"level is .*[\[(]0, 1[\])]"):
            ask(level)


COVERAGE = [
    (NoiseLaw(2.5, 200.0), U, 0.05),
    (NoiseLaw(1.0, 1000.0), np.repeat(U, 3), 0.05),
    (CellNumberLaw(2.0, 50.0, 0.5), N, 0.02),
    (CellNumberLaw(1.0, 200.0, 0.8), np.repeat(N, 3), 0.03),
]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "x", "sd"), COVERAGE)
def test_95_percent_intervals_cover_the_truth_in_95_percent(law, x, sd):
    rng, middle = np.random.default_rng(2025), np.sqrt(x[0] * x[-1])
    hits = dict.fromkeys([*vars(law), "curve"], 0)
    for _ in range(1000):
        fit = type(law).fit(x, law(x) + rng.normal(0, sd, len(x)))
        for name, (low, high) in fit.interval().items():
            hits[name] += low <= vars(law)[name] <= high
        low, high = fit.band([middle])
        hits["curve"] += bool(low[0] <= law(middle) <= high[0])
    assert {name: 930 <= hit <= 970 for name, hit in hits.items()} == dict.fromkeys(hits, True), hits


# Flags


@pytest.mark.parametrize("sd", [0.0, 0.02])
@pytest.mark.parametrize(
    ("u_bar", "told"),
    [
        (1e-3, "below the shallowest point.*measure shallower|edge of"),
        (0.1, "below the shallowest point.*measure shallower|edge of"),
        (1e7, r"above the deepest point.*measure deeper|leave .*free|edge of|a constant fits as well"),
        (1e9, r"above the deepest point.*measure deeper|leave .*free|edge of|a constant fits as well"),
    ],
)
def test_u_bar_outside_the_measured_depths_is_flagged(u_bar, told, sd):
    fit = noisy(NoiseLaw(3.0, u_bar), U, sd, 0)
    assert fit.status in ("unconstrained", "bound")
    assert re.search(told, fit.message)


def test_noise_free_points_far_below_u_bar_are_flagged():
    fit = NoiseLaw.fit(U, NoiseLaw(3.0, 3e5)(U))
    assert fit.status == "unconstrained"
    assert re.search("above the deepest point.*measure deeper", fit.message)


@pytest.mark.parametrize("u_bar", [1e-2, 3e5])
def test_a_u_bar_outside_the_measured_depths_mostly_has_an_open_interval_and_a_flag(u_bar):
    """By chance the points may bend where the truth does not, so this is a share of 40 draws."""
    fits = [noisy(NoiseLaw(3.0, u_bar), U, 0.02, seed) for seed in range(40)]
    intervals = [fit.interval()["u_bar"] for fit in fits]
    assert sum(low == 0 or high == np.inf for low, high in intervals) >= 34
    assert sum(fit.status in ("unconstrained", "bound") for fit in fits) >= 30
    assert sum(low <= u_bar <= high for low, high in intervals) >= 34


def test_an_i_inf_far_beyond_the_data_is_flagged():
    fit = noisy(CellNumberLaw(5.0, 1e6, 0.02), N, 0.01, 0)
    assert fit.status in ("unconstrained", "bound")


def test_a_bound_is_told_with_its_name_and_edges():
    fit = CellNumberLaw.fit(N, CellNumberLaw(2.0, 1000.0, 0.001)(N))
    assert fit.status == "bound"
    assert re.search(r"(n0|s) = .* at the edge of \[.*\]: read the curve, not the parameters", fit.message)


@pytest.mark.parametrize("value", [0.0, 2.0, -0.1])
@pytest.mark.parametrize("law", [NoiseLaw, CellNumberLaw])
def test_constant_bits_give_a_flat_curve_and_no_false_certainty(law, value):
    fit = law.fit(U, np.full(len(U), value))
    assert fit.status in ("bound", "unconstrained")
    assert np.isnan(fit.r_squared)
    if value >= 0:
        np.testing.assert_allclose(fit.predict(U), value, atol=1e-6)
    scale = "u_bar" if law is NoiseLaw else "n0"
    low, high = fit.interval()[scale]
    assert low == 0
    assert high > fit.params[scale]


@pytest.mark.parametrize(
    ("law", "x", "sd"),
    [(CellNumberLaw(2.0, 0.1, 0.5), N, 0.03), (CellNumberLaw(2.0, 100.0, 8.0), N, 0.03),
     (CellNumberLaw(0.0, 1e-6, 0.1), N, 0.05), (NoiseLaw(0.05, 10.0), U, 0.1)],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(5))
def test_poor_points_still_give_intervals_without_a_warning(law, x, sd, seed):
    fit = noisy(law, x, sd, seed)
    assert all(low <= fit.params[name] <= high for name, (low, high) in fit.interval().items())


@pytest.mark.parametrize(
    ("law", "x", "bits", "told"),
    [
        (NoiseLaw, [10], [1], "1 distinct values of u for 2 parameters: measure at 2 or more"),
        (NoiseLaw, [10, 10, 10], [1, 1, 2], "1 distinct values of u"),
        (CellNumberLaw, [10, 10, 20], [1, 1, 2], "2 distinct values of n for 3 parameters"),
        (NoiseLaw, [], [], "0 distinct values"),
        (NoiseLaw, [10, -3], [1, 2], "u holds -3: every value must be above 0"),
        (CellNumberLaw, [10, 0, 5], [1, 2, 2], "n holds 0"),
        (NoiseLaw, [10, 20], [1, np.nan], r"bits holds NaN.*row 1"),
        (NoiseLaw, [10, np.inf], [1, 2], "u holds NaN or infinite"),
        (NoiseLaw, [10, 20, 30], [1, 2], "u has 3 rows, bits has 2 rows"),
        (NoiseLaw, [10, 20, 30], np.ones((3, 2)), r"bits has shape \(3, 2\)"),
    ],
)
def test_points_that_cannot_be_fitted_are_told(law, x, bits, told):
    with pytest.raises(ValueError, match=told):
        law.fit(x, bits)


# The nearest scalar law to many channels


@pytest.mark.parametrize(("bits", "u_bar"), [(0.3, 20.0), (2.0, 300.0), (6.0, 1e4)])
def test_one_channel_is_a_scalar_law(bits, u_bar):
    channels = Channels([4**bits / u_bar], [1 / u_bar])
    assert vars(moment_law(channels)) == pytest.approx({"i_max": bits, "u_bar": u_bar})
    assert channels.stretch == pytest.approx(1)
    found = distance(channels, depths_around(channels, 4.0))
    assert found["max_bits"] < 1e-6
    assert (found["i_max_ratio"], found["u_bar_ratio"]) == pytest.approx((1, 1), rel=1e-4)


@given(cuts=st.lists(st.floats(0.05, 2), min_size=2, max_size=8))
def test_channels_that_open_in_turn_are_one_scalar_law(cuts):
    edges = 4.0 ** -np.cumsum([0, *cuts])
    channels = Channels(edges[:-1], edges[1:])
    law = NoiseLaw(sum(cuts), 1 / edges[-1])
    u = np.geomspace(1e-3, 1e3 / edges[-1], 40)
    np.testing.assert_allclose(channels(u), law(u), atol=1e-9)
    assert channels.stretch == pytest.approx(1)
    assert moment_law(channels).u_bar == pytest.approx(law.u_bar)


def test_equal_channels_are_steeper_than_a_scalar_law_the_more_so_with_more_information():
    table = distances(["even"], [0.0], [1.0, 2.0, 4.0], [1, 2, 16], [3.0])
    assert (table.loc[table["dim"] > 1, "stretch"] < 1).all()
    worst = table.pivot(index="bits", columns="dim", values="max_share").to_numpy()
    assert (np.diff(worst, axis=0)[:, 1:] > 0).all()
    assert (np.diff(worst, axis=1) > 0).all()
    assert worst[1].max() < 0.03, "at 2 bits no number of equal channels is far from a scalar law"


def test_many_weak_channels_approach_a_hyperbola():
    d, bits = 20_000, 2.0
    channels = Channels(np.full(d, 4 ** (bits / d)), np.ones(d))
    u = np.geomspace(0.01, 100, 9)
    np.testing.assert_allclose(channels(u), bits * u / (1 + u), atol=1e-3)


def test_distances_have_a_row_a_setting_and_bands_summarise_them():
    table = distances(["even", "power"], [0.0, 1.0], [8.0], [3], [3.0], seeds=[0, 1])
    assert len(table) == 4 + 2
    bands = by_band(table)
    assert bands["channels"].sum() == len(table)
    assert bands["median deviation (% of I_max)"].iloc[0] > 5


@pytest.mark.parametrize("law", [NoiseLaw, CellNumberLaw, ModelSizeLaw])
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("bits", [106.385, -14.084, 149.0, -149.0])
def test_a_point_that_is_far_off_gives_a_flag_and_no_warning(law, at, bits, recwarn):
    depths = np.array([10.0, 30, 100, 300, 1000, 3000])
    points = np.array([0.3, 0.352, 0.654, 0.911, 1.001, 1.081])
    points[at] = bits
    fit = law.fit(depths, points)
    assert not [str(w.message) for w in recwarn]
    assert fit.status != "ok" or fit.r_squared > 0.5


def test_any_information_above_all_takes_infinite_depth(recwarn):
    assert NoiseLaw(3.0, 100.0).depth_for([3.0, 4.0, 1e5, np.inf]).tolist() == [np.inf] * 4
    assert not [str(w.message) for w in recwarn]


def test_levels_join_the_seeds_of_a_depth_and_keep_depths_apart():
    x = np.array([1000.0, 500, 250, 1020, 490, 252])
    assert levels(x).tolist() == [2, 1, 0, 2, 1, 0]
    pairs = np.array([[10.0, 1.0], [10.0, 2.0], [10.0, 1.0]])
    assert levels(pairs)[0] == levels(pairs)[2] != levels(pairs)[1]
    law, off = NoiseLaw(2.0, 100.0), np.tile([-0.1, 0.0, 0.1], 5)
    u = np.repeat([10.0, 30, 100, 300, 1000], 3) * np.tile([0.99, 1.0, 1.01], 5)
    assert NoiseLaw.fit(u, law(u) + off).r_squared_means > 0.999 > NoiseLaw.fit(u, law(u) + off).r_squared


CELLS = np.repeat([30.0, 100, 300, 1000, 3000], 3)


@pytest.mark.parametrize(
    "law", [CellNumberLaw(2.0, 20.0, 0.3), CellNumberLaw(2.0, 5.0, 1.2), CellNumberLaw(1.0, 0.01, 0.4)]
)
def test_gains_that_the_points_allow_are_inside_the_interval_and_reach_its_ends(law):
    """A second implementation: laws drawn around the fit that an F test allows, by random walk."""
    rng = np.random.default_rng(4)
    fit = CellNumberLaw.fit(CELLS, law(CELLS) + rng.normal(0, 0.03, 15))
    value, low, high = more_cells(fit)
    assert low <= value <= high
    limit = (fit.residuals**2).sum() * (1 + fit.t_quantile(0.95) ** 2 / 12)
    # Level and drop of the law for each exponent: a straight line in N^(−s).
    s = np.exp(rng.uniform(np.log(0.011), np.log(9.9), 200_000))
    power = (CELLS[:, None] / 30) ** -s
    drop = np.exp(rng.uniform(np.log(1e-3), np.log(20), len(s)))
    level = (fit.y[:, None] + drop * power).mean(axis=0)
    rss = ((fit.y[:, None] - level + drop * power) ** 2).sum(axis=0)
    gain = (drop * (100.0**-s - 1000.0**-s))[rss <= limit]
    assert len(gain) > 100
    assert gain.min() >= low - 1e-9
    assert gain.max() <= high + 1e-9
    assert gain.max() > high - 0.1 * (high - low) - 1e-3
    assert gain.min() < low + 0.1 * (high - low) + 1e-3


@pytest.mark.slow
def test_the_interval_of_a_gain_covers_at_its_nominal_rate():
    law = CellNumberLaw(2.0, 3.0, 0.25)
    truth = float(law(30_000.0)) - float(law(3000.0))
    inside = above = 0
    for seed in range(400):
        _, low, high = more_cells(
            CellNumberLaw.fit(CELLS, law(CELLS) + np.random.default_rng(seed).normal(0, 0.03, 15))
        )
        inside += low <= truth <= high
        above += low <= truth
    assert 0.95 <= above / 400 <= 0.995
    assert 0.92 <= inside / 400 <= 0.98


def test_a_gain_of_too_few_points_or_of_another_law():
    few = CellNumberLaw.fit([10, 100, 1000], [0.5, 1.0, 1.2])
    assert more_cells(few)[1:] == (0.0, float("inf"))
    with pytest.raises(TypeError, match="more_cells takes fits of CellNumberLaw"):
        more_cells(NoiseLaw.fit([10, 100, 1000], [0.5, 1.0, 1.2]))
    with pytest.raises(ValueError, match="factor"):
        more_cells(few, factor=1.0)


def test_points_that_fall_leave_room_for_a_flat_law_only():
    fit = CellNumberLaw.fit(CELLS, 1.0 - 0.1 * np.log10(CELLS) + np.tile([-0.03, 0.0, 0.03], 5))
    _, low, high = more_cells(fit)
    assert low == 0
    # A law that is nearly flat explains these points as well as any that rises, so some gain is left open.
    assert 1e-3 < high < 0.1


# The law that a page computes


def law_of(kind, drawn):
    return kind(**{name: drawn[i % len(drawn)] * (0.5 if name == "h0" else 1.0) for i, name in enumerate(kind.allowed)})


@pytest.mark.parametrize("kind", [NoiseLaw, CellNumberLaw, ModelSizeLaw, DataLaw, ComputeLaw, SizeAndDataLaw, JointLaw])
@given(
    drawn=st.lists(st.floats(0.05, 1.9), min_size=7, max_size=7),
    x=st.lists(st.floats(0.1, 1e4), min_size=2, max_size=2),
)
def test_a_page_computes_the_law_that_python_computes(kind, drawn, x):
    """The Vega expression beside each formula; its functions are named and do what those of Python do."""
    law = law_of(kind, drawn)
    names = kind.x_name.split(" and ")
    terms = {name: name for name in (*names, *kind.allowed)}
    values = {**dict(zip(names, x, strict=False)), **vars(law), "log": np.log, "pow": pow, "LN2": np.log(2)}
    computed, *slopes = (eval(text, values) for text in kind.expressions(x=names[0], **terms))  # noqa: S307
    expected = law(*x[: len(names)])
    assert computed == pytest.approx(float(expected), rel=1e-9, abs=1e-9)
    if slopes:
        assert slopes == pytest.approx(kind._slope(np.array(x[:1]), law._theta())[0], rel=1e-7, abs=1e-9)
    if kind is NoiseLaw:
        bits = 0.9 * law.i_max
        depth = eval(kind.vega_depth.format(bits="bits", **terms), values | {"bits": bits})  # noqa: S307
        assert depth == pytest.approx(float(law.depth_for(bits)), rel=1e-9)
