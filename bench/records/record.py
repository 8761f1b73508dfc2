"""What a case leaves behind: the record of a run, and the sample of one of its processes.

Fields that were not reached are None. Times are in seconds, memory in bytes.
"""

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from bench.cases.case import Case
from bench.cases.choice import MOST_PROCESSES
from bench.records.limits import (
    MOST_PACKAGES,
    Clock,
    Count,
    Error,
    Name,
    Positive,
    Seconds,
    Steps,
    Text,
    Value,
)
from bench.records.rounds import Columns, Rounds, joined
from bench.support.errors import InputError
from bench.truth.agreement import Agreement

# 1: the first; one process a case, its rounds a list of objects.
# 2: several processes a case; rounds in columns, with process, time, steps and a control; cold start by process.
# 3: a panel of controls instead of the one.
# 4: readings in rounds; the compiler's options, and the fingerprint of what it generated.
SCHEMA: Final = 4

Outcome = Literal["measured", "agreed", "skipped", "failed", "not reached"]
MEASURED: Final = "measured"
AGREED: Final = "agreed"
SKIPPED: Final = "skipped"
FAILED: Final = "failed"
NOT_REACHED: Final = "not reached"
RIGHT = (MEASURED, AGREED)

Cores = Annotated[list[Count], Meta(max_length=10_000)]
Processes = Annotated[int, Meta(ge=1, le=MOST_PROCESSES)]
Losses = Annotated[list[tuple[Steps, Value]], Meta(max_length=1_000_000)]


class ProcessStart(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of a case paid before its second iteration, and how it warmed up.

    process: its number; started: when, in seconds since 1970. import_seconds and startup_seconds are shared by all its
    cases that import the same packages; build_seconds and first_call_seconds are this case's; steady_build_seconds and
    steady_call_seconds the same once everything is compiled. cache_state: of compiled code on disk, None where there is
    none; cache_hits and compilations: in the first call. beside: how many jobs of the run went on beside its start on
    other cores, at most; 0 if it was alone, as in all files of older versions. warm_up_rounds: before the warm-up was
    over; warm: whether a test ended it.
    """

    process: Count
    started: Clock | None = None
    import_seconds: Seconds | None = None
    startup_seconds: Seconds | None = None
    build_seconds: Seconds | None = None
    first_call_seconds: Seconds | None = None
    cache_state: Literal["empty", "warm"] | None = None
    cache_hits: Count | None = None
    compilations: Count | None = None
    beside: Count = 0
    steady_build_seconds: Seconds | None = None
    steady_call_seconds: Seconds | None = None
    warm_up_rounds: Count | None = None
    warm: bool = False

    @property
    def whole(self) -> bool:
        """Whether it came to its second iteration."""
        return None not in (self.import_seconds, self.startup_seconds, self.build_seconds, self.first_call_seconds)


class Sampling(msgspec.Struct, frozen=True):
    """How sampling ended.

    stopped: "precision" if the median's interval is as narrow as asked for; else "max-rounds" if a process made the
    most rounds that any may, and "max-time" if none did; "decided" if an A/B run gave it no more processes since its
    verdict stood; "interrupted" if the run ended before all processes that were asked for had their turn, however
    narrow the interval. half_width: of that interval, relative to the median; None
    where nothing is known of it. asked: the processes that were asked for; None in files of older versions.
    """

    stopped: Literal["precision", "max-time", "max-rounds", "decided", "interrupted"]
    half_width: Error | None
    asked: Processes | None = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the kept rounds of a case come to, as the report shows it: whoever reads it needs no statistics.

    seconds: per iteration, at the machine's own quiet state: the mean of process_seconds, which are each process's own,
    by ascending number of the process. low, high: an interval that holds it with `confidence`; None where nothing is
    known of it. unstable: whether the processes differ by more than the machine explains, so that no one figure tells
    what the case takes; unstable_kind: in two "modes", or by a "drift"; modes: the seconds of the two modes, or those
    of the first process and the last. raw_seconds: as read, whatever the machine's state: the median over processes of
    the median of each one's rounds. factors: of the machine's state that are taken away, none where the figures are as
    read; loadings: by factor, what the log of the seconds moves by with it. taken: rounds that had to share their core
    with another program, as their CPU time tells.
    """

    seconds: Positive
    low: Positive | None
    high: Positive | None
    confidence: Annotated[float, Meta(gt=0, lt=1)]
    process_seconds: Annotated[list[Positive], Meta(min_length=1, max_length=MOST_PROCESSES)]
    unstable: bool
    unstable_kind: Literal["modes", "drift"] | None = None
    modes: tuple[Positive, Positive] | None = None
    raw_seconds: Positive | None = None
    factors: Annotated[list[Literal["core", "memory"]], Meta(max_length=2)] = []
    loadings: Annotated[list[Value], Meta(max_length=2)] = []
    taken: Count = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a fit apart from its timings.

    losses: pairs of a step, counted from 1, and the loss that it saw; exact_losses: the same of the oracle.
    peak_memory_bytes: of the whole process; data_peak_bytes: what of it came on top of what was resident before the
    data were made; data_predicted_bytes: what the arrays were expected to take of it.
    compiler_options: what the compiler was told on top of its defaults; fingerprint: the SHA-256, in hex, of the code
    that it generated, or that processes differ in it; None where there is no compiler, it does not tell, or in older
    files.
    """

    device_name: Text | None = None
    threads: Count | None = None
    cores: Cores | None = None
    matmul_precision: Name | None = None
    graph_breaks: Count | None = None
    recompiles: Count | None = None
    peak_memory_bytes: Count | None = None
    data_peak_bytes: Count | None = None
    data_predicted_bytes: Count | None = None
    coefficients: Annotated[list[Value], Meta(max_length=100)] | None = None
    losses: Losses | None = None
    exact_losses: Losses | None = None
    compiler_options: Annotated[dict[Name, Text], Meta(max_length=100)] = {}
    fingerprint: Name | None = None


class Record(Facts, frozen=True, kw_only=True):
    """One case of one run.

    outcome: "measured"; "agreed", checked but not timed, as asked; "skipped" or "failed", with the reason;
    "not reached", because the run ended before its first round was told. estimate: what the rounds come to; None in
    files of older versions. lost: the processes that count for nothing because their worker was killed, died or did not
    answer in time, each with the reason: "process 19: killed". unwritten: whether the code of the run did not have this
    case at all. Raises ValueError for a case that is said to be right and lacks what shows it.
    """

    case: Case
    outcome: Outcome
    reason: Text | None
    seed: Count
    steps: Steps
    schema: Literal[4] = SCHEMA
    agreement: Agreement | None = None
    processes: Annotated[list[ProcessStart], Meta(max_length=MOST_PROCESSES)] | None = None
    rounds: Rounds | None = None
    sampling: Sampling | None = None
    estimate: Estimate | None = None
    lost: Annotated[list[Text], Meta(max_length=MOST_PROCESSES)] = []
    unwritten: bool = False

    def __post_init__(self) -> None:
        if self.outcome in RIGHT and self.agreement is None:
            raise ValueError(f"outcome {self.outcome!r}: expected an `agreement`")
        if self.outcome in RIGHT and not (self.processes and all(one.whole for one in self.processes)):
            raise ValueError(f"outcome {self.outcome!r}: expected `processes` with all parts of their start")
        if self.outcome == MEASURED and (self.rounds is None or False not in self.rounds.warm_up):
            raise ValueError("outcome 'measured': expected `rounds` after the warm-up")

    @property
    def kept(self) -> Columns:
        """The rounds that came after the warm-up, as arrays; empty ones where nothing was timed."""
        return (self.rounds or joined(())).kept.arrays()

    @property
    def cut_short(self) -> bool:
        """Whether the run ended before all was measured of it that was planned."""
        return self.outcome == NOT_REACHED or (self.sampling is not None and self.sampling.stopped == "interrupted")

    def flat(self) -> dict[str, Any]:
        """As a file holds it: the case in flat fields."""
        rest = msgspec.structs.asdict(self)
        del rest["case"]
        plain: dict[str, Any] = msgspec.to_builtins({**asdict(self.case), **rest})
        return plain


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case in one process of a run, on one side.

    failure: why it is not right there; transient: whether that says nothing of the case, since its worker was lost.

    Raises ValueError for one that is said to be right and lacks what shows it.
    """

    side: Name
    process: Count
    case: Case
    failure: Text | None
    facts: Facts
    agreement: Agreement | None
    start: ProcessStart
    rounds: Rounds | None
    transient: bool = False

    def __post_init__(self) -> None:
        if self.transient and self.failure is None:
            raise ValueError("expected a `failure` that is transient")
        if self.failure is None and (self.agreement is None or not self.start.whole):
            raise ValueError("expected a `failure`, or an `agreement` and all parts of the `start`")
        if self.rounds is not None and False not in self.rounds.warm_up:
            raise ValueError("expected `rounds` after the warm-up")


class Comparison(msgspec.Struct, frozen=True):
    """Of a run that is one side of an A/B comparison: which comparison, which side, and the user's words for it.

    looks: after how many processes a case was looked at, from the first number to the last; None in files of older
    versions, whose cases all had as many as were asked for. Raises ValueError for looks that end before they begin.
    """

    id: Name
    side: Name
    spec: Text
    looks: tuple[Processes, Processes] | None = None

    def __post_init__(self) -> None:
        if self.looks is not None and self.looks[0] > self.looks[1]:
            raise ValueError("expected `looks` that begin before they end")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and the software of a run; what the system did not tell is None.

    caches: bytes of those that data of one core go through, by name ("L1d", "L2", "L3"); none where the system does not
    tell, and in older files. page_seconds: that a page of memory takes to be given to a process, at least; None in
    older files. packages: the distributions that compute, by lower-case name. environment: the variables that may
    change a timing. other_runs: processes of runs of fitbench that went on beside this one. code: the SHA-256, in hex,
    of all code under bench and impls. command: that makes such a run again; None in older files. cut_short: whether the
    run ended before all that was planned was measured. controls: what they were computed by, which is fitbench's own
    interpreter and NumPy whatever is compared; None in older files, which had it computed by what the run itself was.
    """

    cpu: Text | None = None
    cores: Count | None = None
    physical_cores: Count | None = None
    affinity: Cores | None = None
    governor: Text | None = None
    load_average: Annotated[list[Error], Meta(max_length=3)] | None = None
    memory_bytes: Count | None = None
    caches: Annotated[dict[Name, Annotated[int, Meta(ge=1)]], Meta(max_length=10)] = {}
    page_seconds: Seconds | None = None
    os: Text | None = None
    python: Name | None = None
    packages: Annotated[dict[Text, Text], Meta(max_length=MOST_PACKAGES)] = {}
    environment: Annotated[dict[Text, Text], Meta(max_length=MOST_PACKAGES)] = {}
    git_commit: Name | None = None
    git_dirty: bool | None = None
    other_runs: Annotated[list[Count], Meta(max_length=MOST_PACKAGES)] = []
    code: Name | None = None
    comparison: Comparison | None = None
    cut_short: bool = False
    controls: Text | None = None
    command: Text | None = None

    @property
    def controls_by(self) -> str:
        """What computed the controls: their seconds are compared with those of the same kind only."""
        return self.controls or f"python {self.python}, numpy {self.packages.get('numpy')}"


class Run(msgspec.Struct, frozen=True, dict=True):
    """One file: where it came from, when and on what machine it was made, and its records.

    disable_gc: whether Python collected no garbage in rounds; None where the file does not tell. unfinished: whether it
    was read from the journal of a run that still went on, or was cut short.
    """

    path: Path
    datetime: str
    machine: Machine
    records: tuple[Record, ...]
    disable_gc: bool | None = None
    unfinished: bool = False

    @cached_property
    def by_case(self) -> dict[Case, Record]:
        """The records. Raises InputError if the run holds a case twice."""
        found: dict[Case, Record] = {}
        for one in self.records:
            if found.setdefault(one.case, one) is not one:
                raise InputError(f"{self.path}: {one.case.id}: the run holds this case twice")
        return found

    @cached_property
    def measured(self) -> dict[Case, Record]:
        """Those that were timed."""
        return {case: one for case, one in self.by_case.items() if one.outcome == MEASURED}
