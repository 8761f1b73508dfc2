"""The line of progress, and characters that a terminal lacks."""

import io
import os

import pytest

from bench.support.terminal import Progress, fall_back


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_takes_the_place_of_the_one_before_and_is_cleared_once(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "10")
    progress = Progress(terminal)
    progress.clear()
    assert terminal.getvalue() == ""
    progress.tell("a line that would wrap")
    progress.tell("two")
    progress.clear()
    progress.clear()
    assert terminal.getvalue() == "\r\x1b[Ka line th\r\x1b[Ktwo\r\x1b[K"


def test_a_warning_is_on_a_line_of_its_own(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress()
    progress.tell("one")
    progress.warn("two")
    progress.tell("three")
    assert terminal.getvalue() == "\r\x1b[Kone\r\x1b[Kwarning: two\n\r\x1b[Kthree"


def told(write: int, isatty: bool) -> None:
    """Progress of a minute and a half, a line every 4 s, written there."""
    now = 0.0
    with os.fdopen(write, "w", buffering=-1) as stream:
        assert stream.isatty() == isatty
        progress = Progress(stream, lambda: now)
        for number in range(22):
            progress.tell(f"line {number}")
            now += 4
        progress.warn("careful")
        progress.clear()


def test_where_there_is_no_terminal_a_line_is_told_every_ten_seconds_at_most():
    read, write = os.pipe()
    told(write, isatty=False)
    with os.fdopen(read) as log:
        shown = log.read().splitlines()
    assert shown == [*(f"line {number}" for number in range(0, 22, 3)), "warning: careful"]  # 12 s apart


def test_a_line_of_a_log_is_there_at_once():
    read, write = os.pipe()
    with os.fdopen(write, "w", buffering=4096) as stream:
        Progress(stream).tell("now")
        assert os.read(read, 100) == b"now\n"  # and not when the run is over
    os.close(read)


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_a_terminal_shows_every_line_in_place_of_the_one_before(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parent, child = os.openpty()
    told(child, isatty=True)
    shown = b""
    while not shown.endswith(b"careful\r\n"):
        shown += os.read(parent, 1000)
    os.close(parent)
    lines = b"".join(b"\r\x1b[Kline %d" % number for number in range(22))
    assert shown == lines + b"\r\x1b[K" + b"warning: careful\r\n"


LATIN = "9.5 \u00b5s\u00a0(n\u00e4me) ?"


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "9.5 us (n?me) ?"), ("latin-1", LATIN), ("utf-8", LATIN)])
def test_what_an_encoding_lacks_is_shown_as_another_character(encoding, shown):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    fall_back(stream)
    print("9.5 \u00b5s\u00a0(n\u00e4me) \udcff", file=stream, end="", flush=True)
    assert raw.getvalue().decode(encoding) == shown
