"""Normalising, choosing genes and subsets: against scanpy, and nothing learned from probe cells."""

import subprocess
import sys
import warnings

import anndata
import numpy as np
import pytest
import scanpy as sc
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from helpers.preprocess.genes import choose_genes, log_cp10k, nested_subset, prepare


@pytest.fixture(scope="module")
def counts():
    """300 cells × 500 genes with very different means and dispersions."""
    rng = np.random.default_rng(0)
    mean = rng.lognormal(0, 1.5, 500)
    return sparse.csr_matrix(rng.poisson(mean * rng.gamma(2, 0.5, (300, 500))))


def test_cp10k_is_what_scanpy_does(counts):
    cells = anndata.AnnData(counts.astype(np.float64))
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    np.testing.assert_allclose(log_cp10k(counts).toarray(), cells.X.toarray(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32", "bool"])
def test_cp10k_does_not_overflow_small_dtypes(dtype):
    given_counts = np.ones((2, 400), dtype)
    np.testing.assert_allclose(log_cp10k(given_counts).toarray(), np.log1p(25.0))


def test_cp10k_of_repeated_sparse_entries_is_that_of_their_sum():
    twice = sparse.csr_matrix((np.array([3, 4, 3]), np.array([1, 1, 0]), np.array([0, 3])), shape=(1, 2))
    np.testing.assert_allclose(log_cp10k(twice).toarray(), log_cp10k([[3, 7]]).toarray())


def test_cp10k_leaves_cells_without_counts_at_zero_and_the_input_alone():
    given_counts = sparse.csr_matrix([[0, 0], [1, 3]])
    assert log_cp10k(given_counts).toarray()[0].tolist() == [0, 0]
    assert given_counts.toarray().tolist() == [[0, 0], [1, 3]]


def test_cp10k_divides_by_the_totals_it_is_given():
    assert log_cp10k([[1, 3]], [100]).toarray() == pytest.approx(np.log1p([[100, 300]]))
    with pytest.raises(ValueError, match="counts has 1 rows, totals has 2 rows"):
        log_cp10k([[1, 3]], [4, 4])


@pytest.mark.parametrize("totals", [[-4.0], [np.nan], [3.0]])
def test_totals_that_cannot_be_are_told(totals):
    with pytest.raises(ValueError, match="totals"):
        log_cp10k([[1, 3]], totals)


def test_chosen_genes_are_scanpys_seurat_v3(counts):
    columns, method = choose_genes(counts, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = sc.pp.highly_variable_genes(
            anndata.AnnData(counts.astype(float)), flavor="seurat_v3", n_top_genes=60, inplace=False
        )
    assert method == "seurat_v3"
    assert columns.tolist() == np.flatnonzero(table["highly_variable"]).tolist()


def test_genes_without_a_count_are_never_chosen(counts):
    silenced = counts.toarray()
    silenced[:, ::2] = 0
    columns, method = choose_genes(silenced, 400)
    assert columns.tolist() == np.flatnonzero(silenced.sum(axis=0)).tolist()
    assert method == f"all {len(columns)} genes with a training count"


def test_stored_zeros_are_no_counts():
    stored = sparse.csr_matrix((np.array([0, 5, 5]), np.array([0, 1, 1]), np.array([0, 2, 3])), shape=(2, 3))
    assert choose_genes(stored)[0].tolist() == [1]
    stored.data[:] = 0
    with pytest.raises(ValueError, match="no training cell has a count"):
        prepare(stored, stored)


def test_very_thin_counts_fall_back_to_variance_and_say_so():
    thin_counts = np.random.default_rng(0).poisson(0.002, (500, 1000))
    columns, method = choose_genes(thin_counts, 100)
    variance = log_cp10k(thin_counts).toarray().var(axis=0)
    assert method.startswith("variance of log CP10k, since seurat_v3 failed: ")
    assert "b'" not in method
    assert len(columns) == 100
    assert variance[columns].min() >= np.delete(variance, columns).max() - 1e-9


@pytest.mark.parametrize("cells", ["np.ones((20, 1000))", "np.arange(1, 1001)[None]", "[[1, 2, 3]] * 4"])
def test_genes_that_do_not_vary_do_not_crash_the_interpreter(cells):
    """The loess library ends the process when no gene varies, so this runs in another one."""
    code = f"import numpy as np; from helpers.preprocess import choose_genes; print(len(choose_genes({cells}, 2)[0]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr[-500:]


@pytest.mark.parametrize("n_top", [0, -1, np.nan, "750", 1.5])
def test_impossible_number_of_genes_is_told(n_top):
    with pytest.raises(ValueError, match=r"n_top is .*\[1, 1e\+06\]"):
        choose_genes([[1], [2]], n_top)


def test_prepared_sides_hold_the_chosen_genes_only(counts):
    done = prepare(counts[:200], counts[200:], n_top=50)
    assert done.train.shape == done.train_counts.shape == (200, 50)
    assert done.probe.shape == done.probe_counts.shape == (100, 50)
    assert done.train.dtype == done.probe.dtype == np.float32
    assert (done.probe_counts != counts[200:][:, done.genes]).nnz == 0
    # The library size is that of all genes, chosen or not.
    everything = log_cp10k(counts[200:]).toarray()[:, done.genes]
    np.testing.assert_allclose(done.probe, everything, rtol=1e-6)


def test_probe_cells_teach_nothing(counts):
    one = prepare(counts[:200], counts[200:], n_top=50)
    other = prepare(counts[:200], counts[200:][:, ::-1], n_top=50)
    assert one.genes.tolist() == other.genes.tolist()
    assert (one.train == other.train).all()
    assert (one.probe != other.probe).any()


def test_other_umis_count_towards_the_library():
    done = prepare([[1, 3], [2, 2]], [[4, 0]], train_other=[96, 96], probe_other=[0])
    assert done.train[0] == pytest.approx(np.log1p([100, 300]), rel=1e-6)
    assert done.probe[0] == pytest.approx(np.log1p([10_000, 0]), rel=1e-6)


@pytest.mark.parametrize("other", [[1, 1], [[1], [1], [1]]])
def test_other_umis_of_the_wrong_length_are_told(other):
    with pytest.raises(ValueError, match="train_other"):
        prepare(np.ones((3, 2)), np.ones((3, 2)), train_other=np.array(other))


def test_one_gene_two_cells_and_empty_probe_cells():
    done = prepare([[1], [2]], [[0], [5]])
    assert done.probe[:, 0] == pytest.approx([0, np.log1p(10_000)], rel=1e-6)


def test_sides_with_different_genes_and_no_counts_are_told():
    with pytest.raises(ValueError, match="train has 2 genes and probe 3"):
        prepare([[1, 1]], [[1, 1, 1]])
    with pytest.raises(ValueError, match="no training cell has a count left: raise the depth"):
        prepare(np.zeros((3, 2)), np.ones((3, 2)))


@given(st.integers(2, 200), st.data(), st.integers(0, 1000))
def test_subsets_are_nested_without_repeats(n_cells, data, seed):
    few = data.draw(st.integers(2, n_cells))
    many = data.draw(st.integers(few, n_cells))
    small, large = nested_subset(n_cells, few, seed), nested_subset(n_cells, many, seed)
    assert len(set(small.tolist())) == few
    assert set(small.tolist()) <= set(large.tolist()) <= set(range(n_cells))


def test_subsets_follow_their_seed():
    assert nested_subset(100, 50, 1).tolist() == nested_subset(100, 50, 1).tolist()
    assert set(nested_subset(100, 50, 1).tolist()) != set(nested_subset(100, 50, 2).tolist())


@pytest.mark.parametrize("n_keep", [1, 11, 2.5, "5"])
def test_impossible_subset_is_told(n_keep):
    with pytest.raises(ValueError, match=r"n_train is .*\[2, 10\].*There are 10 training cells"):
        nested_subset(10, n_keep, 0)


def test_choosing_genes_leaves_the_threads_of_others_alone():
    counts = np.random.default_rng(0).poisson(1.0, (300, 1000))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        choose_genes(counts, 100)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
