"""The tasks of the public benchmark: exact answers, and maps that change none."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal, multivariate_t, uniform

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from bmi import SOLVED, summary, table
from bmi_tasks import TASKS, additive_nats, normal_nats, student_nats

from helpers.information import cca, ksg

# As printed by the authors (their figure of all tasks), in nats.
PUBLISHED = {
    "1v1-normal-0.75": 0.41, "1v1-additive-0.1": 1.71, "1v1-additive-0.75": 0.33, "student-identity-1-1-1": 0.22,
    "multinormal-dense-2-2-0.5": 0.29, "multinormal-dense-3-3-0.5": 0.41, "multinormal-dense-5-5-0.5": 0.59,
    "multinormal-dense-25-25-0.5": 1.29, "multinormal-dense-50-50-0.5": 1.62, "multinormal-sparse-25-25-2-2.0": 1.02,
    "student-identity-2-2-1": 0.43, "student-identity-2-2-2": 0.19, "student-identity-3-3-2": 0.29,
    "student-identity-3-3-3": 0.18, "student-identity-5-5-2": 0.45, "student-identity-5-5-3": 0.30,
}  # fmt: skip


def near(values: np.ndarray, answer: float) -> None:
    """The mean of draws is the answer, up to four standard errors."""
    assert values.mean() == pytest.approx(answer, abs=4 * values.std() / np.sqrt(len(values)))


def test_there_are_forty_tasks():
    assert len(TASKS) == 40
    assert {task.dims for task in TASKS.values()} == {(d, d) for d in (1, 2, 3, 5, 25, 50)} | {(2, 1)}
    for task in TASKS.values():
        x, y = task.sample(60, 0, rotated=True)
        assert (x.shape, y.shape) == ((60, task.dims[0]), (60, task.dims[1]))
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()


@pytest.mark.parametrize(("name", "nats"), PUBLISHED.items())
def test_answers_are_those_published(name, nats):
    assert TASKS[name].nats == pytest.approx(nats, abs=0.0051)


@pytest.mark.parametrize("name", ["1v1-normal-0.75", "multinormal-dense-5-5-0.5", "multinormal-sparse-3-3-2-2.0"])
def test_the_density_ratio_of_normal_draws_has_the_exact_mean(name):
    task = TASKS[name]
    d = task.dims[0]
    dense = np.full((2 * d, 2 * d), 0.75 if d == 1 else 0.5)
    pairs = np.kron([[0, 1], [1, 0]], np.diag([0.8, 0.8] + [0] * (d - 2))) if "sparse" in name else dense
    covariance = pairs - np.diag(np.diag(pairs)) + np.eye(2 * d)
    assert normal_nats(covariance, d) == pytest.approx(task.nats)
    x, y = task.sample(20_000, 3)
    laws = [multivariate_normal(cov=c).logpdf for c in (covariance, covariance[:d, :d], covariance[d:, d:])]
    near(laws[0](np.hstack([x, y])) - laws[1](x) - laws[2](y), task.nats)


@pytest.mark.parametrize(("d", "dof"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_the_density_ratio_of_student_draws_has_the_exact_mean(d, dof):
    task = TASKS[f"student-identity-{d}-{d}-{dof}"]
    x, y = task.sample(20_000, 3)
    both, one = (multivariate_t(shape=np.eye(size), df=dof).logpdf for size in (2 * d, d))
    near(both(np.hstack([x, y])) - one(x) - one(y), task.nats)


def test_student_information_falls_to_none_as_tails_vanish():
    nats = [student_nats(3, 3, dof) for dof in (1, 2, 10, 1e4)]
    assert nats == sorted(nats, reverse=True)
    assert nats[-1] == pytest.approx(0, abs=1e-3)
    assert student_nats(2, 5, 3) == pytest.approx(student_nats(5, 2, 3))


@pytest.mark.parametrize("half_width", [0.1, 0.5, 0.75, 3.0])
def test_the_density_ratio_of_uniform_noise_has_the_exact_mean(half_width):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=100_000)
    y = x + rng.uniform(-half_width, half_width, len(x))
    overall = (uniform.cdf(y + half_width) - uniform.cdf(y - half_width)) / (2 * half_width)
    near(-np.log(2 * half_width) - np.log(overall), additive_nats(half_width))


def test_bent_tasks_are_their_base_once_unbent():
    """Every map can be undone: what is left is the pair with the closed form, draw by draw."""
    base = TASKS["multinormal-sparse-5-5-2-2.0"].sample(200, 1)
    uniform_pair = TASKS["normal_cdf-multinormal-sparse-5-5-2-2.0"].sample(200, 1)
    cubes = TASKS["half_cube-multinormal-sparse-5-5-2-2.0"].sample(200, 1)
    spirals = TASKS["spiral-multinormal-sparse-5-5-2-2.0"].sample(200, 1)
    for i in range(2):
        np.testing.assert_allclose(ndtri(uniform_pair[i]), base[i], atol=1e-6)
        np.testing.assert_allclose(np.sign(cubes[i]) * np.abs(cubes[i]) ** (2 / 3), base[i], atol=1e-9)
        angle = -(spirals[i] ** 2).sum(axis=1) / 5
        a, b = spirals[i][:, i], spirals[i][:, i + 1]
        np.testing.assert_allclose(np.cos(angle) * a - np.sin(angle) * b, base[i][:, i], atol=1e-9)
        np.testing.assert_allclose(np.sin(angle) * a + np.cos(angle) * b, base[i][:, i + 1], atol=1e-9)
    student, drawn_in = (TASKS[name + "student-identity-3-3-2"].sample(200, 1) for name in ("", "asinh-"))
    np.testing.assert_allclose(np.sinh(drawn_in[0]), student[0], rtol=1e-9)


def test_monotone_maps_of_one_dimension_keep_every_order():
    base = TASKS["1v1-normal-0.75"].sample(500, 2)
    for name in (
        "normal_cdf-1v1-normal-0.75",
        "1v1-bimodal-0.75",
        "wiggly-1v1-normal-0.75",
        "half_cube-1v1-normal-0.75",
    ):
        for side, bent in zip(base, TASKS[name].sample(500, 2), strict=True):
            np.testing.assert_array_equal(np.argsort(side[:, 0]), np.argsort(bent[:, 0]))
            assert TASKS[name].nats == TASKS["1v1-normal-0.75"].nats


def test_a_rotation_keeps_points_and_distances_and_a_seed_keeps_draws():
    task = TASKS["spiral-multinormal-sparse-5-5-2-2.0"]
    plain, turned, other = task.sample(100, 4), task.sample(100, 4, rotated=True), task.sample(100, 5)
    for i in range(2):
        np.testing.assert_allclose(turned[i] @ turned[i].T, plain[i] @ plain[i].T, atol=1e-9)
        assert np.abs(turned[i] - plain[i]).max() > 0.1
        assert np.abs(other[i] - plain[i]).max() > 0.1
        np.testing.assert_array_equal(task.sample(100, 4)[i], plain[i])


def test_estimators_that_are_exact_there_agree():
    x, y = TASKS["1v1-bimodal-0.75"].sample(4000, 0)
    assert ksg(x, y).bits * np.log(2) == pytest.approx(TASKS["1v1-bimodal-0.75"].nats, abs=0.06)
    x, y = TASKS["multinormal-dense-5-5-0.5"].sample(4000, 0, rotated=True)
    assert cca(x, y).bits * np.log(2) == pytest.approx(TASKS["multinormal-dense-5-5-0.5"].nats, abs=0.06)


def test_a_task_is_solved_by_its_mean_over_draws():
    rows = pd.DataFrame({
        "estimator": "lmi", "task": ["a", "a", "b"], "truth": [1.0, 1.0, 1.0], "estimate": [0.8, 1.1, 1.2],
        "seconds": [1.0, 3.0, 1.0],
    })  # fmt: skip
    lines = table(rows)
    assert lines["error"].tolist() == pytest.approx([-0.05, 0.2])
    assert lines["solved"].tolist() == [True, False]
    assert summary(lines, ["estimator"])[["tasks", "solved", "mean |error|", "worst"]].iloc[
        0
    ].tolist() == pytest.approx([2, 1, 0.125, 0.2])
    assert SOLVED == 0.1
