"""A CRISPR knock-out screen: which gene was perturbed in each cell."""

from pathlib import Path

import numpy as np
from scipy import sparse

from helpers._utils.validation import choose, same_length
from helpers.datasets import read, splits
from helpers.datasets.base import Dataset, registered
from helpers.datasets.files import Folder, fetch
from helpers.information.discrete import plug_in

VERSION = 1  # 2026-11-30 new

NAME = "perturbation_lowmoi"
# A cell has one guide if at least this share of its guide UMIs is that guide's (the default of sceptre at low MOI).
_SHARE = 0.8


def perturbation_lowmoi(
    signal: str = "target", split: str = "cells", n_folds: int = 2, split_seed: int = 0, folder: Folder = None
) -> Dataset:
    """16,192 THP-1 cells of a CRISPR knock-out screen, 299 genes; the signal is the perturbed gene.

    Low multiplicity of infection: a cell holds one guide, that of most of its guide UMIs. Cells in which it has less
    than 80 % of them may hold two, and are left out.

    Parameters
    ----------
    signal : {"target", "replicate"}
        ``target``: the gene that the cell's guide cuts, or ``non-targeting``, set by the experiment. ``replicate``:
        which of three cultures the cell is from; information about it is batch.
    split : {"cells", "guides"}
        ``cells``: the cells of each target are dealt to all folds. ``guides``: all cells of a guide are in one fold,
        so that probe cells hold guides that no training cell holds; targets with fewer guides than folds are left out.
    """
    choose(signal, ["target", "replicate"], f"signal of {NAME}")
    choose(split, ["cells", "guides"], f"split of {NAME}")
    counts, genes, guide_umis, targets, replicates = _read(fetch(NAME, "lowmoi_example_data.rda", folder))
    total, most = guide_umis.sum(axis=1).A1, guide_umis.max(axis=1).toarray().ravel()
    rows = np.flatnonzero((total > 0) & (most >= _SHARE * total))
    checked = [
        "whole counts",
        f"{len(total) - len(rows)} cells left out: under {_SHARE:.0%} of guide UMIs are of one guide",
    ]
    guide = guide_umis.argmax(axis=1).A1[rows]
    if split == "cells":
        folds = splits.stratified(targets[guide], n_folds, split_seed)
    else:
        folds = splits.whole_groups(targets[guide], guide, n_folds, split_seed)
        few = np.unique(targets[guide][folds < 0])
        checked.append(f"no guide is in two folds; targets of fewer than {n_folds} guides: {', '.join(few) or 'none'}")
        rows, guide, folds = (values[folds >= 0] for values in (rows, guide, folds))
    replicate = replicates[rows]
    shared = plug_in(targets[guide], replicate, correct=True).bits
    checked.append(f"{len(np.unique(guide))} guides of {len(np.unique(targets[guide]))} targets")
    checked.append(f"target and replicate share {shared:.3f} bits")
    labels = targets[guide] if signal == "target" else replicate
    about = {"genes": genes, "checked": tuple(checked)}
    return registered(NAME, signal, counts[rows], labels, folds, **about)


def _read(file: Path) -> tuple[sparse.csr_matrix, np.ndarray, sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Return counts, genes, UMIs of guides, the target of each guide and the replicate of each cell."""
    try:
        stored = read.r_object(file)["lowmoi_example_data"]
        counts, genes, _ = read.r_sparse(stored["response_matrix"])
        guide_umis, guides, _ = read.r_sparse(stored["grna_matrix"])
        table, replicates = stored["grna_target_data_frame"], stored["extra_covariates"]["bio_rep"]
        target_of = dict(zip(read.text(table["grna_id"]), read.text(table["grna_target"]), strict=True))
        targets = np.array([target_of[guide] for guide in guides])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not the screen that is expected: it lacks {error}.") from error
    same_length(cells=counts, cells_with_guides=guide_umis, cells_with_replicates=replicates)
    return counts, np.array(genes), guide_umis, targets, read.text(replicates)
