"""The machine and the software that a run was made with. Nothing is imported to learn its version."""

import os
import platform
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.records.record import Machine
from bench.sides.side import Side
from bench.sides.variables import timing_variables
from bench.support.system import TOPOLOGY, allowed_cores, page_seconds

# What differs from run to run without making it another machine.
PASSING = (
    *("load_average", "page_seconds", "git_commit", "git_dirty", "other_runs", "environment", "code", "cut_short"),
    "command",
)

DARWIN = {"L1d": "l1dcachesize", "L2": "l2cachesize", "L3": "l3cachesize"}
SIZE, UNITS = re.compile(r"([1-9]\d*)([KMG]?)"), {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
ARM = ("CPU implementer", "CPU variant", "CPU part", "CPU revision")  # of each core


@cache
def cpu_name() -> str:
    """The processor as the system names it."""
    if sys.platform == "linux":
        return linux_name(Path("/proc/cpuinfo").read_text(errors="replace"), platform.machine())
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def linux_name(cpuinfo: str, architecture: str) -> str:
    """The processor by the text of /proc/cpuinfo. On ARM its name is that of the architecture at best, and numbers tell
    one from another: as many sets of them as there are kinds of cores.
    """
    named = [line.partition(":") for line in cpuinfo.splitlines()]
    pairs = [(key.strip(), value.strip()) for key, _, value in named]
    numbers = [f"{key} {value}" for key, value in pairs if key in ARM]
    cores = [", ".join(numbers[first : first + len(ARM)]) for first in range(0, len(numbers), len(ARM))]
    return "; ".join(dict.fromkeys([dict(pairs).get("model name") or architecture, *cores]))


@cache
def caches() -> dict[str, int]:
    """Bytes of the caches that data of one core go through, by name: "L1d", "L2", "L3"; none where the system does not
    tell.
    """
    if sys.platform == "linux":
        return linux_caches(TOPOLOGY / f"cpu{allowed_cores()[-1]}" / "cache")  # runs are pinned to the last
    if sys.platform == "darwin":
        told = {name: _sysctl(f"hw.perflevel0.{key}") or _sysctl(f"hw.{key}") for name, key in DARWIN.items()}
        return {name: int(size) for name, size in told.items() if size.isdecimal() and int(size)}
    return {}


def linux_caches(folder: Path) -> dict[str, int]:
    """As a folder of one core under /sys tells of them, from small to large; without those of instructions."""
    found = {}
    for index in folder.glob("index[0-9]*"):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction" and (known := SIZE.fullmatch(size)) is not None:
            found["L" + level + ("d" if kind == "Data" else "")] = int(known[1]) * UNITS[known[2]]
    return dict(sorted(found.items()))


def machine_of(side: Side) -> Machine:
    """The machine and the software of a side; what the system does not tell is None."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return Machine(
        cpu=cpu_name(),
        cores=psutil.cpu_count(),
        physical_cores=psutil.cpu_count(logical=False),
        affinity=allowed_cores() if hasattr(os, "sched_getaffinity") else None,
        governor=_governor(),
        load_average=list(load) if load else None,
        memory_bytes=psutil.virtual_memory().total,
        caches=caches(),
        page_seconds=page_seconds(),
        os=platform.platform(),
        python=side.python_version,
        packages=dict(side.packages),
        environment=timing_variables(side.environ()),
        git_commit=side.commit,
        git_dirty=side.dirty,
        controls=f"python {platform.python_version()}, numpy {version('numpy')}",
    )


def _sysctl(name: str) -> str:
    """What macOS says of this; nothing if it does not know it."""
    return subprocess.run(["sysctl", "-n", name], capture_output=True, text=True).stdout.strip()


def _governor() -> str | None:
    paths = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    governors = sorted({path.read_text().strip() for path in paths})
    return ", ".join(governors) or None
