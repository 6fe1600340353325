"""Small simulated files in exactly the format of each dataset, for tests that need no download.

Every file has the names, orientation, column names and quirks of the real one, but few cells and genes. The
cells come from ``helpers.datasets.simulated``: the signal has information about them, so that whatever
reads and measures the real files finds some here too.
"""

from collections.abc import Callable
from pathlib import Path

from helpers._utils.validation import as_seed, choose, in_range
from miniatures import large, modalities, small

Writer = Callable[[Path, int, int], None]


def _by_name(*writers: Writer) -> dict[str, Writer]:
    return {writer.__name__: writer for writer in writers}


# Cells.
WRITERS = _by_name(
    small.citeseq_cbmc,
    small.citeseq_pbmc10k,
    small.larry_subset,
    small.malaria_idc,
    small.merfish_hypothalamus,
    small.osmfish,
    small.pbmc4k,
    small.perturbation_lowmoi,
    small.progenitors,
    small.rna_mixture,
    small.spleen_lymph,
    small.worm_embryo,
    small.xenium_breast,
    small.xenium_sampled,
    large.larry,
    large.merfish,
    large.mouse_embryo,
    large.pbmc_citeseq,
    large.your_data,
)
# Images and sequences.
OTHERS = _by_name(modalities.caltech101, modalities.tissuemnist, modalities.sarscov2_spike, modalities.sarscov2_genomes)


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
