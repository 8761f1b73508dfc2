"""What a case leaves behind: the record of a run, and the sample of one of its processes.

Fields that were not reached are None. Times are in seconds, memory in bytes. What each field means is its description:
docs/records.md is made of these.
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
    """What one process paid before the second iteration of the case, and how it warmed up."""

    process: Annotated[Count, Meta(description="its number")]
    started: Annotated[Clock | None, Meta(description="when, in seconds since 1970")] = None
    import_seconds: Annotated[
        Seconds | None,
        Meta(
            description="NumPy, the framework and what else the implementation imports; shared by the cases of the"
            " process that import the same"
        ),
    ] = None
    startup_seconds: Annotated[
        Seconds | None, Meta(description="first use of the device and of the compiler; shared likewise")
    ] = None
    build_seconds: Annotated[
        Seconds | None,
        Meta(description="the implementation's own file, data to the device, features and state"),
    ] = None
    first_call_seconds: Annotated[Seconds | None, Meta(description="compiling, and one step")] = None
    cache_state: Annotated[
        Literal["empty", "warm"] | None,
        Meta(
            description="of compiled code on disk when it began: `empty` or `warm`; null without such a cache",
        ),
    ] = None
    cache_hits: Annotated[Count | None, Meta(description="in the first call")] = None
    compilations: Annotated[Count | None, Meta(description="in the first call; null where there is no compiler")] = None
    beside: Annotated[
        Count,
        Meta(
            description="how many other jobs of the run went on on other cores while it started and converged, at"
            " most; 0: it was alone, as in files without this field"
        ),
    ] = 0
    steady_build_seconds: Annotated[Seconds | None, Meta(description="`build_seconds` once everything is compiled")] = (
        None
    )
    steady_call_seconds: Annotated[
        Seconds | None, Meta(description="`first_call_seconds` once everything is compiled")
    ] = None
    warm_up_rounds: Annotated[Count | None, Meta(description="before the warm-up was over")] = None
    warm: Annotated[bool, Meta(description="whether a test ended the warm-up, rather than its time")] = False

    @property
    def whole(self) -> bool:
        """Whether it came to its second iteration."""
        return None not in (self.import_seconds, self.startup_seconds, self.build_seconds, self.first_call_seconds)


class Sampling(msgspec.Struct, frozen=True):
    """How the sampling of a case ended."""

    stopped: Annotated[
        Literal["precision", "max-time", "max-rounds", "decided", "interrupted"],
        Meta(
            description="`precision`: the median's interval was narrow enough; `max-time`: the time was up;"
            " `max-rounds`: a process made the most rounds that any may; `decided`: `bench.ab` gave it no more"
            " processes, since its verdict stood; `interrupted`: the run ended before all processes had their turn,"
            " however narrow the interval"
        ),
    ]
    half_width: Annotated[
        Error | None,
        Meta(description="of that interval, relative to the median; null where nothing is known of it"),
    ]
    asked: Annotated[
        Processes | None,
        Meta(
            description="the processes that were asked for; in `bench.ab` the most that a side may have; null in older"
            " files"
        ),
    ] = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the rounds after the warm-up come to, as the report shows it: whoever reads it needs no statistics. `stats`
    are those of `process_seconds`.
    """

    seconds: Annotated[
        Positive,
        Meta(description="per iteration, at the machine's own quiet state: the mean of `process_seconds`"),
    ]
    low: Annotated[
        Positive | None,
        Meta(description="one end of an interval that holds it with `confidence`; null where nothing is known of it"),
    ]
    high: Annotated[Positive | None, Meta(description="the other")]
    confidence: Annotated[float, Meta(gt=0, lt=1, description="of the interval, a fraction of 1")]
    process_seconds: Annotated[
        list[Positive],
        Meta(
            min_length=1,
            max_length=MOST_PROCESSES,
            description="each process's own figure, net of the machine, by ascending number of the process",
        ),
    ]
    unstable: Annotated[
        bool,
        Meta(
            description="whether the processes differ by more than the machine explains, so that no one figure tells"
            " what the case takes"
        ),
    ]
    unstable_kind: Annotated[Literal["modes", "drift"] | None, Meta(description="`modes` or `drift`")] = None
    modes: Annotated[
        tuple[Positive, Positive] | None,
        Meta(description="the seconds of the two modes, or those of the first process and the last"),
    ] = None
    raw_seconds: Annotated[
        Positive | None,
        Meta(
            description="as read, whatever the machine's state: the median over processes of the median of each one's"
            " rounds"
        ),
    ] = None
    factors: Annotated[
        list[Literal["core", "memory"]],
        Meta(
            max_length=2,
            description="of the machine's state that are taken away: `core`, `memory`; none where the figures are as"
            " read",
        ),
    ] = []
    loadings: Annotated[
        list[Value],
        Meta(max_length=2, description="by factor: by how much the log of the seconds moves with it"),
    ] = []
    taken: Annotated[
        Count,
        Meta(description="rounds that had to share their core with another program, as their CPU time tells"),
    ] = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a fit apart from its timings."""

    device_name: Annotated[Text | None, Meta(description="as the system or the framework names it")] = None
    threads: Annotated[Count | None, Meta(description="that the worker really used")] = None
    cores: Annotated[Cores | None, Meta(description="that it was pinned to")] = None
    matmul_precision: Annotated[Name | None, Meta(description="of matrix products, in the framework's word")] = None
    graph_breaks: Annotated[Count | None, Meta(description="of compiled code; null where there can be none")] = None
    recompiles: Annotated[Count | None, Meta(description="after the first call")] = None
    peak_memory_bytes: Annotated[
        Count | None,
        Meta(description="resident size of the whole worker process, framework included, while the case ran"),
    ] = None
    data_peak_bytes: Annotated[
        Count | None,
        Meta(
            description="what of that came on top of what was resident before the data of the case were made; null in"
            " older files"
        ),
    ] = None
    data_predicted_bytes: Annotated[
        Count | None,
        Meta(
            description="what the arrays of the case were expected to take at once, as its file under `impls/` states"
            " it (`ARRAYS`); null in older files"
        ),
    ] = None
    coefficients: Annotated[
        Annotated[list[Value], Meta(max_length=100)] | None,
        Meta(description="at the end of the fit: a, b, c, and so on, in the variant's own parametrisation"),
    ] = None
    losses: Annotated[
        Losses | None,
        Meta(description="pairs of a step, counted from 1, and the loss that it saw, before its update"),
    ] = None
    exact_losses: Annotated[Losses | None, Meta(description="the same of the exact fit")] = None
    compiler_options: Annotated[
        dict[Name, Text],
        Meta(
            max_length=100,
            description="what the compiler was told on top of its defaults, by the name of the option",
        ),
    ] = {}
    fingerprint: Annotated[
        Name | None,
        Meta(
            description="the SHA-256, in hex, of the code that the compiler generated, names and addresses normalised;"
            " `differs between processes` where the processes of the run do not agree; null where there is no"
            " compiler, where it does not tell (Numba tells nothing of code that it found in a cache), or in older"
            " files. It is no hash of machine code: another version of XLA or of the C++ compiler may make other code"
            " of the same text"
        ),
    ] = None


class Record(Facts, frozen=True, kw_only=True):
    """One case of one run, with the fields of its `Case` and its `Facts` beside its own.

    Raises ValueError for a case that is said to be right and lacks what shows it.
    """

    case: Case
    outcome: Annotated[
        Outcome,
        Meta(
            description="`measured`; `agreed`: right, but not timed, as asked; `skipped`, `failed`: see `reason`; `not"
            " reached`: the run ended before its first round was told"
        ),
    ]
    reason: Annotated[Text | None, Meta(description="why it was skipped or failed, in one line")]
    seed: Annotated[Count, Meta(description="of the random start and of the order of turns")]
    steps: Annotated[
        Steps,
        Meta(description="iterations of a fit: as many as were asked for, or fewer at large sizes (`--fit-time`)"),
    ]
    schema: Annotated[
        Literal[4], Meta(description="of this record; what changed since 1 is told in `bench/records/record.py`")
    ] = SCHEMA
    agreement: Annotated[Agreement | None, Meta(description="an `Agreement`")] = None
    processes: Annotated[
        Annotated[list[ProcessStart], Meta(max_length=MOST_PROCESSES)] | None,
        Meta(description="a `ProcessStart` each"),
    ] = None
    rounds: Annotated[Rounds | None, Meta(description="a `Rounds`: columns of one length")] = None
    sampling: Annotated[Sampling | None, Meta(description="a `Sampling`")] = None
    estimate: Annotated[
        Estimate | None, Meta(description="an `Estimate`, of a case that was timed; null in older files")
    ] = None
    lost: Annotated[
        list[Text],
        Meta(
            max_length=MOST_PROCESSES,
            description="the processes that count for nothing, as their worker was killed, died or did not answer in"
            " time, each with the reason",
        ),
    ] = []
    unwritten: Annotated[bool, Meta(description="whether the code of the run did not have this case at all")] = False

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
    """Of a run that is one side of an A/B comparison: which one, which side, and what it is of.

    Raises ValueError for looks that end before they begin.
    """

    id: Annotated[Name, Meta(description="the same on both sides")]
    side: Annotated[Name, Meta(description="`a` or `b`")]
    spec: Annotated[
        Text,
        Meta(description="the user's words for it as they were written, values of variables too; home folders as `~`"),
    ]
    looks: Annotated[
        tuple[Processes, Processes] | None,
        Meta(
            description="after how many processes each case was looked at, from the first number to the last: verdicts"
            " follow from that and the rounds; null in older files, whose cases all had as many as were asked for"
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.looks is not None and self.looks[0] > self.looks[1]:
            raise ValueError("expected `looks` that begin before they end")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and the software of a run; what the system did not tell is null."""

    cpu: Annotated[Text | None, Meta(description="as the system names it")] = None
    cores: Annotated[Count | None, Meta(description="logical ones")] = None
    physical_cores: Annotated[Count | None, Meta(description="of them")] = None
    affinity: Annotated[Cores | None, Meta(description="the cores that the run was allowed")] = None
    governor: Annotated[Text | None, Meta(description="of the clock rate")] = None
    load_average: Annotated[
        Annotated[list[Error], Meta(max_length=3)] | None,
        Meta(description="over 1, 5 and 15 minutes, before the run"),
    ] = None
    memory_bytes: Annotated[Count | None, Meta(description="of the machine")] = None
    caches: Annotated[
        dict[Name, Annotated[int, Meta(ge=1)]],
        Meta(
            max_length=10,
            description="bytes of the caches that data of one core go through, by name: `L1d`, `L2`, `L3`; none where"
            " the system does not tell, and in older files",
        ),
    ] = {}
    page_seconds: Annotated[
        Seconds | None,
        Meta(
            description="that the system takes, at least, to give a process one page of memory, before the run; null"
            " in older files"
        ),
    ] = None
    os: Annotated[Text | None, Meta(description="and its version")] = None
    python: Annotated[Name | None, Meta(description="the version")] = None
    packages: Annotated[
        dict[Text, Text],
        Meta(
            max_length=MOST_PACKAGES,
            description="versions of the distributions that compute, by lower-case name: of the backends, and what"
            " they require",
        ),
    ] = {}
    environment: Annotated[
        dict[Text, Text],
        Meta(
            max_length=MOST_PACKAGES,
            description="variables that may change a timing, home folders as `~`; a value that is no known option is"
            " not recorded",
        ),
    ] = {}
    git_commit: Annotated[Name | None, Meta(description="of the checkout")] = None
    git_dirty: Annotated[bool | None, Meta(description="whether it had uncommitted changes")] = None
    other_runs: Annotated[
        list[Count],
        Meta(
            max_length=MOST_PACKAGES,
            description="process numbers of runs of fitbench that went on beside this one",
        ),
    ] = []
    code: Annotated[Name | None, Meta(description="SHA-256, in hex, of all code under bench and impls")] = None
    comparison: Annotated[
        Comparison | None, Meta(description="a `Comparison`, of a run that is one side of `bench.ab`")
    ] = None
    cut_short: Annotated[bool, Meta(description="whether the run ended before all that was planned was measured")] = (
        False
    )
    controls: Annotated[
        Text | None,
        Meta(
            description="what they were computed by: fitbench's own interpreter and NumPy, whatever is compared; null"
            " in older files, which had them computed by what the run itself was"
        ),
    ] = None
    command: Annotated[
        Text | None,
        Meta(description="what makes such a run again; null of a side of a comparison, and in older files"),
    ] = None

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
