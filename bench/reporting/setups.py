"""What runs were made on and how, as a pandas frame: the machine, the software, and who disturbed them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from bench.records.record import Run
from bench.reporting import units
from bench.support.paths import anonymous


def setups(runs: Mapping[str, Run], packages: Collection[str] | None = None) -> pd.DataFrame:
    """One row a run: the machine, how the run was made, and the versions of the given packages, or of all."""
    return pd.DataFrame([_setup(label, run, packages) for label, run in runs.items()]).set_index("run")


def _setup(label: str, run: Run, packages: Collection[str] | None) -> dict[str, Any]:
    told = run.machine
    commit, comparison = told.git_commit, told.comparison
    setup = {
        "run": label,
        "file": anonymous(str(run.path)),
        "date": run.datetime,
        "CPU": told.cpu,
        "cores": told.cores,
        "physical_cores": told.physical_cores,
        "affinity": _listed(told.affinity or ()),
        "governor": told.governor,
        "load_average": _listed(f"{load:.2f}" for load in told.load_average or ()),
        "other_runs": _listed(f"pid {pid}" for pid in told.other_runs),
        "memory_bytes": told.memory_bytes,
        "caches": _listed(f"{name} {units.memory(size)}" for name, size in told.caches.items()),
        "page_seconds": told.page_seconds,
        "devices": _listed(f"{one.case.device}: {one.device_name}" for one in run.records if one.device_name),
        "OS": told.os,
        "threads": _listed(one.threads for one in run.records if one.threads is not None),
        "steps": _listed(one.steps for one in run.records),
        "seed": _listed(one.seed for one in run.records),
        "environment": _listed(f"{name}={value}" for name, value in told.environment.items()),
        "A/B_side": comparison and f"{comparison.side}: {comparison.spec}",
        "A/B_comparison": comparison and comparison.id,
        "cut_short": "yes" if told.cut_short else None,
        "code": told.code and told.code[:10],
        "git_commit": commit and commit[:10] + (" + uncommitted changes" if told.git_dirty else ""),
        "Python": told.python,
    }
    wanted = {name: version for name, version in told.packages.items() if packages is None or name in packages}
    return {**setup, **wanted, **setup}  # no package takes the place of what is ours


def _listed(values: Iterable[Any]) -> str | None:
    return ", ".join(dict.fromkeys(map(str, values))) or None
