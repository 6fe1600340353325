"""How numbers are written for readers: three digits, thousands separators, a value and its interval together."""

import math
import re
from typing import Any

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOT_FIXED = "not fixed"


def number(value: Any, digits: int = 3) -> str:
    """Return a number to read: so many significant digits, whole numbers as they are, powers of ten where it is long.

    Examples
    --------
    >>> number(0.12345), number(60234.7), number(1500), number(0.0), number(float("nan"))
    ('0.123', '60,200', '1,500', '0', '–')
    >>> number(1.66e33), number(-3.2e-7), number(99.96), number(-1e-18)
    ('1.66 × 10³³', '−3.2 × 10⁻⁷', '100', '−1 × 10⁻¹⁸')
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value.is_integer() and abs(value) < 1e9:
        return f"{value + 0:,.0f}".replace("-", "−")
    factor, power = f"{value:.{digits - 1}e}".split("e")
    size = int(power)
    if not -4 < size < 9:
        factor = factor.rstrip("0").rstrip(".")
        return f"{factor} × 10{str(size).translate(_RAISED)}".replace("-", "−")
    decimals = max(0, digits - 1 - size)
    return f"{round(value, digits - 1 - size):,.{decimals}f}".replace("-", "−")


_LONG = re.compile(r"-?\d+(?:\.\d+)?e[+-]\d+")


def without_e(text: str) -> str:
    """Return a text whose numbers in e-notation are written for readers.

    >>> without_e("1e+03-fold above the deepest point (1.2e+03)")
    '1,000-fold above the deepest point (1,200)'
    """
    return _LONG.sub(lambda found: number(found[0]), text)


def with_interval(value: Any, low: Any, high: Any, digits: int = 3) -> str:
    """Return a value with its interval in brackets; an end that is not bounded is "not fixed", of no ends it is alone.

    Examples
    --------
    >>> with_interval(2.0, 1.5, 2.5), with_interval(900.0, 10.0, float("inf"))
    ('2 [1.50, 2.50]', '900 [10, not fixed]')
    >>> with_interval(1.3, 0.0, float("inf")), with_interval(1.3, float("nan"), float("nan"))
    ('1.30 (not fixed)', '1.30')
    """
    low, high = float(low), float(high)
    shown = number(value, digits)
    if math.isnan(low) or math.isnan(high):
        return shown
    if math.isinf(high) and (low <= 0 or math.isinf(low)):
        return f"{shown} ({NOT_FIXED})"
    ends = (NOT_FIXED if math.isinf(end) else number(end, digits) for end in (low, high))
    return f"{shown} [{', '.join(ends)}]"
