"""The workers of one process of the run: one for each side, backend and environment, pinned, in order of need."""

import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.sides.machine import cpu_name
from bench.sides.side import Side, here
from bench.sides.variables import THREADS
from bench.support.system import instructions
from bench.workers.caches import Caches
from bench.workers.process import Deadline, WorkerError, WorkerLostError, WorkerProcess, variables_of
from bench.workers.protocol import PROTOCOL, Control, Start, Started

CONTROL_SECONDS = 60.0  # more than they can take


@dataclass(frozen=True)
class Running:
    """A worker that runs, what it told of its start and when that was, and where its compiled code is kept.

    beside: how many jobs went on beside its start on other cores, at most.
    """

    process: WorkerProcess
    started: Started
    at: float
    cache: Path
    beside: int = 0


class Pool:
    """Fresh workers, started when a case needs them and ended together. Several threads may ask, each for its own.

    code: the hash of each side's, by its label. cores: those of the run, for as many threads as any side has; None
    where workers are not pinned.
    """

    def __init__(
        self, choice: Choice, caches: Caches, cold: bool, code: Mapping[str, str], cores: Sequence[int] | None = None
    ) -> None:
        self.choice, self.caches, self.cold, self.code, self.cores = choice, caches, cold, code, cores
        self._workers: dict[Hashable, Running] = {}
        self._processes: list[WorkerProcess] = []  # all that were started, those that have not answered yet too
        self._killed = False
        self._lock = threading.Lock()
        self._home = here()  # told by the thread that makes the pool: those that help it may not parse at the same time
        self._controls: WorkerProcess | None = None

    def line(self, side: Side, case: Case) -> Hashable:
        """The environment which a case needs: two of the same are run by one worker, one after the other."""
        variables = self._variables(side, case, "")
        return (side.label, case.backend, case.device, tuple(sorted(variables.items())))

    def _variables(self, side: Side, case: Case, cache: str) -> dict[str, str]:
        backend, threads = backends()[case.backend], side.threads_of(self.choice)
        return variables_of(backend, case.device, case.dtype, threads, cache, side.environ())

    def worker(
        self, side: Side, case: Case, deadline: Deadline, beside: int = 0, cores: Sequence[int] | None = None
    ) -> Running:
        """The worker that runs in the environment which the case needs, or a new one. Raises WorkerError.

        cores: where it goes on now, if not on those of the run; as many of them as the side has threads. beside: how
        many jobs go on there at the same time.
        """
        key, pinned = self.line(side, case), self.cores_of(side, cores)
        running = self._workers.get(key)
        if running is not None and running.process.alive:
            running.process.pin(pinned)
            return running
        threads = side.threads_of(self.choice)
        variables = self._variables(side, case, "")
        told = [case.backend, side.python_version, side.packages, self.code[side.label], side.variables, variables]
        with self._lock:
            # Compilers make code for the processor that they run on: a folder that is kept may come from another one.
            folder = self.caches.folder([*told, cpu_name(), instructions()], self.cold)
        process = self._begun(WorkerProcess(side, self._variables(side, case, str(folder))))
        try:
            with deadline as left:
                started = process.ask(Start(case.backend, case.device, threads, pinned), left)
            if started.protocol != PROTOCOL:
                raise WorkerError(
                    f"start: its workers speak protocol {started.protocol}, this fitbench protocol {PROTOCOL}"
                )
        except BaseException:  # Ctrl-C too: nobody else knows of it yet
            process.kill()
            raise
        self._workers[key] = Running(process, started, round(time.time(), 3), folder, beside)
        return self._workers[key]

    def _begun(self, process: WorkerProcess) -> WorkerProcess:
        """A process that was started just now, perhaps while another thread was told to end them all."""
        with self._lock:
            self._processes.append(process)
            killed = self._killed
        if killed:
            process.kill()
            raise WorkerLostError("start: the run was ended")
        return process

    def cores_of(self, side: Side, cores: Sequence[int] | None = None) -> list[int] | None:
        """The cores that the workers of a side are pinned to: the last ones of the run, or of these, one a thread."""
        cores = self.cores if cores is None else cores
        return None if cores is None else list(cores[-side.threads_of(self.choice) :])

    def control(self, names: Sequence[str]) -> list[float]:
        """The seconds that these controls take now, in a worker of their own that runs on the same core.

        It runs in fitbench's own interpreter and checkout, whatever is compared: a side's would change with the side.
        Raises WorkerError.
        """
        if self._controls is None:
            self._controls = self._begun(WorkerProcess(self._home, dict.fromkeys(THREADS, "1")))
        cores = None if self.cores is None else list(self.cores)
        return self._controls.ask(Control(cores, list(names)), CONTROL_SECONDS).seconds

    def close(self) -> None:
        """Let all end by themselves, at the same time."""
        for process in self._processes:
            process.let_go()
        for process in self._processes:
            process.close()
        self._processes.clear()
        self._workers.clear()
        self._controls = None

    def kill(self) -> None:
        """End them at once, whatever they are in the middle of, and those that another thread starts just now."""
        with self._lock:
            self._killed = True
            processes = list(self._processes)
        for process in processes:
            process.kill()
