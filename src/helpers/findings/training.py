"""What training adds to a network: its points beside those before its first step, on the same cells and seeds."""

import numpy as np
import pandas as pd

from helpers.sweep.cells import UNTRAINED

_NETWORK = ["dataset", "signal", "representation", "n_train", "noise_level", "probe_noise_level", "seed"]


def training_gain(points: pd.DataFrame) -> pd.DataFrame:
    """Return what training added to each network that was measured before its first step as well.

    Parameters
    ----------
    points
        From ``seed_means``, of a sweep with checkpoints (``stored_rows`` with ``steps=True``).

    Returns
    -------
    DataFrame, a row a network: its data set, signal, model, training cells, depth and seed; bits ``untrained`` and
    ``trained``; ``gain``, with its standard error as if the two were of different cells, which is more than it has.
    """
    named = points["representation"]
    before = points[named.str.endswith(UNTRAINED)]
    before = before.assign(representation=before["representation"].str.removesuffix(UNTRAINED))
    pairs = before.merge(points, on=_NETWORK, suffixes=("_before", ""))
    table = pairs.rename(columns={"mi_bits_before": "untrained", "mi_bits": "trained"})
    table["gain"] = table["trained"] - table["untrained"]
    table["gain_error"] = np.hypot(table["mi_stderr_bits_before"], table["mi_stderr_bits"])
    return table[[*_NETWORK[:5], "umis_per_cell", "seed", "untrained", "trained", "gain", "gain_error"]]


def along_training(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the held-out loss and the information of each network along its training.

    Parameters
    ----------
    rows
        Those of ``stored_rows`` with ``steps=True``.

    Returns
    -------
    DataFrame, a row a network and step: ``network`` (its data set, signal, depth and seed in words), ``step`` ("end"
    for the weights of the lowest loss) and ``order`` of the steps, ``loss`` in bits per masked token, and ``bits`` with
    their 95 % interval ``low`` to ``high`` (sampling error).
    """
    stage = rows["representation"].str.extract(r"(_untrained|_at_\d+)$")[0]
    order = stage.map(lambda at: np.inf if pd.isna(at) else 0.0 if at == UNTRAINED else float(at.removeprefix("_at_")))
    half = 1.96 * rows["mi_stderr_bits"]
    table = rows.assign(
        order=order,
        step=order.map(lambda at: f"{at:.0f}" if np.isfinite(at) else "end"),
        loss=rows["model_loss"],
        bits=rows["mi_bits"],
        low=rows["mi_bits"] - half,
        high=rows["mi_bits"] + half,
        task=rows["dataset"] + ", " + rows["signal"],
        depth=rows["noise_level"].map("{:g}".format),
    )
    table["network"] = table["task"] + ", depth × " + table["depth"] + ", seed " + table["seed"].astype(str)
    shown = ["network", "task", "depth", "seed", "noise_level", "umis_per_cell", "order", "step", "loss"]
    table = table.sort_values(["network", "order"]).assign(order=lambda sorted: sorted.groupby("network").cumcount())
    return table[[*shown, "bits", "low", "high"]].reset_index(drop=True)


def loss_tells(along: pd.DataFrame) -> pd.DataFrame:
    """Return how well the loss tells the information within each training: rank correlations over its steps.

    Parameters
    ----------
    along
        From ``along_training``.

    Returns
    -------
    DataFrame, a row a network: ``loss_fall`` and ``gain`` from the first step to the end, ``least`` (the fewest bits at
    any step, less those at the first) and ``rank``, the correlation of lower loss with more bits.
    """
    rows = []
    for name, steps in along.groupby("network"):
        loss, bits = steps["loss"], steps["bits"]
        start, end = steps.iloc[0], steps.iloc[-1]
        rank = -loss.rank().corr(bits.rank())
        fall, gain = start["loss"] - end["loss"], end["bits"] - start["bits"]
        rows.append(
            {"network": name, "loss_fall": fall, "gain": gain, "least": bits.min() - start["bits"], "rank": rank}
        )
    return pd.DataFrame(rows)
