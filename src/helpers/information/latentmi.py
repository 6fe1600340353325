"""The published package ``latentmi`` itself, to cross-check a few points with."""

import contextlib
import io
import time
import warnings
from typing import Any

import numpy as np

from helpers._utils.validation import as_columns, as_matrix, same_length
from helpers.information.estimate import Estimate

VERSION = 1  # 2026-11-28 numbered


def latentmi_package(x: Any, y: Any, seed: int = 0) -> Estimate:
    """Return the estimate of the package ``latentmi`` with its defaults, labels as one-hot vectors.

    It cannot be seeded, so ``seed`` has no effect and no two runs agree exactly; there is no null.

    Raises
    ------
    ImportError
        If the package is not installed: it needs numpy below 2.
    ValueError
        For mismatched lengths, NaN, or no column.
    """
    from latentmi import lmi as package

    start = time.perf_counter()
    x, y = as_matrix(x, "x"), as_columns(y, "y")
    same_length(x=x, y=y)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        pointwise = package.estimate(x, y, quiet=True)[0]
    bits, seconds = float(np.nanmean(pointwise)), time.perf_counter() - start
    return Estimate(bits, pointwise, float("nan"), len(x), seconds, {"estimator": "latentmi", "dim": 8})
