"""What the grids of cells, images and sequences have in common: fields with what they refuse, and their data."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from helpers._utils.validation import choose, first_refusal, in_range
from helpers.noise import OF_CELLS
from helpers.store.paths import project_root
from helpers.store.stamp import note_read
from helpers.sweep import data
from helpers.sweep.data import Point
from helpers.sweep.measurement import Measurement

# The registered files are the same point whether these are given or not; "miniature" came before "folder".
_REGISTERED_FILES = (("folder", ""), ("folder", None), ("miniature", False))


def _without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in options.items()
        if (name, value) not in _REGISTERED_FILES
    }


def _depth_of_the_data(depth: float) -> float:
    return OF_CELLS["thinning"].check(depth, "depth")


def one_of(known: Iterable[str], what: str) -> AfterValidator:
    """Return the check that a name is known, which names the nearest if not."""
    return AfterValidator(lambda name: choose(name, known, what))


def whole_numbers(least: float, most: float = 2**32 - 1) -> AfterValidator:
    """Return the check of a list of whole numbers in a range; repeats are dropped."""

    def check(values: list[int], field: ValidationInfo) -> list[int]:
        if not values:
            raise ValueError(f"{field.field_name} is empty: give at least one.")
        for value in values:
            in_range(value, least, most, f"one of {field.field_name}", whole=True)
        return list(dict.fromkeys(values))

    return AfterValidator(check)


Options = Annotated[dict[str, Any], AfterValidator(_without_defaults)]
Depths = list[Annotated[float, AfterValidator(_depth_of_the_data)]]
Numbers = Annotated[list[int], whole_numbers(0)]
Sizes = Annotated[list[int], whole_numbers(2)]


def planned_blocks(name: str) -> dict[str, Any]:
    """Return what ``config/grids/<name>.yaml`` plans, and note that a page reads it."""
    file = project_root() / "config" / "grids" / f"{name}.yaml"
    note_read(file)
    return yaml.safe_load(file.read_text("utf8"))


class DataGrid(BaseModel):
    """Points that are measured on one data set; a subclass says which and how.

    Parameters
    ----------
    dataset : str
    options : dict
        Options of the dataset, such as ``{"signal": "protein"}``.
    seeds : list of int
        Each seed draws its own noise, training samples, initial weights and estimate.

    Raises
    ------
    ValueError
        What is refused first, in one line.

    Examples
    --------
    >>> from helpers.sweep import Grid
    >>> Grid(dataset="pbmc68k", representations=["pca"], depths=[2.0])
    Traceback (most recent call last):
    ...
    ValueError: depth is 2.0: it must be a number in (0, 1]. It is relative to the data's own depth: 0.1 keeps 10 %.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    measurement: ClassVar[Measurement]

    dataset: str
    options: Options = Field(default_factory=dict)
    seeds: Numbers = [0, 1, 2]

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ValueError(first_refusal(error, type(self).model_fields)) from None

    def points(self) -> list[Point]:
        """Return the settings of every point as plain data; equal settings, equal point."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Return what is known of the data, as recorded if they are not at hand."""
        return data.facts({"dataset": self.dataset, "options": self.options})

    def about(self) -> dict[str, Any]:
        """Return the table of facts of the data, as recorded if they are not at hand."""
        return self.facts()["about"]

    def folds_that_probe(self, folds: list[int] | None) -> tuple[list[int], int]:
        """Return these folds, or all, and how many training samples each of them has.

        As many in every fold as in the smallest, so that folds can be averaged.
        """
        sizes = self.facts()["train_cells"]
        folds = list(range(len(sizes))) if folds is None else folds
        for fold in folds:
            in_range(fold, 0, len(sizes) - 1, f"fold of {self.dataset}", whole=True)
        return folds, min(sizes[fold] for fold in folds)
