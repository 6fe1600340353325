"""Predictions beyond the deepest point: priors, what laws miss there, pilots without their deepest depth."""

import numpy as np
import pandas as pd
import pytest

from helpers import design, findings
from helpers.design import Prices
from helpers.findings import hold_out
from helpers.laws import JointLaw, NoiseLaw, StretchedNoiseLaw
from helpers.laws.beyond import FARTHEST, MEASURED, POINT_ERROR, PredictiveFit, Prior
from helpers.store import reference
from helpers.sweep.cell_grids import planned

FLAT = Prior(beta=(0.0, np.inf), drift=0.0, width=np.inf)
TRUTH = JointLaw(i_inf=3.0, u_bar=400.0, n0=800.0, s=0.7, kappa=0.4, beta=0.7, h0=0.1)
N, U = (side.ravel() for side in np.meshgrid(np.geomspace(100, 1e4, 5), np.geomspace(10, 250, 6)))
DEPTHS = np.geomspace(10, 250, 8)
DEEP = np.column_stack([[300.0, 3000.0], [1000.0, 1000.0]])


def pilot(seed=0, law=TRUTH, sd=0.02):
    return pd.DataFrame({"n": N, "u": U, "bits": law(N, U) + np.random.default_rng(seed).normal(0, sd, len(N))})


# Priors


def test_flat_priors_give_least_squares_back():
    n, u = (side.ravel() for side in np.meshgrid(np.geomspace(100, 1e5, 8), np.geomspace(10, 8000, 8)))
    bits = TRUTH(n, u) + np.random.default_rng(0).normal(0, 0.02, len(n))
    free, flat = JointLaw.fit(n, u, bits), JointLaw.fit(n, u, bits, priors=FLAT)
    assert flat.params == pytest.approx(free.params, rel=1e-4)
    np.testing.assert_allclose(flat.band(DEEP), free.band(DEEP), rtol=1e-4)
    y = StretchedNoiseLaw(2.5, 400.0, 0.7)(DEPTHS) + 0.01 * np.cos(np.arange(8) * 5)
    free, flat = StretchedNoiseLaw.fit(DEPTHS, y), StretchedNoiseLaw.fit(DEPTHS, y, priors=FLAT)
    assert flat.params == pytest.approx(free.params, rel=1e-5)


def test_a_narrow_prior_decides_the_exponent():
    beta = JointLaw.fit(N, U, TRUTH(N, U), priors=Prior(beta=(np.log(1.3), 1e-4), drift=0.0)).params["beta"]
    assert beta == pytest.approx(1.3, rel=1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"beta": (0.0, 0.0)}, "deviation of ln β is 0"), ({"beta": (np.nan, 1.0)}, "mean of ln β is nan"),
     ({"drift": -1.0}, "drift is -1"), ({"width": 0.0}, "width is 0")],
)  # fmt: skip
def test_impossible_priors_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        Prior(**({"beta": (0.0, 0.3), "drift": 0.1} | given))
    with pytest.raises(ValueError, match="priors is 'yes': give True, False or a"):
        JointLaw.fit(N, U, TRUTH(N, U), priors="yes")


# Limits beyond the deepest point


def test_limits_hold_a_deeper_point_of_a_law_with_another_exponent():
    """β = 0.7: limits with the measured prior hold the law at a fourfold depth, those with β = 1 ± 0.1 do not."""
    inside = dict.fromkeys(("measured", "before"), 0)
    for seed in range(20):
        for name, prior in (("measured", MEASURED), ("before", hold_out.BEFORE)):
            low, high = design.fit_pilot(pilot(seed), prior=prior).band(DEEP)
            inside[name] += ((low <= TRUTH(DEEP)) & (TRUTH(DEEP) <= high)).mean() / 20
    assert inside["measured"] >= 0.95
    assert inside["before"] < 0.5


def test_limits_widen_with_the_root_of_the_doublings():
    bits = TRUTH(N, U)
    fit = JointLaw.fit(N, U, bits, priors=Prior(beta=(-0.2, 0.3), drift=0.1))
    plain = JointLaw.fit(N, U, bits, priors=Prior(beta=(-0.2, 0.3), drift=0.0))
    one = 0.1 * np.sqrt(np.ptp(bits)) * fit.t_quantile(0.95)
    for depth, doublings in ((125.0, 0.0), (250.0, 0.0), (500.0, 1.0), (1000.0, 2.0), (1e9, FARTHEST)):
        at = np.array([[1000.0, depth]])
        half = [np.ptp(np.concatenate(each.band(at))) / 2 for each in (fit, plain)]
        assert half[0] ** 2 - half[1] ** 2 == pytest.approx(one**2 * doublings, rel=1e-5, abs=1e-9)
        # The same from a quantity of the law, unless cells of one depth are compared: what is missed they share.
        low, high = fit.derived(lambda law, u=depth: float(law(1000.0, u)))[1:]
        assert (high - low) / 2 == pytest.approx(half[0], rel=1e-3)
        more = [each.derived(lambda law, u=depth: float(law(9e3, u) - law(900.0, u)))[1:] for each in (fit, plain)]
        assert more[0] == pytest.approx(more[1], abs=1e-9)


def test_an_unusual_exponent_is_said_and_its_plan_is_not_trusted():
    steep = StretchedNoiseLaw(2.5, 400.0, 2.2)
    points = pd.DataFrame({"u": np.repeat(DEPTHS, 3), "bits": np.repeat(steep(DEPTHS), 3)})
    fit = design.fit_pilot(points)
    assert fit.unusual
    assert "trust no prediction beyond the points; measure deeper" in fit.message
    sentence = design.in_words(design.plan(fit, 150.0, Prices(whole_lanes=False), cells=1000), 150.0)
    assert "beyond the most UMIs per cell measured (250), where the interval is too narrow" in sentence
    usual = design.fit_pilot(pilot())
    assert isinstance(usual, PredictiveFit)
    assert not usual.unusual
    assert "too narrow" not in design.plan(usual, 150.0, Prices(whole_lanes=False), cells=1000).outside


def test_laws_drawn_from_a_fit_with_priors_spread_as_far_as_its_points_suppose():
    fit = design.fit_pilot(pilot())
    drawn = np.array([law(N, U) for law in design.draws(fit, 50)])
    off = np.sqrt(((drawn - fit.predict(N, U)) ** 2).mean())
    assert 2 * fit.spread < off < POINT_ERROR * np.ptp(fit.y)


# Fits that their points reject


def test_a_rejected_law_is_not_planned_with():
    u = np.repeat(np.geomspace(10, 3000, 8), 3)
    bits = StretchedNoiseLaw(2.2, 300.0, 0.5)(u) + np.random.default_rng(0).normal(0, 0.02, 24)
    rejected = NoiseLaw.fit(u, bits)
    assert rejected.status == "misfit"
    for use in (lambda fit: design.plan(fit, 100.0, Prices(whole_lanes=False), cells=100),
                lambda fit: design.advice(fit, (100, 300), Prices(whole_lanes=False)), design.draws):  # fmt: skip
        with pytest.raises(ValueError, match=r"the points reject the NoiseLaw \(.*\): plan from design.fit_pilot"):
            use(rejected)
    freed = design.fit_pilot(pd.DataFrame({"u": u, "bits": bits}))
    assert "The noise law would be rejected: " in freed.message
    assert design.plan(freed, 100.0, Prices(whole_lanes=False), cells=100).bits > 0


# Pilots without their deepest depth


@pytest.fixture(scope="module")
def grids():
    return hold_out.whole_grids(reference.to_read())


@pytest.fixture(scope="module")
def rows(grids):
    return hold_out.held_out(grids)


def test_the_measured_prior_is_what_whole_grids_say(grids):
    """Else put what is printed here into ``laws.beyond.MEASURED``, and raise its VERSION."""
    found = hold_out.measured_prior(grids)
    assert MEASURED.beta == pytest.approx(found.beta, abs=0.005)
    assert MEASURED.drift == pytest.approx(found.drift, abs=0.001)


def test_limits_of_our_own_grids_hold_what_they_promise(rows):
    table = hold_out.coverage(rows, findings.independent_signals(planned("linear"))).sort_index()
    for within in (0.25, 0.5):
        own = table.loc[(hold_out.JOINT, within, "own")]
        assert own.loc["now", "number"] == 17
        assert 0.90 <= own.loc["now", "covered"] <= 0.97
        assert own.loc["before", "covered"] <= 0.8
        assert abs(own.loc["now", "error"]) < 0.02 < abs(own.loc["before", "error"])


def test_a_grid_is_judged_by_other_data_sets_alone(rows):
    name = "osmfish"
    worse = rows.assign(error=rows["error"].where(rows["dataset"] != name, 9.0))
    drift = hold_out._judged(worse)["drift"]
    np.testing.assert_array_equal(drift[rows["dataset"] == name], rows.loc[rows["dataset"] == name, "drift"])
    assert (drift[rows["dataset"] != name] > rows.loc[rows["dataset"] != name, "drift"]).any()
    prior = hold_out.prior_without(rows, name)
    assert prior.beta[0] != MEASURED.beta[0]
    assert prior.drift == rows.loc[rows["dataset"] == name, "drift"].iloc[0]
    # A part of a data set is not judged by the whole.
    same = rows.groupby("dataset")["ln β"].first()
    assert same["larry"] == same["larry_subset"]


def test_the_drift_holds_95_of_100_points():
    error = np.arange(1, 101) / 100
    table = pd.DataFrame({
        "source": "own", "dataset": "a", "signal": "b", "representation": "pca", "within": 0.25, "fitted": "now",
        "pilot": hold_out.JOINT, "error": error, "variance": 0.0, "t": 2.0, "range": 4.0, "doublings": 4.0,
    })  # fmt: skip
    assert hold_out.drift_of(table) == pytest.approx(0.95 / 2 / 4)


def test_pilots_of_a_grid_that_follows_the_law_are_right(monkeypatch):
    n, u = (side.ravel() for side in np.meshgrid(np.geomspace(100, 1e4, 5), 1000 * 0.5 ** np.arange(8.0)))
    points = pd.DataFrame({"dataset": "toy", "signal": "s", "representation": "pca", "n_train": n, "umis_per_cell": u,
                           "noise_level": u / 1000, "seed": 0, "mi_bits": TRUTH(n, u)})  # fmt: skip
    ((_, seen, last, hidden), (_, alone, _, deepest)) = hold_out._pilots(points, 0.25)
    assert (seen["u"].max(), last["u"].unique(), hidden["u"].unique()) == (250.0, 250.0, 1000.0)
    assert (len(seen), len(hidden), len(alone), len(deepest)) == (30, 5, 6, 1)
    fit = JointLaw.fit(seen["n"], seen["u"], seen["bits"], priors=FLAT)
    found = pd.DataFrame(hold_out._predictions(fit, last, hidden))
    np.testing.assert_allclose(found[1], found[2], atol=1e-3)
    np.testing.assert_allclose(found[3], 0, atol=1e-3)
    np.testing.assert_allclose(found[5], 2.0)


# Probe cells


def test_each_side_of_a_matrix_has_its_own_depths():
    levels = [1.0, 0.1, 0.01]
    table = pd.DataFrame([
        {"noise_level": a, "probe_noise_level": b, "umis_per_cell": 1000 * b, "n_train": n, "seed": seed,
         "mi_bits": 2 + 0.5 * np.log10(b) + 0.1 * np.log10(a) - 1e-4 * (3000 - n) + seed}
        for a in levels for b in levels for n in (300, 3000) for seed in (0, 1)
    ]).assign(dataset="d", signal="s", representation="pca")  # fmt: skip
    found = design.depths_missing(table).set_index("role")
    assert found["bits"].tolist() == pytest.approx([2.5, 2.5])
    assert found["missing_0.25"].tolist() == pytest.approx([10**2.5, 0])
    together = table[table["noise_level"] == table["probe_noise_level"]]
    with pytest.raises(ValueError, match="thinned together at every point"):
        design.depths_missing(together)
