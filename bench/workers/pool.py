"""The workers of one process of the run: one for each side, backend and environment, pinned, in order of need."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.sides.machine import cpu_name
from bench.sides.side import Side, here
from bench.sides.variables import THREADS
from bench.support.system import instructions
from bench.workers.caches import Caches
from bench.workers.process import Deadline, WorkerError, WorkerProcess, variables_of
from bench.workers.protocol import PROTOCOL, Control, Start, Started

CONTROL_SECONDS = 60.0  # more than they can take


@dataclass(frozen=True)
class Running:
    """A worker that runs, what it told of its start and when that was, and where its compiled code is kept."""

    process: WorkerProcess
    started: Started
    at: float
    cache: Path


class Pool:
    """Fresh workers, started when a case needs them and ended together.

    code: the hash of each side's, by its label. cores: those of the run, for as many threads as any side has; None
    where workers are not pinned.
    """

    def __init__(
        self, choice: Choice, caches: Caches, cold: bool, code: Mapping[str, str], cores: Sequence[int] | None = None
    ) -> None:
        self.choice, self.caches, self.cold, self.code, self.cores = choice, caches, cold, code, cores
        self._workers: dict[Any, Running] = {}
        self._controls: WorkerProcess | None = None

    def worker(self, side: Side, case: Case, deadline: Deadline) -> Running:
        """The worker that runs in the environment which the case needs, or a new one. Raises WorkerError."""
        backend, threads = backends()[case.backend], side.threads_of(self.choice)
        given = side.environ()
        variables = variables_of(backend, case.device, case.dtype, threads, "", given)
        key = (side.label, case.backend, case.device, tuple(sorted(variables.items())))
        running = self._workers.get(key)
        if running is not None and running.process.alive:
            return running
        told = [case.backend, side.python_version, side.packages, self.code[side.label], side.variables, variables]
        # Compilers make code for the processor that they run on: a folder that is kept may come from another one.
        folder = self.caches.folder([*told, cpu_name(), instructions()], self.cold)
        process = WorkerProcess(side, variables_of(backend, case.device, case.dtype, threads, str(folder), given))
        try:
            with deadline as left:
                started = process.ask(Start(case.backend, case.device, threads, self.cores_of(side)), left)
            if started.protocol != PROTOCOL:
                raise WorkerError(
                    f"start: its workers speak protocol {started.protocol}, this fitbench protocol {PROTOCOL}"
                )
        except BaseException:  # Ctrl-C too: nobody else knows of it yet
            process.kill()
            raise
        self._workers[key] = Running(process, started, round(time.time(), 3), folder)
        return self._workers[key]

    def cores_of(self, side: Side) -> list[int] | None:
        """The cores that the workers of a side are pinned to: the last ones of the run, one a thread."""
        return None if self.cores is None else list(self.cores[-side.threads_of(self.choice) :])

    def control(self, names: Sequence[str]) -> list[float]:
        """The seconds that these controls take now, in a worker of their own that runs on the same core.

        It runs in fitbench's own interpreter and checkout, whatever is compared: a side's would change with the side.
        Raises WorkerError.
        """
        if self._controls is None:
            self._controls = WorkerProcess(here(), dict.fromkeys(THREADS, "1"))
        cores = None if self.cores is None else list(self.cores)
        return self._controls.ask(Control(cores, list(names)), CONTROL_SECONDS).seconds

    def close(self) -> None:
        for running in self._workers.values():
            running.process.close()
        self._workers.clear()
        if self._controls is not None:
            self._controls.close()
            self._controls = None

    def kill(self) -> None:
        """End them at once: one may be in the middle of an answer."""
        for running in self._workers.values():
            running.process.kill()
        if self._controls is not None:
            self._controls.kill()
