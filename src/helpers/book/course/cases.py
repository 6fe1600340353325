"""The cases that exercises are about: a session and its answers take them from here."""

from functools import cache

import numpy as np
import pandas as pd

from helpers.book.course import own
from helpers.design import Prices
from helpers.information import Estimate, lmi
from helpers.information.discrete import plug_in
from helpers.information.known_pairs import known_pair
from helpers.laws import Fit, JointLaw, NoiseLaw
from helpers.laws.tolerance import image_points
from helpers.store import reference
from helpers.store.points import noise_roles, seed_means
from helpers.sweep import stored_rows
from helpers.sweep.cell_grids import planned

# Session 2. Labels that are independent of each other, and a Gaussian pair in 8 dimensions.
TYPES, CLUSTERS, CELLS = 10, 10, 500
PAIR_BITS = 2.0

# The reported estimates in the order of the book, and in those that fall to students.
ORDERS = ("ABCDE", "DBACE", "ECABD", "BEDAC", "CADEB", "EABDC", "ACEBD")

# Session 3.
JOINT_LAW = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
PUBLISHED_ALPHA = 0.266  # exponent of the number of parameters (Kendiukhov, regime A)

# Session 4. A budget in the currency of the (example) prices, and the published grid it is planned by.
# Lanes are shared and doublets left out, so that the arithmetic fits on paper.
PRICES = Prices(
    per_cell=0.1, per_million_reads=4.0, usable=0.5, complexity=30_000.0, doublets=0.0, whole_lanes=False
)
BUDGET = 10_000.0
CURVE = "pbmc_citeseq protein scvi"
MATRIX = {"dataset": "citeseq_pbmc10k", "representation": "pca"}
FRACTIONS = (1.0, 0.3, 0.1, 0.03, 0.01)  # of the molecules that are kept

_PILOTS = {
    "whole": (NoiseLaw(2.2, 300.0), (10, 30, 100, 300, 1000, 3000), 0.05),
    "bend": (NoiseLaw(2.2, 300.0), (10, 20, 40, 80, 160, 320), 0.08),
    "shallow": (NoiseLaw(3.0, 3000.0), (2, 5, 10, 20, 40, 60), 0.02),
    "deep": (NoiseLaw(1.5, 2.0), (1000, 1500, 2000, 3000, 5000, 8000), 0.05),
}
# Seeds of the errors of a pilot, one of which falls to each student: all tell the same story.
DRAWS = (0, 1, 2, 5, 7, 13, 18, 19, 23)
PILOTS = own.each(draw=DRAWS)


def labels(n: int = CELLS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a type and a cluster for each of n cells, ten of either, independent of each other.

    >>> x, y = labels(50)
    >>> x.shape, int(y.max()) < 10
    ((50,), True)
    """
    rng = np.random.default_rng(seed)
    return rng.integers(0, TYPES, n), rng.integers(0, CLUSTERS, n)


def mean_plug_in(n: int, repeats: int = 20) -> float:
    """Return the mean plug-in estimate, in bits, of independent labels of n cells: its bias, since the truth is 0.

    >>> 0 < mean_plug_in(1000) < mean_plug_in(100)
    True
    """
    return float(np.mean([plug_in(*labels(n, seed)).bits for seed in range(repeats)]))


@cache
def learned() -> Estimate:
    """Return what ``lmi`` finds in these pairs on this machine: exercise 2.6 asks for it, and so does its check."""
    return lmi(*pair(), seed=0)


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, each (1000, 8), that share exactly 2 bits."""
    return known_pair("gaussian", PAIR_BITS, n=1000, dim=8, seed=0)


def independent() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, each (500, 1), that share nothing."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 1)), rng.normal(size=(500, 1))


def reported(order: str | None = None) -> pd.DataFrame:
    """Return five made-up estimates as a paper might report them, to be judged in exercise 2.8.

    Without ``order``, which letter an estimate has is the student's own (``helpers.book.course.own``).
    """
    rows = {
        "A": (1.20, 0.05, 0.01, 2.0, 2000),
        "B": (2.31, 0.04, 0.02, 1.9, 2000),
        "C": (0.33, 0.05, 0.31, 2.4, 150),
        "D": (-0.02, 0.03, -0.01, 2.0, 1500),
        "E": (1.71, 0.06, 0.02, 2.3, 1200),
    }
    names = ["bits", "standard error", "permuted null", "entropy of the labels", "cells"]
    made = pd.DataFrame.from_dict(rows, orient="index", columns=names).loc[list(order or own.pick(ORDERS, "reported"))]
    return made.set_axis(list("ABCDE"))


def pilot(name: str, draw: int | None = None) -> pd.DataFrame:
    """Return a simulated experiment, three seeds a depth, as columns ``u`` (UMIs per cell) and ``bits``.

    Its name, "whole", "bend", "shallow" or "deep", says how much of the curve it has seen: all, the rise up to the
    bend, the first rise alone, or the plateau alone. Without ``draw`` its errors are those of the student
    (``helpers.book.course.own``).

    >>> pilot("whole").shape
    (18, 2)
    """
    law, depths, error = _PILOTS[name]
    seed = own.pick(DRAWS, "pilot") if draw is None else draw
    u = np.repeat(np.array(depths, float), 3)
    return pd.DataFrame({"u": u, "bits": law(u) + error * np.random.default_rng(seed).normal(size=u.size)})


@cache
def pilot_fit(name: str, draw: int) -> Fit:
    """Return the noise law fitted to a pilot."""
    rows = pilot(name, draw)
    return NoiseLaw.fit(rows["u"], rows["bits"])


def photographs() -> pd.DataFrame:
    """Return what a network tells of the class of photographs whose square tiles were averaged, a row a training.

    Columns are ``tile``, the side of a tile in pixels (1: as they were taken), and ``bits``; a photograph has 240
    pixels along a side.

    >>> sorted(photographs()["tile"].unique())[:3]
    [1.0, 2.0, 4.0]
    """
    rows = reference.to_read().table()
    points = image_points(rows[(rows["dataset"] == "caltech101") & (rows["representation"] == "mobilenet")])
    points = points[(points["signal"] == "class") & (points["noise_kind"] == "pixelation")]
    points = points.rename(columns={"noise_level": "tile", "mi_bits": "bits"})
    return points[["tile", "bits"]].sort_values("tile", ignore_index=True)


def train_and_probe(block: str = "matrix") -> pd.DataFrame:
    """Return this project's reference points of training depth × probe depth (``MATRIX``), a row a seed.

    ``block`` is the one of the grids that they are planned in.

    >>> points = train_and_probe()
    >>> points["noise_level"].nunique(), points["probe_noise_level"].nunique()
    (5, 5)
    """
    rows = stored_rows(planned(block, [MATRIX["dataset"]]), reference.to_read())
    return seed_means(rows[rows["representation"] == MATRIX["representation"]])


def three_noises() -> pd.DataFrame:
    """Return the three edges of that matrix, named by ``role`` (``helpers.store.points.noise_roles``)."""
    return noise_roles(train_and_probe())
