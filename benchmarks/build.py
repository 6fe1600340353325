"""Times and sizes of starts, builds and pages, beside their aims: ``python benchmarks/build.py``, in a built clone.

Every time is that of a whole process. Run it on an idle machine; ``--engines`` compares both ways to run a notebook,
``--rebuild`` builds the book from nothing and after an edit of one page.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from helpers.book.run import ENGINES
from helpers.store.paths import project_root

MB = 1e6


def seconds(command: list[str], repeats: int = 1, **options) -> float:
    """Return the median time of a command."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def line(what: str, value: float, unit: str, aim: float) -> None:
    """Print a figure, its aim and their ratio."""
    print(f"{what:58} {value:8.2f} {unit:4} aim {aim:6.1f}  {value / aim:5.2f} of it")


def size(files: list[Path]) -> float:
    """Return the size of files in MB."""
    return sum(file.stat().st_size for file in files if file.is_file()) / MB


def edited(page: Path, build: Callable[[], float]) -> float:
    """Return what ``build`` gives after an edit of a page, which is taken back."""
    text = page.read_text("utf8")
    try:
        page.write_text(f"{text}\nA sentence of the benchmark.\n", "utf8")
        return build()
    finally:
        page.write_text(text, "utf8")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", action="store_true", help="compare a forked kernel with a plain one")
    parser.add_argument("--rebuild", action="store_true", help="build the book from nothing, and after an edit")
    given = parser.parse_args()
    root = project_root()
    os.chdir(root)
    line("noise-scaling --help", seconds(["noise-scaling", "--help"], 5), "s", 0.5)
    line("noise-scaling list", seconds(["noise-scaling", "list"], 5), "s", 1.0)
    with tempfile.TemporaryDirectory() as folder:
        run = ["noise-scaling", "run", "datasets/pbmc68k", "--to", f"{folder}/x.ipynb"]
        line("noise-scaling run datasets/pbmc68k, all measured", seconds(run, 3), "s", 8.0)
        if given.engines:
            times = {engine: seconds([*run, "--engine", engine], 3) for engine in ENGINES}
            print(f"a notebook alone: {times}, forked / kernel {times['forked'] / times['kernel']:.2f}")
    if given.rebuild:
        shutil.rmtree("_build", ignore_errors=True)
        shutil.rmtree("results/quick", ignore_errors=True)
        for file in [*Path("notebooks").rglob("*.ipynb"), *Path("book").glob("*.ipynb")]:
            file.unlink()
        line("make book, installed, from nothing", seconds(["make", "book"]) / 60, "min", 6.0)
    line("make book, nothing changed", seconds(["make", "book"], 3), "s", 4.0)
    if given.rebuild:
        page = Path("notebooks/analyses/how_deep.md")
        line("make book, the text of one page changed", edited(page, lambda: seconds(["make", "book"])), "s", 20.0)
        seconds(["make", "book"])
    html = Path("_build/html")
    line("_build/html", size(list(html.rglob("*"))), "MB", 45.0)
    pages = {page: size([page]) for page in html.rglob("*.html")}
    heaviest = max(pages, key=lambda page: pages[page])
    line(f"heaviest page: {heaviest.relative_to(html)}", pages[heaviest], "MB", 1.5)


if __name__ == "__main__":
    main()
