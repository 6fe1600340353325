"""What looks wrong about whole counts: binarised, scaled or normalised values, empty cells, genes in place of cells."""

import re
from typing import Any

import numpy as np
from scipy import sparse

# Cells that are looked at: a sum over all of an atlas takes minutes.
_LOOKED_AT = 5000
_BARCODE = re.compile(r"(^|[_:#.-])[ACGT]{8,}([_-]|$)")
_CELL = re.compile(r"^(cell|barcode|spot|bc)[ _.-]?\w*\d", re.IGNORECASE)
_GENE = re.compile(
    r"^(ENS[A-Z]*G\d{6,}|FBgn\d+|WBGene\d+|(MT|mt|Mt)-\w+|R[Pp][LSls]\d+\w*|gene[ _.-]?\d+)", re.IGNORECASE
)
_KNOWN_GENES = frozenset(
    [
        "ACTB",
        "B2M",
        "CD14",
        "CD3D",
        "CD4",
        "CD68",
        "CD74",
        "CD79A",
        "CD8A",
        "COL1A1",
        "EEF1A1",
        "EPCAM",
        "FOS",
        "GAD1",
        "GAPDH",
        "HBB",
        "HSP90AA1",
        "ITGAM",
        "JUN",
        "LYZ",
        "MALAT1",
        "MKI67",
        "MS4A1",
        "NKG7",
        "PECAM1",
        "PTPRC",
        "RPL13",
        "S100A8",
        "SLC17A7",
        "TMSB4X",
        "TUBB",
        "VIM",
        "XIST",
        "ACTG1",
        "FTL",
        "FTH1",
        "TPT1",
        "PPBP",
        "SOX2",
        "PAX6",
    ]
)


def look_like_genes(names: Any) -> bool:
    """Return whether names are those of genes: symbols that everybody knows, or identifiers.

    >>> look_like_genes(["ACTB", "MALAT1", "X"]), look_like_genes(["AAACCTGAGAAACCAT-1"])
    (True, False)
    """
    hits = sum(str(name).upper() in _KNOWN_GENES or bool(_GENE.match(str(name))) for name in names)
    return hits >= 2 or hits > 0.02 * max(len(names), 1)


def look_like_cells(names: Any) -> bool:
    """Return whether names are those of cells: barcodes, or numbered cells.

    >>> look_like_cells(["AAACCTGAGAAACCAT-1"]), look_like_cells(["cell1", "cell2"]), look_like_cells(["ACTB"])
    (True, True, False)
    """
    hits = sum(bool(_BARCODE.search(str(name)) or _CELL.match(str(name))) for name in names)
    return hits > 0.5 * max(len(names), 1)


def doubts_of(counts: sparse.csr_matrix, cells: Any, genes: Any) -> list[str]:
    """Return sentences on what looks wrong about counts that are whole numbers.

    Parameters
    ----------
    counts : (cells, genes) matrix of whole numbers
    cells, genes : their names

    Examples
    --------
    >>> binary = sparse.csr_matrix(np.random.default_rng(0).random((30, 20)) > 0.5)
    >>> doubts_of(binary.astype(int), range(30), range(20))[0][:61]
    'the counts are 0 and 1 alone: they look binarised. Give the c'
    """
    some = counts[:_LOOKED_AT]
    totals = some.sum(axis=1).A1
    empty = int((totals == 0).sum())
    full = totals[totals > 0]
    sentences = []
    if some.nnz and some.data.max() == 1 and some.nnz > 0.02 * np.prod(some.shape):
        sentences.append("the counts are 0 and 1 alone: they look binarised. Give the counts of molecules.")
    if len(full) > 10 and np.ptp(full) <= 0.02 * full.mean() and full.mean() > 20:
        sentences.append(
            f"every cell has a total of about {full.mean():,.0f}: the counts look normalised and rounded. Give the "
            "counts before normalisation, or depths and laws mean nothing."
        )
    elif (share := _without_ones(some)) > 0.5:
        sentences.append(
            f"{share:.0%} of the cells have no count of 1: the counts look scaled and rounded. Give the counts before "
            "scaling, or depths and laws mean nothing."
        )
    if empty:
        sentences.append(
            f"{empty} of {len(totals)} cells have no molecule; they stay in. Filter them if they are empty."
        )
    if look_like_genes(cells) and look_like_cells(genes):
        sentences.append("cells are named like genes and genes like cells: transpose the matrix (adata.T).")
    return sentences


def _without_ones(counts: sparse.csr_matrix) -> float:
    """Return the share of cells with 20 genes or more whose least count is above 1: rare among counts of molecules."""
    sizes = np.diff(counts.indptr)
    starts = counts.indptr[:-1][sizes > 0]
    if not len(starts):
        return 0.0
    least = np.minimum.reduceat(counts.data, starts)[sizes[sizes > 0] >= 20]
    return float((least > 1).mean()) if len(least) >= 10 else 0.0
