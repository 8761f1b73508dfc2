"""Cold start: what each process of a case paid before its second iteration, by the state in which it began.

A process is of the state "empty" or "warm", after what its first call found in the cache of compiled code, or "no
cache" where the backend keeps none on disk. Of several in a state those count that had the fewest others beside them.
"steady" is what the start of a fit and its first call cost in a process that has made many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.records.record import ProcessStart, Record

EMPTY, WARM, UNCACHED, STEADY = "empty", "warm", "no cache", "steady"
CACHED = (EMPTY, WARM)
FRESH = (EMPTY, WARM, UNCACHED)
ASKED = {"empty": (EMPTY, UNCACHED), "warm": (WARM, UNCACHED), "again": (STEADY, STEADY)}  # or else the second
PARTS = {
    "import_seconds": "import",
    "startup_seconds": "startup",
    "build_seconds": "build",
    "first_call_seconds": "first call",
}
AGAIN = {"build_seconds": "steady_build_seconds", "first_call_seconds": "steady_call_seconds"}


@dataclass(frozen=True)
class Start:
    """What a case costs before its second iteration, in one state: seconds, of so many processes.

    parts: the median of each part over the processes, NaN where there is no such part or a process lacks it; total:
    the median of the processes' own totals, which need not be the sum of those medians; low, high: their range.
    """

    state: str
    processes: int
    parts: dict[str, float]
    total: float
    low: float
    high: float


def starts(record: Record) -> list[Start]:
    """The states of a case that is right, fresh ones first."""
    processes = record.processes or []
    fresh = [(state, quietest([one for one in processes if state_of(one) == state])) for state in FRESH]
    found = [_start(state, those, {name: name for name in PARTS}) for state, those in fresh if those]
    settled = [one for one in processes if None not in (getattr(one, name) for name in AGAIN.values())]
    return [*found, *([_start(STEADY, settled, AGAIN)] if settled else [])]


def asked(found: Sequence[Start]) -> dict[str, Start | None]:
    """Of the starts of a case, those that users ask for, by name: without a cache, empty and warm are the same."""
    by_state = {one.state: one for one in found}
    return {name: by_state.get(state) or by_state.get(other) for name, (state, other) in ASKED.items()}


def state_of(process: ProcessStart) -> str:
    """In which state a process began its first call."""
    return UNCACHED if process.cache_state is None else process.cache_state


def quietest(processes: Sequence[ProcessStart]) -> list[ProcessStart]:
    """Those that started beside the fewest others on other cores."""
    least = min((one.beside for one in processes), default=0)
    return [one for one in processes if one.beside == least]


def costs(record: Record, state: str) -> npt.NDArray[np.float64]:
    """Seconds before the second iteration, by process, of those that began in this state.

    A process that has no cache is in any state: it costs the same.
    """
    those = [one for one in record.processes or () if state_of(one) in (state, UNCACHED)]
    return _values(quietest(those), list(PARTS)).sum(axis=1)


def compiles(record: Record) -> bool:
    """Whether the case keeps compiled code on disk, and so has a cold and a warm start."""
    return any(state_of(one) in CACHED for one in record.processes or ())


def _start(state: str, processes: Sequence[ProcessStart], columns: Mapping[str, str]) -> Start:
    values = _values(processes, list(columns.values()))
    parts = dict(zip(columns, np.median(values, axis=0).tolist(), strict=True))
    totals = values.sum(axis=1)
    return Start(
        state=state,
        processes=len(processes),
        parts={name: parts.get(name, np.nan) for name in PARTS},
        total=float(np.median(totals)),
        low=float(totals.min()),
        high=float(totals.max()),
    )


def _values(processes: Sequence[ProcessStart], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Processes x parts; NaN for what a process lacks."""
    rows = [[getattr(one, name) for name in names] for one in processes]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
