"""From labelled cells to the vector Gaussian channel: covariances of signal, biology and counting."""

import numpy as np
from scipy import sparse

from helpers._utils.validation import as_labels, as_matrix, as_seed, in_range, same_length
from helpers.datasets import Dataset
from helpers.information.spectrum import Channels, scaled_to
from helpers.noise import thin
from helpers.preprocess.genes import prepare
from helpers.representations import build


def measured_channels(cells: Dataset, dim: int = 8, seed: int = 0, bits: float | None = None) -> Channels:
    """Return the Gaussian channel with the covariances that probe cells have in ``dim`` principal components.

    Genes and components are learned from the training cells. The molecules of each probe cell are split at random into
    two halves, which share its biology but not its counting noise; both are log-normalised and projected.
    ``split_covariances`` then gives Σ_Y, Σ_U and the noise of counting. In units of that noise the channel is that of
    P1 theorem 4.1 with α² = u / (mean UMIs of a half), taking the noise to be Gaussian and its variance to fall as 1/u.

    Parameters
    ----------
    cells : Dataset whose signal is labels
    bits : scale Σ_Y so that the channel has this I_max

    Returns
    -------
    Channels, with eigenvalues per UMI, so that depths are mean UMIs per cell.

    Raises
    ------
    ValueError
        If variation within classes is lost in counting noise in some direction: take fewer components.

    Examples
    --------
    >>> from helpers.datasets import load
    >>> channels = measured_channels(load("pbmc68k"), dim=4)
    >>> len(channels.noise), channels.i_max > 1
    (4, True)
    """
    seed = as_seed(seed)
    rng = np.random.default_rng(seed)
    counts, other = cells.counts[cells.probe], cells.other_umis[cells.probe]
    one, other_one = thin(counts, 0.5, rng), rng.binomial(other, 0.5)
    two, other_two = sparse.csr_matrix(counts - one), other - other_one
    ready = prepare(
        cells.counts[cells.train],
        sparse.vstack([one, two], format="csr"),
        cells.other_umis[cells.train],
        np.concatenate([other_one, other_two]),
    )
    model = build("pca", dim=dim, seed=seed).fit(ready.train)
    first, second = np.split(model.transform(ready.probe).astype(float), 2)
    sigma_y, sigma_u, counting = split_covariances(first, second, cells.signal[cells.probe])
    variance, axes = np.linalg.eigh(counting)
    if variance[0] <= 1e-9 * variance[-1]:
        raise ValueError(f"counting noise has no variance in some of the {dim} components: take a smaller dim.")
    white = axes / np.sqrt(variance)
    sigma_y, sigma_u = (_symmetric(white.T @ s @ white) for s in (sigma_y, sigma_u))
    lowest = np.linalg.eigvalsh(sigma_u)[0]
    if lowest <= 0:
        raise ValueError(
            f"variance within classes is {lowest:.2g} of the counting noise in the weakest of {dim} components: "
            "it is not resolved there; take a smaller dim."
        )
    half = (counts.sum() + other.sum()) / len(other) / 2
    # A variance between classes below 0 is sampling error: there is no signal in that direction.
    values, axes = np.linalg.eigh(sigma_y)
    sigma_y = _symmetric((axes * np.maximum(values, 0)) @ axes.T) / half
    return Channels.of(sigma_y, sigma_u / half) if bits is None else scaled_to(bits, sigma_y, sigma_u / half)


def split_covariances(
    one: np.ndarray, two: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the covariances between classes, within classes, and of the noise in which two readings differ.

    Analysis of variance on cross-products of two readings (cells, d) of the same cells, to which noise that they do not
    share adds nothing on average; what the finite number of cells adds to the variance of class means is taken off.
    Unbiased, so eigenvalues near zero may come out below it. The noise is that of one reading.
    """
    a, b, codes = as_matrix(one, "one"), as_matrix(two, "two"), as_labels(labels, "labels")
    n, classes = same_length(one=a, two=b, labels=codes), int(codes.max()) + 1
    in_range(classes, 2, n - 1, "number of classes", "Within-class variance needs more cells than classes.")
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    member = np.eye(classes)[codes]
    mean_a, mean_b = (member @ (member.T @ side / member.sum(axis=0)[:, None]) for side in (a, b))
    sigma_u = _symmetric((a - mean_a).T @ (b - mean_b)) / (n - classes)
    sigma_y = (_symmetric(mean_a.T @ mean_b) - (classes - 1) * sigma_u) / n
    return sigma_y, sigma_u, np.atleast_2d(np.cov((a - b).T)) / 2


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2
