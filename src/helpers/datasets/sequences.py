"""Protein sequences with a collection date each: real spikes, and yours."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from helpers._utils.validation import choose, in_range
from helpers.datasets import files
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


def sarscov2_spike(
    max_unknown: float = 0.01, per_month: int | None = 1000, folder: str | Path | None = None
) -> Sequences:
    """Real SARS-CoV-2 spike proteins with exact collection dates, 2020-03 to 2021-04: 11,306, at most 1,000 a month.

    Parameters
    ----------
    max_unknown : float
        Sequences with a larger share of unread residues (X) are left out.
    per_month : int or None
        At most so many of each month, drawn at random with a fixed seed, as published; None: all.
    folder : path, optional
        A folder with the file.

    Notes
    -----
    Consensus genomes of the Andersen laboratory (NCBI PRJNA612578), most of them from San Diego: the dates of one
    place tell about its own waves.
    """
    table = _tsv(files.fetch("sarscov2_spike", "spike_exact_dates.tsv.gz", folder))
    return dated(
        "sarscov2_spike", dict(zip(table["id"], table["spike_protein"], strict=True)),
        dict(zip(table["id"], table["collection_date"], strict=True)), max_unknown, per_month,
        source=files.registry()["sarscov2_spike"].source,
    )  # fmt: skip


def sarscov2_genomes(max_unknown: float = 0.05, folder: str | Path | None = None) -> Sequences:
    """SARS-CoV-2 genomes of 2019-12 to 2020-05: in 417 of 418 the spike gene is found, and translated here.

    Parameters
    ----------
    max_unknown : float
        Spikes with a larger share of unread residues (X) are left out.
    folder : path, optional
        A folder with both files.
    """
    fasta = files.fetch("sarscov2_genomes", "example_sequences.fasta.gz", folder)
    metadata = files.fetch("sarscov2_genomes", "example_metadata.tsv", folder)
    return _joined(
        "sarscov2_genomes", fasta, metadata, None, max_unknown, None, files.registry()["sarscov2_genomes"].source
    )


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
    max_unknown : float
        Sequences with a larger share of unread residues (X) are left out.
    per_month : int or None
        At most so many of each month.
    """
    if not str(fasta):
        raise ValueError("fasta is empty: give options={'fasta': 'file.fasta', 'metadata': 'file.tsv'}.")
    return _joined(
        "your_sequences", Path(fasta), Path(metadata) if metadata else None, (id_column, date_column), max_unknown,
        per_month, str(fasta),
    )  # fmt: skip


def dated(
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

    Parameters
    ----------
    name, source : str
    sequences : dict of id → protein
    dates : dict of id → date; those without year, month and day are left out
    max_unknown : float in [0, 1]
    per_month : int or None
    """
    in_range(max_unknown, 0, 1, "max_unknown", "It is the share of residues that were not read.")
    days = {i: day for i in sequences if (day := day_number(dates.get(i, ""))) is not None}
    clean = [i for i in days if sequences[i].count("X") <= max_unknown * len(sequences[i])]
    kept = sorted(clean)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(kept))
    if per_month is not None:
        in_range(per_month, 1, 1e9, "per_month", whole=True)
        month = np.array([dates[i].strip()[:7] for i in kept])
        rank = pd.Series(month[order]).groupby(month[order]).cumcount().to_numpy()
        kept = [kept[i] for i in np.sort(order[rank < per_month])]
    told = [
        f"{len(sequences) - len(days)} of {len(sequences)} sequences without a full date left out",
        f"{len(days) - len(clean)} with more than {max_unknown:.0%} unread residues left out",
        *([f"{len(clean) - len(kept)} beyond {per_month} a month left out"] if per_month is not None else []),
        "dates spread uniformly over their day",
    ]
    if len(kept) < 8:
        told = [*checked, *told]
        raise ValueError(f"{name} has {len(kept)} usable sequences: at least 8 are needed ({'; '.join(told)}).")
    if len({days[i] for i in kept}) < 2:
        raise ValueError(f"all {len(kept)} sequences of {name} are of {dates[kept[0]]}: there is no date to tell.")
    signal = np.array([days[i] for i in kept]) + rng.random(len(kept))
    return Sequences(
        name, "collection date", signal, at_random(len(kept)), source=source, checked=(*checked, *told),
        sequences=tuple(sequences[i].rstrip("*") for i in kept),
    )  # fmt: skip


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
    """Return the sequences of a FASTA file, which may be gzipped, by their whole header line.

    Raises
    ------
    ValueError
        For a file without sequences, or one header twice.
    """
    from Bio import SeqIO

    out: dict[str, str] = {}
    again: list[str] = []
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open("rt", encoding="utf8") as handle:
            for record in SeqIO.parse(handle, "fasta"):
                if record.description in out:
                    again.append(record.description)
                out[record.description] = str(record.seq).upper()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist: give the path of a FASTA file.") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise ValueError(f"{path} is not a readable FASTA file: {error}") from error
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a FASTA file, whose first line starts with '>': {first}") from error
    if again:
        raise ValueError(f"{path} has {again[0]!r} twice (and {len(again) - 1} more such headers): keep one.")
    if not out:
        raise ValueError(f"{path} holds no FASTA record (a line that starts with '>').")
    return out


def header_date(header: str) -> str:
    """Return the date in a GISAID-style header, whose fields stand between ``|``; empty if there is none.

    >>> header_date("Spike|hCoV-19/Wuhan/WIV04/2019|2019-12-30|EPI_ISL_402124|Original")
    '2019-12-30'
    """
    return next((field.strip() for field in header.split("|") if day_number(field) is not None), "")


def _joined(
    name: str,
    fasta: Path,
    metadata: Path | None,
    columns: tuple[str | None, str | None] | None,
    max_unknown: float,
    per_month: int | None,
    source: str,
) -> Sequences:
    found = read_fasta(fasta)
    if metadata is None:
        dates = {header: header_date(header) for header in found}
    else:
        dates = _dates_of(_tsv(metadata), metadata, *(columns or (None, None)))
        ids = {header: _id_in(header, dates) for header in found}
        if (unknown := [header for header, own in ids.items() if own not in dates]) and len(unknown) == len(found):
            raise ValueError(f"no sequence of {fasta} is in {metadata}: {unknown[0]!r} is not among its ids.")
        again = pd.Series(ids).pipe(lambda own: own[own.duplicated()])
        if len(again):
            raise ValueError(f"{fasta} has several sequences of {again.iloc[0]!r}: keep one.")
        found = {ids[header]: sequence for header, sequence in found.items()}
    proteins, told = _proteins(found)
    return dated(name, proteins, dates, max_unknown, per_month, source, told)


def _id_in(header: str, known: dict[str, str]) -> str:
    """Return the part of a header that the table knows: all of it, its first word or one of its fields."""
    parts = (header, *header.split()[:1], *(field.strip() for field in header.split("|")))
    return next((part for part in parts if part and part in known), header)


def _proteins(found: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return proteins as they are, and the spikes of genomes."""
    genomes = [header for header, letters in found.items() if _is_genome(letters)]
    if not genomes:
        return found, []
    if len(genomes) < len(found):
        odd = next(header for header in found if header not in set(genomes))
        raise ValueError(f"there are {len(genomes)} genomes and {len(found) - len(genomes)} others, such as {odd!r}.")
    spikes, reasons = {}, []
    for header, genome in found.items():
        try:
            spikes[header] = find_spike(genome)
        except ValueError as error:
            reasons.append(str(error))
    told = f"spike gene found in {len(spikes)} of {len(found)} genomes"
    return spikes, [told + (f" (first refusal: {reasons[0]})" if reasons else "")]


def _is_genome(letters: str) -> bool:
    """Whether a record is of nucleotides: a protein as long has other letters."""
    return len(letters) > 200 and sum(letters.count(base) for base in "ACGTUN-") > 0.9 * len(letters)


def _tsv(path: Path) -> pd.DataFrame:
    """Return a table with tabs, all of it text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, or its lines have more fields than the first.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist: give the path of a table with tabs.") from error
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a readable table with tabs: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):  # the first of the fields became names of the rows
        raise ValueError(f"{path} has lines with more fields than its first, {len(table.columns)}: mend them.")
    return table


def _dates_of(table: pd.DataFrame, path: Path, id_column: str | None, date_column: str | None) -> dict[str, str]:
    names = []
    for given, usual, what in ((id_column, _IDS, "id_column"), (date_column, _DATES, "date_column")):
        if given is not None:
            names.append(choose(given, table.columns, f"{what} of {path.name}"))
            continue
        found = next((c for c in usual if c in table), None)
        if found is None:
            raise ValueError(f"{path} has none of the columns {', '.join(usual)}: give {what}. It has {list(table)}.")
        names.append(found)
    twice = table[table.duplicated(names[0]) & (table[names[0]] != "")]
    if len(twice):
        raise ValueError(f"{path} has {twice[names[0]].iloc[0]!r} twice in column {names[0]!r}: keep one line of each.")
    return dict(zip(table[names[0]], table[names[1]], strict=True))
