"""The workers of one process of the run: one for each side, backend and environment, pinned, in order of need."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backends import backends
from bench.caches import Caches
from bench.case import Case, Choice
from bench.environment import code_hash
from bench.sides import Side
from bench.worker import PROTOCOL
from bench.workers import Deadline, WorkerError, WorkerProcess, cores, environment

YARDSTICK_SECONDS = 60.0  # more than it can take


@dataclass(frozen=True)
class Started:
    """A worker that runs, what it told of its start, and where its compiled code is kept."""

    process: WorkerProcess
    answer: dict[str, Any]
    cache: Path


class Pool:
    """Fresh workers, started when a case needs them and ended together."""

    def __init__(self, choice: Choice, caches: Caches, cold: bool) -> None:
        self.choice, self.caches, self.cold = choice, caches, cold
        self._workers: dict[Any, Started] = {}
        self._yardstick: WorkerProcess | None = None

    def worker(self, side: Side, case: Case, deadline: Deadline) -> Started:
        """The worker that runs in the environment which the case needs, or a new one. Raises WorkerError."""
        backend, threads = backends()[case.backend], self.choice.threads
        given = side.environment()
        variables = environment(backend, case.device, case.dtype, threads, "", given)
        key = (side.label, case.backend, case.device, tuple(sorted(variables.items())))
        started = self._workers.get(key)
        if started is not None and started.process.alive:
            return started
        told = [case.backend, side.python_version, side.packages, code_hash(side.root), side.variables, variables]
        folder = self.caches.folder(told, self.cold)
        variables = environment(backend, case.device, case.dtype, threads, str(folder), given)
        process = WorkerProcess(side, variables)
        words = {"backend": case.backend, "device": case.device, "threads": threads, "cores": cores(threads)}
        try:
            with deadline as left:
                answer = process.ask("start", left, **words)
            if (spoken := answer.get("protocol", 1)) != PROTOCOL:
                raise WorkerError(f"start: its workers speak protocol {spoken}, this fitbench protocol {PROTOCOL}")
        except BaseException:  # Ctrl-C too: nobody else knows of it yet
            process.kill()
            raise
        self._workers[key] = Started(process, {**answer, "started": round(time.time(), 3)}, folder)
        return self._workers[key]

    def yardstick(self, side: Side) -> float:
        """The seconds that the yardstick takes now, in a worker of its own that runs on the same core."""
        if self._yardstick is None:
            self._yardstick = WorkerProcess(side, {})
        answer = self._yardstick.ask("yardstick", YARDSTICK_SECONDS, cores=cores(self.choice.threads))
        return float(answer["seconds"])

    def close(self) -> None:
        for started in self._workers.values():
            started.process.close()
        self._workers.clear()
        if self._yardstick is not None:
            self._yardstick.close()
            self._yardstick = None

    def kill(self) -> None:
        """End them at once: one may be in the middle of an answer."""
        for started in self._workers.values():
            started.process.kill()
        if self._yardstick is not None:
            self._yardstick.kill()
