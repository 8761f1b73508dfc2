"""Files that are written in one step: killed or failed in the middle, the old content stands whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.reporting import folder, report
from bench.support import files
from bench.support.files import copy_atomically, write_atomically

OLD, NEW = "old\n" * 1000, "new\n" * 1000
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes of POSIX")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_text(OLD)
    return path


def test_text_is_written_as_it_is_and_nothing_else_is_left(tmp_path):
    write_atomically(tmp_path / "a.json", "µ\r\n")
    assert (tmp_path / "a.json").read_bytes() == "µ\r\n".encode()
    copy_atomically(tmp_path / "a.json", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == "µ\r\n".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.png"]


@pytest.mark.parametrize("fault", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_no_draft(fault, target, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((files.os, "fsync") if fault == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, NEW)
    assert target.read_text() == OLD and list(target.parent.iterdir()) == [target]


KILLED = """
import os, signal, sys
from pathlib import Path
from bench.support import files
def fill(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
def plain(path, fill):
    with path.open("wb") as file:
        fill(file)
{"atomic": files._replace, "plain": plain}[sys.argv[1]](Path(sys.argv[2]), fill)
"""


@POSIX
@pytest.mark.parametrize("way, left", [("atomic", OLD), ("plain", "half")])
def test_a_writer_killed_in_the_middle(way, left, target):
    """The plain way shows that the writer was in the middle."""
    done = subprocess.run([sys.executable, "-c", KILLED, way, str(target)])
    assert done.returncode == -signal.SIGKILL and target.read_text() == left


@POSIX
def test_the_mode_is_kept_and_a_new_file_has_the_usual_one(target):
    target.chmod(0o640)
    write_atomically(target, NEW)
    plain, new = target.with_name("plain"), target.with_name("new")
    plain.write_text("")
    write_atomically(new, NEW)
    assert target.stat().st_mode & 0o777 == 0o640 and new.stat().st_mode == plain.stat().st_mode


@POSIX
def test_a_link_stays_and_its_target_is_written(target):
    link = target.with_name("latest.json")
    link.symlink_to(target.name)
    write_atomically(link, NEW)
    assert link.is_symlink() and target.read_text() == NEW
    loop = target.with_name("loop")
    loop.symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(loop, NEW)
    assert loop.is_symlink()


@POSIX
def test_a_device_stays_a_device():
    write_atomically(Path(os.devnull), NEW)
    assert Path(os.devnull).is_char_device()


def test_a_file_that_is_read_only_is_not_replaced(target, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # root may write everything
    with pytest.raises(PermissionError):
        write_atomically(target, NEW)
    assert target.read_text() == OLD


@POSIX
def test_drafts_of_killed_writers_are_removed_by_the_next(target, monkeypatch):
    subprocess.run([sys.executable, "-c", KILLED, "atomic", str(target)])
    (draft,) = (path for path in target.parent.iterdir() if path != target)
    others = [target.with_name(name) for name in (".fitbench-1-0.tmp", "x.tmp", ".fitbench-7-0123abcd.tmp.keep")]
    link = target.with_name(".fitbench-7-0123abcd.tmp")
    link.symlink_to(target)
    for path in others:
        path.write_text("")
        os.utime(path, (1e9, 1e9))
    write_atomically(target, NEW)
    assert draft.exists()  # it may be that of a process that is writing now
    old = time.time() - files.OLD_SECONDS - 1
    os.utime(draft, (old, old))
    files._remove_old_drafts.cache_clear()  # as another process
    write_atomically(target, NEW)
    assert not draft.exists() and all(path.exists() for path in others) and link.is_symlink()


def test_a_report_that_stops_midway_points_to_nothing_that_is_missing(tmp_path, monkeypatch):
    """Its pictures and tables come first, the pages last."""
    written = []
    monkeypatch.setattr(folder, "copy_atomically", lambda source, target: written.append(target))
    monkeypatch.setattr(report.frames, "cases", lambda *_, **__: None)
    monkeypatch.setattr(report, "with_break_evens", lambda _: None)
    monkeypatch.setattr(report, "_tables", lambda _, frame, place: [(place / "z.csv").touch])
    monkeypatch.setattr(report, "_write_page", lambda _, frame, draft, graphs: (draft / "index.html").touch())
    names = ["report.md", "z.png", "details.md"]
    monkeypatch.setattr(
        report,
        "_write_answers",
        lambda _, frame, draft, taken, graphs: taken.drawings.extend((draft / name).touch for name in names),
    )
    report.write({}, tmp_path)
    last = ["details.md", "index.html", "report.md"]
    assert written == [tmp_path / name for name in ["tables/z.csv", "z.png", *last]]
