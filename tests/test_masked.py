"""Masked reconstruction: model, masks, losses, training, sweep; each against an answer known otherwise."""

import copy
import importlib.util
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from helpers.datasets import load
from helpers.datasets.simulated import simulated
from helpers.findings import losses, thinned_losses
from helpers.findings import papers as published
from helpers.laws import ModelSizeLaw
from helpers.noise import thin_twice
from helpers.preprocess import genes as preprocess
from helpers.representations import MaskedReconstruction, reconstruction, scoring, training
from helpers.representations.objective import SMALLEST_VARIANCE, Objective, Training, entropy_of_mse, hidden_genes
from helpers.representations.reconstruction import train_reconstruction
from helpers.representations.scoring import linear_losses, score
from helpers.representations.set_transformer import PRESETS, SetTransformer, forward_flops, n_parameters, shape_of
from helpers.representations.training import seeded
from helpers.store.rows import Store
from helpers.sweep import reconstruction as reconstruction_sweep
from helpers.sweep.engine import run_sweep
from helpers.sweep.reconstruction import ReconstructionGrid, counting_noise, planned, ranked_genes, sides_of, split

# Parameters of the released runs with 1,024 genes (scaling_table.csv of Kendiukhov 2026).
RELEASED_1024 = {
    "XXS": 1045, "XS": 165_761, "S": 924_673, "M": 19_440_641, "L": 101_033_041, "XL": 341_557_249,
}  # fmt: skip


def model_of(n_genes: int = 20, size: str = "32/2/4/2", outputs: int = 1, seed: int = 0) -> SetTransformer:
    with seeded(seed):
        return SetTransformer(n_genes, size, outputs).eval()


def correlated(n: int = 200, genes: int = 12, seed: int = 0) -> np.ndarray:
    """Values in which each gene follows two hidden factors."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2)) @ np.random.default_rng(1).normal(size=(2, genes))
    return (factors + 0.1 * rng.normal(size=(n, genes)) + 2).astype(np.float32)


# --- the model ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", PRESETS)
@pytest.mark.parametrize("n_genes", [512, 1024])
def test_presets_have_the_parameters_of_the_released_runs(size, n_genes):
    with torch.device("meta"):
        own = sum(p.numel() for p in SetTransformer(n_genes, size).parameters())
    assert own == n_parameters(size, n_genes)
    released = published.masked_runs("mse").groupby("size")["params"].first().to_dict()
    known = released if n_genes == 512 else RELEASED_1024
    if size in known:
        assert own == known[size]


@given(
    st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(2, 40), st.integers(1, 5)
)
@settings(max_examples=25, deadline=None)
def test_parameters_are_counted_for_any_shape(half_width, heads, layers, multiple, genes, outputs):
    size = f"{half_width * heads}/{layers}/{heads}/{multiple}"
    model = SetTransformer(genes, size, outputs)
    assert n_parameters(size, genes, outputs) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("size", ["XXS", "TINY", "XS", "24/3/2/3"])
@pytest.mark.parametrize(("n_genes", "asked", "outputs"), [(40, 6, 1), (17, 1, 2), (9, 8, 16)])
def test_operations_agree_with_torchs_own_count(size, n_genes, asked, outputs):
    model = model_of(n_genes, size, outputs)
    hidden = torch.arange(asked)[None]
    # Of the kernels of attention, torch counts the plain one.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(torch.rand(1, n_genes), hidden)
    assert counter.get_total_flops() == forward_flops(size, n_genes, asked, outputs)


def test_hidden_values_cannot_leak():
    model = model_of()
    values = torch.rand(5, 20)
    asked = torch.from_numpy(hidden_genes(5, 20, 4, np.random.default_rng(0)))
    expected = model(values, asked)
    for other in (0.0, 1e30, torch.inf, torch.nan):
        assert torch.equal(model(values.scatter(1, asked, other), asked), expected)
    values.requires_grad_(True)
    model(values, asked).sum().backward()
    slopes = values.grad.gather(1, asked)
    assert (slopes == 0).all()
    assert (values.grad != 0).sum() == values.numel() - asked.numel()


def test_known_values_matter():
    model, values, asked = model_of(), torch.rand(2, 20), torch.tensor([[0], [5]])
    changed = values.clone()
    changed[:, 7] += 1
    assert (model(values, asked) - model(changed, asked)).abs().min() > 1e-6


def test_genes_may_come_in_any_order():
    model, values = model_of(outputs=2), torch.rand(3, 20)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.genes.weight.copy_(model.genes.weight[order])
    asked = torch.tensor([[1, 4], [0, 19], [7, 2]])
    moved = torch.argsort(order)[asked]
    torch.testing.assert_close(model(values, asked), other(values[:, order], moved), atol=1e-5, rtol=1e-5)
    pooled = model.states(values).mean(1), other.states(values[:, order]).mean(1)
    torch.testing.assert_close(*pooled, atol=1e-5, rtol=1e-5)


def test_asked_genes_get_what_all_genes_would():
    model, values = model_of(), torch.rand(4, 20)
    asked = torch.from_numpy(hidden_genes(4, 20, 5, np.random.default_rng(0)))
    states = model.value(values.unsqueeze(-1))
    states = torch.where(torch.zeros(4, 20).scatter(1, asked, 1.0)[..., None] > 0, model.hidden, states)
    states = states + model.genes.weight
    for block in model.blocks:  # no shortcut in the last one
        states = block(states)
    full = model.head(states).gather(1, asked[..., None])
    torch.testing.assert_close(model(values, asked), full, atol=1e-5, rtol=1e-5)


def test_attention_is_the_textbook_formula():
    model = model_of(size="8/1/2/1")
    block, states = model.blocks[0], torch.rand(1, 20, 8)
    normed = block.norm_attention(states)
    query, pair = block.query(normed), block.key_value(normed).view(1, 20, 2, 8)
    heads = []
    for head in range(2):
        key, value = pair[:, :, head, :4], pair[:, :, head, 4:]
        weights = torch.softmax(query[:, :, 4 * head : 4 * head + 4] @ key.transpose(1, 2) / 2, dim=-1)
        heads.append(weights @ value)
    after = states + block.joined(torch.cat(heads, -1))
    torch.testing.assert_close(block(states), after + block.inside(block.norm_forward(after)), atol=1e-5, rtol=1e-5)


def test_the_smallest_preset_is_one_constant_a_gene():
    model, asked = model_of(size="XXS"), torch.tensor([[3, 8]] * 6)
    predicted = model(torch.randn(6, 20), asked)
    assert (predicted - predicted[0]).abs().max() < 1e-6


@pytest.mark.parametrize("size", ["HUGE", "32/1/4", "32/1/5/4", "0/1/1/1", "a/b/c/d", "-8/1/1/1", "32/0/1/1"])
def test_sizes_that_do_not_exist_are_refused(size):
    with pytest.raises(ValueError, match=r"size|width|layers"):
        shape_of(size)


# --- losses ------------------------------------------------------------------------------------------------------


def test_losses_are_their_definitions():
    rng = np.random.default_rng(0)
    train = np.abs(rng.normal(size=(50, 6))).astype(np.float32) * (rng.random((50, 6)) < 0.7)
    values = torch.from_numpy(train[:5])
    predicted = torch.from_numpy(rng.normal(size=(5, 6, 2)).astype(np.float32))
    squared = Objective(Training(), train).losses(predicted[..., :1], values)
    np.testing.assert_allclose(squared, (predicted[..., 0] - values) ** 2)
    spread = np.sqrt(np.exp(predicted[..., 1].numpy()) + SMALLEST_VARIANCE)
    expected = -stats.norm.logpdf(values.numpy(), predicted[..., 0].numpy(), spread)
    np.testing.assert_allclose(Objective(Training(loss="nll"), train).losses(predicted, values), expected, rtol=1e-4)
    bins = Objective(Training(loss="bins", n_bins=5), train)
    assert bins.outputs == 5
    codes = bins.binned(values)
    assert ((codes == 0) == (values == 0)).all()
    scores = torch.from_numpy(rng.normal(size=(5, 6, 5)).astype(np.float32))
    shares = torch.softmax(scores, -1).numpy()
    expected = -np.log(np.take_along_axis(shares, codes.numpy()[..., None], -1)[..., 0])
    np.testing.assert_allclose(bins.losses(scores, values), expected, rtol=1e-4)


def test_bins_hold_equal_shares_of_the_positive_values():
    train = np.random.default_rng(0).random((4000, 3)).astype(np.float32)
    bins = Objective(Training(loss="bins", n_bins=9), train)
    shares = np.bincount(bins.binned(torch.from_numpy(train)).numpy().ravel()) / train.size
    np.testing.assert_allclose(shares[1:], 1 / 8, atol=0.01)


def test_bits_of_losses():
    x = np.random.default_rng(0).normal(0, 1.7, 200_000)
    assert entropy_of_mse(np.mean(x**2)) == pytest.approx(stats.norm(0, 1.7).entropy() / np.log(2), abs=0.01)
    train = np.ones((3, 3), np.float32)
    assert Objective(Training(loss="nll"), train).bits(np.log(2)) == pytest.approx(1.0)
    assert Objective(Training(loss="bins"), train).bits(np.log(8)) == pytest.approx(3.0)


@pytest.mark.parametrize("loss", ["mse", "nll", "bins"])
def test_the_gene_mean_has_the_loss_it_should(loss):
    rng = np.random.default_rng(0)
    train = (rng.poisson(2.0, (500, 4)) * np.array([1, 2, 0, 3])).astype(np.float32)
    of_genes = Objective(Training(loss=loss, n_bins=4), train).of_genes(train, train)
    if loss == "mse":
        np.testing.assert_allclose(of_genes.mean(axis=0), train.var(axis=0), rtol=1e-5)
    elif loss == "nll":
        variance = train.var(axis=0) + SMALLEST_VARIANCE
        expected = 0.5 * (np.log(2 * np.pi * variance) + train.var(axis=0) / variance)
        np.testing.assert_allclose(of_genes.mean(axis=0), expected, rtol=1e-4)
    else:
        objective = Objective(Training(loss=loss, n_bins=4), train)
        codes = objective.binned(torch.from_numpy(train)).numpy()
        for gene in range(4):
            shares = (np.bincount(codes[:, gene], minlength=objective.outputs) + 1) / (500 + objective.outputs)
            np.testing.assert_allclose(of_genes[:, gene], -np.log(shares[codes[:, gene]]))


def test_the_linear_predictor_is_exact_for_gaussians():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(10, 10))
    covariance = root @ root.T / 10 + 0.1 * np.eye(10)
    x = rng.multivariate_normal(np.ones(10), covariance, 30_000)
    hidden = hidden_genes(3000, 10, 2, rng)
    precision = np.linalg.inv(covariance)
    known = np.mean([np.diag(np.linalg.inv(precision[np.ix_(h, h)])) for h in hidden])
    for loss in ("mse", "nll"):
        objective = Objective(Training("TINY", loss), x)
        found = linear_losses(objective, x[:27_000], x[27_000:], hidden).mean()
        if loss == "mse":
            assert found == pytest.approx(known, rel=0.03)
        else:
            exact = [0.5 * np.log(2 * np.pi * np.e * np.diag(np.linalg.inv(precision[np.ix_(h, h)]))) for h in hidden]
            assert found == pytest.approx(np.mean(exact), abs=0.06)  # the smallest variance allowed adds a little
    assert np.isnan(linear_losses(Objective(Training(loss="bins"), x), x[:50], x[:5], hidden[:5])).all()


@given(st.integers(1, 30), st.integers(2, 60), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_masks_hide_different_genes_of_each_cell(cells, genes, seed):
    k = Training().n_hidden(genes)
    hidden = hidden_genes(cells, genes, k, np.random.default_rng(seed))
    assert hidden.shape == (cells, k)
    assert all(len(set(row)) == k for row in hidden.tolist())
    assert 0 <= hidden.min() <= hidden.max() < genes


def test_masks_are_uniform():
    hidden = hidden_genes(20_000, 10, 3, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(hidden.ravel()) / 20_000, 0.3, atol=0.02)


# --- training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "nll", "bins"])
@pytest.mark.parametrize("size", ["TINY", "XS"])
def test_training_beats_the_gene_mean(size, loss):
    cells = load("simulated", n_cells=1500)
    train, validation, test = split(cells)
    ready = preprocess.prepare(cells.counts[train], cells.counts[np.r_[validation, test]], n_top=48)
    held = ready.probe[: len(validation)], ready.probe[len(validation) :]
    how = Training(size, loss, steps=200 if size == "TINY" else 100)
    made = train_reconstruction(ready.train, held[0], how)
    found = score(made, ready.train, held[1])
    assert found.loss + 2 * found.gain_stderr < found.mean_loss


@pytest.mark.slow
@pytest.mark.parametrize(("size", "steps", "genes"), [("S", 150, 48), ("M", 60, 24)])
def test_larger_presets_beat_the_gene_mean(size, steps, genes):
    cells = load("simulated", n_cells=1500)
    train, validation, test = split(cells)
    ready = preprocess.prepare(cells.counts[train], cells.counts[np.r_[validation, test]], n_top=genes)
    held = ready.probe[: len(validation)], ready.probe[len(validation) :]
    made = train_reconstruction(ready.train, held[0], Training(size, steps=steps, batch=16))
    found = score(made, ready.train, held[1])
    assert found.loss + 2 * found.gain_stderr < found.mean_loss


def test_training_counts_what_it_did():
    x = correlated()
    how = Training("TINY", steps=7, batch=8, validate_every=5)
    made = train_reconstruction(x[:150], x[150:], how)
    assert made.history["step"].tolist() == [0, 5, 7]
    assert (made.steps, made.cells, made.tokens) == (7, 56, 56 * 12)
    assert made.flops == 3 * forward_flops("TINY", 12, 2) * 56
    assert made.history["flops"].iloc[-1] == made.flops
    # 50 validation cells are masked six times each, so that there are at least 256 rows.
    assert made.validation_flops == forward_flops("TINY", 12, 2) * 300 * 3


def test_fewer_cells_than_a_batch():
    x = correlated(20)
    made = train_reconstruction(x[:3], x[3:], Training("TINY", steps=4, batch=32))
    assert made.cells == 12


def test_equal_seeds_equal_numbers_and_global_state_is_left_alone():
    x = correlated()
    state = torch.get_rng_state()
    runs = [train_reconstruction(x[:150], x[150:], Training("TINY", steps=10), seed=s) for s in (0, 0, 1)]
    pd.testing.assert_frame_equal(runs[0].history, runs[1].history)
    assert not runs[0].history["validation"].equals(runs[2].history["validation"])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("micro", [1, 3, 8])
def test_gradients_may_be_added_up_in_parts(micro):
    x = correlated()
    whole = train_reconstruction(x[:150], x[150:], Training("TINY", steps=12, batch=8))
    parts = train_reconstruction(x[:150], x[150:], Training("TINY", steps=12, batch=8, micro_batch=micro))
    np.testing.assert_allclose(whole.history["validation"], parts.history["validation"], rtol=1e-3)


class Killed(Exception):
    """Stands for a process that ends."""


@pytest.mark.parametrize("last", [1, 5, 6, 13, 19, 20])
@pytest.mark.parametrize("loss", ["mse", "nll"])
def test_resumed_training_equals_one_that_was_never_stopped(tmp_path, monkeypatch, last, loss):
    x, how = correlated(), Training("TINY", loss, steps=20, validate_every=5)
    straight = train_reconstruction(x[:150], x[150:], how)
    learn, file = training.Loop._learn, tmp_path / "state.pt"

    def killed(self, *batch):
        if self.step == last:
            raise Killed
        learn(self, *batch)

    monkeypatch.setattr(training.Loop, "_learn", killed)
    if last < 20:
        with pytest.raises(Killed):
            train_reconstruction(x[:150], x[150:], how, checkpoint=file)
        assert file.exists() == (last >= 5)
    monkeypatch.setattr(training.Loop, "_learn", learn)
    resumed = train_reconstruction(x[:150], x[150:], how, checkpoint=file)
    pd.testing.assert_frame_equal(straight.history, resumed.history)
    for a, b in zip(straight.model.state_dict().values(), resumed.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert not file.exists()


def test_a_training_that_lost_patience_stays_stopped(tmp_path, monkeypatch):
    x = correlated()
    how = Training("TINY", steps=200, validate_every=1, patience=2, rate=0.5)
    straight = train_reconstruction(x[:150], x[150:], how)
    assert straight.steps < 200
    file, restore = tmp_path / "state.pt", training.BestWeights.restore

    def killed(self):
        raise Killed

    monkeypatch.setattr(training.BestWeights, "restore", killed)
    with pytest.raises(Killed):  # at the very end, with the state written
        train_reconstruction(x[:150], x[150:], how, checkpoint=file)
    monkeypatch.setattr(training.BestWeights, "restore", restore)
    resumed = train_reconstruction(x[:150], x[150:], how, checkpoint=file)
    assert resumed.steps == straight.steps
    pd.testing.assert_frame_equal(straight.history, resumed.history)


def test_checkpoints_of_others_are_refused_and_broken_ones_named(tmp_path):
    x, file = correlated(), tmp_path / "state.pt"
    how, model = Training("TINY", steps=2), model_of(12, "TINY")
    loop = training.Loop(model, torch.optim.AdamW(model.parameters()), lambda rows, step: [])
    reconstruction._Checkpoint(file, loop, reconstruction._identity(Training("TINY", steps=3), 0, x)).save(3)
    with pytest.raises(ValueError, match=r"steps: 3 there, 2 here.*delete it"):
        train_reconstruction(x[:150], x[150:], how, checkpoint=file)
    torch.save({"weights": torch.zeros(2)}, file)
    with pytest.raises(ValueError, match="no checkpoint"):
        train_reconstruction(x[:150], x[150:], how, checkpoint=file)
    file.write_bytes(b"broken")
    with pytest.warns(UserWarning, match=r"state\.pt cannot be read"):
        train_reconstruction(x[:150], x[150:], how, checkpoint=file)


class Harmful:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("code of a checkpoint was run",))


def test_a_checkpoint_runs_no_code(tmp_path):
    x, file = correlated(), tmp_path / "state.pt"
    file.write_bytes(pickle.dumps(Harmful(), protocol=2))
    with pytest.warns(UserWarning, match="cannot be read"):
        train_reconstruction(x[:150], x[150:], Training("TINY", steps=1), checkpoint=file)


def test_training_that_diverges_says_so():
    x = correlated() * 1e30
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        train_reconstruction(x[:150], x[150:], Training("TINY", steps=3))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"loss": "mea"}, "did you mean"), ({"steps": -1}, "steps"), ({"mask": 0.0}, "mask"), ({"batch": 0}, "batch"),
        ({"micro_batch": 64}, "micro_batch"), ({"rate": 0.0}, "rate"), ({"n_bins": 1}, "n_bins"),
        ({"size": "Q"}, "size"),
    ],
)  # fmt: skip
def test_bad_options_are_named(options, told):
    with pytest.raises(ValueError, match=told):
        Training(**options)


def test_no_expression_cannot_be_cut_into_bins():
    with pytest.raises(ValueError, match="above 0"):
        train_reconstruction(np.zeros((5, 4)), np.zeros((2, 4)), Training("TINY", "bins"))


def test_sides_must_have_the_same_genes():
    with pytest.raises(ValueError, match="4 genes, validation cells 5"):
        train_reconstruction(np.ones((5, 4)), np.ones((2, 5)), Training("TINY"))


def test_the_representation_learns_and_keeps_more_than_noise():
    x = correlated(300)
    model = MaskedReconstruction(dim=4, size="TINY", steps=200).fit(x[:200])
    embedded = model.transform(x[200:])
    assert embedded.shape == (100, 4)
    # The two factors are in the embedding.
    explained = np.linalg.lstsq(np.c_[embedded, np.ones(100)], x[200:], rcond=None)[1].sum() / (
        100 * x.var(axis=0).sum()
    )
    assert explained < 0.3
    assert MaskedReconstruction(size="TINY", steps=1, reduce=None).fit(x).transform(x).shape == (300, 16)


# --- cells -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(0.01, 0.5))
@settings(max_examples=25, deadline=None)
def test_two_thinnings_share_no_molecule(seed, fraction):
    counts = np.random.default_rng(seed).poisson(3.0, (20, 7))
    first, second = thin_twice(counts, fraction, seed)
    assert ((first + second).toarray() <= counts).all()
    if fraction == 0.5:
        assert ((first + second).toarray() == counts).all()


def test_two_thinnings_of_poisson_counts_are_independent():
    counts = np.random.default_rng(0).poisson(6.0, (40_000, 1))
    first, second = (side.toarray().ravel() for side in thin_twice(counts, 0.3, 1))
    for side in (first, second):
        assert side.mean() == pytest.approx(1.8, abs=0.03)
        assert side.var() == pytest.approx(1.8, abs=0.06)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.015
    for bad in (0.0, 0.51, 1.0):
        with pytest.raises(ValueError, match="share no molecule"):
            thin_twice(counts, bad)


def test_counting_noise_is_that_of_known_means():
    # Genes with known means in cells of one size; many more molecules outside, so that totals hardly vary.
    means, n = np.array([0.5, 2.0, 20.0]), 20_000
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(means, (n, 3)))
    others = np.full(n, 1_000_000)
    found = counting_noise(counts, others, np.arange(3), 0.5)
    total = (means.sum() + 1e6) / 2
    for mean, noise in zip(means / 2, found, strict=True):
        k = np.arange(200)
        values, chance = np.log1p(1e4 * k / total), stats.poisson.pmf(k, mean)
        exact = (chance * values**2).sum() - (chance * values).sum() ** 2
        assert noise == pytest.approx(exact, rel=0.05)


def test_no_model_goes_below_the_counting_noise():
    cells = simulated("label", n_cells=3000, n_genes=200, information_bits=2.0)
    grid = ReconstructionGrid(dataset="simulated", sizes=["TINY"], depths=[0.5], seeds=[0], n_genes=[32])
    assert cells.n_cells
    row = reconstruction_sweep.RECONSTRUCTION.measure(grid.points())[0]
    assert row["noise_loss"] < row["linear_loss"] < row["mean_loss"]
    assert row["noise_loss"] < row["test_loss"]


def test_the_split_is_clean():
    cells = load("pbmc68k")
    train, validation, test = split(cells)
    assert sorted([*train, *validation, *test]) == list(range(700))
    assert (len(train), len(validation), len(test)) == (630, 35, 35)
    wanted = pd.Series(cells.signal).value_counts(normalize=True)
    shares = pd.Series(cells.signal[test]).value_counts(normalize=True).reindex(wanted.index, fill_value=0)
    assert (shares - wanted).abs().max() < 1 / 35 + 1e-9
    quarter = split(cells, 5)
    assert set(validation) == set(quarter[1])
    assert set(test) < set(quarter[2])
    with pytest.raises(ValueError, match="test_parts"):
        split(cells, 18)


def test_test_cells_decide_nothing_but_the_score(monkeypatch):
    sides_of.cache_clear()
    cells = load("pbmc68k")
    train, _, test = split(cells)
    sides = sides_of("pbmc68k", (), 0.5, 0, 40, 1)
    counts = cells.counts.tolil(copy=True)
    counts[test] = counts[train[: len(test)]]  # other test cells
    others = cells.other_umis.copy()
    monkeypatch.setattr(
        reconstruction_sweep.data,
        "dataset_of",
        lambda point: replace(cells, counts=counts.tocsr(), other_umis=others),
    )
    sides_of.cache_clear()
    changed = sides_of("pbmc68k", (), 0.5, 0, 40, 1)
    sides_of.cache_clear()
    assert sides.train.shape == changed.train.shape == (630, 40)
    assert not np.array_equal(sides.test, changed.test)
    chosen = ranked_genes(cells.counts[train], 40)[0]
    assert np.array_equal(chosen, ranked_genes(counts.tocsr()[train], 40)[0])


def test_the_test_cells_are_looked_at_once(monkeypatch):
    looked = []
    scored = scoring.score
    monkeypatch.setattr(reconstruction_sweep.scoring, "score", lambda *a: looked.append(a) or scored(*a))
    grid = ReconstructionGrid(dataset="pbmc68k", sizes=["TINY"], n_genes=[16], seeds=[0], training={"steps": 5})
    reconstruction_sweep.RECONSTRUCTION.measure(grid.points())
    assert len(looked) == 1
    assert len(looked[0][2]) == 35


def test_the_first_genes_are_the_same_however_many_are_asked_for():
    cells = load("simulated")
    few, _ = ranked_genes(cells.counts, 128)
    more, _ = ranked_genes(cells.counts, 300)
    assert few.tolist() == more[:128].tolist()
    assert len(set(more.tolist())) == 300
    with pytest.raises(ValueError, match="400 genes have a count"):
        ranked_genes(cells.counts, 401)


def test_a_grid_is_measured_once_and_kept(tmp_path):
    grid = ReconstructionGrid(
        dataset="pbmc68k", sizes=["XXS", "TINY"], losses=["mse", "bins"], n_genes=[16], depths=[1.0, 0.5], seeds=[0],
        training={"steps": 5}, n_train=[20, 630],
    )  # fmt: skip
    store = Store(tmp_path)
    rows = run_sweep(grid, store)
    assert len(rows) == 16
    assert set(rows["status"]) == {"ok"}
    assert (rows["seconds"] > 0).all()
    pd.testing.assert_frame_equal(rows, run_sweep(grid, store))
    assert rows.loc[rows["noise_level"] == 0.5, "noise_loss"].notna().all()
    assert rows.loc[rows["noise_level"] == 1.0, "noise_loss"].isna().all()
    table = losses.against_the_mean(rows)
    assert len(table) == 16
    assert losses.spent(rows)["steps"].tolist() == ["5", "5"]
    assert np.isfinite(table["bits"]).all()


def test_failures_are_rows(tmp_path):
    grid = ReconstructionGrid(dataset="pbmc68k", sizes=["TINY"], n_genes=[5000], seeds=[0], training={"steps": 2})
    rows = run_sweep(grid, Store(tmp_path))
    assert rows["status"].tolist() == ["failed"]
    assert "ask for fewer" in rows["message"][0]


@pytest.mark.parametrize(
    ("settings_of_grid", "told"),
    [
        ({"dataset": "digits"}, "dataset of cells"), ({"dataset": "pbmc68k", "losses": ["mae"]}, "loss"),
        ({"dataset": "pbmc68k", "depths": [0.0]}, "depth"), ({"dataset": "pbmc68k", "sizez": ["XS"]}, "sizez"),
        ({"dataset": "pbmc68k", "training": {"epochs": 3}}, "epochs"),
        ({"dataset": "pbmc68k", "training": {"steps": -3}}, "steps"),
        ({"dataset": "pbmc68k", "test_parts": 30}, "test_parts"),
    ],
)  # fmt: skip
def test_bad_grids_are_refused(settings_of_grid, told):
    with pytest.raises(ValueError, match=told):
        ReconstructionGrid(**settings_of_grid)


def test_points_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"n_train of pbmc68k is 631.*630"):
        ReconstructionGrid(dataset="pbmc68k", n_train=[631]).points()
    with pytest.raises(ValueError, match="size"):
        ReconstructionGrid(dataset="pbmc68k", sizes=["XSS"]).points()
    with pytest.raises(ValueError, match="no labels"):
        ReconstructionGrid(dataset="simulated", options={"signal": "protein"}, information=True).points()


def test_information_of_the_pooled_embedding():
    grid = ReconstructionGrid(
        dataset="pbmc68k",
        sizes=["TINY"],
        n_genes=[64],
        seeds=[0],
        test_parts=8,
        information=True,
        training={"steps": 60},
    )
    row = reconstruction_sweep.RECONSTRUCTION.measure(grid.points())[0]
    assert row["signal"] == "cell_type"
    assert row["n_probe"] == 280
    assert 0.5 < row["mi_bits"] < row["mi_ceiling_bits"] + 0.1
    assert abs(row["mi_null_bits"]) < 0.15


def test_plans_are_valid():
    plan = planned("reference")
    assert {"sizes", "cells", "genes", "depths", "information"} <= set(plan)
    for grid in plan.values():
        assert grid.points()
    assert {"L", "XXS"} < set(planned("paper", options={"path": "cells.h5ad"})["regime_a"].sizes)
    changed = planned("reference", seeds=[7])["sizes"]
    assert {point["seed"] for point in changed.points()} == {7}
    with pytest.raises(ValueError, match="did you mean 'reference'"):
        planned("referense")


# --- from losses to floors ---------------------------------------------------------------------------------------


def runs_of(law: ModelSizeLaw, sizes: dict[str, float], noise: float = 0.0, seeds: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"status": "ok", "loss": "mse", "size": size, "params": p, "seed": seed,
         "test_loss": float(law(p)) + noise * rng.normal()}
        for size, p in sizes.items() for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


SIZES = {"XXS": 500.0, "TINY": 1e4, "XS": 1e5, "S": 1e6, "M": 2e7}


@pytest.fixture(scope="module")
def floor_of_a_half():
    """Fits to runs whose floor is 0.5, and their table."""
    fits = losses.floor_fits(runs_of(ModelSizeLaw(2.0, 0.4, 0.5), SIZES, 1e-4))
    return fits, losses.floor_table(fits)


def test_a_floor_that_is_there_is_identified(floor_of_a_half):
    table = floor_of_a_half[1]
    assert table["sizes"].tolist() == ["all sizes", "without XXS"]
    assert (table["c_low"] < 0.5005).all()
    assert (table["c_high"] > 0.4995).all()
    assert (table["c_high"] - table["c_low"] < 2e-3).all()
    assert table["entropy (bits)"].iloc[0] == pytest.approx(float(entropy_of_mse(0.5)), abs=1e-3)
    assert "identified, for" in losses.floor_in_words(table, "mse")


def test_a_floor_that_the_points_do_not_reach_is_not():
    table = losses.floor_table(losses.floor_fits(runs_of(ModelSizeLaw(2.0, 0.02, 0.1), SIZES, 5e-3)))
    assert "not identified" in losses.floor_in_words(table, "mse")


def test_published_floor_is_the_last_point_of_its_grid():
    runs = published.masked_runs("mse")
    table = losses.floor_table(losses.floor_fits(runs.assign(test_loss=runs["loss"], loss="mse", status="ok")))
    assert table["alpha_grid"].tolist() == pytest.approx([0.266, 0.129], abs=1e-3)
    assert table["c_grid"].iloc[0] == pytest.approx(0.99 * runs["loss"].min())
    assert table["entropy_low"].iloc[0] < table["entropy (bits)"].iloc[0] < table["entropy_high"].iloc[0]


def test_published_likelihoods_are_computed_from_squared_errors():
    squared, likelihood = (published.masked_runs(loss)["loss"] for loss in ("mse", "nll"))
    np.testing.assert_allclose(likelihood, 0.5 * np.log(2 * np.pi * np.e * squared), atol=1e-12)


def test_the_frontier_never_rises():
    history = "[[0,null,1.0],[10,0.9,0.8],[20,0.7,0.85],[30,0.6,0.5]]"
    rows = pd.DataFrame([
        {"status": "ok", "dataset": "d", "loss": "mse", "size": size, "seed": seed, "params": p, "steps": 30,
         "flops": 30.0 * p, "history": history}
        for size, p in (("A", 100.0), ("B", 1000.0)) for seed in (0, 1)
    ])  # fmt: skip
    curves = losses.training_curves(rows)
    assert curves["flops"].min() == 1000.0
    reached = losses.frontier(curves, 8)
    for _, some in reached.groupby("seed"):
        assert (some.sort_values("flops")["validation"].diff().dropna() <= 0).all()
    assert reached["validation"].min() == 0.5


def test_a_floor_above_a_size_is_not_one():
    table = losses.floor_table(losses.floor_fits(runs_of(ModelSizeLaw(2.0, 0.4, 0.5), SIZES).assign(
        test_loss=lambda t: t["test_loss"] + 0.02 * (t["size"] == "M") - 0.02 * (t["size"] == "S"))))  # fmt: skip
    assert "above a size" in table["floor"].tolist() or "not bounded" in " ".join(table["floor"])
    assert "not identified" in losses.floor_in_words(table, "mse")


def test_test_cells_widen_entropies_and_nothing_else(floor_of_a_half):
    fits, plain = floor_of_a_half
    wide = losses.floor_table(fits, cells_error={"mse": 0.01})
    assert plain["c_low"].equals(wide["c_low"])
    assert wide["entropy_low"][0] == pytest.approx(float(entropy_of_mse(0.5 - 0.0196)), abs=2e-3)
    assert wide["entropy_high"][0] == pytest.approx(float(entropy_of_mse(0.5 + 0.0196)), abs=2e-3)


def test_late_falls_are_seen():
    assert losses._late("[[0,null,1.0],[1,0.5,0.5],[2,0.5,0.5],[3,0.5,0.5],[4,0.5,0.5],[5,0.5,0.5]]") == 0
    assert losses._late("[[0,null,1.0],[1,1,1.0],[2,1,1.0],[3,1,1.0],[4,1,1.0],[5,1,0.5]]") == 0.5


def test_tables_of_nothing_say_so():
    failed = pd.DataFrame({"status": ["failed"], "seed": [0]})
    with pytest.raises(ValueError, match="no point was measured"):
        losses.against_the_mean(failed)
    with pytest.raises(ValueError, match="three or more sizes"):
        losses.floor_table({})
    with pytest.raises(ValueError, match="no scale or no genes"):
        thinned_losses.explained(
            pd.DataFrame(
                {"status": ["ok"], "loss": ["nll"], "n_genes": [128], "common_loss": [1.0], "common_mean_loss": [2.0]}
            )
        )


def test_the_benchmarks_loop_is_the_same_model():
    spec = importlib.util.spec_from_file_location("b", Path(__file__).parents[1] / "benchmarks" / "reconstruction.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    model, values, asked = model_of(), torch.rand(3, 20), torch.tensor([[0, 4], [7, 19], [3, 2]])
    loop, batched = benchmark.loop_loss(model, values, asked), benchmark.batched_loss(model, values, asked)
    assert loop.item() == pytest.approx(batched.item(), rel=1e-5)
