"""The machine and the software that a run was made with. Nothing is imported to learn its version."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.case import allowed_cores
from bench.workers import ROOT

COMMIT = ("git_commit", "git_dirty")


@cache
def cpu_name() -> str:
    """The processor as the system names it."""
    if sys.platform == "linux":
        named = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
        found = {key.strip(): value.strip() for key, _, value in named}
        return found.get("model name") or platform.machine()
    if sys.platform == "darwin":
        words = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(words, capture_output=True, text=True).stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


def describe() -> dict[str, Any]:
    """The machine in JSON's terms; what the system does not tell is None."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "cpu": cpu_name(),
        "cores": psutil.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "affinity": allowed_cores() if hasattr(os, "sched_getaffinity") else None,
        "governor": _governor(),
        "load_average": list(load) if load else None,
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
        "python": platform.python_version(),
        "packages": _versions(),
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": None if (changes := _git("status", "--porcelain")) is None else bool(changes),
    }


def _versions() -> dict[str, str]:
    """Of every package installed: any of them may matter to whoever repeats the run."""
    found = importlib.metadata.distributions()
    return dict(sorted((package.metadata["Name"].lower(), package.version) for package in found))


def _governor() -> str | None:
    paths = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    governors = sorted({path.read_text().strip() for path in paths})
    return ", ".join(governors) or None


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
