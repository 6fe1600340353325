"""What bounds an estimate: critics on held-out samples, settings of the estimator, the trend with samples."""

import numpy as np
import pandas as pd
import pytest

from helpers import charts
from helpers.findings import brackets
from helpers.information import bracket, critics
from helpers.information.bounds import lower_bound
from helpers.information.known_pairs import known_pair


def test_a_line_in_one_over_n_is_extrapolated_and_a_bend_is_not():
    bits, status = bracket._at_infinity(2.0 - 0.1, [1.8, 1.8], [1.5, 1.6, 1.6, 1.7])
    assert (bits, status) == (pytest.approx(2.0), "ok")
    bits, status = bracket._at_infinity(2.0, [1.9, 1.9], [1.0, 1.0, 1.01, 0.99])
    assert np.isnan(bits)
    assert status.startswith("not straight in 1/n: off by 0.1")


def test_few_samples_have_no_trend():
    x = np.random.default_rng(0).normal(size=(799, 1))
    assert bracket.trend(x, x)[1] == "needs 800 samples, has 799"


def test_every_part_of_a_trend_has_its_share_of_each_label(monkeypatch):
    seen = []

    class Found:
        bits = 1.0

    def spy(pairs, seed, **options):
        seen.extend(y for _, y in pairs)
        return [Found() for _ in pairs]

    monkeypatch.setattr(bracket, "lmi_many", spy)
    y = np.repeat(["many", "rare"], [960, 40])
    assert bracket.trend(np.arange(1000.0), y, whole=1.0) == (pytest.approx(1.0), "ok")
    assert [int((part == "rare").sum()) for part in seen] == [20, 20, 10, 10, 10, 10]
    assert [len(part) for part in seen] == [500, 500, 250, 250, 250, 250]


def test_a_bracket_of_a_known_pair():
    x, y = known_pair("gaussian", 1.0, 800, 2, seed=5)
    found = bracket.bracketed(x, y, epochs=20)
    assert found.lower_bits < 1.0 + 2 * found.stderr
    assert 0 < found.spread_bits < 0.3
    assert found.trend_status == "ok"
    assert found.trend_bits == pytest.approx(1.0, abs=0.3)
    assert "at least" in repr(found)
    assert "extrapolated" in repr(found)


def test_a_smooth_signal_is_bounded_by_regression_and_shared_spread_by_the_net():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1200, 5))
    smooth = np.hstack([np.sin(1.5 * x[:, :1]), x[:, 1:2] ** 2]) + 0.3 * rng.normal(size=(1200, 2))
    assert lower_bound(x, smooth, steps=200).settings["critic"].startswith("regression")
    assert lower_bound(*known_pair("spread", 2.0, 1200, 4), steps=200).settings["critic"] == "learned"


def test_outliers_do_not_make_the_regression_critic_lie():
    """A residual with long tails costs a Gaussian critic all its information."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1200, 2))
    y = x + 0.2 * rng.standard_t(1.5, size=(1200, 2))
    parts = critics.splits(1200, 2, rng)
    critic = critics.RegressionCritics(x, y, parts, 0)
    gaussian = critics.RegressionCritics(x, y, parts, 0)
    gaussian.shapes = [(1e6, 1.0)] * 2
    of = [np.mean([critics.shown(c, f, part.judge).mean() for f, part in enumerate(parts)]) for c in (critic, gaussian)]
    assert of[0] > of[1] + 0.5
    assert of[0] > 1.0


def test_many_samples_are_judged_in_blocks(monkeypatch):
    x, y = known_pair("gaussian", 1.0, 1200, 2)
    parts = critics.splits(1200, 2, np.random.default_rng(0))
    critic = critics.RegressionCritics(x, y, parts, 0)
    whole = critics.shown(critic, 0, parts[0].judge)
    monkeypatch.setattr(critics, "_MOST", 150)
    blocks = critics.shown(critic, 0, parts[0].judge)
    assert len(blocks) == len(whole) == 600
    assert blocks.mean() == pytest.approx(whole.mean(), abs=0.05)
    assert not np.array_equal(blocks, whole)


def rare_signal(n):
    """Return x, and a signal that is 0 but in three samples."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 3)), np.zeros((n, 1))
    y[:3] = rng.normal(size=(3, 1))
    return x, y


def test_a_signal_that_some_part_lacks_has_no_trend_and_the_reason_is_given():
    bits, status = bracket.trend(*rare_signal(900), epochs=2)
    assert np.isnan(bits)
    assert status.startswith("a part of the samples cannot be estimated: y is constant over 225 samples")


def test_a_fold_in_which_the_signal_does_not_vary_is_judged_all_the_same():
    x, y = rare_signal(400)
    rows = np.arange(400)
    part = critics.Split(train=rows[100:300], stop=rows[300:], judge=rows[:100])
    gained = critics.shown(critics.RegressionCritics(x, y, [part], 0), 0, part.judge)
    assert np.isfinite(gained).all()


def of_brackets(**columns):
    row = {"of": "depth 1", "n": 1000, "bits": 1.0, "sampling": 0.05, "lower": 0.9, "spread": 0.02, "trend": 1.05}
    return pd.DataFrame([row | {"trend_status": "ok", "seconds": 1.0} | columns])


@pytest.mark.parametrize(
    ("columns", "wider"),
    [({}, False), ({"lower": 1.2}, True), ({"trend": 1.2}, True), ({"spread": 0.2}, True), ({"trend": np.nan}, False)],
)
def test_a_bracket_is_wider_than_sampling_where_any_part_of_it_is(columns, wider):
    assert brackets.wider_than_sampling(of_brackets(**columns)).tolist() == [wider]


def test_brackets_are_drawn_with_their_bounds():
    table = pd.concat([of_brackets(), of_brackets(of="depth 0.1", trend=np.nan)]).assign(
        dataset="toy", signal="protein"
    )
    chart = charts.brackets(table, "Bracket", "2 estimates").to_dict()
    assert "2 estimates" in str(chart["title"])
    assert {layer["mark"]["type"] for layer in chart["spec"]["layer"]} == {"rule", "circle", "point"}
