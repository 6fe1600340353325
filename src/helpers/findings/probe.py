"""Probe embeddings directly: information about one signal, several seeds, one table."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from helpers.information import lmi_many
from helpers.laws import kept
from helpers.noise import thin
from helpers.preprocess.genes import prepare
from helpers.representations import PCA
from helpers.sweep.data import dataset_of, facts


def probed(embeddings: dict[Any, np.ndarray], signal: np.ndarray, seeds: Sequence[int], name: str) -> pd.DataFrame:
    """Return the information of each embedding about a signal, in bits, mean over seeds of the estimate.

    Parameters
    ----------
    embeddings : dict of name → (cells, d) array
    signal : (cells,) labels or (cells, d) array
    seeds : seeds of the estimate: folds, nets, permutation
    name : what the names are, for the table

    Returns
    -------
    DataFrame
        ``bits``, half the 95 % interval (sampling error of the cells, which seeds share, and spread of the seeds over
        their root), the permuted null, and the number of seeds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2))
    >>> table = probed({"itself": x, "noise": rng.normal(size=(200, 2))}, x[:, 0] > 0, [0], "what")
    >>> (table["bits"] > 0.5).tolist()
    [True, False]
    """
    rows = {}
    for label, values in embeddings.items():
        estimates = [lmi_many([(values, signal)], seed)[0] for seed in seeds]
        bits = np.array([estimate.bits for estimate in estimates])
        between = bits.std(ddof=1) / np.sqrt(len(bits)) if len(bits) > 1 else 0.0
        error = np.hypot(np.mean([estimate.stderr for estimate in estimates]), between)
        null = float(np.mean([estimate.null_bits for estimate in estimates]))
        rows[label] = [bits.mean(), 1.96 * error, null, len(bits)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["bits", "± (95 %)", "permuted null", "seeds"])
    return table.rename_axis(name).round(3)


def thinned_pca(dataset: Any, depths: Sequence[float], dim: int) -> dict[str, np.ndarray]:
    """Return PCA of the probe cells of a data set at several depths, as a sweep embeds them.

    Training and probe cells are thinned alike; keys are depths as a table shows them.

    Examples
    --------
    >>> from helpers.datasets import load
    >>> {name: values.shape for name, values in thinned_pca(load("pbmc68k"), [0.1], 4).items()}
    {'depth 0.1': (350, 4)}
    """
    embeddings = {}
    for depth in depths:
        rng = np.random.default_rng(0)
        sides = (dataset.counts[rows] for rows in (dataset.train, dataset.probe))
        ready = prepare(*(thin(side, depth, rng=rng) for side in sides))
        embeddings[f"depth {depth:g}"] = PCA(dim).fit(ready.train).transform(ready.probe)
    return embeddings


def of_tasks(
    what: str, tasks: dict[str, str], depths: Sequence[float], dim: int, seeds: Sequence[int],
    judge: Callable[[dict[str, np.ndarray], np.ndarray, Sequence[int]], pd.DataFrame],
    components: Sequence[str] = ("lmi",),
) -> pd.DataFrame:  # fmt: skip
    """Return what a function says of the embeddings of several tasks (``thinned_pca``), each kept or computed now.

    Parameters
    ----------
    what : a word on what is judged
    tasks : dict of data set → signal
    depths, dim : of the embeddings
    seeds : of the estimates
    judge : function of embeddings, the probe cells' signal and seeds that returns a table of text and numbers
    components : whose versions decide the table, besides those of the embeddings

    Returns
    -------
    DataFrame, the tables of all tasks with ``dataset`` and ``signal`` before their columns
    """
    parts = []
    for name, signal in tasks.items():
        point = {"dataset": name, "options": {"signal": signal}}
        settings = facts(point)["data_hash"], list(depths), dim, list(seeds)

        def judged(point: dict[str, Any] = point) -> pd.DataFrame:
            cells = dataset_of(point)
            return judge(thinned_pca(cells, depths, dim), cells.signal[cells.probe], seeds)

        table = kept.table(kept.key_of(what, ("thin", "prep", "pca", *components), *settings), what, judged)
        table.insert(0, "dataset", name)
        table.insert(1, "signal", signal)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def estimator_settings(
    embeddings: dict[str, np.ndarray],
    signal: np.ndarray,
    seeds: Sequence[int],
    dims: Sequence[int],
    neighbours: Sequence[int],
) -> pd.DataFrame:
    """Return how LMI depends on two settings of its own: the most code dimensions ``dims``, and the ``neighbours`` k.

    Embeddings, signal and seeds are as ``probed`` takes them.

    Returns
    -------
    DataFrame
        One row an embedding (``of``), ``dim`` and ``k``: ``bits``, mean over seeds, and ``half`` its 95 % interval by
        the spread of the seeds alone (Student's t), since all settings share the cells; NaN of one seed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 3))
    >>> table = estimator_settings({"x": x}, x[:, 0] > 0, [0], dims=[2], neighbours=[3, 10])
    >>> list(table["k"]), bool((table["bits"] > 0.4).all())
    ([3, 10], True)
    """
    rows = []
    pairs = [(values, signal) for values in embeddings.values()]
    several = len(seeds) > 1
    for dim, k in product(dims, neighbours):
        bits = np.array([[e.bits for e in lmi_many(pairs, seed, k=k, dim=dim, null=False)] for seed in seeds])
        error = bits.std(axis=0, ddof=1) / np.sqrt(len(seeds)) if several else np.full(len(pairs), np.nan)
        half = error * (student_t.ppf(0.975, len(seeds) - 1) if several else np.nan)
        rows += [[name, dim, k, *ends] for name, *ends in zip(embeddings, bits.mean(axis=0), half, strict=True)]
    return pd.DataFrame(rows, columns=["of", "dim", "k", "bits", "half"])


def settings_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``estimator_settings`` with dimensions down, neighbours across, and bits ± half the 95 % interval."""
    half = table["half"].map(lambda value: "" if np.isnan(value) else f" ± {value:.2f}")
    cells = table.assign(bits=table["bits"].map("{:.2f}".format) + half)
    columns = {"of": "embedding", "dim": "code dimensions", "k": "neighbours k"}
    return cells.rename(columns=columns).pivot(
        index=["embedding", "code dimensions"], columns="neighbours k", values="bits"
    )
