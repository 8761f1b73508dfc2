"""Tasks of one process, done in copies of it on several cores."""

import multiprocessing
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from bench.support.system import allowed_cores

Task = Callable[[], None]  # what it leaves behind, it writes to files: its values stay in the copy


def do_all(tasks: Sequence[Task]) -> None:
    """Do the tasks, begun in their order, as many at a time as there are cores. Raises what they raise.

    What a helper could not do is done here, where errors are told.
    """
    helpers = min(len(allowed_cores()), len(tasks)) - 1 if _may_fork() else 0
    if helpers <= 0:
        for task in tasks:
            task()
        return
    context = multiprocessing.get_context("fork")
    taken, done = context.Value("i", 0), context.Array("b", len(tasks))  # which is next, and which are done

    def work() -> None:
        parent = multiprocessing.parent_process()
        while parent is None or parent.is_alive():
            with taken.get_lock():
                i, taken.value = taken.value, taken.value + 1
            if i >= len(tasks):
                return
            tasks[i]()
            done[i] = 1

    def help_out() -> None:
        with suppress(Exception, KeyboardInterrupt):
            work()

    processes = [context.Process(target=help_out, daemon=True) for _ in range(helpers)]
    try:
        for process in processes:
            process.start()
        work()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
                process.join()  # it writes nothing more, so that whoever is interrupted can remove what was written
    for i, task in enumerate(tasks):
        if not done[i]:
            task()


def _may_fork() -> bool:
    """Other threads would be missing in the copy, and what they held would never be let go of; macOS's own libraries
    do not stand it at all.
    """
    return sys.platform == "linux" and threading.active_count() == 1
