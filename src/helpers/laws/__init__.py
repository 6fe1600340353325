"""Noise scaling laws: formulas, fits, intervals."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import Lazy, attributes
from helpers.laws.base import Fit, Law
from helpers.laws.noise import NoiseLaw
from helpers.laws.robust import RobustFit, robust
from helpers.laws.summary import depth_advice, fit_groups, parameter_table, ratio_table, summary

if TYPE_CHECKING:
    from helpers.laws.cell_number import CellNumberLaw, more_cells
    from helpers.laws.joint import JOINT_LAWS, JointLaw, TwoVariableLaw
    from helpers.laws.loss import ComputeLaw, DataLaw, SizeAndDataLaw
    from helpers.laws.model_size import ModelSizeLaw
    from helpers.laws.shared_error import interval_with_shared_error
    from helpers.laws.stretched import DepthLine, StretchedNoiseLaw

# Imported when they are used: a page that does not use a law need not be executed again when that law changes.
_MODULES = {
    "CellNumberLaw": "cell_number", "more_cells": "cell_number", "JOINT_LAWS": "joint", "JointLaw": "joint",
    "TwoVariableLaw": "joint", "ComputeLaw": "loss", "DataLaw": "loss", "SizeAndDataLaw": "loss",
    "ModelSizeLaw": "model_size", "StretchedNoiseLaw": "stretched", "DepthLine": "stretched",
    "interval_with_shared_error": "shared_error",
}  # fmt: skip
__getattr__ = attributes(__name__, {name: f"{__name__}.{module}" for name, module in _MODULES.items()})

_LAWS = {
    "noise": ("noise", "NoiseLaw"),
    "stretched": ("stretched", "StretchedNoiseLaw"),
    "line": ("stretched", "DepthLine"),
    "cell_number": ("cell_number", "CellNumberLaw"),
    "model_size": ("model_size", "ModelSizeLaw"),
    "data": ("loss", "DataLaw"),
    "compute": ("loss", "ComputeLaw"),
}
LAWS: Lazy[type[Law]] = Lazy(
    {name: f"{__name__}.{module}" for name, (module, _) in _LAWS.items()},
    {name: law for name, (_, law) in _LAWS.items()},
)

__all__ = [
    "JOINT_LAWS",
    "LAWS",
    "CellNumberLaw",
    "ComputeLaw",
    "DataLaw",
    "DepthLine",
    "Fit",
    "JointLaw",
    "Law",
    "ModelSizeLaw",
    "NoiseLaw",
    "RobustFit",
    "SizeAndDataLaw",
    "StretchedNoiseLaw",
    "TwoVariableLaw",
    "depth_advice",
    "fit_groups",
    "interval_with_shared_error",
    "more_cells",
    "parameter_table",
    "ratio_table",
    "robust",
    "summary",
]
