"""A small BERT over gene tokens: made, trained to guess masked genes, read out as embeddings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers.representations.tokens import IGNORED, Tokens, Vocabulary, mask_tokens
from helpers.representations.training import BestWeights, batches, weights_of

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
    """How a masked language model is trained; ``checkpoints`` are steps whose weights are kept as well."""

    steps: int
    rate: float
    batch: int
    validate_every: int
    patience: int
    checkpoints: frozenset[int] = frozenset()
    pad_to: int = 0

    def share(self, step: int) -> float:
        """Share of the rate at a step (from 0): up over the first tenth, then down to 0 in a straight line."""
        warm = max(1, round(0.1 * self.steps))
        return (step + 1) / warm if step < warm else (self.steps - step) / max(1, self.steps - warm)


def new_encoder(preset: Preset, vocabulary: Vocabulary, max_length: int) -> Any:
    """Return an untrained ``BertForMaskedLM``; its weights come from torch's global generator."""
    try:
        from transformers import BertConfig, BertForMaskedLM
    except ImportError as error:
        raise ImportError("Txformer needs transformers: pip install 'noise-scaling[models]'.") from error
    config = BertConfig(
        vocab_size=vocabulary.size, hidden_size=preset.width, num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads, intermediate_size=preset.hidden, hidden_act=preset.activation,
        hidden_dropout_prob=preset.dropout, attention_probs_dropout_prob=preset.dropout,
        max_position_embeddings=max_length, type_vocab_size=1, pad_token_id=vocabulary.pad,
    )  # fmt: skip
    return BertForMaskedLM(config)


def masked_bits(model: Any, parts: Iterable[tuple[np.ndarray, np.ndarray]], pad: int) -> float:
    """Cross-entropy in bits per masked token over (inputs, labels), without dropout."""
    training = model.training
    model.eval()
    with torch.no_grad():
        sums = [
            (_nats(model, inputs, labels, pad, "sum").item(), (labels != IGNORED).sum()) for inputs, labels in parts
        ]
    model.train(training)
    return sum(nats for nats, _ in sums) / sum(int(n) for _, n in sums) / np.log(2)


def train_masked(
    model: Any, tokens: Tokens, vocabulary: Vocabulary, how: Masking, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[int, dict[str, torch.Tensor]]]:
    """Train to guess masked genes; end with the weights of the lowest validation loss.

    A fifth of the cells, chosen by ``rng``, only validates, always at the same masked tokens. Cells without
    tokens do neither.

    Parameters
    ----------
    model : BertForMaskedLM, changed in place
    tokens : Tokens of the training cells, at least two of them with a gene
    vocabulary : Vocabulary
    how : Masking
    rng : numpy Generator

    Returns
    -------
    (history, weights)
        Columns ``step``, ``train_bits`` (mean since the row before; with dropout), ``validation_bits``, both per masked
        token, and ``rate``; and copies of the weights at the steps asked for.
    """
    cells = rng.permutation(np.flatnonzero(tokens.n_genes))
    held = max(1, round(0.2 * len(cells)))
    cells, held_cells = cells[held:], cells[:held]
    fixed = [
        mask_tokens(tokens.padded(rows, vocabulary.pad), vocabulary, rng) for rows in _by_length(tokens, held_cells)
    ]
    optimiser = torch.optim.Adam(model.parameters(), lr=how.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, how.share)
    best = BestWeights(model, how.patience)
    kept: dict[int, dict[str, torch.Tensor]] = {}
    history: list[tuple[int, float, float, float]] = []
    losses: list[float] = []
    rate = 0.0

    def look(step: int) -> bool:
        if step in how.checkpoints:
            kept[step] = weights_of(model)
        if step % how.validate_every and step < how.steps:
            return False
        bits = masked_bits(model, fixed, vocabulary.pad)
        history.append((step, float(np.mean(losses)) if losses else np.nan, bits, rate))
        losses.clear()
        return best.worse_again(bits)

    look(0)
    model.train()
    for step, some in enumerate(batches(len(cells), how.batch, how.steps, rng, tokens.lengths[cells]), 1):
        inputs, labels = mask_tokens(tokens.padded(cells[some], vocabulary.pad, how.pad_to), vocabulary, rng)
        optimiser.zero_grad()
        loss = _nats(model, inputs, labels, vocabulary.pad, "mean")
        loss.backward()
        rate = schedule.get_last_lr()[0]
        optimiser.step()
        schedule.step()
        losses.append(loss.item() / np.log(2))
        if look(step):
            break
    best.restore()
    model.eval()
    return pd.DataFrame(history, columns=["step", "train_bits", "validation_bits", "rate"]), kept


def encode(model: Any, tokens: Tokens, vocabulary: Vocabulary, layer: int = -1, pooling: str = "mean") -> np.ndarray:
    """Return one vector a cell, float32 of shape (cells, width): a hidden layer pooled over the gene tokens.

    Without dropout, in single precision. A cell without gene tokens is a row of zeros.
    """
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
    """Cross-entropy of the masked tokens; the output layer, the widest, sees no other."""
    ids, wanted = (torch.from_numpy(side).to(model.device) for side in (inputs, labels))
    asked = wanted != IGNORED
    # bfloat16 speeds up training on a GPU; on a CPU it is slower than single precision.
    with torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda"):
        states = model.bert(input_ids=ids, attention_mask=ids != pad).last_hidden_state
        scores = model.cls(states[asked])
    return torch.nn.functional.cross_entropy(scores.float(), wanted[asked], reduction=reduction)


def _by_length(tokens: Tokens, cells: np.ndarray) -> list[np.ndarray]:
    """Cut cells into groups of similar length."""
    order = cells[np.argsort(tokens.lengths[cells], kind="stable")]
    return [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]
