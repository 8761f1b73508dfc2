"""A fixed computation that tells how fast the machine is at the moment, whatever is being compared.

It is half interpreter, half arithmetic on an array of the size of the fits, since machines slow down in either way
(a neighbour on the sibling of a core, a lower clock). Runs of different commits are compared by it: never change it
without a new name for what it records.
"""

import time

import numpy as np

POINTS = 2000
PASSES = 120


def yardstick() -> float:
    """Seconds that it took: some milliseconds."""
    x = np.linspace(0.0, 1.0, POINTS)
    begun = time.perf_counter()
    total, count = 0.0, 0
    for step in range(PASSES):
        total += float((x * x + step).sum())
        for k in range(100):
            count += k & 3
    return time.perf_counter() - begun
