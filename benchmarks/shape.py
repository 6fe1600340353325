"""The shape of noise curves, own and published: exponents, rivals, held-out depths; and how often fits are rejected.

python benchmarks/shape.py [--draws 1000]
"""

import argparse

import numpy as np
import pandas as pd

from helpers.findings import papers, shape
from helpers.findings.curves import KEYS, together
from helpers.laws import NoiseLaw, StretchedNoiseLaw
from helpers.store.points import noise_axis, seed_means
from helpers.store.reference import to_read
from helpers.sweep.cell_grids import planned
from helpers.sweep.engine import stored_rows


def own_curves() -> pd.DataFrame:
    """Return the points of the reference results: all training cells, probe and training cells at equal depth."""
    store = to_read()
    rows = together(stored_rows(planned(block), store) for block in ("linear", "scvi", "txformer", "masked"))
    return noise_axis(seed_means(rows))


def rejected(draws: int) -> pd.DataFrame:
    """Return the share of simulated curves, eight depths of three seeds, whose noise law is a misfit."""
    u = np.repeat(np.geomspace(0.01, 1, 8) * 3000, 3)
    rows = []
    for beta in (1.0, 0.7):
        for i_max in (0.7, 1.5, 2.5):
            for scatter, shared in ((0.02, 0.0), (0.04, 0.0), (0.04, 0.04)):
                rng, truth = np.random.default_rng(0), StretchedNoiseLaw(i_max, 300.0, beta)(u)
                points = truth + rng.normal(0, scatter, (draws, len(u)))
                points += np.tile(rng.normal(0, shared, (draws, 3)), 8)
                found = np.mean([NoiseLaw.fit(u, bits).status == "misfit" for bits in points])
                rows.append([beta, i_max, scatter, shared, found])
    return pd.DataFrame(rows, columns=["β", "I_max (bits)", "scatter (bits)", "shared by a seed", "misfit"])


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="simulated curves a setting")
    draws = parser.parse_args().draws
    curves = {"own": (own_curves(), KEYS), "published": (papers.points(), [*KEYS, "n_train"])}
    tables = {name: shape.shape_table(shape.fit_shapes(points, by), by) for name, (points, by) in curves.items()}
    print(pd.DataFrame({name: shape.shape_counts(table) for name, table in tables.items()}).round(3).to_string())
    for within in (0.25, 0.1):
        for name, (points, by) in curves.items():
            print(f"\n{name}: the deepest depth, predicted from those up to {within:g} of it (bits)")
            print(shape.held_out_summary(shape.held_out_deepest(points, within, by)).round(3).to_string())
    print(f"\nfalse alarms (β = 1) and power (β = 0.7), {draws} curves a setting")
    print(rejected(draws).to_string(index=False))


if __name__ == "__main__":
    main()
