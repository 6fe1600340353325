"""Train each preset of the set transformer a little and compare it with the gene mean on held-out cells.

Run it as ``python benchmarks/presets.py XS S``; L takes minutes, and XL (340 million parameters, 8 GB) half an hour on
two cores. Simulated cells, eight genes, few steps: enough to see that a size learns, not how well it could do.
"""

import argparse
import time

import numpy as np

from helpers.datasets import load
from helpers.preprocess import genes as preprocess
from helpers.representations.objective import Training
from helpers.representations.reconstruction import train_reconstruction
from helpers.representations.scoring import score
from helpers.sweep.reconstruction import split

RATES = {"L": 3e-4, "XL": 2e-4}  # the default rate is too fast for few steps of these


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="+", help="presets, such as TINY XS S M L XL")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--cells", type=int, default=12_000)
    parser.add_argument("--genes", type=int, default=8)
    given = parser.parse_args()
    cells = load("simulated", n_cells=given.cells)
    train, validation, test = split(cells)
    held_out = cells.counts[np.r_[validation[:200], test]]
    ready = preprocess.prepare(cells.counts[train], held_out, n_top=given.genes)
    for size in given.sizes:
        start = time.perf_counter()
        more = {"rate": RATES[size]} if size in RATES else {}
        how = Training(size, steps=given.steps, batch=8, validate_every=max(1, given.steps // 6), **more)
        made = train_reconstruction(ready.train, ready.probe[:200], how)
        found = score(made, ready.train, ready.probe[200:], 2)
        parameters = sum(p.numel() for p in made.model.parameters())
        gain = (found.mean_loss - found.loss) / found.gain_stderr
        print(f"{size:5} {parameters:>11,} parameters  loss {found.loss:.3f}, gene mean {found.mean_loss:.3f}, "
              f"{gain:.1f} standard errors better, {time.perf_counter() - start:.0f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
