"""Miniatures of the papers' large sets, and a file such as a user may have."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from miniatures.parts import (
    GENES,
    along_a_line,
    bins,
    clone_matrix,
    gene_names,
    make_barcodes,
    multiplied,
    proteins,
    simulated_cells,
    simulated_relatives,
    write_h5ad,
)


def pbmc_citeseq(folder: Path, n: int, seed: int) -> None:
    """h5ad with proteins as a table in obsm and types as categories in obs."""
    cells = simulated_cells("protein", n, seed, latent=8, bits=6.0)
    names = make_barcodes(n, seed)
    kind = bins(cells.signal[:, 0], 8)
    types = np.array(["CD14 Mono", "CD4 Naive", "CD8 TEM_2", "B naive kappa", "NK_2", "MAIT", "Platelet", "cDC2_1"])
    obs = pd.DataFrame({"orig.ident": "P1_0", "celltype.l1": types[kind // 2], "celltype.l3": types[kind]}, names)
    panel = proteins(cells.signal)
    table = pd.DataFrame(panel, names, [f"CD{i + 1}-1" for i in range(panel.shape[1])])
    write_h5ad(folder / "pbmc_seurat_v4.h5ad", cells.counts, obs.astype("category"), obsm={"protein_counts": table})


def larry(folder: Path, n: int, seed: int) -> None:
    """Matrix Market files of normalised counts and of clones, a table of cells, a list of genes; no names of rows."""
    from scipy.io import mmwrite

    cells = simulated_relatives(n, seed)
    n = len(cells.day)
    membership = clone_matrix(cells.clone).astype(int).tolil()
    membership[np.flatnonzero(cells.clone == 0), 1] = 1  # a cell with two barcodes
    matrices = {"normed_counts": sparse.csr_matrix(multiplied(cells.counts, seed)), "clone_matrix": membership}
    for part, values in matrices.items():
        with gzip.open(folder / f"stateFate_inVitro_{part}.mtx.gz", "wb") as handle:
            mmwrite(handle, sparse.coo_matrix(values))
    about = {
        "Library": "d6_2_2",
        "Cell barcode": make_barcodes(n, seed),
        "Time point": cells.day.astype(float),
        "Starting population": "Lin-Kit+Sca1-",
        "Cell type annotation": "Undifferentiated",
        "Well": np.where(cells.day == 2, 0, 1),
        "SPRING-x": 0.5,
        "SPRING-y": -0.5,
    }
    pd.DataFrame(about).to_csv(folder / "stateFate_inVitro_metadata.txt.gz", sep="\t", index=False)
    with gzip.open(folder / "stateFate_inVitro_gene_names.txt.gz", "wt") as handle:
        handle.write("\n".join(gene_names(GENES)) + "\n")


def merfish(folder: Path, n: int, seed: int) -> None:
    """CSV of cells × genes with blanks, and a table of cells in another order; names of 39 digits."""
    cells = simulated_cells("neighbour", n, seed, depth=400.0, bits=4.0)
    cells.counts[3] = 0
    # As long as the real names: no integer type holds them.
    ids = np.array([f"1108834247646119244002216399163{i + 10_000_000}" for i in range(n)])
    table = pd.DataFrame(cells.counts, pd.Index(ids, name="cell"), gene_names(GENES))
    for i in range(5):
        table[f"Blank-{i + 1}"] = np.arange(n) % 2
    table.to_csv(folder / "cell_by_gene_S1R1.csv")
    x, y = along_a_line(n, seed).T
    about = {"fov": np.arange(n) // 50, "volume": 800.0, "center_x": x, "center_y": y}
    about |= {"min_x": x - 5, "max_x": x + 5, "min_y": y - 5, "max_y": y + 5}
    pd.DataFrame(about, ids).sample(frac=1, random_state=seed).to_csv(folder / "cell_metadata_S1R1.csv")


def mouse_embryo(folder: Path, n: int, seed: int) -> None:
    """Four h5ad files, one a run, with the day in obs."""
    cells = simulated_cells("time", 4 * n, seed)
    days = np.array(["E8.0-E8.5", "E8.75", "E9.0", "E10.25", "E12.5", "E14.75", "E17.5", "P0"])
    kind = bins(cells.signal[:, 0], len(days))
    for run in range(4):
        mine = np.arange(run * n, (run + 1) * n)
        obs = pd.DataFrame(
            {
                "keep": "yes",
                "day": pd.Categorical(days[kind[mine]]),
                "embryo_id": pd.Categorical([f"embryo_{k + 1}" for k in kind[mine]]),
                "experimental_batch": f"run_{run + 1}",
            },
            index=[f"run_{run + 1}_{i}" for i in mine],
        )
        write_h5ad(folder / f"adata_JAX_dataset_{run + 1}.h5ad", cells.counts[mine], obs)


def your_data(folder: Path, n: int, seed: int) -> None:
    """Write a file that has every kind of signal that ``your_data`` takes."""
    cells = simulated_cells("neighbour", n, seed, bits=6.0)
    names, rng = make_barcodes(n, seed, "-1"), np.random.default_rng(seed)
    first = cells.signal[:, 0]
    obs = pd.DataFrame(
        {
            "celltype": pd.Categorical(np.array(["B", "T", "NK", "Mono"])[bins(first, 4)]),
            "age": 40 + 10 * first,
            "donor": pd.Categorical([f"donor{i * 4 // n + 1}" for i in range(n)]),
            "clone": [f"clone{i // 2}" if i % 10 < 8 else None for i in range(n)],
            "day": np.arange(n) % 2 + 1,
        },
        names,
    )
    obsm = {"protein": proteins(cells.signal), "spatial": along_a_line(n, seed)}
    obsm["X_made"] = first[:, None] + rng.normal(0, 0.3, (n, 3))
    write_h5ad(folder / "your_data.h5ad", cells.counts, obs, obsm=obsm)
