"""Codes that correlate, and which of their axes count."""

import numpy as np
import pytest

import helpers.information.paired as paired
from helpers.information import lmi
from helpers.information.axes import all_axes, shifted_ksg, straightened, telling_axes
from helpers.information.known_pairs import known_pair
from helpers.information.nets import Columns, Training

ROWS = np.arange(900), np.arange(900, 1200)


def gaussian(n: int, rho: float, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x, noise = np.random.default_rng(seed).normal(size=(2, n, d))
    return x, rho * x + np.sqrt(1 - rho**2) * noise


@pytest.mark.parametrize("bend", [np.exp, np.cbrt, lambda v: v**3, lambda v: v])
def test_straightened_columns_are_normal_and_in_order(bend):
    x = np.random.default_rng(0).normal(size=(4000, 2))
    straight = straightened(bend(x), np.arange(3000))
    for i in range(2):
        np.testing.assert_array_equal(np.argsort(straight[:, i]), np.argsort(bend(x)[:, i]))
        assert np.corrcoef(straight[:, i], x[:, i])[0, 1] > 0.995


def test_columns_of_few_values_stay_finite():
    values = np.repeat([[0.0, 1.0], [0.0, 2.0], [5.0, 1.0]], 400, axis=0)
    assert np.isfinite(straightened(values, np.arange(0, 1200, 2))).all()
    assert np.isfinite(straightened(np.ones((50, 1)), np.arange(30))).all()


def test_an_axis_that_is_the_square_of_another_is_left_out():
    u, v = gaussian(1200, 0.9, 2)
    with_squares = [np.column_stack([side[:, :1], side[:, 1:], side[:, :1] ** 2]) for side in (u, v)]
    axes = telling_axes(*with_squares, ROWS[1], k=3)
    assert axes.u.shape[1] == axes.v.shape[1] == 2
    assert shifted_ksg(axes.u, axes.v).mean() == pytest.approx(-np.log2(1 - 0.9**2), abs=0.2)


def test_unrelated_axes_show_nothing():
    u, v = np.random.default_rng(1).normal(size=(2, 1200, 4))
    for axes in (telling_axes(u, v, ROWS[1], k=3), all_axes(u[:, :2], v[:, :1], *ROWS, k=3)):
        assert axes.shown == pytest.approx(0, abs=0.15)


def test_codes_undo_what_bends_a_gaussian_pair():
    """Cubes of three correlated axes, turned: the best codes are the axes before the cubes."""
    rng = np.random.default_rng(0)
    u, v = gaussian(3000, 0.9, 3)
    x, y = (np.sign(side) * np.abs(side) ** 1.5 @ np.linalg.qr(rng.normal(size=(3, 3)))[0] for side in (u, v))
    linear, curved = paired.learn_pairs(
        *(Columns((side[None], np.zeros(1, int))) for side in (x, y)),
        np.arange(2000)[None], np.arange(2000, 2500)[None], 3, 0, Training(),
    )  # fmt: skip
    of_linear, of_curved = (
        sum(np.corrcoef(a[0, 2500:, i], b[0, 2500:, i])[0, 1] for i in range(3)) / 3 for a, b in (linear, curved)
    )
    assert of_curved > of_linear
    assert of_curved == pytest.approx(0.9, abs=0.05)


def test_nets_in_chunks_learn_what_they_learn_together(monkeypatch):
    x, y = (np.stack(side) for side in zip(*(gaussian(300, 0.8, 3, seed) for seed in range(3)), strict=True))
    which = np.arange(3)
    rows = np.tile(np.arange(200), (3, 1)), np.tile(np.arange(200, 300), (3, 1))

    def learned() -> list[np.ndarray]:
        tables = (Columns((side, which)) for side in (x, y))
        return [side for pair in paired.learn_pairs(*tables, *rows, 2, 0, Training(epochs=2)) for side in pair]

    together = learned()
    monkeypatch.setattr(paired, "_CHUNK", 1.0)
    for a, b in zip(learned(), together, strict=True):
        np.testing.assert_allclose(np.abs(a), np.abs(b), atol=1e-3)


@pytest.mark.parametrize(("task", "lost"), [("spread", 0.15), ("heavy_tailed", 0.35)])
def test_pairs_without_straight_axes_keep_most_of_two_bits(task, lost):
    """Predicting the mean left 0.5 and 0.4 bits behind."""
    found = lmi(*known_pair(task, 2.0, 4000, 8), null=False, codes="correlated").bits
    assert 2 - lost < found < 2.15
