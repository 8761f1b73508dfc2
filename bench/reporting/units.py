"""Numbers as readers read them: three significant digits, in the unit that suits their size."""

import math
from decimal import Decimal

DIGITS = 3
SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))


def significant(value: float, digits: int = DIGITS) -> str:
    """So many significant digits, trailing zeros kept, no exponent: "0.000123", "15.0", "1230"."""
    return format(Decimal(_rounded(value, digits)), "f")


def seconds(value: float) -> str:
    """A duration given in seconds: 1.4946e-05 is "14.9 µs"."""
    scale, name = _unit(value, SECONDS)
    return f"{significant(value / scale)} {name}"


def spread(middle: float, low: float, high: float) -> str:
    """Durations given in seconds, all in the unit of the middle one: "14.9 µs (14.8 to 15.3)".

    Without the brackets where an end is NaN: nothing is known of it.
    """
    if math.isnan(low) or math.isnan(high):
        return seconds(middle)
    scale, _ = _unit(middle, SECONDS)
    return f"{seconds(middle)} ({significant(low / scale)} to {significant(high / scale)})"


def alike(one: float, other: float) -> tuple[str, str]:
    """Two durations given in seconds, in the unit of the second, which alone is named: "27.3" and "32.7 µs"."""
    scale, _ = _unit(other, SECONDS)
    return significant(one / scale), seconds(other)


def count(value: float, infinite: str = "never") -> str:
    """So many, not negative, to three digits, with thousands apart: 31234.2 is "31 200", 12.1 is "13"; infinitely many
    is a word. The spaces do not break.
    """
    if math.isinf(value):
        return infinite
    whole = math.ceil(value) if value < 1000 else int(Decimal(_rounded(value)))
    return f"{whole:,}".replace(",", "\u00a0")


def counts(middle: float, low: float, high: float, infinite: str = "never") -> str:
    """So many, with an interval, "31 200 (28 000 to 36 000)"; without the brackets where an end is NaN."""
    if math.isnan(low) or math.isnan(high):
        return count(middle, infinite)
    return f"{count(middle, infinite)} ({count(low, infinite)} to {count(high, infinite)})"


def memory(value: float) -> str:
    """A size given in bytes, in binary units: 37302272 is "35.6 MiB"."""
    scale, name = _unit(value, BYTES)
    return f"{significant(value / scale)} {name}"


def speed(ratio: float, digits: int = DIGITS) -> str:
    """How much faster than the baseline, given the baseline's duration over this one: 4.0 is "4.00x faster", 0.25 is
    "4.00x slower"; what rounds to 1 is "as fast".
    """
    factor = significant(max(ratio, 1 / ratio), digits)
    if float(factor) == 1:
        return "as fast"
    return f"{factor}x faster" if ratio > 1 else f"{factor}x slower"


def speeds(ratio: float, low: float, high: float) -> str:
    """`speed`, and the interval of the same factor, "2.50x slower (2.40 to 2.61)"; without the brackets where an end is
    NaN. An end beyond as fast is less than 1.
    """
    if math.isnan(low) or math.isnan(high):
        return speed(ratio)
    ends = (low, high) if ratio >= 1 else (1 / high, 1 / low)
    return f"{speed(ratio)} ({significant(ends[0])} to {significant(ends[1])})"


def error(value: float) -> str:
    """A relative error: "3.6e-06"."""
    return f"{value:.1e}"


def percent(fraction: float) -> str:
    """A fraction of 1: 0.0843 is "8.43 %"."""
    return f"{significant(100 * fraction)} %"


def _rounded(value: float, digits: int = DIGITS) -> str:
    return f"{value:.{digits - 1}e}"


def _unit(value: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """The largest unit of which there is at least one once the value is rounded, so that 999.9 ns are 1.00 µs."""
    return next((unit for unit in units if float(_rounded(value / unit[0])) >= 1), units[-1])
