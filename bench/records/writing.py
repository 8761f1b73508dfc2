"""The JSON of a run, written: pytest-benchmark's form, for the runs that it makes and for those that it does not."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from pytest_benchmark.stats import Stats

from bench.cases.case import Case
from bench.records.record import MEASURED, SCHEMA, Machine, Record
from bench.support.files import write_atomically
from bench.support.paths import anonymous


def machine_info(machine: Machine) -> dict[str, Any]:
    """What pytest-benchmark tells of a machine, and compares; ours under a name of its own."""
    return {
        "node": "",  # the host's name is nobody's business, but pytest-benchmark's `compare` asks for one
        "machine": platform.machine(),
        "processor": platform.processor(),
        "system": platform.system(),
        "release": platform.release(),
        "python_version": machine.python,
        "python_implementation": platform.python_implementation(),
        "fitbench": msgspec.to_builtins(machine),
    }


def document(
    records: Mapping[Case, Record],
    machine: Machine,
    disable_gc: bool,
    commit: Mapping[str, Any] | None = None,
    data: bool = True,
) -> dict[str, Any]:
    """A whole run, which is said to be cut short if any of its cases was.

    commit: as pytest-benchmark tells it; data: whether `stats` hold the figure of each process.
    """
    timed = {case: record for case, record in records.items() if record.outcome == MEASURED}
    machine = msgspec.structs.replace(machine, cut_short=any(one.cut_short for one in records.values()))
    options = {"disable_gc": disable_gc, "timer": "worker"}
    return {
        "machine_info": machine_info(machine),
        "commit_info": dict(commit or {"id": machine.git_commit, "dirty": machine.git_dirty}),
        "benchmarks": [_timed(case, record, options, data) for case, record in timed.items()],
        "datetime": datetime.now(UTC).isoformat(),
        "version": version("pytest-benchmark"),
        "fitbench_schema": SCHEMA,
        "not_measured": [_entry(case, record) for case, record in records.items() if case not in timed],
    }


def write(path: Path, whole: Mapping[str, Any]) -> None:
    """Write a document in one step. Raises OSError, and leaves the file as it was."""
    write_atomically(path, msgspec.json.encode(whole).decode())


def _entry(case: Case, record: Record) -> dict[str, Any]:
    """One case, timed or not, without its statistics. What is said of it, a reason for one, may quote a path."""
    told = {name: _anonymous(value) for name, value in record.flat().items()}
    return {"group": case.group, "name": f"test_fit[{case.id}]", "extra_info": told}


def _anonymous(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [anonymous(each) for each in value]
    return anonymous(value) if isinstance(value, str) else value


def _timed(case: Case, record: Record, options: Mapping[str, Any], data: bool) -> dict[str, Any]:
    assert record.estimate is not None
    name, seconds = f"test_fit[{case.id}]", record.estimate.process_seconds
    return {
        **_entry(case, record),
        "fullname": f"bench/test_fit.py::{name}",
        "params": asdict(case),
        "param": case.id,
        "options": dict(options),
        "stats": {**statistics_of(seconds), **({"data": seconds} if data else {})},
    }


def statistics_of(seconds: Sequence[float]) -> dict[str, Any]:
    """As pytest-benchmark has them, of seconds per iteration."""
    stats = Stats()
    for value in seconds:
        stats.update(value)
    return {**stats.as_dict(), "iterations": 1}
