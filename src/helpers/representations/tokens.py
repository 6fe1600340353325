"""Cells as sentences: genes in the order of their counts, relative to what each gene usually has."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

# Share of gene tokens to be guessed, and of these: hidden, replaced by a random gene; the rest stays (as in BERT).
MASKED, HIDDEN, REPLACED = 0.15, 0.8, 0.1
# Label of tokens that are not guessed: torch's cross-entropy leaves it out.
IGNORED = -100


@dataclass(frozen=True)
class Vocabulary:
    """Which token stands for which column of the counts.

    ``ids`` has the token of each gene, -1 for none, and ``medians`` the usual count by which its counts are divided.
    ``size`` counts all tokens of the model; ``cls`` and ``eos`` are the first and last of each cell, if it has them.
    """

    ids: np.ndarray
    medians: np.ndarray
    size: int
    pad: int = 0
    mask: int = 1
    cls: int | None = None
    eos: int | None = None

    @property
    def specials(self) -> list[int]:
        """Tokens that stand for no gene."""
        return [t for t in (self.pad, self.mask, self.cls, self.eos) if t is not None]

    @classmethod
    def learn(cls, counts: sparse.csr_matrix) -> "Vocabulary":
        """Give a token to every gene with a training count: two specials, then the genes in order.

        A gene that no training cell shows gets none: its token would never be trained.
        """
        medians = nonzero_medians(counts)
        seen = np.isfinite(medians)
        ids = np.where(seen, np.cumsum(seen) + 1, -1)
        return cls(ids, np.where(seen, medians, 1.0), 2 + int(seen.sum()))


@dataclass(frozen=True)
class Tokens:
    """Sentences of many cells: cell i is ``flat[starts[i]:starts[i + 1]]``; ``n_genes`` counts its gene tokens."""

    flat: np.ndarray
    starts: np.ndarray
    n_genes: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each cell, special ones included."""
        return np.diff(self.starts)

    def padded(self, rows: np.ndarray, pad: int, to: int = 0) -> np.ndarray:
        """Return cells as one int64 array, shape (rows, longest of them); ``to`` is the least width."""
        lengths = self.lengths[rows]
        width = max(int(lengths.max(initial=1)), to, 1)
        place = np.arange(width)
        inside = place < lengths[:, None]
        out = np.full(inside.shape, pad, dtype=np.int64)
        out[inside] = self.flat[(self.starts[rows][:, None] + place)[inside]]
        return out


def nonzero_medians(counts: sparse.csr_matrix) -> np.ndarray:
    """Return each gene's median over the cells that have it, shape (genes,); NaN where none has.

    >>> nonzero_medians(sparse.csr_matrix([[1, 0, 4], [3, 0, 0]])).tolist()
    [2.0, nan, 4.0]
    """
    columns = sparse.csc_matrix(counts)
    parts = np.split(columns.data, columns.indptr[1:-1])
    return np.array([np.median(part) if len(part) else np.nan for part in parts])


def rank_tokens(counts: sparse.csr_matrix, vocabulary: Vocabulary, max_length: int = 512) -> Tokens:
    """Return the genes of each cell from the highest count / median of the gene downwards, as tokens.

    Dividing by the cell's total would not change the order. Genes without a count have no token. Ties, which are
    many in thin counts, go by column number. Cells with more than ``max_length`` tokens lose the lowest.

    Counts have no stored zeros; ``max_length`` includes special tokens.

    Examples
    --------
    >>> words = Vocabulary.learn(sparse.csr_matrix([[2, 1, 8], [2, 0, 8]]))
    >>> rank_tokens(sparse.csr_matrix([[6, 1, 8]]), words).flat.tolist()  # 6/2 = 3, 1/1 = 1, 8/8 = 1
    [2, 3, 4]
    """
    cells = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    known = vocabulary.ids[counts.indices] >= 0
    cells, genes = cells[known], counts.indices[known]
    order = np.lexsort((genes, -counts.data[known] / vocabulary.medians[genes], cells))
    cells, genes = cells[order], genes[order]
    has = np.bincount(cells, minlength=counts.shape[0])
    rank = np.arange(len(cells)) - np.repeat(np.cumsum(has) - has, has)
    first, last = vocabulary.cls is not None, vocabulary.eos is not None
    room = max_length - first - last
    kept = rank < room
    has = np.minimum(has, room)
    starts = np.concatenate([[0], np.cumsum(has + first + last)]).astype(np.int64)
    flat = np.empty(starts[-1], dtype=np.int64)
    flat[starts[cells[kept]] + first + rank[kept]] = vocabulary.ids[genes[kept]]
    if vocabulary.cls is not None:
        flat[starts[:-1]] = vocabulary.cls
    if vocabulary.eos is not None:
        flat[starts[1:] - 1] = vocabulary.eos
    return Tokens(flat, starts, has)


def mask_tokens(
    sentences: np.ndarray, vocabulary: Vocabulary, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Choose 15 % of each cell's gene tokens (to the nearest, at least one) for the model to guess.

    Of these, 80 % become the mask token, 10 % a random gene, 10 % stay as they are: the scheme of BERT.

    Returns
    -------
    (inputs, labels)
        Both of the shape of ``sentences`` (cells, length); a label is the token to guess, -100 where there is none.
    """
    gene = ~np.isin(sentences, vocabulary.specials)
    n_genes = gene.sum(axis=1)
    n_masked = np.where(n_genes > 0, np.maximum(1, np.rint(MASKED * n_genes)), 0)
    lot = np.where(gene, rng.random(sentences.shape), 2.0)
    chosen = lot.argsort(axis=1).argsort(axis=1) < n_masked[:, None]
    labels = np.where(chosen, sentences, IGNORED)
    fate = rng.random(sentences.shape)
    genes = np.unique(vocabulary.ids[vocabulary.ids >= 0])
    inputs = np.where(chosen & (fate < HIDDEN), vocabulary.mask, sentences)
    replaced = chosen & (fate >= HIDDEN) & (fate < HIDDEN + REPLACED)
    inputs[replaced] = rng.choice(genes, replaced.sum())
    return inputs, labels


def rank_values(counts: sparse.csr_matrix, words: Vocabulary) -> np.ndarray:
    """Return what the order of a cell's genes says, without the counts, float32 of shape (cells, genes).

    It is (n − position)/n for the n genes that a cell has and that have a token, else 0: 1 for the first gene.

    Examples
    --------
    >>> counts = sparse.csr_matrix([[4, 0, 1], [0, 2, 0]])
    >>> rank_values(counts, Vocabulary.learn(counts)).tolist()
    [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    sentences = rank_tokens(counts, words, words.size)
    column = np.full(words.size, -1)
    column[words.ids[words.ids >= 0]] = np.flatnonzero(words.ids >= 0)
    out = np.zeros(counts.shape, np.float32)
    rows = np.repeat(np.arange(counts.shape[0]), sentences.lengths)
    position = np.arange(len(sentences.flat)) - np.repeat(sentences.starts[:-1], sentences.lengths)
    genes = column[sentences.flat]
    known = genes >= 0
    share = 1 - position / np.maximum(np.repeat(sentences.n_genes, sentences.lengths), 1)
    out[rows[known], genes[known]] = share[known]
    return out
