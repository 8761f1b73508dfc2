"""The words of a command line as values; what is wrong with one is an InputError that names its option. And numbers of
things, in words.
"""

import math
import re
from collections.abc import Collection, Iterable
from decimal import Decimal

from bench.support.errors import InputError

EXPONENT = re.compile(r"[+-]?[\d_]+(\.\d*)?[eE][+-]?\d+")  # as in 1e6
LARGEST = 2**53  # whole number that other programs read from JSON as it was written
SHOWN = 50  # characters of a word that a message quotes


def counted(number: int, noun: str) -> str:
    """ "1 round", "2 rounds"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def span(numbers: Collection[int]) -> str:
    """ "3", or "3 to 5", of the least of them and the largest; there is one at least."""
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def listed(values: Iterable[str]) -> tuple[str, ...]:
    """The words of an option that may be repeated and may hold commas, each once."""
    return tuple(dict.fromkeys(word.strip() for value in values for word in value.split(",")))


def names(option: str, values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The names asked for, in the order in which they are shown everywhere; all of them if none was."""
    asked, known = listed(values), tuple(allowed)
    for word in asked:
        if word not in known:
            raise InputError(f"{option} {word!r}: unknown; allowed: {', '.join(known)}")
    return tuple(name for name in known if name in asked) if asked else known


def number(option: str, word: str, least: int, most: int | None = None) -> int:
    """The whole number that an option was given. Raises InputError for another word, and outside of least to most."""
    allowed = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    value = _whole(word)
    if value is None:
        raise InputError(f"{option} {_short(word)!r}: not a whole number; allowed: {allowed}")
    if value < least or value > (LARGEST if most is None else most):
        allowed = allowed if value < least or most is not None else f"a whole number from {least} to {LARGEST}"
        raise InputError(f"{option} {_short(word)}: out of range; allowed: {allowed}")
    return value


def _whole(word: str) -> int | None:
    """The whole number that is written as 1000000, 1_000_000 or 1e6; None for another word.

    What is beyond any that can be meant is LARGEST + 1: written out, 1e999999999 would fill the memory.
    """
    try:
        if EXPONENT.fullmatch(word.strip()) is None:
            return int(word)
        value = Decimal(word.strip())
    except (ValueError, ArithmeticError):
        return None
    if value.adjusted() >= LARGEST.bit_length():
        return (LARGEST + 1) * (-1 if value < 0 else 1)
    return int(value) if value == value.to_integral_value() else None


def _short(word: str) -> str:
    return word if len(word) <= SHOWN else f"{word[:SHOWN]}..."


def fraction(option: str, word: str) -> float:
    """The fraction of 1 that an option was given, as "5%" or "0.05". Raises InputError outside of 0 to 1."""
    allowed = "more than 0% and less than 100%, as in 5% or 0.05"
    try:
        value = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        raise InputError(f"{option} {word!r}: not a percentage; allowed: {allowed}") from None
    if not 0 < value < 1:
        raise InputError(f"{option} {word}: out of range; allowed: {allowed}")
    return value


def seconds(option: str, word: str) -> float:
    """The seconds that an option was given. Raises InputError unless they are more than 0 and finite."""
    try:
        value = float(word)
    except ValueError:
        raise InputError(f"{option} {word!r}: not a number; allowed: seconds, more than 0") from None
    if not 0 < value < math.inf:
        raise InputError(f"{option} {word}: out of range; allowed: seconds, more than 0")
    return value
