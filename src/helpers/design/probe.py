"""How deep the cells must be that a model is asked about, read off measured points without a law."""

import pandas as pd

from helpers.store.model_free import missing_depths

_CURVE = ["dataset", "signal", "representation"]


def probe_depths(points: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Return what a model trained on the deepest cells says of probe cells of each depth, one row a model.

    Parameters
    ----------
    points : DataFrame from ``seed_means``
        Training and probe cells thinned apart (block ``matrix`` of ``config/grids/cells.yaml``).
    by : columns that name a model; data set, signal and representation if not given

    Returns
    -------
    DataFrame
        From ``missing_depths``: bits at the deepest probe cells, and the probe depths at which 0.1, 0.25 and 0.5 bits
        of them are missing, with 95 % intervals.

    Raises
    ------
    ValueError
        If no model was asked about probe cells of several depths.

    Examples
    --------
    >>> levels = [1.0, 0.1, 0.01]
    >>> rows = [{"noise_level": train, "probe_noise_level": probe, "umis_per_cell": 1000 * probe, "n_train": 300,
    ...          "seed": 0, "mi_bits": bits} for train in levels for probe, bits in zip(levels, [2.0, 1.5, 0.5])]
    >>> table = probe_depths(pd.DataFrame(rows).assign(dataset="blood", signal="protein", representation="pca"))
    >>> round(float(table["missing_0.5"].iloc[0]))
    100
    """
    deep = asked_of_deep(points, by)
    if not deep.groupby(by or _CURVE)["noise_level"].nunique().gt(1).any():
        raise ValueError(
            "no model was asked about probe cells of several depths: give points with training and probe cells thinned "
            "apart (block matrix)."
        )
    return missing_depths(deep, by)


def asked_of_deep(points: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Return the points of models trained on the deepest and most cells, as curves of the depth of the probe cells."""
    by = by or _CURVE
    chosen = points
    for column in ("noise_level", "n_train"):
        chosen = chosen[chosen[column] == chosen.groupby(by)[column].transform("max")]
    return chosen.assign(noise_level=chosen["probe_noise_level"])
