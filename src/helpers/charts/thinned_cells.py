"""What thinning does to single cells, for a page to show without a kernel."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from helpers.charts import parts
from helpers.charts.style import COLOURS, GREY, HEIGHT, WIDTH
from helpers.datasets import Dataset
from helpers.noise import thin
from helpers.preprocess.genes import log_cp10k, prepare
from helpers.representations import build

_NEIGHBOURS = 16
_GENES = 12  # shown of each cell
_CELLS, _REPEATS = 3, 12  # to choose from, of the most common labels, and thinnings of each at a depth


def noise_viewer(cells: Dataset, fractions: list[float]) -> Any:
    """Draw what thinning does to a cell: its counts, and its place among clean cells in two principal components.

    The clean cells are placed by components learned from them; each choice of cell and depth shows several thinnings of
    the cell, placed by the same components, with the nearest clean cells of each. The page needs no kernel.

    Parameters
    ----------
    cells : Dataset with labels; the choice is among cells of its most common ones
    fractions : depths, relative to the data's own
    """
    background, thinned, genes = _tables(cells, fractions)
    choices = list(dict.fromkeys(thinned["cell"]))
    levels = sorted(fractions, reverse=True)
    for table in (thinned, genes):
        table["step"] = table["fraction"].map({level: step for step, level in enumerate(levels)})
    last, names = len(levels) - 1, ", ".join(f"{level:g}" for level in levels)
    controls = [
        parts.choice("viewed", choices, "cell"),
        parts.slider("thinned_step", min(2, last), 0, last, 1, f"thinning, step of {names}"),
    ]
    content = f"{len(background)} clean cells (grey), {_REPEATS} thinnings of one (orange); right: its counts"
    chart = (_map_of_cells(background, thinned) | _counts_of_genes(genes)).add_params(*controls)
    words = "Controls choose the cell and how much is kept."
    return parts.titled(chart, "What thinning does to one cell", f"{cells.name}: {content}", words)


def _tables(cells: Dataset, fractions: list[float]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the places of clean cells and of thinned ones, and the counts of genes in a cell and in one thinning."""
    counts, other = cells.counts[cells.train], cells.other_umis[cells.train]
    labels = np.asarray(cells.signal)[cells.train].astype(str)
    names = np.arange(counts.shape[1]) if cells.genes is None else np.asarray(cells.genes)
    rng = np.random.default_rng(0)
    clean = prepare(counts, counts, other, other)
    totals = np.asarray(counts.sum(axis=1)).ravel() + other
    model = build("pca", dim=16, seed=0).fit(clean.train)
    codes = model.transform(clean.train)
    near = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(codes)
    places, bars = [], []
    for label in pd.Series(labels).value_counts().index[:_CELLS]:
        members = np.flatnonzero(labels == label)
        cell = int(members[np.argsort(totals[members])[len(members) // 2]])
        neighbours = set(near.kneighbors(codes[[cell]])[1][0])
        full = counts[[cell]].toarray().ravel()
        top = np.argsort(-full, kind="stable")[:_GENES]
        for fraction in fractions:
            thinned = sparse.vstack([thin(counts[[cell]], fraction, rng) for _ in range(_REPEATS)], format="csr")
            rest = rng.binomial(other[cell], fraction, _REPEATS)
            # The genes of the clean cells, in their order.
            values = log_cp10k(thinned[:, clean.genes], np.asarray(thinned.sum(axis=1)).ravel() + rest).toarray()
            placed = model.transform(values.astype(np.float32))
            kept = [len(neighbours & set(row)) / _NEIGHBOURS for row in near.kneighbors(placed)[1]]
            key = {"cell": f"{label}, {totals[cell]:,.0f} UMIs", "fraction": fraction}
            places.append(pd.DataFrame({**key, "x": placed[:, 0], "y": placed[:, 1], "kept": np.mean(kept)}))
            first = thinned[0].toarray().ravel()
            numbers = {"full": full[top], "count": first[top], "order": range(len(top))}
            bars.append(pd.DataFrame({**key, "gene": [str(name) for name in names[top]], **numbers}))
    background = pd.DataFrame({"x": codes[:, 0], "y": codes[:, 1], "label": labels})
    return background, pd.concat(places), pd.concat(bars)


def _chosen(table: pd.DataFrame) -> alt.Chart:
    return alt.Chart(table).transform_filter("datum.cell === viewed && datum.step === thinned_step")


def _map_of_cells(background: pd.DataFrame, thinned: pd.DataFrame) -> alt.LayerChart:
    axes = alt.X("x:Q").title("component 1"), alt.Y("y:Q").title("component 2")
    grey = alt.Chart(background).mark_circle(size=22, opacity=0.3, color=GREY)
    orange = _chosen(thinned).mark_circle(size=70, opacity=0.8, color=COLOURS[1])
    means = _chosen(thinned).transform_aggregate(kept="mean(kept)", fraction="mean(fraction)")
    kept = f"format(datum.kept, '.0%') + ' of {_NEIGHBOURS} neighbours kept'"
    layers = [
        grey.encode(*axes, tooltip=["label:N"]),
        orange.encode(*axes, tooltip=["cell:N", "fraction:Q"]),
        parts.text_at(
            means, f"format(datum.fraction, '.0%') + ' of molecules: ' + {kept}", x=6, y=10, color=GREY, fontSize=12
        ),
    ]
    return alt.layer(*layers).properties(width=WIDTH * 0.55, height=HEIGHT)


def _counts_of_genes(genes: pd.DataFrame) -> alt.LayerChart:
    bars = _chosen(genes)
    up = alt.Y("gene:N", sort=alt.EncodingSortField("order", op="min")).title(None)
    full = bars.mark_bar(color=GREY, opacity=0.35).encode(alt.X("full:Q").title("molecules"), up)
    count = bars.mark_bar(color=COLOURS[1]).encode(alt.X("count:Q"), up, tooltip=["gene:N", "full:Q", "count:Q"])
    return alt.layer(full, count).properties(width=WIDTH * 0.3, height=HEIGHT)
