"""The commands for a user's own cells: ``noise-scaling scan`` and ``noise-scaling thin``."""

from pathlib import Path
from typing import Annotated, Any

import typer

_HIDDEN = ".noise-scaling"  # folder of measured points beside a report

Cells = Annotated[
    str, typer.Argument(help="File or folder of cells: .h5ad, .zarr, .h5mu, 10x .h5 or folder, .loom, .csv or .tsv.")
]
Layer = Annotated[str | None, typer.Option(help="Where the raw counts are: a layer, X or raw.")]
Modality = Annotated[str, typer.Option(help="Modality of a MuData file that has the RNA.")]
Metadata = Annotated[str | None, typer.Option(help="CSV or TSV with more columns about the cells.")]
GenesIn = Annotated[str | None, typer.Option(help="Of a table of counts: rows or columns.")]


def scan(
    cells: Cells,
    signal: Annotated[
        list[str] | None,
        typer.Option("--signal", "-s", help="obs:KEY, pert:KEY, obsm:KEY, mod:KEY, neighbours:KEY, pairs:KEY, batch:KEY "
                     "or other_half, which needs no label; repeat for more."),
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time to spend, such as 90s, 2min or 1h.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="A folder, or the .html file of the report; CELLS_scan if not given.")
    ] = None,
    representation: Annotated[
        list[str] | None, typer.Option("--representation", "-r", help="pca, random_projection, scvi …; repeat for more.")
    ] = None,
    embeddings: Annotated[
        list[str] | None, typer.Option("--embeddings", "-e", help="Keys of obsm, or a folder of embeddings.")
    ] = None,
    depths: Annotated[str | None, typer.Option(help="Shares of the molecules, such as 1,0.5,0.1.")] = None,
    n_train: Annotated[str | None, typer.Option(help="Numbers of training cells, such as 100,1000; '' for none.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Repeats, such as 0,1,2.")] = None,
    n_probe: Annotated[int | None, typer.Option(help="Most probe cells.")] = None,
    dim: Annotated[int, typer.Option(help="Dimensions of the representations.")] = 16,
    n_top: Annotated[int, typer.Option(help="Genes kept.")] = 750,
    gene_depth: Annotated[float | None, typer.Option(help="Choose genes at this depth; that of the cells else.")] = None,
    share: Annotated[float, typer.Option(help="Advise the depth for this share of I_max.")] = 0.9,
    batch: Annotated[str | None, typer.Option(help="Column of obs whose cells stay in one fold.")] = None,
    layer: Layer = None,
    modality: Modality = "rna",
    metadata: Metadata = None,
    genes_in: GenesIn = None,
    as_labels: Annotated[
        bool | None, typer.Option("--as-labels/--as-numbers", help="Take the column as labels or as numbers.")
    ] = None,
    independent: Annotated[
        bool | None, typer.Option("--independent/--not-independent", help="Whether the signal was measured apart.")
    ] = None,
    pairs_per_clone: Annotated[int | None, typer.Option(help="Most pairs that pairs:KEY takes of one clone.")] = None,
    backed: Annotated[bool, typer.Option(help="Leave the counts on disk.")] = False,
) -> None:
    """Measure how depth and cells limit what can be known of your cells, and write a report.

    What is measured is kept beside the report: stopped, or with further options, the same command goes on from there.
    """
    page, points = _targets(to, cells)
    given = {
        "depths": _numbers(depths, "depths", float), "n_train": _numbers(n_train, "n_train", int),
        "seeds": _numbers(seeds, "seeds", int), "n_probe": n_probe, "gene_depth": gene_depth,
        "representations": representation, "embeddings": _embeddings(embeddings), "batch": batch, "layer": layer,
        "metadata": metadata, "genes_in": genes_in, "as_labels": as_labels, "independent": independent,
        "pairs_per_clone": pairs_per_clone,
    }
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if modality != "rna":
        options["modality"] = modality
    if backed:
        options["backed"] = True
    _check_early(cells, budget)
    from helpers.findings.scan import scan as measure

    path = str(Path(cells).expanduser().absolute())
    keep = page.parent / _HIDDEN
    more: dict[str, Any] = {"dim": dim, "n_top": n_top, "share": share, "keep": keep}
    report = measure(path, signal or "other_half", budget, **more, **options)
    for sentence in (*report.advice, *report.notes):
        typer.echo(sentence)
    report.to_html(page)
    report.points().to_csv(points, index=False)
    typer.echo(f"Report: {page}")
    typer.echo(f"Points: {points} (noise-scaling design --pilot {points} --budget 10000)")


def thin(
    cells: Cells,
    to: Annotated[Path, typer.Option(help="Folder for one .h5ad file a depth.")],
    depths: Annotated[str, typer.Option(help="Shares of the molecules, such as 1,0.5,0.1.")] = "1,0.5,0.25,0.12,0.06,0.03",
    seed: Annotated[int, typer.Option(help="Which molecules are kept.", min=0)] = 0,
    layer: Layer = None,
    modality: Modality = "rna",
    metadata: Metadata = None,
    genes_in: GenesIn = None,
) -> None:
    """Write your cells at several depths, to embed each with a model of yours and scan the embeddings."""
    shares = _numbers(depths, "depths", float) or []
    _check_early(cells, None)
    from helpers.datasets.thinned_files import write_thinned

    files = write_thinned(Path(cells).expanduser(), to, shares, seed, layer, modality, metadata, genes_in)
    for file in files:
        typer.echo(file)
    typer.echo(
        f"Embed each file and put the embedding into its obsm, or write {to}/MODEL_DEPTH.npy with a row a cell; then "
        f"noise-scaling scan {cells} --embeddings {to}"
    )


def _targets(to: Path | None, cells: str) -> tuple[Path, Path]:
    """Return the files of the report and of the points; what cannot be written to is refused."""
    name = Path(cells).name.split(".")[0] or "cells"
    target = to or Path(f"{name}_scan")
    if target.suffix == ".html":
        if target.is_dir():
            raise ValueError(f"--to is {target}, a folder with the name of a file: give another.")
        return target, target.with_suffix(".points.csv")
    if target.suffix or target.is_file():
        raise ValueError(f"--to is {target}: give a folder, or an .html file for the report.")
    return target / "report.html", target / "points.csv"


def _numbers(text: str | None, what: str, kind: type) -> list[Any] | None:
    """Return the numbers of an option such as ``1,0.5``; None if it was not given.

    >>> _numbers("1,0.5", "depths", float), _numbers("", "n_train", int)
    ([1.0, 0.5], [])
    """
    if text is None:
        return None
    try:
        return [kind(part) for part in text.strip("[] ").split(",") if part.strip()]
    except ValueError:
        example = "1,0.5,0.1" if kind is float else "30,100,300"
        raise ValueError(f"--{what.replace('_', '-')} is {text!r}: give numbers with commas, such as {example}.") from None


def _embeddings(given: list[str] | None) -> Any:
    """Return keys of obsm, or the path of a folder of embeddings."""
    if given and len(given) == 1 and Path(given[0]).expanduser().is_dir():
        return Path(given[0])
    return given


def _check_early(cells: str, budget: str | None) -> None:
    """Refuse what needs no heavy import to be refused."""
    from helpers.datasets.formats import kind_of

    kind_of(Path(cells).expanduser())
    if budget is not None:
        from helpers._utils.progress import seconds_of

        seconds_of(budget)
