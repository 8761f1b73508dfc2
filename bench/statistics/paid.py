"""What processes of a run paid before their second iteration of a case, by the state in which they began.

Cases share processes. What several variants have in common at a size (features that are compiled, say), the first of
them pays for; and the first case of all in a process may pay for more than its kind: modules that a compiler imports
when it is first asked to compile, say. A fit in a process of its own pays for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.cases.case import Case
from bench.records.record import ProcessStart, Record, Run
from bench.statistics.cold_start import EMPTY, STEADY, UNCACHED, WARM, quietest, state_of
from bench.statistics.growth import named_without
from bench.statistics.intervals import Interval
from bench.statistics.model import Model, Net
from bench.support.errors import InputError

STATES = (EMPTY, WARM, STEADY)  # of a fit: in a fresh process with caches so, or one more in a process that made others
Place = tuple[Any, ...]


@dataclass(frozen=True)
class Timed:
    """A case of a run, by the number of that: its record, net of the machine, and its figure there."""

    run: int
    record: Record
    net: Net
    figure: Interval

    @property
    def kind(self) -> tuple[str, str]:
        """What its starts are like those of."""
        return (self.record.case.backend, self.record.case.device)

    def in_state(self, state: str | None = None) -> list[ProcessStart]:
        """Its processes that began in a state, or all; one that has no cache is in any."""
        states = (state, UNCACHED)
        return quietest([one for one in self.record.processes or () if state is None or state_of(one) in states])


@dataclass(frozen=True)
class Paid:
    """Seconds of build and first call at a size; first: whether the process had made no other case before."""

    points: int
    seconds: float
    first: bool


def timed(measured: Sequence[tuple[Run, Model[Case]]]) -> list[Timed]:
    """The cases of the models. Raises InputError for one that is in two runs."""
    found: dict[Case, Timed] = {}
    for number, (run, model) in enumerate(measured):
        for case, net in model.nets.items():
            if case in found:
                first = measured[found[case].run][0].path
                raise InputError(f"{run.path}: {case.id}: {first} holds it too; give one of them")
            found[case] = Timed(number, run.measured[case], net, model.figures[case].net)
    return [*found.values()]


class Ledger:
    """What all cases of some runs paid, whether or not they are asked for."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._builds: dict[Place, float] = {}  # the dearest
        self._first: dict[Place, tuple[float, Case]] = {}
        for number, run in enumerate(runs):
            for case, record in run.measured.items():
                begun = _begun(record)
                for one in record.processes or ():
                    build, worker = _build(number, case, one), _worker(number, case, one)
                    self._builds[build] = max(self._builds.get(build, 0.0), known(one.build_seconds))
                    candidate = (begun.get(one.process, np.inf), case)
                    self._first[worker] = min(self._first.get(worker, candidate), candidate)

    def paid(self, one: Timed, state: str) -> list[Paid]:
        """By process of a state."""
        case = one.record.case
        if state == STEADY:
            pairs = [(each.steady_build_seconds, each.steady_call_seconds) for each in one.in_state()]
            return [Paid(case.points, a + b, False) for a, b in pairs if a is not None and b is not None]
        return [
            Paid(
                case.points,
                self._builds[_build(one.run, case, each)] + known(each.first_call_seconds),
                self._first[_worker(one.run, case, each)][1] == case,
            )
            for each in one.in_state(state)
        ]


def _begun(record: Record) -> Mapping[int, float]:
    """When the first round of a case that counts ended, by process."""
    kept = record.kept
    return {
        int(process): float(kept["time"][kept["process"] == process].min()) for process in np.unique(kept["process"])
    }


def _build(run: int, case: Case, process: ProcessStart) -> Place:
    return (run, *named_without(case, "variant"), process.process)


def _worker(run: int, case: Case, process: ProcessStart) -> Place:
    return (run, case.backend, case.device, process.process, process.started)


def imports(cases: Sequence[Timed]) -> list[float]:
    """By process. What an import takes does not depend on what compiled code there is."""
    every = {(one.run, process.process): process for one in cases for process in one.in_state()}
    return [known(process.import_seconds) for process in every.values()]


def startups(cases: Sequence[Timed], state: str) -> list[float]:
    """By process of a state."""
    every = {(one.run, process.process): process for one in cases for process in one.in_state(state)}
    return [known(process.startup_seconds) for process in every.values()]


def known(seconds: float | None) -> float:
    """A part of a start, of which no process of a case that is right lacks one."""
    return seconds or 0.0
