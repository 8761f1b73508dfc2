"""The runner: process by process, fresh workers go through the groups; each sample is on disk before the next.

What is not timed goes side by side, on cores that are free: see bench.measuring.scheduler.
"""

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.cases.case import NAMES, Case
from bench.cases.choice import Choice
from bench.cases.memory import data_bytes
from bench.cases.options import command_of
from bench.cases.plan import Planned, plan
from bench.measuring.assembly import is_over, not_reached, record_of, samples_of, untimed
from bench.measuring.batches import room
from bench.measuring.group import Group
from bench.measuring.journal import Journal
from bench.measuring.kept_code import Keep, nowhere
from bench.measuring.member import Member
from bench.measuring.neighbours import Presence, warning
from bench.measuring.remaining import Remaining, about
from bench.measuring.rule import Rule
from bench.measuring.sampling import Sampler
from bench.measuring.scheduler import Cores, Job, Scheduler
from bench.measuring.unfinished import Entry, Plan, samples_in
from bench.records.record import MEASURED, SCHEMA, SKIPPED, Machine, Record, Sample
from bench.records.slowing import slowed
from bench.sides.able import unable, unwritten
from bench.sides.code import changed, files, hash_of
from bench.sides.machine import PASSING, machine_of
from bench.sides.side import Side
from bench.sides.variables import fingerprint
from bench.support.signals import as_ctrl_c
from bench.support.system import allowed_cores, apart
from bench.truth.problem import Problem
from bench.workers.caches import Caches
from bench.workers.devices import devices_of
from bench.workers.pool import Pool
from bench.workers.process import Deadline, WorkerError

SHOWN = 3  # files that a message names

# Cold and warm starts that are told go two at a time, however many cores are free: each on a core of its own. What one
# neighbour does to them is not measured, but told (`beside`). Those of later processes are not, and go on all cores.
TOLD_AT_ONCE = 2


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
        self._files = {side.label: files(side.root) for side in sides}
        self.code = {side.label: hash_of(side.root, self._files[side.label]) for side in sides}
        plans = self._plans()
        self._check_choice(plans)
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
        self.keep_code: Keep = nowhere  # which a command replaces, where the texts are asked for
        self.aside: Callable[[], Job] | None = None  # what goes beside the start of each process but the first
        self._scheduler = Scheduler(self._places)
        self._remaining = Remaining(self.processes)
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

    def _check_choice(self, plans: Mapping[str, Sequence[Planned]]) -> None:
        """Raises InputError for what this machine has not the memory or the time for."""
        needed = Counter[Case]()
        for side in self.sides:
            for one in plans[side.label]:
                if one.reason is None:
                    needed[one.case] += data_bytes(one.case, side.root)
        self.choice.check_memory(needed)
        self.choice.check_time({case.device for case in needed})

    def select(self, cases: Iterable[Case]) -> None:
        """Say which cases will be asked for, so that a group holds these and no others."""
        self.selected = list(cases)

    def keep_journal(self, path: Path, resume: bool) -> None:
        """Write each sample there as soon as it is made; to `resume` is to go on from those it holds.

        Raises InputError, as Journal does, and for samples that no run of these options can have written.
        """
        self.journal = (Journal.resume if resume else Journal.begin)(path, _journal_key(self))
        try:
            self.samples = _lasting_samples(samples_in(path, self.journal.samples, self.timed))
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
        told = {"code": self.code[label], "command": command_of(self.choice)}
        return msgspec.structs.replace(machine, other_runs=sorted(self.presence.seen), **told)

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
            if self.journal is not None:
                self.journal.tell(msgspec.json.encode(self._plan()))
            for line in self.choice.foreseen():
                self.warn(line)
            try:
                for process in range(self.processes):
                    if not (cases := self._going_on(process)):
                        break
                    (self._process if self.timed else self._check)(process, cases, caches)
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

    def _plan(self) -> Plan:
        """What is to be measured, and where."""
        machines = {side.label: self.about(machine_of(side), side.label) for side in self.sides}
        cases = {
            side.label: [
                Entry(case, reason, reason is not None and unwritten(case, side) is not None)
                for case in self.selected
                for reason in [self._reasons.get((side.label, case))]
            ]
            for side in self.sides
        }
        return Plan(machines, cases)

    def _process(self, process: int, going_on: Sequence[Case], caches: Caches) -> None:
        """One fresh worker a backend and side, through all groups of the cases that go on.

        Raises KeyboardInterrupt, and EditedError: each group is kept only if it was made by the code of the others.
        """
        pool = self._pool(process, caches)
        try:
            self._check_code()
            groups = self._groups_of(pool, process, going_on)
            self._remaining.begin(len(groups))
            beside = self._beginning(pool, groups, process)
            undecided = f"; {len(going_on)} of {len(self.selected)} cases undecided" if self.rule else ""
            for number, group in enumerate(groups, 1):
                told = f"process {process + 1} of {self.processes}, group {number} of {len(groups)}"
                self.tell(f"{told}: {self._about(group)}{undecided}{self._remaining.left()}")
                samples = group.run(TOLD_AT_ONCE if process <= max(self.choice.cold, 1) else None, beside)
                beside = []
                self._check_code()
                self._keep(samples, journal=not group.interrupted)
                if group.interrupted:
                    raise KeyboardInterrupt
                self._look_about(known=set(self.presence.seen))
                self._remaining.done()
        finally:
            pool.close()

    def _check(self, process: int, going_on: Sequence[Case], caches: Caches) -> None:
        """All cases side by side, each kept as soon as it is known. Raises as `_process` does."""
        pool, begun = self._pool(process, caches), time.monotonic()
        count = 0

        def keep(sample: Sample) -> None:
            nonlocal count
            self._check_code()
            self._keep([sample], journal=True)
            count += 1
            left = about((time.monotonic() - begun) / count * (len(jobs) - count))
            self.tell(f"{count} of {len(jobs)} cases checked: {sample.case.id}{left}")

        try:
            self._check_code()
            jobs = [job for group in self._groups_of(pool, process, going_on) for job in group.checking(keep)]
            self._scheduler.run(jobs, pool.kill, room=room())
        finally:
            pool.close()

    def _pool(self, process: int, caches: Caches) -> Pool:
        return Pool(self.choice, caches, process < self.choice.cold, self.code, self.presence.cores)

    def _groups_of(self, pool: Pool, process: int, going_on: Iterable[Case]) -> list[Group]:
        """What is to be measured in this process, group by group."""
        found = [(cases[0], self._members(cases, process)) for cases in self._groups(process, going_on)]
        return [
            Group(
                *(pool, self._scheduler, members),
                Problem.of(first, self.choice.seed, self.choice.steps_at(first.points)),
                self.disable_gc,
                self.timed,
                self.keep_code,
            )
            for first, members in found
            if members
        ]

    def _about(self, group: Group) -> str:
        """The group in words: names, and of the numbers those that it does not share with all others."""
        values = group.members[0].case.values()
        shown = [name for name in NAMES if name != "backend"]
        numbers = {name for name in shown if isinstance(values[name], int)}
        shared = {name for name in numbers if len({getattr(case, name) for case in self.selected}) == 1}
        return ", ".join(f"{values[name]}{f' {name}' * (name in numbers)}" for name in shown if name not in shared)

    def _beginning(self, pool: Pool, groups: Sequence[Group], process: int) -> list[Job]:
        """The jobs with which a process begins: all its workers start, beside what is to be done aside."""

        def job(member: Member) -> Job:
            def start(cores: Cores, beside: int) -> None:
                with suppress(WorkerError):  # its first case tries again, and fails with the reason
                    pool.worker(member.side, member.case, Deadline(self.choice.case_timeout), beside, cores)

            return Job(pool.line(member.side, member.case), start)

        def controls(cores: Cores, beside: int) -> None:
            with suppress(WorkerError):  # the turns try again, and go on without
                pool.control([])

        aside = [self.aside()] if self.aside is not None and process and groups else []
        firsts = {pool.line(one.side, one.case): one for group in reversed(groups) for one in group.members}
        ready = [Job("controls", controls)] if groups else []
        return [*aside, *ready, *(job(member) for member in reversed(firsts.values()))]

    def _places(self) -> list[Cores]:
        """Where what is not timed may go on now: on the cores of the run, and on as many others as are free."""
        threads = self.presence.threads
        spare = self.presence.spare()
        if spare is None:  # nothing is pinned
            return [None] * max(1, len(allowed_cores()) // threads)
        own, others = spare[:threads], spare[threads:]
        if self.timed:  # the data of a fit stay where they were placed, and siblings slow each other down
            others = [core for core in apart(spare, near=own[-1]) if core not in own]
        return [own, *(others[first : first + threads] for first in range(0, len(others) - threads + 1, threads))]

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
        # A group that was cut off is made anew as a whole, for its cases take turns; if nothing is timed, they do not.
        again = done - failed if self.timed else set()
        self.samples = [one for one in self.samples if not (one.process == process and (one.side, one.case) in again)]
        share = self.choice.max_time / self.choice.processes
        return [
            Member(
                side,
                case,
                Deadline(self.choice.case_timeout),
                Sampler(process, self.choice.precision, share),
                pace=_pace(earlier[side.label, case]),
            )
            for side, case in pairs
            if (side.label, case) not in failed | (done - again)
        ]

    def _keep(self, samples: Iterable[Sample], journal: bool) -> None:
        for sample in samples:
            if journal and self.journal is not None:
                self.journal.append(msgspec.json.encode(sample))
            self.samples.append(sample)


def _pace(samples: Iterable[Sample]) -> float | None:
    """Seconds per iteration of a case, by its first process that was timed: rounds have the same steps in all."""
    first = next((one.rounds for one in samples if one.rounds is not None), None)
    return None if first is None else statistics.median(first.kept.seconds)


def _journal_key(runner: Runner) -> dict[str, Any]:
    """What a sample depends on: its form, what was asked for, and for each side its versions, flags, machine, code."""
    return {
        "schema": SCHEMA,
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
    return {**facts, **untold, "interpreter": _interpreter(side), "spec": side.spec, "threads": side.threads}


def _interpreter(side: Side) -> str:
    """Which it is, by whatever name it was called: `python` and `python3` of an environment are one."""
    python = Path(side.python)
    return str(python.with_name(python.resolve().name))
