"""Datasets by name: ``load("pbmc68k")``, ``available()``."""

import inspect
from collections.abc import Callable
from typing import Any

from helpers.checks import choose
from helpers.datasets.base import Dataset
from helpers.datasets.pbmc68k import pbmc68k
from helpers.datasets.simulated import simulated

LOADERS: dict[str, Callable[..., Dataset]] = {"pbmc68k": pbmc68k, "simulated": simulated}


def available() -> dict[str, str]:
    """Return every dataset's name and one line about it.

    >>> sorted(available())
    ['pbmc68k', 'simulated']
    """
    return {name: (inspect.getdoc(loader) or "").splitlines()[0] for name, loader in LOADERS.items()}


def load(name: str, **options: Any) -> Dataset:
    """Load a dataset by name.

    Parameters
    ----------
    name : str
        One of ``available()``.
    **options
        What the dataset's loader takes, such as ``signal="protein"``.

    Raises
    ------
    ValueError
        For an unknown name or option, naming the nearest known one.

    Examples
    --------
    >>> cells = load("pbmc68k")
    >>> cells.counts.shape, cells.n_folds
    ((700, 765), 2)
    """
    loader = LOADERS[choose(name, LOADERS, "dataset")]
    for option in options:
        choose(option, inspect.signature(loader).parameters, f"option of dataset {name}")
    return loader(**options)


__all__ = ["Dataset", "available", "load"]
