"""Signals that ask a process to end, taken as Ctrl-C is: what was measured is kept, and nothing is left behind."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")  # of a scheduler or a shutdown; of a terminal that was closed


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Inside `with`, the first of them raises KeyboardInterrupt, unless it is ignored, as nohup does it.

    Only Python's main thread can have that.
    """
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    taken = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    if threading.current_thread() is not threading.main_thread():
        taken = []

    def interrupt(_: int, __: FrameType | None) -> None:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)  # another one must not stop what is being put in order
        raise KeyboardInterrupt

    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
