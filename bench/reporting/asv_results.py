"""A run as airspeed velocity (asv) keeps one: files of its results folder, for `asv publish`, `show` and `compare`.

A variant is a benchmark of asv's, with the other axes of the case as its parameters. In a result NaN is what asv calls
skipped, and null what failed. Of version 2 of its results and benchmarks, and 1 of its machines.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.backends import backends
from bench.cases.case import NAMES, Case
from bench.records.record import FAILED, Estimate, Run
from bench.reporting.exports import timed
from bench.support.errors import InputError

RESULTS_VERSION, BENCHMARKS_VERSION, MACHINE_VERSION = 2, 2, 1
FIGURES_VERSION = "1"  # of ours: asv shows no results of another beside it
BENCHMARKS = "benchmarks.json"
PREFIX = "fitbench."  # of the names of our benchmarks
PARAMETERS = [name for name in NAMES if name != "variant"]
LONGEST = 127  # characters of a name; of a longer environment asv takes the hash

# asv's interval is one of 99 %, which a run does not tell. By infinite ends, as it writes them of too few samples, it
# calls nothing different: it goes by the samples, a process each, of which it needs seven a side.
UNKNOWN = (-math.inf, math.inf)
COLUMNS = [
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples"),
]
Files = dict[Path, str]


def files(run: Run, folder: Path) -> Files:
    """What belongs into a results folder of asv's, by path: the results, the machine, and the list of benchmarks, which
    keeps those that it has. Nothing is written.

    Raises InputError for a run of no known commit or date or without timings, and for a list that is none of asv's.
    """
    commit, when, machine = _commit(run), _milliseconds(run), _machine(run)
    requirements = _requirements(run)
    environment = _environment(run.machine.python or "", requirements)
    axes = _axes(run)
    results = {
        "version": RESULTS_VERSION,
        "commit_hash": commit,
        "env_name": environment,
        "date": when,
        "params": {**machine, "python": run.machine.python or "", **requirements},
        "python": run.machine.python or "",
        "requirements": requirements,
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": _results(run, axes, when),
        "durations": {},
    }
    place = folder / machine["machine"]
    return {
        place / "machine.json": _json({**machine, "version": MACHINE_VERSION}),
        folder / BENCHMARKS: _json(_listed(folder / BENCHMARKS, axes)),
        place / f"{commit[:8]}-{environment}.json": json.dumps(results),  # with the NaN and infinity of asv's
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=4, sort_keys=True)


def _commit(run: Run) -> str:
    commit = run.machine.git_commit or ""
    if not re.fullmatch("[0-9a-f]{8,64}", commit):
        raise InputError(f"{run.path}: tells no git commit; asv keeps results by commit: expected a run of a checkout")
    return commit


def _milliseconds(run: Run) -> int:
    """When the run was made, as JavaScript counts. asv has the date of the commit here, which a run does not tell."""
    try:
        return round(1000 * datetime.fromisoformat(run.datetime).timestamp())
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"{run.path}: `datetime` is {run.datetime!r}; expected a date, by which asv has results"
        ) from None


def _machine(run: Run) -> dict[str, str]:
    """As asv describes one. It has no host name: a machine is known by its CPU."""
    told = run.machine
    return {
        "machine": _plain(told.cpu or "unknown"),
        "os": told.os or "",
        "arch": "",  # which a run does not tell apart from its system
        "cpu": told.cpu or "",
        "num_cpu": str(told.cores or ""),
        "ram": str(told.memory_bytes or ""),
    }


def _requirements(run: Run) -> dict[str, str]:
    """The versions of what the backends of the run are made of."""
    known = backends()
    used = {one.case.backend for one in run.records} & {*known}
    names = dict.fromkeys(name for backend in known if backend in used for name in known[backend].packages)
    return {name: run.machine.packages[name] for name in names if name in run.machine.packages}


def _environment(python: str, requirements: Mapping[str, str]) -> str:
    """As asv names one; one that is too long by its hash, so that no two have one name."""
    versions = (f"{name}{requirements[name]}" for name in sorted(requirements))
    whole = "-".join(["fitbench", f"py{python}", *versions])
    short = f"env-{hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()}"
    return _plain(whole if len(whole) <= LONGEST else short)


def _plain(text: str) -> str:
    """Text that is a name of a file or a folder everywhere, whatever a run holds."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")[:LONGEST] or "unknown"


Axes = dict[str, list[list[str]]]


def _axes(run: Run) -> Axes:
    """By benchmark, the values of each parameter, as asv writes them: as Python does."""
    found: dict[str, list[Case]] = {}
    for one in run.records:
        found.setdefault(_name(one.case), []).append(one.case)
    return {
        name: [list(dict.fromkeys(repr(getattr(case, each)) for case in cases)) for each in PARAMETERS]
        for name, cases in found.items()
    }


def _name(case: Case) -> str:
    return f"{PREFIX}{case.variant}"


def _results(run: Run, axes: Axes, when: int) -> dict[str, list[Any]]:
    figures = {_place(one.case): figure for one, figure in timed(run)}
    failed = {_place(one.case) for one in run.records if one.outcome == FAILED}
    rows = {}
    for name, values in axes.items():
        places = [(name, *place) for place in itertools.product(*values)]
        hole = {place: None if place in failed else math.nan for place in places}
        result = [figures[place].seconds if place in figures else hole[place] for place in places]
        told = [_statistics(figures[place]) if place in figures else [None] * 7 for place in places]
        rows[name] = [result, values, FIGURES_VERSION, when, None, *map(list, zip(*told, strict=True))]
    return rows


def _place(case: Case) -> tuple[str, ...]:
    return (_name(case), *(repr(getattr(case, each)) for each in PARAMETERS))


def _statistics(figure: Estimate) -> list[Any]:
    """Of a result: the ends of its interval, its quartiles, the iterations of a sample, and the samples: a process is
    one.
    """
    samples = figure.process_seconds
    return [*UNKNOWN, *np.quantile(samples, [0.25, 0.75]).tolist(), 1, len(samples), samples]


def _listed(path: Path, axes: Axes) -> dict[str, Any]:
    """The list of benchmarks with ours in it. Values of parameters that it had are kept: older results have them."""
    listed = _read(path)
    for name, values in axes.items():
        before = listed.get(name, {}).get("params", [[]] * len(values))
        listed[name] = {
            "name": name,
            "pretty_name": name,
            "code": "",
            "type": "time",
            "unit": "seconds",
            "version": FIGURES_VERSION,
            "param_names": PARAMETERS,
            "params": [_joined(*pair) for pair in zip(before, values, strict=True)],
        }
    return {**listed, "version": BENCHMARKS_VERSION}


def _joined(before: Sequence[str], now: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*before, *now]))


def _read(path: Path) -> dict[str, Any]:
    """The list that is there, or an empty one."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a list of asv's") from None
    except (ValueError, RecursionError):
        found = None
    version = found.pop("version", None) if isinstance(found, dict) else None
    if version != BENCHMARKS_VERSION or not all(map(_fits, found.values())):
        expected = f"expected a list of benchmarks of asv's, of version {BENCHMARKS_VERSION}"
        raise InputError(f"{path}: damaged, or of another kind; {expected}, or another --output")
    return dict(found)


def _fits(entry: Any) -> bool:
    """Whether it is one of asv's, with our parameters if it is called as ours are."""
    match entry:
        case {"name": str(name), "param_names": list(names), "params": list(params)}:
            whole = len(params) == len(PARAMETERS) and all(isinstance(each, list) for each in params)
            return not name.startswith(PREFIX) or (names == PARAMETERS and whole)
    return False
