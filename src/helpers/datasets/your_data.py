"""Your own cells: a file of any usual kind, or an AnnData object, and where in it the signal is.

The signal is one of:

- ``obs:celltype``: a column of ``obs``, labels or numbers by the rule of ``columns.labels_or_numbers``; what was taken
  is said, and ``as_labels`` decides otherwise. Cells without a value are left out; if that is more than half of them it
  is an error.
- ``pert:guide``: a column of ``obs`` that names what was done to each cell: labels from the experiment's design.
- ``batch:donor``: a column of ``obs`` that names batches, as a control: how much of the information is batch.
- ``obsm:protein``: a matrix or table of ``obsm``.
- ``mod:prot``: another modality of a MuData file, or ``mod:Antibody Capture`` of a 10x file.
- ``neighbours:spatial``: the state of one random of the 5 nearest cells; the key is the positions in ``obsm``. Folds
  are strips of tissue, and pairs are always of one strip.
- ``pairs:clone``: the state of a relative: two random cells of each value of the column ``clone`` of ``obs``.
  ``pairs:clone:time``: one of the clone's first time and one of its last. A clone is always in one fold; cells that
  are not in a pair train, unless their clone probes.
- ``other_half``, or ``split``: the other half of each cell's own molecules, which needs no label.

Whether a column of ``obs`` or a matrix of ``obsm`` was computed from the counts is not known unless ``independent``
says so; the other signals are of other molecules, other cells or the experiment's design.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import as_matrix, as_seed, choose, in_range, is_labels
from helpers.datasets import splits
from helpers.datasets.base import Dataset
from helpers.datasets.columns import doubts_of_labels, labels_or_numbers
from helpers.datasets.embedding_files import read_folder
from helpers.datasets.in_memory import is_held
from helpers.datasets.pairing import OTHER_HALF, halves, neighbours, relatives, states_of_partners
from helpers.datasets.your_file import Stored, read_file
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered

NAME = "your_data"
KINDS = {
    "obs": "a column of obs: labels or numbers",
    "pert": "a column of obs that names what was done to each cell",
    "batch": "a column of obs that names batches, as a control",
    "obsm": "a matrix of obsm, such as proteins",
    "mod": "the counts of another modality of a MuData or 10x file",
    "neighbours": "a near cell; the key is the positions in obsm",
    "pairs": "a relative; the key is the column of obs that names clones",
}
# Signals that are a column of obs.
COLUMNS = ("obs", "pert", "batch")
# Another name for the other half of each cell's molecules.
SPLIT = "split"
# Signals of which nothing says whether they were computed from the counts.
UNKNOWN_ORIGIN = ("obs", "obsm")
# How many of the nearest cells a neighbour is drawn from, as published.
NEAREST = 5
_NO_TEXT = ["", "nan", "NaN", "NA", "None", "<NA>"]


def your_data(
    path: str = "your_data.h5ad",
    signal: str = "obs:celltype",
    n_folds: int = 2,
    train_fraction: float | None = None,
    split_seed: int = 0,
    batch: str | None = None,
    layer: str | None = None,
    modality: str = "rna",
    metadata: str | None = None,
    embeddings: Sequence[str] = (),
    as_labels: bool | None = None,
    log_signal: bool | None = None,
    independent: bool | None = None,
    backed: bool = False,
    genes_in: str | None = None,
    embedding_folder: str | None = None,
    pairs_per_clone: int = 1,
    folder: str | Path | None = None,
) -> Dataset:
    """Your own cells: AnnData, MuData, 10x, loom or a table of counts, and where in it the signal is.

    Parameters
    ----------
    path, folder : the file, whose kind is seen from what is in it, and where it is if not here
    signal : where it is, such as ``obs:celltype``; all ways are in the docstring of this module
    n_folds, split_seed : folds made before anything else: stratified for labels, else at random
    train_fraction : instead of folds, this share of the cells always trains and the rest probes
    batch : column of ``obs`` whose cells stay in one fold; neighbours are of one value of it
    layer : the raw counts; else the first of ``layers["counts"]``, ``.raw`` and ``X`` with whole numbers
    modality : the modality of a MuData file with the RNA counts
    metadata : CSV (or tab-separated ``.tsv``, ``.txt``) with more columns for ``obs``; its first names the cells
    embeddings : keys of ``obsm`` to carry along for the representation ``precomputed``
    as_labels : take a column of ``obs`` as labels (True) or as numbers (False), whatever the rule says
    log_signal : take log(1 + value) of ``obsm:`` or ``mod:``; else where all values are whole and not negative
    independent : whether the signal was measured apart from the counts; else by the rule of this module
    backed : leave counts on disk, for more cells than memory holds; the signal is then in ``obs`` or ``obsm``
    genes_in : "rows" or "columns" of a table of counts; else found from the names
    embedding_folder : folder of further embeddings, one file a depth (``embedding_files``)
    pairs_per_clone : most pairs that ``pairs:`` takes of one clone; with several, no cell is in two
    """
    stored = read_file(_whole_path(path, folder, metadata, embeddings), layer, modality, metadata, backed, genes_in)
    if embedding_folder:
        stored.obsm |= read_folder(Path(embedding_folder), stored.obs.index)
    kind, key = _kind_and_key(signal, stored, backed)
    if kind == OTHER_HALF and len(embeddings):
        raise ValueError(f"embeddings are {list(embeddings)}: made from all molecules, they know the other half too.")
    split = _Split(stored, n_folds, train_fraction, as_seed(split_seed, "split_seed"), batch, pairs_per_clone)
    if kind in _OF_PARTNERS:
        fields = _OF_PARTNERS[kind](stored, key, split)
    else:
        fields = _of_each_cell(stored, kind, key, split, as_labels, log_signal)
    keep, counts = fields.pop("keep", slice(None)), fields.pop("counts", stored.counts)
    labels = is_labels(fields["signal"])
    doubts = [*stored.doubts, *fields.pop("doubts", ())]
    if labels:
        doubts += doubts_of_labels(fields["signal"], signal)
    known = None if kind in UNKNOWN_ORIGIN else True
    return Dataset(
        name=NAME,
        signal_name=signal,
        counts=counts[keep],
        embeddings={name: _matrix(stored.obsm, name, "obsm", path)[keep] for name in embeddings},
        genes=stored.genes,
        ceiling_bits=entropy(fields["signal"][fields["folds"] >= 0]) if labels else None,
        independent_signal=known if independent is None else independent,
        source=str(path),
        checked=(*stored.checked, *fields.pop("checked")),
        doubts=tuple(doubts),
        **fields,
    )


def _whole_path(path: Any, folder: Any, metadata: Any, embeddings: Any) -> Path:
    """Return the path of the file, or raise where an option is of another type than the file's reader takes."""
    for what, given in (("path", path), ("folder", folder or "."), ("metadata", metadata or ".")):
        if not isinstance(given, (str, Path)):
            raise ValueError(f"{what} is {given!r}: give a path as text.")
    if isinstance(embeddings, str) or not np.iterable(embeddings):
        raise ValueError(f"embeddings are {embeddings!r}: give a list of keys of obsm.")
    return Path(path) if is_held(path) else Path(folder or ".") / path


def _kind_and_key(signal: Any, stored: Stored, backed: bool) -> tuple[str, str]:
    """Return the parts of a signal such as ``obs:celltype``."""
    if signal in (OTHER_HALF, SPLIT):
        return OTHER_HALF, ""
    kind, _, key = signal.partition(":") if isinstance(signal, str) else ("", "", "")
    if kind not in KINDS or not key:
        known = (
            "; ".join(f"{name}:KEY, {about}" for name, about in KINDS.items())
            + f"; or {OTHER_HALF!r}, which needs none"
        )
        near = f" Did you mean 'obs:{signal}'?" if isinstance(signal, str) and signal in stored.obs else ""
        raise ValueError(f"signal is {signal!r}: say where it is, as one of {known}; or {OTHER_HALF!r}.{near}")
    if backed and kind not in (*COLUMNS, "obsm"):
        raise ValueError(f"signal is {signal!r}: that of a file left on disk (backed=True) is in obs or obsm.")
    return kind, key


@dataclass
class _Split:
    """How the cells of a file are dealt out to folds."""

    stored: Stored
    n_folds: int
    train_fraction: float | None
    seed: int
    batch: str | None
    pairs_per_clone: int

    def __post_init__(self) -> None:
        n_cells = self.stored.counts.shape[0]
        in_range(self.pairs_per_clone, 1, 10_000, "pairs_per_clone", whole=True)
        in_range(n_cells, 8, np.inf, f"number of cells in {self.stored.path}")
        if self.train_fraction is None:
            in_range(self.n_folds, 2, n_cells, "n_folds", whole=True)
        else:
            in_range(self.train_fraction, 0.01, 0.99, "train_fraction")

    def folds(self, n: int, strata: np.ndarray | None = None) -> np.ndarray:
        """Return a fold for each of ``n`` things."""
        if self.train_fraction is None:
            return splits.stratified(np.zeros(n, int) if strata is None else strata, self.n_folds, self.seed)
        return self.first_train(np.random.default_rng(self.seed).permutation(n))

    def first_train(self, rank: np.ndarray) -> np.ndarray:
        """Return -1 (always trains) for the share of ``train_fraction`` with the lowest ranks, else 0."""
        return np.where(rank < round((self.train_fraction or 0) * len(rank)), -1, 0)

    def folds_of_batches(self, batches: np.ndarray) -> np.ndarray:
        """Return a fold for each cell, all cells of a batch in one."""
        names, codes = np.unique(batches, return_inverse=True)
        most = max(2, self.n_folds)
        in_range(len(names), most, np.inf, f"number of values of {self.batch}", "Each is in one fold.")
        return self.folds(len(names))[codes]

    def batches(self) -> np.ndarray:
        """Return the batch of each cell as text."""
        return _column(self.stored, str(self.batch)).to_numpy().astype(str)


def _matrix(table: Any, key: str, where: str, path: object) -> np.ndarray:
    """Return a finite matrix of obsm or of a modality by its key."""
    choose(key, list(table), f"key of {where} in {path}")
    values = table[key]
    return as_matrix(values.to_numpy() if hasattr(values, "to_numpy") else values, f"{where}:{key} of {path}")


def _column(stored: Stored, key: str) -> pd.Series:
    """Return a column of obs, missing values as NaN whatever was written for them."""
    choose(key, list(stored.obs.columns), f"column of obs in {stored.path}")
    column = stored.obs[key]
    if column.dtype.kind in "iufb":
        return column
    column = column.astype(object)
    return column.where(~column.isin(_NO_TEXT) & column.notna(), np.nan)


def _of_each_cell(
    stored: Stored, kind: str, key: str, split: _Split, as_labels: bool | None, log: bool | None
) -> dict[str, Any]:
    """The signal that is written beside each cell; cells without one are left out."""
    if kind in COLUMNS:
        if key == split.batch:
            raise ValueError(
                f"batch is {key!r}, the signal itself: folds of whole values of {key} leave nothing to learn it from. "
                "Leave batch out."
            )
        column = _column(stored, key)
        has = column.notna().to_numpy()
        signal, form = labels_or_numbers(column[has], as_labels if kind == "obs" else True)
    else:
        signal = _matrix(stored.obsm if kind == "obsm" else stored.modalities, key, kind, stored.path)
        has = stored.has.get(key, np.ones(len(signal), bool)) if kind == "mod" else np.ones(len(signal), bool)
        signal, form = _log_or_as_stored(signal[has], log)
    missing = int((~has).sum())
    if missing > len(has) / 2:
        raise ValueError(
            f"{kind}:{key} is missing in {missing} of {len(has)} cells of {stored.path}: at most half may be. Fill the "
            "column, or write a file of the cells that have it."
        )
    if split.batch is not None:
        folds = split.folds_of_batches(split.batches()[has])
    else:
        folds = split.folds(len(signal), signal if is_labels(signal) else None)
    checked = [f"{kind}:{key}: {form}", *([f"{missing} cells without it left out"] if missing else [])]
    return {"keep": np.flatnonzero(has), "signal": signal, "folds": folds, "checked": checked}


def _log_or_as_stored(signal: np.ndarray, log: bool | None) -> tuple[np.ndarray, str]:
    """Return log(1 + value) if asked for or, if not said, where all values are counts; and which it is."""
    log = bool((signal >= 0).all() and (signal == np.round(signal)).all()) if log is None else log
    form = "log(1 + value)" if log else "as stored"
    return np.log1p(signal) if log else signal, f"{signal.shape[1]} dimensions, {form}"


def _of_neighbours(stored: Stored, key: str, split: _Split) -> dict[str, Any]:
    """The signal that is the state of a near cell of the same fold."""
    positions = _matrix(stored.obsm, key, "neighbours", stored.path)
    if not 2 <= positions.shape[1] <= 3:
        raise ValueError(f"neighbours:{key} has {positions.shape[1]} columns: positions have 2 or 3 (x, y, z).")
    n = len(positions)
    if not np.ptp(positions, axis=0).any():
        raise ValueError(f"neighbours:{key} has one position for all {n} cells: no cell is nearer than another.")
    if split.batch is not None:
        # Positions of two samples may lie over each other without the cells being near.
        within = np.unique(split.batches(), return_inverse=True)[1]
        folds = split.folds_of_batches(within.astype(str))
        split_by = f"folds are whole values of {split.batch}, neighbours of one value"
    elif split.train_fraction is None:
        within = folds = splits.strips(positions, split.n_folds)
        split_by = f"folds are {split.n_folds} strips of tissue"
    else:
        within = folds = split.first_train(splits.strips(positions, n))
        split_by = "one strip of tissue trains and the next probes"
    partner = neighbours(positions, within, NEAREST, split.seed)
    checked = (f"neighbour: one of the {NEAREST} nearest cells of the same fold", split_by)
    return {"checked": checked, **states_of_partners(stored.counts, folds, np.arange(n), partner)}


def _of_relatives(stored: Stored, key: str, split: _Split) -> dict[str, Any]:
    """The signal that is the state of another cell of the same clone."""
    if split.batch is not None:
        raise ValueError(f"batch is {split.batch!r}: pairs are split by clone already; leave batch out.")
    name, _, time = key.partition(":")
    clone = pd.factorize(_column(stored, name), sort=True)[0]  # -1 for none
    early = late = np.ones(len(clone), bool)
    if time:
        times = _times(_column(stored, time), time)
        of_clone = times.groupby(clone)
        first, last = of_clone.transform("min"), of_clone.transform("max")
        early, late = ((times == end) & (first < last) for end in (first, last))
    most = split.pairs_per_clone
    cells, partners = relatives(clone, np.asarray(early), np.asarray(late), split.seed, most)
    paired = np.unique(clone[cells])
    if len(paired) < 8:
        apart = f" at two values of {time}" if time else ""
        raise ValueError(f"pairs:{key}: {len(paired)} values of {name} have two cells{apart}: at least 8 are needed.")
    fold_of_clone = np.full(clone.max() + 2, -1)  # the last: of cells without a clone
    fold_of_clone[paired] = split.folds(len(paired))
    each, doubts = "one", list[str]()
    if most > 1:
        each = f"up to {most}"
        doubts = [f"up to {most} pairs of one {name} are alike: bits may be too high, and their errors too small"]
    checked = (f"{len(cells)} pairs, {each} for each value of {name} with two cells", f"no value of {name} straddles")
    states = states_of_partners(stored.counts, fold_of_clone[clone], cells, partners)
    return {"checked": checked, "doubts": doubts, **states}


def _times(column: pd.Series, name: str) -> pd.Series:
    """Return times as numbers: as they are, or the one number in a text: ``day10`` comes after ``day2``."""
    numbers = pd.to_numeric(column, errors="coerce")
    known = column.dropna()
    if numbers[known.index].notna().all():
        return numbers
    numbers = known.astype(str).str.extract(r"^\D*(\d+(?:\.\d+)?)\D*$")[0].astype(float)
    if numbers.isna().any():
        bad = known[numbers.isna()].iloc[0]
        raise ValueError(f"time {name!r} holds {bad!r}: give numbers, or text with one number in it, such as 'day4'.")
    return numbers.reindex(column.index)


def _of_other_half(stored: Stored, key: str, split: _Split) -> dict[str, Any]:
    """The signal that is the other half of the cell's own molecules."""
    n = stored.counts.shape[0]
    folds = split.folds(n) if split.batch is None else split.folds_of_batches(split.batches())
    made = halves(stored.counts, folds, np.zeros(n, int), split.seed)
    return {"checked": ("halves: no molecule is in both",), **made}


_OF_PARTNERS = {"neighbours": _of_neighbours, "pairs": _of_relatives, OTHER_HALF: _of_other_half}
