"""The other half of a cell's molecules as a signal: what the halves share, and how they are compared."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers.datasets import load
from helpers.datasets.pairing import halves, with_other_half
from helpers.findings import other_half

SMALL = {"n_cells": 400, "n_genes": 60, "umis_per_cell": 300.0}


@pytest.fixture(scope="module")
def whole():
    return load("simulated", **SMALL)


def test_no_molecule_is_in_both_halves_and_none_is_lost(whole):
    made = halves(whole.counts, whole.folds, whole.other_umis, seed=3)
    rest = whole.counts - made["counts"]
    assert rest.min() >= 0
    assert made["counts"].sum() == pytest.approx(whole.counts.sum() / 2, rel=0.01)
    # Given the cell, halves of Poisson counts are uncorrelated: gene by gene around its own mean.
    poisson = sparse.csr_matrix(np.random.default_rng(0).poisson(4.0, (4000, 5)))
    first = halves(poisson, np.arange(4000) % 2, np.zeros(4000, int))["counts"]
    rho = [
        np.corrcoef(first[:, [g]].toarray().ravel(), (poisson - first)[:, [g]].toarray().ravel())[0, 1]
        for g in range(5)
    ]
    assert np.abs(rho).max() < 4 / np.sqrt(4000)


def test_molecules_outside_the_matrix_are_halved_too(whole):
    other = np.full(len(whole.folds), 1000)
    assert halves(whole.counts, whole.folds, other)["other_umis"].mean() == pytest.approx(500, abs=5)


def test_any_data_set_takes_the_other_half_as_its_signal():
    cells, again = (load("pbmc68k", signal="other_half") for _ in range(2))
    assert cells.signal_name == "other_half"
    assert cells.independent_signal
    assert cells.ceiling_bits is None
    assert not cells.embeddings
    assert cells.umis_per_cell == pytest.approx(load("pbmc68k").umis_per_cell / 2, rel=0.02)
    assert cells.data_hash == again.data_hash
    other = load("pbmc68k", signal="other_half", half_seed=1)
    assert other.data_hash != cells.data_hash
    assert np.array_equal(other.folds, cells.folds)


def test_every_cell_has_a_signal_where_only_some_had_one():
    cells = load("simulated", **SMALL)
    few = np.arange(len(cells.folds)) % 3 > 0
    made = with_other_half(type(cells)(**{**vars(cells), "paired": few}))
    assert made.paired.all()


def test_your_own_cells_need_no_label(tmp_path, whole):
    import anndata

    file = tmp_path / "cells.h5ad"
    anndata.AnnData(sparse.csr_matrix(whole.counts.astype(np.float32))).write_h5ad(file)
    cells = load("your_data", path=str(file), signal="other_half")
    assert cells.signal.shape == (400, 16)
    assert cells.independent_signal
    assert cells.counts.sum() < whole.counts.sum()
    with pytest.raises(ValueError, match="on disk"):
        load("your_data", path=str(file), signal="other_half", backed=True)
    with pytest.raises(ValueError, match="know the other half"):
        load("your_data", path=str(file), signal="other_half", embeddings=["X_scvi"])


def test_halves_of_cells_that_are_all_alike_share_nothing():
    table = other_half.alike_and_not(load("simulated", n_cells=1200, n_genes=100, umis_per_cell=400.0))
    alike = table.loc["all alike"]
    assert abs(alike["bits"]) < 4 * alike["error"]
    assert table.loc["as they are", "bits"] > 1


def _points(signal, bits_of, levels, factor=1.0):
    rows = [
        {"dataset": "d", "signal": signal, "representation": model, "noise_level": level, "seed": seed,
         "umis_per_cell": 1000 * level * factor, "mi_bits": bits_of(model, level * factor) + 0.001 * seed}
        for model in ("pca", "scvi") for level in levels for seed in (0, 1, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_half_meets_the_whole_cell_at_half_the_depth():
    external = _points("protein", lambda m, d: (1 + (m == "scvi")) * d, [1.0, 0.5, 0.25, 0.12, 0.05])
    own = _points("other_half", lambda m, d: 10 + (1 + (m == "scvi")) * d, [1.0, 0.5, 0.24], factor=0.5)
    table = other_half.at_equal_depth(own, external)
    assert sorted(set(table["depth"])) == [0.12, 0.25, 0.5]
    assert len(table) == 6
    row = table[(table["depth"] == 0.5) & (table["representation"] == "scvi")].iloc[0]
    assert (row["external"], row["half"]) == (pytest.approx(1.001), pytest.approx(11.001))


def test_agreement_counts_only_what_both_tell_apart():
    external = _points("protein", lambda m, d: (1 + (m == "scvi")) * d, [1.0, 0.5])
    same = _points("other_half", lambda m, d: (1 + (m == "scvi")) * d, [1.0], factor=0.5)
    opposite = _points("other_half", lambda m, d: (2 - (m == "scvi")) * d, [1.0], factor=0.5)
    equal = _points("other_half", lambda m, d: d, [1.0], factor=0.5)
    for own, clear, agree in ((same, 1, 1), (opposite, 1, 0), (equal, 0, 0)):
        found = other_half.agreement(other_half.at_equal_depth(own, external)).iloc[0]
        assert (found["pairs"], found["clear"], found["agree"]) == (1, clear, agree)


def test_depth_that_keeps_half_of_the_bits_is_interpolated_over_common_levels():
    external = _points("protein", lambda m, d: 2 + np.log10(d), [1.0, 0.5, 0.05, 0.005])
    own = _points("other_half", lambda m, d: 2 + np.log10(2 * d), [1.0, 0.1, 0.01], factor=0.5)
    table = other_half.depths_keeping(own, external)
    assert len(table) == 2
    assert table["deepest"].tolist() == [500.0, 500.0]
    half = 0.5 * (2 + np.log10(0.5) + 0.001)  # bits left by the external signal, seeds' mean
    assert table["external"].tolist() == pytest.approx([1000 * 10 ** (half - 2 - 0.001)] * 2, rel=0.01)
    assert table["half"].tolist() == pytest.approx([50.0, 50.0], rel=0.01)
    assert other_half.depths_to_read(table)["by the other half"].iloc[0].startswith("50 [")
    with pytest.raises(ValueError, match="share"):
        other_half.depths_keeping(own, external, share=1.5)
