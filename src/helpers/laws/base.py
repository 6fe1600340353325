"""What every law is: a formula with named parameters, and the fit that finds them from points."""

from typing import Any, ClassVar, Self

import numpy as np

from helpers._utils.validation import as_matrix, as_numbers, in_range, same_length
from helpers.laws.fit import EQUAL, Fit
from helpers.laws.misfit import RARE, lack_of_fit
from helpers.laws.solve import solved, valleys

VERSION = 1  # 2026-11-28 numbered

# Most bits of a point: 4^bits of a law's ceiling, up to three times that, must be a number.
MOST_BITS = 150.0


class Law:
    """Base of the laws: a formula of x with named parameters, and ``fit`` to find them from points.

    A subclass is a frozen dataclass whose fields are the parameters. It defines ``_formula`` and its
    derivatives in the coordinates of the search, which are the logarithms of the ``positive`` parameters.
    The ``x_name`` of a law of two variables names both, as "n and u"; its x has shape (…, 2).
    """

    x_name: ClassVar[str]
    y_name: ClassVar[str] = "bits"
    allowed: ClassVar[dict[str, tuple[float, float]]]
    positive: ClassVar[tuple[str, ...]]
    # What a parameter may be, and its unit as an error states it; without, any number (above 0 if positive).
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {}
    # Variables that may be 0.
    zero_allowed: ClassVar[tuple[str, ...]] = ()
    # Titles of the axes of a chart.
    axes: ClassVar[tuple[str, str]]
    # The law, and its slopes along the coordinates of the search, as Vega expressions of {x} and its parameters.
    vega: ClassVar[str]
    vega_slopes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name in self.allowed:
            positive = name in self.positive
            low, high, unit = self.ranges.get(name, (0.0 if positive else -1e300, 1e300, ""))
            in_range(getattr(self, name), low, high, name, unit, open_low=positive)

    def __call__(self, x: Any, other: Any = None) -> np.ndarray:
        """Return the law at ``x``, in bits.

        A law of two variables takes both, which broadcast, or pairs of them (…, 2).

        Raises
        ------
        ValueError
            If values are not numbers, or not positive; for two variables also for one of them alone, or shapes that do
            not broadcast.
        """
        names = self.x_name.split(" and ")
        if len(names) == 1 and other is not None:
            raise TypeError(f"{type(self).__name__} is a law of {self.x_name} alone: give one argument.")
        values = (as_numbers(x, self.x_name),) if len(names) == 1 else _both(x, other, *names)
        for name, column in zip(names, values, strict=True):
            good = column >= 0 if name in self.zero_allowed else column > 0
            if not good.all():
                rule = "0 or more" if name in self.zero_allowed else "above 0"
                raise ValueError(f"{name} holds {column[~good].flat[0]:g}: it must be {rule}.")
        return self._at(*values)

    def _at(self, *values: np.ndarray) -> np.ndarray:
        """Return the law at checked values of its variables."""
        x = values[0] if len(values) == 1 else np.stack(np.broadcast_arrays(*values), axis=-1)
        return self._formula(x, self._theta())

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Guesses along a path through the search; the valleys on it are polished."""
        raise NotImplementedError

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        """Edges of the search, wide of any data; in the units of the parameters."""
        raise NotImplementedError

    @classmethod
    def _bounds(cls, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the edges of the search in its coordinates."""
        edges = cls._limits(x, y).items()
        low, high = (np.array([np.log(e[i]) if n in cls.positive else e[i] for n, e in edges]) for i in (0, 1))
        return low, high

    def _doubt(self, x: np.ndarray) -> str:
        """Return why these x cannot fix the parameters even without noise, or an empty string."""
        raise NotImplementedError

    def objections(self, fit: Fit) -> list[tuple[str, float, float]]:
        """Return what may speak against the law at the points of its fit: in words, its p-value, what is too small."""
        p = lack_of_fit(fit)
        return [(f"the law misses the means of repeated points beyond their scatter (p = {p:.2g})", p, RARE)]

    @classmethod
    def expressions(cls, **terms: str) -> list[str]:
        """Return the law, and its slopes if it has them, as Vega expressions: for a page to compute.

        Parameters
        ----------
        **terms : what stands for a variable or a parameter; else it is a column of its name, such as ``datum.u_bar``

        Examples
        --------
        >>> from helpers.laws import CellNumberLaw
        >>> CellNumberLaw.expressions(x="datum.cells")[0]
        'datum.i_inf - pow(datum.cells / datum.n0, -datum.s)'
        """
        variables = cls.x_name.split(" and ")
        known = {name: f"datum.{name}" for name in (*variables, *cls.allowed)} | {"x": f"datum.{variables[0]}"} | terms
        return [template.format(**known) for template in (cls.vega, *cls.vega_slopes)]

    def _params(self) -> dict[str, float]:
        return {name: float(getattr(self, name)) for name in self.allowed}

    def _units(self) -> np.ndarray:
        """Return d parameter / d coordinate of the search: the value of a positive parameter, else 1."""
        return np.array([v if n in self.positive else 1.0 for n, v in self._params().items()])

    def _theta(self) -> np.ndarray:
        return np.array([np.log(v) if n in self.positive else v for n, v in self._params().items()])

    @classmethod
    def _from_theta(cls, theta: np.ndarray) -> Self:
        values = zip(cls.allowed, theta, strict=True)
        return cls(**{n: float(np.exp(v)) if n in cls.positive else float(v) for n, v in values})

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return d law / d parameter at ``x``, shape (len(x), parameters), in the parameters' units."""
        return self._slope(np.asarray(x, float), self._theta()) * (1 / self._units())

    @classmethod
    def fit(cls, x: Any, bits: Any, errors: Any = None) -> Fit:
        """Fit the law to points by least squares from many starts.

        Parameters
        ----------
        x : (n,) array, positive
        bits : (n,) array
            One value a point; repeat x for several seeds.
        errors : (n,) array, positive, optional
            Standard errors of the points, for weighted least squares. Only their ratios count: how far points scatter
            is read from the points.

        Raises
        ------
        ValueError
            For mismatched lengths, NaN, x or errors that are not positive, fewer distinct x than parameters, or bits
            that no estimate gives.
        """
        x, y = cls._checked(x, bits)
        return solved(cls, x, y, valleys(cls, x, y), weights=_weights(errors, len(x)))

    @classmethod
    def _checked(cls, *columns: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return points, the variables and then y, as x and y; raise where they cannot be fitted."""
        names = [*cls.x_name.split(" and "), cls.y_name]
        matrices = {name: as_matrix(values, name) for name, values in zip(names, columns, strict=True)}
        for name, values in matrices.items():
            if values.shape[1] != 1:
                raise ValueError(f"{name} has shape {values.shape}: give one value a point, repeating it for seeds.")
        same_length(**matrices)
        *variables, y = (values[:, 0] for values in matrices.values())
        far = np.abs(y) > MOST_BITS
        if cls.y_name == "bits" and far.any():
            raise ValueError(f"bits holds {y[far][0]:g}: information lies within ±{MOST_BITS:g} bits; fix the unit.")
        for name, values in zip(names, variables, strict=False):
            if not (values > 0).all():
                raise ValueError(f"{name} holds {values.min():g}: every value must be above 0.")
            if len(variables) > 1 and len(np.unique(values)) < 2:
                raise ValueError(f"{name} is {values[0]:g} at every point: the law needs two or more values of it.")
        x = variables[0] if len(variables) == 1 else np.column_stack(variables)
        distinct, needed = len(np.unique(x, axis=0)), len(cls.allowed)
        if distinct < needed:
            what, where = ("values", "on both sides of the bend") if x.ndim == 1 else ("pairs", "on a grid")
            raise ValueError(
                f"{distinct} distinct {what} of {cls.x_name} for {needed} parameters: "
                f"measure at {needed} or more, {where}."
            )
        return x, y


def _weights(errors: Any, n: int) -> np.ndarray:
    """Return what residuals are multiplied with for points of these standard errors; without any they are equal."""
    if errors is None:
        return EQUAL
    errors = as_matrix(errors, "errors")
    if errors.shape != (n, 1):
        raise ValueError(f"errors has shape {errors.shape}: give one standard error for each of {n} points.")
    if not (errors > 0).all():
        raise ValueError(f"errors holds {errors.min():g}: every standard error must be above 0.")
    weights = 1 / errors[:, 0]
    return weights / np.sqrt((weights**2).mean())


def _both(first: Any, second: Any, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    """Return two variables that broadcast, as given, or of pairs (…, 2) where the second is None."""
    if second is None:
        pairs = as_numbers(first, f"{one} and {other}")
        if pairs.ndim < 1 or pairs.shape[-1] != 2:
            raise ValueError(
                f"{one} has shape {pairs.shape}: give {other} too, or pairs of {one} and {other} in the last axis."
            )
        return pairs[..., 0], pairs[..., 1]
    first, second = as_numbers(first, one), as_numbers(second, other)
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise ValueError(
            f"{one} has shape {first.shape} and {other} {second.shape}: give as many of each, or one of either."
        ) from error
    return first, second
