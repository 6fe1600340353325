"""Images with a class each: real ones that come with a package, the papers' own, and yours.

Options that several loaders take: ``n_folds``, probe folds stratified by class; ``size``, the side in pixels;
``n_classes``, how many of the largest classes to keep, None for all; ``folder``, one with files of your own.
"""

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from helpers._utils.validation import in_range
from helpers.datasets import files, read
from helpers.datasets.samples import Samples
from helpers.datasets.splits import stratified
from helpers.information.discrete import entropy

VERSION = 1  # 2026-11-28 numbered

# Papers' folders that are no class.
_NO_CLASS = ("BACKGROUND_Google",)
_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True, eq=False)
class Images(Samples):
    """Images, one size, with a label each.

    Attributes
    ----------
    pixels : ndarray of uint8 (0 … 255) or float32 in [-1, 1], shape (images, channels, height, width)
        One channel (grey) or three.
    """

    modality: ClassVar[str] = "images"

    pixels: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1, 1), np.uint8))

    def __post_init__(self) -> None:
        """Check what was given; see ``Samples``."""
        if self.pixels.ndim != 4 or self.pixels.shape[1] not in (1, 3):
            raise ValueError(f"pixels of {self.name} have shape {self.pixels.shape}: (images, 1 or 3, height, width).")
        if self.pixels.dtype not in (np.uint8, np.float32):
            raise ValueError(f"pixels of {self.name} have dtype {self.pixels.dtype}: give uint8 or float32.")
        if self.pixels.dtype == np.float32 and not (abs(self.pixels) <= 1).all():
            raise ValueError(f"pixels of {self.name} are not all within [-1, 1].")
        super().__post_init__()

    def floats(self, rows: np.ndarray) -> np.ndarray:
        """Return images as float32 in [-1, 1], shape (rows, channels, height, width)."""
        chosen = self.pixels[rows]
        return chosen if chosen.dtype == np.float32 else chosen.astype(np.float32) / np.float32(127.5) - 1

    @property
    def size(self) -> int:
        """Height of the images in pixels."""
        return self.pixels.shape[2]

    def _n_samples(self) -> int:
        return len(self.pixels)

    def _content(self) -> Iterator[bytes]:
        yield repr((self.pixels.shape, str(self.pixels.dtype))).encode()
        yield from (image.tobytes() for image in self.pixels)

    def _facts(self) -> dict[str, Any]:
        _, channels, height, width = self.pixels.shape
        colour = "grey" if channels == 1 else "colour"
        return {"images": len(self.pixels), "pixels": f"{height} × {width}, {colour}"}


def digits(n_folds: int = 2) -> Images:
    """1,797 real handwritten digits of 8 × 8 pixels with 10 classes, inside scikit-learn: no download.

    >>> images = digits()
    >>> images.pixels.shape, round(images.ceiling_bits, 3)
    ((1797, 1, 8, 8), 3.322)
    """
    from sklearn.datasets import load_digits

    stored = load_digits()
    pixels = np.asarray(stored.images / 8 - 1, np.float32)[:, None]
    source = "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits (CC BY 4.0), in scikit-learn"
    checked = "1,797 images of 17 grey levels, scaled to [-1, 1]"
    return _of_classes("digits", pixels, stored.target.astype(str), n_folds, source, checked)


def caltech101(n_classes: int = 5, size: int = 240, n_folds: int = 2, folder: files.Folder = None) -> Images:
    """The largest classes of Caltech101, as in the papers: 2,707 photographs of 5 classes at 240 × 240; download.

    The extracted archive, in ``folder`` or in the cache, is used where it is there; else the official one is downloaded
    and unpacked. Images are resized without keeping their proportions, as published.
    """
    pixels, labels, checked = read_tree(Path(folder) if folder is not None else _caltech_tree(), size, n_classes)
    source = "Fei-Fei et al. 2004, doi:10.22002/D1.20086; licence: CC BY 4.0"
    return _of_classes("caltech101", pixels, labels, n_folds, source, checked)


def tissuemnist(size: int = 224, n_images: int | None = 20_000, folder: files.Folder = None) -> Images:
    """Microscopy of human kidney cells with 8 classes, from MedMNIST v2, as in the papers; download.

    The published split is kept: training images train, test images probe.

    Parameters
    ----------
    size : 28, 64, 128 or 224
        Which of the published files.
    n_images : int or None
        Images of each side at most, the first in the file; None: all 165,466 + 47,280 (12 GB at size 224).
    """
    if size not in (28, 64, 128, 224):
        raise ValueError(f"size is {size!r}: MedMNIST gives 28, 64, 128 and 224.")
    if n_images is not None:
        in_range(n_images, 2, 1e9, "n_images", whole=True)
    name = "tissuemnist"
    file = files.fetch(name, f"{name}.npz" if size == 28 else f"{name}_{size}.npz", folder)
    train, probe = (read_npz(file, f"{side}_images", n_images) for side in ("train", "test"))
    codes = [read_npz(file, f"{side}_labels", n_images).ravel() for side in ("train", "test")]
    labels, pixels = np.concatenate(codes).astype(str), np.concatenate([train, probe])[:, None]
    folds, ceiling = np.repeat([-1, 0], [len(train), len(probe)]), entropy(codes[1])
    checked = ("published split of training and test images",)
    source = files.registry()[name].described()
    return Images(name, "class", labels, folds, ceiling_bits=ceiling, pixels=pixels, source=source, checked=checked)


def your_images(path: str | Path = "", size: int = 64, n_classes: int | None = None, n_folds: int = 2) -> Images:
    """Your own images: a folder with one folder a class.

    All are resized to ``size``.
    """
    if not str(path):
        raise ValueError("path is empty: give options={'path': 'folder'} with one folder of images for each class.")
    pixels, labels, checked = read_tree(Path(path), size, n_classes)
    return _of_classes("your_images", pixels, labels, n_folds, str(path), checked)


def read_tree(tree: Path, size: int, n_classes: int | None = None) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the images of a folder of class folders, resized to ``size``, in the order of their names.

    Returns
    -------
    (pixels, labels, checked)
        uint8 of shape (images, 3, size, size); str; what was read and what was left out.
    """
    from PIL import Image

    in_range(size, 2, 4096, "size of the images", whole=True)
    images_of, n_others = _files_of_classes(tree)
    n_classes = len(images_of) if n_classes is None else n_classes
    in_range(n_classes, 2, len(images_of), f"n_classes of {tree.name}", whole=True)
    largest = sorted(sorted(images_of, key=lambda name: (-len(images_of[name]), name))[:n_classes])
    chosen = [file for name in largest for file in images_of[name]]
    pixels = np.empty((len(chosen), 3, size, size), np.uint8)
    for row, file in enumerate(chosen):
        try:
            with Image.open(file) as image:
                resized = _rgb(image, file).resize((size, size), Image.Resampling.BILINEAR)
        except (OSError, Image.DecompressionBombError) as error:
            raise ValueError(f"{file} is not an image that can be read ({error}): correct or remove it.") from error
        pixels[row] = np.asarray(resized).transpose(2, 0, 1)
    checked = f"{len(chosen)} images decode; classes {', '.join(largest)}"
    checked += f"; {n_others} other files left out" if n_others else ""
    return pixels, np.repeat(largest, [len(images_of[name]) for name in largest]), checked


def _files_of_classes(tree: Path) -> tuple[dict[str, list[Path]], int]:
    """Return the images in each folder of a tree, and how many other files there are."""
    if not tree.is_dir():
        raise FileNotFoundError(f"{tree} is not a folder: give the one that holds a folder of images for each class.")
    images_of, n_others = {}, 0
    for folder in sorted(tree.iterdir()):
        if folder.is_dir() and folder.name not in _NO_CLASS and folder.name[0] != ".":
            inside = [file for file in sorted(folder.iterdir()) if file.name[0] != "."]
            images = [file for file in inside if file.suffix.lower() in _SUFFIXES]
            n_others += len(inside) - len(images)
            if images:
                images_of[folder.name] = images
    if not images_of:
        raise FileNotFoundError(f"{tree} holds no folder with images ({', '.join(_SUFFIXES)}).")
    if len(images_of) < 2:
        raise ValueError(f"{tree} holds one class of images, {next(iter(images_of))}: at least 2 are needed.")
    return images_of, n_others


def _rgb(image: Any, file: Path) -> Any:
    """Return a picture in three channels of 8 bits; grey of 16 bits is scaled, transparency dropped."""
    from PIL import Image

    if getattr(image, "n_frames", 1) > 1:
        raise ValueError(f"{file} holds {image.n_frames} pictures: save the one that counts on its own.")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) // 257).astype(np.uint8)).convert("RGB")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
        raise ValueError(f"{file} has pixels of kind {image.mode!r}: save it with 8 or 16 bits a pixel.")
    return image.convert("RGB")


def read_npz(file: Path, name: str, rows: int | None = None) -> np.ndarray:
    """Return the first rows of an array of an ``.npz`` file; the rest is not read. No pickles."""
    with read.readable(file, ".npz file of this dataset"), zipfile.ZipFile(file) as archive:
        if f"{name}.npy" not in archive.namelist():
            raise ValueError(f"there is no {name!r}, only {', '.join(archive.namelist())}")
        with archive.open(f"{name}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(stream)
            if dtype.hasobject or fortran:
                raise ValueError(f"{name} is not a plain array in C order")
            n = shape[0] if rows is None else min(rows, shape[0])
            size = n * int(np.prod(shape[1:])) * dtype.itemsize
            return np.frombuffer(stream.read(size), dtype).reshape(n, *shape[1:])


def _caltech_tree() -> Path:
    """Return the extracted archive in the cache, unpacking the official download if it is not there yet."""
    tree = files.cache_folder() / "caltech101" / "101_ObjectCategories"
    if tree.is_dir():
        return tree
    archive = files.fetch("caltech101", "caltech-101.zip")
    unpacked = tree.with_name("unpacking")
    with read.readable(archive, "archive of Caltech101"), zipfile.ZipFile(archive) as outer:
        inner = [name for name in outer.namelist() if name.endswith("101_ObjectCategories.tar.gz")]
        if not inner:
            raise ValueError("there is no 101_ObjectCategories.tar.gz in it")
        with outer.open(inner[0]) as stream, tarfile.open(fileobj=stream, mode="r|gz") as tar:
            tar.extractall(unpacked, filter="data")
        if not (unpacked / tree.name).is_dir():
            raise ValueError(f"there is no folder {tree.name} in it")
    (unpacked / tree.name).replace(tree)  # complete, or not there
    unpacked.rmdir()
    return tree


def _of_classes(name: str, pixels: np.ndarray, labels: np.ndarray, n_folds: int, source: str, checked: str) -> Images:
    """Return images whose signal is their class, in folds stratified by it."""
    in_range(n_folds, 2, len(labels), "n_folds", whole=True)
    names, counts = np.unique(labels, return_counts=True)
    if (counts < 2 * n_folds).any():
        few = names[counts.argmin()]
        raise ValueError(
            f"class {few!r} of {name} has {counts.min()} image(s): at least {2 * n_folds} are needed, 2 in each of "
            f"{n_folds} folds; leave the class out or keep fewer of the largest (n_classes)."
        )
    about: dict[str, Any] = {"ceiling_bits": entropy(labels), "source": source, "checked": (checked,)}
    return Images(name, "class", labels, stratified(labels, n_folds), pixels=pixels, **about)
