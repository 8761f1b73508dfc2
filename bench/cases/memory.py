"""How much memory the data of a case take: each fit file states how many arrays of N numbers it holds at its peak."""

from pathlib import Path

import numpy as np

from bench.backends import backends
from bench.cases.case import Case
from bench.support.imports import stated

STATED = "ARRAYS"  # its name in a fit file
UNSTATED = 32  # of a file that states none: more than any of ours
# Bytes a point in which x and y are made, whatever the fit: x and y in float64, and a temporary or the casts of them.
MAKING = 32
SHARED = ("cpu", "mps")  # devices whose memory is that of the machine
# What a case takes beside that, whatever its size: code that is compiled, and what the heap keeps of smaller arrays.
REST = 2**28


def data_bytes(case: Case, root: Path) -> int:
    """The most that the arrays of a case take at once, by its file under `root`, of the memory of the machine."""
    making = case.points * MAKING
    if case.device.partition(":")[0] not in SHARED:
        return making
    number = stated(root, f"impls.{case.variant}.{backends()[case.backend].fit}", STATED)
    arrays = UNSTATED if number is None else number
    return max(making, arrays * case.points * np.dtype(case.dtype).itemsize)
