"""Probe embeddings directly: information about one signal, several seeds, one table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.information import lmi_many


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
