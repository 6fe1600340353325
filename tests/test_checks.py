"""What users pass: accepted whatever its container, or refused with the value, the range and the mend."""

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from helpers._utils.validation import (  # fmt: skip
    as_counts,
    as_labels,
    as_matrix,
    as_rng,
    as_seed,
    check_sparse,
    choose,
    in_range,
    is_labels,
    same_length,
)

TABLE = [[0, 3, 1], [2, 0, 0]]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("pac", "did you mean 'pca'.*Known: pca, random_projection"),
        ("PCA", "did you mean 'pca'"),
        ("zzzz", "unknown representation 'zzzz'.*Known: pca, random_projection"),
        (None, "unknown representation None"),
    ],
)
def test_unknown_name_is_told_with_the_nearest_known(given, told):
    with pytest.raises(ValueError, match=told):
        choose(given, ["random_projection", "pca"], "representation")


def test_no_hint_where_nothing_is_near():
    with pytest.raises(ValueError, match="zzzz") as told:
        choose("zzzz", ["pca"], "representation")
    assert "did you mean" not in str(told.value)


@pytest.mark.parametrize("value", [1, 1.0, 0, 2, np.int8(1), np.float32(0.5)])
def test_in_range_returns_what_it_was_given(value):
    assert in_range(value, 0, 2, "depth") is value


@pytest.mark.parametrize("value", [-0.1, 2.1, np.nan, True, "1", None, [1], np.array(1.0)])
def test_in_range_tells_value_range_and_mend(value):
    with pytest.raises(ValueError, match=r"^depth is .*: it must be a number in \[0, 2\]\. Mend it\.$") as told:
        in_range(value, 0, 2, "depth", "Mend it.")
    assert repr(value) in str(told.value)


def test_open_interval_leaves_out_its_low_end():
    assert in_range(1e-300, 0, 1, "depth", open_low=True) > 0
    with pytest.raises(ValueError, match=r"depth is 0: .* in \(0, 1\]"):
        in_range(0, 0, 1, "depth", open_low=True)


def test_infinity_is_not_a_finite_number():
    with pytest.raises(ValueError, match="depth is inf"):
        in_range(np.inf, 0, np.inf, "depth")


CONTAINERS = {
    "list": lambda t: t,
    "dense": np.array,
    "fortran": np.asfortranarray,
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "coo": sparse.coo_matrix,
    "csr_array": sparse.csr_array,
    "frame": pd.DataFrame,
    "sparse frame": lambda t: pd.DataFrame(t).astype(pd.SparseDtype(int, 0)),
    "torch": torch.tensor,
    "anndata X": lambda t: anndata.AnnData(sparse.csr_matrix(t, dtype=float)).X,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_counts_from_any_container(container):
    counts = as_counts(CONTAINERS[container](TABLE))
    assert isinstance(counts, sparse.csr_matrix)
    assert counts.dtype.kind == "i"
    assert counts.toarray().tolist() == TABLE


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint16", "int64", "uint64", "float32", "float64"])
def test_counts_of_any_numeric_dtype(dtype):
    given = np.array(TABLE).clip(0, 1).astype(dtype)
    counts = as_counts(given)
    assert counts.dtype.kind in "iu"
    assert counts.toarray().tolist() == given.astype(int).tolist()


def test_counts_beyond_int32_are_kept():
    assert as_counts([[1e10]]).toarray().tolist() == [[10**10]]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_empty_counts_keep_their_shape(shape):
    assert as_counts(np.zeros(shape)).shape == shape


def test_repeated_entries_of_a_sparse_matrix_are_one_count():
    twice = sparse.csr_matrix((np.array([3, 4]), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    assert as_counts(twice).data.tolist() == [7]
    assert twice.nnz == 2, "the user's own matrix was changed"


def test_stored_zeros_and_entry_order_do_not_count():
    stored = sparse.csr_matrix((np.array([5, 0, 2]), np.array([2, 1, 0]), np.array([0, 3])), shape=(1, 3))
    counts = as_counts(stored)
    assert (counts.indices.tolist(), counts.data.tolist()) == ([0, 2], [2, 5])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([[1.5, 2]], r"mine holds 1\.5, not a whole number.*not normalised"),
        ([[np.nan, 1]], "mine holds NaN"),
        ([[np.inf, 1]], "infinite"),
        ([[-2, 1]], "mine holds -2: counts cannot be negative"),
        ([[-2.0, 1]], "mine holds -2: counts cannot be negative"),
        ([1, 2], r"mine has 1 dimension.*cells × genes"),
        (3, "mine has 0 dimension"),
        (None, "mine has 0 dimension"),
        (np.zeros((2, 2, 2)), "mine has 3 dimension"),
        ([[1j]], "mine holds .*non-numeric"),
        ([["a"]], "mine holds .*non-numeric"),
        (pd.DataFrame([[1, "a"]]), "mine holds .*non-numeric"),
        ([[1e300]], r"mine holds 1e\+300"),
    ],
)
def test_what_is_not_counts_is_told(given, told):
    with pytest.raises(ValueError, match=told):
        as_counts(given, "mine")


@pytest.mark.parametrize(
    "given",
    [
        np.ones((3, 2), np.float16),
        np.ones((6, 4))[::2, ::2],
        np.ones((3, 2), bool),
        torch.ones(3, 2, requires_grad=True),
        sparse.csc_matrix(np.ones((3, 2))),
        pd.DataFrame(np.ones((3, 2)), index=[9, 8, 7]),
        [[1, 1]] * 3,
    ],
)
def test_matrix_from_any_container(given):
    matrix = as_matrix(given, "x")
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous
    assert matrix.tolist() == [[1.0, 1.0]] * 3


def test_a_vector_is_one_column():
    assert as_matrix(pd.Series([1, 2, 3]), "x").tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([[1.0], [np.nan], [np.inf]], r"x holds NaN or infinite values in 2 of 3 rows \(first: row 1\)"),
        (["a"], "x has dtype <U1 .*give numbers"),
        ([1j], "x has dtype complex128"),
        (np.zeros((2, 2, 2)), r"x has shape \(2, 2, 2\): give \(samples,\)"),
        (None, "x has dtype object"),
    ],
)
def test_what_is_no_matrix_is_told(given, told):
    with pytest.raises(ValueError, match=told):
        as_matrix(given, "x")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (["a", "b"], True),
        ([1, 2], True),
        ([True, False], True),
        (pd.Categorical(["a", "b"]), True),
        (torch.tensor([0, 1]), True),
        ([0.5, 1.0], False),
        ([[1], [2]], False),
        (torch.tensor([0.5, 1.0]), False),
        (pd.Series([0.5, 1.5], dtype="Float64"), False),
        (pd.Series([0.5, 1.5], dtype=object), False),
    ],
)
def test_which_signals_are_labels(given, answer):
    assert is_labels(given) is answer


@pytest.mark.parametrize(
    "given",
    [
        ["b", "a", "b"],
        [7, -1, 7],
        [True, False, True],
        [2.5, 0.5, 2.5],
        pd.Series(["b", "a", "b"], index=[5, 3, 1]),
        pd.Categorical(["b", "a", "b"], categories=["c", "a", "b"]),
        torch.tensor([3, 2, 3]),
    ],
)
def test_labels_become_codes_in_sorted_order(given):
    assert as_labels(given, "y").tolist() == [1, 0, 1]


@pytest.mark.parametrize("missing", [[None, "a", "b"], [np.nan, 1.0, 2.0], pd.Categorical([None, "a", "b"])])
def test_missing_labels_are_told(missing):
    with pytest.raises(ValueError, match="y holds 1 missing labels: drop"):
        as_labels(missing, "y")


def test_a_matrix_is_no_label_vector():
    with pytest.raises(ValueError, match=r"y has shape \(2, 1\): labels are a vector"):
        as_labels([[1], [2]], "y")


def test_same_length_names_every_length():
    assert same_length(a=[1, 2], b=np.zeros((2, 5)), c=sparse.eye(2, format="csr")) == 2
    with pytest.raises(ValueError, match=r"a has 1 rows, b has 2 rows.*same cell"):
        same_length(a=[1], b=np.zeros((2, 5)))


@pytest.mark.parametrize("value", [2**64, -(2**64), 10**400, -(10**400)])
@pytest.mark.parametrize("whole", [True, False])
def test_whole_numbers_beyond_64_bits_are_out_of_range(value, whole):
    with pytest.raises(ValueError, match=r"k is .*: it must be a (whole )?number in"):
        in_range(value, 0, np.inf, "k", whole=whole)
    with pytest.raises(ValueError, match="seed is "):
        as_seed(value)


@pytest.mark.parametrize("value", [0, 7, 2**32 - 1, np.int8(3), np.uint64(5)])
def test_a_seed_is_a_whole_number_of_32_bits(value):
    assert as_seed(value) == value
    assert type(as_seed(value)) is int


@pytest.mark.parametrize("value", [-1, 2**32, 0.0, 1.0, np.float64(2), None, True, np.True_, "1", [1], np.array(1)])
def test_what_is_no_seed_is_told(value):
    with pytest.raises(ValueError, match=r"my seed is .*: it must be a whole number in \[0, 4294967295\]"):
        as_seed(value, "my seed")


def test_a_generator_is_taken_as_it_is():
    rng = np.random.default_rng(3)
    assert as_rng(rng) is rng
    assert as_rng(3).random() == as_rng(np.random.SeedSequence(3)).random() == np.random.default_rng(3).random()
    assert as_rng(None).random() != as_rng(None).random()


def damaged(kind, part, at, value):
    matrix = kind(sparse.csr_matrix(np.array([[1, 0, 2], [0, 3, 0], [4, 0, 0]])))
    getattr(matrix, part)[at] = value
    return matrix


@pytest.mark.parametrize(
    ("kind", "part", "at", "value"),
    [
        (kind, *damage)
        for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array)
        for damage in (("indices", 0, 3), ("indices", 3, -1), ("indptr", 1, 9), ("indptr", 1, -1), ("indptr", 2, 0),
                       ("indptr", 0, 1), ("indptr", 3, 99))
    ]
    + [(sparse.coo_matrix, part, 0, value) for part in ("row", "col") for value in (3, -1)],
)  # fmt: skip
@pytest.mark.parametrize("take", [as_counts, as_matrix, check_sparse])
def test_no_sparse_matrix_is_read_outside_itself(take, kind, part, at, value):
    with pytest.raises(ValueError, match=r"mine is damaged \(.*\): "):
        take(damaged(kind, part, at, value), "mine")


def test_lists_with_a_column_beyond_the_others_are_damaged():
    matrix = sparse.lil_matrix(np.array([[1, 0], [0, 2]]))
    matrix.rows[0] = [7]
    with pytest.raises(ValueError, match="mine is damaged"):
        as_counts(matrix, "mine")


@pytest.mark.parametrize("part", ["indices", "data"])
def test_a_sparse_matrix_with_arrays_of_other_lengths_is_damaged(part):
    matrix = sparse.csr_matrix(np.array([[1, 0, 2], [0, 3, 0]]))
    setattr(matrix, part, getattr(matrix, part)[:-1])
    with pytest.raises(ValueError, match="mine is damaged"):
        as_counts(matrix, "mine")


@pytest.mark.parametrize("take", [as_counts, as_matrix, as_labels])
def test_rows_of_other_lengths_are_told(take):
    with pytest.raises(ValueError, match="mine has rows of different lengths"):
        take([[1, 2], [3]], "mine")


@pytest.mark.parametrize("thing", [None, 3, np.float64(2), np.array(1), object()])
def test_what_has_no_length_is_told(thing):
    with pytest.raises(ValueError, match=r"b is .*: give an array with one row a cell"):
        same_length(a=[1], b=thing)


def test_a_matrix_needs_a_column():
    with pytest.raises(ValueError, match=r"x has shape \(3, 0\): it needs at least one column"):
        as_matrix(np.zeros((3, 0)), "x")
