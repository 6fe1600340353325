"""Judge joint laws by what they were not shown: settings of the grid, the deepest depths, the most cells."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import as_seed, choose, in_range
from helpers.laws.joint import JOINT_LAWS, TwoVariableLaw

VERSION = 2  # 2026-11-29 priors and limits beyond the deepest point are measured (laws.beyond)

# What is held out, and how it is fitted.
SETTINGS = "held-out settings"
DEPTHS, DEPTHS_PRIOR = "deepest, least squares", "deepest, priors"
SIZES = "most cells"


def grid_means(points: pd.DataFrame, by: list[str]) -> dict[tuple, pd.DataFrame]:
    """Average the seeds at each setting of each grid; one number of cells or one depth makes none.

    Parameters
    ----------
    points : DataFrame with ``by``, ``n_train``, ``umis_per_cell``, ``mi_bits`` and the level of noise
    by : columns that tell grids apart

    Returns
    -------
    dict of key → DataFrame with ``n``, ``u``, ``bits``, ``error`` (standard error over seeds; NaN of one seed)
    """
    table = points.groupby([*by, "n_train", "noise_level"], as_index=False).agg(
        u=("umis_per_cell", "mean"), bits=("mi_bits", "mean"), error=("mi_bits", "sem")
    )
    table = table.rename(columns={"n_train": "n"})
    grids = table.groupby(by)
    return {key: rows.reset_index(drop=True) for key, rows in grids if (rows[["n", "noise_level"]].nunique() > 1).all()}


def held_out_parts(grid: pd.DataFrame, folds: int = 3, repeats: int = 1, seed: int = 0) -> dict[str, list[np.ndarray]]:
    """Return which rows of a grid are held out in turn, as boolean masks.

    ``SETTINGS``: random folds. ``DEPTHS``: the deepest depths, up to a decade and at most four in ten of all.
    ``SIZES``: the three in ten largest numbers of cells.
    """
    in_range(folds, 2, len(grid), "folds", whole=True)
    rng = np.random.default_rng(as_seed(seed))
    places = [rng.permutation(len(grid)) % folds for _ in range(repeats)]
    random = [place == part for place in places for part in range(folds)]
    deep = grid["u"] > grid["u"].max() / 10
    levels, sizes = np.sort(grid["u"].unique()), np.sort(grid["n"].unique())
    n_deep = min(len(np.unique(grid.loc[deep, "u"])), max(1, int(0.4 * len(levels))))
    n_large = max(1, round(0.3 * len(sizes)))
    return {
        SETTINGS: random,
        DEPTHS: [(grid["u"] >= levels[-n_deep]).to_numpy()],
        SIZES: [(grid["n"] >= sizes[-n_large]).to_numpy()],
    }


def compare(
    grids: dict[tuple, pd.DataFrame], laws: list[str] | None = None, folds: int = 3, repeats: int = 1, seed: int = 0
) -> pd.DataFrame:
    """Fit each joint law to parts of each grid and predict the rest.

    Parameters
    ----------
    grids : dict from ``grid_means``
    laws : names in ``JOINT_LAWS``; all if not given
    folds, repeats, seed : of the random parts

    Returns
    -------
    DataFrame
        One row a law, grid and kind (``SETTINGS``, ``DEPTHS``, ``DEPTHS_PRIOR``, ``SIZES``): ``rmse`` in bits of
        what was held out, ``share`` of the grid's range, ``covered`` share of held-out points inside the 95 % limits
        for points; and of the fit to all of the grid ``aic``, ``parameters`` and ``status``.
    """
    rows = []
    for key, grid in grids.items():
        parts = held_out_parts(grid, folds, repeats, seed)
        n, u, bits = (grid[c].to_numpy() for c in ("n", "u", "bits"))
        for name in laws or JOINT_LAWS:
            law = JOINT_LAWS[choose(name, JOINT_LAWS, "joint law")]
            whole = law.fit(n, u, bits)
            rss = max((whole.residuals**2).sum(), 1e-12)
            aic = float(len(bits) * np.log(rss / len(bits)) + 2 * (len(law.allowed) + 1))
            for kind, prior in ((SETTINGS, False), (DEPTHS, False), (DEPTHS_PRIOR, True), (SIZES, False)):
                rmse, covered = _predicted(law, n, u, bits, parts[DEPTHS if prior else kind], prior)
                row = {"law": name, "grid": " ".join(map(str, key)), "kind": kind, "rmse": rmse}
                row |= {"share": rmse / float(np.ptp(bits)), "covered": covered, "aic": aic}
                rows.append(row | {"parameters": len(law.allowed), "status": whole.status})
    return pd.DataFrame(rows)


def _predicted(
    law: type[TwoVariableLaw], n: np.ndarray, u: np.ndarray, bits: np.ndarray, parts: list[np.ndarray], prior: bool
) -> tuple[float, float]:
    """Return the error in bits of held-out parts of a grid, and the share of their points inside the 95 % limits."""
    off, inside = [], []
    for mask in parts:
        fit = law.fit(n[~mask], u[~mask], bits[~mask], priors=prior)
        pairs = np.column_stack([n[mask], u[mask]])
        low, high = fit.band(pairs, of_points=True)
        off.append(bits[mask] - fit.predict(pairs))
        inside.append((low <= bits[mask]) & (bits[mask] <= high))
    return float(np.sqrt((np.concatenate(off) ** 2).mean())), float(np.concatenate(inside).mean())


def ranking(compared: pd.DataFrame) -> pd.DataFrame:
    """Return one row a law of ``compare``: medians over grids in percent of their range, coverage, mean rank by AIC."""
    share = 100 * compared.pivot_table(index="law", columns="kind", values="share", aggfunc="median", sort=False)
    covered = 100 * compared.pivot_table(index="law", columns="kind", values="covered", sort=False)
    once = compared[compared["kind"] == SETTINGS]
    ranks = once.assign(rank=once.groupby("grid")["aic"].rank()).groupby("law", sort=False)["rank"].mean()
    best = once.loc[once.groupby("grid")["rmse"].idxmin(), "law"].value_counts()
    out: dict[str, Any] = {"parameters": once.groupby("law", sort=False)["parameters"].first()}
    out |= {f"{kind} (% of range)": share[kind] for kind in (SETTINGS, DEPTHS, DEPTHS_PRIOR, SIZES)}
    out |= {f"{kind}: covered (%)": covered[kind] for kind in (SETTINGS, DEPTHS_PRIOR)}
    out |= {"mean rank by AIC": ranks, "best on held-out settings": best.reindex(ranks.index).fillna(0).astype(int)}
    return pd.DataFrame(out).rename_axis("law")


def seed_floor(grids: dict[tuple, pd.DataFrame]) -> float:
    """Return the median over grids of the standard error of the seeds' means, as a share of the grid's range.

    It is the error that seeds alone would make. Only grids with several seeds at every setting, which differ, count.
    """
    several = [grid for grid in grids.values() if grid["error"].notna().all() and grid["error"].any()]
    shares = [np.sqrt((grid["error"] ** 2).mean()) / np.ptp(grid["bits"]) for grid in several]
    return float(np.median(shares)) if shares else float("nan")
