"""Bad inputs, and what each is answered with: the catalogue that ``test_refuse.py`` checks and the book shows."""

import atexit
import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import anndata
import h5py
import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy import sparse
from scipy.io import mmwrite

from helpers import design, noise, scan
from helpers._utils import validation as checks
from helpers.book import cli, workflow
from helpers.datasets import Dataset, files, h5ad, load, read, splits
from helpers.datasets.cells.larry import larry
from helpers.datasets.files import Entry, File, fetch
from helpers.datasets.images import caltech101, tissuemnist, your_images
from helpers.datasets.sequences import your_sequences
from helpers.datasets.your_data import your_data
from helpers.findings import hold_out, losses
from helpers.information import gaussian_channel, ksg, lmi, lmi_many, plug_in
from helpers.information.discrete import entropy, flip_probability
from helpers.information.gaussian import cca, channel_samples, pointwise_information
from helpers.information.spectrum import simulate
from helpers.laws import CellNumberLaw, JointLaw, ModelSizeLaw, NoiseLaw, robust, summary
from helpers.laws.beyond import Prior
from helpers.laws.scaling import SizeAndDataLaw
from helpers.laws.tolerance import NoiseAxis
from helpers.noise.counts import thin_rows
from helpers.noise.sequences import rate_of
from helpers.preprocess import genes as preprocess
from helpers.representations import build
from helpers.representations.esm import ESM
from helpers.representations.mobilenet import MobileNet
from helpers.representations.objective import Training
from helpers.representations.reconstruction import train_reconstruction
from helpers.representations.scoring import score
from helpers.store import paths, points, reference
from helpers.store.rows import Store
from helpers.sweep import grid as grids
from helpers.sweep import reconstruction as reconstruction_sweep
from helpers.sweep import verify
from helpers.sweep.cells import Grid
from helpers.sweep.engine import run_sweep
from helpers.sweep.images import ImageGrid
from helpers.sweep.reconstruction import ReconstructionGrid
from helpers.sweep.sequences import SequenceGrid
from miniatures import write

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "book" / "_static" / "refusals.csv"
# Letters of a message that the table shows.
SHOWN = 220


class Flag(NamedTuple):
    """An answer that is no exception: a status, an exit code or a warning, with its message."""

    status: str
    message: str


class Refusal(NamedTuple):
    """A bad input: where it is given, what it is, how to give it, and what the answer must say.

    ``do`` takes an empty folder. It raises, or returns the ``Flag`` it was answered with. ``told`` has the value given
    or the file, as the message writes it.
    """

    area: str
    what: str
    do: Callable[[Path], Any]
    told: str


class Answer(NamedTuple):
    """What a bad input was answered with."""

    outcome: str
    message: str
    ours: bool


def answer(entry: Refusal, folder: Path) -> Answer:
    """Give a bad input and return the answer; an error that no reader can mend is raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries that write the bad files
            flag = entry.do(folder)
    except (ValueError, OSError) as error:
        raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        told = str(error)
        # What a library said of a file is another's, and not always the same.
        for cause in (error.__cause__, error.__context__):
            told = told.replace(str(cause), "…") if cause is not None and str(cause) else told
        return Answer(type(error).__name__, _placed(told, folder), (ROOT / "src") in raised_in.parents)
    if not isinstance(flag, Flag):
        raise AssertionError(f"{entry.area}: {entry.what}: accepted, with {flag!r}")
    return Answer(flag.status, _placed(flag.message, folder), True)


def _placed(message: str, folder: Path) -> str:
    """Return a message that is the same wherever it is made."""
    for path, name in ((folder, "FOLDER"), (_made(), "FOLDER"), (ROOT, "PROJECT")):
        message = message.replace(str(path), name)
    return " ".join(message.split())


def shown(message: str) -> str:
    """Return the beginning of a message, without the list of known names, which grows with the project."""
    told = re.sub(r"(Known:|It takes:|: there are) .*", r"\1 …", message)
    return told if len(told) <= SHOWN else told[:SHOWN].rsplit(" ", 1)[0] + " …"


def catalogue() -> list[Refusal]:
    """Return every bad input of the catalogue."""
    return [Refusal(area, what, do, told) for area, entries in AREAS.items() for what, do, told in entries()]


def table() -> pd.DataFrame:
    """Give every bad input and return what was answered."""
    rows = []
    for entry in catalogue():
        with tempfile.TemporaryDirectory() as folder:
            rows.append(line(entry, answer(entry, Path(folder))))
    return pd.DataFrame(rows)


def line(entry: Refusal, given: Answer) -> dict[str, str]:
    """Return the line of an entry in the table."""
    return {"area": entry.area, "input": entry.what, "outcome": given.outcome, "message": shown(given.message)}


# What the entries need


def command(*words: Any) -> Callable[[Path], Flag]:
    """Return what gives words to the command line, ``FOLDER`` in them being the entry's folder."""

    def do(folder: Path) -> Flag:
        given = [str(word).replace("FOLDER", str(folder)) for word in words]
        told, code = io.StringIO(), 0
        before = Path.cwd()
        os.chdir(ROOT)
        try:
            with (
                patch.object(sys, "argv", ["noise-scaling", *given]),
                contextlib.redirect_stderr(told),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                cli.main()
        except SystemExit as end:
            code = end.code
        finally:
            os.chdir(before)
        # A usage error stands in a box, below the usage.
        plain = " ".join(re.sub("[╭╮╰╯│─]", " ", told.getvalue()).split())
        return Flag(f"exit {code}", re.sub(r"^(Usage:.*? )?Error:? ", "", plain))

    return do


def points_in(text: str | bytes, *words: Any) -> Callable[[Path], Flag]:
    """Return what gives the command line a CSV file with this text."""

    def do(folder: Path) -> Flag:
        (folder / "points.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return command(*words)(folder)

    return do


def clone(folder: Path, profile: str, grids: str = "") -> Path:
    """Write a project of one notebook with the profile ``mine``."""
    for name in ("notebooks", "config/grids"):
        (folder / name).mkdir(parents=True)
    (folder / "_toc.yml").touch()
    (folder / "notebooks" / "toy.md").write_text(TOY)
    (folder / "config" / "mine.yaml").write_text(profile)
    (folder / "config" / "grids" / "masked_reconstruction.yaml").write_text(grids)
    return folder


TOY = """---
kernelspec: {name: python3, display_name: Python 3}
---
```{code-cell}
:tags: [parameters]
profile = "quick"
dim = 16
seeds = [0]
```
"""


def profile(text: str) -> Callable[[Path], Any]:
    """Return what loads a profile whose file ends with this text."""
    return lambda d: workflow.load_plan("mine", clone(d, text))


def plan(text: str) -> Callable[[Path], Any]:
    return profile(f"profile: mine\nabout: x\n{text}\n")


def planned(text: str, name: str = "mine") -> Callable[[Path], Any]:
    """Return what reads a file of grids with this text."""

    def do(folder: Path) -> Any:
        clone(folder, "", text)
        with patch.object(grids, "project_root", lambda: folder):
            return [grid.points() for grid in reconstruction_sweep.planned(name).values()]

    return do


def grid(kind: Any = Grid, **changes: Any) -> Callable[[Path], Any]:
    """Return what makes the points of a grid with these changes."""
    usual = {
        Grid: {"dataset": "pbmc68k", "representations": ["pca"]},
        ImageGrid: {"dataset": "digits", "levels": {"gaussian": [0.5]}},
        SequenceGrid: {"dataset": "simulated_spike", "rates": [0.1]},
        ReconstructionGrid: {"dataset": "pbmc68k", "sizes": ["TINY"]},
    }
    return lambda d: kind(**{**usual[kind], **changes}).points()


def row(**changes: Any) -> Callable[[Path], Flag]:
    """Return what measures a grid of one point; a point that fails is a row."""
    one = {"dataset": "pbmc68k", "representations": ["random_projection"], "seeds": [0], "folds": [0]}

    def do(folder: Path) -> Flag:
        found = run_sweep(Grid(**{**one, **changes}), Store(folder), progress=False).iloc[0]
        return Flag(f"row: {found['status']}", found["message"])

    return do


def flagged(law: Any, *columns: Any) -> Callable[[Path], Flag]:
    """Return what fits a law to points that cannot carry it."""

    def do(folder: Path) -> Flag:
        fit = law.fit(*columns)
        assert fit.status != "ok", fit
        return Flag(f"fit: {fit.status}", fit.message)

    return do


def warned(do: Callable[[Path], Any]) -> Callable[[Path], Flag]:
    """Return what gives the first warning of ``do`` as the answer."""

    def noted(folder: Path) -> Flag:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            do(folder)
        mine = [w for w in seen if w.category is UserWarning]
        return Flag("warning", str(mine[0].message))

    return noted


@functools.cache
def _made() -> Path:
    """Write the miniature of ``your_data`` once and return its folder."""
    folder = Path(tempfile.mkdtemp(prefix="refusals"))
    atexit.register(shutil.rmtree, folder)
    write("your_data", folder)
    return folder


def cells(change: Callable[[Any], Any] | None = None, signal: Any = "obs:celltype", **options: Any) -> Any:
    """Return what reads a file of cells, changed before by ``change``, with these options."""

    def do(folder: Path) -> Any:
        file = _made() / "your_data.h5ad"
        if change is not None:
            stored = anndata.read_h5ad(file)
            stored = change(stored) or stored
            file = folder / "cells.h5ad"
            stored.write_h5ad(file)
        here = {k: v.replace("FOLDER", str(folder)) if isinstance(v, str) else v for k, v in options.items()}
        return your_data(str(file), signal, **here)

    return do


def scaled(factor: float) -> Callable[[Any], None]:
    return lambda a: setattr(a, "X", a.X * factor)


def column(values: Any) -> Callable[[Any], None]:
    return lambda a: a.obs.__setitem__("y", values)


def repeated(axis: str) -> Callable[[Any], None]:
    return lambda a: setattr(a, axis, ["twice", "twice", *getattr(a, axis)[2:]])


def spoiled(change: Callable[[bytes], bytes]) -> Callable[[Path], Any]:
    """Return what reads a file of cells whose bytes were changed."""

    def do(folder: Path) -> Any:
        (folder / "cells.h5ad").write_bytes(change((_made() / "your_data.h5ad").read_bytes()))
        return your_data(str(folder / "cells.h5ad"))

    return do


def hdf5(change: Callable[[Any], Any], signal: str = "obs:celltype", whole: bool = True, **options: Any) -> Any:
    """Return what reads a file of cells whose parts were changed; or one with nothing else in it."""

    def do(folder: Path) -> Any:
        if whole:
            (folder / "cells.h5ad").write_bytes((_made() / "your_data.h5ad").read_bytes())
        with h5py.File(folder / "cells.h5ad", "a") as handle:
            change(handle)
        return your_data(str(folder / "cells.h5ad"), signal, **options)

    return do


def stored(place: str, at: int | slice, value: int) -> Callable[[Any], None]:
    """Return what changes one number of a stored array."""
    return lambda handle: handle[place].__setitem__(at, value)


def doubted(change: Callable[[Any], Any], signal: str = "obs:celltype") -> Callable[[Path], Flag]:
    """Return what reads a changed file of cells; the first sentence on what looks wrong is the answer."""
    return lambda folder: Flag("warning", cells(change, signal)(folder).doubts[0])


def written(name: str, content: bytes, **options: Any) -> Callable[[Path], Any]:
    """Return what reads a file with this content."""

    def do(folder: Path) -> Any:
        (folder / name).write_bytes(content)
        return your_data(str(folder / name), "other_half", **options)

    return do


def mtx_folder(beside: tuple[str, ...]) -> Callable[[Path], Any]:
    """Return what reads a 10x folder with a matrix of 3 genes × 4 cells and lists of one line."""

    def do(folder: Path) -> Any:
        mmwrite(folder / "matrix.mtx", sparse.csr_matrix(np.ones((3, 4), int)))
        for name in beside:
            (folder / name).write_text("A\tA\n")
        return your_data(str(folder), "other_half")

    return do


def scanned(signal: Any = "obs:celltype", change: Callable[[Any], Any] | None = None, **options: Any) -> Any:
    """Return what scans cells in memory, changed before by ``change``."""

    def do(folder: Path) -> Any:
        stored = anndata.read_h5ad(_made() / "your_data.h5ad")
        if change is not None:
            stored = change(stored) or stored
        return scan(stored, signal, progress=False, **options)

    return do


def reshaped(*shape: int) -> Callable[[Any], None]:
    return lambda handle: handle["X"].attrs.__setitem__("shape", shape)


def copied(to: str) -> Callable[[Any], None]:
    """Return what copies the counts to another place and damages the copy."""

    def change(handle: Any) -> None:
        handle.copy("X", to)
        handle[f"{to}/indices"][3] = 10**6

    return change


def tenx(
    signal: str = "obs:y", kind: str = "Gene Expression", value: float = 1.0, change: Any = None, **options: Any
) -> Any:
    """Return what reads a 10x file of one kind of feature, every count of one value, changed by ``change``."""

    def do(folder: Path) -> Any:
        values = sparse.random(20, 30, 0.3, format="csr", random_state=0)
        with h5py.File(folder / "cells.h5", "w") as handle:
            group = handle.create_group("matrix")
            group["barcodes"] = np.array([f"c{i}" for i in range(20)]).astype("S")
            group["data"] = np.full(values.nnz, value)
            group["indices"], group["indptr"] = values.indices.astype(np.int64), values.indptr.astype(np.int64)
            group["shape"] = np.array([30, 20])
            names = np.array([f"G{i}" for i in range(30)]).astype("S")
            group["features/name"] = group["features/id"] = names
            group["features/feature_type"] = np.full(30, kind.encode())
            group["features/genome"] = np.full(30, b"GRCh38")
            if change is not None:
                change(handle)
        return your_data(str(folder / "cells.h5"), signal, **options)

    return do


def mudata(signal: str = "obs:celltype", protein: float = 1.0, change: Any = None, **options: Any) -> Any:
    """Return what reads a MuData file, changed by ``change``."""

    def do(folder: Path) -> Any:
        from mudata import MuData

        rna = anndata.read_h5ad(_made() / "your_data.h5ad")
        other = anndata.AnnData(np.full((rna.n_obs, 2), protein), pd.DataFrame(index=rna.obs_names))
        MuData({"rna": rna, "prot": other}).write(folder / "cells.h5mu")
        if change is not None:
            with h5py.File(folder / "cells.h5mu", "a") as handle:
                change(handle)
        return your_data(str(folder / "cells.h5mu"), signal, **options)

    return do


def metadata(content: str | bytes) -> Callable[[Path], Any]:
    """Return what reads cells with a table beside them."""

    def do(folder: Path) -> Any:
        (folder / "about.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return cells(signal="obs:y", metadata="FOLDER/about.csv")(folder)

    return do


def dataset(**changes: Any) -> Callable[[Path], Any]:
    """Return what makes a dataset of arrays."""
    counts = np.random.default_rng(0).poisson(2, (20, 5))
    usual = {
        "name": "mine", "signal_name": "type", "counts": counts, "signal": np.array(["a", "b"] * 10),
        "folds": np.arange(20) // 10,
    }  # fmt: skip
    return lambda d: Dataset(**{**usual, **changes})


def pictures(odd: dict[str, bytes] | None = None, classes: str = "ab", n: int = 4, **options: Any) -> Any:
    """Return what reads a folder of images; ``odd`` are more files of the last class."""

    def do(folder: Path) -> Any:
        for name in classes:
            (folder / "images" / name).mkdir(parents=True)
            for i in range(n):
                Image.fromarray(np.full((8, 8, 3), 20 * i, np.uint8)).save(folder / "images" / name / f"{i}.png")
        (folder / "images").mkdir(exist_ok=True)
        for file, content in (odd or {}).items():
            (folder / "images" / classes[-1] / file).write_bytes(content)
        return your_images(folder / "images", **options)

    return do


def picture(kind: str, pixels: np.ndarray, **how: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **how)
    return out.getvalue()


def zipped(content: bytes, change: Callable[[bytes], bytes] | None = None, **how: Any) -> Callable[[Path], Any]:
    """Return what reads an ``.npz`` file with these bytes as its array, changed in the archive by ``change``."""

    def do(folder: Path) -> Any:
        file = folder / "tissuemnist.npz"
        with zipfile.ZipFile(file, "w", **how) as outer:
            outer.writestr("train_images.npy", content)
        if change is not None:
            file.write_bytes(change(file.read_bytes()))
        return tissuemnist(28, folder=folder)

    return do


def npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def overwritten(content: bytes) -> bytes:
    """Return bytes of which some in the middle are others."""
    return content[:400] + b"\xff" * 40 + content[440:]


def unpacked(member: str, inner: bytes | None = None) -> Callable[[Path], Any]:
    """Return what unpacks a download of Caltech 101 with this member, or with these bytes as the inner archive."""

    def do(folder: Path) -> Any:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo(member))
        with zipfile.ZipFile(folder / "caltech-101.zip", "w") as outer:
            outer.writestr("caltech-101/101_ObjectCategories.tar.gz", packed.getvalue() if inner is None else inner)
        with (
            patch.dict(os.environ, {files.VARIABLE: str(folder / "cache")}),
            patch.object(files, "fetch", lambda *_: folder / "caltech-101.zip"),
        ):
            return caltech101()

    return do


def archive(arrays: dict[str, Any] | None, cut: bool = False) -> Callable[[Path], Any]:
    """Return what reads an ``.npz`` file in place of TissueMNIST's."""

    def do(folder: Path) -> Any:
        file = folder / "tissuemnist.npz"
        if arrays is None:
            file.write_bytes(b"not a zip")
        else:
            np.savez(file, **arrays)
        if cut:
            file.write_bytes(file.read_bytes()[:200])
        return tissuemnist(28, folder=folder)

    return do


DATED = "".join(f">s{i}|2020-01-{i + 1:02d}|x\nMFVF\n" for i in range(20))


def fasta(text: str | bytes, about: str | bytes | None = None, name: str = "mine.fasta", **options: Any) -> Any:
    """Return what reads a FASTA file, with a table of dates or without."""

    def do(folder: Path) -> Any:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if about is not None:
            (folder / "about.tsv").write_bytes(about if isinstance(about, bytes) else about.encode())
        return your_sequences(folder / name, folder / "about.tsv" if about is not None else None, **options)

    return do


def packed_table() -> Callable[[Path], Any]:
    """Return what reads a FASTA file with a packed table in the middle of which bytes are others."""

    def do(folder: Path) -> Any:
        (folder / "mine.fasta").write_text(DATED)
        text = "strain\tdate\n" + "".join(f"s{i}\t{i**9 % 10007}\n" for i in range(400))
        (folder / "about.tsv.gz").write_bytes(overwritten(gzip.compress(text.encode(), mtime=0)))
        return your_sequences(folder / "mine.fasta", folder / "about.tsv.gz")

    return do


def larry_with(file: str, content: bytes) -> Callable[[Path], Any]:
    """Return what reads the miniature of LARRY with one file replaced."""

    def do(folder: Path) -> Any:
        write("larry", folder)
        (folder / file).write_bytes(content)
        return larry(folder=folder)

    return do


def matrix_market(values: Any) -> bytes:
    out = io.BytesIO()
    mmwrite(out, values)
    return gzip.compress(out.getvalue())


def download(content: bytes, expected: str | None = None, cached: bytes | None = None, **more: Any) -> Any:
    """Return what fetches a file whose address gives ``content``."""

    def do(folder: Path) -> Any:
        known = File("made/file.bin", "https://example.org/file.bin", expected, **more)
        made = {"made": Entry("made", "A study", "CC0", (known,), "Or ask the authors.")}
        target = folder / "made" / "file.bin"
        if cached is not None:
            target.parent.mkdir(parents=True)
            target.write_bytes(cached)

        def give(_target: Path, _url: str, received: str, _pooch: Any) -> None:
            if content == b"":
                raise ConnectionError("no route to the host")
            Path(received).write_bytes(content)

        with (
            patch.object(files, "registry", lambda: made),
            patch.object(files, "_resume", give),
            patch.dict(os.environ, {files.VARIABLE: str(folder)}),
        ):
            return fetch("made", "file.bin")

    return do


def checkpoint(names: dict[str, Any], genes: Any = ("A", "B"), damaged: bool = False) -> Callable[[Path], Any]:
    """Return what reads a folder with these files as a trained transformer, its weights damaged if asked."""

    def do(folder: Path) -> Any:
        if damaged:
            (folder / "model.safetensors").write_bytes(b"x" * 99)
        for name, content in names.items():
            (folder / name).write_text(json.dumps(content))
        model = build("txformer", 4, from_checkpoint=str(folder))
        return model.fit(np.ones((4, 2), int), genes=None if genes is None else list(genes))

    return do


def network(config: dict[str, Any]) -> Callable[[Path], Any]:
    """Return what trains from a folder with this configuration and weights that are damaged."""

    def do(folder: Path) -> Any:
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "model.safetensors").write_bytes(b"x" * 99)
        return MobileNet(weights=str(folder)).fit(IMAGES, ["a", "b"] * 4)

    return do


def protein_model(config: dict[str, Any]) -> Callable[[Path], Any]:
    """Return what trains an ESM-2 from a folder with this configuration and weights that are damaged."""

    def do(folder: Path) -> Any:
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "vocab.txt").write_text("<pad>\n<mask>\n")
        (folder / "model.safetensors").write_bytes(b"x" * 99)
        return ESM(weights=str(folder)).fit(PROTEINS)

    return do


def saved(content: Any, **how: Any) -> Callable[[Path], Any]:
    """Return what trains from a saved state with this content."""

    def do(folder: Path) -> Any:
        x = np.random.default_rng(0).random((20, 4), np.float32)
        torch.save(content, folder / "state.pt")
        how_to = Training("TINY", steps=1, batch=4, **how)
        return train_reconstruction(x[:15], x[15:], how_to, checkpoint=folder / "state.pt")

    return do


# The catalogue


RNG = np.random.default_rng(0)
RAGGED = [[1.0, 2.0], [3.0]]
X = RNG.normal(size=(120, 3))
Y = X[:, :1] + RNG.normal(size=(120, 1))
HOLED = np.where(np.arange(120)[:, None] == 7, np.nan, X)
LABELS = ["a", "b", "c"] * 40
COUNTS = RNG.poisson(2, (30, 12))
VALUES = np.log1p(COUNTS)
DEPTHS = np.array([10.0, 30, 100, 300, 1000])
BITS = NoiseLaw(2.0, 80.0)(DEPTHS)
CELLS, MANY = np.repeat([10.0, 100, 1000], 5), np.tile(DEPTHS, 3)
JOINT = JointLaw(i_inf=3.0, u_bar=500.0, n0=1000.0, s=0.7, kappa=0.5, beta=1.0, h0=0.15)
IMAGES = RNG.uniform(-1, 1, (8, 1, 32, 32)).astype(np.float32)
PROTEINS = ["MFVFLVLL", "MFVFLVLA"] * 4


@functools.cache
def fits() -> tuple[Any, Any]:
    """Return a noise law and a joint law fitted to points."""
    return NoiseLaw.fit(DEPTHS, BITS + 0.01 * RNG.normal(size=5)), JointLaw.fit(CELLS, MANY, JOINT(CELLS, MANY))


def damaged(part: str, at: int, value: int) -> sparse.csr_matrix:
    """Return counts that point outside themselves."""
    matrix = sparse.csr_matrix(np.array([[1, 0, 2], [0, 3, 0]]))
    getattr(matrix, part)[at] = value
    return matrix


def beyond() -> sparse.coo_matrix:
    """Return counts with a row number that is none of the rows."""
    matrix = sparse.coo_matrix(([1], ([0], [0])), shape=(2, 3))
    matrix.row[0] = 9
    return matrix


def rows_of(change: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Return what reads some rows of a stored matrix that was changed."""

    def do(folder: Path) -> Any:
        (folder / "cells.h5ad").write_bytes((_made() / "your_data.h5ad").read_bytes())
        with h5py.File(folder / "cells.h5ad", "a") as handle:
            change(handle)
        with h5ad.opened(folder / "cells.h5ad") as handle:
            return h5ad.StoredMatrix(handle).rows(np.array([2, 5]))

    return do


def shortened(place: str) -> Callable[[Any], None]:
    """Return what takes the last number off a stored array."""

    def change(handle: Any) -> None:
        values = handle[place][:-1]
        del handle[place]
        handle[place] = values

    return change


@functools.cache
def trained() -> Any:
    """Return a masked-reconstruction model of twelve genes."""
    return train_reconstruction(VALUES[:20], VALUES[20:], Training("TINY", steps=1, batch=4))


def _parameters() -> list[tuple[str, Any, str]]:
    assign = lambda *given: command("run", "pbmc68k", *(w for pair in given for w in ("-p", pair)))  # noqa: E731
    return [
        ("a name that is nearly right", assign("dims=3"), "'dims' of pbmc68k: did you mean 'dim'"),
        ("a name like no other", assign("zzz=3"), "unknown parameter 'zzz'"),
        ("text for a number", assign("dim=eight"), "'dim' of pbmc68k is 'eight' (str): it must be int"),
        ("a fraction for a whole number", assign("dim=2.5"), "is 2.5 (float): it must be int"),
        ("a truth value for a whole number", assign("dim=True"), "is True (bool): it must be int"),
        ("one number for a list", assign("depths=0.5"), "is 0.5 (float): it must be a list of float"),
        ("text in a list of numbers", assign("depths=[1.0, 'a']"), "is [1.0, 'a'] ('a' in it is str): it must be a l"),
        ("a dictionary that cannot be", assign("dim={[]: 1}"), "'dim' of pbmc68k is '{[]: 1}' (str)"),
        ("no value", assign("dim"), "'dim' is not of the form name=value"),
        ("no name", assign("=3"), "'=3' is not of the form name=value"),
        ("an expression with a call", assign("dim=__import__('os').getpid()"), 'getpid()" (str): it must be int'),
        ("a profile that leads out of the results", assign("profile=../../elsewhere"), "profile is '../../elsewhere'"),
        ("an absolute path as the profile", assign("profile=/etc"), "profile is '/etc': use letters"),
    ]


def _profiles() -> list[tuple[str, Any, str]]:
    toy = "pages: []\nsweep:\n  - notebook: toy\n    "
    return [
        ("an unknown name", lambda d: workflow.load_plan("quik", ROOT), "'quik': did you mean 'quick'"),
        ("a path for a name", lambda d: workflow.load_plan("../mine", clone(d, "")), "unknown profile '../mine'"),
        ("an empty file", profile(""), "mine.yaml: the whole of it is None"),
        ("text that is no YAML", profile("profile: [mine"), "mine.yaml is not plain YAML"),
        ("bytes that are no text", lambda d: ((clone(d, "") / "config" / "mine.yaml").write_bytes(b"\xff\xfe"),
                                              workflow.load_plan("mine", d)), "mine.yaml is not plain YAML"),
        ("a Python object in YAML", plan("pages: !!python/object/apply:os.getcwd []"), "mine.yaml is not plain YAML"),
        ("no sweep", plan("pages: []"), "mine.yaml: sweep is missing"),
        ("another profile's name", profile("profile: quick\nabout: x\npages: []\nsweep: []"), "profile is 'quick'"),
        ("an unknown notebook", plan("pages: []\nsweep:\n  - notebook: toys"), "'toys': did you mean 'toy'"),
        ("a notebook outside", plan("pages: []\nsweep:\n  - notebook: ../../etc/passwd"), "'../../etc/passwd'"),
        ("an unknown parameter", plan(toy + "each: {seed: [[0]]}"), "'seed' of toy: did you mean 'seeds'"),
        ("a parameter of another type", plan(toy + "parameters: {dim: x}"), "'dim' of toy is 'x' (str)"),
        ("an unknown key", plan(toy + "loops: {}"), "unknown field 'loops'"),
        ("a list for each with no value", plan(toy + "each: {seeds: []}"), "toy has no value of 'seeds'"),
        ("each with one value, no list", plan(toy + "each: {dim: 3}"), "sweep.each.dim is 3: give a list"),
        ("a parameter given twice", plan(toy + "parameters: {dim: 3}\n    each: {dim: [4]}"), "'dim' of toy is in"),
        ("a job that sets its profile", plan(toy + "parameters: {profile: other}"), "toy sets 'profile'"),
        ("a page that is not there", plan("sweep: []\npages: [notebooks/toys]"), "page 'notebooks/toys' of profile"),
        ("a page by its short name", plan("sweep: []\npages: [toy]"), "page 'toy' of profile mine"),
        ("parameters of no page", plan("sweep: []\npages: [notebooks/toy]\npage_parameters: {toy: {}}"),
         "page_parameters in mine.yaml 'toy'"),
        ("a page's profile that leads out",
         plan("sweep: []\npages: [notebooks/toy]\npage_parameters: {notebooks/toy: {profile: ../x}}"), "'../x'"),
    ]  # fmt: skip


def _grid_files() -> list[tuple[str, Any, str]]:
    of = lambda text: planned(f"mine:\n  first: {{dataset: pbmc68k, {text}}}")  # noqa: E731
    return [
        ("an unknown set of grids", planned("mine: {}", "reference"), "masked_reconstruction.yaml 'reference'"),
        ("an unknown option", of("size: [XS]"), "unknown field 'size': did you mean 'sizes'"),
        ("an unknown size", of("sizes: [XXXXS]"), "'XXXXS'"),
        ("an unknown loss", of("losses: [msee]"), "'msee': did you mean 'mse'"),
        ("a depth above 1", of("depths: [2.0]"), "depth is 2.0"),
        ("an unknown option of training", of("training: {step: 3}"), "'step': did you mean 'steps'"),
        ("steps below 0", of("training: {steps: -1}"), "steps is -1"),
        ("more cells than there are", of("n_train: [1000000]"), "n_train of pbmc68k is 1000000"),
        ("no size", of("sizes: []"), "sizes is empty: give at least one"),
        ("text for whole numbers", of("seeds: [a]"), "one of seeds is 'a': give a whole number"),
        ("steps of an unknown size", of("steps_of: {XXXS: 5}"), "unknown size"),
        ("negative steps of a size", of("steps_of: {XS: -5}"), "steps is -5"),
    ]


def _grids() -> list[tuple[str, Any, str]]:
    images, sequences = functools.partial(grid, ImageGrid), functools.partial(grid, SequenceGrid)
    masked = functools.partial(grid, ReconstructionGrid)
    return [
        ("an unknown dataset", grid(dataset="pbmc68"), "'pbmc68': did you mean 'pbmc68k'"),
        ("images for cells", grid(dataset="digits"), "unknown dataset 'digits'"),
        ("an unknown representation", grid(representations=["pac"]), "'pac': did you mean 'pca'"),
        ("no representation", grid(representations=[]), "representations is empty: give at least one"),
        ("depth 0", grid(depths=[0.0]), "depth is 0.0"),
        ("a depth above 1", grid(depths=[1.5]), "depth is 1.5"),
        ("a depth that is NaN", grid(depths=[float("nan")]), "depth is nan"),
        ("one depth, no list", grid(depths=0.5), "depths is 0.5: give a list"),
        ("no depth of the probe", grid(probe_depths=[]), "probe_depths is empty: give at least one"),
        ("one training cell", grid(n_train=[1]), "one of n_train is 1: it must be a whole number in [2"),
        ("no number of training cells", grid(n_train=[]), "n_train is empty: give at least one"),
        ("half a training cell", grid(n_train=[10.5]), "one of n_train is 10.5: give a whole number"),
        ("a negative seed", grid(seeds=[-1]), "one of seeds is -1"),
        ("a seed beyond 32 bits", grid(seeds=[2**32]), "one of seeds is 4294967296"),
        ("a fold that is not there", grid(folds=[9]), "fold of pbmc68k is 9"),
        ("no dimension", grid(dim=0), "dim is 0: it must be at least 1"),
        ("an unknown option of the estimator", grid(lmi={"fold": 3}), "'fold': did you mean 'folds'"),
        ("options of an unknown representation", grid(models={"scvy": {}}), "'scvy': did you mean 'scvi'"),
        ("an unknown option of a representation", grid(models={"scvi": {"step": 3}}), "did you mean 'steps'"),
        ("an option of one that takes none", grid(models={"pca": {"steps": 3}}), "unknown option of pca 'steps'"),
        ("an unknown option of the dataset", grid(options={"fold": 3}), "option of dataset pbmc68k 'fold'"),
        ("an unknown argument", grid(depth=[1.0]), "unknown field 'depth': did you mean 'depths'"),
        ("an unknown kind of noise", images(levels={"gausian": [1]}), "'gausian': did you mean 'gaussian'"),
        ("a negative σ", images(levels={"gaussian": [-1.0]}), "level of gaussian is -1.0"),
        ("a tile of half a pixel", images(levels={"pixelation": [1.5]}), "level of pixelation is 1.5"),
        ("a tile larger than the image", images(levels={"pixelation": [99]}), "level of pixelation of digits is 99"),
        ("an unknown readout", images(readouts=["last"]), "unknown readout 'last'"),
        ("an unknown option of the network", images(model={"widht": 1.0}), "'widht': did you mean 'width'"),
        ("a substitution rate above 1", sequences(rates=[1.1]), "substitution rate is 1.1"),
        ("an unknown role", sequences(roles=["trian"]), "'trian': did you mean 'train'"),
        ("images: an unknown option of the estimator", images(lmi={"fold": 3}), "'fold': did you mean 'folds'"),
        ("sequences: an unknown option of the estimator", sequences(lmi={"ks": 3}), "unknown option of lmi 'ks'"),
        ("cells for sequences", sequences(dataset="pbmc68k"), "dataset of sequences 'pbmc68k'"),
        ("a size with an odd head", masked(sizes=["7/1/2/4"]), "'7/1/2/4'"),
        ("one gene to hide and none to see", masked(n_genes=[1]), "one of n_genes is 1: it must be a whole num"),
        ("a negative seed of a training", masked(seeds=[-1]), "one of seeds is -1"),
        ("one training cell of a model", masked(n_train=[1]), "one of n_train is 1"),
        ("all cells for testing", masked(test_parts=20), "test_parts is 20: it must be at most 17"),
        ("information without labels", masked(dataset="simulated", options={"signal": "protein"}, information=True),
         "information is asked, but simulated"),
    ]  # fmt: skip


def _rows() -> list[tuple[str, Any, str]]:
    return [
        ("more training cells than there are", row(n_train=[351]), "n_train is 351"),
        ("too many neighbours", row(lmi={"k": 51}), "k is 51: it must be a whole number in [1, 50]"),
        ("one fold of the estimator", row(lmi={"folds": 1}), "folds is 1"),
        ("a depth that leaves no molecule", row(depths=[1e-9]), "no training cell has a count left"),
        ("embeddings that are not there", row(representations=["precomputed"]), "embedding of pbmc68k 'X_emb'"),
        ("embeddings of another depth", row(representations=["precomputed"], depths=[0.5]), "not of 0.5 of them"),
        ("an estimator that does not exist", row(lmi={"estimator": "lmj"}), "estimator 'lmj': did you mean 'lmi'"),
        ("a size of step that trains nothing", row(representations=["scvi"], models={"scvi": {"rate": 0}}),
         "rate is 0"),
    ]  # fmt: skip


def _cell_files() -> list[tuple[str, Any, str]]:
    few = lambda a: a[:1].copy()  # noqa: E731
    one_type = lambda a: a[a.obs["celltype"] == "B"].copy()  # noqa: E731
    missing = lambda a: a.obs.__setitem__("y", ["A", "B", None, None, None] * 80)  # noqa: E731
    nan = lambda a: a.obsm["protein"].__setitem__(3, np.nan)  # noqa: E731
    return [
        ("a file that is not there", lambda d: your_data(str(d / "no.h5ad")), "FOLDER/no.h5ad does not exist"),
        ("a folder of nothing", lambda d: your_data(str(d)), "FOLDER is a folder that holds nothing: give a file"),
        ("an address", lambda d: your_data("https://example.org/cells.h5ad"), "is an address: download the file first"),
        ("a file of R", written("cells.rds", b"RDX3"), "FOLDER/cells.rds is a file of R: write it as .h5ad there"),
        ("an empty file", spoiled(lambda b: b""), "cells.h5ad is not a whole HDF5 file"),
        ("a table without genes", spoiled(lambda b: b"cell,gene\n1,2\n"), "do not say which are genes: give genes_in"),
        ("prose", spoiled(lambda b: b"These are my cells.\nThey are good.\n"), "is not a table of counts: "),
        ("a table of one column", written("counts.csv", b"ACTB\n1\n2\n"), "FOLDER/counts.csv has one column"),
        ("a table of names that say nothing", written("counts.csv", b"x,a,b\nr1,1,0\nr2,0,3\n"),
         "rows such as 'r1' and 2 columns such as 'a', and the names do not say which are genes: give genes_in="),
        ("a place of genes that is none", written("counts.csv", b"x,a,b\nr1,1,0\n", genes_in="row"),
         "unknown place of the genes (genes_in) 'row': did you mean 'rows'?"),
        ("a place of genes of a file that says it", cells(genes_in="rows"), "genes_in is 'rows'"),
        ("a 10x folder without barcodes", mtx_folder(("features.tsv",)), "matrix.mtx has no barcodes.tsv beside it"),
        ("a 10x folder of two samples", mtx_folder(("features.tsv", "barcodes.tsv")), "not of one sample"),
        ("a pickle", spoiled(lambda b: b"\x80\x04\x95cos\nsystem\n"), "cells.h5ad is not a whole HDF5 file"),
        ("a gzipped file cut off", spoiled(lambda b: gzip.compress(b)[:900]), "cells.h5ad is not a"),
        ("a file cut off in the middle", spoiled(lambda b: b[: len(b) // 2]), "cells.h5ad is not a whole HDF5 file"),
        ("HDF5 of something else", hdf5(lambda h: h.create_dataset("images", data=[1]), whole=False), "holds images"),
        ("a matrix without its row pointers", hdf5(lambda h: h["X"].pop("indptr")), "cells.h5ad cannot be read"),
        ("a gene number beyond the genes", hdf5(stored("X/indices", 3, 10**6)), "X of FOLDER/cells.h5ad is damaged"),
        ("a gene number below 0", hdf5(stored("X/indices", 3, -1)), "X of FOLDER/cells.h5ad is damaged"),
        ("row pointers that descend", hdf5(stored("X/indptr", 5, 10**6)), "X of FOLDER/cells.h5ad is damaged"),
        ("a gene number beyond, in a layer", hdf5(copied("layers/counts")), "layers['counts'] of FOLDER/cells.h5ad is"),
        ("a gene number beyond, in a layer not asked for", hdf5(copied("layers/other")), "layers['other'] of FOLDER"),
        ("a column number beyond, in obsm", hdf5(copied("obsm/other")), "obsm['other'] of FOLDER/cells.h5ad is dam"),
        ("on disk: a gene number beyond the genes", hdf5(stored("X/indices", 3, 10**6), backed=True), "is damaged"),
        ("on disk: a gene number below 0", hdf5(stored("X/indices", 3, -1), backed=True), "X of FOLDER/cells.h5ad is"),
        ("on disk: row pointers that descend", hdf5(stored("X/indptr", 5, -7), backed=True), "X of FOLDER/cells.h5ad"),
        ("on disk: row pointers that begin late", hdf5(stored("X/indptr", 0, 3), backed=True), "X of FOLDER/cells.h5"),
        ("some rows: a gene number beyond the genes", rows_of(stored("X/indices", slice(None), 10**6)),
         "X of FOLDER/cells.h5ad is damaged"),
        ("some rows: pointers that descend", rows_of(stored("X/indptr", 5, 1)), "damaged (indptr does not deal out"),
        ("some rows: a pointer too few", rows_of(shortened("X/indptr")), "damaged (indptr does not deal out"),
        ("some rows: a gene number too few", rows_of(shortened("X/indices")), "X of FOLDER/cells.h5ad is damaged ("),
        ("no genes", hdf5(lambda h: h.pop("var")), "FOLDER/cells.h5ad has no 'var', the names of its genes"),
        ("a matrix of another shape", hdf5(reshaped(400, 7)), "FOLDER/cells.h5ad cannot be read"),
        ("on disk: a matrix with too few rows", hdf5(reshaped(10, 200), backed=True),
         "X of FOLDER/cells.h5ad is damaged (indptr does not deal out"),
        ("normalised counts", cells(scaled(0.25)), "cells.h5ad has no raw counts: layers['counts'] is absent"),
        ("negative counts", cells(scaled(-1)), "X holds -"),
        ("counts that are NaN", cells(scaled(np.nan)), "X holds NaN or infinite values"),
        ("counts that are all 0", cells(scaled(0)), "X holds only zeros"),
        ("a gene twice", doubted(repeated("var_names")), "1 gene names occur twice, such as 'twice'"),
        ("a cell twice", doubted(repeated("obs_names")), "1 cell names occur twice, such as 'twice'"),
        ("binarised counts", doubted(lambda a: setattr(a, "X", (a.X > 0).astype(np.float32))), "they look binarised"),
        ("scaled and rounded counts", doubted(scaled(7.0)), "the counts look scaled and rounded"),
        ("labels that say that nobody knows", doubted(lambda a: column(["Unknown", "A", "B", "C"] * 100)(a), "obs:y"),
         "'Unknown' counts as one more label (100 cells)"),
        ("barcodes as labels", cells(column([f"b{i}" for i in range(400)]), "obs:y"), "y has 400 labels for 400 cells"),
        ("a batch that is the signal", cells(batch="celltype"), "batch is 'celltype', the signal itself"),
        ("cells all at one place", cells(lambda a: a.obsm.__setitem__("here", np.ones((400, 2))), "neighbours:here"),
         "neighbours:here has one position for all 400 cells"),
        ("one cell", cells(few), "number of cells in"),
        ("one type of cells", cells(one_type), "is constant over 100 cells"),
        ("labels missing in most cells", cells(missing, "obs:y"), "obs:y is missing in 240 of 400 cells"),
        ("a signal that is infinite", cells(column([np.inf, *range(399)]), "obs:y"), "in 1 of 400 rows"),
        ("proteins that are NaN", cells(nan, "obsm:protein"), "in 1 of 400 rows (first: row 3)"),
        ("a signal without its place", cells(signal="celltype"), "Did you mean 'obs:celltype'"),
        ("a column that is not there", cells(signal="obs:celltyp"), "'celltyp': did you mean 'celltype'"),
        ("a matrix that is not there", cells(signal="obsm:proteins"), "'proteins': did you mean 'protein'"),
        ("positions with 4 columns", cells(signal="neighbours:protein"), "neighbours:protein has 4 columns"),
        ("clones that no two cells share", cells(column(np.arange(400.0)), "pairs:y"), "values of y have two cells"),
        ("pairs and a batch", cells(signal="pairs:clone", batch="donor"), "batch is 'donor'"),
        ("a layer that is not there", cells(layer="counts"), "'counts'"),
        ("no path", lambda d: your_data(None), "path is None: give a path as text"),
        ("a number for the path", lambda d: your_data(3), "path is 3: give a path as text"),
        ("a number for the table", cells(metadata=3), "metadata is 3: give a path as text"),
        ("no signal", cells(signal=None), "signal is None: say where it is"),
        ("a number for the signal", cells(signal=3), "signal is 3: say where it is"),
        ("one name for a list of embeddings", cells(embeddings="X_made"), "embeddings are 'X_made': give a list"),
        ("a negative seed of the split", cells(split_seed=-1), "split_seed is -1"),
        ("half a seed of the split", cells(split_seed=1.5), "split_seed is 1.5"),
        ("no seed of the split", cells(split_seed=None), "split_seed is None"),
        ("text for the seed of the split", cells(split_seed="a"), "split_seed is 'a'"),
        ("text for the folds of batches", cells(batch="donor", n_folds="a"), "n_folds is 'a'"),
        ("one fold", cells(n_folds=1), "n_folds is 1"),
        ("half a fold", cells(n_folds=1.5), "n_folds is 1.5"),
        ("more folds than batches", cells(batch="donor", n_folds=9), "number of values of donor is 4"),
        ("a share of training cells of 1", cells(train_fraction=1.0), "train_fraction is 1.0"),
        ("labels taken as numbers", cells(as_labels=False), "as_labels=False needs numbers"),
        ("an embedding that is not there", cells(embeddings=["X_mad"]), "'X_mad': did you mean 'X_made'"),
        ("a table that is not there", cells(metadata="FOLDER/no.csv"), "FOLDER/no.csv does not exist"),
        ("an empty table", metadata(""), "about.csv is not a readable ','-separated table"),
        ("a table of bytes", metadata(b"\x00\xff\xfe"), "about.csv is not a readable ','-separated table"),
        ("a table with rows of other lengths", metadata("a,b\n1,2,3\nx\n1,2,3,4,5"), "about.csv is not a readable"),
        ("a table with a cell twice", metadata("cell,y\nc0,1\nc0,2\n"), "about.csv has cell 'c0' twice"),
        ("a table of other cells", metadata("cell,y\nzz,1\n"), "it has 'zz', the cells are called"),
        ("a 10x file of antibodies alone", tenx(kind="Antibody Capture"), "only Antibody Capture"),
        ("a 10x file of halves", tenx(value=0.5), "cells.h5 holds 0.5: give raw counts"),
        ("a layer of a 10x file", tenx(layer="counts"), "layer is 'counts': FOLDER/cells.h5 is a 10x file"),
        ("10x: a gene number beyond the genes", tenx(change=stored("matrix/indices", 3, 2**40)),
         "FOLDER/cells.h5 is damaged (indices from 0 to 1099511627776 for 30 genes)"),
        ("10x: a gene number below 0", tenx(change=stored("matrix/indices", 3, -1)), "is damaged (indices from -1 to"),
        ("10x: pointers that descend", tenx(change=stored("matrix/indptr", 5, -7)), "is damaged (indptr does not deal"),
        ("10x: pointers beyond the values", tenx(change=stored("matrix/indptr", 20, 2**40)), "is damaged (indptr does"),
        ("10x: a matrix of more cells", tenx(change=stored("matrix/shape", 1, 2**40)), "to 1099511627776 cells"),
        ("a modality that is not there", mudata(modality="rma"), "'rma': did you mean 'rna'"),
        ("MuData: a gene number beyond the genes", mudata(change=stored("mod/rna/X/indices", 3, 10**6)),
         "X of FOLDER/cells.h5mu is damaged"),
        ("proteins that are NaN in MuData", mudata("mod:prot", protein=np.nan), "mod:prot of FOLDER/cells.h5mu"),
        ("a matrix market file of text", larry_with("stateFate_inVitro_normed_counts.mtx.gz", gzip.compress(b"cells")),
         "stateFate_inVitro_normed_counts.mtx.gz"),
        ("a matrix market file cut off", larry_with("stateFate_inVitro_clone_matrix.mtx.gz",
                                                    matrix_market(sparse.eye(400))[:60]),
         "stateFate_inVitro_clone_matrix.mtx.gz"),
        ("gene names that are too few", larry_with("stateFate_inVitro_gene_names.txt.gz", gzip.compress(b"A\nB\n")),
         "2 genes are named"),
        ("an R file of text", lambda d: ((d / "x.rds").write_text("x"), read.r_object(d / "x.rds")), "x.rds is not a"),
        ("an unknown dataset", lambda d: load("pbmc"), "unknown dataset 'pbmc'"),
        ("an unknown option of a dataset", lambda d: load("pbmc68k", fold=2), "option of dataset pbmc68k 'fold'"),
        ("a negative seed of a dataset", lambda d: load("pbmc68k", split_seed=-1), "split_seed is -1"),
        ("half a seed of a simulation", lambda d: load("simulated", seed=0.5), "seed is 0.5"),
    ]  # fmt: skip


def _scans() -> list[tuple[str, Any, str]]:
    few = lambda a: a[:80].copy()  # noqa: E731
    rare = column(pd.Categorical([f"t{i // 4}" for i in range(400)]))
    short = type("Short", (), {"fit": lambda self, cells: None})
    return [
        ("a share of 90", scanned(share=90), "share is 90: it must be a number in (0, 1]. It is a share of I_max"),
        ("one depth", scanned(depths=[1.0]), "depths is [1.0]: give at least two, such as [1.0, 0.3, 0.1]"),
        ("no depth", scanned(depths=[]), "depths is []: give at least two"),
        ("depths without the data's own", scanned(depths=[0.5, 0.1]), "give 1.0 too, the depth of the data themselves"),
        ("a depth above the data's", scanned(depths=[1.0, 2.0]), "depth is 2.0: it must be a number in (0, 1]"),
        ("a number for the depths", scanned(depths=0.5), "depths is 0.5: give a list"),
        ("one training cell", scanned(n_train=[1]), "one of n_train is 1"),
        ("no seed", scanned(seeds=[]), "seeds is empty: give at least one"),
        ("more probe cells than there are", scanned(n_probe=10**6), "n_probe of obs:celltype is 1000000"),
        ("10 probe cells", scanned(n_probe=10), "n_probe of obs:celltype is 10: it must be"),
        ("no dimension", scanned(dim=0), "dim is 0: it must be at least 1"),
        ("80 cells", scanned(change=few), "40 probe cells, and an estimate takes 50 or more: 80 cells with a signal"),
        ("labels of four cells", scanned("obs:y", rare), "carry one that 3 cells or fewer share: merge rare labels"),
        ("a budget in words", scanned(budget="soon"), "budget is 'soon': give a time such as '90s', '2min' or '1h'"),
        ("a misspelt option", scanned(lyaer="counts"), "unknown option of scan 'lyaer': did you mean 'layer'?"),
        ("no signal", scanned([]), "signal is an empty list"),
        ("a signal without its place", scanned("celltype"), "Did you mean 'obs:celltype'"),
        ("an unknown representation", scanned(representations=["pac"]), "'pac': did you mean 'pca'?"),
        ("no representation", scanned(representations=[]), "representations is an empty list"),
        ("a model that cannot transform", scanned(model=short()), "model is a Short without transform"),
        ("embeddings of all molecules, asked about half", scanned("split", embeddings=["X_made"]), "made from all mol"),
        ("a folder of embeddings that is none", scanned(embeddings="nowhere"), "nowhere is not a folder"),
        ("a table in place of cells", lambda d: scan(pd.DataFrame()), "cells are a DataFrame: give an AnnData"),
        ("scan: a file that is not there", command("scan", "none.h5ad"), "none.h5ad does not exist: give the path"),
        ("scan: depths in words", command("scan", "none.h5ad", "--depths", "all"), "--depths is 'all': give numbers"),
        ("scan: a report of another kind", command("scan", "none.h5ad", "--to", "x.pdf"), "--to is x.pdf: give a"),
        ("thin: a depth above the data's", command("thin", ROOT / "README.md", "--depths", "2", "--to", "FOLDER/x"),
         "is 2.0: it must be a number in (0, 1]"),
    ]  # fmt: skip


def _arrays() -> list[tuple[str, Any, str]]:
    half = np.full((20, 5), 0.5)
    return [
        ("normalised counts", dataset(counts=half), "counts of mine holds 0.5, not a whole number"),
        ("negative counts", dataset(counts=-np.ones((20, 5))), "counts of mine holds -1"),
        ("a vector of counts", dataset(counts=np.ones(20)), "counts of mine has 1 dimension(s)"),
        ("rows of counts of other lengths", lambda d: checks.as_counts(RAGGED), "counts has rows of different lengths"),
        ("a column number beyond the columns", lambda d: checks.as_counts(damaged("indices", 0, 9)),
         "counts is damaged (…): make it again"),
        ("a column number below 0", lambda d: checks.as_counts(damaged("indices", 0, -1)), "counts is damaged ("),
        ("row pointers that descend", lambda d: checks.as_counts(damaged("indptr", 1, 7)), "counts is damaged ("),
        ("row pointers beyond the values", lambda d: checks.as_counts(damaged("indptr", 2, 9)), "counts is damaged ("),
        ("row numbers beyond the rows", lambda d: checks.as_counts(beyond()), "counts is damaged (…): make it again"),
        ("fewer folds than two", lambda d: splits.stratified(LABELS, 1), "n_folds is 1"),
        ("text for the seed of folds", lambda d: splits.stratified(LABELS, 2, "a"), "seed is 'a'"),
        ("a signal of another length", dataset(signal=np.array(["a", "b"] * 9)), "signal has 18 rows"),
        ("a constant signal", dataset(signal=np.array(["a"] * 20)), "signal 'type' of mine is constant"),
        ("a signal with a missing label", dataset(signal=np.array([None, *["a", "b"] * 9, "a"], dtype=object)),
         "signal 'type' of mine holds 1 missing labels"),
        ("folds that are no whole numbers", dataset(folds=np.arange(20) / 2), "folds of mine must be one whole number"),
        ("a fold that is not there", dataset(fold=7), "fold of mine is 7"),
        ("one fold for all cells", dataset(folds=np.zeros(20, int)), "mine has 0 train cell(s)"),
        ("pairs that are no truth values", dataset(paired=np.ones(20)), "paired of mine has dtype float64"),
        ("one gene name for five genes", dataset(genes=np.array(["A"])), "mine has 1 gene names for 5 columns"),
        ("an embedding of other cells", dataset(embeddings={"X": np.zeros((3, 2))}), "X has 3 rows"),
    ]  # fmt: skip


def _image_files() -> list[tuple[str, Any, str]]:
    black = np.zeros((64, 64, 3), np.uint8)
    more = [Image.fromarray(black), Image.fromarray(black)]
    return [
        ("no path", lambda d: your_images(), "path is empty: give options={'path': 'folder'}"),
        ("a folder that is not there", lambda d: your_images(d / "no"), "FOLDER/no is not a folder"),
        ("a folder without images", pictures(classes=""), "FOLDER/images holds no folder with images"),
        ("one class", pictures(classes="a"), "FOLDER/images holds one class of images, a"),
        ("a class with too few images", pictures(n=3), "class 'a' of your_images has 3 image(s)"),
        ("text named .png", pictures({"x.png": b"not an image"}), "FOLDER/images/b/x.png is not an image"),
        ("a picture cut off", pictures({"x.jpg": picture("jpeg", black)[:200]}), "b/x.jpg is not an image"),
        ("two pictures in a file", pictures({"x.tif": picture("tiff", black, save_all=True, append_images=more)}),
         "b/x.tif holds 3 pictures"),
        ("pixels of floats", pictures({"x.tif": picture("tiff", np.ones((8, 8), np.float32))}), "of kind 'F'"),
        ("a side of 1 pixel", pictures(size=1), "size of the images is 1"),
        ("more classes than there are", pictures(n_classes=9), "n_classes of images is 9"),
        ("one fold", pictures(n_folds=1), "n_folds is 1"),
        ("a size that MedMNIST has not", lambda d: tissuemnist(32), "size is 32: MedMNIST gives 28, 64, 128"),
        ("a file that is no archive", archive(None), "FOLDER/tissuemnist.npz is not a readable .npz file"),
        ("an archive cut off", archive({"train_images": np.zeros((4, 28, 28), np.uint8)}, cut=True), "not a readable"),
        ("an archive of damaged arrays", zipped(b"no array"), "FOLDER/tissuemnist.npz is not a readable .npz"),
        ("an array that was cut off", zipped(npy(np.zeros((4, 28, 28)))[:900]), "tissuemnist.npz is not a readable"),
        ("an array with other bytes", zipped(npy(np.zeros((4, 28, 28))), overwritten), "tissuemnist.npz is not a r"),
        ("a packed array with other bytes", zipped(npy(RNG.random((4, 28, 28))), overwritten, compression=8),
         "tissuemnist.npz is not a readable .npz file"),
        ("a member of an archive that leads out", unpacked("../../../out"), "caltech-101.zip is not a readable arch"),
        ("an archive in an archive that is none", unpacked("", b"no archive"), "caltech-101.zip is not a readable"),
        ("an archive of something else", unpacked("other"), "caltech-101.zip is not a readable archive"),
        ("an archive without the array", archive({"images": np.zeros(3)}), "tissuemnist.npz is not a readable"),
        ("an archive of pickled objects",
         archive({"train_images": np.array([{}, None], object)}), "tissuemnist.npz is not a readable"),
    ]  # fmt: skip


def _sequence_files() -> list[tuple[str, Any, str]]:
    undated = re.sub(r"\|[-0-9]+\|", "|unknown|", DATED)
    header = "strain\tdate\n"
    return [
        ("no path", lambda d: your_sequences(), "fasta is empty: give options={'fasta': 'file.fasta'"),
        ("a file that is not there", lambda d: your_sequences(d / "no.fasta"), "FOLDER/no.fasta does not exist"),
        ("an empty file", fasta(""), "FOLDER/mine.fasta holds no FASTA record"),
        ("text without a header", fasta("MFVF\n"), "FOLDER/mine.fasta is not a readable FASTA file"),
        ("bytes that are no text", fasta(b"\xff\xfe\x00>a\nM"), "FOLDER/mine.fasta is not a readable FASTA file"),
        ("text named .gz", fasta(DATED, name="mine.fasta.gz"), "FOLDER/mine.fasta.gz is not a readable FASTA file"),
        ("a gzipped file cut off", fasta(gzip.compress(DATED.encode())[:60], name="mine.fasta.gz"),
         "FOLDER/mine.fasta.gz is not a readable FASTA file"),
        ("a header twice", fasta(">a\nM\n>a\nM\n"), "FOLDER/mine.fasta has 'a' twice"),
        ("headers without dates", fasta(undated), "20 of 20 sequences without a full date left out"),
        ("one date for all", fasta(re.sub(r"01-\d\d", "01-01", DATED)), "are of 2020-01-01"),
        ("a digit in a sequence", fasta(DATED.replace("MFVF", "MF1F")), "sequences hold '1'"),
        ("empty sequences", fasta(DATED.replace("MFVF", "")), "your_sequences has 20 empty sequences"),
        ("a share of unread residues above 1", fasta(DATED, max_unknown=2), "max_unknown is 2"),
        ("none a month", fasta(DATED, per_month=0), "per_month is 0"),
        ("a table without the columns", fasta(DATED, "a\tb\n1\t2\n"), "FOLDER/about.tsv has none of the columns"),
        ("a table of other sequences", fasta(DATED, header + "zz\t2020-01-01\n"), "no sequence of FOLDER/mine.fasta"),
        ("a table with a line twice", fasta(DATED, header + "s1\t2020-01-01\n" * 2), "about.tsv has 's1' twice"),
        ("a column that is not there", fasta(DATED, header + "s1\t2020-01-01\n", id_column="strian"),
         "'strian': did you mean 'strain'"),
        ("a table of bytes", fasta(DATED, b"\xff\xfe\x00"), "FOLDER/about.tsv is not a readable table with tabs"),
        ("a table that is not there",
         lambda d: ((d / "mine.fasta").write_text(DATED), your_sequences(d / "mine.fasta", d / "no.tsv")),
         "FOLDER/no.tsv does not exist"),
        ("a table with a field too many", fasta(DATED, header + "s1\t2020-01-01\tx\n"), "lines with more fields"),
        ("a packed table of other bytes", packed_table(), "about.tsv.gz is not a readable table with tabs"),
    ]  # fmt: skip


def _downloads() -> list[tuple[str, Any, str]]:
    wanted = hashlib.sha256(b"right").hexdigest()
    return [
        ("an unknown dataset", lambda d: fetch("lary", "x"), "'lary': did you mean 'larry'"),
        ("a file that the dataset has not", lambda d: fetch("larry", "x.csv"), "larry has no file 'x.csv'"),
        ("a download of another content", download(b"wrong", wanted), "file.bin gave another file than the"),
        ("a download of another md5", download(b"wrong", md5="0" * 32), "file.bin gave another file than the"),
        ("a file in the cache that was changed", download(b"right", wanted, b"wrong"), "FOLDER/made/file.bin has sha"),
        ("an address that does not answer", download(b"", wanted), "download https://example.org/file.bin"),
        ("a page, which a person must visit", download(b"right", is_page=True), "through the page https://example.org"),
        ("your folder without the file", lambda d: fetch("larry", "stateFate_inVitro_metadata.txt.gz", d),
         "FOLDER/stateFate_inVitro_metadata.txt.gz does not exist"),
    ]  # fmt: skip


def _commands() -> list[tuple[str, Any, str]]:
    table = "u,bits\n10,0.3\n100,1.2\n1000,1.9\n10000,2.0\n"
    fit = lambda text, *more: points_in(text, "fit", "FOLDER/points.csv", *more)  # noqa: E731
    plan = lambda *more: points_in(table, "design", "--pilot", "FOLDER/points.csv", *more)  # noqa: E731
    return [
        ("an unknown command", command("fitt", "x"), "No such command 'fitt'"),
        ("fit: no file", command("fit"), "Missing argument 'file'"),
        ("fit: a file that is not there", command("fit", "FOLDER/no.csv"), "FOLDER/no.csv does not exist"),
        ("fit: a folder", command("fit", "FOLDER"), "FOLDER does not exist or is not a file"),
        ("fit: an empty file", fit(""), "FOLDER/points.csv is empty"),
        ("fit: a heading alone", fit("u,bits\n"), "FOLDER/points.csv has a heading and no points"),
        ("fit: bytes", fit(b"\x00\xff\xfe\x80"), "FOLDER/points.csv is not a readable CSV file"),
        ("fit: rows of other lengths", fit("u,bits\n1,2,3,4\n1\n2,3,4,5,6\n"), "points.csv is not a readable CSV"),
        ("fit: a workbook", fit(b"PK\x03\x04rest"), "points.csv is not a readable CSV file (a workbook or archive)"),
        ("fit: thousands or decimals", fit("u;bits\n1,000;1\n10,000;2\n"), "'1,000': a thousand or a decimal comma?"),
        ("fit: points and commas for decimals", fit("u;bits\n1.5;2,5\n"), "decimal points and decimal commas"),
        ("fit: two columns of depths", fit("UMIs;depth;bits\n1;2;3\n"), "u may be 'UMIs' or 'depth'"),
        ("fit: nats by their name", fit("u,nats\n1,1\n2,2\n"), "'nats' is in nats by its name: say so"),
        ("fit: an unknown unit", fit(table, "--unit", "bit"), "unknown unit 'bit': did you mean 'bits'"),
        ("fit: several curves", fit("u,bits,signal\n1,1,a\n2,2,b\n"), "holds 2 curves, by signal: 'a, b'"),
        ("fit: a curve that is not there", fit("u,bits,signal\n1,1,a\n2,2,b\n", "--where", "signal=c"),
         "unknown value of signal 'c'"),
        ("fit: half a choice", fit(table, "--where", "signal"), "--where is 'signal': give column=value"),
        ("fit: a column that is not there", fit(table, "--x", "depht"), "unknown column of FOLDER/points.csv 'depht'"),
        ("fit: an error of 0", fit("u,bits,se\n1,1,0\n2,2,1\n3,3,1\n", "--errors", "se"), "errors holds 0"),
        ("fit: errors and weights", fit(table, "--errors", "bits", "--weights", "bits"), "give --errors or --weights"),
        ("fit: other columns", fit("x,y\n1,2\n"), "FOLDER/points.csv has no column 'u': it has x, y"),
        ("fit: text for bits", fit("u,bits\n1,low\n2,3\n"), "bits is 'low' in row 1: give a number"),
        ("fit: a missing number", fit("u,bits\n1,\n2,3\n3,4\n"), "bits is missing (nan) in row 1: give a number"),
        ("fit: a negative depth", fit("u,bits\n-1,1\n2,3\n3,4\n"), "u holds -1: every value must be above 0"),
        ("fit: one point", fit("u,bits\n1,1\n"), "1 distinct values of u for 2 parameters"),
        ("fit: an unknown law", fit(table, "--law", "nois"), "'nois': did you mean 'noise'"),
        ("fit: a law of other columns", fit(table, "--law", "cell_number"), "no column 'n': it has u, bits"),
        ("fit: a folder for the chart", fit(table, "--chart", "FOLDER"), "--chart is FOLDER, a folder"),
        ("fit: an unknown option", fit(table, "--laws", "noise"), "No such option: --laws"),
        ("design: no budget", plan(), "give --budget MONEY, --bits TARGET, or both"),
        ("design: more bits than there are", plan("--bits", "9"), "bits is 9: the deepest and largest experiment"),
        ("design: no bits", plan("--bits", "0"), "bits is 0.0"),
        ("design: a flat pilot", points_in("u,bits\n10,1\n100,1\n1000,1\n9999,1\n", "design", "--budget", "9000",
                                           "--pilot", "FOLDER/points.csv"), "bits do not rise with depth"),
        ("design: too little for a lane", plan("--budget", "2000"), "and 1,000 buy no sequencing lane"),
        ("design: a plan as text", plan("--budget", "9000", "--to", "plan.txt"), "--to is plan.txt: give a .json"),
        ("design: an unknown kit", plan("--budget", "9000", "--capture-kit", "chromium_v3"), "unknown capture kit"),
        ("design: no table of kits", plan("--budget", "9000", "--kits", "no.csv"), "no.csv does not exist"),
        ("design: mapped reads counted twice", plan("--budget", "9000", "--mapping", "0.7"), "--usable is not"),
        ("design: nothing but doublets", plan("--budget", "9000", "--doublets", "6"), "doublets is 6.0"),
        ("design: no sample", plan("--budget", "9000", "--samples", "0"), "samples is 0"),
        ("design: text for the budget", plan("--budget", "much"), "Invalid value for '--budget'"),
        ("design: a negative budget", plan("--budget", "-5"), "Invalid value for '--budget'"),
        ("design: budget 0", plan("--budget", "0"), "budget is 0.0: it must be a number in (0"),
        ("design: an infinite budget", plan("--budget", "inf"), "budget is inf"),
        ("design: too little for the cells", plan("--budget", "100", "--cells", "1e6"), "budget is 100: 1,000,000"),
        ("design: half a cell", plan("--budget", "100", "--cells", "0.5"), "Invalid value for '--cells'"),
        ("design: a share above 1", plan("--budget", "1000", "--share", "1.5"), "share is 1.5"),
        ("design: a negative price", plan("--budget", "1000", "--per-cell", "-1"), "per_cell is -1.0"),
        ("design: more reads usable than there are", plan("--budget", "1000", "--usable", "2"), "usable is 2.0"),
        ("design: neither pilot nor curve", command("design", "--budget", "1000"), "give either --pilot FILE.csv or"),
        ("design: an unknown curve", command("design", "--budget", "9", "--published", "larry clone scvy"),
         "'larry clone scvy': did you mean 'larry clone scvi'"),
        ("design: text in the pilot", points_in("u,bits\n1,2\nx,3\n", "design", "--budget", "9", "--pilot",
                                                "FOLDER/points.csv"), "u is 'x' in row 2"),
        ("run: no notebook", command("run"), "Missing argument 'notebook'"),
        ("run: an unknown notebook", command("run", "pbmc68"), "'pbmc68': did you mean"),
        ("run: a name that no file can have", command("run", "a\0b"), "unknown notebook 'a\\x00b'"),
        ("run: a path that leads out", command("run", "../../etc/passwd"), "unknown notebook '../../etc/passwd'"),
        ("run: an absolute path", command("run", "/etc/passwd"), "unknown notebook '/etc/passwd'"),
        ("run: a folder to write to", command("run", "pbmc68k", "--to", "FOLDER"), "--to is FOLDER"),
        ("run: no time for a cell", command("run", "pbmc68k", "--timeout", "0"), "Invalid value for '--timeout'"),
        ("sweep: an unknown profile", command("sweep", "--profile", "quik"), "'quik': did you mean 'quick'"),
        ("sweep: a path for a profile", command("sweep", "--profile", "../quick"), "unknown profile '../quick'"),
        ("sweep: no core", command("sweep", "--cores", "0"), "Invalid value for '--cores'"),
        ("sweep: text for cores", command("sweep", "--cores", "all"), "Invalid value for '--cores'"),
        ("book: a profile without a name", command("book", "--profile", ""), "unknown profile ''"),
        ("data: an unknown dataset", command("data", "lary"), "'lary': did you mean 'larry'"),
        ("pack: an unknown option", command("pack", "--verfy"), "No such option: --verfy"),
    ]  # fmt: skip


def _estimators() -> list[tuple[str, Any, str]]:
    return [
        ("lmi: x that is NaN", lambda d: lmi(HOLED, Y), "x holds NaN or infinite values in 1 of 120 rows"),
        ("lmi: other lengths", lambda d: lmi(X[1:], Y), "x has 119 rows, y has 120 rows"),
        ("lmi: a constant x", lambda d: lmi(0 * X, Y), "x is constant over 120 samples"),
        ("lmi: 40 cells", lambda d: lmi(X[:40], Y[:40]), "number of samples for lmi is 40"),
        ("lmi: text for x", lambda d: lmi(LABELS, Y), "x has dtype <U1 (such as 'a')"),
        ("lmi: three axes", lambda d: lmi(X[:, :, None], Y), "x has shape (120, 3, 1)"),
        ("lmi: complex numbers", lambda d: lmi(X + 1j, Y), "x has dtype complex128"),
        ("lmi: no column", lambda d: lmi(X[:, :0], Y), "x has shape (120, 0): it needs at least one column"),
        ("lmi: rows of other lengths", lambda d: lmi(X, RAGGED), "y has rows of different lengths"),
        ("lmi: a number for x", lambda d: lmi(3.0, Y), "x has shape ()"),
        ("lmi: nothing for x", lambda d: lmi(None, Y), "x has dtype object (such as None)"),
        ("lmi: a negative seed", lambda d: lmi(X, Y, seed=-1), "seed is -1: it must be a whole number in [0, 42949"),
        ("lmi: a seed that is 1.0", lambda d: lmi(X, Y, seed=1.0), "seed is 1.0"),
        ("lmi: no seed", lambda d: lmi(X, Y, seed=None), "seed is None"),
        ("lmi: a seed of 300 bits", lambda d: lmi(X, Y, seed=2**300), "seed is a whole number of 301 bits"),
        ("lmi: text for the seed", lambda d: lmi(X, Y, seed="0"), "seed is '0'"),
        ("lmi: a truth value for the seed", lambda d: lmi(X, Y, seed=True), "seed is True"),
        ("lmi: k of 300 bits", lambda d: lmi(X, Y, k=2**300), "k is a whole number of 301 bits"),
        ("lmi_many: a negative seed", lambda d: lmi_many([(X, Y)], -1), "seed is -1"),
        ("lmi, as published: a negative seed", lambda d: lmi(X, Y, seed=-1, faithful=True), "seed is -1"),
        ("lmi: a label that is missing", lambda d: lmi(X, np.array([None, *LABELS[1:]], object)),
         "y holds 1 missing labels"),
        ("lmi: a label for each cell", lambda d: lmi(X, [f"c{i}" for i in range(120)]), "120 of 120 samples carry a"),
        ("lmi: no neighbour", lambda d: lmi(X, Y, k=0), "k is 0"),
        ("lmi: half a dimension", lambda d: lmi(X, Y, dim=0.5), "dim is 0.5"),
        ("lmi: more folds than cells allow", lambda d: lmi(X, Y, folds=21), "folds is 21"),
        ("lmi: an unknown option", lambda d: lmi(X, Y, epoch=3), "unknown option of lmi 'epoch'"),
        ("lmi: an unknown way with labels", lambda d: lmi(X, LABELS, label_method="bounds"), "'bounds': did you mean"),
        ("ksg: y that is infinite", lambda d: ksg(X, np.where(np.isnan(HOLED), np.inf, 1.0)), "in 1 of 120 rows"),
        ("ksg: other lengths", lambda d: ksg(X, Y[:-1]), "x has 120 rows, y has 119 rows"),
        ("ksg: fewer cells than neighbours", lambda d: ksg(X[:4], Y[:4]), "number of samples for k=3 is 4"),
        ("ksg: k that is NaN", lambda d: ksg(X, Y, k=np.nan), "k is nan"),
        ("ksg: no column", lambda d: ksg(X, Y[:, :0]), "y has shape (120, 0): it needs at least one column"),
        ("ksg: a negative seed", lambda d: ksg(X, Y, seed=-1), "seed is -1"),
        ("cca: too few cells for the folds", lambda d: cca(X[:30], Y[:30]), "for cca with 4 folds is 30"),
        ("cca: one fold", lambda d: cca(X, Y, folds=1), "folds is 1"),
        ("cca: no column", lambda d: cca(X[:, :0], Y), "x has shape (120, 0): it needs at least one column"),
        ("cca: half a seed", lambda d: cca(X, Y, seed=0.5), "seed is 0.5"),
        ("plug_in: other lengths", lambda d: plug_in(LABELS, LABELS[1:]), "x has 120 rows, y has 119 rows"),
        ("plug_in: a matrix for labels", lambda d: plug_in(X, LABELS), "x has shape (120, 3): labels are a vector"),
        ("plug_in: missing labels", lambda d: plug_in([None] * 120, LABELS), "x holds 120 missing labels"),
        ("plug_in: one cell", lambda d: plug_in(["a"], ["b"]), "number of samples is 1"),
        ("plug_in: measurements for labels", lambda d: plug_in(X[:, 0], LABELS), "a measurement and no label: use lmi"),
        ("plug_in: no seed", lambda d: plug_in(LABELS, LABELS, seed=None), "seed is None"),
        ("entropy: a missing label", lambda d: entropy([np.nan, 1.0]), "labels holds 1 missing labels"),
        ("entropy: no label", lambda d: entropy([]), "number of labels is 0"),
        ("flip_probability: negative bits", lambda d: flip_probability(-1.0, 4), "bits of 4 labels is -1.0"),
        ("flip_probability: more bits than labels have", lambda d: flip_probability(2.5, 4), "bits of 4 labels is 2.5"),
        ("flip_probability: one label", lambda d: flip_probability(0.0, 1), "number of labels is 1"),
        ("gaussian_channel: a negative variance", lambda d: gaussian_channel(-1.0, 0.0), "sigma_y has eigenvalue -1"),
        ("gaussian_channel: an indefinite matrix", lambda d: gaussian_channel([[1, 2], [2, 1]], np.eye(2)),
         "sigma_y has eigenvalue -1"),
        ("gaussian_channel: no symmetry", lambda d: gaussian_channel([[1, 2], [0, 1]], np.eye(2)), "square and symmet"),
        ("gaussian_channel: other dimensions", lambda d: gaussian_channel(np.eye(2), np.eye(3)), "(2, 2) and sigma_u"),
        ("gaussian_channel: no gain", lambda d: gaussian_channel(1.0, 0.0, alpha=0), "alpha is 0"),
        ("gaussian_channel: text for a variance", lambda d: gaussian_channel("a", 0.0), "sigma_y has dtype <U1"),
        ("channel_samples: a gain that is NaN", lambda d: channel_samples(1.0, 0.5, np.nan, 9, RNG), "alpha is nan"),
        ("channel_samples: a negative gain", lambda d: channel_samples(1.0, 0.5, -1.0, 9, RNG), "alpha is -1.0"),
        ("channel_samples: half a sample", lambda d: channel_samples(1.0, 0.5, 1.0, 9.5, RNG), "n is 9.5"),
        ("channel_samples: other dimensions", lambda d: channel_samples(np.eye(2), 0.5, 1.0, 9, RNG), "(2, 2) and si"),
        ("channel_samples: text for the generator", lambda d: channel_samples(1.0, 0.5, 1.0, 9, "a"), "rng is 'a'"),
        ("pointwise_information: a gain that is NaN", lambda d: pointwise_information(Y, Y, 1.0, 0.5, np.nan),
         "alpha is nan"),
        ("spectra: a negative seed", lambda d: simulate("even", 1.0, 2.0, 3, -1), "seed is -1"),
    ]  # fmt: skip


def _laws() -> list[tuple[str, Any, str]]:
    flat, falling = np.ones(5), BITS[::-1]
    return [
        ("other lengths", lambda d: NoiseLaw.fit(DEPTHS, BITS[1:]), "u has 5 rows, bits has 4 rows"),
        ("bits that are NaN", lambda d: NoiseLaw.fit(DEPTHS, [np.nan, *BITS[1:]]), "bits holds NaN"),
        ("a depth of 0", lambda d: NoiseLaw.fit([0, *DEPTHS[1:]], BITS), "u holds 0: every value must be above 0"),
        ("an infinite depth", lambda d: NoiseLaw.fit([*DEPTHS[:-1], np.inf], BITS), "u holds NaN or infinite"),
        ("depths that are text", lambda d: NoiseLaw.fit(list("abcde"), BITS), "u has dtype <U1 (such as 'a')"),
        ("two columns of depths", lambda d: NoiseLaw.fit(np.ones((5, 2)), BITS), "u has shape (5, 2)"),
        ("one depth for two parameters", lambda d: NoiseLaw.fit([5.0] * 5, BITS), "1 distinct values of u for 2"),
        ("two sizes for three parameters", lambda d: CellNumberLaw.fit([1, 2], [1, 2]), "2 distinct values of n for 3"),
        ("a negative model size", lambda d: ModelSizeLaw.fit(-DEPTHS, BITS), "p holds -1000: every value must be"),
        ("a negative I_max", lambda d: NoiseLaw(-1.0, 80.0), "i_max is -1.0"),
        ("ū that is 0", lambda d: NoiseLaw(2.0, 0.0), "u_bar is 0.0"),
        ("s that is NaN", lambda d: CellNumberLaw(2.0, 50.0, np.nan), "s is nan"),
        ("a law at a negative depth", lambda d: NoiseLaw(2.0, 80.0)(-1.0), "u holds -1: it must be 0 or more"),
        ("a law at text", lambda d: NoiseLaw(2.0, 80.0)("a"), "u has dtype <U1 (such as 'a'): give numbers"),
        ("a law at nothing", lambda d: NoiseLaw(2.0, 80.0)(None), "u has dtype object (such as None)"),
        ("an I_max that is None", lambda d: NoiseLaw(None, 80.0), "i_max is None"),
        ("ū that is True", lambda d: NoiseLaw(2.0, True), "u_bar is True"),
        ("ū of 300 bits", lambda d: NoiseLaw(2.0, 2**300), "give a larger one as a float"),
        ("bits by the hundred thousand", lambda d: NoiseLaw.fit(DEPTHS, BITS * 1e5), "information lies within ±150"),
        ("a depth for bits that are text", lambda d: NoiseLaw(2.0, 80.0).depth_for("a"), "target information has"),
        ("a depth for negative bits", lambda d: NoiseLaw(2.0, 80.0).depth_for(-1.0), "target information is -1 bits"),
        ("an interval of level 95", lambda d: fits()[0].interval(95), "level is 95"),
        ("a band of level 1.5", lambda d: fits()[0].band([1.0], 1.5), "level is 1.5"),
        ("an interval with priors", lambda d: JointLaw.fit(CELLS, MANY, JOINT(CELLS, MANY), priors=True).interval(),
         "this fit has priors, so no profile interval"),
        ("an unknown parameter to be robust about", lambda d: robust(fits()[0], names=("umax",)), "'umax'"),
        ("one number of cells for a joint law", lambda d: JointLaw.fit(0 * CELLS + 5, MANY, JOINT(CELLS, MANY)),
         "n is 5 at every point"),
        ("a joint law of too few pairs", lambda d: JointLaw.fit(CELLS[3:8], MANY[3:8], BITS), "5 distinct pairs of n"),
        ("h0 above 1", lambda d: JointLaw(3.0, 500.0, 1000.0, 0.7, 0.5, 1.0, 1.5), "h0 is 1.5"),
        ("κ below −1", lambda d: JointLaw(3.0, 500.0, 1000.0, 0.7, -2.0, 1.0, 0.5), "kappa is -2.0: it must be a"),
        ("κ that is None", lambda d: JointLaw(3.0, 500.0, 1000.0, 0.7, None, 1.0, 0.5), "kappa is None"),
        ("s that is True", lambda d: JointLaw(3.0, 500.0, 1000.0, True, 0.5, 1.0, 0.5), "s is True"),
        ("a joint law of bits by the thousand", lambda d: JointLaw.fit(CELLS, MANY, JOINT(CELLS, MANY) * 1e3),
         "information lies within ±150 bits"),
        ("a joint law without depth", lambda d: JOINT(100.0), "n has shape (): give u too"),
        ("a joint law of three columns", lambda d: JOINT(np.ones((4, 3))), "n has shape (4, 3): give u too"),
        ("a joint law of other lengths", lambda d: JOINT([1, 2], [1, 2, 3]), "n has shape (2,) and u (3,)"),
        ("a joint loss without cells", lambda d: SizeAndDataLaw(2.0, 0.5, 3.0, 0.5, 1.0)(100),
         "p has shape (): give d too"),
        ("a table of no fits", lambda d: summary({}), "fits are {}: give a dict of names and fits"),
        ("None to be robust about", lambda d: robust(None), "the fit is None"),
        ("a joint law without cells", lambda d: JOINT(0, 100), "n holds 0: it must be above 0"),
        ("bits that do not change", flagged(NoiseLaw, DEPTHS, flat), "every point has 1 bits"),
        ("bits that fall with depth", flagged(NoiseLaw, DEPTHS, falling), "a constant fits as well"),
        ("bits that fall with cells", flagged(CellNumberLaw, DEPTHS, falling), "a constant fits as well"),
        ("depths far below the bend", flagged(NoiseLaw, DEPTHS, NoiseLaw(2.0, 1e6)(DEPTHS)), "measure deeper"),
        ("three sizes for three parameters", flagged(CellNumberLaw, DEPTHS[:3], BITS[:3]), "the points leave"),
    ]  # fmt: skip


def _noise() -> list[tuple[str, Any, str]]:
    return [
        ("fraction 0", lambda d: noise.thin(COUNTS, 0), "depth fraction is 0"),
        ("a fraction above 1", lambda d: noise.thin(COUNTS, 1.5), "depth fraction is 1.5"),
        ("a fraction that is NaN", lambda d: noise.thin_nested(COUNTS, [np.nan]), "depth fraction is nan"),
        ("a fraction that is text", lambda d: noise.thin(COUNTS, "0.5"), "depth fraction is '0.5'"),
        ("counts that are halves", lambda d: noise.thin(COUNTS / 2, 0.5), "not a whole number"),
        ("counts below 0", lambda d: noise.thin(-COUNTS, 0.5), "counts cannot be negative"),
        ("one fraction, no list", lambda d: noise.thin_nested(COUNTS, 0.5), "depth fractions are 0.5: give a list"),
        ("text for the fractions", lambda d: noise.thin_nested(COUNTS, "0.5"), "depth fractions are '0.5'"),
        ("a negative seed of thinning", lambda d: noise.thin_nested(COUNTS, [0.5], -1), "seed is -1"),
        ("no seed of thinning", lambda d: noise.thin_nested(COUNTS, [0.5], None), "seed is None"),
        ("a negative seed of rows", lambda d: thin_rows(COUNTS, 0.5, -1), "seed is -1"),
        ("half a generator", lambda d: noise.thin(COUNTS, 0.5, 0.5), "rng is 0.5: it must be a whole number"),
        ("text for the generator", lambda d: noise.thin_twice(COUNTS, 0.5, "a"), "Or give a numpy Generator"),
        ("a truth value for the generator", lambda d: noise.add_gaussian(IMAGES, 0.1, True), "rng is True"),
        ("images of other sizes", lambda d: noise.add_gaussian(RAGGED, 0.1), "images has rows of different lengths"),
        ("more than half, twice", lambda d: noise.thin_twice(COUNTS, 0.6), "fraction is 0.6"),
        ("a negative σ", lambda d: noise.add_gaussian(IMAGES, -0.1), "sigma is -0.1"),
        ("pixels that are NaN", lambda d: noise.add_gaussian(np.full((2, 2), np.nan), 0.1), "images hold NaN"),
        ("a tile of no pixels", lambda d: noise.pixelate(IMAGES, 0), "factor is 0"),
        ("a row of pixels", lambda d: noise.pixelate(np.zeros(9), 2), "images have shape (9,)"),
        ("a substitution rate above 1", lambda d: noise.substitute(["MFV"], 1.5), "substitution rate is 1.5"),
        ("one protein, no list", lambda d: noise.substitute("MFV", 0.1), "sequences are one text, 'MFV': give a list"),
        ("proteins in small letters", lambda d: noise.substitute(["mfv"], 0.1), "sequences hold 'v'"),
        ("a number for the proteins", lambda d: noise.substitute(5, 0.1), "sequences are 5: give a list"),
        ("a number among the proteins", lambda d: noise.substitute(["MFV", 3], 0.1), "sequences hold 3"),
        ("bytes for a protein", lambda d: noise.substitute([b"MFV"], 0.1), "sequences hold b'MFV': give each protein"),
        ("a negative seed of misreading", lambda d: noise.substitute(["MFV"], 0.1, -1), "rng is -1"),
        ("an unknown kind of noise", lambda d: NoiseAxis("blur"), "unknown kind of noise 'blur'"),
        ("a negative power", lambda d: NoiseAxis("gaussian", -2), "power is -2"),
        ("text for the power", lambda d: NoiseAxis("gaussian", "2"), "power is '2'"),
        ("a negative ratio", lambda d: rate_of(-1), "true:error ratio is -1"),
    ]


def _representations() -> list[tuple[str, Any, str]]:
    values = lambda name="pca", cells=VALUES, **how: lambda d: build(name, **{"dim": 4, **how}).fit(cells)  # noqa: E731
    counts = functools.partial(values, "scvi", COUNTS, hidden=4)
    tokens = functools.partial(values, "txformer", COUNTS)
    masked = functools.partial(values, "masked_reconstruction", size="TINY")
    small = Training("TINY")
    nan = np.where(np.arange(30)[:, None] == 3, np.nan, VALUES)
    image = lambda x=IMAGES, labels=("a", "b") * 4, **how: lambda d: MobileNet(**how).fit(x, list(labels))  # noqa: E731
    return [
        ("an unknown name", values("pac"), "'pac': did you mean 'pca'"),
        ("cells that are NaN", values(cells=nan), "training cells holds NaN or infinite values in 1 of 30 rows"),
        ("one cell", values(cells=VALUES[:1]), "number of training cells is 1"),
        ("no gene", values(cells=VALUES[:, :0]), "training cells has shape (30, 0): it needs at least one column"),
        ("scvi: no gene", values("scvi", COUNTS[:, :0]), "number of columns of the training cells is 0"),
        ("an empty probe", lambda d: build("pca", 4).fit(VALUES).transform(VALUES[:0]), "number of probe cells is 0"),
        ("rows of other lengths", values(cells=RAGGED), "training cells has rows of different lengths"),
        ("a seed that is 1.0", values(seed=1.0), "seed is 1.0"),
        ("three axes", values(cells=VALUES[:, :, None]), "training cells has shape (30, 12, 1)"),
        ("text", values(cells=[["a", "b"]] * 30), "training cells has dtype <U1 (such as 'a')"),
        ("no dimension", values(dim=0), "dim is 0"),
        ("half a dimension", values(dim=1.5), "dim is 1.5"),
        ("5,000 dimensions", values(dim=5000), "dim is 5000"),
        ("a negative seed", values(seed=-1), "seed is -1"),
        ("a name for one of 12 genes", lambda d: build("pca", 4).fit(VALUES, genes=["A"]), "genes has 1 names"),
        ("a probe with fewer genes", lambda d: build("pca", 4).fit(VALUES).transform(VALUES[:, 1:]), "have 11 genes"),
        ("a probe that is NaN", lambda d: build("pca", 4).fit(VALUES).transform(nan), "probe cells holds NaN"),
        ("scvi: values, no counts", values("scvi"), "not a whole number"),
        ("scvi: less than no step", counts(steps=-1), "steps is -1"),
        ("scvi: all units dropped", counts(dropout=1.0), "dropout is 1.0"),
        ("scvi: an unknown device", counts(device="gpu"), "unknown device 'gpu'"),
        ("scvi: an unknown option", counts(step=3), "'step': did you mean 'steps'"),
        ("txformer: an unknown preset", tokens(preset="P3"), "unknown preset 'P3'"),
        ("txformer: an unknown pooling", tokens(pooling="sum"), "unknown pooling 'sum'"),
        ("txformer: no token", tokens(max_length=0), "max_length is 0"),
        ("txformer: a step that is not taken", tokens(checkpoints=[99]), "step of checkpoints is 99"),
        ("masked_reconstruction: nothing hidden", masked(mask=0.0), "mask is 0.0"),
        ("masked_reconstruction: an unknown loss", masked(loss="mea"), "unknown loss 'mea': did you mean 'mse'"),
        ("masked_reconstruction: no cell", lambda d: train_reconstruction(VALUES[:0], VALUES, small),
         "number of training cells is 0"),
        ("masked_reconstruction: no cell validates", lambda d: train_reconstruction(VALUES, VALUES[:0], small),
         "number of validation cells is 0"),
        ("masked_reconstruction: other genes validate", lambda d: train_reconstruction(VALUES, VALUES[:, 1:], small),
         "training cells have 12 genes, validation cells 11"),
        ("masked_reconstruction: no seed", lambda d: train_reconstruction(VALUES, VALUES, small, None),
         "seed is None"),
        ("masked_reconstruction: no cell to score", lambda d: score(trained(), VALUES, VALUES[:0]),
         "number of cells to score is 0"),
        ("masked_reconstruction: a vector to score", lambda d: score(trained(), VALUES, VALUES[0]),
         "training cells have 12 genes, cells to score 1"),
        ("masked_reconstruction: fewer genes to score", lambda d: score(trained(), VALUES[:, :9], VALUES[:, :9]),
         "cells to score have 9 genes: the model was trained on 12"),
        ("masked_reconstruction: no mask to score at", lambda d: score(trained(), VALUES, VALUES, 0), "repeats is 0"),
        ("mobilenet: images without channels", image(IMAGES[:, 0]), "images have shape (8, 32, 32)"),
        ("mobilenet: whole numbers", image(IMAGES.astype(int)), "images have dtype int64"),
        ("mobilenet: one class", image(labels="aaaaaaaa"), "number of classes of the training images is 1"),
        ("mobilenet: labels of other images", image(labels="ab"), "images has 8 rows, labels has 2 rows"),
        ("esm: an empty protein", lambda d: ESM().fit(["MFV", ""]), "training sequences hold an empty one, at row 1"),
        ("esm: an unknown size", lambda d: ESM(size="tini").fit(PROTEINS), "'tini': did you mean 'tiny'"),
        ("no gene to choose", lambda d: preprocess.choose_genes(COUNTS, 0), "n_top is 0"),
        ("other genes in the probe", lambda d: preprocess.prepare(COUNTS, COUNTS[:, 1:]), "train has 12 genes and pro"),
        ("more cells than there are", lambda d: preprocess.nested_subset(10, 11, 0), "n_train is 11"),
        ("a negative seed of a subset", lambda d: preprocess.nested_subset(10, 5, -1), "seed is -1"),
        ("esm: a negative seed of masks", lambda d: ESM(epochs=0).fit(PROTEINS).masked_bits(PROTEINS, -1),
         "seed is -1"),
    ]  # fmt: skip


def _designs() -> list[tuple[str, Any, str]]:
    prices = design.Prices(whole_lanes=False)
    ask = lambda **how: lambda d: design.plan(fits()[1], **{"budget": 1000, "prices": prices, **how})  # noqa: E731
    pilot = lambda **columns: lambda d: design.fit_pilot(pd.DataFrame(columns))  # noqa: E731
    alike = pd.DataFrame({"noise_level": [1.0, 0.1], "probe_noise_level": [1.0, 0.1]})
    return [
        ("a price of 0", lambda d: design.Prices(per_cell=0), "per_cell is 0"),
        ("a complexity that is NaN", lambda d: design.Prices(complexity=np.nan), "complexity is nan"),
        ("doublets of more than half a lane", lambda d: design.Prices(doublets=9.0), "doublets is 9.0"),
        ("half a sample", lambda d: design.Prices(samples=1.5), "samples is 1.5: it must be a whole number"),
        ("more reads mapped than there are", lambda d: design.Prices(mapping=2), "mapping is 2"),
        ("too little for whole lanes", ask(prices=design.Prices()), "the least considered, cost 2,600 in whole lanes"),
        ("bits beyond the largest experiment", lambda d: design.cheapest(fits()[1], 30.0, prices), "bits is 30: the d"),
        ("an unknown price", lambda d: design.with_prices(prices, per_sell=1.0), "'per_sell': did you mean 'per_cell'"),
        ("a negative number of molecules", lambda d: prices.reads_for(-1), "UMIs per cell hold -1"),
        ("reads that are NaN", lambda d: prices.umis_for(np.nan), "reads a cell hold nan"),
        ("a negative budget", ask(budget=-1), "budget is -1"),
        ("text for the budget", ask(budget="1000"), "budget is '1000'"),
        ("a budget that buys nothing", ask(budget=0.5), "budget is 0.5: it buys at most"),
        ("no cell", ask(cells=0), "cells is 0"),
        ("depths from more to less", ask(depths=(100, 10)), "the range of depths is 100 to 10"),
        ("one end of a range", ask(sizes=(100,)), "the range of cells is (100,)"),
        ("a library below the shallowest depth", ask(prices=design.Prices(complexity=5.0)), "complexity is 5"),
        (
            "a noise law without cells",
            lambda d: design.plan(fits()[0], 1000, prices),
            "a noise law says nothing of the",
        ),
        (
            "a region of a noise law",
            lambda d: design.region(fits()[0], 1000, prices),
            "a noise law says nothing of the",
        ),
        ("no draw", lambda d: design.draws(fits()[0], 0), "count is 0"),
        ("draws of None", lambda d: design.draws(None), "the fit is None: give what the fit of a law returned"),
        ("half a seed of draws", lambda d: design.draws(fits()[0], 3, 0.5), "seed is 0.5"),
        ("a plan by None", lambda d: design.plan(None, 1000, prices), "the fit is None"),
        ("a region of None", lambda d: design.region(None, 1000, prices), "the fit is None"),
        ("advice by None", lambda d: design.advice(None, (100, 100), prices), "the fit is None"),
        (
            "advice on nothing",
            lambda d: design.advice(fits()[1], None, prices),
            "now is None: give the cells",
        ),
        ("advice on cells alone", lambda d: design.advice(fits()[1], (100,), prices), "now is (100,)"),
        ("a share of all", lambda d: design.advice(fits()[1], (100, 100), prices, share=1.0), "share is 1.0"),
        ("negative bits", lambda d: design.iso_information(JOINT, -1.0, DEPTHS, (1, 10)), "bits is -1.0"),
        ("a pilot without bits", pilot(u=[1, 2]), "the pilot has no column 'bits': it has u"),
        ("a pilot with two columns of depths", pilot(UMIs=[1, 2], depth=[1, 2], bits=[1, 2]), "u may be 'UMIs' or 'd"),
        ("a pilot with a gap", pilot(u=[1, np.nan], bits=[1, 2]), "u is missing (nan) in row 2"),
        ("a pilot of negative cells", pilot(n=[-1, 1], u=[1, 2], bits=[1, 2]), "n holds -1"),
        ("a pilot that is a list", lambda d: design.fit_pilot([1, 2]), "the pilot is a list"),
        (
            "a plan by a law that its points reject",
            lambda d: design.plan(replace(fits()[0], status="misfit", message="it misses."), 1000, prices, cells=10),
            "the points reject the NoiseLaw (it misses): plan from design.fit_pilot",
        ),
        ("priors that are a word", lambda d: JointLaw.fit(CELLS, MANY, JOINT(CELLS, MANY), "yes"), "priors is 'yes'"),
        ("a prior without width", lambda d: Prior(beta=(0.0, 0.0), drift=0.1), "the standard deviation of ln β is 0"),
        ("a pilot of more than the depth", lambda d: hold_out.split(pd.DataFrame(), 1.5), "within is 1.5"),
        (
            "probe cells thinned with training cells",
            lambda d: design.depths_missing(alike),
            "thinned together at every",
        ),
    ]


def _tables() -> list[tuple[str, Any, str]]:
    def broken(folder: Path) -> Any:
        (folder / "rows").mkdir()
        (folder / "rows" / "a.json").write_text('{"mi_bits": ')
        return Store(folder).table()

    failed = pd.DataFrame({"status": ["failed"], "loss": ["mse"]})
    return [
        ("a store that is a file", lambda d: ((d / "x").touch(), Store(d / "x")), "FOLDER/x is a file: a store is a"),
        ("a row that was cut off", warned(broken), "FOLDER/rows/a.json cannot be read"),
        ("a store with nothing measured", lambda d: points.measured(Store(d), dataset="x"), "with dataset=x"),
        ("a column that a store has not", lambda d: points.measured(Store(d), datset="x"), "'datset': did you mean"),
        ("means of nothing measured", lambda d: points.seed_means(pd.DataFrame()), "no point was measured"),
        ("names of nothing measured", lambda d: points.named(pd.DataFrame()), "no point was measured"),
        ("a negative seed of what is verified", lambda d: verify.verify(Store(d), seed=-1), "seed is -1"),
        (
            "means of another table",
            lambda d: points.seed_means(failed),
            "the table has no column 'dataset': it has",
        ),
        ("nothing to pack", lambda d: verify.pack(Store(d)), "FOLDER has no measured point: sweep first"),
        ("nothing packed to verify", lambda d: verify.verify(Store(d)), "FOLDER has no measured.parquet"),
        ("a reference table that is not there", lambda d: reference.table("losses"), "no reference table 'losses'"),
        ("a path for a reference table", lambda d: reference.table("../../x"), "no reference table '../../x'"),
        ("a profile's folder that leads out", lambda d: paths.profile_folder("../x"), "profile is '../x'"),
        ("losses of nothing measured", lambda d: losses.means(failed), "rows have no column 'test_loss'"),
        ("losses of no table", lambda d: losses.good(pd.DataFrame()), "rows have no column 'status'"),
        ("a floor of too few sizes", lambda d: losses.floor_table({}), "there is no fit: L(P) takes three or more"),
        ("a frontier of no run", lambda d: losses.frontier(pd.DataFrame()), "no run has a step with a validation"),
    ]


def _checkpoints() -> list[tuple[str, Any, str]]:
    bert, words = {"model_type": "bert"}, {"<pad>": 0, "<mask>": 1, "A": 2}
    vocabulary = {"token_dictionary.json": words, "gene_median.json": {"A": 1.0}}
    return [
        ("a folder that is not there", lambda d: build("txformer", 4, from_checkpoint=str(d / "no")).fit(
            COUNTS[:, :2], genes=["A", "B"]), "FOLDER/no is not a folder"),
        ("a folder without a vocabulary", checkpoint({}), "FOLDER/token_dictionary.json does not exist. A pickle is"),
        ("genes without names", checkpoint(vocabulary, None), "from_checkpoint finds genes by name"),
        ("a model of another kind", checkpoint({**vocabulary, "config.json": {"model_type": "gpt2"}}), "type 'gpt2'"),
        ("no safetensors", checkpoint({**vocabulary, "config.json": bert}), "FOLDER has no model.safetensors"),
        ("a network that is not there", lambda d: MobileNet(weights=str(d / "no")).fit(IMAGES, ["a", "b"] * 4),
         "weights are 'FOLDER/no'"),
        ("a network of an unknown kind", network({"model_type": "mine"}), "config.json of FOLDER describes no model"),
        ("a network of no kind", network({}), "config.json of FOLDER describes no model that transformers knows"),
        ("a network with code of its own", network({"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}),
         "config.json of FOLDER describes no model"),
        ("a network of another kind", network({"model_type": "bert"}), "FOLDER holds a bert"),
        ("damaged weights of a network", network({"model_type": "mobilenet_v2"}), "be loaded from 'FOLDER'"),
        ("a protein model that is not there", lambda d: ESM(weights=str(d / "no")).fit(PROTEINS), "weights are 'FOLD"),
        ("a protein model of another kind", protein_model({"model_type": "bert"}), "FOLDER holds a bert"),
        ("a protein model with code of its own",
         protein_model({"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}),
         "config.json of FOLDER describes no model"),
        ("damaged weights of a protein model", protein_model({"model_type": "esm"}), "be loaded from 'FOLDER'"),
        ("damaged weights of an encoder", checkpoint({**vocabulary, "config.json": bert}, damaged=True),
         "model.safetensors of FOLDER is damaged"),
        ("a state that is no checkpoint", saved({"weights": torch.zeros(2)}), "FOLDER/state.pt is no checkpoint"),
        ("a state that runs code", warned(saved(Harmful())), "FOLDER/state.pt cannot be read"),
        ("more cells at once than in a batch", saved({}, micro_batch=64), "micro_batch is 64"),
    ]  # fmt: skip


class Harmful:
    """Leaves a mark when it is unpickled."""

    mark = Path(tempfile.gettempdir()) / f"unpickled-{os.getpid()}"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


AREAS: dict[str, Callable[[], list[tuple[str, Any, str]]]] = {
    "notebook parameters": _parameters,
    "profiles (config/NAME.yaml)": _profiles,
    "files of grids (config/grids)": _grid_files,
    "grids": _grids,
    "points of a sweep": _rows,
    "files of cells": _cell_files,
    "scans of cells": _scans,
    "arrays of cells": _arrays,
    "files of images": _image_files,
    "files of sequences": _sequence_files,
    "downloads": _downloads,
    "commands": _commands,
    "estimators": _estimators,
    "laws": _laws,
    "noise": _noise,
    "representations": _representations,
    "experimental design": _designs,
    "stores and tables": _tables,
    "checkpoints": _checkpoints,
}
