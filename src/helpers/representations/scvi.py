"""A variational autoencoder of counts: the model of scvi-tools, trained for a stated number of steps."""

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import sparse

from helpers._utils.options import check_options, number, whole
from helpers.representations import training
from helpers.representations.base import Representation

VERSION = 1  # 2026-11-28 numbered
TRAINED_BY = ("training",)

# Cells encoded at once; their number changes no result.
_CHUNK = 4096


@dataclass(kw_only=True)
class SCVI(Representation):
    r"""Mean of q(z|x) of scVI: a zero-inflated negative binomial autoencoder with ``dim`` latent numbers.

    Architecture, loss, optimiser (Adam, decay 1e-6, ε = 0.01) and the linear rise of the weight of the
    Kullback–Leibler term are those of scvi-tools. The loop is ours, for two reasons. Their default number of epochs
    falls with the number of cells, so that a curve over cell numbers would also change how long is trained: here it is
    ``steps`` gradient steps for any number of cells. And a last mini-batch of one cell ends batch norm in an error or
    in a dropped cell: here all batches have ``min(batch, n)`` cells.

    A cell without counts has no library size to scale by (log 0); it is given a library of one molecule, so
    its likelihood stays finite, and its embedding is what the encoder makes of zeros. The library of a probe cell
    is that of its own counts, over the genes given; q(z|x) sees log(1 + x).

    Parameters
    ----------
    steps : int
        Gradient steps; 0 is an untrained network. The default is a quick one; published runs have up to 400 epochs
        and stop early.
    batch : int
        Cells a step; 512 as published, and all cells where there are fewer.
    hidden, dropout, rate
        Units of the one hidden layer, dropout, learning rate: 512, 0.1, 1e-3 as published.
    warmup : int
        Steps over which the weight of the Kullback–Leibler term rises from 0 to 1; 400, as scvi-tools has epochs.
        As there, a shorter training ends below 1.
    patience : int, optional
        Stop after so many epochs without a better loss on a tenth of the training cells, held out, and restore
        the best weights; 45 as published. By default no cell is held out and all steps are done.
    device : {"auto", "cpu", "cuda"}

    Attributes
    ----------
    history_ : DataFrame
        ``step`` and ``loss`` (nats per cell, mean since the row before), and ``validation`` with ``patience``.

    Notes
    -----
    Lopez et al. 2018, doi:10.1038/s41592-018-0229-2. Same seed, same machine, same numbers on a CPU; sums
    on a GPU may differ in their last digits.

    Examples
    --------
    >>> x = np.random.default_rng(0).poisson(2.0, size=(30, 20))
    >>> SCVI(dim=4, steps=3, hidden=8).fit(x).transform(x).shape
    (30, 4)
    """

    takes: ClassVar[str] = "counts"

    steps: int = whole(200, 0)
    batch: int = whole(512, 2)
    hidden: int = whole(512, 1)
    dropout: float = number(0.1, 0, 0.95)
    rate: float = number(1e-3, 0, 1, open_low=True)
    warmup: int = whole(400, 0)
    patience: int | None = whole(None, 1, 1e6)
    device: str = "auto"

    def _fit(self, train: sparse.csr_matrix) -> None:
        check_options(self)
        self._device = training.device_for(self.device)
        with training.seeded(self.seed) as self._rng:
            self._model = self._new(train.shape[1])
            held = 0 if self.patience is None else max(1, round(0.1 * train.shape[0]))
            order = self._rng.permutation(train.shape[0])
            if self.patience is not None and len(order) - held < 2:
                raise ValueError(f"{len(order)} training cells are too few to hold some out: leave out patience.")
            self._train(train[np.sort(order[held:])], train[np.sort(order[:held])])
        self._model.eval()

    def _new(self, n_genes: int) -> Any:
        try:
            vae = importlib.import_module("scvi.module").VAE  # seconds to import: only where it is used
        except ImportError as error:
            raise ImportError("SCVI needs scvi-tools: pip install 'noise-scaling[models]'.") from error
        shape = {"n_batch": 1, "n_labels": 1, "n_hidden": self.hidden, "n_latent": self.dim, "n_layers": 1}
        return vae(n_genes, **shape, dropout_rate=self.dropout, gene_likelihood="zinb").to(self._device)

    def _train(self, train: sparse.csr_matrix, held: sparse.csr_matrix) -> None:
        def losses_of(rows: np.ndarray, step: int) -> list[torch.Tensor]:
            return [self._loss(train[rows], min(1.0, (step - 1) / self.warmup) if self.warmup else 1.0)]

        loop = training.Loop(
            self._model,
            torch.optim.Adam(self._model.parameters(), lr=self.rate, weight_decay=1e-6, eps=0.01),
            losses_of,
            validate=None if self.patience is None else lambda: self._held_loss(held),
            every=-(-train.shape[0] // self.batch),
            patience=self.patience or 1,
        )
        self._model.train()
        loop.run(training.batches(train.shape[0], self.batch, self.steps, self._rng), self.steps)
        columns = {"step": "step", "loss": "train"} | ({} if self.patience is None else {"validation": "validation"})
        self.history_ = loop.history(**columns)

    def _held_loss(self, held: sparse.csr_matrix) -> float:
        """Return the loss per held-out cell in nats, at full weight of the Kullback–Leibler term: epochs compare."""
        self._model.eval()
        with torch.no_grad():
            sums = [self._loss(part, 1.0).item() * part.shape[0] for part in _chunks(held)]
        self._model.train()
        return sum(sums) / held.shape[0]

    def _loss(self, counts: sparse.csr_matrix, weight: float) -> torch.Tensor:
        return self._elbo(counts, weight)[0]

    def _elbo(self, counts: sparse.csr_matrix, weight: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of scVI at a weight of the Kullback–Leibler term, and the z of each cell that was drawn."""
        x, zeros = self._tensors(counts)
        inferred = self._model.inference(x, zeros)
        library = inferred["library"].clamp(min=0)  # log of at least one molecule: a cell may have none
        made = self._model.generative(z=inferred["z"], library=library, batch_index=zeros, y=zeros)
        return self._model.loss({"X": x}, inferred, made, kl_weight=weight).loss, inferred["z"]

    def _tensors(self, counts: sparse.csr_matrix) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(counts.toarray().astype(np.float32)).to(self._device)
        return x, torch.zeros(len(x), 1, device=self._device)

    def _transform(self, probe: sparse.csr_matrix) -> np.ndarray:
        means = []
        # Inference also draws a z, which is not used here; the global generator must not notice.
        with training.seeded(self.seed), torch.no_grad():
            for part in _chunks(probe):
                means.append(self._model.inference(*self._tensors(part))["qz"].loc.cpu().numpy())
        return np.concatenate(means)


def _chunks(counts: sparse.csr_matrix) -> list[sparse.csr_matrix]:
    return [counts[start : start + _CHUNK] for start in range(0, counts.shape[0], _CHUNK)]
