"""Two runs at once on one machine learn of each other, and say so: each spoils the other's timings.

A run leaves a file, named by its process, in a folder of the temporary one, which on Linux all users share. A file
whose process is gone, or is now another one of the same number, counts for nothing. Where the folder cannot be used,
nobody is warned.
Others write there too, so nothing that stands there is trusted: links are not followed, and only numbers are read.
"""

import json
import os
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psutil

FOLDER = "fitbench-runs"

# Of one process, two others can read slightly different times: the system derives them from a clock that is adjusted.
SAME_SECONDS = 2.0

MOST_BYTES = 500  # ours have 80


class Presence:
    """This process, as the other runs of the machine see it: `with Presence() as presence`, or announce and leave.

    `with` looks for others as it begins and as it ends. folder: where the runs meet.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.gettempdir()) / FOLDER
        self.file = self.folder / str(os.getpid())
        self.seen: set[int] = set()  # the processes of all runs that others() ever told

    def __enter__(self) -> "Presence":
        self.announce()
        self.others()
        return self

    def __exit__(self, *_: object) -> None:
        self.others()
        self.leave()

    def announce(self) -> None:
        """Leave our file, where the folder lets us."""
        told = {"pid": os.getpid(), "create_time": psutil.Process().create_time(), "started": time.time()}
        with suppress(OSError):
            _open_to_all(self.folder)
            self.file.unlink(missing_ok=True)  # of a dead process that had our number
            with self.file.open("x", encoding="utf-8") as file:  # "x" writes through no link that waits there
                file.write(json.dumps(told))
            self.file.chmod(0o644)

    def others(self) -> list[int]:
        """The processes of the other runs that go on now, sorted. Files of dead ones are removed, where we may."""
        found = [pid for pid in _numbers(self.folder) if pid != os.getpid() and _goes_on(self.folder / str(pid))]
        self.seen.update(found)
        return found

    def leave(self) -> None:
        """Take our file away."""
        with suppress(OSError):
            self.file.unlink(missing_ok=True)


def warning(pids: Collection[int], past: bool = False) -> str:
    """One line about the runs, one or more, that go on beside this one, or did."""
    listed = ", ".join(map(str, sorted(pids)))
    if len(pids) == 1:
        runs = f"another fitbench run {'was' if past else 'is'} going on on this machine (pid {listed})"
        return f"{runs}: both runs' timings {'suffered' if past else 'suffer'}"
    runs = f"{len(pids)} other fitbench runs {'were' if past else 'are'} going on on this machine (pids {listed})"
    return f"{runs}: all runs' timings {'suffered' if past else 'suffer'}"


def _open_to_all(folder: Path) -> None:
    """Make the folder, if it is not there: every user may add a file, and remove only their own."""
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link")


def _numbers(folder: Path) -> list[int]:
    try:
        return sorted(int(file.name) for file in folder.iterdir() if file.name.isascii() and file.name.isdigit())
    except OSError:
        return []


def _goes_on(file: Path) -> bool:
    """Whether the file is of a live run. Removes one whose process is gone."""
    told = _read(file)
    if told is None:
        return False
    if _alive(int(file.name), told):
        return True
    with suppress(OSError):
        file.unlink()
    return False


def _read(file: Path) -> float | None:
    """When the process of a file was created, in seconds since 1970; None for what is no file of ours."""
    try:
        if file.is_symlink() or not file.is_file():  # opening a pipe would wait
            return None
        with file.open("rb") as content:
            created = json.loads(content.read(MOST_BYTES))["create_time"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return created if isinstance(created, float) else None


def _alive(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < SAME_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it is there, and tells us no more: a needless warning does less harm than none
        return True
