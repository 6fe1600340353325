"""What theory predicts of the exponent of depth, where the answer is known."""

import numpy as np
import pytest

from helpers.findings import flattened
from helpers.laws import NoiseLaw, StretchedNoiseLaw


def test_cells_of_equal_depth_and_one_channel_are_the_law_itself():
    assert flattened.of_unequal_depths([0.0]).iloc[0] == pytest.approx(1.0, abs=1e-6)
    one = flattened.of_many_channels([0.0, 2.0], ["even", "turned"], draws=2, dim=1)
    np.testing.assert_allclose(one[["median", "low", "high"]], 1.0, atol=1e-5)


@pytest.mark.parametrize("i_max", [1.0, 3.0])
def test_unequal_depths_flatten_as_drawn_cells_do(i_max):
    expected = flattened.of_unequal_depths([0.4, 1.2], i_max)
    assert expected.is_monotonic_decreasing
    law, u = NoiseLaw(i_max, 1.0), np.geomspace(0.1, 10, 8)
    depths = np.exp(1.2 * np.random.default_rng(0).normal(size=200_000) - 0.72)
    drawn = [law(each * depths).mean() for each in u]
    assert StretchedNoiseLaw.fit(u, drawn).params["beta"] == pytest.approx(expected[1.2], abs=0.01)


def test_channels_of_one_noise_steepen_and_of_unequal_noise_flatten():
    table = flattened.of_many_channels([0.0, 2.0], ["even"], draws=5).set_index("spread")
    assert table.loc[0.0, "median"] > 1.05
    assert table.loc[2.0, "high"] < 0.8
    assert table.loc[0.0, "low"] == pytest.approx(table.loc[0.0, "high"])
    with pytest.raises(ValueError, match="draws is 0"):
        flattened.of_many_channels([0.0], draws=0)
    with pytest.raises(ValueError, match="spread is -1"):
        flattened.of_unequal_depths([-1.0])
