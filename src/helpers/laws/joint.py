"""Joint laws: information as a function of training cells and depth together; ``JointLaw`` and its rivals."""

from dataclasses import dataclass, make_dataclass
from typing import Any, ClassVar

import numpy as np

from helpers._utils.validation import as_matrix, in_range, same_length
from helpers.laws.base import Fit, Law, both, check_bits, finished
from helpers.laws.beyond import Prior, chosen, predictive

_LOG4 = float(np.log(4))
# Where random starts are drawn, and edges of the search: (low, high) of the coordinates searched.
_DRAWN = {
    "i_max": (-1.0, 2.3), "i_inf": (-1.0, 2.3), "u_bar": (1.0, 11.0), "n0": (1.0, 11.0), "s": (-1.6, 0.7),
    "k": (-0.8, 0.8), "kappa": (-0.8, 1.5), "beta": (-0.5, 0.4), "h0": (-4.0, -0.7),
}  # fmt: skip
_EDGES = {
    "i_max": (-4.0, 2.7), "i_inf": (-4.0, 2.7), "u_bar": (0.0, 13.8), "n0": (0.0, 18.4), "s": (-2.3, 1.4),
    "k": (-5.0, 5.0), "kappa": (-1.0, 2.0), "beta": (-0.92, 0.7), "h0": (-6.0, -0.13),
}  # fmt: skip
# Mean and standard deviation of weak priors in the same coordinates, one for all data: they matter where points end.
# That of β is measured (``laws.beyond``); here it is none.
_PRIOR = {
    "i_max": (0.5, 1.0), "i_inf": (0.5, 1.0), "u_bar": (6.5, 2.0), "n0": (6.5, 3.0), "s": (-0.5, 0.5),
    "k": (0.0, 0.3), "kappa": (0.0, 0.5), "beta": (0.0, np.inf), "h0": (-3.0, 1.5),
}  # fmt: skip
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

    @classmethod
    def _bits(cls, n: np.ndarray, u: np.ndarray, *theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, n: Any, u: Any = None) -> np.ndarray:
        """Return the law, in bits, at ``n`` training cells and depth ``u``, which broadcast; or at pairs (…, 2).

        Raises
        ------
        ValueError
            For one number or column alone, shapes that do not broadcast, what are no numbers, n that is not
            positive, or u below 0.
        """
        n, u = both(n, u, "n", "u")
        for name, values, good in (("n", n, n > 0), ("u", u, u >= 0)):
            if not good.all():
                raise ValueError(
                    f"{name} holds {values[~good].flat[0]:g}: it must be {'above 0' if name == 'n' else '0 or more'}."
                )
        shape = np.broadcast_shapes(n.shape, u.shape)
        with np.errstate(divide="ignore"):
            return self._bits(np.log(n), np.log(u), *self._theta()) + np.zeros(shape)

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
        return {name: tuple(np.exp(_EDGES[name])) if name in cls.positive else _EDGES[name] for name in cls.allowed}

    @classmethod
    def _best_starts(cls, x: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        drawn = np.column_stack([rng.uniform(*_DRAWN[name], _STARTS) for name in cls.allowed])
        drawn[:, 0] = np.log(max(float(y.max()), 0.05)) + rng.uniform(0, 0.7, _STARTS)
        drawn[:, 1] = np.log(x[:, 1].max()) + rng.uniform(-4, 1.5, _STARTS)
        drawn = np.clip(drawn, low, high)
        costs = ((cls._formula(x, drawn) - y) ** 2).sum(axis=1)
        return list(drawn[np.argsort(np.nan_to_num(costs, nan=np.inf))[:_POLISHED]])

    def objections(self, fit: Fit) -> list[tuple[str, float, float]]:
        """Return nothing: grids of cells and depths are judged by what was held out (``laws.compare``)."""
        return []

    def _doubt(self, x: np.ndarray) -> str:
        params, told = self._params(), []
        if params["u_bar"] > 5 * x[:, 1].max():
            told.append(
                f"ū = {params['u_bar']:.3g} lies far above the deepest point ({x[:, 1].max():.3g}); measure deeper"
            )
        if params["n0"] > 20 * x[:, 0].max():
            told.append(f"N0 = {params['n0']:.3g} lies far above the most cells ({x[:, 0].max():.3g}); use more cells")
        return "; ".join(told)

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
        columns = {name: as_matrix(values, name) for name, values in (("n", n), ("u", u), ("bits", bits))}
        for name, values in columns.items():
            if values.shape[1] != 1:
                raise ValueError(f"{name} has shape {values.shape}: give one value a point, repeating it for seeds.")
        same_length(**columns)
        check_bits(columns["bits"], "bits")
        x, y = np.column_stack([columns["n"][:, 0], columns["u"][:, 0]]), columns["bits"][:, 0]
        for name, values in zip(("n", "u"), x.T, strict=True):
            if not (values > 0).all():
                raise ValueError(f"{name} holds {values.min():g}: every value must be above 0.")
            if len(np.unique(values)) < 2:
                raise ValueError(f"{name} is {values[0]:g} at every point: a joint law needs two or more values of it.")
        if len(np.unique(x, axis=0)) < len(cls.allowed):
            raise ValueError(
                f"{len(np.unique(x, axis=0))} distinct pairs of n and u for {len(cls.allowed)} parameters: "
                "measure a grid of cells and depths."
            )
        prior = chosen(priors)
        held = prior.of({name: _PRIOR[name] for name in cls.allowed}) if prior else None
        scale = prior.point_error * max(float(np.ptp(y)), 1e-6) if prior else 1.0
        edges = cls._limits(x, y)
        low, high = np.array([_EDGES[name] for name in cls.allowed]).T
        starts = cls._best_starts(x, y, low, high)
        return predictive(finished(cls, x, y, edges, starts, low, high, held, scale, 1e-10), prior)


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
        "i_inf": (0.0, np.inf), "u_bar": (0.0, np.inf), "n0": (0.0, np.inf), "s": (0.0, np.inf),
        "kappa": (-np.inf, np.inf), "beta": (0.0, np.inf), "h0": (0.0, 1.0),
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("i_inf", "u_bar", "n0", "s", "beta", "h0")
    least: ClassVar[dict[str, float]] = {"kappa": -1.0}
    axes: ClassVar[tuple[str, str]] = ("training cells N", "information (bits)")
    vega: ClassVar[str] = (
        "log(1 + (pow(4, {i_inf}) - 1) / (1 + pow({u_bar} / {u}, {beta})) * ({h0} + (1 - {h0}) / "
        "(1 + pow({n0} / {n}, {s}) * pow(1 + pow({u_bar} / {u}, {beta}), {kappa})))) / (2 * LN2)"
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self)
        in_range(self.h0, 0, 1, "h0")

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


def check_parameters(law: Law) -> None:
    """Refuse parameters that are no numbers, or not positive where they must be."""
    for name in law.allowed:
        value = getattr(law, name)
        if name in law.positive:
            in_range(value, 0, 1e300, name, open_low=True)
        else:
            in_range(value, law.least.get(name, -1e3), 1e3, name)


def _rival(
    name: str, parameters: tuple[str, ...], positive: tuple[str, ...], bits: Any, about: str
) -> type[TwoVariableLaw]:
    """Make the class of a rival law from its formula."""
    space = {
        "__doc__": about, "__post_init__": check_parameters, "_bits": staticmethod(bits),
        "allowed": {p: (0.0, np.inf) if p in positive else (-np.inf, np.inf) for p in parameters},
        "positive": positive, "__module__": __name__,
    }  # fmt: skip
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


def _hill(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, k: Any = 0.0) -> np.ndarray:
    return _noise_law(u, np.exp(i_inf) / (1 + _power(np.exp(s) * (n0 - n))), u_bar + k * (n - np.log(1000)))


def _error_noise(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, kappa: Any) -> np.ndarray:
    return _two_levels(n, u, i_inf, u_bar, n0, s, kappa, 1.0, 0.0)


def _beta_one(n: Any, u: Any, i_inf: Any, u_bar: Any, n0: Any, s: Any, kappa: Any, h0: Any) -> np.ndarray:
    return _two_levels(n, u, i_inf, u_bar, n0, s, kappa, 1.0, np.exp(h0))


_FOUR = ("u_bar", "n0", "s")
# Name → law, from the plainest; all are fitted and judged alike.
JOINT_LAWS: dict[str, type[TwoVariableLaw]] = {
    "additive": _rival("Additive", ("i_max", *_FOUR), ("i_max", *_FOUR), _additive, "Noise law − (N/N0)^(−s)."),
    "effective SNR": _rival("EffectiveSNR", ("i_max", *_FOUR), ("i_max", *_FOUR), _effective_snr,
                            "Noise law at 1/u_eff = 1/u + (N/N1)^(−s), N1^s = N0^s/ū."),
    "I_max(N)": _rival("IMaxOfN", ("i_inf", *_FOUR), ("i_inf", *_FOUR), _i_max_of_n,
                       "Noise law with I_max(N) = I_inf (1 − (N/N0)^(−s)) and a fixed ū."),
    "I_max(N), ū(N)": _rival("IMaxAndUBarOfN", ("i_inf", *_FOUR, "k"), ("i_inf", *_FOUR), _i_max_of_n,
                             "The same with ū(N) = ū (N/1000)^k."),
    "Hill I_max(N), ū(N)": _rival("HillIMaxAndUBarOfN", ("i_inf", *_FOUR, "k"), ("i_inf", *_FOUR), _hill,
                                  "The same with I_max(N) = I_inf / (1 + (N0/N)^s)."),
    "learning noise": _rival("LearningNoise", ("i_inf", *_FOUR, "kappa"), ("i_inf", *_FOUR), _error_noise,
                             "JointLaw with h0 = 0 and β = 1: all must be learned."),
    "two levels, β = 1": _rival("TwoLevels", ("i_inf", *_FOUR, "kappa", "h0"), ("i_inf", *_FOUR, "h0"), _beta_one,
                                "JointLaw with β = 1."),
    "JointLaw": JointLaw,
}  # fmt: skip
