"""What this process may use of the machine."""

import mmap
import os
import platform
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

CPUS = Path("/proc/cpuinfo")  # Linux
PROCESSES, TOPOLOGY = Path("/proc"), Path("/sys/devices/system/cpu")  # Linux
# What tells there which instructions a processor has: on x86, and on ARM.
ABILITIES = ("vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "CPU variant", "Features")

GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")  # Linux
# By version of cgroups: the limit, what is used, and what of that, in memory.stat, the system takes back when it must:
# the cache of files, which a pip install fills.
MEMORY = (
    ("", "memory.max", "memory.current", ("inactive_file", "active_file", "slab_reclaimable")),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
)


def allowed_cores() -> list[int]:
    """The cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def pin(pid: int, cores: Collection[int]) -> None:
    """Pin a process that runs to these cores: all threads that it has, and so those that they will start.

    Nothing where it has just ended. Linux alone has a list of threads; elsewhere its first thread alone is pinned.
    """
    wanted, moved = {*cores}, True
    while moved:  # a thread that was not yet pinned may have started another one meanwhile
        moved = False
        for thread in _threads(pid):
            with suppress(ProcessLookupError):
                if os.sched_getaffinity(thread) != wanted:
                    os.sched_setaffinity(thread, wanted)
                    moved = True


def _threads(pid: int) -> list[int]:
    try:
        return [int(task.name) for task in (PROCESSES / str(pid) / "task").iterdir()]
    except OSError:
        return [] if PROCESSES.exists() else [pid]


def apart(cores: Sequence[int], near: int) -> list[int]:
    """Of these cores, in their order, those that lie on the same memory as `near`, one of each physical core.

    Work on one slows down what runs on another as little as can be. All of them where the system tells nothing.
    """
    seen: set[frozenset[int]] = set()
    found = []
    for core in cores:
        siblings = frozenset(_cores_in(TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list") or [core])
        memory = next((_cores_in(node / "cpulist") for node in (TOPOLOGY / f"cpu{core}").glob("node[0-9]*")), [])
        if siblings not in seen and (not memory or near in memory):
            seen.add(siblings)
            found.append(core)
    return found


def _cores_in(file: Path) -> list[int]:
    """The cores that a file of Linux lists, as "0-3,8"; none where it tells nothing."""
    with suppress(OSError, ValueError):
        ranges = [part.partition("-") for part in file.read_text().strip().split(",")]
        return [core for first, _, last in ranges for core in range(int(first), int(last or first) + 1)]
    return []


@cache
def instructions() -> list[str]:
    """What the system tells of the instructions that its processors have: code compiled for some may die on others."""
    with suppress(OSError):
        lines = CPUS.read_text(errors="replace").splitlines()
        return sorted({line for line in lines if line.partition(":")[0].strip() in ABILITIES})
    return [platform.machine(), platform.processor()]


def available_memory() -> int:
    """Bytes that can be had: what the system has left, or less where a container, or one around it, says so."""
    return min([psutil.virtual_memory().available, *_left_in_groups()])


def page_seconds(pages: int = 1024, tries: int = 5) -> float | None:
    """What it takes the system at least to give a process a page of memory, in seconds of a core; None on Windows."""
    if os.name != "posix":
        return None

    def tried() -> float:
        with mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as fresh:
            begun = time.thread_time()
            fresh[:: mmap.PAGESIZE] = bytes(pages)
            return (time.thread_time() - begun) / pages

    return min(tried() for _ in range(tries))


def _left_in_groups() -> Iterator[int]:
    """What each control group of this process has left of its limit."""
    for controller, limit, used, reclaimable in MEMORY:
        root = GROUPS / controller
        group = root / _own_group(controller)
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                with suppress(OSError, ValueError):  # no limit ("max"), or nothing that we may read
                    needed = int((folder / used).read_text()) - _sum(folder / "memory.stat", reclaimable)
                    yield int((folder / limit).read_text()) - max(needed, 0)


def _sum(stat: Path, names: Collection[str]) -> int:
    """The sum of these lines of a file of names and numbers; 0 where there is none."""
    with suppress(OSError, ValueError):
        pairs = (line.split() for line in stat.read_text().splitlines())
        return sum(int(value) for name, value in pairs if name in names)
    return 0


def _own_group(controller: str) -> str:
    """The path of this process's group below the controller's root; the root itself where it is not told.

    A container may be told the path outside of it: what is not there is not read, and the root is the container's own.
    """
    with suppress(OSError, ValueError):
        for line in OWN.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return path.lstrip("/")
    return ""
