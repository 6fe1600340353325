"""What the measured and the released curves say."""

from helpers._utils.lazy import attributes

__all__ = [
    "FEWEST",
    "FLAT",
    "KEYS",
    "MOST",
    "RARE",
    "SIGNAL_KINDS",
    "Count",
    "cell_fits",
    "check_measured",
    "count",
    "curves_of",
    "false_alarms",
    "full_grids",
    "gains",
    "independent_signals",
    "interactions",
    "lack_of_fit",
    "law_table",
    "measured_curves",
    "missed",
    "name_of",
    "noise_fits",
    "together",
    "verdict",
]
_VERDICTS = {"FEWEST", "MOST", "Count", "count", "verdict"}
__getattr__ = attributes(
    __name__, {name: f"{__name__}.{'verdicts' if name in _VERDICTS else 'curves'}" for name in __all__}
)
