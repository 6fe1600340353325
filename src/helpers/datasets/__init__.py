"""Datasets by name: ``load("pbmc68k")``, ``available()``."""

import inspect
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from helpers.checks import as_seed, choose
from helpers.datasets.base import Dataset
from helpers.datasets.citeseq_cbmc import citeseq_cbmc
from helpers.datasets.citeseq_pbmc10k import citeseq_pbmc10k
from helpers.datasets.images import Images, caltech101, digits, tissuemnist, your_images
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
from helpers.datasets.progenitors import progenitors
from helpers.datasets.rna_mixture import rna_mixture
from helpers.datasets.sequences import Sequences, sarscov2_genomes, sarscov2_spike, your_sequences
from helpers.datasets.simulated import simulated
from helpers.datasets.simulated_spike import clock_of, simulated_spike
from helpers.datasets.spleen_lymph import spleen_lymph
from helpers.datasets.worm_embryo import worm_embryo
from helpers.datasets.xenium_breast import xenium_breast
from helpers.datasets.your_data import your_data

_CELLS: tuple[Callable[..., Dataset], ...] = (
    pbmc68k, simulated, citeseq_pbmc10k, citeseq_cbmc, spleen_lymph, pbmc4k, merfish_hypothalamus, xenium_breast,
    osmfish, worm_embryo, malaria_idc, larry_subset, rna_mixture, progenitors, pbmc_citeseq, larry, merfish,
    mouse_embryo, your_data,
)  # fmt: skip
_IMAGES: tuple[Callable[..., Images], ...] = (digits, caltech101, tissuemnist, your_images)
_SEQUENCES: tuple[Callable[..., Sequences], ...] = (simulated_spike, sarscov2_spike, sarscov2_genomes, your_sequences)
CELLS, IMAGES, SEQUENCES = (
    {loader.__name__: loader for loader in loaders} for loaders in (_CELLS, _IMAGES, _SEQUENCES)
)
LOADERS: dict[str, Callable[..., Any]] = {**CELLS, **IMAGES, **SEQUENCES}


def available() -> dict[str, str]:
    """Return every dataset's name and one line about it.

    >>> available()["pbmc4k"]
    '4,271 10x blood cells with 8 cell types, 2,000 genes; the types were found in the same RNA.'
    """
    return {name: (inspect.getdoc(loader) or "").splitlines()[0] for name, loader in LOADERS.items()}


def load(name: str, miniature: bool = False, **options: Any) -> Any:
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

    Returns
    -------
    Dataset of cells, Images or Sequences

    Raises
    ------
    ValueError
        For an unknown name or option, naming the nearest known one, or an option out of range.
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
        choose(option, _options_of(loader), f"option of dataset {name}")
        if option.endswith("seed"):
            as_seed(options[option], option)
    if not miniature:
        return loader(**options)
    from helpers.datasets.miniature import write

    with tempfile.TemporaryDirectory() as folder:
        write(name, folder)
        cells = loader(**options, folder=folder)
    what = cells.modality if name not in CELLS else "cells"
    return replace(
        cells,
        name=f"{name} (miniature)",
        source=f"simulated {what} in the format of {name}",
        about="Simulated, not the real ones.",
    )


def _options_of(loader: Callable[..., Any]) -> list[str]:
    """Return the names of a loader's options; those of the tree, where it passes some on."""
    names = inspect.signature(loader).parameters
    tree = inspect.signature(clock_of).parameters if "tree" in names else ()
    return list(dict.fromkeys([*(n for n in names if n != "tree"), *tree]))


__all__ = ["Dataset", "Images", "Sequences", "available", "load"]
