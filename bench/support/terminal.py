"""What a terminal shows: characters that it has, and progress that is gone before anything else is printed."""

import codecs
import shutil
import sys
from typing import Any, TextIO

PLAIN = {"µ": "u", "\u00a0": " "}  # a micro sign, and a space that does not break
ERRORS = "fitbench.plain"


def fall_back(stream: Any) -> None:
    """Let a stream print whatever its encoding has no character for as another: "us" for microseconds, else "?"."""
    if hasattr(stream, "reconfigure"):
        codecs.register_error(ERRORS, _plainly)
        stream.reconfigure(errors=ERRORS)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(each, "?") for each in error.object[error.start : error.end]), error.end


def say(line: str) -> None:
    """A line on stderr, where there is one: never on stdout, which holds what was asked for."""
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


class Progress:
    """What is being done, on one line of a terminal that the next takes the place of; nothing where there is none."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = False

    def tell(self, line: str) -> None:
        if self._stream is not None and self._stream.isatty():
            width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be taken back
            print(f"\r\033[K{line[:width]}", end="", file=self._stream, flush=True)
            self._shown = True

    def warn(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        say(f"warning: {line}")

    def clear(self) -> None:
        """Before anything else is printed."""
        if self._shown:
            print("\r\033[K", end="", file=self._stream, flush=True)
            self._shown = False
