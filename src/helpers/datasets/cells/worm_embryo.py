"""C. elegans embryos: ciliated neurons and when they were collected."""

from pathlib import Path

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "worm_embryo"


def worm_embryo(
    signal: str = "collection_time", n_folds: int = 2, split_seed: int = 0, folder: str | Path | None = None
) -> Dataset:
    """C. elegans embryo cells of the ciliated-neuron lineages, 10,000 genes; the signal is time.

    Parameters
    ----------
    signal : {"collection_time", "embryo_time"}
        ``collection_time``: 300, 400 or 500 minutes after bleaching, when the embryos were taken; cells of
        the mixed collection have none and only train. Set by the experiment, but each time is also a
        batch of its own. ``embryo_time``: 210 to 780 minutes, estimated by the authors *from the same
        expression*: not an independent signal.
    n_folds, split_seed : int
        Folds stratified by collection.
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["collection_time", "embryo_time"], f"signal of {NAME}")
    parts = [fetch(NAME, f"worm_embryo_{part}.rds", folder) for part in ("expression_matrix", "coldata", "rowdata")]
    try:
        counts, genes, cells = read.r_sparse(read.r_object(parts[0]))
        of_cells, of_genes = (read.r_object(part) for part in parts[1:])
        columns, known = of_cells.listData, of_genes.listData["gene_short_name"]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{NAME}: the R objects are not the matrix and tables expected: {error}") from error
    if cells != read.text(of_cells.rownames).tolist() or genes != read.text(of_genes.rownames).tolist():
        raise ValueError(f"{NAME}: cells or genes of the matrix differ from those of its tables.")
    collected = np.asarray(columns["time.point"]).astype(str)
    folds = splits.stratified(collected, n_folds, split_seed)
    whole = (np.asarray(columns["n.umi"], float) >= counts.sum(axis=1).A1).all()
    checked = ["whole counts", "cells and genes named alike in all three files"]
    if whole:
        checked.append("no cell has more UMIs here than in all genes")
    shown = {"genes": read.text(known)}
    if signal == "collection_time":
        known_time = collected != "mixed"
        minutes = np.array([t.split("_")[0] for t in collected])
        checked.append(f"{(~known_time).sum()} cells of the mixed collection only train")
        return registered(
            NAME, signal, counts, minutes, folds, paired=known_time, checked=tuple(checked), **shown
        )  # fmt: skip
    time = np.asarray(columns["embryo.time"], float)
    return registered(
        NAME, signal, counts, np.nan_to_num(time), folds, paired=np.isfinite(time), independent_signal=False,
        checked=(*checked, f"{np.isnan(time).sum()} cells without an estimate only train"), **shown,
    )  # fmt: skip
