"""Records and files of runs for tests: small, whole, and every figure in them chosen by the test."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.cases.case import Case, split
from bench.records.record import MEASURED, RIGHT, Machine, ProcessStart, Record, Run, Sampling
from bench.records.rounds import COLUMNS, Rounds
from bench.statistics.estimate import estimated
from bench.support.controls import CONTROLS
from bench.truth.agreement import Agreement

AGREEMENT = Agreement(
    kind="trajectory",
    horizon=200,
    replayed=0,
    worst_error=1e-6,
    worst_step=200,
    worst_name="loss",
    digits=6.0,
    bound_fraction=0.125,
    largest_bound=8e-6,
    excess_loss=0.1,
)
CASE: dict[str, Any] = {
    "variant": "manual",
    "backend": "numpy",
    "device": "cpu",
    "dtype": "float32",
    "points": 2000,
}
MACHINE: dict[str, Any] = {
    "cpu": "A CPU",
    "cores": 2,
    "physical_cores": 1,
    "affinity": [0, 1],
    "memory_bytes": 2**34,
    "os": "An OS",
    "python": "3.11.7",
    "packages": {"torch": "2.13.0", "jax": "0.10.2", "numpy": "2.4.6"},
    "git_commit": "0123456789abcdef",
    "git_dirty": True,
}


def case(**axes: Any) -> Case:
    return Case(**{**CASE, **axes})


def start(process: int = 0, state: str | None = None, **changes: Any) -> ProcessStart:
    """What one process of a case paid: 0.5, 0.25, 0.125 and 2 s."""
    told = {
        "started": 1e9 + process,
        "import_seconds": 0.5,
        "startup_seconds": 0.25,
        "build_seconds": 0.125,
        "first_call_seconds": 2.0,
        "steady_build_seconds": 1e-5,
        "steady_call_seconds": 3e-5,
        "cache_state": state,
        "cache_hits": None if state is None else 0,
        "warm_up_rounds": 0,
        "warm": True,
    }
    return ProcessStart(process=process, **{**told, **changes})


def flat(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Processes x rounds as columns `seconds` and `process`."""
    return seconds.ravel(), np.repeat(np.arange(len(seconds)), seconds.shape[1])


def rounds(
    seconds: Sequence[Sequence[float]], warm_up: int = 0, control: float | None = 0.0005, **columns: Any
) -> Rounds:
    """Rounds of processes, each a row: one in 0.2 s, the first `warm_up` of a process before it was warm.

    control: the seconds that every control took in every turn.
    """
    rows = [
        (number, turn, 0, 100.0 * number + 0.2 * turn, 20, float(each), float(each), turn < warm_up)
        for number, process in enumerate(seconds)
        for turn, each in enumerate(process)
    ]
    made = {name: list(column) for name, column in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
    controls = {name: [control] * len(rows) for name in CONTROLS}
    return Rounds(**{**made, "controls": controls, **columns})


def record(
    seconds: Any = ((4e-5, 1e-5, 2e-5),), outcome: str = MEASURED, reason: str | None = None, **changes: Any
) -> Record:
    """A record as a run makes it: axes of the case and fields may be changed; one that is not right has no facts.

    seconds: per iteration, processes x turns, or of one process.
    """
    axes, rest = split(changes)
    each = np.atleast_2d(seconds).tolist() if not isinstance(seconds[0], list) else seconds
    facts: dict[str, Any] = {}
    if outcome in RIGHT:
        facts = {
            "processes": [start(number) for number in range(len(each))],
            "device_name": "A CPU",
            "threads": 1,
            "cores": [1],
            "matmul_precision": "highest",
            "peak_memory_bytes": 3 * 2**20,
            "coefficients": [0.0, 0.85, 0.0, -0.09],
            "losses": [(100, 700.0), (200, 10.00001)],
            "exact_losses": [(100, 700.0), (200, 10.0)],
            "agreement": AGREEMENT,
        }
    if outcome == MEASURED:
        made = rounds(each)
        facts |= {"rounds": made, "sampling": Sampling("precision", 0.0125)}
    told = {"outcome": outcome, "reason": reason, "seed": 7, "steps": 200}
    whole = Record(case=case(**axes), **{**told, **facts, **rest})
    return whole if outcome != MEASURED or {"estimate", "sampling"} & {*rest} else estimated([whole])[0]


def run_of(name: str, records: Iterable[Record], **machine: Any) -> Run:
    """A run that was never written."""
    return Run(Path(name), "2026-11-23T15:53:25+00:00", Machine(**{**MACHINE, **machine}), tuple(records))


def write(path: Path, records: Iterable[Record | dict[str, Any]], **machine: Any) -> Path:
    """A run's JSON, in the shape of pytest-benchmark; a record may be given flat, and so be damaged."""
    told = msgspec.to_builtins({**MACHINE, **machine})
    entries = [one.flat() if isinstance(one, Record) else one for one in records]
    timed = [one for one in entries if one.get("outcome") == MEASURED]
    document = {
        "machine_info": {"fitbench": told},
        "datetime": "2026-11-23T15:53:25+00:00",
        "benchmarks": [{"extra_info": one, "stats": {}} for one in timed],
        "not_measured": [{"extra_info": one} for one in entries if one not in timed],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(document))
    return path
