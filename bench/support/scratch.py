"""Temporary folders that are locked as long as their maker lives, so that what a killed one left can be removed.

A name or a process number would not do: containers that share the temporary folder have processes of the same numbers.
"""

import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

ALIVE = ".alive"  # in a folder: the file that its maker has locked
YOUNG_SECONDS = 60.0  # more than it takes from making a folder to locking it


class Scratch:
    """A new temporary folder, `path`, for `with` or until it is closed; or until Python ends, if that is forgotten."""

    def __init__(self, kind: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=f"fitbench-{kind}-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name).resolve()
        self._lock = FileLock(self.path / ALIVE, thread_local=False)
        with suppress(OSError, NotImplementedError):  # a file system without locks: nobody can have it, nor remove it
            self._lock.acquire(timeout=0)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder, as far as that is possible."""
        shutil.rmtree(self.path, ignore_errors=True)  # and once more: a worker that was killed may still be writing
        self._lock.release()  # Windows deletes no open file
        self._folder.cleanup()


def left_over(folder: Path, kind: str) -> bool:
    """Whether this is a folder of this kind, made by us, and its maker is gone."""
    if not re.fullmatch(rf"fitbench-{kind}-[^-]+", folder.name):
        return False
    try:
        if not _is_ours(folder) or _is_being_made(folder):
            return False
        with FileLock(folder / ALIVE, timeout=0):
            return True
    except (OSError, NotImplementedError):  # locked; or it cannot be told
        return False


def _is_ours(folder: Path) -> bool:
    """Another user's is not ours to remove, nor is what a link of theirs leads to ours to lock."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and (os.name != "posix" or found.st_uid == os.getuid())


def _is_being_made(folder: Path) -> bool:
    """Whether it may not have been locked yet: nothing is put there before that."""
    empty = all(one.name == ALIVE for one in folder.iterdir())
    return empty and time.time() - folder.stat().st_mtime < YOUNG_SECONDS
