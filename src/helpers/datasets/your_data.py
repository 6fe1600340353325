"""Your own cells: any ``.h5ad``, 10x ``.h5`` or MuData file, and where in it the signal is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers._utils.validation import as_matrix, as_seed, choose, in_range, is_labels
from helpers.datasets import splits
from helpers.datasets.base import Dataset
from helpers.datasets.pairing import neighbours, transcriptome
from helpers.datasets.your_file import Stored, read_file
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered

NAME = "your_data"
KINDS = {
    "obs": "a column of obs: labels or numbers",
    "obsm": "a matrix of obsm, such as proteins",
    "mod": "the counts of another modality of a MuData or 10x file",
    "neighbours": "a near cell; the key is the positions in obsm",
    "pairs": "a relative; the key is the column of obs that names clones",
}
# Text that is a number in every cell is a label up to this many different values.
FEW = 20
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
    folder: str | Path | None = None,
) -> Dataset:
    """Your own cells: any .h5ad, 10x .h5 or MuData file, and where in it the signal is.

    Parameters
    ----------
    path : str
        The file. What it is, is seen from what is in it, not from its name.
    signal : str
        Where the signal is:

        - ``obs:celltype``: a column of ``obs``. Numbers are continuous; text, categories and truth values are
          labels. Text that is a number in every cell is continuous if it has more than 20 different values.
          Cells without a value are left out; if that is more than half of them it is an error.
        - ``obsm:protein``: a matrix or table of ``obsm``.
        - ``mod:prot``: another modality of a MuData file, or ``mod:Antibody Capture`` of a 10x file.
        - ``neighbours:spatial``: the state of one random of the 5 nearest cells; the key is the positions in
          ``obsm``. Folds are strips of tissue, and pairs are always of one strip.
        - ``pairs:clone``: the state of a relative: two random cells of each value of the column ``clone`` of
          ``obs``. ``pairs:clone:time``: one of the clone's first time and one of its last. A clone is always in
          one fold; cells that are not in a pair train, unless their clone probes.
    n_folds, split_seed : int
        Folds made before anything else: stratified for labels, else at random.
    train_fraction : float, optional
        Instead of folds: this share of the cells always trains and the rest probes.
    batch : str, optional
        A column of ``obs`` (donor, sample, slide) whose cells stay together in one fold; neighbours are of one
        value of it.
    layer : str, optional
        Where the raw counts are. If not given: ``layers["counts"]``, ``.raw`` or ``X``, the first that holds whole
        numbers.
    modality : str
        The modality with the RNA counts, for MuData.
    metadata : str, optional
        CSV (or tab-separated ``.tsv``, ``.txt``) with more columns for ``obs``; its first column names the cells.
    embeddings : list of str
        Keys of ``obsm`` to carry along for the representation ``precomputed``.
    as_labels : bool, optional
        Take a column of ``obs`` as labels (True) or as numbers (False), whatever the rule above says.
    log_signal : bool, optional
        Take log(1 + value) of ``obsm:`` or ``mod:``. If not given: where all values are whole and not negative.
    independent : bool, optional
        Whether the signal was measured apart from the counts. If not given: no for labels of ``obs`` and for ``X_…``
        of ``obsm``, which are usually computed from the counts; else yes.
    backed : bool
        Leave the counts of an ``.h5ad`` file on disk and read them in blocks, for more cells than memory holds. The
        signal is then in ``obs`` or ``obsm``.
    folder : path, optional
        Where ``path`` is, if it is not here.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read or has no whole counts, the signal is not in it, constant, NaN or mostly
        missing, or a gene has two columns. The message says what was found and what to do.
    """
    for what, given in (("path", path), ("folder", folder or "."), ("metadata", metadata or ".")):
        if not isinstance(given, (str, Path)):
            raise ValueError(f"{what} is {given!r}: give a path as text.")
    if isinstance(embeddings, str) or not np.iterable(embeddings):
        raise ValueError(f"embeddings are {embeddings!r}: give a list of keys of obsm.")
    split_seed = as_seed(split_seed, "split_seed")
    stored = read_file(Path(folder or ".") / path, layer, modality, metadata, backed)
    kind, _, key = signal.partition(":") if isinstance(signal, str) else ("", "", "")
    if kind not in KINDS or not key:
        known = "; ".join(f"{k}:KEY, {told}" for k, told in KINDS.items())
        near = f" Did you mean 'obs:{signal}'?" if isinstance(signal, str) and signal in stored.obs else ""
        raise ValueError(f"signal is {signal!r}: say where it is, as one of {known}.{near}")
    if backed and kind not in ("obs", "obsm"):
        raise ValueError(f"signal is {signal!r}: that of a file left on disk (backed=True) is in obs or obsm.")
    in_range(stored.counts.shape[0], 8, np.inf, f"number of cells in {path}")
    if train_fraction is not None:
        in_range(train_fraction, 0.01, 0.99, "train_fraction")
    else:
        in_range(n_folds, 2, stored.counts.shape[0], "n_folds", whole=True)
    split = Split(n_folds, train_fraction, int(split_seed))
    if kind == "neighbours":
        made = _near(stored, key, split, batch)
    elif kind == "pairs":
        made = _related(stored, key, split, batch)
    else:
        made = _own(stored, kind, key, split, batch, as_labels, log_signal)
    keep = made.keep
    values = made.signal
    labels = is_labels(values)
    computed = (kind == "obs" and labels) or (kind == "obsm" and key.startswith("X_"))
    return Dataset(
        name=NAME,
        signal_name=signal,
        counts=stored.counts[keep],
        signal=values,
        folds=made.folds,
        paired=np.zeros(0, bool) if made.paired is None else made.paired,
        partners=np.zeros(0, int) if made.partners is None else made.partners,
        embeddings={e: _of(stored.obsm, e, "obsm", path)[keep] for e in embeddings},
        genes=stored.genes,
        ceiling_bits=entropy(values[made.folds >= 0]) if labels else None,
        independent_signal=not computed if independent is None else independent,
        source=str(path),
        checked=(*stored.checked, *made.checked),
    )


class Split(NamedTuple):
    """How cells are dealt out."""

    n_folds: int
    train_fraction: float | None
    seed: int

    def of(self, n: int, strata: np.ndarray | None = None) -> np.ndarray:
        """Return a fold for each of ``n`` things."""
        if self.train_fraction is None:
            return splits.stratified(np.zeros(n, int) if strata is None else strata, self.n_folds, self.seed)
        rank = np.random.default_rng(self.seed).permutation(n)
        return np.where(rank < round(self.train_fraction * n), -1, 0)

    def of_groups(self, groups: np.ndarray, what: str) -> np.ndarray:
        """Return a fold for each cell, all cells of a group in one."""
        names, group = np.unique(groups.astype(str), return_inverse=True)
        in_range(len(names), max(2, self.n_folds), np.inf, f"number of values of {what}", "Each is in one fold.")
        return self.of(len(names))[group]


class Made(NamedTuple):
    """The signal of the cells kept, and their folds."""

    keep: np.ndarray
    signal: np.ndarray
    folds: np.ndarray
    checked: tuple[str, ...]
    paired: np.ndarray | None = None
    partners: np.ndarray | None = None  # rows; only where all cells are kept


def _of(table: Any, key: str, where: str, path: object) -> np.ndarray:
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


def _own(
    stored: Stored, kind: str, key: str, split: Split, batch: str | None, as_labels: bool | None, log: bool | None
) -> Made:
    """The signal that is written beside each cell."""
    if kind == "obs":
        column = _column(stored, key)
        keep = np.flatnonzero(column.notna().to_numpy())
        signal, how = _labels_or_numbers(column.iloc[keep], as_labels)
        missing = len(column) - len(keep)
    else:
        table, held = (stored.obsm, None) if kind == "obsm" else (stored.modalities, stored.has)
        signal = _of(table, key, kind, stored.path)
        keep = np.arange(len(signal)) if held is None else np.flatnonzero(held[key])
        missing, signal = len(signal) - len(keep), signal[keep]
        counted = bool((signal >= 0).all() and (signal == np.round(signal)).all())
        signal = np.log1p(signal) if (counted if log is None else log) else signal
        how = f"{signal.shape[1]} dimensions, " + (
            "log(1 + value)" if (counted if log is None else log) else "as stored"
        )
    total = stored.counts.shape[0]
    if missing > total / 2:
        raise ValueError(
            f"{kind}:{key} is missing in {missing} of {total} cells of {stored.path}: at most half may be. Fill the "
            "column, or write a file of the cells that have it."
        )
    checked = (f"{kind}:{key}: {how}", *((f"{missing} cells without it left out",) if missing else ()))
    if batch is not None:
        return Made(keep, signal, split.of_groups(_column(stored, batch).to_numpy()[keep], batch), checked)
    return Made(keep, signal, split.of(len(keep), signal if is_labels(signal) else None), checked)


def _labels_or_numbers(column: pd.Series, as_labels: bool | None) -> tuple[np.ndarray, str]:
    """Return labels as text or numbers as floats, by the rule of ``your_data``."""
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    numeric = bool(numbers.notna().all()) and column.dtype.kind != "b"
    distinct = column.nunique()
    if as_labels is None:
        as_labels = not numeric or (column.dtype.kind not in "iuf" and distinct <= FEW)
    if as_labels:
        return column.astype(str).to_numpy(str), f"{distinct} labels"
    if not numeric:
        raise ValueError(f"{column.name} holds {column[numbers.isna()].iloc[0]!r}: as_labels=False needs numbers.")
    return numbers.to_numpy(float), f"numbers with {distinct} different values"


def _near(stored: Stored, key: str, split: Split, batch: str | None, k: int = 5) -> Made:
    """The signal that is a near cell of the same fold."""
    positions = _of(stored.obsm, key, "neighbours", stored.path)
    if not 2 <= positions.shape[1] <= 3:
        raise ValueError(f"neighbours:{key} has {positions.shape[1]} columns: positions have 2 or 3 (x, y, z).")
    n = len(positions)
    within = None
    if batch is not None:
        within = np.unique(_column(stored, batch).to_numpy().astype(str), return_inverse=True)[1]
        folds, told = split.of_groups(within, batch), f"folds are whole values of {batch}, neighbours of one value"
    elif split.train_fraction is None:
        folds, told = splits.strips(positions, split.n_folds), f"folds are {split.n_folds} strips of tissue"
    else:
        folds = np.where(splits.strips(positions, n) < round(split.train_fraction * n), -1, 0)
        told = "one strip of tissue trains and the next probes"
    # Positions of two samples may lie over each other without the cells being near.
    partner = neighbours(positions, folds if within is None else within, k, split.seed)
    state = transcriptome(stored.counts, np.flatnonzero(folds != 0))
    checked = (f"neighbour: one of the {k} nearest cells of the same fold", told)
    return Made(np.arange(n), state[partner], folds, checked, partners=partner)


def _related(stored: Stored, key: str, split: Split, batch: str | None) -> Made:
    """The signal that is another cell of the same clone."""
    if batch is not None:
        raise ValueError(f"batch is {batch!r}: pairs are split by clone already; leave batch out.")
    clone, _, time = key.partition(":")
    cells, partners = _pairs(
        _column(stored, clone), _moments(_column(stored, time), time) if time else None, split.seed
    )
    if len(cells) < 8:
        apart = f" at two values of {time}" if time else ""
        raise ValueError(f"pairs:{key}: {len(cells)} values of {clone} have two cells{apart}: at least 8 are needed.")
    of_cell = _column(stored, clone).astype(object).to_numpy()
    folds = np.full(len(of_cell), -1)
    for name, fold in zip(of_cell[cells], split.of(len(cells)), strict=True):
        folds[of_cell == name] = fold
    state = transcriptome(stored.counts, np.flatnonzero(folds != 0))
    signal, paired = np.zeros((len(folds), state.shape[1])), np.zeros(len(folds), bool)
    signal[cells], paired[cells] = state[partners], True
    rows = np.full(len(folds), -1)
    rows[cells] = partners
    checked = (f"{len(cells)} pairs, one for each value of {clone} with two cells", f"no value of {clone} straddles")
    return Made(np.arange(len(folds)), signal, folds, checked, paired, rows)


def _moments(column: pd.Series, name: str) -> pd.Series:
    """Return times as numbers: as they are, or the one number in a text: ``day10`` comes after ``day2``."""
    numbers = pd.to_numeric(column, errors="coerce")
    known = column.notna()
    if numbers[known].notna().all():
        return numbers
    found = column[known].astype(str).str.extract(r"^\D*(\d+(?:\.\d+)?)\D*$")[0].astype(float)
    if found.isna().any():
        odd = column[known][found.isna()].iloc[0]
        raise ValueError(f"time {name!r} holds {odd!r}: give numbers, or text with one number in it, such as 'day4'.")
    return found.reindex(column.index)


def _pairs(clone: pd.Series, time: pd.Series | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two random cells of each clone; with times, one of the first and one of the last."""
    rng = np.random.default_rng(seed)
    cells, partners = [], []
    for members in pd.Series(np.arange(len(clone))).groupby(clone.to_numpy(), observed=True):
        rows = members[1].to_numpy()
        if time is None:
            first = last = rows
        else:
            when = time.iloc[rows].dropna()
            rows = rows[time.iloc[rows].notna().to_numpy()]
            if when.nunique() < 2:
                continue
            first, last = rows[(when == when.min()).to_numpy()], rows[(when == when.max()).to_numpy()]
        if len(rows) < 2:
            continue
        cell = rng.choice(first)
        cells.append(cell)
        partners.append(rng.choice(last[last != cell]))
    return np.array(cells, int), np.array(partners, int)
