"""Design: prices and their inverse, the best of a budget against a brute search, advice, and the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from helpers import design
from helpers.book import cli
from helpers.charts import calculator
from helpers.design import Prices
from helpers.laws import JointLaw, NoiseLaw, StretchedNoiseLaw

# Lanes shared and no doublets: the theory, as the calculator of the book has it.
SHARED = Prices(doublets=0.0, whole_lanes=False)
LAW = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
N, U = (side.ravel() for side in np.meshgrid([100, 300, 1000, 3000, 10_000], [30, 100, 300, 1000, 3000]))
NOISE = np.random.default_rng(0).normal(0, 0.03, len(N))


@pytest.fixture(scope="module")
def joint():
    return JointLaw.fit(N, U, LAW(N, U) + NOISE)


@pytest.fixture(scope="module")
def noise():
    u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    return NoiseLaw.fit(u, NoiseLaw(2.0, 150.0)(u) + 0.05 * np.random.default_rng(0).normal(size=18))


# Prices


@given(st.floats(1, 29_000), st.floats(0.01, 1))
def test_reads_and_molecules_are_inverse(umis, usable):
    prices = Prices(usable=usable)
    assert prices.umis_for(prices.reads_for(umis)) == pytest.approx(umis, rel=1e-9)
    assert prices.reads_for(umis) >= umis / usable * (1 - 1e-9), "no molecule without a read"
    assert Prices(usable=usable, complexity=np.inf).reads_for(umis) == pytest.approx(umis / usable)


def test_a_library_has_no_more_than_its_molecules():
    prices = Prices(complexity=1000)
    assert prices.reads_for([1000, 2000]).tolist() == [np.inf, np.inf]
    assert prices.umis_for(1e12) == pytest.approx(1000)
    # Drawing reads at random from 1,000 molecules, half of the reads usable.
    rng = np.random.default_rng(0)
    seen = np.mean([len(np.unique(rng.integers(0, 1000, 1500))) for _ in range(200)])
    assert prices.umis_for(3000) == pytest.approx(seen, rel=0.01)


@pytest.mark.parametrize(
    ("given_", "told"),
    [({"per_cell": 0}, "per_cell is 0"), ({"usable": 1.5}, r"usable is 1\.5: .*share of reads"),
     ({"complexity": -1}, "complexity is -1: .*molecules"),
     ({"per_million_reads": np.nan}, "per_million_reads is nan")],
)  # fmt: skip
def test_impossible_prices_are_told(given_, told):
    with pytest.raises(ValueError, match=told):
        Prices(**given_)


# The best of a budget


@pytest.mark.parametrize("budget", [200, 2000, 50_000])
@pytest.mark.parametrize("prices", [Prices(), Prices(1.0, 2.0, 0.8, np.inf), Prices(0.02, 10.0, 0.3, 5000),
                                    Prices(probe_cells=5, samples=2, per_sample=3, mapping=0.7)])  # fmt: skip
def test_no_experiment_of_the_same_price_is_better(budget, prices):
    ranges = {"depths": (10, 20_000), "cells": (10, 1e6)}
    cells, umis = design.optimum(LAW, budget, prices, **ranges)
    assert prices.cost(cells, umis) == pytest.approx(budget, rel=1e-6)
    rng = np.random.default_rng(0)
    u = np.exp(rng.uniform(np.log(10), np.log(20_000), 20_000))
    with np.errstate(divide="ignore"):
        n = (budget - prices.samples * prices.per_sample) / prices.cell_price(u) - prices.probe_cells
    allowed = (n >= 10) & (n <= 1e6)
    assert float(LAW(cells, umis)) >= LAW(n[allowed], u[allowed]).max() - 1e-9


def test_more_money_is_never_less_information():
    found = [design.optimum(LAW, b, Prices(), (10, 20_000), (10, 1e6)) for b in np.geomspace(50, 1e6, 30)]
    assert (np.diff([float(LAW(*f)) for f in found]) >= -1e-9).all()


def test_budgets_beyond_the_range():
    assert design.optimum(LAW, 1e9, Prices(), (10, 20_000), (10, 1000)) == pytest.approx((1000, 20_000))
    # As many cells as are considered, and the rest of the money for reads.
    cells, umis = design.optimum(LAW, 1000, Prices(), (10, 20_000), (10, 5000))
    assert cells == pytest.approx(5000, rel=1e-6)
    assert Prices().cost(cells, umis) == pytest.approx(1000, rel=1e-4)
    with pytest.raises(ValueError, match="complexity is 5: the library has fewer molecules a cell"):
        design.optimum(LAW, 1000, Prices(complexity=5), (10, 20_000), (10, 1000))
    with pytest.raises(ValueError, match="the range of depths is 1000 to 10"):
        design.optimum(LAW, 1000, Prices(), (1000, 10), (10, 1000))
    with pytest.raises(ValueError, match=r"budget is 0\.5: it buys at most 5 cells .* 10 or more are needed"):
        design.optimum(LAW, 0.5, Prices(), (10, 20_000), (10, 1000))


def test_equal_information_is_equal():
    depths = np.geomspace(50, 20_000, 40)
    cells = design.iso_information(LAW, 2.0, depths, (10, 1e7))
    known = np.isfinite(cells)
    assert known.sum() > 20
    np.testing.assert_allclose(LAW(cells[known], depths[known]), 2.0, atol=1e-9)
    assert (np.diff(cells[known]) < 0).all()
    assert float(LAW(1e7, depths[~known].max())) < 2.0


def test_a_plan_has_its_interval_and_says_where_it_ends(joint):
    best = design.plan(joint, 2000, SHARED)
    assert best.low < best.bits < best.high
    assert best.bits == pytest.approx(float(joint.law(best.cells, best.umis)))
    assert best.cost == pytest.approx(2000, rel=1e-6)
    inside = design.plan(joint, 2000, SHARED, depths=(30, 3000), sizes=(100, 10_000))
    assert inside.outside == ""
    assert "too narrow" not in design.in_words(inside, 2000)
    rich = design.plan(joint, 1e7, SHARED)
    assert "10.0-fold beyond the most cells measured (10,000)" in rich.outside
    assert "beyond the most UMIs per cell measured (3,000)" in rich.outside
    assert design.in_words(rich, 1e7).count(", where the interval is too narrow") == 2
    few = design.plan(joint, 1001, SHARED, cells=10_000)
    assert "below the fewest UMIs per cell measured (30)" in few.outside


@pytest.mark.parametrize("cells", [1, 10, 1000])
def test_a_plan_never_buys_the_last_molecule_of_a_library(noise, cells):
    best = design.plan(noise, 1e9, Prices(complexity=20.0, probe_cells=0), cells=cells)
    assert np.isfinite(best.cost)
    assert best.umis < 20


def test_the_order_adds_up(joint):
    prices = Prices(lane_cells=1000, lane_reads=1e6, doublets=0.0)
    order = design.plan(joint, 2000, prices).order(prices)["amount"]
    assert order["price of cells"] + order["price of reads"] == pytest.approx(order["price"])
    assert order["capture lanes"] == np.ceil(order["training cells"] / 1000)
    assert order["sequencing lanes"] == np.ceil(order["reads in all"] / 1e6)
    assert order["price"] == order["capture lanes"] * 100 + order["sequencing lanes"] * 4


# Whole lanes


LANES = [
    Prices(),
    Prices(0.05, 8.0, 0.7, 20_000, lane_cells=20_000, lane_reads=1e8, doublets=0.4, probe_cells=2000),
    Prices(0.2, 1.0, lane_cells=5000, samples=6, samples_a_lane=2, per_sample=40.0),
]


@pytest.mark.parametrize("budget", [3000, 9000, 60_000])
@pytest.mark.parametrize("prices", LANES)
def test_an_order_in_whole_lanes_is_never_above_the_budget_and_no_other_is_better(joint, budget, prices):
    if budget == 3000 and prices.samples == 6:
        with pytest.raises(ValueError, match=r"budget is 3000: .* the least considered, cost 3,640 in whole lanes"):
            design.plan(joint, budget, prices)
        return
    best = design.plan(joint, budget, prices)
    order = best.order(prices)["amount"]
    assert order["price"] == best.cost <= budget
    lane, flow = prices.lane_cells * prices.per_cell, prices.lane_reads * prices.per_million_reads / 1e6
    fixed = prices.samples * prices.per_sample
    assert order["price"] == pytest.approx(order["capture lanes"] * lane + order["sequencing lanes"] * flow + fixed)
    assert order["capture lanes"] % np.ceil(prices.samples / prices.samples_a_lane) == 0
    # By brute force: any cells and depth whose order is within the budget.
    rng = np.random.default_rng(0)
    (low_u, high_u), (low_n, high_n) = design.depth_range(joint), design.cell_range(joint)
    u = np.exp(rng.uniform(np.log(low_u), np.log(min(high_u, 0.99 * prices.complexity)), 4000))
    n = np.exp(rng.uniform(np.log(low_n), np.log(high_n), 4000))
    within = [design.order_for(prices, *pair).price <= budget for pair in zip(n, u, strict=True)]
    assert sum(within) > 20
    assert best.bits >= joint.law(n[within], u[within]).max() - 1e-6


def test_doublets_are_paid_for_and_are_no_cells():
    order = design.order_for(Prices(doublets=0.8), 9200, 1000)
    assert order.recovered == pytest.approx(10_000), "8 % of a full lane of 10,000"
    assert order.recovered * (1 - 0.8e-5 * order.recovered) == pytest.approx(9200)
    assert order.capture_lanes == 1
    assert order.loaded == pytest.approx(10_000 / 0.6)
    assert design.order_for(Prices(), 9201, 1000).capture_lanes == 2
    half = design.order_for(Prices(), 4600, 1000)
    assert 1 - 4600 / half.recovered < 0.045, "fewer cells in a lane, fewer doublets"
    labelled = design.order_for(Prices(samples=4, samples_a_lane=4), 9200, 1000)
    assert (labelled.unseen, order.unseen) == pytest.approx((200, 800)), "labels show three of four"
    apart = design.order_for(Prices(samples=4), 9200, 1000)
    assert apart.capture_lanes == 4, "samples that are not multiplexed have lanes of their own"


def test_mapping_and_probe_cells_and_samples_cost_what_they_must():
    assert Prices(mapping=0.5).reads_for(100) == pytest.approx(2 * Prices().reads_for(100))
    plain, probed = Prices(), Prices(probe_cells=500, samples=3, per_sample=7.0)
    assert probed.cost(1000, 300) == pytest.approx(plain.cost(1500, 300) + 21)
    assert probed.cells_for(float(probed.cost(1000, 300)), 300) == pytest.approx(1000)
    assert probed.umis_for(probed.reads_within(float(probed.cost(1000, 300)), 1000)) == pytest.approx(300)


# The least price of a target


@pytest.mark.parametrize("prices", [SHARED, Prices(), LANES[2]])
@pytest.mark.parametrize("bits", [1.8, 2.6])
def test_nothing_cheaper_reaches_the_target(joint, prices, bits):
    best = design.cheapest(joint, bits, prices)
    assert best.bits >= bits - 1e-9
    assert best.cost == pytest.approx(design.order_for(prices, best.cells, best.umis).price)
    rng = np.random.default_rng(1)
    u = np.exp(rng.uniform(np.log(30), np.log(12_000), 4000))
    n = np.exp(rng.uniform(np.log(100), np.log(100_000), 4000))
    reach = joint.law(n, u) >= bits
    assert reach.sum() > 20
    prices_of = [design.order_for(prices, *pair).price for pair in zip(n[reach], u[reach], strict=True)]
    assert best.cost <= min(prices_of) * (1 + 1e-3)


def test_the_last_bits_cost_the_most(joint):
    table = design.what_money_buys(joint, 20_000, SHARED)
    assert table["share"].tolist() == pytest.approx([0.5, 0.8, 0.9, 0.95, 0.99, 1.0], abs=2e-3)
    assert (table["price"].diff().dropna() > 0).all()
    assert (table["price per further bit"].diff().dropna() > 0).all()
    assert table["price"].iloc[-1] <= 20_000 * (1 + 1e-9)
    assert table["price"].iloc[2] < 0.1 * table["price"].iloc[-1], "nine tenths cost a fraction"
    few = design.what_money_buys(joint, 4000, Prices())
    assert few["price"].is_unique
    assert set(few["price"]) <= {2600.0, 3600.0}


def test_targets_out_of_reach_say_what_is_within(joint, noise):
    with pytest.raises(ValueError, match=r"bits is 2\.9: 300 buys 2\.\d+\. Lower the target or raise the budget"):
        design.cheapest(joint, 2.9, SHARED, budget=300)
    with pytest.raises(ValueError, match=r"the deepest and largest experiment considered gives 1\.9"):
        design.cheapest(noise, 3.0, SHARED, cells=2000)
    with pytest.raises(ValueError, match="bits is 0"):
        design.cheapest(joint, 0, SHARED)


@pytest.mark.parametrize("slope", [0.0, -0.1])
def test_a_flat_or_falling_pilot_is_refused(slope):
    u = np.repeat([10.0, 30, 100, 300, 1000, 3000], 3)
    points = pd.DataFrame({"u": u, "bits": 1 + slope * np.log10(u) + np.random.default_rng(2).normal(0, 0.03, 18)})
    with pytest.raises(ValueError, match=r"bits do not rise with depth: by 0\.0. from 10 to 3,000 UMIs"):
        design.plan(design.fit_pilot(points), 5000, SHARED, cells=1000)
    rising = points.assign(bits=points["bits"] + (0.1 - slope) * np.log10(u))
    assert design.plan(design.fit_pilot(rising), 5000, SHARED, cells=1000).bits > 1.2


# Kits


def test_kits_are_a_table_with_sources_and_a_readers_own_is_read(tmp_path):
    table = design.kits()
    assert set(table["kind"]) == {"capture", "sequencing"}
    assert table["source"].str.len().gt(20).all()
    assert design.prices_of() == Prices(), "one set of defaults"
    mine = tmp_path / "kits.csv"
    table.assign(price=table["price"] * 2).to_csv(mine)
    doubled = design.prices_of(table=design.kits(mine), samples=3)
    assert (doubled.per_cell, doubled.per_million_reads, doubled.samples) == pytest.approx((0.2, 8.0, 3))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,kind,price\na,capture,1\n", "has no column 'size'"),
        ("name,kind,price,size\na,lane,1,2\n", "kind is 'lane' in row 1"),
        ("name,kind,price,size\na,capture,dear,2\n", "price is 'dear' in row 1"),
    ],
)
def test_tables_that_are_no_kits_are_told(tmp_path, text, told):
    file = tmp_path / "kits.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=told):
        design.kits(file)


def test_a_noise_law_needs_the_number_of_cells(noise):
    with pytest.raises(ValueError, match="says nothing of the number of cells: give cells"):
        design.plan(noise, 1000, Prices())
    best = design.plan(noise, 400, SHARED, cells=2000)
    assert best.cells == 2000
    assert best.cost == pytest.approx(400, rel=1e-6)
    assert design.plan(noise, 1000, SHARED, cells=2000).umis == design.REACH * 3000
    with pytest.raises(ValueError, match="budget is 100: 2,000 cells alone cost 200"):
        design.plan(noise, 100, SHARED, cells=2000)


# Uncertainty


def test_drawn_laws_pass_through_the_points_and_follow_the_seed(joint):
    drawn = design.draws(joint, 100, seed=1)
    assert [vars(a) for a in drawn] == [vars(b) for b in design.draws(joint, 100, seed=1)]
    assert vars(drawn[0]) != vars(design.draws(joint, 100, seed=2)[0])
    rss = (joint.residuals**2).sum()
    worse = [((joint.y - law(N, U)) ** 2).sum() / rss for law in drawn]
    assert min(worse) >= 1 - 1e-9
    assert np.mean(worse) < 2
    assert all(0 < law.h0 < 1 and law.kappa >= -1 for law in drawn)


def test_draws_of_a_fixed_law_have_its_standard_errors(noise):
    drawn = design.draws(noise, 1000)
    for name in ("i_max", "u_bar"):
        values = [getattr(law, name) for law in drawn]
        assert np.mean(values) == pytest.approx(noise.params[name], abs=0.4 * noise.stderr[name])
        assert np.std(values) == pytest.approx(noise.stderr[name], rel=0.3)


def test_the_region_holds_the_true_optimum(joint):
    spread = design.region(joint, 2000, SHARED, 100)
    cells, umis = design.optimum(LAW, 2000, SHARED, design.depth_range(joint), design.cell_range(joint))
    for name, value in (("cells", cells), ("umis", umis)):
        low, high = spread[name].quantile([0.01, 0.99])
        assert low <= value <= high
    with pytest.raises(ValueError, match="no covariance to draw from"):
        design.draws(NoiseLaw.fit([10, 100], [1.0, 2.0]))


# Advice


def test_advice_is_what_the_law_says(joint):
    prices = SHARED
    table = design.advice(joint, (2000, 800), prices)
    law, value = joint.law, table["estimate"]
    assert value["information now (bits)"] == pytest.approx(float(law(2000, 800)))
    assert value["gain from 10× depth (bits)"] == pytest.approx(float(law(2000, 8000) - law(2000, 800)))
    assert value["gain from 10× cells (bits)"] == pytest.approx(float(law(20_000, 800) - law(2000, 800)))
    need = value["depth for 90% of that (UMIs per cell)"]
    assert float(law(2000, need)) == pytest.approx(0.9 * float(law(2000, np.inf)))
    assert value["price of that depth with these cells"] == pytest.approx(float(prices.cost(2000, need)))
    # As much money again, on reads alone.
    cost = prices.cost(2000, 800)
    deeper = prices.umis_for((2 * cost / 2000 - 0.1) / 4e-6)
    gain = float(law(2000, deeper) - law(2000, 800))
    assert value["gain of the same money on reads (bits)"] == pytest.approx(gain)
    assert ((table["low"] <= value) & (value <= table["high"])).all()


def test_what_to_buy_names_the_larger_gain(joint):
    table = design.advice(joint, (2000, 800), Prices())
    of_cells, of_reads = (table.loc[design.SAME_MONEY.format(w), "estimate"] for w in ("cells", "reads"))
    value, low, high = table.loc[design.DIFFERENCE]
    assert value == pytest.approx(of_cells - of_reads)
    told = design.what_to_buy(table)
    assert told.startswith("Cells or reads" if low < 0 < high else f"Buy {'cells' if value > 0 else 'reads'}:")
    shallow = design.advice(joint, (10_000, 30), Prices(per_cell=5.0))
    assert design.what_to_buy(shallow).startswith("Buy reads:")
    flat = design.advice(joint, (1e9, 3e6), Prices(complexity=np.inf))
    assert design.what_to_buy(flat).startswith("Neither")


@pytest.mark.parametrize(
    ("now", "prices", "share", "told"),
    [((2000, 800), Prices(), 1.0, r"share is 1\.0"), ((0, 800), Prices(), 0.9, "cells is 0"),
     ((2000, 800), Prices(complexity=500), 0.9, "depth is 800: .*no more molecules")],
)  # fmt: skip
def test_what_advice_cannot_answer_is_told(joint, now, prices, share, told):
    with pytest.raises(ValueError, match=told):
        design.advice(joint, now, prices, share)


def test_a_depth_beyond_the_library_has_no_price(joint):
    table = design.advice(joint, (2000, 200), Prices(complexity=300))
    assert "price of that depth with these cells" not in table.index
    assert np.isfinite(table.to_numpy()).all()


def test_a_noise_law_says_nothing_of_cells(noise):
    table = design.advice(noise, (2000, 800), Prices())
    assert not table.index.str.contains("10× cells").any()
    assert "measure several numbers of cells" in design.what_to_buy(table)


# Pilots and the calculator


def test_a_pilot_is_fitted_by_what_it_measured():
    both = pd.DataFrame({"n": N, "u": U, "bits": LAW(N, U) + NOISE})
    assert isinstance(design.fit_pilot(both).law, JointLaw)
    assert isinstance(design.fit_pilot(both[both["n"] == 100]).law, StretchedNoiseLaw)
    assert isinstance(design.fit_pilot(both[["u", "bits"]]).law, StretchedNoiseLaw)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bits": None}, "my file has no column 'bits': it has n, u"),
        ({"n": 0}, "my file: n holds 0: it is a number of training cells"),
        ({"n": np.nan}, r"my file: n is missing \(nan\) in row 1: give a number"),
        ({"bits": "high"}, "my file: bits is 'high' in row 1"),
        ({"u": -5.0}, "u holds -5"),
    ],
)
def test_pilots_that_cannot_be_fitted_are_told(change, told):
    table = pd.DataFrame({"n": N, "u": U, "bits": LAW(N, U)}).assign(**change)
    with pytest.raises(ValueError, match=told):
        design.fit_pilot(table.drop(columns=[c for c, v in change.items() if v is None]), "my file")


def test_a_pilot_may_call_its_columns_otherwise():
    table = pd.DataFrame({"Training cells": N, "UMIs per cell": U, "MI (bits)": LAW(N, U) + NOISE})
    fit = design.fit_pilot(pd.DataFrame({"n": N, "u": U, "bits": LAW(N, U) + NOISE}))
    assert design.fit_pilot(table).params == fit.params


def test_the_calculator_takes_joint_laws_only(joint, noise):
    spec = calculator.calculator({"one": joint}, Prices(), 1000.0, drawn=3).to_dict()
    assert [p["name"] for p in spec["params"]][:2] == ["curve", "log_budget"]
    with pytest.raises(TypeError, match="one is a NoiseLaw"):
        calculator.calculator({"one": noise}, Prices(), 1000.0)
    with pytest.raises(TypeError, match="needs a joint law"):
        calculator.budget_plane(noise, 1000.0, Prices(), "plane")


# The command line


def run(*words):
    return CliRunner().invoke(cli.app, ["design", *map(str, words)])


@pytest.fixture
def files(tmp_path):
    pd.DataFrame({"n": N, "u": U, "bits": LAW(N, U) + NOISE}).to_csv(tmp_path / "grid.csv", index=False)
    u = np.repeat([30, 100, 300, 1000, 3000], 2)
    pd.DataFrame({"u": u, "bits": NoiseLaw(2.5, 400.0)(u) + NOISE[:10]}).to_csv(tmp_path / "points.csv", index=False)
    return tmp_path


def test_a_pilot_with_a_budget_gives_tables_and_a_chart(files):
    said = run("--pilot", files / "grid.csv", "--budget", 10_000, "--per-cell", 0.2, "--to", files / "plan.json")
    assert said.exit_code == 0, said.output
    for word in (
        "of 10,000:",
        "as much money",
        "reads a cell",
        "capture lanes",
        "gain from 10× cells",
        "What money buys",
    ):
        assert word in said.output
    assert "e+0" not in said.output, "numbers are written out"
    assert "Cells are training cells" in said.output
    page = (files / "grid.design.html").read_text("utf8")
    assert "Design for" in page
    assert "vega" in page
    assert "<td>0.2</td>" in page, "the prices used are in the report"
    plan = json.loads((files / "plan.json").read_text("utf8"))
    assert plan["order"]["price"] == plan["plan"]["cost"] <= 10_000
    assert plan["prices"]["per_cell"] == 0.2
    assert plan["what_money_buys"][-1]["share"] == 1
    assert plan["fit"]["law"] == "JointLaw"


def test_a_pilot_of_depths_alone_says_what_it_assumes(files):
    said = run("--pilot", files / "points.csv", "--budget", 10_000, "--chart", files / "x.html", "--shared-lanes",
               "--to", files / "order.csv", "--share", 1)  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "5,000 assumed (--cells)" in said.output
    assert (files / "x.html").exists()
    order = pd.read_csv(files / "order.csv", index_col="order")["amount"]
    assert order["training cells"] == 5000


def test_a_target_in_bits_needs_no_budget(files):
    said = run("--pilot", files / "points.csv", "--bits", 2, "--cells", 2000, "--chart", files / "x.html")
    assert said.exit_code == 0, said.output
    assert "For 2,600: 2,000 training cells" in said.output


def test_kits_are_printed_as_they_are_read(files):
    said = run("--list-kits")
    (files / "mine.csv").write_text(said.stdout)
    assert design.kits(files / "mine.csv").equals(design.kits())
    said = run("--pilot", files / "points.csv", "--budget", 9000, "--kits", files / "mine.csv",
               "--capture-kit", "chromium_gemx_v4", "--sequencing-kit", "nextseq_2000_p3")  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "For 5,500 of 9,000" in said.output


def test_a_published_curve_needs_no_pilot(tmp_path):
    said = run("--published", "larry clone scvi", "--budget", 3000, "--chart", tmp_path / "x.html")
    assert said.exit_code == 0, said.output
    assert (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budget", 100], "give either --pilot"),
        (["--budget", 100, "--pilot", "no.csv"], "no.csv does not exist"),
        (["--budget", 100, "--published", "larry clone"], "unknown published curve"),
        (["--published", "larry clone scvi"], "give --budget MONEY, --bits TARGET, or both"),
        (["--budget", 1, "--published", "larry clone scvi", "--shared-lanes"], "budget is 1: it buys at most"),
        (["--budget", 100, "--published", "larry clone scvi"], "in whole lanes. Raise it, or share lanes"),
        (["--budget", 5000, "--published", "larry clone scvi", "--mapping", 0.7], "--usable is not"),
        (["--budget", 5000, "--published", "larry clone scvi", "--to", "plan.txt"], "--to is plan.txt: give a .json"),
        (["--budget", 5000, "--published", "larry clone scvi", "--capture-kit", "chromium"], "unknown capture kit"),
        (["--budget", 100, "--published", "larry clone scvi", "--usable", 2], "usable is 2"),
    ],
)
def test_what_cannot_be_planned_is_told(words, told):
    said = run(*words)
    assert said.exit_code != 0
    assert told in str(said.exception)
