"""Miniatures of the small public sets, each in the format of its file."""

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.datasets.cells.merfish_hypothalamus import SEQUENTIAL
from helpers.datasets.cells.xenium_sampled import FILES
from miniatures.parts import (
    GENES,
    along_a_line,
    bins,
    clone_matrix,
    draw_counts,
    gene_names,
    make_barcodes,
    multiplied,
    proteins,
    simulated_cells,
    simulated_relatives,
    write_hdf5,
)
from miniatures.write_r import Named, d_frame, dgc_matrix, dgt_matrix, write_r


def citeseq_pbmc10k(folder: Path, n: int, seed: int) -> None:
    """CSV of genes × cells and proteins × cells; HDF5 of another copy, cells and proteins in another order."""
    cells = simulated_cells("protein", n, seed, latent=7, bits=6.0)
    barcodes, panel = make_barcodes(n, seed, "-1"), proteins(cells.signal)
    names = [f"CD{i + 1}_TotalSeqB" for i in range(panel.shape[1])]
    rna = pd.DataFrame(cells.counts.T.astype(float), gene_names(GENES), barcodes)
    rna.to_csv(folder / "pbmc10k_harmo_rna.csv.gz")
    pd.DataFrame(panel.T, names, barcodes).to_csv(folder / "pbmc10k_harmo_pro.csv.gz")
    rng = np.random.default_rng(seed)
    some, order = rng.permutation(n)[: n * 9 // 10], rng.permutation(panel.shape[1])
    write_hdf5(
        folder / "10XPBMC_filtered_1000G.H5",
        X1=cells.counts[some, : GENES // 2].astype(float),
        X2=panel[some][:, order],
        Y=bins(cells.signal[:, 0], 7)[some] + 1.0,
    )


def citeseq_cbmc(folder: Path, n: int, seed: int) -> None:
    """HDF5 with normalised proteins, CSV with raw ones; the same order of cells, no names."""
    cells = simulated_cells("protein", n, seed, latent=7, bits=6.0, depth=900.0)
    panel = proteins(cells.signal)[:, :13]
    centred = np.log1p(panel) - np.log1p(panel).mean(axis=1, keepdims=True)
    write_hdf5(
        folder / "CITE_CBMC_counts_top2000.h5",
        X=cells.counts.astype(np.float32),
        Y=bins(cells.signal[:, 0], 15) + 1.0,
        ADT_X=((centred - centred.mean(axis=0)) / centred.std(axis=0))[:, :10],
    )
    table = pd.DataFrame(panel.T.astype(int), [f"CD{i + 1}" for i in range(13)], make_barcodes(n, seed))
    table.to_csv(folder / "GSE100866_CBMC_8K_13AB_10X-ADT_umi.csv.gz")


def spleen_lymph(folder: Path, n: int, seed: int) -> None:
    """CSV of genes × cells; labels without names, those of other batches before and after."""
    cells = simulated_cells("label", n, seed, bits=2.5)
    rna = pd.DataFrame(cells.counts.T.astype(float), gene_names(GENES), make_barcodes(n, seed, "-2"))
    rna.to_csv(folder / "sln_d2_harmo_rna_seurat.csv.gz")
    types = ["Mature B cells", "CD4 T cells", "CD8 T cells", "MZ B cells", "Tregs", "NK cells", "cDC1s", "Neutrophils"]
    labels = np.random.default_rng(seed).integers(0, 8, max(32_648, 9264 + n))
    labels[9264 : 9264 + n] = cells.signal  # the rows of this batch
    table = {"leiden_subclusters": [f"{i},0" for i in labels], "labels": np.array(types)[labels]}
    pd.DataFrame(table).to_csv(folder / "sln_annotations_subclustered.csv")


def pbmc4k(folder: Path, n: int, seed: int) -> None:
    """HDF5 of a dense matrix and labels from 1."""
    cells = simulated_cells("label", n, seed, bits=2.5)
    write_hdf5(
        folder / "10X_PBMC_top2000.h5", X=cells.counts.astype(np.float32), Y=cells.signal.astype(np.int32) + 1
    )  # fmt: skip


def xenium_breast(folder: Path, n: int, seed: int) -> None:
    """One CSV of positions and genes, a cell a row, names in quotes."""
    cells, places = simulated_cells("neighbour", n, seed, depth=300.0, bits=4.0), along_a_line(n, seed)
    area = np.random.default_rng(seed).uniform(40, 500, n)
    about = {"cell_id": 6032 + np.arange(n), "cell_area": area, "nucleus_area": area / 4}
    about |= {"aligned_x": places[:, 0], "aligned_y": places[:, 1]}
    table = pd.DataFrame(about).join(pd.DataFrame(cells.counts, columns=gene_names(GENES)))
    table.index = (1498 + np.arange(n)).astype(str)
    table.to_csv(folder / "pikachu.csv.gz", quoting=csv.QUOTE_NONNUMERIC)


def xenium_sampled(folder: Path, n: int, seed: int) -> None:
    """Four CSVs of positions and genes, a cell a row in no order, names in quotes; some cells have no count."""
    cells, places = simulated_cells("neighbour", n, seed, depth=300.0, bits=4.0), along_a_line(n, seed)
    cells.counts[:: n // 4] = 0
    rng = np.random.default_rng(seed)
    about = {"x_centroid": places[:, 0], "y_centroid": places[:, 1], "area": rng.uniform(5, 120, n)}
    table = pd.DataFrame(about).join(pd.DataFrame(cells.counts, columns=gene_names(GENES)))
    table.index = (1498 + np.arange(n)).astype(str)
    for file, rows in zip(FILES, np.array_split(np.arange(n), len(FILES)), strict=True):
        part = table.iloc[rng.permutation(rows)]
        part.to_csv(folder / f"{file}.csv.gz", quoting=csv.QUOTE_NONNUMERIC)


def osmfish(folder: Path, n: int, seed: int) -> None:
    """Loom: genes × cells, one cell in eight not valid."""
    cells, places = simulated_cells("neighbour", n, seed, genes=33, depth=250.0, bits=4.0), along_a_line(n, seed)
    kind = bins(cells.signal[:, 0], 6)
    write_hdf5(
        folder / "osmFISH_SScortex_mouse_all_cells.loom",
        matrix=cells.counts.T.astype(np.int64),
        row_attrs__Gene=gene_names(33).astype("S8"),
        row_attrs__Fluorophore=np.full(33, b"Cy5", "S14"),
        row_attrs__Hybridization=np.arange(33) % 13 + 1,
        col_attrs__CellID=np.arange(n).astype("S4"),
        col_attrs__ClusterID=kind,
        col_attrs__ClusterName=np.array([f"Inhibitory {k}" for k in kind]).astype("S31"),
        col_attrs__Region=np.array([f"Layer {k % 3 + 2}" for k in kind]).astype("S29"),
        col_attrs__Total_molecules=cells.counts.sum(axis=1).astype(np.int64),
        col_attrs__Valid=(np.arange(n) % 8 > 0).astype(np.int64),
        col_attrs__X=places[:, 0],
        col_attrs__Y=places[:, 1],
        col_attrs___tSNE_1=places[:, 0] / 100,
        col_attrs___tSNE_2=places[:, 1] / 100,
        col_attrs__size_pix=np.full(n, 47_000.0),
        col_attrs__size_um2=np.full(n, 200.0),
    )


def merfish_hypothalamus(folder: Path, n: int, seed: int) -> None:
    """R list of a named matrix and two tables; counts multiplied by one factor a cell."""
    cells = simulated_cells("neighbour", n, seed, genes=135, depth=250.0, bits=4.0)
    cells.counts[[0, n // 2]] = 0  # the real file has two cells without a count
    rng = np.random.default_rng(seed)
    others = [*SEQUENTIAL, *(f"Blank_{i + 1}" for i in range(5))]
    values = np.hstack([multiplied(cells.counts, seed), rng.exponential(0.01, (n, len(others)))])
    values[:, -5:] = 0
    names = np.array([*gene_names(135), *others])
    order = np.argsort(names)
    ids = np.array([f"cell_{i + 1}" for i in range(n)])
    classes = np.array(["Inhibitory", "Excitatory", "Astrocyte", "Microglia", "Ambiguous"])
    places = along_a_line(n, seed, 6.0)
    about = {
        "Cell_name": make_barcodes(n, seed),
        "Cell_class": classes[bins(cells.signal[:, 0], 5)],
        "Neuron_cluster_ID": "I-5",
        "Animal_ID": np.ones(n, np.int32),
        "Animal_sex": "Female",
        "Behavior": "Naive",
    }
    texts = [name for name in about if name != "Animal_ID"]
    part = {
        "expression": Named(np.round(values[:, order].T, 8), names[order], ids),
        "locations": pd.DataFrame(
            {"sdimx": places[:, 0], "sdimy": places[:, 1], "sdimz": np.where(np.arange(n) < n // 2, 0.26, 0.21)},
            pd.Index(ids, dtype=object),
        ),
        "metadata": pd.DataFrame(about, index=pd.RangeIndex(1, n + 1)).astype(dict.fromkeys(texts, object)),
    }
    write_r(folder / "hypothalamus.rda", {"hypothalamus": part})


def perturbation_lowmoi(folder: Path, n: int, seed: int) -> None:
    """R list of two dgTMatrix, genes × cells and guides × cells, and two tables; one cell in twenty has two guides."""
    cells = simulated_cells("label", n, seed, bits=2.5)
    names = ["non-targeting", "ATF2", "BRD4", "CD86", "IFNGR1", "JAK2", "STAT1", "SPI1"]
    targets = np.repeat(names, [3] * 7 + [1])  # the last target has one guide
    guides = np.array([f"{'NT' if name == names[0] else name}g{i % 3 + 1}" for i, name in enumerate(targets)])
    rng = np.random.default_rng(seed)
    umis = rng.binomial(1, 0.1, (n, len(guides)))
    label, two = cells.signal.astype(int), np.arange(n) % 20 == 5
    umis[np.arange(n), 3 * label + np.where(label < 7, rng.integers(0, 3, n), 0)] = 60
    umis[two, 3 * ((label[two] + 1) % 8)] = 40
    screen = {
        "response_matrix": dgt_matrix(sparse.coo_matrix(cells.counts.T), gene_names(GENES)),
        "grna_matrix": dgt_matrix(sparse.coo_matrix(umis.T), guides),
        "extra_covariates": pd.DataFrame({"bio_rep": pd.Categorical([f"rep_{i % 3 + 1}" for i in range(n)])}),
        "grna_target_data_frame": pd.DataFrame({"grna_id": guides, "grna_target": targets}, dtype=object),
    }
    for table in ("extra_covariates", "grna_target_data_frame"):
        screen[table].index = pd.RangeIndex(1, len(screen[table]) + 1)
    write_r(folder / "lowmoi_example_data.rda", {"lowmoi_example_data": screen})


def worm_embryo(folder: Path, n: int, seed: int) -> None:
    """R S4 objects: a dgCMatrix of genes × cells and two DFrames."""
    cells = simulated_cells("time", n, seed)
    rng = np.random.default_rng(seed)
    rank, collected = bins(cells.signal[:, 0], n) / n, bins(cells.signal[:, 0], 3)
    collected[:: max(n // 40, 2)] = 3
    levels = ["300_minutes", "400_minutes", "500_minutes", "mixed"]
    genes, names = np.array([f"WBGene{i + 1:08d}" for i in range(GENES)]), make_barcodes(n, seed, "-300.1.1")
    hours = 210 + 570 * rank
    hours[5::100] = np.nan
    of_cells = {
        "cell": names,
        "n.umi": cells.counts.sum(axis=1) * 1.5,
        "time.point": pd.Categorical.from_codes(collected, levels),
        "batch": pd.Categorical(np.full(n, "Waterston_300_minutes")),
        "Size_Factor": cells.counts.sum(axis=1) / cells.counts.sum(axis=1).mean(),
        "raw.embryo.time": (10 * np.round(21 + 57 * rank)).astype(np.int32),
        "embryo.time": hours,
        "embryo.time.bin": pd.Categorical(np.full(n, "270-330")),
        "raw.embryo.time.bin": pd.Categorical(np.full(n, "270-330")),
        "lineage": np.array(["ABpxaapapa", None], object)[np.arange(n) % 2],
        "num_genes_expressed": (cells.counts > 0).sum(axis=1).astype(np.int32),
        "cell.type": np.full(n, "ADL"),
        **{f"bg.{name}.loading": rng.normal(0, 3, n) for name in ("300", "400", "500.1", "500.2", "r17", "b01", "b02")},
    }
    of_genes = {
        "id": genes,
        "gene_short_name": gene_names(GENES),
        "num_cells_expressed": (cells.counts > 0).sum(axis=0).astype(np.int32),
    }
    write_r(folder / "worm_embryo_expression_matrix.rds", dgc_matrix(sparse.csc_matrix(cells.counts.T), genes, names))
    write_r(folder / "worm_embryo_coldata.rds", d_frame(of_cells, names))
    write_r(folder / "worm_embryo_rowdata.rds", d_frame(of_genes, genes))


def malaria_idc(folder: Path, n: int, seed: int) -> None:
    """Zipped CSV with a Mac's extra members, and a table of cells."""
    cells = simulated_cells("time", n, seed)
    names, total = make_barcodes(n, seed), cells.counts.sum(axis=1)
    genes = [f"PBANKA_{i + 1:07d}" for i in range(GENES)]
    member = folder / "pb10xIDC_counts.csv"
    pd.DataFrame(cells.counts.T, genes, names).to_csv(member, quoting=csv.QUOTE_NONNUMERIC)
    with zipfile.ZipFile(folder / "pb10xIDC_counts.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(member, member.name)
        archive.writestr("__MACOSX/", "")
        archive.writestr(f"__MACOSX/._{member.name}", b"\x00\x05\x16\x07")  # what a Mac adds
    member.unlink()
    hour = 2 * bins(cells.signal[:, 0], 12) + 2
    genes_found = (cells.counts > 0).sum(axis=1)
    top = np.sort(cells.counts, axis=1)[:, ::-1].cumsum(axis=1)
    about = {
        "nGene": genes_found,
        "nUMI": total,
        "Prediction.Spearman.": hour,
        "r.Spearman.": 0.14,
        "Prediction.Pearsons.": [f"Pb_{h}hr.dat" for h in hour],
        "r.Pearsons.": 0.1,
        "res.0.8": 1,
        "is_doublet": 0,
        "is_5k": 0,
        "total_features": genes_found,
        "log10_total_features": np.log10(genes_found + 1),
        "total_counts": total,
        "log10_total_counts": np.log10(total + 1),
        **{f"pct_counts_top_{k}_features": 100 * top[:, min(k, GENES) - 1] / total for k in (50, 100, 200, 500)},
        "is_cell_control": "FALSE",
        "absclust": 1,
        "stage_pred": 1,
        "PC1": cells.signal[:, 0],
        "PC2": 0.0,
        "bulk": hour,
        "clock_pseudotime": 2 * np.pi * bins(cells.signal[:, 0], n) / n,
    }
    pd.DataFrame(about, names).to_csv(folder / "pb10xIDC_pheno.csv")


def larry_subset(folder: Path, n: int, seed: int) -> None:
    """Write categories and matrices as AnnData did before 0.8."""
    import h5py

    cells = simulated_relatives(n, seed)
    strings = h5py.string_dtype()
    matrices = {
        "X": sparse.csr_matrix(multiplied(cells.counts, seed).astype(np.float32)),
        "obsm/X_clone": clone_matrix(cells.clone),
    }
    with h5py.File(folder / "test_adata_preprocessed.h5ad", "w") as handle:
        for name, values in matrices.items():
            group = handle.create_group(name)
            group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": values.shape})
            for part in ("data", "indices", "indptr"):
                group[part] = getattr(values, part)
        for table, size in (("obs", len(cells.day)), ("var", GENES)):
            group = handle.create_group(table)
            group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "_index"})
            names = gene_names(size) if table == "var" else np.arange(size).astype(str)
            group.create_dataset("_index", data=names.astype(object), dtype=strings)
        handle["obs"].attrs["column-order"] = np.array(["time_info", "state_info", "n_counts"], dtype=object)
        handle["var"].attrs["column-order"] = np.array(["highly_variable"], dtype=object)
        handle["var/highly_variable"] = np.ones(GENES, bool)
        handle["obs/n_counts"] = cells.counts.sum(axis=1).astype(np.float32)
        for column, known, codes in (
            ("time_info", ["2", "4", "6"], cells.day // 2 - 1),
            ("state_info", ["Baso", "Monocyte"], cells.day // 6),
        ):
            levels = handle.create_dataset(f"obs/__categories/{column}", data=np.array(known, object), dtype=strings)
            levels.attrs["ordered"] = False
            handle[f"obs/{column}"] = codes.astype(np.int8)
            handle[f"obs/{column}"].attrs["categories"] = levels.ref


def rna_mixture(folder: Path, n: int, seed: int) -> None:
    """CSV in R's style, header one name short, of two protocols."""
    parts = np.array(
        [[0.33, 0.33, 0.33], [0.33, 0.33, 0.33], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.68, 0.16, 0.16],
         [0.16, 0.68, 0.16], [0.16, 0.16, 0.68]]
    )  # fmt: skip
    amounts = np.array([3.75, 7.5, 15, 30])
    well = np.arange(n)
    mix, amount = well % 8, amounts[well // 8 % 4]
    for k, protocol in enumerate(("celseq2", "sortseq")):
        counts = np.zeros((n, GENES), int)
        for pg in amounts:
            mine = amount == pg
            # The same generator each time: the same genes make the same cell line at every amount.
            rng = np.random.default_rng([seed, k])
            counts[mine] = draw_counts(1.5 * parts[mix[mine]], GENES, 100.0 * pg, rng)
        names = np.array([f"{chr(65 + i // 24 % 26)}{i % 24 + 1}" + "x" * (i // 624) for i in well])
        total = counts.sum(axis=1)
        reads = ("unaligned", "aligned_unmapped", "mapped_to_exon", "mapped_to_intron", "ambiguous_mapping")
        about = {
            **dict.fromkeys((*reads, "mapped_to_ERCC", "mapped_to_MT"), 2 * total),
            "number_of_genes": (counts > 0).sum(axis=1),
            "total_count_per_cell": total,
            **{f"non_{kind}_percent": 0.9 for kind in ("ERCC", "mt", "ribo")},
            "outliers": "FALSE",
            "cell_name": names,
            "p_column": [name[0] for name in names],
            "p_row": well % 24 + 1,
            "mix": mix + 1,
            **{f"{line}_prop": parts[mix, i] for i, line in enumerate(("H2228", "H1975", "HCC827"))},
            "mRNA_amount": amount,
        }
        genes = [f"ENSG{i + 1:011d}" for i in range(GENES)]
        # index_label=False: R's header, one name short.
        style: dict[str, Any] = {"index_label": False, "quoting": csv.QUOTE_NONNUMERIC}
        pd.DataFrame(counts.T, genes, names).to_csv(folder / f"RNAmix_{protocol}.count.csv.gz", **style)
        pd.DataFrame(about, names).to_csv(folder / f"RNAmix_{protocol}.metadata.csv.gz", **style)


def progenitors(folder: Path, n: int, seed: int) -> None:
    """Four TSVs of cells × genes, one a library, all with the same genes; libraries differ as batches do."""
    cells, barcodes = simulated_cells("label", n, seed, bits=2.5), make_barcodes(n, seed)
    for library, labels in zip(("P9A", "P11A", "P11B", "P12A"), np.arange(8).reshape(4, 2), strict=True):
        rows = np.flatnonzero(np.isin(cells.signal, labels))
        names = pd.Index([f"bc{barcodes[row]}" for row in rows], name="barcode")
        table = pd.DataFrame(cells.counts[rows], names, gene_names(GENES))
        table.to_csv(folder / f"{library}.counts.tsv.gz", sep="\t")
