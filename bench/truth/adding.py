"""The error of adding up terms in order, one after another into an accumulator, as matrix products do.

A partial sum S is a number of the dtype, a multiple of the unit in its last place u(S). So is S + t once it is rounded:
it errs by the remainder of the term t to a multiple of u(S), whatever S is. Such remainders are as good as random in
plus or minus u/2 while terms change by more than u from one to the next. Terms that change less err alike for u / change
terms, and each of their squares counts that many times. docs/measurement.md derives this and compares it with sums.
"""

import math

import numpy as np

# Of a number S of no special size, 2^k <= |S| < 2^(k+1), with S/2^k as likely in [s, s + ds] as ds/s: u / (eps |S|).
MEAN_UNIT = 1 / (2 * math.log(2))
ROOT_MEAN_SQUARE_UNIT = math.sqrt(3 / (8 * math.log(2)))
REMAINDER = ROOT_MEAN_SQUARE_UNIT / math.sqrt(12)  # the root mean square of what is uniform in plus or minus u/2


def error_in_order(terms: np.ndarray, count: int, lanes: int, eps: float) -> np.ndarray:
    """The expected error of sums of `count` terms, that many `lanes` add in order, in turns.

    terms: those at places spread evenly over the sums, shape (..., places). Returns shape (...).
    """
    places = terms.shape[-1]
    partial = _size(np.cumsum(terms, axis=-1)) * count / places / lanes
    change = _size(np.diff(terms, axis=-1)) * (places - 1) / (count - 1)
    # In any lane the next term is `lanes` points on; between two of its terms come those of the other lanes, that err
    # like it, since their partial sums are all but the same.
    alike = np.clip(MEAN_UNIT * eps * partial / np.maximum(change, np.finfo(float).tiny), 1, count)
    return REMAINDER * eps * partial * np.sqrt(count * alike)


def _size(values: np.ndarray) -> np.ndarray:
    """The root mean square along the last axis."""
    return np.sqrt(np.mean(values**2, axis=-1))
