"""The grids on cells that the reference results are measured on: ``config/grids/cells.yaml``."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from helpers._utils.validation import choose
from helpers.sweep.cells import Grid
from helpers.sweep.engine import sizes_within
from helpers.sweep.grid import planned_blocks


class _OfDataset(BaseModel):
    """What a block measures on one data set: each signal, with these training cells and all of them."""

    model_config = ConfigDict(extra="forbid")

    signals: list[str] = Field(min_length=1)
    n_train: list[int] = Field(default=[])
    depths: list[float] | None = None


class _Block(BaseModel):
    """Grids that share their models: ``common`` are options of ``Grid``, ``n_train`` replaces the data sets' own."""

    model_config = ConfigDict(extra="forbid")

    common: dict[str, Any]
    n_train: list[int] | None = None
    datasets: dict[str, _OfDataset]


def _blocks() -> dict[str, _Block]:
    return {name: _Block(**block) for name, block in planned_blocks("cells").items()}


def planned(block: str, datasets: list[str] | None = None, folder: str = "", **changes: Any) -> list[Grid]:
    """Return the grids of one block of ``config/grids/cells.yaml``, one for each data set and signal.

    ``n_train`` holds the sizes of the file that the data allow, and all training cells as the last.

    Parameters
    ----------
    block : str
        One of ``blocks()``: models that are measured on the same settings.
    datasets : list of str, optional
        Only these; all of the block's if not given.
    folder : path
        Files of your own in each set's format, read instead of the registered ones.
    **changes : options of ``Grid``, in all of them

    Examples
    --------
    >>> grid, = planned("linear", ["pbmc68k"], seeds=[0])
    >>> len(grid.depths), grid.n_train, len(grid.points())
    (8, [25, 50, 100, 200, 350], 48)
    """
    blocks = _blocks()
    chosen = blocks[choose(block, blocks, "block of config/grids/cells.yaml")]
    names = [choose(name, chosen.datasets, f"data set of {block}") for name in datasets or chosen.datasets]
    grids = []
    for name in names:
        entry = chosen.datasets[name]
        depths = {} if entry.depths is None else {"depths": entry.depths}
        for signal in entry.signals:
            # The one embedded set has no files.
            options = {"signal": signal, "folder": "" if name == "pbmc68k" else folder}
            whole = Grid(**{"dataset": name, "options": options, **chosen.common, **depths, **changes})
            sizes = entry.n_train if chosen.n_train is None else chosen.n_train
            sizes = changes.get("n_train") or sizes_within(whole, sizes)
            grids.append(whole.model_copy(update={"n_train": sizes}))
    return grids


def blocks() -> list[str]:
    """Return the names of the blocks, in the order of the file.

    >>> blocks()[0]
    'linear'
    """
    return list(_blocks())
