"""Folders of compiled code: empty for a process that starts cold, shared by those that start warm."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.support.scratch import Scratch, left_over

SCRATCH = "cache"  # the kind of folder that goes when the run ends
MARKS = ".fitbench"  # in a folder: the cases whose code is in it


class Caches:
    """The folders of one run. With a `keep` folder they stay for later runs, and else go when the run ends."""

    def __init__(self, keep: Path | None = None) -> None:
        _remove_left_overs()
        self._scratch = Scratch(SCRATCH)
        self._root = keep or self._scratch.path / "warm"

    def folder(self, environment: Sequence[Any], cold: bool) -> Path:
        """A folder for one worker of this environment: whatever compiled code depends on, as JSON can hold it.

        The shared one is empty at first: a cold process takes it then, and leaves it to the warm ones.
        """
        name = hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:16]
        shared = self._root / name
        if cold and shared.exists():
            return Path(tempfile.mkdtemp(dir=self._scratch.path))
        shared.mkdir(parents=True, exist_ok=True)
        return shared

    def close(self) -> None:
        self._scratch.close()


def _remove_left_overs() -> None:
    """Of runs that were killed before they could remove their folder."""
    for folder in Path(tempfile.gettempdir()).glob("*"):  # nothing where it cannot be listed
        if left_over(folder, SCRATCH):
            shutil.rmtree(folder, ignore_errors=True)


def has(folder: Path, case: str) -> bool:
    """Whether a process compiled this case into the folder."""
    return Path(folder, MARKS, case).exists()


def mark(folder: Path, case: str) -> None:
    """Say that it has."""
    path = Path(folder, MARKS, case)
    path.parent.mkdir(exist_ok=True)
    path.touch()
