"""A real file such as a reader may bring: what ``your_data`` is tried on."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.datasets.cells.pbmc68k import pbmc68k
from helpers.datasets.files import cache_folder


def example_file(folder: str | Path | None = None) -> Path:
    """Write the 700 real blood cells of ``pbmc68k`` as an ``.h5ad`` file such as you may have, and return its path.

    As most files do, it holds log-normalised values in ``X`` and raw counts in ``layers["counts"]``; ``obs`` has the
    10 cell types in ``celltype`` and the counts of each cell in ``n_counts``. It is written to ``folder``, or else to
    the cache of data files, unless it is there.

    >>> import tempfile
    >>> from helpers.datasets import load
    >>> file = example_file(tempfile.mkdtemp())
    >>> file.name, load("your_data", path=str(file)).counts.shape
    ('blood_cells.h5ad', (700, 765))
    """
    import anndata

    path = Path(folder or cache_folder() / "example") / "blood_cells.h5ad"
    if path.exists():
        return path
    cells = pbmc68k()
    totals = cells.counts.sum(axis=1).A1
    names = [f"cell{i}" for i in range(cells.n_cells)]
    obs = pd.DataFrame({"celltype": pd.Categorical(cells.signal), "n_counts": totals}, names)
    normalised = sparse.diags(1e4 / totals) @ cells.counts
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    anndata.AnnData(
        normalised.log1p().tocsr().astype(np.float32),
        obs,
        pd.DataFrame(index=cells.genes),
        layers={"counts": cells.counts.astype(np.float32)},
    ).write_h5ad(part, compression="gzip")
    return part.replace(path)  # complete, or not there
