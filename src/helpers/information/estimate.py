"""What every estimator returns."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """An estimate of mutual information, in bits.

    Attributes
    ----------
    bits : float
        The estimate. It may be slightly negative when the truth is near zero; it is never clipped.
    pointwise : ndarray, shape (n,)
        Each cell's contribution; ``bits`` is their mean. NaN for a cell that no part of the estimate covers.
    null_bits : float
        The same estimator on a permuted signal, retrained where it learns; 0 if unbiased there.
    n : int
        Number of cells.
    seconds : float
    settings : dict
        Everything that reproduces the estimate.
    """

    bits: float
    pointwise: np.ndarray
    null_bits: float
    n: int
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def stderr(self) -> float:
        """Sampling standard error: the spread of the pointwise values over √n, no resampling."""
        seen = self.pointwise[np.isfinite(self.pointwise)]
        return float(seen.std(ddof=1) / np.sqrt(len(seen))) if len(seen) > 1 else float("nan")

    def __repr__(self) -> str:
        """Return the figures a reader wants first."""
        return (
            f"Estimate({self.bits:.3f} ± {self.stderr:.3f} bits, null {self.null_bits:+.3f}, "
            f"n={self.n}, {self.seconds:.1f} s)"
        )


def check_varies(**variables: np.ndarray) -> None:
    """Raise ``ValueError`` for the first variable whose rows are all equal."""
    for name, values in variables.items():
        if (values == values[0]).all():
            raise ValueError(
                f"{name} is constant over {len(values)} cells: information about it is 0 and needs no estimate."
            )
