"""Joint laws: information as a function of training cells and depth together; ``JointLaw`` and its rivals."""

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from inspect import signature
from typing import Any, ClassVar, NamedTuple

import numpy as np

from helpers.laws.base import Law
from helpers.laws.beyond import Prior, chosen, with_prior
from helpers.laws.fit import Fit

_LOG4 = float(np.log(4))


class _Search(NamedTuple):
    """Where random starts of a parameter are drawn, the edges of its search, and mean and s.d. of its weak prior.

    All in the coordinates searched. Priors are the same for all data: they matter where points end.
    """

    drawn: tuple[float, float]
    edges: tuple[float, float]
    prior: tuple[float, float]


_SEARCH = {
    "i_max": _Search((-1.0, 2.3), (-4.0, 2.7), (0.5, 1.0)),
    "i_inf": _Search((-1.0, 2.3), (-4.0, 2.7), (0.5, 1.0)),
    "u_bar": _Search((1.0, 11.0), (0.0, 13.8), (6.5, 2.0)),
    "n0": _Search((1.0, 11.0), (0.0, 18.4), (6.5, 3.0)),
    "s": _Search((-1.6, 0.7), (-2.3, 1.4), (-0.5, 0.5)),
    "k": _Search((-0.8, 0.8), (-5.0, 5.0), (0.0, 0.3)),
    "kappa": _Search((-0.8, 1.5), (-1.0, 2.0), (0.0, 0.5)),
    "beta": _Search((-0.5, 0.4), (-0.92, 0.7), (0.0, np.inf)),  # its prior is measured (``laws.beyond``)
    "h0": _Search((-4.0, -0.7), (-6.0, -0.13), (-3.0, 1.5)),
}
_STARTS, _POLISHED = 300, 5


def _half_log(signal_to_noise: np.ndarray) -> np.ndarray:
    """½ log2(1 + x); a channel cannot take information away, so x is held above −1."""
    return np.log1p(np.maximum(signal_to_noise, -0.999999)) / _LOG4


def _power(log_ratio: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(log_ratio, -80, 80))


def _gain(bits: np.ndarray) -> np.ndarray:
    """4^bits − 1, the signal-to-noise ratio that passes so many bits."""
    return np.expm1(_LOG4 * np.clip(bits, -30, 30))


class TwoVariableLaw(Law):
    """Base of laws of two variables, training cells ``n`` and depth ``u``; x is the pair, shape (points, 2).

    A subclass defines ``_bits`` of its coordinates, which broadcasts over sets of parameters.
    """

    x_name: ClassVar[str] = "n and u"
    zero_allowed: ClassVar[tuple[str, ...]] = ("u",)

    @classmethod
    def _bits(cls, n: np.ndarray, u: np.ndarray, *theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _at(self, *values: np.ndarray) -> np.ndarray:
        n, u = values
        with np.errstate(divide="ignore"):
            return self._bits(np.log(n), np.log(u), *self._theta()) + np.zeros(np.broadcast_shapes(n.shape, u.shape))

    @classmethod
    def _formula(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return cls._bits(*np.log(x).T, *np.moveaxis(np.asarray(theta)[..., None], -2, 0))

    @classmethod
    def _slope(cls, x: np.ndarray, theta: np.ndarray) -> np.ndarray:
        step = 1e-5 * np.eye(len(theta))
        up, down = cls._formula(x, theta + step), cls._formula(x, theta - step)
        return (up - down).T / 2e-5

    @classmethod
    def _limits(cls, x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
        edges = {name: _SEARCH[name].edges for name in cls.allowed}
        return {name: tuple(np.exp(ends)) if name in cls.positive else ends for name, ends in edges.items()}

    @classmethod
    def _bounds(cls, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.array([_SEARCH[name].edges for name in cls.allowed]).T
        return low, high

    @classmethod
    def _starts(cls, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        drawn = np.column_stack([rng.uniform(*_SEARCH[name].drawn, _STARTS) for name in cls.allowed])
        drawn[:, 0] = np.log(max(float(y.max()), 0.05)) + rng.uniform(0, 0.7, _STARTS)
        drawn[:, 1] = np.log(x[:, 1].max()) + rng.uniform(-4, 1.5, _STARTS)
        drawn = np.clip(drawn, *cls._bounds(x, y))
        costs = ((cls._formula(x, drawn) - y) ** 2).sum(axis=1)
        return list(drawn[np.argsort(np.nan_to_num(costs, nan=np.inf))[:_POLISHED]])

    def objections(self, fit: Fit) -> list[tuple[str, float, float]]:
        """Return nothing: grids of cells and depths are judged by what was held out (``laws.compare``)."""
        return []

    def _doubt(self, x: np.ndarray) -> str:
        (most_cells, deepest), params = x.max(axis=0), self._params()
        doubts = []
        if params["u_bar"] > 5 * deepest:
            doubts.append(f"ū = {params['u_bar']:.3g} lies far above the deepest point ({deepest:.3g}); measure deeper")
        if params["n0"] > 20 * most_cells:
            doubts.append(f"N0 = {params['n0']:.3g} lies far above the most cells ({most_cells:.3g}); use more cells")
        return "; ".join(doubts)

    @classmethod
    def fit(cls, n: Any, u: Any, bits: Any, priors: bool | Prior = False) -> Fit:  # type: ignore[override]
        """Fit the law to points by least squares from many starts.

        Parameters
        ----------
        n, u, bits : (points,) arrays
            Training cells, depth, information; repeat n and u for several seeds.
        priors : bool or laws.beyond.Prior
            For predictions beyond the points: priors, the same for all data, keep parameters that the points leave
            free near usual values, and limits hold what such laws missed on other grids.

        Raises
        ------
        ValueError
            For mismatched lengths, NaN, n or u that are not positive, a single n or u, fewer distinct pairs than
            parameters, or bits that no estimate gives.
        """
        x, y = cls._checked(n, u, bits)
        weak = {name: _SEARCH[name].prior for name in cls.allowed}
        return with_prior(cls, x, y, cls._starts(x, y), chosen(priors), weak, tolerance=1e-10)


@dataclass(frozen=True)
class JointLaw(TwoVariableLaw):
    r"""Information of a representation learned from N cells of depth u, in bits.

    .. math:: I(N, u) = \tfrac12 \log_2\left[1 + \frac{4^{I_\infty} - 1}{X}
              \left(h_0 + \frac{1 - h_0}{1 + (N_0/N)^s X^κ}\right)\right],
              \qquad X = 1 + (\bar u/u)^β

    X is the noise of measurement: with unlimited cells and β = 1 this is the noise law with I_max = I_inf. The second
    factor is the share of the signal-to-noise ratio that a representation learned from N cells reaches: a share h0
    needs no learning, the rest grows with N, and noisier cells (κ > 0) need more of them. Chosen among rivals by
    held-out cells of the published grids (``notebooks/analyses/joint_law``).

    Parameters
    ----------
    i_inf : float > 0
        Information with unlimited cells and depth, bits.
    u_bar : float > 0
        Depth at which half the signal-to-noise ratio is reached, UMIs per cell.
    n0 : float > 0
        Cells at which half of what must be learned is learned, without measurement noise.
    s : float > 0
        Exponent of the number of cells.
    kappa : float ≥ −1
        How the cells needed grow with noise.
    beta : float > 0
        Exponent of depth; 1 in the noise law.
    h0 : float in (0, 1)
        Share of the signal-to-noise ratio that needs no training cells.

    Examples
    --------
    >>> law = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
    >>> law([100, 1e4, 1e4], [1000, 1000, 1e6]).round(2).tolist()
    [1.81, 2.58, 2.89]
    """

    i_inf: float
    u_bar: float
    n0: float
    s: float
    kappa: float
    beta: float
    h0: float

    allowed: ClassVar[dict[str, tuple[float, float]]] = {
        **dict.fromkeys(("i_inf", "u_bar", "n0", "s"), (0.0, np.inf)),
        "kappa": (-np.inf, np.inf),
        "beta": (0.0, np.inf),
        "h0": (0.0, 1.0),
    }
    positive: ClassVar[tuple[str, ...]] = ("i_inf", "u_bar", "n0", "s", "beta", "h0")
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {"kappa": (-1.0, 1e3, ""), "h0": (0.0, 1.0, "")}
    axes: ClassVar[tuple[str, str]] = ("training cells N", "information (bits)")
    vega: ClassVar[str] = (
        "log(1 + (pow(4, {i_inf}) - 1) / (1 + pow({u_bar} / {u}, {beta})) * ({h0} + (1 - {h0}) / "
        "(1 + pow({n0} / {n}, {s}) * pow(1 + pow({u_bar} / {u}, {beta}), {kappa})))) / (2 * LN2)"
    )

    @classmethod
    def _bits(cls, n: np.ndarray, u: np.ndarray, *theta: np.ndarray) -> np.ndarray:
        i_inf, u_bar, n0, s, kappa, beta, h0 = theta
        return _two_levels(n, u, i_inf, u_bar, n0, s, kappa, np.exp(beta), np.exp(h0))


def _two_levels(
    n: np.ndarray, u: np.ndarray, i_inf: Any, u_bar: Any, n0: Any, s: Any, kappa: Any, beta: Any, h0: Any
) -> np.ndarray:
    noise = 1 + _power(beta * (u_bar - u))
    rest = _power(np.exp(s) * (n0 - n)) * noise**kappa
    return _half_log(_gain(np.exp(i_inf)) / noise * (h0 + (1 - h0) / (1 + rest)))


def _rival(name: str, bits: Callable[..., np.ndarray], about: str, leave_out: str = "") -> type[TwoVariableLaw]:
    """Make the class of a rival law from its formula, whose arguments after n and u are its parameters."""
    parameters = [p for p in list(signature(bits).parameters)[2:] if p != leave_out]
    positive = tuple(p for p in parameters if p not in ("k", "kappa"))
    space = {
        "__doc__": about,
        "__module__": __name__,
        "_bits": staticmethod(bits),
        "allowed": {p: (0.0 if p in positive else -np.inf, np.inf) for p in parameters},
        "positive": positive,
    }
    fields = [(p, float) for p in parameters]
    return make_dataclass(name, fields, bases=(TwoVariableLaw,), namespace=space, frozen=True)


def _noise_law(u: Any, i_max: Any, u_bar: Any) -> np.ndarray:
    return _half_log(_gain(i_max) / (1 + _power(u_bar - u)))


def _additive(n: Any, u: Any, i_max: Any, u_bar: Any, n0: Any, s: Any) -> np.ndarray:
    return _noise_law(u, np.exp(i_max), u_bar) - _power(np.exp(s) * (n0 - n))


def _effective_snr(n: Any, u: Any, i_max: Any, u_bar: Any, n0: Any, s: Any) -> np.ndarray:
    return _half_log(_gain(np.exp(i_max)) / (1 + _power(u_bar - u) + _power(np.exp(s) * (n0 - n))))


def _i_max_of_n(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, k: Any = 0.0) -> np.ndarray:
    top = np.exp(i_inf) * np.maximum(1 - _power(np.exp(s) * (n0 - n)), 0)
    return _noise_law(u, top, u_bar + k * (n - np.log(1000)))


def _hill(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, k: Any) -> np.ndarray:
    return _noise_law(u, np.exp(i_inf) / (1 + _power(np.exp(s) * (n0 - n))), u_bar + k * (n - np.log(1000)))


def _error_noise(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, kappa: Any) -> np.ndarray:
    return _two_levels(n, u, i_inf, u_bar, n0, s, kappa, 1.0, 0.0)


def _beta_one(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, kappa: Any, h0: Any) -> np.ndarray:
    return _two_levels(n, u, i_inf, u_bar, n0, s, kappa, 1.0, np.exp(h0))


# Name → law, from the plainest; all are fitted and judged alike.
JOINT_LAWS: dict[str, type[TwoVariableLaw]] = {
    "additive": _rival("Additive", _additive, "Noise law − (N/N0)^(−s)."),
    "effective SNR": _rival("EffectiveSNR", _effective_snr, "Noise law at 1/u_eff = 1/u + (N/N1)^(−s), N1^s = N0^s/ū."),
    "I_max(N)": _rival(
        "IMaxOfN", _i_max_of_n, "Noise law with I_max(N) = I_inf (1 − (N/N0)^(−s)) and a fixed ū.", leave_out="k"
    ),
    "I_max(N), ū(N)": _rival("IMaxAndUBarOfN", _i_max_of_n, "The same with ū(N) = ū (N/1000)^k."),
    "Hill I_max(N), ū(N)": _rival("HillIMaxAndUBarOfN", _hill, "The same with I_max(N) = I_inf / (1 + (N0/N)^s)."),
    "learning noise": _rival("LearningNoise", _error_noise, "JointLaw with h0 = 0 and β = 1: all must be learned."),
    "two levels, β = 1": _rival("TwoLevels", _beta_one, "JointLaw with β = 1."),
    "JointLaw": JointLaw,
}
