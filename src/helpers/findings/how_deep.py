"""How deep for which task: one row a task with depths at which bits are missing, ours and the published."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from helpers._utils.validation import in_range
from helpers.findings import papers
from helpers.findings.curves import KEYS
from helpers.findings.depth_and_cells import with_kind
from helpers.findings.phrases import place
from helpers.laws import CellNumberLaw, NoiseLaw, kept
from helpers.store.model_free import MISSING, in_cell, missing_depths

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
    for *key, deepest in table[[*KEYS, "umis_per_cell"]].itertuples(index=False):
        fit, ends = fits[tuple(key)], (float("nan"),) * 3
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
    return "" if np.isnan([low, high]).any() else place(low, high, deepest, ("above", "not decided", "below"))


def tasks_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ``task_table`` with a value and its 95 % interval in one cell, the task that needs most depth first."""
    table = table.sort_values(["kind", "missing_0.25"], ascending=[True, False])
    cells = {"UMIs per cell": table["umis_per_cell"].map("{:,.0f}".format), "bits there": _cells(table, "bits", ".2f")}
    cells |= {f"−{bits:g} bits at": _cells(table, f"missing_{bits:g}", ",.0f") for bits in MISSING}
    cells["last halving (bits)"] = _cells(table, "halving", ".2f")
    cells |= {"UMI90": _umi90(table), "data lie": table["side"]}
    return pd.DataFrame(cells).set_index(pd.Index(table["curve"], name="task"))


def _cells(table: pd.DataFrame, name: str, form: str) -> pd.Series:
    # 0 stands for less than the shallowest that was measured.
    return table.apply(
        lambda row: in_cell(row, name, form).replace("[0,", f"[below {row['shallowest']:,.0f},"), axis="columns"
    )


def _umi90(table: pd.DataFrame) -> pd.Series:
    """Return UMI90 with its interval, or why there is none."""
    cells = table.apply(lambda row: in_cell(row, "umi90", ",.0f"), axis="columns")
    return cells.where(table["status"] == "ok", "(" + table["status"] + ")")


def answers(table: pd.DataFrame, bits: float = 0.25) -> dict[str, float]:
    """Return what the sentences of the page state about some tasks of a ``task_table``; ``bits`` is one of ``MISSING``.

    Returns
    -------
    dict
        ``tasks``; ``depth``, ``depth_least`` and ``depth_most``, median and range of the depths at which so many bits
        are missing, those below the shallowest measured counted as that; ``unreached``, how many those are; ``halving``
        likewise, bits lost by the last halving; ``share``, the depth as a share of the deepest (median).
    """
    in_range(bits, min(MISSING), max(MISSING), "bits")
    missing = table[f"missing_{bits:g}"]
    depth = missing.where(missing > 0, table["shallowest"])
    numbers = {"tasks": float(len(table)), "unreached": float((missing == 0).sum())}
    for name, values in (("depth", depth), ("halving", table["halving"])):
        numbers |= {name: values.median(), f"{name}_least": values.min(), f"{name}_most": values.max()}
    return numbers | {"share": (depth / table["umis_per_cell"]).median()}


def published_tasks() -> pd.DataFrame:
    """Return UMI90 of the released curves beside what the first paper printed in table 5, one row a curve.

    Columns are ``KEYS``; ``umis_per_cell``, the deepest released; ``umi90`` refitted with its interval, NaN unless the
    points agree with the law (``status`` "ok"); ``printed``; ``side`` of the deepest.

    Examples
    --------
    >>> published = published_tasks().set_index(KEYS)
    >>> float(published.loc[("pbmc_citeseq", "protein", "pca"), "printed"])
    18430.0
    """
    table = papers.tables_of_first_version(papers.refitted(NoiseLaw), papers.refitted(CellNumberLaw))
    deepest = papers.points().groupby(KEYS)["umis_per_cell"].max().reset_index()
    table = table[table["quantity"] == _DEPTH].merge(deepest, on=KEYS)
    table = table.rename(columns={"value": "umi90", "low": "umi90_low", "high": "umi90_high"})
    ends = ["umi90", "umi90_low", "umi90_high"]
    table.loc[table["status"] != "ok", ends] = float("nan")
    sides = [side(*depths) for depths in table[["umis_per_cell", "umi90_low", "umi90_high"]].to_numpy(float)]
    return table[[*KEYS, "umis_per_cell", *ends, "status", "printed"]].assign(side=sides)


def published_to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``published_tasks`` with a value and its interval in one cell."""
    cells = {
        "UMIs per cell": table["umis_per_cell"].map("{:,.0f}".format),
        "UMI90, refitted": _umi90(table),
        "printed": table["printed"].map("{:,.0f}".format, na_action="ignore").fillna("–"),
        "data lie": table["side"],
    }
    names = table[KEYS].map(lambda name: name.replace("_", " "))
    return pd.DataFrame(cells).set_index(pd.MultiIndex.from_frame(names))
