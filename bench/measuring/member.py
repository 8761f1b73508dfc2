"""A case of a group on one side, and what is known of it while it is measured."""

from dataclasses import dataclass, field
from typing import TypeVar

from bench.cases.case import Case
from bench.cases.memory import data_bytes
from bench.measuring.sampling import Sampler
from bench.measuring.scheduler import Cores
from bench.records.record import Facts, ProcessStart
from bench.sides.side import Side
from bench.truth.agreement import Agreement
from bench.workers.pool import Running
from bench.workers.process import Deadline
from bench.workers.protocol import Converged, Finished, Request

A = TypeVar("A")


@dataclass
class Member:
    """A case of the group on one side, and what is known of it so far.

    pace: seconds per iteration, of an earlier process if there is one: what is read while others go on beside it is not
    what the turns will take. cores: where it converged. digest, converged and finished: as its worker told them.
    data_bytes: that its data are expected to take.
    """

    side: Side
    case: Case
    deadline: Deadline
    sampler: Sampler
    worker: Running | None = None
    facts: Facts = field(default_factory=Facts)
    start: ProcessStart = field(init=False)
    data_bytes: int = field(init=False)
    cores: Cores = None
    digest: str | None = None
    converged: Converged | None = None
    finished: Finished | None = None
    agreement: Agreement | None = None
    pace: float | None = None
    round_steps: int = 1
    done: int = 0  # steps of the fit that is being timed
    rounds: int = 0  # that were made
    failure: str | None = None
    transient: bool = False  # of the failure: its worker was lost

    def __post_init__(self) -> None:
        self.start = ProcessStart(process=self.sampler.process)
        self.data_bytes = data_bytes(self.case, self.side.root)

    def ask(self, request: Request[A]) -> A:
        assert self.worker is not None
        with self.deadline as left:
            return self.worker.process.ask(request, left)
