"""What this process may use of the machine."""

import os
from pathlib import Path

import psutil


def allowed_cores() -> list[int]:
    """The cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def available_memory() -> int:
    """Bytes that can be had: what the system has left, or less where a container says so."""
    limit = Path("/sys/fs/cgroup/memory.max")
    free = psutil.virtual_memory().available
    if limit.exists() and (word := limit.read_text().strip()).isdigit():
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = min(free, int(word) - used)
    return free


def pinned_cores(threads: int) -> list[int] | None:
    """The cores that a worker is pinned to: the last ones allowed; None where processes cannot be pinned."""
    return allowed_cores()[-threads:] if hasattr(os, "sched_setaffinity") else None
