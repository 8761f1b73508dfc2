"""One group of cases in one process: they converge, are checked, and take turns, one round each, until all have done.

What becomes of a case there is a sample: plain data, as the journal keeps it.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.agreement import Agreement, DisagreementError, check, check_timed
from bench.bound import Bound
from bench.caches import has, mark
from bench.case import Case
from bench.machine import cpu_name
from bench.oracle import PARAMETERS
from bench.pool import Pool, Started
from bench.sampling import Sampler, steps_of_round
from bench.sides import Side
from bench.workers import Deadline, WorkerError, cores

Sample = dict[str, Any]
TIMING = ("time", "steps", "seconds", "cpu_seconds")


@dataclass
class Member:
    """A case of the group on one side, and what is known of it so far."""

    side: Side
    case: Case
    deadline: Deadline
    sampler: Sampler
    worker: Started | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    cold: dict[str, Any] = field(default_factory=dict)
    agreement: Agreement | None = None
    pace: float | None = None
    round_steps: int = 1
    done: int = 0  # steps of the fit that is being timed
    checked: int = 0  # rounds of fits that were checked where they ended
    failure: str | None = None

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        assert self.worker is not None
        with self.deadline as left:
            return self.worker.process.ask(request, left, **arguments)


class Group:
    """Members that are compared with each other, in one process of the run."""

    def __init__(self, pool: Pool, members: Sequence[Member], bound: Bound, sha: str, disable_gc: bool) -> None:
        self.pool, self.members, self.bound, self.sha, self.disable_gc = pool, members, bound, sha, disable_gc
        self.interrupted = False
        self.process = members[0].sampler.process
        self.random = random.Random(f"{members[0].case.group} {pool.choice.seed} {self.process}")

    def run(self, timed: bool) -> list[Sample]:
        """The samples of its members. After a KeyboardInterrupt, `interrupted` is set and they hold what is sound."""
        try:
            for member in self._shuffled():
                self._attempt(member, self._converge)
            if timed:
                self._take_turns()
            for member in self.members:
                self._attempt(member, self._finish)
        except KeyboardInterrupt:
            self.interrupted = True
            self.pool.kill()
            for member in self.members:
                member.sampler.cut(member.checked)
        samples = (self._sample(member, timed) for member in self.members)
        return [sample for sample in samples if sample is not None]

    def _shuffled(self) -> list[Member]:
        """The members that have not failed, in a new order: backend by backend, so that its sides are neighbours."""
        by_backend: dict[str, list[Member]] = {}
        for member in self.members:
            if member.failure is None:
                by_backend.setdefault(member.case.backend, []).append(member)
        backends = list(by_backend.values())
        self.random.shuffle(backends)
        for sides in backends:
            self.random.shuffle(sides)
        return [member for sides in backends for member in sides]

    def _attempt(self, member: Member, action: Callable[..., None], *arguments: Any) -> None:
        """Do something for a case that has not failed; its failure is its own."""
        if member.failure is None:
            try:
                action(member, *arguments)
            except (WorkerError, DisagreementError) as error:
                member.failure = str(error)

    def _converge(self, member: Member) -> None:
        case, problem = member.case, self.bound.problem
        member.worker = self.pool.worker(member.side, case, member.deadline)
        built = member.ask(
            "build",
            variant=case.variant,
            device=case.device,
            dtype=case.dtype,
            points=case.points,
            seed=problem.seed,
            steps=problem.steps,
        )
        if built.pop("digest") != self.sha:
            raise DisagreementError("the worker's data differ in their bits from the oracle's")
        warm = has(member.worker.cache, case.id)
        converged = member.ask("converge")
        mark(member.worker.cache, case.id)
        member.cold = self._cold(member.worker, built.pop("build_seconds"), converged, warm)
        name = built.pop("device_name")
        member.facts = {
            **built,
            "device_name": cpu_name() if name == "cpu" else name,
            "cores": cores(self.pool.choice.threads),
        }
        if converged["not_finite_at"] is not None:
            raise DisagreementError(f"became NaN or infinite at step {converged['not_finite_at']}")
        checkpoints = converged["checkpoints"]
        member.facts |= self._fitted(checkpoints)
        member.agreement = check(self.bound, checkpoints)
        paces = [one["pace"] for one in checkpoints if one["pace"] is not None]
        member.pace = sorted(paces)[len(paces) // 2] if paces else converged["first_call_seconds"]

    def _cold(self, worker: Started, build: float, converged: Mapping[str, Any], warm: bool) -> dict[str, Any]:
        hits = converged["cache_hits"]
        return {
            **{name: worker.answer[name] for name in ("started", "import_seconds", "startup_seconds")},
            "build_seconds": build,
            "first_call_seconds": converged["first_call_seconds"],
            "cache_state": None if hits is None else "warm" if warm else "empty",
            "cache_hits": hits,
            # Told by `finish`, which an interrupted group does not come to.
            "steady_build_seconds": None,
            "steady_call_seconds": None,
        }

    def _fitted(self, checkpoints: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        exact = self.bound.trajectory.losses
        return {
            "coefficients": checkpoints[-1]["after"][:PARAMETERS],
            "losses": [[one["step"], one["loss"]] for one in checkpoints],
            "exact_losses": [[one["step"], float(exact[one["step"] - 1])] for one in checkpoints],
        }

    def _take_turns(self) -> None:
        """Rounds in turns: each turn gives every backend one, in an order of its own, so that drift hits all alike."""
        here = self.members[0].side
        for member in self.members:
            # Both sides of a backend make rounds of the same steps: the pace is that of the first that has one.
            paces = [one.pace for one in self._sides_of(member) if one.pace is not None]
            if paces:
                member.round_steps = steps_of_round(paces[0], self.bound.problem.steps)
        turn = 0
        while active := [member for member in self._shuffled() if self._goes_on(member)]:
            yardstick = self._yardstick(here)
            for place, member in enumerate(active):
                self._attempt(member, self._round, {"turn": turn, "place": place, "yardstick_seconds": yardstick})
            turn += 1

    def _yardstick(self, side: Side) -> float | None:
        """Seconds, or None where its worker fails: rounds are sound without it, only other runs' are not compared."""
        try:
            return self.pool.yardstick(side)
        except WorkerError:
            return None

    def _sides_of(self, member: Member) -> list[Member]:
        return [one for one in self.members if one.case == member.case]

    def _goes_on(self, member: Member) -> bool:
        """The sides of a case end together, so that every round of one has its counterpart."""
        return any(not one.sampler.done for one in self._sides_of(member) if one.failure is None)

    def _round(self, member: Member, when: Mapping[str, Any]) -> None:
        answer = member.ask("round", steps=member.round_steps, disable_gc=self.disable_gc)
        member.sampler.add({**when, **{name: answer[name] for name in TIMING}})
        member.done = answer["done"]
        if member.done == self.bound.problem.steps:
            self._leave(member)

    def _leave(self, member: Member) -> None:
        """What was timed is what is checked: the timed fit, at the checkpoint where it ends or which comes next."""
        left = member.ask("leave")
        try:
            check_timed(self.bound, left["step"], left["state"], left["loss"], left["next"])
        except DisagreementError as error:
            raise DisagreementError(f"round {len(member.sampler.rounds)}: {error}") from None
        member.done, member.checked = 0, len(member.sampler.rounds)

    def _finish(self, member: Member) -> None:
        if member.done:
            self._leave(member)
        answer = member.ask("finish")
        for name in ("steady_build_seconds", "steady_call_seconds"):
            member.cold[name] = answer.pop(name)
        member.facts.update(answer)
        if answer["recompiles"]:
            raise DisagreementError(f"recompiled {answer['recompiles']} time(s) after the first call")
        if answer["graph_breaks"]:
            raise DisagreementError(f"the step is not one graph: {answer['graph_breaks']} graph break(s)")

    def _sample(self, member: Member, timed: bool) -> Sample | None:
        if member.failure is None and (member.agreement is None or (timed and not member.sampler.rounds)):
            return None  # not reached
        good = member.failure is None and member.agreement is not None
        return {
            "side": member.side.label,
            "process": self.process,
            "case": member.case.id,
            "failure": member.failure,
            "facts": member.facts,
            "agreement": member.agreement.as_dict() if good and member.agreement else None,
            "cold": {
                "process": self.process,
                **member.cold,
                "warm_up_rounds": member.sampler.warm_up,
                "warm": member.sampler.warm_up is not None,
            },
            "rounds": member.sampler.columns() if good and timed else None,
        }
