"""A worker ends with the run that started it, whatever it is in the middle of, and with all that it has started."""

import os
import select
import signal
import sys
import threading
import time

GRACE_SECONDS = 2.0  # to end in order, as a worker does that waits for a request


def hold() -> None:
    """Watch the stream of requests, in a thread that sleeps until nobody is left who could write to it.

    Windows has nothing to watch it with: there a worker ends when it has finished what it was asked for.
    """
    if hasattr(select, "poll"):
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    poller = select.poll()
    poller.register(sys.stdin.fileno(), 0)  # its end alone: requests wake nobody here
    poller.poll()
    time.sleep(GRACE_SECONDS)
    if os.getpgrp() == os.getpid():  # else others are in the group who were here before us
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
