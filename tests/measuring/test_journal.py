"""A run killed at any moment goes on: nothing that was told is lost or there twice, and damage is found."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.sides.environment import code_hash, worker_environment

from bench.measuring import journal as module
from bench.measuring.chain import entries
from bench.measuring.journal import Journal
from bench.support.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
KEY = {"choice": {"points": (1000, 2000)}, "packages": {"jax": "0.10.1", "numpy": "2.4.6"}, "threads": 1}
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and locks of POSIX")

# Appends numbers, going on from what is there, and tells each that is on the disk.
APPENDS = """
import sys
from pathlib import Path
from bench.measuring.journal import Journal
path = Path(sys.argv[1])
journal = (Journal.resume if path.exists() else Journal.begin)(path, {"a": 1})
number = len(journal.samples)
print("open", flush=True)
while True:
    journal.append({"number": number, "padding": "x" * int(sys.argv[2])})
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json.journal"


def filled(path: Path, count: int = 3) -> list[bytes]:
    """A journal that was left, and its lines: the key, the process, and the samples."""
    journal = Journal.begin(path, KEY)
    for number in range(count):
        journal.append({"number": number})
    journal.close()
    return path.read_bytes().splitlines(keepends=True)


def numbers(path: Path) -> list[int]:
    journal = Journal.resume(path, KEY)
    journal.close()
    return [sample["number"] for sample in journal.samples]


def test_samples_come_back_in_order_and_more_can_follow(path):
    filled(path)
    journal = Journal.resume(path, KEY)
    assert [sample["number"] for sample in journal.samples] == [0, 1, 2]
    journal.append({"number": 3, "text": "µ\n", "nothing": None})
    journal.close()
    journal.close()
    journal = Journal.resume(path, KEY)
    assert journal.samples[3] == {"number": 3, "text": "µ\n", "nothing": None} and len(journal.samples) == 4
    journal.discard()
    assert not path.exists() and list(path.parent.iterdir()) == []


@POSIX
@pytest.mark.parametrize("padding", [10, 100_000])
def test_a_run_killed_at_random_moments_loses_nothing(padding, path):
    dice, told = random.Random(padding), -1
    for _ in range(10):
        command = [sys.executable, "-c", APPENDS, str(path), str(padding)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "open\n"
            time.sleep(dice.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            last = process.stdout.read().rpartition("\n")[0].rpartition("\n")[2]
        told = int(last or told)
        journal = Journal.resume(path, {"a": 1})
        found = [sample["number"] for sample in journal.samples]
        journal.close()
        assert found == list(range(len(found))) and len(found) > told
    assert told > 0


def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(path):
    *before, last = filled(path)
    for length in range(len(last)):
        path.write_bytes(b"".join(before) + last[:length])
        journal = Journal.resume(path, KEY)
        assert [sample["number"] for sample in journal.samples] == [0, 1]
        journal.append({"number": 7})
        journal.close()
        assert numbers(path) == [0, 1, 7]


@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"\0\0\0\n", b"12345678 {}\n", b"\n", b"\xff\xfe\n"])
def test_a_last_line_that_is_not_ours_is_cut_off(tail, path):
    """A disk that lost its power may write the end of a line and not its beginning."""
    filled(path)
    path.write_bytes(path.read_bytes() + tail)
    assert numbers(path) == [0, 1, 2]


@pytest.mark.parametrize("line", [1, 2, 3, 4])
@pytest.mark.parametrize("fault", ["altered", "torn", "lost", "twice", "foreign"])
def test_damage_elsewhere_is_found_and_its_line_is_named(fault, line, path):
    """Altered: one digit, so that it still is JSON. Lost: the line after it is the first that does not follow."""
    lines = filled(path)
    one = lines[line - 1]
    spoiled = {
        "altered": one[:-3] + bytes([one[-3] ^ 1]) + one[-2:],
        "torn": one[: len(one) // 2] + b"\n",
        "lost": b"",
        "twice": one + one,
        "foreign": b"{}\n",
    }
    path.write_bytes(b"".join([*lines[: line - 1], spoiled[fault], *lines[line:]]))
    if fault == "lost" and line == len(lines) - 1:  # what does not follow is the last line: it is measured again
        assert numbers(path) == [0]
        return
    content = path.read_bytes()
    with pytest.raises(InputError, match=f"damaged in line {line + (fault == 'twice')};"):
        Journal.resume(path, KEY)
    assert path.read_bytes() == content


def test_without_checksums_an_altered_line_would_pass(path, monkeypatch):
    monkeypatch.setattr("bench.chain.zlib.crc32", lambda *_: 0)
    lines = filled(path)
    lines[2] = lines[2].replace(b"0}", b"9}")
    path.write_bytes(b"".join(lines))
    assert numbers(path) == [9, 1, 2]


def test_a_line_is_on_the_disk_before_the_run_goes_on(path, monkeypatch):
    """Killing a process does not show that: the system still has what was written."""
    synced, fsync = [], os.fsync
    monkeypatch.setattr(
        module.os, "fsync", lambda file: (fsync(file), synced.append(path.exists() and path.read_bytes()))
    )
    journal = Journal.begin(path, KEY)
    for number in range(3):
        journal.append({"number": number})
        assert synced[-1] == path.read_bytes() and f'"number": {number}'.encode() in synced[-1]
    journal.close()


def test_a_torn_key_is_a_journal_that_has_just_begun(path):
    key = filled(path)[0]
    for length in range(len(key)):
        path.write_bytes(key[:length])
        assert numbers(path) == []
        assert numbers(path) == []


def test_a_file_that_is_no_journal_is_left_alone(path):
    path.write_text("my notes\n")
    with pytest.raises(InputError, match="damaged in line 1"):
        Journal.resume(path, KEY)
    assert path.read_text() == "my notes\n"


def test_begin_where_one_was_left(path):
    filled(path)
    content = path.read_bytes()
    with pytest.raises(InputError, match=r"run\.json\.journal: left by a run .* --resume .* delete it"):
        Journal.begin(path, KEY)
    assert path.read_bytes() == content and list(path.parent.iterdir()) == [path]


def test_resume_where_none_is(path):
    with pytest.raises(InputError, match="nothing to resume"):
        Journal.resume(path, KEY)
    assert not path.exists()


@pytest.mark.parametrize("call", [Journal.begin, Journal.resume])
def test_a_place_that_cannot_be_written(call, path):
    path.mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        call(path, KEY)
    with pytest.raises(InputError, match=r"cannot be written|nothing to resume"):
        call(path.parent / "missing" / path.name, KEY)


def test_a_file_system_without_links(path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(module.os, "link", refuse)
    filled(path)
    assert numbers(path) == [0, 1, 2] and list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="left by a run"):
        Journal.begin(path, KEY)


def test_a_write_that_failed_leaves_nothing_between_the_lines(path, monkeypatch):
    journal = Journal.begin(path, KEY)

    def half(file, data):
        file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_put", half)
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            journal.append({"number": 0})
    journal.append({"number": 1})
    journal.close()
    assert numbers(path) == [1]


@POSIX
@pytest.mark.parametrize("call", [Journal.begin, Journal.resume])
def test_one_process_at_a_time(call, path):
    command = [sys.executable, "-c", APPENDS, str(path), "10"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not path.exists() or sum("sample" in entry.content for entry in entries(path.read_bytes())) < 1:
            assert process.poll() is None
        with pytest.raises(InputError, match=f"in use by another run, process {process.pid};"):
            call(path, {"a": 1})
        process.kill()
    journal = Journal.resume(path, {"a": 1})  # the lock died with the process
    assert journal.samples
    with pytest.raises(InputError, match=f"process {os.getpid()};"):
        call(path, {"a": 1})
    journal.close()


@POSIX
def test_a_worker_that_outlives_its_run_does_not_hold_the_journal(path):
    """Workers are started while the journal is open."""
    journal = Journal.begin(path, KEY)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        journal.close()
        assert numbers(path) == [] and worker.poll() is None
        worker.communicate(b"\n")


@POSIX
def test_a_journal_deleted_under_a_waiting_run_is_not_taken(path, monkeypatch):
    """Between opening the file and the lock, the run that had it ended."""
    filled(path)
    lock = module._lock

    def late(file):
        path.unlink(missing_ok=True)
        return lock(file)

    monkeypatch.setattr(module, "_lock", late)
    with pytest.raises(InputError, match="nothing to resume"):
        Journal.resume(path, KEY)


def test_another_key_is_refused_in_one_line(path):
    filled(path)
    content = path.read_bytes()
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
    changed = root / "impls/manual/numpy_fit.py"
    changed.write_bytes(changed.read_bytes() + b"\n")
    second = code_hash(root)
    changed.rename(changed.with_name("renamed.py"))
    assert len({first, second, code_hash(root)}) == 3
    with pytest.raises(InputError, match="no code there"):
        code_hash(tmp_path)


def test_the_environment_has_what_may_change_timings_and_no_secret():
    names = ("XLA_FLAGS", "OMP_NUM_THREADS", "TORCHINDUCTOR_CACHE_DIR", "PYTHONPATH", "LD_PRELOAD", "CC")
    matters = dict.fromkeys(names, "1")
    rest = dict.fromkeys(("HOME", "PYTEST_ADDOPTS", "CCACHE_DIR", "NVIDIA_API_KEY", "MY_XLA_FLAGS"), "1")
    assert worker_environment({**rest, **matters}) == matters
