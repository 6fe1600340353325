"""What the commands ``fit`` and ``design`` do with a user's own points: read, fit, print, and write a chart."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer

from helpers import charts
from helpers import design as planner
from helpers._utils.content import write_whole
from helpers._utils.validation import choose, in_range
from helpers.charts import calculator, report
from helpers.laws import LAWS, Fit
from helpers.store.point_tables import read_points


def fit(file: Path, law: str, chart: Path | None, columns: dict[str, str | None], **reading: Any) -> None:
    """Fit a law to the points of a file; print estimates and intervals, and draw them.

    ``columns`` says which hold x, y, errors and weights, where names do not; ``reading`` is that of ``read_points``.
    """
    chosen = LAWS[choose(law, LAWS, "law")]
    target = page_of(chart, file, ".html")
    if columns["errors"] and columns["weights"]:
        raise ValueError("give --errors or --weights, not both: weights are 1 / error².")
    places = {chosen.x_name: columns["x"], chosen.y_name: columns["y"]}
    weighing = {name: columns[name] for name in ("errors", "weights") if columns[name]}
    points = read_points(file, (chosen.x_name, chosen.y_name, *weighing), columns=places | weighing, **reading)
    typer.echo(points.taken)
    table = points.table
    errors = table["errors"] if "errors" in table else None
    if "weights" in table:
        in_range(float(table["weights"].min()), 0, 1e300, "the smallest weight", open_low=True)
        errors = 1 / np.sqrt(table["weights"])
    curve = chosen.fit(table[chosen.x_name], table[chosen.y_name], errors)
    intervals = curve.interval()
    for name, value in curve.params.items():
        low, high = intervals[name]
        typer.echo(f"{name:6} = {value:.4g}   95 % interval [{low:.4g}, {high:.4g}]")
    typer.echo(f"R² = {curve.r_squared:.3f}, RMSE = {curve.rmse:.3f}, {curve.n_points} points")
    typer.echo(f"status: {curve.status} — {curve.message}")
    target.parent.mkdir(parents=True, exist_ok=True)
    charts.save_html(charts.fitted_curve(curve), target)
    typer.echo(f"chart: {target}")


@dataclass(frozen=True)
class Target:
    """What a plan is to reach: bits, or a share of what a budget buys; and the cells, if they are decided."""

    budget: float | None
    bits: float | None
    share: float
    cells: float | None

    def __post_init__(self) -> None:
        """Check it, before anything is fitted."""
        if self.budget is None and self.bits is None:
            raise ValueError("give --budget MONEY, --bits TARGET, or both.")
        if self.budget is not None:
            in_range(self.budget, 0, 1e15, "budget", open_low=True)
        if self.bits is not None:
            in_range(self.bits, 0, 100, "bits", open_low=True)
        in_range(self.share, 0, 1, "share", "It is a share: 0.9 is nine tenths; 1 spends all.", open_low=True)


def prices(kits: Path | None, capture: str, sequencing: str, given: dict[str, Any]) -> planner.Prices:
    """Return the prices of two kits, with those replaced that are given."""
    if given["mapping"] is not None and given["usable"] is None:
        raise ValueError(
            "--mapping is given and --usable is not: without it the usable share, 0.5, counts reads that do not map "
            "already. Give --usable as a share of the mapped reads, such as 0.75."
        )
    return planner.prices_of(capture, sequencing, planner.kits(kits), **given)


def print_kits(path: Path | None) -> None:
    """Print the table of kits, to be saved and edited."""
    typer.echo(planner.kits(path).to_csv().rstrip())


def curve_of(
    pilot: Path | None, published: str | None, columns: dict[str, str | None], **reading: Any
) -> tuple[Fit, str]:
    """Return the fit to plan by, of a pilot or of a published curve, and its name."""
    if published is not None and pilot is None:
        from helpers.findings import papers

        return papers.fit_published(published), published
    if pilot is None or published is not None:
        raise ValueError("give either --pilot FILE.csv or --published 'DATASET SIGNAL MODEL'.")
    points = read_points(pilot, ("u", "bits"), ("n",), columns=columns, **reading)
    typer.echo(points.taken)
    return planner.fit_pilot(points.table, str(pilot)), str(pilot)


def design(curve: Fit, name: str, target: Target, prices: planner.Prices, page: Path, to: Path | None) -> None:
    """Print what an experiment should buy by a law, and write it with its charts."""
    cells = target.cells
    if not planner.knows_cells(curve):
        if cells is None:
            cells = planner.USUAL_CELLS
            typer.echo(f"{name} has one number of cells: {cells:,.0f} assumed (--cells).")
        typer.echo("The information is that of a representation trained on the pilot's number of cells.")
    best, everything, sentences = _chosen(curve, target, prices, cells)
    budget = target.budget or best.cost
    advice = planner.advice(curve, (best.cells, best.umis), prices, min(target.share, 0.99))
    sentences += [planner.what_to_buy(advice), _probe(prices), f"fit: {curve.status}: {curve.message}"]
    order, money = best.order(prices), planner.what_money_buys(curve, everything.cost, prices, cells)
    values = pd.DataFrame({"value": asdict(prices)}).rename_axis("price or rate")
    tables = {"Order": order, "What money buys": money, "At the plan": advice, "Prices and rates": values}
    shown = {heading: planner.in_figures(table) for heading, table in tables.items()}
    for text in sentences:
        typer.echo(text)
    for heading in ("Order", "What money buys", "At the plan"):
        index = heading != "What money buys"
        typer.echo(f"\n{heading}\n{shown[heading].to_string(index=index)}")
    drawn = calculator.along_depth(curve, best, budget, prices, "Information of what the budget buys")
    if cells is None:
        drawn = drawn & calculator.budget_plane(curve, budget, prices, "Cells against depth")
    report.save(page, f"Design for {name}", sentences, drawn, shown)
    typer.echo(f"\nchart and tables: {page}")
    if to is not None:
        _write(to, {"plan": asdict(best), "fit": _of_fit(curve), "notes": sentences}, tables)
        typer.echo(f"plan: {to}")


def _chosen(
    curve: Fit, target: Target, prices: planner.Prices, cells: float | None
) -> tuple[planner.Plan, planner.Plan, list[str]]:
    """Return the plan for a target, that which spends all that may be spent, and both in words."""
    if target.budget is None:
        assert target.bits is not None
        best = planner.cheapest(curve, target.bits, prices, cells)
        return best, best, [planner.in_words(best, best.cost)]
    everything = planner.plan(curve, target.budget, prices, cells)
    wanted = target.bits if target.bits is not None else target.share * everything.bits
    spend_all = target.bits is None and target.share == 1
    best = everything if spend_all else planner.cheapest(curve, wanted, prices, cells, target.budget)
    words = [planner.in_words(best, target.budget), planner.last_bits(best, target.budget, everything)]
    return best, everything, words


def _probe(prices: planner.Prices) -> str:
    """Return which cells are ordered, in words."""
    if prices.probe_cells:
        return f"Cells are training cells; {prices.probe_cells:,.0f} probe cells to test with are ordered on top."
    return "Cells are training cells. Cells to test with (probe cells) are not ordered: add them with --probe-cells."


def page_of(chart: Path | None, file: Path | None, suffix: str = ".design.html") -> Path:
    """Return the file that a chart is to be written to; a folder is refused before anything is computed."""
    if chart is not None and chart.is_dir():
        raise ValueError(f"--chart is {chart}, a folder: give an .html file in it.")
    return chart or (file.with_suffix(suffix) if file else Path(suffix.lstrip(".")))


def check_output(to: Path | None) -> None:
    """Raise unless a plan can be written to this file."""
    if to is not None and (to.suffix not in (".json", ".csv") or to.is_dir()):
        raise ValueError(f"--to is {to}: give a .json file for the whole plan, or a .csv file for the order list.")


def _of_fit(curve: Fit) -> dict[str, Any]:
    names = ("params", "status", "message", "n_points")
    return {"law": type(curve.law).__name__, **{name: getattr(curve, name) for name in names}}


def _write(to: Path, parts: dict[str, Any], tables: dict[str, pd.DataFrame]) -> None:
    """Write a plan as JSON, or its order list as CSV."""
    if to.suffix == ".csv":
        write_whole(to, tables["Order"].to_csv().encode())
        return
    keyed = {"order": tables["Order"]["amount"].to_dict(), "prices": tables["Prices and rates"]["value"].to_dict()}
    lists = {
        "what_money_buys": tables["What money buys"].to_dict("records"),
        "at_the_plan": tables["At the plan"].reset_index().to_dict("records"),
    }
    text = json.dumps(_finite(parts | keyed | lists), indent=2, ensure_ascii=False)
    write_whole(to, f"{text}\n".encode())


def _finite(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
