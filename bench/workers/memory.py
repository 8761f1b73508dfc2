"""The peak memory of this process."""

from pathlib import Path

import psutil

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux


def peak_memory() -> int:
    """The largest resident size of this process in bytes, since `forget_peak_memory` where that works."""
    if STATUS.exists():
        lines = STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    used = psutil.Process().memory_info()
    if hasattr(used, "peak_wset"):  # Windows
        return used.peak_wset
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def forget_peak_memory() -> None:
    """Let the peak start again from what is resident now, where the system can."""
    if CLEAR.exists():
        CLEAR.write_text("5")
