"""Measure masked reconstruction: train set transformers on cells, score them on cells kept for that."""

import itertools
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, field_validator

from helpers import information
from helpers._utils.content import frozen_json, short_hash
from helpers._utils.validation import as_seed, choose, in_range, is_labels
from helpers.datasets import CELLS as CELL_DATASETS
from helpers.datasets import splits
from helpers.information.discrete import entropy
from helpers.noise import counts as thinning
from helpers.preprocess import genes as preprocess
from helpers.representations import linear, reconstruction, scoring
from helpers.representations.objective import LOSSES, Training
from helpers.representations.set_transformer import shape_of
from helpers.store.paths import profile_folder
from helpers.store.versions import method_of
from helpers.sweep import data
from helpers.sweep.data import Point
from helpers.sweep.grid import DataGrid, Depths, Sizes, one_of, planned_blocks, whole_numbers
from helpers.sweep.measurement import Measurement, information_columns

VERSION = 1  # 2026-11-28 numbered

MODALITY = "masked reconstruction"
# The split is in twentieths of the cells: 5 % validate, and at least 5 % test.
_PARTS = 20
# Genes whose loss every run reports, whatever number it was trained on: those that vary most.
COMMON_GENES = 128


class ReconstructionMeasurement(Measurement):
    """Masked reconstruction: train a set transformer and score it; each point by itself, since training takes long."""

    def measure(self, points: list[Point]) -> list[dict[str, Any]]:
        """Return the measured columns of points, each trained by itself."""
        return [_measured(point) for point in points]

    def columns(self, point: Point) -> dict[str, Any]:
        """Return the columns that the settings of a point decide, beside those of all kinds."""
        training = Training(**point["training"])
        return {
            "modality": MODALITY,
            "signal": point["options"].get("signal", "") if point["information"] else "hidden genes",
            "representation": f"set transformer {training.size}",
            "noise_kind": "thinning",
            "noise_level": point["depth"],
            "probe_noise_level": point["depth"],
            "settings": frozen_json({**point["options"], **point["training"]}),
            "size": training.size,
            "loss": training.loss,
            "n_genes": point["n_genes"],
            "steps_planned": training.steps,
        }


RECONSTRUCTION = ReconstructionMeasurement()


class Sides(NamedTuple):
    """Log-normalised values of cells by role, their labels, and what is known of the noise in them."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray | None
    umis: float
    noise: np.ndarray | None
    genes_by: str


def split(cells: Any, test_parts: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which cells train, validate and test: 5 % validate, ``test_parts`` (1 to 17) twentieths test.

    Made from labels alone, stratified by them if the dataset has any, before anything else: the same for every seed.
    """
    in_range(test_parts, 1, _PARTS - 3, "test_parts", f"They are parts of {_PARTS}.", whole=True)
    by = cells.signal if is_labels(cells.signal) else np.zeros(cells.n_cells, int)
    part = splits.stratified(by, _PARTS)
    test = (part > 0) & (part <= test_parts)
    return np.flatnonzero(part > test_parts), np.flatnonzero(part == 0), np.flatnonzero(test)


@lru_cache(maxsize=3)
def sides_of(dataset: str, options: tuple, depth: float, seed: int, n_genes: int, test_parts: int) -> Sides:
    """Return the cells of a dataset as a model sees them: thinned, genes chosen on the training cells alone.

    Genes are sorted as in ``ranked_genes``. ``noise`` is the counting noise in the squared error of each gene of the
    test cells (``counting_noise``); None above half the data's depth, where it cannot be known from the counts.
    """
    cells = data.dataset_of({"dataset": dataset, "options": dict(options)})
    train, validation, test = split(cells, test_parts)
    counts = thinning.thin_nested(cells.counts, [depth], seed)[depth]
    others = thinning.thin_nested(cells.other_umis[:, None], [depth], seed + 2**31)[depth].toarray().ravel()
    genes, method = ranked_genes(counts[train], n_genes)
    totals = counts.sum(axis=1).A1 + others
    values = preprocess.log_cp10k(counts[:, genes], totals).toarray().astype(np.float32)
    noise = None
    if depth <= 0.5:
        noise = counting_noise(cells.counts[test], cells.other_umis[test], genes, depth, seed)
    labels = cells.signal[test] if is_labels(cells.signal) else None
    umis = float(totals[test].mean())
    return Sides(values[train], values[validation], values[test], labels, umis, noise, method)


def ranked_genes(train_counts: Any, n_genes: int) -> tuple[np.ndarray, str]:
    """Return the columns of the ``n_genes`` most variable genes, and how they were chosen.

    The 128 most variable come first, then those up to 256, 512 and 1,024, each block in the order of columns: so
    numbers of genes that are blocks share their first genes.
    """
    in_range(n_genes, 2, 1e6, "n_genes", whole=True)
    steps = [n for n in (COMMON_GENES, 256, 512, 1024) if n < n_genes]
    ranked = np.zeros(0, int)
    method = ""
    for n in [*steps, n_genes]:
        chosen, method = preprocess.choose_genes(train_counts, n)
        ranked = np.concatenate([ranked, np.setdiff1d(chosen, ranked)])
    if len(ranked) < n_genes:
        raise ValueError(f"n_genes is {n_genes}: {len(ranked)} genes have a count in a training cell; ask for fewer.")
    return ranked, method


def counting_noise(counts: Any, others: np.ndarray, genes: np.ndarray, depth: float, seed: int = 0) -> np.ndarray:
    """Return the part of each gene's variance that is the noise of counting, in squared log(1 + counts per 10,000).

    If counts are Poisson around a cell's true expression, two disjoint thinnings of a cell are two measurements of it,
    and half their mean squared difference is the mean variance given the true expression, whatever that is. A model
    that knew the true expression of every gene would be left with this error. (The cell's total, by which values are
    divided, holds the hidden counts too: of a panel most of which is predicted, it can tell a little more.)

    Parameters
    ----------
    counts : (cells, all genes) csr_matrix, as deep as measured
    others : (cells,) array, UMIs of genes outside the matrix
    genes : columns of the genes that are predicted
    depth : float up to ½
    """
    rng = np.random.default_rng([as_seed(seed), 5])
    pair = thinning.thin_twice(counts, depth, rng)
    rest = thinning.thin_twice(others[:, None], depth, rng)
    first, second = (
        preprocess.log_cp10k(some[:, genes], some.sum(axis=1).A1 + other.toarray().ravel()).toarray()
        for some, other in zip(pair, rest, strict=True)
    )
    return ((first - second) ** 2).mean(axis=0) / 2


def _measured(point: Point) -> dict[str, Any]:
    names = ("depth", "seed", "n_genes", "test_parts")
    sides = sides_of(point["dataset"], data.frozen(point["options"]), *(point[name] for name in names))
    training = Training(**point["training"])
    train = sides.train[preprocess.nested_subset(len(sides.train), point["n_train"], point["seed"])]
    file = profile_folder("checkpoints") / f"{short_hash([point, data.data_hash(point), method_of(point)])}.pt"
    made = reconstruction.train_reconstruction(train, sides.validation, training, point["seed"], checkpoint=file)
    # The one look at the test cells.
    score = scoring.score(made, train, sides.test)
    common, common_mean = score.of_first(COMMON_GENES)
    row = {
        "umis_per_cell": sides.umis,
        "snr": sides.umis,
        "n_probe": len(sides.test),
        "genes_by": sides.genes_by,
        "params": sum(p.numel() for p in made.model.parameters()),
        "rate": training.rate_used,
        "steps": made.steps,
        "cells_seen": made.cells,
        "tokens": made.tokens,
        "flops": made.flops,
        "validation_flops": made.validation_flops,
        "history": made.history.drop(columns="flops").to_json(orient="values", double_precision=6),
        "validation_loss": float(made.history["validation"].min()),
        "test_loss": score.loss,
        "test_stderr": score.stderr,
        "mean_loss": score.mean_loss,
        "linear_loss": score.linear_loss,
        "gain": score.mean_loss - score.loss,
        "gain_stderr": score.gain_stderr,
        "test_bits": float(made.objective.bits(score.loss)),
        "mean_bits": float(made.objective.bits(score.mean_loss)),
        "common_loss": common,
        "common_mean_loss": common_mean,
        "noise_loss": None if sides.noise is None else float(sides.noise.mean()),
        "mi_bits": None,
    }
    return row | (_information(point, sides, train, made.model) if point["information"] else {})


def _information(point: Point, sides: Sides, train: np.ndarray, model: Any) -> dict[str, Any]:
    """Return what the pooled hidden states of the test cells tell about their label."""
    assert sides.test_labels is not None
    reducer = linear.PCA(point["dim"], point["seed"]).fit(scoring.pooled(model, train))
    embedded = reducer.transform(scoring.pooled(model, sides.test))
    estimate = information.lmi(embedded, sides.test_labels, point["seed"])
    signal = data.dataset_of(point).signal_name
    return {"signal": signal, **information_columns(estimate, entropy(sides.test_labels))}


class ReconstructionGrid(DataGrid):
    """The points of a sweep over masked reconstruction: every combination of the lists.

    Parameters
    ----------
    dataset, options, seeds : see ``DataGrid``
    sizes : list of str
        Presets or "width/layers/heads/multiple".
    losses : list of {"mse", "nll", "bins"}
    n_genes : list of int
        Most variable genes (V).
    n_train : list of int, or None
        Training cells (D), nested subsets; None is all that the split leaves.
    depths : list of floats in (0, 1]
        Depth of all cells, relative to the data's own.
    training : dict
        Further options of ``objective.Training``, such as ``{"steps": 1000}``; they hold for all points.
    steps_of : dict of size → int
        Steps of sizes that are to have others than ``training`` says; sizes that the grid has not are passed over.
    test_parts : int
        Twentieths of the cells that test; 1, as published, is 5 %.
    information : bool
        Estimate what the pooled embedding tells about the label of the test cells.
    dim : int
        Principal components of the embedding that are asked.

    Examples
    --------
    >>> grid = ReconstructionGrid(dataset="pbmc68k", sizes=["TINY", "XS"], n_genes=[64], seeds=[0])
    >>> [(p["training"]["size"], p["n_train"]) for p in grid.points()]
    [('TINY', 630), ('XS', 630)]
    """

    measurement: ClassVar[Measurement] = RECONSTRUCTION

    dataset: Annotated[str, one_of(CELL_DATASETS, "dataset of cells")]
    sizes: list[str] = Field(default=["XS"], min_length=1)
    losses: list[Annotated[str, one_of(LOSSES, "loss")]] = Field(default=["mse"], min_length=1)
    n_genes: Annotated[list[int], whole_numbers(2, 1e6)] = Field(default=[128])
    n_train: Sizes | None = None
    depths: Depths = Field(default=[1.0], min_length=1)
    training: dict[str, Any] = Field(default_factory=dict)
    steps_of: dict[str, int] = Field(default_factory=dict)
    test_parts: int = Field(default=1, ge=1, le=_PARTS - 3)
    information: bool = False
    dim: int = Field(default=16, ge=1, le=4096)

    @field_validator("sizes")
    @classmethod
    def _known_sizes(cls, values: list[str]) -> list[str]:
        for value in values:
            shape_of(value)
        return values

    @field_validator("steps_of")
    @classmethod
    def _known_steps(cls, values: dict[str, int]) -> dict[str, int]:
        for size, steps in values.items():
            Training(size=size, steps=steps)
        return values

    @field_validator("training")
    @classmethod
    def _known_training(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = [f.name for f in fields(Training) if f.name not in ("size", "loss")]
        for name in value:
            choose(name, known, "option of training")
        Training(**value)
        return value

    @property
    def most_cells(self) -> int:
        """Training cells that the split leaves."""
        n = int(self.about()["cells"])
        return n - sum(len(range(part, n, _PARTS)) for part in range(self.test_parts + 1))

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        most = self.most_cells
        for n in self.n_train or []:
            in_range(n, 2, most, f"n_train of {self.dataset}", whole=True)
        if self.information and not str(self.about()["signal"]).endswith("labels"):
            raise ValueError(f"information is asked, but {self.dataset} {self.options} has no labels: give others.")
        # Settings of the same cells one after the other: what they share is prepared once.
        common = {
            "modality": MODALITY,
            "dataset": self.dataset,
            "options": self.options,
            "test_parts": self.test_parts,
            "information": self.information,
            "dim": self.dim,
        }
        lists: tuple[list[Any], ...] = (
            self.depths,
            self.seeds,
            self.n_genes,
            self.n_train or [most],
            self.sizes,
            self.losses,
        )
        return [
            {
                **common,
                "depth": depth,
                "seed": seed,
                "n_genes": genes,
                "n_train": n,
                "training": self._budget(size, loss),
            }
            for depth, seed, genes, n, size, loss in itertools.product(*(dict.fromkeys(values) for values in lists))
        ]

    def _budget(self, size: str, loss: str) -> dict[str, Any]:
        steps = {"steps": self.steps_of[size]} if size in self.steps_of else {}
        return asdict(Training(**{**self.training, **steps, "size": size, "loss": loss}))


def planned(profile: str, **changes: Any) -> dict[str, ReconstructionGrid]:
    """Return the grids of ``config/grids/masked_reconstruction.yaml`` by name, with ``changes`` in all of them.

    Parameters
    ----------
    profile : {"reference", "paper"}
        "reference" is what the book shows; "paper" are the published regimes, for ``your_data``.
    """
    profiles = planned_blocks("masked_reconstruction")
    chosen = profiles[choose(profile, profiles, "profile of masked_reconstruction.yaml")]
    return {name: ReconstructionGrid(**{**settings, **changes}) for name, settings in chosen.items()}
