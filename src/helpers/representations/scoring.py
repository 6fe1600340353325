"""Scores of masked reconstruction on held-out cells, compared with gene means and a linear predictor."""

from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.covariance import LedoitWolf

from helpers._utils.validation import as_array, in_range
from helpers.representations.objective import (
    CHUNK,
    SMALLEST_VARIANCE,
    Objective,
    fixed_masks,
    gaussian_nats,
    losses_at,
    same_genes,
)
from helpers.representations.reconstruction import Trained
from helpers.representations.set_transformer import SetTransformer


@dataclass(frozen=True)
class Score:
    """Losses of held-out cells at fixed masks.

    Attributes
    ----------
    loss, stderr : float
        Mean over hidden genes, and its standard error over cells.
    mean_loss : float
        The same of the predictor that knows each gene's training mean alone, at the same masks.
    linear_loss : float
        The same of a linear predictor (``linear_losses``); NaN for bins.
    gain_stderr : float
        Standard error of ``mean_loss - loss`` over cells, whose differences it shares out.
    gene_loss, gene_mean_loss : ndarray (genes,)
        Mean of each gene; NaN where it was never hidden.
    """

    loss: float
    stderr: float
    mean_loss: float
    linear_loss: float
    gain_stderr: float
    gene_loss: np.ndarray = field(repr=False)
    gene_mean_loss: np.ndarray = field(repr=False)

    def of_first(self, n_genes: int) -> tuple[float, float]:
        """Return the loss and that of the mean predictor on the first genes alone, each gene weighed alike."""
        return tuple(float(np.nanmean(g[:n_genes])) for g in (self.gene_loss, self.gene_mean_loss))  # type: ignore[return-value]


def score(trained: Trained, train: np.ndarray, cells: np.ndarray, repeats: int = 7) -> Score:
    """Score held-out cells, each at ``repeats`` fixed masks: 7 masks of 15 % hide each gene about once.

    Parameters
    ----------
    train : (cells, genes) array the model was trained on, for the predictors it is compared with
    cells : (cells, genes) array that it has not seen

    Raises
    ------
    ValueError
        For no cell, NaN, other genes than the model was trained on, or repeats that are not a whole number above 0.
    """
    train, cells = as_array(train, "training cells"), as_array(cells, "cells to score")
    same_genes(train, cells, "cells to score")
    in_range(repeats, 1, 1e6, "repeats", whole=True)
    if cells.shape[1] != (known := trained.model.genes.num_embeddings):
        raise ValueError(f"cells to score have {cells.shape[1]} genes: the model was trained on {known}.")
    values, hidden = fixed_masks(np.asarray(cells, np.float32), trained.options.n_hidden(cells.shape[1]), repeats)
    device = next(trained.model.parameters()).device
    model_loss = losses_at(trained.model, trained.objective, values, hidden, device)
    mean_loss = np.take_along_axis(trained.objective.of_genes(train, values), hidden, 1)
    times = np.bincount(hidden.ravel(), minlength=values.shape[1])
    with np.errstate(invalid="ignore"):
        of_gene, mean_of_gene = (
            np.bincount(hidden.ravel(), side.ravel(), values.shape[1]) / times for side in (model_loss, mean_loss)
        )
    return Score(
        loss=float(model_loss.mean()),
        stderr=_stderr(model_loss, repeats),
        mean_loss=float(mean_loss.mean()),
        linear_loss=float(linear_losses(trained.objective, train, values, hidden).mean()),
        gain_stderr=_stderr(mean_loss - model_loss, repeats),
        gene_loss=of_gene,
        gene_mean_loss=mean_of_gene,
    )


def _stderr(losses: np.ndarray, repeats: int) -> float:
    """Return the standard error over cells, each of which has ``repeats`` rows."""
    by_cell = losses.mean(axis=1).reshape(repeats, -1).mean(axis=0)
    return float(by_cell.std(ddof=1) / np.sqrt(len(by_cell))) if len(by_cell) > 1 else float("nan")


def linear_losses(objective: Objective, train: np.ndarray, values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return the losses of the conditional Gaussian of hidden genes (cells, k) given the others, of the same shape.

    Its mean is linear in the others, and would be the best such predictor if the covariance were known; that of the
    training cells is shrunk after Ledoit and Wolf. "nll" takes the conditional variances; for "bins" all are NaN.
    """
    if objective.name == "bins":
        return np.full(hidden.shape, np.nan)
    gaussian = LedoitWolf().fit(np.asarray(train, float))
    precision, off = gaussian.precision_, values - gaussian.location_
    known = off.copy()
    np.put_along_axis(known, hidden, 0.0, 1)
    parts = []
    for rows in np.array_split(np.arange(len(values)), max(1, len(values) // CHUNK)):
        h = hidden[rows]
        inverse = np.linalg.inv(precision[h[:, :, None], h[:, None, :]])
        pulled = np.take_along_axis(known[rows] @ precision, h, 1)
        squared = (np.take_along_axis(off[rows], h, 1) + np.einsum("nij,nj->ni", inverse, pulled)) ** 2
        variance = np.einsum("nii->ni", inverse) + SMALLEST_VARIANCE
        if objective.name == "nll":
            squared = gaussian_nats(torch.from_numpy(squared), torch.from_numpy(variance)).numpy()
        parts.append(squared)
    return np.concatenate(parts)


def pooled(model: SetTransformer, values: np.ndarray) -> np.ndarray:
    """Return the mean of the last hidden states over genes, nothing hidden: float32 of shape (cells, width)."""
    device = next(model.parameters()).device
    with torch.no_grad():
        parts = [model.states(part.to(device)).mean(1).float().cpu() for part in torch.from_numpy(values).split(CHUNK)]
    return torch.cat(parts).numpy()
