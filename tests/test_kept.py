"""Kept results: those of the present points and code, equal to what is computed, and computed where they are not."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import laws
from helpers._utils.validation import as_matrix
from helpers.book import keep
from helpers.findings import curves as findings
from helpers.findings import losses
from helpers.findings import papers as published
from helpers.laws import CellNumberLaw, JointLaw, ModelSizeLaw, NoiseLaw, kept, robust
from helpers.laws import compare as judging
from helpers.laws.compare import grid_means
from helpers.laws.kept import KeptFit
from helpers.store import reference, stamp
from helpers.store.paths import project_root
from helpers.store.points import seed_means
from helpers.sweep import cell_grids
from helpers.sweep.engine import stored_rows

STALE = "results/reference/kept.parquet is of other points or code: python -m helpers.book.keep, and commit it"


@pytest.fixture(scope="module")
def points():
    """Seed means of the reference points that the findings are made of."""
    store = reference.to_read()
    rows = findings.together(
        stored_rows(cell_grids.planned(block), store) for block in ("linear", "scvi", "txformer", "masked")
    )
    return seed_means(rows)


def near(value, wanted):
    """Equal but for how processors round, which the search for the least squares magnifies."""
    np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-6)


def check_equal(found, wanted):
    assert isinstance(found, KeptFit), STALE
    assert not isinstance(wanted, KeptFit)
    assert (found.status, found.message, found.penalised) == (wanted.status, wanted.message, wanted.penalised)
    assert list(found.params) == list(wanted.params)
    for name in ("x", "y", "spread", "residuals", "r_squared", "r_squared_means", "rmse"):
        near(getattr(found, name), getattr(wanted, name))
    near(found.predict(found.x), wanted.predict(found.x))
    if found.status == "unconstrained":  # what the points leave free is where rounding ends the search
        return
    near(found.covariance, wanted.covariance)
    near(list(found.params.values()), list(wanted.params.values()))
    near(list(found.stderr.values()), list(wanted.stderr.values()))
    near(list(found.interval().values()), list(wanted.interval().values()))
    near(list(found.interval(0.8).values()), list(wanted.interval(0.8).values()))
    near(found.log_likelihood(found.law._theta() + 0.01), wanted.log_likelihood(found.law._theta() + 0.01))
    near(found.band(found.x, of_points=True), wanted.band(found.x, of_points=True))


@pytest.mark.parametrize("law", [NoiseLaw, CellNumberLaw])
def test_kept_fits_of_released_curves_are_those_computed(law):
    setting, x = published.AXIS[law]
    found = published.refitted(law)
    assert all(isinstance(fit, KeptFit) for fit in found.values()), STALE
    curves = dict(iter(published.points().groupby([*published.KEYS, setting])))
    for at in np.random.default_rng(0).choice(len(found), 4, replace=False):
        key = list(found)[at]
        check_equal(found[key], law.fit(curves[key][x], curves[key]["mi_bits"]))


def test_kept_fits_of_reference_points_are_those_computed(points):
    for fits in (findings.noise_fits(points), findings.cell_fits(points)):
        assert all(isinstance(fit, KeptFit) for fit in fits.values()), STALE
        for at in np.random.default_rng(1).choice(len(fits), 2, replace=False):
            fit = list(fits.values())[at]
            check_equal(fit, type(fit.law).fit(fit.x, fit.y))


def test_kept_joint_fits_and_comparisons_are_those_computed(points):
    grids = grid_means(published.points(), published.KEYS)
    grid = list(grids.values())[7]
    columns = [grid[name] for name in ("n", "u", "bits")]
    check_equal(kept.fit(JointLaw, *columns), JointLaw.fit(*columns))
    linear = points[(points["representation"] == "pca") & (points["dataset"] == "spleen_lymph")]
    own = grid_means(findings.full_grids(linear), findings.KEYS)
    one = dict([next(iter(own.items()))])
    computed = judging.compare(one, ["additive"])
    with kept.recording() as noted:
        again = kept.compare(one, ["additive"])
    assert len(noted) == 1
    pd.testing.assert_frame_equal(again, computed)


def test_kept_robust_fits_are_those_computed():
    runs = published.masked_runs("mse")
    fit = ModelSizeLaw.fit(runs["params"], runs["loss"])
    table = losses.floor_fits(runs.assign(test_loss=runs["loss"], loss="mse", status="ok"))
    assert all(isinstance(of, KeptFit) for of in table.values()), STALE
    found, wanted = kept.robust_fit(fit, 0.95, ("c",)), robust(fit, 0.95, ("c",))
    near(list(found.params.values()), list(wanted.params.values()))
    near(found.intervals["c"], wanted.intervals["c"])
    near(found.weights, wanted.weights)
    assert (found.level, found.n_far) == (wanted.level, wanted.n_far)
    near(found.scale, wanted.scale)


def test_other_points_are_fitted_now():
    rows = published.released("larry", "clone")
    rows = rows[rows["representation"] == "pca"]
    x, bits = rows["umis_per_cell"].to_numpy(), rows["mi_bits"].to_numpy().copy()
    assert isinstance(kept.fit(NoiseLaw, x, bits), KeptFit), STALE
    bits[0] *= 1 + 1e-15  # as another processor rounds
    assert isinstance(kept.fit(NoiseLaw, x, bits), KeptFit)
    bits[0] *= 1 + 1e-9
    found = kept.fit(NoiseLaw, x, bits)
    assert not isinstance(found, KeptFit)
    assert found.params == NoiseLaw.fit(x, bits).params
    with pytest.raises(ValueError, match="NaN"):
        kept.fit(NoiseLaw, x, np.where(bits == bits[0], np.nan, bits))


def test_another_version_is_another_key(monkeypatch):
    x, bits = [10.0, 30.0, 100.0], [0.1, 0.2, 0.3]
    with kept.recording() as noted:
        kept.fit(NoiseLaw, x, bits)
        kept.fit(NoiseLaw, x, bits)
        assert len(noted) == 1
        monkeypatch.setattr(kept, "method", lambda *components: "other")
        kept.fit(NoiseLaw, x, bits)
        assert len(noted) == 2
        kept.fit(CellNumberLaw, x, bits)
        assert len(noted) == 3


def test_a_fit_noted_is_the_fit():
    x = np.geomspace(10, 1e4, 8)
    bits = NoiseLaw(2.0, 90.0)(x) + 0.01 * np.resize([1, -1], 8)
    with kept.recording() as noted:
        first = kept.fit(NoiseLaw, x, bits)
        again = kept.fit(NoiseLaw, x, bits)
    assert isinstance(again, KeptFit)
    assert not isinstance(first, KeptFit)
    assert again.params == first.params
    assert again.interval() == first.interval()
    assert json.loads(next(iter(noted.values()))[1])["status"] == "ok"
    np.testing.assert_array_equal(again.y, as_matrix(bits, "bits")[:, 0])
    assert laws.parameter_table({("a",): again}, ["k"]).equals(laws.parameter_table({("a",): first}, ["k"]))


def test_a_fit_with_priors_is_not_kept():
    n, u = (side.ravel() for side in np.meshgrid(np.geomspace(100, 1e4, 4), np.geomspace(10, 1e3, 4)))
    bits = JointLaw(3.0, 400.0, 800.0, 0.7, 0.4, 1.0, 0.1)(n, u)
    with kept.recording() as noted:
        assert kept.fit(JointLaw, n, u, bits, priors=True).penalised
    assert not noted


def test_a_table_comes_back_as_it_was():
    table = pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan], "c": ["x", "ü"]}, index=pd.Index([0, 15], name="step"))
    with kept.recording():
        for _ in range(2):
            pd.testing.assert_frame_equal(kept.table("key", "a table", lambda: table), table)


@pytest.mark.slow
def test_kept_false_alarms_are_those_computed():
    known = findings.false_alarms()
    with kept.recording():
        pd.testing.assert_frame_equal(findings.false_alarms(), known)


@pytest.mark.parametrize("page", keep.PAGES)
def test_a_page_of_the_book_finds_all_that_it_keeps(page):
    file = project_root() / "notebooks" / f"{page}.ipynb"
    if not file.exists():
        pytest.skip("the book is not built: make book")
    assert json.loads(file.read_text("utf8"))["metadata"][stamp.KEY]["computed"] == [], STALE


def test_what_a_notebook_computes_is_noted():
    with stamp.noting() as notes, pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(notes.variable.items())))
        kept.fit(NoiseLaw, [10.0, 30.0, 100.0], [0.11, 0.22, 0.33])
    assert list(notes.computed) == ["NoiseLaw"]
