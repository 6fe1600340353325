"""A transformer over the set of a cell's genes: no positions, one token a gene, hidden values to be predicted."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from helpers._utils.validation import choose, in_range


@dataclass(frozen=True)
class Shape:
    """Width, layers, heads, and the feed-forward units as a multiple of the width."""

    width: int
    layers: int
    heads: int
    multiple: int


# Kendiukhov 2026, table 1.
PRESETS = {
    "XXS": Shape(1, 1, 1, 1),
    "TINY": Shape(16, 1, 1, 1),
    "XS": Shape(64, 2, 4, 4),
    "S": Shape(128, 4, 8, 4),
    "M": Shape(512, 6, 8, 4),
    "L": Shape(1020, 8, 12, 4),
    "XL": Shape(1536, 12, 16, 4),
}


def shape_of(size: str) -> Shape:
    """Return the shape of a preset, or of ``"width/layers/heads/multiple"``.

    >>> shape_of("32/1/4/4")
    Shape(width=32, layers=1, heads=4, multiple=4)
    """
    if "/" not in str(size):
        return PRESETS[choose(size, PRESETS, "size (or width/layers/heads/multiple)")]
    parts = size.split("/")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"size is {size!r}: give width/layers/heads/multiple, such as '32/1/4/4', or a preset's name.")
    shape = Shape(*map(int, parts))
    for name, most in (("width", 16_384), ("layers", 256), ("heads", shape.width), ("multiple", 64)):
        in_range(getattr(shape, name), 1, most, f"{name} of size {size!r}", whole=True)
    if shape.width % shape.heads:
        raise ValueError(f"size {size!r} has width {shape.width} for {shape.heads} heads: it must divide by them.")
    return shape


def n_parameters(size: str, n_genes: int, outputs: int = 1) -> int:
    """Return the number of trained parameters.

    >>> n_parameters("XS", 512), n_parameters("XL", 1024)
    (132993, 341557249)
    """
    d, layers, _, m = vars(shape_of(size)).values()
    attention, forward, norms = 4 * d * d + 4 * d, 2 * m * d * d + (m + 1) * d, 4 * d
    tokens = n_genes * d + 2 * d + d  # genes, the value's weights and biases, the token of a hidden value
    return tokens + layers * (attention + forward + norms) + outputs * (d + 1)


def forward_flops(size: str, n_genes: int, n_hidden: int, outputs: int = 1) -> int:
    """Return the floating-point operations of predicting ``n_hidden`` genes of one cell.

    Matrix products alone, two operations a multiplication: norms, activations and softmax are left out. Training takes
    three times as many. The last layer answers for the hidden genes only.

    >>> forward_flops("XS", 128, 19)
    21072256
    """
    d, layers, _, m = vars(shape_of(size)).values()
    keys = 4 * d * d * n_genes
    attended = 4 * d * n_genes
    total = 2 * d * n_genes + 2 * d * outputs * n_hidden
    for n_predicted in [n_genes] * (layers - 1) + [n_hidden]:
        total += keys + n_predicted * (4 * d * d + 4 * m * d * d + attended)
    return total


class Block(nn.Module):
    """Attention and feed-forward part, each after a layer norm and added to what it was given."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d, inside = shape.width, shape.multiple * shape.width
        self.heads = shape.heads
        self.norm_attention, self.norm_forward = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query, self.key_value, self.joined = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)
        self.inside = nn.Sequential(nn.Linear(d, inside), nn.GELU(), nn.Linear(inside, d))

    def forward(self, states: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """States of shape (cells, genes, width) → the same; with ``hidden``, only at those genes of each cell."""
        normed = self.norm_attention(states)
        keys, values = self._by_head(self.key_value(normed)).chunk(2, dim=-1)
        if hidden is not None:
            states, normed = (_at(tensor, hidden) for tensor in (states, normed))
        attended = functional.scaled_dot_product_attention(self._by_head(self.query(normed)), keys, values)
        states = states + self.joined(attended.transpose(1, 2).flatten(2))
        return states + self.inside(self.norm_forward(states))

    def _by_head(self, states: torch.Tensor) -> torch.Tensor:
        cells, genes, _ = states.shape
        return states.view(cells, genes, self.heads, -1).transpose(1, 2)


class SetTransformer(nn.Module):
    """Tokens are a gene's embedding plus its value through Linear(1 → width), or a learned token if it is hidden.

    Pre-norm blocks, no final norm, a linear head. Nothing tells positions apart, so genes may come in any order.

    ``size`` is a preset of Kendiukhov 2026 (XXS, TINY, XS, S, M, L, XL) or "width/layers/heads/multiple"; a
    prediction consists of ``outputs`` numbers.

    Examples
    --------
    >>> model = SetTransformer(10, "TINY")
    >>> model(torch.rand(2, 10), torch.tensor([[0, 3], [5, 9]])).shape
    torch.Size([2, 2, 1])
    """

    def __init__(self, n_genes: int, size: str = "XS", outputs: int = 1) -> None:
        super().__init__()
        shape = shape_of(size)
        in_range(n_genes, 1, 1e6, "n_genes", whole=True)
        in_range(outputs, 1, 1e4, "outputs", whole=True)
        self.genes, self.value = nn.Embedding(n_genes, shape.width), nn.Linear(1, shape.width)
        self.hidden = nn.Parameter(0.02 * torch.randn(shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.head = nn.Linear(shape.width, outputs)

    def forward(self, values: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Predict hidden genes, shape (cells, k, outputs), from the other values (cells, genes).

        ``hidden`` (cells, k) says which: columns of ``values``, each once. Their values are not looked at.
        """
        known = torch.ones_like(values, dtype=torch.bool).scatter(1, hidden, False)
        # Filled before anything else touches them: not even a NaN may pass.
        tokens = self.value(values.masked_fill(~known, 0.0).unsqueeze(-1))
        states = torch.where(known.unsqueeze(-1), tokens, self.hidden) + self.genes.weight
        for block in self.blocks[:-1]:
            states = block(states)
        return self.head(self.blocks[-1](states, hidden))

    def states(self, values: torch.Tensor) -> torch.Tensor:
        """Return the last hidden states of cells with nothing hidden, shape (cells, genes, width)."""
        states = self.value(values.unsqueeze(-1)) + self.genes.weight
        for block in self.blocks:
            states = block(states)
        return states


def _at(states: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Return the states of the hidden genes, shape (cells, k, width)."""
    return states.gather(1, hidden.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
