"""The cases that exercises of sessions 3 and 4 are about: a notebook and its answers take them from here."""

import numpy as np
import pandas as pd

from helpers.store import reference
from helpers.design import Prices
from helpers.laws import CellNumberLaw, JointLaw, NoiseLaw
from helpers.store.points import noise_roles, seed_means

# Session 3. A scalar channel: variances of the signal and of what lies between it and the instrument.
SIGNAL_VARIANCE = 4.0
BETWEEN_VARIANCE = 0.25
KAPPA = 0.01  # α² = κ u, per UMI
TARGET_LAW = NoiseLaw(i_max=2.5, u_bar=800.0)
WEAK_LAW = NoiseLaw(i_max=0.4, u_bar=200.0)
WEAK_DEPTH = 20.0  # UMIs per cell
CELLS_LAW = CellNumberLaw(i_inf=3.0, n0=500.0, s=0.5)
JOINT_LAW = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
PUBLISHED_ALPHA = 0.266  # exponent of the number of parameters (Kendiukhov, regime A)

# Session 4. A budget in the currency of the (example) prices, and the published grid it is planned by.
PRICES = Prices(per_cell=0.1, per_million_reads=4.0, usable=0.5, complexity=30_000.0)
BUDGET = 10_000.0
PLANNED_DEPTH = 3000.0  # UMIs per cell
CURVE = "pbmc_citeseq protein scvi"
MATRIX = {"dataset": "citeseq_pbmc10k", "signal": "protein", "representation": "pca"}
FRACTIONS = (1.0, 0.3, 0.1, 0.03, 0.01)  # of the molecules that are kept

_PILOTS = {
    "whole": (NoiseLaw(2.2, 300.0), (10, 30, 100, 300, 1000, 3000), 0.05),
    "bend": (NoiseLaw(2.2, 300.0), (10, 20, 40, 80, 160, 320), 0.08),
    "shallow": (NoiseLaw(3.0, 3000.0), (2, 5, 10, 20, 40, 60), 0.02),
    "deep": (NoiseLaw(1.5, 2.0), (1000, 1500, 2000, 3000, 5000, 8000), 0.05),
}


def pilot(name: str) -> pd.DataFrame:
    """Return three seeds a depth of a simulated experiment.

    Parameters
    ----------
    name : {"whole", "bend", "shallow", "deep"}
        How much of its curve the experiment has seen: all, up to the bend, only the rise, only the plateau.

    Returns
    -------
    DataFrame with ``u`` (UMIs per cell) and ``bits``, 18 rows

    Raises
    ------
    KeyError
        For another name.

    Examples
    --------
    >>> pilot("whole").shape
    (18, 2)
    """
    law, depths, error = _PILOTS[name]
    u = np.repeat(np.array(depths, float), 3)
    return pd.DataFrame({"u": u, "bits": law(u) + error * np.random.default_rng(0).normal(size=u.size)})


def train_and_probe() -> pd.DataFrame:
    """Return this project's reference points of training depth × probe depth, PCA on protein (``MATRIX``).

    Returns
    -------
    DataFrame as from ``helpers.store.points.seed_means``: one row a seed, a training and a probe depth

    Examples
    --------
    >>> points = train_and_probe()
    >>> points["noise_level"].nunique(), points["probe_noise_level"].nunique()
    (5, 5)
    """
    rows = reference.table("measured")
    for column, value in MATRIX.items():
        rows = rows[rows[column] == value]
    rows = rows[(rows["n_train"] == rows["n_train"].max()) & rows["noise_level"].isin(FRACTIONS)]
    return seed_means(rows[rows["probe_noise_level"].isin(FRACTIONS)])


def three_noises() -> pd.DataFrame:
    """Return the three edges of that matrix, named by ``role`` (``helpers.store.points.noise_roles``).

    Examples
    --------
    >>> three_noises()["role"].nunique()
    3
    """
    return noise_roles(train_and_probe())
