"""Where a run's JSON goes: a file that can be written, and holds nothing that would be missed."""

import itertools
import os
from datetime import datetime
from pathlib import Path

from bench.measuring.unfinished import journal_of
from bench.records.reading import load
from bench.sides.code import ROOT
from bench.support.errors import InputError
from bench.support.files import try_to_write

OPTION = "--benchmark-json"
REPORTS = ROOT / "reports"


def usual(folder: Path = REPORTS) -> Path:
    """A new file in the folder, for a run of which nobody said where to keep it. Raises InputError."""
    now = f"bench-{datetime.now():%Y-%m-%d-%H%M%S}"
    names = itertools.chain([now], (f"{now}-{number}" for number in itertools.count(2)))
    paths = (Path(os.path.relpath(folder)) / f"{name}.json" for name in names)
    path = next(path for path in paths if not path.exists() and not journal_of(path).exists())
    _try_to_write(path, f"{path.parent}: a run is kept there unless {OPTION} says where, and it")
    return path


def given(path: Path) -> Path:
    """The file that a user gave. Raises InputError if it cannot be written, or holds anything but an earlier run."""
    _try_to_write(path, f"{OPTION} {path}:")
    if path.is_file() and path.stat().st_size:  # no device
        try:
            load(path)
        except InputError as error:
            told = str(error).removeprefix(f"{path}: ")
            raise InputError(f"{OPTION} {path}: would be overwritten, and is no run of fitbench ({told})") from None
    return path


def _try_to_write(path: Path, whose: str) -> None:
    """Find out before the run, not after it, that its JSON cannot be written."""
    try:
        try_to_write(path)
    except OSError as error:
        raise InputError(f"{whose} cannot be written ({error.strerror})") from None
