"""Claims about the loss of masked reconstruction: whether it has a floor, and whether it tells the information."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.findings.claims import claim
from helpers.findings.losses import floor_verdict
from helpers.findings.phrases import place
from helpers.findings.verdicts import Claim, Count, one

# A rank correlation from which on one quantity explains half the variance of the other's ranks.
CLOSE = 0.5**0.5


def floors(published: pd.DataFrame, measured: pd.DataFrame) -> list[Claim]:
    """Judge whether a floor of the loss, hence an entropy, is identified (``losses.floor_table`` of each)."""
    return [_floor("floor_published", published), _floor("floor_here", measured)]


def _floor(name: str, table: pd.DataFrame) -> Claim:
    rows = table[table["loss"] == "mse"]
    first, states = rows.iloc[0], list(dict.fromkeys(rows["floor"]))
    identified = floor_verdict(table, "mse").startswith("identified")
    moves = len(rows) > 1 and states == ["bounded"]
    against = not identified and (moves or "above a size" in states)
    sure = f"[{first['c_low']:.2f}, {first['c_high']:.2f}] with all sizes, {first['points']} runs"
    reasons = " and ".join(state for state in states if state != "bounded") or "bounded"
    verdict = one(Count(int(identified), int(against), 1))
    return claim(name, verdict, sure, c=first["c"], least=first["least"], states=reasons)


def loss_is_not_information(probed: pd.DataFrame) -> Claim:
    """Judge whether a lower loss means more information about the cell type, over trained runs."""
    rank, n = float(spearmanr(-probed["test_loss"], probed["mi_bits"]).statistic), len(probed)
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(rank) + np.array([-1.96, 1.96]) / np.sqrt(n - 3))
        needed = 3 + (1.96 / (np.arctanh(CLOSE) - np.arctanh(rank))) ** 2
    verdict = place(low, high, CLOSE, ("holds", "not decided", "does not hold"))
    change = (
        f"{np.ceil(needed):.0f} runs, if the correlation stays" if verdict == "not decided" else "runs on other signals"
    )
    sure = f"[{low:.2f}, {high:.2f}]"
    return claim("loss_is_not_information", verdict, sure, close=CLOSE, rank=rank, runs=n, change=change)
