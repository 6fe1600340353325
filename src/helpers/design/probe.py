"""How deep cells must be, those that a model is asked about and those it learns from, read off points without a law."""

import pandas as pd

from helpers.store.model_free import missing_depths
from helpers.store.points import ROLES, noise_roles

_CURVE = ["dataset", "signal", "representation"]


def one_side_thinned(points: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of models that learn from deep cells and are asked about thinned ones, and the other way round.

    Of points from ``seed_means`` whose training and probe cells were thinned apart (block ``matrix`` of
    ``config/grids/cells.yaml``), those with the most training cells; ``role`` says which side was thinned;
    ``noise_level`` and ``umis_per_cell`` are those of that side.

    Raises
    ------
    ValueError
        If training and probe cells were only thinned together.
    """
    apart = points[points["noise_level"] != points["probe_noise_level"]]
    if apart.empty:
        raise ValueError(
            "training and probe cells were thinned together at every point: give points of a block such as matrix."
        )
    most = points[points["n_train"] == points.groupby(_CURVE)["n_train"].transform("max")]
    roles = noise_roles(most)
    sides = roles[roles["role"].isin([ROLES["probe"], ROLES["train"]])]
    level = sides[["noise_level", "probe_noise_level"]].min(axis=1)
    return sides.assign(noise_level=level, probe_noise_level=level, umis_per_cell=sides["thinned_umis"])


def depths_missing(points: pd.DataFrame) -> pd.DataFrame:
    """Return at which depth of the probe cells, and of the training cells, bits are missing.

    ``points`` are as ``one_side_thinned`` takes them; the result is that of ``missing_depths`` by data set, signal,
    representation and ``role``.

    Examples
    --------
    >>> import numpy as np
    >>> levels = [1.0, 0.1, 0.01]
    >>> rows = [{"noise_level": train, "probe_noise_level": probe, "umis_per_cell": 1000 * probe,
    ...          "mi_bits": 2 + 0.5 * np.log10(probe) + 0.1 * np.log10(train)} for train in levels for probe in levels]
    >>> points = pd.DataFrame(rows).assign(dataset="blood", signal="protein", representation="pca", n_train=300, seed=0)
    >>> table = depths_missing(points).set_index("role")
    >>> table["missing_0.1"].round().to_dict()
    {'probe cells thinned, training clean': 631.0, 'training cells thinned, probe clean': 100.0}
    """
    return missing_depths(one_side_thinned(points), [*_CURVE, "role"])
