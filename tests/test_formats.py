"""Cells in every usual kind of file give the same cells; what looks wrong is said."""

import gzip
import shutil
import warnings
from itertools import pairwise

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

from helpers.datasets import example_file
from helpers.datasets.doubts import doubts_of
from helpers.datasets.thinned_files import write_thinned
from helpers.datasets.your_data import your_data

BARCODES = ["ACGTACGTACGT"[i % 4 :] + "ACGT"[i % 4] * (i // 4 + 1) + "-1" for i in range(60)]
GENES = ["ACTB", "GAPDH", "MALAT1", *(f"G{i}" for i in range(37))]
LABELS = ["B" if i % 2 else "T" for i in range(60)]


@pytest.fixture(scope="module")
def cells():
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (60, 40)).astype(np.float32))
    return anndata.AnnData(counts, pd.DataFrame({"type": LABELS}, BARCODES), pd.DataFrame(index=GENES))


def as_zarr(cells, folder):
    cells.write_zarr(folder / "cells.zarr")
    return folder / "cells.zarr"


def as_packed_h5ad(cells, folder):
    cells.write_h5ad(folder / "plain.h5ad")
    with open(folder / "plain.h5ad", "rb") as plain, gzip.open(folder / "cells.h5ad.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    return folder / "cells.h5ad.gz"


def as_mtx(cells, folder, prefix="", packed=False):
    place = folder / "mtx"
    place.mkdir()
    mmwrite(place / f"{prefix}matrix.mtx", cells.X.T.astype(int))
    (place / f"{prefix}barcodes.tsv").write_text("\n".join(cells.obs_names))
    lines = [f"ENSG{i:011d}\t{name}\tGene Expression" for i, name in enumerate(cells.var_names)]
    (place / f"{prefix}features.tsv").write_text("\n".join(lines))
    for file in place.iterdir() if packed else ():
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return place


def as_packed_mtx(cells, folder):
    return as_mtx(cells, folder, "GSM1_", packed=True)


def as_loom(cells, folder):
    with h5py.File(folder / "cells.loom", "w") as handle:
        handle["matrix"] = cells.X.toarray().T
        handle["row_attrs/Gene"] = np.array(cells.var_names, "S")
        handle["col_attrs/CellID"] = np.array(cells.obs_names, "S")
        handle["col_attrs/X"] = handle["col_attrs/Y"] = np.arange(60.0)
        handle.create_group("layers")
    return folder / "cells.loom"


def table(cells):
    return pd.DataFrame(cells.X.toarray().astype(int), cells.obs_names, cells.var_names)


def as_csv(cells, folder):
    table(cells).T.to_csv(folder / "counts.csv")
    return folder / "counts.csv"


def as_tsv(cells, folder):
    table(cells).to_csv(folder / "counts.tsv.gz", sep="\t")
    return folder / "counts.tsv.gz"


def as_misnamed(cells, folder):
    table(cells).to_csv(folder / "counts.h5ad", sep=";")
    return folder / "counts.h5ad"


@pytest.mark.parametrize("save", [as_zarr, as_packed_h5ad, as_mtx, as_packed_mtx, as_loom, as_csv, as_tsv, as_misnamed])
def test_every_kind_of_file_holds_the_same_cells(cells, tmp_path, save):
    cells.obs[["type"]].to_csv(tmp_path / "about.csv")
    with warnings.catch_warnings(action="ignore"):  # of zarr, about its next version
        file = save(cells, tmp_path)
        found = your_data(str(file), "obs:type", metadata=str(tmp_path / "about.csv"))
    assert (found.counts != cells.X).nnz == 0
    assert list(found.signal) == LABELS
    assert list(found.genes) == GENES
    assert not found.doubts


def test_where_the_genes_are_is_found_said_and_asked_for(cells, tmp_path):
    frame = table(cells)
    with_labels = frame.assign(type=LABELS)
    with_labels.to_csv(tmp_path / "labelled.csv")
    found = your_data(str(tmp_path / "labelled.csv"), "obs:type")
    assert list(found.signal) == LABELS
    assert found.checked[0].startswith("a table of 60 cells × 40 genes, genes in columns (genes_in='rows'")
    bare = frame.set_axis([f"r{i}" for i in range(60)]).set_axis([f"k{i}" for i in range(40)], axis=1)
    bare.to_csv(tmp_path / "bare.csv")
    with pytest.raises(ValueError, match=r"60 rows such as 'r0' and 40 columns such as 'k0'.*give genes_in='rows'"):
        your_data(str(tmp_path / "bare.csv"), "other_half")
    for place, shape in (("columns", (60, 40)), ("rows", (40, 60))):
        made = your_data(str(tmp_path / "bare.csv"), "other_half", genes_in=place)
        assert made.counts.shape == shape
        assert made.checked[0] == f"a table of {shape[0]} cells × {shape[1]} genes, genes in {place}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("one\n1\n2\n", "one column"),
        ("a,b,c\nx,y,z\nu,v,w\n", "not a table of counts: 2 of its 2 columns hold text, such as 'y' in 'b'"),
        ("cell,ACTB,GAPDH\n", "0 rows and 2 columns"),
        ("cell,ACTB,GAPDH\nc1,1.5,2\nc2,1,2\n", "no raw counts: .*X holds 1.5"),
    ],
)
def test_tables_that_are_none_are_told(tmp_path, content, told):
    (tmp_path / "counts.csv").write_text(content)
    with pytest.raises(ValueError, match=told):
        your_data(str(tmp_path / "counts.csv"), "other_half")


def test_folders_and_files_that_are_none_are_told(cells, tmp_path):
    place = as_mtx(cells, tmp_path)
    (place / "features.tsv").write_text("A\tA\n")
    with pytest.raises(ValueError, match=r"40 × 60, and there are 1 features and 60 barcodes .* not of one sample"):
        your_data(str(place), "other_half")
    (place / "barcodes.tsv").unlink()
    with pytest.raises(ValueError, match=r"matrix\.mtx has no barcodes\.tsv beside it"):
        your_data(str(place), "other_half")
    (tmp_path / "cells.rds").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"cells\.rds is a file of R: write it as \.h5ad"):
        your_data(str(tmp_path / "cells.rds"), "other_half")
    with pytest.raises(ValueError, match="is an address: download the file first"):
        your_data("https://example.org/cells.h5ad", "other_half")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: np.minimum(x, 1), "look binarised"),
        (lambda x: np.round(x / x.sum(1, keepdims=True) * 3000), "look normalised and rounded"),
        (lambda x: x * 7 * (1 + np.arange(len(x))[:, None] % 5), "look scaled and rounded"),
        (lambda x: x * (np.arange(len(x))[:, None] > 9), "10 of 200 cells have no molecule"),
    ],
)
def test_counts_that_look_wrong_are_told(change, told):
    counts = np.random.default_rng(0).poisson(1.0, (200, 80))
    assert not doubts_of(sparse.csr_matrix(counts), range(200), range(80))
    (sentence,) = doubts_of(sparse.csr_matrix(change(counts).astype(int)), range(200), range(80))
    assert told in sentence


def test_a_transposed_matrix_is_told(cells):
    sentences = doubts_of(sparse.csr_matrix(cells.X.T.astype(int)), cells.var_names, cells.obs_names)
    assert any("transpose the matrix" in sentence for sentence in sentences)


def test_unknown_labels_are_told(cells, tmp_path):
    mine = cells.copy()
    mine.obs["type"] = ["Unassigned" if i < 5 else "AB"[i % 2] for i in range(60)]
    mine.write_h5ad(tmp_path / "cells.h5ad")
    (doubt,) = your_data(str(tmp_path / "cells.h5ad"), "obs:type").doubts
    assert "'Unassigned' counts as one more label (5 cells)" in doubt


def test_thinned_files_are_nested_and_take_embeddings_back(cells, tmp_path):
    cells.write_h5ad(tmp_path / "cells.h5ad")
    files = write_thinned(tmp_path / "cells.h5ad", tmp_path / "thinned", [1.0, 0.5, 0.2])
    thinned = [anndata.read_h5ad(file) for file in files]
    assert (thinned[0].X != cells.X).nnz == 0
    assert all((deep.X - shallow.X).min() >= 0 for deep, shallow in pairwise(thinned))
    assert 0.4 < thinned[1].X.sum() / cells.X.sum() < 0.6
    thinned[1].obsm["X_mine"] = np.ones((60, 2))
    thinned[1].write_h5ad(files[1])
    np.save(tmp_path / "thinned" / "other_0.2.npy", np.zeros((60, 3)))
    pd.DataFrame(np.arange(60.0), BARCODES).iloc[::-1].to_csv(tmp_path / "thinned" / "third_1.csv")
    keys = ["X_mine_0.5", "X_other_0.2", "X_third_1"]
    folder = str(tmp_path / "thinned")
    made = your_data(str(tmp_path / "cells.h5ad"), "obs:type", embeddings=keys, embedding_folder=folder)
    assert {key: made.embeddings[key].shape[1] for key in keys} == {"X_mine_0.5": 2, "X_other_0.2": 3, "X_third_1": 1}
    np.testing.assert_array_equal(made.embeddings["X_third_1"].ravel(), np.arange(60.0))
    np.save(tmp_path / "thinned" / "other_0.2.npy", np.zeros((9, 3)))
    with pytest.raises(ValueError, match=r"other_0\.2\.npy has shape \(9, 3\): one row for each of the 60 cells"):
        your_data(str(tmp_path / "cells.h5ad"), "obs:type", embedding_folder=folder)


def test_the_example_file_raises_no_doubt(tmp_path):
    assert not your_data(str(example_file(tmp_path))).doubts
