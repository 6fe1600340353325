"""How deep for which task: one row a task with depths at which bits are missing, ours and the published."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.findings import papers
from helpers.findings.curves import KEYS
from helpers.findings.depth_and_cells import with_kind
from helpers.laws import CellNumberLaw, NoiseLaw, kept
from helpers.store.model_free import MISSING, bracketed, in_cell, missing_depths

# The share of I_max whose depth the first paper calls UMI90 (table 5). Others have used I_max + log2 of a share.
SHARE = 0.9
_DEPTH = "depth for 0.9·I_max (UMIs per cell)"


def task_table(points: pd.DataFrame, independent: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Return what each task needs, one row a data set, signal and model.

    Parameters
    ----------
    points : DataFrame from ``noise_axis(seed_means(rows))``
    independent : data sets and signals that were not computed from the same counts

    Returns
    -------
    DataFrame
        The columns of ``model_free.missing_depths``; ``kind``, ``curve`` and ``signals`` as charts take them;
        ``status`` of the noise law; ``umi90``, the depth at which it reaches 0.9·I_max, with ``umi90_low`` and
        ``umi90_high``, NaN unless its status is "ok"; ``side``, where the deepest depth lies of it.

    Examples
    --------
    >>> law, u = NoiseLaw(2.0, 100.0), np.geomspace(10, 1000, 8)
    >>> points = pd.DataFrame({"dataset": "a", "signal": "protein", "representation": "pca", "noise_level": u / 1000,
    ...                        "umis_per_cell": u, "seed": 0, "mi_bits": law(u)})
    >>> table = task_table(points, [("a", "protein")])
    >>> table["status"].item(), round(float(table["umi90"].item()) / float(law.depth_for(0.9 * law.i_max)), 3)
    ('ok', 1.0)
    >>> tasks_to_read(table)["data lie"].to_dict()
    {'a, protein': 'above'}
    """
    table = with_kind(missing_depths(points), "measured here", independent)
    fits = kept.fit_groups(points, NoiseLaw, "umis_per_cell", by=KEYS)
    rows = []
    for key, deepest in zip(table[KEYS].itertuples(index=False, name=None), table["umis_per_cell"], strict=True):
        fit = fits[key]
        ends = (float("nan"),) * 3
        if fit.status == "ok":
            ends = fit.derived(lambda law: float(law.depth_for(SHARE * law.i_max)), positive=True)
        rows.append([fit.status, *ends, side(deepest, *ends[1:])])
    columns = ["status", "umi90", "umi90_low", "umi90_high", "side"]
    return table.join(pd.DataFrame(rows, columns=columns, index=table.index))


def side(deepest: float, low: float, high: float) -> str:
    """Return where a depth lies of an interval of UMI90.

    >>> side(500, 600, 900), side(1000, 600, 900), side(700, 600, 900), side(700, float("nan"), float("nan"))
    ('below', 'above', 'not decided', '')
    """
    if np.isnan([low, high]).any():
        return ""
    return "below" if deepest < low else "above" if deepest > high else "not decided"


def tasks_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ``task_table`` with a value and its 95 % interval in one cell, the task that needs most depth first."""
    table = table.sort_values(["kind", "missing_0.25"], ascending=[True, False])
    cells: dict[str, list[str]] = {"UMIs per cell": [f"{u:,.0f}" for u in table["umis_per_cell"]]}
    cells["bits there"] = _cells(table, "bits", ".2f")
    for bits in MISSING:
        cells[f"−{bits:g} bits at"] = _cells(table, f"missing_{bits:g}", ",.0f")
    cells["last halving (bits)"] = _cells(table, "halving", ".2f")
    umi90 = _cells(table, "umi90", ",.0f")
    cells["UMI90"] = [text if ok == "ok" else f"({ok})" for text, ok in zip(umi90, table["status"], strict=True)]
    cells["data lie"] = table["side"].tolist()
    return pd.DataFrame(cells, index=pd.Index(table["curve"], name="task"))


def _cells(table: pd.DataFrame, name: str, form: str) -> list[str]:
    # 0 stands for less than the shallowest that was measured.
    return [
        in_cell(row, name, form).replace("[0,", f"[below {row['shallowest']:,.0f},") for row in table.to_dict("records")
    ]


def answers(table: pd.DataFrame, bits: float = 0.25) -> dict[str, float]:
    """Return what the sentences of the page state about some tasks.

    Parameters
    ----------
    table : DataFrame from ``task_table``
    bits : one of ``model_free.MISSING``

    Returns
    -------
    dict
        ``tasks``; ``depth``, ``depth_least`` and ``depth_most``, median and range of the depths at which so many bits
        are missing, those below the shallowest measured counted as that; ``unreached``, how many those are; ``halving``
        likewise, bits lost by the last halving; ``share``, the depth as a share of the deepest (median).
    """
    in_range(bits, min(MISSING), max(MISSING), "bits")
    depth = table[f"missing_{bits:g}"].where(table[f"missing_{bits:g}"] > 0, table["shallowest"])
    halving = table["halving"]
    return {
        "tasks": float(len(table)), "depth": depth.median(), "depth_least": depth.min(), "depth_most": depth.max(),
        "unreached": float((table[f"missing_{bits:g}"] == 0).sum()), "halving": halving.median(),
        "halving_least": halving.min(), "halving_most": halving.max(),
        "share": (depth / table["umis_per_cell"]).median(),
    }  # fmt: skip


def published_tasks() -> pd.DataFrame:
    """Return UMI90 of the released curves beside what the first paper printed in table 5, one row a curve.

    Returns
    -------
    DataFrame
        ``KEYS``; ``umis_per_cell``, the deepest released; ``umi90`` refitted with its interval, NaN unless the points
        agree with the law (``status`` "ok"); ``printed``; ``side`` of the deepest.

    Examples
    --------
    >>> published = published_tasks().set_index(KEYS)
    >>> float(published.loc[("pbmc_citeseq", "protein", "pca"), "printed"])
    18430.0
    """
    noise = papers.refitted(NoiseLaw)
    table = papers.tables_of_first_version(noise, papers.refitted(CellNumberLaw))
    table = table[table["quantity"] == _DEPTH]
    deepest = papers.points().groupby(KEYS)["umis_per_cell"].max().rename("umis_per_cell")
    table = table.merge(deepest.reset_index(), on=KEYS).rename(columns={"value": "umi90"})
    table[["umi90_low", "umi90_high"]] = table[["low", "high"]]
    table.loc[table["status"] != "ok", ["umi90", "umi90_low", "umi90_high"]] = float("nan")
    sides = [side(*ends) for ends in table[["umis_per_cell", "umi90_low", "umi90_high"]].to_numpy(float)]
    columns = [*KEYS, "umis_per_cell", "umi90", "umi90_low", "umi90_high", "status", "printed"]
    return table[columns].assign(side=sides).reset_index(drop=True)


def published_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``published_tasks`` with a value and its interval in one cell."""
    ends = table[["umi90", "umi90_low", "umi90_high"]].to_numpy(float)
    umi90 = [bracketed(value, low, high, ",.0f") for value, low, high in ends]
    cells = {
        "UMIs per cell": [f"{u:,.0f}" for u in table["umis_per_cell"]],
        "UMI90, refitted": [a if ok == "ok" else f"({ok})" for a, ok in zip(umi90, table["status"], strict=True)],
        "printed": ["–" if np.isnan(value) else f"{value:,.0f}" for value in table["printed"]],
        "data lie": table["side"].tolist(),
    }
    names = table[KEYS].map(lambda name: name.replace("_", " "))
    return pd.DataFrame(cells, index=pd.MultiIndex.from_frame(names))
