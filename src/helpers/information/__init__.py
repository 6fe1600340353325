"""Estimators of mutual information, all in bits."""

from helpers.information.discrete import entropy, plug_in
from helpers.information.estimate import Estimate
from helpers.information.gaussian import cca, gaussian_channel
from helpers.information.ksg import ksg
from helpers.information.lmi import lmi, lmi_many

__all__ = ["Estimate", "cca", "entropy", "gaussian_channel", "ksg", "lmi", "lmi_many", "plug_in"]
