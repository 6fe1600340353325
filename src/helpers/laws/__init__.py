"""Noise scaling laws: formulas, fits, intervals."""

from helpers.laws.base import Fit, Law
from helpers.laws.cell_number import CellNumberLaw, more_cells
from helpers.laws.joint import JOINT_LAWS, JointLaw, TwoVariableLaw
from helpers.laws.loss import ComputeLaw, DataLaw, SizeAndDataLaw
from helpers.laws.model_size import ModelSizeLaw
from helpers.laws.noise import NoiseLaw
from helpers.laws.robust import RobustFit, robust
from helpers.laws.summary import depth_advice, depth_table, fit_groups, parameter_table, ratio_table, summary

LAWS: dict[str, type[Law]] = {
    "noise": NoiseLaw, "cell_number": CellNumberLaw, "model_size": ModelSizeLaw, "data": DataLaw, "compute": ComputeLaw,
}  # fmt: skip

__all__ = [
    "JOINT_LAWS",
    "LAWS",
    "CellNumberLaw",
    "ComputeLaw",
    "DataLaw",
    "Fit",
    "JointLaw",
    "Law",
    "ModelSizeLaw",
    "NoiseLaw",
    "RobustFit",
    "SizeAndDataLaw",
    "TwoVariableLaw",
    "depth_advice",
    "depth_table",
    "fit_groups",
    "more_cells",
    "parameter_table",
    "ratio_table",
    "robust",
    "summary",
]
