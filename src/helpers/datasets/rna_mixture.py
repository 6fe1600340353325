"""RNA of three cell lines mixed in known proportions and diluted to known amounts."""

from pathlib import Path

import numpy as np

from helpers.checks import choose
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import fetch

NAME = "rna_mixture"
AMOUNTS = ("3.75", "7.5", "15", "30")
_PARTS = ["H2228_prop", "H1975_prop", "HCC827_prop"]


def rna_mixture(
    signal: str = "mixture",
    amount: str = "30",
    protocol: str = "celseq2",
    n_folds: int = 2,
    split_seed: int = 0,
    folder: str | Path | None = None,
) -> Dataset:
    """RNA mixtures of three cell lines, diluted: the signal is the known composition, the noise is physical.

    Parameters
    ----------
    signal : {"mixture", "proportions"}
        ``mixture``: the 7 compositions as labels. ``proportions``: the shares of two of the lines (the third is
        what is left).
    amount : {"30", "15", "7.5", "3.75", "all"}
        pg of RNA in a well: the physical depth.
    protocol : {"celseq2", "sortseq"}
    n_folds, split_seed : int
        Folds stratified by composition and amount.
    folder : path, optional
        Own files of the registered names, taken without a hash check.
    """
    choose(signal, ["mixture", "proportions"], f"signal of {NAME}")
    choose(amount, [*AMOUNTS, "all"], f"amount of {NAME} (pg, as text)")
    choose(protocol, ["celseq2", "sortseq"], f"protocol of {NAME}")
    rna = read.table(fetch(NAME, f"RNAmix_{protocol}.count.csv.gz", folder))
    wells = read.table(fetch(NAME, f"RNAmix_{protocol}.metadata.csv.gz", folder))
    if list(rna.columns) != list(wells.index):
        raise ValueError(f"{NAME}: the wells of the counts and of the table of wells differ.")
    # Two of the mixes were made separately and are one composition: labels are what is in the well.
    label = wells[_PARTS].astype(str).agg("/".join, axis=1).to_numpy()
    kind = (wells["mRNA_amount"].astype(str) + " " + label).to_numpy()
    folds = splits.stratified(kind, n_folds, split_seed)
    chosen = np.ones(len(wells), bool) if amount == "all" else wells["mRNA_amount"].to_numpy(float) == float(amount)
    values = label if signal == "mixture" else wells[_PARTS[:2]].to_numpy(float)
    return registered(
        NAME, signal, read.as_sparse(rna, NAME, cells_in_columns=True)[chosen], values[chosen], folds[chosen],
        genes=rna.index.to_numpy(),
        checked=("whole counts", "wells named alike in both files", f"{chosen.sum()} wells of {amount} pg"),
    )  # fmt: skip
