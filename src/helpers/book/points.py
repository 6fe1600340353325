"""What the commands ``fit`` and ``design`` do with a user's own points: read, fit, print, and write a chart."""

from pathlib import Path

import pandas as pd
from rich import print as show

from helpers import charts
from helpers import design as planner
from helpers._utils.validation import choose
from helpers.charts import calculator, report
from helpers.findings import papers
from helpers.laws import LAWS


def fit(file: Path, law: str, chart: Path | None) -> None:
    """Fit a law to the points of a CSV file; print estimates and intervals, and draw them."""
    chosen = LAWS[choose(law, LAWS, "law")]
    target = _page(chart) or file.with_suffix(".html")
    points = _read(file, f"{chosen.x_name} and {chosen.y_name}")
    for column in (chosen.x_name, chosen.y_name):
        if column not in points:
            raise ValueError(f"{file} has no column {column!r}: it has {', '.join(points.columns)}.")
    curve = chosen.fit(points[chosen.x_name], points[chosen.y_name])
    intervals = curve.interval()
    for name, value in curve.params.items():
        low, high = intervals[name]
        show(f"{name:6} = {value:.4g}   95 % interval [{low:.4g}, {high:.4g}]")
    show(f"R² = {curve.r_squared:.3f}, RMSE = {curve.rmse:.3f}, {curve.n_points} points")
    show(f"status: [bold]{curve.status}[/] — {curve.message}")
    target.parent.mkdir(parents=True, exist_ok=True)
    charts.save_html(charts.fitted_curve(curve), target)
    show(f"chart: {target}")


def design(
    pilot: Path | None,
    published: str | None,
    prices: planner.Prices,
    budget: float,
    cells: float | None,
    share: float,
    chart: Path | None,
) -> None:
    """Print what a budget should buy by the law of a pilot or of a published curve, and write it with its charts."""
    if (pilot is None) == (published is None):
        raise ValueError("give either --pilot FILE.csv or --published 'DATASET SIGNAL MODEL'.")
    target = _page(chart) or (pilot.with_suffix(".design.html") if pilot else Path("design.html"))
    if published:
        name, curve = published, papers.fit_published(published)
    else:
        name = f"{pilot}"
        curve = planner.fit_pilot(_read(pilot, "u and bits, and n if measured"), name)
    if not planner.knows_cells(curve):
        if cells is None:
            cells = planner.USUAL_CELLS
            show(
                f"{name} has one number of cells, so it does not say how many to take: {cells:,.0f} assumed (--cells)."
            )
        show("The information is that of a representation trained on the pilot's number of cells.")
    best = planner.plan(curve, budget, prices, cells)
    advice = planner.advice(curve, (best.cells, best.umis), prices, share)
    sentences = [planner.in_words(best, budget), planner.what_to_buy(advice), f"fit: {curve.status}: {curve.message}"]
    values = pd.DataFrame({"value": vars(prices)})
    order, advice, values = (table.map("{:,.4g}".format) for table in (best.order(prices), advice, values))
    for text in (*sentences, order.to_string(), advice.to_string()):
        show(text)
    drawn = calculator.along_depth(curve, best, budget, prices, "Information of what the budget buys")
    if cells is None:
        drawn = drawn & calculator.budget_plane(curve, budget, prices, "Cells against depth")
    tables = {"Order": order, "At the plan": advice, "Prices": values}
    report.save(target, f"Design for {name}", sentences, drawn, tables)
    show(f"chart and tables: {target}")


def _read(file: Path | None, columns: str) -> pd.DataFrame:
    """Read a CSV of a user's points, which needs these columns."""
    if file is None or not file.is_file():
        raise ValueError(f"{file} does not exist or is not a file: give a CSV file with the columns {columns}.")
    try:
        points = pd.read_csv(file)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{file} is empty: give a CSV file with the columns {columns}.") from None
    except (ValueError, OSError) as error:  # pandas' own do not name the file
        raise ValueError(f"{file} is not a readable CSV file ({str(error).strip()}): give {columns}.") from error
    if not len(points):
        raise ValueError(f"{file} has a heading and no points: give a row for each point, with {columns}.")
    return points


def _page(chart: Path | None) -> Path | None:
    """Return the file that a chart is to be written to; a folder is refused before anything is computed."""
    if chart is not None and chart.is_dir():
        raise ValueError(f"--chart is {chart}, a folder: give an .html file in it.")
    return chart
