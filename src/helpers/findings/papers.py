"""Numbers and measurements that the papers published, refitted, to stand beside ours."""

import hashlib
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.content import short_hash
from helpers._utils.validation import choose
from helpers.design import fit_pilot
from helpers.laws import CellNumberLaw, Fit, Law, ModelSizeLaw, NoiseLaw, kept, parameter_table
from helpers.laws.compare import compare, grid_means
from helpers.store import reference
from helpers.store.versions import method

# Gowri, Yin and Klein, first version: tables 1 to 5, as this project defines them. None: not given.
DEFINITIONS = {
    "gain from 10× cells (bits)": "table 1: I(10 N) − I(N) by the cell-number law at full depth, N the most cells",
    "gain from 10× UMIs (bits)": "table 2: I(10 u) − I(u) by the noise law with the most cells, u the full depth",
    "I_max (bits)": "table 3: I_max of the noise law with the most cells",
    "lost, I_max − I (bits)": "table 4: I_max − I(u) by the same law at full depth",
    "depth for 0.9·I_max (UMIs per cell)": "table 5: the depth at which that law reaches 0.9·I_max",
}
_MODELS = ("scvi", "pca", "txformer", "random_projection")
_SIGNALS_PRINTED = ("clone", "neighbour", "protein", "cell_type")
_ROWS = (
    ((0.01, 0.06, None, None), (0.16, 0.00, None, None), (0.04, 0.00, None, None), (0.07, 0.00, None, None)),
    ((0.27, 0.46, 0.01, None), (1.64, 1.61, 0.06, 0.23), (0.57, 0.73, 0.06, 0.07), (0.13, 0.13, 0.04, 0.04)),
    ((2.17, 2.15, 0.27, None), (None, None, 0.38, 0.74), (5.29, 5.29, 3.06, 2.68), (3.73, 3.45, 2.84, 2.38)),
    ((0.30, 0.54, 0.02, None), (None, None, 0.06, 0.28), (0.67, 0.89, 0.06, 0.08), (0.14, 0.14, 0.05, 0.04)),
    ((3907, 8751, 1453, None), (None, None, 672, 1944), (11550, 18430, 1423, 2188), (2579, 2938, 1103, 1308)),
)
_PRINTED = {name: dict(zip(_SIGNALS_PRINTED, rows, strict=True)) for name, rows in zip(DEFINITIONS, _ROWS, strict=True)}
# Tables in results/reference that hold what is used of the files released with the papers (``findings.packing``).
POINTS, FITS, RUNS = "published_points", "published_fits", "published_runs"
MODALITIES = "published_modalities"
# The columns that tell one released curve from another, and the law's variable, by law.
KEYS = ["dataset", "signal", "representation"]
AXIS = {NoiseLaw: ("n_train", "umis_per_cell"), CellNumberLaw: ("noise_level", "n_train")}


def first_version(signal: str) -> pd.DataFrame:
    """Return what the first paper printed in tables 3 to 5 for a kind of signal, by representation; NaN: nothing.

    Examples
    --------
    >>> float(first_version("protein").loc["pca", "I_max (bits)"])
    5.29
    """
    choose(signal, _SIGNALS_PRINTED, "signal of the first paper")
    columns = {name: _PRINTED[name][signal] for name in list(DEFINITIONS)[2:]}
    return pd.DataFrame(columns, index=pd.Index(_MODELS, name="published"), dtype=float).dropna(how="all")


@lru_cache(maxsize=1)
def points() -> pd.DataFrame:
    """Return the authors' released estimates, in the columns of ``helpers.store.points.seed_means``.

    The project keeps the mean, spread and number of seeds of each setting, not the released file. A setting of several
    seeds is given as that many points with the same mean and spread: every least-squares fit, its R² and its
    intervals are those of the released points. ``noise_level`` is the released quality and ``umis_per_cell`` the
    nominal depth. No sampling error was released (``mi_stderr_bits`` is 0), nor a null.

    Examples
    --------
    >>> table = points()
    >>> len(table), table["dataset"].nunique()
    (4844, 4)
    """
    means = reference.table(POINTS)
    rows = means.loc[means.index.repeat(means["seeds"])].reset_index(drop=True)
    rank = rows.groupby([*KEYS, "size", "quality"]).cumcount()
    # ±1/√2 for two points and −1, 0, 1 for three have a standard deviation of one.
    place = (rank - (rows["seeds"] - 1) / 2) * np.where(rows["seeds"] == 2, np.sqrt(2), 1.0)
    return rows[KEYS].assign(
        n_train=rows["size"],
        noise_level=rows["quality"],
        probe_noise_level=rows["quality"],
        umis_per_cell=rows["umis_per_cell"].astype(float),
        seed=rank,
        n_folds=1,
        mi_bits=rows["bits"] + place * rows["spread"].fillna(0),
        mi_stderr_bits=0.0,
        mi_null_bits=float("nan"),
    )


def released(dataset: str, signal: str) -> pd.DataFrame:
    """Return the released estimates (``points``) of one dataset and signal at the largest number of cells.

    Examples
    --------
    >>> sorted(set(released("larry", "clone")["n_train"]))
    [100000]
    """
    rows, names = points(), points()["dataset"] + " " + points()["signal"]
    rows = rows[names == choose(f"{dataset} {signal}", sorted(set(names)), "released curve")]
    return rows[rows["n_train"] == rows.groupby("representation")["n_train"].transform("max")].reset_index(drop=True)


def of_modality(dataset: str) -> pd.DataFrame:
    """Return the released estimates of "tissuemnist" or "sarscov2_spike", as curves for ``helpers.laws.tolerance``.

    Returns
    -------
    DataFrame
        One row a curve (``curve``) and noise level: one estimate each, without sampling error or null. Training and
        probe samples have the same noise. TissueMNIST: plug-in information of the predicted class, and LMI of the last
        layer. Spikes: LMI between ESM-2 of three sizes and the collection date, on access-controlled sequences.

    Notes
    -----
    github.com/igor-sadalski/Scaling-up-measurement-noise-scaling-laws, ``seq/multisize_gisaid_results.csv`` (commit
    b6c1935) and ``images/tissuemnist_models/result_*.csv`` (commit 9479869), all values in bits.

    Examples
    --------
    >>> sorted(set(of_modality("sarscov2_spike")["curve"]))
    ['ESM-2 150M', 'ESM-2 35M', 'ESM-2 8M']
    """
    rows = reference.table(MODALITIES)
    rows = rows[rows["dataset"] == choose(dataset, set(rows["dataset"]), "dataset with released estimates")]
    same = {"n_train": 0, "seed": 0, "n_folds": 1, "mi_stderr_bits": 0.0}
    rows = rows.assign(curve=rows["representation"], probe_noise_level=rows["noise_level"], **same)
    return rows.assign(mi_null_bits=float("nan"), umis_per_cell=float("nan")).reset_index(drop=True)


def refitted(law: type[Law], rows: pd.DataFrame | None = None) -> dict[tuple, Fit]:
    """Fit every released curve again (``helpers.laws.kept``: of the released points the fits are at hand).

    ``law`` is NoiseLaw or CellNumberLaw, ``rows`` some of ``points()``; keys are data set, signal, representation, and
    the number of training cells or the quality.
    """
    setting, x = AXIS[law]
    return kept.fit_groups(points() if rows is None else rows, law, x, by=[*KEYS, setting])


def beside_published(fits: dict[tuple, Fit], law: type[Law], tolerance: float = 1e-3) -> pd.DataFrame:
    """Return refits (of ``refitted``) as numbers beside the parameters the authors released.

    ``tolerance`` is the relative difference up to which a parameter ``agrees``; the release has three decimals, which
    count too.

    Returns
    -------
    DataFrame
        ``parameter_table`` and, for each parameter, ``published_<name>`` with its released error; ``agrees`` says
        whether all parameters do; ``published_r_squared`` is that of the released law on the same points, and ``apart``
        the largest distance in bits of the two curves over the measured range.
    """
    setting, _ = AXIS[law]
    names = list(law.allowed)
    called = {NoiseLaw: "size", CellNumberLaw: "quality"}[law]
    theirs = reference.table(FITS).rename(columns={called: setting})
    theirs = theirs[theirs["parameter"].isin(names)].pivot(
        index=[*KEYS, setting], columns="parameter", values=["value", "error"]
    )
    table = parameter_table(fits, [*KEYS, setting]).set_index([*KEYS, setting])
    agrees = pd.Series(True, index=table.index)
    for name in names:
        value = theirs["value", name].reindex(table.index)
        table[f"published_{name}"] = value
        table[f"published_{name}_error"] = theirs["error", name].reindex(table.index)
        agrees &= (table[name] - value).abs() <= tolerance * value.abs() + 0.5e-3
    rows = []
    for key, row in table.iterrows():
        fit, released = fits[key], law(**{n: max(row[f"published_{n}"], 1e-3 * (n in law.positive)) for n in names})
        off, spread = fit.y - released(fit.x), fit.y - fit.y.mean()
        explained = 1 - (off**2).sum() / (spread**2).sum() if spread.any() else float("nan")
        rows.append((explained, np.abs(released(fit.x) - fit.law(fit.x)).max()))
    table[["published_r_squared", "apart"]] = rows
    return table.assign(agrees=agrees).reset_index()


def joint_comparison(folds: int = 3, repeats: int = 5, seed: int = 0, write: bool = False) -> pd.DataFrame:
    """Compare the joint laws on the 20 released grids (``helpers.laws.compare.compare``).

    It takes minutes, so the result for the default settings is kept in ``results/reference``; with other settings, or
    a new version of the fits, it is computed.
    """
    data = hashlib.sha256((reference.folder() / f"{POINTS}.parquet").read_bytes()).hexdigest()
    settings = {"folds": folds, "repeats": repeats, "seed": seed}
    key = short_hash({"method": method("fit", "compare", "beyond"), "data": data, **settings})
    return reference.cached_table(
        "joint_laws", key, lambda: compare(grid_means(points(), KEYS), None, **settings), write
    )


def masked_runs(loss: str) -> pd.DataFrame:
    """Return the released runs of masked-reconstruction transformers: 512 genes, 200,000 cells, three seeds a size.

    Columns are ``size``, ``seed``, ``params`` and ``loss``, the best validation loss: mean squared error ("mse"), or
    Gaussian negative log-likelihood in nats ("nll").
    """
    column = {"mse": "best_val_mse", "nll": "best_val_gauss_nll"}[choose(loss, ["mse", "nll"], "loss")]
    return reference.table(RUNS).rename(columns={column: "loss"})[["size", "seed", "params", "loss"]]


def grid_and_line(params: Any, loss: Any) -> ModelSizeLaw:
    """Fit L = a P^(−α) + c as the third paper did: a grid of 100 floors c, a straight line in logarithms for each.

    The grid ends at 0.99 of the smallest loss. It is here to show what it does: ``ModelSizeLaw.fit`` finds the least
    squares.

    Examples
    --------
    >>> runs = masked_runs("mse")
    >>> law = grid_and_line(runs["params"], runs["loss"])
    >>> round(law.alpha, 4), round(law.c, 4)
    (0.2664, 1.4438)
    """
    log_p, loss = np.log(np.asarray(params, float)), np.asarray(loss, float)
    best: tuple[float, ModelSizeLaw] | None = None
    for c in np.linspace(0, 0.99 * loss.min(), 100):
        above = np.log(loss - c)
        slope, level = np.polyfit(log_p, above, 1)
        explained = 1 - ((above - level - slope * log_p) ** 2).sum() / ((above - above.mean()) ** 2).sum()
        if slope < 0 and (best is None or explained > best[0]):
            best = explained, ModelSizeLaw(float(np.exp(level)), -float(slope), float(c))
    if best is None:
        raise ValueError("the loss does not fall with the number of parameters: there is no line to fit.")
    return best[1]


def floor_in_bits(c: float, loss: str) -> float:
    """Return a floor of the loss as bits a masked gene: ½ log2(2πe c) of a squared error, c/ln 2 of nats.

    >>> round(floor_in_bits(1.4437577, "mse"), 3), round(floor_in_bits(1.5915125, "nll"), 3)
    (2.312, 2.296)
    """
    if choose(loss, ["mse", "nll"], "loss") == "nll":
        return c / float(np.log(2))
    return float(np.log2(2 * np.pi * np.e * c) / 2) if c > 0 else float("-inf")


def tables_of_first_version(noise: dict[tuple, Fit], cells: dict[tuple, Fit]) -> pd.DataFrame:
    """Recompute tables 1 to 5 of the first paper from the released measurements (fits of ``refitted``).

    Returns
    -------
    DataFrame
        One row a dataset, signal, representation and quantity of ``DEFINITIONS``: ``value`` with its 95 % interval
        ``low`` to ``high``, status of the fit, and ``printed``, what the first paper gives (NaN where nothing).
    """
    # Sorted, so that of each curve the last, of most cells or full depth, remains.
    of_depth, of_number = ({key[:-1]: fits[key] for key in sorted(fits)} for fits in (noise, cells))
    rows: list[list] = []
    for key, by_depth in of_depth.items():
        by_number = of_number[key]
        u, n = float(by_depth.x.max()), float(by_number.x.max())
        for name, fit in zip(DEFINITIONS, (by_number, *[by_depth] * 4), strict=True):
            quantity = partial(_quantity, name, u, n)
            value, low, high = fit.derived(quantity, positive="depth" in name)
            rows.append([*key, name, value, low, high, fit.status, _printed(name, key[1], key[2])])
    return pd.DataFrame(rows, columns=[*KEYS, "quantity", "value", "low", "high", "status", "printed"])


def _quantity(name: str, u: float, n: float, law: Law) -> float:
    """Return one of ``DEFINITIONS`` of a law, at full depth u or with the most cells n."""
    if isinstance(law, CellNumberLaw):
        return float(law(10 * n) - law(n))
    assert isinstance(law, NoiseLaw)
    of_depth = list(DEFINITIONS)[1:]
    values = (law(10 * u) - law(u), law.i_max, law.i_max - law(u), law.depth_for(0.9 * law.i_max))
    return float(values[of_depth.index(name)])


def _printed(quantity: str, signal: str, model: str) -> float:
    """Return what the first paper prints; its small transformer stands beside the released Geneformer."""
    values = _PRINTED[quantity].get(signal)
    value = values[_MODELS.index(model.replace("geneformer", "txformer"))] if values else None
    return float("nan") if value is None else float(value)


def fit_published(name: str) -> Fit:
    """Fit the joint law to a grid that the papers released, for plans beyond its points (``design.fit_pilot``).

    Examples
    --------
    >>> fit_published("larry clone scvi").n_points
    100
    """
    grids = {" ".join(key): grid for key, grid in grid_means(points(), KEYS).items()}
    grid = grids[choose(name, grids, "published curve")]
    return fit_pilot(grid, name)
