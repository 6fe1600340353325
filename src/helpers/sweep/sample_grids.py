"""The grids on images and sequences that the reference results are measured on: ``config/grids/samples.yaml``."""

from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from helpers._utils.validation import choose, in_range
from helpers.laws import CellNumberLaw, Fit
from helpers.laws.kept import fit_groups
from helpers.laws.tolerance import image_points, sequence_points
from helpers.sweep.grid import planned_blocks
from helpers.sweep.images import ImageGrid
from helpers.sweep.sequences import SequenceGrid

AnySamples = ImageGrid | SequenceGrid
_GRIDS: dict[str, type[AnySamples]] = {"images": ImageGrid, "sequences": SequenceGrid}


class _Block(BaseModel):
    """One data set: ``grid`` are options of its grid, ``seen`` is how many samples a model is shown in training."""

    model_config = ConfigDict(extra="forbid")

    modality: Literal["images", "sequences"]
    seen: int = Field(ge=1)
    n_train: list[int]
    grid: dict[str, Any]


def planned(block: str, n_train: list[int] | None = None, seen: int | None = None, **changes: Any) -> list[AnySamples]:
    """Return the grids of one block of ``config/grids/samples.yaml``, one for each number of training samples.

    They differ in the passes over the samples (``epochs``), so that each model is shown equally many.

    Parameters
    ----------
    block : str
        Name of the data set in the file.
    n_train : list of int, optional
        Numbers of training samples, instead of those of the file and all there are.
    seen : int, optional
        Samples that a model is shown in training, counting repeats, instead of the file's.
    **changes : options of ``ImageGrid`` or ``SequenceGrid``, in all of them; a dict changes what it names

    Examples
    --------
    >>> grids = planned("digits", seeds=[0])
    >>> [(grid.n_train, grid.model["epochs"]) for grid in grids][:2], len(grids), len(grids[0].points())
    ([([56], 96.21429), ([112], 48.10714)], 5, 32)
    """
    blocks = {name: _Block(**settings) for name, settings in planned_blocks("samples").items()}
    chosen = blocks[choose(block, blocks, "block of config/grids/samples.yaml")]
    make = _GRIDS[chosen.modality]
    merged = {k: {**chosen.grid.get(k, {}), **v} if isinstance(v, dict) else v for k, v in changes.items()}
    options = {**chosen.grid, **merged}
    most = max(point["n_train"] for point in make(**options).points())
    sizes = n_train or [*(n for n in chosen.n_train if n < most), most]
    for n in sizes:
        in_range(n, 2, most, f"n_train of {block}", whole=True)
    shown = chosen.seen if seen is None else seen
    in_range(shown, 1, 1e9, "seen", "It is how many samples a model is shown in training.")
    passes = {n: round(shown / n, 5) for n in sizes}
    return [
        make(**{**options, "n_train": [n], "model": {**options.get("model", {}), "epochs": passes[n]}}) for n in sizes
    ]


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """Return the seed means of every number of training samples; noise-free ones are in the curve of every noise."""
    points = image_points if (table["modality"] == "images").all() else sequence_points
    return pd.concat([points(rows) for _, rows in table.groupby("n_train")], ignore_index=True)


def size_fits(points: pd.DataFrame, by: str | list[str] = "curve", least: int = 4) -> dict[Any, Fit]:
    """Fit the law of the number of cells, with samples for cells, to curves of ``least`` numbers or more."""
    return fit_groups(points[points.groupby(by)["n_train"].transform("nunique") >= least], CellNumberLaw, "n_train", by)
