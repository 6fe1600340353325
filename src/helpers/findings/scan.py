"""Your cells in one call: laws, depths and advice from a file or an AnnData object."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers._utils.progress import quiet, seconds_of
from helpers.datasets import in_memory
from helpers.findings.scan_plan import DEPTHS, SIZES, Plan, Settings, plan_of
from helpers.store import Store
from helpers.sweep.turns import INTERRUPTED, measure_in_turn

if TYPE_CHECKING:
    from helpers.findings.scan_report import ScanReport


def scan(
    cells: Any,
    signal: str | Sequence[str] = "other_half",
    budget: str | float | None = None,
    *,
    representations: Sequence[str] = ("pca", "random_projection"),
    embeddings: Sequence[str] | str | Path = (),
    model: Any = None,
    depths: Sequence[float] = DEPTHS,
    n_train: Sequence[int] = SIZES,
    seeds: Sequence[int] = (0, 1, 2),
    folds: Sequence[int] = (0,),
    n_probe: int | None = None,
    dim: int = 16,
    n_top: int = 750,
    gene_depth: float | None = None,
    share: float = 0.9,
    keep: str | Path | None = None,
    progress: bool = True,
    **reading: Any,
) -> "ScanReport":
    """Measure how much a representation of your cells knows about a signal, and what depth and cells add.

    Points are measured in turns, the most telling first: a few depths of one representation with one seed, then more
    depths, further representations, fewer training cells, and further seeds. After the first turn a line says what is
    known so far. Ctrl-C, or the end of ``budget``, stops it: the report then holds what was measured, and says so.

    Parameters
    ----------
    cells : AnnData, MuData or path
        Raw counts of cells: in memory, or a file of any kind that ``helpers.datasets.formats.KINDS`` names.
    signal : str or list of str
        What is asked about: ``"obs:cell_type"``, ``"pert:guide"``, ``"obsm:protein"``, ``"mod:prot"``,
        ``"neighbours:spatial"``, ``"pairs:clone"``, ``"batch:donor"`` as a control, or ``"other_half"`` (also
        ``"split"``), half of each cell's own molecules, for which no label is needed.
    budget : str or float, optional
        Time to spend: ``"90s"``, ``"2min"``, ``"1h"``, or seconds.
    representations : names of ``helpers.representations``
    embeddings : keys of ``obsm``, or a folder
        Embeddings made elsewhere, such as ``["X_scVI"]``. Of one key, its bits at the data's own depth; a curve along
        depth needs an embedding for each depth, ``X_scVI_0.5`` and so on, or a folder of them
        (``noise-scaling thin`` writes the counts to embed).
    model : object with ``fit(cells)`` and ``transform(cells)``, optional
        A model of your own (``helpers.representations.register``).
    depths, n_train, seeds, folds, n_probe, dim, n_top, gene_depth
        As in ``helpers.sweep.Grid``: depths as shares of the molecules, numbers of training cells (those there are),
        repeats, folds that probe, most probe cells (5,000 if not given), dimensions, genes kept, and the depth at
        which genes are chosen (that of the cells if not given).
    share : float
        Advise the depth for this share of I_max.
    keep : folder, optional
        Keep measured points there: the next call goes on from them.
    progress : bool
        Show a bar of the points with the time left.
    **reading
        Options of ``helpers.datasets.your_data.your_data``, such as ``layer``, ``batch``, ``as_labels``,
        ``independent``, ``metadata``, ``modality``, ``n_folds``, ``genes_in`` and ``backed``.

    Returns
    -------
    ScanReport
        ``.table``, ``.curves``, ``.laws``, ``.advice``, ``.plot()``, ``.to_html(path)``, ``.write(adata)``.

    Raises
    ------
    ValueError, FileNotFoundError
        Before anything is measured, for settings or cells that cannot be measured, with the cause and the fix.

    Examples
    --------
    >>> from helpers.datasets import example_file
    >>> few = dict(depths=[1.0, 0.3, 0.1], n_train=[], seeds=[0], representations=["pca"], progress=False)
    >>> report = scan(example_file(tempfile.mkdtemp()), "obs:celltype", **few)
    >>> report.curves["bits"].round(1).tolist()
    [2.0]

    A model of your own, which may stand in a notebook's cell; it gets (cells, genes) of log-normalised values:

    >>> class MostVariable:
    ...     def fit(self, cells):
    ...         self.genes = cells.var(axis=0).argsort()[-8:]
    ...     def transform(self, cells):
    ...         return cells[:, self.genes]
    >>> few["representations"] = []
    >>> report = scan(example_file(tempfile.mkdtemp()), "obs:celltype", model=MostVariable(), **few)
    >>> report.curves.index.tolist(), bool(report.curves["bits"].item() > 1)
    (['obs:celltype, MostVariable'], True)
    """
    start, seconds = time.monotonic(), seconds_of(budget)
    settings = Settings(
        signals=[signal] if isinstance(signal, str) else signal,
        representations=representations,
        embeddings=embeddings,
        model=model,
        depths=depths,
        n_train=n_train,
        seeds=seeds,
        folds=folds,
        n_probe=n_probe,
        dim=dim,
        n_top=n_top,
        gene_depth=gene_depth,
        share=share,
        reading=reading,
    )
    path = str(in_memory.as_path(cells))
    try:
        plan = plan_of(path, settings)
        with tempfile.TemporaryDirectory() as folder:
            spent = time.monotonic() - start  # on reading the cells
            return _measured(plan, Store(keep or folder), seconds, spent, progress)
    finally:
        in_memory.release(path)


def _measured(plan: Plan, store: Store, seconds: float | None, spent: float, progress: bool) -> "ScanReport":
    """Measure what a plan lacks and return the report of it."""
    from helpers.findings.scan_report import ScanReport  # with charts, which a refusal need not wait for

    say = _saying(progress and not quiet())
    say(plan.first_line())

    def first_answer(turn: Any, rows: Any) -> None:
        if turn is plan.turns[0]:
            if not (rows["status"] == "ok").any():
                reason = rows["message"].iloc[0]
                raise ValueError(f"none of the first {len(rows)} points could be measured, so nothing is: {reason}")
            say(ScanReport(plan, rows).first_answer())

    left = None if seconds is None else max(seconds - spent, 0.0)
    rows, ended = measure_in_turn(plan.turns, store, plan.measurement, left, progress, first_answer)
    report = ScanReport(plan, rows, ended, seconds)
    if ended != INTERRUPTED:
        report.measure_bounds()
    return report


def _saying(show: bool) -> Callable[[str], None]:
    """Return what writes a line above a bar of progress."""
    from tqdm import tqdm

    return tqdm.write if show else lambda line: None
