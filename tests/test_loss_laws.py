"""Laws of losses in data, compute, and size and data together; robust fits and their intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from helpers.laws import JOINT_LAWS, ComputeLaw, DataLaw, ModelSizeLaw, SizeAndDataLaw, robust
from helpers.laws.robust import TUNING

P, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e3, 1e7, 5), np.geomspace(50, 5e5, 5)))
TRUE = SizeAndDataLaw(2.0, 0.3, 3.0, 0.4, 0.5)


def noisy(law, x, sd, seed):
    return law(x) + np.random.default_rng(seed).normal(0, sd, len(x))


@pytest.mark.parametrize("kind", [DataLaw, ComputeLaw])
def test_data_and_compute_laws_are_the_size_law_with_other_names(kind):
    x = np.geomspace(10, 1e6, 8)
    law = kind(2.0, 0.4, 0.7)
    np.testing.assert_array_equal(law(x), ModelSizeLaw(2.0, 0.4, 0.7)(x))
    fit = kind.fit(x, law(x))
    assert isinstance(fit.law, kind)
    assert fit.params == pytest.approx({"a": 2.0, "alpha": 0.4, "c": 0.7}, rel=1e-4)
    with pytest.raises(ValueError, match=f"{kind.x_name} holds 0"):
        kind.fit([0, 1, 2], [1, 2, 3])
    unsure = kind.fit(x, kind(1.0, 0.01, 0.0)(x))
    assert unsure.status == "unconstrained"
    assert f"use {kind.more}" in unsure.message


@given(
    st.floats(0.1, 50), st.floats(0.05, 1.5), st.floats(0.1, 50), st.floats(0.05, 1.5), st.floats(-1, 3),
    st.floats(10, 1e8), st.floats(10, 1e8),
)  # fmt: skip
def test_size_and_data_law_is_its_formula(a, alpha, b, beta, c, p, d):
    assert SizeAndDataLaw(a, alpha, b, beta, c)(p, d) == pytest.approx(a * p**-alpha + b * d**-beta + c, rel=1e-9)


def test_size_and_data_law_takes_pairs_and_broadcasts():
    pairs = TRUE(np.column_stack([P, D]))
    np.testing.assert_allclose(pairs, TRUE(P, D))
    assert TRUE(np.ones((3, 1)), np.ones(4)).shape == (3, 4)
    with pytest.raises(ValueError, match="above 0"):
        TRUE(0.0, 5.0)


@pytest.mark.parametrize(
    "law", [TRUE, SizeAndDataLaw(20.0, 0.8, 0.5, 0.2, 1.4), SizeAndDataLaw(0.3, 0.15, 9.0, 1.1, 0.0)]
)
def test_size_and_data_law_is_recovered(law):
    fit = SizeAndDataLaw.fit(P, D, law(P, D))
    assert fit.status == "ok"
    np.testing.assert_allclose(fit.predict(P, D), law(P, D), atol=1e-6)
    assert fit.params == pytest.approx(vars(law), rel=1e-2, abs=1e-2)


def test_slopes_are_finite_differences():
    x, theta = np.column_stack([P, D])[::5], TRUE._theta()
    for i, row in enumerate(SizeAndDataLaw._slope(x, theta)):
        numeric = approx_fprime(theta, lambda t, i=i: SizeAndDataLaw._formula(x[[i]], t)[0], 1e-7)
        np.testing.assert_allclose(row, numeric, rtol=1e-4, atol=1e-6)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 100))
def test_no_other_search_finds_less(seed):
    y = TRUE(P, D) + np.random.default_rng(seed).normal(0, 0.01, len(P))
    fit = SizeAndDataLaw.fit(P, D, y)

    def cost(theta):
        return float(((SizeAndDataLaw._formula(fit.x, theta) - y) ** 2).sum())

    other = minimize(
        cost, TRUE._theta(), method="Nelder-Mead", options={"maxiter": 20_000, "xatol": 1e-9, "fatol": 1e-14}
    )
    assert (fit.residuals**2).sum() <= other.fun + 1e-9


def test_joint_points_that_cannot_fix_the_law_are_refused_or_flagged():
    with pytest.raises(ValueError, match="p is 5 at every point"):
        SizeAndDataLaw.fit(np.full(6, 5.0), np.arange(1, 7), np.ones(6))
    with pytest.raises(ValueError, match=r"p has shape \(6, 2\)"):
        SizeAndDataLaw.fit(np.ones((6, 2)), np.arange(1, 7), np.ones(6))
    for bad in (100.0, [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="give d too"):
            TRUE(bad)
    with pytest.raises(ValueError, match="distinct pairs"):
        SizeAndDataLaw.fit([1, 2, 1, 2], [1, 1, 2, 2], [4, 3, 2, 1])
    with pytest.raises(ValueError, match="above 0"):
        SizeAndDataLaw.fit([1, -2, 1, 2, 3], [1, 1, 2, 2, 3], [4, 3, 2, 1, 0])
    flat = SizeAndDataLaw.fit(P, D, 0.5 + 3 * D**-0.4)  # nothing falls with size
    assert flat.status != "ok"


# Robust fits

X = np.repeat(np.geomspace(1e2, 1e7, 6), 3)
LAW = ModelSizeLaw(2.0, 0.3, 1.0)


def test_without_far_points_robust_is_least_squares():
    # Residuals of alternating sign and one size: none is far.
    y = LAW(X) + 0.01 * np.tile([1.0, -1.0, 0.5], 6)
    fit = ModelSizeLaw.fit(X, y)
    again = robust(fit)
    assert again.n_far == 0
    assert again.params == pytest.approx(fit.params, rel=1e-5)
    # The scale is the median deviation instead of the mean square, which does not enter: kappa undoes it.
    for name, (low, high) in fit.interval().items():
        assert again.intervals[name] == pytest.approx((low, high), rel=0.02)


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # of the least squares, by a far point
@pytest.mark.parametrize("off", [0.3, 3.0, 300.0])
def test_a_run_that_went_wrong_pulls_little(off):
    y = noisy(LAW, X, 0.01, 0)
    clean = robust(ModelSizeLaw.fit(X, y)).params["c"]
    y[-2] += off
    fit = ModelSizeLaw.fit(X, y)
    again = robust(fit, names=("c",))
    assert abs(again.params["c"] - clean) < 0.02
    assert again.weights.argmin() == len(X) - 2
    assert list(again.intervals) == ["c"]
    assert again.intervals["c"][0] < 1.0 < again.intervals["c"][1]
    assert abs(fit.params["c"] - 1) > 2 * abs(again.params["c"] - 1) or off < 1


def test_robust_is_the_least_of_its_loss():
    y = noisy(LAW, X, 0.02, 3)
    y[4] += 0.5
    again = robust(ModelSizeLaw.fit(X, y), names=())

    def cost(theta):
        z = np.abs(ModelSizeLaw._formula(X, theta) - y) / again.scale
        return np.where(z <= TUNING, z**2 / 2, TUNING * z - TUNING**2 / 2).sum()

    found = minimize(
        cost, LAW._theta(), method="Nelder-Mead", options={"maxiter": 20_000, "xatol": 1e-10, "fatol": 1e-12}
    )
    assert cost(again.law._theta()) <= found.fun + 1e-6


def test_a_floor_that_is_not_reached_has_no_lower_end():
    fit = ModelSizeLaw.fit(X, noisy(ModelSizeLaw(1.0, 0.01, 0.0), X, 0.01, 1))
    low, high = robust(fit, names=("c",)).intervals["c"]
    assert low == -np.inf
    assert high < fit.y.max()


def test_bad_questions_to_a_robust_fit_are_named():
    fit = ModelSizeLaw.fit(X, LAW(X))
    assert list(robust(fit, names="alpha").intervals) == ["alpha"]
    with pytest.raises(ValueError, match="unknown parameter 'floor'"):
        robust(fit, names=("floor",))
    u, n = np.meshgrid([10.0, 100.0, 1000.0], [30.0, 300.0, 3000.0])
    bits = JOINT_LAWS["additive"](2.0, 100.0, 50.0, 0.7)(n, u).ravel()
    with pytest.raises(ValueError, match="priors"):
        robust(JOINT_LAWS["additive"].fit(n.ravel(), u.ravel(), bits, priors=True))


def test_as_many_points_as_parameters_leave_the_floor_open():
    x = np.array([1e2, 1e4, 1e6])
    assert robust(ModelSizeLaw.fit(x, LAW(x)), names=("c",)).intervals["c"] == (-np.inf, np.inf)


def test_exact_points_are_fitted_exactly():
    again = robust(ModelSizeLaw.fit(X, LAW(X)), names=("c",))
    assert again.params["c"] == pytest.approx(1.0, abs=1e-5)
    assert again.n_far == 0 or again.scale < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("far", [0.0, 0.1])
def test_robust_intervals_cover_the_truth(far):
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = LAW(X) + rng.normal(0, 0.02, len(X)) + (rng.random(len(X)) < far) * rng.normal(0, 0.3, len(X))
        low, high = robust(ModelSizeLaw.fit(X, y), names=("c",)).intervals["c"]
        covered += low <= 1.0 <= high
    assert covered >= 200 * 0.88  # nominal 95 %, 18 points
