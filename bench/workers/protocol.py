"""What a worker is asked and what it answers, one JSON line each, so that the other side may be anywhere.

Requests: `Start` once; then for each case `Build`, `Converge`, any number of `Round` and `Leave`, `Finish`, `Explain`
or `Trace`. A worker that is asked for `Control` alone needs no start. The wire is what workers of older revisions
understand: change it only with PROTOCOL.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration
from bench.cases.case import AXES, Case, split
from bench.truth.probes import Probe
from bench.truth.problem import Checkpoint

# Told by `Started`, so that a checkout of another revision is not asked what its workers do not understand.
# 1: a round is a whole fit. 2: a round is a stretch of a fit, `leave` ends it.
PROTOCOL = 2


@dataclass(frozen=True)
class Started:
    """import_seconds and startup_seconds: what the process paid; devices: those seen, with the hardware's names."""

    import_seconds: float
    startup_seconds: float
    devices: dict[str, str]
    protocol: int = 1


@dataclass(frozen=True)
class Controlled:
    """The seconds that each control took."""

    seconds: list[float]


@dataclass(frozen=True)
class Built:
    """digest: of the data's bits; threads and matmul_precision: what is in force; None where nobody tells.

    import_seconds: what the packages that this implementation imports took, whichever case of the process was first.
    compiler_options: what the compiler is told on top of its defaults.
    """

    build_seconds: float
    digest: str
    device_name: str
    threads: int | None
    matmul_precision: str
    import_seconds: float = 0.0
    compiler_options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Converged:
    """The first call, then a whole fit by its checkpoints. not_finite_at: the step that became NaN or infinite.

    What older workers do not tell: compilations, counted in the first call like cache_hits; interpreted, whether Python
    ran the step's own code after the fit, None where there is no compiler; dtypes, of the data, the state and the loss;
    probes, single steps from far away.
    """

    first_call_seconds: float
    cache_hits: int | None
    checkpoints: list[Checkpoint]
    not_finite_at: int | None
    compilations: int | None = None
    interpreted: bool | None = None
    dtypes: dict[str, list[str]] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)


@dataclass(frozen=True)
class Stretch:
    """A timed round: when it ended, seconds per iteration, and how many steps of the fit are done.

    What older workers do not tell: page_faults per iteration, that needed no disk; read_seconds, in which a yardstick
    read the data once.
    """

    time: float
    steps: int
    seconds: float
    cpu_seconds: float
    done: int
    page_faults: float | None = None
    read_seconds: float | None = None


@dataclass(frozen=True)
class Left:
    """Where a timed fit stood at its next checkpoint, and the state one step further; the last two as in Converged."""

    step: int
    state: list[float]
    loss: float
    next: list[float]
    interpreted: bool | None = None
    dtypes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """What a case took, and what its start and one call take once all is compiled, in seconds.

    data_peak_bytes: the peak of its memory above what was resident before its data were made; code: the texts that its
    compiler generated, normalised, by name. Older workers tell neither.
    """

    peak_memory_bytes: int | None
    recompiles: int | None
    graph_breaks: int | None
    steady_build_seconds: float
    steady_call_seconds: float
    data_peak_bytes: int | None = None
    code: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Explained:
    """What one iteration of the case consists of; profile: the fractions of its seconds by what they go to."""

    iteration: Iteration
    profile: dict[str, float]


@dataclass(frozen=True)
class Traced:
    """The graphs of a step that the framework builds; notes alone where it builds none."""

    graphs: list[Graph]


A = TypeVar("A")


class Request(Generic[A]):
    """A request whose answer is of the type `answer`."""

    answer: ClassVar[type]

    def wire(self) -> dict[str, Any]:
        """As it goes over the line."""
        return {"request": type(self).__name__.lower(), **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Request[A]":
        return cls(**fields)


@dataclass(frozen=True)
class Start(Request[Started]):
    """device: to warm up, None for none; cores: to be pinned to, None for none."""

    answer = Started
    backend: str
    device: str | None
    threads: int
    cores: list[int] | None


@dataclass(frozen=True)
class Control(Request[Controlled]):
    answer = Controlled
    cores: list[int] | None
    names: list[str]


@dataclass(frozen=True)
class Build(Request[Built]):
    answer = Built
    case: Case
    seed: int
    steps: int

    def wire(self) -> dict[str, Any]:
        axes = self.case.values()
        del axes["backend"]  # it was told by Start
        # Workers of older revisions have no axis that came later, and are as if it stood at its default.
        told = {each.name: axes[each.name] for each in AXES if axes.get(each.name, each.default) != each.default}
        return {"request": "build", **told, "seed": self.seed, "steps": self.steps}

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Build":
        axes, rest = split(fields)
        return cls(Case(**{"backend": "the worker's", **axes}), **rest)


@dataclass(frozen=True)
class Converge(Request[Converged]):
    answer = Converged


@dataclass(frozen=True)
class Round(Request[Stretch]):
    answer = Stretch
    steps: int
    disable_gc: bool


@dataclass(frozen=True)
class Leave(Request[Left]):
    answer = Left


@dataclass(frozen=True)
class Finish(Request[Finished]):
    answer = Finished


@dataclass(frozen=True)
class Explain(Request[Explained]):
    """steps: to profile. A case that was explained is not timed any more."""

    answer = Explained
    steps: int


@dataclass(frozen=True)
class Trace(Request[Traced]):
    """A case that was traced is let go of."""

    answer = Traced


REQUESTS: dict[str, type[Request[Any]]] = {
    kind.__name__.lower(): kind for kind in (Start, Control, Build, Converge, Round, Leave, Finish, Explain, Trace)
}


def request_of(fields: dict[str, Any]) -> tuple[str, Request[Any]]:
    """The request of a line, and its name."""
    name = fields.pop("request")
    return name, REQUESTS[name].of(fields)
