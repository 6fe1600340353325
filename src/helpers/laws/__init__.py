"""Noise scaling laws: formulas, fits, intervals."""

from helpers.laws.base import Fit, Law
from helpers.laws.cell_number import CellNumberLaw
from helpers.laws.noise import NoiseLaw

__all__ = ["CellNumberLaw", "Fit", "Law", "NoiseLaw"]
