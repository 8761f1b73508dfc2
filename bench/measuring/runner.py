"""The runner: process by process, fresh workers go through the groups; each sample is on disk before the next."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.cases.plan import Planned, plan
from bench.measuring.assembly import not_reached, record_of, samples_of, untimed
from bench.measuring.group import Group, Member
from bench.measuring.journal import Journal
from bench.measuring.neighbours import Presence, warning
from bench.measuring.sampling import Sampler
from bench.records.reading import sample as sample_of
from bench.records.record import MEASURED, SKIPPED, Record, Sample
from bench.records.rounds import Rounds, joined
from bench.sides.able import unable
from bench.sides.code import code_hash
from bench.sides.machine import PASSING, machine_of
from bench.sides.side import Side
from bench.sides.variables import fingerprint
from bench.support.errors import InputError
from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem
from bench.workers.caches import Caches
from bench.workers.devices import devices_of
from bench.workers.pool import Pool
from bench.workers.process import Deadline


class Runner:
    """Measures the selected cases on every side when the first of them is asked for, and keeps the records.

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
        plans = self._plans()
        self.planned = plans[sides[0].label]
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
            for label, planned in plans.items()
            for entry in planned
            if entry.reason is not None
        }

    def _plans(self) -> dict[str, list[Planned]]:
        """By side: every case of the choice, with the reason if it cannot be run there."""
        seen = {side.label: devices_of(self.choice, side) for side in self.sides}
        everywhere = list(dict.fromkeys(device for each in seen.values() for some in each.values() for device in some))
        return {
            side.label: plan(self.choice, everywhere, partial(unable, side=side, seen=seen[side.label]))
            for side in self.sides
        }

    def select(self, cases: Iterable[Case]) -> None:
        """Say which cases will be asked for, so that a group holds these and no others."""
        self.selected = list(cases)

    def keep_journal(self, path: Path, resume: bool) -> None:
        """Write each sample there as soon as it is made; to `resume` is to go on from those it holds.

        Raises InputError, as Journal does, and for samples that no run of these options can have written.
        """
        self.journal = (Journal.resume if resume else Journal.begin)(path, _journal_key(self))
        try:
            self.samples = [sample_of(path, data) for data in self.journal.samples]
            if any(one.failure is None and (one.rounds is not None) != self.timed for one in self.samples):
                raise InputError(f"{path}: a sample is damaged (its rounds); delete it, and run without --resume")
        except BaseException:
            self.journal.close()
            self.journal = None
            raise

    def strays(self) -> list[str]:
        """The cases in the journal that are not selected: with other options they would be lost."""
        return sorted({sample.case.id for sample in self.samples} - {case.id for case in self.selected})

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
            return untimed(case, self.choice, SKIPPED, reason)
        record = record_of(case, self.choice, samples_of(self.samples, label, case), self.timed)
        return record if told or record.outcome != MEASURED else not_reached(case, self.choice)

    def run(self) -> None:
        """Measure everything that is selected and not in the journal."""
        self.ran = True
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
                oracle = oracle_of(Problem.of(cases[0], self.choice.seed, self.choice.steps))
                group = Group(pool, members, oracle, self.disable_gc)
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
        done = {key for key, found in earlier.items() if any(one.process == process for one in found)}
        failed = {key for key, found in earlier.items() if any(one.failure is not None for one in found)}
        if done | failed >= set(earlier):
            return []
        # A group that was cut off is made anew as a whole, for its cases take turns.
        again = done - failed
        self.samples = [one for one in self.samples if not (one.process == process and (one.side, one.case) in again)]
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

    def _kept(self, samples: Sequence[Sample], process: int) -> Rounds:
        return joined(one.rounds.kept for one in samples if one.rounds and one.process != process)

    def _keep(self, samples: Iterable[Sample], journal: bool) -> None:
        for sample in samples:
            if journal and self.journal is not None:
                self.journal.append(msgspec.json.encode(sample))
            self.samples.append(sample)


def _journal_key(runner: Runner) -> dict[str, Any]:
    """What a sample depends on: what was asked for, and for each side its versions, flags, machine and code."""
    return {
        "choice": asdict(runner.choice),
        "timed": runner.timed,
        "disable_gc": runner.disable_gc,
        "sides": {side.label: _lasting(side) for side in runner.sides},
    }


def _lasting(side: Side) -> dict[str, Any]:
    machine = msgspec.to_builtins(machine_of(side))
    facts = {name: value for name, value in machine.items() if name not in PASSING or name == "environment"}
    untold = {"values of variables that are not recorded": fingerprint(side.environ())}
    return {**facts, **untold, "code": code_hash(side.root), "interpreter": side.python, "spec": side.spec}
