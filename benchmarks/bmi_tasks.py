"""The 40 tasks of a public benchmark of mutual-information estimators, each with its exact answer in nats.

Czyż et al., "Beyond normal: on the evaluation of mutual information estimators" (NeurIPS 2023, arXiv 2306.11078;
package ``benchmark-mi``). The definitions are theirs, names of tasks included; the generators are written for this
project. A task starts from a pair whose information has a closed form (normal, Student's t, uniform with uniform
noise) and maps x alone and y alone by functions that can be inverted, which changes no information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln, ndtr
from scipy.stats import ortho_group

Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Task:
    """A pair of variables that can be drawn, and the information they share.

    ``family`` groups tasks of one difficulty in tables; ``dims`` are the columns of x and of y.
    """

    name: str
    family: str
    dims: tuple[int, int]
    nats: float
    draw: Draw

    def sample(self, n: int, seed: int, rotated: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Draw n pairs, (n, dims[0]) and (n, dims[1]); ``rotated``: then turn x and y at random, each by itself."""
        x, y = self.draw(n, np.random.default_rng(seed))
        if rotated:  # a stream of its own: the points are those of the task as published
            rng = np.random.default_rng([seed, 1])
            x, y = (side @ ortho_group.rvs(side.shape[1], random_state=rng) if side.shape[1] > 1 else side
                    for side in (x, y))  # fmt: skip
        return x, y


def normal_nats(covariance: np.ndarray, dim_x: int) -> float:
    """Information of jointly normal x (the first ``dim_x`` coordinates) and y: ½ log(det Σ_x det Σ_y / det Σ)."""
    blocks = (covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:], covariance)
    logs = [np.linalg.slogdet(block)[1] for block in blocks]
    return float(logs[0] + logs[1] - logs[2]) / 2


def student_nats(dim_x: int, dim_y: int, dof: float) -> float:
    """Information of x and y that are jointly Student's t with unit dispersion; it falls to 0 as ``dof`` grows."""

    def entropy(d: int) -> float:
        shape = (dof + d) / 2
        normaliser = gammaln(dof / 2) - gammaln(shape) + d / 2 * np.log(dof * np.pi)
        return float(normaliser + shape * (digamma(shape) - digamma(dof / 2)))

    return entropy(dim_x) + entropy(dim_y) - entropy(dim_x + dim_y)


def additive_nats(half_width: float) -> float:
    """Information of x, uniform on [0, 1], and x plus noise that is uniform on ±``half_width``."""
    return half_width - np.log(2 * half_width) if half_width <= 0.5 else 1 / (4 * half_width)


def _normal(name: str, family: str, covariance: np.ndarray, dim_x: int) -> Task:
    root = np.linalg.cholesky(covariance)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.standard_normal((n, len(covariance))) @ root.T
        return z[:, :dim_x], z[:, dim_x:]

    return Task(name, family, (dim_x, len(covariance) - dim_x), normal_nats(covariance, dim_x), draw)


def _dense(d: int) -> Task:
    """Every two of all coordinates correlate by 0.5."""
    return _normal(f"multinormal-dense-{d}-{d}-0.5", "normal", (np.eye(2 * d) + 1) / 2, d)


def _two_pairs(d: int) -> Task:
    """Only the first two coordinates of x and y correlate, by λ²/(1 + λ²) with λ = 2."""
    covariance = np.eye(2 * d)
    for i in range(2):
        covariance[i, d + i] = covariance[d + i, i] = 0.8
    return _normal(f"multinormal-sparse-{d}-{d}-2-2.0", "normal", covariance, d)


def _student(d: int, dof: int) -> Task:
    """No coordinate correlates with another: x and y share how far out they are."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.standard_normal((n, 2 * d)) / np.sqrt(rng.chisquare(dof, (n, 1)) / dof)
        return z[:, :d], z[:, d:]

    return Task(f"student-identity-{d}-{d}-{dof}", "Student's t", (d, d), student_nats(d, d, dof), draw)


def _additive(half_width: float) -> Task:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(size=(n, 1))
        return x, x + rng.uniform(-half_width, half_width, (n, 1))

    return Task(f"1v1-additive-{half_width}", "one dimension", (1, 1), additive_nats(half_width), draw)


def _mapped(prefix: str, task: Task, to_x: Map, to_y: Map, family: str | None = None, dim_x: int = 0) -> Task:
    """Map x and y of a task by functions that can be inverted: its answer stays."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = task.draw(n, rng)
        return to_x(x), to_y(y)

    dims = (dim_x or task.dims[0], task.dims[1])
    return replace(task, name=prefix + task.name, family=family or task.family, dims=dims, draw=draw)


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _half_cube(values: np.ndarray) -> np.ndarray:
    return values * np.sqrt(np.abs(values))


def _wiggly_x(x: np.ndarray) -> np.ndarray:
    return x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)


def _wiggly_y(y: np.ndarray) -> np.ndarray:
    return y - 0.4 * np.sin(0.4 * y) + 0.17 * np.sin(1.3 * y + 3.5) + 0.02 * np.sin(4.3 * y - 2.5)


def _two_modes(share: float, low: float, high: float) -> Map:
    """Quantiles of a mixture of two unit normals; between the points of a grid a straight line, which inverts too."""
    grid = np.linspace(-10, 10, 20_001)
    levels = share * ndtr(grid - low) + (1 - share) * ndtr(grid - high)
    return lambda uniform: np.interp(uniform, levels, grid)


def _swiss_roll(uniform: np.ndarray) -> np.ndarray:
    angle = 1.5 * np.pi * (1 + 2 * uniform)
    return angle * np.hstack([np.cos(angle), np.sin(angle)]) / 21


def _spiral(first: int) -> Map:
    """Turn coordinates ``first`` and the next by the squared length over the dimension, an angle in radians."""

    def turn(values: np.ndarray) -> np.ndarray:
        angle = (values**2).sum(axis=1) / values.shape[1]
        a, b = values[:, first], values[:, first + 1]
        turned = values.copy()
        turned[:, first] = np.cos(angle) * a - np.sin(angle) * b
        turned[:, first + 1] = np.sin(angle) * a + np.cos(angle) * b
        return turned

    return turn


def _all_tasks() -> list[Task]:
    pair = _normal("1v1-normal-0.75", "one dimension", np.array([[1, 0.75], [0.75, 1]]), 1)
    uniform = _mapped("normal_cdf-", pair, ndtr, ndtr)
    student = replace(_student(1, 1), family="one dimension")
    modes = _mapped("", uniform, _two_modes(0.3, 0, 5), _two_modes(0.5, -1, 3))
    tasks = [
        pair, uniform, _additive(0.1), _additive(0.75), replace(modes, name="1v1-bimodal-0.75"),
        _mapped("wiggly-", pair, _wiggly_x, _wiggly_y), _mapped("half_cube-", pair, _half_cube, _half_cube),
        student, _mapped("asinh-", student, np.arcsinh, np.arcsinh),
        _mapped("swissroll_x-", uniform, _swiss_roll, _same, dim_x=2),
    ]  # fmt: skip
    tasks += [_dense(d) for d in (2, 3, 5, 25, 50)] + [_two_pairs(d) for d in (2, 3, 5, 25)]
    tasks += [_student(d, dof) for d, dof in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3))]
    bases = [_two_pairs(d) for d in (3, 5, 25)]
    levels = [_mapped("normal_cdf-", base, ndtr, ndtr, "normal, bent") for base in bases]
    tasks += levels + [_mapped("half_cube-", base, _half_cube, _half_cube, "normal, bent") for base in bases]
    tasks += [_mapped("spiral-", base, _spiral(0), _spiral(1), "spiral") for base in bases + levels]
    tasks += [_mapped("asinh-", _student(d, dof), np.arcsinh, np.arcsinh) for d, dof in ((2, 1), (3, 2), (5, 2))]
    return tasks


TASKS: dict[str, Task] = {task.name: task for task in _all_tasks()}
