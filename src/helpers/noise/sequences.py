"""Noise of protein sequences: amino acids misread as others."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from helpers._utils.validation import as_rng, brief, in_range
from helpers.noise.base import Noise

VERSION = 1  # 2026-11-28 numbered

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_LETTERS = np.frombuffer(AMINO_ACIDS.encode(), np.uint8)
_CODE = np.full(256, -1, np.int64)
_CODE[_LETTERS] = np.arange(len(_LETTERS))


def substitute(sequences: Iterable[str], rate: float, rng: Generator | int | None = None) -> list[str]:
    """Replace each amino acid, with probability ``rate``, by one of the other 19, all equally likely.

    A replaced residue is never drawn as itself, so that the expected share of changed residues is ``rate``. Letters
    other than the 20 amino acids (X, gaps, stops) stay. Nested: with the same seed, what is wrong at some rate is
    wrong in the same way at every higher one.

    Parameters
    ----------
    sequences : list of str
    rate : float in [0, 1]
    rng : numpy Generator or seed

    Returns
    -------
    list of str, of the same lengths.

    Raises
    ------
    ValueError
        For a rate outside [0, 1], an rng that is neither, or sequences that ``as_proteins`` rejects.

    Examples
    --------
    >>> substitute(["MFVFLVLLPLVSSQC"], 0.2, rng=1)
    ['MFTFLVLLPRVSSQC']
    """
    in_range(rate, 0, 1, "substitution rate", "It is the share of residues that are replaced.")
    sequences = as_proteins(sequences)
    joined = "".join(sequences)
    letters = np.frombuffer(joined.encode(), np.uint8)
    code = _CODE[letters]
    rng = as_rng(rng)
    fate, other = rng.random(len(letters)), rng.integers(1, len(_LETTERS), len(letters))
    hit = (fate < rate) & (code >= 0)
    out = letters.copy()
    out[hit] = _LETTERS[(code[hit] + other[hit]) % len(_LETTERS)]
    text = out.tobytes().decode()
    ends = np.cumsum([len(s) for s in sequences])
    return [text[end - len(s) : end] for s, end in zip(sequences, ends, strict=True)]


def as_proteins(sequences: Iterable[str]) -> list[str]:
    """Return sequences as a list of str.

    Raises
    ------
    ValueError
        If they are not a list of str, or hold letters other than upper-case ones, gaps and stops.
    """
    if isinstance(sequences, str) or not np.iterable(sequences):
        form = "one text, " if isinstance(sequences, str) else ""
        raise ValueError(f"sequences are {form}{brief(sequences)}: give a list of proteins.")
    proteins = list(sequences)
    other = [protein for protein in proteins if not isinstance(protein, str)]
    if other:
        raise ValueError(f"sequences hold {brief(other[0])}: give each protein as text.")
    unknown = sorted(set("".join(proteins)) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ-*."))
    if unknown:
        raise ValueError(f"sequences hold {unknown[-1]!r}: give proteins in upper-case one-letter code.")
    return proteins


def rate_of(ratio: float) -> float:
    """Return the substitution rate of a ratio of true to wrong residues: 1 / (1 + ratio).

    >>> rate_of(999.0)
    0.001
    """
    if ratio == np.inf:
        return 0.0
    in_range(ratio, 0, np.inf, "true:error ratio")
    return 1 / (1 + ratio)


class Substitution(Noise):
    """Misread residues; the level is the share p of residues that are wrong."""

    samples: ClassVar[str] = "sequences"
    most: ClassVar[float] = 1.0
    # Beyond 19 in 20 a residue says again what it is not, which the law does not describe.
    describes: ClassVar[float] = 0.95
    symbol: ClassVar[str] = "p"
    axis: ClassVar[str] = "share p of residues that are wrong"

    def apply(self, samples: Iterable[str], level: float, rng: Generator | int | None = None) -> list[str]:
        """Return misread sequences."""
        return substitute(samples, level, rng)

    def snr(self, level: Any, power: float = 2) -> np.ndarray:
        """Return the ratio of true to wrong residues; the power has no part in it."""
        with np.errstate(divide="ignore"):
            level = np.asarray(level, float)
            return (1 - level) / level

    def level(self, snr: Any, power: float = 2) -> np.ndarray:
        """Return the share of wrong residues."""
        return 1 / (1 + np.asarray(snr, float))

    def relation(self, power: float = 2) -> str:
        """Return how the ratio follows from the level."""
        return "SNR = (1 − p)/p"
