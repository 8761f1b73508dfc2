"""What a run has measured so far, beside its JSON: a run that was killed at any moment goes on from there.

The journal is an SQLite file of a key, which tells what the samples depend on, of the plan, which tells what samples
there are to be, and of the samples. SQLite undoes what
was cut off, but does not notice a byte that changed on the disk: each row has a checksum that goes on from the row
before, so that a row that is altered, lost, moved or doubled is found.
"""

import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import BaseFileLock, FileLock, Timeout

from bench.measuring.differences import differences
from bench.support.errors import InputError, last_line, one_line

SHOWN = 3  # differences that a message names
MOST_BYTES = 2**31  # of a file that is read: no run writes as much

# A run that is about to be refused has the lock for a moment, too: that must not refuse the other one as well.
WAIT_SECONDS, PAUSE_SECONDS = 0.2, 0.02

BUSY_SECONDS = 20.0  # that a sample waits while somebody reads what is there
MAGIC = b"SQLite format 3\0"  # with which the file begins

# In meta, checksum is that of the key, planned that of the plan, which goes on from it, and last that of the last
# sample, so that its loss is found, too.
TABLES = {
    "meta": ("CREATE TABLE meta (key BLOB, checksum INTEGER, pid INTEGER, last INTEGER, plan BLOB, planned INTEGER)"),
    "samples": "CREATE TABLE samples (number INTEGER PRIMARY KEY, content BLOB, checksum INTEGER)",
}
SCHEMA = [(b"table", name.encode(), name.encode(), sql.encode()) for name, sql in TABLES.items()]

# Nothing that a file brings along is run; and what is committed is on the disk, with the file's name.
PRAGMAS = ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = EXTRA", "journal_mode = DELETE")

# What damaged bytes may raise. SQLite's messages may quote them: what is not UTF-8 there is a ValueError.
FAULTS = (sqlite3.Error, ValueError, OverflowError, MemoryError, RecursionError)
DISK = {  # what SQLite says of the disk, and not of the content
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
}


MENDED = "delete it, and run without --resume"
EXPECTED = "expected the journal of a run"


class Contents(NamedTuple):
    """What a journal holds. plan: None until the run has begun to measure."""

    key: bytes
    samples: list[bytes]
    plan: bytes | None


class Journal:
    """A file of samples, each on the disk before the run goes on. What a sample is, the journal does not know.

    samples: those that it held when it was opened. One process at a time has it, until it closes it or dies.
    """

    def __init__(self, path: Path, key: Mapping[str, Any], new: bool) -> None:
        self.path, self.closed = path, False
        self.samples: list[bytes] = []
        content = json.dumps(key).encode()
        with ExitStack() as stack, _explained(path):
            if not new:
                _check_presence(path)  # at first, since no lock can be made in a folder that is missing
            stack.enter_context(_locked(path))
            self._database = stack.enter_context(_connected(path, new))
            found = _contents(path, self._database)
            if found is None:  # new, or killed before the key was on the disk
                _create(self._database, content)
            elif new:
                raise InputError(f"{path}: left by a run that was stopped; --resume goes on with it, or delete it")
            else:
                _compare(path, json.loads(found.key), json.loads(content))
                self.samples = found.samples
                with self._database as database:
                    database.execute("UPDATE meta SET pid = ?", (os.getpid(),))
            self._held = stack.pop_all()

    @classmethod
    def begin(cls, path: Path, key: Mapping[str, Any]) -> "Journal":
        """A new journal. Raises InputError if there is one already, or if it cannot be written."""
        return cls(path, key, new=True)

    @classmethod
    def resume(cls, path: Path, key: Mapping[str, Any]) -> "Journal":
        """The journal of a run that was stopped.

        Raises InputError if there is none, if it is damaged or of another key, or if a live run has it.
        """
        return cls(path, key, new=False)

    def tell(self, plan: bytes) -> None:
        """Keep what is to be measured, for those who read what there is of it. Raises InputError."""
        with _explained(self.path), self._database as database:
            database.execute("UPDATE meta SET plan = ?", (plan,))
            (checksum,) = database.execute("SELECT checksum FROM meta").fetchone()
            database.execute("UPDATE meta SET planned = ?", (zlib.crc32(plan, checksum),))

    def append(self, data: bytes) -> None:
        """Keep a sample: when this returns, it is on the disk. Raises InputError if it cannot be written."""
        with _explained(self.path), self._database as database:
            (last,) = database.execute("SELECT last FROM meta").fetchone()
            checksum = zlib.crc32(data, last)
            database.execute("INSERT INTO samples (content, checksum) VALUES (?, ?)", (data, checksum))
            database.execute("UPDATE meta SET last = ?", (checksum,))

    def discard(self) -> None:
        """Close and delete the file: the run's JSON is written. One that is closed may be another run's: it stays."""
        if self.closed:
            return
        self._database.close()  # Windows deletes no open file
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot(self.path, "deleted", error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Leave the file to whoever resumes it."""
        self.closed = True
        self._held.close()


def stored(path: Path) -> list[bytes]:
    """The samples that are on the disk now, even if a run goes on with them; none where no journal is.

    Raises InputError if the journal is damaged.
    """
    with _explained(path):
        if not path.exists():
            return []
        with _connected(path) as database:
            found = _contents(path, database)
            return [] if found is None else found.samples


def read(path: Path) -> Contents:
    """What is on the disk now, even if a run goes on with it. Nothing is altered: neither the file nor, if its run was
    killed in the middle of writing, what SQLite left beside it.

    Raises InputError for a file that is missing, empty, damaged or no journal.
    """
    try:
        with _explained(path):
            try:
                with _connected(path, mode="ro") as database:
                    found = _contents(path, database)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                    raise
                found = _undone(path)
    except InputError as error:
        if not path.exists():
            raise InputError(f"{path}: cannot be read (No such file or directory); {EXPECTED}") from None
        raise InputError(f"{str(error).rpartition(';')[0]}; {EXPECTED}") from None
    if found is None:
        raise InputError(f"{path}: empty; {EXPECTED}")
    return found


def _undone(path: Path) -> Contents | None:
    """What is there once that is undone which a killed run was writing: in a copy, since nobody writes any more."""
    with tempfile.TemporaryDirectory(prefix="fitbench-") as folder:
        copy = Path(folder, path.name)
        for suffix in ("", "-journal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        with _connected(copy) as database:
            return _contents(path, database)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Inside `with`, the journal is for us alone. Raises InputError if another run has it.

    A file beside it is locked: on some systems a lock of the journal itself would keep out SQLite, and some versions
    of filelock empty the file that they lock, or delete it afterwards.
    """
    file = Path(f"{path}.lock")
    lock = FileLock(file, thread_local=False)
    try:
        while not _acquired(lock, file):
            pass
    except Timeout:
        raise InputError(f"{path}: in use by another run, {_holder(path)}; wait until it ends, or stop it") from None
    try:
        yield
    finally:
        if os.name == "posix":  # while it is ours; elsewhere filelock deletes it, unless somebody has opened it
            with suppress(OSError):
                file.unlink()
        lock.release()


def _acquired(lock: BaseFileLock, file: Path) -> bool:
    """Lock the file; False if what is locked then is not what is there: the run that had it deleted it meanwhile."""
    with file.open("ab") as before:
        lock.acquire(timeout=WAIT_SECONDS, poll_interval=PAUSE_SECONDS)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(before.fileno()), file.stat()):
                return True
    lock.release()
    return False


def _holder(path: Path) -> str:
    """The run that has the lock, in words."""
    with suppress(OSError, *FAULTS), _connected(path) as database:
        for (pid,) in database.execute("SELECT pid FROM meta"):
            if isinstance(pid, int):
                return f"process {pid}"
    return "a process that has just begun"


@contextmanager
def _connected(path: Path, new: bool = False, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """A connection to the file. Raises InputError if it is missing, unless it may be new, or too large to be ours."""
    if not new:
        _check_presence(path)
    if path.exists() and path.stat().st_size > MOST_BYTES:
        raise _damaged(path, f"(larger than {MOST_BYTES} bytes)")
    address = f"{path.absolute().as_uri()}?mode={'rwc' if new else mode}"
    with closing(sqlite3.connect(address, BUSY_SECONDS, uri=True, isolation_level="IMMEDIATE")) as database:
        database.text_factory = bytes
        for pragma in PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        yield database


def _create(database: sqlite3.Connection, key: bytes) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        for sql in TABLES.values():
            database.execute(sql)
        checksum = zlib.crc32(key)
        values = (key, checksum, os.getpid(), checksum, None, None)
        database.execute("INSERT INTO meta VALUES (?, ?, ?, ?, ?, ?)", values)


def _contents(path: Path, database: sqlite3.Connection) -> Contents | None:
    """What it holds; None for an empty file. Raises InputError if anything is not as it was written."""
    with database:
        database.execute("BEGIN")  # all is read as of one moment
        if database.execute("PRAGMA page_count").fetchone() == (0,):
            return None
        if database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall() != SCHEMA:
            raise _damaged(path, "(it is no journal of fitbench)")
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != b"ok":
            raise _damaged(path, f"({last_line(found.decode(errors='replace'))})")
        heads = database.execute("SELECT key, checksum, last, plan, planned FROM meta").fetchall()
        if [_sound(key, checksum, 0) for key, checksum, *_ in heads] != [True]:
            raise _damaged(path, "in its key")
        ((key, checksum, last, plan, planned),) = heads
        if not (plan is None and planned is None) and not _sound(plan, planned, checksum):
            raise _damaged(path, "in its plan")
        return Contents(key, _samples(path, database, checksum, last), plan)


def _samples(path: Path, database: sqlite3.Connection, before: int, last: int) -> list[bytes]:
    samples: list[bytes] = []
    rows = database.execute("SELECT number, content, checksum FROM samples ORDER BY number")
    for expected, (number, content, checksum) in enumerate(rows, 1):
        if number != expected or not _sound(content, checksum, before):
            raise _damaged(path, f"in sample {expected}")
        samples.append(content)
        before = checksum
    if before != last:
        raise _damaged(path, f"in sample {len(samples) + 1}")
    return samples


def _sound(content: Any, checksum: Any, before: int) -> bool:
    return isinstance(content, bytes) and zlib.crc32(content, before) == checksum


def _compare(path: Path, old: Any, new: Any) -> None:
    """Raises InputError, which names what differs, if the journal's key is not ours."""
    found = list(differences(old, new))
    more = f" and {rest} more" if (rest := len(found) - SHOWN) > 0 else ""
    listed = ", ".join(found[:SHOWN])
    if found:
        raise InputError(f"{path}: of another configuration: {listed}{more}; delete it, or restore what changed")


def _check_presence(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: nothing to resume: no journal is there; run without --resume")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the file and its place make SQLite and the system raise inside `with` becomes an InputError."""
    try:
        yield
    except (InputError, sqlite3.ProgrammingError):  # the latter is our own fault
        raise
    except (OSError, NotImplementedError) as error:  # filelock raises the latter where nothing can be locked
        raise _cannot(path, "opened", error) from None
    except FAULTS as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # the rest of it is detail
        if code in DISK:
            raise _cannot(path, "opened" if code == sqlite3.SQLITE_CANTOPEN else "written", error) from None
        raise _damaged(path, f"({one_line(str(error))})") from None


def _damaged(path: Path, where: str) -> InputError:
    return InputError(f"{path}: damaged {where}; {MENDED}")


def _cannot(path: Path, what: str, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or error
    return InputError(f"{path}: cannot be {what} ({reason}); expected a file that this run may read and write")
