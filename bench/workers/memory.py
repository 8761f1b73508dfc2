"""The memory of this process: what it holds, its peak, the pages that the system had to give, and giving them back."""

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

import psutil

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux, though not every sandbox of it


def resident_memory() -> int:
    """The resident size of this process in bytes."""
    return psutil.Process().memory_info().rss


def peak_memory() -> int:
    """The largest resident size of this process in bytes, since `forget_peak_memory` where that works."""
    with suppress(OSError, StopIteration):
        lines = STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    used = psutil.Process().memory_info()
    if hasattr(used, "peak_wset"):  # Windows
        return used.peak_wset
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak_memory() -> None:
    """Let the peak start again from what is resident now, where the system can."""
    with suppress(OSError):
        CLEAR.write_text("5")


def page_faults() -> int | None:
    """How many pages the system had to give to this process, without a disk, since it began; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def give_back() -> None:
    """Let the system have what was freed. glibc alone keeps freed memory, and can be told to let it go."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
