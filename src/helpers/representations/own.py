"""A model of the user's own, in a notebook's cell or in any package: whatever has ``fit`` and ``transform``."""

import copy
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from helpers._utils.validation import as_matrix, choose
from helpers.representations import REPRESENTATIONS
from helpers.representations.base import Representation
from helpers.store.versions import OWN

_TAKES = ("values", "counts")


@dataclass
class Own(Representation):
    """Fit a copy of the given model on the training cells and embed the probe cells with it.

    A subclass is made for each model (``register``), whose ``given`` is the model as it was given, unfitted.
    """

    given: ClassVar[Any] = None

    def _fit(self, train: Any) -> None:
        model = copy.deepcopy(self.given)
        for name in ("seed", "random_state"):
            if hasattr(model, name):
                setattr(model, name, self.seed)
        # Models of scikit-learn return themselves, others may return anything.
        model.fit(train)
        self._model = model

    def _transform(self, probe: Any) -> np.ndarray:
        name = type(self.given).__name__
        values = as_matrix(self._model.transform(probe), f"what {name}.transform returned")
        if len(values) != probe.shape[0]:
            raise ValueError(f"{name}.transform returned {len(values)} rows for {probe.shape[0]} cells: one a cell.")
        return values


def register(model: Any) -> str:
    """Return a name under which a sweep uses a model with ``fit(cells)`` and ``transform(cells)``.

    ``fit`` gets the training cells and ``transform`` the probe cells, as arrays (cells, genes) of log-normalised values
    of the chosen genes; with ``takes = "counts"`` in the class, their raw counts as a sparse matrix. Every point fits a
    copy. Where the model has ``seed`` or ``random_state``, it is set to the seed of the point. ``transform`` returns an
    array (cells, dimensions).

    Nothing says whether two models with one name are the same, so each registered model has a name of its own, and what
    is measured with it is not found again in another session.

    Parameters
    ----------
    model : object, or a class that can be made without arguments

    Raises
    ------
    ValueError
        If it has no ``fit`` or no ``transform``, or takes neither values nor counts.

    Examples
    --------
    >>> class Halves:
    ...     def fit(self, cells):
    ...         self.middle = cells.shape[1] // 2
    ...     def transform(self, cells):
    ...         return np.stack([cells[:, :self.middle].sum(1), cells[:, self.middle:].sum(1)], axis=1)
    >>> name = register(Halves())
    >>> shown_name(name)
    'Halves'
    >>> x = np.ones((5, 4))
    >>> REPRESENTATIONS[name]().fit(x).transform(x).shape
    (5, 2)
    """
    model = model() if isinstance(model, type) else model
    kind = type(model).__name__
    for method in ("fit", "transform"):
        if not callable(getattr(model, method, None)):
            raise ValueError(
                f"model is a {kind} without {method}: give an object with fit(cells) and transform(cells)."
            )
    takes = choose(getattr(model, "takes", "values"), _TAKES, f"kind of cells that {kind} takes")
    name = f"{OWN}{kind}:{uuid.uuid4().hex[:8]}"
    members = {"given": model, "takes": takes, "__doc__": f"{kind}, a model of the user's own."}
    REPRESENTATIONS.give(name, dataclass(type(kind, (Own,), members)))
    return name


def shown_name(name: str) -> str:
    """Return what tables and charts call a representation: a registered model by its class.

    >>> shown_name("own:MyModel:1f3a9c02"), shown_name("pca")
    ('MyModel', 'pca')
    """
    return name.split(":")[1] if name.startswith(OWN) else name
