"""The piece of the front page: what it shows is what was measured, and it needs nothing but itself."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from helpers._utils.validation import choose
from helpers.charts import noise_piece as drawn
from helpers.datasets.files import cache_folder
from helpers.findings import noise_piece
from helpers.noise import NOISES


@pytest.fixture(scope="module")
def piece():
    return noise_piece.kept()


@pytest.fixture(scope="module")
def html(piece):
    return drawn.html(piece)


@pytest.mark.parametrize("kind", drawn.KINDS)
def test_every_stop_is_a_measured_point_of_the_reference_results(piece, kind):
    measured = noise_piece.curves()[kind].replace(np.inf, np.nan)
    stops = piece[kind]["stops"]
    assert len(stops) == len(measured) >= 8
    for column in ("level", "bits", "low", "high"):
        np.testing.assert_allclose([stop[column] for stop in stops], measured[column], rtol=1e-5, atol=1e-9)
    across = [np.nan if stop["x"] is None else stop["x"] for stop in stops]
    np.testing.assert_allclose(across, measured["x"], rtol=1e-5)


def test_less_noise_is_to_the_right_and_the_ends_differ(piece):
    for kind, noise in (("cells", "thinning"), ("photograph", "pixelation"), ("protein", "substitution")):
        levels = [stop["level"] for stop in piece[kind]["stops"]]
        assert levels == sorted(levels, reverse=kind != "cells")
        assert levels[-1] == NOISES[choose(noise, NOISES, "noise")].clean
        assert piece[kind]["stops"][0]["high"] < piece[kind]["stops"][-1]["low"], "noise takes bits away"


def test_cells_melt_as_molecules_go(piece):
    """Groups by protein lie apart at full depth and come together: the share of spread that lies between them falls."""
    cells = piece["cells"]
    assert sum(cells["sizes"]) == noise_piece.SHOWN == len(cells["stops"][0]["xy"]) / 2
    assert len(cells["sizes"]) == len(cells["groups"]) == len(drawn.MARKS)
    of = np.repeat(range(len(cells["sizes"])), cells["sizes"])
    between = []
    for stop in cells["stops"]:
        xy = np.array(stop["xy"], float).reshape(-1, 2)
        centres = np.array([xy[of == group].mean(axis=0) for group in of])
        between.append(((centres - xy.mean(axis=0)) ** 2).sum() / ((xy - xy.mean(axis=0)) ** 2).sum())
    assert between[0] < 0.6 * between[-1]
    assert all(less < more + 0.05 for less, more in pairwise(between))


def test_misread_residues_stay_misread_and_are_as_many_as_the_rate_says(piece):
    stops = piece["protein"]["stops"]
    right = stops[-1]["residues"]
    wrong = [{i for i, (a, b) in enumerate(zip(stop["residues"], right, strict=True)) if a != b} for stop in stops]
    for stop, more, less in zip(stops, wrong, [*wrong[1:], set()], strict=True):
        assert less <= more
        spread = (len(right) * stop["level"] * (1 - stop["level"])) ** 0.5
        assert len(more) == pytest.approx(len(right) * stop["level"], abs=4 * spread + 1e-9)


def test_the_piece_is_small_whole_and_asks_for_nothing(html):
    assert len(html.encode()) < 150_000
    assert not re.findall(r"(?:src|href)=\"(?!data:image/webp;base64,)[^\"]*\"", html)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", html)
    pictures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(pictures) == 1 + 3 * 4 + len(drawn.MARKS), "marks, three stills and a curve each, a legend"
    for picture in pictures:
        ElementTree.fromstring(picture)
    named = [picture for picture in pictures if 'role="img"' in picture]
    assert all(len(re.search('aria-label="([^"]*)"', picture)[1]) > 30 for picture in named)


def test_stills_say_their_level_and_bits_with_units(html, piece):
    for kind, words in drawn.KINDS.items():
        for at in words.stills:
            stop = piece[kind]["stops"][at]
            caption = f"{words.label}: {drawn.value_of(kind, stop)}<br>{drawn.bits_of(stop)}"
            assert caption in html
            assert f"{stop['bits']:.2f} bits (95 % interval" in caption.replace("−", "-")


def test_points_stand_on_the_curve_where_the_axes_say(piece):
    stops = piece["cells"]["stops"]
    places = [stop["at"] for stop in drawn._carried("cells", piece["cells"])["stops"]]
    across = np.array([place[0] for place in places])
    slope = np.diff(across) / np.diff(np.log([stop["x"] for stop in stops]))
    np.testing.assert_allclose(slope, slope[0], rtol=0.02)
    up = np.diff([place[1] for place in places]) / np.diff([stop["bits"] for stop in stops])
    np.testing.assert_allclose(up, up[0], rtol=0.02)
    assert up[0] < 0


@pytest.mark.slow
@pytest.mark.skipif(
    not all((cache_folder() / name).is_dir() for name in ("citeseq_pbmc10k", "caltech101", "sarscov2_spike")),
    reason="the data are not here: NOISE_SCALING_DATA",
)
def test_the_script_makes_what_is_kept(piece):
    made = noise_piece.compute()
    for kind in drawn.KINDS:
        for now, before in zip(made[kind]["stops"], piece[kind]["stops"], strict=True):
            assert now.get("residues") == before.get("residues")
            assert now.get("tile") == before.get("tile")
    for now, before in zip(made["cells"]["stops"], piece["cells"]["stops"], strict=True):
        off = np.abs(np.subtract(now["xy"], before["xy"]))
        assert np.quantile(off, 0.99) <= 3, "processors differ in last digits"
