"""Covariances of labelled cells: known answers, and what cannot be resolved is told."""

import numpy as np
import pytest

from helpers.datasets import load
from helpers.findings.channel_of_cells import measured_channels, split_covariances


@pytest.fixture(scope="module")
def cells():
    return load("pbmc68k")


def test_signal_biology_and_counting_noise_are_told_apart():
    rng = np.random.default_rng(0)
    n, classes = 40_000, 200
    means = rng.normal(size=(classes, 2)) * [3.0, 1.0]
    labels = np.repeat(np.arange(classes), n // classes)
    biology = means[labels] + rng.normal(size=(n, 2)) @ np.array([[1.0, 0.5], [0.0, 0.5]])
    one, two = (biology + rng.normal(size=(n, 2)) * [2.0, 0.7] for _ in range(2))
    sigma_y, sigma_u, noise = split_covariances(one, two, labels)
    np.testing.assert_allclose(sigma_y, np.cov(means.T, bias=True), atol=0.1)
    np.testing.assert_allclose(sigma_u, [[1.0, 0.5], [0.5, 0.5]], atol=0.1)
    np.testing.assert_allclose(noise, np.diag([4.0, 0.49]), atol=0.1)


def test_labels_without_signal_have_no_variance_between_classes():
    """Means of few cells differ by chance; that is taken off."""
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        biology = rng.normal(size=(60, 1))
        one, two = (biology + rng.normal(size=(60, 1)) for _ in range(2))
        found.append(split_covariances(one, two, rng.permutation(np.repeat(np.arange(12), 5)))[0][0, 0])
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(300)


def test_channels_of_real_cells(cells):
    channels = measured_channels(cells, dim=4)
    assert channels.i_max > cells.ceiling_bits, "a Gaussian signal has no entropy to stop at"
    np.testing.assert_allclose(measured_channels(cells, dim=4).total, channels.total)
    scaled = measured_channels(cells, dim=4, bits=2.0)
    assert scaled.i_max == pytest.approx(2.0)
    np.testing.assert_allclose(scaled.noise, channels.noise, rtol=1e-6)
    # The weakest of the kept directions is full within reach of the data.
    assert 1 / channels.noise[-1] < 10 * cells.umis_per_cell


def test_directions_lost_in_noise_are_told(cells):
    with pytest.raises(ValueError, match="not resolved there; take a smaller dim"):
        measured_channels(cells, dim=60)


def test_more_classes_than_cells_are_told():
    with pytest.raises(ValueError, match="number of classes is 3"):
        split_covariances(np.eye(3), np.eye(3), np.arange(3))
