"""Cases of session 4 about judging: a fit, a control, an explanation and a plan that each look better than they are."""

import numpy as np
import pandas as pd

from helpers.book.course.cases import MATRIX, train_and_probe
from helpers.findings import papers
from helpers.findings.training import training_gain
from helpers.laws import StretchedNoiseLaw
from helpers.store import reference
from helpers.store.points import noise_roles, seed_means
from helpers.sweep import stored_rows
from helpers.sweep.cell_grids import planned

CURVE = ("pbmc_citeseq", "cell_type", "pca")
# What the pilot of a plan does not know: the curve rises over more decades of depth than the noise law.
TRUTH = StretchedNoiseLaw(i_max=3.0, u_bar=3000.0, beta=0.7)
PILOT_DEPTHS = (20, 40, 80, 160, 320, 640)  # UMIs per cell, one seed each
PILOT_ERROR = 0.03  # bits


def released_curve() -> pd.DataFrame:
    """Return one released noise curve, with all its training cells: columns ``u`` and ``bits``.

    >>> list(released_curve())
    ['u', 'bits']
    """
    rows = papers.points().set_index(papers.KEYS).loc[CURVE]
    rows = rows[rows["n_train"] == rows["n_train"].max()]
    return pd.DataFrame({"u": rows["umis_per_cell"].to_numpy(), "bits": rows["mi_bits"].to_numpy()})


def trained_and_untrained() -> pd.DataFrame:
    """Return the bits of a transformer before and after training, a row a seed.

    >>> {"untrained", "trained"} <= set(trained_and_untrained())
    True
    """
    grids = planned("txformer", [MATRIX["dataset"]], depths=[1.0])
    return training_gain(seed_means(stored_rows(grids, reference.to_read(), steps=True)))


def genes_chosen_once() -> pd.DataFrame:
    """Return the edges of the matrix of session 4 once more, with genes chosen from cells as deep as measured."""
    return noise_roles(train_and_probe("matrix_genes"))


def plan_pilot() -> pd.DataFrame:
    """Return the pilot that a plan is made from: columns ``u`` and ``bits``.

    >>> plan_pilot().shape
    (6, 2)
    """
    u = np.array(PILOT_DEPTHS, float)
    return pd.DataFrame({"u": u, "bits": TRUTH(u) + PILOT_ERROR * np.random.default_rng(0).normal(size=u.size)})
