"""How a command leaves that can say nothing of what it was asked: in one line, by a code that is no verdict.

A gate gives 0, 1 and 3, and bad input is 2. Python's own code for whatever goes wrong is 1, which would be "slower".
Standard library alone, and nothing that an older Python would not read: it tells of what could not be imported.
"""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn

from bench.support import terminal
from bench.support.signals import as_ctrl_c

BUG = 70  # EX_SOFTWARE of sysexits.h
SYSTEM = 74  # EX_IOERR: a full disk, a closed pipe, a file that cannot be read
INTERRUPTED = 130  # as a shell says it of Ctrl-C
OURS = ("bench", "impls")


def guard() -> None:
    """From here on this process leaves so, also where the next import fails; and a terminal without some character is
    given another. For the top of a command that was started as such, never on import.
    """
    sys.excepthook = _leave
    for stream in (sys.stdout, sys.stderr):
        terminal.fall_back(stream)


def run(main: Callable[[], int]) -> NoReturn:
    """Run a command, and end by its code once all that it printed has gone out; Python itself would do that too late to
    say what went wrong. Asked by a signal to end, it leaves no draft and no temporary folder.
    """
    try:
        with as_ctrl_c():
            code: Any = main()
    except SystemExit as ended:  # as argparse ends
        code = ended.code
    if sys.stdout is not None:
        sys.stdout.flush()
    sys.exit(code)


def _leave(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    """Python's hook for what nobody caught. The SystemExit that it raises is what Python then ends by."""
    code = INTERRUPTED if issubclass(kind, KeyboardInterrupt) else BUG
    code = SYSTEM if issubclass(kind, (OSError, MemoryError)) else code
    with suppress(OSError, ValueError):  # nobody listens: the code says it all the same
        if code == BUG and not _is_missing(error):
            traceback.print_exception(kind, error, trace, file=sys.stderr)
        terminal.say(_told(code, error))
    _forget_output()
    raise SystemExit(code)


def _told(code: int, error: BaseException) -> str:
    if code == INTERRUPTED:
        return "interrupted"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"error: {place}{error.strerror or error}"
    if code == SYSTEM:
        return "error: out of memory"
    if _is_missing(error):
        return f"error: {error}; fitbench is not wholly installed here: pip install --editable '.[all]'"
    said = " ".join(str(error).split())
    what = type(error).__name__ + (f": {said}" if said else "")
    return f"error: {what}; this is a bug in fitbench: please report it, with the lines above"


def _is_missing(error: BaseException) -> bool:
    """Whether it is a package that is not installed."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] not in OURS


def _forget_output() -> None:
    """What a closed pipe or a full disk does not take is lost: Python would try once more, and end by its own code."""
    with suppress(OSError, ValueError):
        if sys.stdout is not None:
            sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
