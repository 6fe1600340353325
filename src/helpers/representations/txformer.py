"""A masked transformer over genes in rank order, from scratch or from a checkpoint such as Geneformer's."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from helpers._utils.options import check_options, choice, number, whole
from helpers._utils.validation import choose, in_range
from helpers.representations import encoder, linear, pretrained, tokens, training
from helpers.representations.base import Representation

VERSION = 1  # 2026-11-28 numbered
TRAINED_BY = ("training",)


@dataclass(kw_only=True)
class Txformer(Representation):
    """Hidden states of a small BERT that guesses masked genes from the rank order of the others.

    A cell is the list of its genes by count / nonzero median among the training cells, highest first (see
    ``tokens.rank_tokens``). 15 % of the genes are to be guessed. Its embedding is the mean of the last hidden
    layer over its genes, *reduced to ``dim`` principal components of the training cells' embeddings*: that
    can only lose information, and makes models of different widths comparable. ``reduce=None`` gives all columns.
    A cell without a known gene is a row of zeros: for principal components, the middle of the training cells.

    Parameters
    ----------
    preset : {"P1", "P2"}
        Shape, dropout, rate and batch, see ``encoder.PRESETS``; "P2" is that of Geneformer.
    steps : int
        Gradient steps, for any number of cells; 0 is an untrained network. The default is a quick one; published runs
        take tens of thousands, with ``validate_every=1000, patience=1``.
    rate, batch : optional
        Instead of the preset's. The rate rises over the first tenth of the steps, then falls to 0.
    max_length : int, optional
        Most tokens of a cell: 512, or as many as a checkpoint allows. The lowest-ranked are cut.
    validate_every, patience : int
        Steps between validations on a fifth of the training cells, at fixed masks; validations without a lower
        loss before training stops. The weights of the lowest loss are restored.
    layer : int
        Hidden state: 0 is the input embedding, -1 the last layer.
    pooling : {"mean", "max", "cls"}
        Over gene tokens; "cls" only for a checkpoint that has such a token.
    reduce : {"pca", None}
    checkpoints : collection of int
        Steps, 0 for the start, whose encoders are kept for ``transform_at``; after training has stopped early, the
        encoder is that of the end.
    from_checkpoint, vocabulary : folder, optional
        Trained encoder to use as it is, see ``pretrained.load_encoder``: the training cells decide only the
        principal components, and ``fit`` needs the names of their genes.
    device : {"auto", "cpu", "cuda"}
        On CUDA, training is in bfloat16; embeddings are in single precision everywhere.

    Attributes
    ----------
    history_ : DataFrame
        ``step``, ``train_bits``, ``validation_bits`` (per masked token) and ``rate``; None for a checkpoint.
    n_matched_ : int
        Genes that have a token.

    Notes
    -----
    Theodoris et al. 2023, doi:10.1038/s41586-023-06139-9, for the tokens; Devlin et al. 2019 for the masks.
    Same seed, same machine, same numbers on a CPU; sums on a GPU may differ in their last digits.

    Examples
    --------
    >>> x = np.random.default_rng(0).poisson(2.0, size=(30, 20))
    >>> model = Txformer(dim=4, steps=2).fit(x)
    >>> model.transform(x).shape, model.history_["step"].tolist()
    ((30, 4), [0, 2])
    """

    takes: ClassVar[str] = "counts"
    needs_genes: ClassVar[bool] = True

    preset: str = choice("P1", encoder.PRESETS)
    steps: int = whole(80, 0)
    rate: float | None = number(None, 0, 1, open_low=True)
    batch: int | None = whole(None, 1)
    max_length: int | None = whole(None, 3)
    validate_every: int = whole(20, 1)
    patience: int = whole(3, 1)
    layer: int = -1
    pooling: str = choice("mean", ("mean", "max", "cls"))
    reduce: str | None = "pca"
    checkpoints: Collection[int] = ()
    from_checkpoint: str | Path | None = None
    vocabulary: str | Path | None = None
    device: str = "auto"

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._check()
        device = training.device_for(self.device)
        self.history_ = None
        self._kept: dict[int, dict[str, Any]] = {}
        with training.seeded(self.seed) as rng:
            if self.from_checkpoint is not None:
                model, self._words = pretrained.load_encoder(self.from_checkpoint, self._genes, self.vocabulary)
                self._length = min(self.max_length or np.inf, model.config.max_position_embeddings)
            else:
                self._words = tokens.Vocabulary.learn(train)
                self._length = min(self.max_length or 512, self._words.size)
                model = encoder.new_encoder(encoder.PRESETS[self.preset], self._words, self._length)
            self._model = model.to(device)
            self.n_matched_ = int((self._words.ids >= 0).sum())
            self._check_model()
            sentences = tokens.rank_tokens(train, self._words, self._length)
            if (n_known := (sentences.n_genes > 0).sum()) < 2:
                raise ValueError(
                    f"{n_known} training cells have a count in a known gene: at least 2 must; "
                    "raise the depth fraction or use more cells."
                )
            if self.from_checkpoint is None:
                options = self._masking()
                self.history_, self._kept = encoder.train_masked(self._model, sentences, self._words, options, rng)
            self._reducer = self._reduction(sentences)
            self._reducers = {step: self._at(step, self._reduction, sentences) for step in self._kept}

    def transform_at(self, step: int, probe: Any) -> np.ndarray:
        """Return the representation of cells by the encoder as it was at a step of ``checkpoints``."""
        cells = self._probe(probe)
        if step not in self._kept:
            raise ValueError(
                f"step {step} was not kept: give it in checkpoints; kept are {sorted(self._kept) or 'none'} "
                f"of {self.steps} steps."
            )
        sentences = tokens.rank_tokens(cells, self._words, self._length)
        return np.ascontiguousarray(self._at(step, self._embed, sentences, self._reducers[step]), dtype=np.float32)

    def loss_at(self, step: int | None = None) -> float:
        """Return the validation loss in bits per masked token at a step, NaN where none was computed; or the lowest."""
        if self.history_ is None:
            return float("nan")
        losses = self.history_.set_index("step")["validation_bits"]
        return float(losses.min() if step is None or step > losses.index[-1] else losses.get(step, float("nan")))

    def save(self, folder: str | Path) -> Path:
        """Write the encoder and its vocabulary, for ``from_checkpoint``; gene names must have been given to ``fit``."""
        if not hasattr(self, "_n_columns"):
            raise RuntimeError("Txformer is not fitted: call .fit(train) first.")
        return pretrained.save_encoder(folder, self._model, self._genes, self._words)

    def _transform(self, probe: sparse.csr_matrix) -> np.ndarray:
        return self._embed(tokens.rank_tokens(probe, self._words, self._length), self._reducer)

    def _embed(self, sentences: tokens.Tokens, reducer: linear.PCA | None) -> np.ndarray:
        states = encoder.encode(self._model, sentences, self._words, self.layer, self.pooling)
        known = sentences.n_genes > 0
        if reducer is None:
            return states
        out = np.zeros((len(states), self.dim), np.float32)
        if known.any():
            out[known] = reducer.transform(states[known])
        return out

    def _reduction(self, sentences: tokens.Tokens) -> linear.PCA | None:
        if self.reduce is None:
            return None
        states = encoder.encode(self._model, sentences, self._words, self.layer, self.pooling)
        return linear.PCA(self.dim, self.seed).fit(states[sentences.n_genes > 0])

    def _at(self, step: int, task: Any, *arguments: Any) -> Any:
        """Run a task with the weights of a kept step."""
        final = training.weights_of(self._model)
        self._model.load_state_dict(self._kept[step])
        try:
            return task(*arguments)
        finally:
            self._model.load_state_dict(final)

    def _masking(self) -> encoder.Masking:
        preset = encoder.PRESETS[self.preset]
        rate, batch = self.rate or preset.rate, self.batch or preset.batch
        kept = frozenset(self.checkpoints)
        return encoder.Masking(self.steps, rate, batch, self.validate_every, self.patience, kept)

    def _check(self) -> None:
        check_options(self)
        if self.reduce is not None:
            choose(self.reduce, ["pca"], "reduce (or None)")
        for step in self.checkpoints:
            in_range(step, 0, self.steps, "step of checkpoints", whole=True)

    def _check_model(self) -> None:
        deepest = self._model.config.num_hidden_layers
        in_range(self.layer, -deepest - 1, deepest, "layer", whole=True)
        if self.pooling == "cls" and self._words.cls is None:
            raise ValueError("pooling is 'cls': these tokens have no such token; use 'mean' or 'max'.")
