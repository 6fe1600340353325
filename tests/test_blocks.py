"""Counts on disk: the numbers of counts in memory, exactly, a block at a time; and what is refused."""

import tracemalloc
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from helpers._utils.validation import check_sparse
from helpers.datasets import backed as on_disk
from helpers.datasets import load
from helpers.datasets.backed import BackedCounts
from helpers.datasets.simulated import simulate_to, simulated
from helpers.findings import large
from helpers.noise import thin_nested
from helpers.noise.counts import thin_rows
from helpers.preprocess import genes as preprocess
from helpers.preprocess.blocks import prepare_blocks
from helpers.preprocess.genes import CountTally, most_variable
from helpers.store.rows import Store
from helpers.sweep.cells import Grid
from helpers.sweep.engine import run_sweep, run_sweeps


def in_a_file(counts, folder, place="X", **more):
    """Write counts to an .h5ad file, at X or in a layer."""
    cells = anndata.AnnData(obs=pd.DataFrame(index=np.arange(counts.shape[0]).astype(str)), **more)
    if place == "X":
        cells = anndata.AnnData(counts, obs=cells.obs, **more)
    else:
        cells = anndata.AnnData(np.log1p(counts.astype(float)), obs=cells.obs, layers={"counts": counts}, **more)
    cells.obsm["signal"] = np.random.default_rng(0).normal(size=(counts.shape[0], 2))
    cells.write_h5ad(folder / "cells.h5ad")
    return folder / "cells.h5ad"


def equal(a, b):
    return a.shape == b.shape and (a != b).nnz == 0


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(on_disk, "BLOCK", 1024)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return simulate_to(tmp_path_factory.mktemp("large") / "cells.h5ad", n_cells=5000, n_genes=300, umis_per_cell=1000)


@pytest.mark.parametrize("signal", ["protein", "label", "neighbour"])
def test_simulated_cells_on_disk_are_those_in_memory(tmp_path, signal):
    made = simulated(signal, n_cells=4100, n_genes=30, seed=3)
    path = simulate_to(tmp_path / "cells.h5ad", signal=signal, n_cells=4100, n_genes=30, seed=3)
    read = anndata.read_h5ad(path)
    assert equal(read.X, made.counts)
    stored = read.obs["label"].astype(int).to_numpy() if signal == "label" else read.obsm["signal"]
    assert (stored == made.signal).all()
    assert [f.name for f in tmp_path.iterdir()] == ["cells.h5ad"]
    with pytest.raises(ValueError, match="did you mean 'n_cells'"):
        simulate_to(tmp_path / "more.h5ad", n_cell=10)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("part", "at", "value"), [("indices", -1, 7), ("indices", -1, -1), ("indptr", 2100, 10**6),
                                                   ("indptr", 2100, -1), ("indptr", 2100, 0)])  # fmt: skip
def test_a_block_that_points_outside_itself_is_refused(tmp_path, part, at, value):
    counts = np.random.default_rng(1).poisson(0.5, (2500, 7))
    path = in_a_file(sparse.csr_matrix(counts), tmp_path)
    with h5py.File(path, "a") as handle:
        handle["X"][part][at] = value
    read = []
    with pytest.raises(ValueError, match=f"X of {path} is damaged .*: save or download it again"):
        read.extend(block for _, block in BackedCounts(path).blocks())
    if part == "indices":  # row pointers are checked before any block, indices in theirs
        assert equal(sparse.vstack(read, format="csr"), sparse.csr_matrix(counts[:2048]))


def test_pointers_of_a_matrix_without_values_are_checked():
    matrix = sparse.csr_matrix((2, 3))
    matrix.indptr[:] = [0, 1000, 0]
    with pytest.raises(ValueError, match="X is damaged"):
        check_sparse(matrix, "X")


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("place", ["X", "layers/counts"])
@pytest.mark.parametrize("make", [sparse.csr_matrix, np.asarray])
def test_blocks_are_the_rows_of_the_file(tmp_path, place, make):
    counts = np.random.default_rng(1).poisson(0.5, (2500, 7))
    path = in_a_file(make(counts), tmp_path, place)
    backed = BackedCounts(path, place)
    found = list(backed.blocks())
    assert [start for start, _ in found] == [0, 1024, 2048]
    assert equal(sparse.vstack([block for _, block in found], format="csr"), sparse.csr_matrix(counts))
    assert (backed.totals == counts.sum(axis=1)).all()
    some = np.sort(np.random.default_rng(2).choice(2500, 1500, replace=False))
    part = backed[some]
    assert part.shape == (1500, 7)
    assert equal(sparse.vstack([block for _, block in part.blocks()], format="csr"), sparse.csr_matrix(counts[some]))
    assert equal(next(part[np.arange(1500) > 1490].blocks())[1], sparse.csr_matrix(counts[some][1491:]))
    assert backed.data_hash != part.data_hash == backed[some].data_hash
    stored = load("your_data", path=str(path), signal="obsm:signal", backed=True)
    assert stored.counts.place == place


@settings(max_examples=20, deadline=None)
@given(st.floats(0.001, 1.0), st.integers(0, 2**32), st.sampled_from([0, 1024, 2048]))
def test_rows_are_thinned_as_within_the_whole(fraction, seed, first):
    whole = sparse.csr_matrix(np.random.default_rng(0).poisson(2.0, (2200, 3)) * [1, 0, 60])
    part = thin_rows(whole[first:], fraction, seed, first)
    assert equal(part, thin_nested(whole, [fraction], seed)[fraction][first:])
    assert part.dtype == whole.astype(np.int32).dtype or part.dtype == whole.dtype


def test_a_block_of_rows_begins_where_thinning_does():
    with pytest.raises(ValueError, match="first_row is 1000: it must be a multiple of 1024"):
        thin_rows(np.ones((3, 3), int), 0.5, first_row=1000)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40), max_size=4))
def test_a_tally_counts_cells_whatever_the_blocks(seed, cuts):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 40.0, (1, 6)), (40, 6))  # many zeros, some beyond the dense table
    tally = CountTally(6)
    for part in np.split(counts, sorted(cuts)):
        tally.add(sparse.csr_matrix(part))
    told = {(g, c): n for g, c, n in zip(*(column.tolist() for column in tally.entries()), strict=True)}
    genes, cells = np.nonzero(counts.T)
    expected = pd.Series(list(zip(genes.tolist(), counts.T[genes, cells].tolist(), strict=True))).value_counts()
    assert told == expected.to_dict()
    assert tally.n_cells == 40


@pytest.mark.parametrize("depth", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("name", ["pbmc68k", "simulated"])
def test_genes_are_those_that_scanpy_chooses(name, depth):
    options = {"n_genes": 600, "overdispersion": 0.5, "n_cells": 1500} if name == "simulated" else {}
    counts = thin_nested(load(name, **options).counts, [depth], 0)[depth]
    for n_top in (20, 100, 400):
        genes, method = preprocess.choose_genes(counts, n_top)
        seen = np.flatnonzero(counts.getnnz(axis=0))
        if len(seen) <= n_top:
            assert genes.tolist() == seen.tolist()
            continue
        cells = anndata.AnnData(counts[:, seen].astype(np.float64))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = sc.pp.highly_variable_genes(cells, flavor="seurat_v3", n_top_genes=n_top, inplace=False)
        except ValueError:  # of the loess library
            assert method.startswith("variance of log CP10k, since seurat_v3 failed: ")
        else:
            assert method == "seurat_v3"
            assert (genes == most_variable(seen, table["variances_norm"].to_numpy(), n_top)).all()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("depth", "probe_depth"), [(1.0, 1.0), (0.2, 0.2), (0.2, 1.0), (0.0005, 0.0005)])
def test_preparing_in_blocks_gives_what_preparing_in_memory_gives(file, depth, probe_depth):
    cells = simulated(n_cells=5000, n_genes=300, umis_per_cell=1000)
    counts = BackedCounts(file)
    thinned = thin_nested(cells.counts, [depth, probe_depth], 5)
    probe = cells.probe[::3]
    other = np.arange(5000)
    made, umis = prepare_blocks(counts, cells.train, probe, depth, probe_depth, 5, 50, other, 2 * other)
    train, tested = thinned[depth][cells.train], thinned[probe_depth][probe]
    expected = preprocess.prepare(
        train, tested, other[cells.train], (other if depth == probe_depth else 2 * other)[probe], 50
    )
    assert made.hvg_method == expected.hvg_method
    assert (made.genes == expected.genes).all()
    assert (made.train == expected.train).all()
    assert (made.probe == expected.probe).all()
    assert equal(made.train_counts, expected.train_counts)
    assert equal(made.probe_counts, expected.probe_counts)
    assert umis == (tested.sum(axis=1).A1 + (other if depth == probe_depth else 2 * other)[probe]).mean()


def test_genes_of_counts_too_thin_for_loess_are_chosen_by_their_log_variance(tmp_path):
    counts = np.zeros((3000, 40), int)
    rng = np.random.default_rng(0)
    for gene in range(40):
        counts[rng.choice(3000, 2 + gene % 3, replace=False), gene] = 1
    backed = BackedCounts(in_a_file(sparse.csr_matrix(counts), tmp_path))
    train, probe = np.arange(0, 3000, 2), np.arange(1, 3000, 2)
    made, _ = prepare_blocks(backed, train, probe, 1.0, 1.0, 0, 10)
    expected = preprocess.prepare(counts[train], counts[probe], n_top=10)
    assert made.hvg_method == expected.hvg_method
    assert (made.genes == expected.genes).all()


@pytest.mark.usefixtures("small_blocks")
def test_a_sweep_of_counts_on_disk_has_the_numbers_of_one_in_memory(file, tmp_path):
    tables = []
    for more in ({"backed": True}, {}):
        options = {"path": str(file), "signal": "obsm:signal", **more}
        grid = Grid(
            dataset="your_data", options=options, representations=["pca", "random_projection"], depths=[1.0, 0.1],
            n_train=[300, 2500], seeds=[0], folds=[0], n_probe=300, n_top=60, dim=4, lmi={"null": False},
        )  # fmt: skip
        grids = [grid, grid.model_copy(update={"gene_depth": 0.5})]
        tables.append(run_sweeps(grids, Store(tmp_path / str(len(more))), progress=False))
    ours, theirs = tables
    numbers = ["representation", "n_train", "noise_level", "mi_bits", "umis_per_cell", "n_probe", "genes_by", "status"]
    assert (ours["status"] == "ok").all()
    assert (ours["n_probe"] == 300).all()
    pd.testing.assert_frame_equal(ours[numbers], theirs[numbers], check_exact=True)


def test_probe_cells_are_chosen_by_the_seed_and_do_not_rename_other_points():
    whole = Grid(dataset="pbmc68k", representations=["pca"], seeds=[0, 1], folds=[0])
    some = whole.model_copy(update={"n_probe": 60})
    assert all("n_probe" not in point for point in whole.points())
    assert [{**point, "n_probe": 60} for point in whole.points()] == some.points()
    with pytest.raises(ValueError, match="it must be at least 50"):
        Grid(dataset="pbmc68k", representations=["pca"], n_probe=10)


def test_more_probe_cells_than_there_are_is_a_row_that_says_so(tmp_path):
    grid = Grid(dataset="pbmc68k", representations=["pca"], seeds=[0], folds=[0], n_probe=5000)
    row = run_sweep(grid, Store(tmp_path), progress=False).iloc[0]
    assert row["status"] == "failed"
    assert "n_probe of pbmc68k is 5000: it must be a whole number in [50, 3" in row["message"]


@pytest.mark.usefixtures("small_blocks")
def test_memory_is_that_of_a_block(tmp_path):
    counts = sparse.random(40_000, 200, 0.3, "csr", random_state=0, data_rvs=lambda n: np.ones(n))
    backed = BackedCounts(in_a_file(counts.astype(np.int32), tmp_path))
    size = counts.data.nbytes + counts.indices.nbytes
    tracemalloc.start()
    total = sum(block.sum() for _, block in backed.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == counts.nnz
    assert peak < size / 4


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (sparse.csc_matrix(np.eye(9, dtype=int)), "'csc_matrix', which cannot be read row by row"),
        (sparse.csr_matrix(np.eye(9) / 2), "holds 0.5, not a whole number"),
        (sparse.csr_matrix(-np.eye(9)), "counts cannot be negative"),
        (np.full((9, 3), np.nan), "holds NaN"),
    ],
)
def test_a_file_without_counts_to_read_in_parts_is_refused(tmp_path, counts, told):
    path = in_a_file(counts, tmp_path)
    with pytest.raises(ValueError, match=told):
        load("your_data", path=str(path), signal="obsm:signal", backed=True)


@pytest.mark.usefixtures("small_blocks")
def test_a_fraction_far_down_the_file_is_found_when_it_is_read(tmp_path):
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (3000, 5)).astype(float))
    counts.data[-1] = 0.5
    path = in_a_file(counts, tmp_path)
    cells = load("your_data", path=str(path), signal="obsm:signal", backed=True)
    with pytest.raises(ValueError, match=r"X of .*cells.h5ad holds 0.5, not a whole number"):
        cells.describe()


def test_what_needs_counts_in_memory_says_so(file, tmp_path):
    with pytest.raises(ValueError, match="left on disk"):
        load("your_data", path=str(file), signal="neighbours:signal", backed=True)
    with pytest.raises(ValueError, match="ascending row numbers"):
        BackedCounts(file)[np.array([3, 1])]
    with pytest.raises(ValueError, match="has no 'layers/raw'"):
        BackedCounts(file, "layers/raw")
    cut = tmp_path / "cut.h5ad"
    cut.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(ValueError, match="not a whole HDF5 file"):
        load("your_data", path=str(cut), signal="obsm:signal", backed=True)


def test_growth_and_plan_are_in_proportion_to_what_was_measured():
    steps = {large.PASS: 100.0, large.FIT: 20.0, f"{large.ESTIMATE} 20,000 probe cells": 36.0}
    table = pd.DataFrame(
        {
            "counts in": "disk",
            "cells": n,
            "step": step,
            "core_seconds": s * n / 1e6,
            "peak_gb": 1.0,
            "file_gb": 9 * n / 1e6,
        }
        for n in (100_000, 1_000_000)
        for step, s in steps.items()
    )
    assert (large.growth(table)["exponent"] == 1).all()
    row = large.plan(table, [1e7], seeds=3, depths=10, per_core_hour=2.0, per_tb_month=10.0).iloc[0]
    assert row["core-hours, passes over cells"] == pytest.approx(30 * 10 * 120 / 3600)
    assert row["core-hours, estimates"] == pytest.approx(30 * 36 / 3600)
    assert row["computing"] == pytest.approx(2 * (10 + 0.3))
    assert row["storage a month"] == pytest.approx(0.9)
    assert row["shards"] == 10
    with pytest.raises(ValueError, match="seeds is 0"):
        large.plan(table, [1e7], seeds=0)


def test_where_an_array_is_needed_counts_on_disk_say_so(file):
    with pytest.raises(ValueError, match=r"BackedCounts of 5,000 cells .* load them with backed=False"):
        preprocess.prepare(BackedCounts(file), BackedCounts(file))
