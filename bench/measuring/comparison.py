"""Two sides measured in one run, process by process, in turns: a JSON a side, and a journal until both are written."""

import itertools
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import msgspec

from bench.backends import backends
from bench.cases.choice import Choice
from bench.measuring.kept_code import beside
from bench.measuring.rule import Rule
from bench.measuring.runner import Runner
from bench.records.reading import load
from bench.records.record import Comparison, Machine, Run
from bench.records.writing import document, write
from bench.sides.machine import machine_of
from bench.sides.side import Side
from bench.statistics.sequential import Looks
from bench.support.errors import InputError
from bench.support.paths import anonymous
from bench.support.terminal import Progress
from bench.support.words import counted
from bench.workers.process import variables_of
from bench.workers.serving import SLOWDOWN, planted_slowdown

MERGED = ("XLA_FLAGS",)  # ours are added to those given


@dataclass(frozen=True)
class Plan:
    """What to measure, by which threshold its cases are decided, and where to leave it. A JSON a side, and until both
    are written a journal, are in `output`; and there, where they are asked for, the texts that compilers generated.
    """

    choice: Choice
    threshold: float
    output: Path
    disable_gc: bool = False
    cache: Path | None = None
    resume: bool = False
    keep_code: bool = False

    @property
    def looks(self) -> Looks:
        return Looks.up_to(self.choice.processes)

    def part(self, name: str, seed: int) -> "Plan":
        """The same in a folder of its own, with another seed."""
        return replace(self, output=self.output / name, choice=replace(self.choice, seed=seed))


class CutShortError(Exception):
    """Ctrl-C: what was measured is in the JSON of either side and in the journal."""


class NothingMeasuredError(Exception):
    """A side has no case that could be timed; the message says why."""


def measure(plan: Plan, sides: Sequence[Side]) -> tuple[Run, Run]:
    """Measure both sides and write their JSON. Raises InputError, CutShortError and NothingMeasuredError."""
    for side in sides:
        _has_effect(plan.choice, side)
    if not plan.resume and any((plan.output / f"{side.label}.json").exists() for side in sides):
        raise InputError(f"--output {plan.output}: a comparison is there already; give another folder, or delete it")
    progress, rule = Progress(), Rule(plan.threshold, astuple(plan.looks))
    runner = Runner(plan.choice, sides, True, plan.disable_gc, plan.cache, progress.tell, progress.warn, rule)
    if plan.keep_code:
        runner.keep_code = beside({side.label: plan.output / f"{side.label}.json" for side in sides}, progress.warn)
    runner.select(planned.case for planned in runner.planned)
    machines = {side.label: machine_of(side) for side in sides}  # before the load on it is our own
    if not plan.resume:
        _make(plan.output)
    runner.keep_journal(plan.output / "ab.json.journal", plan.resume)
    try:
        runner.announce()
        try:
            runner.run()
        finally:
            progress.clear()
        _write(plan, sides, runner, machines)
        if runner.edited:
            raise InputError(f"{runner.edited}; what was measured until then is in {plan.output}")
        if not runner.complete:
            raise CutShortError
        assert runner.journal is not None
        runner.journal.discard()
    finally:
        runner.leave()
        with suppress(OSError):
            plan.output.rmdir()  # if there is nothing in it
    return _checked(plan, sides)


def _write(plan: Plan, sides: Sequence[Side], runner: Runner, machines: dict[str, Machine]) -> None:
    together = uuid.uuid4().hex
    for side in sides:
        about = Comparison(together, side.label, anonymous(_spec(side)), astuple(plan.looks))
        machine = msgspec.structs.replace(
            runner.about(machines[side.label], side.label), comparison=about, command=None
        )
        records = {case: runner.so_far(case, label=side.label) for case in runner.selected}
        write(plan.output / f"{side.label}.json", document(records, machine, plan.disable_gc))


def _spec(side: Side) -> str:
    """The user's words for a side, those for its threads too."""
    return side.spec if side.threads is None else f"{side.spec} ({counted(side.threads, 'thread')})"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be made ({error.strerror}); expected a folder") from None


def _has_effect(choice: Choice, side: Side) -> None:
    """Raises InputError for a variable, or a flag in one, of which workers would be given another value: as the other
    side is; and for a slowdown that is none.
    """
    given = dict(side.variables)
    try:
        planted_slowdown("", environ := side.environ())
    except ValueError:
        what = f"{SLOWDOWN}={environ[SLOWDOWN]} is no fraction of a round; allowed: 0.1, or BACKEND:0.1"
        raise InputError(f"--{side.label} {side.spec!r}: {what}") from None
    for name, dtype, device in itertools.product(
        choice.axes["backend"], choice.axes["dtype"], choice.axes["device"] or ("cpu",)
    ):
        ours = variables_of(backends()[name], device, dtype, side.threads_of(choice), "", {})
        for variable in sorted(set(given) & set(ours)):
            both = _flags(given[variable]) & _flags(ours[variable]) if variable in MERGED else {variable}
            if both:
                told = " ".join(sorted(both))
                raise InputError(f"--{side.label} {side.spec!r}: {told} is set by fitbench itself, for {name}")


def _flags(words: str) -> set[str]:
    """The names of the flags among such words as "--a=1 --b"."""
    return {word.partition("=")[0] for word in words.split()}


def _checked(plan: Plan, sides: Sequence[Side]) -> tuple[Run, Run]:
    """Both runs, read back. A side of which nothing was timed is a failed comparison, never a "same"."""
    a, b = (load(plan.output / f"{side.label}.json") for side in sides)
    for side, run in zip(sides, (a, b), strict=True):
        if not run.measured:
            reasons = dict.fromkeys(f"{record.outcome}: {record.reason}" for record in run.records)
            raise NothingMeasuredError(f"--{side.label} {side.spec!r}: no case was timed; {next(iter(reasons))}")
    return a, b
