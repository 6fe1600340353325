"""Claims about the loss of masked reconstruction: whether it has a floor, and whether it tells the information."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.findings.claims import P1, P3
from helpers.findings.losses import floor_verdict
from helpers.findings.phrases import place
from helpers.findings.verdicts import Claim, Count, one

# A rank correlation from which on one quantity explains half the variance of the other's ranks.
CLOSE = 0.5**0.5


def floors(published: pd.DataFrame, measured: pd.DataFrame) -> list[Claim]:
    """Judge whether a floor of the loss, hence an entropy, is identified (``losses.floor_table`` of each)."""
    rows = []
    for name, table, change in (
        ("published runs", published, "larger models: only a floor below all of them can be read off"),
        ("our runs on spleen", measured, "models larger than S on more cells, which needs a GPU"),
    ):
        some = table[table["loss"] == "mse"]
        identified = floor_verdict(table, "mse").startswith("identified")
        bounded = len(some) > 1 and (some["floor"] == "bounded").all()
        against = not identified and (bounded or (some["floor"] == "above a size").any())
        c, states = some.iloc[0], [state for state in dict.fromkeys(some["floor"]) if state != "bounded"]
        rows.append(Claim(
            f"The loss has a floor that measures an entropy: {name}", P3,
            "the floor is bounded and below every size, and stays so, in the same interval, without the smallest size; "
            "fails if it is above a size or moves out of its interval; unbounded: open",
            f"floor {c['c']:.3f}, best size {c['least']:.3f}: {' and '.join(states or ['bounded'])}",
            one(Count(int(identified), int(against), 1)), "modalities/masked_reconstruction", "masked reconstruction",
            f"[{c['c_low']:.2f}, {c['c_high']:.2f}] with all sizes, {c['points']} runs", change,
        ))  # fmt: skip
    return rows


def loss_is_not_information(probed: pd.DataFrame) -> Claim:
    """Judge whether a lower loss means more information about the cell type, over trained runs."""
    rank, n = float(spearmanr(-probed["test_loss"], probed["mi_bits"]).statistic), len(probed)
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(rank) + np.array([-1.96, 1.96]) / np.sqrt(n - 3))
        needed = 3 + (1.96 / (np.arctanh(CLOSE) - np.arctanh(rank))) ** 2
    told = place(low, high, CLOSE, ("holds", "not decided", "does not hold"))
    return Claim(
        "The loss of masked prediction does not tell how informative a representation is", P1,
        f"the interval of the rank correlation of lower loss with more bits is below {CLOSE:.2f}, half the variance of "
        "the ranks (above: fails)",
        f"rank correlation {rank:.2f} over {n} trained runs", told, "modalities/masked_reconstruction",
        "masked reconstruction", f"[{low:.2f}, {high:.2f}]",
        f"{np.ceil(needed):.0f} runs, if the correlation stays" if told == "not decided" else "runs on other signals",
    )  # fmt: skip
