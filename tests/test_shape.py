"""The stretched law and the line, fits that their points reject, and what curves say without a law."""

import ast
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit
from scipy.stats import f as f_distribution

from helpers import findings
from helpers.findings import shape
from helpers.laws import DepthLine, NoiseLaw, StretchedNoiseLaw, kept, ratio_table, summary
from helpers.laws.summary import parameter_table
from helpers.store import model_free, reference
from helpers.store.paths import project_root
from helpers.store.points import seed_means
from helpers.sweep.cell_grids import planned
from helpers.sweep.engine import stored_rows

RECORD = "application/papermill.record/"

U = np.geomspace(20, 3000, 8)
X = np.repeat(U, 3)


def scattered(law, sd=0.03, seed=0, shared=0.0):
    rng = np.random.default_rng(seed)
    return law(X) + rng.normal(0, sd, len(X)) + np.tile(rng.normal(0, shared, 3), 8)


@pytest.mark.parametrize("beta", [0.3, 0.7, 1.0, 1.4])
@pytest.mark.parametrize(("i_max", "u_bar"), [(0.6, 40.0), (2.2, 300.0), (3.5, 2000.0)])
def test_noise_free_parameters_are_recovered(i_max, u_bar, beta):
    truth = StretchedNoiseLaw(i_max, u_bar, beta)
    u = np.geomspace(u_bar / 300, u_bar * 30, 12)
    found = StretchedNoiseLaw.fit(u, truth(u)).params
    assert found == pytest.approx({"i_max": i_max, "u_bar": u_bar, "beta": beta}, rel=1e-5)


def test_slopes_are_those_of_differences():
    law = StretchedNoiseLaw(2.2, 300.0, 0.7)
    theta = law._theta()
    steps = [(law._formula(U, theta + s) - law._formula(U, theta - s)) / 2e-6 for s in 1e-6 * np.eye(3)]
    assert law._slope(U, theta) == pytest.approx(np.column_stack(steps), abs=1e-8)
    assert law._slope(np.array([0.0]), theta) == pytest.approx(0)


def test_the_line_is_that_of_polyfit():
    bits = scattered(NoiseLaw(2.0, 200.0))
    found = DepthLine.fit(X, bits).params
    assert [found["per_doubling"], found["at_one"]] == pytest.approx(np.polyfit(np.log2(X), bits, 1), rel=1e-9)


def test_depths_for_bits_come_back_as_bits():
    law = StretchedNoiseLaw(2.5, 300.0, 0.6)
    assert law(law.depth_for([0.3, 1.0, 2.4])) == pytest.approx([0.3, 1.0, 2.4], abs=1e-9)
    assert law.depth_for(2.5) == np.inf


def test_intervals_of_the_exponent_cover_it():
    """The bound allows for 300 draws: three standard errors either way of 95 %."""
    truth, inside = StretchedNoiseLaw(2.2, 300.0, 0.7), 0
    for seed in range(300):
        fit = StretchedNoiseLaw.fit(X, scattered(truth, seed=seed))
        half = fit.t_quantile(0.95) * fit.stderr["beta"] / fit.params["beta"]
        inside += abs(np.log(fit.params["beta"] / 0.7)) <= half
    assert 0.91 <= inside / 300 <= 0.988


def test_the_score_test_is_close_to_that_of_both_fits():
    """A second implementation: SciPy fits both curves and the F test compares their sums of squares."""
    for beta, seed in ((1.0, 0), (1.0, 1), (0.85, 2), (0.85, 3)):
        bits = scattered(StretchedNoiseLaw(2.2, 300.0, beta), seed=seed)

        def stretched(u, i_max, log_u_bar, exponent):
            return np.log2(1 + (4**i_max - 1) / (1 + (np.exp(log_u_bar) / u) ** exponent)) / 2

        def rss(function, start, bits=bits):
            found = curve_fit(function, X, bits, start)[0]
            return ((function(X, *found) - bits) ** 2).sum()

        free = rss(stretched, [2.0, 5.5, 1.0])
        held = rss(lambda u, i_max, log_u_bar, of=stretched: of(u, i_max, log_u_bar, 1.0), [2.0, 5.5])
        by_both = f_distribution.sf((held - free) / (free / (len(X) - 3)), 1, len(X) - 3)
        law = NoiseLaw.fit(X, bits)
        by_score = law.law.exponent_test(law)
        assert np.log10(by_score) == pytest.approx(np.log10(by_both), rel=0.15, abs=0.1)


def rejected(beta, i_max=2.2, sd=0.03, shared=0.0, n=150):
    truth = StretchedNoiseLaw(i_max, 300.0, beta)
    return np.mean([NoiseLaw.fit(X, scattered(truth, sd, s, shared)).status == "misfit" for s in range(n)])


@pytest.mark.parametrize("shared", [0.0, 0.03])
def test_curves_of_the_law_are_rarely_rejected(shared):
    """At most 2 % are; of 150 draws at that rate more than eight are one chance in a hundred."""
    assert rejected(1.0, shared=shared) <= 8 / 150


def test_curves_with_another_exponent_are_rejected():
    assert rejected(0.7, n=60) >= 0.9


def test_a_top_above_i_max_is_named():
    bits = NoiseLaw(2.0, 50.0)(X) + np.where(U[-1] == X, 0.3, 0) + np.tile([-0.01, 0.0, 0.01], 8)
    fit = NoiseLaw.fit(X, bits)
    assert fit.status == "misfit"
    assert "its I_max lies below the largest mean of the points" in fit.message


def test_a_fit_that_was_kept_is_judged_too():
    bits = scattered(StretchedNoiseLaw(2.2, 300.0, 0.5))
    with kept.recording() as notes:
        fresh = kept.fit(NoiseLaw, X, bits)
        ((key, (what, content)),) = notes.items()
        notes[key] = what, json.dumps(json.loads(content) | {"status": "ok", "message": ""})
        again = kept.fit(NoiseLaw, X, bits)
    assert (again.status, again.message) == (fresh.status, fresh.message)
    assert fresh.status == "misfit"
    assert again.interval()["i_max"] == pytest.approx(fresh.interval()["i_max"])


def test_parameters_of_a_rejected_fit_enter_no_ratio_and_stand_in_brackets():
    good, bad = NoiseLaw(2.0, 300.0), StretchedNoiseLaw(2.2, 300.0, 0.5)
    fits = {("a", "pca"): NoiseLaw.fit(X, scattered(good)), ("a", "scvi"): NoiseLaw.fit(X, scattered(bad))}
    ratios = ratio_table(parameter_table(fits, ["data", "model"]), ["data"])
    assert ratios.filter(regex="÷|low|high").isna().all(axis=None)
    shown = summary({name: fit for (_, name), fit in fits.items()})
    assert shown.loc["scvi", "I_max (bits)"].startswith("(")
    assert not shown.loc["pca", "I_max (bits)"].startswith("(")


def points(means, scatter=0.0, seeds=3, levels=(0.01, 0.1, 0.5, 1.0)):
    rng = np.random.default_rng(0)
    return pd.DataFrame([
        {"dataset": "d", "signal": "s", "representation": "pca", "noise_level": level, "probe_noise_level": level,
         "n_train": 10, "umis_per_cell": 1000 * level, "seed": s, "mi_bits": bits + s + rng.normal(0, scatter)}
        for level, bits in zip(levels, means, strict=True) for s in range(seeds)
    ])  # fmt: skip


def test_what_a_curve_says_without_a_law():
    """Linear in log depth between the points, and what all depths of a seed share drops out."""
    curve = model_free.MeasuredCurve(points([0.5, 1.5, 1.8, 2.0]))
    assert curve.depth_missing(0.5) == pytest.approx((100.0,) * 3)
    assert curve.depth_missing(0.2) == pytest.approx((500.0,) * 3)
    assert curve.depth_missing(1.0) == pytest.approx((10**1.5,) * 3)
    assert curve.depth_missing(1.6) == (0, 0, 0)
    assert curve.lost_by(2).value == pytest.approx(0.2)
    own = curve.own_depth()
    assert own.value == pytest.approx(3.0)
    assert own.high - own.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)


def test_one_seed_gives_values_without_intervals():
    row = model_free.missing_depths(points([0.5, 1.5, 1.8, 2.0], seeds=1)).iloc[0]
    assert row["missing_0.5"] == pytest.approx(100.0)
    assert np.isnan([row["missing_0.5_low"], row["bits_low"], row["halving_high"]]).all()


def test_intervals_of_depths_cover_them():
    truth, inside = NoiseLaw(2.0, 200.0), 0
    levels = np.geomspace(0.003, 1, 12)
    want = float(np.interp(-0.25, truth(1000 * levels) - truth(1000.0), np.log(1000 * levels)))
    for seed in range(200):
        table = points(truth(1000 * levels), levels=levels)
        table["mi_bits"] += np.random.default_rng(seed).normal(0, 0.03, len(table))
        found = model_free.MeasuredCurve(table).depth_missing(0.25)
        inside += np.log(found.low) <= want <= np.log(found.high)
    assert inside / 200 >= 0.93


def test_too_few_depths_are_named():
    with pytest.raises(ValueError, match="the curve has 1 depths"):
        model_free.MeasuredCurve(points([1.0], levels=(1.0,)))


def test_paired_differences_are_those_of_each_seed():
    pca, scvi = points([0.5, 1.5, 1.8, 2.0]), points([0.4, 1.6, 2.0, 2.3]).assign(representation="scvi")
    row = model_free.paired_differences(pd.concat([pca, scvi])).iloc[0]
    assert [row["difference"], row["low"], row["high"]] == pytest.approx([0.3] * 3)
    assert (row["shallow"], row["mean"]) == pytest.approx((0.1, 0.125))
    assert row["seeds"] == 3


def test_differences_along_depth_are_those_of_each_seed():
    pca, scvi = points([0.5, 1.5, 1.8, 2.0]), points([0.4, 1.6, 2.0, 2.3]).assign(representation="scvi")
    scvi["mi_bits"] += scvi["seed"].map({0: -0.1, 1: 0.0, 2: 0.1})
    found = model_free.differences_by_depth(pd.concat([pca, scvi])).sort_values("umis_per_cell", ascending=False)
    by_level = pca.groupby("noise_level")["umis_per_cell"].mean()
    assert found["umis_per_cell"].tolist() == by_level.sort_index(ascending=False).tolist()
    assert sorted(found["difference"]) == pytest.approx([-0.1, 0.1, 0.2, 0.3])
    # Spread 0.1 between 3 seeds, pooled over 4 depths: 8 degrees of freedom.
    np.testing.assert_allclose(found["high"] - found["low"], 2 * 2.306 * 0.1 / np.sqrt(3), rtol=1e-3)
    whole = model_free.paired_differences(pd.concat([pca, scvi])).iloc[0]
    assert whole["difference"] == pytest.approx(found["difference"].iloc[0])
    assert whole["high"] == pytest.approx(found["high"].iloc[0])


def test_steps_are_those_of_each_seed():
    table = pd.DataFrame({"n_train": [10, 30, 100] * 3, "seed": np.repeat([0, 1, 2], 3)})
    table["mi_bits"] = np.log10(table["n_train"]) + table["seed"]
    lacking = pd.DataFrame({"n_train": [10], "seed": [3], "mi_bits": [9.0]})
    found = model_free.steps(pd.concat([table, lacking]), "n_train")
    assert found["n_train"].tolist() == [10, 30, 100]
    assert set(found["seeds"]) == {3}
    np.testing.assert_allclose(found["bits"], np.log10([10, 30, 100]) + 1)
    np.testing.assert_allclose(found["bits_high"] - found["bits_low"], 2 * 4.303 / np.sqrt(3), rtol=1e-3)
    for end in ("step", "step_low", "step_high"):
        np.testing.assert_allclose(found[end], [np.nan, np.log10(3), np.log10(100 / 30)], atol=1e-9)
    assert model_free.shown_steps(found, "n_train").iloc[:, 1].tolist() == [
        "–", "0.477 [0.477, 0.477]", "0.523 [0.523, 0.523]"
    ]  # fmt: skip


def test_shapes_are_chosen_by_the_points():
    shapes = {"noise law": NoiseLaw(2.0, 150.0), "free exponent": StretchedNoiseLaw(2.5, 300.0, 0.6)}
    shapes["line"] = DepthLine(0.1, 0.2)
    levels = np.geomspace(0.003, 1, 12)
    table = pd.concat([
        points(law(3000 * levels), 0.01, levels=levels).assign(dataset=name) for name, law in shapes.items()
    ])  # fmt: skip
    table["umis_per_cell"] = 3000 * table["noise_level"]
    table["mi_bits"] -= table["seed"]
    found = shape.shape_table(shape.fit_shapes(table)).set_index("dataset")
    assert found["best"].to_dict() == {name: name for name in shapes}
    assert found.loc["free exponent", ["beta_low", "beta_high"]].between(0.5, 0.7).all()
    counts = shape.shape_counts(found.reset_index())
    assert counts["the points reject the noise law (misfit)"] == 2
    held = shape.held_out_deepest(table, 0.25)
    errors = held.set_index(["dataset", "shape"])["error"]
    assert max(abs(errors[name, name]) for name in shapes) < 0.05 < abs(errors["line", "noise law"])


def plain(text):
    return float(text) if text in ("nan", "inf", "-inf") else ast.literal_eval(text)


def glued(page):
    """Return the values that an executed page glues into its sentences, by name."""
    outputs = [o for cell in json.loads(page.read_text("utf8"))["cells"] for o in cell.get("outputs", [])]
    marked = [o for o in outputs if "scrapbook" in o.get("metadata", {})]
    return {
        o["metadata"]["scrapbook"]["name"]: plain("".join(o["data"][f"{RECORD}text/plain"]))
        for o in marked
        if f"{RECORD}text/plain" in o["data"]
    }


def test_no_sentence_quotes_a_parameter_of_a_rejected_fit():
    """Every value glued into a page of the built book, against the parameters of every rejected reference curve."""
    pages = [*(project_root() / "notebooks").rglob("*.ipynb"), project_root() / "book" / "intro.ipynb"]
    values = {(page.stem, name): v for page in pages if page.exists() for name, v in glued(page).items()}
    if not values:
        pytest.skip("the book is not built: run `make book`")
    store = reference.to_read()
    rows = findings.together(stored_rows(planned(block), store) for block in ("linear", "scvi", "txformer", "masked"))
    fits = findings.noise_fits(seed_means(rows))
    rejected = np.array([list(fit.params.values()) for fit in fits.values() if fit.status == "misfit"]).ravel()
    assert len(rejected) == 48
    numbers = {where: v for where, v in values.items() if isinstance(v, float) and np.isfinite(v) and v}
    assert len(numbers) > 100
    quoted = [where for where, v in numbers.items() if np.isclose(rejected, v, rtol=1e-9, atol=0).any()]
    assert not quoted
    laws = {page: text for (page, name), text in values.items() if name == "law"}
    assert laws["xenium_breast"].startswith("The points reject the noise law, so its I_max and ū are not quoted: ")
    assert any(text.startswith("The points agree with the noise law, with I_max = ") for text in laws.values())


@pytest.mark.slow
def test_the_benchmark_prints_own_and_published_curves():
    script = project_root() / "benchmarks" / "shape.py"
    shown = subprocess.run([sys.executable, script, "--draws", "20"], capture_output=True, text=True, check=True)
    assert "false alarms" in shown.stdout
    assert "published" in shown.stdout
