"""The parent's side of a worker: a process with an environment of its own, asked in JSON lines, under a deadline."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.backend import Backend

if TYPE_CHECKING:
    from bench.sides import Side

ROOT = Path(__file__).resolve().parent.parent

# One thread count for every pool that a framework may bring along.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class WorkerError(Exception):
    """A worker failed a request: it raised, died, or did not answer in time. The message is the reason, in one line."""


def environment(
    backend: Backend, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
) -> dict[str, str]:
    """The variables that a worker has on top of those that it is given."""
    pools = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return {**pools, **backend.environment(device, dtype, threads, cache, given)}


def cores(threads: int) -> list[int] | None:
    """The cores that a worker is pinned to: the last ones allowed; None where processes cannot be pinned."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return sorted(os.sched_getaffinity(0))[-threads:]


class WorkerProcess:
    """A running worker; `alive` until it dies, is killed for lateness, or is closed."""

    def __init__(self, side: "Side", variables: Mapping[str, str]) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.process = subprocess.Popen(
            [side.python, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=side.root,
            # Else Python may leave the folder out of its path, and import another checkout that is installed.
            env={**side.environment(), **variables, "PYTHONSAFEPATH": ""},
            start_new_session=True,  # Ctrl-C is for us: we end the workers
        )
        self.answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def ask(self, request: str, seconds: float, **arguments: Any) -> dict[str, Any]:
        """The worker's answer. Raises WorkerError if it raises, dies, or takes longer than `seconds`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"request": request, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=max(seconds, 0))
        except queue.Empty:
            self.kill()
            raise WorkerError(f"no answer to '{request}' within --case-timeout; the worker was ended") from None
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):  # nothing, or what it had written when it was killed
            raise WorkerError(self._death(request))
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{request}: {one_line(answer['error'])}")
        return answer

    def _death(self, request: str) -> str:
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"{request}: the worker closed its output and lived on; it was ended"
        self.errors.seek(0)
        said = [line for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        last = f"; its last words: {one_line(said[-1])}" if said else ""
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if how == "SIGKILL":
            return f"{request}: the worker was killed (SIGKILL), perhaps because memory ran out{last}"
        return f"{request}: the worker died ({how}){last}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Let the worker end by itself, as it does when nobody can ask it any more; end it if it does not."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it has died already
                self.process.stdin.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()
        self.errors.close()


def one_line(text: str, width: int = 300) -> str:
    """The first line that says something, shortened to a width that fits a table's footnote."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 3] + "..."


class Deadline:
    """Seconds that are left of a case's time; only the time spent inside `with` counts."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def __enter__(self) -> float:
        self.begun = time.monotonic()
        return self.left

    def __exit__(self, *_: object) -> None:
        self.left -= time.monotonic() - self.begun
