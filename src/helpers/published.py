"""Numbers and measurements that the papers published, to stand beside ours."""

from functools import lru_cache

import pandas as pd

from helpers.checks import choose
from helpers.datasets.files import fetch

# Gowri, Yin and Klein, first version: tables 3, 4 and 5. None: not given.
_MODELS = ("scvi", "pca", "txformer", "random_projection")
_I_MAX = {
    "clone": (2.17, 2.15, 0.27, None),
    "neighbour": (None, None, 0.38, 0.74),
    "protein": (5.29, 5.29, 3.06, 2.68),
    "cell_type": (3.73, 3.45, 2.84, 2.38),
}
_LOST = {
    "clone": (0.30, 0.54, 0.02, None),
    "neighbour": (None, None, 0.06, 0.28),
    "protein": (0.67, 0.89, 0.06, 0.08),
    "cell_type": (0.14, 0.14, 0.05, 0.04),
}
_THOUSAND_UMIS = {
    "clone": (3.907, 8.751, 1.453, None),
    "neighbour": (None, None, 0.672, 1.944),
    "protein": (11.55, 18.43, 1.423, 2.188),
    "cell_type": (2.579, 2.938, 1.103, 1.308),
}
# Names in the released measurements: dataset and signal, as this project calls them → as released.
RELEASED = {
    ("pbmc_citeseq", "protein"): ("PBMC", "protein_counts"),
    ("pbmc_citeseq", "cell_type"): ("PBMC", "celltype.l3"),
    ("larry", "clone"): ("larry", "clone"),
    ("merfish", "neighbour"): ("merfish", "ng_idx"),
    ("mouse_embryo", "day"): ("shendure", "author_day"),
}
_CALLED = {"PCA": "pca", "RandomProjection": "random_projection", "SCVI": "scvi", "Geneformer": "txformer (Geneformer)"}


def first_version(signal: str) -> pd.DataFrame:
    """Return what the first paper printed for a kind of signal: I_max, what is lost, depth for 0.9·I_max.

    Parameters
    ----------
    signal : {"clone", "neighbour", "protein", "cell_type"}

    Returns
    -------
    DataFrame, one row a representation; NaN where the paper gives none

    Examples
    --------
    >>> float(first_version("protein").loc["pca", "I_max (bits)"])
    5.29
    """
    choose(signal, _I_MAX, "signal of the first paper")
    columns = {
        "I_max (bits)": _I_MAX[signal],
        "lost, I_max − I (bits)": _LOST[signal],
        "depth for 0.9·I_max (UMIs per cell)": tuple(v and 1000 * v for v in _THOUSAND_UMIS[signal]),
    }
    return pd.DataFrame(columns, index=pd.Index(_MODELS, name="published"), dtype=float).dropna(how="all")


@lru_cache(maxsize=1)
def _all_released() -> pd.DataFrame:
    return pd.read_csv(fetch("published", "collect_mi_results.csv"))


def released(dataset: str, signal: str) -> pd.DataFrame:
    """Return the authors' released estimates of one dataset and signal, in the columns of ``seed_means``.

    Returns
    -------
    DataFrame
        One row an estimate; ``noise_level`` is the released nominal quality. No sampling error was released
        (``mi_stderr_bits`` is 0), nor a null.

    Raises
    ------
    FileNotFoundError
        If the file is neither in the cache nor can be downloaded.
    """
    choose(f"{dataset} {signal}", [" ".join(pair) for pair in RELEASED], "released curve")
    name, called = RELEASED[dataset, signal]
    everything = _all_released()
    rows = everything[(everything["dataset"] == name) & (everything["signal"] == called)]
    return pd.DataFrame(
        {
            "dataset": dataset, "signal": signal, "representation": rows["algorithm"].map(_CALLED),
            "n_train": rows["size"], "noise_level": rows["quality"], "probe_noise_level": rows["quality"],
            "umis_per_cell": rows["umis_per_cell"], "seed": rows["seed"], "mi_bits": rows["mi_value"],
            "mi_stderr_bits": 0.0, "mi_null_bits": float("nan"), "n_folds": 1,
        }
    ).reset_index(drop=True)  # fmt: skip


def released_or_told(dataset: str, signal: str) -> pd.DataFrame | str:
    """Return the released estimates of the largest size, or one sentence where the file is not at hand."""
    try:
        rows = released(dataset, signal)
    except FileNotFoundError:
        return (
            "The authors' released measurements are not at hand: `noise-scaling data published` says how to get them."
        )
    return rows[rows["n_train"] == rows.groupby("representation")["n_train"].transform("max")]
