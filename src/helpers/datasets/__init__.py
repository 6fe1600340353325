"""Datasets by name: ``load("pbmc68k")``, ``available()``."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers._utils.lazy import Lazy, attributes
from helpers._utils.validation import as_seed, choose

if TYPE_CHECKING:
    from helpers.datasets.base import Dataset
    from helpers.datasets.example import example_file
    from helpers.datasets.images import Images
    from helpers.datasets.sequences import Sequences

# Where each loader is: those of real cells are all modules of ``cells``. None is imported before it is used.
_CELLS = sorted(file.stem for file in Path(__file__).parent.glob("cells/[!_]*.py"))
_IMAGES = ("digits", "caltech101", "tissuemnist", "your_images")
_SEQUENCES = ("sarscov2_spike", "sarscov2_genomes", "your_sequences")
_OF_CELLS = {name: f"{__name__}.cells.{name}" for name in _CELLS}
_OTHERS = {name: f"{__name__}.{name}" for name in ("simulated", "your_data")}
_SPIKE = {"simulated_spike": f"{__name__}.simulated_spike"}
CELLS: Lazy[Callable[..., Any]] = Lazy(_OF_CELLS | _OTHERS)
IMAGES: Lazy[Callable[..., Any]] = Lazy(dict.fromkeys(_IMAGES, f"{__name__}.images"))
SEQUENCES: Lazy[Callable[..., Any]] = Lazy(_SPIKE | dict.fromkeys(_SEQUENCES, f"{__name__}.sequences"))
LOADERS: Lazy[Callable[..., Any]] = Lazy({**CELLS.modules, **IMAGES.modules, **SEQUENCES.modules})

_PUBLIC = {"Dataset": "base", "Images": "images", "Sequences": "sequences", "example_file": "example"}
__getattr__ = attributes(__name__, {name: f"{__name__}.{module}" for name, module in _PUBLIC.items()})


def available() -> dict[str, str]:
    """Return every dataset's name and one line about it, read from the source: nothing is imported for it.

    >>> available()["pbmc4k"]
    '4,271 10x blood cells with 8 cell types, 2,000 genes; the types were found in the same RNA.'
    """
    return {name: _first_line(name, module) for name, module in LOADERS.modules.items()}


def _first_line(loader: str, module: str) -> str:
    place = module.removeprefix(f"{__name__}.").replace(".", "/")
    source = (Path(__file__).parent / f"{place}.py").read_text("utf8")
    functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    return (ast.get_docstring(next(f for f in functions if f.name == loader)) or "").partition("\n")[0]


def load(name: str, folder: str | Path | None = None, **options: Any) -> Any:
    """Load a dataset by name.

    Parameters
    ----------
    name : str
        One of ``available()``.
    folder : path, optional
        Read the dataset's files from this folder as they are, without a download or a check against the registry:
        for files of your own in the same format. The result carries the folder in its name.
    **options
        What the dataset's loader takes, such as ``signal="protein"``. Of cells, ``signal="other_half"`` splits each
        cell's molecules in two: one half is the counts and the other the signal (``pairing.halves``), which needs no
        label; ``half_seed`` says which molecules. An unknown option is refused, naming the nearest.

    Returns
    -------
    Dataset of cells, Images or Sequences

    Raises
    ------
    FileNotFoundError
        If its files are not in ``folder``; or neither in the cache nor can be downloaded, with the steps by hand.

    Examples
    --------
    >>> cells = load("pbmc68k")
    >>> cells.counts.shape, cells.n_folds
    ((700, 765), 2)
    """
    loader = LOADERS[choose(name, LOADERS, "dataset")]
    if options.get("signal") == "other_half" and name in CELLS and name != "your_data":
        from helpers.datasets.pairing import with_other_half

        del options["signal"]
        seed = options.pop("half_seed", 0)
        return with_other_half(load(name, folder, **options), seed)
    if folder:
        options["folder"] = folder
    for option in options:
        choose(option, inspect.signature(loader).parameters, f"option of dataset {name}")
        if option.endswith("seed"):
            as_seed(options[option], option)
    data = loader(**options)
    if not folder:
        return data
    from helpers.datasets.files import shown_name

    return replace(data, name=shown_name(name, folder), source=f"files in {folder}, in the format of {name}")


__all__ = ["Dataset", "Images", "Sequences", "available", "example_file", "load"]
