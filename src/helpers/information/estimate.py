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
        Number of samples (cells, images, sequences).
    seconds : float
    settings : dict
        Everything that reproduces the estimate.
    lower_bits : float
        A bound from below by held-out samples; NaN unless asked for (``bracket.bracketed``), as are those that follow.
    spread_bits : float
        Half the range over the estimator's own settings.
    trend_bits : float
        The estimate extrapolated in 1/n to as many samples as one likes; NaN where ``trend_status`` is not "ok".
    trend_status : str
        "ok", or why there is no extrapolation.
    """

    bits: float
    pointwise: np.ndarray
    null_bits: float
    n: int
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    lower_bits: float = float("nan")
    spread_bits: float = float("nan")
    trend_bits: float = float("nan")
    trend_status: str = "not asked for"

    @property
    def stderr(self) -> float:
        """Sampling standard error: the spread of the pointwise values over √n, no resampling."""
        seen = self.pointwise[np.isfinite(self.pointwise)]
        return float(seen.std(ddof=1) / np.sqrt(len(seen))) if len(seen) > 1 else float("nan")

    def __repr__(self) -> str:
        """Return the figures a reader wants first."""
        bracket = ""
        if np.isfinite(self.lower_bits):
            trend = f"{self.trend_bits:.3f}" if self.trend_status == "ok" else self.trend_status
            bracket = f", at least {self.lower_bits:.3f}, settings ±{self.spread_bits:.3f}, extrapolated {trend}"
        return (
            f"Estimate({self.bits:.3f} ± {self.stderr:.3f} bits, null {self.null_bits:+.3f}{bracket}, "
            f"n={self.n}, {self.seconds:.1f} s)"
        )


def check_varies(**variables: np.ndarray) -> None:
    """Raise ``ValueError`` for the first variable whose rows are all equal."""
    for name, values in variables.items():
        if (values == values[0]).all():
            raise ValueError(
                f"{name} is constant over {len(values)} samples: information about it is 0 and needs no estimate."
            )
