"""How much memory the data of a case take: each fit file states how many arrays of N numbers it holds at its peak.

The numbers were measured: a worker's peak above what was resident before the data were made, over the fit and some
rounds, for 2 10^7 points in float32 and 10^7 in float64, where each array is mapped by itself and goes as it is freed;
rounded up. With 2 10^6 and 3.9 10^6 points the heap keeps some of what was freed: eager torch, which frees a whole tape
in every step, then held up to 4.6 times as many, all others about as many and what compiling leaves.
"""

from pathlib import Path

import numpy as np

from bench.backends import backends
from bench.cases.case import Case
from bench.support.imports import stated

STATED = "ARRAYS"  # its name in a fit file
UNSTATED = 32  # of a file that states none: more than any of ours
# Arrays of at least so many bytes are mapped by themselves, in glibc; of smaller ones the heap may keep what was freed.
MAPPED, KEPT = 2**25, 4  # and so hold so many times as much
SHARED = ("cpu", "mps")  # devices whose memory is that of the machine
# What a case takes beside that, whatever its size: code that is compiled, above all.
REST = 2**28


def data_bytes(case: Case, root: Path) -> int:
    """The most that the arrays of a case take at once, by its file under `root`, of the memory of the machine."""
    array = case.points * np.dtype(case.dtype).itemsize
    making = 2 * case.points * np.dtype("float64").itemsize + 2 * array  # x and y, and the casts of them
    if case.device.partition(":")[0] not in SHARED:
        return making
    arrays = stated(root, f"impls.{case.variant}.{backends()[case.backend].fit}", STATED)
    if arrays is None:
        return UNSTATED * array
    return max(making, arrays * array * (KEPT if array < MAPPED else 1))
