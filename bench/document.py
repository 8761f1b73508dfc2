"""The JSON of a run, in pytest-benchmark's form: what it writes itself, and the same for runs that it does not make."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_benchmark.stats import Stats

from bench.case import Case
from bench.record import MEASURED, SCHEMA, Record
from bench.sampling import kept_columns


class Draft(os.PathLike[str]):
    """A path that is written beside itself and shown as itself: what stands there stays until the draft is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path.with_name(f".{self.path.name}.{os.getpid()}.draft"))

    def __str__(self) -> str:
        return str(self.path)


def entry(case: Case, record: Record) -> dict[str, Any]:
    """One case, timed or not, without its statistics."""
    return {"group": case.group, "name": f"test_fit[{case.id}]", "extra_info": record.as_dict()}


def document(records: Mapping[Case, Record], machine: Mapping[str, Any]) -> dict[str, Any]:
    """A whole run."""
    timed = {case: record for case, record in records.items() if record.outcome == MEASURED}
    return {
        "machine_info": {
            "node": platform.node(),
            "python_version": machine["python"],
            "system": platform.system(),
            "fitbench": dict(machine),
        },
        "commit_info": {"id": machine["git_commit"], "dirty": machine["git_dirty"]},
        "benchmarks": [_timed(case, record) for case, record in timed.items()],
        "datetime": datetime.now(UTC).isoformat(),
        "version": version("pytest-benchmark"),
        "fitbench_schema": SCHEMA,
        "not_measured": [entry(case, record) for case, record in records.items() if case not in timed],
    }


def _timed(case: Case, record: Record) -> dict[str, Any]:
    name = f"test_fit[{case.id}]"
    return {
        **entry(case, record),
        "fullname": f"bench/test_fit.py::{name}",
        "params": {field: getattr(case, field) for field in ("variant", "backend", "device", "dtype", "points")},
        "param": case.id,
        "options": {},
        "stats": statistics_of(kept_columns(record.rounds or {})["seconds"]),
    }


def statistics_of(seconds: Sequence[float]) -> dict[str, Any]:
    """As pytest-benchmark has them, of seconds per iteration."""
    stats = Stats()
    for value in seconds:
        stats.update(value)
    return {**stats.as_dict(), "iterations": 1, "data": list(seconds)}
