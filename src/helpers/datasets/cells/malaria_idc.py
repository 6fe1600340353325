"""Malaria parasites through the blood stage: a signal that is computed from the same counts."""

import numpy as np

from helpers._utils.validation import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "malaria_idc"


def malaria_idc(signal: str = "clock", n_folds: int = 2, split_seed: int = 0, folder: Folder = None) -> Dataset:
    """4,763 Plasmodium berghei blood-stage cells, 4,890 genes; both signals are computed from the same counts.

    A cautionary example: neither signal was measured. Information about them says how well a function of
    the full counts is recovered from thinner ones, not what RNA knows about time.

    Parameters
    ----------
    signal : {"clock", "bulk_hour"}
        ``clock``: angle of a pseudotime in radians, as cosine and sine. ``bulk_hour``: hour of the most
        similar bulk sample.
    """
    choose(signal, ["clock", "bulk_hour"], f"signal of {NAME}")
    rna = read.table(fetch(NAME, "pb10xIDC_counts.csv.zip", folder), member="pb10xIDC_counts.csv")
    about = read.table(fetch(NAME, "pb10xIDC_pheno.csv", folder))
    read.need_same(rna.columns, about.index, f"{NAME}: the cells of the counts and of the table of cells")
    counts = read.as_sparse(rna, NAME, cells_in_columns=True)
    off = np.abs(counts.sum(axis=1).A1 - about["total_counts"].to_numpy(float)).max()
    checked = ("whole counts", "cells named alike in both files", f"totals differ by at most {off:g} UMIs")
    if signal == "bulk_hour":
        values = about["bulk"].to_numpy(str)
    else:
        angle = about["clock_pseudotime"].to_numpy(float)
        values = np.column_stack([np.cos(angle), np.sin(angle)])
    folds, genes = splits.deal(values, n_folds, split_seed), rna.index.to_numpy()
    return registered(NAME, signal, counts, values, folds, genes=genes, independent_signal=False, checked=checked)
