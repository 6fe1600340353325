"""Probe embeddings directly: information about one signal, several seeds, one table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.information import lmi_many
from helpers.laws import kept
from helpers.preprocess.genes import Prepared
from helpers.representations import Txformer

VERSION = 1  # 2026-11-28 numbered


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
    >>> found = probed({"itself": x, "noise": rng.normal(size=(200, 2))}, x[:, 0] > 0, [0], "what")
    >>> (found["bits"] > 0.5).tolist()
    [True, False]
    """
    rows = []
    for label, values in embeddings.items():
        found = [lmi_many([(values, signal)], seed)[0] for seed in seeds]
        bits = np.array([f.bits for f in found])
        between = bits.std(ddof=1) / np.sqrt(len(bits)) if len(bits) > 1 else 0.0
        error = np.hypot(np.mean([f.stderr for f in found]), between)
        null = float(np.mean([f.null_bits for f in found]))
        rows.append(
            {name: label, "bits": bits.mean(), "± (95 %)": 1.96 * error, "permuted null": null, "seeds": len(bits)}
        )
    return pd.DataFrame(rows).set_index(name).round(3)


def along_training(
    ready: Prepared, signal: np.ndarray, seeds: Sequence[int], dim: int, steps: int, at: Sequence[int]
) -> pd.DataFrame:
    """Return the information of one rank-token transformer at several steps of its training, beside its loss.

    Training takes a minute or more, so the tables of the book are kept (``helpers.laws.kept``); with other cells,
    settings or versions the model is trained now.

    Parameters
    ----------
    ready : Prepared
    signal : (probe cells,) labels
    seeds : of the estimates
    dim : components of the embedding
    steps : gradient steps, validated at every quarter
    at : steps whose encoders are probed

    Returns
    -------
    DataFrame from ``probed``, by step, with ``validation loss (bits per token)``
    """
    sides = (ready.train_counts, ready.probe_counts)
    cells = [part for side in sides for part in (side.data, side.indices, side.indptr)]
    components = ("probe", "txformer", "training", "lmi")
    key = kept.key_of("along training", components, list(map(str, signal)), *cells, list(seeds), dim, steps, list(at))

    def trained() -> pd.DataFrame:
        every = max(1, steps // 4)
        model = Txformer(dim=dim, steps=steps, validate_every=every, patience=100, checkpoints=at)
        model.fit(ready.train_counts)
        found = probed({step: model.transform_at(step, ready.probe_counts) for step in at}, signal, seeds, "step")
        history: Any = model.history_
        loss = history.set_index("step")["validation_bits"].rename("validation loss (bits per token)")
        return found.join(loss)

    return kept.table(key, "along training", trained)
