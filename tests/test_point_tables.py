"""Tables of points in every usual dialect give the same points; errors of points weigh them."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from helpers.book import cli
from helpers.laws import NoiseLaw
from helpers.store.point_tables import read_points, take_points

U, BITS = [10.0, 100.0, 1500.0], [0.25, 1.125, 1.75]
DIALECTS = {
    "commas": "u,bits\n10,0.25\n100,1.125\n1500,1.75\n",
    "a mark first": "\ufeffu,bits\n10,0.25\n100,1.125\n1500,1.75\n",
    "semicolons and decimal commas": "u;bits\n10;0,25\n100;1,125\n1500;1,75\n",
    "thousands": 'u,bits\n10,0.25\n100,1.125\n"1,500",1.75\n',
    "thousands with points": "u;bits\n10;0,25\n100;1,125\n1.500;1,75\n",
    "tabs and capitals": "U\tBITS\n10\t0.25\n100\t1.125\n1500\t1.75\n",
    "other names and columns": "donor,UMIs per cell,Information (bits)\na,10,.25\na,100,1.125\na,1.5e3,1.75\n",
    "blanks and a comment": "# of 2026\nu bits\n10  0.25\n100 1.125\n\n1500 1.75\n",
    "a separator at the end": "u;bits;\n10;0,25;\n100;1,125;\n1500;1,75;\n",
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_dialect_gives_the_same_points(tmp_path, text, packed):
    file = tmp_path / "points.csv"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    points = read_points(file, ("u", "bits"), ("n",))
    assert points.table.columns.tolist() == ["u", "bits"]
    assert points.table.to_numpy().tolist() == [list(pair) for pair in zip(U, BITS, strict=True)]
    assert points.taken.startswith("3 points: u")


def test_utf_16_and_parquet_are_read(tmp_path):
    (tmp_path / "a.csv").write_text(DIALECTS["tabs and capitals"], encoding="utf-16")
    pd.DataFrame({"u": U, "bits": BITS}).to_parquet(tmp_path / "b.parquet")
    first, second = (read_points(tmp_path / name, ("u", "bits")).table for name in ("a.csv", "b.parquet"))
    pd.testing.assert_frame_equal(first, second)


@given(st.lists(st.tuples(st.floats(0.01, 1e6), st.floats(-5, 5)), min_size=1, max_size=8), st.sampled_from(";\t|"))
def test_numbers_survive_decimal_commas(pairs, separator):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.csv"
        pd.DataFrame(pairs, columns=["u", "bits"]).to_csv(file, sep=separator, decimal=",", index=False)
        read = read_points(file, ("u", "bits"), decimal=",").table
    assert read.to_numpy().tolist() == [list(map(float, pair)) for pair in pairs]


def test_nats_and_their_errors_become_bits():
    table = pd.DataFrame({"u": U, "MI": np.array(BITS) * np.log(2), "se": [0.1, 0.1, 0.2]})
    points = take_points(table, ("u", "bits"), ("errors",), unit="nats").table
    assert points["bits"].tolist() == pytest.approx(BITS)
    assert points["errors"].tolist() == pytest.approx(np.array([0.1, 0.1, 0.2]) / np.log(2))


def test_one_curve_of_several_is_chosen():
    table = pd.DataFrame({"u": U * 2, "bits": [*BITS, 9, 9, 9], "representation": ["pca"] * 3 + ["scvi"] * 3})
    with pytest.raises(ValueError, match=r"holds 2 curves, by representation: 'pca, scvi'\. Choose one"):
        take_points(table, ("u", "bits"))
    assert take_points(table, ("u", "bits"), where={"representation": "pca"}).table["bits"].tolist() == BITS


def test_errors_weigh_points_as_repeats_do():
    """A point with an error √k times smaller counts as k points."""
    u, many = np.array([10.0, 30, 100, 300, 1000, 3000]), np.array([1, 4, 9, 1, 4, 2])
    bits = NoiseLaw(2.0, 150.0)(u) + np.random.default_rng(0).normal(0, 0.05, 6)
    weighted, repeated = (
        NoiseLaw.fit(u, bits, 0.3 / np.sqrt(many)),
        NoiseLaw.fit(np.repeat(u, many), np.repeat(bits, many)),
    )
    plain = NoiseLaw.fit(u, bits)
    for name, value in weighted.params.items():
        assert value == pytest.approx(repeated.params[name], rel=1e-6)
        assert value != pytest.approx(plain.params[name], rel=1e-3)
    # Equal errors change nothing, whatever their size; intervals follow the scatter.
    equal = NoiseLaw.fit(u, bits, np.full(6, 7.0))
    assert equal.params == pytest.approx(plain.params)
    assert equal.interval()["i_max"] == pytest.approx(plain.interval()["i_max"], rel=1e-6)
    low, high = weighted.interval()["i_max"]
    assert low < weighted.params["i_max"] < high


@pytest.mark.parametrize(("errors", "told"), [([1, 2], "errors has shape"), ([1, 1, -1], "errors holds -1")])
def test_errors_that_are_none_are_told(errors, told):
    with pytest.raises(ValueError, match=told):
        NoiseLaw.fit(U, BITS, errors)


def test_the_command_takes_columns_units_and_weights(tmp_path):
    table = pd.DataFrame({"a": U, "b": np.array(BITS) * np.log(2), "w": [1, 2, 3]})
    table.to_csv(tmp_path / "p.csv", index=False)
    words = ["fit", str(tmp_path / "p.csv"), "--x", "a", "--y", "b", "--unit", "nats", "--weights", "w"]
    said = CliRunner().invoke(cli.app, words)
    assert said.exit_code == 0, said.output
    assert "u from 'a', bits from 'b', weights from 'w', nats converted to bits" in said.output
    fit = NoiseLaw.fit(U, BITS, 1 / np.sqrt([1, 2, 3]))
    assert f"i_max  = {fit.params['i_max']:.4g}" in said.output
