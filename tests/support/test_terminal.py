"""The line of progress, and characters that a terminal lacks."""

import io

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


def test_where_there_is_no_terminal_only_warnings_are_told(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    progress = Progress()
    progress.tell("one")
    progress.warn("two")
    progress.clear()
    assert log.getvalue() == "warning: two\n"


LATIN = "9.5 \u00b5s\u00a0(n\u00e4me) ?"


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "9.5 us (n?me) ?"), ("latin-1", LATIN), ("utf-8", LATIN)])
def test_what_an_encoding_lacks_is_shown_as_another_character(encoding, shown):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    fall_back(stream)
    print("9.5 \u00b5s\u00a0(n\u00e4me) \udcff", file=stream, end="", flush=True)
    assert raw.getvalue().decode(encoding) == shown
