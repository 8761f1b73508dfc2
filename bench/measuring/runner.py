"""The runner: process by process, fresh workers go through the groups; each sample is on disk before the next."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.cases.plan import Planned, plan
from bench.measuring.assembly import is_over, not_reached, record_of, samples_of, untimed
from bench.measuring.group import Group, Member
from bench.measuring.journal import Journal
from bench.measuring.neighbours import Presence, warning
from bench.measuring.rule import Rule
from bench.measuring.sampling import Sampler
from bench.records.reading import sample as sample_of
from bench.records.record import MEASURED, SKIPPED, Machine, Record, Sample
from bench.records.slowing import slowed
from bench.sides.able import unable, unwritten
from bench.sides.code import changed, files, hash_of
from bench.sides.machine import PASSING, machine_of
from bench.sides.side import Side
from bench.sides.variables import fingerprint
from bench.support.errors import InputError
from bench.support.signals import as_ctrl_c
from bench.truth.problem import Problem
from bench.workers.caches import Caches
from bench.workers.devices import devices_of
from bench.workers.pool import Pool
from bench.workers.process import Deadline

SHOWN = 3  # files that a message names


class EditedError(Exception):
    """The code of a side is no longer what it was when the run began; the message says which."""


class Runner:
    """Measures the selected cases on every side when the first of them is asked for, and keeps the records.

    tell: is called with a line about what begins; warn: with one about another run that goes on beside this one, or
    about what will take long. rule: which cases go on to the next process; without one all do. Raises InputError for a
    choice that does not fit in memory or would take too long, for a device that no backend sees, and for a side without
    code.
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
        rule: Rule | None = None,
    ) -> None:
        self.rule = rule
        self._decided: set[Case] = set()  # those that the rule gave no more processes, once the run has ended
        self.choice, self.sides, self.timed, self.disable_gc = choice, sides, timed, disable_gc
        self.tell, self.warn = tell, warn
        choice.check_memory(len(sides))
        self._files = {side.label: files(side.root) for side in sides}
        self.code = {side.label: hash_of(side.root, self._files[side.label]) for side in sides}
        plans = self._plans()
        choice.check_time({one.case.device for planned in plans.values() for one in planned if one.reason is None})
        self.planned = plans[sides[0].label]
        self.selected: list[Case] = []
        self.samples: list[Sample] = []
        self._records: dict[str, tuple[tuple[list[Sample], set[Case]], dict[Case, Record]]] = {}
        self.interrupted = False
        self.edited = ""  # what was edited meanwhile, which ended the run, in words
        self.whole = 0  # processes of the run that went through all groups
        self.ran = self.complete = False
        self.processes = choice.processes if timed else 1
        self.presence = Presence(max(side.threads_of(choice) for side in sides), share=not timed)
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
            self.samples = _lasting_samples(sample_of(path, data) for data in self.journal.samples)
            if any(one.failure is None and (one.rounds is not None) != self.timed for one in self.samples):
                raise InputError(f"{path}: a sample is damaged (its rounds); delete it, and run without --resume")
        except BaseException:
            self.journal.close()
            self.journal = None
            raise

    def announce(self) -> None:
        """Choose the cores of the run, those that it had if it is resumed, and tell the other runs of the machine.

        Raises InputError if other runs have too many of them. Otherwise `run` does this first.
        """
        self.presence.announce({core for sample in self.samples for core in sample.facts.cores or ()})

    def leave(self) -> None:
        """Make way for other runs; the journal is left to whoever resumes this one, if it holds anything."""
        self.presence.leave()
        if self.journal is not None:
            self.journal.close() if self.ran or self.samples else self.journal.discard()

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
            side = next(side for side in self.sides if side.label == label)
            skipped = untimed(case, self.choice, SKIPPED, reason)
            return msgspec.structs.replace(skipped, unwritten=unwritten(case, side) is not None)
        record = self._records_of(label)[case]
        return record if told or record.outcome != MEASURED else not_reached(case, self.choice)

    def _records_of(self, label: str) -> dict[Case, Record]:
        """Those of a side, made anew only if there is news: what they come to follows from the samples of all cases."""
        samples = [one for one in self.samples if one.side == label]
        news = (samples, set(self._decided))
        made_of, records = self._records.get(label, (None, dict[Case, Record]()))
        if made_of != news:
            records = {
                case: record_of(case, self.choice, samples_of(samples, label, case), self.timed, case in self._decided)
                for case in self.selected
                if (label, case) not in self._reasons
            }
            if self.timed:
                from bench.statistics.estimate import estimated  # with SciPy, which takes most of a second: only here

                records = {record.case: record for record in estimated(records.values())}
            self._records[label] = news, records
        return records

    def about(self, machine: Machine, label: str) -> Machine:
        """The machine of a side, with what the run has to tell beside it."""
        return msgspec.structs.replace(machine, other_runs=sorted(self.presence.seen), code=self.code[label])

    def run(self) -> None:
        """Measure everything that is selected and not in the journal, until all is measured or something ends it.

        A KeyboardInterrupt does, and an edit of a side's code: `interrupted` and `edited` tell. What was measured until
        then is sound.
        """
        self.ran = True
        caches = Caches(self._cache)
        for side in self.sides:
            if (told := slowed(side.environ())) is not None:
                self.warn(f"{side.spec or 'this run'}: {told}")
        with self.presence, as_ctrl_c():
            self._look_about(known=set())
            for line in self.choice.foreseen():
                self.warn(line)
            try:
                for process in range(self.processes):
                    if not (cases := self._going_on(process)):
                        break
                    self._process(process, cases, caches)
                    self.whole += 1
                self.complete = True
            except KeyboardInterrupt:
                self.interrupted = True
            except EditedError as error:
                self.edited = str(error)
            finally:
                caches.close()
                self._decided = {*self.selected} - {*self._going_on(self.processes)}

    def _going_on(self, process: int) -> list[Case]:
        """The selected cases that have a turn in this process: by the rule, which asks the samples of those before it
        and no others, so that a run that is resumed goes the same way.
        """
        if self.rule is None:
            return self.selected
        earlier = [one for one in self.samples if one.process < process]
        sides = {
            case: [samples_of(earlier, one.label, case) for one in self.sides if (one.label, case) not in self._reasons]
            for case in self.selected
        }
        return self.rule.undecided({case: found for case, found in sides.items() if found})

    def _process(self, process: int, going_on: Sequence[Case], caches: Caches) -> None:
        """One fresh worker a backend and side, through all groups of the cases that go on.

        Raises KeyboardInterrupt, and EditedError: each group is kept only if it was made by the code of the others.
        """
        pool = Pool(self.choice, caches, process < self.choice.cold, self.code, self.presence.cores)
        try:
            self._check_code()
            for number, cases in enumerate(self._groups(process, going_on), 1):
                members = self._members(cases, process)
                if not members:
                    continue
                left = f"; {len(going_on)} of {len(self.selected)} cases undecided" if self.rule else ""
                self.tell(f"process {process + 1} of {self.processes}, group {number}: {cases[0].group}{left}")
                problem = Problem.of(cases[0], self.choice.seed, self.choice.steps)
                group = Group(pool, members, problem, self.disable_gc)
                samples = group.run(self.timed)
                self._check_code()
                self._keep(samples, journal=not group.interrupted)
                if group.interrupted:
                    raise KeyboardInterrupt
                self._look_about(known=set(self.presence.seen))
        finally:
            pool.close()

    def _look_about(self, known: set[int]) -> None:
        """Warn of runs that were not known to go on beside this one."""
        if new := set(self.presence.others()) - known:
            self.warn(warning(new))

    def _check_code(self) -> None:
        """Workers import what is there when they need it: raises EditedError if that is not what the run began with."""
        for side in self.sides:
            if names := changed(self._files[side.label], files(side.root)):
                whose = f" of --{side.label} {side.spec!r}" if side.label else ""
                more = f" and {rest} more" if (rest := len(names) - SHOWN) > 0 else ""
                raise EditedError(f"the code{whose} was changed during the run: {', '.join(names[:SHOWN])}{more}")

    def _groups(self, process: int, going_on: Iterable[Case]) -> list[list[Case]]:
        """The cases by group, in an order of this process: what the groups before it leave behind in a worker,
        its heap and imports, would else always be the same for a variant.
        """
        groups: dict[str, list[Case]] = {}
        for case in going_on:
            groups.setdefault(case.group, []).append(case)
        shuffled = list(groups.values())
        random.Random(f"groups {self.choice.seed} {process}").shuffle(shuffled)
        return shuffled

    def _members(self, cases: Sequence[Case], process: int) -> list[Member]:
        """Who is to be measured in this process: all sides of the group's cases, but for those that were skipped, have
        failed for good, or all stand in the journal.
        """
        pairs = [(side, case) for case in cases for side in self.sides if (side.label, case) not in self._reasons]
        earlier = {(side.label, case): samples_of(self.samples, side.label, case) for side, case in pairs}
        done = {key for key, found in earlier.items() if any(one.process == process for one in found)}
        failed = {key for key, found in earlier.items() if is_over(found)}
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
                Sampler(process, self.choice.precision, share),
            )
            for side, case in pairs
            if (side.label, case) not in failed
        ]

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
        "rule": None if runner.rule is None else asdict(runner.rule),
        "sides": {side.label: {**_lasting(side), "code": runner.code[side.label]} for side in runner.sides},
    }


def _lasting_samples(samples: Iterable[Sample]) -> list[Sample]:
    """Those of a journal, without the processes that lost their worker: these are tried again."""
    last = {(one.side, one.case, one.process): one for one in samples}
    return [one for one in last.values() if not one.transient]


def _lasting(side: Side) -> dict[str, Any]:
    machine = msgspec.to_builtins(machine_of(side))
    facts = {name: value for name, value in machine.items() if name not in PASSING or name == "environment"}
    untold = {"values of variables that are not recorded": fingerprint(side.environ())}
    return {**facts, **untold, "interpreter": side.python, "spec": side.spec, "threads": side.threads}
