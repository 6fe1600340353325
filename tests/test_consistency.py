"""Checks of an estimator without an exact answer, and real embeddings with signals whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from helpers.findings import consistency, probe, semi_synthetic
from helpers.information import cca, entropy, gaussian_channel, plug_in
from helpers.information.bounds import lower_bound
from helpers.information.estimate import Estimate
from helpers.information.known_pairs import known_pair
from helpers.information.mixed import lmi_mixed


def test_an_estimator_that_is_exact_for_gaussian_pairs_contradicts_itself_only_where_the_pair_is_bent():
    x, y = known_pair("gaussian", 2.0, 6000, 6, seed=1)
    table = consistency.checks(x, y, estimator=cca)
    assert tuple(table.index) == consistency.CHECKS
    off = table["off"].abs()
    assert off[["two cells side by side", "rotated", "exchanged", "half of the cells"]].max() < 0.1
    assert table.loc["two cells side by side", "expected"] == pytest.approx(4.0, abs=0.2)
    assert table.loc["bent", "off"] < -0.2
    assert table.loc["half of the dimensions", "off"] < 0


def test_an_estimator_that_saturates_is_caught():
    def saturating(x, y, seed=0):
        found = cca(x, y, seed)
        return Estimate(min(found.bits, 2.0), np.minimum(found.pointwise, 2.0), float("nan"), found.n, 0.0)

    x, y = known_pair("gaussian", 2.0, 3000, 4)
    assert consistency.checks(x, y, estimator=saturating).loc["two cells side by side", "off"] < -1.5


def test_labels_have_no_exchange_and_pairs_of_labels():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 900)
    table = consistency.checks(rng.normal(size=(900, 3)) + 3 * np.eye(3)[y], y, estimator=cca)
    assert "exchanged" not in table.index
    assert table.loc["two cells side by side", "bits"] > table.loc["rotated", "bits"]


def test_tables_of_tasks_are_kept_or_computed():
    def judge(embeddings, signal, seeds):
        return pd.DataFrame({"of": list(embeddings), "cells": len(signal), "seeds": len(seeds)})

    table = probe.of_tasks("test", {"pbmc68k": "cell_type"}, [1.0, 0.1], 4, [0, 1], judge)
    assert table.to_numpy().tolist() == [
        ["pbmc68k", "cell_type", "depth 1", 350, 2],
        ["pbmc68k", "cell_type", "depth 0.1", 350, 2],
    ]


def test_both_kinds_of_code_are_checked_on_continuous_signals(monkeypatch):
    monkeypatch.setattr(consistency, "CODES", {"predictive codes": cca, "correlated codes": cca})
    x, y = known_pair("gaussian", 1.0, 300, 2)
    table = consistency.checked({"one": x, "two": x}, y, [0, 1])
    assert len(table) == 2 * 2 * len(consistency.CHECKS)
    labelled = consistency.checked({"one": x}, (y[:, 0] > 0).astype(int), [0])
    assert set(labelled["estimator"]) == {"labels"}


def test_a_drawn_signal_has_the_information_of_its_channel():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 1))
    signal, bits = semi_synthetic.drawn_signal(x, 2 * x + rng.normal(size=(3000, 1)))
    assert bits == pytest.approx(gaussian_channel(4.0, 0.0), abs=0.06)
    assert np.corrcoef(signal[:, 0], x[:, 0])[0, 1] == pytest.approx(np.sqrt(0.8), abs=0.03)


def test_a_drawn_label_has_the_information_of_its_posterior():
    rng = np.random.default_rng(0)
    of = rng.integers(0, 4, 4000)
    x = 8.0 * np.eye(4)[of] + rng.normal(size=(4000, 4))
    drawn, bits = semi_synthetic.drawn_signal(x, np.array(list("abcd"))[of])
    # Far apart, the label is known from the embedding: plug-in and entropy say how much of it.
    assert bits == pytest.approx(plug_in(of, drawn).bits, abs=0.02)
    assert entropy(of) - 0.1 < bits < entropy(of)
    assert set(drawn) == set("abcd")


def test_the_same_seed_draws_the_same_signal():
    x, y = known_pair("gaussian", 1.0, 400, 3)
    one, two = (semi_synthetic.drawn_signal(x, y, 5) for _ in range(2))
    assert one[1] == two[1]
    assert np.array_equal(one[0], two[0])


def test_every_estimator_takes_pairs_and_labels():
    x, y = known_pair("gaussian", 1.0, 300, 2)
    for signal in (y, (y[:, 0] > 0).astype(int), np.where(y[:, 0] > 0, "a", "b").astype(object)):
        table = semi_synthetic.calibrated({"all": x}, signal, [1])
        kinds = [name for name in semi_synthetic.ESTIMATORS if signal is y or name != "correlated codes"]
        assert table["estimator"].tolist() == kinds
        # 300 samples are too few for a trend.
        assert (np.isfinite(table["bits"]) == (table["estimator"] != "extrapolated")).all()


def test_estimates_stand_beside_the_exact_answer():
    x, y = known_pair("gaussian", 1.0, 800, 3)
    table = semi_synthetic.calibrated({"all": x}, y, [0, 1], {"cca": cca})
    assert table["exact"].between(0.3, 1.5).all()
    assert (table["bits"] - table["exact"]).abs().max() < 0.3


@pytest.mark.parametrize("task", ["gaussian", "spread", "clusters"])
def test_the_bound_lies_below_the_truth_and_finds_most_of_it(task):
    x, y = known_pair(task, 2.0, 2000, 6, seed=2)
    found = lower_bound(x, y, steps=300)
    assert 0.8 < found.bits < 2.0 + 2 * found.stderr


def test_the_bound_of_a_permuted_signal_is_no_information():
    x, y = known_pair("gaussian", 2.0, 1000, 4)
    found = lower_bound(x, y[np.random.default_rng(0).permutation(1000)], steps=100)
    assert -0.3 < found.bits < 2 * found.stderr


def test_the_bound_repeats_and_labels_have_their_own():
    x, y = known_pair("gaussian", 1.0, 400, 3)
    one, two = (lower_bound(x, y, seed=4, steps=50).bits for _ in range(2))
    assert one == two
    label = (y[:, 0] > 0).astype(int)
    assert lower_bound(x, label).settings["label_method"] == "bound"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": 1}, "folds"),
        ({"n": 100}, "number of samples for lower_bound"),
        ({"stepps": 5}, "option of lower_bound"),
        ({"steps": 0}, "steps"),
        ({"dropout": 1.5}, "dropout"),
    ],
)
def test_the_bound_refuses_what_it_cannot_use(change, message):
    x, y = known_pair("gaussian", 1.0, change.pop("n", 400), 3)
    with pytest.raises(ValueError, match=message):
        lower_bound(x, y, **change)


def test_the_bound_refuses_a_constant():
    with pytest.raises(ValueError, match="y is constant over 300 samples"):
        lower_bound(np.random.default_rng(0).normal(size=(300, 2)), np.ones((300, 1)))


def test_labels_and_values_together_add_up_where_they_are_apart_and_not_where_they_repeat():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 4, 3000)
    x = np.hstack([8.0 * np.eye(4)[label] + rng.normal(size=(3000, 4)), rng.normal(size=(3000, 1))])
    value = x[:, 4:] + rng.normal(size=(3000, 1)) / np.sqrt(3)  # exactly 1 bit
    apart = lmi_mixed(x, label, value, null=False)
    assert apart.bits == pytest.approx(3.0, abs=0.2)
    assert apart.bits == pytest.approx(apart.pointwise.mean())
    # Values that hold the label already add nothing to it.
    again = lmi_mixed(x, label, label[:, None] + 0.05 * rng.normal(size=(3000, 1)), null=False)
    assert again.bits == pytest.approx(2.0, abs=0.25)
