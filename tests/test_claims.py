"""Claims, judged on tables whose verdict is known: holds, fails, open."""

import numpy as np
import pandas as pd
import pytest

from helpers.findings import claims, claims_of_losses, losses
from helpers.findings import curves as findings
from helpers.findings.samples import share_lost, share_of_entropy
from helpers.findings.saturation import saturation
from helpers.findings.training import along_training, loss_tells, training_gain
from helpers.laws import ModelSizeLaw, NoiseLaw
from helpers.laws.tolerance import SEQUENCE_ROLES, NoiseAxis
from helpers.store import model_free
from helpers.store.model_free import mean_interval
from test_findings import grid


def laws(model, i_max, u_bar, n=4, r_squared=0.99, width=0.05):
    return pd.DataFrame([
        {"dataset": f"d{i}", "signal": "protein", "representation": model, "i_max": i_max, "u_bar": u_bar,
         "i_max_low": i_max * (1 - width), "i_max_high": i_max * (1 + width), "u_bar_low": u_bar * (1 - width),
         "u_bar_high": u_bar * (1 + width), "r_squared_means": r_squared, "range_bits": 1.0, "lack_of_fit": 0.5,
         "worst": 0.01, "over_line": 20.0, "status": "ok"}
        for i in range(n)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "holds"), ({"status": "misfit"}, "does not hold"), ({"over_line": -20.0}, "does not hold"),
        ({"over_line": 1.0}, "not decided"), ({"over_line": -1.0}, "not decided"),
        ({"range_bits": 0.02}, "not decided"),
    ],
)  # fmt: skip
def test_the_noise_law_must_beat_a_line_and_not_be_rejected(changed, told):
    assert claims.depth_is_described(laws("pca", 2.0, 100.0).assign(**changed)).verdict == told


def test_curves_that_differ_leave_a_claim_in_part():
    both = pd.concat([laws("pca", 2.0, 100.0), laws("pca", 2.0, 100.0).assign(status="misfit")])
    found = claims.depth_is_described(both)
    assert found.verdict == "holds in part"
    assert found.sure == "8 of 8 curves decide; 4 data sets"
    assert found.evidence.startswith("4 of 8 curves reject it")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "holds"), ({"over_line": -1.0}, "does not hold"), ({"over_line": 1.0}, "not decided"),
        ({"status": "misfit"}, "does not hold"), ({"representation": "random_projection"}, "not decided"),
    ],
)  # fmt: skip
def test_the_law_of_cells_must_beat_a_line(changed, told):
    assert claims.cells_are_described(laws("pca", 2.0, 100.0).assign(**changed)).verdict == told


@pytest.mark.parametrize(
    ("bits", "spread", "told"),
    [
        (lambda n, level: np.log10(n) * level, 0.01, "holds"),
        (lambda n, level: np.log10(n) * (1.2 - level), 0.01, "does not hold"),
        (lambda n, level: np.log10(n) + level, 0.5, "not decided"),
    ],
)
def test_cells_add_more_where_an_interval_says_so(bits, spread, told):
    grids = findings.interactions(pd.concat([grid(bits, spread, data=f"d{i}") for i in range(3)]))
    assert claims.cells_add_by_depth(grids).verdict == told
    assert claims.cells_add_by_depth(grids.iloc[:0]).verdict == "not decided"


@pytest.mark.parametrize(
    ("share", "half", "told"), [(0.9, 0.1, "holds"), (0.2, 0.1, "does not hold"), (0.6, 0.2, "not decided")]
)
def test_most_of_the_loss_is_of_the_probe_where_more_than_half_remains(share, half, told):
    rows = pd.DataFrame([
        {"dataset": f"d{i}", "representation": model, "role": "probe cells thinned, training clean",
         "share of the fall": value, "± (95 %)": half}
        for i in range(3) for model, value in (("pca", share), ("random_projection", 1 - share))
    ])  # fmt: skip
    assert claims.loss_is_of_the_probe(rows).verdict == told
    training = rows.assign(role="training cells thinned, probe clean")
    assert claims.loss_is_of_the_probe(training).verdict == "not decided"


def noisy(model, law, levels, spread, data="d0", seeds=3):
    rng = np.random.default_rng([*f"{model} {data}".encode()])
    rows = [
        {"dataset": data, "signal": "protein", "representation": model, "dim": 16, "settings": "", "n_train": 100,
         "noise_level": level, "probe_noise_level": level, "umis_per_cell": 2000 * level, "seed": seed,
         "mi_bits": float(law(2000 * level)) + rng.normal(0, spread)}
        for level in levels for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


LEVELS = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
MODELS = {"random_projection": (1.0, 50.0), "scvi": (3.0, 150.0), "txformer": (1.5, 20.0)}


def of_models(laws, spread):
    return pd.concat([
        noisy(model, NoiseLaw(*law), LEVELS, spread, f"d{i}")
        for model, law in {"pca": (2.0, 100.0), **laws}.items() for i in range(4)
    ])  # fmt: skip


def test_models_are_judged_by_paired_differences_from_pca():
    pairs = model_free.paired_differences(of_models(MODELS, 0.005))
    assert len(pairs) == 12
    one = pairs[pairs["representation"] == "random_projection"].iloc[0]
    gap = float(NoiseLaw(1.0, 50.0)(2000.0) - NoiseLaw(2.0, 100.0)(2000.0))
    assert one["low"] < gap < one["high"]
    shares = [float(law(200.0) / law(2000.0)) for law in (NoiseLaw(1.0, 50.0), NoiseLaw(2.0, 100.0))]
    assert one["kept_low"] < shares[0] - shares[1] < one["kept_high"]
    assert one["kept"] == pytest.approx(shares[0] - shares[1], abs=0.01)
    told = [claim.verdict for claim in claims.models_against_pca(pairs)]
    assert told == ["holds", "holds", "not decided"]  # nothing says that the transformers are trained
    less = dict.fromkeys(MODELS, (1.0, 50.0))
    assert (
        claims.models_against_pca(model_free.paired_differences(of_models(less, 0.005)))[1].verdict == "does not hold"
    )
    same = model_free.paired_differences(of_models(dict.fromkeys(MODELS, (2.0, 100.0)), 0.05))
    assert claims.models_against_pca(same)[0].verdict != "holds"
    none = claims.models_against_pca(pairs.iloc[:0])
    assert {claim.verdict for claim in none} == {"not decided"}


@pytest.mark.parametrize(("u_bar", "told"), [(50.0, "holds"), (200.0, "does not hold"), (100.0, "not decided")])
def test_training_against_noise_is_judged_at_a_tenth_of_the_depth(u_bar, told):
    """Two models with the same capacity: only what the shallow cells tell decides."""
    asked = {"joint_embedding": (2.0, u_bar), "scvi": (2.0, 100.0), "scvi_on_views": (2.0, 100.0)}
    pairs = model_free.paired_differences(of_models(asked, 0.02), "scvi")
    assert claims.robust_training(pairs).verdict == told
    assert claims.robust_training(pairs.iloc[:0]).verdict == "not decided"


@pytest.mark.parametrize(
    ("law", "gains", "told"),
    [
        ((1.5, 20.0), [0.5, 0.6, 0.4], "holds"),
        ((3.0, 100.0), [0.5, 0.6, 0.4], "does not hold"),
        ((1.5, 300.0), [0.5, 0.6, 0.4], "does not hold"),
        ((1.5, 20.0), [0.01, -0.02, 0.0], "not decided"),
        ((1.5, 20.0), [0.5], "not decided"),
    ],
)
def test_transformers_are_judged_once_training_has_added_information(law, gains, told):
    pairs = model_free.paired_differences(of_models({"txformer": law}, 0.005))
    found = claims.models_against_pca(pairs, pd.Series(gains))[2]
    assert found.verdict == told
    assert (found.sure == "the network is not trained") == (told == "not decided")
    assert "core-hours" in found.change


def test_a_training_is_followed_from_the_untrained_network_to_the_end():
    deep = noisy("txformer", NoiseLaw(2.0, 50.0), [1.0], 0.0, seeds=2).assign(mi_stderr_bits=0.02)
    steps = {"_at_300": (6.0, 0.1), "": (5.0, 0.3), "_untrained": (9.0, 0.0), "_at_100": (7.0, -0.1)}
    rows = pd.concat(
        deep.assign(representation=f"txformer{name}", model_loss=loss, mi_bits=1.0 + more)
        for name, (loss, more) in steps.items()
    )
    along = along_training(rows)
    for _, network in along.groupby("network"):
        assert network["step"].tolist() == ["0", "100", "300", "end"]
        assert network["order"].tolist() == [0, 1, 2, 3]
    tells = loss_tells(along)
    assert len(tells) == 2
    assert tells[["loss_fall", "gain", "least"]].iloc[0].tolist() == pytest.approx([4.0, 0.3, -0.1])
    assert tells["rank"].iloc[0] == pytest.approx(0.8)


def test_a_model_that_loses_in_proportion_tolerates_no_more_noise():
    pca = noisy("pca", NoiseLaw(2.0, 100.0), LEVELS, 0.005)
    half = pca.assign(representation="txformer", mi_bits=pca["mi_bits"] / 2)
    row = model_free.paired_differences(pd.concat([pca, half])).iloc[0]
    assert row["difference"] < row["shallow"] < 0
    assert row["kept"] == pytest.approx(0.0, abs=1e-12)


def test_what_training_adds_is_paired_by_seed_and_data():
    trained = noisy("txformer", NoiseLaw(2.0, 50.0), [1.0, 0.1], 0.0).assign(mi_stderr_bits=0.02)
    deep = trained[trained["noise_level"] == 1.0]
    less = deep["mi_bits"] - 0.1 * deep["seed"]
    earlier = [deep.assign(mi_bits=less, representation=f"txformer_{name}") for name in ("untrained", "at_100")]
    table = training_gain(pd.concat([trained, *earlier]))
    assert table["gain"].to_numpy() == pytest.approx([0.0, 0.1, 0.2])
    assert table["gain_error"].to_numpy() == pytest.approx(np.sqrt(2) * deep["mi_stderr_bits"].to_numpy())
    assert mean_interval(table["gain"]).value == pytest.approx(0.1)


def both_misread(shares, clean=2.0, by="seed"):
    """Return points of the curve that a share of the information is lost of at 1 in 1,000, one share a replicate."""
    return pd.DataFrame([
        {"curve": SEQUENCE_ROLES["both"], by: i, "noise_level": level, "mi_bits": (clean + 0.1 * i) * (1 - lost)}
        for i, share in enumerate(shares) for level, lost in ((0.0, 0.0), (1e-4, 0.0), (999e-6, share), (0.5, 0.9))
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "told"),
    [([0.03, 0.04], "holds"), ([0.25, 0.24], "does not hold"), ([0.05, 0.14], "not decided"), ([0.03], "not decided")],
)
def test_proteins_are_stable_where_little_is_lost_at_one_in_a_thousand(shares, told):
    ours, released = both_misread(shares), both_misread([0.03, 0.04, 0.05], by="curve")
    tiny, theirs = claims.protein_tolerance(ours, released)
    assert (tiny.verdict, theirs.verdict) == (told, "holds")
    assert tiny.evidence.startswith(f"{np.mean(shares):.0%} lost (2.")


def test_a_share_lost_is_that_of_each_replicate():
    """Levels above the one asked for, and sizes that were not measured at all of them, do not matter."""
    points = both_misread([0.2, 0.3])
    points = points[(points["seed"] == 0) | (points["noise_level"] < 0.5)]
    found = share_lost(points, 1e-3)
    assert found.value == pytest.approx(0.25)
    # Pooled over two levels, of which one has no spread: 0.05² · 2 / 2; two replicates; t of two degrees of freedom.
    assert found.high - found.value == pytest.approx(4.3027 * 0.05 / np.sqrt(2), rel=1e-4)
    with pytest.raises(ValueError, match=r"level 0.01 is not among .*: 0.0001, 0.000999, 0.5"):
        share_lost(both_misread([0.2, 0.3]), 0.01)
    with pytest.raises(ValueError, match="level 0 is not among"):
        share_lost(both_misread([0.2, 0.3]), 0.0)


@pytest.mark.parametrize(
    ("bits", "error", "told"), [(2.17, 0.01, "holds"), (1.5, 0.01, "does not hold"), (2.1, 0.2, "not decided")]
)
def test_labels_are_told_where_the_entropy_is_reached(bits, error, told):
    rows = pd.DataFrame({"mi_bits": bits, "mi_stderr_bits": error, "mi_ceiling_bits": 2.2, "seed": [0, 1]})
    assert claims.labels_are_told(rows).verdict == told
    assert share_of_entropy(rows).value == pytest.approx(bits / 2.2)


def interval(name, low, high, **more):
    return pd.DataFrame([{name: (low * high) ** 0.5, f"{name}_low": low, f"{name}_high": high, **more}])


def test_wide_intervals_agree_with_nothing():
    for low, high, told in ((28, 35, "holds"), (3, 5, "does not hold"), (1, 240, "not decided")):
        assert claims.image_resolution(interval("pixels", low, high, lost="0.5 bit")).verdict == told
    nothing = interval("pixels", np.nan, np.nan, lost="0.5 bit")
    assert claims.image_resolution(nothing).verdict == "not decided"


@pytest.mark.parametrize(("truth", "told"), [(1, "holds"), (2, "does not hold")])
def test_image_exponents_are_those_that_fit(truth, told):
    levels = np.geomspace(2, 100, 8)
    axis = NoiseAxis("pixelation", truth)
    bits = NoiseLaw(2.0, axis.snr(15.0))(axis.snr(levels)) + 0.01 * np.resize([1, -1], 8)
    best = {"pixelation": (axis, NoiseLaw.fit(axis.snr(levels), bits))}
    (found,) = claims.image_exponents(best)
    assert found.verdict == told
    assert claims.image_exponents({}) == []


def test_exponents_that_fit_alike_decide_nothing():
    levels, axis = np.array([10.0, 20.0]), NoiseAxis("gaussian", 2)
    fit = NoiseLaw.fit(axis.snr(np.repeat(levels, 3)), np.resize([0.4, 0.5, 0.6], 6))
    assert claims.image_exponents({"gaussian": (axis, fit)})[0].verdict == "not decided"


def gain(low, high, last_low, last_high):
    return pd.DataFrame({
        "dataset": ["a", "b", "c"], "at": 500.0, "gain": (low + high) / 2, "gain_low": low, "gain_high": high,
        "last": (last_low + last_high) / 2, "last_low": last_low, "last_high": last_high,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("of_cells", "of_depth", "told"),
    [
        ((0.0, 0.01, 0.0, 0.3), (0.0, 0.05, 0.0, 0.1), ["holds", "holds"]),
        ((0.0, 1.0, 0.0, 0.05), (0.0, 0.05, 0.2, 0.3), ["holds", "does not hold"]),
        ((0.1, 0.2, 0.1, 0.2), (0.3, 0.5, 0.0, 0.1), ["does not hold", "does not hold"]),
        ((0.0, 1.0, 0.0, 0.3), (np.nan, np.nan, 0.0, 0.2), ["not decided", "not decided"]),
        ((np.nan, np.nan, np.nan, np.nan), (0.0, 1.0, np.nan, np.nan), ["not decided", "not decided"]),
    ],
)
def test_cell_type_is_saturated_where_little_was_or_is_to_gain(of_cells, of_depth, told):
    found = claims.cell_type_is_saturated(gain(*of_cells), gain(*of_depth))
    assert [claim.verdict for claim in found] == told


@pytest.mark.parametrize(("top", "per_decade", "told"), [(2.0, 0.0, "holds"), (2.0, 0.5, "does not hold")])
def test_saturation_is_of_trained_models_and_labels(top, per_decade, told):
    """Curves that stop rising, and curves that gain as much from each tenfold of depth as from the one before."""
    rng = np.random.default_rng(0)
    points = pd.DataFrame([
        {"dataset": f"d{i}", "signal": signal, "representation": model, "dim": 16, "settings": "", "n_train": n,
         "noise_level": level, "probe_noise_level": level, "umis_per_cell": 1000 * level, "seed": seed,
         "mi_bits": top - 2 / n + per_decade * np.log10(level) - (not per_decade) * 0.1 / (1 + 1e3 * level)
         + rng.normal(0, 0.002)}
        for i in range(3) for signal in ("cell_type", "protein") for model in ("pca", "txformer")
        for n in (30, 100, 300, 1000) for level in (0.01, 0.03, 0.1, 0.3, 1.0) for seed in range(3)
    ])  # fmt: skip
    of_cells, of_depth = saturation(points)
    assert of_cells["signal"].eq("cell_type").all()
    assert len(of_cells) == len(of_depth) == 3
    assert of_cells["last"].to_numpy() == pytest.approx(2 / 100 - 2 / 1000, abs=0.01)
    assert of_depth["last"].to_numpy() == pytest.approx(per_decade * np.log10(2), abs=0.01)
    assert [claim.verdict for claim in claims.cell_type_is_saturated(of_cells, of_depth)] == ["holds", told]


def floor_of(floor, low=0.2, high=0.4, floor_without="bounded", apart=0.0):
    row = {"loss": "mse", "c": 0.3, "c_low": low, "c_high": high, "least": 0.35, "points": 12}
    return pd.DataFrame([
        row | {"sizes": "all sizes", "floor": floor},
        row | {"sizes": "without XXS", "floor": floor_without, "c_low": low + apart, "c_high": high + apart},
    ])  # fmt: skip


def test_a_floor_is_identified_refuted_or_open():
    open_floor = floor_of("bounded", floor_without="not bounded")
    for table, told in (
        (floor_of("bounded"), "holds"), (floor_of("above a size"), "does not hold"),
        (floor_of("bounded", apart=1.0), "does not hold"), (open_floor, "not decided"),
        (floor_of("bounded").head(1), "not decided"),
    ):  # fmt: skip
        assert [claim.verdict for claim in claims_of_losses.floors(table, open_floor)] == [told, "not decided"]


def test_a_floor_of_simulated_runs_is_found():
    params = np.repeat(np.geomspace(5e2, 1e6, 6), 3)
    loss = ModelSizeLaw(2.0, 0.4, 0.5)(params) + 1e-4 * np.resize([-1, 0, 1], 18)
    runs = pd.DataFrame({"params": params, "test_loss": loss, "loss": "mse", "status": "ok"})
    runs["size"] = runs["params"].round().astype(int).astype(str)
    table = losses.floor_table(losses.floor_fits(runs))
    assert claims_of_losses.floors(table, table)[0].verdict == "holds"


@pytest.mark.parametrize(
    ("slope", "scatter", "n", "told"),
    [(1.0, 0.05, 40, "does not hold"), (0.0, 1.0, 200, "holds"), (0.5, 0.6, 12, "not decided")],
)
def test_few_runs_are_no_evidence_that_the_loss_tells_nothing(slope, scatter, n, told):
    rng = np.random.default_rng(3)
    loss = rng.uniform(size=n)
    runs = pd.DataFrame({"test_loss": loss, "mi_bits": -slope * loss + rng.normal(0, scatter, n)})
    found = claims_of_losses.loss_is_not_information(runs)
    assert found.verdict == told
    if told == "not decided":
        needed = int(found.change.split(" runs")[0])
        assert needed > n
        rank = float(found.evidence.split()[2])
        half = 1.96 / np.sqrt(needed - 3)
        assert np.tanh(np.arctanh(rank) + half) == pytest.approx(claims_of_losses.CLOSE, abs=0.01)
