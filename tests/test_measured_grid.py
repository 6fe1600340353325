"""What grids of depths and cells say without a law: gains, folds, plateaus; tolerance of noise read off the points."""

import numpy as np
import pandas as pd
import pytest

from helpers import findings
from helpers.charts.by_depth import by_depth
from helpers.charts.depth_intervals import depth_intervals
from helpers.findings import claims, depth_and_cells, how_deep
from helpers.laws import NoiseLaw
from helpers.laws.measured_tolerance import measured_tolerance, sensitivity
from helpers.store.measured_grid import Gains, MeasuredGrid

DEPTHS, SIZES = [0.01, 0.03, 0.1, 0.3, 1.0], [30, 100, 300, 1000, 3000]


def grid(bits, spread=0.0, seeds=3, rng=0, sizes=SIZES, depths=DEPTHS, **names):
    rng = np.random.default_rng(rng)
    keys = {"dataset": "d", "signal": "protein", "representation": "pca", "dim": 16, "settings": ""} | names
    return pd.DataFrame([
        {**keys, "n_train": n, "noise_level": q, "probe_noise_level": q, "umis_per_cell": 1000 * q, "seed": seed,
         "mi_bits": bits(n, 1000 * q) + 0.1 * seed + rng.normal(0, spread)}
        for n in sizes for q in depths for seed in range(seeds)
    ])  # fmt: skip


def adds(n, u):
    return 3 - 20 / u**0.7 - (n / 10) ** -0.5


def multiplies(fold):
    """Gains from cells that grow ``fold`` times with every tenfold depth."""
    return lambda n, u: 1 + 0.2 * np.log10(n / 3000) * fold ** np.log10(u / 1000)


def test_losses_that_add_gain_the_same_at_every_depth():
    gains = MeasuredGrid(grid(adds)).gain_of_cells(10)
    assert gains.at == pytest.approx(1000 * np.array(DEPTHS))
    assert gains.bits == pytest.approx((300 / 10) ** -0.5 - (3000 / 10) ** -0.5)
    assert gains.error == pytest.approx(0, abs=1e-12)
    assert gains.fold().value == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("fold", [0.4, 1.0, 1.8, 3.3])
@pytest.mark.parametrize("paired", [True, False])
def test_multiplied_gains_give_their_fold_back(fold, paired):
    measured = MeasuredGrid(grid(multiplies(fold)), paired)
    whole = measured.gain_of_cells(measured.span[1]).per_decade()
    assert whole.bits == pytest.approx(0.2 * fold ** np.log10(np.array(DEPTHS)))
    assert whole.fold().value == pytest.approx(fold, rel=1e-4)
    assert measured.gain_of_cells(10).bits == pytest.approx(whole.bits)
    assert measured.gain_of_cells(4).per_decade().bits == pytest.approx(whole.bits)  # interpolated in log cells


def test_intervals_of_gains_and_folds_cover_the_truth():
    inside = []
    for seed in range(150):
        measured = MeasuredGrid(grid(multiplies(1.8), spread=0.02, rng=seed))
        gains = measured.gain_of_cells(10)
        fold = gains.fold()
        inside.append((abs(gains.bits[-1] - 0.2) <= gains.half()[-1], fold.low <= 1.8 <= fold.high,
                       abs(measured.depth_over_cells(10).value - truth()) <= half_of(measured)))  # fmt: skip
    share = np.mean(inside, axis=0)
    assert (share[:2] > 0.9).all()
    assert share[0] <= 0.99
    assert share[2] > 0.94  # rather too wide, as the docstring says


def truth():
    bits = multiplies(1.8)
    return (bits(3000, 1000) - bits(3000, 100)) - 0.2


def half_of(measured):
    found = measured.depth_over_cells(10)
    return found.high - found.value


def test_gains_of_nothing_bound_no_fold():
    fold = MeasuredGrid(grid(lambda n, u: np.log(u), spread=0.02, rng=3)).gain_of_cells(10).fold()
    assert np.isnan(fold.value) or (fold.low == 0 and fold.high == np.inf) or fold.high > 100 * max(fold.low, 1e-3)
    assert np.isnan(Gains(np.array([1.0, 10, 100]), -np.ones(3), np.ones(3), 6, 10.0).fold().value)


def test_seeds_that_share_an_offset_do_not_widen_paired_gains():
    """Other tests shift each seed by 0.1 bits; unpaired, that is part of the error."""
    points = grid(adds)
    assert MeasuredGrid(points, paired=False).gain_of_cells(10).error == pytest.approx(0.1 * np.sqrt(2 / 3))


def test_depth_against_cells_is_the_difference_of_both():
    row = findings.depth_against_cells(grid(adds)).iloc[0]
    depth, cells = adds(3000, 1000) - adds(3000, 100), adds(3000, 1000) - adds(300, 1000)
    assert [row["step"], row["depth"], row["cells"], row["difference"]] == pytest.approx(
        [10, depth, cells, depth - cells]
    )


def test_where_less_than_tenfold_was_measured_the_last_halving_is_taken():
    row = findings.depth_against_cells(grid(adds, sizes=[1500, 3000])).iloc[0]
    assert row["step"] == 2
    assert row["cells"] == pytest.approx(adds(3000, 1000) - adds(1500, 1000))


def test_what_lacks_points_is_left_out():
    points = grid(adds)
    paired = MeasuredGrid(points[~((points["seed"] == 1) & (points["n_train"] == 300) & (points["noise_level"] == 1))])
    assert paired.seeds == 2
    lacking = points[~((points["n_train"] == 300) & (points["noise_level"] == 0.1))]
    assert len(MeasuredGrid(lacking, paired=False).gain_of_cells(10).at) == 4
    with pytest.raises(ValueError, match="the grid has 1 depths, 5 numbers of training cells and 3 seeds"):
        MeasuredGrid(points[points["noise_level"] == 1])
    with pytest.raises(ValueError, match="factor"):
        MeasuredGrid(points).gain_of_cells(1)
    assert len(MeasuredGrid(points).gain_of_cells(1000).at) == 0


@pytest.mark.parametrize(
    ("bits", "told"),
    [(adds, "holds"), (lambda n, u: 1 + 0.5 * np.log10(n) + 0.1 * np.log10(u), "does not hold"),
     (lambda n, u: 1 + 0.3 * np.log10(n * u), "not decided")],
)  # fmt: skip
def test_depth_is_judged_against_cells(bits, told):
    points = pd.concat([grid(bits, 0.01, rng=i, dataset=f"d{i}") for i in range(4)])
    claim = claims.depth_gains_more(findings.depth_against_cells(points))
    assert claim.verdict == told
    assert claims.depth_gains_more(findings.depth_against_cells(points).iloc[:0]).verdict == "not decided"


def test_plateaus_come_back_and_only_fixed_ones_are_given():
    top = NoiseLaw(2.0, 60.0)
    points = grid(lambda n, u: float(top(u)) - (n / 5) ** -0.6, spread=0.003)
    points["mi_bits"] -= 0.1 * points["seed"]
    table = depth_and_cells.plateaus(points)
    assert (table["status"] == "ok").all()
    assert table["bits"].to_numpy() == pytest.approx(top(table["umis_per_cell"]), abs=0.05)
    laws = depth_and_cells.plateau_laws(table, table[["dataset", "signal", "representation", "noise_level"]].assign(
        value=table["bits"]
    ))  # fmt: skip
    assert laws["fixed"].tolist() == [5]
    assert laws["beyond"][0] == pytest.approx((3000 / 5) ** -0.6, abs=0.05)
    assert laws["noise law"][0].startswith("agrees, R² ")
    assert laws["released"].tolist() == laws["noise law"].tolist()
    flat = depth_and_cells.plateaus(grid(lambda n, u: np.log10(u), spread=0.02))
    assert flat[flat["status"] != "ok"][["bits", "low", "high"]].isna().all(axis=None)
    assert depth_and_cells.plateau_laws(flat.assign(bits=np.nan))["noise law"].tolist() == ["too few"]


def test_typical_folds_leave_open_ones_out():
    table = depth_and_cells.fold_table(depth_and_cells.grids_of(pd.concat([
        grid(multiplies(1.5), 0.001, dataset="a"), grid(multiplies(2.4), 0.001, dataset="b"),
        grid(lambda n, u: np.log(u), 0.02, dataset="c"),
    ])))  # fmt: skip
    assert depth_and_cells.typical_fold(table.iloc[:2]) == pytest.approx(np.sqrt(1.5 * 2.4), rel=0.02)
    assert np.isnan(depth_and_cells.typical_fold(table.iloc[:0]))
    texts = depth_and_cells.to_read(table, {"fold": "fold"}).loc["a", "fold"]
    assert texts.iloc[0].startswith("1.50 [")


def levels(bits, spread=0.0, seeds=2):
    rng = np.random.default_rng(1)
    return pd.DataFrame([
        {"noise_kind": kind, "noise_level": level, "signal": f"{name} or not", "curve": f"{name} or not", "seed": seed,
         "mi_bits": full * (1 - lost(level, kind)) + (level != clean) * rng.normal(0, spread)}
        for kind, clean, of in (("gaussian", 0.0, [0.5, 1.0, 2.0, 4.0]), ("pixelation", 1.0, [2.0, 4.0, 8.0, 16.0]))
        for name, (full, lost) in bits.items() for level in (clean, *of) for seed in range(seeds)
    ])  # fmt: skip


def loses(per_doubling):
    return lambda level, kind: per_doubling * np.log2(max(level, 1.0) if kind == "pixelation" else 1 + level)


def test_levels_at_which_a_share_is_lost_are_those_put_in():
    points = levels({"watch": (0.4, loses(0.1)), "Faces": (0.8, loses(0.05))})
    table = measured_tolerance(points, 0.15).set_index(["noise_kind", "signal"])
    assert table.loc[("pixelation", "watch or not"), "level"] == pytest.approx(2**1.5)
    assert table.loc[("pixelation", "Faces or not"), "level"] == pytest.approx(2**3)
    assert table.loc[("pixelation", "watch or not"), "level_low"] == pytest.approx(2**1.5)
    assert measured_tolerance(points, 0.9)["level"].eq(np.inf).all()
    first = measured_tolerance(points, 0.02).set_index(["noise_kind", "signal"])["level"]
    lost = loses(0.1)(0.5, "gaussian")
    assert first["gaussian", "watch or not"] == pytest.approx(0.5 * 0.02 / lost)  # from 0, which has no logarithm
    with pytest.raises(ValueError, match="the noise-free level 1 and a noisy one are needed"):
        measured_tolerance(points[(points["noise_kind"] == "pixelation") & (points["noise_level"] > 1)])
    with pytest.raises(ValueError, match="share is 2"):
        measured_tolerance(points, 2)


def test_a_class_loses_more_by_what_was_put_in():
    points = levels({"watch": (0.4, loses(0.1)), "Faces": (0.8, loses(0.05))})
    more = sensitivity(points, "watch or not").set_index("noise_kind")["more"]
    assert more["pixelation"] == pytest.approx(0.05 * 2.5)
    with pytest.raises(ValueError, match="watch or not"):
        sensitivity(points, "watsh or not")


@pytest.mark.parametrize(
    ("watch", "spread", "told"), [(0.2, 0.002, "holds"), (0.05, 0.002, "does not hold"), (0.1, 0.05, "not decided")]
)
def test_watches_are_judged_by_what_they_lose(watch, spread, told):
    others = {name: (0.8, loses(0.1)) for name in ("Faces", "airplanes")}
    points = levels({"watch": (0.4, loses(watch)), **others}, spread)
    assert claims.watch_is_most_sensitive(points).verdict == told
    rest = points[points["signal"] != "watch or not"]
    assert claims.watch_is_most_sensitive(rest).verdict == "not decided"


def of_tasks():
    law, line = NoiseLaw(2.0, 100.0), lambda n, u: 0.5 * np.log10(u)
    depths = np.geomspace(0.01, 1.0, 8)
    return pd.concat([
        grid(lambda n, u: float(law(u)), 0.005, sizes=[100], depths=depths, dataset="law"),
        grid(line, 0.005, sizes=[100], depths=depths, dataset="line", signal="cell_type"),
    ])  # fmt: skip


def test_tasks_quote_umi90_only_where_the_law_holds():
    points = of_tasks()
    points["mi_bits"] -= 0.1 * points["seed"]
    table = how_deep.task_table(points, [("law", "protein")]).set_index("dataset")
    law = NoiseLaw(2.0, 100.0)
    assert table.loc["law", "umi90"] == pytest.approx(law.depth_for(0.9 * 2.0), rel=0.05)
    assert table.loc["law", ["status", "side"]].tolist() == ["ok", "above"]
    assert table.loc["line", "status"] == "misfit"
    assert np.isnan(table.loc["line", "umi90"])
    assert table["signals"].tolist() == ["independent of the counts", "from the counts"]
    shown = how_deep.tasks_to_read(table.reset_index())
    assert shown.loc["line, cell type", "UMI90"] == "(misfit)"
    numbers = how_deep.answers(table, 0.5)
    assert [numbers["tasks"], numbers["unreached"]] == [2, 0]
    assert numbers["depth_least"] < law.depth_for(law(1000.0) - 0.5) * 1.1


def test_published_tasks_stand_beside_what_was_printed():
    table = how_deep.published_tasks().set_index(["dataset", "signal", "representation"])
    assert table.loc[("pbmc_citeseq", "protein", "pca"), "printed"] == 18430
    assert table.loc[("larry", "clone", "pca"), "side"] == "below"
    assert table[table["status"] != "ok"]["umi90"].isna().all()
    assert len(how_deep.published_to_read(table.reset_index())) == 20


def test_charts_say_what_they_show():
    points = pd.concat([grid(adds, 0.01), grid(adds, 0.01, dataset="e", signal="cell_type")])
    table = depth_and_cells.gains_by_depth(depth_and_cells.grids_of(points))
    table = depth_and_cells.with_kind(table, "measured here", [("d", "protein")])
    chart = by_depth(table, "Gains", "gain (bits)", "2 curves, 3 seeds", zero=True).to_dict()
    assert "2 curves, 3 seeds; bars: 95 % intervals" in chart["description"]
    assert "measured here" in chart["description"]
    intervals = depth_intervals(how_deep.task_table(of_tasks(), []), "Depths", "2 tasks, 3 seeds").to_dict()
    assert "lines: 95 % intervals" in intervals["description"]
