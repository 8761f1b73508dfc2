"""What a run has measured so far, beside its JSON: a run that was killed at any moment goes on from there.

A line (bench.chain) is the key, which tells what the samples depend on, or the process that writes, or a sample. Only
the last line can be torn: it is cut off, and its sample is measured again.
"""

import json
import os
import time
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from bench.measuring import chain
from bench.measuring.differences import differences
from bench.support.errors import InputError
from bench.support.files import sync_folder, temporary

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second process out there
    fcntl = None  # type: ignore[assignment]

SHOWN = 3  # differences that a message names

# A run that is about to be refused has the lock for a moment, too: that must not refuse the other one as well.
ATTEMPTS, PAUSE_SECONDS = 10, 0.02


class Journal:
    """FILE.journal: a line of key, then a line a sample, each on the disk before the run goes on.

    samples: those that it held when it was opened. One process at a time has it, until it closes it or dies.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self.samples: list[dict[str, Any]] = []
        self._file = file
        self._end = 0  # bytes up to here are whole lines
        self._sum = 0

    @classmethod
    def begin(cls, path: Path, key: Mapping[str, Any]) -> "Journal":
        """A new journal. Raises InputError if there is one already, or if it cannot be written."""
        try:
            _create(path, chain.line({"key": key}, 0)[0])
        except FileExistsError:
            with _open(path):  # raises if a live run has it
                raise InputError(
                    f"{path}: left by a run that was stopped; --resume goes on with it, or delete it"
                ) from None
        except OSError as error:
            raise _cannot(path, "written", error) from None
        return cls.resume(path, key)

    @classmethod
    def resume(cls, path: Path, key: Mapping[str, Any]) -> "Journal":
        """The journal of a run that was stopped. Raises InputError if there is none, or if it is of another key."""
        file = _open(path)
        try:
            journal = cls(path, file)
            journal._read(_plain(key))
            journal._write({"pid": os.getpid()})
        except BaseException:
            file.close()
            raise
        return journal

    def append(self, sample: Mapping[str, Any]) -> None:
        """Keep a sample: when this returns, it is on the disk. Raises InputError if it cannot be written."""
        self._write({"sample": sample})

    def discard(self) -> None:
        """Close and delete the file: the run's JSON is written."""
        if fcntl is None:  # Windows deletes no open file; elsewhere, whoever opens it next must not get what we delete
            self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot(self.path, "deleted", error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Leave the file to whoever resumes it."""
        self._file.close()

    def _read(self, key: Any) -> None:
        """Read the whole lines, to go on behind them."""
        data = self._file.read()
        entries = list(chain.entries(data))
        self._end, self._sum = (entries[-1].end, entries[-1].checksum) if entries else (0, 0)
        rest = data[self._end :]
        if b"\n" in (rest[:-1] if entries else rest):  # more than a last line that was being written
            raise InputError(f"{self.path}: damaged in line {len(entries) + 1}; delete it, and run without --resume")
        if not entries:  # killed before the key was on the disk
            return self._write({"key": key})
        self._compare(entries[0].content.get("key"), key)
        self.samples = [entry.content["sample"] for entry in entries if "sample" in entry.content]

    def _compare(self, old: Any, new: Any) -> None:
        """Raises InputError, which names what differs, if the journal's key is not ours."""
        found = list(differences(old, new))
        more = f" and {rest} more" if (rest := len(found) - SHOWN) > 0 else ""
        listed = ", ".join(found[:SHOWN])
        if found:
            raise InputError(
                f"{self.path}: of another configuration: {listed}{more}; delete it, or restore what changed"
            )

    def _write(self, content: Mapping[str, Any]) -> None:
        """Raises InputError where the disk does not take it: then the next one is written in its place."""
        line, checksum = chain.line(content, self._sum)
        try:
            self._file.truncate(self._end)  # of what a write that failed has left
            self._file.seek(self._end)
            _put(self._file, line)
        except OSError as error:
            raise _cannot(self.path, "written", error) from None
        self._end, self._sum = self._end + len(line), checksum


def _create(path: Path, line: bytes) -> None:
    """A new file, with its first line or not at all, where the file system can link. Raises FileExistsError."""
    draft = temporary(path)
    try:
        with draft.open("xb", buffering=0) as file:
            _put(file, line)
        try:
            os.link(draft, path)  # unlike a rename, it replaces nothing
        except FileExistsError:
            raise
        except OSError:
            with path.open("xb", buffering=0) as file:
                _put(file, line)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _put(file: FileIO, data: bytes) -> None:
    """Bring all of the data to the disk."""
    while data:
        data = data[file.write(data) :]
    os.fsync(file.fileno())


def _open(path: Path) -> FileIO:
    """The file of a journal, for us alone. Raises InputError if it is missing, or a live run has it."""
    try:
        file = path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise InputError(f"{path}: nothing to resume: no journal is there; run without --resume") from None
    except OSError as error:
        raise _cannot(path, "opened", error) from None
    if not _lock(file):
        with file:
            pids = [entry.content["pid"] for entry in chain.entries(file.read()) if "pid" in entry.content]
        holder = f"process {pids[-1]}" if pids else "a process that has just begun"
        raise InputError(f"{path}: in use by another run, {holder}; wait until it ends, or stop it")
    if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        file.close()  # the run that had it ended, and deleted it, before we had the lock
        return _open(path)
    return file


def _lock(file: FileIO) -> bool:
    """Whether the file is ours, until it is closed or we die."""
    if fcntl is None:
        return True
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
        except OSError:  # a file system without locks
            return True
    return False


def _cannot(path: Path, what: str, error: OSError) -> InputError:
    reason = error.strerror or error
    return InputError(f"{path}: cannot be {what} ({reason}); expected a file that this run may read and write")


def _plain(value: Any) -> Any:
    """As it comes back from JSON: lists for tuples."""
    return json.loads(json.dumps(value))
