"""Charts: valid, described, with units and uncertainty, and saying what they show."""

import numpy as np
import pandas as pd
import pytest

from helpers import charts
from helpers.charts import channels as channel_charts
from helpers.charts import widgets
from helpers.charts.drawn import MIME, PICTURE
from helpers.information.spectrum import simulate
from helpers.laws import CellNumberLaw, NoiseLaw, depth_advice, fit_groups, parameter_table, summary
from helpers.laws.scalar_approximation import depths_around, distances

LAWS = {"pca": NoiseLaw(2.0, 100.0), "random_projection": NoiseLaw(1.0, 400.0)}


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    rows = [
        {"representation": name, "curve": name, "noise_level": f, "probe_noise_level": f, "n_train": 100, "seed": s,
         "umis_per_cell": 3000 * f, "mi_bits": float(law(3000 * f)) + 0.02 * rng.normal(), "mi_stderr_bits": 0.03,
         "mi_null_bits": 0.01, "n_folds": 2}
        for name, law in LAWS.items() for f in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0) for s in (0, 1, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def fits(points):
    return fit_groups(points, NoiseLaw, "umis_per_cell")


def texts(spec):
    if isinstance(spec, dict):
        return [t for v in spec.values() for t in texts(v)]
    if isinstance(spec, list):
        return [t for v in spec for t in texts(v)]
    return [spec] if isinstance(spec, str) else []


def all_charts(points, fits):
    cells = points.assign(n_train=(points["noise_level"] * 1000).astype(int))
    table = pd.DataFrame({"representation": "lmi", "n_probe": 100, "dim": 4, "mi_ceiling_bits": [0.0, 1.0, 0.0, 1.0],
                          "mi_bits": [0.0, 0.9, 0.1, 0.8], "mi_stderr_bits": 0.05, "mi_null_bits": 0.0,
                          "seed": [0, 0, 1, 1]})  # fmt: skip
    channels = simulate("even", 1.0, 2.0, 3)
    seen = charts.spread(points, "umis_per_cell").rename(columns={"representation": "curve"})
    far = distances(["even", "power"], [0.0, 1.0], [2.0], [2, 3], [3.0], seeds=[0, 1])
    return {
        "channels": channel_charts.exact_and_nearest(
            {"three": (channels, depths_around(channels, 3.0))}, "T", "depth", seen, of_half=False
        ),
        "by_spread": channel_charts.by_spread(far, "T"),
        "by_stretch": channel_charts.by_stretch(far, "T"),
        "curves": charts.curves(points, fits, "umis_per_cell", "T", "quick", ceiling=2.5, mark="pca"),
        "cells": charts.curves(cells, fit_groups(cells, CellNumberLaw, "n_train"), "n_train", "T", "quick"),
        "collapse": charts.collapse(points, fits, "T", "quick"),
        "residuals": charts.residuals(points, fits, "umis_per_cell", "T", "quick"),
        "calibration": charts.calibration(table, "mi_ceiling_bits", "n_probe", "T", "quick"),
        "explorer": widgets.channel_explorer(),
        "fitted": charts.fitted_curve(fits["pca"]),
        "matrix": charts.matrix(points, "T", "quick"),
        "parameters": charts.parameters(
            parameter_table(
                fit_groups(points.assign(data="d"), NoiseLaw, "umis_per_cell", ["data", "representation"]),
                ["data", "model"],
            ),
            "T",
            "quick",
            colour="data",
        ),
        "loss": charts.loss_and_information(
            pd.DataFrame(
                {
                    "network": "d, s, seed 0",
                    "task": "d, s",
                    "depth": "1",
                    "noise_level": 1.0,
                    "step": ["0", "end"],
                    "order": [0, 9],
                    "loss": [9.6, 9.5],
                    "bits": [1.0, 1.1],
                    "low": [0.9, 1.0],
                    "high": [1.1, 1.2],
                }
            ),
            "T",
            "quick",
        ),
    }


def test_every_chart_draws_and_describes_itself(points, fits):
    import vl_convert

    for name, chart in all_charts(points, fits).items():
        spec = chart.to_dict()
        svg = vl_convert.vegalite_to_svg(spec)
        assert "NaN" not in svg, name
        assert len(spec["description"]) > 20, name
        assert any("bits" in t for t in texts(spec)), name


def test_measured_figures_say_points_seeds_profile_and_intervals(points, fits):
    for name in ("curves", "cells", "collapse", "residuals"):
        subtitle = all_charts(points, fits)[name].to_dict()["title"]["subtitle"]
        assert "36 points (3 seeds, mean of 2 folds), profile quick" in subtitle
        assert "95 % intervals" in subtitle


def test_the_interval_of_a_figure_has_both_parts(points):
    shown = charts.spread(points, "umis_per_cell")
    one = points[(points["representation"] == "pca") & (points["noise_level"] == 1.0)]["mi_bits"]
    row = shown[(shown["representation"] == "pca") & (shown["noise_level"] == 1.0)].iloc[0]
    half = 1.96 * np.sqrt(0.03**2 + one.var(ddof=1) / 3)
    assert row["bits"] == pytest.approx(one.mean())
    assert (row["low"], row["high"]) == pytest.approx((one.mean() - half, one.mean() + half))


def test_a_single_seed_still_has_an_interval(points, fits):
    shown = charts.spread(points[points["seed"] == 0], "umis_per_cell")
    assert (shown["high"] - shown["low"]).to_numpy() == pytest.approx(2 * 1.96 * 0.03)


def test_the_page_and_jupyter_get_a_type_they_draw(points, fits, monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns if it names another environment than this one
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    bundle, _ = shell.display_formatter.format(widgets.channel_explorer())
    assert MIME in bundle
    assert bundle[PICTURE].startswith("<svg")
    assert set(bundle) == {MIME, PICTURE, "text/plain"}, "one picture of one kind"


def test_tables_of_fits(fits):
    table = summary(fits)
    assert list(table.index) == ["pca", "random_projection"]
    low, high = fits["pca"].interval()["i_max"]
    assert table.loc["pca", "I_max (bits)"] == f"{fits['pca'].params['i_max']:.3g} [{low:.3g}, {high:.3g}]"
    assert (table["points"] == 18).all()
    with pytest.raises(ValueError, match="share is 90"):
        depth_advice(fits, 90)


def test_an_interval_that_reaches_zero_does_not_break_the_axis(points):
    fits = fit_groups(points.assign(data="d"), NoiseLaw, "umis_per_cell", ["data", "representation"])
    table = parameter_table(fits, ["data", "model"])
    table.loc[0, "u_bar_low"] = 0.0
    chart = charts.parameters(table, "T", "quick", colour="data").to_dict()
    assert "1 of 2 fits" in chart["title"]["subtitle"]
    assert [row["model"] for row in next(iter(chart["datasets"].values()))] == ["random_projection"]
