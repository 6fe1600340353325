"""How tables look in notebooks and in the book; importing this sets it."""

import pandas as pd

# Whole sentences, and no more digits than mean anything.
pd.set_option("display.max_colwidth", 250)
pd.set_option("display.precision", 3)


def facts(values: dict[str, object]) -> pd.DataFrame:
    """Return named values as a table to read.

    >>> facts({"cells": 700}).loc["cells", "value"]
    700
    """
    return pd.Series(values, dtype=object).to_frame("value")
