"""The trained models: tokens, masks, budgets, the weights they end with, and what they leave behind."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from helpers.noise.counts import thinned_view
from helpers.representations import SCVI, JointEmbedding, Precomputed, Txformer
from helpers.representations.encoder import encode, masked_bits, new_encoder
from helpers.representations.joint_embedding import correlation_loss
from helpers.representations.tokens import Tokens, Vocabulary, mask_tokens, nonzero_medians, rank_tokens
from helpers.representations.training import BestWeights, Loop, batches, warm_up

SHORT = {SCVI: {"steps": 3, "hidden": 16}, JointEmbedding: {"steps": 3, "hidden": 16}, Txformer: {"steps": 3}}
EACH = pytest.mark.parametrize("kind", SHORT)
WORDS = Vocabulary(np.arange(2, 42), np.ones(40), 42)


def short(kind, **options):
    return kind(**{"dim": 4, **SHORT[kind], **options})


def counts(n_cells=40, n_genes=20, seed=0):
    """Two kinds of cell, each with its own half of the genes high."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_cells) % 2
    high = np.equal.outer(kind, np.arange(n_genes) * 2 // n_genes)
    return rng.poisson(np.where(high, 4.0, 0.3))


# ---------------------------------------------------------------- both models


@EACH
def test_cells_without_counts_are_finite_in_training_and_in_the_probe(kind):
    train = counts()
    train[:5] = 0
    code = short(kind).fit(train).transform(np.vstack([np.zeros((2, 20), int), train[5:]]))
    assert np.isfinite(code).all()
    assert (code[0] == code[1]).all()
    with pytest.raises(ValueError, match="number of probe cells is 0"):
        short(kind).fit(train).transform(train[:0])


@EACH
def test_genes_that_are_constant_or_never_seen_in_training(kind):
    train, probe = counts(), counts(seed=1)
    train[:, 0], train[:, 1] = 3, 0
    model = short(kind).fit(train)
    assert np.isfinite(model.transform(probe)).all()


@EACH
def test_another_seed_gives_another_result(kind):
    one, other = (short(kind, seed=s).fit(counts()).transform(counts(seed=1)) for s in (0, 1))
    assert np.abs(one - other).max() > 1e-3


@EACH
@pytest.mark.parametrize("n_cells", [2, 3, 9, 17])
def test_a_last_batch_of_one_cell_does_no_harm(kind, n_cells):
    model = short(kind, batch=8, steps=4).fit(counts(n_cells))
    assert np.isfinite(model.transform(counts())).all()


@EACH
@pytest.mark.parametrize("n_cells", [2, 10, 90])
def test_the_budget_is_in_steps_whatever_the_number_of_cells(kind, n_cells, monkeypatch):
    taken = []

    class Counting(torch.optim.Adam):
        def step(self, *args, **kwargs):
            taken.append(1)
            return super().step(*args, **kwargs)

    monkeypatch.setattr(torch.optim, "Adam", Counting)
    model = short(kind, batch=8, steps=7).fit(counts(n_cells))
    assert len(taken) == 7
    assert model.history_["step"].iloc[-1] == 7


@EACH
def test_nothing_is_left_on_disk_or_printed(kind, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    short(kind).fit(counts()).transform(counts())
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


@EACH
@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"steps": -1}, r"steps is -1: .*\[0, "),
        ({"rate": 0}, r"rate is 0: .*\(0, 1\]"),
        ({"patience": 0}, r"patience is 0: .*\[1, "),
        ({"batch": 1.5}, "batch is 1.5: it must be a whole number"),
        ({"device": "gpu"}, "unknown device 'gpu': .*Known: auto, cpu, cuda"),
    ],
)
def test_impossible_options_are_told(kind, option, told):
    with pytest.raises(ValueError, match=told):
        short(kind, **option).fit(counts())


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 30), st.booleans())
def test_batches_have_one_size_and_leave_no_row_out(n, size, steps, by_length):
    lengths = np.random.default_rng(n).integers(1, 9, n) if by_length else None
    seen = list(batches(n, size, steps, np.random.default_rng(0), lengths))
    assert [len(rows) for rows in seen] == [min(size, n)] * steps
    times = np.bincount(np.concatenate([np.empty(0, int), *seen]), minlength=n)
    assert times.max(initial=0) - times.min() <= 1


def test_best_weights_are_a_copy_and_come_back():
    model = torch.nn.Linear(1, 1)
    best = BestWeights(model, patience=2)
    stops = []
    for loss in (3.0, 1.0, 2.0, np.nan):
        with torch.no_grad():
            model.weight.fill_(loss)  # in place, as an optimiser does
        best.note(loss)
        stops.append(best.at_end)
    assert stops == [False, False, False, True]
    best.restore()
    assert model.weight.item() == 1.0


def test_training_that_never_had_a_finite_loss_is_told():
    best = BestWeights(torch.nn.Linear(1, 1), patience=2)
    best.note(np.nan)
    with pytest.raises(FloatingPointError, match="diverged; lower the learning rate"):
        best.restore()


def line(losses_of, **options):
    """A loop that fits one weight, starting at 1, by plain gradient descent."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    return Loop(
        model, torch.optim.SGD(model.parameters(), lr=0.5), lambda rows, step: losses_of(model.weight), **options
    )


def rows(n):
    return [np.array([0])] * n


def test_gradients_of_the_parts_of_a_loss_add_up_and_its_history_holds_means():
    loop = line(lambda w: (part.sum() for part in (w, 3 * w)), every=2)
    loop.run(rows(3), 3)
    assert loop.model.weight.item() == 1 - 3 * 0.5 * 4
    pd.testing.assert_frame_equal(
        loop.history(step="step", loss="train"), pd.DataFrame({"step": [2, 3], "loss": [0.0, -12.0]})
    )


def test_a_batch_without_a_loss_takes_no_step():
    loop = line(lambda w: [])
    loop.run(rows(2), 2)
    assert (loop.model.weight.item(), loop.rows) == (1.0, [])


def test_the_rate_and_the_norm_of_the_gradient_are_those_given():
    loop = line(lambda w: [100 * w.sum()], rate_at=lambda step: 0.25 * step, clip=2.0)
    loop.run(rows(2), 2)
    assert loop.model.weight.item() == pytest.approx(1 - 2 * 0.25 - 2 * 0.5, abs=1e-6)


def test_a_loss_that_is_not_finite_ends_training_where_nothing_validates_it():
    with pytest.raises(FloatingPointError, match="training loss is nan: training diverged"):
        line(lambda w: [w.sum() * np.nan]).run(rows(2), 2)
    loop = line(lambda w: [w.sum() * np.nan], may_diverge=True, validate=lambda: loop.model.weight.item(), patience=2)
    loop.look()
    loop.run(rows(9), 9)
    assert (loop.step, loop.model.weight.item()) == (2, 1.0)


# ---------------------------------------------------------------- SCVI


def test_scvi_is_the_model_of_scvi_tools():
    """Its own code, given our weights, must give our embedding."""
    import warnings

    import anndata

    ours = short(SCVI).fit(counts())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scvi

        cells = anndata.AnnData(sparse.csr_matrix(counts(seed=1), dtype=np.float32))
        scvi.model.SCVI.setup_anndata(cells)
        theirs = scvi.model.SCVI(cells, n_hidden=16, n_latent=4, gene_likelihood="zinb", dropout_rate=0.1)
        theirs.module.load_state_dict(ours._model.state_dict())
        theirs.is_trained = True
        theirs.module.eval()
        expected = theirs.get_latent_representation()
    np.testing.assert_allclose(ours.transform(counts(seed=1)), expected, atol=1e-5)


def test_scvi_stops_early_with_the_weights_of_its_best_epoch(monkeypatch):
    losses, weights = iter([3.0, 2.0, 5.0, 6.0, 1.0]), []

    def scripted(self, held):
        assert held.shape == (4, 20)
        weights.append({k: v.clone() for k, v in self._model.state_dict().items()})
        return next(losses)

    monkeypatch.setattr(SCVI, "_held_loss", scripted)
    model = short(SCVI, steps=100, batch=18, patience=2).fit(counts())
    assert model.history_["step"].tolist() == [2, 4, 6, 8]  # 36 cells learn: 2 steps an epoch
    final = model._model.state_dict()
    assert all((final[k] == weights[1][k]).all() for k in final)
    assert any((final[k] != weights[3][k]).any() for k in final)


def test_scvi_patience_measures_a_loss_on_held_out_cells():
    model = short(SCVI, steps=30, patience=45).fit(counts())
    assert (model.history_["validation"] > 0).all()
    with pytest.raises(ValueError, match="2 training cells are too few to hold some out"):
        short(SCVI, patience=1).fit(counts(2))


def test_scvi_learns():
    history = SCVI(dim=4, steps=60, hidden=32, rate=1e-2).fit(counts(100)).history_
    assert history["loss"].iloc[-1] < 0.8 * history["loss"].iloc[0]


# ---------------------------------------------------------------- JointEmbedding


@pytest.mark.parametrize("off_diagonal", [0.0, 0.01, 1.0])
def test_the_loss_of_two_views_is_that_of_numpys_correlations(off_diagonal):
    a, b = np.random.default_rng(0).normal(size=(2, 50, 4))
    c = np.corrcoef(a.T, b.T)[:4, 4:]
    expected = ((1 - np.diag(c)) ** 2).sum() + off_diagonal * (c[~np.eye(4, dtype=bool)] ** 2).sum()
    found = correlation_loss(torch.from_numpy(a), torch.from_numpy(b), off_diagonal).item()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_loss_of_two_views_is_that_of_scvi_tools():
    theirs = pytest.importorskip("scvi.external.joint_embedding_scvi._utils", reason="scvi-tools is older than 1.5")
    a, b = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 50, 4)))
    np.testing.assert_allclose(correlation_loss(a, b, 0.01), theirs.cross_correlation_loss(a, b, 0.01), rtol=1e-6)


def test_a_thinned_cell_is_embedded_where_the_whole_one_is():
    """What the second view is for: what the latent numbers of both do not share is less than half of scVI's."""
    cells = counts(400) * 10
    thinned = thinned_view(cells, 10, rng=1)
    apart = []
    for kind in (SCVI, JointEmbedding):
        model = short(kind, steps=150, hidden=32).fit(cells)
        whole, seen = model.transform(cells), model.transform(thinned)
        apart.append(1 - np.mean([np.corrcoef(whole[:, i], seen[:, i])[0, 1] for i in range(4)]))
    assert apart[1] < apart[0] / 2


def test_without_weight_two_views_are_scvi_but_for_what_batch_norm_sees():
    plain, two = (short(kind, **more).fit(counts()) for kind, more in ((SCVI, {}), (JointEmbedding, {"weight": 0.0})))
    assert two.history_["loss"].iloc[0] == pytest.approx(plain.history_["loss"].iloc[0], rel=1e-6)


# ---------------------------------------------------------------- tokens


def test_tokens_of_a_matrix_worked_by_hand():
    train = sparse.csr_matrix([[2, 0, 1, 0, 5], [4, 0, 3, 0, 0], [0, 0, 0, 0, 5]])
    assert nonzero_medians(train).tolist()[0:1] == [3.0]  # of 2 and 4
    words = Vocabulary.learn(train)
    assert words.ids.tolist() == [2, -1, 3, -1, 4]  # genes 1 and 3 have no training count
    assert words.medians.tolist() == [3.0, 1.0, 2.0, 1.0, 5.0]
    assert words.size == 5
    probe = sparse.csr_matrix([
        [3, 9, 4, 0, 1],  # 1.0, no token, 2.0, -, 0.2 → genes 2, 0, 4
        [0, 0, 0, 7, 0],  # nothing known
        [3, 0, 2, 0, 5],  # all 1.0: a tie, by column
        [1, 0, 0, 0, 9],  # 0.33, -, -, -, 1.8
    ])  # fmt: skip
    told = rank_tokens(probe, words)
    assert told.padded(np.arange(4), pad=0).tolist() == [[3, 2, 4], [0, 0, 0], [2, 3, 4], [4, 2, 0]]
    assert told.n_genes.tolist() == [3, 0, 3, 2]
    assert rank_tokens(probe, words, max_length=2).padded(np.arange(4), 0).tolist() == [[3, 2], [0, 0], [2, 3], [4, 2]]


def test_first_and_last_tokens_where_the_vocabulary_has_them():
    words = Vocabulary(np.array([4, 5, 6]), np.ones(3), 7, cls=2, eos=3)
    told = rank_tokens(sparse.csr_matrix([[1, 3, 2], [0, 0, 0]]), words, max_length=4)
    assert told.padded(np.arange(2), 0, to=5).tolist() == [[2, 5, 6, 3, 0], [2, 3, 0, 0, 0]]
    assert told.n_genes.tolist() == [2, 0]


@given(st.integers(0, 10_000))
def test_masks_touch_only_gene_tokens(seed):
    rng = np.random.default_rng(seed)
    words = Vocabulary(np.arange(4, 44), np.ones(40), 44, cls=2, eos=3)
    thin = rng.poisson(rng.uniform(0, 1), (6, 40))
    told = rank_tokens(sparse.csr_matrix(thin), words)
    sentences = told.padded(np.arange(6), words.pad)
    inputs, labels = mask_tokens(sentences, words, rng)
    asked = labels != -100
    assert (labels[asked] == sentences[asked]).all()
    assert (sentences[asked] >= 4).all()
    assert (inputs[~asked] == sentences[~asked]).all()
    assert (labels[~asked] == -100).all()
    expected = [max(1, round(0.15 * n)) if n else 0 for n in told.n_genes]
    assert asked.sum(axis=1).tolist() == expected


def test_masks_are_15_percent_of_which_80_hidden_10_replaced_10_kept():
    sentences = np.tile(np.arange(2, 42), (4000, 1))
    inputs, labels = mask_tokens(sentences, WORDS, np.random.default_rng(0))
    asked = labels != -100
    assert asked.mean() == 0.15
    hidden, kept = (inputs[asked] == WORDS.mask).mean(), (inputs[asked] == labels[asked]).mean()
    assert hidden == pytest.approx(0.8, abs=0.01)
    assert kept == pytest.approx(0.1 + 0.1 / 40, abs=0.01)  # a random gene may be the gene itself
    assert (inputs[asked] >= 1).all()


# ---------------------------------------------------------------- Txformer


def test_presets_are_the_published_ones():
    for preset, (layers, width, heads, hidden) in {"P1": (2, 128, 4, 512), "P2": (3, 256, 4, 512)}.items():
        model = short(Txformer, preset=preset, steps=1).fit(counts())
        config = model._model.config
        told = config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size
        assert told == (layers, width, heads, hidden)
    assert model._masking().rate == 1e-3
    assert model._masking().batch == 64


def test_rate_rises_over_a_tenth_of_the_steps_then_falls():
    shares = [warm_up(step, 40) for step in range(1, 41)]
    assert shares[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert np.allclose(np.diff(shares[4:]), -1 / 36)
    assert shares[-1] == pytest.approx(1 / 36)
    assert warm_up(1, 1) == 1.0


def test_txformer_learns_and_tells_bits():
    model = Txformer(dim=4, steps=60, rate=2e-3, validate_every=20, patience=9).fit(counts(100))
    history = model.history_
    assert history["step"].tolist() == [0, 20, 40, 60]
    assert history["validation_bits"].iloc[0] == pytest.approx(np.log2(22), abs=0.4)  # knows nothing of 22 tokens
    assert history["validation_bits"].min() < history["validation_bits"].iloc[0] - 0.5
    code = model.transform(counts(60, seed=1))
    gap = np.abs(code[::2].mean(0) - code[1::2].mean(0)).max()
    assert gap > 2 * code[::2].std(0).max()  # the two kinds of cell lie apart


def test_txformer_ends_with_the_weights_of_its_lowest_validation_loss():
    model = Txformer(
        dim=3, steps=30, rate=0.05, validate_every=1, patience=4, checkpoints=range(31)
    ).fit(counts())  # fmt: skip
    bits, steps = model.history_["validation_bits"], model.history_["step"]
    best, last = steps[bits.idxmin()], steps.iloc[-1]
    assert best == last - 4  # four validations in a row were no better
    assert last < 30
    probe = counts(seed=1)
    assert (model.transform(probe) == model.transform_at(best, probe)).all()
    assert np.abs(model.transform(probe) - model.transform_at(last, probe)).max() > 1e-3
    assert (model.transform_at(30, probe) == model.transform(probe)).all(), "training has stopped before"
    assert model.loss_at(30) == model.loss_at() == bits.min()
    with pytest.raises(ValueError, match=r"step 31 was not kept.* of 30 steps"):
        model.transform_at(31, probe)


def test_kept_steps_leave_the_trained_model_as_it_is():
    probe = counts(seed=1)
    plain = short(Txformer).fit(counts()).transform(probe)
    model = short(Txformer, checkpoints=[0, 2]).fit(counts())
    assert (model.transform(probe) == plain).all()
    assert np.abs(model.transform_at(0, probe) - model.transform_at(2, probe)).max() > 1e-6
    assert (model.transform(probe) == plain).all()
    assert (model.transform_at(0, probe) == short(Txformer, steps=0).fit(counts()).transform(probe)).all()
    assert model.loss_at() == model.history_["validation_bits"].min()
    assert model.loss_at(0) == model.history_["validation_bits"].iloc[0]
    assert np.isnan(model.loss_at(2)), "not validated"


def test_an_untrained_network_depends_on_its_seed_alone():
    probe = counts(seed=1)
    codes = [short(SCVI, steps=0, seed=s, **o).fit(counts()).transform(probe) for s, o in
             ((0, {}), (0, {"rate": 0.5}), (1, {}), (0, {"patience": 3}))]  # fmt: skip
    assert (codes[0] == codes[1]).all()
    assert (codes[0] == codes[3]).all()
    assert np.abs(codes[0] - codes[2]).max() > 1e-3
    assert np.abs(codes[0] - short(SCVI, steps=3).fit(counts()).transform(probe)).max() > 1e-6
    assert np.isnan(short(SCVI).loss_at())
    with pytest.raises(ValueError, match="SCVI keeps no earlier step of its training: leave out checkpoints"):
        short(SCVI).fit(counts()).transform_at(0, probe)


def test_loss_is_the_mean_over_masked_tokens_only():
    """Against the loss that transformers computes itself from the labels, and padding must not matter."""
    torch.manual_seed(0)
    model = new_encoder_for_test()
    sentences = np.array([[5, 6, 7, 8], [9, 10, 0, 0]])
    inputs, labels = mask_tokens(sentences, WORDS, np.random.default_rng(0))
    ids, wanted = torch.from_numpy(inputs), torch.from_numpy(labels)
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=ids != 0, labels=wanted).loss.item() / np.log(2)
    assert masked_bits(model, [(inputs, labels)], 0) == pytest.approx(theirs, abs=1e-5)
    wider = [np.pad(side, ((0, 0), (0, 5)), constant_values=fill) for side, fill in ((inputs, 0), (labels, -100))]
    assert masked_bits(model, [tuple(wider)], 0) == pytest.approx(theirs, abs=1e-5)


def test_pooling_against_one_cell_by_hand():
    torch.manual_seed(0)
    model = new_encoder_for_test()
    words = Vocabulary(np.arange(4, 44), np.ones(40), 44, cls=2, eos=3)
    model.resize_token_embeddings(44)
    told = Tokens(np.array([2, 7, 5, 3, 2, 9, 3]), np.array([0, 4, 7]), np.array([2, 1]))
    with torch.no_grad():
        states = model.bert(torch.tensor([[2, 7, 5, 3]]), output_hidden_states=True).hidden_states
    for layer in (-1, 0):
        for pooling, by_hand in {
            "mean": states[layer][0, 1:3].mean(0),
            "max": states[layer][0, 1:3].amax(0),
            "cls": states[layer][0, 0],
        }.items():
            np.testing.assert_allclose(encode(model, told, words, layer, pooling)[0], by_hand, atol=1e-5)


def new_encoder_for_test():
    from helpers.representations.encoder import PRESETS

    return new_encoder(PRESETS["P1"], WORDS, 16).eval()


def test_reduction_keeps_the_largest_directions_of_the_training_cells():
    train, probe = counts(), counts(seed=1)
    raw = short(Txformer, reduce=None).fit(train)
    states, centre = raw.transform(probe), raw.transform(train).mean(0)
    assert states.shape == (40, 128)
    axes = np.linalg.svd(raw.transform(train) - centre, full_matrices=False)[2][:4]
    reduced = short(Txformer).fit(train).transform(probe)
    np.testing.assert_allclose(np.abs(reduced), np.abs((states - centre) @ axes.T), atol=1e-4)


def test_a_cell_without_a_known_gene_is_a_row_of_zeros():
    for reduce in ("pca", None):
        code = short(Txformer, reduce=reduce).fit(counts()).transform(np.zeros((1, 20), int))
        assert (code == 0).all()
    with pytest.raises(ValueError, match="1 training cells have a count in a known gene: at least 2 must"):
        short(Txformer).fit(np.vstack([counts(1), np.zeros((5, 20), int)]))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"preset": "P3"}, "unknown preset 'P3'"),
        ({"pooling": "cls"}, "these tokens have no such token; use 'mean' or 'max'"),
        ({"pooling": "men"}, "did you mean 'mean'"),
        ({"layer": 3}, r"layer is 3: .*\[-3, 2\]"),
        ({"checkpoints": [9]}, r"step of checkpoints is 9: .*\[0, 3\]"),
        ({"reduce": "pac"}, "did you mean 'pca'"),
    ],
)
def test_impossible_options_of_the_txformer_are_told(option, told):
    with pytest.raises(ValueError, match=told):
        short(Txformer, **option).fit(counts())


# ---------------------------------------------------------------- checkpoints on disk


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    names = [f"GENE{j}" for j in range(20)]
    model = short(Txformer, steps=5).fit(counts(), genes=names)
    return model, names, model.save(tmp_path_factory.mktemp("checkpoint"))


def test_an_encoder_comes_back_from_disk(saved, capfd):
    model, names, folder = saved
    probe = counts(seed=1)
    again = Txformer(dim=4, from_checkpoint=folder).fit(counts(), genes=names)
    np.testing.assert_allclose(again.transform(probe), model.transform(probe), atol=1e-6)
    assert again.history_ is None
    order = np.random.default_rng(0).permutation(20)  # genes are found by name
    moved = Txformer(dim=4, from_checkpoint=str(folder)).fit(counts()[:, order], genes=[names[j] for j in order])
    assert moved.n_matched_ == 20
    ids = moved._words.ids[np.argsort(order)]
    assert (ids == model._words.ids).all()
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_with_fewer_genes_and_a_first_token(saved, tmp_path):
    _, names, folder = saved
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    ids = json.loads((folder / "token_dictionary.json").read_text())
    ids = {name: i for name, i in ids.items() if name not in ("GENE0", "GENE1")} | {"<cls>": ids["GENE0"]}
    (tmp_path / "token_dictionary.json").write_text(json.dumps(ids))
    model = Txformer(dim=4, from_checkpoint=tmp_path, pooling="cls").fit(counts(), genes=names)
    assert model.n_matched_ == 18
    assert np.isfinite(model.transform(counts(seed=1))).all()


def test_checkpoints_that_cannot_be_used_are_told(saved, tmp_path):
    _, names, folder = saved
    fit = lambda where, genes=names: Txformer(dim=4, from_checkpoint=where).fit(counts(), genes=genes)  # noqa: E731
    with pytest.raises(ValueError, match="finds genes by name"):
        fit(folder, None)
    with pytest.raises(ValueError, match=r"none of 20 genes, such as 'ENSG0', .*has such as 'GENE0'"):
        fit(folder, [f"ENSG{j}" for j in range(20)])
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        fit(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"opening one can run code.*json\.dump"):
        fit(tmp_path)
    for file in ("token_dictionary.json", "gene_median.json"):
        (tmp_path / file).write_text((folder / file).read_text())
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ValueError, match="a model of type 'gpt2': only 'bert'"):
        fit(tmp_path)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors"):
        fit(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (tmp_path / "token_dictionary.json").write_text(json.dumps({"<pad>": 0, "<mask>": 1, "GENE3": 99}))
    with pytest.raises(ValueError, match=r"ids in \[0, 99\].*do not belong together"):
        fit(tmp_path)


def test_saving_needs_distinct_names(tmp_path):
    with pytest.raises(RuntimeError, match="is not fitted"):
        Txformer().save(tmp_path)
    with pytest.raises(ValueError, match="no names to save"):
        short(Txformer, steps=1).fit(counts()).save(tmp_path)
    with pytest.raises(ValueError, match="share a name"):
        short(Txformer, steps=1).fit(counts(), genes=["same"] * 20).save(tmp_path)


# ---------------------------------------------------------------- embeddings made elsewhere


def test_precomputed_embeddings_pass_through():
    x = np.random.default_rng(0).normal(size=(9, 7))
    model = Precomputed(dim=2, key="X_mine").fit(x[:5])
    np.testing.assert_array_equal(model.transform(x[5:]), x[5:].astype(np.float32))
    with pytest.raises(ValueError, match="probe cells have 6 columns: the model was fitted on 7"):
        model.transform(x[:, 1:])
    with pytest.raises(ValueError, match="probe cells holds NaN or infinite values in 1 of 2 rows"):
        model.transform(np.vstack([x[0], np.full(7, np.inf)]))


@pytest.mark.slow
def test_information_about_cell_types_of_real_cells():
    from helpers import datasets
    from helpers.information import lmi
    from helpers.preprocess import genes as preprocess

    cells = datasets.load("pbmc68k")
    ready = preprocess.prepare(cells.counts[cells.train], cells.counts[cells.probe])
    bits = {}
    for model in (SCVI(), Txformer()):
        code = model.fit(ready.train_counts).transform(ready.probe_counts)
        bits[type(model)] = lmi(code, cells.signal[cells.probe], null=False).bits
    assert 1.7 < bits[SCVI] < cells.ceiling_bits
    assert 1.0 < bits[Txformer] < cells.ceiling_bits
    assert isinstance(model.history_, pd.DataFrame)
