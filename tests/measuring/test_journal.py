"""A run killed at any moment goes on: nothing that was told is lost or there twice, and damage is found."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, edit
from filelock import FileLock

from bench.measuring import journal as module
from bench.measuring.journal import Journal, stored
from bench.sides.code import changed, files, hash_of
from bench.support.errors import InputError

KEY = {"choice": {"points": (1000, 2000)}, "packages": {"jax": "0.10.1", "numpy": "2.4.6"}, "threads": 1}
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, limits and locks of POSIX")

# Appends numbers, going on from what is there, and tells each that is on the disk.
APPENDS = """
import sys
import time
from pathlib import Path
from bench.measuring.journal import Journal
path = Path(sys.argv[1])
journal = (Journal.resume if path.exists() else Journal.begin)(path, {"a": 1})
number = len(journal.samples)
print("open", flush=True)
while True:
    journal.append(b"%d " % number + b"x" * int(sys.argv[2]))
    print(number, flush=True)
    number += 1
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json.journal"


def filled(path: Path, count: int = 3, padding: int = 0) -> bytes:
    """A journal that was left with the samples 0, 1, ...; what is in the file."""
    journal = Journal.begin(path, KEY)
    for number in range(count):
        journal.append(b"%d" % number + b" " * padding)
    journal.close()
    return path.read_bytes()


def numbers(path: Path) -> list[int]:
    """The samples, if the journal can be resumed."""
    journal = Journal.resume(path, KEY)
    journal.close()
    return [int(sample) for sample in journal.samples]


def alone(path: Path) -> bool:
    """Whether there is nothing else in its folder."""
    return list(path.parent.iterdir()) == [path]


def refuses(path: Path, match: str) -> None:
    """It cannot be resumed, for this reason, in one line; and it is left as it was."""
    content = path.read_bytes()
    with pytest.raises(InputError, match=match) as error:
        Journal.resume(path, KEY)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content and alone(path)


def test_samples_come_back_in_order_and_more_can_follow(path):
    filled(path)
    assert alone(path)
    journal = Journal.resume(path, KEY)
    assert journal.samples == [b"0", b"1", b"2"]
    more = ['{"text": "µ\\n"}'.encode(), b"", bytes(range(256)), b"x" * 100_000]
    for data in more:
        journal.append(data)
    assert stored(path) == [b"0", b"1", b"2", *more]  # while it goes on
    journal.close()
    journal.close()
    journal = Journal.resume(path, KEY)
    assert journal.samples == stored(path) == [b"0", b"1", b"2", *more]
    journal.discard()
    assert list(path.parent.iterdir()) == [] and stored(path) == []


@POSIX
@pytest.mark.parametrize("padding", [10, 100_000])
def test_a_run_killed_at_random_moments_loses_nothing(padding, path):
    dice, told = random.Random(padding), -1
    for _ in range(10):
        command = [sys.executable, "-c", APPENDS, str(path), str(padding), "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout.readline() == "open\n"
            time.sleep(dice.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            last = process.stdout.read().rpartition("\n")[0].rpartition("\n")[2]
        told = int(last or told)
        journal = Journal.resume(path, {"a": 1})
        journal.close()
        found = [int(sample.split()[0]) for sample in journal.samples]
        assert found == list(range(len(found))) and len(found) > told
        assert all(sample.count(b"x") == padding for sample in journal.samples)
    assert told > 0 and alone(path)


def test_what_was_being_written_is_undone(path, tmp_path):
    before = filled(path, padding=5000)
    torn = tmp_path / "torn" / path.name
    torn.parent.mkdir()
    database = sqlite3.connect(path, isolation_level=None)
    for command in ("PRAGMA cache_size = 1", "BEGIN", "UPDATE samples SET content = x'ff', checksum = 0"):
        database.execute(command)
    database.execute("INSERT INTO samples (content) VALUES (zeroblob(100000))")  # more than the cache: it is written
    for name in (path.name, f"{path.name}-journal"):
        shutil.copy(path.parent / name, torn.parent)
    database.close()
    assert torn.read_bytes() != before
    assert numbers(torn) == [0, 1, 2] and alone(torn)


DAMAGE = {
    "altered": ["UPDATE samples SET content = CAST('9' AS BLOB) WHERE number = {}"],
    "of another type": ["UPDATE samples SET content = 0 WHERE number = {}"],
    "nothing": ["UPDATE samples SET content = NULL WHERE number = {}"],
    "of another checksum": ["UPDATE samples SET checksum = checksum + 1 WHERE number = {}"],
    "lost": ["DELETE FROM samples WHERE number = {}"],
    "lost without a gap": [
        "DELETE FROM samples WHERE number = {}",
        "UPDATE samples SET number = number - 1 WHERE number > {}",
    ],
    "twice": [
        "UPDATE samples SET number = -number - 1 WHERE number > {0}",
        "UPDATE samples SET number = -number WHERE number < 0",
        "INSERT INTO samples SELECT number + 1, content, checksum FROM samples WHERE number = {0}",
    ],
    "moved": ["UPDATE samples SET number = -{} WHERE number = {}"],
    "foreign": ["INSERT OR REPLACE INTO samples VALUES ({}, x'7b7d', 12345)"],
}


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("fault", DAMAGE)
def test_damage_is_found_and_its_sample_is_named(fault, number, path):
    filled(path)
    edit(path, *(command.format(number, number) for command in DAMAGE[fault]))
    first = 1 if fault == "moved" else number + (fault == "twice")
    refuses(path, f"damaged in sample {first}; delete it, and run without --resume")


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE meta SET key = replace(key, '1', '2')",
        "UPDATE meta SET key = NULL",
        "UPDATE meta SET checksum = 0",
        "DELETE FROM meta",
        "INSERT INTO meta SELECT * FROM meta",
    ],
)
def test_damage_of_the_key_is_found(command, path):
    filled(path)
    edit(path, command)
    refuses(path, "damaged in its key;")


def test_two_samples_that_changed_places_are_found(path):
    filled(path)
    edit(path, *(f"UPDATE samples SET number = {new} WHERE number = {old}" for old, new in ((1, 9), (2, 1), (9, 2))))
    refuses(path, "damaged in sample 1;")


def test_without_checksums_an_altered_sample_would_pass(path, monkeypatch):
    monkeypatch.setattr(module.zlib, "crc32", lambda *_: 0)
    filled(path)
    edit(path, *(command.format(1) for command in DAMAGE["altered"]))
    assert numbers(path) == [9, 1, 2]


def test_bytes_that_changed_anywhere_are_found_or_do_not_matter(path):
    """As on a bad disk: never a traceback, nor other samples."""
    good, dice, ends = filled(path, count=30, padding=300), random.Random(7), Counter()
    for _ in range(200):
        spoiled = bytearray(good)
        for _ in range(dice.choice([1, 1, 3, 30])):
            place = dice.choice([dice.randrange(100), dice.randrange(len(good))])  # the header is small
            spoiled[place] = dice.randrange(256)
        path.write_bytes(spoiled)
        try:
            found = numbers(path)
        except InputError as error:
            assert "\n" not in str(error)
            ends["refused"] += 1
        else:
            assert found == list(range(30))
            ends["right"] += 1
        assert alone(path)
    assert min(ends["refused"], ends["right"]) > 20


@pytest.mark.parametrize(
    "place, content",
    [
        (36, b"\0\0\0\1"),  # the number of free pages: no sample needs it
        (103, b"\0\0"),  # the number of tables: as if nothing had been written yet
        (b"tablesamples", b"table\xff\n"),  # SQLite quotes it, though it is no text
    ],
)
def test_bytes_that_changed_where_no_checksum_sees_it_are_found(place, content, path):
    spoiled = bytearray(filled(path))
    at = place if isinstance(place, int) else spoiled.index(place)
    spoiled[at : at + len(content)] = content
    path.write_bytes(spoiled)
    refuses(path, "damaged")


@pytest.mark.parametrize("length", [2, 99, 4096, 5000])
def test_a_file_that_was_cut_off_is_found(length, path):
    path.write_bytes(filled(path)[:length])
    refuses(path, "damaged")


def test_a_sample_is_on_the_disk_before_the_run_goes_on(path, monkeypatch):
    """Killing a process does not show that, for the system still has what was written: SQLite must ask for more."""

    def asked(journal: Journal) -> list:
        return [journal._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]

    extra = 3
    journal = Journal.begin(path, KEY)
    assert asked(journal) == [extra, b"delete"]
    journal.append(b"0")
    assert not journal._database.in_transaction and stored(path) == [b"0"]
    assert not path.with_name(f"{path.name}-journal").exists()  # with which it would be undone
    journal.close()
    monkeypatch.setattr(module, "PRAGMAS", ())
    journal = Journal.resume(path, KEY)
    assert asked(journal) != [extra, b"delete"]
    journal.discard()


@pytest.mark.parametrize("beside", ["", "-journal"])
@pytest.mark.parametrize("call", [Journal.begin, Journal.resume])
def test_a_journal_without_a_key_has_just_begun(call, beside, path):
    path.touch()
    path.with_name(path.name + beside).touch()
    assert stored(path) == []
    journal = call(path, KEY)
    assert journal.samples == []
    journal.append(b"0")
    journal.close()
    assert numbers(path) == [0] and alone(path)


def test_a_run_that_was_cut_off_while_it_made_its_journal_left_none(path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module.zlib, "crc32", interrupt)
        Journal.begin(path, KEY)
    assert stored(path) == []
    Journal.begin(path, KEY).discard()


@pytest.mark.parametrize("call", [Journal.begin, Journal.resume])
def test_a_file_that_is_no_journal_is_left_alone(call, path):
    path.write_text("my notes\n")
    with pytest.raises(InputError, match=r"damaged \(file is not a database\)"):
        call(path, KEY)
    assert path.read_text() == "my notes\n" and alone(path)


@pytest.mark.parametrize(
    "commands",
    [
        ["CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM samples; END"],
        ["CREATE VIEW v AS SELECT * FROM samples"],
        ["ALTER TABLE samples RENAME TO s", "CREATE VIEW samples AS SELECT number, x'30' content, checksum FROM s"],
        ["CREATE INDEX i ON samples (abs(number))"],
        ["CREATE TABLE t (a)"],
        ["CREATE VIRTUAL TABLE t USING rtree(a, b, c)"],
        ["DROP TABLE meta"],
        ["ALTER TABLE meta ADD COLUMN a AS (abs(pid))"],
        ["ALTER TABLE meta ADD COLUMN a CHECK (a = randomblob(9))"],
    ],
)
def test_a_file_that_brings_more_along_is_refused(commands, path):
    filled(path)
    edit(path, *commands)
    refuses(path, "damaged")


def test_a_file_of_another_size_than_ours_is_not_read(path, monkeypatch):
    filled(path)
    monkeypatch.setattr(module, "MOST_BYTES", path.stat().st_size - 1)
    for call in (Journal.begin, Journal.resume):
        with pytest.raises(InputError, match="larger than"):
            call(path, KEY)
    assert alone(path)


def test_begin_where_one_was_left(path):
    content = filled(path)
    with pytest.raises(InputError, match=r"run\.json\.journal: left by a run .* --resume .* delete it"):
        Journal.begin(path, KEY)
    assert path.read_bytes() == content and alone(path)


def test_resume_where_none_is(path):
    for place in (path, path.parent / "missing" / path.name):
        with pytest.raises(InputError, match="nothing to resume"):
            Journal.resume(place, KEY)
    assert list(path.parent.iterdir()) == []


def test_a_place_that_cannot_be_written(path):
    path.mkdir()
    for call in (Journal.begin, Journal.resume):
        with pytest.raises(InputError, match="cannot be opened"):
            call(path, KEY)
    for place in (path.parent / "missing" / path.name, path.with_name("x" * 300)):
        with pytest.raises(InputError, match="cannot be opened"):
            Journal.begin(place, KEY)
    with pytest.raises(InputError, match="cannot be opened"):
        Journal.resume(path.with_name("x" * 300), KEY)
    assert alone(path)


@pytest.mark.parametrize("error", [NotImplementedError("no locks here"), OSError(37, "No locks available")])
def test_a_place_where_nothing_can_be_locked(error, path, monkeypatch):
    """SQLite could not be used there either."""

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(InputError, match=r"cannot be opened \([Nn]o locks") as told:
        Journal.begin(path, KEY)
    assert not path.exists() and "\n" not in str(told.value)


def test_after_a_write_that_failed_the_next_one_is_kept(path):
    journal = Journal.begin(path, KEY)
    (most,) = journal._database.execute("PRAGMA max_page_count = 5").fetchone()
    with pytest.raises(InputError, match=r"cannot be written \(database or disk is full\)"):
        journal.append(b"0" * 100_000)
    journal.append(b"1")
    journal.close()
    assert most == 5 and numbers(path) == [1]


@POSIX
@pytest.mark.parametrize("room", [100, 5_000, 60_000])
def test_after_a_write_that_the_system_cut_off_the_next_one_is_kept(room, path):
    """In what is written first, so that there is nothing to undo, or later."""
    import resource

    journal = Journal.begin(path, KEY)
    journal.append(b"0")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            journal.append(b"1" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert stored(path) == [b"0"]
    journal.append(b"2")
    journal.close()
    assert numbers(path) == [0, 2] and alone(path)


@POSIX
@pytest.mark.parametrize("call", [Journal.begin, Journal.resume])
def test_one_process_at_a_time(call, path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.03)
    command = [sys.executable, "-c", APPENDS, str(path), "10", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        try:
            while not stored(path):
                assert process.poll() is None
            for _ in range(3):  # at any moment: it goes on to write
                with pytest.raises(InputError, match=f"in use by another run, process {process.pid};"):
                    call(path, {"a": 1})
        finally:
            process.kill()
    journal = Journal.resume(path, {"a": 1})  # the lock died with the process
    assert journal.samples
    with pytest.raises(InputError, match=f"process {os.getpid()};"):
        call(path, {"a": 1})
    journal.close()
    assert alone(path)


def test_a_run_that_has_not_yet_written_its_number(path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.03)
    with FileLock(f"{path}.lock"), pytest.raises(InputError, match="a process that has just begun;"):
        Journal.begin(path, KEY)
    assert not path.exists()


@POSIX
def test_a_worker_that_outlives_its_run_does_not_hold_the_journal(path):
    """Workers are started while the journal is open."""
    journal = Journal.begin(path, KEY)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        journal.close()
        assert numbers(path) == [] and worker.poll() is None
        worker.communicate(b"\n")


def test_a_journal_deleted_under_a_waiting_run_is_not_taken(path, monkeypatch):
    """Before we have the lock, the run that had it ends."""
    filled(path)
    acquired = module._acquired

    def late(*words):
        path.unlink(missing_ok=True)
        return acquired(*words)

    monkeypatch.setattr(module, "_acquired", late)
    with pytest.raises(InputError, match="nothing to resume"):
        Journal.resume(path, KEY)
    assert list(path.parent.iterdir()) == []


@POSIX
@pytest.mark.parametrize("checked", [True, False])
def test_a_lock_deleted_under_a_waiting_run_is_not_enough(checked, path, monkeypatch):
    """Between opening it and locking it, the run that had it ended. If that were not checked, two runs would go on."""

    class Late(FileLock):
        turns = 0

        def acquire(self, *words, **named):
            super().acquire(*words, **named)
            Late.turns += 1
            if Late.turns == 1:
                Path(self.lock_file).unlink()

    monkeypatch.setattr(module, "FileLock", Late)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.03)
    with monkeypatch.context() as patch:
        if not checked:
            patch.setattr(module, "_acquired", lambda lock, _: lock.acquire(timeout=0) is None)
        journal = Journal.begin(path, KEY)
    if checked:
        with pytest.raises(InputError, match="in use"):
            Journal.resume(path, KEY)
    else:
        Journal.resume(path, KEY).close()
    journal.close()


def test_the_file_of_a_journal_that_was_closed_may_be_another_runs(path):
    first = Journal.begin(path, KEY)
    first.close()
    second = Journal.resume(path, KEY)
    first.discard()
    second.append(b"0")
    second.close()
    assert numbers(path) == [0]


def test_another_key_is_refused_in_one_line(path):
    content = filled(path)
    key = {**KEY, "packages": {"jax": "0.10.2", "numpy": "2.4.6"}}
    with pytest.raises(InputError) as error:
        Journal.resume(path, key)
    assert str(error.value) == (
        f"{path}: of another configuration: packages.jax was '0.10.1', is '0.10.2'; delete it, or restore what changed"
    )
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "change, told",
    [
        ({"packages": {"jax": "0.10.1"}}, "packages.numpy was '2.4.6', is absent"),
        ({"flags": None}, "flags was absent, is None"),
        ({"threads": True}, "threads was 1, is True"),
        ({"choice": {"points": [1000, 3000]}}, "choice.points.1 was 2000, is 3000"),
        ({"choice": {"points": [1000]}}, "choice.points was [1000, 2000], is [1000]"),
        (
            {"a": 1, "b": "\n", "c": 1, "d": 1},
            "a was absent, is 1, b was absent, is '\\n', c was absent, is 1 and 1 more",
        ),
        ({"choice": "x" * 200}, "choice was {'points': [1000, 2000]}, is '" + "x" * 79 + "..."),
    ],
)
def test_what_differs_is_named(change, told, path):
    filled(path)
    with pytest.raises(InputError) as error:
        Journal.resume(path, {**KEY, **change})
    assert f"configuration: {told}; delete" in str(error.value)


def test_two_long_values_are_shown_as_far_as_they_differ(path):
    Journal.begin(path, {"flags": "-" * 200 + "a"}).close()
    with pytest.raises(InputError, match=r"-a', is '-+b'"):
        Journal.resume(path, {"flags": "-" * 200 + "b"})


def test_what_json_changes_is_no_difference(path):
    key = {"tuple": (1, (2.5, 1e-300)), "number": {1: "a"}, "nan": float("nan"), "bytes": "\udcff"}
    Journal.begin(path, key).close()
    Journal.resume(path, json.loads(json.dumps(key))).close()
    Journal.resume(path, key).close()


def code_hash(root: Path) -> str:
    return hash_of(root, files(root))


def test_the_hash_is_of_the_names_and_the_content_of_all_code(tmp_path):
    root = tmp_path / "checkout"
    for part in ("bench", "impls"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    first = code_hash(root)
    (root / "bench/__pycache__").mkdir()
    (root / "bench/__pycache__/x.py").write_text("x")
    (root / "bench/notes.txt").write_text("x")
    (root / "setup.py").write_text("x")
    assert code_hash(root) == first
    before, path = files(root), root / "impls/manual/numpy_fit.py"
    path.write_bytes(path.read_bytes() + b"\n")
    second = code_hash(root)
    assert changed(before, files(root)) == ["impls/manual/numpy_fit.py"]
    path.rename(path.with_name("renamed.py"))
    assert changed(before, files(root)) == ["impls/manual/numpy_fit.py", "impls/manual/renamed.py"]
    assert len({first, second, code_hash(root)}) == 3
    with pytest.raises(InputError, match="no code there"):
        code_hash(tmp_path)
