"""What runs were made on and how, as a pandas frame: the machine, the software, and who disturbed them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bench.record import Run


def machines(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a run: the machine, the software, and how the run was made."""
    return pd.DataFrame([_machine(label, run) for label, run in runs.items()]).set_index("run")


def _machine(label: str, run: Run) -> dict[str, Any]:
    told = run.machine.get("fitbench", {})
    commit, comparison = told.get("git_commit"), told.get("comparison") or {}
    return {
        "run": label,
        "file": str(run.path),
        "date": run.datetime,
        "CPU": told.get("cpu"),
        "cores": told.get("cores"),
        "physical_cores": told.get("physical_cores"),
        "affinity": _listed(told.get("affinity") or ()),
        "governor": told.get("governor"),
        "load_average": _listed(f"{load:.2f}" for load in told.get("load_average") or ()),
        "other_runs": _listed(f"pid {pid}" for pid in others(run)),
        "memory_bytes": told.get("memory_bytes"),
        "devices": _listed(f"{one.device}: {one.device_name}" for one in run.records if one.device_name),
        "OS": told.get("os"),
        "threads": _listed(one.threads for one in run.records if one.threads is not None),
        "steps": _listed(one.steps for one in run.records),
        "seed": _listed(one.seed for one in run.records),
        "environment": _listed(f"{name}={value}" for name, value in (told.get("environment") or {}).items()),
        "A/B_side": f"{comparison.get('side')}: {comparison.get('spec')}" if comparison else None,
        "A/B_comparison": comparison.get("id"),
        "git_commit": commit and commit[:10] + (" + uncommitted changes" if told.get("git_dirty") else ""),
        "Python": told.get("python"),
        **told.get("packages", {}),
    }


def others(run: Run) -> list[int]:
    """The processes of other runs of fitbench that went on beside this one: its timings suffered."""
    return list(run.machine.get("fitbench", {}).get("other_runs") or ())


def _listed(values: Iterable[Any]) -> str | None:
    return ", ".join(dict.fromkeys(map(str, values))) or None
