"""Information about a signal that has labels and values, such as a cell's type and its surface proteins."""

from typing import Any

import numpy as np

from helpers._utils.validation import as_matrix, same_length
from helpers.information.estimate import Estimate
from helpers.information.lmi import lmi


def lmi_mixed(x: Any, labels: Any, values: Any, seed: int = 0, **options: Any) -> Estimate:
    r"""Estimate what x tells about labels and continuous values together, in bits.

    By the chain rule

    .. math:: I(x; (\ell, v)) = I(x; v) + I((x, v); \ell) - I(v; \ell),

    three estimates of kinds that ``lmi`` has, none of which splits the cells by label.

    Parameters
    ----------
    x, values : (n,) or (n, d) arrays
    labels : (n,) labels
    seed : int
    **options
        Options of ``lmi``, for all three.

    Returns
    -------
    Estimate
        ``pointwise`` and ``null_bits`` are sums and differences of those of the three, as ``bits`` is.

    Raises
    ------
    ValueError
        As ``lmi`` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> label = rng.integers(0, 2, 800)
    >>> x = np.column_stack([6.0 * label, np.zeros(800)]) + rng.normal(size=(800, 2))
    >>> found = lmi_mixed(x, label, x[:, 1:] + rng.normal(size=(800, 1)), null=False)   # exactly 1 + 0.5 bits
    >>> abs(found.bits - 1.5) < 0.2
    True
    """
    x, values = as_matrix(x, "x"), as_matrix(values, "values")
    same_length(x=x, values=values)
    parts = [(lmi(x, values, seed, **options), 1), (lmi(np.hstack([x, values]), labels, seed, **options), 1),
             (lmi(values, labels, seed, **options), -1)]  # fmt: skip
    pointwise = np.sum([sign * part.pointwise for part, sign in parts], axis=0)
    null = float(sum(sign * part.null_bits for part, sign in parts))
    settings = {**parts[0][0].settings, "estimator": "lmi_mixed"}
    seconds = sum(part.seconds for part, _ in parts)
    return Estimate(float(np.nanmean(pointwise)), pointwise, null, len(x), seconds, settings)
