"""RNA of three cell lines mixed in known proportions and diluted to known amounts."""

import numpy as np
import pandas as pd

from helpers._utils.validation import as_seed, choose, in_range
from helpers.datasets import read
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch

VERSION = 1  # 2026-11-28 numbered

NAME = "rna_mixture"
PROTOCOLS = ("celseq2", "sortseq")
AMOUNTS = ("3.75", "7.5", "15", "30")
_PARTS = ["H2228_prop", "H1975_prop", "HCC827_prop"]


def rna_mixture(
    signal: str = "mixture",
    amount: str = "30",
    train_amount: str = "15",
    protocol: str = "both",
    most_wells: int | None = None,
    wells_seed: int = 0,
    folder: Folder = None,
) -> Dataset:
    """RNA of three cell lines mixed in known proportions and diluted: the noise is physical.

    All wells of one amount of RNA probe, all wells of another train: so wells with less RNA can be compared with
    thinned counts of wells with more, under one and the same representation.

    Parameters
    ----------
    signal : {"mixture", "proportions"}
        ``mixture``: the 7 compositions as labels. ``proportions``: the shares of two of the lines (the third is
        what is left).
    amount, train_amount : {"30", "15", "7.5", "3.75"}
        pg of RNA in the wells that probe and that train; they must differ.
    protocol : {"both", "celseq2", "sortseq"}
        ``both``: the genes that both have.
    most_wells, wells_seed : int, optional
        Probe so many random wells at most, for a fair comparison with an amount that has fewer: estimates from fewer
        wells are lower.
    """
    choose(signal, ["mixture", "proportions"], f"signal of {NAME}")
    for value, what in ((amount, "amount"), (train_amount, "train_amount")):
        choose(value, AMOUNTS, f"{what} of {NAME} (pg, as text)")
    if amount == train_amount:
        raise ValueError(f"{NAME}: amount and train_amount are both {amount}: wells that train cannot probe.")
    choose(protocol, ["both", *PROTOCOLS], f"protocol of {NAME}")
    parts = [_read(p, folder) for p in (PROTOCOLS if protocol == "both" else [protocol])]
    genes = parts[0][0].index[parts[0][0].index.isin(parts[-1][0].index)]
    rna = pd.concat([counts.loc[genes] for counts, _ in parts], axis=1)
    wells = pd.concat([about for _, about in parts])
    amounts = wells["mRNA_amount"].to_numpy(float)
    probes = np.flatnonzero(amounts == float(amount))
    if most_wells is not None:
        in_range(most_wells, 2, 1e6, "most_wells", whole=True)
        probes = np.random.default_rng(as_seed(wells_seed, "wells_seed")).permutation(probes)[:most_wells]
    chosen = amounts == float(train_amount)
    chosen[probes] = True
    wells, probes = wells[chosen], amounts[chosen] == float(amount)
    # Two of the mixes were made separately and are one composition: labels are what is in the well.
    labels = wells[_PARTS].astype(str).agg("/".join, axis=1).to_numpy(str)
    signals = labels if signal == "mixture" else wells[_PARTS[:2]].to_numpy(float)
    sides = f"{probes.sum()} wells of {amount} pg probe, {(~probes).sum()} of {train_amount} pg train"
    about = {"genes": genes.to_numpy(), "checked": ("whole counts", "wells named alike in both files", sides)}
    counts = read.as_sparse(rna.loc[:, chosen], NAME, cells_in_columns=True)
    return registered(NAME, signal, counts, signals, np.where(probes, 0, -1), **about)


def _read(protocol: str, folder: Folder) -> tuple[pd.DataFrame, pd.DataFrame]:
    rna = read.table(fetch(NAME, f"RNAmix_{protocol}.count.csv.gz", folder))
    wells = read.table(fetch(NAME, f"RNAmix_{protocol}.metadata.csv.gz", folder))
    read.need_same(rna.columns, wells.index, f"{NAME}: the wells of {protocol} in the counts and in their table")
    return rna, wells
