"""Simulated cells whose information about a signal is known exactly."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers._utils.validation import as_seed, choose, in_range
from helpers.datasets.base import Dataset
from helpers.information.discrete import flip_probability

VERSION = 1  # 2026-11-28 numbered

SIGNALS = ("label", "protein", "clone", "neighbour", "time")


def simulated(
    signal: str = "protein",
    n_cells: int = 4000,
    n_genes: int = 400,
    n_latent: int = 4,
    information_bits: float = 2.0,
    umis_per_cell: float = 4000.0,
    overdispersion: float = 0.0,
    seed: int = 0,
) -> Dataset:
    r"""Cells with a Gaussian latent state, a signal of known information, and Poisson or NB counts.

    A state :math:`s \sim N(0, I_d)` sets the log expression of every gene; counts are drawn at a mean
    depth, with cells varying in size. Because state → counts → representation, no representation can
    have more than I(state; signal) bits about the signal (data-processing inequality), and that
    number, the *ceiling*, is exact:

    - ``protein``: 2d panel values, ``y = A s + noise``; ½ log2 det(I + AᵀA/σ²), equal to the bits asked for.
    - ``time``: one value, ``y = w·s + noise``; ½ log2(1 + 1/σ²).
    - ``clone``: the state of a relative whose every dimension correlates by ρ; −d/2 log2(1 − ρ²).
    - ``neighbour``: the state of the next cell on a ring of tissue, correlation ρ between adjacent cells;
      −d/2 log2(1 − ρ²). Adjacent cells never straddle the split.
    - ``label``: 8 equal sectors of the first two dimensions, the label flipped to another one with a
      probability that leaves the bits asked for; at most 3 bits.

    Parameters
    ----------
    signal : {"protein", "label", "clone", "neighbour", "time"}
    n_cells, n_genes, n_latent : int
        Half of the cells train, half probe.
    information_bits : float
        The exact I(state; signal).
    umis_per_cell : float
        Mean depth.
    overdispersion : float
        Negative-binomial variance is m + overdispersion·m²; 0 is Poisson.
    seed : int

    Examples
    --------
    >>> cells = simulated("time", n_cells=200, n_genes=50)
    >>> cells.counts.shape, round(cells.ceiling_bits, 6)
    ((200, 50), 2.0)
    """
    blocks, values, folds = _simulate(
        signal, n_cells, n_genes, n_latent, information_bits, umis_per_cell, overdispersion, seed
    )
    return Dataset(
        name="simulated",
        signal_name=signal,
        counts=sparse.vstack(list(blocks), format="csr"),
        signal=values,
        folds=folds,
        ceiling_bits=information_bits,
        about=f"Simulated cells with a {n_latent}-dimensional latent state.",
        source="helpers.datasets.simulated",
        checked=("exact I(state; signal) by closed form",),
    )


def simulate_to(path: str | Path, **options: Any) -> Path:
    """Write the cells of ``simulated`` to an ``.h5ad`` file block by block: more than memory holds, if need be.

    ``options`` are the parameters of ``simulated``. Counts are in ``X``, a signal of numbers is in ``obsm["signal"]``
    and one of labels in ``obs["label"]``.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.datasets import load
    >>> file = simulate_to(f"{tempfile.mkdtemp()}/cells.h5ad", n_cells=100, n_genes=20)
    >>> load("your_data", path=str(file), signal="obsm:signal", backed=True).counts
    BackedCounts of 100 cells and 20 genes: X of ...cells.h5ad
    """
    import anndata
    import h5py
    from anndata.io import sparse_dataset, write_elem

    parameters = inspect.signature(simulated)
    for name in options:
        choose(name, parameters.parameters, "parameter of simulated")
    given = parameters.bind(**options)
    given.apply_defaults()
    blocks, signal, _ = _simulate(**given.arguments)
    obs = pd.DataFrame(index=np.arange(given.arguments["n_cells"]).astype(str))
    genes = pd.DataFrame(index=[f"gene{i}" for i in range(given.arguments["n_genes"])])
    cells = anndata.AnnData(obs=obs, var=genes)
    if signal.ndim == 1:
        cells.obs["label"] = pd.Categorical(signal.astype(str))
    else:
        cells.obsm["signal"] = signal
    part = Path(f"{path}.part")
    cells.write_h5ad(part)
    with h5py.File(part, "r+") as file:
        first = next(blocks)
        first.indptr = first.indptr.astype(np.int64)  # many cells have more counts than 32 bits can number
        write_elem(file, "X", first)
        stored = sparse_dataset(file["X"])
        for block in blocks:
            stored.append(block)
    return part.replace(path)


def _simulate(
    signal: str,
    n_cells: int,
    n_genes: int,
    n_latent: int,
    information_bits: float,
    umis_per_cell: float,
    overdispersion: float,
    seed: int,
) -> tuple[Iterator[sparse.csr_matrix], np.ndarray, np.ndarray]:
    """Check the parameters and draw counts, signal and folds; the counts come as they are taken."""
    choose(signal, SIGNALS, "signal of simulated")
    in_range(n_cells, 8, 1e8, "n_cells", whole=True)
    in_range(n_genes, 2, 1e6, "n_genes", whole=True)
    in_range(n_latent, 2 if signal == "label" else 1, 64, "n_latent", whole=True)
    limit = 3.0 if signal == "label" else 20.0
    in_range(information_bits, 0, limit, f"information_bits of signal {signal!r}", open_low=True)
    in_range(umis_per_cell, 1e-2, 1e7, "umis_per_cell")
    in_range(overdispersion, 0, 100, "overdispersion")
    of_state, of_signal, of_counts, of_split = np.random.default_rng(as_seed(seed)).spawn(4)
    state, values = _state_and_signal(signal, n_cells, n_latent, information_bits, of_state, of_signal)
    folds = np.zeros(n_cells, int)
    if signal == "neighbour":
        folds[: n_cells // 2] = 1  # one arc of the ring trains, the other probes
    else:
        folds[of_split.permutation(n_cells)[: n_cells // 2]] = 1
    return _draw_blocks(state, n_genes, umis_per_cell, overdispersion, of_counts), values, folds


def _state_and_signal(
    kind: str, n: int, d: int, bits: float, of_state: np.random.Generator, of_signal: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if kind == "neighbour":
        return _ring(n, d, _correlation(bits, d), of_state)
    state = of_state.standard_normal((n, d))
    if kind == "label":
        return state, _sectors(state, bits, of_signal)
    if kind == "clone":
        rho = _correlation(bits, d)
        return state, rho * state + np.sqrt(1 - rho**2) * of_signal.standard_normal((n, d))
    # Orthonormal columns: AᵀA = I, so each of the r signal directions carries ½ log2(1 + 1/σ²) bits.
    if kind == "protein":
        mixing = np.linalg.qr(of_signal.standard_normal((2 * d, d)))[0]
        clean, rank = state @ mixing.T, d
    else:
        direction = of_signal.standard_normal(d)
        clean, rank = state @ direction[:, None] / np.linalg.norm(direction), 1
    sigma = np.expm1(bits / rank * np.log(4)) ** -0.5
    return state, clean + sigma * of_signal.standard_normal(clean.shape)


def _correlation(bits: float, d: int) -> float:
    """Solve −d/2 log2(1 − ρ²) = bits."""
    return float(np.sqrt(-np.expm1(-bits / d * np.log(4))))


def _ring(n: int, d: int, rho: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw states along two arcs of tissue, stationary first-order chains; a cell's signal is one of its neighbours."""
    arcs, signals = [], []
    for size in (n // 2, n - n // 2):
        arc = rng.standard_normal((size, d))
        for i in range(1, size):
            arc[i] = rho * arc[i - 1] + np.sqrt(1 - rho**2) * arc[i]
        step = rng.choice([-1, 1], size)
        step[0], step[-1] = 1, -1
        arcs.append(arc)
        signals.append(arc[np.arange(size) + step])
    return np.vstack(arcs), np.vstack(signals)


def _sectors(state: np.ndarray, bits: float, rng: np.random.Generator, n_labels: int = 8) -> np.ndarray:
    """Label 8 equal sectors; flip with the probability that leaves exactly ``bits``."""
    flip = flip_probability(bits, n_labels)
    angle = np.arctan2(state[:, 1], state[:, 0])
    sector = np.floor((angle / (2 * np.pi) + 0.5) * n_labels).astype(int) % n_labels
    flipped = rng.random(len(state)) < flip
    shift = rng.integers(1, n_labels, len(state))
    return np.where(flipped, (sector + shift) % n_labels, sector)


def _draw_blocks(
    state: np.ndarray, n_genes: int, depth: float, overdispersion: float, rng: np.random.Generator
) -> Iterator[sparse.csr_matrix]:
    """Yield counts some cells at a time: log-normal gene means, states on log expression, cells varying in size."""
    base = rng.normal(0, 1, n_genes)
    loadings = rng.normal(0, 1, (state.shape[1], n_genes)) / np.sqrt(state.shape[1])
    size = depth * rng.lognormal(-0.02, 0.2, len(state))  # mean 1, coefficient of variation 0.2
    for part in np.array_split(np.arange(len(state)), max(1, len(state) // 2000)):
        share = np.exp(base + state[part] @ loadings)
        mean = share / share.sum(axis=1, keepdims=True) * size[part, None]
        if overdispersion > 0:
            mean = rng.gamma(1 / overdispersion, mean * overdispersion)
        yield sparse.csr_matrix(rng.poisson(mean).astype(np.int32))
