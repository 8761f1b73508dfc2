"""Two runs at once on one machine learn of each other: each takes cores of its own, and says that timings suffer.

A run leaves a file, named by its process, in a folder of the temporary one, which on Linux all users share. It tells
the cores that the run has. A file whose process is gone, or is now another one of the same number, counts for nothing.
Where the folder cannot be used, nobody is warned.
Others write there too, so nothing that stands there is trusted: links are not followed, only numbers are read, and only
of processes of the user who wrote them.
"""

import json
import os
import random
import tempfile
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.support.errors import InputError
from bench.support.system import allowed_cores

FOLDER = "fitbench-runs"

# Of one process, two others can read slightly different times: the system derives them from a clock that is adjusted.
SAME_SECONDS = 2.0

MOST_BYTES = 100_000  # ours have 100, and 6 a core

TRIES, PAUSE_SECONDS = 50, (0.01, 0.1)  # of runs that choose the same cores at the same moment


class Told(NamedTuple):
    """What a file tells: when its process was created, in seconds since 1970, and the cores that it has."""

    created: float
    cores: list[int]


class Presence:
    """This process, as the other runs of the machine see it: `with Presence(1) as presence`, or announce and leave.

    `with` announces, if that was not done before, and looks for others as it begins and as it ends.
    threads: for how many of them cores are needed. folder: where the runs meet. share: whether cores that another run
    has will do where too few are free.
    cores: those of this run, once it is announced; None where processes cannot be pinned.
    """

    def __init__(self, threads: int, folder: Path | None = None, share: bool = False) -> None:
        self.threads, self.share = threads, share
        self.folder = folder or Path(tempfile.gettempdir()) / FOLDER
        self.file = self.folder / str(os.getpid())
        self.seen: set[int] = set()  # the processes of all runs that others() ever told
        self.cores: list[int] | None = None
        self._announced = False

    def __enter__(self) -> "Presence":
        if not self._announced:
            self.announce()
        self.others()
        return self

    def __exit__(self, *_: object) -> None:
        self.others()
        self.leave()

    def announce(self, before: Collection[int] = ()) -> None:
        """Choose the last allowed cores that no other run has, and leave our file, where the folder lets us.

        before: cores that the run had before it was ended, and goes on with. Raises InputError, which names who has
        the cores, if too few are free.
        """
        if not hasattr(os, "sched_setaffinity"):
            self._write()
            return
        for _ in range(TRIES):
            self.cores = self._free(before)
            self._write()
            # Each writes before it looks: of two that chose the same core, at least the later one sees the other.
            if self.share or not _owners(self._running()).keys() & {*self.cores}:
                return
            self.leave()
            time.sleep(random.uniform(*PAUSE_SECONDS))  # or both would choose at the same moment again
        raise InputError(f"cores: other runs chose the same ones {TRIES} times, at the same moments; try again")

    def _free(self, before: Collection[int]) -> list[int]:
        owners, allowed = _owners(self._running()), allowed_cores()
        lost = {core: owners[core] for core in before if core in owners}
        others = [core for core in allowed if core not in owners and core not in before]
        free = [*others, *sorted({*before} - {*lost})]
        if self.share and (lost or len(free) < self.threads):
            return allowed[-self.threads :]
        if lost:
            raise InputError(f"--resume: {_having(lost)}, which this run had until it ended; wait until that ends")
        if len(free) < self.threads:
            taken = {core: owners[core] for core in allowed if core in owners}
            needed = f"{self.threads} needed, {len(free)} free of {len(allowed)}"
            raise InputError(f"cores: {needed}, as {_having(taken)}; wait until that ends")
        return free[-self.threads :]

    def _write(self) -> None:
        self._announced = True
        created, cores = psutil.Process().create_time(), self.cores or []
        told = {"pid": os.getpid(), "create_time": created, "started": time.time(), "cores": cores}
        for _ in range(TRIES):
            try:
                _open_to_all(self.folder)
                self.file.unlink(missing_ok=True)  # of a dead process that had our number
                with self.file.open("x", encoding="utf-8") as file:  # "x" writes through no link that waits there
                    file.write(json.dumps(told))
                self.file.chmod(0o644)
            except FileNotFoundError:  # another run has removed the folder meanwhile, as it was empty
                continue
            except OSError:
                pass
            return

    def spare(self) -> list[int] | None:
        """The cores of this run, and after them all that no other run has now: for what is not timed."""
        if self.cores is None:
            return None
        owners = _owners(self._running())
        return [*self.cores, *(core for core in allowed_cores() if core not in owners and core not in self.cores)]

    def others(self) -> list[int]:
        """The processes of the other runs that go on now, sorted. Files of dead ones are removed, where we may."""
        found = list(self._running())
        self.seen.update(found)
        return found

    def _running(self) -> dict[int, list[int]]:
        """The other runs that go on now, by process, and the cores that each has."""
        told = {pid: _going_on(self.folder / str(pid)) for pid in _numbers(self.folder) if pid != os.getpid()}
        return {pid: one.cores for pid, one in told.items() if one is not None}

    def leave(self) -> None:
        """Take our file away, and the folder with the last one."""
        self._announced = False
        with suppress(OSError):
            self.file.unlink(missing_ok=True)
            self.folder.rmdir()


def warning(pids: Collection[int], past: bool = False) -> str:
    """One line about the runs, one or more, that go on beside this one, or did."""
    listed = ", ".join(map(str, sorted(pids)))
    if len(pids) == 1:
        runs = f"another fitbench run {'was' if past else 'is'} going on on this machine (pid {listed})"
        return f"{runs}: both runs' timings {'suffered' if past else 'suffer'}"
    runs = f"{len(pids)} other fitbench runs {'were' if past else 'are'} going on on this machine (pids {listed})"
    return f"{runs}: all runs' timings {'suffered' if past else 'suffer'}"


def _owners(running: Mapping[int, Collection[int]]) -> dict[int, int]:
    """By core, the run that has it."""
    return {core: pid for pid, cores in running.items() for core in cores}


def _having(owners: Mapping[int, int]) -> str:
    """Who has which cores, in words."""
    runs = {pid: [core for core, one in owners.items() if one == pid] for pid in sorted({*owners.values()})}
    told = ", ".join(
        f"core{'s' * (len(cores) > 1)} {' and '.join(map(str, sorted(cores)))} (pid {pid})"
        for pid, cores in runs.items()
    )
    return f"another fitbench run has {told}" if len(runs) == 1 else f"other fitbench runs have {told}"


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


def _going_on(file: Path) -> Told | None:
    """What the file of a live run tells. Removes one whose process is gone."""
    told = _read(file)
    if told is None:
        return None
    if _alive(file, told.created):
        return told
    with suppress(OSError):
        file.unlink()
    return None


def _read(file: Path) -> Told | None:
    """What a file tells; None for what is no file of ours. A run of an older revision tells no cores."""
    try:
        if file.is_symlink() or not file.is_file():  # opening a pipe would wait
            return None
        with file.open("rb") as content:
            told = json.loads(content.read(MOST_BYTES))
        created, cores = told["create_time"], told.get("cores", [])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(created, float) or not isinstance(cores, list):
        return None
    return Told(created, [core for core in cores if type(core) is int])


def _alive(file: Path, created: float) -> bool:
    try:
        process = psutil.Process(int(file.name))
        same = abs(process.create_time() - created) < SAME_SECONDS
        theirs = os.name != "posix" or file.stat().st_uid == process.uids().effective
        return same and theirs and process.status() != psutil.STATUS_ZOMBIE
    except FileNotFoundError:  # it has just been taken away
        return False
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it is there, and tells us no more: a needless warning does less harm than none
        return True
