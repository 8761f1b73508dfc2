"""Programs by the name under which a user's shell finds those of this interpreter."""

import shutil
import sys
from pathlib import Path


def program(name: str) -> str:
    """`pytest`, say, where that is the one beside this interpreter; else the way to it, from here if it lies below.

    For commands that are printed to be run: another Python's would lack our packages.
    """
    ours, found = Path(sys.executable).with_name(name), shutil.which(name)
    if not ours.exists() or (found is not None and Path(found).absolute() == ours):
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)
