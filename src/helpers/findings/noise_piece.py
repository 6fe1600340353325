"""What the front page plays with: cells, a photograph and a protein at every measured level of noise, and their bits.

``python -m helpers.findings.noise_piece`` makes ``results/reference/noise_piece.json`` from the data and the reference
results; commit it. The page only reads it, so that a book without the data has it too.
"""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.charts.parts import means, spread
from helpers.datasets import load, read
from helpers.datasets.files import fetch
from helpers.findings.curves import measured_curves
from helpers.laws.tolerance import image_points, sequence_points
from helpers.noise import NOISES, OF_CELLS, pixelate, substitute
from helpers.preprocess import prepare
from helpers.representations import PCA
from helpers.store import reference
from helpers.store.points import noise_axis
from helpers.store.stamp import note_read

NAME = "noise_piece.json"
CELLS, PHOTOGRAPHS, SPIKES = "citeseq_pbmc10k", "caltech101", "sarscov2_spike"
SHOWN = 480  # cells: enough to see a cloud, few enough for a page
_SIDE = 1000  # of the square that cells are placed in
_SEED = 0
# The protein that marks each group, in the order in which cells are asked.
GROUPS = ("CD3 and CD4: helper T", "CD3 and CD8: killer T", "CD19: B cell", "CD14: monocyte", "CD56: NK cell", "others")


def file() -> Path:
    """Return where what the front page shows is kept."""
    return reference.folder() / NAME


def kept() -> dict[str, Any]:
    """Return what ``compute`` made, as it was kept."""
    note_read(file())
    return json.loads(file().read_text("utf8"))


def curves() -> dict[str, pd.DataFrame]:
    """Return the measured curves, from the noisiest to the cleanest, by what they are of.

    Columns are ``level``, of the noise; ``x``, where the point stands on the axis: UMIs per cell, pixels along a side,
    or residues for each wrong one; ``bits``, mean over seeds, with the 95 % interval ``low`` to ``high``.
    """
    table = reference.to_read().table()
    cells = spread(noise_axis(measured_curves(reference.to_read(), [CELLS], ["protein"])), "umis_per_cell", by="curve")
    cells = cells.rename(columns={"umis_per_cell": "x"})
    photographs = image_points(table[table["dataset"] == PHOTOGRAPHS])
    answers = photographs.query("signal == 'class' and representation == 'mobilenet'")
    spikes = sequence_points(table[table["dataset"] == SPIKES])
    spikes = spikes[spikes["curve"].str.startswith("training and probe")]
    found = {"cells": cells}
    found["photograph"] = means(answers[answers["noise_kind"] == "pixelation"], ["noise_level"])
    found["protein"] = means(spikes[spikes["noise_level"] < NOISES["substitution"].describes], ["noise_level"])
    found["photograph"]["x"] = np.ceil(240 / found["photograph"]["noise_level"])
    with np.errstate(divide="ignore"):
        found["protein"]["x"] = 1 / found["protein"]["noise_level"]
    columns = {"noise_level": "level", "x": "x", "bits": "bits", "low": "low", "high": "high"}
    return {name: rows.rename(columns=columns)[[*columns.values()]].sort_values("x") for name, rows in found.items()}


def groups(proteins: pd.DataFrame) -> np.ndarray:
    """Return the number in ``GROUPS`` of each cell, from its surface proteins alone.

    A protein counts as high above the middle between its 5th and its 95th percentile.

    Parameters
    ----------
    proteins : DataFrame, (cells, proteins)
        log(1 + count), with columns such as ``CD3``.

    Examples
    --------
    >>> some = pd.DataFrame({"CD3": [7, 7, 2, 2], "CD4": [7, 2, 2, 2], "CD8a": [2, 7, 2, 2], "CD19": [1, 1, 6, 1],
    ...                      "CD14": [3, 3, 3, 3], "CD56": [2, 2, 2, 6]})
    >>> groups(some).tolist()
    [0, 1, 2, 4]
    """
    high = proteins > (proteins.quantile(0.05) + proteins.quantile(0.95)) / 2
    chosen = [
        high["CD3"] & high["CD4"] & ~high["CD8a"],
        high["CD3"] & high["CD8a"],
        ~high["CD3"] & high["CD19"],
        ~high["CD3"] & high["CD14"],
        ~high["CD3"] & high["CD56"],
    ]
    return np.select(chosen, range(len(chosen)), len(chosen))


def aligned(embedding: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return an embedding turned (or mirrored) to lie as near as it can to another of the same cells.

    Orthogonal Procrustes on centred embeddings: distances between cells stay as they are.

    Parameters
    ----------
    embedding, like : (cells, dimensions) arrays

    Examples
    --------
    >>> square = np.array([[1.0, 1], [-1, 1], [-1, -1], [1, -1]])
    >>> bool(np.allclose(aligned(square[:, ::-1] * [1, -1], square), square))
    True
    """
    from scipy.linalg import orthogonal_procrustes

    centred, other = (values - values.mean(axis=0) for values in (embedding, like))
    return centred @ orthogonal_procrustes(centred, other)[0]


def _clouds(levels: list[float]) -> tuple[list[str], list[list[int]], list[int]]:
    """Return the names of the groups, the places of the cells at each level (x, y, x, y, …), and cells in each group.

    Each level is thinned, prepared and embedded as its point of the curve was (the first seed): training and probe
    cells alike. Shown are the first two of 16 components at the deepest level, to which the 16 of each other level are
    turned, one level after the other; every cloud has the same spread along both axes.
    """
    cells = load(CELLS, signal="protein")
    names = read.table(fetch(CELLS, "pbmc10k_harmo_pro.csv.gz")).index.str.removesuffix("_TotalSeqB")
    of_cell = groups(pd.DataFrame(cells.signal, columns=names))[cells.probe]
    shown = np.sort(np.random.default_rng(_SEED).permutation(len(cells.probe))[:SHOWN])
    order = shown[np.argsort(of_cell[shown], kind="stable")]
    places, before = {}, None
    for level in sorted(levels, reverse=True):
        counts = OF_CELLS["thinning"].apply(cells.counts, level, _SEED)
        ready = prepare(counts[cells.train], counts[cells.probe])
        made = PCA(16, _SEED).fit(ready.train).transform(ready.probe)
        before = made - made.mean(axis=0) if before is None else aligned(made, before)
        places[level] = _on_square(before[:, :2])[order].ravel().tolist()
    sizes = np.bincount(of_cell[order], minlength=len(GROUPS)).tolist()
    return list(GROUPS), [places[level] for level in levels], sizes


def _on_square(cloud: np.ndarray) -> np.ndarray:
    """Return places in whole numbers, of the same spread along both axes; the few far out stand at the edge."""
    scaled = cloud / cloud.std(axis=0) * _SIDE / 6.5 + _SIDE / 2
    return np.clip(scaled, 15, _SIDE - 15).round().astype(int)


def _photograph() -> np.ndarray:
    """Return the photograph that is shown, as floats in [-1, 1], (3, 240, 240)."""
    images = load(PHOTOGRAPHS)
    return images.floats(images.probe[images.signal[images.probe] == "airplanes"][8:9])[0]


def _as_picture(pixels: np.ndarray) -> str:
    """Return an image in [-1, 1] as a data URI: small ones exactly, large ones compressed."""
    from PIL import Image

    picture = Image.fromarray(((np.clip(pixels, -1, 1) + 1) * 127.5).round().astype(np.uint8).transpose(1, 2, 0))
    made = io.BytesIO()
    exact = pixels.shape[-1] <= 60
    picture.save(made, "WEBP", **({"lossless": True, "method": 6} if exact else {"quality": 40, "method": 6}))
    return f"data:image/webp;base64,{base64.b64encode(made.getvalue()).decode()}"


def compute() -> dict[str, Any]:
    """Return what the front page shows: ``cells``, ``photograph`` and ``protein``, each with its stops.

    A stop has the columns of ``curves``. Those of ``cells`` also have ``xy``, the places of the cells group by group;
    of ``photograph`` a ``picture`` with one pixel a tile, and the side of a ``tile``; of ``protein`` ``residues``.
    """
    measured = {name: rows.map(lambda x: float(f"{x:.6g}")).to_dict("records") for name, rows in curves().items()}
    names, places, sizes = _clouds([stop["level"] for stop in measured["cells"]])
    for stop, xy in zip(measured["cells"], places, strict=True):
        stop["xy"] = xy
    clean = _photograph()
    for stop in measured["photograph"]:
        side = int(stop["level"])
        stop["picture"], stop["tile"] = _as_picture(pixelate(clean, side)[:, ::side, ::side]), side
    spike = load(SPIKES).sequences[0]
    for stop in measured["protein"]:
        stop["residues"] = substitute([spike], stop["level"], _SEED)[0]
    piece: dict[str, Any] = {name: {"stops": stops} for name, stops in measured.items()}
    piece["cells"] |= {"groups": names, "sizes": sizes}
    return piece


def write() -> Path:
    """Make what the front page shows and keep it; return the file."""
    plain = json.dumps(compute(), separators=(",", ":")).replace("Infinity", "null")
    file().write_text(f"{plain}\n", encoding="utf8")
    return file()


if __name__ == "__main__":
    print(write())
