"""What a terminal shows: characters that it has, and progress that is gone before anything else is printed.

Where there is no terminal, in a log, progress is a line now and then.
"""

import codecs
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

PLAIN = {"µ": "u", "\u00a0": " "}  # a micro sign, and a space that does not break
ERRORS = "fitbench.plain"
EVERY_SECONDS = 10.0  # at most, where there is no terminal


def fall_back(stream: Any) -> None:
    """Let a stream print whatever its encoding has no character for as another: "us" for microseconds, else "?"."""
    if hasattr(stream, "reconfigure"):
        codecs.register_error(ERRORS, _plainly)
        stream.reconfigure(errors=ERRORS)


def plain(lines: Iterable[str]) -> list[str]:
    """Lines as the process's own stdout can print them: what its encoding has no character for is another."""
    codecs.register_error(ERRORS, _plainly)
    encoding = (sys.__stdout__ and sys.__stdout__.encoding) or "utf-8"
    return [line.encode(encoding, ERRORS).decode(encoding) for line in lines]


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(each, "?") for each in error.object[error.start : error.end]), error.end


def say(line: str) -> None:
    """A line on stderr, where there is one: never on stdout, which holds what was asked for."""
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


class Stream(Protocol):
    """What progress is written to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...

    def isatty(self) -> bool: ...


class Progress:
    """What is being done, on one line of a terminal that the next takes the place of. Where there is none, a line that
    stays, unless there was one in the last ten seconds.

    stream: stderr, unless told. clock: seconds that never go back.
    """

    def __init__(self, stream: Stream | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream: Stream | None = sys.stderr if stream is None else stream
        self._clock = clock
        self._shown = False
        self._last = -EVERY_SECONDS + clock()

    def tell(self, line: str) -> None:
        if self._stream is not None and self._stream.isatty():
            width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be taken back
            self._write(f"\r\033[K{line[:width]}")
            self._shown = True
        elif (now := self._clock()) - self._last >= EVERY_SECONDS:
            self._last = now
            self._write(f"{line}\n")

    def warn(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        self._write(f"warning: {line}\n")

    def clear(self) -> None:
        """Before anything else is printed."""
        if self._shown:
            self._write("\r\033[K")
            self._shown = False

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()
