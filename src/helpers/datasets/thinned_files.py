"""Cells at several depths as files, for models that are run elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers._utils.validation import as_seed
from helpers.datasets.your_file import read_file
from helpers.noise.counts import check_fraction, thin_nested


def write_thinned(
    path: Path,
    folder: Path,
    depths: Sequence[float],
    seed: int = 0,
    layer: str | None = None,
    modality: str = "rna",
    metadata: str | None = None,
    genes_in: str | None = None,
) -> list[Path]:
    """Write the raw counts of a file of cells thinned to several depths, nested, and return the files.

    Each is an ``.h5ad`` file ``cells_DEPTH.h5ad`` with counts in ``X`` and the columns about cells in ``obs``, all in
    their order. ``obsm`` is empty: an embedding that is put there is of that depth.

    Parameters
    ----------
    path, layer, modality, metadata, genes_in : see ``your_data``
    folder : made if it is not there
    depths : shares of the molecules, in (0, 1]
    seed : which molecules are kept

    Raises
    ------
    ValueError
        For no depth, one out of range, or a file that cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.datasets.example import example_file
    >>> folder = Path(tempfile.mkdtemp())
    >>> [file.name for file in write_thinned(example_file(folder), folder / "thinned", [1.0, 0.5])]
    ['cells_1.h5ad', 'cells_0.5.h5ad']
    """
    import anndata

    if not len(depths):
        raise ValueError("depths is empty: give at least one, such as 0.5.")
    for depth in depths:
        check_fraction(depth)
    seed = as_seed(seed)
    if folder.is_file():
        raise ValueError(f"{folder} is a file: give a folder to write to.")
    stored = read_file(path, layer, modality, metadata, genes_in=genes_in)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for depth in depths:
        counts = thin_nested(stored.counts, [depth], seed)[depth]
        cells = anndata.AnnData(counts.astype(np.float32), stored.obs, pd.DataFrame(index=stored.genes))
        cells.uns["thinned"] = {"depth": float(depth), "seed": seed, "source": str(path)}
        file = folder / f"cells_{depth:g}.h5ad"
        cells.write_h5ad(file, compression="gzip")
        files.append(file)
    return files
