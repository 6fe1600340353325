"""Noise scaling laws: formulas, fits, intervals."""

from typing import TYPE_CHECKING

from helpers._utils.lazy import Lazy, attributes
from helpers.laws.base import Law
from helpers.laws.fit import Fit
from helpers.laws.noise import NoiseLaw
from helpers.laws.robust import RobustFit, robust
from helpers.laws.summary import depth_advice, fit_groups, parameter_table, ratio_table, summary

if TYPE_CHECKING:
    from helpers.laws.cell_number import CellNumberLaw, more_cells
    from helpers.laws.joint import JOINT_LAWS, JointLaw, TwoVariableLaw
    from helpers.laws.scaling import ComputeLaw, DataLaw, ModelSizeLaw, SizeAndDataLaw
    from helpers.laws.shared_error import interval_with_shared_error
    from helpers.laws.stretched import DepthLine, StretchedNoiseLaw

# Imported when they are used: a page that does not use a law need not be executed again when that law changes.
_NAMES = {
    "cell_number": ("CellNumberLaw", "more_cells"),
    "joint": ("JOINT_LAWS", "JointLaw", "TwoVariableLaw"),
    "scaling": ("ComputeLaw", "DataLaw", "ModelSizeLaw", "SizeAndDataLaw"),
    "stretched": ("StretchedNoiseLaw", "DepthLine"),
    "shared_error": ("interval_with_shared_error",),
}
__getattr__ = attributes(__name__, {name: f"{__name__}.{file}" for file, names in _NAMES.items() for name in names})

_LAWS = {
    "noise": ("noise", "NoiseLaw"),
    "stretched": ("stretched", "StretchedNoiseLaw"),
    "line": ("stretched", "DepthLine"),
    "cell_number": ("cell_number", "CellNumberLaw"),
    "model_size": ("scaling", "ModelSizeLaw"),
    "data": ("scaling", "DataLaw"),
    "compute": ("scaling", "ComputeLaw"),
}
LAWS: Lazy[type[Law]] = Lazy({name: f"{__name__}.{module}:{law}" for name, (module, law) in _LAWS.items()})

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
