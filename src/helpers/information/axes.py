"""Axes of two variables, paired one by one, and the information between them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from helpers.information.gaussian import canonical
from helpers.information.ksg import ksg_pointwise, neighbour_distance

# Entropy that a shift may add, relative to the information it takes out (to 1 bit at most): the shift is trusted in
# full up to the first share, not at all from the second on.
_ADDED_SHARE = (0.5, 1.0)
# Quantiles at which a column is drawn to those of a normal one.
_KNOTS = 64


@dataclass(frozen=True)
class Axes:
    """Paired axes of two variables, (n, r) and (n, s), and the bits between them that show on the stopping cells."""

    u: np.ndarray
    v: np.ndarray
    shown: float


def telling_axes(u: np.ndarray, v: np.ndarray, stop: np.ndarray, k: int) -> Axes:
    """Return those paired axes that raise the information between the rest, strongest first.

    An axis that correlates may still be a function of others, as the square of one is: beside them it holds nothing,
    and costs neighbours their accuracy. Only the estimate itself, on the stopping cells, can tell.
    """
    kept, best = [0], -np.inf
    for i in range(u.shape[1]):
        if i and correlation(u[stop, i], v[stop, i]) < 2.5 / np.sqrt(len(stop)):
            continue
        trial = [*kept, i] if i else [0]
        shown = float(shifted_ksg(u[stop][:, trial], v[stop][:, trial], k, "v").mean())
        if shown > best:
            kept, best = trial, shown
    return Axes(u[:, kept], v[:, kept], best)


def all_axes(x: np.ndarray, y: np.ndarray, train: np.ndarray, stop: np.ndarray, k: int) -> Axes:
    """Return variables of few columns whole, in canonical axes."""
    u, v = canonical(x, y, train) if max(x.shape[1], y.shape[1]) > 1 else (x, y)
    return Axes(u, v, float(shifted_ksg(u[stop], v[stop], k).mean()))


def straightened(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Map every column to a normal one by quantiles of the training cells: monotone, so no information changes.

    Between quantiles the map is a straight line: ranks would put values on a lattice, whose distances show no density.
    """
    few = min(_KNOTS, max(2, len(train) // 20))
    tail = 2 / len(train)
    levels = np.concatenate([[tail], (np.arange(few) + 0.5) / few, [1 - tail]])
    levels = np.unique(levels[(levels >= tail) & (levels <= 1 - tail)])
    normal, out = ndtri(levels), np.empty_like(values)
    for column in range(values.shape[1]):
        at = np.quantile(values[train, column], levels)
        at, first = np.unique(at, return_index=True)
        if len(at) < 2:
            out[:, column] = values[:, column]
            continue
        z = normal[first]
        piece = np.clip(np.searchsorted(at, values[:, column]) - 1, 0, len(at) - 2)
        slope = (z[piece + 1] - z[piece]) / (at[piece + 1] - at[piece])
        out[:, column] = z[piece] + slope * (values[:, column] - at[piece])
    return out


def unit(values: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread of each column; a constant column becomes zero."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def scaled(values: np.ndarray) -> np.ndarray:
    """Z-scores, clipped at ±10 as the published code does."""
    spread = values.std(axis=0)
    return np.clip((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -10, 10)


def spread_of(values: np.ndarray) -> np.ndarray:
    """Log distance from the middle, standardised, (n, 1): two variables may share it and nothing else."""
    return scaled(np.log(np.linalg.norm(values, axis=1, keepdims=True) + 1e-6))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation; 0 if either is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 1e-9 * len(a) else 0.0


def shifted_ksg(u: np.ndarray, v: np.ndarray, k: int = 3, shift: str = "uv") -> np.ndarray:
    """Pointwise information in bits between paired axes, most of it taken out exactly by a linear shift.

    The shift w of v by ρu leaves information that neighbours estimate well if v and w are alike in shape,
    and then their entropies are alike, too. Clusters or curves are smeared out by a shift: the
    entropies differ, by up to many bits, and neither they nor what is left can be estimated. So the shift is
    trusted in full while the entropies differ by up to half of what it takes out (counted to 1 bit at most), and KSG
    alone is taken from all of it on.

    Parameters
    ----------
    u, v : (n, r) and (n, s) arrays
        Column i of ``u`` pairs with column i of ``v``; columns without a partner are not shifted.
    shift : "u", "v" or "uv"
        Which is shifted by the other; both, and the mean taken, by default. A shifted variable needs a density:
        a code that may trace a curve, such as (z, z²), must not be one.

    Returns
    -------
    (n,) array, each cell's part of the identity in ``lmi``.
    """
    u, v = unit(u), unit(v)
    shifted, added, taken = shift_parts(u, v, k, shift)
    weight = trust(float(added.mean()), float(taken.mean()))
    if weight == 1:  # neighbours alone are counted only where they weigh
        return shifted
    return weight * shifted + (1 - weight) * ksg_pointwise(u, v, k, workers=1)


def trust(added: float, taken: float) -> float:
    """Return the weight of the shift, 0 to 1, by how alike in entropy it leaves the variables."""
    least, most = (share * min(1.0, taken) for share in _ADDED_SHARE)
    return float(np.clip((most - added) / max(most - least, 1e-12), 0, 1))


def shift_parts(u: np.ndarray, v: np.ndarray, k: int, shift: str) -> np.ndarray:
    """Information after the shift, the entropy it added, what it took out, (3, n), of standardised u and v."""
    none = np.zeros(len(u))
    turns = [(a, b, neighbour_distance(b, k, 1)) for name, a, b in (("v", u, v), ("u", v, u)) if name in shift]
    if not all(reach.all() for _, _, reach in turns):  # ties: no density, so no entropy; KSG counts them itself
        return np.stack([ksg_pointwise(u, v, k, 1), none, none])
    pairs = min(u.shape[1], v.shape[1])
    rho = np.clip((u[:, :pairs] * v[:, :pairs]).mean(axis=0), -1 + 1e-12, 1 - 1e-12)
    left_over = np.sqrt(1 - rho**2)
    gain = -np.log2(left_over).sum()
    shifted, added = np.zeros(len(u)), 0.0
    for a, b, reach in turns:
        w = b.copy()
        w[:, :pairs] = (b[:, :pairs] - rho * a[:, :pairs]) / left_over
        # Entropies after Kozachenko and Leonenko (1987): their constants cancel in h(b) − h(w).
        reach_w = np.maximum(neighbour_distance(w, k, 1), np.finfo(float).tiny)
        gone = b.shape[1] * np.log2(reach / reach_w)
        shifted += (gain + gone + ksg_pointwise(a, w, k, 1)) / len(turns)
        added = max(added, abs(float(gone.mean())))
    return np.stack([shifted, none + added, none + gain])
