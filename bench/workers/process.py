"""The parent's side of a worker: a process with an environment of its own, asked in JSON lines, under a deadline."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec
import psutil

from bench.backends.base import Backend
from bench.sides.side import Side
from bench.sides.variables import THREADS
from bench.support.errors import one_line
from bench.support.system import pin
from bench.workers.protocol import Request

A = TypeVar("A")

LOOK_SECONDS = 1.0  # between two looks at whether a worker that does not answer is still there
END_SECONDS = 2.0  # that a worker has to end by itself


class WorkerError(Exception):
    """A worker failed a request: it raised, died, or did not answer in time. The message is the reason, in one line."""


class WorkerLostError(WorkerError):
    """It was killed, died, or did not answer in time: which may be no fault of what it was asked to do."""


def variables_of(
    backend: Backend, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
) -> dict[str, str]:
    """The variables that a worker has on top of those that it is given."""
    pools = dict.fromkeys(THREADS, str(threads))
    return {**pools, **backend.variables(device, dtype, threads, cache, given)}


class WorkerProcess:
    """A running worker; `alive` until it dies, is killed for lateness, or is closed. What it started ends with it."""

    def __init__(self, side: Side, variables: Mapping[str, str]) -> None:
        self.pinned: list[int] | None = None
        self._descendants_then: list[psutil.Process] = []
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.process = subprocess.Popen(
            [side.python, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=side.root,
            # Else Python may leave the folder out of its path, and import another checkout that is installed.
            env={**side.environ(), **variables, "PYTHONSAFEPATH": ""},
            start_new_session=True,  # Ctrl-C is for us: we end the workers
        )
        self.answers: queue.Queue[str] = queue.Queue()
        self.answered, self.printed = False, ""
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.answers.put(line)
        self.answers.put("")

    def ask(self, request: Request[A], seconds: float) -> A:
        """The worker's answer. Raises WorkerError if it raises, dies, or takes longer than `seconds`."""
        assert self.process.stdin is not None
        fields = request.wire()
        name = fields["request"]
        with suppress(BrokenPipeError):  # it has died: what it wrote until then ends
            self.process.stdin.write(json.dumps(fields) + "\n")
            self.process.stdin.flush()
        try:
            line = self._line(seconds)
        except queue.Empty:
            self.kill()
            raise WorkerLostError(f"no answer to '{name}' within --case-timeout; the worker was ended") from None
        if not line.endswith("\n"):  # nothing, or what it had written when it was killed
            raise WorkerLostError(self._death(name))
        return self._answer(request, name, line)

    def _line(self, seconds: float) -> str:
        """The next line, which ends with a newline if it is whole. Raises queue.Empty if there is none in time.

        A site's own modules may print before the worker redirects what is printed: until its first answer, what cannot
        be one is passed over.
        """
        until = time.monotonic() + seconds
        while True:
            left = max(until - time.monotonic(), 0)
            try:
                line = self.answers.get(timeout=min(left, LOOK_SECONDS))
            except queue.Empty:
                if left <= LOOK_SECONDS:
                    raise
                if not self.alive:
                    self._end(())  # a child that was forked from it may hold its output open
                continue
            if not line:
                self.answers.put("")  # it has ended: whoever asks again is told at once
            if self.answered or line.startswith("{") or not line.endswith("\n"):
                self.answered = True
                return line
            self.printed = line

    def _answer(self, request: Request[A], name: str, line: str) -> A:
        try:
            answer = json.loads(line)  # which takes NaN, unlike msgspec: a fit may have become that
            if isinstance(answer, dict) and "error" in answer:
                raise WorkerError(f"{name}: {one_line(str(answer['error']))}")
            typed: A = msgspec.convert(answer, type(request).answer)
        except (ValueError, RecursionError) as error:  # msgspec's ValidationError, too
            self.kill()
            told = f"{one_line(str(error), 100)}; it wrote {one_line(line, 100)!r}"
            raise WorkerError(f"{name}: the worker's answer is not what was expected: {told}") from None
        return typed

    def _death(self, request: str) -> str:
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"{request}: the worker closed its output and lived on; it was ended"
        self._end(())
        self.errors.seek(0)
        said = [line for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        words = said[-1] if said else self.printed
        last = f"; its last words: {one_line(words)}" if words else ""
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if how == "SIGKILL":
            return f"{request}: the worker was killed (SIGKILL), perhaps because memory ran out{last}"
        return f"{request}: the worker died ({how}){last}"

    def kill(self) -> None:
        """End it at once, and what it has started: a compiler would go on beside what is measured next."""
        self._end(self._descendants())

    def pin(self, cores: list[int] | None) -> None:
        """Have it go on on these cores, with all threads that it has: from here, since older workers know no such
        request. None, or where it is already: nothing. Raises WorkerError.
        """
        if cores is not None and cores != self.pinned:
            try:
                pin(self.process.pid, cores)
            except OSError as error:
                raise WorkerError(f"it cannot be pinned to {cores} ({error.strerror})") from None
            self.pinned = cores

    def let_go(self) -> None:
        """Let the worker end by itself, as it does when nobody can ask it any more."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self._descendants_then = self._descendants()
            with suppress(BrokenPipeError):  # it has died already
                self.process.stdin.close()

    def close(self) -> None:
        """Let go of it, and end it if it does not end by itself."""
        self.let_go()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=END_SECONDS)
        self._end(self._descendants_then)
        self.errors.close()

    def _descendants(self) -> list[psutil.Process]:
        """What it has started, and what that has, in whatever session. Once it is dead, nobody knows."""
        with suppress(psutil.Error):
            if self.alive:
                return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def _end(self, descendants: Iterable[psutil.Process]) -> None:
        """End the worker, the rest of its session's group, and these."""
        self.process.kill()  # nothing, if it is dead
        if os.name == "posix" and (self.process.returncode is None or not psutil.pid_exists(self.process.pid)):
            # A group's number is nobody else's while it has a member; and without one, unless a process has it now.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for process in descendants:
            with suppress(psutil.Error):  # it has ended, too
                process.kill()
        self.process.wait()


class Deadline:
    """Seconds that are left of a case's time; only the time spent inside `with` counts."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def __enter__(self) -> float:
        self.begun = time.monotonic()
        return self.left

    def __exit__(self, *_: object) -> None:
        self.left -= time.monotonic() - self.begun
