"""Find the spike gene in a SARS-CoV-2 genome and translate it."""

import re

import numpy as np

# The ends of the gene in Wuhan-Hu-1 (GenBank MN908947, 21563-25384): MFVFLVLL … VKLHYT and the stop.
_START = "ATGTTTGTTTTTCTTGTTTTATTG"
_END = "GGAGTCAAATTACATTACACATAA"
# Wrong or unread letters that an end may have.
_MISMATCHES = 6
# From the shortest with the deletions that have been seen to the longest with insertions.
_RESIDUES = (1240, 1300)


def find_spike(genome: str) -> str:
    """Return the spike protein of a SARS-CoV-2 genome (forward strand), without the stop; gaps are dropped.

    The gene is found by its two ends, of which a quarter may be mutated or unread, and read in its own frame. A codon
    whose unread letters leave its residue open becomes X.

    Raises
    ------
    ValueError
        Saying which end was not found, or that the reading frame is broken.

    Examples
    --------
    >>> gene = _START + "GCN" * 1250 + _END
    >>> protein = find_spike("CTAAACGAACA" + gene + "ACGAACTT")
    >>> protein[:10], protein[-6:], len(protein)
    ('MFVFLVLLAA', 'VKLHYT', 1265)
    """
    from Bio.Seq import Seq

    letters = re.sub("[^ACGTRYSWKMBDHV]", "N", genome.upper().replace("-", "").replace("U", "T"))
    start = _best(letters, _START, "start")
    end = _best(letters, _END, "end") + len(_END)
    gene = letters[start:end]
    if end <= start or len(gene) % 3:
        raise ValueError(f"the spike gene has {end - start} letters between its ends, not a number of codons")
    protein = str(Seq(gene).translate()).removesuffix("*")
    if "*" in protein:
        raise ValueError(f"the spike gene has a stop at residue {protein.index('*') + 1}: its frame is broken")
    if not _RESIDUES[0] <= len(protein) <= _RESIDUES[1]:
        raise ValueError(f"the spike gene gives {len(protein)} residues, not {_RESIDUES[0]} to {_RESIDUES[1]}")
    return protein


def _best(letters: str, motif: str, what: str) -> int:
    """Return where a motif fits best."""
    if len(letters) < len(motif):
        raise ValueError(f"the genome has only {len(letters)} letters")
    exact = letters.find(motif)
    if exact >= 0:
        return exact
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(letters.encode("ascii"), np.uint8), len(motif))
    wrong = (windows != np.frombuffer(motif.encode(), np.uint8)).sum(axis=1)
    at = int(wrong.argmin())
    if wrong[at] > _MISMATCHES:
        raise ValueError(f"the {what} of the spike gene was not found: best of {wrong[at]} mismatches")
    return at
