"""Tasks of one process, done in copies of it on several cores."""

import multiprocessing
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TypeVar

from bench.support.system import allowed_cores

T = TypeVar("T")


def do_all(tasks: Sequence[Callable[[], T]], copies: bool = True) -> list[T]:
    """The values of tasks, begun in their order, as many at a time as there are cores. Raises what they raise.

    The first is done here. Of a task that was done in a copy, only its value, which is pickled, and the files that it
    wrote are left. What a copy could not do is done here, where errors are told. copies: not in a process that is
    somebody else's, for a copy of one that has threads, such as a framework's, may hang.
    """
    helpers = min(len(allowed_cores()), len(tasks)) - 1 if copies and _may_fork() else 0
    done = _with_copies(tasks, helpers) if helpers > 0 else {}
    return [done[i] if i in done else task() for i, task in enumerate(tasks)]


def _with_copies(tasks: Sequence[Callable[[], T]], copies: int) -> dict[int, T]:
    """The values by the place of the task, of those that could be done."""
    context = multiprocessing.get_context("fork")
    taken = context.Value("i", 1)  # which is next
    pipes = [context.Pipe(duplex=False) for _ in range(copies)]

    def work(done: dict[int, T]) -> None:
        parent = multiprocessing.parent_process()
        while parent is None or parent.is_alive():
            with taken.get_lock():
                i, taken.value = taken.value, taken.value + 1
            if i >= len(tasks):
                return
            done[i] = tasks[i]()

    def help_out(end: Connection) -> None:
        done: dict[int, T] = {}
        with suppress(Exception, KeyboardInterrupt):
            work(done)
        with suppress(Exception):  # as when a value cannot be pickled
            end.send(done)

    processes = [context.Process(target=help_out, args=(end,), daemon=True) for _, end in pipes]
    values: dict[int, T] = {}
    try:
        for process, (_, end) in zip(processes, pipes, strict=True):
            process.start()
            end.close()
        values[0] = tasks[0]()
        work(values)
        for found, _ in pipes:
            with suppress(EOFError):
                values |= found.recv()
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
                process.join()  # it writes nothing more, so that whoever is interrupted can remove what was written
    return values


def _may_fork() -> bool:
    """Other threads would be missing in the copy, and what they held would never be let go of; macOS's own libraries
    do not stand it at all. The cores of a copy are taken.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and multiprocessing.parent_process() is None
