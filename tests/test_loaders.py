"""Loaders: every dataset's own format in miniature, and the user's own files, good and bad."""

import gzip
import shutil

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmread, mmwrite
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from helpers._utils.validation import as_matrix, is_labels
from helpers.datasets import LOADERS, h5ad, load, read
from helpers.datasets.cells.larry import larry
from helpers.datasets.cells.merfish import merfish
from helpers.datasets.cells.mouse_embryo import day_of, mouse_embryo
from helpers.datasets.cells.pbmc_citeseq import pbmc_citeseq
from helpers.datasets.cells.perturbation_lowmoi import perturbation_lowmoi
from helpers.datasets.cells.xenium_sampled import FILES, xenium_sampled
from helpers.datasets.pairing import transcriptome
from helpers.datasets.your_data import your_data
from miniatures import WRITERS, write

KNOWN = {**LOADERS, **{f.__name__: f for f in (pbmc_citeseq, larry, merfish, mouse_embryo, your_data)}}


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory):
    """Return the folder of a dataset's miniature, written once; tests that change files copy it."""
    made = {}

    def folder(name):
        if name not in made:
            made[name] = write(name, tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@pytest.fixture
def own(miniatures, tmp_path):
    """Return a copy of a miniature that a test may spoil."""
    return lambda name: shutil.copytree(miniatures(name), tmp_path / name)


def partners(cells):
    """The row of the cell whose state is the signal of each paired cell."""
    state = transcriptome(cells.counts, np.flatnonzero(cells.folds != 0))
    mine = np.flatnonzero(cells.paired)
    distance = np.abs(cells.signal[mine][:, None, :] - state[None, :, :]).max(axis=2)
    assert distance.min(axis=1).max() < 1e-6
    return mine, distance.argmin(axis=1)


# Every dataset


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_miniature_keeps_what_every_dataset_promises(name, miniatures):
    if name not in KNOWN:
        pytest.skip(f"{name} has no loader yet")
    cells = KNOWN[name](folder=miniatures(name))
    assert cells.counts.dtype.kind == "i"
    assert cells.counts.min() == 0
    assert cells.n_folds >= 1
    assert cells.source
    for fold in range(cells.n_folds):
        side = cells.with_fold(fold)
        assert len(side.train) >= 20
        assert len(side.probe) >= 20
        assert not set(side.train) & set(side.probe)
    assert cells.data_hash == KNOWN[name](folder=miniatures(name)).data_hash


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_miniature_holds_information_about_its_signal(name, miniatures):
    """Otherwise a page on a miniature would show curves at zero."""
    if name not in KNOWN:
        pytest.skip(f"{name} has no loader yet")
    cells = KNOWN[name](folder=miniatures(name))
    mine = np.flatnonzero(cells.paired)
    state, signal = transcriptome(cells.counts, cells.train, dim=8)[mine], cells.signal[mine]
    if is_labels(signal):
        score = cross_val_score(KNeighborsClassifier(9), state, signal.astype(str), cv=3).mean()
        assert score > pd.Series(signal).value_counts(normalize=True).max() + 0.1
    else:
        first = as_matrix(signal, "signal")[:, 0]
        order = np.random.default_rng(0).permutation(len(first))
        assert cross_val_score(KNeighborsRegressor(9), state[order], first[order], cv=3).mean() > 0.1


@pytest.mark.parametrize(
    "name", ["xenium_breast", "xenium_sampled", "osmfish", "merfish_hypothalamus", "merfish", "larry_subset", "larry"]
)
def test_pairs_never_straddle_the_split(name, miniatures):
    if name not in KNOWN:
        pytest.skip(f"{name} has no loader yet")
    cells = KNOWN[name](folder=miniatures(name))
    mine, other = partners(cells)
    assert (cells.folds[mine] == cells.folds[other]).all()
    assert (mine != other).all()


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"your_data"}))
def test_a_missing_file_is_named(name, tmp_path):
    if name not in KNOWN:
        pytest.skip(f"{name} has no loader yet")
    needed = f"{tmp_path}/.* does not exist: {name} needs a file of that name .*; its files: .*\\."
    with pytest.raises(FileNotFoundError, match=needed):
        KNOWN[name](folder=tmp_path)


def test_xenium_sampled_joins_four_files_and_leaves_out_empty_cells(miniatures, own):
    folder = miniatures("xenium_sampled")
    cells = xenium_sampled(folder=folder)
    assert cells.n_cells == 396
    assert cells.counts.getnnz(axis=1).min() > 0
    assert "4 cells without a count left out" in cells.checked
    tables = {file: read.table(folder / f"{file}.csv.gz") for file in FILES}
    whole = pd.concat(tables.values())
    whole = whole[whole.iloc[:, 3:].any(axis=1)]
    np.testing.assert_array_equal(cells.counts.toarray(), whole.iloc[:, 3:])
    copy = own("xenium_sampled")
    tables[FILES[0]].rename(columns={"Gene1": "Gene0"}).to_csv(copy / f"{FILES[1]}.csv.gz")
    with pytest.raises(ValueError, match=f"the columns of {FILES[1]} and {FILES[0]} differ"):
        xenium_sampled(folder=copy)
    tables[FILES[0]].to_csv(copy / f"{FILES[1]}.csv.gz")
    with pytest.raises(ValueError, match=r"xenium_sampled: cell \d+ is in two files or twice in one"):
        xenium_sampled(folder=copy)


def test_partners_of_xenium_sampled_are_as_far_as_asked(miniatures):
    folder = miniatures("xenium_sampled")
    near, far = (xenium_sampled(folder=folder, distance=d) for d in (0, 100.0))
    places = pd.concat([read.table(folder / f"{file}.csv.gz") for file in FILES])
    places = places[places.iloc[:, 3:].any(axis=1)].iloc[:, :2].to_numpy()
    apart = [np.linalg.norm(places - places[cells.partners], axis=1) for cells in (near, far)]
    assert apart[0].max() < 90
    assert 100 < apart[1].min() <= apart[1].max() < 180
    assert (far.folds == near.folds).all()
    assert (far.folds == far.folds[far.partners]).all()
    assert far.data_hash != near.data_hash
    assert "of those more than 100 away" in far.checked[-1]
    with pytest.raises(ValueError, match=r"distance is 9000: a cell of fold 0 has 0 cells farther away, k=5 are"):
        xenium_sampled(folder=folder, distance=9000.0)
    with pytest.raises(ValueError, match=r"distance is -1: it must be a number in \[0, inf\]"):
        xenium_sampled(folder=folder, distance=-1)


def files_of(name):
    from helpers.datasets.files import registry

    return [file.path.split("/")[1] for file in registry()[name].files]


@pytest.mark.parametrize("name", ["pbmc_citeseq", "larry", "merfish", "mouse_embryo"])
def test_a_file_that_is_cut_off_is_named(name, own):
    folder = own(name)
    for file in files_of(name)[: 1 if name == "mouse_embryo" else None]:
        whole = (folder / file).read_bytes()
        (folder / file).write_bytes(whole[: len(whole) // 2] if not file.endswith(".csv") else b"\x00\x01,\xff\n1")
        with pytest.raises(ValueError, match=file.split(".")[0]):
            KNOWN[name](folder=folder)
        (folder / file).write_bytes(whole)
    KNOWN[name](folder=folder)


def test_an_unknown_miniature_is_told(tmp_path):
    with pytest.raises(ValueError, match="unknown dataset with a miniature 'lary': did you mean 'larry'"):
        write("lary", tmp_path)
    with pytest.raises(ValueError, match="n_cells of a miniature is 3"):
        write("larry", tmp_path, n_cells=3)


@pytest.mark.parametrize("name", ["pbmc4k", "larry", "mouse_embryo"])
def test_a_miniature_follows_its_size_and_seed(name, tmp_path):
    one, other = (KNOWN[name](folder=write(name, tmp_path / str(s), 120, s)) for s in (1, 2))
    assert 110 <= one.n_cells <= 120
    assert one.data_hash != other.data_hash


# The columns of the files held in ../shared/data, which is not part of the project.
COLUMNS = {
    "rna_mixture/RNAmix_celseq2.metadata.csv.gz": (
        "unaligned aligned_unmapped mapped_to_exon mapped_to_intron ambiguous_mapping mapped_to_ERCC mapped_to_MT "
        "number_of_genes total_count_per_cell non_ERCC_percent non_mt_percent non_ribo_percent outliers cell_name "
        "p_column p_row mix H2228_prop H1975_prop HCC827_prop mRNA_amount"
    ),
    "malaria_idc/pb10xIDC_pheno.csv": (
        "nGene nUMI Prediction.Spearman. r.Spearman. Prediction.Pearsons. r.Pearsons. res.0.8 is_doublet is_5k "
        "total_features log10_total_features total_counts log10_total_counts pct_counts_top_50_features "
        "pct_counts_top_100_features pct_counts_top_200_features pct_counts_top_500_features is_cell_control absclust "
        "stage_pred PC1 PC2 bulk clock_pseudotime"
    ),
}


@pytest.mark.parametrize("file", COLUMNS)
def test_miniature_tables_have_the_columns_of_the_real_ones(file, miniatures):
    name, path = file.split("/")
    assert list(read.table(miniatures(name) / path).columns) == COLUMNS[file].split()


def test_r_objects_of_a_miniature_read_like_the_real_ones(miniatures):
    folder = miniatures("worm_embryo")
    matrix, table = (read.r_object(folder / f"worm_embryo_{part}.rds") for part in ("expression_matrix", "coldata"))
    assert list(vars(matrix)) == ["i", "p", "Dim", "Dimnames", "x", "factors", "class"]
    assert vars(matrix)["class"].tolist() == ["dgCMatrix"]
    assert list(vars(table)) == [
        "rownames", "nrows", "listData", "elementType", "elementMetadata", "metadata", "class",
    ]  # fmt: skip
    assert table.elementMetadata == "\x01NULL\x01"
    assert list(table.listData["time.point"].categories)[-1] == "mixed"
    counts, genes, cells = read.r_sparse(matrix)
    assert counts.shape == (len(cells), len(genes)) == (400, 200)


# A CRISPR screen


def guides_of(folder):
    """Share of the strongest guide, its name and its target, of each cell of the file."""
    stored = read.r_object(folder / "lowmoi_example_data.rda")["lowmoi_example_data"]
    umis, names, cells = read.r_sparse(stored["grna_matrix"])
    assert cells == []
    umis = umis.toarray()
    target_of = dict(stored["grna_target_data_frame"].itertuples(index=False))
    guide = np.array(names)[umis.argmax(axis=1)]
    return umis.max(axis=1) / umis.sum(axis=1), guide, np.array([target_of[name] for name in guide])


def test_a_cell_of_the_screen_is_given_its_strongest_guide(miniatures):
    folder = miniatures("perturbation_lowmoi")
    share, _, target = guides_of(folder)
    one = share >= 0.8
    cells = perturbation_lowmoi(folder=folder)
    assert cells.n_cells == one.sum() == 380
    assert list(cells.signal) == list(target[one])
    assert "20 cells left out: under 80% of guide UMIs are of one guide" in cells.checked
    assert "non-targeting" in cells.signal
    assert cells.independent_signal
    table = pd.crosstab(cells.folds, cells.signal)
    assert (table.max() - table.min()).max() <= 1
    replicates = perturbation_lowmoi("replicate", folder=folder)
    assert list(replicates.signal) == [f"rep_{i % 3 + 1}" for i in np.flatnonzero(one)]
    assert (replicates.folds == cells.folds).all()


@pytest.mark.parametrize("n_folds", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_guide_of_the_screen_straddles_and_every_target_is_in_every_fold(miniatures, n_folds, seed):
    folder = miniatures("perturbation_lowmoi")
    share, guide, target = guides_of(folder)
    cells = perturbation_lowmoi(split="guides", n_folds=n_folds, split_seed=seed, folder=folder)
    kept = (share >= 0.8) & (target != "SPI1")  # whose only guide cannot be in every fold
    assert list(cells.signal) == list(target[kept])
    assert f"no guide is in two folds; targets of fewer than {n_folds} guides: SPI1" in cells.checked
    assert pd.Series(cells.folds).groupby(guide[kept]).nunique().max() == 1
    assert (pd.crosstab(cells.signal, cells.folds) > 0).all(axis=None)
    assert set(cells.folds) == set(range(n_folds))
    other = perturbation_lowmoi("replicate", split="guides", n_folds=n_folds, split_seed=seed, folder=folder)
    assert (other.folds == cells.folds).all()


def test_another_seed_deals_guides_otherwise(miniatures):
    one, other = (
        perturbation_lowmoi(split="guides", split_seed=s, folder=miniatures("perturbation_lowmoi")) for s in (0, 1)
    )
    assert one.data_hash != other.data_hash


def test_a_wrong_screen_is_told(miniatures, own):
    folder = miniatures("perturbation_lowmoi")
    with pytest.raises(ValueError, match="unknown split of perturbation_lowmoi 'guide': did you mean 'guides'"):
        perturbation_lowmoi(split="guide", folder=folder)
    with pytest.raises(ValueError, match="unknown signal of perturbation_lowmoi 'gene'"):
        perturbation_lowmoi("gene", folder=folder)
    with pytest.raises(ValueError, match="n_folds is 1"):
        perturbation_lowmoi(split="guides", n_folds=1, folder=folder)
    with pytest.raises(ValueError, match="n_folds is 50: fewer than two labels have as many groups"):
        perturbation_lowmoi(split="guides", n_folds=50, folder=folder)
    file = own("perturbation_lowmoi") / "lowmoi_example_data.rda"
    shutil.copy(miniatures("merfish_hypothalamus") / "hypothalamus.rda", file)
    with pytest.raises(ValueError, match="is not the screen that is expected: it lacks 'lowmoi_example_data'"):
        perturbation_lowmoi(folder=file.parent)


# PBMC CITE-seq


def test_pbmc_citeseq_is_what_the_file_holds(miniatures):
    stored = anndata.read_h5ad(miniatures("pbmc_citeseq") / "pbmc_seurat_v4.h5ad")
    cells = pbmc_citeseq(folder=miniatures("pbmc_citeseq"))
    assert (cells.counts != stored.X).nnz == 0
    assert list(cells.genes) == list(stored.var_names)
    np.testing.assert_allclose(cells.signal, np.log1p(stored.obsm["protein_counts"].to_numpy()))
    assert cells.independent_signal
    types = pbmc_citeseq("cell_type", folder=miniatures("pbmc_citeseq"))
    assert list(types.signal) == list(stored.obs["celltype.l3"])
    assert not types.independent_signal
    assert types.ceiling_bits == pytest.approx(3.0)
    assert (types.folds == cells.folds).all()
    table = pd.crosstab(types.folds, types.signal)
    assert (table.max() - table.min()).max() <= 1


def test_pbmc_citeseq_takes_a_random_subset(miniatures):
    folder = miniatures("pbmc_citeseq")
    whole, some = pbmc_citeseq(folder=folder), pbmc_citeseq(n_cells=50, folder=folder)
    assert some.n_cells == 50
    rows = [np.flatnonzero((whole.signal == y).all(axis=1)).item() for y in some.signal]
    assert (whole.counts[rows] != some.counts).nnz == 0
    assert max(rows) > 300
    assert some.data_hash != pbmc_citeseq(n_cells=50, split_seed=1, folder=folder).data_hash
    assert pbmc_citeseq(n_cells=10**6, folder=folder).n_cells == 400
    with pytest.raises(ValueError, match="n_cells is 2: "):
        pbmc_citeseq(n_cells=2, folder=folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.obsm.pop("protein_counts"), "has no obsm/protein_counts"),
        (lambda a: a.obs.drop(columns="celltype.l3", inplace=True), r"unknown column of obs .*'celltype\.l3'"),
        (
            lambda a: a.obsm.update(protein_counts=a.obsm["protein_counts"] / 2),
            r"pbmc_citeseq: obsm/protein_counts holds \d*\.5, not a w",
        ),
        (lambda a: a.obsm.update(protein_counts=-a.obsm["protein_counts"]), "counts cannot be negative"),
        (lambda a: setattr(a, "X", a.X * 0.3), r"counts of pbmc_citeseq holds \d*\.\d, not a whole number"),
        (lambda a: setattr(a, "X", sparse.csc_matrix(a.X)), "stored as 'csc_matrix', which cannot be read row by row"),
    ],
)
def test_a_wrong_pbmc_citeseq_is_told(own, change, told):
    file = own("pbmc_citeseq") / "pbmc_seurat_v4.h5ad"
    stored = anndata.read_h5ad(file)
    change(stored)
    stored.write_h5ad(file)
    with pytest.raises(ValueError, match=told):
        pbmc_citeseq(folder=file.parent)


# LARRY


def stored_clones(folder):
    """Clone matrix and days of the cells that the loader keeps."""
    clones = sparse.csr_matrix(mmread(folder / "stateFate_inVitro_clone_matrix.mtx.gz"))
    days = pd.read_csv(folder / "stateFate_inVitro_metadata.txt.gz", sep="\t")["Time point"].to_numpy()
    single = clones.getnnz(axis=1) < 2
    return clones[single].toarray().astype(bool), days[single], single


@pytest.mark.parametrize("n_folds", [1, 2, 3])
def test_no_clone_of_larry_straddles(miniatures, n_folds):
    cells = larry(n_folds=n_folds, folder=miniatures("larry"))
    clones, days, single = stored_clones(miniatures("larry"))
    assert (~single).sum() == 2
    assert cells.n_cells == single.sum()
    for clone in clones.T:
        assert len(set(cells.folds[clone])) <= 1
    assert (cells.folds[~clones.any(axis=1)] == -1).all()
    mine, other = partners(cells)
    assert (days[mine] < 6).all()
    assert (days[other] == 6).all()
    assert (clones[mine] & clones[other]).any(axis=1).all()
    assert len(set(clones[mine].argmax(axis=1))) == len(mine)
    for fold in range(n_folds):
        side = cells.with_fold(fold)
        assert not (clones[side.train].any(axis=0) & clones[side.probe].any(axis=0)).any()


def test_larry_counts_are_recovered_or_taken_as_they_are(own):
    folder = own("larry")
    recovered = larry(folder=folder)
    file = folder / "stateFate_inVitro_normed_counts.mtx.gz"
    whole = read.from_scaled(sparse.csr_matrix(mmread(file)), "test")
    assert any("recovered" in told for told in recovered.checked)
    with gzip.open(file, "wb") as handle:
        mmwrite(handle, whole)
    raw = larry(folder=folder)
    assert raw.data_hash == recovered.data_hash
    assert "whole counts as stored" in raw.checked


def test_wrong_larry_files_are_told(own):
    folder = own("larry")
    genes = folder / "stateFate_inVitro_gene_names.txt.gz"
    genes.write_bytes(gzip.compress(b"A\nB\n"))
    with pytest.raises(ValueError, match=r"counts are 400 × 200 .* 400 cells and 2 genes are named"):
        larry(folder=folder)
    table = folder / "stateFate_inVitro_metadata.txt.gz"
    pd.read_csv(table, sep="\t").rename(columns={"Time point": "day"}).to_csv(table, sep="\t", index=False)
    with pytest.raises(ValueError, match="no column 'Time point', only Library"):
        larry(folder=folder)


def test_larry_without_whole_counts_is_told(own):
    folder = own("larry")
    file = folder / "stateFate_inVitro_normed_counts.mtx.gz"
    values = sparse.csr_matrix(mmread(file))
    values.data = np.log1p(values.data)
    with gzip.open(file, "wb") as handle:
        mmwrite(handle, values)
    with pytest.raises(ValueError, match=r"larry: .* not whole multiples of their cell's smallest value"):
        larry(folder=folder)


# MERFISH


def test_merfish_pairs_near_cells_of_one_strip(miniatures):
    cells = merfish(folder=miniatures("merfish"))
    assert cells.counts.shape == (399, 200)
    assert not any(g.startswith("Blank") for g in cells.genes)
    table = pd.read_csv(miniatures("merfish") / "cell_by_gene_S1R1.csv", index_col=0, dtype={0: str})
    about = pd.read_csv(miniatures("merfish") / "cell_metadata_S1R1.csv", index_col=0, dtype={0: str})
    assert len(table.index[0]) == 39
    table = table[[g for g in table if g.startswith("Gene")]]
    table = table[table.sum(axis=1) > 0]
    assert (cells.counts.toarray() == table.to_numpy()).all()
    mine, other = partners(cells)
    place = about.loc[table.index, ["center_x", "center_y"]].to_numpy()
    # Within a strip the fifth nearest cell of a line is at most five steps away, and one cell was left out.
    assert np.linalg.norm(place[mine] - place[other], axis=1).max() < 6 * 12 + 5
    assert (cells.folds[mine] == cells.folds[other]).all()
    assert any("1 cells without a count" in told for told in cells.checked)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.iloc[1:], "is not in it"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "names a cell twice"),
        (lambda t: t.drop(columns="center_y"), "no column 'center_y', only fov"),
        (lambda t: t.assign(center_x=np.nan), "positions of merfish holds NaN"),
    ],
)
def test_a_wrong_merfish_table_is_told(own, change, told):
    file = own("merfish") / "cell_metadata_S1R1.csv"
    change(pd.read_csv(file, index_col=0, dtype={0: str})).to_csv(file)
    with pytest.raises(ValueError, match=told):
        merfish(folder=file.parent)


# Mouse embryo


@pytest.mark.parametrize(
    ("name", "day"), [("E8.5", 8.5), ("E10", 10.0), ("E8.0-E8.5", 8.25), ("P0", 19.0), ("E18.75", 18.75), ("P1", 20.0)]
)
def test_days_are_read(name, day):
    assert day_of(name) == day


@pytest.mark.parametrize("name", ["8.5", "E", "nan", "", "E8.5-E9-E10", "day 3"])
def test_what_is_no_day_is_told(name):
    with pytest.raises(ValueError, match=r"is not a day: give E8\.5"):
        day_of(name)


def test_mouse_embryo_draws_cells_over_its_runs(miniatures):
    folder = miniatures("mouse_embryo")
    stored = [anndata.read_h5ad(folder / f"adata_JAX_dataset_{run}.h5ad") for run in (1, 2, 3, 4)]
    both = mouse_embryo(runs=[1, "adata_JAX_dataset_3"], n_cells=None, folder=folder)
    assert (both.counts != sparse.vstack([stored[0].X, stored[2].X])).nnz == 0
    assert list(both.signal) == [day_of(d) for i in (0, 2) for d in stored[i].obs["day"]]
    assert both.signal.dtype == float
    some = mouse_embryo(runs=[3, 1, 3], n_cells=100, folder=folder)
    assert some.n_cells == 100
    seen = {tuple(row) for row in some.counts.toarray()}
    parts = [{tuple(row) for row in stored[i].X.toarray()} for i in (0, 2)]
    assert all(20 < len(seen & part) < 80 for part in parts)
    assert mouse_embryo(folder=folder).n_cells == 400


def test_mouse_embryo_is_read_in_chunks_of_rows(miniatures, monkeypatch):
    """Whatever the size of the file, only so many rows are in memory beside those asked for."""
    folder, sizes = miniatures("mouse_embryo"), []
    expected = mouse_embryo(n_cells=60, folder=folder)
    whole = h5py.Dataset.__getitem__

    def noted(self, key):
        values = whole(self, key)
        if self.name in ("/X/data", "/X/indices"):
            sizes.append(len(values))
        return values

    monkeypatch.setattr(h5ad, "CHUNK", 20)
    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    cells = mouse_embryo(n_cells=60, folder=folder)
    assert cells.data_hash == expected.data_hash
    assert len(sizes) >= 2 * 15
    assert max(sizes) <= 20 * 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"runs": [5]}, "unknown run of mouse_embryo 'adata_JAX_dataset_5'"),
        ({"runs": []}, r"runs is \[\]: give a list of numbers 1 to 4"),
        ({"runs": 1}, "runs is 1: give a list"),
        ({"n_cells": 0}, "n_cells is 0"),
        ({"signal": "embryo"}, "unknown signal of mouse_embryo"),
    ],
)
def test_impossible_mouse_embryos_are_told(miniatures, options, told):
    with pytest.raises(ValueError, match=told):
        mouse_embryo(**options, folder=miniatures("mouse_embryo"))


def test_runs_with_other_genes_are_told(own):
    folder = own("mouse_embryo")
    stored = anndata.read_h5ad(folder / "adata_JAX_dataset_2.h5ad")
    stored[:, ::-1].copy().write_h5ad(folder / "adata_JAX_dataset_2.h5ad")
    with pytest.raises(ValueError, match=r"the genes of adata_JAX_dataset_2\.h5ad are not those of adata_JAX"):
        mouse_embryo(runs=[1, 2], folder=folder)


@pytest.mark.parametrize("dense", [True, False])
def test_rows_are_those_of_the_file(tmp_path, dense):
    counts = sparse.random(97, 11, 0.3, format="csr", random_state=0)
    anndata.AnnData(counts.toarray() if dense else counts).write_h5ad(tmp_path / "a.h5ad")
    for chosen in (np.arange(97), np.array([0, 50, 96]), np.array([], int)):
        for chunk in (1, 10, 1000):
            with h5ad.opened(tmp_path / "a.h5ad") as handle:
                found = h5ad.StoredMatrix(handle).rows(chosen, chunk)
            np.testing.assert_allclose(found.toarray(), counts[chosen].toarray(), rtol=1e-6)


def test_columns_of_old_files_are_read(miniatures):
    with h5ad.opened(miniatures("larry_subset") / "test_adata_preprocessed.h5ad") as handle:
        assert set(h5ad.column(handle, "obs/time_info")) == {"2", "4", "6"}
        assert h5ad.column(handle, "var")[0] == "Gene1"


# Your own data


@pytest.fixture
def cells(miniatures):
    return anndata.read_h5ad(miniatures("your_data") / "your_data.h5ad")


@pytest.fixture
def saved(tmp_path):
    """Write cells and return the path of the file."""

    def save(cells):
        cells.write_h5ad(tmp_path / "mine.h5ad")
        return str(tmp_path / "mine.h5ad")

    return save


@pytest.mark.parametrize(
    ("signal", "independent"),
    [("obs:celltype", None), ("obs:age", None), ("obsm:protein", None), ("obsm:X_made", None),
     ("pert:celltype", True), ("batch:donor", True), ("split", True), ("other_half", True),
     ("neighbours:spatial", True), ("pairs:clone", True), ("pairs:clone:day", True)],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"n_folds": 3}, {"train_fraction": 0.75}])
def test_every_kind_of_signal_is_found(miniatures, signal, independent, options):
    cells = your_data(signal=signal, folder=miniatures("your_data"), **options)
    assert cells.n_cells == 400
    assert cells.signal_name == signal
    assert cells.independent_signal is independent
    assert cells.n_folds == (1 if "train_fraction" in options else options.get("n_folds", 2))
    if "train_fraction" in options and signal[:3] == "obs":
        assert len(cells.train) == 300
    assert "whole counts in X" in cells.checked
    if signal[:5] in ("neigh", "pairs"):
        mine, other = partners(cells)
        assert (cells.folds[mine] == cells.folds[other]).all()
        assert (mine != other).all()


def test_signals_of_your_data_are_the_stored_ones(cells, miniatures):
    found = {s: your_data(signal=s, folder=miniatures("your_data")).signal for s in ("obs:celltype", "obs:age")}
    assert list(found["obs:celltype"]) == list(cells.obs["celltype"])
    np.testing.assert_array_equal(found["obs:age"], cells.obs["age"])
    proteins = your_data(signal="obsm:protein", folder=miniatures("your_data"))
    np.testing.assert_allclose(proteins.signal, np.log1p(cells.obsm["protein"]))
    as_stored = your_data(signal="obsm:protein", log_signal=False, folder=miniatures("your_data"))
    np.testing.assert_allclose(as_stored.signal, cells.obsm["protein"])


def test_clones_of_your_data_stay_together(cells, miniatures):
    made = your_data(signal="pairs:clone:day", folder=miniatures("your_data"))
    clone = cells.obs["clone"].astype(object)
    mine, other = partners(made)
    assert (clone.iloc[mine].to_numpy() == clone.iloc[other].to_numpy()).all()
    assert (cells.obs["day"].iloc[mine] == 1).all()
    assert (cells.obs["day"].iloc[other] == 2).all()
    assert pd.Series(made.folds).groupby(clone.to_numpy()).nunique().max() == 1
    assert (made.folds[clone.isna()] == -1).all()


def test_a_clone_may_give_several_pairs_without_a_cell_twice(cells, saved):
    clone = np.arange(len(cells)) // 5  # 80 clones of five cells, two pairs each
    cells.obs["clone"] = [f"c{i}" for i in clone]
    path = saved(cells)
    one, many = (your_data(path, "pairs:clone", pairs_per_clone=most) for most in (1, 3))
    mine, other = partners(many)
    assert (len(partners(one)[0]), len(mine)) == (80, 160)
    assert (clone[mine] == clone[other]).all()
    assert len({*mine, *other}) == 320
    assert pd.Series(many.folds).groupby(clone).nunique().max() == 1
    assert not one.doubts
    assert "up to 3 pairs of one clone are alike" in many.doubts[0]


def test_a_batch_stays_in_one_fold(cells, miniatures):
    made = your_data(batch="donor", folder=miniatures("your_data"))
    assert pd.crosstab(made.folds, cells.obs["donor"].to_numpy()).gt(0).sum().max() == 1


def test_neighbours_are_of_one_batch_even_where_positions_overlap(cells, saved):
    cells.obsm["spatial"] = np.tile(cells.obsm["spatial"][:100], (4, 1))
    mine, other = partners(your_data(saved(cells), "neighbours:spatial", batch="donor"))
    donor = cells.obs["donor"].to_numpy()
    assert (donor[mine] == donor[other]).all()
    assert (mine != other).all()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(400) % 3, "labels"),
        (np.arange(400) % 3 + 0.0, "labels"),
        (np.arange(400) % 60, "continuous"),
        (np.arange(400) / 7, "continuous"),
        ((np.arange(400) % 3).astype(str), "labels"),
        (np.arange(400).astype(str), "continuous"),
        (pd.Categorical((np.arange(400) % 3).astype(str)), "labels"),
        (np.arange(400) % 2 == 0, "labels"),
        (np.array([f"t{i % 30}" for i in range(400)]), "labels"),
        (pd.Categorical((101 + np.arange(400) % 25).astype(str)), "labels"),
        ((np.arange(400) % 30 / 7).astype(str), "continuous"),
    ],
)
def test_numbers_and_labels_are_told_apart(cells, saved, values, kind):
    cells.obs["y"] = values
    path = saved(cells)
    found = your_data(path, "obs:y")
    assert is_labels(found.signal) == (kind == "labels")
    (taken,) = [words for words in found.checked if words.startswith("obs:y: ")]
    assert ("labels" in taken.partition("(")[0]) == (kind == "labels")
    if len(set(values)) < 200:
        assert is_labels(your_data(path, "obs:y", as_labels=True).signal)


@pytest.mark.parametrize("name", ["day", "time.point", "age", "n_counts", "dose_mg"])
def test_a_quantity_of_few_values_is_a_number(cells, saved, name):
    cells.obs[name] = np.arange(400) % 4
    found = your_data(saved(cells), f"obs:{name}")
    assert not is_labels(found.signal)
    assert f"obs:{name}: numbers with 4 different values (as_labels=True takes them as labels)" in found.checked
    assert is_labels(your_data(saved(cells), f"obs:{name}", as_labels=True).signal)


def test_raw_counts_are_found_wherever_they_are(cells, saved):
    expected = cells.X.copy()
    cells.raw = cells.copy()
    cells.X = cells.X * 0.5
    raw = your_data(saved(cells))
    assert (raw.counts != expected).nnz == 0
    assert "whole counts in raw" in raw.checked
    on_disk = your_data(saved(cells), backed=True)
    assert "whole counts in raw, left on disk" in on_disk.checked
    assert list(on_disk.genes) == list(raw.genes)
    cells.layers["counts"] = expected * 2
    twice = your_data(saved(cells))
    assert (twice.counts != expected * 2).nnz == 0
    assert "whole counts in layers['counts']" in twice.checked
    cells.layers["other"] = expected * 3
    assert (your_data(saved(cells), layer="other").counts != expected * 3).nnz == 0
    with pytest.raises(ValueError, match=r"mine.h5ad has no raw counts: X holds \d*\.5\. Put the counts before"):
        your_data(saved(cells), layer="X")


def test_cells_without_a_value_are_left_out_and_counted(cells, saved):
    cells.obs["celltype"] = cells.obs["celltype"].astype(str)
    cells.obs.iloc[:30, cells.obs.columns.get_loc("celltype")] = "nan"
    cells.obs.iloc[:10, cells.obs.columns.get_loc("age")] = np.nan
    path = saved(cells)
    labels, ages = your_data(path), your_data(path, "obs:age", embeddings=["X_made"])
    assert (labels.n_cells, ages.n_cells) == (370, 390)
    assert (labels.counts != cells.X[30:]).nnz == 0
    assert "30 cells without it left out" in labels.checked
    np.testing.assert_array_equal(ages.embeddings["X_made"], cells.obsm["X_made"][10:])


def spoil_truncated(path):
    path.write_bytes(path.read_bytes()[:5000])


def spoil_text(path):
    path.write_text("cell,gene\n")


def spoil_other(path):
    with h5py.File(path, "w") as handle:
        handle["images"] = np.zeros(3)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_truncated, "mine.h5ad is not a whole HDF5 file"),
        (spoil_text, "mine.h5ad has 0 rows and 1 columns of counts: it holds no counts"),
        (spoil_other, "mine.h5ad holds images: it is none of AnnData"),
    ],
)
def test_a_file_that_is_none_is_told(cells, saved, tmp_path, spoil, told):
    path = saved(cells)
    spoil(tmp_path / "mine.h5ad")
    with pytest.raises(ValueError, match=told):
        your_data(path)


def test_a_missing_file_of_yours_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.h5ad does not exist"):
        your_data(str(tmp_path / "no.h5ad"))
    with pytest.raises(ValueError, match="is a folder that holds nothing: give a file, or a folder of one of AnnData"):
        your_data(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"signal": "obs:celltyp"}, "unknown column of obs .* 'celltyp': did you mean 'celltype'"),
        ({"signal": "celltype"}, "signal is 'celltype': say where it is.*Did you mean 'obs:celltype'"),
        ({"signal": "uns:x"}, "signal is 'uns:x': say where it is, as one of obs:KEY"),
        ({"signal": "obsm:proteins"}, "unknown key of obsm .* 'proteins': did you mean 'protein'"),
        ({"signal": "mod:prot"}, "unknown key of mod"),
        ({"signal": "neighbours:protein"}, "neighbours:protein has 4 columns: positions have 2 or 3"),
        ({"signal": "pairs:clon"}, "unknown column of obs .*'clon': did you mean 'clone'"),
        ({"signal": "pairs:clone:celltype", "batch": "donor"}, "pairs are split by clone already"),
        ({"signal": "pairs:clone", "pairs_per_clone": 0}, "pairs_per_clone is 0: it must be a whole number"),
        ({"signal": "pairs:age"}, "values of age have two cells: at least 8"),
        ({"layer": "counts"}, "unknown layer of .* 'counts'.*Known: X, raw"),
        ({"embeddings": ["X_mad"]}, "unknown key of obsm .* 'X_mad': did you mean 'X_made'"),
        ({"train_fraction": 1.0}, r"train_fraction is 1\.0: .*\[0\.01, 0\.99\]"),
        ({"n_folds": 1}, "n_folds is 1"),
        ({"batch": "donor", "n_folds": 9}, "number of values of donor is 4: "),
        ({"as_labels": False}, "celltype holds '.*': as_labels=False needs numbers"),
        ({"metadata": "no.csv"}, "no.csv does not exist"),
    ],
)
def test_impossible_options_of_your_data_are_told(cells, saved, options, told):
    cells.obs["age"] = np.arange(400.0)
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        your_data(saved(cells), **options)


def nan_proteins(cells):
    cells.obsm["protein"][3] = np.nan
    return cells


@pytest.mark.parametrize(
    ("change", "signal", "told"),
    [
        (lambda a: a[:1].copy(), "obs:celltype", "number of cells in .* is 1: "),
        (lambda a: a[a.obs["celltype"] == "B"].copy(), "obs:celltype", "is constant over 100 cells"),
        (nan_proteins, "obsm:protein", r"obsm:protein .*NaN.* 1 of 400 rows \(first: row 3\)"),
    ],
)
def test_signals_without_information_are_told(cells, saved, change, signal, told):
    with pytest.raises(ValueError, match=told):
        your_data(saved(change(cells)), signal)


def test_mostly_missing_labels_are_told(cells, saved):
    cells.obs["celltype"] = [None if i < 201 else "AB"[i % 2] for i in range(400)]
    with pytest.raises(ValueError, match=r"obs:celltype is missing in 201 of 400 cells .*: at most half"):
        your_data(saved(cells))


@pytest.mark.parametrize(
    ("factor", "odd"),
    [(0.25, r"holds \d*\.(25|5|75)"), (-1, "holds -"), (np.nan, "holds NaN"), (0, "holds only zeros")],
)
def test_what_is_not_counts_is_told(cells, saved, factor, odd):
    cells.X = cells.X * factor
    with pytest.raises(
        ValueError, match=rf"layers\['counts'\] is absent, raw is absent, X {odd}.*Put the counts before"
    ):
        your_data(saved(cells))


@pytest.mark.filterwarnings("ignore:.* names are not unique")
@pytest.mark.parametrize(("axis", "what"), [("var_names", "gene"), ("obs_names", "cell")])
def test_names_that_occur_twice_are_made_unique_and_noted(cells, saved, axis, what):
    setattr(cells, axis, ["twice", "twice", *getattr(cells, axis)[2:]])
    found = your_data(saved(cells))
    assert found.n_cells == 400
    assert len(set(found.genes)) == 200
    assert any(f"1 {what} names occur twice, such as 'twice'" in doubt for doubt in found.doubts)
    assert "names occur twice" in found.describe()["doubts"]


def write_10x(path, cells, proteins):
    values = sparse.csr_matrix(sparse.hstack([cells.X, proteins]))
    n_genes, n_others = cells.n_vars, proteins.shape[1]
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        group["barcodes"] = cells.obs_names.to_numpy(str).astype("S")
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(values, part).astype(np.int32 if part == "data" else np.int64)
        group["shape"] = np.array(values.shape[::-1])
        features = group.create_group("features")
        # Two genes share a symbol, as in real files.
        names = ["Same", "Same", *cells.var_names[2:], *(f"P{i}" for i in range(n_others))]
        features["name"] = np.array(names).astype("S")
        features["id"] = np.array([f"ENSG{i}" for i in range(n_genes + n_others)]).astype("S")
        kinds = ["Gene Expression"] * n_genes + ["Antibody Capture"] * n_others
        features["feature_type"] = np.array(kinds).astype("S")
        features["genome"] = np.full(n_genes + n_others, b"GRCh38")


def test_a_10x_file_with_a_table_of_cells(cells, tmp_path):
    path, table = tmp_path / "filtered.h5", tmp_path / "about.csv"
    write_10x(path, cells, np.round(cells.obsm["protein"]))
    cells.obs[["celltype"]].iloc[::-1].iloc[:350].to_csv(table)
    labels = your_data(str(path), metadata=str(table))
    assert labels.counts.shape == (350, 200)
    assert list(labels.signal) == list(cells.obs["celltype"].iloc[50:])
    assert "50 cells without it left out" in labels.checked
    assert labels.genes[0] == "ENSG0"
    proteins = your_data(str(path), "mod:Antibody Capture")
    np.testing.assert_allclose(proteins.signal, np.log1p(np.round(cells.obsm["protein"])))
    cells.obs.set_axis([f"x{i}" for i in range(400)]).to_csv(table)
    with pytest.raises(ValueError, match=r"names none of the cells of .*: it has 'x0', the cells are called"):
        your_data(str(path), metadata=str(table))


@pytest.mark.filterwarnings("ignore")  # mudata warns of what its next version will do
def test_a_mudata_file(cells, tmp_path):
    mudata = pytest.importorskip("mudata")
    proteins = anndata.AnnData(np.round(cells.obsm["protein"])[20:], pd.DataFrame(index=cells.obs_names[20:]))
    path = str(tmp_path / "both.h5mu")
    mudata.MuData({"rna": cells, "prot": proteins}).write(path)
    made = your_data(path, "mod:prot")
    np.testing.assert_allclose(made.signal, np.log1p(proteins.X))
    assert (made.counts != cells.X[20:]).nnz == 0
    assert your_data(path).n_cells == 400
    with pytest.raises(ValueError, match=r"unknown modality of .*'rma': did you mean 'rna'"):
        your_data(path, modality="rma")


def test_no_pickle_is_ever_read(cells, saved):
    """A file may hold bytes of a pickle; they stay bytes."""
    path = saved(cells)
    with h5py.File(path, "a") as handle:
        handle["uns"].create_dataset("bad", data=np.void(b"cos\nsystem\n(S'false'\ntR."))
    assert your_data(path).n_cells == 400


def test_files_of_a_folder_do_not_pass_for_the_registered_ones(miniatures):
    folder = miniatures("merfish")
    cells = load("merfish", folder=folder)
    assert cells.name == f"merfish (files in {folder.name})"
    assert str(folder) in cells.source
    assert cells.data_hash == merfish(folder=folder).data_hash


def test_times_in_text_sort_by_their_number():
    from helpers.datasets.your_data import _times

    assert _times(pd.Series(["day10", "day2", None]), "t").tolist()[:2] == [10, 2]
    assert _times(pd.Series(["4", "10"]), "t").tolist() == [4, 10]
    with pytest.raises(ValueError, match="give numbers, or text with one number"):
        _times(pd.Series(["early", "late"]), "t")
