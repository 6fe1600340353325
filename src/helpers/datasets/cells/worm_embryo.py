"""C. elegans embryos: ciliated neurons and when they were collected."""

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "worm_embryo"


def worm_embryo(
    signal: str = "collection_time", n_folds: int = 2, split_seed: int = 0, folder: Folder = None
) -> Dataset:
    """C. elegans embryo cells of the ciliated-neuron lineages, 10,000 genes; the signal is time.

    Parameters
    ----------
    signal : {"collection_time", "embryo_time"}
        ``collection_time``: 300, 400 or 500 minutes after bleaching, when the embryos were taken; cells of
        the mixed collection have none and only train. Set by the experiment, but each time is also a
        batch of its own. ``embryo_time``: 210 to 780 minutes, estimated by the authors *from the same
        expression*: not an independent signal.
    n_folds, split_seed, folder : see ``helpers.datasets.cells``; folds are stratified by collection
    """
    choose(signal, ["collection_time", "embryo_time"], f"signal of {NAME}")
    paths = [fetch(NAME, f"worm_embryo_{part}.rds", folder) for part in ("expression_matrix", "coldata", "rowdata")]
    matrix, of_cells, of_genes = (read.r_object(path) for path in paths)
    try:
        counts, genes, cells = read.r_sparse(matrix)
        columns, symbols = of_cells.listData, of_genes.listData["gene_short_name"]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{NAME}: the R objects are not the matrix and tables expected: {error}") from error
    read.need_same(cells, read.text(of_cells.rownames), f"{NAME}: cells of the matrix and of the table of cells")
    read.need_same(genes, read.text(of_genes.rownames), f"{NAME}: genes of the matrix and of the table of genes")
    collected = np.asarray(columns["time.point"]).astype(str)
    checked = ["whole counts", "cells and genes named alike in all three files"]
    if (np.asarray(columns["n.umi"], float) >= counts.sum(axis=1).A1).all():
        checked.append("no cell has more UMIs here than in all genes")
    if signal == "collection_time":
        values, paired = np.array([time.split("_")[0] for time in collected]), collected != "mixed"
        checked.append(f"{(~paired).sum()} cells of the mixed collection only train")
    else:
        time = np.asarray(columns["embryo.time"], float)
        values, paired = np.nan_to_num(time), np.isfinite(time)
        checked.append(f"{(~paired).sum()} cells without an estimate only train")
    about = {"genes": read.text(symbols), "independent_signal": signal == "collection_time", "checked": tuple(checked)}
    folds = splits.stratified(collected, n_folds, split_seed)
    return registered(NAME, signal, counts, values, folds, paired=paired, **about)
