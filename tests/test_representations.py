"""What every representation must do, whichever it is."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from helpers.representations import FIXED, PCA, REPRESENTATIONS, RandomProjection
from helpers.representations import build as build_with_defaults

EACH = pytest.mark.parametrize("name", REPRESENTATIONS)
# Invariants hold however short the training.
SHORT = {
    "scvi": {"steps": 3, "hidden": 16},
    "joint_embedding": {"steps": 3, "hidden": 16},
    "txformer": {"steps": 3},
    "masked_reconstruction": {"steps": 3},
}


def build(name, dim=16, seed=0):
    return build_with_defaults(name, dim, seed, **SHORT.get(name, {}))


def input_of(name, n_cells=100, n_genes=30):
    """What the model takes: cells with structure of rank 3, as values or as counts."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_cells, 3)) @ rng.normal(size=(3, n_genes)) + 0.1 * rng.normal(size=(n_cells, n_genes))
    return rng.poisson(np.exp(0.4 * values)) if REPRESENTATIONS[name].takes == "counts" else values


def width_of(name, dim, columns):
    return columns if REPRESENTATIONS[name].takes == "embeddings" else dim


@pytest.fixture
def cells(name):
    """60 training and 40 probe cells of 30 genes."""
    values = input_of(name)
    return values[:60], values[60:]


@EACH
def test_shape_dtype_and_same_seed_same_numbers(name, cells):
    train, probe = cells
    first, again = (build(name, dim=5, seed=3).fit(train).transform(probe) for _ in range(2))
    assert first.shape == (40, width_of(name, 5, 30))
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert (first == again).all()


@EACH
def test_transforming_a_cell_depends_on_no_other_cell(name, cells):
    train, probe = cells
    model = build(name, dim=5).fit(train)
    together = model.transform(probe)
    order = np.random.default_rng(1).permutation(len(probe))
    np.testing.assert_allclose(model.transform(probe[order]), together[order], atol=1e-5)
    alone = np.vstack([model.transform(cell[None]) for cell in probe])
    np.testing.assert_allclose(alone, together, atol=1e-5)


@EACH
def test_only_what_learns_depends_on_the_training_cells(name, cells):
    train, probe = cells
    first, other = (build(name, dim=5).fit(some).transform(probe) for some in (train, train[:30]))
    same = np.array_equal(first, other)
    assert same == (name in FIXED)


@EACH
def test_fit_sees_no_probe_cell_and_changes_no_input(name, cells):
    train, probe = (side.copy() for side in cells)
    model = build(name, dim=5).fit(train)
    before = model.transform(probe)
    model.transform(1e6 * np.ones_like(probe))
    assert (model.transform(probe) == before).all()
    assert (train == cells[0]).all()
    assert (probe == cells[1]).all()


@EACH
@pytest.mark.parametrize("kind", [sparse.csr_matrix, np.asfortranarray, np.float32])
def test_other_containers_give_the_same(name, kind, cells):
    train, probe = cells
    plain = build(name, dim=3).fit(train).transform(probe)
    np.testing.assert_allclose(build(name, dim=3).fit(kind(train)).transform(kind(probe)), plain, atol=1e-4)


@EACH
def test_refitting_forgets_the_first_fit(name, cells):
    train, probe = cells
    model = build(name, dim=3).fit(train[:, :10]).fit(train)
    assert (model.transform(probe) == build(name, dim=3).fit(train).transform(probe)).all()


@EACH
def test_the_smallest_training_sets(name, cells):
    train, probe = cells
    for n in (2, 3):
        assert np.isfinite(build(name, dim=4).fit(train[:n]).transform(probe)).all()


@EACH
def test_global_random_states_stay_and_do_not_matter(name, cells):
    train, probe = cells
    states = lambda: (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: E731, NPY002
    plain = build(name, dim=4).fit(train).transform(probe)
    torch.rand(7)
    before = states()
    again = build(name, dim=4).fit(train).transform(probe)
    assert states() == before
    assert (again == plain).all()


@pytest.mark.parametrize("name", ["random_projection"])
def test_seeds_change_the_random_projection_but_not_the_training_cells(name, cells):
    train, probe = cells
    one, other = (RandomProjection(4, seed=s).fit(train).transform(probe) for s in (0, 1))
    assert (one != other).any()
    assert (RandomProjection(4).fit(train[:5] * 7).transform(probe) == one).all()


def test_random_projection_keeps_squared_lengths_on_average():
    x = np.random.default_rng(0).normal(size=(20, 1000))
    ratio = (RandomProjection(512).fit(x).transform(x) ** 2).sum(1) / (x**2).sum(1)
    assert ratio.mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["pca"])
def test_pca_against_a_singular_value_decomposition(name, cells):
    train, probe = cells
    axes = np.linalg.svd(train - train.mean(0), full_matrices=False)[2][:3]
    plain = (probe - train.mean(0)) @ axes.T
    ours = PCA(3).fit(train).transform(probe)
    np.testing.assert_allclose(np.abs(ours), np.abs(plain), atol=1e-4)


@given(st.integers(2, 12), st.integers(1, 12))
def test_pca_components_that_the_training_cells_do_not_span_are_zero(n_cells, n_genes):
    rng = np.random.default_rng(n_cells)
    train, probe = rng.normal(size=(n_cells, n_genes)), rng.normal(size=(7, n_genes))
    code = PCA(16).fit(train).transform(probe)
    assert code.shape == (7, 16)
    spanned = min(n_cells - 1, n_genes)  # n cells span n - 1 directions around their mean
    assert np.abs(code[:, spanned:]).max() == 0
    assert (np.abs(code[:, :spanned]).max(axis=0) > 0).all()


def test_pca_of_identical_cells_is_zero_without_a_warning():
    code = PCA(4).fit(np.ones((5, 20))).transform(np.random.default_rng(0).normal(size=(3, 20)))
    assert np.abs(code).max() == 0


@EACH
@pytest.mark.parametrize("n_genes", [1, 5])
def test_fewer_genes_than_dimensions_is_no_warning(name, n_genes):
    values = input_of(name, 20, n_genes)
    if (name, n_genes) == ("masked_reconstruction", 1):
        with pytest.raises(ValueError, match="One is hidden and one must be left"):
            build(name).fit(values)
        return
    assert build(name, dim=16).fit(values).transform(values).shape == (20, width_of(name, 16, n_genes))


@EACH
def test_misuse_is_told(name, cells):
    train, probe = cells
    with pytest.raises(RuntimeError, match=r"is not fitted: call \.fit\(train\) first"):
        build(name).transform(probe)
    with pytest.raises(ValueError, match=r"probe cells have 29 (genes|columns): the model was fitted on 30"):
        build(name, dim=2).fit(train).transform(probe[:, 1:])
    with pytest.raises(ValueError, match="number of training cells is 1"):
        build(name).fit(train[:1])
    with pytest.raises(ValueError, match="training cells holds NaN"):
        build(name).fit(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="genes has 2 names: give one for each of the 30 columns"):
        build(name).fit(train, genes=["a", "b"])
    with pytest.raises(ValueError, match=r"seed is -1: .*\[0, 4294967295\]"):
        build(name, seed=-1).fit(train)


@EACH
@pytest.mark.parametrize("dim", [0, -1, 2.5, "16"])
def test_impossible_dimension_is_told(name, dim, cells):
    with pytest.raises(ValueError, match=r"dim is .*\[1, 4096\]"):
        build(name, dim=dim).fit(cells[0])


def test_unknown_representation_is_told():
    with pytest.raises(ValueError, match="did you mean 'random_projection'"):
        build_with_defaults("random_projecton")


def test_unknown_options_are_told():
    with pytest.raises(ValueError, match="unknown option of pca 'steps': it takes none besides dim and seed"):
        build_with_defaults("pca", steps=3)
    with pytest.raises(ValueError, match="unknown option of txformer 'presets': did you mean 'preset'"):
        build_with_defaults("txformer", presets="P2")
