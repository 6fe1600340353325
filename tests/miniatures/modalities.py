"""Miniature files of images and sequences, in the formats of the real ones."""

import gzip
from pathlib import Path

import numpy as np

from helpers.datasets.images import digits
from helpers.datasets.sequences import DAY_ZERO
from helpers.datasets.simulated_spike import simulated_spike
from helpers.datasets.spike import _END, _START

_CLASSES = ("Faces", "Faces_easy", "Motorbikes", "airplanes", "watch")


def caltech101(folder: Path, n: int, seed: int) -> None:
    """Write digits as photographs of five classes, one folder a class."""
    from PIL import Image

    pixels, labels = _digits(n, len(_CLASSES), seed)
    for code, name in enumerate(_CLASSES):
        (folder / name).mkdir(exist_ok=True)
        for number, grey in enumerate(pixels[labels == code], 1):
            image = Image.fromarray(grey).resize((60 + 10 * (number % 3), 48)).convert("RGB")
            image.save(folder / name / f"image_{number:04d}.jpg", quality=92)


def tissuemnist(folder: Path, n: int, seed: int) -> None:
    """Write digits as the ``.npz`` of MedMNIST: ``{train,val,test}_{images,labels}``."""
    pixels, labels = _digits(n, 8, seed)
    sides = np.arange(len(pixels)) % 5
    for name, size in (("tissuemnist.npz", 28), ("tissuemnist_64.npz", 64)):
        large = np.stack([np.kron(p, np.ones((size // 7, size // 7), np.uint8))[:size, :size] for p in pixels])
        arrays = {}
        for side, chosen in (("train", sides < 3), ("val", sides == 3), ("test", sides == 4)):
            arrays[f"{side}_images"] = large[chosen]
            arrays[f"{side}_labels"] = labels[chosen][:, None].astype(np.uint8)
        np.savez_compressed(folder / name, **arrays)


def sarscov2_spike(folder: Path, n: int, seed: int) -> None:
    """Write simulated proteins as the prepared table of spikes."""
    made = simulated_spike(n=n, length=200, seed=seed)
    lines = ["id\tcollection_date\tlocation\tlength\tfrac_X\tspike_protein"]
    for i, (protein, day) in enumerate(zip(made.sequences, _dates(made.signal), strict=True)):
        lines.append(f"MINI-{i:04d}\t{day}\tNowhere\t{len(protein)}\t0.0\t{protein}")
    with gzip.open(folder / "spike_exact_dates.tsv.gz", "wt") as out:
        out.write("\n".join(lines) + "\n")


def sarscov2_genomes(folder: Path, n: int, seed: int) -> None:
    """Write genomes with a simulated spike gene between its real ends, and their metadata."""
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    codon = {residue: codon for codon, residue in unambiguous_dna_by_id[1].forward_table.items()}
    made = simulated_spike(n=n, length=1250, n_trunk=30, seed=seed)
    flank = "".join(np.random.default_rng(seed).choice(list("ACGT"), 600))
    with gzip.open(folder / "example_sequences.fasta.gz", "wt") as fasta:
        for i, protein in enumerate(made.sequences):
            gene = _START + "".join(codon[residue] for residue in protein) + _END
            fasta.write(f">Mini/{i:04d}/2020\n{flank}{gene}{flank}\n")
    rows = [f"Mini/{i:04d}/2020\tncov\t{day}" for i, day in enumerate(_dates(made.signal))]
    (folder / "example_metadata.tsv").write_text("\n".join(["strain\tvirus\tdate", *rows]) + "\n", encoding="utf8")


def _digits(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    images = digits()
    codes = images.signal.astype(int)
    chosen = np.random.default_rng(seed).permutation(np.flatnonzero(codes < n_classes))[:n]
    return ((images.pixels[chosen, 0] + 1) * 127).astype(np.uint8), codes[chosen]


def _dates(days: np.ndarray) -> list[str]:
    return [str(np.datetime64(DAY_ZERO) + np.timedelta64(int(day), "D")) for day in days[:, 0]]
