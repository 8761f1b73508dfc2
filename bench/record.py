"""What a case leaves behind, and the JSON in which it stands.

A file is pytest-benchmark's JSON. A measured case is one of its `benchmarks`: `stats` are seconds per iteration, and
`extra_info` is a Record. A case that was not timed is in `not_measured`, in the same form without `stats`: every case
that was planned is in the one list or the other.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.errors import InputError

# 1: the first; one process a case, its rounds a list of objects.
# 2: several processes a case; rounds in columns, with process, time, steps and yardstick; cold start by process.
SCHEMA = 2

ROUND = ("process", "turn", "place", "time", "steps", "seconds", "cpu_seconds", "yardstick_seconds", "warm_up")

MEASURED, AGREED, SKIPPED, FAILED, NOT_REACHED = "measured", "agreed", "skipped", "failed", "not reached"


@dataclass(frozen=True)
class Record:
    """One case of one run. What was not reached is None. Times are in seconds, memory in bytes.

    outcome: "measured"; "agreed", checked but not timed, as asked; "skipped" or "failed", with the reason;
    "not reached", because the run ended before its first round was told.
    processes: one object a process: its number and when it started; import_seconds and startup_seconds, which its
    cases share; build_seconds and first_call_seconds of this case; steady_build_seconds
    and steady_call_seconds, the same once everything is compiled; cache_state ("empty", "warm", or None where there is
    no cache of compiled code on disk) and cache_hits; warm_up_rounds, and warm: whether a test ended the warm-up.
    rounds: columns, a row a round, in the order in which they were made: process, turn, place in the turn, time (when
    the round ended, in seconds since 1970), steps, seconds and cpu_seconds per iteration, yardstick_seconds
    (what the fixed yardstick took in that turn), and warm_up: whether the round came before the warm-up was over.
    sampling: how the sampling ended: `stopped` is "precision" if the interval is as narrow as asked for and else
    "max-time", half_width that of the interval of the median, relative to it.
    losses: pairs of a step, counted from 1, and the loss that it saw; exact_losses: the same of the oracle.
    agreement: as bench.agreement.Agreement, or None.
    """

    variant: str
    backend: str
    device: str
    dtype: str
    points: int
    outcome: str
    reason: str | None
    seed: int
    steps: int
    schema: int = SCHEMA
    device_name: str | None = None
    threads: int | None = None
    cores: list[int] | None = None
    matmul_precision: str | None = None
    graph_breaks: int | None = None
    recompiles: int | None = None
    peak_memory_bytes: int | None = None
    coefficients: list[float] | None = None
    losses: list[list[float]] | None = None
    exact_losses: list[list[float]] | None = None
    agreement: dict[str, Any] | None = None
    processes: list[dict[str, Any]] | None = None
    rounds: dict[str, list[Any]] | None = None
    sampling: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Run:
    """One file: where it came from, when and on what machine it was made, and its records with their timings."""

    path: Path
    datetime: str
    machine: dict[str, Any]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        return self.path.stem


def load(path: Path) -> Run:
    """Read a run. Raises InputError for a file that is missing, not JSON, not of fitbench, or of another schema."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected the JSON of a run") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text; expected the JSON of a run") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON, or truncated (line {error.lineno}: {error.msg})") from None
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise InputError(f"{path}: JSON, but not of pytest-benchmark; expected the JSON of `pytest bench`")
    untimed, machine = document.get("not_measured", []), document.get("machine_info", {})
    if not isinstance(untimed, list) or not isinstance(machine, dict):
        raise InputError(f"{path}: damaged: `not_measured` must be a list and `machine_info` an object")
    records = [_record(path, entry) for entry in [*document["benchmarks"], *untimed]]
    if not records:
        raise InputError(f"{path}: holds no case")
    return Run(path, str(document.get("datetime", "")), machine, tuple(records))


def _record(path: Path, entry: Any) -> Record:
    info = entry.get("extra_info") if isinstance(entry, dict) else None
    if not isinstance(info, dict) or "schema" not in info or "variant" not in info:
        raise InputError(
            f"{path}: JSON of pytest-benchmark, but of another project: no fitbench record in its extra_info"
        )
    if info["schema"] != SCHEMA:
        raise InputError(f"{path}: written in schema {info['schema']}; this fitbench reads schema {SCHEMA}")
    known = {field.name for field in fields(Record)}
    try:
        record = Record(**{name: value for name, value in info.items() if name in known})
    except TypeError as error:
        raise InputError(f"{path}: a record is incomplete ({error})") from None
    for name, kind in (("variant", str), ("backend", str), ("device", str), ("dtype", str), ("points", int)):
        if not isinstance(value := getattr(record, name), kind):
            raise InputError(f"{path}: a record's `{name}` is {value!r}; expected {kind.__name__}")
    _sound(path, record)
    return record


def _sound(path: Path, record: Record) -> None:
    """Raises InputError unless the rounds are whole columns of possible values."""
    rounds, what = record.rounds, f"{record.variant}, {record.backend}"
    if rounds is None:
        return
    if not isinstance(rounds, dict) or set(rounds) != set(ROUND) or len({len(rounds[name]) for name in ROUND}) != 1:
        raise InputError(f"{path}: the rounds of {what} are damaged; expected columns {', '.join(ROUND)} of one length")
    for seconds in rounds["seconds"]:
        if not (isinstance(seconds, float) and 0 < seconds < math.inf):
            raise InputError(f"{path}: a round of {what} took {seconds!r}; expected seconds > 0")


def newest(folder: Path) -> Path:
    """The run written last in a folder. Raises InputError if there is none."""
    files: Sequence[Path] = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise InputError(f"{folder}: no run to report; make one with: pytest bench --benchmark-json={folder}/run.json")
    return files[-1]
