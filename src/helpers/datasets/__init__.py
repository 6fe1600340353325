"""Datasets by name: ``load("pbmc68k")``, ``available()``."""

import inspect
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from helpers.checks import choose
from helpers.datasets.base import Dataset
from helpers.datasets.citeseq_cbmc import citeseq_cbmc
from helpers.datasets.citeseq_pbmc10k import citeseq_pbmc10k
from helpers.datasets.larry import larry
from helpers.datasets.larry_subset import larry_subset
from helpers.datasets.malaria_idc import malaria_idc
from helpers.datasets.merfish import merfish
from helpers.datasets.merfish_hypothalamus import merfish_hypothalamus
from helpers.datasets.mouse_embryo import mouse_embryo
from helpers.datasets.osmfish import osmfish
from helpers.datasets.pbmc4k import pbmc4k
from helpers.datasets.pbmc68k import pbmc68k
from helpers.datasets.pbmc_citeseq import pbmc_citeseq
from helpers.datasets.rna_mixture import rna_mixture
from helpers.datasets.simulated import simulated
from helpers.datasets.spleen_lymph import spleen_lymph
from helpers.datasets.worm_embryo import worm_embryo
from helpers.datasets.xenium_breast import xenium_breast
from helpers.datasets.your_data import your_data

_ALL: tuple[Callable[..., Dataset], ...] = (
    pbmc68k, simulated, citeseq_pbmc10k, citeseq_cbmc, spleen_lymph, pbmc4k, merfish_hypothalamus, xenium_breast,
    osmfish, worm_embryo, malaria_idc, larry_subset, rna_mixture, pbmc_citeseq, larry, merfish, mouse_embryo,
    your_data,
)  # fmt: skip
LOADERS: dict[str, Callable[..., Dataset]] = {loader.__name__: loader for loader in _ALL}


def available() -> dict[str, str]:
    """Return every dataset's name and one line about it.

    >>> available()["pbmc4k"]
    '4,271 10x blood cells with 8 cell types, 2,000 genes; the types were found in the same RNA.'
    """
    return {name: (inspect.getdoc(loader) or "").splitlines()[0] for name, loader in LOADERS.items()}


def load(name: str, miniature: bool = False, **options: Any) -> Dataset:
    """Load a dataset by name.

    Parameters
    ----------
    name : str
        One of ``available()``.
    miniature : bool
        Read a small file of simulated cells in this dataset's own format instead of the data: shows what a
        page does where the data are not at hand. Its numbers say nothing about the real cells.
    **options
        What the dataset's loader takes, such as ``signal="protein"``.

    Raises
    ------
    ValueError
        For an unknown name or option, naming the nearest known one.
    FileNotFoundError
        If its files are neither in the cache nor can be downloaded, with the steps by hand.

    Examples
    --------
    >>> cells = load("pbmc68k")
    >>> cells.counts.shape, cells.n_folds
    ((700, 765), 2)
    """
    loader = LOADERS[choose(name, LOADERS, "dataset")]
    for option in options:
        choose(option, inspect.signature(loader).parameters, f"option of dataset {name}")
    if not miniature:
        return loader(**options)
    from helpers.datasets.miniature import write

    with tempfile.TemporaryDirectory() as folder:
        write(name, folder)
        cells = loader(**options, folder=folder)
    return replace(
        cells,
        name=f"{name} (miniature)",
        source=f"simulated cells in the format of {name}",
        about="Simulated cells, not the real ones.",
    )


__all__ = ["Dataset", "available", "load"]
