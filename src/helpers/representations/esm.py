"""ESM-2: a transformer that guesses masked residues; a protein is the mean of its last layer over the residues."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from helpers._utils.options import check_options, choice, number, whole
from helpers._utils.validation import as_seed, in_range
from helpers.noise.sequences import as_proteins
from helpers.representations import pretrained, training
from helpers.representations.tokens import IGNORED

VERSION = 1  # 2026-11-28 numbered

# The published models: name on the model hub, layers, width, heads.
HUB = {
    "esm2_8m": ("facebook/esm2_t6_8M_UR50D", 6, 320, 20),
    "esm2_35m": ("facebook/esm2_t12_35M_UR50D", 12, 480, 20),
    "esm2_150m": ("facebook/esm2_t30_150M_UR50D", 30, 640, 20),
}
# Sizes that can be trained from nothing; "tiny" is ours.
SIZES = {"tiny": (2, 32, 4), **{name: tuple(shape) for name, (_, *shape) in HUB.items()}}
# The tokens of ESM-2 in their order.
TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")
_RESIDUES_AT_ONCE = 16_384  # in one pass without gradients: bounds the memory


@dataclass
class ESM:
    """ESM-2, trained further or from nothing on masked residues: ``.fit(train).transform(probe)``.

    Parameters
    ----------
    weights : str or path
        "scratch"; "esm2_8m", "esm2_35m" or "esm2_150m" for the weights of the model hub; or a folder with such a
        checkpoint.
    size : str
        Shape from scratch: "tiny" (2 layers, width 32) or that of a published model.
    epochs, rate, batch
        Passes over the training sequences, 0 to leave the weights as they are; learning rate of Adam, 1e-4 and less
        for pretrained weights; proteins a step.
    mask : float
        Share of residues that are guessed; of these 80 % are masked, 10 % replaced at random and 10 % left.
    device : "auto", "cpu" or "cuda"

    Attributes
    ----------
    history_ : DataFrame
        ``step`` and ``train_bits``, the cross-entropy in bits per masked residue of each step.

    Notes
    -----
    Weights are read from safetensors alone, which cannot run code, and code in the folder of a checkpoint is never run.

    Lin et al. 2023, doi:10.1126/science.ade2574, in the code of transformers. The loss is over masked residues only,
    never over padding or the marks of start and end.

    Examples
    --------
    >>> proteins = ["MFVFLVLLPLVSSQC", "MFVFLVLLPLVSSQ", "MFVFLVRLPLVSAQC", "MFVALVLLPLV"]
    >>> model = ESM(epochs=1, batch=2).fit(proteins)
    >>> model.transform(proteins).shape
    (4, 32)
    """

    weights: str | Path = "scratch"
    size: str = choice("tiny", SIZES)
    epochs: float = number(4, 0, 1e5)
    rate: float = number(1e-3, 0, 1, open_low=True)
    batch: int = whole(32, 1, 1e5)
    mask: float = number(0.15, 0, 0.9, fix="It is the share of residues to guess.", open_low=True)
    seed: int = 0
    device: str = "auto"

    def fit(self, train: Sequence[str]) -> Self:
        """Learn from training proteins in one-letter code.

        Raises
        ------
        ValueError, FileNotFoundError
            For fewer than two proteins, an empty one, other letters, an option out of range, or weights of another
            model; if the weights are not there or cannot be loaded.
        """
        check_options(self)
        self.seed = as_seed(self.seed)
        train = _proteins(train, 2, "training sequences")
        device = training.device_for(self.device)
        with training.seeded(self.seed) as rng:
            self._model, self._words = self._new()
            self._model.to(device)
            self._code = _codes(self._words)
            self.history_ = self._learn(train, rng)
        self._model.eval()
        return self

    def transform(self, probe: Sequence[str]) -> np.ndarray:
        """Return the mean of the last layer over the residues of each protein, float32 of shape (proteins, width)."""
        probe = _proteins(probe, 1, "probe sequences")
        out = np.empty((len(probe), self._fitted().config.hidden_size), np.float32)
        with torch.inference_mode():
            for rows in self._groups(probe):
                ids = self._padded([probe[i] for i in rows])
                states = self._model.esm(input_ids=ids, attention_mask=ids != self._words["<pad>"]).last_hidden_state
                residue = self._is_residue(ids)[:, :, None]
                out[rows] = ((states * residue).sum(1) / residue.sum(1)).float().cpu().numpy()
        return out

    def masked_bits(self, proteins: Sequence[str], seed: int = 0) -> float:
        """Return the cross-entropy in bits per masked residue of proteins, masked with a seed of its own."""
        rng = np.random.default_rng(as_seed(seed))
        self._fitted()
        proteins = _proteins(proteins, 1, "sequences")
        nats, n_masked = 0.0, 0
        with torch.inference_mode():
            for rows in self._groups(proteins):
                inputs, hidden = self._masked(self._padded([proteins[i] for i in rows]), rng)
                if (hidden != IGNORED).any():
                    nats += float(self._nats(inputs, hidden, "sum"))
                    n_masked += int((hidden != IGNORED).sum())
        if not n_masked:
            raise ValueError(
                f"none of {sum(map(len, proteins))} residues was masked: give more of them, or another seed."
            )
        return nats / n_masked / np.log(2)

    def save(self, folder: str | Path) -> Path:
        """Write model and tokens, for ``weights``."""
        folder = Path(folder)
        self._fitted().save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(self._words), encoding="utf8")
        return folder

    def _fitted(self) -> Any:
        if not hasattr(self, "_model"):
            raise RuntimeError("ESM is not fitted: call .fit(train) first.")
        return self._model

    def _learn(self, train: Sequence[str], rng: np.random.Generator) -> pd.DataFrame:
        def losses_of(rows: np.ndarray, step: int) -> list[torch.Tensor]:
            inputs, hidden = self._masked(self._padded([train[i] for i in rows]), rng)
            # Short proteins may have no residue masked.
            return [self._nats(inputs, hidden, "mean")] if (hidden != IGNORED).any() else []

        size = min(self.batch, len(train))
        steps = int(np.ceil(self.epochs * len(train) / size))
        lengths = np.array([len(s) for s in train])
        optimiser = torch.optim.Adam(self._model.parameters(), lr=self.rate)
        loop = training.Loop(self._model, optimiser, losses_of, unit=np.log(2))
        self._model.train()
        loop.run(training.batches(len(train), size, steps, rng, lengths), steps)
        history = loop.history(train_bits="train")
        history.insert(0, "step", np.arange(1, len(history) + 1))  # batches without a masked residue do not count
        return history

    def _nats(self, inputs: torch.Tensor, hidden: torch.Tensor, reduction: str) -> torch.Tensor:
        pad = self._words["<pad>"]
        return training.masked_nats(self._model, self._model.lm_head, inputs, hidden, pad, reduction)

    def _masked(self, ids: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs with some residues hidden, and the hidden ones (elsewhere -100)."""
        fate = torch.from_numpy(rng.random(tuple(ids.shape), np.float32)).to(ids.device)
        kind = torch.from_numpy(rng.random(tuple(ids.shape), np.float32)).to(ids.device)
        other = torch.from_numpy(rng.integers(0, 20, tuple(ids.shape))).to(ids.device)
        masked = self._is_residue(ids) & (fate < self.mask)
        hidden = torch.where(masked, ids, IGNORED)
        inputs = torch.where(masked & (kind < 0.8), self._words["<mask>"], ids)
        first = self._words["L"]  # the 20 amino acids stand together
        return torch.where(masked & (kind >= 0.9), first + other, inputs), hidden

    def _is_residue(self, ids: torch.Tensor) -> torch.Tensor:
        marks = [self._words[t] for t in ("<cls>", "<pad>", "<eos>")]
        return ~torch.isin(ids, torch.tensor(marks, device=ids.device))

    def _padded(self, proteins: Sequence[str]) -> torch.Tensor:
        """Token numbers with the marks of start and end, padded to the longest."""
        longest = max(len(s) for s in proteins)
        ids = np.full((len(proteins), longest + 2), self._words["<pad>"])
        ids[:, 0] = self._words["<cls>"]
        for row, protein in zip(ids, proteins, strict=True):
            row[1 : len(protein) + 1] = self._code[np.frombuffer(protein.encode("ascii"), np.uint8)]
            row[len(protein) + 1] = self._words["<eos>"]
        return torch.from_numpy(ids).to(self._model.device)

    def _groups(self, proteins: Sequence[str]) -> list[np.ndarray]:
        """Cut proteins into groups of similar length and bounded size."""
        lengths = np.array([len(s) for s in proteins])
        return training.by_length(lengths, max(1, _RESIDUES_AT_ONCE // (int(lengths.max()) + 2)))

    def _new(self) -> tuple[Any, dict[str, int]]:
        """Return a model and the number of each token."""
        from transformers import EsmForMaskedLM, EsmTokenizer

        if self.weights == "scratch":
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "vocab.txt").write_text("\n".join(TOKENS), encoding="utf8")
                return EsmForMaskedLM(_config(self.size)), EsmTokenizer(str(Path(folder) / "vocab.txt")).get_vocab()
        on_hub = str(self.weights) in HUB
        source = HUB[str(self.weights)][0] if on_hub else str(self.weights)
        in_folder = Path(source).is_dir()
        if not on_hub and not in_folder:
            known = ", ".join(["scratch", *HUB])
            raise FileNotFoundError(f"weights are {source!r}: give one of {known} or a folder with a checkpoint.")
        with pretrained.loading(source, "esm", "ESM-2", "the model"):
            if in_folder and not (Path(source) / "vocab.txt").is_file():
                raise FileNotFoundError(f"{source} has no vocab.txt, the tokens of the model: add it.")
            model = EsmForMaskedLM.from_pretrained(source, use_safetensors=True)
            return model, EsmTokenizer.from_pretrained(source).get_vocab()


def _config(size: str) -> Any:
    """Return the configuration of ESM-2 in a size."""
    from transformers import EsmConfig

    layers, width, heads = SIZES[size]
    return EsmConfig(
        vocab_size=len(TOKENS),
        mask_token_id=TOKENS.index("<mask>"),
        pad_token_id=TOKENS.index("<pad>"),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        layer_norm_eps=1e-5,
        max_position_embeddings=1026,
    )


def _proteins(sequences: Sequence[str], least: int, what: str) -> list[str]:
    """Return proteins as a list, none of them empty."""
    proteins = as_proteins(sequences)
    in_range(len(proteins), least, np.inf, f"number of {what}")
    if not all(proteins):
        raise ValueError(f"{what} hold an empty one, at row {proteins.index('')}: leave it out.")
    return proteins


def _codes(words: dict[str, int]) -> np.ndarray:
    """Return the token number of every byte; letters without a token are unknown."""
    table = np.full(256, words["<unk>"])
    for word, token in words.items():
        if len(word) == 1:
            table[ord(word)] = token
    return table
