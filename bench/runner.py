"""The runner: groups of cases, each backend in its worker; converge, check, then timed rounds in turns."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bench.agreement import Agreement, DisagreementError, check, check_round
from bench.backends import backends
from bench.bound import Bound
from bench.case import Case, Choice, Planned, plan
from bench.machine import cpu_name
from bench.oracle import PARAMETERS, Trajectory
from bench.problem import Problem, digest
from bench.record import AGREED, FAILED, MEASURED, NOT_REACHED, SKIPPED, Record
from bench.workers import Deadline, WorkerError, WorkerProcess, cores, environment


@lru_cache(maxsize=4)
def truth(problem: Problem) -> tuple[Bound, str]:
    """The exact trajectory with its bound, and the digest of the data it belongs to."""
    return Bound(Trajectory.of(problem)), digest(*problem.data())


def see(choice: Choice) -> dict[str, list[str]]:
    """The devices that each backend of the choice sees.

    The frameworks are asked, each in a process of its own, unless the choice is the cpu, which all of them see.
    """
    chosen = {name: backends()[name] for name in choice.backends}
    if choice.devices == ("cpu",):
        return {name: ["cpu"] for name in chosen}
    frameworks = {backend.packages: backend for backend in chosen.values() if backend.missing("") is None}

    def ask(backend: Any) -> list[str]:
        worker = WorkerProcess(backend, None, "float32", choice.threads)
        try:
            answer = worker.ask("start", choice.case_timeout, backend=backend.name, device=None, threads=1, cores=None)
            return list(answer["devices"])
        except WorkerError:
            return ["cpu"]  # its cases will fail with the reason, when their worker starts
        finally:
            worker.close()

    with ThreadPoolExecutor() as pool:
        devices = dict(zip(frameworks, pool.map(ask, frameworks.values()), strict=True))
    return {name: devices.get(backend.packages, ["cpu"]) for name, backend in chosen.items()}


@dataclass
class Progress:
    """What is known of one case while its group runs."""

    case: Case
    deadline: Deadline
    bound: Bound
    facts: dict[str, Any] = field(default_factory=dict)
    agreement: Agreement | None = None
    rounds: list[dict[str, Any]] = field(default_factory=list)
    worker: WorkerProcess | None = None
    failure: str | None = None


class Runner:
    """Runs groups when one of their cases is asked for, and keeps the records of all."""

    def __init__(self, choice: Choice, timed: bool, disable_gc: bool) -> None:
        self.choice, self.timed, self.disable_gc = choice, timed, disable_gc
        self.planned: list[Planned] = plan(choice, see(choice))
        self.selected: list[Case] = []
        self.records: dict[Case, Record] = {}
        self.interrupted = False
        self._groups: dict[str, list[Case]] = {}
        self._workers: dict[Any, tuple[WorkerProcess, dict[str, Any]]] = {}
        for entry in self.planned:
            if entry.reason is not None:
                self.records[entry.case] = self._record(entry.case, SKIPPED, entry.reason)

    def select(self, cases: Iterable[Case]) -> None:
        """Say which cases will be asked for, so that a group holds these and no others."""
        self.selected = list(cases)
        for case in self.selected:
            if case not in self.records:
                self._groups.setdefault(case.group, []).append(case)

    def record(self, case: Case) -> Record:
        """The record of a case, for which its whole group is run if it has not been.

        A KeyboardInterrupt while the group runs is kept for later: `interrupted` is set, the records hold what was
        measured until then, and cases that were not reached are recorded as not reached.
        """
        if case not in self.records and not self.interrupted:
            self._run(self._groups[case.group])
        return self.so_far(case)

    def so_far(self, case: Case, told: bool = True) -> Record:
        """The record of a case as it stands; nothing is run. What was measured but never `told` does not count."""
        record = self.records.get(case)
        if record is None or (record.outcome == MEASURED and not told):
            return self._record(case, NOT_REACHED, "the run ended before it was measured and reported")
        return record

    def close(self) -> None:
        for worker, _ in self._workers.values():
            worker.close()
        self._workers.clear()

    def _record(self, case: Case, outcome: str, reason: str | None, **facts: Any) -> Record:
        return Record(
            variant=case.variant,
            backend=case.backend,
            device=case.device,
            dtype=case.dtype,
            points=case.points,
            outcome=outcome,
            reason=reason,
            seed=self.choice.seed,
            steps=self.choice.steps,
            **facts,
        )

    def _run(self, cases: Sequence[Case]) -> None:
        group: list[Progress] = []
        try:
            bound, sha = truth(cases[0].problem(self.choice.seed, self.choice.steps))
            group += [Progress(case, Deadline(self.choice.case_timeout), bound) for case in cases]
            for progress in group:
                self._attempt(progress, self._converge, sha)
            if self.timed:
                self._take_turns(group)
            for progress in group:
                self._attempt(progress, self._finish)
        except KeyboardInterrupt:
            self.interrupted = True
            for progress in group:
                if progress.worker is not None:
                    progress.worker.kill()  # it may be in the middle of an answer
        for progress in group:
            if (record := self._conclude(progress)) is not None:
                self.records[progress.case] = record

    def _take_turns(self, group: Sequence[Progress]) -> None:
        """Rounds in turns: each turn gives every backend one, in an order of its own, so that drift hits all alike."""
        shuffle = random.Random(f"{group[0].case.group} {self.choice.seed}").shuffle
        for turn in range(self.choice.rounds):
            order = [progress for progress in group if progress.failure is None]
            shuffle(order)
            for place, progress in enumerate(order):
                self._attempt(progress, self._round, turn, place)

    def _attempt(self, progress: Progress, action: Callable[..., None], *arguments: Any) -> None:
        """Do something for a case that has not failed; its failure is its own."""
        if progress.failure is None:
            try:
                action(progress, *arguments)
            except (WorkerError, DisagreementError) as error:
                progress.failure = str(error)

    def _ask(self, progress: Progress, request: str, **arguments: Any) -> dict[str, Any]:
        assert progress.worker is not None
        with progress.deadline as left:
            return progress.worker.ask(request, left, **arguments)

    def _converge(self, progress: Progress, sha: str) -> None:
        case, problem = progress.case, progress.bound.problem
        started = self._start(progress)
        built = self._ask(
            progress,
            "build",
            variant=case.variant,
            device=case.device,
            dtype=case.dtype,
            points=case.points,
            seed=problem.seed,
            steps=problem.steps,
        )
        if built.pop("digest") != sha:
            raise DisagreementError("the worker's data differ in their bits from the oracle's")
        converged = self._ask(progress, "converge")
        checkpoints, hits = converged["checkpoints"], converged["cache_hits"]
        progress.facts = {
            **built,
            "device_name": cpu_name() if built["device_name"] == "cpu" else built["device_name"],
            "cores": cores(self.choice.threads),
            "import_seconds": started["import_seconds"],
            "startup_seconds": started["startup_seconds"],
            "first_call_seconds": converged["first_call_seconds"],
            "cache_state": None if hits is None else "warm" if hits else "empty",
            "coefficients": checkpoints[-1]["after"][:PARAMETERS],
            "losses": [[checkpoint["step"], checkpoint["loss"]] for checkpoint in checkpoints],
            "exact_losses": [
                [step, float(progress.bound.trajectory.losses[step - 1])] for step in problem.checkpoints()
            ],
        }
        if converged["not_finite_at"] is not None:
            # JSON has no NaN.
            progress.facts.update(coefficients=None, losses=None, exact_losses=None)
            raise DisagreementError(f"became NaN or infinite at step {converged['not_finite_at']}")
        progress.agreement = check(progress.bound, checkpoints)

    def _start(self, progress: Progress) -> Mapping[str, Any]:
        """Give the case a worker: the one that runs already in the environment that it needs, or a new one."""
        case, threads = progress.case, self.choice.threads
        backend = backends()[case.backend]
        variables = environment(backend, case.device, case.dtype, threads, cache="")
        key = (case.backend, case.device, tuple(sorted(variables.items())))
        worker, answer = self._workers.get(key, (None, {}))
        if worker is None or not worker.alive:
            worker = WorkerProcess(backend, case.device, case.dtype, threads)
            progress.worker = worker
            answer = self._ask(
                progress, "start", backend=case.backend, device=case.device, threads=threads, cores=cores(threads)
            )
            self._workers[key] = worker, answer
        progress.worker = worker
        return answer

    def _round(self, progress: Progress, turn: int, place: int) -> None:
        answer = self._ask(progress, "round", disable_gc=self.disable_gc)
        try:
            check_round(progress.bound, answer["state"], answer["loss"], answer["next"])
        except DisagreementError as error:
            raise DisagreementError(f"round {turn + 1}: {error}") from None
        timing = {name: answer[name] for name in ("seconds", "cpu_seconds")}
        progress.rounds.append({"turn": turn, "place": place, **timing})

    def _finish(self, progress: Progress) -> None:
        answer = self._ask(progress, "finish")
        progress.facts.update(answer)
        if answer["recompiles"]:
            raise DisagreementError(f"recompiled {answer['recompiles']} time(s) after the first call")
        if answer["graph_breaks"]:
            raise DisagreementError(f"the step is not one graph: {answer['graph_breaks']} graph break(s)")

    def _conclude(self, progress: Progress) -> Record | None:
        case, facts = progress.case, progress.facts
        if progress.failure is not None:
            return self._record(case, FAILED, progress.failure, **facts)
        if progress.agreement is None or (self.timed and not progress.rounds):
            return None  # not reached
        agreement = progress.agreement.as_dict()
        if self.timed:
            return self._record(case, MEASURED, None, agreement=agreement, rounds=progress.rounds, **facts)
        return self._record(case, AGREED, None, agreement=agreement, **facts)
