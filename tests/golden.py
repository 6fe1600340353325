"""Golden numbers: what each component makes of small fixed inputs, to hold its ``VERSION`` to its numbers.

``python tests/golden.py`` records them after a version was raised. It refuses where numbers moved without a version,
or a version rose and no number moved, as the tests do.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy import sparse

from helpers.datasets import LOADERS
from helpers.noise import OF_CELLS
from helpers.representations import REPRESENTATIONS
from helpers.store import versions
from miniatures import OTHERS, WRITERS, write

FILE = Path(__file__).with_name("golden.json")
# By how much numbers of a kind may differ: counts and choices not at all; values by what processors round differently,
# which training magnifies, and the batch normalisation of few images far more; bits by what an estimate of a few
# hundred pairs does not tell.
TOLERANCES = {"exact": 0.0, "values": 1e-6, "trained": 1e-4, "normalised": 1e-2, "bits": 1e-3}
Numbers = dict[str, list[float]]
_CASES: dict[str, tuple[tuple[str, ...], Callable[[], Numbers]]] = {}


def case(*components: str) -> Callable[[Callable[[], Numbers]], Callable[[], Numbers]]:
    """Register a function as the golden numbers of components; its name is that of the case."""

    def register(function: Callable[[], Numbers]) -> Callable[[], Numbers]:
        _CASES[function.__name__] = (components, function)
        return function

    return register


def counts(n: int = 90, genes: int = 30) -> sparse.csr_matrix:
    """Counts of cells of three types, without random numbers."""
    i, j = np.indices((n, genes))
    wave = (i * 37 + j * 101 + i * j * 17) % 23
    return sparse.csr_matrix(wave**2 // 60 + 4 * ((i % 3) == (j % 3)))


def labels(n: int = 90) -> np.ndarray:
    """Three labels, one in ten wrong."""
    i = np.arange(n)
    return (i + (i % 10 == 0)) % 3


def pair(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Two variables of two columns that share information."""
    i = np.arange(n)
    z = np.sin(np.outer(i, [1.7, 2.9, 4.3, 5.1]) ** 1.3)
    return z[:, :2], z[:, :2] + 0.5 * z[:, 2:]


def exact(array: Any) -> list[float]:
    """Sum, number and a checksum of whole numbers that sees their order."""
    flat = np.asarray(array.toarray() if sparse.issparse(array) else array, float).ravel()
    return [float(flat.size), float(flat.sum()), float((flat * (np.arange(flat.size) % 97)).sum())]


def values(array: Any) -> list[float]:
    """Mean, spread, a sum that sees the order, and three numbers as they are."""
    flat = np.asarray(array, float).ravel()
    order = np.cos(np.arange(flat.size))
    return [flat.mean(), flat.std(), (flat * order).mean(), *flat[:: max(1, flat.size // 3)][:3]]


def numbers_of(**made: list[float]) -> Numbers:
    return {kind: [float(f"{v:.10g}") for v in numbers] for kind, numbers in made.items()}


@case("thin")
def thinning() -> Numbers:
    from helpers.noise.counts import thin, thin_nested, thin_rows, thin_twice

    nested = thin_nested(counts(), [0.5, 0.03], seed=3)
    made = [thin(counts(), 0.3, np.random.default_rng(1)), *nested.values(), thin_rows(counts(), 0.2, 5)]
    made += thin_twice(counts(), 0.4, np.random.default_rng(2))
    return numbers_of(exact=[v for one in made for v in exact(one)])


@case("pixels")
def image_noise() -> Numbers:
    from helpers.noise import NOISES, add_gaussian, pixelate

    images = np.sin(np.arange(4 * 6 * 6)).reshape(4, 6, 6).astype(np.float32)
    made = [
        add_gaussian(images, 0.5, np.random.default_rng(0)),
        pixelate(images, 4),
        [NOISES["gaussian"].snr(0.5)],
    ]
    return numbers_of(values=[v for one in made for v in values(one)])


@case("substitution")
def misread_residues() -> Numbers:
    from helpers.noise import substitute

    read = substitute(["ACDEFGHIKLMNPQRSTVWY" * 3] * 4, 0.3, np.random.default_rng(0))
    return numbers_of(exact=exact([ord(c) for c in "".join(read)]))


@case("prep")
def genes_and_values() -> Numbers:
    import anndata

    from helpers.datasets.backed import BackedCounts
    from helpers.preprocess import genes as preprocess
    from helpers.preprocess.blocks import prepare_blocks

    others = np.arange(90)
    train, probe = np.arange(60), np.arange(60, 90)
    ready = preprocess.prepare(counts()[train], counts()[probe], others[train], others[probe], 12)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        anndata.AnnData(counts().astype(np.float32)).write_h5ad(path)
        blocks, umis = prepare_blocks(BackedCounts(path), train, probe, 1.0, 0.5, 0, 12, others, others)
    chosen = [*exact(ready.genes), *exact(blocks.genes), *exact(preprocess.nested_subset(50, 20, 7)), umis]
    sides = (ready.train, ready.probe, blocks.train, blocks.probe)
    return numbers_of(exact=chosen, values=[v for side in sides for v in values(side)])


@case("data")
def folds_pairs_and_hashes() -> Numbers:
    from helpers.datasets import pairing, splits
    from helpers.datasets.base import Dataset

    positions = np.stack([np.arange(90) * 7 % 31, np.arange(90) * 11 % 17], axis=1).astype(float)
    folds = splits.stratified(labels())
    made = [folds, splits.at_random(50, 3), splits.strips(positions), pairing.neighbours(positions, folds)]
    made += pairing.relatives(labels(), np.arange(90) % 2 == 0, np.arange(90) % 2 == 1)
    cells = Dataset("toy", "type", counts(), labels(), folds)
    return numbers_of(exact=[*(v for one in made for v in exact(one)), *map(ord, cells.data_hash)])


def _dataset(name: str) -> Callable[[], Numbers]:
    def made() -> Numbers:
        small = {
            "simulated": {"n_cells": 80, "n_genes": 20}, "simulated_spike": {"n": 60}, "tissuemnist": {"size": 28},
        }  # fmt: skip
        if name in EMBEDDED:
            data = LOADERS[name](**small.get(name, {}))
        else:
            with tempfile.TemporaryDirectory() as folder:
                data = LOADERS[name](folder=write(name, folder, 80), **small.get(name, {}))
        whole = [*exact(data.folds), data.n_folds]
        if hasattr(data, "counts"):
            read = data.counts[:] if hasattr(data.counts, "blocks") else data.counts
            whole += [v for one in (read, data.other_umis, data.partners, data.paired) for v in exact(one)]
        signal = np.asarray(data.signal)
        if signal.dtype.kind not in "fiu":
            return numbers_of(exact=[*whole, *exact(np.unique(signal, return_inverse=True)[1])])
        return numbers_of(exact=whole, values=values(signal))

    return made


def _fitted(name: str, kind: str = "trained", **options: Any) -> Numbers:
    from helpers.representations import build

    model = build(name, 4, 1, **options)
    cells = {"counts": counts(), "embeddings": pair(90)[0]}.get(model.takes, np.log1p(counts().toarray()))
    train, probe = cells[:60], cells[60:]
    genes = [f"g{i}" for i in range(cells.shape[1])]
    return numbers_of(**{kind: values(model.fit(train, genes=genes).transform(probe))})


@case("random_projection")
def random_projection() -> Numbers:
    return _fitted("random_projection", "values")


@case("pca")
def pca() -> Numbers:
    return _fitted("pca", "values")


@case("scvi", "training")
def scvi() -> Numbers:
    return _fitted("scvi", steps=2, hidden=8)


@case("joint_embedding", "scvi", "training")
def joint_embedding() -> Numbers:
    return _fitted("joint_embedding", steps=2, hidden=8)


@case("txformer", "training")
def txformer() -> Numbers:
    return _fitted("txformer", steps=2)


@case("masked_reconstruction", "set_transformer", "training")
def masked_reconstruction() -> Numbers:
    return _fitted("masked_reconstruction", size="TINY", steps=2, reduce=None)


@case("precomputed")
def precomputed() -> Numbers:
    return _fitted("precomputed", "values", key="X_mine")


@case("set_transformer", "training")
def set_transformer() -> Numbers:
    from helpers.representations import reconstruction, scoring

    x = np.log1p(counts().toarray()).astype(np.float32)
    how = reconstruction.Training("XXS", steps=4, batch=16, validate_every=2)
    trained = reconstruction.train_reconstruction(x[:60], x[60:75], how, 1)
    found = scoring.score(trained, x[:60], x[75:])
    return numbers_of(trained=[found.loss, found.mean_loss, found.linear_loss, found.stderr])


@case("mobilenet", "training")
def mobilenet() -> Numbers:
    from helpers.representations.mobilenet import MobileNet

    images = np.sin(np.arange(24 * 64)).reshape(24, 1, 8, 8).astype(np.float32)
    model = MobileNet(width=0.1, epochs=1, input_size=32, seed=1).fit(images, labels(24))
    features = model.transform(images[:6])
    return numbers_of(normalised=[features.mean(), features.std(), *model.history_["train_bits"]])


@case("esm", "training")
def esm() -> Numbers:
    from helpers.representations.esm import ESM

    proteins = [("ACDEFGHIKLMNPQRSTVWY" * 3)[i : i + 40] for i in range(12)]
    return numbers_of(trained=values(ESM(epochs=1, seed=1).fit(proteins).transform(proteins[:4])))


@case("training")
def mini_batches() -> Numbers:
    from helpers.representations.training import batches, seeded

    with seeded(3) as rng:
        drawn = [*batches(20, 8, 3, rng), *batches(20, 8, 3, rng, lengths=np.arange(20) % 7)]
    return numbers_of(exact=exact(drawn))


def _bits(*found: Any) -> Numbers:
    return numbers_of(bits=[v for one in found for v in (one.bits, one.stderr, one.null_bits) if v is not None])


@case("lmi")
def lmi() -> Numbers:
    from helpers.information import lmi

    x, y = pair()
    return _bits(lmi(x, labels(200)), lmi(x, labels(200), label_method="bound"), lmi(x, y, epochs=5))


@case("plugin")
def plug_in() -> Numbers:
    from helpers.information import entropy, plug_in

    found = plug_in(labels(), np.arange(90) % 3, correct=True)
    return numbers_of(bits=[found.bits, found.stderr, entropy(labels())])


@case("ksg")
def ksg() -> Numbers:
    from helpers.information import ksg

    return _bits(ksg(*pair()))


@case("cca")
def cca() -> Numbers:
    from helpers.information import cca, gaussian_channel

    found = cca(*pair())
    return numbers_of(bits=[found.bits, found.stderr, gaussian_channel(np.eye(2) + 1, np.eye(2), 0.7)])


@case("classifier")
def classifiers() -> Numbers:
    from helpers.information.classifier import classifier_bound, trained_bound

    x, y = counts().toarray(), labels()
    within, trained = classifier_bound(x[:, :3], y), trained_bound(x[:60, :3], y[:60], x[60:, :3], y[60:])
    return numbers_of(bits=[within.bits, within.stderr, trained.bits, trained.stderr, trained.null_bits])


@case("latentmi")
def latentmi() -> Numbers:
    """What the package is given: it cannot be seeded, so its own numbers differ from run to run."""
    from latentmi import lmi as package

    from helpers.information.latentmi import latentmi_package

    given = lambda x, y, quiet: [x.sum(axis=1) + (y * np.arange(1, y.shape[1] + 1)).sum(axis=1) ** 2]  # noqa: E731
    with mock.patch.object(package, "estimate", given):
        made = [latentmi_package(*pair()).pointwise, latentmi_package(pair()[0], labels(200)).pointwise]
    return numbers_of(values=[v for one in made for v in values(one)])


@case("pairs")
def known_pairs() -> Numbers:
    from helpers.information.known_pairs import TASKS, known_pair

    made = [known_pair(task, bits, 40, 3, 5) for task in TASKS for bits in (0.5, 3.0)]
    return numbers_of(values=[v for x, y in made for v in (*values(x), *values(y))])


def _measured(grid: Any) -> list[dict[str, Any]]:
    """Measure every point of a grid, by no store."""
    how = grid.measurement
    return [how.describe(point) | row for point in grid.points() for row in how.measure([point])]


def _columns(rows: list[dict[str, Any]], *names: str) -> list[float]:
    return [float(row[name]) for row in rows for name in names if row.get(name) is not None]


@case("cells", "thin", "prep", "pca", "lmi", "data", "load_simulated")
def points_of_cells() -> Numbers:
    from helpers.sweep.cells import Grid

    cells = {"n_cells": 300, "n_genes": 30, "n_latent": 2, "signal": "label"}
    rows = _measured(Grid(
        dataset="simulated", options=cells, representations=["pca"], depths=[0.3], probe_depths=[0.3, 0.1],
        n_train=[40], seeds=[2], folds=[1], n_probe=120, dim=3, n_top=20,
    ))  # fmt: skip
    return numbers_of(exact=_columns(rows, "n_probe", "n_train"), values=_columns(rows, "umis_per_cell"),
                      bits=_columns(rows, "mi_bits", "mi_stderr_bits", "mi_null_bits"))  # fmt: skip


class _Means:
    """In place of a network, which amplifies how processors round: the similarity to the mean of every class."""

    def __init__(self, **_: Any) -> None:
        pass

    def fit(self, images: np.ndarray, of: np.ndarray) -> "_Means":
        self.classes = np.unique(of)
        flat = images.reshape(len(images), -1)
        self.means = np.stack([flat[of == name].mean(axis=0) for name in self.classes])
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), -1)
        return (flat @ self.means.T - (self.means**2).sum(axis=1) / 2).astype(np.float32)

    def named(self, features: np.ndarray) -> np.ndarray:
        return self.classes[features.argmax(axis=1)]


@case("images", "pixels", "plugin", "pca", "lmi")
def points_of_images() -> Numbers:
    from helpers.sweep import images as image_sweep

    grid = image_sweep.ImageGrid(
        dataset="digits", levels={"gaussian": [0.5]}, n_train=[40], seeds=[0], dim=3,
        readouts=["predicted", "last_layer"],
    )  # fmt: skip
    with mock.patch.object(image_sweep, "MobileNet", _Means):
        rows = _measured(grid)
    return numbers_of(
        exact=_columns(rows, "n_probe"), bits=_columns(rows, "mi_bits", "mi_null_bits", "mi_ceiling_bits")
    )


@case("sequences", "substitution", "esm", "training", "lmi", "load_simulated_spike")
def points_of_sequences() -> Numbers:
    from helpers.sweep.sequences import SequenceGrid

    rows = _measured(SequenceGrid(
        dataset="simulated_spike", options={"n": 120, "length": 40}, rates=[0.1], n_train=[40], seeds=[0],
        model={"epochs": 1}, lmi={"epochs": 2},
    ))  # fmt: skip
    return numbers_of(exact=_columns(rows, "n_probe"), bits=_columns(rows, "mi_bits", "mi_null_bits"))


@case("reconstruction", "thin", "prep", "set_transformer", "training", "pca", "lmi")
def points_of_reconstruction() -> Numbers:
    from helpers.sweep.reconstruction import ReconstructionGrid

    rows = _measured(ReconstructionGrid(
        # Not the smallest size: at width 1 a layer norm leaves a constant, whose bits are those of rounding.
        dataset="pbmc68k", sizes=["TINY"], n_genes=[8], depths=[0.4], n_train=[60], seeds=[0], information=True, dim=3,
        training={"steps": 2, "batch": 8, "validate_every": 1}, test_parts=4,
    ))  # fmt: skip
    return numbers_of(exact=_columns(rows, "n_probe", "params", "steps"), bits=_columns(rows, "mi_bits"),
                      trained=_columns(rows, "test_loss", "mean_loss", "noise_loss", "umis_per_cell"))  # fmt: skip


@case("fit")
def fits() -> Numbers:
    from helpers import laws

    u = np.array([3.0, 10, 30, 100, 300, 1000])
    off = 0.02 * np.cos(np.arange(6) * 5)
    n, depth = (v.ravel() for v in np.meshgrid(u, u[1:5]))
    joint = laws.JointLaw.fit(n, depth, laws.NoiseLaw(2.0, 40.0)(depth) * n / (n + 20) + np.tile(off, 4))
    found = [
        laws.NoiseLaw.fit(u, laws.NoiseLaw(2.0, 40.0)(u) + off),
        laws.CellNumberLaw.fit(u, 2 - (u / 5) ** -0.6 + off),
        laws.ModelSizeLaw.fit(u * 1e3, 0.3 + 2 * (u * 1e3) ** -0.4 * (1 + off / 10)),
        joint,
    ]
    ends = [end for fit in found[:2] for pair in fit.interval().values() for end in pair]
    fitted = [v for fit in found for v in fit.predict(fit.x)]
    return numbers_of(bits=[*fitted, *(v for v in ends if np.isfinite(v))])


@case("robust", "fit")
def robust_fits() -> Numbers:
    from helpers import laws

    u = np.geomspace(3, 1000, 9)
    off = np.where(np.arange(9) == 4, 0.5, 0.02 * np.cos(np.arange(9) * 5))
    found = laws.robust(laws.NoiseLaw.fit(u, laws.NoiseLaw(2.0, 40.0)(u) + off))
    return numbers_of(bits=[*found.weights, found.scale, found.params["i_max"]])


@case("compare", "fit", "beyond")
def comparison_of_laws() -> Numbers:
    import pandas as pd

    from helpers.laws import NoiseLaw
    from helpers.laws.compare import compare

    n, u = (v.ravel() for v in np.meshgrid(np.geomspace(10, 1000, 5), np.geomspace(3, 1000, 5)))
    bits = NoiseLaw(2.0, 40.0)(u) * n / (n + 20) + 0.02 * np.cos(np.arange(25) * 5)
    found = compare({("toy",): pd.DataFrame({"n": n, "u": u, "bits": bits})}, ["additive", "JointLaw"])
    return numbers_of(bits=found.select_dtypes("number").to_numpy().ravel())


@case("beyond", "fit")
def fits_with_priors() -> Numbers:
    from helpers import laws

    n, u = (v.ravel() for v in np.meshgrid(np.geomspace(10, 1000, 5), np.geomspace(3, 1000, 5)))
    bits = laws.StretchedNoiseLaw(2.0, 40.0, 0.7)(u) * n / (n + 20) + 0.02 * np.cos(np.arange(25) * 5)
    joint, alone = (
        laws.JointLaw.fit(n, u, bits, priors=True),
        laws.StretchedNoiseLaw.fit(u[4::5], bits[4::5], priors=True),
    )
    limits = [*joint.band(np.array([[500.0, 4000.0]])), *alone.band([100.0, 4000.0], of_points=True)]
    gain = joint.derived(lambda law: float(law(500.0, 4000.0) - law(500.0, 1000.0)))
    return numbers_of(bits=[*np.concatenate(limits), *gain])


@case("false_alarms", "fit")
def rejected_curves() -> Numbers:
    from helpers.findings.curves import _false_alarms

    return numbers_of(bits=_false_alarms(40, 0).to_numpy().ravel())


@case("bound")
def bounds_from_below() -> Numbers:
    from helpers.information.bounds import lower_bound

    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 3))
    signals = [x[:, :2] + rng.normal(size=(240, 2)), np.sin(2 * x[:, :1]) + 0.3 * rng.normal(size=(240, 1))]
    return numbers_of(bits=[lower_bound(x, y, folds=2, steps=25).bits for y in signals])


@case("bracket", "lmi")
def trends_in_samples() -> Numbers:
    from helpers.information.bracket import trend

    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 2))
    found = [trend(x, y, 0, epochs=2) for y in (x[:, 0] + rng.normal(size=800), x[:, 0] > 0)]
    return numbers_of(bits=[bits for bits, status in found if status == "ok"])


@case("semi_synthetic")
def drawn_signals() -> Numbers:
    from helpers.findings.semi_synthetic import drawn_signal

    x = np.random.default_rng(0).normal(size=(240, 3))
    values, labels_of = drawn_signal(x, x[:, :2] ** 2), drawn_signal(x, (x[:, 0] > 0).astype(int))
    return numbers_of(trained=values[0][:5].ravel(), bits=[values[1], labels_of[1]],
                      exact=[labels_of[0].sum(), labels_of[0] @ np.arange(240)])  # fmt: skip


def _noisy(name: str) -> Numbers:
    return numbers_of(exact=exact(OF_CELLS[name].apply(counts(), OF_CELLS[name].clean, 1)))


# What has no case of its own above is tried as it is: a representation, a noise in counts, a data set in miniature.
_COVERED = {component for components, _ in _CASES.values() for component in components}
_TRIED = {name: partial(_fitted, name) for name in REPRESENTATIONS} | {
    name: partial(_noisy, name) for name in OF_CELLS if name != "thinning"
}
_CASES |= {name: ((name,), made) for name, made in _TRIED.items() if name not in _COVERED}
EMBEDDED = ("pbmc68k", "digits", "simulated", "simulated_spike")
_MADE = [name for name in (*EMBEDDED, *WRITERS, *OTHERS) if name in LOADERS]
_LOADERS_OF = {name: f"load_{LOADERS.modules[name].rpartition('.')[2]}" for name in sorted(_MADE)}
for _name, _module in _LOADERS_OF.items():
    _CASES[f"data set {_name}"] = (("data", *sorted({_module, "load_simulated"})), _dataset(_name))
NAMES = tuple(_CASES)


def components() -> set[str]:
    """Every component that a row's method or a data set's facts can name."""
    rooms = [file for room in ("representations", "noise") for file in (versions._HELPERS / room).glob("*.py")]
    by_name = {file.stem for file in rooms if "\nVERSION = " in file.read_text("utf8")}
    elsewhere = {Path(place).stem for place in versions._FILES.values()}  # whose components have other names
    return {*versions._FILES, *_LOADERS_OF.values(), *(by_name - elsewhere)}


def versions_of(name: str) -> dict[str, int]:
    """Return the versions of the components of a case."""
    return {component: versions.version(component) for component in _CASES[name][0]}


def now(name: str) -> dict[str, Any]:
    """Return the versions and the numbers of a case as the code makes them."""
    return {"versions": versions_of(name), "numbers": _CASES[name][1]()}


def moved(then: Numbers, made: Numbers) -> str:
    """Return where numbers differ by more than their tolerance, in words; nothing if they do not."""
    if {k: len(v) for k, v in then.items()} != {k: len(v) for k, v in made.items()}:
        return "other numbers are recorded"
    for kind, numbers in then.items():
        for i, (a, b) in enumerate(zip(numbers, made[kind], strict=True)):
            if not abs(a - b) <= TOLERANCES[kind] * max(1.0, 1.0 if kind in ("exact", "bits") else abs(a)):
                return f"number {i} of its {kind} was {a:.10g} and is {b:.10g}"
    return ""


def complaints(then: dict[str, Any], made: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for every component whose version and numbers do not go together."""
    risen: dict[str, list[str]] = {}
    for name, case_now in made.items():
        case_then = then.get(name)
        if case_then is None:
            continue
        changed = [c for c, v in case_now["versions"].items() if case_then["versions"].get(c) != v]
        where = moved(case_then["numbers"], case_now["numbers"])
        for component in changed:
            risen.setdefault(component, []).append(where)
        if where and not changed:
            parts = " or ".join(case_now["versions"])
            yield (
                f"golden numbers of {name!r} moved without a new version: {where}. If that is meant, raise VERSION "
                f"of {parts} and say there what changed; if not, find what changed them (the code, or a package)."
            )
    for component, places in risen.items():
        if not any(places):
            yield (
                f"VERSION of {component} changed and no golden number moved: put it back, or add to tests/golden.py "
                "what the new version changes."
            )


def record() -> None:
    """Write the golden numbers, unless versions and numbers do not go together."""
    then = json.loads(FILE.read_text("utf8")) if FILE.exists() else {}
    made = {name: now(name) for name in NAMES}
    told = list(complaints(then, made))
    if told:
        sys.exit("\n".join(told))
    kept = {name: then[name] if name in then and then[name]["versions"] == new["versions"] else new
            for name, new in made.items()}  # fmt: skip
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(kept[name])}" for name in NAMES)
    FILE.write_text(f"{{\n{lines}\n}}\n", "utf8")


if __name__ == "__main__":
    record()
