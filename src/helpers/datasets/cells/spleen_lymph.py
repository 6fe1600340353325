"""Mouse spleen and lymph node: 35 cell types."""

from pathlib import Path

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "spleen_lymph"
# The annotation file lists the cells of several batches one after the other, without names; batch 111-D2 is here.
_FIRST = 9264


def spleen_lymph(
    signal: str = "cell_type", n_folds: int = 2, split_seed: int = 0, folder: str | Path | None = None
) -> Dataset:
    """7,564 mouse spleen and lymph-node cells with 35 cell types, 4,005 genes.

    The types were annotated from RNA *and* 110 surface proteins of the same cells, so they are not
    independent of the counts, but less of a circle than types found in RNA alone.

    Parameters
    ----------
    signal : {"cell_type"}
    n_folds, split_seed : int
        Folds stratified by type.
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["cell_type"], f"signal of {NAME}")
    rna = read.table(fetch(NAME, "sln_d2_harmo_rna_seurat.csv.gz", folder))
    annotations = read.table(fetch(NAME, "sln_annotations_subclustered.csv", folder))
    mine = annotations.iloc[_FIRST : _FIRST + rna.shape[1]]
    if len(mine) < rna.shape[1] or "labels" not in mine:
        raise ValueError(
            f"{NAME}: the annotations have {len(annotations)} rows and the columns {', '.join(annotations)}; rows "
            f"{_FIRST} to {_FIRST + rna.shape[1]} of 'labels' are needed for the {rna.shape[1]} cells."
        )
    labels = mine["labels"].to_numpy(str)
    return registered(
        NAME, signal, read.as_sparse(rna, NAME, cells_in_columns=True), labels,
        splits.stratified(labels, n_folds, split_seed), genes=rna.index.to_numpy(), independent_signal=False,
        checked=("whole counts", f"annotations from row {_FIRST} on: {len(set(labels))} types"),
    )  # fmt: skip
