"""The runner: process by process, fresh workers go through the groups; each sample is on disk before the next."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from bench.assembly import record_of, samples_of
from bench.backends import backends
from bench.bound import Bound
from bench.caches import Caches
from bench.case import Case, Choice, Planned, plan
from bench.environment import code_hash
from bench.group import Group, Member, Sample
from bench.journal import Journal
from bench.machine import PASSING, describe
from bench.neighbours import Presence, warning
from bench.oracle import Trajectory
from bench.pool import Pool
from bench.problem import Problem, digest
from bench.record import MEASURED, NOT_REACHED, SKIPPED, Record
from bench.sampling import Sampler, joined, kept_columns
from bench.sides import Side
from bench.workers import Deadline, WorkerError, WorkerProcess


@cache  # every process comes back to every group
def truth(problem: Problem) -> tuple[Bound, str]:
    """The exact trajectory with its bound, and the digest of the data it belongs to."""
    return Bound(Trajectory.of(problem)), digest(*problem.data())


def see(choice: Choice, side: Side) -> dict[str, list[str]]:
    """The devices that each backend of the choice sees.

    The frameworks are asked, each in a process of its own, unless the choice is the cpu, which all of them see.
    """
    chosen = {name: backends()[name] for name in choice.backends}
    if choice.devices == ("cpu",):
        return {name: ["cpu"] for name in chosen}
    usable = [backend for backend in chosen.values() if backend.missing("", side.absent, side.environment()) is None]
    frameworks = {backend.packages: backend for backend in usable}

    def ask(backend: Any) -> list[str]:
        worker = WorkerProcess(side, {})
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


class Runner:
    """Measures the selected cases on every side when the first of them is asked for, and keeps the records.

    journal: where each sample is written as soon as it is made; what it holds already is not measured again.
    tell: is called with a line about what begins; warn: with one about another run that goes on beside this one.
    Raises InputError for a choice that does not fit in memory, and for a device that no backend sees.
    """

    def __init__(
        self,
        choice: Choice,
        sides: Sequence[Side],
        timed: bool,
        disable_gc: bool = False,
        cache: Path | None = None,
        tell: Callable[[str], None] = lambda line: None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.choice, self.sides, self.timed, self.disable_gc = choice, sides, timed, disable_gc
        self.tell, self.warn = tell, warn
        choice.check_memory(len(sides))
        seen = {side.label: see(choice, side) for side in sides}
        everywhere = list(dict.fromkeys(device for each in seen.values() for some in each.values() for device in some))
        self.plans: dict[str, list[Planned]] = {
            side.label: plan(choice, seen[side.label], everywhere, side) for side in sides
        }
        self.planned = self.plans[sides[0].label]
        self.selected: list[Case] = []
        self.samples: list[Sample] = []
        self.interrupted = False
        self.ran = self.complete = False
        self.processes = choice.processes if timed else 1
        self.presence = Presence()
        self.journal: Journal | None = None
        self._cache = cache
        self._reasons = {
            (label, entry.case): entry.reason
            for label, plan in self.plans.items()
            for entry in plan
            if entry.reason is not None
        }

    def select(self, cases: Iterable[Case]) -> None:
        """Say which cases will be asked for, so that a group holds these and no others."""
        self.selected = list(cases)

    def strays(self) -> list[str]:
        """The cases in the journal that are not selected: with other options they would be lost."""
        selected = {case.id for case in self.selected}
        samples = self.journal.samples if self.journal is not None else []
        return sorted({sample["case"] for sample in samples} - selected)

    def record(self, case: Case) -> Record:
        """The record of a case of the first side, for which everything selected is measured if it has not been.

        A KeyboardInterrupt meanwhile is kept for later: `interrupted` is set, the records hold what was measured until
        then, and cases that were not reached are recorded as not reached.
        """
        if not self.ran and (self.sides[0].label, case) not in self._reasons:
            self.run()
        return self.so_far(case)

    def so_far(self, case: Case, told: bool = True, label: str | None = None) -> Record:
        """The record of a case as it stands; nothing is run. What was measured but never `told` does not count."""
        label = self.sides[0].label if label is None else label
        if (reason := self._reasons.get((label, case))) is not None:
            return record_of(case, self.choice, SKIPPED, reason)
        samples = samples_of(self.samples, label, case)
        record = record_of(case, self.choice, MEASURED if self.timed else None, None, samples)
        if record.outcome == MEASURED and not told:
            return record_of(case, self.choice, NOT_REACHED)
        return record

    def run(self) -> None:
        """Measure everything that is selected and not in the journal."""
        self.ran = True
        if self.journal is not None:
            self.samples += self.journal.samples
        caches = Caches(self._cache)
        with self.presence:
            self._look_about(known=set())
            try:
                for process in range(self.processes):
                    self._process(process, caches)
                self.complete = not self.interrupted
            except KeyboardInterrupt:
                self.interrupted = True
            finally:
                caches.close()

    def _process(self, process: int, caches: Caches) -> None:
        """One fresh worker a backend and side, through all groups."""
        pool = Pool(self.choice, caches, cold=process < self.choice.cold)
        try:
            for number, cases in enumerate(self._groups(), 1):
                if self.interrupted:
                    break
                members = self._members(cases, process)
                if not members:
                    continue
                self.tell(f"process {process + 1} of {self.processes}, group {number}: {cases[0].group}")
                bound, sha = truth(cases[0].problem(self.choice.seed, self.choice.steps))
                group = Group(pool, members, bound, sha, self.disable_gc)
                self._keep(group.run(self.timed), journal=not group.interrupted)
                self.interrupted |= group.interrupted
                self._look_about(known=set(self.presence.seen))
        finally:
            pool.close()

    def _look_about(self, known: set[int]) -> None:
        """Warn of runs that were not known to go on beside this one."""
        if new := set(self.presence.others()) - known:
            self.warn(warning(new))

    def _groups(self) -> list[list[Case]]:
        groups: dict[str, list[Case]] = {}
        for case in self.selected:
            groups.setdefault(case.group, []).append(case)
        return list(groups.values())

    def _members(self, cases: Sequence[Case], process: int) -> list[Member]:
        """Who is to be measured in this process: all sides of the group's cases, but for those that were skipped, have
        failed, or all stand in the journal.
        """
        pairs = [(side, case) for case in cases for side in self.sides if (side.label, case) not in self._reasons]
        earlier = {(side.label, case): samples_of(self.samples, side.label, case) for side, case in pairs}
        done = {key for key, found in earlier.items() if any(one["process"] == process for one in found)}
        failed = {key for key, found in earlier.items() if any(one["failure"] is not None for one in found)}
        if done | failed >= set(earlier):
            return []
        # A group that was cut off is made anew as a whole, for its cases take turns.
        again = done - failed
        self.samples = [
            one
            for one in self.samples
            if not (one["process"] == process and _key(one) in {(a, c.id) for a, c in again})
        ]
        share = self.choice.max_time / self.choice.processes
        return [
            Member(
                side,
                case,
                Deadline(self.choice.case_timeout),
                Sampler(process, self._kept(earlier[side.label, case], process), self.choice.precision, share),
            )
            for side, case in pairs
            if (side.label, case) not in failed
        ]

    def _kept(self, samples: Sequence[Sample], process: int) -> dict[str, list[Any]]:
        return joined(kept_columns(one["rounds"]) for one in samples if one["rounds"] and one["process"] != process)

    def _keep(self, samples: Iterable[Sample], journal: bool) -> None:
        for sample in samples:
            if journal and self.journal is not None:
                self.journal.append(sample)
            self.samples.append(sample)


def _key(sample: Sample) -> tuple[str, str]:
    return sample["side"], sample["case"]


def journal_key(runner: Runner) -> dict[str, Any]:
    """What a sample depends on: what was asked for, and for each side its versions, flags, machine and code."""
    return {
        "choice": asdict(runner.choice),
        "timed": runner.timed,
        "disable_gc": runner.disable_gc,
        "sides": {side.label: _lasting(side) for side in runner.sides},
    }


def _lasting(side: Side) -> dict[str, Any]:
    facts = {name: value for name, value in describe(side).items() if name not in PASSING or name == "environment"}
    return {**facts, "code": code_hash(side.root), "interpreter": side.python, "spec": side.spec}
