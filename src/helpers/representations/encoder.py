"""A small BERT over gene tokens: made, trained to guess masked genes, read out as embeddings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers.representations.tokens import IGNORED, Tokens, Vocabulary, mask_tokens
from helpers.representations.training import Loop, batches, by_length, masked_nats, warm_up, weights_of

# Cells encoded or validated at once.
_CHUNK = 64


@dataclass(frozen=True)
class Preset:
    """A published encoder: layers, width, heads, feed-forward units, dropout, activation, learning rate, batch."""

    layers: int
    width: int
    heads: int
    hidden: int
    dropout: float
    activation: str
    rate: float
    batch: int


PRESETS = {
    "P1": Preset(2, 128, 4, 512, 0.1, "gelu", 1e-4, 32),
    "P2": Preset(3, 256, 4, 512, 0.02, "relu", 1e-3, 64),  # dropout and activation of Geneformer's released files
}


@dataclass(frozen=True)
class Masking:
    """Options of training; the weights at the steps of ``checkpoints`` are kept as well."""

    steps: int
    rate: float
    batch: int
    validate_every: int
    patience: int
    checkpoints: frozenset[int] = frozenset()
    pad_to: int = 0


def new_encoder(preset: Preset, vocabulary: Vocabulary, max_length: int) -> Any:
    """Return an untrained ``BertForMaskedLM``; its weights come from torch's global generator."""
    try:
        from transformers import BertConfig, BertForMaskedLM
    except ImportError as error:
        raise ImportError("Txformer needs transformers: pip install 'noise-scaling[models]'.") from error
    config = BertConfig(
        vocab_size=vocabulary.size,
        hidden_size=preset.width,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        intermediate_size=preset.hidden,
        hidden_act=preset.activation,
        hidden_dropout_prob=preset.dropout,
        attention_probs_dropout_prob=preset.dropout,
        max_position_embeddings=max_length,
        type_vocab_size=1,
        pad_token_id=vocabulary.pad,
    )
    return BertForMaskedLM(config)


def masked_bits(model: Any, parts: Iterable[tuple[np.ndarray, np.ndarray]], pad: int) -> float:
    """Cross-entropy in bits per masked token over (inputs, labels), without dropout."""
    training = model.training
    model.eval()
    nats, masked = [], 0
    with torch.no_grad():
        for inputs, labels in parts:
            nats.append(_nats(model, inputs, labels, pad, "sum").item())
            masked += int((labels != IGNORED).sum())
    model.train(training)
    return sum(nats) / masked / np.log(2)


def train_masked(
    model: Any, tokens: Tokens, vocabulary: Vocabulary, options: Masking, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[int, dict[str, torch.Tensor]]]:
    """Train a ``BertForMaskedLM`` in place to guess masked genes; end with the weights of the lowest validation loss.

    A fifth of the cells, chosen by ``rng``, only validates, always at the same masked tokens. Cells without
    tokens do neither; at least two must have some.

    Returns
    -------
    (history, weights)
        Columns ``step``, ``train_bits`` (mean since the row before; with dropout), ``validation_bits``, both per masked
        token, and ``rate``; and copies of the weights at the steps of ``checkpoints``, those of the end for steps after
        training has stopped.
    """
    cells = rng.permutation(np.flatnonzero(tokens.n_genes))
    held = max(1, round(0.2 * len(cells)))
    cells, held_cells = cells[held:], cells[:held]
    pad = vocabulary.pad
    fixed = [mask_tokens(tokens.padded(rows, pad), vocabulary, rng) for rows in _by_length(tokens, held_cells)]
    kept: dict[int, dict[str, torch.Tensor]] = {}

    def losses_of(rows: np.ndarray, step: int) -> list[torch.Tensor]:
        inputs, labels = mask_tokens(tokens.padded(cells[rows], pad, options.pad_to), vocabulary, rng)
        return [_nats(model, inputs, labels, pad, "mean")]

    def keep(step: int) -> None:
        if step in options.checkpoints:
            kept[step] = weights_of(model)

    loop = Loop(
        model,
        torch.optim.Adam(model.parameters(), lr=options.rate),
        losses_of,
        rate_at=lambda step: options.rate * warm_up(step, options.steps),
        validate=lambda: masked_bits(model, fixed, pad),
        every=options.validate_every,
        patience=options.patience,
        unit=np.log(2),
        may_diverge=True,
    )
    keep(0)
    loop.look()
    model.train()
    loop.run(batches(len(cells), options.batch, options.steps, rng, tokens.lengths[cells]), options.steps, after=keep)
    model.eval()
    kept |= {step: weights_of(model) for step in options.checkpoints if step > loop.step}
    columns = {"step": "step", "train_bits": "train", "validation_bits": "validation", "rate": "rate"}
    return loop.history(**columns), kept


def encode(model: Any, tokens: Tokens, vocabulary: Vocabulary, layer: int = -1, pooling: str = "mean") -> np.ndarray:
    """Return a hidden layer pooled over the gene tokens, float32 of shape (cells, width); a cell without is zeros."""
    out = np.zeros((len(tokens.n_genes), model.config.hidden_size), np.float32)
    model.eval()
    with torch.no_grad():
        for rows in _by_length(tokens, np.flatnonzero(tokens.n_genes)):
            sentences = tokens.padded(rows, vocabulary.pad)
            ids = torch.from_numpy(sentences).to(model.device)
            states = model.bert(input_ids=ids, attention_mask=ids != vocabulary.pad, output_hidden_states=True)
            gene = torch.from_numpy(~np.isin(sentences, vocabulary.specials)).to(model.device)
            out[rows] = _pooled(states.hidden_states[layer], gene, pooling).cpu().numpy()
    return out


def _pooled(states: torch.Tensor, gene: torch.Tensor, pooling: str) -> torch.Tensor:
    if pooling == "cls":
        return states[:, 0]
    if pooling == "max":
        return states.masked_fill(~gene[:, :, None], -torch.inf).amax(1)
    return (states * gene[:, :, None]).sum(1) / gene.sum(1, keepdim=True)


def _nats(model: Any, inputs: np.ndarray, labels: np.ndarray, pad: int, reduction: str) -> torch.Tensor:
    ids, hidden = (torch.from_numpy(side).to(model.device) for side in (inputs, labels))
    return masked_nats(model, model.cls, ids, hidden, pad, reduction)


def _by_length(tokens: Tokens, cells: np.ndarray) -> list[np.ndarray]:
    """Cut cells into groups of similar length."""
    return [cells[rows] for rows in by_length(tokens.lengths[cells], _CHUNK)]
