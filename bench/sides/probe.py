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


def installed() -> dict:
    """The installed distributions, lower-case name to version, sorted; the one that would be imported, of several."""
    try:
        from importlib import metadata  # since Python 3.8
    except ImportError:
        return {}
    found: dict = {}
    for package in metadata.distributions():
        name, version = package.metadata["Name"], package.metadata["Version"]
        if name and version:  # half-removed ones have neither
            found.setdefault(name.lower(), version)
    return dict(sorted(found.items()))


def absent(names: list) -> list:
    """Those of the packages that cannot be found. None is imported."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def facts(names: list) -> dict:
    """What is told: bench.sides.side.Interpreter is its type."""
    return {
        "python": platform.python_version(),
        "release": list(sys.version_info[:2]),
        "packages": installed(),
        "absent": absent(names),
    }


if __name__ == "__main__":
    print(json.dumps(facts(sys.argv[1:])))
