"""Mouse spleen and lymph node: 35 cell types."""

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "spleen_lymph"
# The annotation file lists the cells of several batches one after the other, without names; batch 111-D2 is here.
_FIRST = 9264


def spleen_lymph(signal: str = "cell_type", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """7,564 mouse spleen and lymph-node cells with 35 cell types, 4,005 genes.

    The types were annotated from RNA *and* 110 surface proteins of the same cells, so they are not
    independent of the counts, but less of a circle than types found in RNA alone.
    """
    choose(signal, ["cell_type"], f"signal of {NAME}")
    rna = read.table(fetch(NAME, "sln_d2_harmo_rna_seurat.csv.gz", folder))
    annotations = read.table(fetch(NAME, "sln_annotations_subclustered.csv", folder))
    read.need_columns(annotations, ["labels"], f"{NAME}: the table of annotations")
    labels = annotations["labels"].iloc[_FIRST : _FIRST + rna.shape[1]].to_numpy(str)
    if len(labels) < rna.shape[1]:
        raise ValueError(
            f"{NAME}: the annotations have {len(annotations)} rows: rows {_FIRST} to {_FIRST + rna.shape[1]} are "
            f"needed for the {rna.shape[1]} cells."
        )
    counts, folds = read.as_sparse(rna, NAME, cells_in_columns=True), splits.stratified(labels, n_folds, split_seed)
    checked = ("whole counts", f"annotations from row {_FIRST} on: {len(set(labels))} types")
    about = {"genes": rna.index.to_numpy(), "independent_signal": False, "checked": checked}
    return registered(NAME, signal, counts, labels, folds, **about)
