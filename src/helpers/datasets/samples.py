"""What cells, images and sequences have in common: a signal from outside them, and a split made first."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from helpers._utils.validation import as_labels, as_matrix, in_range, is_labels, same_length


class SplitData:
    """A signal with a known ceiling, and folds of which one probes and the others train."""

    name: str
    signal_name: str
    signal: np.ndarray
    folds: np.ndarray
    fold: int
    ceiling_bits: float | None
    source: str
    checked: tuple[str, ...]

    @property
    def n_folds(self) -> int:
        """Number of probe folds."""
        return int(self.folds.max()) + 1 if len(self.folds) else 0

    @property
    def train(self) -> np.ndarray:
        """Row numbers of what models are fitted on."""
        return np.flatnonzero(self.folds != self.fold)

    @property
    def probe(self) -> np.ndarray:
        """Row numbers of what information is measured on."""
        return np.flatnonzero(self.folds == self.fold)

    def with_fold(self, fold: int) -> Self:
        """Return the same data with another fold as the probe."""
        return replace(self, fold=fold)  # type: ignore[type-var]

    def _check_signal(self, signal: np.ndarray, unit: str) -> None:
        """Raise if a signal is missing somewhere or constant."""
        what = f"signal {self.signal_name!r} of {self.name}"
        values = as_labels(signal, what) if is_labels(signal) else as_matrix(signal, what)
        if len(values) and (values == values[0]).all():
            raise ValueError(f"{what} is constant over {len(values)} {unit}s: it has no information to find.")

    def _check_sides(self, unit: str) -> None:
        """Raise if there is no such fold, or fewer than two rows on a side of the split."""
        in_range(self.fold, 0, self.n_folds - 1, f"fold of {self.name}", whole=True)
        for side, rows in (("train", self.train), ("probe", self.probe)):
            if len(rows) < 2:
                raise ValueError(f"{self.name} has {len(rows)} {side} {unit}(s): at least 2 are needed.")

    def _sides(self) -> str:
        return f"{len(self.train)} / {len(self.probe)} ({self.n_folds} folds)"

    def _kind_of(self, signal: np.ndarray) -> str:
        """Return a signal's name and what kind of values it has."""
        if is_labels(signal):
            return f"{self.signal_name}: {len(set(signal.tolist()))} labels"
        return f"{self.signal_name}: {as_matrix(signal, 'signal').shape[1]} continuous dimension(s)"

    def _provenance(self) -> dict[str, object]:
        return {
            "ceiling": "unknown" if self.ceiling_bits is None else f"{self.ceiling_bits:.2f} bits",
            "checked": "; ".join(self.checked) or "nothing beyond the general checks",
            "source": self.source,
        }


@dataclass(frozen=True, eq=False)
class Samples(SplitData):
    """Images or sequences with a signal, and which of them train and which probe.

    Attributes
    ----------
    name, signal_name : str
    signal : ndarray, shape (samples,) of labels or (samples, d) of floats
    folds : ndarray of int, shape (samples,)
        The probe fold of each sample; those of fold -1 always train.
    fold : int
        The fold that is the probe now.
    ceiling_bits : float or None
        The most information there can be about the signal.

    Raises
    ------
    ValueError
        For mismatched lengths, fewer than two samples a side, or a signal that is constant, NaN or missing.
    """

    modality: ClassVar[str] = "samples"
    independent_signal: ClassVar[bool] = True

    name: str
    signal_name: str
    signal: np.ndarray
    folds: np.ndarray
    fold: int = 0
    ceiling_bits: float | None = None
    about: str = ""
    source: str = ""
    checked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what was given; see ``Raises``."""
        signal = np.asarray(self.signal)
        self._check_signal(signal, "sample")
        object.__setattr__(self, "signal", signal if is_labels(signal) else as_matrix(signal, "signal"))
        object.__setattr__(self, "folds", np.asarray(self.folds, np.int64))
        same_length(signal=self.signal, folds=self.folds, **{self.modality: range(self._n_samples())})
        self._check_sides("sample")

    @property
    def data_hash(self) -> str:
        """Short content hash of everything a measurement depends on."""
        signal = as_labels(self.signal, "signal") if is_labels(self.signal) else self.signal
        digest = hashlib.sha256(repr((len(signal), self.ceiling_bits)).encode())
        for content in (np.ascontiguousarray(signal).tobytes(), self.folds.tobytes(), *self._content()):
            digest.update(content)
        return digest.hexdigest()[:12]

    def describe(self) -> dict[str, object]:
        """Return what a reader should know, in the order a table shows it."""
        shown = {"dataset": self.name, **self._facts(), "train / probe": self._sides()}
        return {**shown, "signal": self._kind_of(self.signal), **self._provenance()}

    def _n_samples(self) -> int:
        raise NotImplementedError

    def _content(self) -> Iterator[bytes]:
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        raise NotImplementedError
