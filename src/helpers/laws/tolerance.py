"""How much noise a representation tolerates: the noise law along levels of noise, and the level that costs bits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import choose, in_range
from helpers.laws import Fit, NoiseLaw, StretchedNoiseLaw, kept
from helpers.noise import NOISES, OF_IMAGES, Noise
from helpers.store.points import CURVE, mean_and_error, named, seed_means

_FLAT = 0.01  # bits below which a curve has nothing to lose


@dataclass(frozen=True)
class NoiseAxis:
    """What relates a noise level to the signal-to-noise ratio of the law.

    Attributes
    ----------
    kind : one of ``helpers.noise.NOISES``
        "gaussian" (σ), "pixelation" (side f of a tile), "substitution" (share p of residues), "thinning" (depth), …
    power : int
        SNR ∝ level^−power, for images. Substitution has SNR = (1 − p)/p and no power.

    Examples
    --------
    >>> axis = NoiseAxis("pixelation", 2)
    >>> axis.snr(4.0), axis.level(0.0625), axis.clean, str(axis)
    (0.0625, 4.0, 1.0, 'SNR ∝ f⁻²')
    >>> str(NoiseAxis("substitution")), round(NoiseAxis("substitution").level(999.0), 6)
    ('SNR = (1 − p)/p', 0.001)
    """

    kind: str
    power: int = 2

    def __post_init__(self) -> None:
        """Check both."""
        choose(self.kind, NOISES, "kind of noise")
        in_range(self.power, 0, 10, "power", open_low=True)

    @property
    def noise(self) -> Noise:
        """The kind of noise."""
        return NOISES[self.kind]

    def snr(self, level: Any) -> Any:
        """Return the signal-to-noise ratio of levels; infinite at level 0."""
        level = np.asarray(level, float)
        for end in (level.min(initial=np.inf), level.max(initial=-np.inf)) if level.size else ():
            self.noise.check(float(end), f"level of {self.kind} noise")
        return _unwrapped(self.noise.snr(level, self.power))

    def level(self, snr: Any) -> Any:
        """Return the level of signal-to-noise ratios."""
        return _unwrapped(self.noise.level(snr, self.power))

    @property
    def clean(self) -> float:
        """Signal-to-noise ratio of the noise-free samples."""
        return self.snr(self.noise.clean)

    def __str__(self) -> str:
        """Return the relation as a legend shows it."""
        return self.noise.relation(self.power)


def _unwrapped(values: np.ndarray) -> Any:
    return values if values.ndim else float(values)


def image_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the seed means of image rows; noise-free images are in the curve of every kind of noise, at its level.

    Of several numbers of training images the largest is taken.
    """
    points = named(_most(seed_means(table)))
    points["curve"] = points["curve"].str.replace("^class, ", "", regex=True)
    clean = points[points["noise_kind"] == "none"]
    kinds = [kind for kind in OF_IMAGES if (points["noise_kind"] == kind).any()]
    levels = {kind: OF_IMAGES[kind].clean for kind in kinds}
    again = [clean.assign(noise_kind=kind, noise_level=at, probe_noise_level=at) for kind, at in levels.items()]
    return pd.concat([points[points["noise_kind"].isin(kinds)], *again], ignore_index=True)


SEQUENCE_ROLES = {"both": "training and probe misread", "train": "training misread", "probe": "probe misread"}


def sequence_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the seed means of sequence rows as curves by what was misread; clean sequences are in each.

    ``noise_level`` is the share of wrong residues in what was misread. Of several numbers of training sequences the
    largest is taken.
    """
    points = named(_most(seed_means(table)))
    several = points["curve"].nunique() > 1
    train, probe = points["noise_level"], points["probe_noise_level"]
    parts = []
    for role, chosen in (("both", train == probe), ("train", probe == 0), ("probe", train == 0)):
        level = train if role == "train" else probe
        rows = points[chosen]
        rows = rows.assign(curve=SEQUENCE_ROLES[role] + (", " + rows["curve"] if several else ""))
        rows["noise_level"] = rows["probe_noise_level"] = level[chosen]
        if rows["noise_level"].gt(0).any():
            parts.append(rows)
    if not parts:
        raise ValueError("there are clean sequences only: measure some rate above 0.")
    return pd.concat(parts, ignore_index=True)


def _most(points: pd.DataFrame) -> pd.DataFrame:
    return points[points["n_train"] == points.groupby(CURVE)["n_train"].transform("max")]


def fit_levels(points: pd.DataFrame, axis: NoiseAxis, by: str = "curve") -> dict[str, Fit]:
    """Fit the noise law to every curve of a kind of noise; points of infinite SNR are no part of a fit.

    Nor are levels beyond those that the law describes, such as more wrong residues than 19 in 20. ``points`` are from
    ``image_points`` or ``seed_means``; the values of the column ``by`` are the curves.
    """
    chosen = points[points["noise_kind"] == axis.kind].assign(at=lambda t: axis.snr(t["noise_level"].to_numpy()))
    noisy = chosen[np.isfinite(chosen["at"]) & (chosen["at"] > 0) & (chosen["noise_level"] <= axis.noise.describes)]
    return kept.fit_groups(noisy, NoiseLaw, "at", by)


def exponents(points: pd.DataFrame, kind: str) -> dict[NoiseAxis, Fit]:
    """Fit one curve with the noise level to the power of −1 and of −2 as the signal-to-noise ratio."""
    if not (points["noise_kind"] == kind).any():
        raise ValueError(f"there are no measured points of {kind} noise: see what failed, or add levels.")
    if points["curve"].nunique() != 1:
        raise ValueError(f"there are {points['curve'].nunique()} curves: choose one.")
    axes = [NoiseAxis(kind, power) for power in (1, 2)]
    return {axis: next(iter(fit_levels(points, axis).values())) for axis in axes}


def better(fits: dict[NoiseAxis, Fit]) -> NoiseAxis:
    """Return the axis on which the law fits with the smaller error."""
    return min(fits, key=lambda axis: fits[axis].rmse)


def on_one_axis(points: pd.DataFrame, axes: dict[str, NoiseAxis]) -> tuple[pd.DataFrame, dict[str, Fit]]:
    """Return points (``image_points``) and fits of all kinds of noise, for ``charts.collapse`` with ``x="snr"``."""
    parts: list[pd.DataFrame] = []
    fits: dict[str, Fit] = {}
    for kind, axis in axes.items():
        rows = points[points["noise_kind"] == kind]
        rows = rows.assign(snr=axis.snr(rows["noise_level"].to_numpy()), curve=kind + ", " + rows["curve"])
        parts.append(rows[np.isfinite(rows["snr"])])
        fits |= fit_levels(rows, axis)
    return pd.concat(parts, ignore_index=True), fits


@dataclass(frozen=True)
class InformationLoss:
    """A loss of information that somebody may accept: in bits, or as a share of the noise-free bits."""

    bits: float = 0.0
    share: float = 0.0

    def __post_init__(self) -> None:
        """Check that it is one of both."""
        in_range(self.bits, 0, 100, "bits of a loss")
        in_range(self.share, 0, 1, "share of a loss")
        if bool(self.bits) == bool(self.share):
            raise ValueError(f"a loss is {self.bits:g} bits and a share of {self.share:g}: give one of them.")

    def left(self, noise_free: float) -> float:
        """Return the bits that are left."""
        return noise_free * (1 - self.share) - self.bits

    def __str__(self) -> str:
        """Return it as a table shows it."""
        return f"{self.share:.0%}" if self.share else f"{self.bits:g} bit"


def tolerance(
    fits: dict[Any, tuple[NoiseAxis, Fit]],
    losses: tuple[InformationLoss, ...] = (InformationLoss(bits=0.5), InformationLoss(share=0.1)),
    size: int | None = None,
) -> pd.DataFrame:
    """Return the noise level at which each curve has lost so much against its noise-free end, as the law has it.

    Where the points reject the noise law, the same law with a free exponent of the SNR is fitted; where they reject
    that too, there is no level. Intervals take the axis as given: that its power was chosen on the same points is not
    in them.

    Parameters
    ----------
    fits : dict of name → (axis, fit)
    losses : tuple of InformationLoss
    size : int, optional
        Side of the images in pixels: for pixelation the tiles left along a side are given too.

    Returns
    -------
    DataFrame
        One row a curve and loss: noise-free bits of the law, level with its 95 % interval (NaN where the curve has not
        so much to lose), ``pixels`` with its interval, R², status, and the ``law`` that they are of.
    """
    rows = []
    for name, (axis, fit) in fits.items():
        if not isinstance(fit.law, NoiseLaw):
            raise TypeError(f"{name} is a {type(fit.law).__name__}: tolerance takes fits of NoiseLaw.")
        law = "noise law"
        if fit.status == "misfit":
            law, fit = "free exponent", StretchedNoiseLaw.fit(fit.x, fit.y)
        noise_free = float(fit.law(axis.clean)) if fit.status != "misfit" else float("nan")
        for loss in losses:
            value = low = high = float("nan")
            if noise_free > _FLAT and loss.left(noise_free) > 0:
                # A level that the points leave free has no ends; a flat law has no level at all.
                with np.errstate(all="ignore"):
                    value, low, high = fit.derived(_level_at(axis, loss), positive=True)
                # No tile is smaller than a pixel, and no more than all residues are wrong.
                low, high = max(low, axis.noise.clean), min(high, axis.noise.most)
            tiles = {}
            if size is not None and axis.noise.coarsens:
                tiles = {"pixels": size / value, "pixels_low": size / high, "pixels_high": size / low}
            row = {"curve": str(name), "axis": str(axis), "noise-free bits": noise_free, "lost": str(loss)}
            row |= {"level": value, "level_low": low, "level_high": high} | tiles
            rows.append(row | {"R²": fit.r_squared, "status": fit.status, "law": law})
    return pd.DataFrame(rows)


def _level_at(axis: NoiseAxis, loss: InformationLoss) -> Callable[[Any], float]:
    # The bits left of a law that is moved a little may be none: the least SNR then, not an error.
    return lambda law: axis.level(float(law.depth_for(max(loss.left(float(law(axis.clean))), 1e-9))))


def hardest(points: pd.DataFrame) -> pd.DataFrame:
    """Return what noise-free images say of each class against the others, hardest first.

    ``points`` are those of ``image_points`` for one-vs-rest rows.
    """
    level = points["noise_kind"].map({kind: noise.clean for kind, noise in NOISES.items()})
    clean = points[points["noise_level"] == level]
    clean = clean[clean["noise_kind"] == clean["noise_kind"].iloc[0]]
    rows = {}
    for signal, group in clean.groupby("signal"):
        (bits, error), ceiling = mean_and_error(group), group["mi_ceiling_bits"].mean()
        rows[signal] = {
            "bits": bits,
            "± (95 %)": 1.96 * error,
            "ceiling": ceiling,
            "share of the ceiling": bits / ceiling,
            "seeds": group["seed"].nunique(),
        }
    return pd.DataFrame(rows).T.rename_axis("signal").sort_values("share of the ceiling")
