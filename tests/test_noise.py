"""Noise of counts, images and sequences: moments, plain second implementations, and what must hold for any input."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse, stats

from helpers.laws.tolerance import NoiseAxis
from helpers.noise import NOISES, OF_CELLS, add_gaussian, pixelate, substitute, thin, thin_nested
from helpers.noise import counts as thinning
from helpers.noise.counts import thin_rows, thinned_view
from helpers.noise.sequences import rate_of

DTYPES = st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"])
COUNTS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8), elements=st.integers(0, 100)
    )
)
FRACTIONS = st.floats(1e-6, 1)
SEEDS = st.integers(0, 2**32 - 1)
HOW = {
    "thin": lambda counts, fraction, seed=0: thin(counts, fraction, seed),
    "thin_nested": lambda counts, fraction, seed=0: thin_nested(counts, [fraction], seed)[fraction],
}
BOTH = pytest.mark.parametrize("how", HOW.values(), ids=HOW.keys())


def plainly_nested(counts, fraction, seed):
    """Thin one molecule at a time, as the docstring of ``thin_nested`` says."""
    out = np.zeros_like(counts)
    for block in range(-(-len(counts) // 1024)):
        fate = iter(np.random.default_rng([seed, block]).random(int(counts[1024 * block :][:1024].sum())))
        for i in range(1024 * block, min(1024 * (block + 1), len(counts))):
            for j, count in enumerate(counts[i]):
                out[i, j] = sum(next(fate) < fraction for _ in range(count))
    return out


@BOTH
@given(counts=COUNTS, fraction=FRACTIONS, seed=SEEDS)
def test_thinning_only_ever_removes(how, counts, fraction, seed):
    before = counts.copy()
    thinned = how(sparse.csr_matrix(counts), fraction, seed)
    assert thinned.shape == counts.shape
    assert thinned.dtype == counts.dtype
    assert (thinned.data > 0).all(), "zeros are stored"
    assert (thinned.toarray() <= counts).all()
    assert (counts == before).all(), "the input was changed"
    assert (how(counts, fraction, seed) != thinned).nnz == 0, "dense and sparse input differ"


@BOTH
@given(counts=COUNTS)
def test_full_depth_keeps_every_molecule_in_a_copy(how, counts):
    given_counts = sparse.csr_matrix(counts)
    full = how(given_counts, 1.0)
    assert (full != given_counts).nnz == 0
    full.data[:] = 0
    assert given_counts.sum() == counts.sum()


@BOTH
@pytest.mark.parametrize("fraction", [0.004, 0.1, 0.9])
def test_thinned_counts_are_binomial(how, fraction):
    count, cells = 250, 40_000
    kept = how(np.full((cells, 1), count), fraction, 5).toarray()[:, 0]
    mean, variance = count * fraction, count * fraction * (1 - fraction)
    assert kept.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / cells))
    assert kept.var() == pytest.approx(variance, rel=0.06)


@BOTH
def test_a_thinned_poisson_is_poisson_and_genes_stay_independent(how):
    counts = np.random.default_rng(0).poisson([5.0, 40.0], (40_000, 2))
    kept = how(counts, 0.3, 1).toarray()
    assert kept.mean(axis=0) == pytest.approx([1.5, 12.0], rel=0.02)
    assert kept.var(axis=0) == pytest.approx([1.5, 12.0], rel=0.04)
    assert np.corrcoef(kept.T)[0, 1] == pytest.approx(0, abs=0.025)


@given(COUNTS, SEEDS)
def test_a_view_only_ever_removes_and_leaves_poor_cells_whole(counts, seed):
    seen = thinned_view(counts, 50, seed)
    assert (seen.toarray() <= counts).all()
    assert seen.dtype == counts.dtype
    poor = counts.sum(axis=1) <= 50
    assert (seen.toarray()[poor] == counts[poor]).all()


def test_depths_of_views_are_log_uniform():
    left = thinned_view(np.full((20_000, 4), 250_000), 100, 1).sum(axis=1).A1
    assert stats.kstest(np.log10(left), stats.uniform(2, 4).cdf).pvalue > 1e-3
    with pytest.raises(ValueError, match="fewest is 0"):
        thinned_view([[1]], 0)


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.051, 0.5])
def test_nested_thinning_against_a_plain_loop_across_the_block_boundary(fraction):
    counts = np.random.default_rng(2).poisson(2, (1030, 3))
    fast = thin_nested(counts, [fraction], seed=9)[fraction].toarray()
    assert (fast == plainly_nested(counts, fraction, 9)).all()


def test_blocks_of_rows_neither_share_random_numbers_nor_touch_each_other():
    counts = np.full((2048, 5), 20)
    kept = thin_nested(counts, [0.5])[0.5].toarray()
    assert (kept[:1024] != kept[1024:]).any()
    assert (thin_nested(counts[:1024], [0.5])[0.5].toarray() == kept[:1024]).all()
    counts[1024:] = 3
    assert (thin_nested(counts, [0.5])[0.5].toarray()[:1024] == kept[:1024]).all()


@given(counts=COUNTS, fractions=st.lists(FRACTIONS, min_size=1, max_size=5, unique=True), seed=SEEDS)
def test_depths_are_nested_and_independent_of_the_others_asked_for(counts, fractions, seed):
    depths = thin_nested(counts, fractions, seed)
    assert list(depths) == fractions
    ordered = [depths[f].toarray() for f in sorted(fractions)]
    assert all((less <= more).all() for less, more in pairwise(ordered))
    for fraction in fractions:
        assert (thin_nested(counts, [fraction], seed)[fraction] != depths[fraction]).nnz == 0


@given(COUNTS, FRACTIONS, SEEDS, st.integers(0, 5))
def test_survivors_are_the_same_looked_up_or_counted(counts, fraction, seed, first):
    counts = sparse.csr_matrix(counts)
    counts.eliminate_zeros()
    kept = []
    for rare in (0.0, 1.0):
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(thinning, "_RARE", rare)
            kept.append(thin_rows(counts, fraction, seed, 1024 * first))
    one, other = kept
    assert one.dtype == other.dtype == counts.dtype
    assert (one.indptr == other.indptr).all()
    assert (one.indices == other.indices).all()
    assert (one.data == other.data).all()


@pytest.mark.parametrize("fractions", [(0.5, 0.1), np.array([0.5, 0.1]), iter([0.5, 0.1])])
def test_fractions_come_in_any_list(fractions):
    depths = thin_nested(np.full((5, 3), 40), fractions, 1)
    assert list(depths) == [0.5, 0.1]
    assert (depths[0.1] != thin_nested(np.full((5, 3), 40), [0.1], 1)[0.1]).nnz == 0


@BOTH
def test_same_seed_same_molecules_other_seed_others(how):
    counts = np.full((50, 20), 30)
    assert (how(counts, 0.5, 1) != how(counts, 0.5, 1)).nnz == 0
    assert (how(counts, 0.5, 1) != how(counts, 0.5, 2)).nnz > 0


def test_a_generator_moves_on():
    rng, counts = np.random.default_rng(0), np.full((5, 5), 100)
    assert (thin(counts, 0.5, rng) != thin(counts, 0.5, rng)).nnz > 0


def test_nested_molecules_do_not_depend_on_how_the_matrix_is_stored():
    backwards = sparse.csr_matrix((np.array([30, 40]), np.array([2, 0]), np.array([0, 2])), shape=(1, 3))
    assert (thin_nested(backwards, [0.5])[0.5] != thin_nested(backwards.toarray(), [0.5])[0.5]).nnz == 0


@BOTH
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 1)])
def test_empty_matrices_and_cells_without_counts_stay_so(how, shape):
    thinned = how(np.zeros(shape, int), 0.5)
    assert (thinned.shape, thinned.nnz) == (shape, 0)


@BOTH
@pytest.mark.parametrize("fraction", [0, -0.1, 1.001, np.nan, np.inf, "0.5", None, True])
def test_impossible_fraction_is_told(how, fraction):
    with pytest.raises(ValueError, match=r"depth fraction is .*\(0, 1\].*0\.1 keeps 10 %"):
        how([[1]], fraction)


@BOTH
def test_normalised_values_are_refused(how):
    with pytest.raises(ValueError, match=r"holds 0\.5, not a whole number"):
        how([[0.5]], 0.5)


@BOTH
def test_unsigned_64_bit_counts_are_thinned(how):
    assert 0 < how(np.full((1, 1), 1000, np.uint64), 0.5).sum() < 1000


# Images


def pixels(shape=(2, 3, 12, 20), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=shape).astype(np.float32)


@given(st.integers(1, 20), st.integers(1, 24), st.integers(1, 24))
def test_pixelation_keeps_the_mean_of_every_tile(factor, height, width):
    images = pixels((2, height, width))
    if factor > max(height, width):
        with pytest.raises(ValueError, match="factor is"):
            pixelate(images, factor)
        return
    coarse = pixelate(images, factor)
    assert coarse.shape == images.shape
    np.testing.assert_allclose(coarse.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1e-5)
    for top in range(0, height, factor):
        for left in range(0, width, factor):
            tile = np.s_[:, top : top + factor, left : left + factor]
            means = images[tile].mean(axis=(1, 2), keepdims=True)
            np.testing.assert_allclose(coarse[tile], np.broadcast_to(means, images[tile].shape), atol=1e-5)
    np.testing.assert_allclose(pixelate(coarse, factor), coarse, atol=1e-6)


def test_no_noise_changes_nothing():
    images = pixels()
    assert (pixelate(images, 1) == images).all()
    assert (add_gaussian(images, 0.0, 1) == images).all()
    assert pixelate(images, 1) is not images
    assert substitute(["MFVX-", ""], 0.0, 1) == ["MFVX-", ""]


@given(st.floats(0.01, 100))
def test_gaussian_noise_has_its_spread_and_one_pattern(sigma):
    images = pixels((4, 3, 32, 32))
    added = add_gaussian(images, sigma, 7).astype(float) - images
    assert abs(added.mean()) < 5 * sigma / np.sqrt(added.size)
    assert added.std() == pytest.approx(sigma, rel=0.03)
    np.testing.assert_allclose(added / sigma, add_gaussian(images, 1.0, 7) - images, atol=1e-4 + 1e-5 / sigma)


def test_images_that_are_none_are_refused():
    for bad, told in (([[np.nan]], "NaN"), (["a"], "dtype")):
        with pytest.raises(ValueError, match=told):
            pixelate(bad, 1)
    with pytest.raises(ValueError, match="sigma is -1"):
        add_gaussian(pixels(), -1)
    with pytest.raises(ValueError, match="last two dimensions"):
        pixelate([1.0, 2.0], 2)


# Sequences


@given(st.floats(0, 1), st.integers(0, 100))
def test_substitution_has_its_rate_and_never_draws_the_same(rate, seed):
    sequence = "ACDEFGHIKLMNPQRSTVWY" * 200
    read = substitute([sequence], rate, seed)[0]
    wrong = sum(a != b for a, b in zip(sequence, read, strict=True))
    low, high = stats.binom.interval(1 - 1e-9, len(sequence), rate)
    assert low <= wrong <= high
    assert set(read) <= set("ACDEFGHIKLMNPQRSTVWY")
    if rate == 1:
        assert wrong == len(sequence)


@given(st.floats(0, 1), st.floats(0, 1))
def test_substitutions_are_nested(a, b):
    sequence = "MFVFLVLLPLVSSQCVNLTT" * 20
    few, many = (substitute([sequence], rate, 3)[0] for rate in sorted((a, b)))
    assert all(f in (s, m) for s, f, m in zip(sequence, few, many, strict=True))


def test_other_residues_are_drawn_alike_and_other_letters_stay():
    drawn = "".join(substitute(["A" * 19_000, "X-*B"], 1.0, 0))
    counts = pd.Series(list(drawn[:19_000])).value_counts()
    assert len(counts) == 19
    assert "A" not in counts
    assert stats.chisquare(counts).pvalue > 1e-4
    assert drawn[19_000:] == "X-*B"
    for bad, told in ((["MÄ"], "one-letter code"), (["mfv"], "upper-case"), ("MFV", "give a list of proteins")):
        with pytest.raises(ValueError, match=told):
            substitute(bad, 0.1)
    assert rate_of(np.inf) == 0
    with pytest.raises(ValueError, match="substitution rate is 2"):
        substitute(["M"], 2)


def test_hardly_any_noise_has_an_infinite_ratio():
    assert NoiseAxis("gaussian", 2).snr(1e-300) == NoiseAxis("gaussian", 2).snr(0) == np.inf


def test_signal_to_noise_of_images_and_sequences():
    assert NoiseAxis("gaussian", 2).snr(0.1) == pytest.approx(100)
    assert NoiseAxis("pixelation", 1).snr(10) == pytest.approx(0.1)
    assert NoiseAxis("gaussian", 1).snr(0) == np.inf
    with pytest.raises(ValueError, match="level of pixelation noise is 0"):
        NoiseAxis("pixelation", 1).snr(0)
    assert NoiseAxis("substitution").snr(rate_of(250.0)) == pytest.approx(250)


# Kinds of noise as classes


@pytest.mark.parametrize("name", NOISES)
def test_the_clean_level_is_a_level_and_the_ratio_returns_to_it(name):
    noise = NOISES[name]
    assert noise.check(noise.clean, "level") == noise.clean
    assert noise.level(noise.snr(noise.clean)) == noise.clean
    assert noise.axis
    assert noise.named(noise.clean)


@pytest.mark.parametrize("name", OF_CELLS)
def test_counts_keep_their_shape_and_stay_as_they_are_at_the_clean_level(name):
    counts = np.random.default_rng(0).poisson(3.0, (30, 5))
    noise = OF_CELLS[name]
    assert (noise.apply(counts, noise.clean, 1).toarray() == counts).all()
    assert noise.distance(noise.clean) == 0
    assert len(set(noise.roles.values())) == 3


def test_thinning_by_name_is_thin_nested():
    counts = np.random.default_rng(0).poisson(3.0, (1500, 4))
    thinning = OF_CELLS["thinning"]
    whole = thin_nested(counts, [0.3], 5)[0.3]
    assert (thinning.apply(counts, 0.3, 5) != whole).nnz == 0
    assert (thinning.apply(counts[1024:], 0.3, 5, 1024) != thin_rows(counts[1024:], 0.3, 5, 1024)).nnz == 0
    assert thinning.measured_snr(0.3, 812.5) == 812.5
    assert thinning.roles["train"] == "training cells thinned, probe clean"
    with pytest.raises(ValueError, match=r"depth is 0: it must be a number in \(0, 1\]"):
        thinning.check(0)
