"""The error of adding up terms in order, one after another into an accumulator, as matrix products do.

A partial sum S is a multiple of u, the unit in its last place, and so it is after the next term t has been added: that
errs by what is left of t beyond a multiple of u. Remainders are as good as random in plus or minus u/2 as long as terms
change by more than u from one to the next. In a long sum they do not: terms that are all but the same err alike, and
each of their squares counts as many times as there are of them. docs/measurement.md derives this and compares it with
sums.
"""

import math
from typing import Any

import numpy as np

# Of a number of no special size: it is 2^k to 2^(k+1), with s/2^k as likely between s and s + ds as ds/s.
MEAN_UNIT = 1 / (2 * math.log(2))  # its unit, in eps of it
REMAINDER = math.sqrt(3 / (8 * math.log(2)) / 12)  # the root mean square of a remainder, in eps of it
# Where the autocorrelation of remainders, 1 - 6 d + 6 d^2 for terms that are d units apart, falls to 0.
REACH = (3 - math.sqrt(3)) / 6
BLOCKS = 4  # of fewer, a sum errs like one that is not cut into blocks
TINY = float(np.finfo(float).tiny)
ORDERS = (1, 2, 3)  # of the derivatives that may vanish: those of x^3 times a residual do, up to the third


def errors_in_order(
    terms: np.ndarray, change: np.ndarray, count: int, lanes: int, eps: float, block: float = math.inf, onto: Any = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The expected error of sums of `count` terms that so many lanes add in order, in turns, in two parts, of shape
    (...): what is another in the next step, and what is the same, as terms change within REACH units only.

    terms: those at places spread evenly over the sums, shape (..., places); change: what they change by from step to
    step; block: after how many terms a lane begins anew, where such sums of blocks are added pairwise; onto: what they
    are added to from the beginning, shape (..., 1), as a product is that a compiler has joined with a sum.
    """
    partial = np.abs(onto + np.cumsum(terms, axis=-1) * count / terms.shape[-1] / lanes)
    if count > BLOCKS * block * lanes:  # from 0 to a block's sum: the root mean square of such is 1/sqrt(3) of it
        partial = block * np.abs(terms) / math.sqrt(3)
    unit = MEAN_UNIT * eps * partial
    squares = _alike(terms, count, unit) * partial**2
    same = np.minimum(REACH * unit / np.maximum(np.abs(change), TINY), 1)
    parts = np.mean(squares * (1 - same), axis=-1), np.mean(squares * same, axis=-1)
    other, again = (REMAINDER * eps * np.sqrt(count * part) for part in parts)
    return other, again


def _alike(terms: np.ndarray, count: int, unit: np.ndarray) -> np.ndarray:
    """How many terms about each place err alike, as they are within REACH units of its own; by the derivative of the
    lowest order that does not vanish.
    """
    apart = (count - 1) / (terms.shape[-1] - 1)
    found, derivative = np.full(terms.shape, float(count)), terms
    for order in ORDERS:
        derivative = np.gradient(derivative, apart, axis=-1)
        change = np.maximum(np.abs(derivative), TINY) / math.factorial(order)
        found = np.minimum(found, (REACH * unit / change) ** (1 / order))
    return np.maximum(found, 1)
