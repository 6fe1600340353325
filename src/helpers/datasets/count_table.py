"""A table of counts as text (CSV, TSV, gzipped or not), with genes or cells in its rows."""

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.datasets.doubts import look_like_cells, look_like_genes
from helpers.datasets.read import is_gzipped, readable

# Characters of a file that the separator is found from.
_HEAD = 1 << 16
# Share of columns that may be text about cells, beside those of genes.
_ABOUT = 0.2


def opened_text(path: Path) -> Any:
    """Open a text file for reading, gzipped or not, whatever its name."""
    if is_gzipped(path):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return open(path, encoding="utf-8-sig")


def separator(path: Path) -> str:
    """Return what separates the columns of a table: comma, tab, semicolon or spaces."""
    with readable(path, "table of counts"), opened_text(path) as handle:
        lines = handle.read(_HEAD).splitlines()[:20]
    counts = {sep: min((line.count(sep) for line in lines if line.strip()), default=0) for sep in ",\t; "}
    best = max(counts, key=lambda sep: counts[sep])
    if not counts[best]:
        raise ValueError(f"{path} has one column: a table of counts has a row a cell (or gene) and a column a gene.")
    return best


def read(path: Path, genes_in: str | None = None) -> Any:
    """Return a table of counts as AnnData; columns of text beside the genes become columns of ``obs``.

    Parameters
    ----------
    path : the file
    genes_in : "rows" or "columns"; found from the names if not given

    Raises
    ------
    ValueError
        If the file is not a table of numbers, or the names do not say where the genes are.
    """
    import anndata

    sep = separator(path)
    with readable(path, "table of counts"), opened_text(path) as handle:
        frame = pd.read_csv(
            handle, sep=r"\s+" if sep == " " else sep, index_col=0, low_memory=False, quoting=csv.QUOTE_MINIMAL
        )
    if not frame.size:
        raise ValueError(f"{path} has {len(frame)} rows and {frame.shape[1]} columns of counts: it holds no counts.")
    frame.index, frame.columns = frame.index.astype(str), frame.columns.astype(str)
    text = [name for name in frame if frame[name].dtype.kind not in "iufb"]
    if len(text) > _ABOUT * frame.shape[1]:
        example = frame[text[0]].iloc[0]
        raise ValueError(
            f"{path} is not a table of counts: {len(text)} of its {frame.shape[1]} columns hold text, such as "
            f"{example!r} in {text[0]!r}. Give whole numbers, a row a cell (or gene) and a column a gene (or cell)."
        )
    place = genes_in or ("columns" if text else _place_of_genes(frame, path))
    if text and place == "rows":
        raise ValueError(
            f"{path} has a column of text, {text[0]!r}, and genes_in is 'rows': the columns are then cells."
        )
    values = frame.drop(columns=text)
    counts = sparse.csr_matrix(np.nan_to_num(values.to_numpy(np.float32), nan=np.nan))
    about = frame[text].astype(str).where(frame[text].notna(), "")
    cells = anndata.AnnData(counts, about, pd.DataFrame(index=values.columns))
    cells = cells.T.copy() if place == "rows" else cells
    cells.uns["read_as"] = f"a table of {cells.n_obs} cells × {cells.n_vars} genes, genes in {place}" + (
        "" if genes_in else f" (genes_in={'columns' if place == 'rows' else 'rows'!r} takes it the other way round)"
    )
    return cells


def _place_of_genes(frame: pd.DataFrame, path: Path) -> str:
    """Return whether the rows or the columns are genes, by their names."""
    rows, columns = list(frame.index), list(frame.columns)
    for_rows = look_like_genes(rows) + look_like_cells(columns) - look_like_genes(columns) - look_like_cells(rows)
    if not for_rows:
        raise ValueError(
            f"{path} has {len(rows)} rows such as {rows[0]!r} and {len(columns)} columns such as {columns[0]!r}, and "
            "the names do not say which are genes: give genes_in='rows' or genes_in='columns' "
            "(on the command line --genes-in)."
        )
    return "rows" if for_rows > 0 else "columns"
