"""Small simulated files in exactly the format of each dataset, for tests and for pages without the data.

Every file has the names, orientation, column names and quirks of the real one, but few cells and genes. The
cells come from ``helpers.datasets.simulated``: the signal has information about them, so that whatever
reads and measures the real files finds some here too.
"""

from collections.abc import Callable
from pathlib import Path

from helpers._utils.validation import as_seed, choose, in_range
from helpers.datasets import miniature_large as large
from helpers.datasets import miniature_modalities as others
from helpers.datasets import miniature_small as small

_WRITERS = (
    small.citeseq_pbmc10k, small.citeseq_cbmc, small.spleen_lymph, small.pbmc4k, small.xenium_breast, small.osmfish,
    small.merfish_hypothalamus, small.worm_embryo, small.malaria_idc, small.larry_subset, small.rna_mixture,
    small.progenitors, large.pbmc_citeseq, large.larry, large.merfish, large.mouse_embryo, large.your_data,
)  # fmt: skip
WRITERS: dict[str, Callable[[Path, int, int], None]] = {writer.__name__: writer for writer in _WRITERS}
# Images and sequences.
OTHERS: dict[str, Callable[[Path, int, int], None]] = {
    writer.__name__: writer
    for writer in (others.caltech101, others.tissuemnist, others.sarscov2_spike, others.sarscov2_genomes)
}


def write(name: str, folder: str | Path, n_cells: int = 400, seed: int = 0) -> Path:
    """Write a dataset's files in miniature and return their folder.

    Parameters
    ----------
    name : str
        A dataset of the registry, or ``your_data``.
    folder : path
        Made if it does not exist. Files get the last part of their registered paths.
    n_cells : int
        About how many cells, images or sequences; at least 80.
    seed : int

    Raises
    ------
    ValueError
        For an unknown name, or a number of cells or seed out of range.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.datasets.cells.pbmc4k import pbmc4k
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pbmc4k(folder=write("pbmc4k", folder, n_cells=100)).counts.shape
    (100, 200)
    """
    known = {**WRITERS, **OTHERS}
    writer = known[choose(name, known, "dataset with a miniature")]
    in_range(n_cells, 80, 100_000, "n_cells of a miniature", whole=True)
    seed = as_seed(seed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writer(folder, n_cells, seed)
    return folder
