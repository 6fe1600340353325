"""The commands ``fit`` and ``design``: their options. What they do is in ``points``, imported when they run."""

from pathlib import Path
from typing import Annotated, Any

import typer

Errors = Annotated[str | None, typer.Option(help="Column of standard errors, to weigh points by.")]
Unit = Annotated[str, typer.Option(help="Unit of the information in the file: bits or nats.")]
Where = Annotated[
    list[str] | None, typer.Option(help="column=value of the curve to take, of several in the file; repeat for more.")
]
Decimal = Annotated[str | None, typer.Option(help="Decimal sign, . or , where the file leaves it open.")]


def fit(
    file: Annotated[
        Path,
        typer.Argument(help="Table with the columns the law needs: u and bits, n and bits, or loss with p, d or flops."),
    ],
    law: Annotated[
        str, typer.Option(help="noise, cell_number or another; for an unknown one all are listed.")
    ] = "noise",
    x: Annotated[str | None, typer.Option("--x", help="Column of the variable, if its name does not say so.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Column of the bits or the loss, likewise.")] = None,
    errors: Errors = None,
    weights: Annotated[str | None, typer.Option(help="Column of weights, instead of standard errors.")] = None,
    unit: Unit = "bits",
    where: Where = None,
    decimal: Decimal = None,
    chart: Annotated[Path | None, typer.Option(help="HTML file for the chart; beside the table if not given.")] = None,
) -> None:
    """Fit a law to your own measured points and print estimates, intervals and what to doubt."""
    from helpers.book import points

    columns = {"x": x, "y": y, "errors": errors, "weights": weights}
    points.fit(file, law, chart, columns, unit=unit, where=_pairs(where), decimal=decimal)


def design(
    budget: Annotated[
        float | None, typer.Option(help="The most to spend, in the currency of the prices.", min=0)
    ] = None,
    bits: Annotated[float | None, typer.Option(help="Target in bits: its least price is found.")] = None,
    share: Annotated[
        float, typer.Option(help="Target, as a share of the bits that all of the budget buys; 1 spends it all.")
    ] = 0.9,
    pilot: Annotated[Path | None, typer.Option(help="Table with u, bits and, if several, n (training cells).")] = None,
    published: Annotated[
        str | None, typer.Option(help="Instead of a pilot, a published curve such as 'pbmc_citeseq protein pca'.")
    ] = None,
    cells: Annotated[float | None, typer.Option(help="Number of training cells, if it is decided.", min=1)] = None,
    x: Annotated[str | None, typer.Option("--x", help="Column of the pilot with UMIs per cell.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Column of the pilot with bits.")] = None,
    n: Annotated[str | None, typer.Option("--n", help="Column of the pilot with training cells.")] = None,
    unit: Unit = "bits",
    where: Where = None,
    decimal: Decimal = None,
    kits: Annotated[Path | None, typer.Option(help="Your own table of kits, CSV; --list-kits shows the columns.")] = None,
    capture_kit: Annotated[str, typer.Option(help="Row of the kits for capture.")] = "chromium_v3.1",
    sequencing_kit: Annotated[str, typer.Option(help="Row of the kits for sequencing.")] = "nextseq_2000_p2",
    list_kits: Annotated[bool, typer.Option("--list-kits", help="Print the table of kits as CSV, and stop.")] = False,
    per_cell: Annotated[float | None, typer.Option(help="Price of recovering a cell.")] = None,
    per_million_reads: Annotated[float | None, typer.Option(help="Price of a million reads.")] = None,
    usable: Annotated[
        float | None, typer.Option(help="Share of reads that become counted; of the mapped ones with --mapping.")
    ] = None,
    mapping: Annotated[float | None, typer.Option(help="Share of reads that map to genes; needs --usable.")] = None,
    complexity: Annotated[float | None, typer.Option(help="Molecules a cell in the library; inf for none.")] = None,
    lane_cells: Annotated[float | None, typer.Option(help="Cells that a capture lane recovers.")] = None,
    lane_reads: Annotated[float | None, typer.Option(help="Reads of a sequencing lane or flow cell.")] = None,
    doublets: Annotated[float | None, typer.Option(help="Percent of doublets per 1,000 cells of a lane.")] = None,
    recovery: Annotated[float | None, typer.Option(help="Share of the cells loaded that are recovered.")] = None,
    probe_cells: Annotated[float | None, typer.Option(help="Cells to test with, on top and as deep.")] = None,
    samples: Annotated[int | None, typer.Option(help="Samples (donors, conditions).")] = None,
    samples_a_lane: Annotated[int | None, typer.Option(help="Samples that share a capture lane (multiplexing).")] = None,
    per_sample: Annotated[float | None, typer.Option(help="Price of each sample, such as its label.")] = None,
    whole_lanes: Annotated[
        bool, typer.Option("--whole-lanes/--shared-lanes", help="Buy whole lanes, or pay for shares of them.")
    ] = True,
    chart: Annotated[Path | None, typer.Option(help="HTML file for charts and tables; beside the pilot.")] = None,
    to: Annotated[Path | None, typer.Option(help="Also write the plan: .json (all of it) or .csv (order list).")] = None,
) -> None:
    """Say what an experiment should buy: the least that a target costs, and what the last bits cost.

    The law is fitted to a pilot or to a published curve. Prices are examples: put in your own.
    """
    given = dict(locals())
    from helpers.book import points
    from helpers.design import Prices

    if list_kits:
        points.print_kits(kits)
        return
    prices = points.prices(kits, capture_kit, sequencing_kit, {k: given[k] for k in vars(Prices())})
    target = points.Target(budget, bits, share, cells)
    page = points.page_of(chart, pilot)
    points.check_output(to)
    reading = {"unit": unit, "where": _pairs(where), "decimal": decimal}
    curve, name = points.curve_of(pilot, published, {"u": x, "bits": y, "n": n}, **reading)
    points.design(curve, name, target, prices, page, to)


def _pairs(given: list[str] | None) -> dict[str, Any]:
    """Return column=value options as a dict."""
    pairs = [text.partition("=") for text in given or []]
    for column, sign, _ in pairs:
        if not sign:
            raise ValueError(f"--where is {column!r}: give column=value, such as representation=pca.")
    return {column: value for column, _, value in pairs}
