"""Measure LMI, KSG, canonical correlations and the package ``latentmi`` on pairs with known answers.

Run it as ``python benchmarks/calibration.py``: an hour and more, nearly all of it the package's. What is measured
already is not measured again; the table goes to ``results/reference/calibration.parquet``, which the page on
estimators shows beside its own estimates.
"""

from pathlib import Path

import pandas as pd

from helpers.information.known_pairs import TASKS
from helpers.store.rows import Store
from helpers.sweep.calibration import calibrate

FOLDER = Path(__file__).parents[1] / "results" / "reference"
OURS = ["lmi", "ksg", "cca"]


def main() -> None:
    """Measure and write."""
    store, tasks = Store(FOLDER), list(TASKS)
    parts = [
        calibrate(store, ["latentmi"], [0.0, 2.0, 4.0, 6.0], [1000], [16], [0], tasks),
        calibrate(store, ["latentmi"], [2.0], [4000], [16], [0], tasks),
        calibrate(store, OURS, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [300, 1000, 4000], [4, 16, 64], [0, 1, 2], tasks),
        calibrate(store, OURS, [0.0, 2.0, 4.0, 6.0], [10_000], [16], [0], tasks),
    ]
    table = pd.concat(parts, ignore_index=True)
    table.drop(columns=["parameters"]).to_parquet(FOLDER / "calibration.parquet")
    print(table.assign(error=table["bias"].abs()).groupby("representation")[["error", "seconds"]].mean())


if __name__ == "__main__":
    main()
