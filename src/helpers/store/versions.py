"""Versions of what decides numbers: a row's ``method`` names them, and with settings and data it is the row's key.

Each component says in its module ``VERSION = 2  # when and what changed``. It rises if, and only if, numbers change;
the golden numbers of ``tests/golden.json`` hold both to it. Names, types, wording and places of code are free.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

# Where each component's version stands, if not in the module of its name among loaders, representations and noises.
_FILES = {
    "cells": "sweep/cells", "images": "sweep/images", "sequences": "sweep/sequences",
    "reconstruction": "sweep/reconstruction", "pairs": "information/known_pairs", "data": "datasets/base",
    "thin": "noise/counts", "pixels": "noise/images", "substitution": "noise/sequences", "prep": "preprocess/genes",
    "random_projection": "representations/linear", "pca": "representations/linear",
    "masked_reconstruction": "representations/masked", "set_transformer": "representations/reconstruction",
    "lmi": "information/lmi", "plugin": "information/discrete", "ksg": "information/ksg", "cca": "information/gaussian",
    "latentmi": "information/latentmi", "bound": "information/bounds", "bracket": "information/bracket",
    "classifier": "information/classifier",
    "semi_synthetic": "findings/semi_synthetic",
    "fit": "laws/base", "robust": "laws/robust", "compare": "laws/compare",
    "false_alarms": "findings/curves", "beyond": "laws/beyond",
}  # fmt: skip
_HELPERS = Path(__file__).parents[1]
# Kinds of noise whose component has another name than they.
_NOISES = {"thinning": "thin", "none": "pixels", "gaussian": "pixels", "pixelation": "pixels"}
# How the names of representations begin that a user registered.
OWN = "own:"
# Variants of an estimator that are options of it.
_VARIANTS = {"lmi_bound": "lmi", "lmi_one_hot": "lmi"}
_ASSIGNED = re.compile(r"^VERSION = (\d+)  # ", re.MULTILINE)
_TRAINED_BY = re.compile(r"^TRAINED_BY = (\(.*\))", re.MULTILINE)


@cache
def version(component: str) -> int:
    """Return the version of a component, read from its source: nothing is imported for it.

    ``component`` is a name that a method holds, or "load_" and the module of a loader, such as "load_larry".

    >>> version("thin") >= 1
    True
    """
    file = _file_of(component)
    if not file.exists():
        raise ValueError(f"unknown component {component!r}: there is no {file}.")
    numbers = _ASSIGNED.findall(file.read_text("utf8"))
    if len(numbers) != 1:
        raise ValueError(f"{file} must have one line such as 'VERSION = 1  # when and what changed'.")
    return int(numbers[0])


def _file_of(component: str) -> Path:
    if component in _FILES:
        return _HELPERS / f"{_FILES[component]}.py"
    name = component.removeprefix("load_")
    rooms = ("datasets/cells", "datasets") if name != component else ("representations", "noise")
    files = [_HELPERS / room / f"{name}.py" for room in rooms]
    return next((file for file in files if file.exists()), files[-1])


@cache
def _trained_by(model: str) -> tuple[str, ...]:
    """Return the components that train a representation of cells, which its module names beside its version."""
    line = _TRAINED_BY.search(_file_of(model).read_text("utf8"))
    return ast.literal_eval(line[1]) if line else ()


def method(*components: str) -> str:
    """Return what identifies how something was computed: its components and their versions.

    >>> import re
    >>> re.sub(r"[0-9]+", "7", method("thin", "prep", "pca", "lmi"))
    'thin7-prep7-pca7-lmi7'
    """
    return "-".join(f"{component}{version(component)}" for component in components)


def rank(method: str) -> int:
    """Return a number that grows with every new version: of two methods of a point, the later one has the larger.

    >>> rank("thin1-prep2-pca1") > rank("thin1-prep1-pca1") > rank("unversioned")
    True
    """
    return sum(int(number) for number in re.findall(r"(\d+)(?=-|$)", method))


def method_of(point: dict[str, Any]) -> str:
    """Return the method of a point of a sweep, from its settings.

    >>> point = {"dataset": "pbmc68k", "representation": "pca", "lmi": {}}
    >>> method_of(point).startswith("cells")
    True
    """
    return method(*components_of(point))


def components_of(point: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the components that decide the numbers of a point.

    >>> components_of({"dataset": "pbmc68k", "representation": "scvi", "lmi": {"estimator": "latentmi"}})
    ('cells', 'thin', 'prep', 'scvi', 'training', 'latentmi')
    >>> components_of({"task": "gaussian", "estimator": "lmi_bound"})
    ('pairs', 'lmi')
    """
    if "task" in point:
        return "pairs", _VARIANTS.get(point["estimator"], point["estimator"])
    match point.get("modality", "single-cell"):
        case "images":
            by_class = "images", _NOISES.get(point["noise"], point["noise"]), "mobilenet", "training"
            return (*by_class, "pca", "lmi") if point["readout"] == "last_layer" else (*by_class, "plugin")
        case "sequences":
            return "sequences", "substitution", "esm", "training", "lmi"
        case "masked reconstruction":
            trained = "reconstruction", "thin", "prep", "set_transformer", "training"
            return (*trained, "pca", "lmi") if point["information"] else trained
    noise, model = point.get("noise", "thinning"), point["representation"]
    prepared = "cells", _NOISES.get(noise, noise), "prep"
    if model.startswith(OWN):  # a class of the user's own has no version here: its name in the settings is its own
        return *prepared, point["lmi"].get("estimator", "lmi")
    return *prepared, model, *_trained_by(model), point["lmi"].get("estimator", "lmi")
