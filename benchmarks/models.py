"""Time each representation, fit and transform, on real and on simulated cells; and what dynamic padding saves.

Run it as ``python benchmarks/models.py``: some minutes. Nothing is asserted: machines differ and are noisy.
"""

import importlib
import time

import numpy as np
import torch

from helpers.datasets import load
from helpers.preprocess import genes as preprocess
from helpers.representations import REPRESENTATIONS, build
from helpers.representations.encoder import PRESETS, Masking, new_encoder, train_masked
from helpers.representations.tokens import Vocabulary, rank_tokens
from helpers.representations.training import seeded

LENGTH = 512


def times(name: str, cells: preprocess.Prepared) -> tuple[float, float]:
    """Return seconds of fitting and of transforming, at default options."""
    model = build(name)
    train, probe = cells.train, cells.probe
    if model.takes == "counts":
        train, probe = cells.train_counts, cells.probe_counts
    start = time.perf_counter()
    model.fit(train)
    middle = time.perf_counter()
    model.transform(probe)
    return middle - start, time.perf_counter() - middle


def padding(cells: preprocess.Prepared, steps: int = 10) -> tuple[float, float]:
    """Return seconds a training step takes padded to the longest cell of the batch, and to the full length."""
    vocabulary = Vocabulary.learn(cells.train_counts)
    tokens = rank_tokens(cells.train_counts, vocabulary, LENGTH)
    spent = []
    for pad_to in (0, LENGTH):
        # Validation is left out of both: only the untrained model and the last step are validated.
        how = Masking(steps, 1e-4, PRESETS["P1"].batch, steps, 1, pad_to=pad_to)
        with seeded(0) as rng:
            model = new_encoder(PRESETS["P1"], vocabulary, LENGTH)
            start = time.perf_counter()
            train_masked(model, tokens, vocabulary, how, rng)
        spent.append((time.perf_counter() - start) / steps)
    return spent[0], spent[1]


def main() -> None:
    """Print the table."""
    for package in ("transformers.models.bert.modeling_bert", "scvi.module"):
        start = time.perf_counter()
        importlib.import_module(package)
        print(f"import {package:40} {time.perf_counter() - start:7.1f} s, once a process")
    real, made = load("pbmc68k"), load("simulated", n_cells=4000, n_genes=2000, umis_per_cell=1000.0)
    sides = {name: (c.counts[c.train], c.counts[c.probe]) for name, c in {"pbmc68k": real, "simulated": made}.items()}
    sides["simulated"] = tuple(side[:2000] for side in sides["simulated"])
    print(f"{torch.get_num_threads()} threads, CUDA {torch.cuda.is_available()}")
    for data, (train, probe) in sides.items():
        ready = preprocess.prepare(train, probe)
        for name, kind in REPRESENTATIONS.items():
            if kind.takes == "embeddings":
                continue  # passes through
            fit, transform = times(name, ready)
            told = f"{train.shape[0]} + {probe.shape[0]} cells x {len(ready.genes)} genes of {data}"
            print(f"{name:18} {told:45} fit {fit:7.2f} s   transform {transform:6.2f} s", flush=True)
        dynamic, fixed = padding(ready)
        length = np.diff(ready.train_counts.indptr)
        print(
            f"txformer, a step, cells of {length.mean():.0f} genes: padded to the longest of a batch {dynamic:.3f} s, "
            f"to {LENGTH} {fixed:.3f} s, ratio {fixed / dynamic:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
