"""Datasets: what each promises is checked against the data, the simulator's information most of all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from helpers.datasets import available, load
from helpers.datasets.base import Dataset
from helpers.datasets.pairing import neighbours
from helpers.datasets.simulated import SIGNALS, _draw_blocks, _state_and_signal, simulated
from helpers.information.discrete import entropy, plug_in


def tiny(**changes):
    given_fields = {
        "name": "tiny",
        "signal_name": "y",
        "counts": np.arange(8).reshape(4, 2),
        "signal": np.array([0, 1, 0, 1]),
        "folds": np.array([0, 0, 1, 1]),
    }
    return Dataset(**(given_fields | changes))


def state_of(signal, n_cells, n_latent, bits, seed):
    """The latent state behind ``simulated``, which a dataset does not show."""
    of_state, of_signal, _, _ = np.random.default_rng(seed).spawn(4)
    return _state_and_signal(signal, n_cells, n_latent, bits, of_state, of_signal)[0]


def gaussian_bits(x, y):
    """Information of jointly Gaussian columns by their empirical covariance."""
    logdet = [np.linalg.slogdet(np.atleast_2d(np.cov(z.T)))[1] for z in (x, y, np.hstack([x, y]))]
    return (logdet[0] + logdet[1] - logdet[2]) / (2 * np.log(2))


# The simulator


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("n_latent", "bits"), [(1, 0.5), (2, 1.0), (4, 2.0), (4, 5.0)])
@pytest.mark.parametrize("signal", ["protein", "time", "clone", "neighbour"])
def test_gaussian_signals_hold_the_bits_asked_for(signal, n_latent, bits, seed):
    cells = simulated(signal, 20_000, 2, n_latent, bits, umis_per_cell=1.0, seed=seed)
    state = state_of(signal, 20_000, n_latent, bits, seed)
    assert cells.ceiling_bits == bits
    assert gaussian_bits(state, cells.signal) == pytest.approx(bits, abs=0.06)
    # The formula needs a standard normal state.
    np.testing.assert_allclose(np.cov(state.T), np.eye(n_latent).squeeze(), atol=0.12)


@pytest.mark.parametrize("bits", [0.1, 1.0, 2.5, 3.0])
def test_labels_hold_the_bits_asked_for(bits):
    cells = simulated("label", 40_000, 2, 3, bits, umis_per_cell=1.0)
    state = state_of("label", 40_000, 3, bits, 0)
    eighth = np.digitize(np.arctan2(state[:, 1], state[:, 0]), np.linspace(-np.pi, np.pi, 9)[1:-1])
    assert plug_in(eighth, cells.signal, correct=True).bits == pytest.approx(bits, abs=0.03)
    assert entropy(cells.signal) == pytest.approx(3, abs=0.01)
    # Flipped labels fall on every other sector alike.
    table = pd.crosstab(eighth, cells.signal, normalize="index").to_numpy()
    off = table[~np.eye(8, dtype=bool)]
    assert off.max() - off.min() < 0.03


@pytest.mark.parametrize("n_cells", [8, 9, 501])
def test_neighbours_never_straddle_the_split(n_cells):
    cells = simulated("neighbour", n_cells, 2, seed=4)
    state = state_of("neighbour", n_cells, 4, 2.0, 4)
    partner = np.array([np.flatnonzero((state == y).all(axis=1)).item() for y in cells.signal])
    assert (cells.folds[partner] == cells.folds).all()
    assert (np.abs(partner - np.arange(n_cells)) == 1).all()


@pytest.mark.parametrize("distance", [0.05, 0.2, 0.4])
def test_neighbours_beyond_a_distance_are_the_nearest_of_those(distance):
    """As a full table of distances says, each of the ``k`` drawn now and then."""
    positions, folds = np.random.default_rng(0).uniform(size=(120, 2)), np.arange(120) % 2
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    apart[(apart <= distance) | (folds[:, None] != folds)] = np.inf
    nearest = np.sort(np.argsort(apart, axis=1)[:, :3], axis=1)
    drawn = np.array([neighbours(positions, folds, 3, seed, distance) for seed in range(60)])
    assert all(set(drawn[:, i]) == set(nearest[i]) for i in range(120))


def test_a_neighbour_is_any_of_the_two():
    state = state_of("neighbour", 2000, 2, 1.0, 0)
    signal = simulated("neighbour", 2000, 2, 2, 1.0).signal
    before = (signal[1:-1] == state[:-2]).all(axis=1).mean()
    assert before == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("overdispersion", [0.0, 0.5])
@pytest.mark.parametrize("depth", [50.0, 4000.0])
@pytest.mark.parametrize("signal", ["protein", "label"])
def test_mean_depth_is_what_was_asked_for(signal, depth, overdispersion):
    cells = simulated(signal, 4000, 200, umis_per_cell=depth, overdispersion=overdispersion)
    assert cells.counts.sum(axis=1).mean() == pytest.approx(depth, rel=0.03)
    assert cells.umis_per_cell == pytest.approx(depth, rel=0.03)


@pytest.mark.parametrize("overdispersion", [0.0, 0.5, 2.0])
def test_variance_of_counts_is_negative_binomial(overdispersion):
    rng = np.random.default_rng(0)
    blocks = _draw_blocks(np.zeros((20_000, 1)), 20, 200.0, overdispersion, rng)
    counts = np.vstack([block.toarray() for block in blocks])
    mean, size_cv2 = counts.mean(axis=0), np.expm1(0.2**2)  # cells vary in size, log-normal with sigma 0.2
    variance = mean + (overdispersion * (1 + size_cv2) + size_cv2) * mean**2
    assert np.median(counts.var(axis=0) / variance) == pytest.approx(1, abs=0.04)


def test_counts_follow_the_state():
    """Without this the ceiling would be true and useless: deep counts must give the state away."""
    cells = simulated("time", 2000, 100, 1, 5.0, umis_per_cell=1e5)
    share = np.log1p(cells.counts.toarray() / cells.counts.sum(axis=1).A1[:, None])
    axis = np.linalg.svd(share - share.mean(0), full_matrices=False)[0][:, 0]
    assert abs(np.corrcoef(axis, cells.signal[:, 0])[0, 1]) > 0.9


@pytest.mark.parametrize("signal", SIGNALS)
def test_simulated_cells_follow_their_seed(signal):
    one, again, other = (simulated(signal, 100, 20, seed=s) for s in (1, 1, 2))
    assert one.data_hash == again.data_hash != other.data_hash
    assert one.fold == 0
    assert (len(one.train), len(one.probe)) == (50, 50)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"signal": "protien"}, "unknown signal of simulated 'protien': did you mean 'protein'"),
        ({"signal": "label", "information_bits": 4}, r"signal 'label' is 4: .* in \(0, 3\]"),
        ({"signal": "label", "n_latent": 1}, r"n_latent is 1: .*\[2, 64\]"),
        ({"information_bits": 0}, r"information_bits .* is 0: .*\(0, 20\]"),
        ({"umis_per_cell": np.nan}, r"umis_per_cell is nan: .*\[0\.01, 1e\+07\]"),
        ({"overdispersion": -1}, "overdispersion is -1"),
        ({"n_cells": 7}, r"n_cells is 7: .*\[8, "),
        ({"n_cells": 100.5}, r"n_cells is 100\.5"),
        ({"n_genes": 1}, "n_genes is 1"),
        ({"ncells": 100}, "option of dataset simulated 'ncells': did you mean 'n_cells'"),
    ],
)
def test_impossible_simulations_are_told(options, told):
    with pytest.raises(ValueError, match=told):
        load("simulated", **options)


# Real cells


@pytest.fixture(scope="module")
def pbmc():
    return load("pbmc68k")


def test_pbmc68k_is_the_published_matrix(pbmc):
    assert pbmc.counts.shape == (700, 765)
    assert pbmc.counts.dtype.kind == "i"
    assert pbmc.counts.min() == 0
    totals = pbmc.counts.sum(axis=1).A1
    assert totals.mean() == pytest.approx(695, abs=1)
    assert (totals + pbmc.other_umis).mean() == pytest.approx(3506.44, abs=0.005)
    assert pbmc.other_umis.min() >= 0
    assert len(pbmc.genes) == 765
    assert pbmc.independent_signal is False
    assert len(set(pbmc.signal)) == 10


def test_pbmc68k_counts_give_the_stored_values_back(pbmc):
    import warnings

    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = sc.datasets.pbmc68k_reduced().raw.X.toarray()
    totals = (pbmc.counts.sum(axis=1).A1 + pbmc.other_umis)[:, None]
    np.testing.assert_allclose(np.log1p(pbmc.counts.toarray() * 1e4 / totals), stored, atol=6e-4)


def test_pbmc68k_ceiling_is_the_entropy_of_its_labels(pbmc):
    share = pd.Series(pbmc.signal).value_counts(normalize=True)
    assert pbmc.ceiling_bits == pytest.approx(-(share * np.log2(share)).sum(), abs=1e-12)
    assert pbmc.ceiling_bits == pytest.approx(2.75, abs=0.005)


@pytest.mark.parametrize("n_folds", [2, 5, 8])
def test_pbmc68k_folds_partition_the_cells_and_are_stratified(n_folds):
    cells = load("pbmc68k", n_folds=n_folds)
    assert cells.n_folds == n_folds
    sides = [cells.with_fold(f) for f in range(n_folds)]
    assert sorted(np.concatenate([s.probe for s in sides]).tolist()) == list(range(700))
    assert all(sorted([*s.probe, *s.train]) == list(range(700)) for s in sides)
    table = pd.crosstab(cells.folds, cells.signal)
    assert (table.max() - table.min()).max() <= 1


def test_pbmc68k_split_follows_its_seed(pbmc):
    assert pbmc.data_hash == load("pbmc68k").data_hash
    assert (pbmc.folds != load("pbmc68k", split_seed=1).folds).any()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n_folds": 9}, r"n_folds is 9: .*\[2, 8\].*8 cells carry the rarest label"),
        ({"n_folds": 1}, "n_folds is 1"),
        ({"signal": "protein"}, "unknown signal of pbmc68k 'protein'.*cell_type"),
        ({"fold": 1}, "option of dataset pbmc68k 'fold': did you mean 'n_folds'"),
    ],
)
def test_impossible_pbmc68k_is_told(options, told):
    with pytest.raises(ValueError, match=told):
        load("pbmc68k", **options)


# Every dataset


def test_available_names_every_dataset_with_one_line():
    assert {"pbmc68k", "simulated", "spleen_lymph"} <= set(available())
    assert all(line.endswith((".", "download")) and "\n" not in line for line in available().values())


def test_unknown_dataset_is_told():
    with pytest.raises(ValueError, match="unknown dataset 'pbmc86k': did you mean 'pbmc68k'"):
        load("pbmc86k")


@pytest.mark.parametrize("name", ["pbmc68k", "simulated"])
def test_description_agrees_with_the_data(name):
    cells = load(name)
    told = cells.describe()
    assert told["cells"] == cells.n_cells == cells.counts.shape[0]
    assert told["genes"] == cells.counts.shape[1]
    assert told["mean UMIs per cell, all genes"] == pytest.approx(cells.umis_per_cell, abs=0.05)
    assert f"{cells.ceiling_bits:.2f} bits" == told["ceiling"]
    assert told["signal independent of the counts"] == ("yes" if cells.independent_signal else "NO")


@given(st.lists(st.integers(0, 2), min_size=6, max_size=30).filter(lambda f: min(map(f.count, range(3))) >= 2))
def test_train_and_probe_are_disjoint_and_complete(folds):
    n = len(folds)
    cells = tiny(counts=np.ones((n, 2)), signal=np.arange(n), folds=folds)
    for fold in range(3):
        side = cells.with_fold(fold)
        assert sorted([*side.train, *side.probe]) == list(range(n))
        assert {folds[i] for i in side.probe} == {fold}
        assert side.counts is not None
        assert side.data_hash == cells.data_hash


def test_depth_counts_the_genes_left_out():
    cells = tiny(other_umis=[1, 2, 100, 100])
    assert cells.umis_per_cell == pytest.approx(((0 + 1 + 1) + (2 + 3 + 2)) / 2)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": np.arange(8).reshape(4, 2) + 1},
        {"signal": np.array([0, 1, 1, 0])},
        {"folds": np.array([0, 1, 0, 1])},
        {"other_umis": np.array([1, 0, 0, 0])},
        {"signal": np.array([0.0, 1.0, 0.0, 1.5])},
        {"partners": np.array([1, 0, 3, 2])},
    ],
)
def test_hash_changes_with_the_content(change):
    assert tiny(**change).data_hash != tiny().data_hash


@pytest.mark.parametrize(
    "same",
    [
        {"counts": np.arange(8.0).reshape(4, 2)},
        {"counts": sparse.csc_matrix(np.arange(8).reshape(4, 2))},
        {"counts": np.arange(8, dtype=np.int16).reshape(4, 2)},
        {"folds": np.array([0, 0, 1, 1], np.int8)},
        {"signal": ["a", "b", "a", "b"]},
        {"name": "other", "about": "words do not change a measurement"},
    ],
)
def test_hash_is_that_of_the_content_not_of_its_container(same):
    assert tiny(**same).data_hash == tiny().data_hash


def test_the_state_of_a_partner_is_the_same_data_on_another_processor():
    state = np.array([0.1, 0.7, 0.4, 0.3])
    one, other = (tiny(signal=state * (1 + error), partners=np.array([1, 0, 3, 2])) for error in (0, 1e-13))
    assert one.data_hash == other.data_hash != tiny(signal=state, partners=np.array([2, 3, 0, 1])).data_hash


@pytest.mark.parametrize("partners", [[0, 1, 2], [0, 1, 2, 4], [-2, 0, 1, 2], [0.0, 1.0, 2.0, 3.0]])
def test_partners_are_rows_of_cells(partners):
    with pytest.raises(ValueError, match="partners"):
        tiny(partners=np.array(partners))


@pytest.mark.parametrize("signal", [[0, 1, 0, 1], pd.Series([0, 1, 0, 1], index=[3, 2, 1, 0]), list("abab")])
def test_signal_is_taken_by_position_whatever_its_container(signal):
    cells = tiny(signal=signal)
    assert np.asarray(cells.signal[cells.probe]).tolist() == list(np.asarray(signal)[:2])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signal": [0, 0, 0, 0]}, "signal 'y' of tiny is constant over 4 cells"),
        ({"signal": [0.5] * 4}, "constant"),
        ({"signal": [0.5, np.nan, 1, 1]}, r"signal 'y' of tiny holds NaN.*row 1"),
        ({"signal": ["a", None, "b", "b"]}, "signal 'y' of tiny holds 1 missing labels"),
        ({"signal": [0, 1, 1]}, "counts has 4 rows, signal has 3 rows, folds has 4 rows"),
        ({"counts": np.full((4, 2), 0.5)}, r"counts of tiny holds 0\.5"),
        ({"folds": [0, 1, 1, 1]}, r"tiny has 1 probe cell\(s\): at least 2"),
        ({"folds": [0, 0, 0, 0]}, r"tiny has 0 train cell\(s\): at least 2"),
        ({"fold": 2}, r"fold of tiny is 2: .*\[0, 1\]"),
        ({"folds": ["a", "a", "b", "b"]}, "folds of tiny"),
        ({"other_umis": [-5, 0, 0, 0]}, "other_umis of tiny"),
        ({"genes": np.array(["one"])}, "gene"),
    ],
)
def test_impossible_datasets_are_told(change, told):
    with pytest.raises(ValueError, match=told):
        tiny(**change)


def test_datasets_can_be_compared():
    cells = tiny()
    same = cells
    assert cells == same
    assert cells != tiny(fold=1)
