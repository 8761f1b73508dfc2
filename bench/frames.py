"""The records of one or more runs as pandas frames, raw in SI units.

`cases` makes the one frame that tables and pictures are taken from: a row a case, whatever became of it. Columns that
are ordered (run, variant, backend) are categoricals, in the order in which everything shows them. A case that has no
figure keeps its row, with its outcome and its reason: a hole, which tables label and note.
"""

import itertools
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

import pandas as pd

import impls
from bench.backends import backends
from bench.errors import InputError
from bench.record import AGREED, MEASURED, Record, Run

BASELINE, BASELINE_DEVICE = "numpy", "cpu"
KEYS = ["run", "device", "points", "dtype", "variant", "backend"]
FIGURE = KEYS[:3]  # the cases that share a picture
TABLE = KEYS[:4]  # the cases that share a table
PARTS = {
    "import_seconds": "import",
    "startup_seconds": "startup",
    "build_seconds": "build",
    "first_call_seconds": "first call",
}
RESOURCES = ["device_name", "threads", "cores", "matmul_precision", "peak_memory_bytes", "recompiles", "graph_breaks"]
AGREEMENT = ["kind", "horizon", "replayed", "digits", "worst_error", "worst_name", "worst_step", "bound_fraction"]
TIMING = ["rounds", "median_seconds", "min_seconds", "max_seconds"]
INTEGERS = ["rounds", "threads", "peak_memory_bytes", "recompiles", "graph_breaks", "horizon", "replayed", "worst_step"]
COLUMNS = {
    "iteration-time": [*TIMING, "steps", "seed"],
    "speedup": ["baseline_seconds", "median_seconds", "speedup"],
    "cold-start": [*PARTS, "total_seconds", "cache_state"],
    "agreement": [*AGREEMENT, "excess_loss", "largest_bound", "a", "b", "c", "d"],
    "resources": RESOURCES,
}


def labelled(runs: Iterable[Run]) -> dict[str, Run]:
    """Runs by the name that a reader tells them apart by: the stem, after as many folders as it takes.

    Raises InputError for a file that is given twice.
    """
    files: dict[tuple[str, ...], Run] = {}
    for run in runs:
        parts = run.path.resolve().with_suffix("").parts
        if files.setdefault(parts, run) is not run:
            raise InputError(f"{run.path}: given twice; expected different runs")
    return {_shortest(parts, list(files)): run for parts, run in files.items()}


def _shortest(parts: tuple[str, ...], everyone: list[tuple[str, ...]]) -> str:
    sizes = range(1, len(parts) + 1)
    size = next(size for size in sizes if sum(other[-size:] == parts[-size:] for other in everyone) == 1)
    return "/".join(parts[-size:])


def cases(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a case: what names it, its outcome, and its figures in SI units, per iteration where it is timings.

    Column `record` holds the record. Speedup is the median of the baseline, of the same run, variant, dtype and points
    on the cpu, over the median of the case. Raises InputError for a run that contradicts itself.
    """
    rows = [_row(label, run, record) for label, run in runs.items() for record in run.records]
    baselines = {
        _peers(row): row.get("median_seconds")
        for row in rows
        if row["backend"] == BASELINE and row["device"] == BASELINE_DEVICE
    }
    for row in rows:
        row["baseline_seconds"] = baselines.get(_peers(row))
    names = list(dict.fromkeys([*KEYS, "outcome", "reason", "record", *itertools.chain(*COLUMNS.values())]))
    frame = pd.DataFrame(rows, columns=names)
    if (twice := frame[frame.duplicated(KEYS)]).size:
        case = ", ".join(str(twice.iloc[0][name]) for name in KEYS)
        raise InputError(f"{case}: the run holds this case twice")
    for name in INTEGERS:
        frame[name] = frame[name].astype("Int64")
    for name in ("median_seconds", "baseline_seconds", "total_seconds", "digits", *PARTS):
        frame[name] = frame[name].astype("float64")
    frame["speedup"] = frame["baseline_seconds"] / frame["median_seconds"]
    for name, known in (("run", runs), ("variant", impls.variants()), ("backend", backends())):
        found = list(frame[name].unique())
        order = [*(each for each in known if each in found), *(each for each in found if each not in known)]
        frame[name] = pd.Categorical(frame[name], order, ordered=True)
    return frame.sort_values(KEYS, ignore_index=True, kind="stable")


def _peers(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("run", "variant", "dtype", "points"))


def _row(label: str, run: Run, record: Record) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in (*KEYS[1:], "outcome", "reason", "steps", "seed")}
    row |= {"run": label, "record": record}
    if record.outcome == AGREED:
        row["reason"] = "right, but not timed, as asked"
    elif record.outcome != MEASURED:
        return row | {"reason": record.reason or "no reason is recorded"}
    # Only a case that is right has figures.
    try:
        return row | _figures(record)
    except (TypeError, KeyError) as error:
        case = ", ".join(str(row[name]) for name in KEYS[1:])
        raise InputError(f"{run.path}: {case}: {record.outcome}, but its record is incomplete ({error})") from None


def _figures(record: Record) -> dict[str, Any]:
    if record.agreement is None or (record.outcome == MEASURED and not record.rounds):
        raise KeyError("rounds" if record.agreement else "agreement")
    parts = {name: getattr(record, name) for name in PARTS}
    known = None not in parts.values()
    figures = {
        **record.agreement,
        **parts,
        **{name: getattr(record, name) for name in RESOURCES},
        "cores": None if record.cores is None else " ".join(map(str, record.cores)),
        "total_seconds": sum(parts.values()) if known else None,
        "cache_state": record.cache_state,
        **dict(zip("abcd", record.coefficients or (), strict=False)),
    }
    if record.rounds:
        times = [one["seconds"] for one in record.rounds]
        figures |= dict(zip(TIMING, (len(times), median(times), min(times), max(times)), strict=True))
    return figures


def rounds(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a timed fit: seconds and cpu_seconds are per iteration; `turn` and `place` say when it was made."""
    rows = [
        {**{name: getattr(row, name) for name in KEYS}, **one}
        for row in frame[frame["outcome"] == MEASURED].itertuples()
        for one in row.record.rounds
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "turn", "place", "seconds", "cpu_seconds"])


def losses(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a checkpoint of a case that is right: the loss, the exact one, and |loss - exact| / exact."""
    rows = [
        (*(getattr(row, name) for name in KEYS), step, loss, exact, abs(loss - exact) / exact)
        for row in frame[right(frame)].itertuples()
        for (step, loss), (_, exact) in zip(row.record.losses or (), row.record.exact_losses or (), strict=False)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "step", "loss", "exact_loss", "relative_error"])


def right(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Which cases agree with the exact fit, timed or not."""
    return frame["outcome"].isin([MEASURED, AGREED])


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """What a column holds, in the order in which it is shown."""
    return list(frame[column].cat.remove_unused_categories().cat.categories)


def about(group: pd.DataFrame) -> str:
    """Which cases a picture or a table is about, in one line."""
    first = group.iloc[0]
    names = ", ".join(sorted(set(group["device_name"].dropna()) - {first["device"]}))
    dtype = f", {first['dtype']}" if group["dtype"].nunique() == 1 else ""
    points, steps = first["points"], first["steps"]
    return f"Run {first['run']}: {first['device']}{names and f' ({names})'}{dtype}, {points} points, {steps} steps"


def machines(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a run: the machine, the software, and how the run was made."""
    return pd.DataFrame([_machine(label, run) for label, run in runs.items()]).set_index("run")


def _machine(label: str, run: Run) -> dict[str, Any]:
    told = run.machine.get("fitbench", {})
    commit = told.get("git_commit")
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
        "memory_bytes": told.get("memory_bytes"),
        "devices": _listed(f"{one.device}: {one.device_name}" for one in run.records if one.device_name),
        "OS": told.get("os"),
        "threads": _listed(one.threads for one in run.records if one.threads is not None),
        "steps": _listed(one.steps for one in run.records),
        "seed": _listed(one.seed for one in run.records),
        "git_commit": commit and commit[:10] + (" + uncommitted changes" if told.get("git_dirty") else ""),
        "Python": told.get("python"),
        **told.get("packages", {}),
    }


def _listed(values: Iterable[Any]) -> str | None:
    return ", ".join(dict.fromkeys(map(str, values))) or None
