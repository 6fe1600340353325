"""The files released with the papers, summarised into the small tables that ``findings.papers`` reads."""

from pathlib import Path

import pandas as pd

from helpers.datasets.files import fetch
from helpers.findings.papers import FITS, KEYS, POINTS, RUNS
from helpers.laws import CellNumberLaw, NoiseLaw
from helpers.store import reference

# Names in the released measurements → what this project calls them.
_DATASETS = {"PBMC": "pbmc_citeseq", "larry": "larry", "merfish": "merfish", "shendure": "mouse_embryo"}
_SIGNALS = {
    "protein_counts": "protein",
    "celltype.l3": "cell_type",
    "clone": "clone",
    "ng_idx": "neighbour",
    "author_day": "day",
}
_CALLED = {"PCA": "pca", "RandomProjection": "random_projection", "SCVI": "scvi", "Geneformer": "geneformer"}
# The files released with the papers.
_INFORMATION = "collect_mi_results.csv"
_FITS = {
    NoiseLaw: ("scaling_plots_u_bar_138.109_I_max_1.419.csv", {"i_max": "fitted_I_max", "u_bar": "fitted_u_bar"}),
    CellNumberLaw: ("cell_scaling_N0_2328676.073_s_1.100_I_inf_3.141.csv", {"i_inf": "I_inf", "n0": "N0", "s": "s"}),
}
_RUNS = "stage2b_canonical_runs.csv"


def pack(folder: Path | None = None) -> list[Path]:
    """Summarise the released files into small tables in ``results/reference``; return their paths.

    Of the estimates the mean, standard deviation and number of seeds at each setting are kept, of the masked models'
    losses each run's, and of the authors' fits the parameters. Needs the files (``noise-scaling data published``).
    """
    folder = folder or reference.folder()
    raw = _renamed(pd.read_csv(fetch("published", _INFORMATION)).rename(columns={"algorithm": "method"}))
    keys = [*KEYS, "size", "quality", "umis_per_cell"]
    means = raw.groupby(keys, as_index=False).agg(
        bits=("mi_value", "mean"), spread=("mi_value", "std"), seeds=("seed", "nunique")
    )
    fits = []
    for law, (file, columns) in _FITS.items():
        table = _renamed(pd.read_csv(fetch("published", file)).rename(columns={"metric": "signal"}))
        setting = "size" if law is NoiseLaw else "quality"
        for name, column in columns.items():
            errors = table[f"{column.removeprefix('fitted_')}_error"]
            fits.append(table[[*KEYS, setting]].assign(parameter=name, value=table[column], error=errors))
    runs = pd.read_csv(fetch("published", _RUNS)).rename(columns={"V": "genes"})
    runs = runs[["size", "seed", "genes", "params", "tokens_seen", "best_val_mse", "best_val_gauss_nll"]]
    if means["seeds"].max() > 3:
        raise ValueError(f"{means['seeds'].max()} seeds at a setting: papers.points() places three or fewer.")
    written = []
    for name, table in ((POINTS, means), (FITS, pd.concat(fits)), (RUNS, runs)):
        written.append(folder / f"{name}.parquet")
        table.to_parquet(written[-1], index=False)
    return written


def _renamed(table: pd.DataFrame) -> pd.DataFrame:
    names = {"dataset": table["dataset"].map(_DATASETS), "signal": table["signal"].map(_SIGNALS)}
    return table.assign(**names, representation=table["method"].map(_CALLED))
