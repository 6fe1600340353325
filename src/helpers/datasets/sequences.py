"""Protein sequences with a collection date each: real spikes, and yours.

Options that several loaders take: ``max_unknown``, the largest share of unread residues (X) of a sequence that is not
left out; ``per_month``, how many to take of each month at most, drawn with a fixed seed, None for all; ``folder``, one
with files of your own.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from helpers._utils.validation import choose, in_range
from helpers.datasets import files, read
from helpers.datasets.samples import Samples
from helpers.datasets.spike import find_spike
from helpers.datasets.splits import at_random
from helpers.noise.sequences import as_proteins

VERSION = 1  # 2026-11-28 numbered

DAY_ZERO = "2020-01-01"
# What the common sources call the columns of a metadata table, first match wins.
_IDS = ("strain", "id", "ID", "Virus name", "accession", "Accession", "genbank_accession", "gisaid_epi_isl")
_DATES = ("collection_date", "date", "Collection date", "Collection_Date")


@dataclass(frozen=True, eq=False)
class Sequences(Samples):
    """Protein sequences in one-letter code, with a date or another signal each.

    Attributes
    ----------
    sequences : tuple of str
        Amino acids; X stands for one that was not read.
    """

    modality: ClassVar[str] = "sequences"

    sequences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what was given; see ``Samples``."""
        empty = [i for i, s in enumerate(self.sequences) if not s]
        if empty:
            raise ValueError(f"{self.name} has {len(empty)} empty sequences, the first at row {empty[0]}: drop them.")
        as_proteins(self.sequences)
        super().__post_init__()

    def chosen(self, rows: np.ndarray) -> list[str]:
        """Return the sequences of some rows."""
        return [self.sequences[i] for i in rows]

    def _n_samples(self) -> int:
        return len(self.sequences)

    def _content(self) -> Iterator[bytes]:
        yield "\n".join(self.sequences).encode()

    def _facts(self) -> dict[str, Any]:
        lengths = [len(s) for s in self.sequences]
        known = set(self.chosen(self.train))
        seen = np.mean([s in known for s in self.chosen(self.probe)])
        return {
            "sequences": len(self.sequences),
            "distinct": len(set(self.sequences)),
            "probe sequences that also train": f"{seen:.0%}",
            "residues": f"{min(lengths)} to {max(lengths)}",
        }


def sarscov2_spike(max_unknown: float = 0.01, per_month: int | None = 1000, folder: files.Folder = None) -> Sequences:
    """Real SARS-CoV-2 spike proteins with exact collection dates, 2020-03 to 2021-04: 11,306, at most 1,000 a month.

    Consensus genomes of the Andersen laboratory (NCBI PRJNA612578), most of them from San Diego: the dates of one
    place tell about its own waves.
    """
    name = "sarscov2_spike"
    table = _tsv(files.fetch(name, "spike_exact_dates.tsv.gz", folder))
    proteins, dates = (dict(zip(table["id"], table[c], strict=True)) for c in ("spike_protein", "collection_date"))
    return _dated(name, proteins, dates, max_unknown, per_month, files.registry()[name].source)


def sarscov2_genomes(max_unknown: float = 0.05, folder: files.Folder = None) -> Sequences:
    """SARS-CoV-2 genomes of 2019-12 to 2020-05: in 417 of 418 the spike gene is found, and translated here."""
    name = "sarscov2_genomes"
    fasta, metadata = (files.fetch(name, f"example_{part}", folder) for part in ("sequences.fasta.gz", "metadata.tsv"))
    proteins, dates, checked = _joined(fasta, metadata)
    return _dated(name, proteins, dates, max_unknown, None, files.registry()[name].source, checked)


def your_sequences(
    fasta: str | Path = "",
    metadata: str | Path | None = None,
    id_column: str | None = None,
    date_column: str | None = None,
    max_unknown: float = 0.01,
    per_month: int | None = None,
) -> Sequences:
    """Your own sequences: a FASTA file of spike proteins or SARS-CoV-2 genomes, and their collection dates.

    Parameters
    ----------
    fasta : path
        Proteins, or genomes whose spike gene is then found and translated; may be gzipped.
    metadata : path, optional
        A table with a line a sequence (Nextstrain or INSDC: tabs). None: the dates stand in the headers, between
        ``|``, as GISAID writes them.
    id_column, date_column : str, optional
        Columns of the table; None: those that the common sources use.
    """
    if not str(fasta):
        raise ValueError("fasta is empty: give options={'fasta': 'file.fasta', 'metadata': 'file.tsv'}.")
    proteins, dates, checked = _joined(Path(fasta), Path(metadata) if metadata else None, id_column, date_column)
    return _dated("your_sequences", proteins, dates, max_unknown, per_month, str(fasta), checked)


def _dated(
    name: str,
    sequences: dict[str, str],
    dates: dict[str, str],
    max_unknown: float,
    per_month: int | None,
    source: str,
    checked: Sequence[str] = (),
) -> Sequences:
    """Join sequences to full collection dates; what is left out is counted in ``checked``.

    The signal is days since 2020-01-01 plus a fixed uniform fraction of a day: dates alone have ties, which estimators
    of continuous information do not like, and a fraction that is drawn at random carries none.
    """
    in_range(max_unknown, 0, 1, "max_unknown", "It is the share of residues that were not read.")
    days = {i: day for i in sequences if (day := day_number(dates.get(i, ""))) is not None}
    clean = sorted(i for i in days if sequences[i].count("X") <= max_unknown * len(sequences[i]))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(clean))
    checked = [
        *checked,
        f"{len(sequences) - len(days)} of {len(sequences)} sequences without a full date left out",
        f"{len(days) - len(clean)} with more than {max_unknown:.0%} unread residues left out",
    ]
    kept = clean
    if per_month is not None:
        in_range(per_month, 1, 1e9, "per_month", whole=True)
        month = np.array([dates[i].strip()[:7] for i in clean])[order]
        rank = pd.Series(month).groupby(month).cumcount().to_numpy()
        kept = [clean[i] for i in np.sort(order[rank < per_month])]
        checked.append(f"{len(clean) - len(kept)} beyond {per_month} a month left out")
    checked.append("dates spread uniformly over their day")
    if len(kept) < 8:
        raise ValueError(f"{name} has {len(kept)} usable sequences: at least 8 are needed ({'; '.join(checked)}).")
    if len({days[i] for i in kept}) < 2:
        raise ValueError(f"all {len(kept)} sequences of {name} are of {dates[kept[0]]}: there is no date to tell.")
    signal = np.array([days[i] for i in kept]) + rng.random(len(kept))
    proteins = tuple(sequences[i].rstrip("*") for i in kept)
    about: dict[str, Any] = {"source": source, "checked": tuple(checked)}
    return Sequences(name, "collection date", signal, at_random(len(kept)), sequences=proteins, **about)


def day_number(date: str) -> int | None:
    """Return the days since 2020-01-01 of a full date; None for one without year, month and day.

    >>> day_number("2020-03-01"), day_number("2020-03"), day_number("2020-XX-XX")
    (60, None, None)
    """
    date = str(date).strip()
    if len(date) != 10:
        return None
    day = pd.to_datetime(date, format="%Y-%m-%d", errors="coerce")
    return None if pd.isna(day) else int((day - pd.Timestamp(DAY_ZERO)).days)


def read_fasta(path: Path) -> dict[str, str]:
    """Return the sequences of a FASTA file, which may be gzipped, by their whole header line, which must differ."""
    from Bio import SeqIO

    proteins: dict[str, str] = {}
    again: list[str] = []
    with (
        read.readable(path, "FASTA file, whose first line starts with '>'"),
        gzip.open(path, "rt") if path.suffix == ".gz" else path.open("rt", encoding="utf8") as handle,
    ):
        for record in SeqIO.parse(handle, "fasta"):
            if record.description in proteins:
                again.append(record.description)
            proteins[record.description] = str(record.seq).upper()
    if again:
        raise ValueError(f"{path} has {again[0]!r} twice (and {len(again) - 1} more such headers): keep one.")
    if not proteins:
        raise ValueError(f"{path} holds no FASTA record (a line that starts with '>').")
    return proteins


def header_date(header: str) -> str:
    """Return the date in a GISAID-style header, whose fields stand between ``|``; empty if there is none.

    >>> header_date("Spike|hCoV-19/Wuhan/WIV04/2019|2019-12-30|EPI_ISL_402124|Original")
    '2019-12-30'
    """
    return next((field.strip() for field in header.split("|") if day_number(field) is not None), "")


def _joined(
    fasta: Path, metadata: Path | None, id_column: str | None = None, date_column: str | None = None
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return the proteins of a FASTA file and the dates of a table or of the headers, by id; and what was checked."""
    letters = read_fasta(fasta)
    if metadata is None:
        dates = {header: header_date(header) for header in letters}
    else:
        dates = _dates_of(_tsv(metadata), metadata, id_column, date_column)
        ids = {header: _id_in(header, dates) for header in letters}
        if not set(ids.values()) & set(dates):
            raise ValueError(f"no sequence of {fasta} is in {metadata}: {next(iter(ids))!r} is not among its ids.")
        again = pd.Series(ids).pipe(lambda known: known[known.duplicated()])
        if len(again):
            raise ValueError(f"{fasta} has several sequences of {again.iloc[0]!r}: keep one.")
        letters = {ids[header]: sequence for header, sequence in letters.items()}
    proteins, checked = _proteins(letters)
    return proteins, dates, checked


def _id_in(header: str, known: dict[str, str]) -> str:
    """Return the part of a header that the table knows: all of it, its first word or one of its fields."""
    parts = (header, *header.split()[:1], *(field.strip() for field in header.split("|")))
    return next((part for part in parts if part and part in known), header)


def _proteins(letters: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return proteins as they are, and the spikes of genomes."""
    others = [header for header, sequence in letters.items() if not _is_genome(sequence)]
    if len(others) == len(letters):
        return letters, []
    if others:
        n_genomes = len(letters) - len(others)
        raise ValueError(f"there are {n_genomes} genomes and {len(others)} others, such as {others[0]!r}.")
    spikes, reasons = {}, []
    for header, genome in letters.items():
        try:
            spikes[header] = find_spike(genome)
        except ValueError as error:
            reasons.append(str(error))
    refusal = f" (first refusal: {reasons[0]})" if reasons else ""
    return spikes, [f"spike gene found in {len(spikes)} of {len(letters)} genomes{refusal}"]


def _is_genome(letters: str) -> bool:
    """Whether a record is of nucleotides: a protein as long has other letters."""
    return len(letters) > 200 and sum(letters.count(base) for base in "ACGTUN-") > 0.9 * len(letters)


def _tsv(path: Path) -> pd.DataFrame:
    """Return a table with tabs, all of it text."""
    with read.readable(path, "table with tabs"):
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
    if not isinstance(table.index, pd.RangeIndex):  # the first of the fields became names of the rows
        raise ValueError(f"{path} has lines with more fields than its first, {len(table.columns)}: correct them.")
    return table


def _dates_of(table: pd.DataFrame, path: Path, id_column: str | None, date_column: str | None) -> dict[str, str]:
    """Return the date of each id of a table."""
    names = []
    for given, usual, what in ((id_column, _IDS, "id_column"), (date_column, _DATES, "date_column")):
        known = [column for column in usual if column in table]
        if given is None and not known:
            raise ValueError(f"{path} has none of the columns {', '.join(usual)}: give {what}. It has {list(table)}.")
        names.append(known[0] if given is None else choose(given, table.columns, f"{what} of {path.name}"))
    ids, dates = table[names[0]], table[names[1]]
    twice = ids[ids.duplicated() & (ids != "")]
    if len(twice):
        raise ValueError(f"{path} has {twice.iloc[0]!r} twice in column {names[0]!r}: keep one line of each.")
    return dict(zip(ids, dates, strict=True))
