"""The machine and the software that a run was made with. Nothing is imported to learn its version."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

from bench.case import allowed_cores
from bench.workers import ROOT

# What decides the figures: the frameworks, what they compute with, and what measures and checks.
PACKAGES = (
    "fitbench numpy scipy autograd torch triton jax jaxlib equinox optax mpmath pytest pytest-benchmark pandas matplotlib"
).split()


def describe() -> dict[str, Any]:
    """The machine in JSON's terms; what the system does not tell is None."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
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
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


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
