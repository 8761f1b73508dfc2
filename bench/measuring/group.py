"""One group of cases in one process: they converge, are checked, and take turns, one round each, until all have done.

They converge side by side, on all cores that the scheduler has for them; the turns are on those of the run alone.
Where their data do not fit into memory together, they do so batch by batch, and no turn has rounds of two batches.

What becomes of a case there is a sample, as the journal keeps it.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from bench.anatomy.texts import fingerprint
from bench.backends import backends
from bench.measuring.batches import batches, room
from bench.measuring.kept_code import Keep, nowhere
from bench.measuring.member import Member
from bench.measuring.panel import Panel
from bench.measuring.proofs import hold_compiled, hold_dtypes, hold_first_call, switched_off
from bench.measuring.sampling import pace_of, steps_of_round
from bench.measuring.scheduler import Cores, Job, Scheduler
from bench.records.limits import LARGEST
from bench.records.record import Facts, ProcessStart, Sample
from bench.records.rounds import PAGE_FAULTS, READ_SECONDS, Row
from bench.sides.machine import cpu_name
from bench.support.errors import one_line
from bench.support.words import counted
from bench.truth.check import DisagreementError, check, check_probes, check_timed
from bench.truth.oracle import Oracle, oracle_of
from bench.truth.problem import Checkpoint, Problem
from bench.workers.caches import has, mark
from bench.workers.pool import Pool, Running
from bench.workers.process import WorkerError, WorkerLostError
from bench.workers.protocol import Build, Built, Converge, Converged, Finish, Leave, Round, Stretch

A = TypeVar("A")


class OracleError(Exception):
    """An oracle raised, and so cannot tell what is right; the message is the reason, in one line."""


class Group:
    """Members that are compared with each other, in one process of the run."""

    def __init__(
        self,
        pool: Pool,
        scheduler: Scheduler,
        members: Sequence[Member],
        problem: Problem,
        disable_gc: bool,
        timed: bool = True,
        keep: Keep = nowhere,
    ) -> None:
        self.keep = keep
        self.pool, self.scheduler, self.members = pool, scheduler, members
        self.problem, self.disable_gc, self.timed = problem, disable_gc, timed
        self.interrupted = False
        self.present = members  # those that hold data, or are about to
        self.turn = 0
        self.process = members[0].sampler.process
        self.random = random.Random(f"{members[0].case.group} {pool.choice.seed} {self.process}")
        self.panel = Panel(pool.control, self.random)

    def run(self, most: int | None = None, beside: Iterable[Job] = ()) -> list[Sample]:
        """The samples of its members, timed. At most so many converge at once; with other jobs that may go beside that.

        After a KeyboardInterrupt `interrupted` is set, and there are those of wrong cases alone: of the others nobody
        has asked yet whether they were recompiled, or are one graph.
        """
        try:
            for batch in batches(self.members, lambda one: one.case, lambda one: one.data_bytes, room()):
                self.present = batch
                self.scheduler.run([*beside, *self._converging()], self.pool.kill, most)
                beside = ()
                for member in self.present:
                    self._attempt(member, self._come_home)
                self._take_turns()
                for member in self.present:
                    self._attempt(member, self._finish)
                    self._let_go(member)
        except KeyboardInterrupt:
            self.interrupted = True
            self.pool.kill()
            return [self.sample(member) for member in self.members if member.failure and not member.transient]
        return [self.sample(member) for member in self.members]

    def _converging(self) -> list[Job]:
        """A job a member: its worker converges, and what it tells is held to the truth."""

        def job(member: Member) -> Job:
            return Job(
                self.pool.line(member.side, member.case),
                lambda cores, beside: self._attempt(member, self._converge, cores, beside),
                lambda: self._attempt(member, self._judge),
            )

        return [job(member) for member in self._ordered(self._alternate)]

    def checking(self, keep: Callable[[Sample], None]) -> list[Job]:
        """A job a member that is not timed, whose sample is kept as soon as it is known."""

        def job(member: Member) -> Job:
            def work(cores: Cores, beside: int) -> None:
                self._attempt(member, self._converge, cores, beside)
                self._attempt(member, self._ask_finish)
                self._let_go(member)

            def judge() -> None:
                self._attempt(member, self._judge)
                self._attempt(member, self._settle)
                keep(self.sample(member))

            return Job(self.pool.line(member.side, member.case), work, judge, holds=member.data_bytes)

        return [job(member) for member in self._shuffled()]

    def _shuffled(self) -> list[Member]:
        return self._ordered(self.random.shuffle)

    def _alternate(self, sides: list[Member]) -> None:
        """The side that starts first in one process is the last in the next: also where those confirm a verdict."""
        if self.process % 2:
            sides.reverse()

    def _ordered(self, arrange: Callable[[list[Member]], None]) -> list[Member]:
        """Those present that have not failed, in a new order: backend by backend, so that its sides are neighbours, and
        those as arranged.
        """
        by_backend: dict[str, list[Member]] = {}
        for member in self.present:
            if member.failure is None:
                by_backend.setdefault(member.case.backend, []).append(member)
        backends = list(by_backend.values())
        self.random.shuffle(backends)
        for sides in backends:
            arrange(sides)
        return [member for sides in backends for member in sides]

    def _attempt(self, member: Member, action: Callable[..., None], *arguments: Any) -> None:
        """Do something for a case that has not failed; its failure is its own."""
        if member.failure is None:
            try:
                action(member, *arguments)
            except (WorkerError, DisagreementError, OracleError) as error:
                member.failure = f"{error}{switched_off(backends()[member.case.backend], member.side.environ())}"
                member.transient = isinstance(error, WorkerLostError)

    def _asked(self, question: Callable[..., A], *arguments: Any) -> A:
        """The answer of the oracle, which may be a user's own: whatever it raises is OracleError and fails a case."""
        try:
            return question(oracle_of(self.problem), *arguments)
        except DisagreementError:
            raise
        except Exception as error:  # whatever an oracle of a user's own may raise
            raise OracleError(f"the oracle failed: {type(error).__name__}: {one_line(str(error))}") from error

    def _converge(self, member: Member, cores: Cores, beside: int) -> None:
        """On these cores, with so many others beside it. Whoever judges it does so afterwards."""
        case, problem = member.case, self.problem
        member.cores = cores
        member.worker = self.pool.worker(member.side, case, member.deadline, beside, cores)
        built = member.ask(Build(case, problem.seed, problem.steps))
        warm = has(member.worker.cache, case.id)
        member.digest, member.converged = built.digest, member.ask(Converge())
        mark(member.worker.cache, case.id)
        member.start = self._start(member.worker, built, member.converged, warm, beside)
        member.facts = self._facts(member, built)

    def _judge(self, member: Member) -> None:
        """Hold what converged to the truth."""
        converged, case = member.converged, member.case
        assert converged is not None
        if member.digest != self.problem.digest:
            raise DisagreementError("the worker's data differ in their bits from the oracle's")
        hold_first_call(converged.compilations, converged.cache_hits)
        hold_compiled(converged.interpreted)
        hold_dtypes(case.dtype, converged.dtypes)
        if converged.not_finite_at is not None:
            raise DisagreementError(f"became NaN or infinite at step {converged.not_finite_at}")
        member.facts = self._asked(_fitted, member.facts, converged.checkpoints)
        agreement = self._asked(check, converged.checkpoints)
        self._asked(check_probes, converged.probes)
        member.agreement, member.converged = agreement, None
        if member.pace is None:
            member.pace = pace_of(converged.checkpoints) or converged.first_call_seconds

    def _come_home(self, member: Member) -> None:
        """To the cores of the run, where it is timed, from where it converged."""
        assert member.worker is not None
        member.worker.process.pin(self.pool.cores_of(member.side))

    def _start(self, worker: Running, built: Built, converged: Converged, warm: bool, beside: int) -> ProcessStart:
        hits = converged.cache_hits
        return ProcessStart(
            process=self.process,
            started=worker.at,
            import_seconds=worker.started.import_seconds + built.import_seconds,
            startup_seconds=worker.started.startup_seconds,
            build_seconds=built.build_seconds,
            first_call_seconds=converged.first_call_seconds,
            cache_state=None if hits is None else "warm" if warm else "empty",
            cache_hits=hits,
            compilations=converged.compilations,
            beside=max(beside, worker.beside),
        )

    def _facts(self, member: Member, built: Built) -> Facts:
        return Facts(
            device_name=cpu_name() if built.device_name == "cpu" else built.device_name,
            threads=built.threads,
            cores=self.pool.cores_of(member.side, None if self.timed else member.cores),
            matmul_precision=built.matmul_precision,
            compiler_options=built.compiler_options,
            data_predicted_bytes=member.data_bytes,
        )

    def _take_turns(self) -> None:
        """Rounds in turns: each turn gives every backend one, in an order of its own, so that drift hits all alike."""
        for member in self.present:
            # Both sides of a backend make rounds of the same steps: the pace is that of the first that has one.
            paces = [one.pace for one in self._sides_of(member) if one.pace is not None]
            if paces:
                member.round_steps = steps_of_round(paces[0], self.problem.steps)
        while active := [member for member in self._shuffled() if self._goes_on(member)]:
            self._turn(active)
            self.turn += 1

    def _turn(self, active: Sequence[Member]) -> None:
        """A round of each, and the controls between them."""
        self.panel.begin(len(active))
        made: list[tuple[Member, int, Stretch]] = []
        for place, member in enumerate(active):
            self.panel.measure(place)
            self._attempt(member, self._round, place, made)
        self.panel.end(sum(stretch.seconds * stretch.steps for _, _, stretch in made))
        state = dict(self.panel.latest)
        for member, place, one in made:
            timing = (one.time, one.steps, one.seconds, one.cpu_seconds)
            member.sampler.add(Row(self.process, self.turn, place, *timing, state, _readings(one)))

    def _sides_of(self, member: Member) -> list[Member]:
        return [one for one in self.members if one.case == member.case]

    def _goes_on(self, member: Member) -> bool:
        """The sides of a case end together, so that every round of one has its counterpart."""
        return any(not one.sampler.done for one in self._sides_of(member) if one.failure is None)

    def _round(self, member: Member, place: int, made: list[tuple[Member, int, Stretch]]) -> None:
        begun = time.monotonic()
        stretch = member.ask(Round(member.round_steps, self.disable_gc))
        made.append((member, place, stretch))
        member.rounds += 1
        member.done = stretch.done
        if member.done == self.problem.steps:
            self._leave(member)
        member.sampler.pass_time(time.monotonic() - begun)

    def _leave(self, member: Member) -> None:
        """What was timed is what is checked: the timed fit, at the checkpoint where it ends or which comes next."""
        left = member.ask(Leave())
        try:
            hold_compiled(left.interpreted)
            hold_dtypes(member.case.dtype, left.dtypes)
            self._asked(check_timed, left.step, left.state, left.loss, left.next)
        except DisagreementError as error:
            raise DisagreementError(f"round {member.rounds}: {error}") from None
        member.done = 0

    def _finish(self, member: Member) -> None:
        if member.done:
            self._leave(member)
        self._ask_finish(member)
        self._settle(member)

    def _ask_finish(self, member: Member) -> None:
        member.finished = member.ask(Finish())

    def _let_go(self, member: Member) -> None:
        """Have the worker of a case that failed before it was finished let go of its data."""
        if member.finished is None and member.worker is not None and member.worker.process.alive:
            with suppress(WorkerError):  # it has failed already
                member.ask(Finish())

    def _settle(self, member: Member) -> None:
        """What its worker told in the end, and whether that is as it must be."""
        finished = member.finished
        assert finished is not None
        member.start = msgspec.structs.replace(
            member.start,
            steady_build_seconds=finished.steady_build_seconds,
            steady_call_seconds=finished.steady_call_seconds,
        )
        member.facts = msgspec.structs.replace(
            member.facts,
            peak_memory_bytes=finished.peak_memory_bytes,
            data_peak_bytes=finished.data_peak_bytes,
            recompiles=finished.recompiles,
            graph_breaks=finished.graph_breaks,
            fingerprint=fingerprint(finished.code),
        )
        self.keep(member.side.label, member.case, finished.code)
        if finished.recompiles:
            raise DisagreementError(f"recompiled {counted(finished.recompiles, 'time')} after the first call")
        if finished.graph_breaks:
            raise DisagreementError(f"the step is not one graph: {counted(finished.graph_breaks, 'graph break')}")

    def sample(self, member: Member) -> Sample:
        """What became of it."""
        sampler = member.sampler
        good = member.failure is None
        return Sample(
            side=member.side.label,
            process=self.process,
            case=member.case,
            failure=member.failure,
            transient=member.transient,
            facts=member.facts,
            agreement=member.agreement if good else None,
            start=msgspec.structs.replace(
                member.start, warm_up_rounds=sampler.warm_up, warm=sampler.warm_up is not None
            ),
            rounds=sampler.rounds() if good and self.timed else None,
        )


def _readings(one: Stretch) -> dict[str, float]:
    """What a worker read beside the time of a round; nothing where it tells nothing."""
    told = {PAGE_FAULTS: one.page_faults, READ_SECONDS: one.read_seconds}
    return {name: value for name, value in told.items() if value is not None}


def _fitted(oracle: Oracle, facts: Facts, checkpoints: Sequence[Checkpoint]) -> Facts:
    """With the coefficients and the losses of a fit."""
    coefficients = list(checkpoints[-1].after[: oracle.parameters])
    losses = [(one.step, one.loss) for one in checkpoints]
    exact = [(one.step, float(oracle.loss(one.step - 1))) for one in checkpoints]
    if not all(abs(value) <= LARGEST for value in (*coefficients, *(loss for _, loss in (*losses, *exact)))):
        return facts  # of a fit that diverges, and is wrong: no file could hold them
    return msgspec.structs.replace(facts, coefficients=coefficients, losses=losses, exact_losses=exact)
