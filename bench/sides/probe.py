"""What another interpreter is: `python bench/probe.py NAME ...` prints it as one JSON object.

Any Python since 3.6 must be able to run this, to be told by name that it is too old: standard library, old syntax.
"""

import os
import sys

if __name__ == "__main__":
    # A script's folder is put first on the path; ours would hide whatever is called like one of bench's modules.
    _ours = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    sys.path = [entry for entry in sys.path if os.path.realpath(entry) != _ours]

import importlib.util
import json
import platform
import re
from typing import Any

# Libraries that compute and that nothing requires by name where they come from conda or from the system.
RUNTIMES = ["mkl", "intel-openmp", "tbb", "pytorch-triton", "jax-metal"]
MEASURING = ["pytest-benchmark"]  # what it requires computes nothing
OPTIONAL = re.compile(r";.*\bextra\s*==")
PLUGINS = re.compile(r"jax|libtpu|nvidia-|triton")  # of what is optional, as in jax[cuda12], these compute


def installed() -> dict:
    """The installed distributions and their versions by lower-case name, sorted; the one that would be imported, of
    several.
    """
    try:
        from importlib import metadata  # since Python 3.8
    except ImportError:
        return {}
    found: dict = {}
    for package in metadata.distributions():
        told = package.metadata  # is read anew each time
        if told["Name"] and told["Version"]:  # half-removed ones have neither
            found.setdefault(told["Name"].lower(), (package, told["Version"]))
    return dict(sorted(found.items()))


def needed(names: list) -> dict:
    """The versions of the distributions of these names and of what they require; the rest is nobody's business."""
    found = installed()
    by_name = {_plain(name): name for name in found}
    kept = {name for name in MEASURING if name in found}
    waiting = [*names, *RUNTIMES]
    while waiting:
        name = by_name.get(_plain(waiting.pop()))
        if name is not None and name not in kept:
            kept.add(name)
            waiting += _required(found[name][0])
    return {name: version for name, (_, version) in found.items() if name in kept}


def _required(package: Any) -> list:
    """The names in its requirements, which read `name[extra]>=1; marker`."""
    lines = [line for line in package.requires or [] if not OPTIONAL.search(line) or PLUGINS.match(line)]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines]


def _plain(name: str) -> str:
    """A name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def absent(names: list) -> list:
    """Those of the packages that cannot be found. None is imported."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def facts(names: list) -> dict:
    """What is told: bench.sides.side.Interpreter is its type."""
    return {
        "python": platform.python_version(),
        "release": list(sys.version_info[:2]),
        "packages": needed(names),
        "absent": absent(names),
    }


if __name__ == "__main__":
    print(json.dumps(facts(sys.argv[1:])))
