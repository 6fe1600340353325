"""What training adds to a network: its points beside those of an untrained control, on the same cells and seeds."""

import pandas as pd

from helpers.store import reference
from helpers.store.rows import Store
from helpers.sweep.cell_grids import planned
from helpers.sweep.engine import stored_rows


def untrained() -> pd.DataFrame:
    """Return the rows of the controls of the transformers of ``config/grids/cells.yaml``: one step of training.

    They were measured with all training cells at the data's own depth, with the seeds of the trained networks, and are
    kept in ``results/reference/untrained``.
    """
    grids = planned("txformer", depths=[1.0], models={"txformer": {"steps": 1}})
    all_cells = [grid.model_copy(update={"n_train": [max(grid.n_train or [0])]}) for grid in grids]
    return stored_rows(all_cells, Store(reference.folder() / "untrained"))


def training_gain(trained: pd.DataFrame, controls: pd.DataFrame) -> pd.DataFrame:
    """Return what training added to networks that were also measured untrained, on the same cells and seeds.

    Both are points from ``seed_means`` of one representation; of the result one row is a data set, signal and seed:
    bits ``untrained`` and ``trained``, and ``gain``.
    """
    same = ["dataset", "signal", "representation", "n_train", "noise_level", "probe_noise_level", "seed"]
    before = controls[[*same, "mi_bits"]].rename(columns={"mi_bits": "untrained"})
    pairs = before.merge(trained[[*same, "mi_bits"]].rename(columns={"mi_bits": "trained"}), on=same)
    table = pairs[["dataset", "signal", "seed", "untrained", "trained"]]
    return table.assign(gain=table["trained"] - table["untrained"])
