"""The machine and the software that a run was made with. Nothing is imported to learn its version."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.records.record import Machine
from bench.sides.side import Side
from bench.sides.variables import timing_variables
from bench.support.system import allowed_cores, page_seconds

# What differs from run to run without making it another machine.
PASSING = ("load_average", "page_seconds", "git_commit", "git_dirty", "other_runs", "environment", "code", "cut_short")

ARM = ("CPU implementer", "CPU variant", "CPU part", "CPU revision")  # of each core


@cache
def cpu_name() -> str:
    """The processor as the system names it."""
    if sys.platform == "linux":
        return linux_name(Path("/proc/cpuinfo").read_text(errors="replace"), platform.machine())
    if sys.platform == "darwin":
        words = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(words, capture_output=True, text=True).stdout.strip() or platform.machine()
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
        page_seconds=page_seconds(),
        os=platform.platform(),
        python=side.python_version,
        packages=dict(side.packages),
        environment=timing_variables(side.environ()),
        git_commit=side.commit,
        git_dirty=side.dirty,
        controls=f"python {platform.python_version()}, numpy {version('numpy')}",
    )


def _governor() -> str | None:
    paths = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    governors = sorted({path.read_text().strip() for path in paths})
    return ", ".join(governors) or None
